//! merge → readers: one immutable value per epoch for pages, API and metrics.

mod data;
mod encrypted;
mod labels;
mod schema;
mod template;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::data::DataFieldView;
pub use self::encrypted::{CertificateView, EncryptedView};
pub use self::labels::LabelsView;
pub use self::schema::{
    BodyDirection, BodyView, EnumView, MapView, PropertyView, SchemaView, VariantMemberView,
    VariantView, VariantsView,
};
pub use self::template::{SegmentReason, SegmentView, TemplateView};

use crate::{
    AuthUse, CallerPlaces, ChangeView, ConsumerKey, ConsumerView, Fact, Finding, Presence,
    RiskView, Sampling, Severity, Stats, Timestamp, VerdictTally, id,
};

/// The stable id of an endpoint: a hash of host, method and template, equal on every sensor.
/// Displays as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u64);

impl EndpointId {
    /// The id of an endpoint.
    pub fn of(host: &str, method: &str, template: &str) -> Self {
        Self(id::bits_of(&[host, method, template]))
    }

    /// From its 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        id::parse(text).map(Self)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for EndpointId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EndpointId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an endpoint id"))
    }
}

/// How sure the inventory is of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Seen, but not often or not by enough.
    Candidate,
    /// Certain.
    Confirmed,
    /// Quiet for longer than `discovery.stale_after_hours`.
    Stale,
    /// Quiet for longer than `discovery.gone_after_hours`.
    Gone,
}

impl EndpointState {
    /// Every state, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Candidate, Self::Confirmed, Self::Stale, Self::Gone];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Confirmed => "confirmed",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }
}

/// A distribution, as people read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

/// How far a baseline has learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineState {
    /// Too little was seen to tell of changes.
    Learning,
    /// It judges, all hours alike.
    Flat,
    /// It judges by the hour of the day.
    Daily,
    /// It judges by the hour of the week.
    Weekly,
}

impl BaselineState {
    /// The label in pages and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Flat => "flat",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// An endpoint's rate: what is normal, what was last seen, how probable that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineView {
    /// How far it has learned.
    pub state: BaselineState,
    /// Whole minutes learned from.
    pub minutes: u64,
    /// Requests a minute that are normal: the predictive mean.
    pub normal: f64,
    /// The range that 98 % of normal minutes lie in; 0 to 0 while it is not known.
    pub normal_low: u64,
    /// The range that 98 % of normal minutes lie in.
    pub normal_high: u64,
    /// Requests in the last whole minute.
    pub seen: u64,
    /// The probability of a minute at least as far from normal, were all normal.
    pub probability: f64,
    /// Requests in each of the last 60 whole minutes, oldest first.
    pub recent: Vec<u64>,
}

/// A parameter of an endpoint; what stands in bodies is in [`BodyView`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterView {
    /// `path`, `query`, `header` or `cookie`.
    #[serde(rename = "in")]
    pub location: String,
    /// Its name.
    pub name: String,
    /// The types of its values with how often each was seen, commonest first.
    pub types: Vec<(String, u64)>,
    /// Transactions that had it.
    pub present: u64,
    /// Transactions that could have had it: those answered below 400.
    pub of: u64,
    /// What that says.
    pub presence: Presence,
    /// See [`PropertyView::p_required`].
    pub p_required: f64,
    /// Its values, as far as they were looked into: with their formats, bounds and enumeration. Of
    /// headers formats only; of cookies nothing.
    pub schema: SchemaView,
}

/// One endpoint, as inventory, pages and API show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointView {
    /// Stable.
    pub id: EndpointId,
    /// Its host.
    pub host: String,
    /// Its method.
    pub method: String,
    /// Its path, parameters written as `{name}`.
    pub template: String,
    /// `rest` and what else it speaks.
    pub formats: Vec<String>,
    /// How sure the inventory is.
    pub state: EndpointState,
    /// Credentials of its requests, `none` among them, with how often, commonest first.
    pub auth: Vec<(String, u64)>,
    /// What is sent to it besides bodies.
    pub parameters: Vec<ParameterView>,
    /// Bodies: requests by media type, then responses by status and media type.
    pub bodies: Arc<[BodyView]>,
    /// Transactions of `requests` whose bodies, headers and values were looked into.
    pub bodies_read: u64,
    /// Fields that hold sensitive data, by place, status and name.
    pub data: Vec<DataFieldView>,
    /// Records in an answer: elements of the longest array in it, at most two levels down.
    pub records: Quantiles,
    /// Media types of request content, with how often.
    pub request_media: Vec<(String, u64)>,
    /// Media types of response content, with how often.
    pub response_media: Vec<(String, u64)>,
    /// Status codes, ascending, with how often; 0 is without a response.
    pub statuses: Vec<(u16, u64)>,
    /// Requests.
    pub requests: u64,
    /// Those, by where their callers are.
    #[serde(default)]
    pub places: CallerPlaces,
    /// Distinct consumers (an estimate above 64).
    pub consumers: u64,
    /// Also answers HEAD.
    pub head: bool,
    /// Also answers OPTIONS.
    pub options: bool,
    /// Earliest request.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub first_seen: Timestamp,
    /// Latest request.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub last_seen: Timestamp,
    /// Microseconds.
    pub latency_us: Quantiles,
    /// Bytes on the wire.
    pub request_bytes: Quantiles,
    /// Bytes on the wire.
    pub response_bytes: Quantiles,
    /// Its rate.
    pub baseline: Option<BaselineView>,
    /// What became of requests, by credentials, commonest first.
    #[serde(default)]
    pub auth_use: Vec<AuthUse>,
    /// Transactions that showed each fact.
    #[serde(default, with = "facts_by_label")]
    pub facts: Vec<(Fact, u64)>,
    /// Foreign origins that could read the answer because they asked; 8 and more are 8.
    #[serde(default)]
    pub reflected_origins: u64,
    /// Consumers that called it: all of them up to 64, else an even sample of as many.
    #[serde(skip)]
    pub callers: Arc<[ConsumerKey]>,
    /// How much harm it can do, and why.
    #[serde(default)]
    pub risk: Option<RiskView>,
    /// What operators say of it.
    #[serde(default)]
    pub labels: LabelsView,
    /// How sure its template is.
    #[serde(default)]
    pub template_evidence: TemplateView,
}

impl EndpointView {
    /// Transactions that showed a fact.
    pub fn count_of(&self, fact: Fact) -> u64 {
        self.facts.iter().find(|(known, _)| *known == fact).map_or(0, |(_, count)| *count)
    }

    /// Requests by status class: index 0 is without a response, 1 to 5 are 1xx to 5xx.
    pub fn status_classes(&self) -> [u64; 6] {
        let mut classes = [0; 6];
        for &(status, count) in &self.statuses {
            if let Some(sum) = classes.get_mut(usize::from(status / 100)) {
                *sum += count;
            }
        }
        classes
    }
}

/// One host of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostView {
    /// Its name.
    pub host: String,
    /// How many endpoints it has.
    pub endpoints: u64,
    /// Transactions.
    pub requests: u64,
    /// Of those, to no endpoint.
    pub unmatched: u64,
    /// By status class: index 0 is without a response, 1 to 5 are 1xx to 5xx.
    pub status_classes: [u64; 6],
    /// On the wire.
    pub bytes: u64,
    /// Time to first byte, in microseconds: middle of a bucket and its count, ascending.
    #[serde(skip)]
    pub latency_us: Vec<(u64, u64)>,
    /// Servers that answered for it.
    pub servers: Vec<String>,
    /// Names whose answers equal this host's.
    pub aliases: Vec<String>,
    /// Names of cookies by which its callers are known, found by how they are set.
    #[serde(default)]
    pub session_cookies: Vec<String>,
    /// What its answers say they were made by; only known names, versions in digits.
    #[serde(default)]
    pub software: Vec<String>,
    /// Transactions that showed each fact, those to no endpoint among them.
    #[serde(default, with = "facts_by_label")]
    pub facts: Vec<(Fact, u64)>,
    /// What operators say of all of it.
    #[serde(default)]
    pub labels: LabelsView,
}

/// Facts as an object: label and count.
mod facts_by_label {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Fact;

    pub(super) fn serialize<S: Serializer>(
        facts: &[(Fact, u64)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(facts.iter().copied())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(Fact, u64)>, D::Error> {
        BTreeMap::deserialize(deserializer).map(|facts| facts.into_iter().collect())
    }
}

/// One server address of the visibility ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// `ip:port`.
    pub server: String,
    /// Flows.
    pub flows: u64,
    /// Plaintext HTTP.
    pub http_bytes: u64,
    /// TLS.
    pub tls_bytes: u64,
    /// Anything else.
    pub other_bytes: u64,
    /// Missing.
    pub gap_bytes: u64,
    /// Of all of those, in flows with one direction only.
    pub one_sided_bytes: u64,
}

/// How many findings there are of one detection and severity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingTally {
    /// Which rule.
    pub detection: String,
    /// How bad.
    pub severity: Severity,
    /// Open now.
    pub open: u64,
    /// Opened since start.
    pub opened: u64,
}

/// One capture source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// Interface or file.
    pub name: String,
    /// Frames handed to decap.
    pub frames: u64,
    /// Their bytes on the wire.
    pub frame_bytes: u64,
    /// Frames lost before the sensor got them.
    pub dropped_frames: u64,
    /// The interface is down or gone: nothing is heard of it, and it is opened again when it is
    /// back.
    pub down: bool,
    /// How often it went down since the sensor started.
    pub outages: u64,
}

/// What the merge publishes once an epoch: every number in it is of one instant.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Capture time up to which everything is in.
    pub now: Timestamp,
    /// Every stage's counters.
    pub stats: Stats,
    /// Every capture source.
    pub sources: Vec<SourceView>,
    /// The share of flows that is followed now.
    pub sampling: Sampling,
    /// Every host, by name.
    pub hosts: Arc<[HostView]>,
    /// Every endpoint, by host, template, method.
    pub endpoints: Arc<[Arc<EndpointView>]>,
    /// Servers by bytes, largest first; bounded.
    pub servers: Arc<[ServerView]>,
    /// Hosts behind TLS, by host and server; bounded.
    pub encrypted: Arc<[EncryptedView]>,
    /// Open findings, then the latest resolved ones; newest first; bounded.
    pub findings: Arc<[Arc<Finding>]>,
    /// Who calls, by requests, most first; bounded.
    pub consumers: Arc<[ConsumerView]>,
    /// The latest changes of the inventory, newest first; bounded.
    pub changes: Arc<[ChangeView]>,
    /// All findings of the run, counted.
    pub tallies: Arc<[FindingTally]>,
    /// What operators say of findings, counted by detection: how often a rule was wrong, for whoever
    /// decides how much it may alert.
    pub verdicts: Arc<[VerdictTally]>,
    /// The capture has ended: nothing will change any more.
    pub ended: bool,
}
