//! The whole look at one value: layer by layer, every kind of attack.

use std::cell::LazyCell;

use tapline_model::{Attack, AttackPlace};

use crate::bytes::{self, ANGLE, COLON, CONTROL, ESCAPE, SIGN, SPACE, STRONG, WIDE};
use crate::lookup::Lookup;
use crate::sql::Sql;
use crate::{decode, document, html, marks, target};

/// The score from which on a value is an attack.
pub const SCORE_MIN: u8 = 5;
/// Bytes of one value that are looked at.
pub const VALUE_BYTES_MAX: usize = 256 << 10;
/// How often escapes may themselves be escaped before the rest is left as it is.
const LAYERS_MAX: usize = 4;
/// Layers beyond those that a format asks for: only who hides something escapes so often.
const LAYERS_USUAL: usize = 1;

/// Bytes of one letter from which on a value is made to overflow, and those that may stand before.
const FILLER_BYTES_MIN: usize = 100;
const FILLER_HEAD_BYTES_MAX: usize = 8;

/// The score from which on it does not matter that a text is prose.
const SURE_MIN: u8 = 6;
/// Bytes that are folded at once, if there is no white space among them.
const FOLD_BYTES: usize = 32;
/// As Latin-1 has it.
const NO_BREAK_SPACE: u8 = 0xa0;

/// Words of letters from which on a text is prose, if it is made of little else.
const PROSE_WORDS_MIN: usize = 8;
/// Share of letters and white space in prose, in per cent.
const PROSE_SHARE_MIN: usize = 80;

/// Looks at values; keeps its buffers, and nothing of what it saw.
#[derive(Debug, Default)]
pub struct Inspector {
    sql: Sql,
    lookup: Lookup,
    layer: Vec<u8>,
    next: Vec<u8>,
    folded: Vec<u8>,
    scores: Scores,
}

/// What was found so far.
#[derive(Clone, Copy, Debug, Default)]
struct Scores([u8; Attack::COUNT]);

impl Scores {
    fn add(&mut self, attack: Attack, score: u8) {
        if let Some(known) = self.0.get_mut(attack as usize) {
            *known = score.max(*known);
        }
    }
}

impl Inspector {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a value as its format gives it, and calls `found` with every attack it shows and how
    /// plainly, [`SCORE_MIN`] to 10. Costs some time for each byte, whatever the bytes.
    #[inline]
    pub fn look(&mut self, value: &[u8], place: AttackPlace, found: &mut impl FnMut(Attack, u8)) {
        let kinds = bytes::kinds(value);
        if !is_worth_a_look(value, kinds) {
            return;
        }
        self.look_closely(value, kinds, place);
        let scores = self.scores.0;
        for (&attack, &score) in Attack::ALL.iter().zip(&scores) {
            if score >= SCORE_MIN {
                found(attack, score.min(10));
            }
        }
    }

    /// Whether nothing in a document of JSON can be an attack: no byte but those that names, numbers,
    /// times and addresses of mail are written with, no word that an attack needs beside others, and
    /// no text so long that it may hide one. One look at all of it saves one at each value.
    pub fn passes_document(&self, text: &[u8]) -> bool {
        text.len() <= VALUE_BYTES_MAX && document::is_plain(text)
    }

    fn look_closely(&mut self, value: &[u8], kinds: u16, place: AttackPlace) {
        let value = value.get(..VALUE_BYTES_MAX).unwrap_or(value);
        self.scores = Scores::default();
        // Programs that measure send such bodies; no address has such a part.
        if matches!(place, AttackPlace::Path | AttackPlace::Query) && is_filler(value) {
            self.scores.add(Attack::Scanner, SCORE_MIN);
        }
        // A token is no more than what it may hide.
        if kinds & !SIGN != 0 {
            self.examine(value, kinds, place, 0);
        }
        let is_utf7 = kinds & SIGN != 0 && memchr::memmem::find(value, b"+A").is_some();
        if kinds & (ESCAPE | WIDE | CONTROL) != 0 || is_utf7 {
            self.peel(value, place, 1);
        }
        if kinds & (SPACE | STRONG | ESCAPE | CONTROL | WIDE | COLON) == 0 {
            let mut inner = std::mem::take(&mut self.next);
            if decode::base64(value, &mut inner) {
                self.examine(&inner, bytes::kinds(&inner), place, LAYERS_USUAL);
                self.peel(&inner, place, LAYERS_USUAL);
            }
            self.next = inner;
        }
    }

    /// Undoes layer after layer and examines what comes to light.
    fn peel(&mut self, value: &[u8], place: AttackPlace, first: usize) {
        let mut layer = std::mem::take(&mut self.layer);
        let mut next = Vec::new();
        let mut is_changed = decode::layer(value, &mut layer);
        let mut depth = first;
        while is_changed && depth < LAYERS_MAX {
            self.examine(&layer, bytes::kinds(&layer), place, depth);
            depth += 1;
            is_changed = decode::layer(&layer, &mut next);
            std::mem::swap(&mut layer, &mut next);
        }
        self.layer = layer;
    }

    /// Looks at one layer.
    fn examine(&mut self, text: &[u8], kinds: u16, place: AttackPlace, depth: usize) {
        fold(text, &mut self.folded);
        let hinted = marks::hints(&self.folded);
        let scores = &mut self.scores;
        let hidden = u8::from(depth > LAYERS_USUAL);
        // Most layers show nothing: whether they are prose does not matter then.
        let prose = LazyCell::new(|| u8::from(is_prose(text)));
        let mut add = |attack: Attack, score: u8| {
            let is_sure = score > SURE_MIN;
            let score = if is_sure || score < SCORE_MIN { score } else { score - *prose };
            scores.add(attack, if score >= SCORE_MIN { score + hidden } else { score });
        };
        if hinted & !marks::SQL != 0 {
            marks::score(&self.folded, hinted, &mut add);
        }
        if kinds & ANGLE != 0 {
            add(Attack::Script, html::score(text));
        }
        if hinted & marks::SQL != 0 {
            add(Attack::Sql, self.sql.score(text));
        }
        if memchr::memmem::find(text, b"${").is_some() {
            add(Attack::Lookup, self.lookup.score(text));
        }
        let is_sent_on = matches!(place, AttackPlace::Query | AttackPlace::Body);
        if is_sent_on && kinds & (COLON | bytes::SLASH) != 0 {
            add(Attack::ServerRequest, target::score(text));
        }
    }
}

/// Whether a value is more than a word, a number or an identifier.
#[inline]
fn is_worth_a_look(value: &[u8], kinds: u16) -> bool {
    if kinds & !(SIGN | SPACE) != 0 {
        return true;
    }
    // Words may be a statement; long tokens may hide one.
    kinds & SPACE != 0 || value.len() >= 12
}

/// Whether a value begins, but for a few bytes, with one letter over and over: what is sent to see
/// where a buffer ends. An `A` is what zeros look like in Base64.
fn is_filler(value: &[u8]) -> bool {
    let Some((_, rest)) = value.split_at_checked(FILLER_HEAD_BYTES_MAX) else { return false };
    rest.first_chunk::<FILLER_BYTES_MIN>().is_some_and(|run| {
        let [letter, ..] = *run;
        letter.is_ascii_alphabetic() && letter != b'A' && run.iter().all(|&byte| byte == letter)
    })
}

/// Whether a text is what people write for one another.
fn is_prose(text: &[u8]) -> bool {
    if text.len() < 40 {
        return false;
    }
    let (mut words, mut plain, mut length) = (0, 0, 0);
    for &byte in text {
        if byte.is_ascii_alphabetic() || byte > 0x7f {
            length += 1;
            plain += 1;
        } else {
            if byte <= b' ' || matches!(byte, b',' | b'.') {
                plain += 1;
                words += usize::from((1..=20).contains(&length));
            }
            length = 0;
        }
    }
    words >= PROSE_WORDS_MIN && plain * 100 >= text.len() * PROSE_SHARE_MIN
}

/// Lower case, and runs of white space as one: a line end if there is one among them.
fn fold(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(text.len());
    let mut space = 0_u8;
    let mut rest = text;
    while let Some((chunk, after)) = rest.split_first_chunk::<FOLD_BYTES>() {
        // Long runs without white space are the usual thing, and many bytes are told at once.
        let of_space =
            |some, &byte: &u8| some | u8::from(byte <= b' ') | u8::from(byte == NO_BREAK_SPACE);
        if chunk.iter().fold(0, of_space) == 0 {
            flush(&mut space, out);
            out.extend_from_slice(&chunk.map(|byte| byte.to_ascii_lowercase()));
        } else {
            for &byte in chunk {
                fold_byte(byte, &mut space, out);
            }
        }
        rest = after;
    }
    for &byte in rest {
        fold_byte(byte, &mut space, out);
    }
    flush(&mut space, out);
}

fn fold_byte(byte: u8, space: &mut u8, out: &mut Vec<u8>) {
    match byte {
        b'\n' | b'\r' => *space = b'\n',
        b'\t' | b' ' | 0x0b | 0x0c | NO_BREAK_SPACE if *space == b'\n' => {}
        b'\t' | b' ' | 0x0b | 0x0c | NO_BREAK_SPACE => *space = b' ',
        _ => {
            flush(space, out);
            out.push(byte.to_ascii_lowercase());
        }
    }
}

fn flush(space: &mut u8, out: &mut Vec<u8>) {
    if *space != 0 {
        out.push(std::mem::take(space));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(value: &[u8]) -> Vec<Attack> {
        let mut all = Vec::new();
        Inspector::new().look(value, AttackPlace::Query, &mut |attack, _| all.push(attack));
        all
    }

    #[test]
    fn white_space_is_folded() {
        let mut out = Vec::new();
        fold(b"A \t b\r\n  C ", &mut out);
        assert_eq!(out, b"a b\nc ");
    }

    /// Byte by byte.
    fn folded_slowly(text: &[u8]) -> Vec<u8> {
        let (mut out, mut space) = (Vec::new(), 0);
        for &byte in text {
            fold_byte(byte, &mut space, &mut out);
        }
        flush(&mut space, &mut out);
        out
    }

    proptest! {
        #[test]
        fn many_bytes_are_folded_as_one_by_one(
            text in proptest::collection::vec(prop_oneof![
                8 => any::<u8>(),
                1 => Just(b' '),
                1 => Just(b'\n'),
                60 => b'A'..=b'z',
            ], 0..300)
        ) {
            let mut out = Vec::new();
            fold(&text, &mut out);
            prop_assert_eq!(out, folded_slowly(&text));
        }
    }

    #[test]
    fn every_attack_is_known_by_an_example() {
        for (attack, value) in [
            (Attack::Sql, "1' or '1'='1"),
            (Attack::Script, "<img src=x onerror=alert(1)>"),
            (Attack::Path, "..%2f..%2f..%2fetc%2fpasswd"),
            (Attack::Command, "; cat /etc/passwd"),
            (Attack::Template, "{{7*7}}"),
            (Attack::Nosql, "{\"$gt\": \"\"}"),
            (Attack::Ldap, "*)(uid=*))(|(uid=*"),
            (Attack::Xxe, "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>"),
            (Attack::Lookup, "${${lower:j}ndi:ldap://x/a}"),
            (Attack::Include, "<!--#exec cmd=\"ls\" -->"),
            (Attack::HeaderSplit, "a\r\nSet-Cookie: b=c"),
            (Attack::ServerRequest, "http://169.254.169.254/latest"),
            (Attack::Code, "<?php system($_GET['c']); ?>"),
            (Attack::Object, "O:8:\"Example\":1:{s:1:\"a\";}"),
            (Attack::Scanner, "sqlmap/1.7"),
            (Attack::Scanner, &format!("/{}..{{file}}", "a".repeat(200))),
            (Attack::Command, "+|+dir+c:/"),
            (Attack::Command, "ping.exe -n 31 127.0.0.1"),
        ] {
            let found = seen(value.as_bytes());
            assert!(found.contains(&attack), "{value}: {found:?}");
        }
    }

    #[test]
    fn a_body_may_be_filled_up() {
        let (mut all, value) = (Vec::new(), "x".repeat(500));
        let mut look = |place| {
            Inspector::new().look(value.as_bytes(), place, &mut |attack, _| all.push(attack));
            all.len()
        };
        assert_eq!((look(AttackPlace::Body), look(AttackPlace::Query)), (0, 1));
    }

    #[test]
    fn what_is_hidden_is_found() {
        for value in [
            "%2527%2520or%25201%253D1--",
            "L2V0Yy9wYXNzd2Q=",
            "\\u003cscript\\u003ealert(1)",
            "&lt;svg onload&#x3d;alert(1)&gt;",
            "\u{ff1c}script\u{ff1e}alert(1)",
            "%c0%ae%c0%ae%c0%af%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
        ] {
            assert!(!seen(value.as_bytes()).is_empty(), "{value}");
        }
    }

    #[test]
    fn a_document_of_plain_values_passes_at_one_look() {
        let passes = |text: &str| Inspector::new().passes_document(text.as_bytes());
        assert!(passes(
            r#"{"name":"n280154","email":"user3643@example.com","price":225.71,"at":"2026-11-13T10:20:30Z",
            "address":{"street":"42 Main St"},"id":"550e8400-e29b-41d4-a716-446655440000","ok":[1,null],
            "key":"Zx81kd92LqAAbb77CCdd-01HXZ_ArJkQ"}"#
        ));
        for text in [
            r#"{"a":"1' or '1'='1"}"#,
            r#"{"a":"1 union select 1"}"#,
            r#"{"a":"{{config}}"}"#,
            r#"{"a":"L2V0Yy9wYXNzd2QgL2V0Yy9zaGFkb3c"}"#,
            r#"{"a":"10.0.0.1:80"}"#,
            r#"{"a":"\u003cscript"}"#,
        ] {
            assert!(!passes(text), "{text}");
        }
    }

    #[test]
    fn what_people_write_passes() {
        for value in [
            "O'Brien & Sons; established 1984",
            "Rock 'n' Roll",
            "price > 10 and price < 20",
            "Select a colour, or update your profile.",
            "{\"name\": \"x\", \"size\": 3}",
            "<p>Hello <b>world</b></p>",
            "https://example.org/a?b=c&d=e",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
            "Dear {{name}}, your ${amount} is due",
            "a = b + c * (d - e)",
            "2026-11-26T10:00:00Z",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
            "# Title\n\n* one\n* two `code` [link](https://example.org)",
        ] {
            assert_eq!(seen(value.as_bytes()), [], "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(value in prop::collection::vec(any::<u8>(), 0..300)) {
            seen(&value);
        }

        #[test]
        fn what_passes_as_a_document_passes_by_itself(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "on", "style", "script", "href", "doctype", "entity", "include", "1", "0x2e",
                        "admin", "etc", "passwd", "or", "and", "select", "union", "sleep", "5", "cat",
                        "ping", "system", "{", "[", "..", "@", "+", "-", "--", "T12:30:00", "_", "x",
                        "http:", "127.0.0.1", "169.254.169.254:80", "localhost:22", "\n", "objectclass",
                    ]).prop_map(str::to_owned),
                    "[a-zA-Z0-9_@.,:+ -]{0,24}",
                    "[a-zA-Z0-9_-]{20,60}",
                    prop::sample::select(vec![
                        "L2V0Yy9wYXNzd2QgL2V0Yy9zaGFkb3c", "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
                        "WldsbWFDSm5jbTlpWVd4ellXTmpaWE56", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                    ]).prop_map(str::to_owned),
                ],
                1..8,
            ),
            spaced in any::<bool>(),
            cut in any::<bool>(),
        ) {
            let value = parts.join(if spaced { " " } else { "" });
            let end = if cut { "" } else { "\", 1, true]}" };
            let document = format!("{{\"name\": [\"{value}{end}");
            if Inspector::new().passes_document(document.as_bytes()) {
                let mut all = Vec::new();
                let mut inspector = Inspector::new();
                inspector.look(value.as_bytes(), AttackPlace::Body, &mut |attack, _| all.push(attack));
                prop_assert!(all.is_empty(), "{}: {:?}", value, all);
            }
        }

        #[test]
        fn any_text_of_marks_is_looked_at(value in "[$'\"<>(){}\\[\\];|&%=/\\\\.:+ #*!aoxu0-9-]{0,200}") {
            seen(value.as_bytes());
        }
    }
}
