//! `/api/v1/status`.

use std::collections::BTreeMap;

use serde::Serialize;
use tapline_model::{DropReason, EndpointState, IgnoreReason, Ledger, Severity, SourceView};

use super::visibility::Sum;
use crate::asked::{Answer, Asked, json};
use crate::state::{Health, SensorInfo};

#[derive(Serialize)]
struct Document<'a> {
    sensor: &'a SensorInfo,
    now: String,
    ended: bool,
    health: Health,
    capture: Capture<'a>,
    conservation: Conservation,
    visibility: Sum,
    inventory: Inventory,
    traffic: Traffic,
    findings: Findings,
}

#[derive(Serialize)]
struct Capture<'a> {
    frames: u64,
    frame_bytes: u64,
    dropped_frames: u64,
    sampling_ratio: f64,
    sources: &'a [SourceView],
}

#[derive(Serialize)]
struct Conservation {
    holds: bool,
    imbalances: Vec<String>,
    ledgers: Vec<Books>,
}

/// One ledger, reasons that never occurred left out.
#[derive(Serialize)]
struct Books {
    name: String,
    received: u64,
    processed: u64,
    held: u64,
    dropped: BTreeMap<&'static str, u64>,
    ignored: BTreeMap<&'static str, u64>,
    balanced: bool,
}

#[derive(Serialize)]
struct Inventory {
    hosts: usize,
    endpoints: usize,
    candidates: usize,
}

#[derive(Serialize)]
struct Traffic {
    requests: u64,
    unmatched: u64,
    bytes: u64,
    status_classes: [u64; 6],
}

#[derive(Serialize)]
struct Findings {
    open: u64,
    opened: u64,
    open_by_severity: BTreeMap<&'static str, u64>,
}

/// How the sensor is, in one document.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let view = &asked.view;
    let imbalances = view.stats.imbalances();
    let candidates =
        view.endpoints.iter().filter(|endpoint| endpoint.state == EndpointState::Candidate);
    json(&Document {
        sensor: &asked.app.state.sensor,
        now: view.now.to_string(),
        ended: view.ended,
        health: (asked.app.state.health)(),
        capture: Capture {
            frames: view.sources.iter().map(|source| source.frames).sum(),
            frame_bytes: view.sources.iter().map(|source| source.frame_bytes).sum(),
            dropped_frames: view.sources.iter().map(|source| source.dropped_frames).sum(),
            sampling_ratio: view.sampling.ratio(),
            sources: &view.sources,
        },
        conservation: Conservation {
            holds: imbalances.is_empty(),
            imbalances,
            ledgers: view.stats.ledgers().into_iter().map(books).collect(),
        },
        visibility: Sum::of(&view.servers),
        inventory: Inventory {
            hosts: view.hosts.len(),
            endpoints: view.endpoints.len(),
            candidates: candidates.count(),
        },
        traffic: traffic(asked),
        findings: findings(asked),
    })
}

fn books((name, ledger): (String, Ledger)) -> Books {
    let dropped = DropReason::ALL.iter().map(|reason| reason.label()).zip(ledger.dropped);
    let ignored = IgnoreReason::ALL.iter().map(|reason| reason.label()).zip(ledger.ignored);
    Books {
        name,
        received: ledger.received,
        processed: ledger.processed,
        held: ledger.held,
        dropped: dropped.filter(|(_, count)| *count > 0).collect(),
        ignored: ignored.filter(|(_, count)| *count > 0).collect(),
        balanced: ledger.is_balanced(),
    }
}

fn traffic(asked: &Asked) -> Traffic {
    let mut sum = Traffic { requests: 0, unmatched: 0, bytes: 0, status_classes: [0; 6] };
    for host in asked.view.hosts.iter() {
        sum.requests += host.requests;
        sum.unmatched += host.unmatched;
        sum.bytes += host.bytes;
        for (total, count) in sum.status_classes.iter_mut().zip(host.status_classes) {
            *total += count;
        }
    }
    sum
}

fn findings(asked: &Asked) -> Findings {
    let mut by_severity: BTreeMap<_, u64> =
        Severity::ALL.iter().map(|severity| (severity.label(), 0)).collect();
    let (mut open, mut opened) = (0, 0);
    for tally in asked.view.tallies.iter() {
        open += tally.open;
        opened += tally.opened;
        *by_severity.entry(tally.severity.label()).or_default() += tally.open;
    }
    Findings { open, opened, open_by_severity: by_severity }
}
