//! What each consumer did in this epoch.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;
use std::net::IpAddr;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use smallvec::SmallVec;
use tapline_model::{
    ConsumerDelta, ConsumerKey, ConsumerKind, Holder, Observation, RouteHasher, Timestamp,
};

use super::admission::{Place, Quota};

/// What one consumer did. Most call from one address and go nowhere wrong.
#[derive(Debug)]
pub(super) struct Consumer {
    shards: u64,
    kind: ConsumerKind,
    last_seen: Timestamp,
    requests: u64,
    client_errors: u64,
    /// The smallest ones, ascending.
    clients: SmallVec<[IpAddr; 1]>,
    /// The smallest ones, ascending.
    agents: SmallVec<[u64; 2]>,
    /// The smallest ones, ascending.
    holders: SmallVec<[Holder; 1]>,
    /// What it sought in vain, if anything.
    strayed: Option<Box<ConsumerDelta>>,
}

impl Consumer {
    fn new(kind: ConsumerKind) -> Self {
        Self {
            shards: 0,
            kind,
            last_seen: Timestamp::ZERO,
            requests: 0,
            client_errors: 0,
            clients: SmallVec::new(),
            agents: SmallVec::new(),
            holders: SmallVec::new(),
            strayed: None,
        }
    }

    /// Adds one transaction; `known` says whether an endpoint has its route.
    pub(super) fn observe(&mut self, observation: &Observation, known: impl Fn() -> bool) {
        self.kind = self.kind.min(observation.consumer.kind);
        self.last_seen = self.last_seen.max(observation.started_at);
        self.requests += 1;
        if !self.clients.contains(&observation.client) {
            self.add_client(observation.client);
        }
        if observation.agent != 0 && !self.agents.contains(&observation.agent) {
            self.add_agent(observation.agent);
        }
        if observation.credential != 0 {
            self.add_holder(Holder {
                credential: observation.credential,
                client: observation.client,
                agent: observation.agent,
            });
        }
        if observation.status.is_some_and(|status| (400..500).contains(&status)) {
            self.client_errors += 1;
        }
        if !is_answered_by_something(observation.status) && !known() {
            let kind = self.kind;
            let strayed = self.strayed.get_or_insert_with(|| Box::new(ConsumerDelta::new(kind)));
            strayed.unmatched += 1;
            strayed.unmatched_routes.insert(observation.route.0);
            strayed.count_unmatched_host(&observation.name.host);
        }
    }

    fn add_client(&mut self, client: IpAddr) {
        if let Err(at) = self.clients.binary_search(&client)
            && at < ConsumerDelta::CLIENTS_MAX
        {
            self.clients.truncate(ConsumerDelta::CLIENTS_MAX - 1);
            self.clients.insert(at, client);
        }
    }

    fn add_agent(&mut self, agent: u64) {
        if let Err(at) = self.agents.binary_search(&agent)
            && at < ConsumerDelta::AGENTS_MAX
        {
            self.agents.truncate(ConsumerDelta::AGENTS_MAX - 1);
            self.agents.insert(at, agent);
        }
    }

    fn add_holder(&mut self, holder: Holder) {
        if self.holders.contains(&holder) {
            return;
        }
        if let Err(at) = self.holders.binary_search(&holder)
            && at < ConsumerDelta::HOLDERS_MAX
        {
            self.holders.truncate(ConsumerDelta::HOLDERS_MAX - 1);
            self.holders.insert(at, holder);
        }
    }

    fn settle(self) -> ConsumerDelta {
        let strayed =
            self.strayed.map_or_else(|| ConsumerDelta::new(self.kind), |strayed| *strayed);
        ConsumerDelta {
            kind: self.kind,
            last_seen: self.last_seen,
            requests: self.requests,
            client_errors: self.client_errors,
            clients: self.clients.into_iter().collect(),
            agents: self.agents.into_iter().collect(),
            holders: self.holders.into_iter().collect(),
            ..strayed
        }
    }
}

/// Whether the answer shows that the route leads somewhere: success, redirect, or a refusal for
/// want of rights.
const fn is_answered_by_something(status: Option<u16>) -> bool {
    matches!(status, Some(200..=399 | 401 | 403))
}

/// All of them.
#[derive(Debug)]
pub(super) struct Consumers {
    /// Consumers are keyed hashes, as routes are.
    by_key: HashMap<ConsumerKey, Consumer, BuildHasherDefault<RouteHasher>>,
    quota: Quota,
}

impl Consumers {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self { by_key: HashMap::default(), quota: Quota::part_of(total) }
    }

    /// Who calls, if the shard has room for it.
    pub(super) fn admit(
        &mut self,
        observation: &Observation,
        place: Place,
    ) -> Option<&mut Consumer> {
        let seen = observation.consumer;
        let consumer = match self.by_key.entry(seen.key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if !self.quota.has_room(place) => return None,
            Entry::Vacant(slot) => slot.insert(Consumer::new(seen.kind)),
        };
        if !place.is_in(consumer.shards) {
            if !self.quota.take(place) {
                return None;
            }
            place.join(&mut consumer.shards);
        }
        Some(consumer)
    }

    /// Hands over what they did and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<ConsumerKey, ConsumerDelta> {
        self.quota.clear();
        self.by_key.drain().map(|(key, consumer)| (key, consumer.settle())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CONSUMER_BYTES;

    #[test]
    fn a_consumer_takes_no_more_than_is_reckoned_with() {
        // With a place that is free for every one taken, and what hangs on the entries: a few
        // hashes, a host and a client each.
        let place = 2 * (size_of::<(ConsumerKey, Consumer)>() + 1);
        let strayed = size_of::<ConsumerDelta>();
        let delta = size_of::<(ConsumerKey, ConsumerDelta)>();
        let leaves = 11 * size_of::<(compact_str::CompactString, u64)>()
            + 11 * (size_of::<IpAddr>() + size_of::<Holder>());
        let hung = (4 + 2 * 11) * size_of::<u64>() + leaves;
        let all = (place + strayed + delta + hung) as u64;
        assert!(all <= CONSUMER_BYTES, "{all}");
    }
}
