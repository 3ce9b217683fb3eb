//! What each consumer did in this epoch.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::net::{IpAddr, Ipv4Addr};

use hashbrown::HashTable;
use smallvec::SmallVec;
use tapline_model::{
    ConsumerDelta, ConsumerKey, ConsumerKind, Holder, Observation, RouteHasher, Timestamp,
};

use super::admission::{Place, Quota};

/// What one consumer did. Most call from one address and go nowhere wrong.
#[derive(Debug)]
pub(super) struct Consumer {
    key: ConsumerKey,
    shards: u64,
    kind: ConsumerKind,
    last_seen: Timestamp,
    requests: u64,
    client_errors: u32,
    /// From where it called last: noted already.
    last_client: IpAddr,
    /// Greater ones are not among the holders that are kept.
    credential_max: u64,
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
    fn new(key: ConsumerKey, kind: ConsumerKind) -> Self {
        Self {
            key,
            shards: 0,
            kind,
            last_seen: Timestamp::ZERO,
            requests: 0,
            client_errors: 0,
            last_client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            credential_max: u64::MAX,
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
        let Observation { credential, client, agent, .. } = *observation;
        if self.requests == 1 || client != self.last_client {
            self.add_client(client);
        }
        if agent != 0 {
            self.add_agent(agent);
        }
        if credential != 0 && credential <= self.credential_max {
            self.add_holder(Holder { credential, client, agent });
        }
        if observation.status.is_some_and(|status| (400..500).contains(&status)) {
            self.client_errors = self.client_errors.saturating_add(1);
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
        self.last_client = client;
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
        if let Err(at) = self.holders.binary_search(&holder)
            && at < ConsumerDelta::HOLDERS_MAX
        {
            self.holders.truncate(ConsumerDelta::HOLDERS_MAX - 1);
            self.holders.insert(at, holder);
            if self.holders.len() == ConsumerDelta::HOLDERS_MAX
                && let Some(last) = self.holders.last()
            {
                self.credential_max = last.credential;
            }
        }
    }

    fn settle(self) -> ConsumerDelta {
        let strayed =
            self.strayed.map_or_else(|| ConsumerDelta::new(self.kind), |strayed| *strayed);
        ConsumerDelta {
            kind: self.kind,
            last_seen: self.last_seen,
            requests: self.requests,
            client_errors: self.client_errors.into(),
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
    /// Where each lies.
    places: HashTable<u32>,
    all: Vec<Consumer>,
    quota: Quota,
}

impl Consumers {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self { places: HashTable::new(), all: Vec::new(), quota: Quota::part_of(total) }
    }

    /// Where a consumer lies.
    pub(super) fn find(&self, key: ConsumerKey) -> Option<u32> {
        let is_it = |&at: &u32| self.all.get(at as usize).is_some_and(|known| known.key == key);
        self.places.find(hash(key), is_it).copied()
    }

    /// Who calls, and was found there, if the shard has room for it.
    pub(super) fn admit(
        &mut self,
        found: Option<u32>,
        observation: &Observation,
        place: Place,
    ) -> Option<&mut Consumer> {
        let at = match found {
            Some(at) => at,
            None if !self.quota.has_room(place) => return None,
            None => self.add(observation.consumer),
        };
        let consumer = self.all.get_mut(at as usize)?;
        if !place.is_in(consumer.shards) {
            if !self.quota.take(place) {
                return None;
            }
            place.join(&mut consumer.shards);
        }
        Some(consumer)
    }

    fn add(&mut self, seen: tapline_model::Consumer) -> u32 {
        let Self { places, all, .. } = self;
        let at = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.push(Consumer::new(seen.key, seen.kind));
        let hash_of = |&at: &u32| all.get(at as usize).map_or(0, |known| hash(known.key));
        places.insert_unique(hash(seen.key), at, hash_of);
        at
    }

    /// Hands over what they did and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<ConsumerKey, ConsumerDelta> {
        self.quota.clear();
        self.places.clear();
        self.all.drain(..).map(|consumer| (consumer.key, consumer.settle())).collect()
    }
}

/// A key is a keyed hash, as that of a route is.
fn hash(key: ConsumerKey) -> u64 {
    BuildHasherDefault::<RouteHasher>::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CONSUMER_BYTES;

    #[test]
    fn a_consumer_takes_no_more_than_is_reckoned_with() {
        // With a place that is free for every one taken, and what hangs on the entries: a few
        // hashes, a host and a client each.
        let place = 2 * (size_of::<Consumer>() + size_of::<u32>() + 1);
        let strayed = size_of::<ConsumerDelta>();
        let delta = size_of::<(ConsumerKey, ConsumerDelta)>();
        let leaves = 11 * size_of::<(compact_str::CompactString, u64)>()
            + 11 * (size_of::<IpAddr>() + size_of::<Holder>());
        let hung = (4 + 2 * 11) * size_of::<u64>() + leaves;
        let all = (place + strayed + delta + hung) as u64;
        assert!(all <= CONSUMER_BYTES, "{all}");
    }
}
