//! What a piece of text looks like: byte-class scans, no regex and no dictionary.

mod format;
mod identifier;
mod scan;
mod value;

use tapline_model::SegmentClass;

pub(crate) use self::format::{is_plain, text_format};
use self::scan::Scan;
#[cfg(test)]
use self::value::text_kind;
pub(crate) use self::value::{is_email, value_kind};
use crate::sensitive;

/// Longest word of an API's own language.
const WORD_BYTES_MAX: usize = 32;
/// So many digits are a number and nothing else: a card has more.
const SHORT_DIGITS_MAX: usize = 12;
/// Longest run of letters in a word before the next separator or capital.
const RUN_LETTERS_MAX: usize = 20;
/// Longest run of consonants in a word: English has six (`Knightsbridge`).
const RUN_CONSONANTS_MAX: usize = 6;
/// Longest prefix of an identifier: `cus_…`.
const PREFIX_BYTES_MAX: usize = 6;
/// File extensions that stay visible behind a slot.
const EXTENSIONS: &[&str] = &[
    "atom", "bin", "bmp", "css", "csv", "doc", "docx", "gif", "gz", "htm", "html", "ics", "jpeg",
    "jpg", "js", "json", "jsonl", "log", "m3u8", "map", "md", "mp3", "mp4", "pdf", "png", "ppt",
    "pptx", "rss", "svg", "tar", "tgz", "tif", "tiff", "ts", "tsv", "txt", "vcf", "wav", "webm",
    "webp", "woff", "woff2", "xls", "xlsx", "xml", "yaml", "yml", "zip",
];

/// What a path segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// A word of the API's own language, or a version.
    Word,
    /// A value; the suffix is what stays visible behind it.
    Value(SegmentClass, &'a str),
    /// Neither for certain.
    Weak,
}

/// What a decoded path segment is.
pub(crate) fn shape(text: &[u8]) -> Shape<'_> {
    if (1..=SHORT_DIGITS_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Shape::Value(SegmentClass::Integer, "");
    }
    if sensitive::is_uuid(text) && text.iter().any(u8::is_ascii_digit) {
        return Shape::Value(SegmentClass::Uuid, "");
    }
    if is_version(text) || is_word(text) {
        return Shape::Word;
    }
    if let Some(class) = class_of(text) {
        return Shape::Value(class, "");
    }
    if let Some((stem, suffix)) = split_suffix(text)
        && let Some(class) = class_of(stem)
    {
        return Shape::Value(class, suffix);
    }
    let mut items = text.split(|&byte| byte == b',').peekable();
    if let Some(class) = items.next().and_then(class_of)
        && items.peek().is_some()
        && items.all(|item| class_of(item).is_some())
    {
        return Shape::Value(class, "");
    }
    Shape::Weak
}

/// The class of text that is a value for certain.
pub(crate) fn class_of(text: &[u8]) -> Option<SegmentClass> {
    let scan = Scan::of(text);
    let digits_only = scan.digits == text.len() || (scan.digits + 1 == text.len() && scan.minus);
    if scan.digits > 0 && digits_only {
        let card = sensitive::is_card_number(text);
        return Some(if card { SegmentClass::CardNumber } else { SegmentClass::Integer });
    }
    if scan.at == 1 && is_email(text) {
        return Some(SegmentClass::Email);
    }
    if scan.digits > 0 {
        if value::is_uuid(text, &scan) {
            return Some(SegmentClass::Uuid);
        }
        if value::is_date(text) {
            return Some(SegmentClass::Date);
        }
    }
    if scan.letters() == 0 && scan.digits > 0 {
        if sensitive::is_card_number(text) {
            return Some(SegmentClass::CardNumber);
        }
        if value::is_phone(text) {
            return Some(SegmentClass::Phone);
        }
        if value::is_coordinates(text) {
            return Some(SegmentClass::Coordinates);
        }
    }
    if value::is_address(text, &scan) {
        return Some(SegmentClass::IpAddress);
    }
    if sensitive::is_jwt(text) {
        return Some(SegmentClass::Jwt);
    }
    identifier::class_of(text, &scan)
}

/// Whether every part between separators is all letters or all digits: how people join words.
pub(crate) fn is_joined_words(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b'-' | b'_' | b'.')).all(|part| {
        part.iter().all(u8::is_ascii_digit)
            || (part.iter().all(u8::is_ascii_alphabetic) && !is_scrambled(part))
    })
}

/// `v1`, `v2.1`, `v1beta2`, `V3`.
pub(crate) fn is_version(text: &[u8]) -> bool {
    let Some((b'v' | b'V', rest)) = text.split_first() else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 4 || rest.len() > 16 {
        return false;
    }
    let mut rest = rest.get(digits..).unwrap_or_default();
    while let Some((b'.' | b'-' | b'_', more)) = rest.split_first() {
        let digits = more.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 4 {
            return false;
        }
        rest = more.get(digits..).unwrap_or_default();
    }
    let letters = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let tail = rest.get(letters..).unwrap_or_default();
    letters <= 5
        && tail.len() <= 3
        && tail.iter().all(u8::is_ascii_digit)
        && (letters > 0 || tail.is_empty())
}

/// A date, or in front a short number, which at the start of a path may be the version of an API.
pub(crate) fn may_be_version(text: &[u8], is_front: bool) -> bool {
    match text.len() {
        1 | 2 => is_front && text.iter().all(u8::is_ascii_digit),
        10 => text.first().is_some_and(u8::is_ascii_digit) && value::is_date(text),
        _ => false,
    }
}

/// ASCII letters with single separators inside; a leading dot or underscore is a custom
/// (`.well-known`, `_search`). Letters that nobody would speak are no word.
fn is_word(text: &[u8]) -> bool {
    let inner = match text.split_first() {
        Some((b'.' | b'_', rest)) => rest,
        _ => text,
    };
    let ends = inner.first().zip(inner.last());
    if text.len() > WORD_BYTES_MAX
        || !ends
            .is_some_and(|(first, last)| first.is_ascii_alphabetic() && last.is_ascii_alphabetic())
    {
        return false;
    }
    let mut run = 0usize;
    let mut consonants = 0usize;
    let mut before = b'.';
    for &byte in inner {
        let vowel = matches!(byte | 0x20, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        match byte {
            b'-' | b'_' | b'.' | b'~' => (run, consonants) = (0, 0),
            b'A'..=b'Z' if before.is_ascii_lowercase() => {
                (run, consonants) = (1, usize::from(!vowel));
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                run += 1;
                consonants = if vowel { 0 } else { consonants + 1 };
            }
            _ => return false,
        }
        if run > RUN_LETTERS_MAX || consonants > RUN_CONSONANTS_MAX {
            return false;
        }
        before = byte;
    }
    let is_prefixed = || {
        let at = memchr::memchr(b'_', inner).filter(|&at| at <= PREFIX_BYTES_MAX);
        at.and_then(|at| inner.get(at + 1..)).is_some_and(identifier::is_jumbled)
    };
    !inner.split(|byte| !byte.is_ascii_alphabetic()).any(is_scrambled) && !is_prefixed()
}

/// Whether letters change case too often to be words joined by capitals.
fn is_scrambled(letters: &[u8]) -> bool {
    let humps = letters
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    humps >= 3 && humps * 3 > letters.len()
}

/// What stays visible behind a text if that turns out to be a value: an extension or `:verb`.
pub(crate) fn suffix_of(text: &str) -> Option<&str> {
    split_suffix(text.as_bytes()).filter(|(stem, _)| !stem.is_empty()).map(|(_, suffix)| suffix)
}

fn split_suffix(text: &[u8]) -> Option<(&[u8], &str)> {
    let at = memchr::memrchr2(b'.', b':', text)?;
    let (stem, suffix) = text.split_at_checked(at)?;
    let suffix = std::str::from_utf8(suffix).ok()?;
    let known = match suffix.strip_prefix('.') {
        Some(extension) => EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()),
        // A custom method behind an identifier: `{id}:cancel`.
        None => suffix.strip_prefix(':').is_some_and(|verb| is_word(verb.as_bytes())),
    };
    known.then_some((stem, suffix))
}

#[cfg(test)]
mod tests {
    use tapline_model::ValueKind;

    use super::*;

    fn class(text: &str) -> String {
        match shape(text.as_bytes()) {
            Shape::Word => "word".to_owned(),
            Shape::Weak => "weak".to_owned(),
            Shape::Value(class, suffix) => format!("{class:?}{suffix}"),
        }
    }

    #[test]
    fn segments_have_the_class_that_a_reader_would_give_them() {
        for (text, expected) in [
            ("users", "word"),
            ("line-items", "word"),
            ("getUserById", "word"),
            ("GetCustomerAccountInformation", "word"),
            (".well-known", "word"),
            ("_search", "word"),
            ("openapi.json", "word"),
            ("en-US", "word"),
            ("v1", "word"),
            ("v2.1", "word"),
            ("v1beta2", "word"),
            ("v3-2", "word"),
            ("internationalization", "word"),
            ("v20240101123", "PrefixedId"),
            ("42", "Integer"),
            ("-7", "Integer"),
            ("1,2,3", "Integer"),
            ("12345.json", "Integer.json"),
            ("12345:cancel", "Integer:cancel"),
            ("1792930211123", "Integer"),
            ("4111111111111111", "CardNumber"),
            ("4111-1111-1111-1111", "CardNumber"),
            ("4111111111111112", "Integer"),
            ("550e8400-e29b-41d4-a716-446655440000", "Uuid"),
            ("550e8400e29b41d4a716446655440000", "Uuid"),
            ("550E8400-E29B-41D4-A716-446655440000.pdf", "Uuid.pdf"),
            ("2026-11-13", "Date"),
            ("2026-11-13T10:00:00Z", "Date"),
            ("2026-13-13", "weak"),
            ("bob@example.com", "Email"),
            ("bob@example", "weak"),
            ("10.0.0.1", "IpAddress"),
            ("fe80::1", "IpAddress"),
            ("507f1f77bcf86cd799439011", "ObjectId"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ObjectId"),
            ("deadbeef0001", "Hex"),
            ("0x1234567890abcdef", "Hex"),
            ("cus_9s6Xk2", "PrefixedId"),
            ("SKU-00042", "PrefixedId"),
            ("ORD-2024-00042", "PrefixedId"),
            ("INV00042", "PrefixedId"),
            ("tt0111161", "PrefixedId"),
            ("ac_BTfvZxflLzQfTT", "PrefixedId"),
            ("db_getUserByName", "word"),
            ("sha-256", "weak"),
            ("oauth2", "weak"),
            ("top-10", "weak"),
            ("aZ3kP09xQw", "Token"),
            ("9f8e7d6c5b4a3z2y1x", "Token"),
            ("my-post-about-2024", "weak"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "Jwt"),
            ("+4915112345678", "Phone"),
            ("555-123-4567", "Phone"),
            ("52.5200,13.4050", "Coordinates"),
            ("xkqzwvbnmtr", "weak"),
            ("aBcDeFgHiJkL", "weak"),
            ("naïve", "weak"),
            ("", "weak"),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn values_have_the_type_that_they_are_written_in() {
        for (text, expected) in [
            ("", ValueKind::Null),
            ("true", ValueKind::Boolean),
            ("-12", ValueKind::Integer),
            ("1.5e3", ValueKind::Number),
            ("e", ValueKind::String),
            ("2026-11-13 10:00", ValueKind::Date),
            ("a@b.example", ValueKind::Email),
            ("550e8400-e29b-41d4-a716-446655440000", ValueKind::Uuid),
            ("hello", ValueKind::String),
        ] {
            assert_eq!(value_kind(text.as_bytes()), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_shape(text in proptest::collection::vec(proptest::num::u8::ANY, 0..160)) {
            let _ = (shape(&text), value_kind(&text), text_kind(&text));
        }
    }
}
