//! Finds the end of a text by the first byte that it cannot have, a block at a time: most texts end
//! within the first, however long they are.

use std::ops::Range;

use wide::u8x16;

/// Bytes of a block: a bit each.
const BLOCK_BYTES: usize = 64;

/// Where the value lies in a line whose colon ends before `at`: what is strictly allowed, without
/// the blanks before it, up to the end of the line. None when it holds anything else, blanks at its
/// end included.
#[inline]
pub(super) fn value(line: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + 1;
    let end = first_below::<b' '>(line, start);
    // As mostly: one blank, and nothing odd before the end of the line, which is not the end.
    let (before, after) = line.split_at_checked(end)?;
    if let [b'\r', b'\n', ..] = after
        && let [b' ', value @ ..] = before.get(at..)?
        && let ([first, ..], [.., last]) = (value, value)
        && *first != b' '
        && *last != b' '
    {
        return Some(start..end);
    }
    any_value(line, at)
}

/// The same of any line.
#[inline(never)]
fn any_value(line: &[u8], mut at: usize) -> Option<Range<usize>> {
    while let Some(b' ' | b'\t') = line.get(at) {
        at += 1;
    }
    let start = at;
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

/// How long the capitals are that come before a blank, if that is among the first eight bytes.
#[inline]
pub(super) fn word_end(line: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const UPPER: u64 = ONES << 7;
    let word = u64::from_le_bytes(*line.first_chunk()?);
    let other = word ^ (ONES * 0x20);
    let blanks = other.wrapping_sub(ONES) & !other & UPPER;
    // All of the bytes before the first; what lies above that may be marked wrongly.
    let before = ((blanks & blanks.wrapping_neg()) >> 7).wrapping_sub(1);
    // Whatever comes after counts as a capital.
    let letters = (word & before) | ((ONES * 0x41) & !before);
    let from_first = (letters & !UPPER) + ONES * (0x80 - 0x41);
    let past_last = (letters & !UPPER) + ONES * (0x80 - 0x5b);
    let is_well = blanks != 0 && (letters | !from_first | past_last) & UPPER == 0;
    is_well.then(|| first_of(blanks) / 8)
}

/// Where a phrase of printable characters ends before a return, if that is in the block.
#[inline]
pub(super) fn phrase_end(block: &[u8; 16]) -> Option<usize> {
    let part = u8x16::new(*block);
    let control = part.simd_eq(part.min(u8x16::splat(b' ' - 1)));
    let other = part.simd_eq(part.max(u8x16::splat(0x7f)));
    let end = first_of((control | other).to_bitmask().into());
    (block.get(end) == Some(&b'\r')).then_some(end)
}

/// The first place from `at` on of a byte below `LEAST`, or of DEL.
#[inline]
fn first_below<const LEAST: u8>(text: &[u8], at: usize) -> usize {
    let (blocks, rest) = text.get(at..).unwrap_or_default().as_chunks::<BLOCK_BYTES>();
    for (count, block) in blocks.iter().enumerate() {
        let odd = odd_of_block::<LEAST>(block);
        if odd != 0 {
            return at + count * BLOCK_BYTES + first_of(odd);
        }
    }
    let at = at + blocks.len() * BLOCK_BYTES;
    let (parts, rest) = rest.as_chunks::<16>();
    for (count, part) in parts.iter().enumerate() {
        let odd = odd::<LEAST>(part);
        if odd != 0 {
            return at + count * 16 + first_of(odd);
        }
    }
    let plain = rest.iter().take_while(|&&byte| is_plain::<LEAST>(byte)).count();
    at + parts.len() * 16 + plain
}

/// The first that is marked, which is so for certain.
#[inline]
fn first_of(odd: u64) -> usize {
    usize::try_from(odd.trailing_zeros()).unwrap_or_default()
}

#[inline]
const fn is_plain<const LEAST: u8>(byte: u8) -> bool {
    byte >= LEAST && byte != 0x7f
}

/// Marks what [`odd`] marks in a block, its first byte in the lowest bit.
#[inline]
fn odd_of_block<const LEAST: u8>(block: &[u8; BLOCK_BYTES]) -> u64 {
    let [first, second, third, last] = block.as_chunks().0 else { return 0 };
    let odd = odd::<LEAST>;
    odd(first) | odd(second) << 16 | odd(third) << 32 | odd(last) << 48
}

/// Marks the bytes that are less than `LEAST`, and DEL.
#[inline]
fn odd<const LEAST: u8>(part: &[u8; 16]) -> u64 {
    let part = u8x16::new(*part);
    let less = part.simd_eq(part.min(u8x16::splat(LEAST - 1)));
    (less | part.simd_eq(u8x16::splat(0x7f))).to_bitmask().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_capitals_ends_where_it_ends() {
        for length in 0..12 {
            for byte in 0..=u8::MAX {
                for at in 0..length + 4 {
                    let mut line = vec![b'Q'; length + 20];
                    line[length] = b' ';
                    line[at] = byte;
                    let plain = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
                    let is_word = plain < 8 && line[plain] == b' ';
                    assert_eq!(
                        word_end(&line),
                        is_word.then_some(plain),
                        "{}",
                        line.escape_ascii()
                    );
                }
            }
        }
        assert_eq!((word_end(b"GET / HT"), word_end(b"GET / H")), (Some(3), None));
        assert_eq!(
            (word_end(b"AZ AZ AZ"), word_end(b"A[ AZ AZ"), word_end(b"A@ AZ AZ")),
            (Some(2), None, None)
        );
    }

    #[test]
    fn a_phrase_ends_at_a_return() {
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                let mut block = *b"Not Found\r\n\r\nxyz";
                block[at] = byte;
                let plain = block.iter().take_while(|byte| matches!(byte, b' '..=b'~')).count();
                let expected = (block.get(plain) == Some(&b'\r')).then_some(plain);
                assert_eq!(phrase_end(&block), expected, "{}", block.escape_ascii());
            }
        }
        assert_eq!(phrase_end(b"A very long text"), None);
    }

    #[test]
    fn the_first_odd_byte_is_found_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..100 {
                for (other, len) in [(b'a', 100), (0xe9, 101), (b'~', 104), (0x80, 150)] {
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
