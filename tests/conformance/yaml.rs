//! YAML as a tree, without anything that judges it.

use saphyr_parser::{Event, Parser};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Mapping(entries) = self else { return None };
        entries.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Scalar(text) = self { Some(text) } else { None }
    }

    /// The items of a sequence.
    pub(super) fn items(&self) -> &[Self] {
        if let Self::Sequence(items) = self { items } else { &[] }
    }

    /// Every scalar below, with its keys joined by dots; a sequence is one without text.
    pub(super) fn flatten(&self) -> Vec<(String, String)> {
        match self {
            Self::Scalar(text) => vec![(String::new(), text.clone())],
            Self::Sequence(_) => vec![(String::new(), String::new())],
            Self::Mapping(entries) => {
                let below = |(key, node): &(String, Self)| {
                    let join = |(rest, text): (String, String)| {
                        let dot = if rest.is_empty() { "" } else { "." };
                        (format!("{key}{dot}{rest}"), text)
                    };
                    node.flatten().into_iter().map(join).collect::<Vec<_>>()
                };
                entries.iter().flat_map(below).collect()
            }
        }
    }
}

/// A collection that is open: a mapping's pending key beside it.
enum Open {
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>, Option<String>),
}

/// Reads a document; none when it is no YAML, or uses what is not read here.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let node = match event.ok()?.0 {
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Vec::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop()? {
                Open::Sequence(items) => Node::Sequence(items),
                Open::Mapping(entries, _) => Node::Mapping(entries),
            },
            Event::Scalar(text, ..) => Node::Scalar(text.into_owned()),
            Event::Alias(_) => Node::Scalar(String::new()),
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(node),
            Some(Open::Sequence(items)) => items.push(node),
            Some(Open::Mapping(entries, key)) => match key.take() {
                None => *key = Some(node.text()?.to_owned()),
                Some(key) => entries.push((key, node)),
            },
        }
    }
    root
}

#[test]
fn keys_are_joined_by_dots() {
    let root = read("a:\n  b.c: 1\n  d: {e: f}\ng: [x, y]\n").unwrap();
    let flat = root.flatten();
    let flat: Vec<(&str, &str)> = flat.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(flat, [("a.b.c", "1"), ("a.d.e", "f"), ("g", "")]);
    assert_eq!(root.get("g").unwrap().items().len(), 2);
}
