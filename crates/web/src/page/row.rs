//! One endpoint or finding in a list.

use std::sync::Arc;

use tapline_model::{EndpointState, EndpointView, Finding, FindingState, LabelsView, Timestamp};

use crate::number;
use crate::part::{Bar, Instant, Name, Spark, Tag};
use crate::selection::endpoints::errors_of;
use crate::text::{LISTED_MAX, shown};

/// One endpoint in a list.
#[derive(Debug)]
pub(crate) struct EndpointRow {
    /// Of its page.
    pub(crate) id: String,
    /// Its host.
    pub(crate) host: String,
    /// Method and template.
    pub(crate) name: Name,
    /// It is not certain yet.
    pub(crate) candidate: bool,
    /// What operators say of it.
    pub(crate) tags: Vec<Tag>,
    /// Its commonest credentials.
    pub(crate) auth: String,
    /// How many other sorts it was asked with.
    pub(crate) auth_more: usize,
    /// It was asked without credentials.
    pub(crate) open: bool,
    /// How often it was asked.
    pub(crate) requests: String,
    /// The last hour.
    pub(crate) spark: Spark,
    /// Share of 4xx and 5xx.
    pub(crate) errors: String,
    /// That share is a tenth or more.
    pub(crate) failing: bool,
    /// Answers by class.
    pub(crate) statuses: Bar,
    /// Latency.
    pub(crate) p50: String,
    /// Latency.
    pub(crate) p99: String,
    /// How many ask.
    pub(crate) consumers: String,
    /// The farthest place that they ask from.
    pub(crate) from: &'static str,
    /// Earliest request.
    pub(crate) first_seen: Instant,
    /// Latest request.
    pub(crate) last_seen: Instant,
}

impl EndpointRow {
    /// `endpoint`, as seen at `now`.
    pub(crate) fn new(endpoint: &EndpointView, now: Timestamp) -> Self {
        let (errors, answered) = errors_of(endpoint);
        let commonest = endpoint.auth.first().map_or("–", |(label, _)| label.as_str());
        let latency = endpoint.latency_us;
        let latency_of = |micros| {
            if latency.count == 0 { "–".to_owned() } else { number::micros(micros) }
        };
        Self {
            id: endpoint.id.to_string(),
            host: shown(&endpoint.host, LISTED_MAX).into_owned(),
            name: Name::new(&endpoint.method, &endpoint.template, LISTED_MAX),
            candidate: endpoint.state == EndpointState::Candidate,
            tags: label_tags(&endpoint.labels),
            auth: shown(commonest, 40).into_owned(),
            auth_more: endpoint.auth.len().saturating_sub(1),
            open: endpoint.auth.iter().any(|(label, _)| label == "none"),
            requests: number::count(endpoint.requests),
            spark: Spark::new(endpoint.baseline.as_ref().map_or(&[], |baseline| &baseline.recent)),
            errors: number::share(errors, answered),
            failing: errors > 0 && errors >= answered / 10,
            statuses: Bar::of_statuses(endpoint.status_classes()),
            p50: latency_of(latency.p50),
            p99: latency_of(latency.p99),
            consumers: number::count(endpoint.consumers),
            from: endpoint.places.seen().last().map_or("", |(place, _)| place.label()),
            first_seen: Instant::new(now, endpoint.first_seen),
            last_seen: Instant::new(now, endpoint.last_seen),
        }
    }
}

/// Labels as words in boxes: where it runs, whose it is, what else is said, and that it is to be used no more.
pub(crate) fn label_tags(labels: &LabelsView) -> Vec<Tag> {
    let mut tags = Vec::new();
    if labels.deprecated {
        tags.push(Tag::new("medium", "deprecated"));
    }
    let texts = labels.environment.iter().chain(&labels.owner).chain(&labels.tags);
    tags.extend(texts.map(|text| Tag::new("plain", shown(text, 64))));
    tags
}

/// One finding in a list.
#[derive(Debug)]
pub(crate) struct FindingRow {
    /// Of its page.
    pub(crate) id: String,
    /// How bad.
    pub(crate) severity: Tag,
    /// It holds no longer.
    pub(crate) resolved: bool,
    /// One line.
    pub(crate) title: String,
    /// Which rule.
    pub(crate) detection: String,
    /// On which host.
    pub(crate) host: String,
    /// On which endpoint.
    pub(crate) name: Option<Name>,
    /// What was seen.
    pub(crate) seen: String,
    /// What is normal.
    pub(crate) normal: String,
    /// How sure, in percent.
    pub(crate) confidence: String,
    /// When it began.
    pub(crate) first_seen: Instant,
    /// When it last held.
    pub(crate) last_seen: Instant,
    /// What operators say of it.
    pub(crate) verdicts: Vec<Tag>,
}

impl FindingRow {
    /// The same, with what operators say of it.
    #[must_use]
    pub(crate) fn judged(self, verdicts: Vec<Tag>) -> Self {
        Self { verdicts, ..self }
    }

    /// `finding`, as seen at `now`.
    pub(crate) fn new(finding: &Arc<Finding>, now: Timestamp) -> Self {
        let name = finding
            .endpoint
            .as_ref()
            .map(|endpoint| Name::new(&endpoint.method, &endpoint.template, LISTED_MAX));
        Self {
            id: finding.id.clone(),
            severity: Tag::severity(finding.severity),
            resolved: finding.state == FindingState::Resolved,
            title: shown(&finding.title, LISTED_MAX).into_owned(),
            detection: shown(&finding.detection, 64).into_owned(),
            host: shown(&finding.host, LISTED_MAX).into_owned(),
            name,
            seen: shown(&finding.seen.text, LISTED_MAX).into_owned(),
            normal: shown(&finding.normal.text, LISTED_MAX).into_owned(),
            confidence: percent(finding.confidence),
            first_seen: Instant::new(now, finding.first_seen),
            last_seen: Instant::new(now, finding.last_seen),
            verdicts: Vec::new(),
        }
    }
}

/// A number in 0..=1 as percent.
pub(crate) fn percent(ratio: f64) -> String {
    if ratio.is_finite() {
        format!("{:.0}\u{a0}%", ratio.clamp(0.0, 1.0) * 100.0)
    } else {
        "–".to_owned()
    }
}
