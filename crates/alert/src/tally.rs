//! How many findings there are, by what they are.

use std::collections::BTreeMap;

use tapline_model::{Finding, FindingKind, Severity};

/// Findings of one detection, kind and severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which rule.
    pub detection: String,
    /// What sort.
    pub kind: FindingKind,
    /// How bad.
    pub severity: Severity,
    /// Open now with this severity.
    pub open: u64,
    /// Opened since start with this severity.
    pub opened: u64,
}

/// All tallies. Detections are a closed list of rules, so this does not grow with traffic.
#[derive(Debug, Default)]
pub(crate) struct Tallies(BTreeMap<(String, FindingKind, Severity), (u64, u64)>);

impl Tallies {
    /// A case was opened.
    pub(crate) fn opened(&mut self, finding: &Finding) {
        let (open, opened) = self.of(finding, finding.severity);
        *open += 1;
        *opened += 1;
    }

    /// An open case was given another severity.
    pub(crate) fn moved(&mut self, finding: &Finding, before: Severity) {
        let open = self.of(finding, before).0;
        *open = open.saturating_sub(1);
        *self.of(finding, finding.severity).0 += 1;
    }

    /// A case was resolved.
    pub(crate) fn resolved(&mut self, finding: &Finding) {
        let open = self.of(finding, finding.severity).0;
        *open = open.saturating_sub(1);
    }

    /// In the order of detection, kind and severity.
    pub(crate) fn list(&self) -> Vec<Tally> {
        self.0
            .iter()
            .map(|((detection, kind, severity), &(open, opened))| Tally {
                detection: detection.clone(),
                kind: *kind,
                severity: *severity,
                open,
                opened,
            })
            .collect()
    }

    fn of(&mut self, finding: &Finding, severity: Severity) -> (&mut u64, &mut u64) {
        let key = (finding.detection.clone(), finding.kind, severity);
        let (open, opened) = self.0.entry(key).or_default();
        (open, opened)
    }
}
