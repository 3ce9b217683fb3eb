//! What bytes a text is made of, in one pass.

/// Letters, digits and what stands in names: harmless wherever it is.
const PLAIN: u16 = 0;
/// A space.
pub(crate) const SPACE: u16 = 1;
/// `.`
pub(crate) const DOT: u16 = 1 << 1;
/// `/`
pub(crate) const SLASH: u16 = 1 << 2;
/// `:`
pub(crate) const COLON: u16 = 1 << 3;
/// `=`
pub(crate) const EQUALS: u16 = 1 << 4;
/// What languages are written with: quotes, brackets, separators.
pub(crate) const STRONG: u16 = 1 << 5;
/// `%`, `&`, `\`: what an escape begins with.
pub(crate) const ESCAPE: u16 = 1 << 6;
/// Control characters.
pub(crate) const CONTROL: u16 = 1 << 7;
/// The first byte of an overlong form or of a full-width character.
pub(crate) const WIDE: u16 = 1 << 8;
/// `+`, `-`: signs, and the marks of UTF-7 and of comments.
pub(crate) const SIGN: u16 = 1 << 9;
/// `<`
pub(crate) const ANGLE: u16 = 1 << 10;
/// A quote.
pub(crate) const QUOTE: u16 = 1 << 11;

/// By byte.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
const CLASSES: [u16; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = class(byte);
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

const fn class(byte: u8) -> u16 {
    match byte {
        b' ' => SPACE,
        b'.' => DOT,
        b'/' => SLASH,
        b':' => COLON,
        b'=' => EQUALS,
        b'+' | b'-' => SIGN,
        b'%' => ESCAPE,
        b'&' | b'\\' => ESCAPE | STRONG,
        b'<' => STRONG | ANGLE,
        b'\'' | b'"' | b'`' => STRONG | QUOTE,
        b'>' | b'(' | b')' | b'{' | b'}' | b'[' | b']' | b';' | b'|' | b'$' | b'#' | b'*'
        | b'!' | b'^' | b'~' | b'?' => STRONG,
        0..=0x1f | 0x7f => CONTROL,
        0xc0 | 0xc1 | 0xc2 | 0xca | 0xe2 | 0xef => WIDE,
        _ => PLAIN,
    }
}

/// The kinds of bytes that occur.
#[inline]
pub(crate) fn kinds(text: &[u8]) -> u16 {
    let of = |&byte: &u8| CLASSES.get(usize::from(byte)).copied().unwrap_or(STRONG);
    text.iter().fold(PLAIN, |all, byte| all | of(byte))
}

/// The byte at a place; 0 behind the end.
#[inline]
pub(crate) fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or(0)
}

/// What lies behind a place.
#[inline]
pub(crate) fn from(text: &[u8], place: usize) -> &[u8] {
    text.get(place..).unwrap_or_default()
}

/// What lies between two places.
#[inline]
pub(crate) fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end.min(text.len())).unwrap_or_default()
}

/// Whether text begins with a word, whose letters are small, in any case.
#[inline]
pub(crate) fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// Letters, digits and `_`.
#[inline]
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
