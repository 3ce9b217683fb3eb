//! Names and values joined by `=` and `&`: queries and form bodies.

use std::sync::Arc;

use percent_encoding::percent_decode;
use tapline_model::{ParameterLocation, ParameterSet, ValueKind};

use crate::shapes::{NodeId, Shapes};
use crate::{lexical, parameter, sensitive};

/// Bytes of a value that are looked at: nothing longer has a type of its own.
const VALUE_BYTES_MAX: usize = 256;

/// The pairs in order, as sent; a name without `=` has no value. Empty names are left out.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    text.split(|&byte| byte == b'&').filter_map(|pair| {
        let at = memchr::memchr(b'=', pair);
        let name = pair.get(..at.unwrap_or(pair.len()))?;
        let value = at.and_then(|at| pair.get(at + 1..));
        (!name.is_empty()).then_some((name, value))
    })
}

/// Notes name and type of every pair. `scratch` is a buffer.
pub(crate) fn read(
    text: &[u8],
    location: ParameterLocation,
    shapes: &mut Shapes,
    scratch: &mut Vec<u8>,
) -> Option<Arc<ParameterSet>> {
    let root = shapes.begin(location);
    let mut before = NodeId::NOWHERE;
    for (name, value) in pairs(text) {
        let kind = match value {
            None => ValueKind::Null,
            Some(value) if value.len() > VALUE_BYTES_MAX => ValueKind::String,
            Some(value) => {
                decode(value, scratch);
                lexical::value_kind(scratch)
            }
        };
        decode(name, scratch);
        let is_bare =
            parameter::is_bare_value(scratch, value) && sensitive::find(scratch).is_none();
        let name = if is_bare { parameter::BARE_VALUE.as_bytes() } else { scratch.as_slice() };
        before = shapes.enter(root, before, name);
        shapes.note(before, kind);
    }
    shapes.finish()
}

/// Undoes percent-encoding and `+` for space.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    if memchr::memchr2(b'%', b'+', text).is_none() {
        out.extend_from_slice(text);
        return;
    }
    for (index, part) in text.split(|&byte| byte == b'+').enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend(percent_decode(part));
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::Key;

    use super::*;

    fn shapes(text: &[u8]) -> Vec<String> {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(100);
        let set = read(text, ParameterLocation::Query, &mut shapes, &mut Vec::new());
        let set = set.unwrap_or_default();
        set.shapes.iter().map(|shape| format!("{}:{}", shape.name, shape.kind.label())).collect()
    }

    #[test]
    fn every_name_has_a_type() {
        assert_eq!(
            shapes(b"page=2&q=a+b&flag&empty=&when=2026-11-13&mail=a%40b.example&a%5B0%5D=1&a[1]=2&&=x"),
            [
                "page:integer",
                "q:string",
                "flag:null",
                "empty:null",
                "when:date",
                "mail:email",
                "a[]:integer"
            ]
        );
    }

    #[test]
    fn a_secret_in_a_names_place_is_masked() {
        assert_eq!(
            shapes(b"4111111111111111&bob%40example.com=1"),
            ["[card_number]:null", "[email]:integer"]
        );
    }

    #[test]
    fn only_words_are_flags() {
        assert_eq!(
            shapes(b"verbose&pretty-print&hunter2-secret&Zx81kd92Lq"),
            ["verbose:null", "pretty-print:null", "[value]:null"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            shapes(&text);
        }
    }
}
