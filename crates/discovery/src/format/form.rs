//! Names and values joined by `=` and `&`: queries and form bodies.

use std::sync::Arc;

use percent_encoding::percent_decode;
use tapline_model::{FieldPart, JsonKind, ParameterLocation, ParameterSet, ValueKind};

use super::Ledger;
use crate::names::{Names, NodeId, Purpose};
use crate::notes::{Notes, Spot};
use crate::shapes::Shapes;
use crate::{lexical, objects, parameter, sensitive};

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

/// Gathers name and type of every pair of a query; what the values look like is noted too when
/// `is_noted`. `scratch` is a buffer.
pub(crate) fn read_query(
    text: &[u8],
    is_noted: bool,
    shapes: &mut Shapes,
    ledger: &mut Ledger<'_>,
    scratch: &mut Vec<u8>,
) -> Option<Arc<ParameterSet>> {
    let Ledger { notes, names } = ledger;
    let root = shapes.begin(ParameterLocation::Query, names);
    let spot = Spot { node: root, holder: None };
    let holder = if is_noted {
        notes.begin();
        notes.open(spot, JsonKind::Object, names)
    } else {
        None
    };
    let mut before = NodeId::NOWHERE;
    for (name, value) in pairs(text) {
        // The value is decoded first: the name is needed longer.
        let kind = match value {
            None => ValueKind::Null,
            Some(value) if value.len() > VALUE_BYTES_MAX => ValueKind::String,
            Some(value) => {
                decode(value, scratch);
                lexical::value_kind(scratch)
            }
        };
        before = enter(root, before, (name, value), names, scratch);
        shapes.note(before, kind, names);
        let purpose = names.purpose(before);
        if purpose != Purpose::Plain
            && let Some(value) = value.filter(|value| value.len() <= VALUE_BYTES_MAX)
        {
            decode(value, scratch);
            objects::note_sent(purpose, scratch, &mut notes.objects, names.key());
        }
        if holder.is_some() {
            note(Spot { node: before, holder }, value, notes, names, scratch);
        }
    }
    if holder.is_some() {
        notes.close(holder, None);
        notes.finish(FieldPart::Query);
    }
    shapes.finish(names)
}

/// Notes every pair of a body. `scratch` is a buffer.
pub(crate) fn read_body(text: &[u8], is_cut: bool, ledger: &mut Ledger<'_>, scratch: &mut Vec<u8>) {
    let Ledger { notes, names } = ledger;
    let root = Spot { node: NodeId::BODY, holder: None };
    let holder = notes.open(root, JsonKind::Object, names);
    let mut before = NodeId::NOWHERE;
    for (name, value) in pairs(text) {
        before = enter(root.node, before, (name, value), names, scratch);
        note(Spot { node: before, holder }, value, notes, names, scratch);
    }
    if !is_cut {
        notes.close(holder, None);
    }
}

fn enter(
    root: NodeId,
    before: NodeId,
    (name, value): (&[u8], Option<&[u8]>),
    names: &mut Names,
    scratch: &mut Vec<u8>,
) -> NodeId {
    decode(name, scratch);
    let is_bare = parameter::is_bare_value(scratch, value) && sensitive::find(scratch).is_none();
    let name = if is_bare { parameter::BARE_VALUE.as_bytes() } else { scratch.as_slice() };
    names.enter(root, before, name)
}

fn note(
    spot: Spot,
    value: Option<&[u8]>,
    notes: &mut Notes,
    names: &mut Names,
    scratch: &mut Vec<u8>,
) {
    match value {
        None => notes.kind(spot, JsonKind::Null, names),
        Some(value) => {
            decode(value, scratch);
            notes.sent(spot, scratch, names);
        }
    }
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
        let (mut names, mut notes) = (Names::new(Key::fixed()), Notes::default());
        let mut shapes = Shapes::new();
        shapes.start(100);
        notes.start(100);
        let mut ledger = Ledger { notes: &mut notes, names: &mut names };
        let set = read_query(text, true, &mut shapes, &mut ledger, &mut Vec::new());
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
