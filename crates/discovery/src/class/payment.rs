//! Cards and what comes with them.

use super::checksum::luhn;
use super::text::{Compact, is_uniform, number};
use crate::sensitive;

/// A card number, plain or in groups of at least three; never one digit over and over.
pub(super) fn is_card_number(compact: &Compact) -> bool {
    (12..=19).contains(&compact.bytes.len())
        && compact.is_digits()
        && compact.groups.iter().all(|&group| group >= 3)
        && compact.separators.iter().all(|separator| b" -".contains(separator))
        && !is_uniform(&compact.bytes)
        && (sensitive::is_card_number(&compact.bytes) || is_short_maestro(compact))
}

/// Maestro has numbers of twelve digits, too few to be known for one in any text.
fn is_short_maestro(compact: &Compact) -> bool {
    compact.bytes.len() == 12
        && matches!(
            compact.number(0, 4),
            Some(5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
        )
        && luhn(&compact.bytes)
}

/// Three or four digits.
pub(super) fn is_verification(text: &[u8]) -> bool {
    (3..=4).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// Four to eight digits (ISO 9564 allows twelve).
pub(super) fn is_pin(text: &[u8]) -> bool {
    (4..=8).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// `08/27`, `08/2027`, `2027-08`, `0827`; a month or a year alone.
pub(super) fn is_expiry(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| b"/- .".contains(byte)).filter(|part| !part.is_empty());
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    let is_month = |part: &[u8]| part.len() <= 2 && matches!(number(part), Some(1..=12));
    let is_year = |part: &[u8]| match number(part) {
        Some(year) => (part.len() == 2 && year >= 10) || (2010..2100).contains(&year),
        None => false,
    };
    match (first, second, third) {
        (Some(only), None, _) if only.len() == 4 && !is_year(only) => {
            only.split_at_checked(2).is_some_and(|(left, right)| {
                (is_month(left) && is_year(right)) || (is_year(left) && is_month(right))
            })
        }
        (Some(only), None, _) => is_month(only) || is_year(only),
        (Some(left), Some(right), None) => {
            (is_month(left) && is_year(right)) || (is_year(left) && is_month(right))
        }
        (Some(year), Some(month), Some(day)) => {
            is_year(year) && is_month(month) && matches!(number(day), Some(1..=31))
        }
        _ => false,
    }
}

/// Track 1 (`%B`, number, `^`, name, `^`) or track 2 (`;`, number, `=`) of ISO/IEC 7813.
pub(super) fn is_track(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"?").unwrap_or(text);
    if let Some(rest) = text.strip_prefix(b"%B") {
        return begins_with_card(rest, b'^') && memchr::memchr_iter(b'^', rest).count() == 2;
    }
    let rest = text.strip_prefix(b";").unwrap_or(text);
    rest.len() <= 40
        && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'=')
        && begins_with_card(rest, b'=')
}

fn begins_with_card(text: &[u8], end: u8) -> bool {
    memchr::memchr(end, text)
        .and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)))
        .is_some_and(|(card, rest)| sensitive::is_card_number(card) && rest.len() >= 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_tracks_and_expiries_are_told_from_what_resembles_them() {
        let is_card =
            |text: &str| Compact::of(text.as_bytes()).is_some_and(|it| is_card_number(&it));
        assert!(is_card("5555 5555 5555 4444") && is_card("378282246310005"));
        // An IMEI, a date and time, an order.
        assert!(
            !is_card("490154203237518")
                && !is_card("1792930211123")
                && !is_card("4-111111111111111")
        );
        assert!(is_track(b"%B4111111111111111^DOE/JOHN^27081010000000000000?"));
        assert!(is_track(b";4111111111111111=27081010000000000000?"));
        assert!(!is_track(b"4111111111111111="));
        for text in ["08/27", "8/2027", "2027-08", "0827", "12", "2031"] {
            assert!(is_expiry(text.as_bytes()), "{text}");
        }
        for text in ["13/27", "0", "1999", "08/27/x", "9999"] {
            assert!(!is_expiry(text.as_bytes()), "{text}");
        }
    }
}
