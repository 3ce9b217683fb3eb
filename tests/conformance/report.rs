//! How many captures agree, by source.

use std::collections::BTreeMap;

use super::Wrong;

/// One capture.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) capture: String,
    /// An oracle saw HTTP/1 in it.
    pub(super) has_http: bool,
    /// The first oracle that agrees.
    pub(super) agrees_with: Option<&'static str>,
    /// As an exception says.
    pub(super) wrong: Option<Wrong>,
    /// What must not be.
    pub(super) faults: Vec<String>,
}

impl Row {
    /// The sensor could not be run to its end.
    pub(super) fn failed(capture: &str, fault: String) -> Self {
        let capture = capture.to_owned();
        Self { capture, has_http: false, agrees_with: None, wrong: None, faults: vec![fault] }
    }
}

/// All of them.
pub(super) struct Report(Vec<Row>);

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    captures: usize,
    agree: usize,
    exceptions: usize,
    ours: usize,
}

impl Report {
    pub(super) fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| a.capture.cmp(&b.capture));
        Self(rows)
    }

    /// How many captures there are with HTTP, or without.
    pub(super) fn count(&self, has_http: bool) -> usize {
        self.0.iter().filter(|row| row.has_http == has_http).count()
    }

    /// How many of them agree.
    pub(super) fn agree(&self, has_http: bool) -> usize {
        let agrees = |row: &&Row| row.has_http == has_http && row.agrees_with.is_some();
        self.0.iter().filter(agrees).count()
    }

    /// Prints a line per source, and how often each oracle was the first to agree.
    #[expect(clippy::print_stdout, reason = "whoever runs the test reads it")]
    pub(super) fn print(&self) {
        for has_http in [true, false] {
            let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
            let mut oracles: BTreeMap<&str, usize> = BTreeMap::new();
            for row in self.0.iter().filter(|row| row.has_http == has_http) {
                let source = row.capture.split('/').nth(1).unwrap_or_default();
                for name in [source, "total"] {
                    let tally = tallies.entry(name).or_default();
                    tally.captures += 1;
                    tally.agree += usize::from(row.agrees_with.is_some());
                    tally.exceptions += usize::from(row.wrong.is_some());
                    tally.ours += usize::from(row.wrong == Some(Wrong::Tapline));
                }
                *oracles.entry(row.agrees_with.unwrap_or("nobody")).or_default() += 1;
            }
            println!("\n{} HTTP", if has_http { "With" } else { "Without" });
            println!("{:<16} captures  agree  exceptions  of them ours", "source");
            for (source, tally) in tallies {
                let Tally { captures, agree, exceptions, ours } = tally;
                println!("{source:<16} {captures:8}  {agree:5}  {exceptions:10}  {ours:12}");
            }
            println!("agree with: {oracles:?}");
        }
    }

    /// Fails with every fault at once.
    pub(super) fn assert_no_fault(&self) {
        let faults: Vec<String> = self
            .0
            .iter()
            .flat_map(|row| row.faults.iter().map(|fault| format!("{}: {fault}", row.capture)))
            .collect();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }
}
