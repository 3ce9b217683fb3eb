//! One endpoint's window, and the finding it makes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tapline_model::{
    EndpointRef, Epoch, Evidence, Finding, FindingState, Measure, Severity, Timestamp,
};

use super::DETECTION;
use crate::baseline::error_share::ErrorShare;
use crate::endpoint_epoch::EndpointEpoch;
use crate::window::Window;

/// Status codes counted for evidence.
const STATUSES_MAX: usize = 16;
/// Client addresses counted for evidence.
const CLIENTS_MAX: usize = 32;
/// Client addresses named in a finding.
const CLIENTS_NAMED: usize = 10;

/// One endpoint.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) host: String,
    pub(super) endpoint: EndpointRef,
    pub(super) window: Window<Slot>,
    pub(super) share: ErrorShare,
    /// Since the window last had no error.
    statuses: BTreeMap<u16, u64>,
    clients: BTreeMap<IpAddr, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) answers: u64,
    pub(super) errors: u64,
    pub(super) first_error: Epoch,
    pub(super) last_error: Epoch,
    /// Part of a burst: it teaches nothing.
    pub(super) is_burst: bool,
}

/// The window, summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) answers: u64,
    pub(super) errors: u64,
    pub(super) first_error: Epoch,
    pub(super) last_error: Epoch,
}

/// Why it fires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) seen: Seen,
    pub(super) share: f64,
    pub(super) normal: f64,
    pub(super) probability: f64,
    /// Answers of this endpoint that the normal share was learned from.
    pub(super) learned: f64,
}

impl Slot {
    const fn add(&mut self, epoch: Epoch, answers: u64, errors: u64) {
        if errors > 0 {
            if self.errors == 0 {
                self.first_error = epoch;
            }
            self.last_error = epoch;
        }
        self.answers += answers;
        self.errors += errors;
    }
}

impl Watched {
    /// An endpoint first seen in `epoch`.
    pub(super) fn new(epoch: Epoch, did: &EndpointEpoch) -> Self {
        Self {
            host: did.host.clone(),
            endpoint: did.endpoint.clone(),
            window: Window::new(),
            share: ErrorShare::new(epoch),
            statuses: BTreeMap::new(),
            clients: BTreeMap::new(),
        }
    }

    /// Adds what it did in `epoch`, which lies in `slot`.
    pub(super) fn add(&mut self, slot: u64, epoch: Epoch, did: &EndpointEpoch) {
        let errors = did.errors.values().sum();
        self.window.update(slot, |slot| slot.add(epoch, did.answers, errors));
        for (&status, &count) in &did.errors {
            if self.statuses.len() < STATUSES_MAX || self.statuses.contains_key(&status) {
                *self.statuses.entry(status).or_default() += count;
            }
        }
        self.count_clients(&did.error_clients);
    }

    /// Evidence is dropped with the last error in the window.
    pub(super) fn forget_if_clean(&mut self) {
        if self.window.iter().all(|slot| slot.errors == 0) {
            self.statuses.clear();
            self.clients.clear();
        }
    }

    /// The window, summed up.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for slot in self.window.iter() {
            if slot.errors > 0 {
                if seen.errors == 0 {
                    seen.first_error = slot.first_error;
                }
                seen.last_error = slot.last_error;
            }
            seen.answers += slot.answers;
            seen.errors += slot.errors;
        }
        seen
    }

    /// At the bound the address with the fewest errors makes room, then the largest.
    fn count_clients(&mut self, clients: &BTreeMap<IpAddr, u64>) {
        for (&client, &count) in clients {
            *self.clients.entry(client).or_default() += count;
        }
        while self.clients.len() > CLIENTS_MAX {
            let least = self
                .clients
                .iter()
                .min_by(|(left, fewer), (right, more)| fewer.cmp(more).then(right.cmp(left)));
            let Some((&least, _)) = least else { break };
            self.clients.remove(&least);
        }
    }

    /// Those with the most errors, at most ten.
    fn top_clients(&self) -> Vec<(IpAddr, u64)> {
        let mut clients: Vec<_> = self.clients.iter().map(|(&ip, &count)| (ip, count)).collect();
        clients.sort_by(|(left, few), (right, many)| many.cmp(few).then(left.cmp(right)));
        clients.truncate(CLIENTS_NAMED);
        clients
    }

    /// The finding of a window that fires.
    pub(super) fn finding(&self, verdict: Verdict, window_seconds: u64) -> Finding {
        let Verdict { seen, share, normal, probability, learned } = verdict;
        let lift = share / normal;
        let clients = self.top_clients();
        let percent = share * 100.0;
        Finding {
            id: String::new(),
            detection: DETECTION.id.to_owned(),
            kind: DETECTION.kind,
            severity: severity(share, lift),
            confidence: confidence(learned),
            state: FindingState::Open,
            title: format!(
                "{percent:.0} % server errors from {} {} on {}",
                self.endpoint.method, self.endpoint.template, self.host
            ),
            host: self.host.clone(),
            endpoint: Some(self.endpoint.clone()),
            consumer: None,
            owner: None,
            client_addresses: clients.iter().map(|&(client, _)| client).collect(),
            first_seen: seen.first_error.start(),
            last_seen: seen.last_error.start(),
            found_at: Timestamp::ZERO,
            normal: ratio(normal, format!("{:.2} % of its answers are 5xx", normal * 100.0)),
            seen: ratio(
                share,
                format!(
                    "{} of {} answers within {window_seconds} seconds were 5xx ({percent:.1} %)",
                    seen.errors, seen.answers
                ),
            ),
            probability,
            lift,
            mappings: DETECTION.mappings(),
            evidence: self.evidence(verdict, &clients),
        }
    }

    fn evidence(&self, verdict: Verdict, clients: &[(IpAddr, u64)]) -> Vec<Evidence> {
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        let learned_from = if verdict.learned < 1.0 {
            "nothing of this endpoint yet: judged by the share of its service".to_owned()
        } else {
            format!("{:.0} earlier answers of this endpoint", verdict.learned)
        };
        let mut facts = vec![
            fact("answers", verdict.seen.answers.to_string()),
            fact("errors", verdict.seen.errors.to_string()),
            fact("statuses", list(self.statuses.iter())),
            fact("normal learned from", learned_from),
        ];
        if !clients.is_empty() {
            let counted = clients.iter().map(|(client, count)| (client, count));
            facts.push(fact("errors by client", list(counted)));
        }
        facts
    }
}

/// `503 x 12, 500 x 3`, in the order given.
fn list<K: ToString>(counts: impl Iterator<Item = (K, impl ToString)>) -> String {
    let parts: Vec<_> =
        counts.map(|(key, count)| format!("{} x {}", key.to_string(), count.to_string())).collect();
    parts.join(", ")
}

fn ratio(value: f64, text: String) -> Measure {
    Measure { value, unit: "ratio".to_owned(), text }
}

/// By how much of the traffic fails, and by how unusual that is.
fn severity(share: f64, lift: f64) -> Severity {
    if share >= 0.5 {
        Severity::High
    } else if share >= 0.2 || lift >= 20.0 {
        Severity::Medium
    } else {
        Severity::Low
    }
}

/// 0.6 when the endpoint is judged by its service alone, up to 0.95 when it is judged by itself.
fn confidence(learned: f64) -> f64 {
    const HALF_WAY_ANSWERS: f64 = 100.0;
    0.6 + 0.35 * learned / (learned + HALF_WAY_ANSWERS)
}
