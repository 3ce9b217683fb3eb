//! A consumer makes an API work for it alone.

use libm::exp;
use tapline_model::{
    EndpointId, Evidence, Finding, FindingKind, FindingState, Measure, Severity, Timestamp,
};
use tapline_sketch::{HeavyTail, Kmv};

use super::Detection;
use crate::access::{Actor, Usual, Visit};
use crate::bounded::Bounded;
use crate::config::ResourceExhaustion as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "resource_exhaustion",
    title: "A consumer makes an API work for it alone",
    kind: FindingKind::Behaviour,
    owasp_api: &["API4:2023"],
    oat: &["OAT-015"],
    attack: &["T1499.002", "T1499.003"],
    settings: "behavior.resource_exhaustion",
    state_max: "behavior.baselines_max endpoints with a histogram of limits each, 4 096 hosts; \
                behavior.actors_max consumers",
    wrong_when: "It misses work that is done after the answer, many consumers who each take a \
                 little, and GraphQL in bodies that were not looked into. It is wrong for an \
                 endpoint that answers when there is something to say (long polling), when few \
                 others are there, and for a batch job that is new: after a day it is usual.",
};

/// Seconds over which work is compared.
const SLOT_SECONDS: u64 = 600;
/// Hosts that are known.
const HOSTS_MAX: u32 = 4_096;
/// Consumers of a host in a slot without which a share says nothing.
const CONSUMERS_MIN: u64 = 10;
/// Limits of an endpoint after which they are known.
const LIMITS_MIN: u64 = 100;
/// Smallest limit that is large.
const LIMIT_FLOOR: u64 = 500;

/// The detection.
#[derive(Debug)]
pub(crate) struct ResourceExhaustion {
    settings: Settings,
    endpoints: Bounded<EndpointId, HeavyTail>,
    hosts: Bounded<u64, Work>,
}

/// What a host did.
#[derive(Debug, Default)]
struct Work {
    slot: u64,
    /// In this slot.
    service_us: u64,
    consumers: Kmv<32>,
    /// Of one consumer in a slot, in milliseconds.
    by_consumer: HeavyTail,
}

/// The work that was done for one consumer.
#[derive(Debug, Default)]
pub(crate) struct Load {
    host: u64,
    slot: u64,
    service_us: u64,
    requests: u64,
    usual_ms: Usual,
}

/// What is found: `normal`, `seen`, probability, and texts.
struct Excess {
    severity: Severity,
    unit: &'static str,
    seen: f64,
    normal: f64,
    probability: f64,
    text: String,
    usual: String,
    reason: String,
}

impl ResourceExhaustion {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, endpoints_max: u32) -> Self {
        Self { settings, endpoints: Bounded::new(endpoints_max), hosts: Bounded::new(HOSTS_MAX) }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings, endpoints_max: u32) {
        self.settings = settings;
        self.endpoints.set_max(endpoints_max);
    }

    /// Takes what a consumer made the API do.
    pub(crate) fn observe(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        sink: &mut impl FnMut(Finding),
    ) {
        let found = [self.graph(visit), self.limit(visit), self.share(visit, actor)];
        if !self.settings.enabled {
            return;
        }
        for excess in found.into_iter().flatten() {
            actor.report(visit.term());
            sink(finding(visit, actor, excess));
        }
    }

    /// A GraphQL request that is deeper, wider or longer than anybody needs.
    fn graph(&self, visit: &Visit<'_>) -> Option<Excess> {
        let graph = visit.access.graph;
        let (what, seen, least) = [
            ("levels of a GraphQL query", graph.depth, self.settings.graph_depth_min),
            ("aliases of a GraphQL query", graph.aliases, self.settings.graph_aliases_min),
            ("GraphQL queries in one request", graph.batch, self.settings.graph_batch_min),
        ]
        .into_iter()
        .find(|&(_, seen, least)| seen >= least)?;
        Some(Excess {
            severity: Severity::Medium,
            unit: "count",
            seen: f64::from(seen),
            normal: f64::from(least.saturating_sub(1)),
            probability: 1e-6,
            text: format!("{seen} {what}"),
            usual: format!("fewer than {least} are allowed for by the settings"),
            reason: "no client is written so by hand".to_owned(),
        })
    }

    /// More of a list at once than others ask for.
    fn limit(&mut self, visit: &Visit<'_>) -> Option<Excess> {
        let limit = visit.access.limit;
        if limit == 0 {
            return None;
        }
        let id = visit.endpoint();
        while self.endpoints.make_room(id).is_some() {}
        let known = self.endpoints.touch(id, visit.epoch, HeavyTail::new);
        let (p99, total) = (known.quantile(990), known.total());
        let is_large = limit >= LIMIT_FLOOR
            && total >= LIMITS_MIN
            && real(limit) >= self.settings.limit_lift_min * real(p99.max(1));
        if !is_large {
            known.learn(limit);
            return None;
        }
        Some(Excess {
            severity: Severity::Medium,
            unit: "items",
            seen: real(limit),
            normal: real(p99),
            probability: known.at_least(limit).min(1.0 / real(total + 2)),
            text: format!("{limit} items of a list asked for at once, and got an answer"),
            usual: format!("99 of 100 of {total} seconds with a limit asked for at most {p99}"),
            reason: "the server did not refuse it".to_owned(),
        })
    }

    /// A large part of all the work.
    fn share(&mut self, visit: &Visit<'_>, actor: &mut Actor) -> Option<Excess> {
        let host = visit.place.host_hash;
        while self.hosts.make_room(host).is_some() {}
        let work = self.hosts.touch(host, visit.epoch, Work::default);
        let slot = visit.epoch.0 / SLOT_SECONDS;
        if work.slot != slot {
            (work.slot, work.service_us, work.consumers) = (slot, 0, Kmv::new());
        }
        work.service_us += visit.access.service_us;
        work.consumers.insert(visit.consumer.0);
        let load = &mut actor.load;
        if (load.host, load.slot) != (host, slot) {
            let before = load.service_us / 1_000;
            let is_early = work.by_consumer.total() < crate::access::POPULATION_MIN;
            load.usual_ms.learn(before, is_early);
            if load.host == host && load.slot != 0 {
                work.by_consumer.learn(before);
            }
            (load.host, load.slot, load.service_us, load.requests) = (host, slot, 0, 0);
        }
        load.service_us += visit.access.service_us;
        load.requests += visit.access.outcomes.total();
        let mine_ms = load.service_us / 1_000;
        let share = real(load.service_us) / real(work.service_us.max(1));
        let median = work.by_consumer.quantile(500).max(1);
        let is_excess = load.service_us >= u64::from(self.settings.service_seconds_min) * 1_000_000
            && share >= self.settings.share_min
            && real(mine_ms) >= 10.0 * real(median)
            && load.requests >= 20
            && work.consumers.distinct() >= CONSUMERS_MIN
            && work.by_consumer.total() >= crate::access::POPULATION_MIN
            && !load.usual_ms.covers(mine_ms);
        let ln_probability = if is_excess { work.by_consumer.ln_at_least(mine_ms) } else { 0.0 };
        (is_excess && exp(ln_probability) <= self.settings.probability_max).then(|| Excess {
            severity: if share >= 0.5 { Severity::High } else { Severity::Medium },
            unit: "seconds of service",
            seen: real(mine_ms) / 1_000.0,
            normal: real(median) / 1_000.0,
            probability: exp(ln_probability),
            text: format!(
                "{:.0} seconds of work in ten minutes, {:.0} % of all that {} did",
                real(mine_ms) / 1_000.0,
                share * 100.0,
                visit.place.host
            ),
            usual: format!(
                "half of {} consumers and ten minutes took at most {:.1} seconds",
                work.by_consumer.total(),
                real(median) / 1_000.0
            ),
            reason: format!(
                "{} consumers or more share the host; it never took half of that",
                work.consumers.distinct()
            ),
        })
    }
}

fn finding(visit: &Visit<'_>, actor: &Actor, excess: Excess) -> Finding {
    let Excess { severity, unit, seen, normal, probability, text, usual, reason } = excess;
    let measure = |value, text| Measure { value, unit: unit.to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity,
        confidence: 0.8,
        state: FindingState::Open,
        title: text.clone(),
        host: visit.place.host.clone(),
        endpoint: Some(visit.place.endpoint.clone()),
        consumer: Some(visit.consumer),
        owner: None,
        client_addresses: visit.clients(),
        first_seen: visit.epoch.start(),
        last_seen: visit.epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(normal, usual),
        seen: measure(seen, text),
        probability,
        lift: seen / normal.max(1e-3),
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("requests in ten minutes", actor.load.requests.to_string()),
            fact("consumer known by", actor.kind.label().to_owned()),
            fact("why it is no false alarm", reason),
        ],
    }
}
