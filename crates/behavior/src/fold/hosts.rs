//! What each host name saw in this epoch.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use smallvec::SmallVec;
use tapline_model::{HostDelta, Observation};
use tapline_sketch::Buckets;

use super::admission::{Place, Quota};
use super::routes::Facts;

/// One host name; it stays when an epoch ends.
#[derive(Debug, Default)]
pub(super) struct Host {
    name: CompactString,
    /// None while it was not seen in this epoch.
    shards: u64,
    /// But for what follows.
    delta: HostDelta,
    /// The smallest ones, ascending.
    servers: SmallVec<[SocketAddr; 1]>,
    /// Answer by path, for the smallest paths, ascending.
    answers: Vec<(u64, u64)>,
    facts: Facts,
    /// What its last answer was made by, noted already.
    software: Option<Arc<[CompactString]>>,
}

impl Host {
    /// Adds one transaction.
    pub(super) fn observe(&mut self, observation: &Observation) {
        let status = observation.status.unwrap_or(0);
        let delta = &mut self.delta;
        delta.requests += 1;
        if let Some(sum) = delta.status_classes.get_mut(usize::from(status / 100)) {
            *sum += 1;
        }
        delta.bytes += observation.request_bytes + observation.response_bytes;
        if let Some(latency_ns) = observation.latency_ns {
            delta.latency_us.record(latency_ns / 1_000);
        }
        if !self.servers.contains(&observation.server) {
            self.add_server(observation.server);
        }
        self.facts.count(observation.facts);
        if let Some(cookie) = &observation.session_cookie {
            self.delta.add_session_cookie(cookie);
        }
        if let Some(software) = &observation.software
            && self.software.as_ref().is_none_or(|known| !Arc::ptr_eq(known, software))
        {
            software.iter().for_each(|name| self.delta.add_software(name));
            self.software = Some(Arc::clone(software));
        }
        // Only what was fetched tells hosts apart: errors look alike on every host of a server.
        if let Some(answer_hash) = observation.answer_hash
            && (200..400).contains(&status)
            && observation.name.method == "GET"
        {
            self.add_answer(observation.path_hash, answer_hash);
        }
    }

    fn add_server(&mut self, server: SocketAddr) {
        if let Err(at) = self.servers.binary_search(&server)
            && at < HostDelta::SERVERS_MAX
        {
            self.servers.truncate(HostDelta::SERVERS_MAX - 1);
            self.servers.insert(at, server);
        }
    }

    /// See [`HostDelta::add_answer`].
    fn add_answer(&mut self, path: u64, answer: u64) {
        let is_full = self.answers.len() >= HostDelta::ANSWERS_MAX;
        if is_full && self.answers.last().is_some_and(|&(last, _)| last < path) {
            return;
        }
        match self.answers.binary_search_by_key(&path, |&(known, _)| known) {
            Ok(at) => {
                if let Some((_, known)) = self.answers.get_mut(at) {
                    *known = answer.min(*known);
                }
            }
            Err(at) => {
                self.answers.truncate(HostDelta::ANSWERS_MAX - 1);
                self.answers.insert(at, (path, answer));
            }
        }
    }

    fn settle(&mut self) -> HostDelta {
        self.shards = 0;
        let next =
            HostDelta { latency_us: Buckets::like(&self.delta.latency_us), ..HostDelta::default() };
        let mut delta = std::mem::replace(&mut self.delta, next);
        delta.servers = self.servers.drain(..).collect();
        delta.answers = self.answers.drain(..).collect();
        delta.facts = self.facts.take();
        self.software = None;
        delta
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Hosts {
    all: Vec<Host>,
    by_name: HashMap<CompactString, usize>,
    /// Those of this epoch.
    seen: Vec<usize>,
    quota: Quota,
}

impl Hosts {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self {
            all: Vec::new(),
            by_name: HashMap::new(),
            seen: Vec::new(),
            quota: Quota::part_of(total),
        }
    }

    /// The host of an observation, if the shard has room for it. `at` is where it was found last,
    /// and stays where it is until [`Hosts::clear`].
    pub(super) fn admit(
        &mut self,
        at: &mut Option<usize>,
        observation: &Observation,
        place: Place,
        known: impl Fn() -> bool,
    ) -> Option<&mut Host> {
        let Self { all, by_name, seen, quota } = self;
        let name = &observation.name.host;
        if at.is_none() {
            *at = by_name.get(name).copied();
        }
        let shards = at.and_then(|at| all.get(at)).map_or(0, |host| host.shards);
        if !place.is_in(shards) {
            if known() {
                quota.count(place);
            } else if !quota.take(place) {
                return None;
            }
            let at = *at.get_or_insert_with(|| {
                all.push(Host { name: name.clone(), ..Host::default() });
                by_name.insert(name.clone(), all.len() - 1);
                all.len() - 1
            });
            if shards == 0 {
                seen.push(at);
            }
        }
        let host = all.get_mut((*at)?)?;
        place.join(&mut host.shards);
        Some(host)
    }

    /// How many are remembered.
    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all names.
    pub(super) fn clear(&mut self) {
        self.all = Vec::new();
        self.by_name = HashMap::new();
        self.seen = Vec::new();
    }

    /// Hands over what they saw and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<CompactString, HostDelta> {
        let Self { all, seen, quota, .. } = self;
        quota.clear();
        let settle = |at: usize| {
            let host = all.get_mut(at)?;
            Some((host.name.clone(), host.settle()))
        };
        seen.drain(..).filter_map(settle).collect()
    }
}
