//! The worker half: what its shards observed in one epoch becomes one delta.

mod accesses;
mod admission;
mod attempts;
mod consumers;
mod content;
mod hosts;
mod routes;
mod servers;
mod tally;

use tapline_model::{
    AttackCounts, BehaviorStats, Delta, DeltaId, DropReason, EncryptedCounts, Epoch, Feedback,
    FlowRecord, Observation, ShardId, TlsNote,
};

use self::accesses::Accesses;
use self::admission::Place;
use self::attempts::Attempts;
use self::consumers::Consumers;
use self::content::Parameters;
use self::hosts::Hosts;
use self::routes::Routes;
use self::servers::Servers;
use crate::Config;

/// Routes or hosts kept from one epoch to the next, so that what they use is there already. When
/// there are more, all are let go and made anew.
const KEPT_MAX: usize = 4_096;

/// Folds the observations of the shards of one worker into one delta an epoch.
///
/// Every cap is each shard's part of the process total: an entry remembers which shards have
/// admitted it, and a shard whose part is used up admits nothing new, whatever the others have
/// room for. So apart from what one shard's caps turn away it is a pure function of observations
/// and feedback, their order does not matter, and shards may be given to workers in any way: the
/// joined deltas are the same.
#[derive(Debug)]
pub struct Fold {
    id: DeltaId,
    routes: Routes,
    hosts: Hosts,
    consumers: Consumers,
    servers: Servers,
    encrypted: EncryptedCounts,
    attempts: Attempts,
    accesses: Accesses,
    parameters: Parameters,
    attacks: AttackCounts,
    overflowed: u64,
    stats: BehaviorStats,
}

impl Fold {
    /// An empty fold for one part (a worker) of one run of one sensor.
    pub fn new(config: &Config, sensor: u64, incarnation: u64, part: u16) -> Self {
        Self {
            id: DeltaId { sensor, incarnation, epoch: Epoch::default(), part },
            routes: Routes::new(config.delta_routes_max),
            hosts: Hosts::new(config.delta_hosts_max),
            consumers: Consumers::new(config.delta_consumers_max),
            servers: Servers::new(config.delta_servers_max),
            encrypted: EncryptedCounts::default(),
            attempts: Attempts::new(config.delta_attempts_max),
            accesses: Accesses::new(config.delta_accesses_max),
            parameters: Parameters::default(),
            attacks: AttackCounts::default(),
            overflowed: 0,
            stats: BehaviorStats::default(),
        }
    }

    /// Takes one observation of `shard`. What `feedback` knows is always admitted, since the
    /// inventory bounds it; the rest competes for the caps.
    pub fn observe(&mut self, shard: ShardId, observation: &Observation, feedback: &Feedback) {
        let place = Place::of(shard);
        let known = || feedback.knows(observation.route);
        // First where everything lies: mostly far from the processor, so that waiting for one after the
        // other costs more than all the rest.
        let route_at = self.routes.find(observation.route);
        let consumer_at = self.consumers.find(observation.consumer.key);
        let access_at = self.accesses.find(observation);
        if self.parameters.is_in_the_way(observation) {
            self.routes.be_exact(&mut self.parameters);
        }
        // All are tried, whatever becomes of the others.
        let mut whole = true;
        let mut elsewhere = None;
        let route = self.routes.admit(route_at, observation, place, known);
        let host = if let Some(route) = route {
            whole &= route.observe(observation, place, &mut self.parameters, known);
            &mut route.host
        } else {
            whole = false;
            &mut elsewhere
        };
        match self.hosts.admit(host, observation, place, known) {
            Some(host) => host.observe(observation),
            None => whole = false,
        }
        match self.consumers.admit(consumer_at, observation, place) {
            Some(consumer) => consumer.observe(observation, known),
            None => whole = false,
        }
        if !observation.attacks.notes.is_empty() {
            self.attacks.observe(observation);
        }
        whole &= observation.attempts.tried.is_empty() || self.attempts.observe(observation, place);
        whole &= self.accesses.observe(access_at, observation, place, known);
        self.stats.observations.received += 1;
        if whole {
            self.stats.observations.processed += 1;
        } else {
            self.overflowed += 1;
            self.stats.observations.drop(DropReason::DeltaFull, 1);
        }
    }

    /// Takes what one flow of `shard` carried. Servers beyond the cap are summed under `0.0.0.0:0`.
    pub fn flow(&mut self, shard: ShardId, record: &FlowRecord) {
        self.servers.add(record, Place::of(shard));
    }

    /// Takes what a TLS handshake showed. Servers and names beyond the cap are counted together.
    pub fn handshake(&mut self, note: &TlsNote) {
        self.encrypted.observe(note);
    }

    /// Hands over what was learned since the last call, as the delta of `epoch`. None when nothing
    /// was.
    pub fn seal(&mut self, epoch: Epoch) -> Option<Delta> {
        let mut sealed = Delta::new(DeltaId { epoch, ..self.id });
        sealed.routes = self.routes.seal(&mut self.parameters);
        sealed.hosts = self.hosts.seal();
        sealed.consumers = self.consumers.seal();
        sealed.servers = self.servers.seal();
        sealed.encrypted = std::mem::take(&mut self.encrypted);
        sealed.attacks = std::mem::take(&mut self.attacks);
        sealed.attempts = self.attempts.seal();
        sealed.accesses = self.accesses.seal();
        sealed.overflowed = std::mem::take(&mut self.overflowed);
        self.parameters.seal();
        let is_crowded = self.parameters.is_crowded();
        if is_crowded || self.routes.len() > KEPT_MAX || self.hosts.len() > KEPT_MAX {
            // Routes remember the places of their hosts, so both go.
            self.routes.clear();
            self.parameters.clear();
            self.hosts.clear();
        }
        (!sealed.is_empty()).then_some(sealed)
    }

    /// Counters since start.
    pub const fn stats(&self) -> BehaviorStats {
        self.stats
    }
}

#[cfg(test)]
mod tests;
