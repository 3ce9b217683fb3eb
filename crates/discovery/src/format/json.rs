//! The shape of JSON, in one pass and without a tree.

use std::fmt;

use compact_str::CompactString;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tapline_model::{BodySample, Key, ParameterLocation, ValueKind};

use super::Reading;
use crate::lexical;
use crate::parameter::{self, Parameters};

/// Elements of one array that are looked into.
const ELEMENTS_MAX: usize = 16;
/// Keys of the top level that tell one answer from another.
const TOP_KEYS_MAX: usize = 256;

/// What is reused from one document to the next.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    name: CompactString,
    /// The keyed hashes of the keys of the top level; of its first element, when it is an array.
    pub(crate) top_keys: Vec<u64>,
}

/// Where a document stands, and how deep it is looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Of its members.
    pub(crate) location: ParameterLocation,
    /// Levels.
    pub(crate) depth_max: u8,
}

/// Notes name and type of every member. A document that is cut short still gives the part that is
/// there.
pub(crate) fn read(
    sample: &BodySample<'_>,
    place: Place,
    key: &Key,
    parameters: &mut Parameters<'_>,
    buffers: &mut Buffers,
) -> Reading {
    buffers.name.clear();
    buffers.top_keys.clear();
    let mut walk = Walk { parameters, place, key, buffers, depth: 0, top_level: Some(0) };
    let mut reader = serde_json::Deserializer::from_slice(sample.bytes);
    match Value(&mut walk).deserialize(&mut reader).and_then(|()| reader.end()) {
        Err(error) if !(sample.truncated && error.is_eof()) => Reading::Malformed,
        _ => Reading::Read,
    }
}

/// Where the pass stands.
struct Walk<'a, 'p> {
    parameters: &'a mut Parameters<'p>,
    place: Place,
    key: &'a Key,
    buffers: &'a mut Buffers,
    depth: u8,
    /// The depth at which keys are those of the top level; none once they are known.
    top_level: Option<u8>,
}

impl Walk<'_, '_> {
    fn note(&mut self, kind: ValueKind) {
        self.parameters.add(self.place.location, &self.buffers.name, kind);
    }

    fn enter(&mut self, key: &str) {
        if self.top_level == Some(self.depth - 1) && self.buffers.top_keys.len() < TOP_KEYS_MAX {
            self.buffers.top_keys.push(self.key.text_hash(key.as_bytes()));
        }
        let name = &mut self.buffers.name;
        if !name.is_empty() {
            name.push('.');
        }
        self.parameters.masked += u64::from(parameter::spell_name(key.as_bytes(), name));
    }
}

/// One value: noted, then walked into.
struct Value<'w, 'a, 'p>(&'w mut Walk<'a, 'p>);

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
        self.0.note(ValueKind::Null);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.0.note(ValueKind::Boolean);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.0.note(ValueKind::Integer);
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.0.note(ValueKind::Integer);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.0.note(ValueKind::Number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.note(lexical::text_kind(text.as_bytes()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let walk = self.0;
        walk.note(ValueKind::Object);
        if walk.depth >= walk.place.depth_max {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let name_bytes = walk.buffers.name.len();
        let mut result = Ok(());
        while result.is_ok() {
            result = match members.next_key_seed(Name(&mut *walk)) {
                Ok(Some(())) => members.next_value_seed(Value(&mut *walk)),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            walk.buffers.name.truncate(name_bytes);
        }
        walk.depth -= 1;
        result
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let walk = self.0;
        walk.note(ValueKind::Array);
        if walk.depth >= walk.place.depth_max {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        if walk.depth == 0 {
            walk.top_level = Some(1);
        }
        walk.depth += 1;
        let name_bytes = walk.buffers.name.len();
        walk.buffers.name.push_str("[]");
        let mut result = Ok(());
        for _ in 0..ELEMENTS_MAX {
            match elements.next_element_seed(Value(&mut *walk)) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
            if walk.depth == 1 {
                walk.top_level = None;
            }
        }
        walk.buffers.name.truncate(name_bytes);
        walk.depth -= 1;
        result?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// One key: spelled onto the name.
struct Name<'w, 'a, 'p>(&'w mut Walk<'a, 'p>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.0.enter(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hashbrown::HashSet;
    use proptest::prelude::*;

    use super::*;

    fn shapes_at(text: &[u8], truncated: bool, depth_max: u8) -> (Vec<String>, Reading, Buffers) {
        let (mut shapes, mut seen, key) = (Vec::new(), HashSet::new(), Key::fixed());
        let mut parameters = Parameters::new(&mut shapes, &mut seen, &key, 1_000);
        let mut buffers = Buffers::default();
        let place = Place { location: ParameterLocation::Body, depth_max };
        let sample = BodySample { bytes: text, truncated };
        let reading = read(&sample, place, &key, &mut parameters, &mut buffers);
        let shapes =
            shapes.iter().map(|shape| format!("{}:{}", shape.name, shape.kind.label())).collect();
        (shapes, reading, buffers)
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
        let keys = |text: &str| shapes_at(text.as_bytes(), false, 6).2.top_keys;
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
