//! What the pages and the API read from.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use serde::Serialize;
use tapline_model::{
    EndpointId, EndpointView, Order, OrderError, RuleList, RuleOrder, RuleView, Timestamp,
    Verdicts, View,
};
use tapline_prevention::Reader;

/// Writes the Prometheus text format 0.0.4 for a view, or says why it cannot.
pub type MetricsFn = Arc<dyn Fn(&View) -> Result<String, String> + Send + Sync>;

/// Says how the sensor is.
pub type HealthFn = Arc<dyn Fn() -> Health + Send + Sync>;

/// Where the traffic comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Interfaces.
    Live,
    /// Capture files.
    Replay,
}

impl Mode {
    /// The label in pages and API.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Replay => "replay",
        }
    }
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SensorInfo {
    /// Its name among other sensors.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its traffic comes from.
    pub mode: Mode,
    /// Interfaces or capture files.
    pub sources: Vec<String>,
    /// Base URL under which operators reach it; empty when none is set. Its host is accepted in
    /// requests to a loopback listener.
    pub external_url: String,
}

/// Whether the sensor is ready, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// It captures, and what it shows is current.
    pub ready: bool,
    /// Why it is not, or what it does without all the same; for people.
    pub reasons: Vec<String>,
}

/// Who had better be blocked, for pages and for those that block.
#[derive(Clone)]
pub struct Prevention {
    /// Reads the list.
    pub reader: Reader,
    /// The key that is as good as credentials where the list is read, and that bouncers must show;
    /// never printed.
    pub api_key: Option<String>,
}

impl fmt::Debug for Prevention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prevention").finish_non_exhaustive()
    }
}

/// Every verdict, and what time it is where they are given.
pub type VerdictsFn = Arc<dyn Fn() -> (Arc<Verdicts>, Timestamp) + Send + Sync>;

/// Hands over an order and waits until it was carried out.
pub type OrderFn = Arc<dyn Fn(Order) -> Result<(), OrderError> + Send + Sync>;

/// The desk that takes what operators say of findings.
#[derive(Clone)]
pub struct Triage {
    /// Reads what was said.
    pub verdicts: VerdictsFn,
    /// Says something.
    pub order: OrderFn,
    /// Random bytes of this process, by which it knows its own forms.
    pub form_key: [u8; 32],
}

impl Triage {
    /// What a form of this sensor carries: pages of other sites cannot read it.
    pub(crate) fn form_mark(&self) -> String {
        blake3::keyed_hash(&self.form_key, b"form").to_hex().to_string()
    }
}

impl fmt::Debug for Triage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Triage").finish_non_exhaustive()
    }
}

/// Every rule of path templates.
pub type RulesFn = Arc<dyn Fn() -> Arc<RuleList> + Send + Sync>;

/// The rules that are of an endpoint, the most specific first.
pub type RulesOfFn = Arc<dyn Fn(&EndpointView) -> Vec<Arc<RuleView>> + Send + Sync>;

/// Hands over an order, waits until it was carried out, and gives the rule that it put or removed.
pub type RuleOrderFn = Arc<dyn Fn(RuleOrder) -> Result<Arc<RuleView>, OrderError> + Send + Sync>;

/// The rules of path templates, and the desk that changes them.
#[derive(Clone)]
pub struct Templates {
    /// Reads them all.
    pub rules: RulesFn,
    /// Reads those of an endpoint.
    pub of: RulesOfFn,
    /// Changes them.
    pub order: RuleOrderFn,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

/// A file with packets behind a finding.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PacketFile {
    /// Its name in the folder of evidence.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// The files with the packets behind the finding of this id; none where none are kept.
pub type PacketsFn = Arc<dyn Fn(&str) -> Vec<PacketFile> + Send + Sync>;

/// What the pages and the API read from. Cloning it shares everything.
#[derive(Clone)]
pub struct State {
    /// The newest view of the merge.
    pub view: Arc<ArcSwap<View>>,
    /// The live inventory, for look-ups by id.
    pub endpoints: Arc<DashMap<EndpointId, Arc<EndpointView>>>,
    /// Draws `/metrics`.
    pub metrics: MetricsFn,
    /// Answers `/-/ready`.
    pub health: HealthFn,
    /// Who had better be blocked; none unless it is asked for.
    pub prevention: Option<Prevention>,
    /// Takes what operators say; none where nobody may say anything.
    pub triage: Option<Triage>,
    /// What is said of path templates; none where there is nothing to say it of.
    pub templates: Option<Templates>,
    /// The packets behind findings; none unless they are kept.
    pub packets: Option<PacketsFn>,
    /// Who answers.
    pub sensor: SensorInfo,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("sensor", &self.sensor)
            .field("endpoints", &self.endpoints.len())
            .finish_non_exhaustive()
    }
}
