//! The shape of JSON, in one pass and without a tree.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tapline_model::{BodySample, ParameterLocation, ParameterSet, ValueKind};

use super::Reading;
use crate::lexical;
use crate::shapes::{NodeId, Shapes};

/// Elements of one array that are looked into.
const ELEMENTS_MAX: usize = 16;
/// Keys of the top level that tell one answer from another.
const TOP_KEYS_MAX: usize = 256;

/// Where a document stands, and how deep it is looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Of its members.
    pub(crate) location: ParameterLocation,
    /// Levels.
    pub(crate) depth_max: u8,
}

/// Notes name and type of every member. A document that is cut short still gives the part that is
/// there. `top_keys` gets the keyed hashes of the keys of the top level; of its first element, when
/// it is an array.
pub(crate) fn read(
    sample: &BodySample<'_>,
    place: Place,
    shapes: &mut Shapes,
    top_keys: &mut Vec<u64>,
) -> (Reading, Option<Arc<ParameterSet>>) {
    top_keys.clear();
    let root = shapes.begin(place.location);
    let depth_max = place.depth_max;
    let mut walk = Walk { shapes, depth_max, top_keys, depth: 0, top_level: Some(0) };
    // Text that is known to be UTF-8 is read without looking at every string again.
    let outcome = match std::str::from_utf8(sample.bytes) {
        Ok(text) => walk.read(root, &mut serde_json::Deserializer::from_str(text)),
        Err(_) => walk.read(root, &mut serde_json::Deserializer::from_slice(sample.bytes)),
    };
    let reading = match outcome {
        Err(error) if !(sample.truncated && error.is_eof()) => Reading::Malformed,
        _ => Reading::Read,
    };
    (reading, shapes.finish())
}

/// Where the pass stands.
struct Walk<'a> {
    shapes: &'a mut Shapes,
    depth_max: u8,
    top_keys: &'a mut Vec<u64>,
    depth: u8,
    /// The depth at which keys are those of the top level; none once they are known.
    top_level: Option<u8>,
}

impl Walk<'_> {
    fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        root: NodeId,
        reader: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        Value { walk: self, node: root }.deserialize(&mut *reader)?;
        reader.end()
    }

    fn enter(&mut self, parent: NodeId, before: NodeId, key: &str) -> NodeId {
        let node = self.shapes.enter(parent, before, key.as_bytes());
        if self.top_level == Some(self.depth - 1) && self.top_keys.len() < TOP_KEYS_MAX {
            self.top_keys.push(self.shapes.key_hash(node, key.as_bytes()));
        }
        node
    }
}

/// One value: noted, then walked into.
struct Value<'w, 'a> {
    walk: &'w mut Walk<'a>,
    node: NodeId,
}

impl Value<'_, '_> {
    fn note(self, kind: ValueKind) {
        self.walk.shapes.note(self.node, kind);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.note(ValueKind::Null);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.note(ValueKind::Boolean);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.note(ValueKind::Integer);
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.note(ValueKind::Integer);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.note(ValueKind::Number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.note(lexical::text_kind(text.as_bytes()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, node } = self;
        walk.shapes.note(node, ValueKind::Object);
        if walk.depth >= walk.depth_max {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let mut before = NodeId::NOWHERE;
        let mut result = Ok(());
        while result.is_ok() {
            result = match members.next_key_seed(Name { walk, parent: node, before }) {
                Ok(Some(child)) => {
                    before = child;
                    members.next_value_seed(Value { walk, node: child })
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
        }
        walk.depth -= 1;
        result
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { walk, node } = self;
        walk.shapes.note(node, ValueKind::Array);
        if walk.depth >= walk.depth_max {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        if walk.depth == 0 {
            walk.top_level = Some(1);
        }
        walk.depth += 1;
        let result = walk_elements(walk, node, &mut elements);
        walk.depth -= 1;
        result?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

fn walk_elements<'de, A: SeqAccess<'de>>(
    walk: &mut Walk<'_>,
    array: NodeId,
    elements: &mut A,
) -> Result<(), A::Error> {
    let node = walk.shapes.elements(array);
    for _ in 0..ELEMENTS_MAX {
        if elements.next_element_seed(Value { walk, node })?.is_none() {
            break;
        }
        if walk.depth == 1 {
            walk.top_level = None;
        }
    }
    Ok(())
}

/// One key: the node it leads to.
struct Name<'w, 'a> {
    walk: &'w mut Walk<'a>,
    parent: NodeId,
    before: NodeId,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = NodeId;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeId, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
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

    use tapline_model::Key;

    use super::*;

    fn shapes_at(text: &[u8], truncated: bool, depth_max: u8) -> (Vec<String>, Reading, Vec<u64>) {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(1_000);
        let mut top_keys = Vec::new();
        let place = Place { location: ParameterLocation::Body, depth_max };
        let sample = BodySample { bytes: text, truncated };
        let (reading, set) = read(&sample, place, &mut shapes, &mut top_keys);
        let set = set.unwrap_or_default();
        let shown = set.shapes.iter().map(|shape| format!("{}:{}", shape.name, shape.kind.label()));
        (shown.collect(), reading, top_keys)
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
            ["[email]:object", "[email].[card_number]:integer", "[integer]:integer"]
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
