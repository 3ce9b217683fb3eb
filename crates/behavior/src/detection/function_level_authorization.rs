//! A consumer gets at a function that only another role uses.

use hashbrown::HashMap;
use tapline_model::{
    EndpointId, Epoch, Evidence, Finding, FindingKind, FindingState, Measure, Severity, Timestamp,
};
use tapline_sketch::Kmv;

use super::Detection;
use crate::access::{Actor, Visit};
use crate::bounded::Bounded;
use crate::config::FunctionLevelAuthorization as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "function_level_authorization",
    title: "A consumer gets at a function that only another role uses",
    kind: FindingKind::Behaviour,
    owasp_api: &["API5:2023"],
    oat: &[],
    attack: &["T1078", "T1548"],
    settings: "behavior.function_level_authorization",
    state_max: "behavior.baselines_max endpoints with 64 callers each, 4 096 hosts, \
                behavior.actors_max consumers with 48 endpoints each",
    wrong_when: "It misses functions that few have called so far, functions that every twentieth \
                 consumer calls, and whoever begins with them before anything else. It is wrong for \
                 somebody who was given another role: after a day it takes that for granted.",
};

/// Endpoints of one consumer.
const ROUTINE_MAX: usize = 48;
/// Calls of one consumer that make an endpoint part of its work.
const REGULAR_CALLS: u32 = 3;
/// Consumers of a host from which on it says something how many call an endpoint.
const CONSUMERS_MIN: u64 = 50;
/// Hosts that are known.
const HOSTS_MAX: u32 = 4_096;
/// Refused endpoints of one consumer that are remembered, and so many make a probe.
const REFUSED_MAX: usize = 8;
const REFUSED_MIN: usize = 3;
/// Seconds after which an outsider that goes on is none.
const OUTSIDER_SECONDS: u64 = 86_400;

/// Which functions there are, and who uses them.
#[derive(Debug)]
pub(crate) struct Guards {
    settings: Settings,
    endpoints: Bounded<EndpointId, Guard>,
    /// Distinct consumers.
    hosts: Bounded<u64, Kmv<256>>,
    /// Rare endpoints that go together because somebody uses both: each leads to one with a smaller
    /// id, the smallest of them stands for the role.
    together: HashMap<EndpointId, EndpointId>,
}

/// One endpoint.
#[derive(Debug)]
struct Guard {
    host: u64,
    /// Calls that succeeded.
    calls: u64,
    callers: Kmv<64>,
    first_seen: Epoch,
}

/// What one consumer does.
#[derive(Debug, Default)]
pub(crate) struct Routine {
    /// Ascending by endpoint: calls that succeeded.
    calls: Vec<(EndpointId, u32)>,
    /// Its role as it was found in a term, until it does something new regularly.
    role: Option<(u64, u64)>,
    refused: Vec<EndpointId>,
    refusals: u32,
    /// Endpoints of other roles that it got at, and when first.
    outside: Vec<(EndpointId, Epoch)>,
}

/// Why an endpoint is another role's.
#[derive(Clone, Copy, Debug)]
struct Reserved {
    calls: u64,
    callers: u64,
    consumers: u64,
    /// The share of its calls that came from somebody new to it.
    newcomers: f64,
}

impl Guards {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, endpoints_max: u32) -> Self {
        Self {
            settings,
            endpoints: Bounded::new(endpoints_max),
            hosts: Bounded::new(HOSTS_MAX),
            together: HashMap::new(),
        }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings, endpoints_max: u32) {
        self.settings = settings;
        self.endpoints.set_max(endpoints_max);
    }

    /// Takes what a consumer called.
    pub(crate) fn observe(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        sink: &mut impl FnMut(Finding),
    ) {
        let outcomes = visit.access.outcomes;
        let id = visit.endpoint();
        let reserved = self.reserved(visit).filter(|_| self.is_outsider(visit, actor));
        if let Some(reserved) = reserved {
            if outcomes.refusals > 0 {
                probe(visit, actor, reserved, sink);
            }
            if outcomes.successes > 0 && trespass(visit, actor, reserved, sink) {
                // It is not to become one of those who use it.
                return;
            }
        }
        if outcomes.successes == 0 {
            return;
        }
        while self.hosts.make_room(visit.place.host_hash).is_some() {}
        let host = self.hosts.touch(visit.place.host_hash, visit.epoch, Kmv::new);
        host.insert(visit.consumer.0);
        while self.endpoints.make_room(id).is_some() {}
        let guard = self.endpoints.touch(id, visit.epoch, || Guard {
            host: visit.place.host_hash,
            calls: 0,
            callers: Kmv::new(),
            first_seen: visit.epoch,
        });
        guard.calls += u64::from(outcomes.successes);
        guard.callers.insert(visit.consumer.0);
        actor.routine.add(id, outcomes.successes);
    }

    /// Whether an endpoint is used by a few who come back, and not by the others.
    fn reserved(&self, visit: &Visit<'_>) -> Option<Reserved> {
        let settings = &self.settings;
        let guard = self.endpoints.get(visit.endpoint())?;
        let consumers = self.hosts.get(guard.host)?.distinct();
        let callers = guard.callers.distinct();
        let newcomers = (real(callers) + 1.0) / (real(guard.calls) + 2.0);
        let age = visit.epoch.0.saturating_sub(guard.first_seen.0);
        let is_known = guard.calls >= u64::from(settings.calls_min)
            && age >= u64::from(settings.endpoint_hours_min) * 3_600
            && consumers >= CONSUMERS_MIN;
        let is_reserved = newcomers <= 0.05 && is_rare(callers, consumers);
        (settings.enabled && is_known && is_reserved).then_some(Reserved {
            calls: guard.calls,
            callers,
            consumers,
            newcomers,
        })
    }

    /// Whether a consumer that is known well never did what those do who use the endpoint.
    fn is_outsider(&self, visit: &Visit<'_>, actor: &Actor) -> bool {
        let id = visit.endpoint();
        let role = self.root(id);
        let is_insider =
            || actor.routine.calls.iter().any(|&(it, _)| it == id || self.root(it) == role);
        actor.requests >= u64::from(self.settings.consumer_requests_min) && !is_insider()
    }

    /// A term is over: roles are found anew.
    pub(crate) fn begin_term(&mut self) {
        self.together.clear();
    }

    /// The rare endpoints that a consumer uses regularly belong together.
    pub(crate) fn learn_role(&mut self, actor: &Actor) {
        let mut first = None;
        for &(id, calls) in &actor.routine.calls {
            if calls < REGULAR_CALLS || !self.is_rare(id) {
                continue;
            }
            let root = self.root(id);
            let with = *first.get_or_insert(root);
            let (low, high) = (root.min(self.root(with)), root.max(self.root(with)));
            if low != high {
                self.together.insert(high, low);
            }
            first = Some(low);
        }
    }

    /// The role of a consumer: that of the rare endpoints it uses regularly, 0 if it uses none.
    pub(crate) fn role_of(&self, actor: &Actor) -> u64 {
        let rare = actor
            .routine
            .calls
            .iter()
            .filter(|&&(id, calls)| calls >= REGULAR_CALLS && self.is_rare(id));
        rare.map(|&(id, _)| self.root(id).0.max(1)).min().unwrap_or(0)
    }

    /// The same, looked up once a term and whenever something new becomes regular.
    pub(crate) fn role_in(&self, actor: &mut Actor, term: u64) -> u64 {
        if let Some((found_in, role)) = actor.routine.role
            && found_in == term
        {
            return role;
        }
        let role = self.role_of(actor);
        actor.routine.role = Some((term, role));
        role
    }

    /// Whether few consumers call an endpoint.
    fn is_rare(&self, id: EndpointId) -> bool {
        let Some(guard) = self.endpoints.get(id) else { return false };
        let consumers = self.hosts.get(guard.host).map_or(0, Kmv::distinct);
        consumers >= CONSUMERS_MIN && is_rare(guard.callers.distinct(), consumers)
    }

    fn root(&self, id: EndpointId) -> EndpointId {
        let mut at = id;
        // Each step leads to a smaller id, so this ends.
        while let Some(&next) = self.together.get(&at).filter(|&&next| next < at) {
            at = next;
        }
        at
    }
}

impl Routine {
    fn add(&mut self, id: EndpointId, calls: u32) {
        match self.calls.binary_search_by_key(&id, |&(it, _)| it) {
            Ok(at) => {
                if let Some((_, sum)) = self.calls.get_mut(at) {
                    let before = *sum;
                    *sum = sum.saturating_add(calls);
                    if before < REGULAR_CALLS && *sum >= REGULAR_CALLS {
                        self.role = None;
                    }
                }
            }
            Err(at) if self.calls.len() < ROUTINE_MAX => {
                self.calls.insert(at, (id, calls));
                self.role = None;
            }
            Err(_) => {}
        }
    }
}

/// It was refused; a finding if that is not the first time.
fn probe(visit: &Visit<'_>, actor: &mut Actor, reserved: Reserved, sink: &mut impl FnMut(Finding)) {
    let routine = &mut actor.routine;
    let id = visit.endpoint();
    routine.refusals = routine.refusals.saturating_add(visit.access.outcomes.refusals);
    if routine.refused.len() < REFUSED_MAX && !routine.refused.contains(&id) {
        routine.refused.push(id);
    }
    if routine.refused.len() >= REFUSED_MIN {
        let seen = format!(
            "refused {} times at {} functions of another role",
            routine.refusals,
            routine.refused.len()
        );
        actor.report(visit.term());
        let severity = Severity::Medium;
        sink(finding(visit, actor, reserved, (severity, seen), visit.epoch));
    }
}

/// It succeeded; whether that is a finding.
fn trespass(
    visit: &Visit<'_>,
    actor: &mut Actor,
    reserved: Reserved,
    sink: &mut impl FnMut(Finding),
) -> bool {
    let id = visit.endpoint();
    let routine = &mut actor.routine;
    let since = routine.outside.iter().find(|(it, _)| *it == id).map(|&(_, since)| since);
    let since = since.unwrap_or_else(|| {
        if routine.outside.len() < REFUSED_MAX {
            routine.outside.push((id, visit.epoch));
        }
        visit.epoch
    });
    if visit.epoch.0.saturating_sub(since.0) >= OUTSIDER_SECONDS {
        return false;
    }
    let method = &visit.place.endpoint.method;
    let functions = routine.outside.len();
    let seen = format!(
        "{method} succeeded for a consumer that does nothing else those do who use it ({functions} \
         such function{})",
        if functions == 1 { "" } else { "s" }
    );
    actor.report(visit.term());
    let is_change = matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
    let is_worse = is_change && actor.routine.refusals >= 3;
    let severity = if is_worse { Severity::Critical } else { Severity::High };
    sink(finding(visit, actor, reserved, (severity, seen), since));
    true
}

/// At most one consumer in twenty.
const fn is_rare(callers: u64, consumers: u64) -> bool {
    callers * 20 <= consumers
}

fn finding(
    visit: &Visit<'_>,
    actor: &Actor,
    reserved: Reserved,
    (severity, seen): (Severity, String),
    since: Epoch,
) -> Finding {
    let Reserved { calls, callers, consumers, newcomers } = reserved;
    let measure = |value, text| Measure { value, unit: "callers".to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let place = &visit.place.endpoint;
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity,
        confidence: (1.0 - newcomers).min(0.95),
        state: FindingState::Open,
        title: format!("{} {}: {seen}", place.method, place.template),
        host: visit.place.host.clone(),
        endpoint: Some(place.clone()),
        consumer: Some(visit.consumer),
        owner: None,
        client_addresses: visit.clients(),
        first_seen: since.start(),
        last_seen: visit.epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(
            real(callers),
            format!("{calls} calls by {callers} of {consumers} consumers, who come back"),
        ),
        seen: measure(real(callers) + 1.0, seen),
        probability: newcomers,
        lift: 1.0 / newcomers,
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("consumer known by", actor.kind.label().to_owned()),
            fact("requests of the consumer before", actor.requests.to_string()),
            fact("refusals at functions of other roles", actor.routine.refusals.to_string()),
            fact(
                "why it is no false alarm",
                format!(
                    "the consumer has done {} other things often enough to be known, none of them of \
                     that role; of the calls of this function only {:.1} % came from somebody new",
                    actor.routine.calls.len(),
                    newcomers * 100.0
                ),
            ),
        ],
    }
}
