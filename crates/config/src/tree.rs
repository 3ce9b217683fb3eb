//! YAML text as a tree in which every node knows its place.
//!
//! The reader takes the parser's events one by one, so that nothing recurses on hostile nesting,
//! and refuses what could blow a small file up: anchors, aliases and tags.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::problem::Place;

/// Collections inside one another. The deepest key lies in the sixth.
const NESTING_MAX: usize = 16;

/// A value and where it starts.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) place: Place,
    pub(crate) value: Value<'a>,
}

/// The shapes of values that a configuration has.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Null,
    Scalar(Cow<'a, str>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<Entry<'a>>),
}

/// A name, where it starts, and its value.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) place: Place,
    pub(crate) node: Node<'a>,
}

/// Reads the one document of `text`; `None` when there is none.
///
/// # Errors
/// The place and nature of what is not YAML, or not of the kind read here.
pub(crate) fn read(text: &str) -> Result<Option<Node<'_>>, (Place, String)> {
    let mut parser = Parser::new_from_str(text);
    let mut reader = Reader::default();
    while let Some(event) = parser.next_event() {
        let (event, span) =
            event.map_err(|error| (place(*error.marker()), not_yaml(error.info())))?;
        let at = place(span.start);
        reader.event(event, at).map_err(|text| (at, text.to_owned()))?;
    }
    Ok(reader.root)
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

fn not_yaml(info: &str) -> String {
    format!("not YAML: {info}; look at the indentation and quotes here and in the line above")
}

/// A collection whose end has not come.
enum Open<'a> {
    Sequence(Place, Vec<Node<'a>>),
    Mapping(Place, Vec<Entry<'a>>, Option<(Cow<'a, str>, Place)>),
}

#[derive(Default)]
struct Reader<'a> {
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    documents: usize,
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: Event<'a>, at: Place) -> Result<(), &'static str> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document; keep everything in one, without ---");
                }
                Ok(())
            }
            Event::Alias(_) => Err("aliases are not read here; write the value out"),
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.scalar(text, style, at)
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.start(Open::Sequence(at, Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.start(Open::Mapping(at, Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence(place, nodes)) => {
                    self.node(Node { place, value: Value::Sequence(nodes) })
                }
                Some(Open::Mapping(place, entries, _)) => {
                    self.node(Node { place, value: Value::Mapping(entries) })
                }
                None => Err("a collection ends that never began; look at the brackets"),
            },
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        at: Place,
    ) -> Result<(), &'static str> {
        if let Some(Open::Mapping(_, _, name @ None)) = self.open.last_mut() {
            *name = Some((text, at));
            return Ok(());
        }
        let is_null = style == ScalarStyle::Plain
            && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
        let value = if is_null { Value::Null } else { Value::Scalar(text) };
        self.node(Node { place: at, value })
    }

    fn start(&mut self, collection: Open<'a>) -> Result<(), &'static str> {
        if let Some(Open::Mapping(_, _, None)) = self.open.last() {
            return Err("a key that is itself a collection; keys are plain words");
        }
        if self.open.len() == NESTING_MAX {
            return Err("nested too deeply; no key lies this deep");
        }
        self.open.push(collection);
        Ok(())
    }

    fn node(&mut self, mut node: Node<'a>) -> Result<(), &'static str> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence(_, nodes)) => nodes.push(node),
            Some(Open::Mapping(_, entries, name)) => {
                let Some((name, place)) = name.take() else {
                    return Err("a value without a key; write key: value");
                };
                // The parser puts what is not there wherever it noticed, maybe lines below.
                if matches!(node.value, Value::Null) {
                    node.place = place;
                }
                entries.push(Entry { name, place, node });
            }
        }
        Ok(())
    }
}

/// Refuses anchors and tags.
fn plain(anchor: usize, is_tagged: bool) -> Result<(), &'static str> {
    if anchor != 0 {
        return Err("anchors are not read here; write the value out where it is needed");
    }
    if is_tagged {
        return Err("tags are not read here; write the value without one");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let (place, text) = read(text).unwrap_err();
        format!("{}:{}: {text}", place.line, place.column)
    }

    #[test]
    fn nothing_is_no_node() {
        for text in ["", "\n\n", "# only a comment\n"] {
            assert!(read(text).unwrap().is_none(), "{text:?}");
        }
    }

    #[test]
    fn places_count_from_one() {
        let root = read("a:\n  b: 7\n  c:\nd: [x]\n").unwrap().unwrap();
        let Value::Mapping(entries) = root.value else { panic!() };
        let Value::Mapping(inner) = &entries[0].node.value else { panic!() };
        assert_eq!(inner[0].place, Place { line: 2, column: 3 });
        assert_eq!(inner[0].node.place, Place { line: 2, column: 6 });
        assert_eq!(inner[1].node.place, Place { line: 3, column: 3 });
        assert!(matches!(inner[1].node.value, Value::Null));
        assert_eq!(entries[1].node.place, Place { line: 4, column: 4 });
    }

    #[test]
    fn what_could_blow_up_is_refused_where_it_stands() {
        assert!(refusal("a: &x [1]\nb: *x\n").contains(": anchors"));
        let tagged = refusal("a: !!int 3\n");
        assert!(tagged.starts_with("1:4: tags"), "{tagged}");
        assert!(refusal("[a]: 1\n").starts_with("1:1: a key that is itself"));
        assert!(refusal("a: 1\n---\nb: 2\n").contains("second document"));
        for opening in ["[", "- "] {
            let deep = refusal(&opening.repeat(100_000));
            let refused = ["nested too deeply", "recursion limit"].iter().any(|s| deep.contains(s));
            assert!(refused, "{deep}");
        }
        assert!(refusal("a: [1\n").contains("not YAML"));
    }
}
