//! The values in the content of a request, whatever its format.

use memchr::memmem;
use tapline_model::{Attack, AttackPlace, Body};

use super::Look;
use crate::format::{self, Format, multipart};

const PLACE: AttackPlace = AttackPlace::Body;

/// Looks at every value of a body. `scratch` is a buffer.
pub(super) fn read(body: &Body<'_>, look: &mut Look, scratch: &mut Vec<u8>) {
    let bytes = body.sample.bytes;
    match format::format_of(body) {
        Some(Format::Json) if look.inspector.passes_document(bytes) => {}
        Some(Format::Json) => json(bytes, look, scratch, true),
        Some(Format::Form) => look.pairs(bytes, PLACE, scratch),
        Some(Format::Multipart) => {
            multipart::each(bytes, &mut |field| {
                look.value(b"", field.name, PLACE);
                // Of a file its name: where it is to be kept.
                look.value(field.name, field.file_name.unwrap_or(field.value), PLACE);
            });
        }
        None if is_markup(body) => markup(bytes, look),
        None if is_text(body) => {
            look.value(b"", bytes, PLACE);
        }
        None => {}
    }
}

/// Every text of a document, escapes undone; of a query of GraphQL the texts inside.
fn json(text: &[u8], look: &mut Look, scratch: &mut Vec<u8>, is_outer: bool) {
    let mut name: &[u8] = b"";
    let mut rest = text;
    while let Some(start) = memchr::memchr(b'"', rest) {
        rest = rest.get(start + 1..).unwrap_or_default();
        let (bytes, is_escaped) = literal(rest);
        let sent = rest.get(..bytes).unwrap_or_default();
        rest = rest.get(bytes + 1..).unwrap_or_default();
        let is_name = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        let inner_name = if is_name { b"" } else { name };
        if is_name {
            name = sent;
        }
        if !is_escaped {
            look_at(inner_name, sent, look, is_outer && !is_name);
            continue;
        }
        unescape(sent, scratch);
        let value = std::mem::take(scratch);
        look_at(inner_name, &value, look, is_outer && !is_name);
        *scratch = value;
    }
}

fn look_at(name: &[u8], value: &[u8], look: &mut Look, may_nest: bool) {
    if may_nest && name == b"query" && is_graphql(value) {
        json(value, look, &mut Vec::new(), false);
    } else {
        look.value(name, value, PLACE);
    }
}

/// Whether a text is an operation of GraphQL (specification, section 2.3).
fn is_graphql(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let words: [&[u8]; 5] = [b"query", b"mutation", b"subscription", b"fragment", b"{"];
    words.iter().any(|word| text.starts_with(word)) && text.contains(&b'{')
}

/// Bytes up to the quote that ends a literal, and whether there are escapes among them.
fn literal(text: &[u8]) -> (usize, bool) {
    let mut start = 0;
    while let Some(at) = memchr::memchr2(b'"', b'\\', text.get(start..).unwrap_or_default()) {
        if text.get(start + at) == Some(&b'"') {
            return (start + at, start > 0);
        }
        start += at + 2;
    }
    (text.len(), start > 0)
}

/// Undoes the escapes of JSON (RFC 8259 section 7) but for `\u`, which values are looked at with.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'b' | b'f') => out.push(b' '),
            Some(b'u') => out.extend_from_slice(b"\\u"),
            Some(other) => out.push(other),
            None => {}
        }
    }
}

/// The texts between tags; of the tags no more than what makes a reader fetch something.
fn markup(text: &[u8], look: &mut Look) {
    let is_fetch =
        |attack| matches!(attack, Attack::Xxe | Attack::Include | Attack::Lookup | Attack::Object);
    look.value_if(b"", text, PLACE, is_fetch);
    if memmem::find(text, b"<![CDATA[").is_some() {
        look.value(b"", text, PLACE);
        return;
    }
    for piece in text.split(|&byte| byte == b'<') {
        let Some(end) = memchr::memchr(b'>', piece) else { continue };
        let inner = piece.get(end + 1..).unwrap_or_default().trim_ascii();
        if !inner.is_empty() {
            look.value(b"", inner, PLACE);
        }
    }
}

fn is_markup(body: &Body<'_>) -> bool {
    body.media_type.ends_with("xml") || body.sample.bytes.trim_ascii_start().starts_with(b"<?xml")
}

/// Whether content is meant for people or says nothing of itself.
fn is_text(body: &Body<'_>) -> bool {
    let media = body.media_type;
    (media.is_empty()
        || media.starts_with("text/")
        || media.ends_with("yaml")
        || media.ends_with("graphql"))
        && !body.sample.bytes.iter().take(64).any(|&byte| byte < b'\t')
}
