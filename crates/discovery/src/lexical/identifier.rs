//! Identifiers and tokens: what people give to things, not what they say.

use tapline_model::SegmentClass;

use super::is_joined_words;
use super::scan::Scan;
use crate::sensitive;

/// The class of an identifier.
pub(super) fn class_of(text: &[u8], scan: &Scan) -> Option<SegmentClass> {
    let one_case = scan.upper == 0 || scan.lower == 0;
    if is_sid(text) {
        return Some(SegmentClass::PrefixedId);
    }
    if scan.is_hex() && scan.digits > 0 {
        if scan.bytes == 24 && one_case {
            return Some(SegmentClass::ObjectId);
        }
        if scan.bytes >= 12 {
            return Some(SegmentClass::Hex);
        }
    }
    if let Some(rest) = text.strip_prefix(b"0x")
        && rest.len() >= 8
        && rest.iter().all(u8::is_ascii_hexdigit)
    {
        return Some(SegmentClass::Hex);
    }
    if is_ulid(text, scan) {
        return Some(SegmentClass::ObjectId);
    }
    if sensitive::is_key(text) {
        return Some(SegmentClass::Token);
    }
    if is_prefixed(text, scan) {
        return Some(SegmentClass::PrefixedId);
    }
    is_token(text, scan).then_some(SegmentClass::Token)
}

/// 26 characters of Crockford's base 32, upper case (github.com/ulid/spec).
fn is_ulid(text: &[u8], scan: &Scan) -> bool {
    scan.bytes == 26
        && scan.digits > 0
        && scan.lower == 0
        && matches!(text.first(), Some(b'0'..=b'7'))
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() && !b"ILOU".contains(byte))
}

/// `cus_9s6Xk2`, `SKU-00042`, `ORD-2024-00042`, `INV00042`.
fn is_prefixed(text: &[u8], scan: &Scan) -> bool {
    let prefix_bytes = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let Some((prefix, rest)) = text.split_at_checked(prefix_bytes) else { return false };
    let shouted = prefix.iter().all(u8::is_ascii_uppercase);
    match rest.split_first() {
        _ if !(1..=8).contains(&prefix_bytes) || !scan.is_token_text() => false,
        Some((b'_', rest)) if prefix_bytes >= 2 => is_identifier_rest(rest, 3) || is_jumbled(rest),
        Some((b'-', rest)) if prefix_bytes >= 2 => {
            is_identifier_rest(rest, if shouted { 3 } else { 4 })
                && (shouted || !rest.contains(&b'-'))
        }
        Some(_) => rest.len() >= 5 && rest.iter().all(u8::is_ascii_digit),
        None => false,
    }
}

/// Two capitals and 32 hexadecimal digits, as Twilio names things.
fn is_sid(text: &[u8]) -> bool {
    matches!(text.split_at_checked(2), Some((prefix, rest)) if rest.len() == 32
        && prefix.iter().all(u8::is_ascii_uppercase)
        && rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// What follows the prefix: enough digits, or digits and letters mixed as nobody speaks.
fn is_identifier_rest(rest: &[u8], digits_min: usize) -> bool {
    let mut parts = rest.split(|byte| matches!(byte, b'-' | b'_'));
    let Some(last) = parts.next_back() else { return false };
    if parts.clone().count() > 2 || parts.any(|part| part.is_empty() || part.len() > 8) {
        return false;
    }
    let digits = last.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == last.len() {
        return digits >= digits_min;
    }
    let changes = last
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    last.iter().all(u8::is_ascii_alphanumeric)
        && ((digits >= 2 && last.len() >= 6 && changes >= 2) || (digits >= 3 && changes >= 2))
}

/// Letters of both cases with more capitals than joined words have.
pub(super) fn is_jumbled(text: &[u8]) -> bool {
    let capitals = text.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let small = text.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    (10..=64).contains(&text.len())
        && text.iter().all(u8::is_ascii_alphanumeric)
        && capitals * 3 > text.len()
        && small * 4 > text.len()
}

/// Random-looking: letters and digits mixed over some length, or long base 64.
fn is_token(text: &[u8], scan: &Scan) -> bool {
    if scan.is_token_text() {
        if scan.bytes >= 10 && scan.digits >= 2 && scan.upper >= 2 && scan.lower >= 2 {
            return !is_joined_words(text);
        }
        if scan.bytes >= 16 && scan.digits >= 3 {
            return !is_joined_words(text);
        }
    }
    scan.bytes >= 24 && is_base64(text, scan)
}

fn is_base64(text: &[u8], scan: &Scan) -> bool {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    if !body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte)) {
        return false;
    }
    // Names joined by capitals are mostly lower case; random text is not.
    let mixed = scan.upper * 4 >= scan.letters() && scan.lower * 4 >= scan.letters();
    mixed && scan.upper >= 4 && scan.lower >= 4 && !is_joined_words(body)
}
