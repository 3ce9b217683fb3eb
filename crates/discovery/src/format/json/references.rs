//! Elements of a list that are not looked into: only the ids in them are noted.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Walk;
use crate::names::NodeId;
use crate::objects::Id;

/// A value that is gone through for references to objects.
pub(super) struct References<'w, 'a, 'l> {
    walk: &'w mut Walk<'a, 'l>,
    node: NodeId,
}

impl<'w, 'a, 'l> References<'w, 'a, 'l> {
    /// The value under a name.
    pub(super) const fn new(walk: &'w mut Walk<'a, 'l>, node: NodeId) -> Self {
        Self { walk, node }
    }

    fn refer(self, id: impl FnOnce(&tapline_model::Key) -> Option<Id>) {
        let super::Ledger { notes, names } = &mut *self.walk.ledger;
        notes.refer(self.node, names, || id(names.key()));
    }
}

impl<'de> DeserializeSeed<'de> for References<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for References<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        self.refer(|key| Some(Id::of_integer(key, integer.into())));
        Ok(())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<(), E> {
        self.refer(|key| Some(Id::of_integer(key, integer.into())));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.refer(|key| Id::of_text(key, text.as_bytes()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, node } = self;
        if walk.depth >= walk.depth_max {
            walk.ledger.notes.miss_references();
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        walk.depth += 1;
        let mut before = NodeId::NOWHERE;
        let result = loop {
            let child = match members.next_key_seed(Name { walk, parent: node, before }) {
                Ok(Some(child)) => child,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            before = child;
            if let Err(error) = members.next_value_seed(References::new(walk, child)) {
                break Err(error);
            }
        };
        walk.depth -= 1;
        result
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { walk, node } = self;
        if walk.depth >= walk.depth_max {
            walk.ledger.notes.miss_references();
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let inner = walk.ledger.names.elements(node);
        walk.depth += 1;
        let result = loop {
            match elements.next_element_seed(References::new(walk, inner)) {
                Ok(Some(())) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        walk.depth -= 1;
        result
    }
}

/// One key: the node it leads to. Unlike the keys of what is looked into, it tells no answer from
/// another.
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
        Ok(self.walk.ledger.names.enter(self.parent, self.before, key.as_bytes()))
    }
}
