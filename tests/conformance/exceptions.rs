//! The captures in which the sensor agrees with nobody, each with who is wrong and why.

use std::collections::BTreeMap;

/// Who is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    /// The sensor.
    Tapline,
    /// Every oracle of the capture.
    Oracle,
}

/// `exceptions.tsv`.
pub(super) struct Exceptions(BTreeMap<&'static str, Wrong>);

impl Exceptions {
    pub(super) fn read() -> Self {
        let text = include_str!("exceptions.tsv");
        let mut exceptions = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [capture, who, reason] = fields[..] else { panic!("three columns: {line}") };
            let wrong = match who {
                "tapline" => Wrong::Tapline,
                "tshark" | "zeek" | "suricata" => Wrong::Oracle,
                _ => panic!("who is wrong? {line}"),
            };
            assert!(reason.len() > 20, "a reason that explains: {line}");
            assert!(exceptions.insert(capture, wrong).is_none(), "listed twice: {capture}");
        }
        Self(exceptions)
    }

    /// Who is wrong about a capture, if it is listed.
    pub(super) fn find(&self, capture: &str) -> Option<Wrong> {
        self.0.get(capture).copied()
    }

    /// The captures that are listed.
    pub(super) fn captures(&self) -> impl Iterator<Item = &str> {
        self.0.keys().copied()
    }
}
