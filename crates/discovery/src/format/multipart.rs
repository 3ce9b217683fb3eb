//! The field names of `multipart/form-data` (RFC 7578 section 4).

use memchr::memmem;
use tapline_model::{JsonKind, TextFormat};

use super::{Ledger, Reading};
use crate::names::NodeId;
use crate::notes::Spot;

/// Longest boundary (RFC 2046 section 5.1.1), with its two dashes.
const BOUNDARY_BYTES_MAX: usize = 72;
/// Bytes of a part's head that are looked at.
const HEAD_BYTES_MAX: usize = 1_024;

/// Notes every field.
pub(crate) fn read(text: &[u8], is_cut: bool, ledger: &mut Ledger<'_>) -> Reading {
    let Ledger { notes, names } = ledger;
    let root = Spot { node: NodeId::BODY, holder: None };
    let holder = notes.open(root, JsonKind::Object, names);
    let mut before = NodeId::NOWHERE;
    let reading = each(text, &mut |Field { name, value, file_name }| {
        before = names.enter(root.node, before, name);
        let spot = Spot { node: before, holder };
        if file_name.is_some() {
            notes.format(spot, (JsonKind::String, Some(TextFormat::Binary)), names);
        } else {
            notes.sent(spot, value, names);
        }
    });
    if !is_cut && reading == Reading::Read {
        notes.close(holder, None);
    }
    reading
}

/// Hands out name and value of every field that is no file.
pub(crate) fn fields(text: &[u8], sink: &mut dyn FnMut(&[u8], &[u8])) {
    each(text, &mut |Field { name, value, file_name }| {
        if file_name.is_none() {
            sink(name, value);
        }
    });
}

/// One field.
pub(crate) struct Field<'a> {
    /// As sent.
    pub(crate) name: &'a [u8],
    /// As sent.
    pub(crate) value: &'a [u8],
    /// As sent; the value is a file then.
    pub(crate) file_name: Option<&'a [u8]>,
}

/// Calls `with` with every field; whether the text has any.
pub(crate) fn each<'a>(text: &'a [u8], with: &mut impl FnMut(Field<'a>)) -> Reading {
    // The boundary is a parameter of the media type; it is also the first line.
    let line = memchr::memchr(b'\n', text).and_then(|end| text.get(..end)).unwrap_or_default();
    let boundary = line.trim_ascii_end();
    if !boundary.starts_with(b"--") || !(3..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) {
        return Reading::Malformed;
    }
    let finder = memmem::Finder::new(boundary);
    let mut starts = finder.find_iter(text).peekable();
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(text.len());
        let part = text.get(start + boundary.len()..end).unwrap_or_default();
        if let Some(field) = read_part(part) {
            with(field);
        }
    }
    Reading::Read
}

fn read_part(part: &[u8]) -> Option<Field<'_>> {
    let looked_at = part.get(..HEAD_BYTES_MAX).unwrap_or(part);
    let head_bytes = memmem::find(looked_at, b"\r\n\r\n")?;
    let head = part.get(..head_bytes).unwrap_or_default();
    let disposition = head.split(|&byte| byte == b'\n').find(|line| {
        line.get(..20).is_some_and(|name| name.eq_ignore_ascii_case(b"content-disposition:"))
    });
    let disposition = disposition?;
    let name = parameter(disposition, b"name")?;
    let value = part.get(head_bytes + 4..).unwrap_or_default();
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    Some(Field { name, value, file_name: file_name(disposition) })
}

/// The name of the file that a part is, with its character set before it (RFC 6266 section 4.3) or
/// without.
fn file_name(disposition: &[u8]) -> Option<&[u8]> {
    parameter(disposition, b"filename")
        .or_else(|| parameter(disposition, b"filename*")?.rsplit(|&byte| byte == b'\'').next())
}

/// The value of a parameter, quoted or bare. What stands in the quotes of another is none.
fn parameter<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = line;
    while let Some(start) = memchr::memchr(b';', rest) {
        rest = rest.get(start + 1..).unwrap_or_default();
        let (name, sent) = split_before(b'=', rest);
        let sent = sent.get(1..).unwrap_or_default().trim_ascii_start();
        let value;
        (value, rest) = match sent.strip_prefix(b"\"") {
            Some(quoted) => split_before(b'"', quoted),
            None => split_before(b';', sent),
        };
        if name.rsplit(|&byte| byte == b';').next().unwrap_or_default().trim_ascii() == wanted {
            return Some(value.trim_ascii());
        }
    }
    None
}

/// What comes before a byte, and the rest, which begins with it.
fn split_before(byte: u8, text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr::memchr(byte, text).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use tapline_model::{FieldNotes, FieldPart, Key};

    use super::*;
    use crate::names::Names;
    use crate::notes::Notes;
    use crate::testing::spelled_notes;

    fn shapes(text: &[u8]) -> (Vec<String>, Reading) {
        let (mut names, mut notes) = (Names::new(Key::fixed()), Notes::default());
        notes.start(100);
        notes.begin();
        let reading = read(text, false, &mut Ledger { notes: &mut notes, names: &mut names });
        notes.finish(FieldPart::Request("multipart/form-data".into()));
        let mut taken = FieldNotes::default();
        notes.swap(&mut taken, &mut tapline_model::Objects::default());
        (spelled_notes(&taken), reading)
    }

    #[test]
    fn fields_are_named_and_files_are_text() {
        let text = b"--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n42\r\n\
            --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"1\"\r\n\
            Content-Type: text/plain\r\n\r\n17\r\n--b--\r\n";
        let (shapes, reading) = shapes(text);
        assert_eq!(shapes, ["age:integer", "file:binary"]);
        assert_eq!(reading, Reading::Read);
    }

    #[test]
    fn files_have_names() {
        let name_of = |disposition: &str| {
            let text = format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--");
            let mut found = None;
            each(text.as_bytes(), &mut |field| found = field.file_name.map(<[u8]>::to_vec));
            found.map(|name| String::from_utf8(name).unwrap())
        };
        for (disposition, name) in [
            ("form-data; name=\"f\"; filename=\"../a b.pdf\"", Some("../a b.pdf")),
            ("form-data; name=\"f\"; filename=a.pdf; x=1", Some("a.pdf")),
            ("form-data; name=\"f\"; filename*=UTF-8'en'%2e%2e%2fa", Some("%2e%2e%2fa")),
            ("form-data; name=\"f\"; filename=\"cut", Some("cut")),
            ("form-data; name=f; filename=\" name=\"", Some("name=")),
            ("form-data; filename = a ; name=\"f\"", Some("a")),
            ("form-data; name=\"f\"", None),
            ("form-data; name=\"filename\"", None),
            ("form-data; name=\"a; filename=b\"", None),
        ] {
            assert_eq!(name_of(disposition).as_deref(), name, "{disposition}");
        }
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
