//! behavior → alert.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{ConsumerKey, EndpointId, Timestamp};

/// What sort of thing a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Somebody or something behaves differently.
    Behaviour,
    /// Something is set up badly.
    Posture,
    /// Something is not as documented.
    Drift,
}

impl FindingKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Behaviour, Self::Posture, Self::Drift];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Posture => "posture",
            Self::Drift => "drift",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Context.
    Info,
    /// A ticket, some day.
    Low,
    /// A ticket.
    Medium,
    /// A ticket, today.
    High,
    /// Somebody gets up.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: &'static [Self] =
        &[Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Whether a finding still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It holds.
    Open,
    /// It has not held for the resolve time.
    Resolved,
}

impl FindingState {
    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// A value with its unit and a sentence for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// Its unit, spelled out (`requests/minute`, `ratio`).
    pub unit: String,
    /// What it is, as a sentence.
    pub text: String,
}

/// The endpoint a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRef {
    /// Its id.
    pub id: EndpointId,
    /// Its method.
    pub method: String,
    /// Its path template.
    pub template: String,
}

/// Where a finding stands in the lists that people use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mappings {
    /// OWASP API Security Top 10, 2023 (`API9:2023`).
    pub owasp_api: Vec<String>,
    /// OWASP Automated Threats (`OAT-014`).
    pub oat: Vec<String>,
    /// MITRE ATT&CK techniques (`T1595.003`).
    pub attack: Vec<String>,
}

/// One redacted fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is (`statuses`, `distinct paths`).
    pub name: String,
    /// It, redacted.
    pub value: String,
}

/// One open case, or what became of it. Serialises as a line of `findings.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// 16 hexadecimal digits; a case that opens again later has another.
    pub id: String,
    /// Which rule (`path_scanner`).
    pub detection: String,
    /// What sort.
    pub kind: FindingKind,
    /// How bad.
    pub severity: Severity,
    /// How sure, in 0..=1.
    pub confidence: f64,
    /// Whether it still holds.
    pub state: FindingState,
    /// One line.
    pub title: String,
    /// On which host.
    pub host: String,
    /// On which endpoint, if on one.
    pub endpoint: Option<EndpointRef>,
    /// By which consumer, if by one.
    pub consumer: Option<ConsumerKey>,
    /// Who answers for what it is about, if operators say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// From where: the top ten.
    pub client_addresses: Vec<IpAddr>,
    /// Capture time.
    #[serde(serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub first_seen: Timestamp,
    /// Capture time.
    #[serde(serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub last_seen: Timestamp,
    /// Capture time at which it was told of first: how long that took is what has passed since
    /// [`first_seen`](Self::first_seen). Set by whoever keeps the cases.
    #[serde(default, serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub found_at: Timestamp,
    /// What is normal.
    pub normal: Measure,
    /// What was seen.
    pub seen: Measure,
    /// How probable that was, were all normal.
    pub probability: f64,
    /// Seen over normal.
    pub lift: f64,
    /// Where it stands in the lists.
    pub mappings: Mappings,
    /// Redacted facts, and why it is no false positive.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// What makes two findings the same case while it is open: detection, host, endpoint, consumer.
    pub fn subject(&self) -> String {
        format!(
            "{}|{}|{}|{}",
            self.detection,
            self.host,
            self.endpoint.as_ref().map(|endpoint| endpoint.id.to_string()).unwrap_or_default(),
            self.consumer.map(|consumer| consumer.to_string()).unwrap_or_default(),
        )
    }
}

/// Serialises a [`Timestamp`] as RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn rfc3339<S: serde::Serializer>(
    time: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Reads what [`rfc3339`] wrote.
pub(crate) fn from_rfc3339<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map(Timestamp::from).map_err(serde::de::Error::custom)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] {}", self.severity.label(), self.detection, self.title)
    }
}
