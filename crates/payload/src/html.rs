//! Script in a page: the tags of a text, read as a browser reads them (HTML standard, section 13.2.5),
//! as far as it takes to find what runs.

use crate::bytes::{at, begins, from, is_word, part};

/// Attributes of one tag that are looked at.
const ATTRIBUTES_MAX: usize = 64;
/// Tags of one text that are looked at.
const TAGS_MAX: usize = 512;

/// How plain a tag is that fetches something.
const FETCHES: u8 = 4;
/// Bytes of a text that is little more than one tag.
const ALONE_BYTES_MAX: usize = 160;

/// Tags that run something or fetch it; how plain they are without anything else.
const TAGS: &[(&[u8], u8)] = &[
    (b"script", 6),
    (b"iframe", 4),
    (b"frameset", 5),
    (b"frame", 4),
    (b"object", 4),
    (b"embed", 4),
    (b"applet", 5),
    (b"base", 4),
    (b"meta", 4),
    (b"link", 4),
    (b"svg", 3),
    (b"math", 3),
    (b"xml", 4),
    (b"isindex", 5),
    (b"bgsound", 4),
    (b"ilayer", 4),
    (b"layer", 3),
    (b"xss", 5),
];

/// Attributes whose value is a place to go to.
const LINKS: &[&[u8]] = &[
    b"href",
    b"src",
    b"action",
    b"formaction",
    b"data",
    b"xlink:href",
    b"background",
    b"lowsrc",
    b"dynsrc",
    b"poster",
    b"to",
    b"from",
    b"values",
    b"code",
    b"codebase",
    b"content",
    b"srcdoc",
    b"manifest",
    b"folder",
    b"by",
];

/// Attributes that begin with `on` and are no events.
const NO_EVENTS: &[&[u8]] = &[b"only", b"one", b"once", b"online", b"ongoing"];

/// How plainly the tags of a text run something, 0 to 10.
pub(crate) fn score(text: &[u8]) -> u8 {
    let mut most = 0;
    for place in memchr::memchr_iter(b'<', text).take(TAGS_MAX) {
        most = most.max(tag(from(text, place + 1)));
    }
    // What fetches something and stands alone is no part of a page.
    let is_alone =
        most == FETCHES && text.len() <= ALONE_BYTES_MAX && text.trim_ascii().starts_with(b"<");
    most + u8::from(is_alone)
}

/// What follows `<`.
fn tag(text: &[u8]) -> u8 {
    let start =
        text.iter().take_while(|&&byte| matches!(byte, b'/' | b'<' | b'?' | 0..=0x1f)).count();
    let is_close = text.get(..start).unwrap_or_default().contains(&b'/');
    let text = from(text, start);
    if !at(text, 0).is_ascii_alphabetic() {
        return 0;
    }
    let name_bytes =
        text.iter().take_while(|&&byte| is_word(byte) || matches!(byte, b'-' | b':')).count();
    let name = part(text, 0, name_bytes);
    let behind = at(text, name_bytes);
    let known = TAGS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    let mut most = known.map_or(0, |(_, score)| *score);
    if is_close {
        // A close tag does nothing; that of a script ends one that was there.
        return if name.eq_ignore_ascii_case(b"script") { 5 } else { 0 };
    }
    if !matches!(behind, 0..=b' ' | b'/' | b'>' | b'"' | b'\'' | b'+' | b'%') {
        return if behind == b'<' { most } else { 0 };
    }
    let mut reader = Attributes { text, place: name_bytes };
    for _ in 0..ATTRIBUTES_MAX {
        let Some((attribute, value)) = reader.next_one() else { break };
        most = most.max(judge(name, attribute, value));
    }
    most
}

fn judge(tag: &[u8], name: &[u8], value: Option<&[u8]>) -> u8 {
    let Some(value) = value else { return 0 };
    if is_event(name) {
        return 7;
    }
    let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
    if is(b"style") {
        let bad: [&[u8]; 5] =
            [b"expression", b"binding:", b"behavior:", b"behaviour:", b"javascript:"];
        return if bad.iter().any(|word| contains(value, word)) { 7 } else { 0 };
    }
    if is(b"srcdoc") || (is(b"http-equiv") && begins(value.trim_ascii(), b"refresh")) {
        return 5;
    }
    let is_link = LINKS.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is_link && (runs(value) || memchr::memchr(b';', value).is_some_and(|_| refreshes(value))) {
        return 7;
    }
    let fetches = [b"base".as_slice(), b"link", b"embed", b"object"];
    let is_fetch = fetches.iter().any(|known| tag.eq_ignore_ascii_case(known));
    if is_fetch && is_link && value.starts_with(b"//") {
        return 5;
    }
    0
}

/// `0;url=javascript:...`
fn refreshes(value: &[u8]) -> bool {
    let at = memchr::memchr(b'=', value).map_or(value.len(), |at| at + 1);
    runs(from(value, at))
}

/// Whether an attribute is an event handler.
pub(crate) fn is_event(name: &[u8]) -> bool {
    name.len() >= 4
        && begins(name, b"on")
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && !NO_EVENTS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a link runs script: browsers drop white space and control characters in a scheme.
pub(crate) fn runs(value: &[u8]) -> bool {
    let mut scheme = [0_u8; 24];
    let letters = value
        .iter()
        .filter(|byte| **byte > b' ' && !matches!(**byte, b'"' | b'\'' | 0x7f))
        .map(u8::to_ascii_lowercase);
    let mut bytes = 0;
    for (place, byte) in scheme.iter_mut().zip(letters) {
        *place = byte;
        bytes += 1;
    }
    let scheme = part(&scheme, 0, bytes);
    let known: [&[u8]; 8] = [
        b"javascript:",
        b"vbscript:",
        b"livescript:",
        b"mocha:",
        b"data:text/html",
        b"data:application/",
        b"data:image/svg",
        b"data:,",
    ];
    known.iter().any(|known| scheme.starts_with(known))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// The attributes of one tag.
struct Attributes<'a> {
    text: &'a [u8],
    place: usize,
}

impl<'a> Attributes<'a> {
    /// The next name and what it is set to; none at the end of the tag.
    fn next_one(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let is_gap = |byte: u8| byte <= b' ' || matches!(byte, b'/' | b'"' | b'\'' | 0xa0);
        self.skip(is_gap);
        match self.text.get(self.place) {
            None | Some(b'>') => return None,
            Some(_) => {}
        }
        let start = self.place;
        self.place += 1;
        self.skip(|byte| !(byte <= b' ' || matches!(byte, b'/' | b'>' | b'=' | b'"' | b'\'')));
        let name = part(self.text, start, self.place);
        let behind_name = self.place;
        self.skip(|byte| byte <= b' ');
        if at(self.text, self.place) != b'=' {
            self.place = behind_name;
            return Some((name, None));
        }
        self.place += 1;
        self.skip(|byte| byte <= b' ');
        let quote = at(self.text, self.place);
        let start = if matches!(quote, b'"' | b'\'' | b'`') {
            let start = self.place + 1;
            let rest = from(self.text, start);
            self.place = start + memchr::memchr(quote, rest).unwrap_or(rest.len());
            let value = part(self.text, start, self.place);
            self.place += 1;
            return Some((name, Some(value)));
        } else {
            self.place
        };
        self.skip(|byte| !(byte <= b' ' || byte == b'>'));
        Some((name, Some(part(self.text, start, self.place))))
    }

    fn skip(&mut self, is_so: impl Fn(u8) -> bool) {
        self.place += from(self.text, self.place).iter().take_while(|&&byte| is_so(byte)).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_told_from_what_is_shown() {
        for text in [
            "<script>alert(1)</script>",
            "<svg/onload=alert(1)>",
            "<img src=x onerror=\"x\">",
            "<a href=\"java\tscript:x()\">",
            "<p only=1 onmouseenter=x>",
            "<x style=\"width: expression(1)\">",
            "<iframe srcdoc='x'>",
            "</script>",
            "<<scr",
        ] {
            let expected = if text == "<<scr" { 0..5 } else { 5..11 };
            assert!(
                expected.contains(&score(text.as_bytes())),
                "{text} {}",
                score(text.as_bytes())
            );
        }
        for text in [
            "<p class=\"a\">x <b>y</b></p>",
            "<a href=\"https://example.org/?a=b\">x</a>",
            "<img src=\"/a.png\" alt='on = off' width=3>",
            "a < b and c > d",
            "List<String>",
            "<enter type here>",
            "<svg width=\"10\"><path d=\"M0 0\"/></svg>",
        ] {
            assert!(score(text.as_bytes()) < 5, "{text}");
        }
    }
}
