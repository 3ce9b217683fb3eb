//! Two runs over the same captures, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use tapline_model::{Finding, FindingState, Timestamp};

use crate::exit::{Failure, SOFTWARE};

const NANOS_PER_DAY: f64 = 86_400e9;
/// Characters of a title in the table.
const TITLE_CHARS_MAX: usize = 90;

/// What one replay found.
pub(super) struct Run {
    /// Its settings.
    pub(super) name: String,
    /// The first second with traffic that was understood.
    pub(super) began: Timestamp,
    /// The end of the capture.
    pub(super) until: Timestamp,
    /// Every case.
    pub(super) findings: Vec<Arc<Finding>>,
}

/// Both runs, and what only one of them found.
#[derive(Serialize)]
pub(super) struct Comparison {
    from: String,
    until: String,
    days: f64,
    before: Side,
    after: Side,
    detections: Vec<Row>,
    /// Cases that only the old settings found.
    only_before: Vec<Case>,
    /// Cases that only the new settings found.
    only_after: Vec<Case>,
}

#[derive(Serialize)]
struct Side {
    settings: String,
    findings: usize,
    /// None where the capture is shorter than a minute: that would be a guess.
    findings_a_day: Option<f64>,
}

#[derive(Serialize)]
struct Row {
    detection: String,
    severity: &'static str,
    before: u64,
    after: u64,
}

#[derive(Serialize)]
struct Case {
    finding: String,
    detection: String,
    severity: &'static str,
    host: String,
    title: String,
    first_seen: String,
    last_seen: String,
    open_at_the_end: bool,
}

impl Comparison {
    /// Holds the runs against each other. A case is the same in both when it has the same subject and
    /// its times overlap.
    pub(super) fn of(before: &Run, after: &Run) -> Self {
        let began = before.began.min(after.began);
        let until = before.until.max(after.until);
        #[expect(clippy::cast_precision_loss, reason = "a span, for people")]
        let days = until.nanos_since(began) as f64 / NANOS_PER_DAY;
        let side = |run: &Run| Side {
            settings: run.name.clone(),
            findings: run.findings.len(),
            findings_a_day: a_day(run.findings.len(), days),
        };
        Self {
            from: began.to_string(),
            until: until.to_string(),
            days,
            before: side(before),
            after: side(after),
            detections: rows(before, after),
            only_before: only(before, after),
            only_after: only(after, before),
        }
    }

    /// As one JSON object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(SOFTWARE, error.to_string()))
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let written = self.write(&mut text);
        debug_assert!(written.is_ok());
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "{} to {} ({})", self.from, self.until, span(self.days))?;
        writeln!(out, "before: {}\nafter:  {}\n", self.before.settings, self.after.settings)?;
        let width =
            self.detections.iter().map(|row| row.detection.len()).max().unwrap_or(0).max(14);
        writeln!(
            out,
            "{:width$}  {:8}  {:>7}  {:>7}  {:>7}",
            "DETECTION", "SEVERITY", "BEFORE", "AFTER", "CHANGE"
        )?;
        for Row { detection, severity, before, after } in &self.detections {
            let change = after.cast_signed() - before.cast_signed();
            writeln!(
                out,
                "{detection:width$}  {severity:8}  {before:>7}  {after:>7}  {change:>+7}"
            )?;
        }
        let (before, after) = (&self.before, &self.after);
        let change = i128::try_from(after.findings).unwrap_or(0)
            - i128::try_from(before.findings).unwrap_or(0);
        writeln!(
            out,
            "{:width$}  {:8}  {:>7}  {:>7}  {change:>+7}",
            "all", "", before.findings, after.findings
        )?;
        if let (Some(before), Some(after)) = (before.findings_a_day, after.findings_a_day) {
            let change = after - before;
            writeln!(
                out,
                "{:width$}  {:8}  {before:>7.1}  {after:>7.1}  {change:>+7.1}",
                "findings a day", ""
            )?;
        }
        for (said, cases) in [("Gone", &self.only_before), ("New", &self.only_after)] {
            if !cases.is_empty() {
                writeln!(out, "\n{said} ({}):", cases.len())?;
            }
            for case in cases {
                let title: String = case.title.chars().take(TITLE_CHARS_MAX).collect();
                let Case { detection, severity, host, first_seen, last_seen, .. } = case;
                writeln!(
                    out,
                    "  {first_seen} to {last_seen}  {severity} {detection} on {}: {}",
                    plain(host),
                    plain(&title)
                )?;
            }
        }
        Ok(())
    }
}

/// Names come from traffic: nothing of them reaches a terminal that is more than text.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a rate, for people")]
fn a_day(findings: usize, days: f64) -> Option<f64> {
    (days > 1.0 / 1_440.0).then(|| findings as f64 / days)
}

fn span(days: f64) -> String {
    if days >= 1.0 { format!("{days:.1} days") } else { format!("{:.1} hours", days * 24.0) }
}

fn rows(before: &Run, after: &Run) -> Vec<Row> {
    let mut counts: BTreeMap<(&str, std::cmp::Reverse<tapline_model::Severity>), (u64, u64)> =
        BTreeMap::new();
    let key = |finding: &'_ Arc<Finding>| std::cmp::Reverse(finding.severity);
    for finding in &before.findings {
        counts.entry((&finding.detection, key(finding))).or_default().0 += 1;
    }
    for finding in &after.findings {
        counts.entry((&finding.detection, key(finding))).or_default().1 += 1;
    }
    counts
        .into_iter()
        .map(|((detection, severity), (before, after))| Row {
            detection: detection.to_owned(),
            severity: severity.0.label(),
            before,
            after,
        })
        .collect()
}

/// The cases of `one` that `other` does not have, oldest first.
fn only(one: &Run, other: &Run) -> Vec<Case> {
    let mut known: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &other.findings {
        known.entry(finding.subject()).or_default().push(finding);
    }
    let overlaps =
        |a: &Finding, b: &Finding| a.first_seen <= b.last_seen && b.first_seen <= a.last_seen;
    let is_missing = |finding: &&Arc<Finding>| {
        let same = known.get(&finding.subject());
        !same.into_iter().flatten().any(|other| overlaps(finding, other))
    };
    let missing: BTreeSet<_> = one
        .findings
        .iter()
        .filter(is_missing)
        .map(|finding| (finding.first_seen, finding.id.as_str()))
        .collect();
    let by_id: BTreeMap<&str, &Arc<Finding>> =
        one.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    missing.into_iter().filter_map(|(_, id)| by_id.get(id)).map(|finding| case(finding)).collect()
}

fn case(finding: &Finding) -> Case {
    Case {
        finding: finding.id.clone(),
        detection: finding.detection.clone(),
        severity: finding.severity.label(),
        host: finding.host.clone(),
        title: finding.title.clone(),
        first_seen: finding.first_seen.to_string(),
        last_seen: finding.last_seen.to_string(),
        open_at_the_end: finding.state == FindingState::Open,
    }
}
