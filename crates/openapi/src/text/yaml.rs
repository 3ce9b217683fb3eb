//! YAML events to values. Nothing recurses, and aliases cost what they stand for.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use super::{too_deep, too_many};
use crate::bounds::{NESTING_MAX, NODES_MAX};
use crate::problem::Problem;

/// The key that takes in the entries of another mapping.
const MERGE: &str = "<<";

/// Reads the one document of a text.
pub(super) fn parse(text: &str) -> Result<Value, Problem> {
    let mut parser = Parser::new_from_str(text);
    let mut reader = Reader::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let text =
                format!("not YAML: {}; look at the indentation and quotes", error.info().trim());
            Problem::new(place(*error.marker()), text)
        })?;
        reader.event(event, place(span.start))?;
    }
    reader.root.map(|built| built.value).ok_or_else(|| Problem::new("", "the file is empty"))
}

fn place(marker: Marker) -> String {
    format!("line {} column {}", marker.line().max(1), marker.col() + 1)
}

/// A value and how many values it is made of.
#[derive(Clone)]
struct Built {
    value: Value,
    nodes: usize,
}

/// A collection whose end has not come.
struct Open {
    anchor: usize,
    nodes: usize,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Value>),
    Mapping { entries: Map<String, Value>, key: Option<String>, merged: Vec<Value> },
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    nodes: usize,
    root: Option<Built>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, at: String) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Problem::new(at, "a second document in one file; make a file of each"))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(built) => self.add(built, 0, &at),
                None => Err(Problem::new(at, "an alias inside what it stands for; use $ref")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, tag.as_deref(), anchor, &at)
            }
            Event::SequenceStart(anchor, _) => {
                self.start(anchor, Collection::Sequence(Vec::new()), at)
            }
            Event::MappingStart(anchor, _) => {
                let entries = Map::new();
                self.start(anchor, Collection::Mapping { entries, key: None, merged: vec![] }, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&at),
        }
    }

    fn start(&mut self, anchor: usize, collection: Collection, at: String) -> Result<(), Problem> {
        if self.open.len() == NESTING_MAX {
            return Err(too_deep(at));
        }
        if let Some(Open { collection: Collection::Mapping { key: None, .. }, .. }) =
            self.open.last()
        {
            return Err(Problem::new(at, "a key that is itself a collection; keys are text"));
        }
        self.open.push(Open { anchor, nodes: 1, collection });
        Ok(())
    }

    fn end(&mut self, at: &str) -> Result<(), Problem> {
        let Some(Open { anchor, nodes, collection }) = self.open.pop() else {
            return Err(Problem::new(at, "a collection ends that never began"));
        };
        let value = match collection {
            Collection::Sequence(items) => Value::Array(items),
            Collection::Mapping { mut entries, merged, .. } => {
                for (name, value) in merged.into_iter().flat_map(mappings).flatten() {
                    entries.entry(name).or_insert(value);
                }
                Value::Object(entries)
            }
        };
        // Its inner values have been counted as they came.
        self.nodes -= nodes - 1;
        self.add(Built { value, nodes }, anchor, at)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        anchor: usize,
        at: &str,
    ) -> Result<(), Problem> {
        if let Some(Open {
            collection: Collection::Mapping { key: key @ None, entries, .. }, ..
        }) = self.open.last_mut()
        {
            if entries.contains_key(text) {
                let text = format!("the key {text:?} for the second time; merge the two");
                return Err(Problem::new(at, text));
            }
            *key = Some(text.to_owned());
            return Ok(());
        }
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
        let value = if is_text { Value::String(text.to_owned()) } else { plain(text) };
        self.add(Built { value, nodes: 1 }, anchor, at)
    }

    fn add(&mut self, built: Built, anchor: usize, at: &str) -> Result<(), Problem> {
        self.nodes += built.nodes;
        if self.nodes > NODES_MAX {
            return Err(too_many());
        }
        if anchor != 0 {
            // What an anchor keeps is paid for like what it stands in.
            self.nodes += built.nodes;
            self.anchors.insert(anchor, built.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(built);
            return Ok(());
        };
        open.nodes += built.nodes;
        match &mut open.collection {
            Collection::Sequence(items) => items.push(built.value),
            Collection::Mapping { entries, key, merged } => match key.take() {
                Some(name) if name == MERGE => merged.push(built.value),
                Some(name) => {
                    entries.insert(name, built.value);
                }
                None => return Err(Problem::new(at, "a value without a key; write key: value")),
            },
        }
        Ok(())
    }
}

/// The mappings that a merge key takes in: one, or a list of them.
fn mappings(value: Value) -> Vec<Map<String, Value>> {
    match value {
        Value::Object(entries) => vec![entries],
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::Object(entries) => Some(entries),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What a scalar without quotes means by YAML's core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    let signed = text.strip_prefix('+').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = signed.parse::<i64>().map(Number::from);
        if let Ok(whole) = whole.or_else(|_| signed.parse::<u64>().map(Number::from)) {
            return Some(whole);
        }
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    is_number.then(|| signed.parse().ok().and_then(Number::from_f64)).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        let text = "[1, -2, +3, 0x10, 1.5, 1e3, .5, 2020-01-01, 1.2.3, yes, 1_000, '7', !!str 8]";
        let expected = json!([
            1,
            -2,
            3,
            16,
            1.5,
            1000.0,
            0.5,
            "2020-01-01",
            "1.2.3",
            "yes",
            "1_000",
            "7",
            "8"
        ]);
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn aliases_and_merge_keys_are_written_out() {
        let text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n";
        let expected = json!({
            "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}
        });
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let alias = format!("*a{}", level - 1);
            let ten = vec![alias; 10].join(", ");
            let line = format!("a{level}: &a{level} [{ten}]\n");
            text.push_str(&line);
        }
        assert!(parse(&text).unwrap_err().text.contains("more than"));
        assert!(parse("a: &a [*a]\n").unwrap_err().text.contains("alias inside"));
    }

    #[test]
    fn keys_are_unique() {
        let problem = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(problem.place, "line 3 column 1");
    }
}
