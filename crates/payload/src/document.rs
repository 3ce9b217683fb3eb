//! Whether a document of JSON is plain, sixty-four bytes at a look: nearly all that clients send is,
//! and every request is looked at.

use wide::u8x16;

use crate::bytes::at;
use crate::{decode, marks};

/// Bytes of a block: a bit each.
const BLOCK_BYTES: usize = 64;
/// Bytes from which on a run without a gap may be something encoded.
const RUN_BYTES_MIN: usize = 20;

/// What the bytes of one block are, a bit for each.
#[derive(Default)]
struct Kinds {
    /// Letters, digits, `_`, `-` and `+`.
    word: u64,
    quote: u64,
    /// What stands between words: space, comma, `@`.
    gap: u64,
    dot: u64,
    colon: u64,
    /// What is structure where it is no text.
    structure: u64,
    /// `_` and `-`.
    dash: u64,
    plus: u64,
}

impl Kinds {
    #[inline]
    fn of(block: &[u8; BLOCK_BYTES]) -> Self {
        let mut kinds = Self::default();
        let (parts, _) = block.as_chunks::<16>();
        for (place, part) in parts.iter().enumerate() {
            kinds.add(u8x16::new(*part), 16 * place);
        }
        kinds
    }

    #[inline]
    fn add(&mut self, part: u8x16, shift: usize) {
        let is = |byte: u8| part.simd_eq(u8x16::splat(byte));
        let lower = part | u8x16::splat(0x20);
        let (dash, plus) = (is(b'_') | is(b'-'), is(b'+'));
        let word = is_between(lower, b'a', b'z') | is_between(part, b'0', b'9') | dash | plus;
        // `[` and `{`, `]` and `}` differ in the bit that tells capitals from small letters.
        let brace = lower.simd_eq(u8x16::splat(b'{')) | lower.simd_eq(u8x16::splat(b'}'));
        let structure = brace | is_between(part, b'\t', b'\n') | is(b'\r');
        let bits = |kind: u8x16| u64::from(kind.to_bitmask()) << shift;
        self.word |= bits(word);
        self.quote |= bits(is(b'"'));
        self.gap |= bits(is(b' ') | is(b',') | is(b'@'));
        self.dot |= bits(is(b'.'));
        self.colon |= bits(is(b':'));
        self.structure |= bits(structure);
        self.dash |= bits(dash);
        self.plus |= bits(plus);
    }

    const fn is_known(&self) -> bool {
        let known = self.word | self.quote | self.gap | self.dot | self.colon | self.structure;
        known == u64::MAX
    }
}

#[inline]
fn is_between(part: u8x16, first: u8, last: u8) -> u8x16 {
    let above = part - u8x16::splat(first);
    above.simd_eq(above.min(u8x16::splat(last - first)))
}

/// What the blocks before leave open.
#[derive(Default)]
struct Before {
    /// All ones within a text.
    in_text: u64,
    word: u64,
    dot: u64,
    dash: u64,
    /// Runs of words that are long.
    long: u64,
    /// Where the text ends that was looked at last.
    text_end: usize,
}

/// Whether a document of JSON is made of structure, words, numbers, times, addresses of mail and
/// identifiers: no text in it has a sign that a language needs, none of several words has one that an
/// attack needs, and nothing is text in base64. It may be cut anywhere.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    let mut before = Before::default();
    let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
    let mut start = 0;
    for block in blocks {
        if !before.passes(block, text, start) {
            return false;
        }
        start += BLOCK_BYTES;
    }
    let mut last = [b' '; BLOCK_BYTES];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    rest.is_empty() || before.passes(&last, text, start)
}

impl Before {
    /// Whether one block of `text`, which begins at `start`, is plain.
    #[inline]
    fn passes(&mut self, block: &[u8; BLOCK_BYTES], text: &[u8], start: usize) -> bool {
        let kinds = Kinds::of(block);
        if !kinds.is_known() {
            return false;
        }
        let in_text = from_quotes(kinds.quote) ^ self.in_text;
        let dots = kinds.dot & (kinds.dot << 1 | self.dot >> 63);
        if kinds.structure & in_text != 0 || dots != 0 {
            return false;
        }
        let dashes = kinds.dash & (kinds.dash << 1 | self.dash >> 63);
        let long = long_runs(kinds.word, self.word);
        let gaps = kinds.gap | kinds.dot | kinds.colon | kinds.plus | dashes;
        self.in_text = 0_u64.wrapping_sub(in_text >> 63);
        (self.word, self.dot, self.dash) = (kinds.word, kinds.dot, kinds.dash);
        places(kinds.colon & in_text).all(|place| is_time(text, start + place))
            && self.hide_nothing(long, kinds.plus, text, start)
            && places(gaps & in_text).all(|place| self.is_harmless(text, start + place))
    }

    /// Whether none of the runs of words that become long in a block is text in base64; `long` are
    /// their bits from where they are. What they are shows within a few bytes.
    #[inline]
    fn hide_nothing(&mut self, long: u64, plus: u64, text: &[u8], start: usize) -> bool {
        let first = long & !(long << 1 | self.long >> 63);
        self.long = long;
        // A plus sign may begin what UTF-7 hides.
        long & plus == 0
            && places(first).all(|place| {
                let run = text.get((start + place + 1).saturating_sub(RUN_BYTES_MIN)..);
                let run = run.unwrap_or_default();
                !run.iter().take(RUN_BYTES_MIN).any(|&byte| byte == b'+')
                    && !decode::begins_as_base64(run)
            })
    }

    /// Whether the text around a place has no word that an attack needs. A word by itself is none.
    fn is_harmless(&mut self, text: &[u8], place: usize) -> bool {
        if place < self.text_end {
            return true;
        }
        let (head, tail) = text.split_at_checked(place).unwrap_or_default();
        let start = memchr::memrchr(b'"', head).map_or(0, |quote| quote + 1);
        self.text_end = place + memchr::memchr(b'"', tail).unwrap_or(tail.len());
        !marks::has_word(text.get(start..self.text_end).unwrap_or_default())
    }
}

/// The bits behind an odd number of quotes.
const fn from_quotes(mut quotes: u64) -> u64 {
    let mut step = 1;
    while step < BLOCK_BYTES {
        quotes ^= quotes << step;
        step *= 2;
    }
    quotes
}

/// The bits of runs of [`RUN_BYTES_MIN`] bits and more from the one on that makes them so long; some
/// of a run may lie before.
#[inline]
fn long_runs(bits: u64, before: u64) -> u64 {
    let one = u128::from(bits) << 64 | u128::from(before);
    let two = one & one << 1;
    let four = two & two << 2;
    let eight = four & four << 4;
    let sixteen = eight & eight << 8;
    u64::try_from((sixteen & four << (RUN_BYTES_MIN - 4)) >> 64).unwrap_or(u64::MAX)
}

/// The places of the bits, from the lowest on.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    })
}

/// Whether a colon stands between hours and minutes, or minutes and seconds: not before a port.
fn is_time(text: &[u8], colon: usize) -> bool {
    let digit = |place: usize| text.get(place).is_some_and(u8::is_ascii_digit);
    colon >= 3
        && matches!(at(text, colon - 3), b'T' | b' ' | b':' | b'+' | b'-')
        && digit(colon - 2)
        && digit(colon - 1)
        && digit(colon + 1)
        && digit(colon + 2)
        && !digit(colon + 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, a byte at a time.
    fn is_plain_by_byte(text: &[u8]) -> bool {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
        let mut in_text = false;
        for (place, &byte) in text.iter().enumerate() {
            in_text ^= byte == b'"';
            let is_plain = match byte {
                b'"' | b' ' | b',' | b'@' => true,
                b'.' => at(text, place + 1) != b'.',
                b':' => !in_text || is_time(text, place),
                b'{' | b'}' | b'[' | b']' | b'\n' | b'\r' | b'\t' => !in_text,
                _ => is_word(byte),
            };
            if !is_plain {
                return false;
            }
        }
        let runs = text.split(|&byte| !is_word(byte));
        let is_open =
            |run: &[u8]| run.len() < 20 || !run.contains(&b'+') && !decode::begins_as_base64(run);
        let are_open = runs.into_iter().all(is_open);
        let is_lone = |text: &[u8]| {
            !text.iter().any(|&byte| b" ,@.:+".contains(&byte))
                && !text.windows(2).any(|two| two.iter().all(|byte| b"_-".contains(byte)))
        };
        let mut texts = text.split(|&byte| byte == b'"').skip(1).step_by(2);
        are_open && texts.all(|text| is_lone(text) || !marks::has_word(text))
    }

    proptest! {
        #[test]
        fn a_block_at_a_time_is_a_byte_at_a_time(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => "[a-zA-Z0-9]{0,12}",
                    1 => "[a-f0-9-]{10,40}",
                    1 => "[a-zA-Z0-9+_-]{10,40}",
                    1 => "[a-zA-Z0-9_-]{20,200}",
                    1 => prop::sample::select(vec![
                        "L2V0Yy9wYXNzd2QgL2V0Yy9zaGFkb3c", "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
                    ]).prop_map(str::to_owned),
                    4 => prop::sample::select(vec![
                        "\"", "\"", "\"", "{", "}", ":", ",", " ", ".", "@", "\n", "union select",
                        "12:30", "T12:30:00", "__", "--", "[", "]", ";", "\\", "or 1",
                    ]).prop_map(str::to_owned),
                ],
                0..40,
            ),
        ) {
            let text = parts.concat();
            prop_assert_eq!(is_plain(text.as_bytes()), is_plain_by_byte(text.as_bytes()), "{}", text);
        }

        #[test]
        fn any_bytes_are_looked_at(text in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(is_plain(&text), is_plain_by_byte(&text));
        }
    }

    #[test]
    fn every_byte_is_told_as_by_itself() {
        for byte in 0..=u8::MAX {
            for text in [vec![byte], vec![b'"', b'a', byte, b'b', b'"']] {
                assert_eq!(is_plain(&text), is_plain_by_byte(&text), "{text:?}");
            }
        }
    }
}
