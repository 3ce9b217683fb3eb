//! People: how to reach them, where they are, when they were born.

use super::text::{Compact, is_day, number};
use super::words;
use crate::lexical;

/// Top-level domains of two letters that hold a country, and the longer ones that people use. What
/// ends otherwise must be named as an address of mail.
const TOP_BYTES_MAX: usize = 24;

/// An address of mail whose domain may exist.
pub(super) fn is_email(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"mailto:").unwrap_or(text);
    let Some(at) = memchr::memrchr(b'@', text) else { return false };
    let (Some(local), Some(domain)) = (text.get(..at), text.get(at + 1..)) else { return false };
    let top = domain.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    lexical::is_email(text)
        && !local.starts_with(b".")
        && !local.ends_with(b".")
        && (2..=TOP_BYTES_MAX).contains(&top.len())
        && top.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || *byte == b'-')
        && domain.split(|&byte| byte == b'.').all(|label| {
            !label.is_empty() && !label.starts_with(b"-") && !label.ends_with(b"-")
        })
        // `git@host:path`, `@scope/package@1.2` and images for two densities.
        && !matches!(top, b"png" | b"jpg" | b"jpeg" | b"gif" | b"svg" | b"webp" | b"js" | b"css")
}

/// How a telephone number is written.
struct Dialled {
    plus: bool,
    parenthesis: bool,
    digits: usize,
    separators: usize,
}

/// Digits with what separates and leads them, perhaps with an extension; none for anything else.
fn dialled(text: &[u8]) -> Option<Dialled> {
    let mut text = text.strip_prefix(b"tel:").unwrap_or(text);
    let extension = text.iter().position(|byte| b"xXe#;".contains(byte));
    if let Some(at) = extension {
        let rest = text.get(at..)?;
        let is_extension = rest.len() <= 12 && rest.iter().any(u8::is_ascii_digit);
        text = text.get(..at).filter(|_| is_extension)?.trim_ascii_end();
    }
    let mut dialled = Dialled { plus: false, parenthesis: false, digits: 0, separators: 0 };
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => dialled.digits += 1,
            b'+' if place == 0 || (place == 1 && text.starts_with(b"(")) => dialled.plus = true,
            b'(' => {
                dialled.parenthesis = true;
                dialled.separators += 1;
            }
            b' ' | b'-' | b'.' | b')' | b'/' => dialled.separators += 1,
            _ => return None,
        }
    }
    (text.len() <= 30).then_some(dialled)
}

/// With a plus sign and the digits of E.164, or an area in parentheses.
pub(super) fn is_phone(text: &[u8]) -> bool {
    dialled(text).is_some_and(|it| {
        (it.plus && (8..=15).contains(&it.digits) && text.get(1..3) != Some(b"00"))
            || (it.parenthesis && (9..=13).contains(&it.digits) && it.separators >= 2)
    })
}

/// Seven to fifteen digits, however written; no time in milliseconds and no date.
pub(super) fn is_named_phone(text: &[u8]) -> bool {
    dialled(text).is_some_and(|it| (7..=15).contains(&it.digits))
        && lexical::value_kind(text) != tapline_model::ValueKind::Date
}

/// Letters of any script in a few words: nothing that a machine would write.
pub(super) fn is_name(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let is_part =
        |letter: char| letter.is_alphabetic() || " .'’-,`´·\u{300}\u{301}".contains(letter);
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let words = text.split_whitespace().count();
    let cased = || {
        let firsts = text.split([' ', '-']).filter_map(|word| word.chars().next());
        let mut shown = firsts.filter(|first| first.is_alphabetic());
        // All capitals (ACTIVE_USER has no place here), or each word with one.
        shown.any(|first| first.is_uppercase() || !first.is_lowercase())
    };
    text.len() <= 80
        && letters >= 2
        && (1..=6).contains(&words)
        && text.chars().all(is_part)
        && cased()
}

/// A name that begins or ends with what people are called: for fields that only say `name`.
pub(super) fn is_known_name(text: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(text) else { return false };
    let mut words = name.split([' ', '-', ',']).filter(|word| !word.is_empty());
    is_name(text)
        && (1..=5).contains(&name.split_whitespace().count())
        && words.any(words::is_given_name)
}

/// A line of an address: letters, and mostly a number or several words.
pub(super) fn is_address_line(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    (4..=200).contains(&text.len())
        && letters >= 3
        && !text.contains(['@', '{', '<', '='])
        && !text.contains("://")
        && text.chars().any(|letter| letter == ' ' || letter == ',' || !letter.is_ascii())
}

/// A place: a word or a few, no digits.
pub(super) fn is_place(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        (2..=60).contains(&text.len())
            && text.chars().all(|letter| letter.is_alphabetic() || " .'’-()/,".contains(letter))
    })
}

/// A number and what streets are called: an address wherever it stands.
pub(super) fn is_street(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if !(6..=160).contains(&text.len())
        || text.contains(['@', '{', '<', '=', '_'])
        || text.contains("://")
        || !text.bytes().any(|byte| byte.is_ascii_digit())
        || !text.contains(' ')
    {
        return false;
    }
    let mut words = text.split([' ', ',', '\n']).filter(|word| !word.is_empty()).take(16);
    let is_house = |word: &str| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let rest = word.get(digits..).unwrap_or_default();
        (1..=5).contains(&digits) && rest.len() <= 4 && !rest.contains([':', '.', '%'])
    };
    let (mut house, mut street) = (false, false);
    for word in words.by_ref() {
        house |= is_house(word);
        street |= words::is_street_word(word);
    }
    house && street
}

/// Three to ten letters and digits, two of them digits.
pub(super) fn is_postcode(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    (3..=10).contains(&(digits + letters))
        && digits + letters + text.iter().filter(|byte| b" -".contains(byte)).count() == text.len()
        && digits >= 2
        && letters <= 5
}

/// A date between 1900 and 2030, in any order; or a year of that time.
pub(super) fn is_birth(text: &[u8]) -> bool {
    let date = text.split(|byte| b"T ".contains(byte)).next().unwrap_or_default();
    let is_year = |part: &[u8]| matches!(number(part), Some(1900..=2030)) && part.len() == 4;
    let is_day_of = |month: &[u8], day: &[u8]| {
        month.len() <= 2
            && day.len() <= 2
            && matches!((number(month), number(day)), (Some(month), Some(day)) if is_day(month, day))
    };
    let mut parts = date.split(|byte| b"-/.".contains(byte));
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(only), None, _, _) if only.len() == 8 && text.len() == 8 => {
            only.split_at_checked(4).is_some_and(|(year, rest)| {
                is_year(year) && rest.split_at_checked(2).is_some_and(|(m, d)| is_day_of(m, d))
            })
        }
        (Some(only), None, _, _) => text.len() == 4 && is_year(only),
        (Some(a), Some(b), Some(c), None) => {
            let short_year = c.len() == 2 && number(c).is_some();
            (is_year(a) && is_day_of(b, c))
                || ((is_year(c) || short_year) && (is_day_of(b, a) || is_day_of(a, b)))
        }
        _ => false,
    }
}

/// A day or a month of birth, alone.
pub(super) fn is_birth_part(text: &[u8]) -> bool {
    is_birth(text) || (text.len() <= 2 && matches!(number(text), Some(1..=31)))
}

pub(super) fn is_gender(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(words::is_gender)
}

/// A latitude or a longitude: at least three places behind the point, so that it means a house and
/// not a country.
pub(super) fn is_degree(text: &[u8], most: f64) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    text.len() <= 24
        && places >= 1
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte))
        && text.parse::<f64>().is_ok_and(|degree| degree.abs() <= most)
}

/// Both, joined by a comma, a semicolon or a space; as a URI (RFC 5870) or WKT.
pub(super) fn is_point(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"geo:").unwrap_or(text);
    let text = text
        .strip_prefix(b"POINT")
        .map(<[u8]>::trim_ascii)
        .and_then(|text| text.strip_prefix(b"(")?.strip_suffix(b")"))
        .unwrap_or(text);
    let mut parts = text.split(|byte| b",; ".contains(byte)).filter(|part| !part.is_empty());
    let is_fine = |part: &[u8]| {
        is_degree(part, 180.0)
            && memchr::memchr(b'.', part).is_some_and(|point| part.len() - point > 3)
    };
    parts.next().is_some_and(is_fine) && parts.next().is_some_and(is_fine) && parts.next().is_none()
}

/// An address of IPv4 (no version: four parts) or IPv6, perhaps with a prefix length or a port.
pub(super) fn is_ip(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let text = text.split_once('/').map_or(text, |(address, _)| address);
    text.len() <= 47
        && (text.parse::<std::net::IpAddr>().is_ok_and(|address| !address.is_unspecified())
            || text.parse::<std::net::SocketAddr>().is_ok())
        // `::` and `::1` say nothing of anybody, `12:34` is a time.
        && text.len() >= 7
}

/// Six pairs of hexadecimal digits, or three times four.
pub(super) fn is_mac(text: &[u8]) -> bool {
    let grouped = |separator: u8, groups: usize, len: usize| {
        text.len() == groups * (len + 1) - 1
            && text.split(|&byte| byte == separator).count() == groups
            && text
                .split(|&byte| byte == separator)
                .all(|group| group.len() == len && group.iter().all(u8::is_ascii_hexdigit))
    };
    grouped(b':', 6, 2) || grouped(b'-', 6, 2) || grouped(b'.', 3, 4)
}

/// What people log in by: one word.
pub(super) fn is_username(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        (2..=64).contains(&text.len())
            && text.chars().all(|letter| letter.is_alphanumeric() || "._-+@\\~".contains(letter))
            && text.chars().any(char::is_alphabetic)
    })
}

/// A sum of money.
pub(super) fn is_amount(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    (2..=12).contains(&digits)
        && text.len() <= 24
        && text.iter().all(|byte| {
            byte.is_ascii_digit()
                || b" .,'$-".contains(byte)
                || *byte >= 0x80
                || byte.is_ascii_uppercase()
        })
}

/// The machine-readable zone of a passport (ICAO 9303).
pub(super) fn is_machine_readable(text: &[u8]) -> bool {
    (text.starts_with(b"P<") || text.starts_with(b"PM"))
        && (44..=90).contains(&text.len())
        && memchr::memchr_iter(b'<', text).count() >= 6
        && text.iter().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"<\n\r".contains(byte)
        })
}

/// An identifier of a medical record: digits, perhaps behind letters.
pub(super) fn is_record_number(compact: &Compact) -> bool {
    (4..=20).contains(&compact.bytes.len()) && compact.digits >= 3
}

/// A code of ICD-10: a letter, a digit, a digit or letter, perhaps a point and up to four more.
pub(super) fn is_icd(text: &[u8]) -> bool {
    let (Some(category), rest) = (text.get(..3), text.get(3..).unwrap_or_default()) else {
        return false;
    };
    let [letter, tens, ones] = category else { return false };
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => (!rest.is_empty()).then_some(rest),
        None => Some(rest),
    };
    letter.is_ascii_uppercase()
        && tens.is_ascii_digit()
        && (ones.is_ascii_digit() || b"AB".contains(ones))
        && rest.is_some_and(|rest| {
            rest.len() <= 4
                && rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        })
}

/// Words about a health: no flags, numbers or identifiers.
pub(super) fn is_prose(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().filter(|letter| letter.is_alphabetic()).count() >= 1
            && !text.contains("://")
            && text.len() >= 2
            && !matches!(text, "true" | "false" | "yes" | "no" | "unknown" | "none")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(check: fn(&[u8]) -> bool, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(check(text.as_bytes()), "{text}");
        }
        for text in no {
            assert!(!check(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn people_are_told_from_things() {
        all(
            is_email,
            &["bob@mail.example", "a.b+c@sub.example.co.uk", "jürgen@köln.example"],
            &["bob@example", "logo@2x.png", "@scope/name", "a@b..example", "git@host"],
        );
        all(
            is_phone,
            &["+4915112345678", "+1 (555) 123-4567", "(555) 123-4567", "tel:+33-1-42-68-53-00"],
            &["555-123-4567", "15112345678", "+1", "1700000000000", "+00000000"],
        );
        all(is_named_phone, &["015112345678", "555.123.4567x89"], &["2026-11-13", "12", "n/a"]);
        all(
            is_name,
            &["Ada Lovelace", "O'Brien", "Jean-Luc", "José María", "de la Cruz", "李明", "ADA"],
            &["user_17", "ada", "42", "A", "https://x", "Widget 3000"],
        );
        all(
            is_street,
            &[
                "12 High Street",
                "Hauptstraße 5",
                "1600 Pennsylvania Ave NW",
                "Calle Mayor 3, Madrid",
            ],
            &["high street", "way 2 go_1", "version 2 of the document", "5 stars"],
        );
        all(
            is_birth,
            &[
                "1984-02-29",
                "29/02/1984",
                "02/29/1984",
                "29.2.84",
                "19840229",
                "1984-02-29T00:00:00Z",
            ],
            &["2084-01-01", "1984-13-41", "12", "1700000000"],
        );
        all(
            is_point,
            &["52.5200,13.4050", "geo:48.2010,16.3695", "POINT (13.4050 52.5200)"],
            &["1,2"],
        );
        all(is_icd, &["E11.9", "J45", "S72.001A", "C7A.0"], &["11.9", "E1", "E11.", "e11.9"]);
        all(is_mac, &["00:1B:44:11:3A:B7", "001b.4411.3ab7"], &["00:1B:44", "12:30:00"]);
        all(
            is_ip,
            &["10.0.0.17", "2001:db8::1", "10.0.0.0/8"],
            &["1.2.3", "12:30", "::", "0.0.0.0"],
        );
    }
}
