//! Finds the end of a text by the first byte that it cannot have, eight bytes at a time.

use std::ops::Range;

/// Every byte 1.
const ONES: u64 = u64::MAX / 0xff;
/// The upper bit of every byte.
const UPPER: u64 = ONES << 7;

/// Where the value lies in a line whose colon ends before `at`: what is strictly allowed, without
/// the blanks before it, up to the end of the line. None when it holds anything else, blanks at its
/// end included.
#[inline]
pub(super) fn value(line: &[u8], mut at: usize) -> Option<Range<usize>> {
    while let Some(b' ' | b'\t') = line.get(at) {
        at += 1;
    }
    let start = at;
    loop {
        at = first_below::<b' '>(line, at).0;
        match line.get(at)? {
            b'\t' => at += 1,
            b'\r' if line.get(at + 1) == Some(&b'\n') => break,
            _ => return None,
        }
    }
    let ends_blank = at > start && matches!(line.get(at - 1), Some(b' ' | b'\t'));
    (!ends_blank).then_some(start..at)
}

/// Where a target that begins at `at` ends: before a blank, with nothing in it that a strict reading
/// refuses.
#[inline]
pub(super) fn target_end(line: &[u8], at: usize) -> Option<usize> {
    let (end, is_ascii) = first_below::<b'!'>(line, at);
    let is_text = || line.get(at..end).is_some_and(|target| str::from_utf8(target).is_ok());
    (end > at && (is_ascii || is_text())).then_some(end)
}

/// The first place from `at` on of a byte below `LEAST`, or of DEL; and whether what lies before it
/// is known to be ASCII.
#[inline]
fn first_below<const LEAST: u8>(text: &[u8], mut at: usize) -> (usize, bool) {
    let mut seen = 0;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let chunk = u64::from_le_bytes(*chunk);
        let odd = odd::<LEAST>(chunk);
        seen |= chunk;
        if odd != 0 {
            // Of the bytes marked, the first is so for certain.
            let place = usize::try_from(odd.trailing_zeros() / 8).unwrap_or_default();
            return (at + place, seen & UPPER == 0);
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    (at + rest.iter().take_while(|&&byte| is_plain::<LEAST>(byte)).count(), false)
}

#[inline]
const fn is_plain<const LEAST: u8>(byte: u8) -> bool {
    byte >= LEAST && byte != 0x7f
}

/// Marks the bytes that are less than `LEAST`, which is at most 128, and DEL. What lies above the
/// first may be marked wrongly.
#[inline]
const fn odd<const LEAST: u8>(chunk: u64) -> u64 {
    let less = chunk.wrapping_sub(ONES * LEAST as u64);
    let deleted = (chunk ^ (ONES * 0x7f)).wrapping_sub(ONES);
    (less | deleted) & !chunk & UPPER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_odd_byte_is_found_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..100 {
                for (other, len) in [(b'a', 100), (0xe9, 101), (b'~', 104), (0x80, 130)] {
                    let mut text = vec![other; len];
                    text[at] = byte;
                    let is_odd = byte < b'!' || byte == 0x7f;
                    let expected = if is_odd { at } else { len };
                    assert_eq!(first_below::<b'!'>(&text, 0).0, expected, "{byte} in {other}");
                }
            }
        }
    }
}
