//! What was seen of a part, its entries in the order of their names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::{Map, Node};
use crate::evidence::{Evidence, FindingNote};

/// The extension as a node.
pub(super) fn written(evidence: &Evidence) -> Map<'_> {
    let mut map = Map::default();
    map.option("confidence", evidence.confidence.map(Value::from));
    map.option("consumers", evidence.consumers.map(Value::from));
    map.unless_empty("credentials", counts(&evidence.credentials));
    if evidence.empty_segments > 0 {
        map.put("empty_segments", Value::from(evidence.empty_segments));
    }
    map.list("findings", evidence.findings.iter().map(|note| finding(note).into()).collect());
    map.option("first", evidence.first.as_ref());
    map.option("id", evidence.id.as_ref());
    map.option("last", evidence.last.as_ref());
    map.put("n", Value::from(evidence.n));
    map.put("of", Value::from(evidence.of));
    map.option("state", evidence.state.as_ref());
    map.unless_empty("types", counts(&evidence.types));
    map
}

fn counts(counts: &BTreeMap<String, u64>) -> Map<'_> {
    let mut map = Map::default();
    for (name, &count) in counts {
        map.put(name, Node::Leaf(Value::from(count)));
    }
    map
}

fn finding(note: &FindingNote) -> Map<'_> {
    let mut map = Map::default();
    map.put("detection", &note.detection);
    map.put("first_seen", &note.first_seen);
    map.put("id", &note.id);
    map.put("severity", &note.severity);
    map.put("title", &note.title);
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The extension as serde writes it, which is how it is read.
    fn check(evidence: &Evidence) {
        let ours = serde_json::to_string(&Node::from(written(evidence))).unwrap();
        let value = serde_json::to_value(evidence).unwrap();
        assert_eq!(ours, serde_json::to_string(&value).unwrap());
        assert_eq!(serde_json::from_str::<Evidence>(&ours).unwrap(), *evidence);
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        check(&Evidence::default());
        let text = |text: &str| Some(text.to_owned());
        let counts = || BTreeMap::from([("b".to_owned(), 1), ("a".to_owned(), u64::MAX)]);
        let note = FindingNote {
            id: "i".to_owned(),
            detection: "d\"".to_owned(),
            severity: "high".to_owned(),
            title: String::new(),
            first_seen: "2026-01-01T00:00:00Z".to_owned(),
        };
        check(&Evidence {
            n: 3,
            of: 4,
            first: text("f"),
            last: text("l\n"),
            confidence: Some(0.25),
            state: text("confirmed"),
            id: text(""),
            types: counts(),
            credentials: counts(),
            empty_segments: 7,
            consumers: Some(0),
            findings: vec![note.clone(), note],
        });
    }
}
