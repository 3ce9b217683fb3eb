//! Values with a format of their own: numbers, dates, addresses.

use std::net::IpAddr;

use tapline_model::ValueKind;

use super::scan::Scan;

/// Shortest address of mail (`a@b.io`); dates and UUIDs are longer.
const EMAIL_BYTES_MIN: usize = 6;
/// Longest address of mail (RFC 5321 section 4.5.3.1).
const EMAIL_BYTES_MAX: usize = 254;

/// The type of a value that was sent as text.
pub(crate) fn value_kind(text: &[u8]) -> ValueKind {
    if text.is_empty() || text == b"null" {
        return ValueKind::Null;
    }
    if text == b"true" || text == b"false" {
        return ValueKind::Boolean;
    }
    if is_integer(text) {
        return ValueKind::Integer;
    }
    if is_number(text) {
        return ValueKind::Number;
    }
    text_kind(text)
}

/// The type of any other text.
pub(super) fn text_kind(text: &[u8]) -> ValueKind {
    if !(EMAIL_BYTES_MIN..=EMAIL_BYTES_MAX).contains(&text.len()) {
        return ValueKind::String;
    }
    if text.first().is_some_and(u8::is_ascii_digit) && is_date(text) {
        return ValueKind::Date;
    }
    if is_email(text) {
        return ValueKind::Email;
    }
    if matches!(text.len(), 32 | 36) && is_uuid(text, &Scan::of(text)) {
        return ValueKind::Uuid;
    }
    ValueKind::String
}

/// Whether `text` is an address of mail.
pub(crate) fn is_email(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else { return false };
    let (Some(local), Some(domain)) = (text.get(..at), text.get(at + 1..)) else { return false };
    let Some(dot) = memchr::memrchr(b'.', domain) else { return false };
    let top = domain.get(dot + 1..).unwrap_or_default();
    text.len() <= EMAIL_BYTES_MAX
        && !local.is_empty()
        && local.iter().all(|&byte| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte) || byte >= 0x80
        })
        && dot > 0
        && domain.iter().all(|&byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80
        })
        && top.len() >= 2
        && top.iter().all(|byte| !byte.is_ascii_digit())
}

pub(super) fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.len() <= 32 && digits.iter().all(u8::is_ascii_digit)
}

pub(super) fn is_number(text: &[u8]) -> bool {
    text.len() <= 32
        && text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte))
        && std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok())
}

pub(super) fn is_uuid(text: &[u8], scan: &Scan) -> bool {
    if scan.bytes == 32 {
        return scan.is_hex();
    }
    scan.bytes == 36
        && scan.dashes == 4
        && scan.hex_letters + scan.digits == 32
        && [8, 13, 18, 23].iter().all(|&at| text.get(at) == Some(&b'-'))
}

/// `2026-11-13`, perhaps with a time behind it.
pub(super) fn is_date(text: &[u8]) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return false };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    if !digits.iter().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let pair = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
    (1..=12).contains(&pair(*m1, *m2))
        && (1..=31).contains(&pair(*d1, *d2))
        && match time.split_first() {
            None => true,
            Some((b'T' | b't' | b' ', time)) => {
                (2..=24).contains(&time.len())
                    && time.iter().all(|byte| byte.is_ascii_digit() || b":.,+-Zz ".contains(byte))
            }
            Some(_) => false,
        }
}

/// A plus sign and a number of E.164, or digits grouped as North America writes them.
pub(super) fn is_phone(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if let Some(rest) = text.strip_prefix(b"+") {
        return (7..=15).contains(&digits)
            && rest.iter().all(|byte| byte.is_ascii_digit() || b" -.()".contains(byte));
    }
    let mut groups = text.split(|byte| b" -.".contains(byte)).map(|group| {
        let inner = group.strip_prefix(b"(").and_then(|group| group.strip_suffix(b")"));
        let inner = inner.unwrap_or(group);
        if inner.iter().all(u8::is_ascii_digit) { inner.len() } else { 0 }
    });
    [groups.next(), groups.next(), groups.next(), groups.next()]
        == [Some(3), Some(3), Some(4), None]
}

/// Latitude and longitude in degrees, both with a fraction.
pub(super) fn is_coordinates(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b',');
    let mut degrees = |max: f64| {
        parts.next().is_some_and(|part| {
            let part = part.trim_ascii();
            part.contains(&b'.')
                && is_number(part)
                && std::str::from_utf8(part)
                    .is_ok_and(|part| part.parse::<f64>().is_ok_and(|value| value.abs() <= max))
        })
    };
    degrees(90.0) && degrees(180.0) && parts.next().is_none()
}

pub(super) fn is_address(text: &[u8], scan: &Scan) -> bool {
    (scan.dots == 3 || scan.colons >= 2)
        && scan.hex_letters + scan.digits + scan.dots + scan.colons == scan.bytes
        && std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}
