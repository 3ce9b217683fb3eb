//! Numbers that states give their people: shape, date and check digits of each register.

use tapline_model::{ClassSet, DataClass};

use super::checksum::{luhn, mod_11_2, mod_11_10, remainder, verhoeff, weighted};
use super::text::{Compact, is_day, is_uniform, number};

type Check = fn(&Compact) -> bool;

/// What proves itself: shape and check digits leave little to chance.
const PROVEN: &[(DataClass, Check)] = &[
    (DataClass::UsSsn, |it| is_ssn(it) && it.is_grouped(&[3, 2, 4], b"- ")),
    (DataClass::UkNino, is_nino),
    (DataClass::UkNhs, is_nhs),
    (DataClass::FrNir, is_nir),
    (DataClass::EsDni, is_dni),
    (DataClass::EsNie, is_nie),
    (DataClass::ItCodiceFiscale, is_codice_fiscale),
    (DataClass::NlBsn, is_bsn),
    (DataClass::PlPesel, is_pesel),
    (DataClass::DeTaxId, is_de_tax_id),
    (DataClass::BrCpf, is_cpf),
    (DataClass::BrCnpj, is_cnpj),
    (DataClass::InAadhaar, is_aadhaar),
    (DataClass::InPan, is_in_pan),
    (DataClass::SePersonnummer, is_personnummer),
    (DataClass::FiHetu, is_hetu),
    (DataClass::NoFnr, is_fnr),
    (DataClass::NationalId, is_other),
    (DataClass::DrivingLicence, is_uk_licence),
];

/// What its name must say too.
const NAMED: &[(DataClass, Check)] = &[
    (DataClass::UsSsn, |it| is_ssn(it) && it.is_plain_or(&[3, 2, 4], b"- ")),
    (DataClass::NationalId, |it| is_other(it) || is_unchecked(it)),
    (DataClass::Passport, is_passport),
    (DataClass::DrivingLicence, is_licence),
];

/// Every class that the text is a number of.
pub(super) fn proven(compact: &Compact) -> ClassSet {
    passing(PROVEN, compact, None)
}

/// Of the classes that the name says, those that the text can be.
pub(super) fn named(compact: &Compact, names: ClassSet) -> ClassSet {
    passing(NAMED, compact, Some(names))
}

fn passing(checks: &[(DataClass, Check)], compact: &Compact, names: Option<ClassSet>) -> ClassSet {
    let mut classes = ClassSet::NONE;
    if !(7..=20).contains(&compact.bytes.len()) || compact.digits < 4 || is_uniform(&compact.bytes)
    {
        return classes;
    }
    for &(class, check) in checks {
        if names.is_none_or(|names| names.contains(class)) && check(compact) {
            classes.insert(class);
        }
    }
    classes
}

fn is_digits(compact: &Compact, len: usize) -> bool {
    compact.bytes.len() == len && compact.is_digits()
}

/// Day and month at these places.
fn is_date(compact: &Compact, month: usize, day: usize) -> bool {
    match (compact.number(month, 2), compact.number(day, 2)) {
        (Some(month), Some(day)) => is_day(month, day),
        _ => false,
    }
}

/// Whether the weighted sum leaves no remainder.
fn sums_to_zero(digits: &[u8], weights: &[u64], modulus: u64) -> bool {
    weighted(digits, weights).is_some_and(|sum| sum.is_multiple_of(modulus))
}

/// The digit that completes a weighted sum to a multiple of 11; 10 and 11 as the register has it.
fn check_11(digits: &[u8], weights: &[u64]) -> Option<u64> {
    weighted(digits, weights).map(|sum| (11 - sum % 11) % 11)
}

fn digit(compact: &Compact, place: usize) -> u64 {
    compact.number(place, 1).unwrap_or(u64::MAX)
}

/// Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000.
fn is_ssn(it: &Compact) -> bool {
    is_digits(it, 9)
        && !matches!(it.number(0, 3), Some(0 | 666 | 900..))
        && it.number(3, 2) != Some(0)
        && it.number(5, 4) != Some(0)
}

/// HMRC, NIM39110.
fn is_nino(it: &Compact) -> bool {
    let (first, second) = (it.at(0), it.at(1));
    it.bytes.len() == 9
        && it.is_plain_or(&[2, 2, 2, 2, 1], b" -")
        && first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && ![b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[first, second])
        && it.number(2, 6).is_some()
        && (b'A'..=b'D').contains(&it.at(8))
}

/// NHS data dictionary: ten digits, modulus 11.
fn is_nhs(it: &Compact) -> bool {
    is_digits(it, 10)
        && it.is_plain_or(&[3, 3, 4], b" -")
        && check_11(&it.bytes, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) == it.number(9, 1)
}

/// INSEE: sex, year, month, department, commune, order, key; the key is 97 less the remainder.
fn is_nir(it: &Compact) -> bool {
    if it.bytes.len() != 15 || !b"12".contains(&it.at(0)) {
        return false;
    }
    let mut body: [u8; 13] = [b'0'; 13];
    body.iter_mut().zip(it.part(0, 13)).for_each(|(to, &from)| *to = from);
    let mut shift = 0;
    // Corsica: 2A is 19, 2B is 18.
    if let Some(letter) = body.get_mut(6).filter(|letter| b"AB".contains(letter)) {
        shift = if *letter == b'A' { 1_000_000 } else { 2_000_000 };
        *letter = b'0';
    }
    let (Some(body), Some(key)) = (number(&body), it.number(13, 2)) else { return false };
    matches!(it.number(3, 2), Some(1..=12 | 20..=42 | 50..)) && 97 - (body - shift) % 97 == key
}

const DNI_LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn is_dni_letter(number: u64, letter: u8) -> bool {
    usize::try_from(number % 23).ok().and_then(|place| DNI_LETTERS.get(place)) == Some(&letter)
}

/// Ministerio del Interior: eight digits and the letter of their remainder by 23.
fn is_dni(it: &Compact) -> bool {
    it.bytes.len() == 9 && it.number(0, 8).is_some_and(|number| is_dni_letter(number, it.at(8)))
}

/// As the DNI, X, Y and Z being 0, 1 and 2.
fn is_nie(it: &Compact) -> bool {
    let Some(first) = it.at(0).checked_sub(b'X').filter(|&first| first < 3) else { return false };
    it.bytes.len() == 9
        && it
            .number(1, 7)
            .is_some_and(|rest| is_dni_letter(u64::from(first) * 10_000_000 + rest, it.at(8)))
}

/// Decreto ministeriale 13813 of 1976: letters of the names, year, month, day, place, check letter.
fn is_codice_fiscale(it: &Compact) -> bool {
    // For the odd places, counted from one: 0 and A are 1, and so on.
    const ODD: &[u64] = &[
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    // Where two people would have the same, digits become these letters.
    let is_number = |byte: u8| byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte);
    let fits = it.bytes.len() == 16
        && it.is_plain()
        && it.part(0, 6).iter().all(u8::is_ascii_uppercase)
        && [6, 7, 9, 10, 12, 13, 14].iter().all(|&place| is_number(it.at(place)))
        && b"ABCDEHLMPRST".contains(&it.at(8))
        && it.at(11).is_ascii_uppercase();
    if !fits {
        return false;
    }
    let sum: u64 = it
        .part(0, 15)
        .iter()
        .enumerate()
        .map(|(place, &byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.saturating_sub(b'A') };
            if place % 2 == 1 {
                u64::from(value)
            } else {
                ODD.get(usize::from(value)).copied().unwrap_or_default()
            }
        })
        .sum();
    u64::from(it.at(15)) == u64::from(b'A') + sum % 26
}

/// Rijksdienst: the eleven-test, the last weight being -1.
fn is_bsn(it: &Compact) -> bool {
    is_digits(it, 9)
        && it.is_plain_or(&[4, 2, 3], b". ")
        && weighted(&it.bytes, &[9, 8, 7, 6, 5, 4, 3, 2])
            .is_some_and(|sum| (sum + 11 * 9).wrapping_sub(digit(it, 8)).is_multiple_of(11))
}

/// Ministerstwo Cyfryzacji: a date whose month tells the century, weights 1, 3, 7, 9.
fn is_pesel(it: &Compact) -> bool {
    let month = it.number(2, 2).map_or(0, |month| month % 20);
    is_digits(it, 11)
        && it.is_plain()
        && it.number(4, 2).is_some_and(|day| is_day(month, day))
        && sums_to_zero(&it.bytes, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10)
}

/// Bundeszentralamt für Steuern: ISO/IEC 7064; of the first ten digits exactly one comes twice or
/// three times.
fn is_de_tax_id(it: &Compact) -> bool {
    if !is_digits(it, 11)
        || !it.is_plain_or(&[2, 3, 3, 3], b" ")
        || it.at(0) == b'0'
        || !mod_11_10(&it.bytes)
    {
        return false;
    }
    let count = |wanted: u8| memchr::memchr_iter(wanted, it.part(0, 10)).count();
    let counts = || (b'0'..=b'9').map(count);
    counts().all(|count| count <= 3) && counts().filter(|&count| count >= 2).count() == 1
}

/// Receita Federal: two check digits by modulus 11.
fn is_cpf(it: &Compact) -> bool {
    let check = |weights: &[u64]| {
        let rest = weighted(&it.bytes, weights).map(|sum| sum * 10 % 11)?;
        Some(if rest == 10 { 0 } else { rest })
    };
    is_digits(it, 11)
        && it.is_plain_or(&[3, 3, 3, 2], b".-")
        && check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == it.number(9, 1)
        && check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == it.number(10, 1)
}

/// Receita Federal: of companies.
fn is_cnpj(it: &Compact) -> bool {
    let check = |weights: &[u64]| {
        weighted(&it.bytes, weights)
            .map(|sum| sum % 11)
            .map(|rest| if rest < 2 { 0 } else { 11 - rest })
    };
    is_digits(it, 14)
        && it.is_plain_or(&[2, 3, 3, 4, 2], b"./-")
        && check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == it.number(12, 1)
        && check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == it.number(13, 1)
}

/// UIDAI: twelve digits by Verhoeff, the first above 1.
fn is_aadhaar(it: &Compact) -> bool {
    is_digits(it, 12)
        && it.is_plain_or(&[4, 4, 4], b" -")
        && it.at(0) >= b'2'
        && verhoeff(&it.bytes)
}

/// Income Tax Department: five letters, the fourth the kind of holder, four digits, a letter.
fn is_in_pan(it: &Compact) -> bool {
    it.bytes.len() == 10
        && it.is_plain()
        && it.part(0, 5).iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHJLPT".contains(&it.at(3))
        && it.number(5, 4).is_some_and(|serial| serial > 0)
        && it.at(9).is_ascii_uppercase()
}

/// Skatteverket: a date (day + 60 for coordination numbers), Luhn over the last ten digits.
fn is_personnummer(it: &Compact) -> bool {
    let century = match it.bytes.len() {
        10 => 0,
        12 if matches!(it.number(0, 2), Some(18..=20)) => 2,
        _ => return false,
    };
    it.is_digits()
        && it.is_plain_or(&[6 + century, 4], b"-+")
        && match (it.number(century + 2, 2), it.number(century + 4, 2)) {
            (Some(month), Some(day)) => is_day(month, if day > 60 { day - 60 } else { day }),
            _ => false,
        }
        && luhn(it.part(century, 10))
}

/// Digi- ja väestötietovirasto: date, century sign, serial, the character of the remainder by 31.
fn is_hetu(it: &Compact) -> bool {
    const CHECK: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    // The sign of the century is a separator (-, +) or a letter.
    let (serial, grouped) = match it.bytes.len() {
        10 => (6, it.is_grouped(&[6, 4], b"-+")),
        11 => (7, it.is_plain() && b"ABCDEFUVWXY".contains(&it.at(6))),
        _ => return false,
    };
    let (Some(date), Some(number)) = (it.number(0, 6), it.number(serial, 3)) else { return false };
    grouped
        && is_date(it, 2, 0)
        && (2..=899).contains(&number)
        && usize::try_from((date * 1_000 + number) % 31).ok().and_then(|place| CHECK.get(place))
            == Some(&it.at(serial + 3))
}

/// Skatteetaten: date (day + 40 for D numbers), two check digits.
fn is_fnr(it: &Compact) -> bool {
    is_digits(it, 11)
        && it.is_plain_or(&[6, 5], b" ")
        && match (it.number(2, 2), it.number(0, 2)) {
            (Some(month), Some(day)) => is_day(month, if day > 40 { day - 40 } else { day }),
            _ => false,
        }
        && check_11(&it.bytes, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) == it.number(9, 1)
        && check_11(&it.bytes, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == it.number(10, 1)
}

/// Registers of which each has a date and check digits, two check digits, or a form of its own.
fn is_other(it: &Compact) -> bool {
    match it.bytes.len() {
        8 | 9 if !it.is_digits() => is_pps(it) || is_nric(it),
        9 => is_sin(it) && it.is_grouped(&[3, 3, 3], b" -"),
        10 => is_grouped_cz(it),
        11 => is_be(it) || is_tckn(it) || is_baltic(it),
        13 => is_ahv(it) || is_za(it) || is_cnp(it) || is_rrn(it),
        18 => is_cn(it) || is_curp(it),
        _ => false,
    }
}

/// Numbers without check digits, or with one that proves little.
fn is_unchecked(it: &Compact) -> bool {
    match it.bytes.len() {
        7..=9 if !it.is_digits() => it.digits >= 5,
        8..=13 => it.is_digits(),
        14..=18 => it.digits * 2 >= it.bytes.len(),
        _ => false,
    }
}

/// Belgium: 97 less the remainder of nine digits, of the year 2000 on with a 2 before them.
fn is_be(it: &Compact) -> bool {
    let Some(body) = it.number(0, 9) else { return false };
    let key = it.number(9, 2);
    is_digits(it, 11)
        && it.is_plain_or(&[2, 2, 2, 3, 2], b".- ")
        && is_date(it, 2, 4)
        && (Some(97 - body % 97) == key || Some(97 - (2_000_000_000 + body) % 97) == key)
}

/// Türkiye.
fn is_tckn(it: &Compact) -> bool {
    let odd = weighted(&it.bytes, &[7, 0, 7, 0, 7, 0, 7, 0, 7]);
    let even = weighted(&it.bytes, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let (Some(odd), Some(even)) = (odd, even) else { return false };
    let sum = weighted(&it.bytes, &[1; 10]).map(|sum| sum % 10);
    is_digits(it, 11)
        && it.is_plain()
        && it.at(0) != b'0'
        && Some((odd + 10 * 9 - even % 90) % 10) == it.number(9, 1)
        && sum == it.number(10, 1)
}

/// Estonia and Lithuania: century and sex, date, two rounds of modulus 11.
fn is_baltic(it: &Compact) -> bool {
    let round = |weights: &[u64]| weighted(&it.bytes, weights).map(|sum| sum % 11);
    let check = match round(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) {
        Some(10) => round(&[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]).map(|rest| rest % 10),
        first => first,
    };
    is_digits(it, 11)
        && it.is_plain()
        && (b'1'..=b'8').contains(&it.at(0))
        && is_date(it, 3, 5)
        && check == it.number(10, 1)
}

/// Switzerland: 756 and the sum of an EAN.
fn is_ahv(it: &Compact) -> bool {
    is_digits(it, 13)
        && it.is_plain_or(&[3, 4, 4, 2], b".")
        && it.part(0, 3) == b"756"
        && sums_to_zero(&it.bytes, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10)
}

/// South Africa: date, citizenship 0 or 1, Luhn.
fn is_za(it: &Compact) -> bool {
    is_digits(it, 13)
        && it.is_plain_or(&[6, 4, 2, 1], b" ")
        && is_date(it, 2, 4)
        && it.at(10) <= b'1'
        && luhn(&it.bytes)
}

/// Romania: sex and century, date, county, modulus 11.
fn is_cnp(it: &Compact) -> bool {
    let check = weighted(&it.bytes, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]).map(|sum| sum % 11);
    is_digits(it, 13)
        && it.is_plain()
        && it.at(0) != b'0'
        && is_date(it, 3, 5)
        && check.map(|check| if check == 10 { 1 } else { check }) == it.number(12, 1)
}

/// South Korea: date, a dash, sex and century, modulus 11.
fn is_rrn(it: &Compact) -> bool {
    is_digits(it, 13)
        && it.is_grouped(&[6, 7], b"-")
        && is_date(it, 2, 4)
        && weighted(&it.bytes, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5])
            .map(|sum| (11 - sum % 11) % 10)
            == it.number(12, 1)
}

/// China: region, date, ISO/IEC 7064 (GB 11643).
fn is_cn(it: &Compact) -> bool {
    it.is_plain()
        && it.number(0, 17).is_some()
        && matches!(it.number(6, 2), Some(18..=20))
        && is_date(it, 10, 12)
        && mod_11_2(&it.bytes)
}

/// Mexico: letters of the names, date, sex, state, letters.
fn is_curp(it: &Compact) -> bool {
    it.is_plain()
        && it.part(0, 4).iter().all(u8::is_ascii_uppercase)
        && it.number(4, 6).is_some()
        && is_date(it, 6, 8)
        && b"HMX".contains(&it.at(10))
        && it.part(11, 5).iter().all(u8::is_ascii_uppercase)
        && it.at(17).is_ascii_digit()
}

/// Ireland: seven digits, one or two letters.
fn is_pps(it: &Compact) -> bool {
    const LETTERS: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let Some(sum) = weighted(it.part(0, 7), &[8, 7, 6, 5, 4, 3, 2]) else { return false };
    let second = match it.at(8) {
        0 | b'W' => 0,
        letter @ b'A'..=b'I' => u64::from(letter - b'A') + 1,
        _ => return false,
    };
    it.is_plain()
        && usize::try_from((sum + second * 9) % 23).ok().and_then(|place| LETTERS.get(place))
            == Some(&it.at(7))
}

/// Singapore: a letter, seven digits, the letter of the sum.
fn is_nric(it: &Compact) -> bool {
    let Some(sum) = weighted(it.part(1, 7), &[2, 7, 6, 5, 4, 3, 2]) else { return false };
    let (letters, shift): (&[u8], u64) = match it.at(0) {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        _ => return false,
    };
    it.bytes.len() == 9
        && it.is_plain()
        && usize::try_from((sum + shift) % 11).ok().and_then(|place| letters.get(place))
            == Some(&it.at(8))
}

/// Canada: Luhn; it begins with no 0 or 8.
fn is_sin(it: &Compact) -> bool {
    is_digits(it, 9) && !b"08".contains(&it.at(0)) && luhn(&it.bytes)
}

/// Czechia and Slovakia: a date (women's months + 50), a slash, divisible by 11.
fn is_grouped_cz(it: &Compact) -> bool {
    let month = it.number(2, 2).map_or(0, |month| month % 50 % 20);
    is_digits(it, 10)
        && it.is_grouped(&[6, 4], b"/")
        && it.number(4, 2).is_some_and(|day| is_day(month, day))
        && remainder(&it.bytes, 11) == Some(0)
}

/// Letters and digits, mostly digits.
fn is_passport(it: &Compact) -> bool {
    let letters = it.bytes.len() - it.digits;
    (7..=10).contains(&it.bytes.len()) && it.is_plain() && letters <= 4
}

/// DVLA: five of the surname, date in disguise, initials, check.
fn is_uk_licence(it: &Compact) -> bool {
    let name = it.part(0, 5);
    let letters = name.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    it.bytes.len() == 16
        && it.is_plain_or(&[5, 6, 5], b" ")
        && letters >= 1
        && name.iter().skip(letters).all(|&byte| byte == b'9')
        && it.number(6, 2).is_some_and(|month| is_day(month % 50, it.number(8, 2).unwrap_or(0)))
        && it.at(5).is_ascii_digit()
        && it.at(10).is_ascii_digit()
        && (it.at(11).is_ascii_uppercase())
        && (it.at(12).is_ascii_uppercase() || it.at(12) == b'9')
}

fn is_licence(it: &Compact) -> bool {
    (7..=18).contains(&it.bytes.len()) && it.digits * 3 >= it.bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(text: &str) -> Vec<&'static str> {
        let compact = Compact::of(text.as_bytes()).unwrap();
        proven(&compact).iter().map(DataClass::label).collect()
    }

    #[test]
    fn published_examples_are_known() {
        for (text, expected) in [
            ("219-09-9999", "us_ssn"),
            ("AB123456C", "uk_nino"),
            ("943 476 5919", "uk_nhs"),
            ("255081416802538", "fr_nir"),
            ("12345678Z", "es_dni"),
            ("X1234567L", "es_nie"),
            ("RSSMRA85T10A562S", "it_codice_fiscale"),
            ("111222333", "nl_bsn"),
            ("44051401359", "pl_pesel"),
            ("86095742719", "de_tax_id"),
            ("390.533.447-05", "br_cpf"),
            ("16.727.230/0001-97", "br_cnpj"),
            ("234123412346", "in_aadhaar"),
            ("ABCPE1234F", "in_pan"),
            ("811228-9874", "se_personnummer"),
            ("131052-308T", "fi_hetu"),
            ("131052A308T", "fi_hetu"),
            ("85.07.30-033.28", "national_id"),
            ("756.9217.0769.85", "national_id"),
            ("11010519491231002X", "national_id"),
            ("S1234567D", "national_id"),
            ("10000000146", "national_id"),
            ("1234567T", "national_id"),
            ("MORGA657054SM9IJ", "driving_licence"),
        ] {
            assert!(classes(text).contains(&expected), "{text}: {:?}", classes(text));
        }
    }

    #[test]
    fn what_resembles_them_is_nobodys() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "GB123456A",
            "9434765918",
            "12345678A",
            "44051401358",
            "1792930211123",
            "00000000000",
            "111111111",
            "11111111111",
            "ORD-2024-00042",
        ] {
            assert_eq!(classes(text), Vec::<&str>::new(), "{text}");
        }
    }
}
