//! What looked like attacks in values: who sent what to which route, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Attack, AttackNote, AttackPlace, ConsumerKey, Observation, Proof, RouteKey};

/// What makes two values the same attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttackKey {
    /// Who sent it.
    pub consumer: ConsumerKey,
    /// To which route.
    pub route: RouteKey,
    /// What it was meant to do.
    pub attack: Attack,
    /// Where it stood.
    pub place: AttackPlace,
    /// The keyed hash of its parameter's name; 0 where there is none.
    pub name_hash: u64,
}

impl AttackKey {
    /// That of a note of an observation.
    pub const fn of(seen: &Observation, note: &AttackNote) -> Self {
        Self {
            consumer: seen.consumer.key,
            route: seen.route,
            attack: note.attack,
            place: note.place,
            name_hash: note.name_hash,
        }
    }
}

/// How often, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackDelta {
    /// The host it was sent to.
    pub host: CompactString,
    /// Requests.
    pub requests: u64,
    /// How plain the plainest was.
    pub score_max: u8,
    /// By status class: index 0 is without a response, 1 to 5 are 1xx to 5xx.
    pub status_classes: [u64; 6],
    /// What in the answers tells of success, with how often.
    pub proofs: BTreeMap<Proof, u64>,
    /// The slowest answer, in microseconds.
    pub latency_us_max: u64,
    /// Where it came from: the smallest addresses, at most 4.
    pub clients: BTreeSet<IpAddr>,
}

/// All of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackCounts {
    /// Those with the smallest keys.
    pub by_key: BTreeMap<AttackKey, AttackDelta>,
    /// Notes of all of them, those that were cut among them.
    pub notes: u64,
}

impl AttackCounts {
    /// Counts the values of one transaction that look like attacks.
    pub fn observe(&mut self, seen: &Observation) {
        for note in &seen.attacks.notes {
            self.notes += 1;
            self.by_key.entry(AttackKey::of(seen, note)).or_default().observe(seen, note);
        }
        super::keep_smallest(&mut self.by_key, AttackDelta::KEPT_MAX);
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: Self) {
        self.notes += other.notes;
        super::join_maps(&mut self.by_key, other.by_key, AttackDelta::join);
        super::keep_smallest(&mut self.by_key, AttackDelta::KEPT_MAX);
    }

    /// Notes whose attacks were cut.
    pub fn cut(&self) -> u64 {
        let kept: u64 = self.by_key.values().map(|attack| attack.requests).sum();
        self.notes - kept.min(self.notes)
    }
}

impl AttackDelta {
    /// Attacks of one epoch that are told apart: those with the smallest keys.
    pub const KEPT_MAX: usize = 4_096;
    /// How many addresses are named: the smallest ones.
    pub const CLIENTS_MAX: usize = 4;

    /// Adds one request.
    pub fn observe(&mut self, seen: &Observation, note: &AttackNote) {
        if self.requests == 0 {
            self.host.clone_from(&seen.name.host);
        }
        self.requests += 1;
        self.score_max = self.score_max.max(note.score);
        let class = usize::from(seen.status.unwrap_or(0) / 100);
        if let Some(sum) = self.status_classes.get_mut(class) {
            *sum += 1;
        }
        for &proof in Proof::ALL {
            if seen.attacks.proofs.contains(proof) && proof.is_of(note.attack) {
                *self.proofs.entry(proof).or_default() += 1;
            }
        }
        self.latency_us_max = self.latency_us_max.max(seen.latency_ns.unwrap_or(0) / 1_000);
        self.clients.insert(seen.client);
        super::keep_smallest_of(&mut self.clients, Self::CLIENTS_MAX);
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: &Self) {
        if self.requests == 0 {
            self.host.clone_from(&other.host);
        }
        self.requests += other.requests;
        self.score_max = self.score_max.max(other.score_max);
        for (sum, count) in self.status_classes.iter_mut().zip(other.status_classes) {
            *sum += count;
        }
        super::add_counts(&mut self.proofs, &other.proofs);
        self.latency_us_max = self.latency_us_max.max(other.latency_us_max);
        self.clients.extend(&other.clients);
        super::keep_smallest_of(&mut self.clients, Self::CLIENTS_MAX);
    }
}
