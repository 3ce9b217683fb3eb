//! How a path is spelled, a block of bytes at a look: nearly all are made of names and identifiers.

use memchr::memmem;
use wide::u8x16;

use super::{PATH_BYTES_MAX, Segments, is_path_char, is_unreserved};
use crate::sensitive;

/// How a path is spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spelling {
    /// As it should be, but for a slash at its end.
    pub(super) is_normal: bool,
    /// Of names alone, divided by single slashes and dots.
    pub(super) is_names: bool,
    /// Of names that are too short to be sensitive, and of identifiers.
    pub(super) is_harmless: bool,
}

/// How a path is spelled, and, if that is as it should be, where its segments are.
pub(super) fn spelling(sent: &[u8], segments: &mut Segments) -> Spelling {
    segments.clear();
    if sent.first() != Some(&b'/') || sent.len() > PATH_BYTES_MAX {
        return Spelling::default();
    }
    match Marks::of(sent) {
        Some(marks) => marks.spelling(sent, segments),
        None => any_spelling(sent, segments),
    }
}

/// The segments of a path so far.
struct Walk<'a> {
    sent: &'a [u8],
    segments: &'a mut Segments,
    /// No segment is empty or begins with a dot.
    is_divided: bool,
    /// The longest segment that is no identifier.
    longest: usize,
}

impl<'a> Walk<'a> {
    fn new(sent: &'a [u8], segments: &'a mut Segments) -> Self {
        Self { sent, segments, is_divided: true, longest: 0 }
    }

    #[inline]
    fn end_one(&mut self, start: usize, end: usize, has_digit: bool) {
        self.segments.push(end, has_digit);
        let segment = self.sent.get(start..end).unwrap_or_default();
        if !(has_digit && sensitive::is_uuid(segment)) {
            self.longest = self.longest.max(segment.len());
        }
        self.is_divided &= !matches!(segment.first(), None | Some(b'.'));
    }
}

/// Bytes of a path that are marked.
const MARKED_BYTES_MAX: usize = 64;
/// Bytes that are looked at in one step.
const BLOCK_BYTES: usize = 16;

/// What stands where in a path that may be one of names: a bit for each byte.
#[derive(Default)]
struct Marks {
    slash: u64,
    digit: u64,
    dot: u64,
    sign: u64,
}

impl Marks {
    /// None when the path is long, or has a byte that is in no name.
    #[inline]
    fn of(sent: &[u8]) -> Option<Self> {
        if sent.len() > MARKED_BYTES_MAX {
            return None;
        }
        let mut marks = Self::default();
        let mut odd = 0;
        let (blocks, rest) = sent.as_chunks::<BLOCK_BYTES>();
        for (place, block) in blocks.iter().enumerate() {
            odd |= marks.add(block, BLOCK_BYTES * place);
        }
        match sent.last_chunk() {
            _ if rest.is_empty() => {}
            // Some of them once more.
            Some(block) => odd |= marks.add(block, sent.len() - BLOCK_BYTES),
            None => {
                let mut block = [b'a'; BLOCK_BYTES];
                block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                odd |= marks.add(&block, 0);
            }
        }
        (odd == 0).then_some(marks)
    }

    /// Marks a block; says where something else stands.
    #[inline]
    fn add(&mut self, block: &[u8; BLOCK_BYTES], shift: usize) -> u32 {
        let block = u8x16::new(*block);
        let is = |byte: u8| block.simd_eq(u8x16::splat(byte));
        let is_between = |block: u8x16, first: u8, last: u8| {
            let above = block - u8x16::splat(first);
            above.simd_eq(above.min(u8x16::splat(last - first)))
        };
        let letter = is_between(block | u8x16::splat(0x20), b'a', b'z');
        // `/` lies behind `.` and before the digits, `:` behind them; `,`, `-` and `+` come first.
        let digit = is_between(block, b'0', b'9');
        let (slash, dot, sign) = (is(b'/'), is(b'.'), is(b'@') | is(b'+'));
        let plain = letter | is_between(block, b'+', b':') | is(b'_') | is(b'~') | sign;
        let bits = |kind: u8x16| u64::from(kind.to_bitmask()) << shift;
        self.slash |= bits(slash);
        self.digit |= bits(digit);
        self.dot |= bits(dot);
        self.sign |= bits(sign);
        !plain.to_bitmask() & 0xffff
    }

    fn spelling(&self, sent: &[u8], segments: &mut Segments) -> Spelling {
        let mut walk = Walk::new(sent, segments);
        let (mut start, mut slashes) = (1, self.slash & !1);
        // Of the segments that have not ended.
        let mut digits = self.digit;
        while slashes != 0 {
            let end = slashes.trailing_zeros() as usize;
            let behind = u64::MAX << end;
            walk.end_one(start, end, digits & !behind != 0);
            (start, digits) = (end + 1, digits & behind);
            slashes &= slashes - 1;
        }
        if start < sent.len() {
            walk.end_one(start, sent.len(), digits != 0);
        }
        let is_names = walk.is_divided && self.dot & self.dot << 1 == 0;
        Spelling {
            is_normal: walk.is_divided,
            is_names,
            is_harmless: is_names && self.sign == 0 && walk.longest < sensitive::TOKEN_BYTES_MIN,
        }
    }
}

/// The same of any path, a byte at a time.
fn any_spelling(sent: &[u8], segments: &mut Segments) -> Spelling {
    let mut walk = Walk::new(sent, segments);
    let (mut all, mut start, mut kinds) = (0, 1, 0);
    for (end, &byte) in sent.iter().enumerate().skip(1) {
        if byte == b'/' {
            walk.end_one(start, end, kinds & DIGIT != 0);
            (start, kinds) = (end + 1, 0);
        } else {
            kinds |= PATH_BYTES.get(usize::from(byte)).copied().unwrap_or(NOT_ALLOWED);
            all |= kinds;
        }
    }
    if start < sent.len() {
        walk.end_one(start, sent.len(), kinds & DIGIT != 0);
    }
    let is_normal = walk.is_divided && all & NOT_ALLOWED == 0;
    let is_names =
        is_normal && all & NO_NAME == 0 && (all & DOT == 0 || memmem::find(sent, b"..").is_none());
    let is_harmless = is_names && all & SIGN == 0 && walk.longest < sensitive::TOKEN_BYTES_MIN;
    Spelling { is_normal, is_names, is_harmless }
}

/// Not allowed in a path as it stands.
const NOT_ALLOWED: u8 = 1;
/// Allowed, but in no name.
const NO_NAME: u8 = 1 << 1;
const DOT: u8 = 1 << 2;
const DIGIT: u8 = 1 << 3;
/// What an address of mail and a telephone number are told by.
const SIGN: u8 = 1 << 4;

/// By byte.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
const PATH_BYTES: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    loop {
        kinds[byte as usize] = match byte {
            b'.' => DOT,
            b'0'..=b'9' => DIGIT,
            b'@' | b'+' => SIGN,
            b',' | b':' => 0,
            _ if is_unreserved(byte) => 0,
            _ if is_path_char(byte) => NO_NAME,
            _ => NOT_ALLOWED,
        };
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_are_spelled_as_bytes_are(
            sent in prop_oneof![
                "/[a-zA-Z0-9._~,:@+/-]{0,70}",
                "(/[a-z0-9.@]{0,12}){1,6}/?",
                "(/[a-z]{1,4}|/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}){1,2}",
                "/[ -~]{0,40}",
            ],
        ) {
            let (mut one, mut other) = (Segments::default(), Segments::default());
            let expected = any_spelling(sent.as_bytes(), &mut other);
            prop_assert_eq!(spelling(sent.as_bytes(), &mut one), expected);
            prop_assert_eq!(one, other);
        }

        #[test]
        fn any_bytes_are_spelled(sent in prop::collection::vec(any::<u8>(), 0..70)) {
            let sent = [b"/".as_slice(), &sent].concat();
            let (mut one, mut other) = (Segments::default(), Segments::default());
            let expected = any_spelling(&sent, &mut other);
            prop_assert_eq!(spelling(&sent, &mut one), expected);
            prop_assert_eq!(one, other);
        }
    }
}
