//! A consumer takes out far more than it, or anybody like it, ever does.

use hashbrown::HashSet;
use libm::exp;
use tapline_model::{
    DataPlace, EndpointId, Epoch, Evidence, Finding, FindingKind, FindingState, Measure, Severity,
    Sighting, Timestamp,
};
use tapline_sketch::HeavyTail;

use super::Detection;
use crate::access::{Actor, POPULATION_MIN, Usual, Visit};
use crate::config::Exfiltration as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "exfiltration",
    title: "A consumer takes out far more than usual",
    kind: FindingKind::Behaviour,
    owasp_api: &["API3:2023", "API6:2023"],
    oat: &["OAT-011"],
    attack: &["T1567", "T1030"],
    settings: "behavior.exfiltration",
    state_max: "65 536 endpoints with personal data, 64 roles with two histograms each; \
                behavior.actors_max consumers",
    wrong_when: "It misses what is taken slowly enough to stay below bytes_min and records_min an \
                 hour, and records in answers that were not looked into. It is wrong for a backup or \
                 an export that is new: after a day it is usual, or its network is named in \
                 behavior.allowed_clients.",
};

/// Endpoints with personal data.
const PERSONAL_MAX: usize = 65_536;
/// Roles that are told apart.
const ROLES_MAX: usize = 64;
/// Bytes of a unit in which volumes are compared.
const UNIT_BYTES: u64 = 1_024;

/// The detection, over all consumers.
#[derive(Debug)]
pub(crate) struct Exfiltration {
    settings: Settings,
    personal: HashSet<EndpointId>,
    of_all: Taken,
    roles: Vec<(u64, Taken)>,
}

/// What consumers take in a term.
#[derive(Debug, Default)]
struct Taken {
    /// In [`UNIT_BYTES`].
    units: HeavyTail,
    /// Records from endpoints with personal data.
    records: HeavyTail,
}

/// What one consumer takes.
#[derive(Debug, Default)]
pub(crate) struct Volume {
    bytes: u64,
    records: u64,
    usual_units: Usual,
    usual_records: Usual,
    since: Option<Epoch>,
}

impl Volume {
    /// A term is over.
    pub(crate) const fn end_term(&mut self) {
        self.bytes = 0;
        self.records = 0;
        self.since = None;
    }
}

/// One of the two, judged.
struct Excess {
    what: &'static str,
    unit: &'static str,
    taken: u64,
    median: u64,
    p99: u64,
    terms: u64,
    before: u64,
    ln_probability: f64,
}

impl Exfiltration {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings) -> Self {
        let (personal, of_all, roles) = (HashSet::new(), Taken::default(), Vec::new());
        Self { settings, personal, of_all, roles }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Notes which endpoints give personal data.
    pub(crate) fn sight(&mut self, sightings: &[Sighting]) {
        for sighting in sightings {
            let is_personal = sighting.place == DataPlace::Response && sighting.class.is_personal();
            if is_personal && self.personal.len() < PERSONAL_MAX {
                self.personal.insert(sighting.endpoint.id);
            }
        }
    }

    /// Takes what a consumer got.
    pub(crate) fn observe(
        &self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        role: u64,
        sink: &mut impl FnMut(Finding),
    ) {
        let volume = &mut actor.volume;
        volume.bytes += visit.access.response_bytes;
        if self.personal.contains(&visit.endpoint()) {
            volume.records += visit.access.records;
        }
        if !self.settings.enabled || actor.is_crowd() {
            return;
        }
        let excess = self.bytes(&actor.volume, role).or_else(|| self.records(&actor.volume, role));
        if let Some(excess) = excess {
            let since = *actor.volume.since.get_or_insert(visit.epoch);
            actor.report(visit.term());
            sink(finding(visit, actor, &excess, since));
        }
    }

    fn bytes(&self, volume: &Volume, role: u64) -> Option<Excess> {
        let units = volume.bytes / UNIT_BYTES;
        let floor = u64::from(self.settings.megabytes_min) * 1_000_000;
        if volume.bytes < floor || volume.usual_units.covers(units) {
            return None;
        }
        let tail = self.peers(role, |taken| &taken.units)?;
        self.excess(("of answers", "kilobytes/hour"), units, volume.usual_units, tail)
    }

    fn records(&self, volume: &Volume, role: u64) -> Option<Excess> {
        let records = volume.records;
        if records < u64::from(self.settings.records_min) || volume.usual_records.covers(records) {
            return None;
        }
        let tail = self.peers(role, |taken| &taken.records)?;
        self.excess(("with personal data", "records/hour"), records, volume.usual_records, tail)
    }

    fn excess(
        &self,
        (what, unit): (&'static str, &'static str),
        taken: u64,
        usual: Usual,
        tail: &HeavyTail,
    ) -> Option<Excess> {
        let p99 = tail.quantile(990);
        let ln_probability = tail.ln_at_least(taken);
        let is_excess = real(taken) >= self.settings.lift_min * real(p99.max(1))
            && exp(ln_probability) <= self.settings.probability_max;
        is_excess.then(|| Excess {
            what,
            unit,
            taken,
            median: tail.quantile(500),
            p99,
            terms: tail.total(),
            before: usual.most(),
            ln_probability,
        })
    }

    /// Those of a role if it is known well, else all.
    fn peers(&self, role: u64, of: impl Fn(&Taken) -> &HeavyTail) -> Option<&HeavyTail> {
        let of_role = self.roles.iter().find(|(key, _)| *key == role).map(|(_, taken)| of(taken));
        let known = of_role.filter(|tail| tail.total() >= POPULATION_MIN);
        known.or_else(|| Some(of(&self.of_all)).filter(|tail| tail.total() >= POPULATION_MIN))
    }

    /// A term is over for a consumer.
    pub(crate) fn teach(&mut self, actor: &mut Actor, role: u64, is_lesson: bool) {
        let volume = &mut actor.volume;
        if volume.bytes == 0 {
            return;
        }
        let (units, records) = (volume.bytes / UNIT_BYTES, volume.records);
        let is_early = self.of_all.units.total() < POPULATION_MIN;
        volume.usual_units.learn(units, is_early);
        volume.usual_records.learn(records, is_early);
        let is_giant = !is_early && self.of_all.units.ln_at_least(units) < -11.5;
        if !is_lesson {
            return;
        }
        if !is_giant {
            self.of_all.learn(units, records);
        }
        if !self.roles.iter().any(|(key, _)| *key == role) && self.roles.len() < ROLES_MAX {
            self.roles.push((role, Taken::default()));
        }
        if let Some((_, taken)) = self.roles.iter_mut().find(|(key, _)| *key == role)
            && !(is_giant && role == 0)
        {
            taken.learn(units, records);
        }
    }

    /// A day is over.
    pub(crate) fn age(&mut self) {
        self.of_all.age();
        self.roles.iter_mut().for_each(|(_, taken)| taken.age());
    }
}

impl Taken {
    fn learn(&mut self, units: u64, records: u64) {
        self.units.learn(units);
        self.records.learn(records);
    }

    fn age(&mut self) {
        self.units.age();
        self.records.age();
    }
}

fn finding(visit: &Visit<'_>, actor: &Actor, excess: &Excess, since: Epoch) -> Finding {
    let Excess { what, unit, taken, median, p99, terms, before, ln_probability } = *excess;
    let measure = |value, text| Measure { value, unit: unit.to_owned(), text };
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let lift = real(taken) / real(p99.max(1));
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity: Severity::High,
        confidence: 0.8,
        state: FindingState::Open,
        title: format!("{taken} {unit} {what}, {lift:.0} times what 99 of 100 consumers take"),
        host: visit.place.host.clone(),
        endpoint: None,
        consumer: Some(visit.consumer),
        owner: None,
        client_addresses: visit.clients(),
        first_seen: since.start(),
        last_seen: visit.epoch.start(),
        found_at: Timestamp::ZERO,
        normal: measure(
            real(p99),
            format!(
                "half of {terms} consumers and hours took at most {median}, 99 of 100 at most {p99}"
            ),
        ),
        seen: measure(real(taken), format!("{taken} {unit} {what} in this hour so far")),
        probability: exp(ln_probability),
        lift,
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("bytes this hour", actor.volume.bytes.to_string()),
            fact("records with personal data this hour", actor.volume.records.to_string()),
            fact("most before", format!("{before} {unit}")),
            fact("consumer known by", actor.kind.label().to_owned()),
            fact(
                "why it is no false alarm",
                "more than twice what it ever took, and far beyond its peers".to_owned(),
            ),
        ],
    }
}
