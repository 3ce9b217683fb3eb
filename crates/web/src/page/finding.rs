//! `/findings/{id}`: one case, and why it is one.

mod catalogue;

use askama::Template;
use tapline_model::{Finding, FindingState, Timestamp};

use super::row::percent;
use super::shell::Shell;
use super::verdicts::{Desk, VerdictRow, rows_of, tags_of};
use crate::api::findings::one;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Instant, Name, Tag};
use crate::text::{ALONE_MAX, shown};

/// Units across the timeline.
const WIDTH: u64 = 1_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[derive(Template)]
#[template(path = "page/finding.html")]
struct Page {
    shell: Shell,
    id: String,
    title: String,
    severity: Tag,
    state: Tag,
    said: Vec<Tag>,
    kind: &'static str,
    detection: String,
    confidence: String,
    host: String,
    endpoint: Option<(String, Name)>,
    consumer: Option<String>,
    addresses: Vec<String>,
    normal: Side,
    seen: Side,
    probability: String,
    lift: String,
    evidence: Vec<(String, String)>,
    mappings: Vec<Mapping>,
    first_seen: Instant,
    last_seen: Instant,
    found_at: Instant,
    /// How long that took.
    found_after: String,
    lasted: String,
    timeline: Timeline,
    /// Files and their sizes.
    packets: Vec<(String, String)>,
    verdicts: Vec<VerdictRow>,
    desk: Option<Desk>,
    back: String,
}

/// One side of the comparison.
struct Side {
    value: String,
    unit: String,
    text: String,
    width: String,
}

struct Mapping {
    list: &'static str,
    id: String,
    name: &'static str,
}

/// From a little before the case to now.
struct Timeline {
    x: u64,
    width: u64,
    from: String,
    to: String,
}

/// One finding.
///
/// # Errors
/// When there is no such finding.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let finding = one(asked)?;
    let now = asked.view.now;
    let largest = finding.normal.value.abs().max(finding.seen.value.abs());
    let lasted = finding.last_seen.nanos_since(finding.first_seen) / NANOS_PER_SECOND;
    let found_after = finding.found_at.nanos_since(finding.first_seen) / NANOS_PER_SECOND;
    html(&Page {
        shell: Shell::new(asked, "findings", &finding.title),
        id: finding.id.clone(),
        title: shown(&finding.title, ALONE_MAX).into_owned(),
        severity: Tag::severity(finding.severity),
        state: match finding.state {
            FindingState::Open => Tag::new("solid", "open"),
            FindingState::Resolved => Tag::new("good", "resolved"),
        },
        said: tags_of(&asked.app, finding),
        kind: finding.kind.label(),
        detection: shown(&finding.detection, 64).into_owned(),
        confidence: percent(finding.confidence),
        host: shown(&finding.host, ALONE_MAX).into_owned(),
        endpoint: finding.endpoint.as_ref().map(|endpoint| {
            let name = Name::new(&endpoint.method, &endpoint.template, ALONE_MAX);
            (endpoint.id.to_string(), name)
        }),
        consumer: finding.consumer.map(|consumer| consumer.to_string()),
        addresses: finding.client_addresses.iter().take(10).map(ToString::to_string).collect(),
        normal: side(&finding.normal, largest),
        seen: side(&finding.seen, largest),
        probability: number::probability(finding.probability),
        lift: if finding.lift.is_finite() {
            format!("×{}", number::real(finding.lift))
        } else {
            "none is normal".to_owned()
        },
        evidence: finding
            .evidence
            .iter()
            .map(|fact| (text(&fact.name), text(&fact.value)))
            .collect(),
        mappings: mappings(finding),
        first_seen: Instant::new(now, finding.first_seen),
        last_seen: Instant::new(now, finding.last_seen),
        found_at: Instant::new(now, finding.found_at),
        found_after: number::span(found_after),
        lasted: number::span(lasted),
        timeline: timeline(finding, now),
        packets: asked
            .app
            .packets(&finding.id)
            .into_iter()
            .map(|file| (file.name, number::bytes(file.bytes)))
            .collect(),
        verdicts: rows_of(&asked.app, finding),
        desk: Desk::of(&asked.app),
        back: finding.id.clone(),
    })
}

fn text(text: &str) -> String {
    shown(text, ALONE_MAX).into_owned()
}

fn side(measure: &tapline_model::Measure, largest: f64) -> Side {
    let share = measure.value.abs() / largest;
    Side {
        value: number::real(measure.value),
        unit: text(&measure.unit),
        text: text(&measure.text),
        width: if share.is_finite() { format!("{:.1}", share * 100.0) } else { "0".to_owned() },
    }
}

fn mappings(finding: &Finding) -> Vec<Mapping> {
    let lists = [
        ("OWASP API Security Top 10", &finding.mappings.owasp_api),
        ("OWASP Automated Threats", &finding.mappings.oat),
        ("MITRE ATT&CK", &finding.mappings.attack),
    ];
    lists
        .into_iter()
        .flat_map(|(list, ids)| {
            ids.iter().map(move |id| Mapping {
                list,
                id: shown(id, 32).into_owned(),
                name: catalogue::name_of(id),
            })
        })
        .collect()
}

fn timeline(finding: &Finding, now: Timestamp) -> Timeline {
    let first = finding.first_seen;
    let end = now.max(finding.last_seen);
    let lead = end.nanos_since(first) / 10 + NANOS_PER_SECOND;
    let start = Timestamp::from_nanos(first.nanos().saturating_sub(lead));
    let whole = end.nanos_since(start);
    let x = number::scale(first.nanos_since(start), whole, WIDTH);
    let lasted = finding.last_seen.nanos_since(first);
    Timeline {
        x,
        width: number::scale(lasted, whole, WIDTH).max(6).min(WIDTH - x),
        from: number::instant(start),
        to: number::instant(end),
    }
}
