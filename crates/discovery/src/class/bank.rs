//! Accounts and banks.

use super::checksum::{mod_97, weighted};
use super::text::{Compact, is_uniform};

/// Length of the account number by country (SWIFT IBAN registry, release 99).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The countries of ISO 3166-1, and Kosovo, as banks are named by.
const COUNTRIES: &[u8] =
    b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ\
CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGN\
GPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULV\
LYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPT\
PWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUS\
UYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";

/// An IBAN (ISO 13616): country, length, remainder 1.
pub(super) fn is_iban(compact: &Compact) -> bool {
    if !(15..=33).contains(&compact.bytes.len()) || compact.number(2, 2).is_none() {
        return false;
    }
    let length = IBAN_LENGTHS.iter().find(|(country, _)| compact.part(0, 2) == *country);
    length.is_some_and(|&(_, length)| length == compact.bytes.len())
        && compact.separators.iter().all(|separator| b" -".contains(separator))
        && mod_97(compact.bytes.iter().cycle().skip(4).take(compact.bytes.len()).copied())
            == Some(1)
}

/// A BIC (ISO 9362): four letters, a country, two of the place, perhaps three of the branch. As
/// written: in upper case.
pub(super) fn is_bic(text: &[u8]) -> bool {
    let is_upper = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    matches!(text.len(), 8 | 11)
        && text.iter().all(is_upper)
        && text.iter().take(6).all(u8::is_ascii_uppercase)
        && text.get(4..6).is_some_and(|country| COUNTRIES.chunks(2).any(|known| known == country))
}

/// A routing number of the American Bankers Association: a district that exists, and the sum.
pub(super) fn is_routing_number(compact: &Compact) -> bool {
    compact.bytes.len() == 9
        && compact.is_digits()
        && compact.is_plain()
        && !is_uniform(&compact.bytes)
        && matches!(compact.number(0, 2), Some(1..=12 | 21..=32 | 61..=72 | 80))
        && weighted(&compact.bytes, &[3, 7, 1, 3, 7, 1, 3, 7, 1])
            .is_some_and(|sum| sum.is_multiple_of(10))
}

/// A British sort code, an Indian IFSC, an Australian BSB, a German Bankleitzahl: by name only.
pub(super) fn is_bank_code(compact: &Compact) -> bool {
    let digits = compact.is_digits();
    let sort_code = digits && compact.bytes.len() == 6;
    let ifsc = compact.bytes.len() == 11
        && compact.part(0, 4).iter().all(u8::is_ascii_alphabetic)
        && compact.at(4) == b'0';
    sort_code || ifsc || (digits && matches!(compact.bytes.len(), 8 | 9))
}

/// The digits of an account, perhaps behind letters or in groups.
pub(super) fn is_account(compact: &Compact) -> bool {
    (5..=20).contains(&compact.bytes.len()) && compact.digits * 4 >= compact.bytes.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> Compact {
        Compact::of(text.as_bytes()).unwrap()
    }

    #[test]
    fn examples_of_the_registries_are_known() {
        for text in ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "NO9386011117947"] {
            assert!(is_iban(&compact(text)), "{text}");
        }
        assert!(!is_iban(&compact("DE88370400440532013000")));
        assert!(!is_iban(&compact("DE8937040044053201300")));
        assert!(is_bic(b"DEUTDEFF500") && is_bic(b"NEDSZAJJ"));
        assert!(!is_bic(b"PURCHASE1") && !is_bic(b"ORDERXX1") && !is_bic(b"deutdeff"));
        assert!(
            is_routing_number(&compact("021000021")) && !is_routing_number(&compact("021000022"))
        );
    }
}
