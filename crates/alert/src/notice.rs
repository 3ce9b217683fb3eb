//! What an Alertmanager is to be told about one finding.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tapline_model::{Alert, Finding, Severity, Timestamp};

/// Bytes of a label value that comes from traffic.
const LABEL_BYTES_MAX: usize = 200;
/// Bytes of an annotation.
const ANNOTATION_BYTES_MAX: usize = 2_000;
/// An alert that is not sent again ends after so many resend times.
const RESENDS_TO_LIVE: u32 = 4;

/// The severity label, in the words that routes of Alertmanager use. Mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    Info,
    Warning,
    Critical,
}

impl Urgency {
    /// Every urgency, mildest first.
    pub(crate) const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// Critical wakes somebody, warning is a ticket, info is context.
    pub(crate) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info | Severity::Low => Self::Info,
            Severity::Medium | Severity::High => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Which alert: an Alertmanager knows one by its labels, and these are what the labels follow from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NoticeKey {
    pub(crate) subject: Arc<str>,
    pub(crate) urgency: u8,
}

impl NoticeKey {
    pub(crate) fn new(subject: &Arc<str>, urgency: Urgency) -> Self {
        Self { subject: Arc::clone(subject), urgency: urgency as u8 }
    }
}

/// The state of one alert.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) key: NoticeKey,
    pub(crate) urgency: Urgency,
    pub(crate) finding: Arc<Finding>,
    /// Wall clock.
    pub(crate) starts_at: SystemTime,
    /// Wall clock; none while it fires.
    pub(crate) ended_at: Option<SystemTime>,
}

/// What all alerts of one sensor share.
#[derive(Clone, Debug)]
pub(crate) struct Letterhead {
    pub(crate) sensor: String,
    /// Without a slash at its end.
    pub(crate) external_url: String,
    pub(crate) resend: Duration,
}

impl Letterhead {
    /// The alert as it is sent at `now`.
    pub(crate) fn alert(&self, notice: &Notice, now: SystemTime) -> Alert {
        // An end before the start is refused; clocks may be set back.
        let ends_at = match notice.ended_at {
            Some(ended_at) => ended_at.max(notice.starts_at),
            None => now.max(notice.starts_at) + self.resend * RESENDS_TO_LIVE,
        };
        Alert {
            labels: labels(&notice.finding, notice.urgency),
            annotations: self.annotations(&notice.finding),
            starts_at: Timestamp::from(notice.starts_at).to_string(),
            ends_at: Timestamp::from(ends_at).to_string(),
            generator_url: format!("{}/findings/{}", self.external_url, notice.finding.id),
        }
    }

    fn annotations(&self, finding: &Finding) -> BTreeMap<String, String> {
        let evidence: Vec<String> =
            finding.evidence.iter().map(|fact| format!("{}: {}", fact.name, fact.value)).collect();
        let addresses: Vec<String> =
            finding.client_addresses.iter().map(ToString::to_string).collect();
        let description = format!(
            "Seen: {}. Normal: {}. Probability {:.1e}, lift {:.1}.",
            finding.seen.text.trim_end_matches('.'),
            finding.normal.text.trim_end_matches('.'),
            finding.probability,
            finding.lift
        );
        [
            ("summary", finding.title.clone()),
            ("description", description),
            ("evidence", evidence.join("; ")),
            ("client_addresses", addresses.join(", ")),
            ("finding_id", finding.id.clone()),
            ("first_seen", finding.first_seen.to_string()),
            ("last_seen", finding.last_seen.to_string()),
            // Not a label: two sensors that see the same API send the same alert.
            ("sensor", self.sensor.clone()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), cut(&value, ANNOTATION_BYTES_MAX).to_owned()))
        .collect()
    }
}

fn labels(finding: &Finding, urgency: Urgency) -> BTreeMap<String, String> {
    let mut labels = vec![
        ("alertname", alert_name(&finding.detection)),
        ("severity", urgency.label().to_owned()),
        ("detection", finding.detection.clone()),
        ("kind", finding.kind.label().to_owned()),
        ("host", bounded(&finding.host)),
    ];
    if let Some(endpoint) = &finding.endpoint {
        labels.push(("endpoint_id", endpoint.id.to_string()));
        labels.push(("method", bounded(&endpoint.method)));
        labels.push(("path_template", bounded(&endpoint.template)));
    }
    if let Some(consumer) = finding.consumer {
        labels.push(("consumer", consumer.to_string()));
    }
    if let Some(owner) = &finding.owner {
        labels.push(("owner", bounded(owner)));
    }
    // To an Alertmanager an empty label is one that is not there.
    labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// `path_scanner` is `TaplinePathScanner`.
fn alert_name(detection: &str) -> String {
    let mut name = "Tapline".to_owned();
    for word in detection.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters);
    }
    name
}

/// `text`, or its start and a hash of all of it: labels stay short, and different ones different.
fn bounded(text: &str) -> String {
    if text.len() <= LABEL_BYTES_MAX {
        return text.to_owned();
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let tail = cut(&hash, 8);
    format!("{}~{tail}", cut(text, LABEL_BYTES_MAX - 9))
}

fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tests::finding;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn head() -> Letterhead {
        Letterhead {
            sensor: "edge-1".into(),
            external_url: "http://sensor.example:9488".into(),
            resend: Duration::from_mins(1),
        }
    }

    fn notice(finding: Finding) -> Notice {
        let urgency = Urgency::of(finding.severity);
        Notice {
            key: NoticeKey::new(&finding.subject().into(), urgency),
            urgency,
            finding: Arc::new(finding),
            starts_at: START,
            ended_at: None,
        }
    }

    #[test]
    fn a_firing_alert_ends_four_resends_from_now() {
        let alert = head().alert(&notice(finding("scan", 1)), START + Duration::from_secs(100));
        assert_eq!(alert.starts_at, "1970-01-01T00:00:00.000000000Z");
        assert_eq!(alert.ends_at, "1970-01-01T00:05:40.000000000Z");
    }

    #[test]
    fn an_alert_never_ends_before_it_starts() {
        let mut notice = notice(finding("scan", 1));
        notice.starts_at = START + Duration::from_secs(9);
        notice.ended_at = Some(START);
        let alert = head().alert(&notice, START);
        assert_eq!(alert.ends_at, alert.starts_at);
    }

    #[test]
    fn labels_name_the_subject_and_nothing_empty() {
        let mut found = finding("path_scanner", 1);
        found.host = String::new();
        let labels = labels(&found, Urgency::Warning);
        assert_eq!(labels["alertname"], "TaplinePathScanner");
        assert_eq!(labels["severity"], "warning");
        assert!(!labels.contains_key("host") && labels.values().all(|value| !value.is_empty()));
        assert!(!labels.contains_key("owner"), "nobody says who");
    }

    #[test]
    fn an_alert_says_who_answers_for_what_it_is_about() {
        let found = Finding { owner: Some("team: accounts".into()), ..finding("scan", 1) };
        let alert = head().alert(&notice(found), START);
        assert_eq!(alert.labels["owner"], "team: accounts");
    }

    #[test]
    fn long_labels_are_cut_and_stay_different() {
        let (one, other) = ("ä".repeat(5_000), "ä".repeat(5_001));
        assert!(bounded(&one).len() <= LABEL_BYTES_MAX);
        assert_ne!(bounded(&one), bounded(&other));
    }

    #[test]
    fn annotations_are_bounded() {
        let mut found = finding("scan", 1);
        found.title = "\u{202e}\"\n".repeat(9_000);
        let alert = head().alert(&notice(found), START);
        assert!(alert.annotations.values().all(|value| value.len() <= ANNOTATION_BYTES_MAX));
        assert_eq!(alert.annotations["sensor"], "edge-1");
    }

    #[test]
    fn the_alert_links_to_its_page() {
        let alert = head().alert(&notice(finding("scan", 1)), START);
        assert!(alert.generator_url.starts_with("http://sensor.example:9488/findings/"));
    }
}
