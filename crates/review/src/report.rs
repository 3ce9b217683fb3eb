//! The report: what an operator should know of a whole view, in the order of its worth.

mod auth;
mod callers;
mod encrypted;
mod login;
mod misconfiguration;
mod next;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapline_model::{
    EndpointState, EndpointView, Finding, FindingState, HostView, IssueView, RiskPart, Severity,
    View,
};

pub use self::auth::AuthRow;
pub use self::callers::ConsumerRow;
pub use self::encrypted::{CertificateRow, EncryptedHost};
pub use self::login::Login;
pub use self::misconfiguration::Misconfiguration;
pub use self::next::TestFirst;
use crate::flow::{self, FlowMap};
use crate::issues::Grants;
use crate::number::{bytes, exact, share};
use crate::risk::risk_of;
use crate::role::role_of;
use crate::site;
use crate::text::shown;

/// Endpoints listed with their risk: the riskiest ones.
const RISKS_MAX: usize = 1_000;
/// Hosts listed.
const HOSTS_MAX: usize = 500;
/// Changes listed: the latest ones.
const CHANGES_MAX: usize = 200;
/// Findings listed.
const FINDINGS_MAX: usize = 100;
/// The version of the document.
const VERSION: u32 = 1;

/// The report. Its JSON is documented by these fields and stable in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Of the document: 1.
    pub version: u32,
    /// Who listened.
    pub sensor: String,
    /// To what: interfaces or files.
    pub sources: Vec<String>,
    /// Capture time of the last request that is in it, RFC 3339.
    pub until: String,
    /// Requests seen.
    pub requests: u64,
    /// Hosts that have endpoints.
    pub hosts_total: u64,
    /// Endpoints.
    pub endpoints_total: u64,
    /// Endpoints by state.
    pub states: BTreeMap<String, u64>,
    /// Endpoints by how bad their risk is.
    pub severities: BTreeMap<String, u64>,
    /// The riskiest endpoints, the riskiest first.
    pub risks: Vec<EndpointRisk>,
    /// What to test first.
    pub next: Vec<TestFirst>,
    /// Every host, the riskiest first.
    pub hosts: Vec<HostReport>,
    /// What is set up badly, worst first, with the places.
    pub misconfigurations: Vec<Misconfiguration>,
    /// Hosts behind TLS, those with the worst issues first.
    pub encrypted: Vec<EncryptedHost>,
    /// Who needs which credentials where.
    pub auth: Vec<AuthRow>,
    /// Where people log in.
    pub logins: Vec<Login>,
    /// Which callers reach which hosts with which kinds of data.
    pub flows: FlowMap,
    /// Credentials that seem to have several users.
    pub shared: Vec<ConsumerRow>,
    /// The latest changes, newest first.
    pub changes: Vec<ChangeRow>,
    /// Open findings, newest first.
    pub findings: Vec<FindingRow>,
    /// What this report cannot know, in sentences.
    pub limits: Vec<String>,
}

/// An endpoint, named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: String,
    /// Its host.
    pub host: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub template: String,
}

impl Place {
    pub(crate) fn of(endpoint: &EndpointView) -> Self {
        Self {
            id: endpoint.id.to_string(),
            host: shown(&endpoint.host),
            method: shown(&endpoint.method),
            template: shown(&endpoint.template),
        }
    }
}

/// How risky one endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRisk {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// 0 to 100.
    pub score: u32,
    /// What the score means.
    pub severity: Severity,
    /// What it is for: `login`, `admin` and so on.
    pub role: String,
    /// How sure the inventory is of it.
    pub state: String,
    /// Why, in one sentence.
    pub why: String,
    /// What adds to the score, largest first.
    pub parts: Vec<RiskPart>,
    /// What is wrong, worst first.
    pub issues: Vec<IssueView>,
    /// Requests.
    pub requests: u64,
    /// Distinct callers.
    pub consumers: u64,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// Its name.
    pub host: String,
    /// Endpoints.
    pub endpoints: u64,
    /// Of those, that change something.
    pub writes: u64,
    /// Of those, that answered without credentials.
    pub open: u64,
    /// Of those, that were called from outside.
    #[serde(default)]
    pub external: u64,
    /// Where it runs, as operators say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Requests.
    pub requests: u64,
    /// The score of its riskiest endpoint.
    pub risk: u32,
    /// What that means.
    pub severity: Severity,
    /// What its answers say they were made by.
    pub software: Vec<String>,
    /// Names of cookies by which its callers are known, found by how they are set.
    #[serde(default)]
    pub session_cookies: Vec<String>,
    /// What is wrong with it as a whole, worst first.
    pub issues: Vec<IssueView>,
}

/// One change of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// When, RFC 3339.
    pub at: String,
    /// What kind.
    pub kind: String,
    /// Of which endpoint.
    #[serde(flatten)]
    pub place: Place,
    /// The parameter or the credentials; else empty.
    pub what: String,
}

/// One open finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// Its id.
    pub id: String,
    /// What.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Where.
    pub host: String,
}

impl Report {
    /// The report on a view; `sensor` and `sources` say who heard it and where.
    pub fn of(view: &View, sensor: &str, sources: &[String]) -> Self {
        let endpoints: Vec<&EndpointView> = view.endpoints.iter().map(AsRef::as_ref).collect();
        let mut risks: Vec<EndpointRisk> =
            endpoints.iter().map(|endpoint| endpoint_risk(endpoint)).collect();
        risks.sort_by(|left, right| {
            (right.severity, right.score)
                .cmp(&(left.severity, left.score))
                .then_with(|| left.place.cmp(&right.place))
        });
        let hosts = hosts(view, &risks);
        let mut report = Self {
            version: VERSION,
            sensor: shown(sensor),
            sources: sources.iter().map(|source| shown(source)).collect(),
            until: view.now.to_string(),
            requests: view.hosts.iter().map(|host| host.requests).sum(),
            hosts_total: view.hosts.len() as u64,
            endpoints_total: endpoints.len() as u64,
            states: counted(endpoints.iter().map(|endpoint| endpoint.state.label())),
            severities: counted(risks.iter().map(|risk| risk.severity.label())),
            next: next::of(&risks, &endpoints),
            misconfigurations: misconfiguration::of(&endpoints, view, &risks),
            encrypted: encrypted::of(&view.encrypted),
            auth: auth::of(&endpoints),
            logins: login::of(&endpoints),
            flows: flow::of(&endpoints, &view.consumers),
            shared: callers::shared(&view.consumers, &endpoints),
            changes: changes(view),
            findings: findings(view),
            limits: limits(view),
            risks,
            hosts,
        };
        report.risks.truncate(RISKS_MAX);
        report
    }

    /// Who calls what: every consumer that is shown, most requests first.
    pub fn callers(view: &View) -> Vec<ConsumerRow> {
        let endpoints: Vec<&EndpointView> = view.endpoints.iter().map(AsRef::as_ref).collect();
        callers::of(&view.consumers, &endpoints)
    }
}

fn endpoint_risk(endpoint: &EndpointView) -> EndpointRisk {
    let risk = endpoint.risk.clone().unwrap_or_else(|| risk_of(endpoint));
    EndpointRisk {
        place: Place::of(endpoint),
        score: risk.score,
        severity: risk.severity,
        role: role_of(endpoint).label().to_owned(),
        state: endpoint.state.label().to_owned(),
        why: why(&risk.parts, &risk.issues),
        parts: risk.parts,
        issues: risk.issues,
        requests: endpoint.requests,
        consumers: endpoint.consumers,
    }
}

/// The worst issues, or what adds most when there is none.
fn why(parts: &[RiskPart], issues: &[IssueView]) -> String {
    let bad: Vec<&str> = issues
        .iter()
        .filter(|issue| issue.severity >= Severity::Medium)
        .take(3)
        .map(|issue| issue.title.as_str())
        .collect();
    if !bad.is_empty() {
        return bad.join("; ");
    }
    parts.iter().take(2).map(|part| part.why.as_str()).collect::<Vec<_>>().join("; ")
}

fn hosts(view: &View, risks: &[EndpointRisk]) -> Vec<HostReport> {
    let mut by_host: BTreeMap<&str, Vec<&EndpointView>> = BTreeMap::new();
    for endpoint in view.endpoints.iter() {
        by_host.entry(&endpoint.host).or_default().push(endpoint);
    }
    let mut worst: BTreeMap<&str, (Severity, u32)> = BTreeMap::new();
    for risk in risks {
        let known = worst.entry(&risk.place.host).or_insert((Severity::Info, 0));
        *known = (risk.severity, risk.score).max(*known);
    }
    let report = |host: &HostView| {
        let endpoints = by_host.get(host.host.as_str()).map(Vec::as_slice).unwrap_or_default();
        let count = |test: fn(&EndpointView) -> bool| {
            endpoints.iter().filter(|endpoint| test(endpoint)).count() as u64
        };
        let name = shown(&host.host);
        let (severity, risk) = worst.get(name.as_str()).copied().unwrap_or((Severity::Info, 0));
        HostReport {
            endpoints: endpoints.len() as u64,
            writes: count(|endpoint| crate::role::is_written(&endpoint.method)),
            open: count(|endpoint| Grants::of(endpoint).open > 0),
            external: count(|endpoint| endpoint.places.external > 0),
            environment: host.labels.environment.as_deref().map(shown),
            requests: host.requests,
            risk,
            severity,
            software: host.software.iter().map(|name| shown(name)).collect(),
            session_cookies: host.session_cookies.iter().map(|name| shown(name)).collect(),
            issues: site::issues_of(host),
            host: name,
        }
    };
    let mut hosts: Vec<HostReport> = view.hosts.iter().map(report).collect();
    hosts
        .sort_by(|left, right| right.risk.cmp(&left.risk).then_with(|| left.host.cmp(&right.host)));
    hosts.truncate(HOSTS_MAX);
    hosts
}

fn changes(view: &View) -> Vec<ChangeRow> {
    let row = |change: &tapline_model::ChangeView| ChangeRow {
        at: change.at.to_string(),
        kind: change.kind.label().to_owned(),
        place: Place {
            id: change.endpoint.to_string(),
            host: shown(&change.host),
            method: shown(&change.method),
            template: shown(&change.template),
        },
        what: shown(&change.what),
    };
    view.changes.iter().take(CHANGES_MAX).map(row).collect()
}

fn findings(view: &View) -> Vec<FindingRow> {
    let is_open = |finding: &&std::sync::Arc<Finding>| finding.state == FindingState::Open;
    let row = |finding: &std::sync::Arc<Finding>| FindingRow {
        id: finding.id.clone(),
        title: shown(&finding.title),
        severity: finding.severity,
        host: shown(&finding.host),
    };
    view.findings.iter().filter(is_open).take(FINDINGS_MAX).map(row).collect()
}

/// What was not seen cannot be judged.
fn limits(view: &View) -> Vec<String> {
    let mut limits = vec![
        "Only plaintext HTTP/1 is read: of what is inside TLS nothing is known but its handshakes, and \
         since TLS 1.3 these hide the certificate."
            .to_owned(),
        "An endpoint that nobody called is not in it.".to_owned(),
    ];
    let (mut tls, mut other, mut all) = (0_u64, 0_u64, 0_u64);
    for server in view.servers.iter() {
        tls += server.tls_bytes;
        other += server.other_bytes;
        all += server.tls_bytes + server.other_bytes + server.http_bytes;
    }
    if tls > 0 {
        limits.push(format!(
            "{} of TLS ({} of the bytes) went by unread.",
            bytes(tls),
            share(tls, all)
        ));
    }
    if other > 0 {
        limits.push(format!(
            "{} of other protocols ({}) went by unread.",
            bytes(other),
            share(other, all)
        ));
    }
    let discovery = &view.stats.discovery;
    if discovery.bodies_sampled < discovery.bodies_seen {
        limits.push(format!(
            "{} of {} bodies were looked into: what others give away is not in it.",
            exact(discovery.bodies_sampled),
            exact(discovery.bodies_seen)
        ));
    }
    let stale = view
        .endpoints
        .iter()
        .filter(|one| matches!(one.state, EndpointState::Stale | EndpointState::Gone));
    let stale = stale.count() as u64;
    if stale > 0 {
        limits.push(format!(
            "{} endpoints have been quiet for long; what is said of them is old.",
            exact(stale)
        ));
    }
    limits
}

fn counted<'a>(labels: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label.to_owned()).or_default() += 1;
    }
    counts
}
