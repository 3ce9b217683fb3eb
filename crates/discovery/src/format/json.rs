//! The shape of JSON, in one pass and without a tree.

mod references;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tapline_model::{BodySample, JsonKind};

use super::{Ledger, Reading};
use crate::names::NodeId;
use crate::notes::{Holder, Spot};

/// Elements at the start of an array that are looked into.
const FIRST_ELEMENTS: usize = 8;
/// Keys of the top level that tell one answer from another.
const TOP_KEYS_MAX: usize = 256;

/// Notes every value. A document that is cut short still gives the part that is there. `top_keys`
/// gets the keyed hashes of the keys of the top level; of its first element, when it is an array.
pub(crate) fn read(
    sample: &BodySample<'_>,
    depth_max: u8,
    ledger: &mut Ledger<'_>,
    top_keys: &mut Vec<u64>,
) -> Reading {
    top_keys.clear();
    let mut walk = Walk { ledger, depth_max, top_keys, depth: 0, top_level: Some(0) };
    // Text that is known to be UTF-8 is read without looking at every string again.
    let outcome = match std::str::from_utf8(sample.bytes) {
        Ok(text) => walk.read(&mut serde_json::Deserializer::from_str(text)),
        Err(_) => walk.read(&mut serde_json::Deserializer::from_slice(sample.bytes)),
    };
    match outcome {
        Err(error) if !(sample.truncated && error.is_eof()) => Reading::Malformed,
        _ => Reading::Read,
    }
}

/// Whether an element is looked into: the first few, then ever fewer, up to the end.
const fn is_chosen(index: usize) -> bool {
    index < FIRST_ELEMENTS || (index + 1).is_power_of_two()
}

/// Where the pass stands.
struct Walk<'a, 'l> {
    ledger: &'a mut Ledger<'l>,
    depth_max: u8,
    top_keys: &'a mut Vec<u64>,
    depth: u8,
    /// The depth at which keys are those of the top level; none once they are known.
    top_level: Option<u8>,
}

impl Walk<'_, '_> {
    fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        reader: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        let spot = Spot { node: NodeId::BODY, holder: None };
        Value { walk: self, spot }.deserialize(&mut *reader)?;
        reader.end()
    }

    fn open(&mut self, spot: Spot, kind: JsonKind) -> Option<Holder> {
        self.ledger.notes.open(spot, kind, self.ledger.names)
    }

    fn enter(&mut self, parent: NodeId, before: NodeId, key: &str) -> NodeId {
        let names = &mut *self.ledger.names;
        let node = names.enter(parent, before, key.as_bytes());
        if self.top_level == Some(self.depth - 1) && self.top_keys.len() < TOP_KEYS_MAX {
            self.top_keys.push(names.key_hash(node, key.as_bytes()));
        }
        node
    }
}

/// One value: noted, then walked into.
struct Value<'w, 'a, 'l> {
    walk: &'w mut Walk<'a, 'l>,
    spot: Spot,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.kind(self.spot, JsonKind::Null, names);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.kind(self.spot, JsonKind::Boolean, names);
        Ok(())
    }

    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.integer(self.spot, integer.into(), names);
        Ok(())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.integer(self.spot, integer.into(), names);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.number(self.spot, number, names);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let Ledger { notes, names } = &mut *self.walk.ledger;
        notes.text(self.spot, text.as_bytes(), names);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, spot } = self;
        let holder = walk.open(spot, JsonKind::Object);
        if walk.depth >= walk.depth_max || (holder.is_none() && walk.top_level.is_none()) {
            walk.ledger.notes.miss_references();
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let mut before = NodeId::NOWHERE;
        let mut result = Ok(());
        while result.is_ok() {
            result = match members.next_key_seed(Name { walk, parent: spot.node, before }) {
                Ok(Some(child)) => {
                    before = child;
                    members.next_value_seed(Value { walk, spot: Spot { node: child, holder } })
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
        }
        walk.depth -= 1;
        result?;
        walk.ledger.notes.close(holder, None);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { walk, spot } = self;
        let holder = walk.open(spot, JsonKind::Array);
        if walk.depth >= walk.depth_max || holder.is_none() {
            walk.ledger.notes.miss_references();
            let mut count = 0;
            while elements.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            walk.ledger.notes.close(holder, Some(count));
            return Ok(());
        }
        if walk.depth == 0 {
            walk.top_level = Some(1);
        }
        walk.depth += 1;
        let mut count = 0;
        let result = walk_elements(walk, spot.node, holder, &mut elements, &mut count);
        walk.depth -= 1;
        walk.ledger.notes.count_elements(holder, count);
        result?;
        walk.ledger.notes.close(holder, Some(count));
        Ok(())
    }
}

/// Counts the elements, also of what is cut short.
fn walk_elements<'de, A: SeqAccess<'de>>(
    walk: &mut Walk<'_, '_>,
    array: NodeId,
    holder: Option<Holder>,
    elements: &mut A,
    count: &mut usize,
) -> Result<(), A::Error> {
    let spot = Spot { node: walk.ledger.names.elements(array), holder };
    loop {
        let is_there = if is_chosen(*count) {
            elements.next_element_seed(Value { walk, spot })?.is_some()
        } else {
            elements.next_element_seed(references::References::new(walk, spot.node))?.is_some()
        };
        if !is_there {
            return Ok(());
        }
        if walk.depth == 1 {
            walk.top_level = None;
        }
        *count += 1;
    }
}

/// One key: the node it leads to.
struct Name<'w, 'a, 'l> {
    walk: &'w mut Walk<'a, 'l>,
    parent: NodeId,
    before: NodeId,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = NodeId;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeId, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = NodeId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<NodeId, E> {
        Ok(self.walk.enter(self.parent, self.before, key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use tapline_model::{FieldNotes, FieldPart, Key};

    use super::*;
    use crate::names::Names;
    use crate::notes::Notes;
    use crate::testing::spelled_notes;

    fn shapes_at(text: &[u8], truncated: bool, depth_max: u8) -> (Vec<String>, Reading, Vec<u64>) {
        let (mut names, mut notes) = (Names::new(Key::fixed()), Notes::default());
        notes.start(1_000);
        notes.begin();
        let mut top_keys = Vec::new();
        let sample = BodySample { bytes: text, truncated };
        let mut ledger = Ledger { notes: &mut notes, names: &mut names };
        let reading = read(&sample, depth_max, &mut ledger, &mut top_keys);
        notes.finish(FieldPart::Request("application/json".into()));
        let mut taken = FieldNotes::default();
        notes.swap(&mut taken, &mut tapline_model::Objects::default());
        (spelled_notes(&taken), reading, top_keys)
    }

    fn shapes(text: &str) -> Vec<String> {
        let (shapes, reading, _) = shapes_at(text.as_bytes(), false, 6);
        assert_eq!(reading, Reading::Read, "{text}");
        shapes
    }

    #[test]
    fn members_are_named_by_their_path() {
        assert_eq!(
            shapes(
                r#"{"id":1,"price":1.5,"ok":true,"none":null,"who":{"mail":"a@b.example"},
                "items":[{"sku":"x"},{"sku":"y","n":2}],"tags":["a"]}"#
            ),
            [
                "id:integer",
                "price:number",
                "ok:boolean",
                "none:null",
                "who:object",
                "who.mail:email",
                "items:array",
                "items[]:object",
                "items[].sku:string",
                "items[]:object",
                "items[].sku:string",
                "items[].n:integer",
                "tags:array",
                "tags[]:string"
            ]
        );
        assert_eq!(
            shapes(r#"[{"id":"550e8400-e29b-41d4-a716-446655440000"}]"#),
            ["[]:object", "[].id:uuid"]
        );
        assert_eq!(shapes("3"), Vec::<String>::new());
    }

    #[test]
    fn keys_that_are_values_become_their_class() {
        assert_eq!(
            shapes(r#"{"bob@example.com":{"4111111111111111":1},"17":2,"18":3}"#),
            [
                "{email}:object",
                "{email}{card_number}:integer",
                "{integer}:integer",
                "{integer}:integer"
            ]
        );
    }

    #[test]
    fn what_is_cut_short_gives_the_part_that_is_there() {
        let (shapes, reading, _) = shapes_at(br#"{"a":1,"b":{"c":"x","d":"y"#, true, 6);
        assert_eq!(shapes, ["a:integer", "b:object", "b.c:string"]);
        assert_eq!(reading, Reading::Read);
        assert_eq!(shapes_at(br#"{"a":1"#, false, 6).1, Reading::Malformed);
        assert_eq!(shapes_at(b"<html>", true, 6).1, Reading::Malformed);
    }

    #[test]
    fn depth_is_bounded_and_so_is_the_stack() {
        let (shapes, _, _) = shapes_at(br#"{"a":{"b":{"c":1}}}"#, false, 2);
        assert_eq!(shapes, ["a:object", "a.b:object"]);
        let deep = "[".repeat(200_000);
        shapes_at(deep.as_bytes(), true, 32);
    }

    #[test]
    fn the_keys_of_the_top_level_are_told_apart() {
        let keys = |text: &str| shapes_at(text.as_bytes(), false, 6).2;
        assert_eq!(keys(r#"{"a":1,"b":{"c":2}}"#).len(), 2);
        assert_eq!(keys(r#"[{"a":1,"b":2},{"c":3}]"#).len(), 2);
        assert_eq!(keys("[1,2]").len(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_are_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
            shapes_at(&text, true, 6);
        }

        #[test]
        fn a_cut_never_adds_a_name(cut in 0usize..140) {
            let text = br#"{"a":[{"b":1,"c":[true,null]},{"b":"2026-11-13"}],"d":{"e":{"f":{"g":1.25}}},"h":"x"}"#;
            let (whole, _, _) = shapes_at(text, false, 6);
            let (part, reading, _) = shapes_at(&text[..cut.min(text.len())], true, 6);
            prop_assert_eq!(reading, Reading::Read);
            prop_assert!(whole.starts_with(&part) || part.iter().all(|name| whole.contains(name)
                || name.starts_with('d')));
        }

        #[test]
        fn values_never_show(secret in "[a-z]{3}zz[0-9]{4}") {
            let text = format!(r#"{{"name":"{secret}","list":["{secret}"],"in":{{"x":"{secret}"}}}}"#);
            let (shapes, _, _) = shapes_at(text.as_bytes(), false, 6);
            prop_assert!(shapes.iter().all(|shape| !shape.contains(&secret)));
        }
    }
}
