//! A consumer asks for many routes that no endpoint has.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use compact_str::CompactString;
use libm::exp;
use tapline_model::{
    ConsumerDelta, ConsumerKey, ConsumerKind, Epoch, Evidence, Finding, FindingKind, FindingState,
    Key, Measure, Severity, Timestamp,
};
use tapline_sketch::SlidingKmv;

use super::Detection;
use crate::baseline::population::Population;
use crate::bounded::Bounded;
use crate::config::PathScanner;
use crate::number::real;
use crate::window::{Slots, Window};

pub(crate) const DETECTION: Detection = Detection {
    id: "path_scanner",
    title: "A consumer asks for many routes that no endpoint has",
    kind: FindingKind::Behaviour,
    owasp_api: &["API9:2023"],
    oat: &["OAT-014", "OAT-018"],
    attack: &["T1595.002", "T1595.003"],
    settings: "behavior.path_scanner",
    state_max: "behavior.consumers_max consumers, those quiet for longest given up first; ten \
                slots, 64 routes, 16 hosts and ten client addresses each",
    wrong_when: "It misses scanners slower than the window, ones whose every request comes from \
                 another address, and servers that answer 200, 401 or 403 to whatever does not \
                 exist. It is wrong for a crawler that follows a site's dead links. Behind a \
                 proxy that is not among the trusted ones all clients are one consumer: it is \
                 blamed only if scanning makes up the share that unmatched_share_min asks for.",
};

/// Slots of the window: a minute each with the default of ten.
const SLOTS: u64 = 10;
/// Distinct routes told apart exactly; beyond, they are estimated.
const ROUTES_EXACT_MAX: usize = 64;
/// Host names remembered of one consumer.
const HOSTS_MAX: usize = 16;
/// Client addresses remembered of one consumer.
const CLIENTS_MAX: usize = 10;
/// Hashes of routes named in a finding.
const ROUTES_NAMED: usize = 5;
/// Distinct routes from which on a scan is more than a nuisance.
const WIDE_ROUTES: u64 = 100;
/// Keeps the hashes shown apart from other keyed hashes.
const ROUTE_PURPOSE: u8 = b'r';

/// The detection, over all consumers.
#[derive(Debug)]
pub(crate) struct PathScanners {
    settings: PathScanner,
    slots: Slots,
    consumers: Bounded<ConsumerKey, Watched>,
    population: Population,
    key: Key,
}

/// One consumer.
#[derive(Debug)]
struct Watched {
    kind: ConsumerKind,
    window: Window<Slot>,
    routes: SlidingKmv<ROUTES_EXACT_MAX>,
    /// What follows is kept since the window last had no unmatched request. The first host stays
    /// the case's host, so that a scan over several is one case.
    host: Option<CompactString>,
    hosts: BTreeMap<CompactString, u64>,
    clients: BTreeSet<IpAddr>,
    /// The whole window of capture time it is in: once a window, it teaches the population.
    term: u64,
    /// The last term in which it was reported.
    reported: Option<u64>,
}

#[derive(Debug, Default)]
struct Slot {
    requests: u64,
    unmatched: u64,
    first_unmatched: Epoch,
}

/// The window, summed up.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    requests: u64,
    unmatched: u64,
    first_unmatched: Epoch,
}

/// Why it fires.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    seen: Seen,
    distinct: u64,
    share: f64,
    normal: f64,
    probability: f64,
}

impl PathScanners {
    /// Nothing seen; `key` makes the hashes in evidence.
    pub(crate) fn new(settings: PathScanner, consumers_max: u32, key: Key) -> Self {
        Self {
            slots: Slots::new(settings.window_seconds, SLOTS),
            settings,
            consumers: Bounded::new(consumers_max),
            population: Population::new(),
            key,
        }
    }

    /// Takes new settings. Another window begins empty and learns anew.
    pub(crate) fn reconfigure(&mut self, settings: PathScanner, consumers_max: u32) {
        let slots = Slots::new(settings.window_seconds, SLOTS);
        if self.slots != slots {
            self.slots = slots;
            self.consumers.clear();
            self.population = Population::new();
        }
        self.settings = settings;
        self.consumers.set_max(consumers_max);
    }

    /// Takes what a consumer did in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        consumer: ConsumerKey,
        did: &ConsumerDelta,
        sink: &mut impl FnMut(Finding),
    ) {
        if !self.settings.enabled {
            return;
        }
        while self.consumers.make_room(consumer).is_some() {}
        let Self { slots, population, settings, .. } = self;
        let term = epoch.0 / slots.seconds();
        let watched = self.consumers.touch(consumer, epoch, || Watched::new(did.kind, term));
        if watched.term != term {
            watched.teach(population, settings);
            watched.term = term;
        }
        watched.slide(slots.oldest(epoch));
        watched.add(slots.at(epoch), epoch, did);
        if did.unmatched == 0 {
            return;
        }
        if let Some(verdict) = watched.verdict(population, settings) {
            watched.reported = Some(term);
            sink(watched.finding(consumer, epoch, verdict, population, slots.seconds(), &self.key));
        }
    }

    /// Forgets the consumers that have been quiet for a window, as of `epoch`.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        let oldest = self.slots.start(self.slots.oldest(epoch));
        while let Some(quiet) = self.consumers.pop_quiet(oldest) {
            quiet.teach(&mut self.population, &self.settings);
        }
    }

    /// Consumers followed now.
    pub(crate) fn active(&self) -> u64 {
        self.consumers.len()
    }

    /// Consumers given up to make room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.consumers.evicted()
    }
}

impl Watched {
    const fn new(kind: ConsumerKind, term: u64) -> Self {
        Self {
            kind,
            window: Window::new(),
            routes: SlidingKmv::new(),
            host: None,
            hosts: BTreeMap::new(),
            clients: BTreeSet::new(),
            term,
            reported: None,
        }
    }

    fn slide(&mut self, oldest: u64) {
        while self.window.pop_before(oldest).is_some() {}
        self.routes.expire(oldest);
        if self.window.iter().all(|slot| slot.unmatched == 0) {
            self.host = None;
            self.hosts.clear();
            self.clients.clear();
        }
    }

    fn add(&mut self, slot: u64, epoch: Epoch, did: &ConsumerDelta) {
        self.kind = self.kind.min(did.kind);
        self.window.update(slot, |slot| {
            if slot.unmatched == 0 {
                slot.first_unmatched = epoch;
            }
            slot.requests += did.requests;
            slot.unmatched += did.unmatched;
        });
        if did.unmatched == 0 {
            return;
        }
        self.routes.merge(&did.unmatched_routes, slot);
        for (host, &count) in &did.unmatched_hosts {
            if self.hosts.len() < HOSTS_MAX || self.hosts.contains_key(host) {
                *self.hosts.entry(host.clone()).or_default() += count;
            }
        }
        if self.host.is_none() {
            // The most probed one; of equals the first by name.
            let most = did.unmatched_hosts.iter().rev().max_by_key(|&(_, count)| count);
            self.host = most.map(|(host, _)| host.clone());
        }
        for &client in &did.clients {
            if self.clients.len() < CLIENTS_MAX {
                self.clients.insert(client);
            }
        }
    }

    /// Lets the population learn from it as it was at its last request, unless it is or just was a
    /// scanner, or too few requests make it no peer of one.
    fn teach(&self, population: &mut Population, settings: &PathScanner) {
        let is_suspect = self.reported.is_some_and(|reported| reported + 1 >= self.term);
        if !is_suspect && self.seen().requests >= u64::from(settings.requests_min) {
            population.learn(self.routes.distinct());
        }
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for slot in self.window.iter() {
            if slot.unmatched > 0 && seen.unmatched == 0 {
                seen.first_unmatched = slot.first_unmatched;
            }
            seen.requests += slot.requests;
            seen.unmatched += slot.unmatched;
        }
        seen
    }

    fn verdict(&self, population: &Population, settings: &PathScanner) -> Option<Verdict> {
        let seen = self.seen();
        let distinct = self.routes.distinct();
        let share = real(seen.unmatched) / real(seen.requests.max(1));
        if seen.requests < u64::from(settings.requests_min)
            || distinct < u64::from(settings.unmatched_routes_min)
            || share < settings.unmatched_share_min
        {
            return None;
        }
        let expected = population.expected();
        let probability = exp(expected.ln_at_least(distinct));
        (probability <= settings.probability_max).then(|| Verdict {
            seen,
            distinct,
            share,
            normal: expected.mean(),
            probability,
        })
    }

    fn finding(
        &self,
        consumer: ConsumerKey,
        epoch: Epoch,
        verdict: Verdict,
        population: &Population,
        window_seconds: u64,
        key: &Key,
    ) -> Finding {
        let Verdict { seen, distinct, share, normal, probability } = verdict;
        let host = self.host.as_deref().unwrap_or_default();
        let elsewhere = match self.hosts.len() {
            0 | 1 => String::new(),
            hosts => format!(" and {} other hosts", hosts - 1),
        };
        let most = population.expected().quantile(0.999);
        Finding {
            id: String::new(),
            detection: DETECTION.id.to_owned(),
            kind: DETECTION.kind,
            severity: self.severity(distinct),
            confidence: share.min(0.99),
            state: FindingState::Open,
            title: format!("{distinct} routes that do not exist probed on {host}{elsewhere}"),
            host: host.to_owned(),
            endpoint: None,
            consumer: Some(consumer),
            owner: None,
            client_addresses: self.clients.iter().copied().collect(),
            first_seen: seen.first_unmatched.start(),
            last_seen: epoch.start(),
            found_at: Timestamp::ZERO,
            normal: routes(
                normal,
                format!(
                    "an ordinary consumer asks for {normal:.2} routes that no endpoint has within \
                     {window_seconds} seconds, 999 in 1000 for at most {most}"
                ),
            ),
            seen: routes(
                real(distinct),
                format!(
                    "{distinct} distinct routes that no endpoint has, in {} of {} requests",
                    seen.unmatched, seen.requests
                ),
            ),
            probability,
            lift: real(distinct) / normal,
            mappings: DETECTION.mappings(),
            evidence: self.evidence(verdict, population, key),
        }
    }

    fn evidence(&self, verdict: Verdict, population: &Population, key: &Key) -> Vec<Evidence> {
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        let hosts: Vec<_> =
            self.hosts.iter().map(|(host, count)| format!("{host} x {count}")).collect();
        // Hashes of the routes with the smallest ones: two scans with one list of paths show the
        // same, without a path being told.
        let named =
            self.routes.iter().take(ROUTES_NAMED).map(|route| {
                format!("{:016x}", key.secret_hash(ROUTE_PURPOSE, &route.to_be_bytes()))
            });
        let learned_from = if population.consumers() < 1.0 {
            "no consumer yet: judged by a cautious guess".to_owned()
        } else {
            format!("{:.0} windows of other consumers", population.consumers())
        };
        vec![
            fact("requests", verdict.seen.requests.to_string()),
            fact("unmatched requests", verdict.seen.unmatched.to_string()),
            fact("distinct routes", verdict.distinct.to_string()),
            fact("hosts", hosts.join(", ")),
            fact("consumer known by", self.kind.label().to_owned()),
            fact("normal learned from", learned_from),
            fact("route hashes", named.collect::<Vec<_>>().join(", ")),
        ]
    }

    /// Scanning is the weather of the internet; a wide one, one over several hosts, and one by
    /// somebody with credentials is more.
    fn severity(&self, distinct: u64) -> Severity {
        let is_wide = distinct >= WIDE_ROUTES || self.hosts.len() > 1;
        if is_wide || self.kind != ConsumerKind::Address { Severity::Medium } else { Severity::Low }
    }
}

fn routes(value: f64, text: String) -> Measure {
    Measure { value, unit: "routes".to_owned(), text }
}
