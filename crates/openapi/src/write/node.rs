//! A tree that keeps the order in which it was made, and borrows its texts.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A value to be written.
#[derive(Debug)]
pub(super) enum Node<'d> {
    Text(Cow<'d, str>),
    /// A number, a flag, null, or an empty collection.
    Leaf(Value),
    List(Vec<Node<'d>>),
    Map(Vec<(Cow<'d, str>, Node<'d>)>),
}

/// A map in the making.
#[derive(Debug, Default)]
pub(super) struct Map<'d>(Vec<(Cow<'d, str>, Node<'d>)>);

impl<'d> Map<'d> {
    pub(super) fn put(&mut self, name: impl Into<Cow<'d, str>>, node: impl Into<Node<'d>>) {
        self.0.push((name.into(), node.into()));
    }

    pub(super) fn option(
        &mut self,
        name: impl Into<Cow<'d, str>>,
        node: Option<impl Into<Node<'d>>>,
    ) {
        if let Some(node) = node {
            self.put(name, node);
        }
    }

    /// A flag, which is written only if it is set.
    pub(super) fn flag(&mut self, name: impl Into<Cow<'d, str>>, is_set: bool) {
        if is_set {
            self.put(name, Value::Bool(true));
        }
    }

    pub(super) fn unless_empty(&mut self, name: impl Into<Cow<'d, str>>, map: Self) {
        if !map.0.is_empty() {
            self.put(name, map);
        }
    }

    pub(super) fn list(&mut self, name: impl Into<Cow<'d, str>>, nodes: Vec<Node<'d>>) {
        if !nodes.is_empty() {
            self.put(name, Node::List(nodes));
        }
    }
}

impl<'d> From<Map<'d>> for Node<'d> {
    fn from(map: Map<'d>) -> Self {
        Self::Map(map.0)
    }
}

impl<'d> From<&'d str> for Node<'d> {
    fn from(text: &'d str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'d> From<&'d String> for Node<'d> {
    fn from(text: &'d String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Node<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Value> for Node<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(entries) => Self::Map(
                entries.into_iter().map(|(name, value)| (name.into(), Self::from(value))).collect(),
            ),
            Value::String(text) => Self::Text(text.into()),
            leaf => Self::Leaf(leaf),
        }
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
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
