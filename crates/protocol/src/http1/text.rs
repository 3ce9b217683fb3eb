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
pub(super) fn value(line: &[u8], at: usize) -> Option<Range<usize>> {
    // As mostly: one blank, and nothing odd before the end of the line, which is not the end.
    let (b' ', text) = line.get(at..)?.split_first()? else { return any_value(line, at, at) };
    let (chunks, _) = text.as_chunks::<8>();
    for (count, chunk) in chunks.iter().enumerate() {
        let odd = odd::<b' '>(u64::from_le_bytes(*chunk));
        if odd != 0 {
            let end = count * 8 + first_of(odd);
            let (value, after) = text.split_at_checked(end)?;
            let [b'\r', b'\n', ..] = after else { return any_value(line, at, at) };
            let is_blank = |byte: Option<&u8>| byte.is_none_or(|&byte| byte == b' ');
            let is_bare = !is_blank(value.first()) && !is_blank(value.last());
            return if is_bare { Some(at + 1..at + 1 + end) } else { any_value(line, at, at) };
        }
    }
    any_value(line, at, at + 1 + chunks.len() * 8)
}

/// The same of any line. Up to `known` there is nothing odd but blanks.
#[inline(never)]
fn any_value(line: &[u8], mut at: usize, known: usize) -> Option<Range<usize>> {
    while let Some(b' ' | b'\t') = line.get(at) {
        at += 1;
    }
    let start = at;
    at = at.max(known);
    loop {
        at = first_below::<b' '>(line, at);
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
    let end = first_below::<b'!'>(line, at);
    let target = line.get(at..end).filter(|target| !target.is_empty())?;
    (target.is_ascii() || str::from_utf8(target).is_ok()).then_some(end)
}

/// The first place from `at` on of a byte below `LEAST`, or of DEL.
#[inline]
fn first_below<const LEAST: u8>(text: &[u8], at: usize) -> usize {
    let (chunks, rest) = text.get(at..).unwrap_or_default().as_chunks::<8>();
    for (count, chunk) in chunks.iter().enumerate() {
        let odd = odd::<LEAST>(u64::from_le_bytes(*chunk));
        if odd != 0 {
            return at + count * 8 + first_of(odd);
        }
    }
    let plain = rest.iter().take_while(|&&byte| is_plain::<LEAST>(byte)).count();
    at + chunks.len() * 8 + plain
}

/// The first byte that is marked, which is so for certain.
#[inline]
fn first_of(odd: u64) -> usize {
    usize::try_from(odd.trailing_zeros() / 8).unwrap_or_default()
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
                    assert_eq!(first_below::<b'!'>(&text, 0), expected, "{byte} in {other}");
                }
            }
        }
    }
}
