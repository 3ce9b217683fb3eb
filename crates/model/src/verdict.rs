//! operators → alert, prevention and readers: what people say of findings.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::finding::{from_rfc3339, rfc3339};
use crate::{ConsumerKey, EndpointId, Finding, Severity, Timestamp};

/// What somebody says of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// Somebody sees to it.
    Acknowledged,
    /// It is known and not to be told of for a while.
    Muted,
    /// It is none: the detection was wrong.
    FalsePositive,
}

impl VerdictKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Acknowledged, Self::Muted, Self::FalsePositive];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Muted => "muted",
            Self::FalsePositive => "false_positive",
        }
    }
}

/// Stands for what makes two findings the same case ([`Finding::subject`]). Displays, and serialises,
/// as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseKey(pub u64);

impl CaseKey {
    /// The case of a finding.
    pub fn of(finding: &Finding) -> Self {
        let mut first = [0u8; 8];
        blake3::Hasher::new().update(finding.subject().as_bytes()).finalize_xof().fill(&mut first);
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Display for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for CaseKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CaseKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Findings that have something in common; what is none may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Which rule.
    pub detection: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// On which endpoint.
    pub endpoint: Option<EndpointId>,
    /// By which consumer.
    pub consumer: Option<ConsumerKey>,
}

impl Scope {
    /// Whether a finding is one of them.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.detection.as_ref().is_none_or(|detection| *detection == finding.detection)
            && self.host.as_ref().is_none_or(|host| *host == finding.host)
            && (self.endpoint.is_none()
                || self.endpoint == finding.endpoint.as_ref().map(|endpoint| endpoint.id))
            && (self.consumer.is_none() || self.consumer == finding.consumer)
    }

    /// Whether it covers every finding there is.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Which findings a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// One case, also when it opens again. Not when it becomes worse than it was.
    Case(CaseKey),
    /// All that have something in common.
    Scope(Scope),
}

/// What somebody said, and when. Times are wall-clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Counted up from 1; never used twice.
    pub id: u64,
    /// What was said.
    pub kind: VerdictKind,
    /// Of what.
    pub about: About,
    /// The finding that was looked at.
    pub finding: String,
    /// Its rule.
    pub detection: String,
    /// How bad it was.
    pub severity: Severity,
    /// When.
    #[serde(serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub at: Timestamp,
    /// Until when it holds.
    #[serde(serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub until: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub comment: String,
}

impl Verdict {
    /// Whether it is about a finding, at some time.
    pub fn covers(&self, finding: &Finding, now: Timestamp) -> bool {
        let about = match &self.about {
            About::Case(case) => finding.severity <= self.severity && *case == CaseKey::of(finding),
            About::Scope(scope) => scope.covers(finding),
        };
        about && now < self.until
    }
}

/// The verdicts of one detection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictTally {
    /// Which rule; empty for verdicts about several.
    pub detection: String,
    /// How many hold, by [`VerdictKind`].
    pub holding: [u64; VerdictKind::ALL.len()],
}

impl VerdictTally {
    /// How many of a kind hold.
    pub fn count(&self, kind: VerdictKind) -> u64 {
        self.holding.get(kind as usize).copied().unwrap_or(0)
    }
}

/// Every verdict that is kept; immutable.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// By id.
    all: Vec<Arc<Verdict>>,
    /// Where in `all` those about single cases are.
    cases: HashMap<CaseKey, Vec<usize>>,
    /// Where those about several are.
    scopes: Vec<usize>,
}

impl Verdicts {
    /// These, in the order of their ids.
    pub fn new(mut all: Vec<Arc<Verdict>>) -> Self {
        all.sort_by_key(|verdict| verdict.id);
        let mut cases: HashMap<CaseKey, Vec<usize>> = HashMap::new();
        let mut scopes = Vec::new();
        for (place, verdict) in all.iter().enumerate() {
            match &verdict.about {
                About::Case(case) => cases.entry(*case).or_default().push(place),
                About::Scope(_) => scopes.push(place),
            }
        }
        Self { all, cases, scopes }
    }

    /// All of them, in the order of their ids.
    pub fn all(&self) -> &[Arc<Verdict>] {
        &self.all
    }

    /// Those about a finding, in the order of their ids.
    pub fn of(&self, finding: &Finding, now: Timestamp) -> Vec<&Arc<Verdict>> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let about_case = self.cases.get(&CaseKey::of(finding));
        let mut places: Vec<usize> =
            about_case.into_iter().flatten().chain(&self.scopes).copied().collect();
        places.sort_unstable();
        let known = places.into_iter().filter_map(|place| self.all.get(place));
        known.filter(|verdict| verdict.covers(finding, now)).collect()
    }

    /// Whether nobody is to be told of a finding, and nothing done about it.
    pub fn is_quiet(&self, finding: &Finding, now: Timestamp) -> bool {
        self.of(finding, now).iter().any(|verdict| verdict.kind != VerdictKind::Acknowledged)
    }

    /// How many hold, by detection.
    pub fn tallies(&self, now: Timestamp) -> Vec<VerdictTally> {
        let mut tallies: BTreeMap<&str, VerdictTally> = BTreeMap::new();
        for verdict in self.all.iter().filter(|verdict| now < verdict.until) {
            let detection = match &verdict.about {
                About::Case(_) => verdict.detection.as_str(),
                About::Scope(scope) => scope.detection.as_deref().unwrap_or_default(),
            };
            let tally = tallies.entry(detection).or_default();
            if let Some(count) = tally.holding.get_mut(verdict.kind as usize) {
                *count += 1;
            }
        }
        let named = tallies.into_iter();
        named.map(|(name, tally)| VerdictTally { detection: name.to_owned(), ..tally }).collect()
    }
}

/// What somebody wants to be said of findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What.
    pub what: OrderKind,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderKind {
    /// To say that somebody sees to a case.
    Acknowledge(Arc<Finding>),
    /// To say that a case is none.
    FalsePositive(Arc<Finding>),
    /// To hear nothing of some findings for a while.
    Mute {
        /// The finding that was looked at.
        finding: Arc<Finding>,
        /// Which findings.
        scope: Scope,
        /// For how long.
        seconds: u64,
    },
    /// To take back what was said of a case alone.
    Reopen(Arc<Finding>),
    /// To take back one verdict.
    Lift(u64),
}

/// Why an order was not carried out; for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// It contradicts itself or what is there.
    Refused(String),
    /// It would be right were something else not there that only people can take away.
    Conflict(String),
    /// It is about something that is not there.
    Unknown(String),
    /// The sensor cannot do it now.
    Unavailable(String),
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text)
            | Self::Conflict(text)
            | Self::Unknown(text)
            | Self::Unavailable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for OrderError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointRef, FindingKind, FindingState, Mappings, Measure};

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn finding() -> Finding {
        let measure = || Measure { value: 1.0, unit: String::new(), text: String::new() };
        Finding {
            id: "00000000000000aa".into(),
            detection: "path_scanner".into(),
            kind: FindingKind::Behaviour,
            severity: Severity::Medium,
            confidence: 1.0,
            state: FindingState::Open,
            title: String::new(),
            host: "shop.example".into(),
            endpoint: Some(EndpointRef {
                id: EndpointId(5),
                method: "GET".into(),
                template: "/".into(),
            }),
            consumer: Some(ConsumerKey(7)),
            owner: None,
            client_addresses: Vec::new(),
            first_seen: NOW,
            last_seen: NOW,
            found_at: Timestamp::ZERO,
            normal: measure(),
            seen: measure(),
            probability: 0.0,
            lift: 1.0,
            mappings: Mappings::default(),
            evidence: Vec::new(),
        }
    }

    fn verdict(id: u64, kind: VerdictKind, about: About) -> Arc<Verdict> {
        Arc::new(Verdict {
            id,
            kind,
            about,
            finding: finding().id,
            detection: finding().detection,
            severity: Severity::Medium,
            at: NOW,
            until: Timestamp::from_seconds(2_000),
            by: "ada".into(),
            comment: "known".into(),
        })
    }

    #[test]
    fn a_scope_covers_what_has_all_of_it() {
        let everything = Scope::default();
        assert!(everything.is_everything() && everything.covers(&finding()));
        for (scope, covers) in [
            (Scope { detection: Some("path_scanner".into()), ..Scope::default() }, true),
            (Scope { detection: Some("error_burst".into()), ..Scope::default() }, false),
            (Scope { host: Some("shop.example".into()), ..Scope::default() }, true),
            (Scope { host: Some("other.example".into()), ..Scope::default() }, false),
            (Scope { endpoint: Some(EndpointId(5)), ..Scope::default() }, true),
            (Scope { endpoint: Some(EndpointId(6)), ..Scope::default() }, false),
            (Scope { consumer: Some(ConsumerKey(7)), ..Scope::default() }, true),
            (Scope { consumer: Some(ConsumerKey(8)), ..Scope::default() }, false),
        ] {
            assert_eq!(scope.covers(&finding()), covers, "{scope:?}");
        }
        let nobody = Finding { consumer: None, endpoint: None, ..finding() };
        assert!(!Scope { consumer: Some(ConsumerKey(7)), ..Scope::default() }.covers(&nobody));
    }

    #[test]
    fn a_verdict_on_a_case_ends_with_its_time_or_when_the_case_becomes_worse() {
        let case = About::Case(CaseKey::of(&finding()));
        let all = Verdicts::new(vec![verdict(1, VerdictKind::FalsePositive, case)]);
        let again = Finding { id: "00000000000000bb".into(), ..finding() };
        assert!(all.is_quiet(&finding(), NOW) && all.is_quiet(&again, NOW));
        assert!(!all.is_quiet(&finding(), Timestamp::from_seconds(2_000)));
        assert!(!all.is_quiet(&Finding { severity: Severity::High, ..finding() }, NOW));
        assert!(!all.is_quiet(&Finding { host: "other.example".into(), ..finding() }, NOW));
    }

    #[test]
    fn an_acknowledged_case_is_still_told_of() {
        let case = About::Case(CaseKey::of(&finding()));
        let all = Verdicts::new(vec![verdict(1, VerdictKind::Acknowledged, case)]);
        assert_eq!(all.of(&finding(), NOW).len(), 1);
        assert!(!all.is_quiet(&finding(), NOW));
    }

    #[test]
    fn tallies_count_what_holds_by_detection() {
        let case = || About::Case(CaseKey::of(&finding()));
        let all = Verdicts::new(vec![
            verdict(2, VerdictKind::Muted, About::Scope(Scope::default())),
            verdict(1, VerdictKind::FalsePositive, case()),
            verdict(3, VerdictKind::FalsePositive, case()),
        ]);
        let tallies = all.tallies(NOW);
        assert_eq!(tallies.len(), 2);
        assert_eq!((tallies[0].detection.as_str(), tallies[0].count(VerdictKind::Muted)), ("", 1));
        assert_eq!(tallies[1].detection, "path_scanner");
        assert_eq!(tallies[1].count(VerdictKind::FalsePositive), 2);
        assert_eq!(all.tallies(Timestamp::from_seconds(2_000)), []);
        assert_eq!(all.all().iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
