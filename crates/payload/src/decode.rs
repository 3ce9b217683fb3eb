//! What a text means once its escapes are undone: one layer at a time.

use crate::bytes::{at, begins, from, part};

/// Characters that HTML may name (HTML standard, section 13.5), as far as they matter here.
const NAMED: &[(&[u8], u8)] = &[
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"amp", b'&'),
    (b"equals", b'='),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"comma", b','),
    (b"period", b'.'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"newline", b'\n'),
    (b"tab", b'\t'),
    (b"nbsp", b' '),
    (b"grave", b'`'),
    (b"diacriticalgrave", b'`'),
    (b"lbrace", b'{'),
    (b"lcub", b'{'),
    (b"rcub", b'}'),
    (b"lsqb", b'['),
    (b"rsqb", b']'),
    (b"lbrack", b'['),
    (b"rbrack", b']'),
    (b"num", b'#'),
    (b"dollar", b'$'),
    (b"percnt", b'%'),
    (b"plus", b'+'),
    (b"excl", b'!'),
    (b"quest", b'?'),
    (b"ast", b'*'),
    (b"vert", b'|'),
    (b"verbar", b'|'),
];
/// Digits of a numeric reference: attackers pad them with zeros.
const DIGITS_MAX: usize = 12;
/// Share of bytes, in per cent, that are text in what base64 decodes to.
const TEXT_SHARE_MIN: usize = 97;
/// Bytes of base64 that may hide something.
const BASE64_BYTES_MIN: usize = 12;

/// Undoes one layer of escapes into `out`: percent and overlong forms, `%u`, entities, `\u`, `\x`,
/// full-width forms, UTF-7, bytes that are nothing. Whether anything changed.
pub(crate) fn layer(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.reserve(text.len());
    let is_utf7 = memchr::memmem::find(text, b"+AD").is_some();
    let mut place = 0;
    let mut changed = false;
    while let Some(&byte) = text.get(place) {
        let (step, meant) = match byte {
            b'%' => percent(text, place),
            b'&' => entity(text, place),
            b'\\' => backslash(text, place),
            b'+' if is_utf7 && begins(from(text, place), b"+A") => utf7(text, place, out),
            0xc0..=0xff => wide(text, place),
            0 => (1, None),
            _ => (1, Some(byte)),
        };
        changed |= step != 1 || meant != Some(byte);
        out.extend(meant);
        place += step;
    }
    changed
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// The value of so many hexadecimal digits.
fn hex_digits(text: &[u8], place: usize, count: usize) -> Option<u32> {
    (0..count).try_fold(0, |value, index| Some(value << 4 | hex(at(text, place + index))?))
}

/// A character as the byte it is meant as.
fn folded(character: u32) -> Option<u8> {
    let plain = match character {
        0 | 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfeff => return None,
        0x0..=0x7f => character,
        0xff01..=0xff5e => character - 0xff01 + 0x21,
        0x2018 | 0x2019 | 0x2b9 | 0x2bc | 0x2c8 | 0x2032 => 0x27,
        0x201c | 0x201d | 0x2ba | 0x2033 => 0x22,
        0xa0 | 0x2000..=0x200a | 0x3000 => 0x20,
        0x2215 | 0x2044 => 0x2f,
        0x2216 => 0x5c,
        _ => 0xff,
    };
    u8::try_from(plain).ok()
}

/// `%41`, `%u0041`, and overlong forms of several bytes.
fn percent(text: &[u8], place: usize) -> (usize, Option<u8>) {
    if at(text, place + 1).eq_ignore_ascii_case(&b'u')
        && let Some(value) = hex_digits(text, place + 2, 4)
    {
        return (6, folded(value));
    }
    let escaped =
        |place: usize| (at(text, place) == b'%').then(|| hex_digits(text, place + 1, 2))?;
    let Some(first) = escaped(place) else { return (1, Some(b'%')) };
    // Overlong forms of ASCII (RFC 3629 section 3 forbids them).
    if matches!(first, 0xc0 | 0xc1)
        && let Some(second) = escaped(place + 3).filter(|second| second & 0xc0 == 0x80)
    {
        return (6, folded((first & 0x1f) << 6 | second & 0x3f));
    }
    if matches!(first, 0xe0 | 0xef | 0xe2)
        && let (Some(second), Some(third)) = (escaped(place + 3), escaped(place + 6))
    {
        let meant = (first & 0xf) << 12 | (second & 0x3f) << 6 | third & 0x3f;
        if let Some(byte) = folded(meant).filter(u8::is_ascii) {
            return (9, Some(byte));
        }
    }
    (3, (first != 0).then(|| u8::try_from(first).unwrap_or(b'?')))
}

/// `&lt;`, `&#60;`, `&#x3c`: the semicolon may be left out of numbers.
fn entity(text: &[u8], place: usize) -> (usize, Option<u8>) {
    let rest = from(text, place + 1);
    if at(rest, 0) == b'#' {
        let is_hex = at(rest, 1) | 0x20 == b'x';
        let start = 1 + usize::from(is_hex);
        let radix = if is_hex { 16 } else { 10 };
        let (mut value, mut count) = (0_u32, 0);
        while count < DIGITS_MAX
            && let Some(digit) = char::from(at(rest, start + count)).to_digit(radix)
        {
            value = value.saturating_mul(radix).saturating_add(digit);
            count += 1;
        }
        if count == 0 {
            return (1, Some(b'&'));
        }
        let end = start + count;
        return (1 + end + usize::from(at(rest, end) == b';'), folded(value));
    }
    let known = NAMED.iter().find(|(name, _)| begins(rest, name) && at(rest, name.len()) == b';');
    known.map_or((1, Some(b'&')), |(name, byte)| (name.len() + 2, Some(*byte)))
}

/// `\u0041`, `\u{41}`, `\x41`.
fn backslash(text: &[u8], place: usize) -> (usize, Option<u8>) {
    let plain = (1, Some(b'\\'));
    match at(text, place + 1) {
        b'x' => hex_digits(text, place + 2, 2).map_or(plain, |value| (4, folded(value))),
        b'u' if at(text, place + 2) == b'{' => {
            let rest = part(text, place + 3, place + 3 + DIGITS_MAX);
            let Some(count) = memchr::memchr(b'}', rest) else { return plain };
            let value = hex_digits(rest, 0, count);
            value.map_or(plain, |value| (4 + count, folded(value)))
        }
        b'u' => hex_digits(text, place + 2, 4).map_or(plain, |value| (6, folded(value))),
        _ => plain,
    }
}

/// `+ADw-` (RFC 2152): of what is encoded, the ASCII.
fn utf7(text: &[u8], place: usize, out: &mut Vec<u8>) -> (usize, Option<u8>) {
    let mut count = 0;
    let (mut bits, mut held) = (0_u32, 0_u32);
    let digit = |place| Some(at(text, place)).filter(|byte| !matches!(byte, b'-' | b'_'));
    while let Some(value) = digit(place + 1 + count).and_then(base64_value) {
        bits = bits << 6 | u32::from(value);
        held += 6;
        count += 1;
        if held >= 16 {
            held -= 16;
            out.extend(folded(bits >> held & 0xffff));
            bits &= (1 << held) - 1;
        }
    }
    let end = place + 1 + count;
    (1 + count + usize::from(at(text, end) == b'-'), None)
}

/// Overlong and full-width forms in UTF-8.
fn wide(text: &[u8], place: usize) -> (usize, Option<u8>) {
    let [first, second, third] = [0, 1, 2].map(|index| u32::from(at(text, place + index)));
    let meant = match first {
        0xc0..=0xdf if second & 0xc0 == 0x80 => Some((2, (first & 0x1f) << 6 | second & 0x3f)),
        0xe0..=0xef if second & 0xc0 == 0x80 && third & 0xc0 == 0x80 => {
            Some((3, (first & 0xf) << 12 | (second & 0x3f) << 6 | third & 0x3f))
        }
        _ => None,
    };
    let byte = Some(at(text, place));
    let Some((bytes, character)) = meant else { return (1, byte) };
    match folded(character) {
        Some(folded) if !folded.is_ascii() => (1, byte),
        folded => (bytes, folded),
    }
}

const fn base64_value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Decodes base64 (RFC 4648, either alphabet) into `out`; whether it is text that is worth a look.
pub(crate) fn base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let text = text.trim_ascii();
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    digits.len() >= BASE64_BYTES_MIN
        && is_text(digits.iter().map(|&digit| base64_value(digit)), |byte| out.push(byte))
}

/// Whether the digits that a text begins with are text in base64 that is worth a look.
pub(crate) fn begins_as_base64(text: &[u8]) -> bool {
    is_text(text.iter().map(|&digit| base64_value(digit)).take_while(Option::is_some), |_| {})
}

/// Gives the bytes of base64 to `each` as long as they may be text; whether they are.
fn is_text(digits: impl Iterator<Item = Option<u8>>, mut each: impl FnMut(u8)) -> bool {
    let (mut bits, mut held, mut odd, mut count) = (0_u32, 0_u32, 0_usize, 0_usize);
    for digit in digits {
        let Some(value) = digit else { return false };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            let byte = u8::try_from(bits >> held & 0xff).unwrap_or(0);
            bits &= (1 << held) - 1;
            let is_text = matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
            odd += usize::from(!is_text);
            count += 1;
            each(byte);
            // Nearly all of what looks like base64 is not text.
            if odd > 2 && odd * 100 > count * (100 - TEXT_SHARE_MIN) {
                return false;
            }
        }
    }
    // No bytes end with a digit by itself.
    held != 6 && odd * 100 <= count * (100 - TEXT_SHARE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8]) -> String {
        let mut out = Vec::new();
        layer(text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn escapes_of_every_kind_are_undone_once() {
        for (text, expected) in [
            ("%3Cb%3e", "<b>"),
            ("%253C", "%3C"),
            ("%u003c%U0027", "<'"),
            ("%c0%ae%C0%af", "./"),
            ("%ef%bc%87", "'"),
            ("&lt;a&gt &#60;&#x00003c;&#39", "<a&gt <<'"),
            ("\\u003cx\\x3e\\u{27}", "<x>'"),
            ("+ADw-script+AD4-", "<script>"),
            ("\u{ff1c}\u{ff53}", "<s"),
            ("a%00b\0c", "abc"),
            ("100% \\n &c; +1", "100% \\n &c; +1"),
            ("caf\u{e9} \u{65e5}", "caf\u{e9} \u{65e5}"),
        ] {
            assert_eq!(decoded(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn base64_counts_only_if_it_is_text() {
        let mut out = Vec::new();
        assert!(base64(b"L2V0Yy9wYXNzd2Q=", &mut out));
        assert_eq!(out, b"/etc/passwd");
        assert!(!base64(b"abcd", &mut out));
        assert!(!base64(b"q83vEjRWeJCrze8SNFZ4kA==", &mut out));
    }
}
