//! The format of a text, and whether it is plain.

use std::net::{Ipv4Addr, Ipv6Addr};

use tapline_model::TextFormat;

use super::scan::Scan;
use super::value;
use crate::sensitive;

/// Bytes of a text that has a format, files and encoded content apart.
const FORMAT_BYTES_MAX: usize = 2_048;
/// Digits of a number.
const NUMBER_BYTES_MAX: usize = 32;
/// Hexadecimal digits of what is no word.
const HEX_BYTES_MIN: usize = 16;
/// Characters of base64 that are no word.
const BASE64_BYTES_MIN: usize = 24;
/// Digits of a word's part: `us-east-1`, `gpt-4`, `utf-16`.
const PLAIN_DIGITS_MAX: usize = 2;
/// Bytes of a plain text.
const PLAIN_BYTES_MAX: usize = 32;

/// What a text is, when it is more than text.
pub(crate) fn text_format(text: &[u8]) -> Option<TextFormat> {
    let &first = text.first()?;
    if text.len() > FORMAT_BYTES_MAX {
        return is_base64(text).then_some(TextFormat::Base64);
    }
    if first.is_ascii_digit() && value::is_date(text) {
        let is_day = text.len() == 10;
        return Some(if is_day { TextFormat::Date } else { TextFormat::DateTime });
    }
    if first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.') {
        if text.len() <= NUMBER_BYTES_MAX
            && let Some(format) = number_format(text)
        {
            return Some(format);
        }
        if let Some(address) = ipv4(text) {
            return Some(address);
        }
    }
    if sensitive::is_uuid(text) {
        return Some(TextFormat::Uuid);
    }
    if text == b"true" || text == b"false" {
        return Some(TextFormat::Boolean);
    }
    if is_uri(text) {
        return Some(TextFormat::Uri);
    }
    if value::is_email(text) {
        return Some(TextFormat::Email);
    }
    if sensitive::is_jwt(text) {
        return Some(TextFormat::Jwt);
    }
    if text.contains(&b':') && parse::<Ipv6Addr>(text) {
        return Some(TextFormat::Ipv6);
    }
    coded_format(text)
}

/// Whether a text is a word of the API's own language that may be shown: letters in parts, perhaps
/// with a short number, or a version.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    if text.len() > PLAIN_BYTES_MAX {
        return false;
    }
    let is_part = |part: &[u8]| {
        let is_number = part.len() <= PLAIN_DIGITS_MAX && part.iter().all(u8::is_ascii_digit);
        !part.is_empty() && (is_number || super::is_word(part))
    };
    let has_letters = text.iter().any(u8::is_ascii_alphabetic);
    let is_formed = super::is_version(text)
        || super::is_word(text)
        || (has_letters && text.split(|byte| b"-_. /:+".contains(byte)).all(is_part));
    is_formed && sensitive::find(text).is_none()
}

fn number_format(text: &[u8]) -> Option<TextFormat> {
    if value::is_integer(text) {
        // A leading zero is no number's, but that of a code or of a telephone.
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let is_number = digits.len() == 1 || digits.first() != Some(&b'0');
        return is_number.then_some(TextFormat::Integer);
    }
    if value::is_phone(text) {
        return Some(TextFormat::Phone);
    }
    value::is_number(text).then_some(TextFormat::Number)
}

fn ipv4(text: &[u8]) -> Option<TextFormat> {
    (text.len() <= 15 && parse::<Ipv4Addr>(text)).then_some(TextFormat::Ipv4)
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> bool {
    text.len() <= 45 && std::str::from_utf8(text).is_ok_and(|text| text.parse::<T>().is_ok())
}

/// A scheme, an authority and no space (RFC 3986 section 3).
fn is_uri(text: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', text.get(..16).unwrap_or(text)) else { return false };
    let (scheme, rest) = text.split_at(colon);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    is_scheme
        && rest.starts_with(b"://")
        && rest.len() > 3
        && !text.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
}

fn coded_format(text: &[u8]) -> Option<TextFormat> {
    if text.len() < HEX_BYTES_MIN {
        return None;
    }
    let scan = Scan::of(text);
    if scan.is_hex() && scan.digits > 0 {
        return Some(if scan.bytes == 32 { TextFormat::Uuid } else { TextFormat::Hex });
    }
    is_base64(text).then_some(TextFormat::Base64)
}

/// Full groups of four (RFC 4648 section 4) with letters of both cases, as no word has them.
fn is_base64(text: &[u8]) -> bool {
    if text.len() < BASE64_BYTES_MIN || !text.len().is_multiple_of(4) {
        return false;
    }
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    let has = |test: fn(&u8) -> bool| body.iter().any(test);
    body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && (has(u8::is_ascii_digit) || padding > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_format_that_a_reader_would_give_them() {
        for (text, expected) in [
            ("", None),
            ("hello", None),
            ("two words", None),
            ("2026-11-13", Some("date")),
            ("2026-11-13T10:00:00.123Z", Some("date-time")),
            ("550e8400-e29b-41d4-a716-446655440000", Some("uuid")),
            ("bob@example.com", Some("email")),
            ("https://example.com/a?b=c", Some("uri")),
            ("urn:isbn:0451450523", None),
            ("10.0.0.1", Some("ipv4")),
            ("1.2", Some("number")),
            ("2001:db8::1", Some("ipv6")),
            ("12:30", None),
            ("42", Some("integer")),
            ("-7", Some("integer")),
            ("007", None),
            ("0", Some("integer")),
            ("1e5", Some("number")),
            ("+4915112345678", Some("phone")),
            ("true", Some("boolean")),
            ("deadbeefdeadbeef00", Some("hex")),
            ("550e8400e29b41d4a716446655440000", Some("uuid")),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Some("jwt")),
            ("SGVsbG8sIHdvcmxkISBIZWxsbyE=", Some("base64")),
            ("getCustomerAccountInformation", None),
        ] {
            let found = text_format(text.as_bytes()).map(TextFormat::label);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn plain_is_what_an_api_says_of_itself() {
        for text in [
            "active",
            "PENDING_REVIEW",
            "us-east-1",
            "v2",
            "EUR",
            "application/json",
            "gpt-4",
            "payment.failed",
            "en-US",
            "in progress",
        ] {
            assert!(is_plain(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "42",
            "bob@example.com",
            "cus_9s6Xk2",
            "order-4711",
            "2026-11-13",
            "Zx81kd92Lq",
            "a very long sentence about nothing at all",
            "4111111111111111",
            "10.0.0.1",
        ] {
            assert!(!is_plain(text.as_bytes()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_may_have_a_format(text in proptest::collection::vec(proptest::num::u8::ANY, 0..160)) {
            let _ = (text_format(&text), is_plain(&text));
        }
    }
}
