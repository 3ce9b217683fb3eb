//! A consumer goes through objects that are not its own.

use std::borrow::Cow;

use libm::exp;
use tapline_model::{
    Evidence, Finding, FindingKind, FindingState, Key, Measure, ObjectUse, Severity, Timestamp,
};

use super::Detection;
use crate::access::{Actor, Owners, Space, SpaceUse, Standing, Visit};
use crate::bounded::Bounded;
use crate::config::ObjectEnumeration as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "object_enumeration",
    title: "A consumer goes through objects that are not its own",
    kind: FindingKind::Behaviour,
    owasp_api: &["API1:2023"],
    oat: &[],
    attack: &["T1213", "T1087"],
    settings: "behavior.object_enumeration",
    state_max: "behavior.objects_max objects with three callers each, 16 384 kinds of objects, \
                behavior.actors_max consumers with eight kinds of objects each; those quiet for \
                longest given up first",
    wrong_when: "It misses a consumer that takes fewer than foreign_min objects of others a day and \
                 does not count through their ids; objects that nobody had asked for three times \
                 before; and one identity for every few objects. It does not judge ownership for \
                 callers known by address alone. It is wrong for the first member of a new staff \
                 role on an API that is known well, and for objects that are handed over to another \
                 account.",
};

/// Kinds of objects that are known.
const SPACES_MAX: u32 = 16_384;
/// Requests of a consumer after which the standing of what it asks for says something.
const GUESS_FOREIGN: (f64, f64) = (1.0, 49.0);
/// The first guess for a role of which little is known: nobody is blamed for belonging to it.
const GUESS_ROLE: (f64, f64) = (0.5, 4.5);
/// First guess of how many new ids come next to the one before.
const GUESS_STEPS: (f64, f64) = (2.0, 18.0);
/// First guess of how many ids no answer has named.
const GUESS_UNSERVED: (f64, f64) = (2.0, 18.0);
/// Consumers and terms that tell how often ids are asked for that no answer has named.
const UNSERVED_TERMS_MIN: u64 = 50;
/// The median share in percent up to which clients are known to ask only for what was named.
const UNSERVED_MEDIAN_MAX: u64 = 10;
/// Share of private objects below which a space is public: to go through it is no trespass.
const PUBLIC_BELOW: f64 = 0.5;
/// Whoever always asks for so many times what half of the others do is no owner of anything.
const WIDE_LIFT: u64 = 10;
/// One probability proves no more than this.
const PROOF_MAX: f64 = 12.0;
/// The role of a hash that is shown.
const OBJECT_PURPOSE: u8 = 0x51;
/// Hashes in evidence.
const OBJECTS_NAMED: usize = 5;

/// The detection, over all consumers and objects.
#[derive(Debug)]
pub(crate) struct ObjectEnumeration {
    settings: Settings,
    key: Key,
    owners: Owners,
    spaces: Bounded<u64, Space>,
}

/// One thing that is odd.
#[derive(Clone, Debug)]
struct Sign {
    name: &'static str,
    ln_probability: f64,
    seen: f64,
    normal: f64,
    unit: &'static str,
    text: String,
    usual: String,
}

impl ObjectEnumeration {
    /// Nothing seen; `key` makes the hashes in evidence.
    pub(crate) fn new(settings: Settings, objects_max: u32, key: Key) -> Self {
        let owners = Owners::new(objects_max);
        Self { settings, key, owners, spaces: Bounded::new(SPACES_MAX) }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: Settings, objects_max: u32) {
        self.settings = settings;
        self.owners.set_max(objects_max);
    }

    /// Takes what a consumer asked for; whether it is reported.
    pub(crate) fn observe(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        role: u64,
        sink: &mut impl FnMut(Finding),
    ) -> bool {
        let mut touched: Vec<u64> = Vec::new();
        for used in &*in_order(visit) {
            if let Some(space) = self.take(visit, actor, role, used)
                && !touched.contains(&space)
            {
                touched.push(space);
            }
        }
        let mut is_found = false;
        for space in touched {
            if let Some(finding) = self.judge(visit, actor, role, space) {
                actor.report(visit.term());
                is_found = true;
                if self.settings.enabled {
                    sink(finding);
                }
            }
        }
        is_found && self.settings.enabled
    }

    /// Notes one object; the space it is of.
    fn take(
        &mut self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        role: u64,
        used: &ObjectUse,
    ) -> Option<u64> {
        let (space, noun) = visit.place.space(used.place)?;
        while self.spaces.make_room(space).is_some() {}
        let known = self.spaces.touch(space, visit.epoch, Space::default);
        if known.noun.is_empty() {
            noun.clone_into(&mut known.noun);
        }
        let is_success = used.outcomes.successes > 0;
        if is_success {
            known.objects.insert(used.object);
            actor.obtained.insert(used.object);
        }
        let is_provenance_known = actor.is_provenance_known();
        let was_served = actor.served.contains(used.object);
        let term = visit.term();
        let in_space = actor.space_use(space, term);
        in_space.outcomes.add(used.outcomes);
        let is_new = in_space.meet(used.object);
        if is_new {
            in_space.step(used.near, was_served);
            if is_provenance_known {
                in_space.checked += 1;
                in_space.unserved += u64::from(!was_served);
            }
        }
        if is_success {
            // A member of staff is known by its role before it has read much.
            let most = u64::from(self.settings.breadth_min)
                .max(WIDE_LIFT * known.breadth_of_all.quantile(500).max(1));
            let is_wide = in_space.is_wide(most) || (role != 0 && in_space.ever_foreign > 0);
            let standing =
                self.owners.ask((space, used.object), visit.consumer, visit.epoch, is_wide);
            if standing == Standing::Own || standing == Standing::Foreign {
                in_space.judge(used.object, standing == Standing::Foreign, term);
            }
        }
        Some(space)
    }

    /// Whether what a consumer did with the objects of a space is odd.
    fn judge(
        &self,
        visit: &Visit<'_>,
        actor: &mut Actor,
        role: u64,
        space: u64,
    ) -> Option<Finding> {
        if actor.is_crowd() {
            return None;
        }
        let known = self.spaces.get(space)?;
        let by_name = actor.kind != tapline_model::ConsumerKind::Address;
        let privacy = self.owners.privacy(space);
        let is_known = privacy.known >= u64::from(self.settings.objects_min);
        let is_public = is_known && real(privacy.own) < PUBLIC_BELOW * real(privacy.known);
        if is_public || (!is_known && !by_name) {
            // To go through what everybody may see is no trespass.
            return None;
        }
        let in_space = actor.uses.iter_mut().find(|(key, _)| *key == space).map(|(_, it)| it)?;
        let mut signs: Vec<Sign> = Vec::new();
        signs.extend(self.stepping(known, in_space));
        if by_name {
            signs.extend(self.trespass(known, in_space, role, space));
        }
        if is_known {
            signs.extend(self.guessing(known, in_space, role));
            signs.extend(self.breadth(known, in_space, role));
        }
        if signs.is_empty() {
            return None;
        }
        in_space.case.get_or_insert_with(|| Box::new((visit.epoch, visit.place.endpoint.clone())));
        Some(self.finding(visit, in_space, known, &signs))
    }

    /// It counts through ids.
    fn stepping(&self, known: &Space, used: &SpaceUse) -> Option<Sign> {
        let share = real(used.small_steps) / real(used.steps.max(1));
        if used.steps < u64::from(self.settings.steps_min) || share < self.settings.steps_share_min
        {
            return None;
        }
        let ln_probability =
            known.small_steps.ln_at_least(used.small_steps, used.steps, GUESS_STEPS);
        let usual = known.small_steps.share(GUESS_STEPS);
        (exp(ln_probability) <= self.settings.probability_max).then(|| Sign {
            name: "counting",
            ln_probability,
            seen: share,
            normal: usual,
            unit: "ratio",
            text: format!(
                "{} of {} new ids were next to the one before, and no answer had named them",
                used.small_steps,
                used.steps + 1
            ),
            usual: format!("of others {:.1} % are", usual * 100.0),
        })
    }

    /// It got objects of others.
    fn trespass(&self, known: &Space, used: &SpaceUse, role: u64, space: u64) -> Option<Sign> {
        let privacy = self.owners.privacy(space);
        let index = real(privacy.own) / real(privacy.known.max(1));
        let foreign = used.foreign();
        if privacy.known < u64::from(self.settings.objects_min)
            || index < self.settings.privacy_min
            || foreign < u64::from(self.settings.foreign_min)
        {
            return None;
        }
        let habit = known.foreign(role);
        let guess = if role == 0 { GUESS_FOREIGN } else { GUESS_ROLE };
        let ln_probability = habit.ln_at_least(foreign, used.judged(), guess);
        let usual = habit.share(guess);
        (exp(ln_probability) <= self.settings.probability_max).then(|| Sign {
            name: "objects of others",
            ln_probability,
            seen: real(foreign),
            normal: usual * real(used.judged()),
            unit: "objects",
            text: format!(
                "{foreign} of {} objects that it got within a day belong to others",
                used.judged()
            ),
            usual: format!(
                "{:.1} % of {} objects have at most two callers; its peers get {:.2} % foreign ones",
                index * 100.0,
                privacy.known,
                usual * 100.0
            ),
        })
    }

    /// It asks for ids that no answer has named.
    fn guessing(&self, known: &Space, used: &SpaceUse, role: u64) -> Option<Sign> {
        let share = real(used.unserved) / real(used.checked.max(1));
        if used.checked < u64::from(self.settings.steps_min)
            || share < self.settings.unserved_share_min
            || known.unserved_percent.total() < UNSERVED_TERMS_MIN
            || known.unserved_percent.quantile(500) > UNSERVED_MEDIAN_MAX
            || used.usual.covers(used.objects.distinct())
        {
            return None;
        }
        let habit = known.unserved(role);
        let guess = if role == 0 { GUESS_UNSERVED } else { GUESS_ROLE };
        let ln_probability = habit.ln_at_least(used.unserved, used.checked, guess);
        let usual = habit.share(guess);
        (exp(ln_probability) <= self.settings.probability_max).then(|| Sign {
            name: "ids that no answer named",
            ln_probability,
            seen: share,
            normal: usual,
            unit: "ratio",
            text: format!("{} of {} ids were in no answer it got", used.unserved, used.checked),
            usual: format!("of its peers' {:.1} % are", usual * 100.0),
        })
    }

    /// It asks for many.
    fn breadth(&self, known: &Space, used: &SpaceUse, role: u64) -> Option<Sign> {
        let objects = used.objects.distinct();
        let population = known.breadth(role);
        let most = population.quantile(999);
        if objects < u64::from(self.settings.breadth_min)
            || population.total() < crate::access::POPULATION_MIN
            || real(objects) < self.settings.lift_min * real(most)
            || used.usual.covers(objects)
        {
            return None;
        }
        let ln_probability = population.ln_at_least(objects);
        (exp(ln_probability) <= self.settings.probability_max).then(|| Sign {
            name: "many objects",
            ln_probability,
            seen: real(objects),
            normal: real(population.quantile(500)),
            unit: "objects",
            text: format!("{objects} distinct objects within the hour"),
            usual: format!(
                "half of {} consumers and hours had at most {}, 999 of 1000 at most {most}",
                population.total(),
                population.quantile(500)
            ),
        })
    }

    fn finding(
        &self,
        visit: &Visit<'_>,
        used: &SpaceUse,
        known: &Space,
        signs: &[Sign],
    ) -> Finding {
        let score: f64 = signs.iter().map(Sign::proof).sum();
        // Whose objects they are says most of what happened.
        let lead = signs.iter().rev().max_by(|one, other| one.weight().total_cmp(&other.weight()));
        let (seen, normal, unit, text, usual) = lead.map_or_else(Default::default, |lead| {
            (lead.seen, lead.normal, lead.unit, lead.text.clone(), lead.usual.clone())
        });
        let least = signs.iter().map(|sign| sign.ln_probability).fold(0.0, f64::min);
        let things = if known.noun.is_empty() { "objects" } else { &known.noun };
        let (since, endpoint) = used.case.as_deref().cloned().map_or_else(
            || (visit.epoch, visit.place.endpoint.clone()),
            |(since, endpoint)| (since, endpoint),
        );
        let measure = |value, text| Measure { value, unit: unit.to_owned(), text };
        Finding {
            id: String::new(),
            detection: DETECTION.id.to_owned(),
            kind: DETECTION.kind,
            severity: severity(used, signs, score),
            confidence: (0.5 + score / 50.0).min(0.98),
            state: FindingState::Open,
            title: format!("{things}: {text}"),
            host: visit.place.host.clone(),
            endpoint: Some(endpoint),
            consumer: Some(visit.consumer),
            owner: None,
            client_addresses: visit.clients(),
            first_seen: since.start(),
            last_seen: visit.epoch.start(),
            found_at: Timestamp::ZERO,
            normal: measure(normal, usual),
            seen: measure(seen, text),
            probability: exp(least),
            lift: seen / normal.max(1e-3),
            mappings: DETECTION.mappings(),
            evidence: self.evidence(used, known, signs, score),
        }
    }

    fn evidence(
        &self,
        used: &SpaceUse,
        known: &Space,
        signs: &[Sign],
        score: f64,
    ) -> Vec<Evidence> {
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        let mut evidence: Vec<Evidence> = signs
            .iter()
            .map(|sign| fact(sign.name, format!("{}; {}", sign.text, sign.usual)))
            .collect();
        let outcomes = used.outcomes;
        evidence.push(fact(
            "outcomes this hour",
            format!(
                "{} successes, {} refused, {} not found",
                outcomes.successes, outcomes.refusals, outcomes.misses
            ),
        ));
        let named: Vec<String> = used
            .foreign_objects()
            .take(OBJECTS_NAMED)
            .map(|it| {
                format!("{:08x}", self.key.secret_hash(OBJECT_PURPOSE, &it.to_be_bytes()) >> 32)
            })
            .collect();
        if !named.is_empty() {
            evidence.push(fact("hashes of objects of others", named.join(", ")));
        }
        evidence.push(fact("score", format!("{score:.1}")));
        evidence.push(fact(
            "why it is no false alarm",
            format!(
                "judged by its peers, not by itself; {} kinds of signs of 4; learned from {} \
                 consumers and hours",
                signs.len(),
                known.breadth_of_all.total()
            ),
        ));
        evidence
    }

    /// A term is over for a consumer: what it did teaches, unless it is suspected.
    pub(crate) fn teach(&mut self, actor: &mut Actor, role: u64, day: u64, is_suspect: bool) {
        for (space, used) in &mut actor.uses {
            let objects = used.objects.distinct();
            let Some(known) = self.spaces.get_mut(*space).filter(|_| objects > 0) else { continue };
            let is_early = known.breadth_of_all.total() < crate::access::POPULATION_MIN;
            let is_usual_for_it = !is_early && used.usual.covers(objects);
            used.usual.learn(objects, is_early);
            if is_suspect || !used.teaches(day) {
                continue;
            }
            // Whoever always takes much is judged by itself, and says nothing of the others.
            let is_giant = known.breadth(role).ln_at_least(objects) < -11.5;
            if !(is_giant && (is_usual_for_it || !is_early)) {
                known.learn_breadth(role, objects);
            }
            known.small_steps.learn(used.small_steps, used.steps);
            known.learn_unserved(role, used.unserved, used.checked);
            known.learn_foreign(role, used.foreign(), used.judged());
        }
    }

    /// Objects whose callers were forgotten for want of room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.owners.evicted()
    }

    /// A day is over.
    pub(crate) fn age(&mut self) {
        for (_, space) in self.spaces.iter_mut() {
            space.age();
        }
    }
}

impl Sign {
    /// In powers of ten.
    fn proof(&self) -> f64 {
        (-self.ln_probability / std::f64::consts::LN_10).clamp(0.0, PROOF_MAX)
    }

    /// What leads the finding: trespass, then counting.
    fn weight(&self) -> f64 {
        let rank = match self.name {
            "objects of others" => 300.0,
            "counting" => 200.0,
            "ids that no answer named" => 100.0,
            _ => 0.0,
        };
        rank + self.proof()
    }
}

/// What it got counts more than what it tried.
fn severity(used: &SpaceUse, signs: &[Sign], score: f64) -> Severity {
    let successes = u64::from(used.outcomes.successes);
    let is_trespass = signs.iter().any(|sign| sign.name == "objects of others");
    let is_more_than_many = signs.iter().any(|sign| sign.name != "many objects");
    let was_probing = used.outcomes.refusals + used.outcomes.misses >= 10;
    if is_trespass && successes >= 20 && (score >= 20.0 || was_probing) {
        Severity::Critical
    } else if is_trespass || (is_more_than_many && successes >= 5) {
        Severity::High
    } else {
        Severity::Medium
    }
}

/// The objects of a visit in the order in which they were asked for, those that the route spells
/// among them.
fn in_order<'a>(visit: &Visit<'a>) -> Cow<'a, [ObjectUse]> {
    let asked = visit.access.objects;
    if visit.place.spelled.is_empty() {
        return Cow::Borrowed(asked);
    }
    let mut all = asked.to_vec();
    all.extend(visit.place.spelled.iter().map(|&(place, object)| ObjectUse {
        object,
        place,
        near: tapline_model::Near::default(),
        first_at: visit.access.first_at,
        outcomes: visit.access.outcomes,
    }));
    all.sort_by_key(|used| (used.first_at, used.place, used.object));
    Cow::Owned(all)
}
