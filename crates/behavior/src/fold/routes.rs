//! What each route saw in this epoch.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use tapline_model::{
    AuthSet, Fact, FactSet, Gate, Observation, Outcome, RouteDelta, RouteHasher, RouteKey,
};
use tapline_sketch::{Buckets, Kmv};

use super::admission::{Place, Quota};
use super::content::{Content, Parameters};
use super::tally::Tally;

/// Media types of one route, direction and shard in one epoch.
pub(super) const MEDIA_MAX: u16 = 16;
/// Status codes of one route and shard in one epoch.
pub(super) const STATUSES_MAX: u16 = 64;
/// Ways to authenticate, and what became of them: more than there are.
const AUTH_MAX: u16 = 1_024;

/// One route; it stays when an epoch ends.
#[derive(Debug)]
pub(super) struct Route {
    key: RouteKey,
    /// None while it was not seen in this epoch.
    shards: u64,
    /// Where its host was found.
    pub(super) host: Option<usize>,
    /// But for what follows.
    delta: RouteDelta,
    statuses: Tally<u16>,
    auth: Tally<(AuthSet, Outcome)>,
    facts: Facts,
    request_media: Tally<CompactString>,
    response_media: Tally<CompactString>,
    content: Content,
}

impl Route {
    fn new(observation: &Observation) -> Self {
        Self {
            key: observation.route,
            shards: 0,
            host: None,
            delta: RouteDelta::new(Arc::clone(&observation.name)),
            statuses: Tally::new(STATUSES_MAX),
            auth: Tally::new(AUTH_MAX),
            facts: Facts::default(),
            request_media: Tally::new(MEDIA_MAX),
            response_media: Tally::new(MEDIA_MAX),
            content: Content::default(),
        }
    }

    /// Adds one transaction; whether all of it found room.
    pub(super) fn observe(
        &mut self,
        observation: &Observation,
        place: Place,
        parameters: &mut Parameters,
        known: impl Fn() -> bool,
    ) -> bool {
        count_request(&mut self.delta, observation);
        self.auth.count(&(observation.auth, Outcome::of(observation.status)), place);
        self.facts.count(observation.facts);
        let counted = self.statuses.count(&observation.status.unwrap_or(0), place);
        // Nobody asks what a path answers that is none.
        let is_asked = |status: u16| status < 400 || known();
        if observation.bodies_read && observation.status.is_some_and(is_asked) {
            self.delta.learn_fields(observation);
        }
        // What a server refuses says nothing about what it takes.
        let taught = observation.status.is_none_or(|status| status >= 400)
            || self.learn_content(observation, place, parameters);
        counted && taught
    }

    /// Media types and parameters; whether all found room.
    fn learn_content(
        &mut self,
        seen: &Observation,
        place: Place,
        parameters: &mut Parameters,
    ) -> bool {
        let mut whole =
            seen.request_media.is_empty() || self.request_media.count(&seen.request_media, place);
        whole &= seen.response_media.is_empty()
            || self.response_media.count(&seen.response_media, place);
        for set in &seen.parameters {
            whole &= self.content.learn(set, place, parameters);
        }
        whole
    }

    /// Knows of every parameter which shards have admitted it.
    fn be_exact(&mut self, parameters: &mut Parameters) {
        if self.shards != 0 {
            self.content.be_exact();
            self.content.count(parameters);
        }
    }

    fn settle(&mut self, parameters: &mut Parameters) -> RouteDelta {
        self.shards = 0;
        let mut next = RouteDelta::new(Arc::clone(&self.delta.name));
        next.request_bytes = Buckets::like(&self.delta.request_bytes);
        next.response_bytes = Buckets::like(&self.delta.response_bytes);
        next.latency_us = Buckets::like(&self.delta.latency_us);
        next.consumers = Kmv::like(&self.delta.consumers);
        let mut delta = std::mem::replace(&mut self.delta, next);
        delta.bound();
        delta.statuses = self.statuses.take();
        delta.auth = self.auth.take();
        delta.facts = self.facts.take();
        delta.request_media = self.request_media.take();
        delta.response_media = self.response_media.take();
        delta.parameters = self.content.take(parameters);
        delta
    }
}

fn count_request(route: &mut RouteDelta, observation: &Observation) {
    route.first_seen = route.first_seen.min(observation.started_at);
    route.last_seen = route.last_seen.max(observation.started_at);
    route.requests += 1;
    route.places.count(observation.client_place);
    match observation.gate {
        Gate::Learn => {
            route.learnable += 1;
            if let Some(target) = observation.redirect_hash {
                route.count_redirect(target);
            }
        }
        Gate::Candidate => route.refused += 1,
        Gate::MatchOnly => {}
    }
    route.request_bytes.record(observation.request_bytes);
    route.response_bytes.record(observation.response_bytes);
    if let Some(latency_ns) = observation.latency_ns {
        route.latency_us.record(latency_ns / 1_000);
    }
    if let Some(origin) = observation.reflected_origin {
        route.add_reflected_origin(origin);
    }
    route.consumers.insert(observation.consumer.key.0);
    if observation.status.is_some_and(|status| (500..600).contains(&status)) {
        route.count_error_client(observation.client);
    }
}

/// Facts of one epoch, counted. There are so few that none needs to be admitted.
#[derive(Debug)]
pub(super) struct Facts {
    counts: [u32; Fact::ALL.len()],
    seen: FactSet,
}

impl Default for Facts {
    fn default() -> Self {
        Self { counts: [0; Fact::ALL.len()], seen: FactSet::EMPTY }
    }
}

impl Facts {
    /// Counts those of one transaction.
    pub(super) fn count(&mut self, facts: FactSet) {
        self.seen.extend(facts);
        for place in facts.places() {
            if let Some(count) = self.counts.get_mut(place) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Hands over the counts and begins anew.
    pub(super) fn take(&mut self) -> BTreeMap<Fact, u64> {
        let seen = std::mem::take(&mut self.seen);
        let places = seen.iter().zip(seen.places());
        places
            .filter_map(|(fact, place)| {
                Some((fact, std::mem::take(self.counts.get_mut(place)?).into()))
            })
            .collect()
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Routes {
    all: Vec<Route>,
    by_key: HashMap<RouteKey, usize, BuildHasherDefault<RouteHasher>>,
    /// Those of this epoch.
    seen: Vec<usize>,
    /// Of those that no endpoint has.
    quota: Quota,
}

impl Routes {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self {
            all: Vec::new(),
            by_key: HashMap::default(),
            seen: Vec::new(),
            quota: Quota::part_of(total),
        }
    }

    /// Where a route lies, and which shards have admitted it.
    pub(super) fn find(&self, route: RouteKey) -> Option<(usize, u64)> {
        let at = *self.by_key.get(&route)?;
        Some((at, self.all.get(at)?.shards))
    }

    /// The route of an observation, which was found there, if the shard has room for it; `known` says
    /// whether an endpoint has it.
    pub(super) fn admit(
        &mut self,
        found: Option<(usize, u64)>,
        observation: &Observation,
        place: Place,
        known: impl Fn() -> bool,
    ) -> Option<&mut Route> {
        let Self { all, by_key, seen, quota } = self;
        if let Some((at, shards)) = found
            && place.is_in(shards)
        {
            return all.get_mut(at);
        }
        if !known() && !quota.take(place) {
            return None;
        }
        let at = found.map_or(all.len(), |(at, _)| at);
        if found.is_none() {
            by_key.insert(observation.route, at);
            all.push(Route::new(observation));
        }
        let route = all.get_mut(at)?;
        if route.shards == 0 {
            seen.push(at);
        }
        place.join(&mut route.shards);
        Some(route)
    }

    /// Knows of every parameter which shards have admitted it, and how many each of them has.
    #[cold]
    pub(super) fn be_exact(&mut self, parameters: &mut Parameters) {
        parameters.be_exact();
        for &at in &self.seen {
            if let Some(route) = self.all.get_mut(at) {
                route.be_exact(parameters);
            }
        }
    }

    /// How many are remembered.
    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all names.
    pub(super) fn clear(&mut self) {
        self.all = Vec::new();
        self.by_key = HashMap::default();
        self.seen = Vec::new();
    }

    /// Hands over what they saw and begins anew.
    pub(super) fn seal(&mut self, parameters: &mut Parameters) -> BTreeMap<RouteKey, RouteDelta> {
        let Self { all, seen, quota, .. } = self;
        quota.clear();
        let settle = |at: usize| {
            let route = all.get_mut(at)?;
            Some((route.key, route.settle(parameters)))
        };
        seen.drain(..).filter_map(settle).collect()
    }
}
