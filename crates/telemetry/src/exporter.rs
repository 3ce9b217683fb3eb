//! The metrics page.

mod control;
mod encrypted;
mod inventory;

use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, TextEncoder};
use tapline_model::{
    Anomaly, BehaviorStats, Completeness, DropReason, Encapsulation, EvictReason, IgnoreReason,
    Protocol, Severity, VerdictKind, View,
};

pub use self::control::{EvidenceCounts, PreventionCounts};
use self::inventory::Admitted;
use crate::family::Family;
use crate::names;

/// Why the page could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the metrics page: {0}")]
pub struct Error(#[from] prometheus::Error);

/// How many series may come of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Endpoints with series of their own.
    pub endpoints_max: u32,
    /// Hosts with series of their own.
    pub hosts_max: u32,
}

/// What is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version.
    pub version: &'static str,
}

/// What the daemon knows about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Runtime {
    /// A hash of the configuration in force.
    pub config_hash: String,
    /// Whether the last reload was accepted.
    pub last_reload_ok: bool,
    /// When the configuration in force was read, in seconds since the Unix epoch.
    pub last_reload_at: f64,
    /// The block list, if one is made.
    pub prevention: Option<PreventionCounts>,
    /// The packets that are kept, if any are.
    pub evidence: Option<EvidenceCounts>,
}

/// Draws the page. It remembers which endpoints and hosts have series of their own: who came first
/// stays, so that no series flaps and no sum falls.
#[derive(Debug)]
pub struct Exporter {
    limits: Limits,
    build: BuildInfo,
    memory_limit_bytes: Option<u64>,
    process: ProcessCollector,
    admitted: Mutex<Admitted>,
}

impl Exporter {
    /// An exporter that has admitted nothing yet.
    pub fn new(limits: Limits, build: BuildInfo) -> Self {
        Self {
            limits,
            build,
            memory_limit_bytes: None,
            process: ProcessCollector::for_self(),
            admitted: Mutex::default(),
        }
    }

    /// The same, and it shows the memory budget.
    #[must_use]
    pub fn with_memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit_bytes: Some(bytes), ..self }
    }

    /// The page, in the text format 0.0.4. Every number of the pipeline is of the view's instant.
    ///
    /// # Errors
    /// When the encoder refuses a family.
    pub fn render(&self, view: &View, runtime: &Runtime) -> Result<String, Error> {
        let mut families = vec![self.build_info()];
        families.extend(settings(runtime));
        let limit = self.memory_limit_bytes.map(number);
        families.extend(limit.map(|bytes| Family::single(names::MEMORY_LIMIT, bytes)));
        families.extend(capture(view));
        families.extend(ledgers(view));
        families.extend(decap(view));
        families.extend(flows(view));
        families.extend(protocol(view));
        families.extend(visibility(view));
        families.extend(findings(view));
        families.extend(control::families(runtime));
        // The lock is held while the page is drawn: scrapes are few and wait for one another.
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        families.extend(inventory::families(view, self.limits, &mut admitted));
        drop(admitted);
        let mut families: Vec<MetricFamily> =
            families.into_iter().filter_map(Family::finish).collect();
        families.extend(self.process.collect());
        let mut page = Vec::new();
        TextEncoder::new().encode(&families, &mut page)?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    fn build_info(&self) -> Family {
        let mut family = Family::new(names::BUILD_INFO);
        family.add(&[self.build.version], 1.0);
        family
    }
}

/// A count as Prometheus has it. Exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows floating point only")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

fn settings(runtime: &Runtime) -> Vec<Family> {
    let mut hash = Family::new(names::CONFIG_INFO);
    hash.add(&[&runtime.config_hash], 1.0);
    let accepted = f64::from(u8::from(runtime.last_reload_ok));
    vec![
        hash,
        Family::single(names::CONFIG_RELOAD_OK, accepted),
        Family::single(names::CONFIG_RELOAD_AT, runtime.last_reload_at),
    ]
}

fn capture(view: &View) -> Vec<Family> {
    let mut frames = Family::new(names::CAPTURED_FRAMES);
    let mut bytes = Family::new(names::CAPTURED_BYTES);
    let mut dropped = Family::new(names::CAPTURE_DROPPED);
    let mut up = Family::new(names::CAPTURE_UP);
    let mut outages = Family::new(names::CAPTURE_OUTAGES);
    // One interface may have several handles, one for each worker.
    let mut by_name = std::collections::BTreeMap::<&str, ([u64; 4], bool)>::new();
    for source in &view.sources {
        let (sums, down) = by_name.entry(&source.name).or_default();
        let counts = [source.frames, source.frame_bytes, source.dropped_frames, source.outages];
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
        *down |= source.down;
    }
    for (name, ([frame_count, byte_count, drop_count, outage_count], down)) in by_name {
        frames.add(&[name], number(frame_count));
        bytes.add(&[name], number(byte_count));
        dropped.add(&[name], number(drop_count));
        outages.add(&[name], number(outage_count));
        up.add(&[name], f64::from(u8::from(!down)));
    }
    let ended = f64::from(u8::from(view.ended));
    vec![
        Family::single(names::VIEW_AT, view.now.seconds_f64()),
        Family::single(names::CAPTURE_ENDED, ended),
        frames,
        bytes,
        dropped,
        up,
        outages,
        Family::single(names::SAMPLING_RATIO, view.sampling.ratio()),
    ]
}

fn ledgers(view: &View) -> Vec<Family> {
    let mut received = Family::new(names::PIPELINE_RECEIVED);
    let mut processed = Family::new(names::PIPELINE_PROCESSED);
    let mut dropped = Family::new(names::PIPELINE_DROPPED);
    let mut ignored = Family::new(names::PIPELINE_IGNORED);
    let mut held = Family::new(names::PIPELINE_HELD);
    for (name, ledger) in view.stats.ledgers() {
        let (stage, unit) = name.split_once('.').unwrap_or((&name, "items"));
        received.add(&[stage, unit], number(ledger.received));
        processed.add(&[stage, unit], number(ledger.processed));
        held.add(&[stage, unit], number(ledger.held));
        for (reason, count) in DropReason::ALL.iter().zip(ledger.dropped) {
            dropped.add(&[stage, unit, reason.label()], number(count));
        }
        for (reason, count) in IgnoreReason::ALL.iter().zip(ledger.ignored) {
            ignored.add(&[stage, unit, reason.label()], number(count));
        }
    }
    let imbalances = view.stats.imbalances().len() as u64;
    vec![
        received,
        processed,
        dropped,
        ignored,
        held,
        Family::single(names::IMBALANCES, number(imbalances)),
    ]
}

fn decap(view: &View) -> Vec<Family> {
    let stats = &view.stats.decap;
    let mut encapsulated = Family::new(names::ENCAPSULATED_FRAMES);
    for (kind, count) in Encapsulation::ALL.iter().zip(stats.encapsulations) {
        encapsulated.add(&[kind.label()], number(count));
    }
    let mut anomalies = Family::new(names::FRAGMENT_ANOMALIES);
    anomalies.add(&["overlap"], number(stats.overlapping_fragments));
    anomalies.add(&["tiny"], number(stats.tiny_fragments));
    vec![
        encapsulated,
        Family::single(names::FRAGMENTS, number(stats.fragments)),
        Family::single(names::REASSEMBLED_DATAGRAMS, number(stats.reassembled_datagrams)),
        anomalies,
    ]
}

fn flows(view: &View) -> Vec<Family> {
    let stats = &view.stats.reassembly;
    let mut closed = Family::new(names::FLOWS_CLOSED);
    for (reason, count) in EvictReason::ALL.iter().zip(stats.flows_closed) {
        closed.add(&[reason.label()], number(count));
    }
    vec![
        Family::single(names::FLOWS_ACTIVE, number(stats.flows_active)),
        Family::single(names::FLOWS_OPENED, number(stats.flows_opened)),
        closed,
        Family::single(names::FLOWS_ONE_SIDED, number(stats.flows_one_sided)),
        Family::single(names::GAPS, number(stats.gaps)),
        Family::single(names::GAP_BYTES, number(stats.gap_bytes)),
        Family::single(names::OVERLAP_CONFLICTS, number(stats.conflicting_overlaps)),
    ]
}

fn protocol(view: &View) -> Vec<Family> {
    let stats = &view.stats.protocol;
    let mut transactions = Family::new(names::TRANSACTIONS);
    for (kind, count) in Protocol::ALL.iter().zip(stats.by_protocol) {
        transactions.add(&[kind.label()], number(count));
    }
    let mut completeness = Family::new(names::TRANSACTIONS_COMPLETENESS);
    for (kind, count) in Completeness::ALL.iter().zip(stats.by_completeness) {
        completeness.add(&[kind.label()], number(count));
    }
    let mut anomalies = Family::new(names::ANOMALIES);
    for (kind, count) in Anomaly::ALL.iter().zip(stats.anomalies) {
        anomalies.add(&[kind.label()], number(count));
    }
    let read = view.stats.discovery.bodies_sampled;
    let mut bodies = Family::new(names::BODIES);
    bodies.add(&["looked_into"], number(read));
    bodies.add(&["counted"], number(view.stats.discovery.bodies_seen.saturating_sub(read)));
    let discovery = &view.stats.discovery;
    vec![
        transactions,
        completeness,
        anomalies,
        bodies,
        Family::single(names::ATTEMPTS, number(discovery.attempts)),
        Family::single(names::ATTEMPTS_LEFT_OUT, number(discovery.attempts_over_max)),
        Family::single(names::INTERNAL_FAULTS, number(stats.internal_faults)),
    ]
}

fn visibility(view: &View) -> Vec<Family> {
    let sum = |class: fn(&tapline_model::ServerView) -> u64| {
        number(view.servers.iter().map(class).sum::<u64>())
    };
    let mut bytes = Family::new(names::VISIBILITY_BYTES);
    bytes.add(&["http"], sum(|server| server.http_bytes));
    bytes.add(&["tls"], sum(|server| server.tls_bytes));
    bytes.add(&["other"], sum(|server| server.other_bytes));
    bytes.add(&["gap"], sum(|server| server.gap_bytes));
    let one_sided = sum(|server| server.one_sided_bytes);
    vec![bytes, Family::single(names::ONE_SIDED_BYTES, one_sided)]
}

fn findings(view: &View) -> Vec<Family> {
    let mut open = Family::new(names::FINDINGS_OPEN);
    for &severity in Severity::ALL {
        let tallies = view.tallies.iter().filter(|tally| tally.severity == severity);
        open.add(&[severity.label()], number(tallies.map(|tally| tally.open).sum()));
    }
    let mut opened = Family::new(names::FINDINGS_OPENED);
    for tally in view.tallies.iter() {
        opened.add(&[&tally.detection, tally.severity.label()], number(tally.opened));
    }
    let mut verdicts = Family::new(names::FINDINGS_VERDICTS);
    for tally in view.verdicts.iter() {
        for &kind in VerdictKind::ALL {
            verdicts.add(&[&tally.detection, kind.label()], number(tally.count(kind)));
        }
    }
    let behavior = &view.stats.behavior;
    let alert = &view.stats.alert;
    vec![
        open,
        opened,
        verdicts,
        Family::single(names::FINDINGS_WITHHELD, number(behavior.findings_withheld)),
        Family::single(names::INVENTORY_FIELDS, number(behavior.fields_known)),
        Family::single(names::INVENTORY_FIELDS_EVICTED, number(behavior.fields_evicted)),
        left_out(behavior),
        Family::single(names::CONSUMERS_ACTIVE, number(behavior.consumers_active)),
        Family::single(names::CONSUMERS_EVICTED, number(behavior.consumers_evicted)),
        Family::single(names::ACTORS_ACTIVE, number(behavior.actors_active)),
        Family::single(names::ACTORS_EVICTED, number(behavior.actors_evicted)),
        Family::single(names::OBJECTS_EVICTED, number(behavior.objects_evicted)),
        Family::single(names::REFERENCES_LEFT_OUT, number(behavior.references_left_out)),
        Family::single(names::UNMATCHED_REQUESTS, number(behavior.unmatched_requests)),
        Family::single(names::NOTIFICATION_PUSHES, number(alert.pushes)),
        Family::single(names::NOTIFICATION_FAILURES, number(alert.push_failures)),
    ]
}

/// What the inventory had no room for, by kind.
fn left_out(behavior: &BehaviorStats) -> Family {
    let mut left_out = Family::new(names::INVENTORY_LEFT_OUT);
    for (kind, count) in [
        ("host", behavior.hosts_left_out),
        ("endpoint", behavior.endpoints_left_out),
        ("route", behavior.routes_left_out),
        ("parameter", behavior.parameters_left_out),
        ("value", behavior.field_values_left_out),
        ("path", behavior.paths_left_out),
        ("server", behavior.servers_left_out),
        ("encrypted_host", behavior.encrypted_left_out),
        ("consumer", behavior.callers_left_out),
    ] {
        left_out.add(&[kind], number(count));
    }
    left_out
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::sync::Arc;

    use tapline_model::{
        Certificate, CertificateView, DataClass, DataFieldView, DataPlace, EncryptedView,
        EndpointId, EndpointState, EndpointView, FindingTally, HostView, Quantiles, Sampling,
        ServerView, SourceView, Timestamp, VerdictTally,
    };

    use super::*;

    const HOSTILE: &str = "a\"b\\c\nd{x=\"y\"} 1\u{202e}";

    fn endpoint(number: u64) -> Arc<EndpointView> {
        Arc::new(EndpointView {
            id: EndpointId(number),
            host: HOSTILE.to_owned(),
            method: "GET".to_owned(),
            template: format!("/{HOSTILE}/{}", "x".repeat(10_000)),
            formats: Vec::new(),
            state: EndpointState::Confirmed,
            auth: vec![("bearer".to_owned(), 3)],
            bodies: Arc::default(),
            bodies_read: 0,
            data: vec![DataFieldView {
                place: DataPlace::Request,
                status: None,
                field: HOSTILE.to_owned(),
                class: DataClass::CardNumber,
                share: 1.0,
                values: 9,
                named: true,
                is_new: false,
            }],
            records: Quantiles::default(),
            parameters: Vec::new(),
            request_media: Vec::new(),
            response_media: Vec::new(),
            statuses: vec![(200, 5), (503, 2)],
            requests: 7,
            consumers: 1,
            head: false,
            options: false,
            first_seen: Timestamp::from_seconds(1),
            last_seen: Timestamp::from_seconds(2),
            latency_us: Quantiles::default(),
            request_bytes: Quantiles::default(),
            response_bytes: Quantiles::default(),
            baseline: None,
            auth_use: Vec::new(),
            facts: Vec::new(),
            reflected_origins: 0,
            callers: Arc::default(),
            risk: None,
            places: tapline_model::CallerPlaces::default(),
            labels: tapline_model::LabelsView::default(),
            template_evidence: tapline_model::TemplateView::default(),
        })
    }

    fn view(endpoints: u64) -> View {
        View {
            sources: vec![SourceView { name: HOSTILE.to_owned(), ..SourceView::default() }],
            hosts: vec![HostView {
                host: HOSTILE.to_owned(),
                status_classes: [0, 0, 5, 0, 0, 2],
                latency_us: vec![(900, 3), (40_000, 4)],
                ..HostView::default()
            }]
            .into(),
            endpoints: (0..endpoints).map(endpoint).collect(),
            encrypted: [EncryptedView {
                host: HOSTILE.to_owned(),
                certificates: vec![CertificateView {
                    in_use: true,
                    ..CertificateView::of(&Certificate {
                        not_after_seconds: 9_000_000,
                        ..Certificate::default()
                    })
                }],
                ..EncryptedView::default()
            }]
            .into(),
            servers: vec![ServerView {
                server: "10.0.0.1:80".to_owned(),
                flows: 1,
                http_bytes: 10,
                tls_bytes: 0,
                other_bytes: 0,
                gap_bytes: 0,
                one_sided_bytes: 0,
            }]
            .into(),
            tallies: vec![FindingTally {
                detection: "path_scanner".to_owned(),
                severity: Severity::Medium,
                open: 1,
                opened: 2,
            }]
            .into(),
            verdicts: [VerdictTally { detection: "path_scanner".to_owned(), holding: [1; 3] }]
                .into(),
            ..View::default()
        }
    }

    fn render(exporter: &Exporter, view: &View) -> String {
        let runtime = Runtime {
            config_hash: "00".to_owned(),
            last_reload_ok: true,
            last_reload_at: 1.0,
            prevention: None,
            evidence: None,
        };
        exporter.render(view, &runtime).unwrap()
    }

    fn exporter(endpoints_max: u32) -> Exporter {
        Exporter::new(Limits { endpoints_max, hosts_max: 5 }, BuildInfo { version: "0" })
            .with_memory_limit(1 << 30)
    }

    #[test]
    fn hostile_names_stay_inside_their_quotes() {
        let page = render(&exporter(10), &view(1));
        assert!(page.contains(r#"host="a\"b\\c\nd{x=\"y\"} 1"#), "{page}");
        assert!(page.lines().all(|line| line.len() < 1_000), "label values are cut");
    }

    #[test]
    fn endpoints_over_the_limit_are_summed_under_their_host() {
        let page = render(&exporter(2), &view(5));
        assert_eq!(page.matches("tapline_endpoint_info{").count(), 2);
        let other = page.lines().find(|line| line.contains("~other") && line.contains("2xx"));
        assert!(other.unwrap().ends_with(" 15"), "{other:?}");
        assert!(page.contains("tapline_inventory_export_overflow{kind=\"endpoints\"} 3"));
    }

    #[test]
    fn an_interface_is_down_when_any_handle_of_it_is() {
        let source = |down, outages| SourceView {
            name: "eth1".to_owned(),
            down,
            outages,
            ..SourceView::default()
        };
        let sources = vec![source(false, 2), source(true, 0)];
        let sampling = Sampling::halved(2);
        let page = render(&exporter(2), &View { sources, sampling, ..view(1) });
        assert_eq!(value(&page, "tapline_capture_source_up{source=\"eth1\"}"), Some(0.0));
        assert_eq!(value(&page, "tapline_capture_outages_total{source=\"eth1\"}"), Some(2.0));
        assert_eq!(value(&page, "tapline_sampling_ratio"), Some(0.25));
    }

    #[test]
    fn who_was_admitted_first_stays() {
        let exporter = exporter(2);
        let mut late = view(5);
        render(&exporter, &view(2));
        late.endpoints = late.endpoints.iter().rev().cloned().collect();
        let page = render(&exporter, &late);
        assert!(page.contains(
            "tapline_endpoint_last_seen_timestamp_seconds{endpoint_id=\"0000000000000000\"}"
        ));
    }

    /// The value of one series.
    fn value(page: &str, series: &str) -> Option<f64> {
        let line = page.lines().find(|line| line.starts_with(series))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    fn other(page: &str) -> Option<f64> {
        let line = page.lines().find(|line| line.contains("~other") && line.contains("2xx"))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    #[test]
    fn a_sum_under_other_never_falls() {
        let exporter = exporter(2);
        assert_eq!(other(&render(&exporter, &view(6))), Some(20.0));
        // Two that had series of their own and one that had none are gone; two get room.
        let mut fewer = view(6);
        fewer.endpoints = fewer.endpoints.iter().skip(2).take(3).cloned().collect();
        let page = render(&exporter, &fewer);
        assert_eq!(other(&page), Some(20.0));
        assert_eq!(page.matches("tapline_endpoint_info{").count(), 2);
        // What is left counts on from there.
        let mut busier = EndpointView::clone(&fewer.endpoints[2]);
        busier.statuses = vec![(200, 8)];
        fewer.endpoints = fewer.endpoints.iter().take(2).cloned().chain([busier.into()]).collect();
        assert_eq!(other(&render(&exporter, &fewer)), Some(23.0));
    }

    #[test]
    fn hosts_are_bounded_and_what_they_call_themselves_is_harmless() {
        let mut many = view(0);
        let named = |name: String| HostView { host: name, ..many.hosts[0].clone() };
        let names = (0..40).map(|n| format!("{}{n}", "x".repeat(300))).chain(["~other".to_owned()]);
        many.hosts = names.map(named).collect();
        let page = render(&exporter(2), &many);
        let series: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("tapline_http_bytes_total{"))
            .map(|line| line.rsplit_once(' ').unwrap().0)
            .collect();
        let distinct: std::collections::HashSet<_> = series.iter().collect();
        assert_eq!((series.len(), distinct.len()), (6, 6));
        let other = "tapline_http_requests_total{host=\"~other\",status_class=\"2xx\"}";
        assert_eq!(value(&page, other), Some(36.0 * 5.0));
    }

    #[test]
    fn the_delay_histogram_holds_every_value_once() {
        let page = render(&exporter(2), &view(0));
        let line = |text: &str| page.lines().any(|line| line.contains(text));
        assert!(line("le=\"0.001\"} 3") && line("le=\"0.05\"} 7") && line("le=\"+Inf\"} 7"));
        let sum = page.lines().find(|line| line.contains("delay_seconds_sum")).unwrap();
        assert!(sum.ends_with(" 0.1627"), "{sum}");
    }

    #[test]
    fn every_sample_is_of_a_metric_in_the_table() {
        let page = render(&exporter(10), &view(3));
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            let known = |name| names::ALL.iter().any(|metric| metric.name == name);
            assert!(known(name) || known(base) || name.starts_with("process_"), "{line}");
        }
        // Those of the block list and of evidence are there while there is one: see `control`.
        let is_optional = |name: &str| {
            ["tapline_prevention", "tapline_webhook", "tapline_evidence"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        for metric in names::ALL.iter().filter(|metric| !is_optional(metric.name)) {
            assert!(page.contains(metric.name), "{} has no sample", metric.name);
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a skip must be seen")]
    fn promtool_finds_nothing_to_say() {
        let child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            eprintln!("\n*** SKIPPED: promtool is not installed ***\n");
            return;
        };
        let page = render(&exporter(2), &view(5));
        child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
