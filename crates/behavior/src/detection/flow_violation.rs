//! A step is done without the steps that always come before it.

use tapline_model::{
    EndpointId, Epoch, Evidence, Finding, FindingKind, FindingState, Measure, Severity, Timestamp,
};

use super::Detection;
use crate::access::{Actor, Visit};
use crate::bounded::Bounded;
use crate::config::FlowViolation as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "flow_violation",
    title: "A step is done without the steps that always come before it",
    kind: FindingKind::Behaviour,
    owasp_api: &["API6:2023"],
    oat: &["OAT-005", "OAT-006", "OAT-021"],
    attack: &["T1190"],
    settings: "behavior.flow_violation",
    state_max: "behavior.baselines_max endpoints that change something, with 32 predecessors each; \
                behavior.actors_max consumers with 48 endpoints each",
    wrong_when: "It misses steps that fewer than sessions_min sessions reached, and what was left out \
                 by consumers that are not known by a credential. It is wrong when a new version of \
                 a client leaves a step out: after a few hundred sessions it has learned that.",
};

/// Seconds of silence that end a session.
const SESSION_SECONDS: u64 = 1_800;
/// Endpoints of one session that are remembered.
const VISITED_MAX: usize = 48;
/// Endpoints that are tried as predecessors of one.
const BEFORE_MAX: usize = 32;
/// Sessions without what comes before, within a day, that are remembered of one consumer.
const LAPSES_MAX: usize = 8;
/// Sessions after which what was learned is halved.
const SESSIONS_MAX: u64 = 20_000;

/// The detection, over all endpoints.
#[derive(Debug)]
pub(crate) struct FlowViolations {
    settings: Settings,
    steps: Bounded<EndpointId, Step>,
    /// What endpoints are called.
    labels: Bounded<EndpointId, String>,
    /// The first epoch of all: sessions that may have begun before are not judged.
    since: Option<Epoch>,
}

/// An endpoint that changes something.
#[derive(Debug, Default)]
struct Step {
    /// Sessions that reached it, seen from their beginning.
    sessions: u64,
    /// Of those, how many had been at another endpoint before.
    before: Vec<(EndpointId, u64)>,
}

/// What one consumer has done since it was last quiet.
#[derive(Debug, Default)]
pub(crate) struct Session {
    last: Option<Epoch>,
    /// Its beginning was seen.
    is_whole: bool,
    visited: Vec<EndpointId>,
    /// Steps that were done without what comes before: when, and how often.
    lapses: Vec<(EndpointId, Epoch, u64)>,
}

impl FlowViolations {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, endpoints_max: u32) -> Self {
        let (steps, labels) = (Bounded::new(endpoints_max), Bounded::new(endpoints_max));
        Self { settings, steps, labels, since: None }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings, endpoints_max: u32) {
        self.settings = settings;
        self.steps.set_max(endpoints_max);
        self.labels.set_max(endpoints_max);
    }

    /// Takes what a consumer did.
    pub(crate) fn observe(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        sink: &mut impl FnMut(Finding),
    ) {
        if actor.kind == tapline_model::ConsumerKind::Address {
            return;
        }
        let since = *self.since.get_or_insert(visit.epoch);
        actor.session.begin(visit.epoch, since);
        let successes = u64::from(visit.access.outcomes.successes);
        let id = visit.endpoint();
        if successes == 0 {
            return;
        }
        let method = visit.place.endpoint.method.as_str();
        let is_step = matches!(method, "POST" | "PUT" | "PATCH" | "DELETE");
        if is_step && actor.session.is_whole {
            let missing = self.take(visit, &actor.session);
            if !missing.is_empty() {
                let lapses = actor.session.lapse(id, visit.epoch, successes);
                if self.settings.enabled && lapses >= u64::from(self.settings.violations_min) {
                    actor.report(visit.term());
                    if let Some(step) = self.steps.get(id) {
                        sink(finding(visit, actor, step, &missing, lapses));
                    }
                }
            }
        }
        if actor.session.visit(id) {
            while self.labels.make_room(id).is_some() {}
            let place = &visit.place.endpoint;
            self.labels.touch(id, visit.epoch, || format!("{} {}", place.method, place.template));
        }
    }

    /// Learns what was done before a step; what was not, although it always is: the share of sessions
    /// without it, and its name.
    fn take(&mut self, visit: &Visit<'_>, session: &Session) -> Vec<(f64, String)> {
        let id = visit.endpoint();
        while self.steps.make_room(id).is_some() {}
        let step = self.steps.touch(id, visit.epoch, Step::default);
        let settings = &self.settings;
        let mut missing = Vec::new();
        if step.sessions >= u64::from(settings.sessions_min) {
            for (before, sessions) in &step.before {
                let share = real(*sessions) / real(step.sessions);
                if share >= settings.share_min && !session.visited.contains(before) {
                    let without =
                        (real(step.sessions - sessions) + 1.0) / (real(step.sessions) + 2.0);
                    let name = self.labels.get(*before).cloned();
                    missing.push((without, name.unwrap_or_else(|| before.to_string())));
                }
            }
        }
        if !session.visited.contains(&id) {
            step.learn(session.visited.iter().copied());
        }
        missing
    }
}

impl Step {
    /// Learns from a session that reached it for the first time.
    fn learn(&mut self, visited: impl Iterator<Item = EndpointId>) {
        self.sessions += 1;
        for id in visited {
            if let Some((_, sessions)) = self.before.iter_mut().find(|(it, _)| *it == id) {
                *sessions += 1;
            } else if self.sessions == 1 || self.before.len() < BEFORE_MAX {
                self.before.push((id, 1));
            }
        }
        // What came late or seldom gives its place back.
        if self.before.len() >= BEFORE_MAX && self.sessions >= 32 {
            let sessions = self.sessions;
            self.before.retain(|&(_, count)| count * 2 >= sessions);
        }
        if self.sessions >= SESSIONS_MAX {
            self.sessions /= 2;
            self.before.iter_mut().for_each(|(_, count)| *count /= 2);
        }
    }
}

impl Session {
    fn begin(&mut self, epoch: Epoch, since: Epoch) {
        let is_over =
            self.last.is_none_or(|last| epoch.0.saturating_sub(last.0) >= SESSION_SECONDS);
        if is_over {
            // One that was not there for so long has just begun; who was may have been there before.
            self.is_whole = epoch.0.saturating_sub(since.0) >= SESSION_SECONDS;
            self.visited.clear();
        }
        self.last = Some(epoch);
    }

    /// Whether it was not here before.
    fn visit(&mut self, id: EndpointId) -> bool {
        if self.visited.contains(&id) {
            return false;
        }
        if self.visited.len() < VISITED_MAX {
            self.visited.push(id);
        } else {
            // It has been everywhere: nothing is missing for certain any more.
            self.is_whole = false;
        }
        true
    }

    /// Notes that something was missing; how often within a day.
    fn lapse(&mut self, id: EndpointId, epoch: Epoch, successes: u64) -> u64 {
        self.lapses.retain(|(_, at, _)| epoch.0.saturating_sub(at.0) < 86_400);
        if self.lapses.len() < LAPSES_MAX {
            self.lapses.push((id, epoch, successes));
        } else if let Some((_, _, count)) = self.lapses.iter_mut().find(|(it, _, _)| *it == id) {
            *count += successes;
        }
        self.lapses.iter().filter(|(it, _, _)| *it == id).map(|(_, _, count)| count).sum()
    }

    fn first_lapse(&self, id: EndpointId) -> Option<Epoch> {
        self.lapses.iter().find(|(it, _, _)| *it == id).map(|&(_, at, _)| at)
    }
}

fn finding(
    visit: &Visit<'_>,
    actor: &Actor,
    step: &Step,
    missing: &[(f64, String)],
    lapses: u64,
) -> Finding {
    let measure = |value, text| Measure { value, unit: "steps".to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let place = &visit.place.endpoint;
    let without = missing.iter().map(|&(share, _)| share).fold(1.0, f64::min);
    let first = actor.session.first_lapse(place.id).unwrap_or(visit.epoch);
    let names: Vec<&str> = missing.iter().map(|(_, name)| name.as_str()).collect();
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity: Severity::High,
        confidence: (1.0 - without).min(0.95),
        state: FindingState::Open,
        title: format!(
            "{} {} succeeded {lapses} times without what always comes before it",
            place.method, place.template
        ),
        host: visit.place.host.clone(),
        endpoint: Some(place.clone()),
        consumer: Some(visit.consumer),
        owner: None,
        client_addresses: visit.clients(),
        first_seen: first.start(),
        last_seen: visit.epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(
            0.0,
            format!(
                "of {} sessions that came here all but {:.1} % had been at {}",
                step.sessions,
                without * 100.0,
                names.join(", ")
            ),
        ),
        seen: measure(real(lapses), format!("{lapses} successes without")),
        probability: without.powi(i32::try_from(lapses.min(3)).unwrap_or(3)),
        lift: 1.0 / without,
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("missing before it", names.join(", ")),
            fact("consumer known by", actor.kind.label().to_owned()),
            fact(
                "why it is no false alarm",
                "the session was seen from its beginning, and it happened more than once"
                    .to_owned(),
            ),
        ],
    }
}
