//! A tree that keeps the order in which it was made.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A value to be written.
#[derive(Debug)]
pub(super) enum Node {
    /// Text, a number, a flag, null, or an empty collection.
    Leaf(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A map in the making.
#[derive(Debug, Default)]
pub(super) struct Map(Vec<(String, Node)>);

impl Map {
    pub(super) fn put(&mut self, name: impl Into<String>, node: impl Into<Node>) {
        self.0.push((name.into(), node.into()));
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.put(name, Value::from(text));
    }

    pub(super) fn option(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A flag, which is written only if it is set.
    pub(super) fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.put(name, Value::Bool(true));
        }
    }

    pub(super) fn unless_empty(&mut self, name: &str, map: Self) {
        if !map.0.is_empty() {
            self.put(name, map);
        }
    }

    pub(super) fn list(&mut self, name: &str, nodes: Vec<Node>) {
        if !nodes.is_empty() {
            self.put(name, Node::List(nodes));
        }
    }
}

impl From<Map> for Node {
    fn from(map: Map) -> Self {
        Self::Map(map.0)
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(entries) => Self::Map(
                entries.into_iter().map(|(name, value)| (name, Self::from(value))).collect(),
            ),
            leaf => Self::Leaf(leaf),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::List(nodes) => nodes.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (name, node) in entries {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
        }
    }
}
