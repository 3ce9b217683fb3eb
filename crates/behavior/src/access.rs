//! What consumers do with objects, functions and flows: the state that the detections on them share.
//!
//! Everybody is counted in shared sketches; whoever has credentials, or calls often, is followed in a
//! slot of a table. Counts are kept by whole hours of capture time (a *term*): at the end of each,
//! those who did nothing odd in it teach what is normal.

mod actor;
mod named;
mod owners;
mod prominence;
mod space;
mod usual;

use std::net::IpAddr;

use tapline_model::{
    Access, AccessKey, BehaviorStats, ConsumerDelta, ConsumerKey, Delta, EndpointId, Epoch,
    Finding, Key, Network, Sighting,
};

pub(crate) use self::actor::{Actor, SpaceUse};
pub(crate) use self::named::Named;
pub(crate) use self::owners::{Owners, Standing};
pub(crate) use self::space::{POPULATION_MIN, Space};
pub(crate) use self::usual::Usual;

use self::named::Names;
use self::prominence::Prominence;
use crate::Config;
use crate::bounded::Bounded;
use crate::detection::exfiltration::Exfiltration;
use crate::detection::flow_violation::FlowViolations;
use crate::detection::function_level_authorization::Guards;
use crate::detection::mass_assignment::MassAssignment;
use crate::detection::object_enumeration::ObjectEnumeration;
use crate::detection::resource_exhaustion::ResourceExhaustion;
use crate::detection::scraping::Scraping;
use crate::endpoint_epoch::EndpointEpoch;

/// Seconds of a term.
pub(crate) const TERM_SECONDS: u64 = 3_600;
/// Terms of a day.
pub(crate) const DAY_TERMS: u64 = 24;

/// One consumer at one endpoint in one epoch.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(crate) epoch: Epoch,
    pub(crate) consumer: ConsumerKey,
    /// Where from; none if the table of consumers was full.
    pub(crate) caller: Option<&'a ConsumerDelta>,
    pub(crate) place: &'a Named,
    pub(crate) access: Access<'a>,
}

impl Visit<'_> {
    /// The term it lies in.
    pub(crate) const fn term(&self) -> u64 {
        self.epoch.0 / TERM_SECONDS
    }

    /// The endpoint.
    pub(crate) const fn endpoint(&self) -> EndpointId {
        self.place.endpoint.id
    }

    /// Where it came from in this epoch.
    pub(crate) fn clients(&self) -> Vec<IpAddr> {
        self.caller.map(|caller| caller.clients.iter().copied().collect()).unwrap_or_default()
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Accesses {
    term: Option<u64>,
    prominence: Prominence,
    actors: Bounded<ConsumerKey, Actor>,
    /// References to objects that found no room.
    left_out: u64,
    names: Names,
    allowed: Vec<Network>,
    enumeration: ObjectEnumeration,
    guards: Guards,
    scraping: Scraping,
    exfiltration: Exfiltration,
    exhaustion: ResourceExhaustion,
    flows: FlowViolations,
    mass_assignment: MassAssignment,
}

impl Accesses {
    /// Nothing seen.
    pub(crate) fn new(config: &Config, key: Key) -> Self {
        let endpoints_max = config.baselines_max;
        Self {
            term: None,
            prominence: Prominence::new(),
            actors: Bounded::new(config.actors_max),
            left_out: 0,
            names: Names::new(key.clone()),
            allowed: config.allowed_clients.clone(),
            enumeration: ObjectEnumeration::new(
                config.object_enumeration.clone(),
                config.objects_max,
                key.clone(),
            ),
            guards: Guards::new(config.function_level_authorization.clone(), endpoints_max),
            scraping: Scraping::new(config.scraping.clone()),
            exfiltration: Exfiltration::new(config.exfiltration.clone()),
            exhaustion: ResourceExhaustion::new(config.resource_exhaustion.clone(), endpoints_max),
            flows: FlowViolations::new(config.flow_violation.clone(), endpoints_max),
            mass_assignment: MassAssignment::new(
                config.mass_assignment.clone(),
                endpoints_max,
                key,
            ),
        }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, config: &Config) {
        let endpoints_max = config.baselines_max;
        self.actors.set_max(config.actors_max);
        self.allowed.clone_from(&config.allowed_clients);
        self.enumeration.reconfigure(config.object_enumeration.clone(), config.objects_max);
        self.guards.reconfigure(config.function_level_authorization.clone(), endpoints_max);
        self.scraping.reconfigure(config.scraping.clone());
        self.exfiltration.reconfigure(config.exfiltration.clone());
        self.exhaustion.reconfigure(config.resource_exhaustion.clone(), endpoints_max);
        self.flows.reconfigure(config.flow_violation.clone(), endpoints_max);
        self.mass_assignment.reconfigure(config.mass_assignment.clone(), endpoints_max);
    }

    /// Takes the sensitive data that was sighted: which endpoints give personal data.
    pub(crate) fn sight(&mut self, sightings: &[Sighting]) {
        self.exfiltration.sight(sightings);
    }

    /// Takes a sealed epoch, and the endpoints that were touched in it.
    pub(crate) fn observe<'a>(
        &mut self,
        epoch: Epoch,
        delta: &Delta,
        touched: impl Iterator<Item = &'a EndpointEpoch> + Clone,
        sink: &mut impl FnMut(Finding),
    ) {
        self.end_terms(epoch);
        for did in touched.clone() {
            self.mass_assignment.observe(epoch, delta, did, sink);
        }
        if delta.accesses.is_empty() {
            return;
        }
        self.names.read(delta, touched);
        let mut visits: Vec<(AccessKey, Access<'_>)> = delta.accesses.iter().collect();
        self.left_out += visits.iter().map(|(_, access)| access.left_out()).sum::<u64>();
        for group in visits.chunk_by_mut(|(one, _), (other, _)| one.consumer == other.consumer) {
            // Within a second each consumer's visits are taken in the order in which they began.
            group.sort_unstable_by_key(|(key, access)| (access.first_at, key.route));
            self.follow(epoch, delta, group, sink);
        }
    }

    /// What one consumer did in this epoch.
    fn follow(
        &mut self,
        epoch: Epoch,
        delta: &Delta,
        visits: &[(AccessKey, Access<'_>)],
        sink: &mut impl FnMut(Finding),
    ) {
        let Some(((first, access), _)) = visits.split_first() else { return };
        let consumer = first.consumer();
        let caller = delta.consumers.get(&consumer);
        if self.is_allowed(caller) {
            return;
        }
        let requests: u64 = visits.iter().map(|(_, access)| access.outcomes.total()).sum();
        let is_known = self.actors.get(consumer).is_some();
        if !is_known && !self.prominence.promotes(consumer, access.kind, requests, epoch) {
            return;
        }
        while self.actors.make_room(consumer).is_some() {}
        let actor = self.actors.touch(consumer, epoch, || Actor::new(access.kind, epoch));
        actor.note_caller(caller);
        for &(key, access) in visits {
            let Some(place) = self.names.get(key.route) else { continue };
            let visit = Visit { epoch, consumer, caller, place, access };
            actor.begin_visit(&visit);
            self.flows.observe(&visit, actor, sink);
            self.guards.observe(&visit, actor, sink);
            let role = self.guards.role_in(actor, visit.term());
            let found = self.enumeration.observe(&visit, actor, role, sink);
            self.exhaustion.observe(&visit, actor, sink);
            self.exfiltration.observe(&visit, actor, role, sink);
            self.scraping.observe(&visit, actor, found, sink);
            actor.end_visit(&visit);
        }
    }

    fn is_allowed(&self, caller: Option<&ConsumerDelta>) -> bool {
        if self.allowed.is_empty() {
            return false;
        }
        let is_in = |client: &IpAddr| self.allowed.iter().any(|net| net.contains(*client));
        caller.is_some_and(|caller| !caller.clients.is_empty() && caller.clients.iter().all(is_in))
    }

    /// Ends every term before that of `epoch`. Those between had nothing in them.
    fn end_terms(&mut self, epoch: Epoch) {
        let now = epoch.0 / TERM_SECONDS;
        let Some(term) = self.term.replace(now).filter(|&term| term < now) else { return };
        self.guards.begin_term();
        let Self { actors, guards, enumeration, scraping, exfiltration, .. } = self;
        // In the order of their keys, for what finds a table full depends on it.
        let mut all: Vec<(ConsumerKey, &mut Actor)> = actors.iter_mut().collect();
        all.sort_unstable_by_key(|&(key, _)| key);
        for (_, actor) in &all {
            guards.learn_role(actor);
        }
        for (_, actor) in all {
            let role = guards.role_of(actor);
            let is_suspect = actor.is_suspect(term);
            let day = term / DAY_TERMS;
            enumeration.teach(actor, role, day, is_suspect);
            // A consumer teaches once a day, whatever it does in how many hours: so a few that take
            // much all day are a few.
            let is_lesson = actor.has_acted() && actor.teaches(day) && !is_suspect;
            scraping.teach(actor, is_lesson);
            exfiltration.teach(actor, role, is_lesson);
            actor.end_term(now);
        }
        if now / DAY_TERMS != term / DAY_TERMS {
            enumeration.age();
            scraping.age();
            exfiltration.age();
        }
    }

    /// Consumers followed, and what found no room.
    pub(crate) fn stats(&self) -> BehaviorStats {
        BehaviorStats {
            actors_active: self.actors.len(),
            actors_evicted: self.actors.evicted(),
            objects_evicted: self.enumeration.evicted(),
            references_left_out: self.left_out,
            ..BehaviorStats::default()
        }
    }
}
