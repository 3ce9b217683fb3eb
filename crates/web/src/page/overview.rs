//! `/`: is the sensor seeing everything, what passes, what is wrong.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use tapline_model::{DropReason, EndpointState, FindingState, HostView, Ledger, Severity, View};

use super::row::{EndpointRow, FindingRow};
use super::shell::Shell;
use crate::api::visibility::Sum;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Bar, Name, Rate, Tag};
use crate::text::{LISTED_MAX, shown};

/// Rows of each list.
const ROWS: usize = 8;
/// Rows of the list of hosts.
const HOSTS: usize = 12;
/// Rows of the list of risks.
const RISKS: usize = 5;
/// Minutes summed for the chart.
const MINUTES: usize = 60;

#[derive(Template)]
#[template(path = "page/overview.html")]
struct Page {
    shell: Shell,
    ready: bool,
    reasons: Vec<String>,
    mode: &'static str,
    sources: Vec<String>,
    frames: String,
    frame_bytes: String,
    /// One flow in this many is followed; none when every flow is.
    one_in: Option<u64>,
    losses: Losses,
    imbalances: Vec<String>,
    visibility: Bar,
    visible: u64,
    one_sided: String,
    traffic: Traffic,
    hosts: Vec<HostRow>,
    hosts_more: usize,
    findings: Vec<FindingRow>,
    by_severity: Vec<(Tag, String)>,
    newest: Vec<EndpointRow>,
    riskiest: Vec<RiskRow>,
}

/// An endpoint, and why it is risky.
struct RiskRow {
    id: String,
    severity: Tag,
    score: u32,
    name: Name,
    host: String,
    why: String,
}

/// Endpoints with something wrong, the riskiest first.
fn riskiest(view: &View) -> Vec<RiskRow> {
    let mut risks: Vec<_> = view
        .endpoints
        .iter()
        .filter_map(|endpoint| Some((endpoint, endpoint.risk.as_ref()?)))
        .filter(|(_, risk)| risk.severity >= Severity::Medium)
        .collect();
    risks.sort_by_key(|(endpoint, risk)| (Reverse((risk.severity, risk.score)), endpoint.id));
    risks
        .into_iter()
        .take(RISKS)
        .map(|(endpoint, risk)| {
            let worst = risk.issues.iter().take(2).map(|issue| issue.title.as_str());
            RiskRow {
                id: endpoint.id.to_string(),
                severity: Tag::severity(risk.severity),
                score: risk.score,
                name: Name::new(&endpoint.method, &endpoint.template, LISTED_MAX),
                host: shown(&endpoint.host, LISTED_MAX).into_owned(),
                why: worst.collect::<Vec<_>>().join("; "),
            }
        })
        .collect()
}

/// What never came, and what was lost inside.
struct Losses {
    before: u64,
    before_tone: &'static str,
    before_text: String,
    before_share: String,
    inside: u64,
    inside_text: String,
    gap_bytes: String,
    gap_share: String,
    gaps: u64,
}

struct Traffic {
    requests: String,
    statuses: Bar,
    client_errors: String,
    server_errors: String,
    unmatched: String,
    bytes: String,
    hosts: String,
    endpoints: String,
    candidates: usize,
    consumers: String,
    rate: Option<Rate>,
}

struct HostRow {
    host: String,
    link: String,
    aliases: usize,
    endpoints: u64,
    requests: u64,
    requests_text: String,
    statuses: Bar,
    error_share: String,
    p50: u64,
    p50_text: String,
    p99: u64,
    p99_text: String,
    bytes: u64,
    bytes_text: String,
}

/// The overview.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let view = &asked.view;
    let health = (asked.app.state.health)();
    let sensor = &asked.app.state.sensor;
    let sum = Sum::of(&view.servers);
    let mut hosts: Vec<&HostView> = view.hosts.iter().collect();
    hosts.sort_by_key(|host| Reverse(host.requests));
    html(&Page {
        shell: Shell::new(asked, "overview", "Overview"),
        ready: health.ready,
        reasons: health.reasons,
        mode: sensor.mode.label(),
        sources: sensor.sources.iter().map(|name| shown(name, 80).into_owned()).collect(),
        frames: number::count(view.sources.iter().map(|source| source.frames).sum()),
        frame_bytes: number::bytes(view.sources.iter().map(|source| source.frame_bytes).sum()),
        one_in: (!view.sampling.is_whole()).then(|| view.sampling.one_in()),
        losses: losses(view),
        imbalances: view.stats.imbalances(),
        visibility: Bar::of_visibility([
            sum.http_bytes,
            sum.tls_bytes,
            sum.other_bytes,
            sum.gap_bytes,
        ])
        .with_legend(),
        visible: sum.total(),
        one_sided: number::share(sum.one_sided_bytes, sum.total()),
        traffic: traffic(view),
        hosts_more: hosts.len().saturating_sub(HOSTS),
        hosts: hosts.into_iter().take(HOSTS).map(host_row).collect(),
        findings: open_findings(view),
        by_severity: by_severity(view),
        newest: newest(view),
        riskiest: riskiest(view),
    })
}

fn losses(view: &View) -> Losses {
    let frames: u64 = view.sources.iter().map(|source| source.frames).sum();
    let before: u64 = view.sources.iter().map(|source| source.dropped_frames).sum();
    let stats = &view.stats;
    let inside = view
        .stats
        .ledgers()
        .iter()
        .filter(|(name, _)| !name.ends_with("bytes") && name != "alert.notifications")
        .map(|(_, ledger)| dropped_inside(ledger))
        .fold(0, u64::saturating_add);
    let gap_bytes = stats.reassembly.gap_bytes;
    let payload_bytes = stats.reassembly.payload_bytes.processed.saturating_add(gap_bytes);
    Losses {
        before,
        before_tone: match before {
            0 => "good",
            // One frame in a thousand costs findings; fewer cost a flow here and there.
            _ if before >= frames / 1_000 => "bad",
            _ => "warn",
        },
        before_text: number::count(before),
        before_share: number::share(before, frames.saturating_add(before)),
        inside,
        inside_text: number::count(inside),
        gap_bytes: number::bytes(gap_bytes),
        gap_share: number::share(gap_bytes, payload_bytes),
        gaps: stats.reassembly.gaps,
    }
}

/// What a stage lost itself: what the kernel and the interface lost counts as lost before.
fn dropped_inside(ledger: &Ledger) -> u64 {
    let outside = [DropReason::Kernel, DropReason::Interface]
        .into_iter()
        .filter_map(|reason| ledger.dropped.get(reason as usize))
        .sum();
    ledger.dropped_total().saturating_sub(outside)
}

fn traffic(view: &View) -> Traffic {
    let mut classes = [0u64; 6];
    let (mut requests, mut unmatched, mut bytes) = (0u64, 0u64, 0u64);
    for host in view.hosts.iter() {
        requests = requests.saturating_add(host.requests);
        unmatched = unmatched.saturating_add(host.unmatched);
        bytes = bytes.saturating_add(host.bytes);
        for (sum, count) in classes.iter_mut().zip(host.status_classes) {
            *sum = sum.saturating_add(count);
        }
    }
    let [_, _, _, _, client_errors, server_errors] = classes;
    let recent = recent(view);
    let candidates =
        view.endpoints.iter().filter(|endpoint| endpoint.state == EndpointState::Candidate);
    Traffic {
        requests: number::count(requests),
        statuses: Bar::of_statuses(classes).with_legend(),
        client_errors: number::share(client_errors, requests),
        server_errors: number::share(server_errors, requests),
        unmatched: number::share(unmatched, requests),
        bytes: number::bytes(bytes),
        hosts: number::count(u64::try_from(view.hosts.len()).unwrap_or(u64::MAX)),
        endpoints: number::count(u64::try_from(view.endpoints.len()).unwrap_or(u64::MAX)),
        candidates: candidates.count(),
        consumers: number::count(view.stats.behavior.consumers_active),
        rate: (!recent.is_empty()).then(|| Rate::new(&recent, None)),
    }
}

/// Requests by minute of all endpoints that have a baseline, oldest first.
fn recent(view: &View) -> Vec<u64> {
    let mut latest_first: Vec<u64> = Vec::new();
    for baseline in view.endpoints.iter().filter_map(|endpoint| endpoint.baseline.as_ref()) {
        let minutes = baseline.recent.len().min(MINUTES);
        if latest_first.len() < minutes {
            latest_first.resize(minutes, 0);
        }
        for (sum, count) in latest_first.iter_mut().zip(baseline.recent.iter().rev()) {
            *sum = sum.saturating_add(*count);
        }
    }
    latest_first.reverse();
    latest_first
}

fn host_row(host: &HostView) -> HostRow {
    let [_, _, _, _, client_errors, server_errors] = host.status_classes;
    let errors = client_errors.saturating_add(server_errors);
    let (p50, p99) = (quantile(&host.latency_us, 50), quantile(&host.latency_us, 99));
    let show = |micros: Option<u64>| micros.map_or_else(|| "–".to_owned(), number::micros);
    HostRow {
        host: shown(&host.host, LISTED_MAX).into_owned(),
        link: crate::query::encode(&[("host", host.host.clone())]),
        aliases: host.aliases.len(),
        endpoints: host.endpoints,
        requests: host.requests,
        requests_text: number::count(host.requests),
        statuses: Bar::of_statuses(host.status_classes),
        error_share: number::share(errors, host.requests),
        p50: p50.unwrap_or(0),
        p50_text: show(p50),
        p99: p99.unwrap_or(0),
        p99_text: show(p99),
        bytes: host.bytes,
        bytes_text: number::bytes(host.bytes),
    }
}

/// The value that `percent` of all values are no larger than; values come with their counts,
/// ascending.
fn quantile(values: &[(u64, u64)], percent: u128) -> Option<u64> {
    let total: u128 = values.iter().map(|&(_, count)| u128::from(count)).sum();
    let rank = (total * percent).div_ceil(100).max(1);
    let mut passed = 0u128;
    values.iter().find_map(|&(value, count)| {
        passed += u128::from(count);
        (passed >= rank).then_some(value)
    })
}

fn open_findings(view: &View) -> Vec<FindingRow> {
    let mut open: Vec<_> =
        view.findings.iter().filter(|finding| finding.state == FindingState::Open).collect();
    open.sort_by_key(|finding| Reverse((finding.severity, finding.last_seen)));
    open.into_iter().take(ROWS).map(|finding| FindingRow::new(finding, view.now)).collect()
}

fn by_severity(view: &View) -> Vec<(Tag, String)> {
    let open_of = |severity| -> u64 {
        let tallies = view.tallies.iter().filter(|tally| tally.severity == severity);
        tallies.map(|tally| tally.open).sum()
    };
    let severities = Severity::ALL.iter().rev().map(|&severity| (severity, open_of(severity)));
    severities
        .filter(|(_, open)| *open > 0)
        .map(|(severity, open)| (Tag::severity(severity), number::count(open)))
        .collect()
}

fn newest(view: &View) -> Vec<EndpointRow> {
    let mut newest: Vec<_> = view.endpoints.iter().map(Arc::as_ref).collect();
    newest.sort_by_key(|endpoint| Reverse(endpoint.first_seen));
    newest.into_iter().take(ROWS).map(|endpoint| EndpointRow::new(endpoint, view.now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_read_from_counts() {
        let values = [(10, 50), (20, 49), (30, 1)];
        assert_eq!(quantile(&values, 50), Some(10));
        assert_eq!(quantile(&values, 99), Some(20));
        assert_eq!(quantile(&values, 100), Some(30));
        assert_eq!(quantile(&[], 50), None);
    }
}
