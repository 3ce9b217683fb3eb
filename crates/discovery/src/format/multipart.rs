//! The field names of `multipart/form-data` (RFC 7578 section 4).

use std::sync::Arc;

use memchr::memmem;
use tapline_model::{ParameterLocation, ParameterSet, ValueKind};

use super::Reading;
use crate::lexical;
use crate::shapes::{NodeId, Shapes};

/// Longest boundary (RFC 2046 section 5.1.1), with its two dashes.
const BOUNDARY_BYTES_MAX: usize = 72;
/// Bytes of a part's head that are looked at.
const HEAD_BYTES_MAX: usize = 1_024;
/// Bytes of a value that are looked at.
const VALUE_BYTES_MAX: usize = 256;

/// Notes name and type of every field.
pub(crate) fn read(text: &[u8], shapes: &mut Shapes) -> (Reading, Option<Arc<ParameterSet>>) {
    // The boundary is a parameter of the media type; it is also the first line.
    let line = memchr::memchr(b'\n', text).and_then(|end| text.get(..end)).unwrap_or_default();
    let boundary = line.trim_ascii_end();
    if !boundary.starts_with(b"--") || !(3..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) {
        return (Reading::Malformed, None);
    }
    let finder = memmem::Finder::new(boundary);
    let root = shapes.begin(ParameterLocation::Body);
    let mut before = NodeId::NOWHERE;
    let mut starts = finder.find_iter(text).peekable();
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(text.len());
        let part = text.get(start + boundary.len()..end).unwrap_or_default();
        if let Some((name, kind)) = read_part(part) {
            before = shapes.enter(root, before, name);
            shapes.note(before, kind);
        }
    }
    (Reading::Read, shapes.finish())
}

fn read_part(part: &[u8]) -> Option<(&[u8], ValueKind)> {
    let looked_at = part.get(..HEAD_BYTES_MAX).unwrap_or(part);
    let head_bytes = memmem::find(looked_at, b"\r\n\r\n")?;
    let head = part.get(..head_bytes).unwrap_or_default();
    let disposition = head.split(|&byte| byte == b'\n').find(|line| {
        line.get(..20).is_some_and(|name| name.eq_ignore_ascii_case(b"content-disposition:"))
    });
    let disposition = disposition?;
    let name = quoted(disposition, b" name=\"")?;
    let value = part.get(head_bytes + 4..).unwrap_or_default();
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    let is_file = memmem::find(disposition, b"filename").is_some();
    let kind = if is_file || value.len() > VALUE_BYTES_MAX {
        ValueKind::String
    } else {
        lexical::value_kind(value)
    };
    Some((name, kind))
}

fn quoted<'a>(line: &'a [u8], opening: &[u8]) -> Option<&'a [u8]> {
    let start = memmem::find(line, opening)? + opening.len();
    let rest = line.get(start..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

#[cfg(test)]
mod tests {
    use tapline_model::Key;

    use super::*;

    fn shapes(text: &[u8]) -> (Vec<String>, Reading) {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(100);
        let (reading, set) = read(text, &mut shapes);
        let set = set.unwrap_or_default();
        let shapes =
            set.shapes.iter().map(|it| format!("{}:{}", it.name, it.kind.label())).collect();
        (shapes, reading)
    }

    #[test]
    fn fields_are_named_and_files_are_text() {
        let text = b"--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n42\r\n\
            --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"1\"\r\n\
            Content-Type: text/plain\r\n\r\n17\r\n--b--\r\n";
        let (shapes, reading) = shapes(text);
        assert_eq!(shapes, ["age:integer", "file:string"]);
        assert_eq!(reading, Reading::Read);
    }

    #[test]
    fn what_has_no_boundary_is_malformed() {
        assert_eq!(shapes(b"{\"a\":1}").1, Reading::Malformed);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            shapes(&[b"--b\r\n", text.as_slice()].concat());
        }
    }
}
