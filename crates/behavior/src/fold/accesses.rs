//! What each consumer did on each route in this epoch.

mod log;

use std::hash::{BuildHasher, BuildHasherDefault};

use hashbrown::HashTable;
use tapline_model::{
    AccessDelta, AccessKey, AccessTable, Gate, ObjectUse, Observation, Outcomes, RouteHasher,
};

use self::log::Log;
use super::admission::{Place, Quota};

/// One consumer on one route, in two cache lines.
#[derive(Debug)]
#[repr(C, align(64))]
struct Access {
    key: AccessKey,
    shards: u64,
    delta: AccessDelta,
}

const _: () = assert!(size_of::<Access>() == 2 * 64, "two cache lines");

impl Access {
    /// Adds one transaction.
    fn observe(&mut self, seen: &Observation) {
        let delta = &mut self.delta;
        delta.kind = delta.kind.min(seen.consumer.kind);
        delta.first_at = delta.first_at.min(seen.started_at);
        delta.outcomes.count(seen.status);
        delta.response_bytes += seen.response_bytes;
        delta.service_us += seen.latency_ns.unwrap_or(0) / 1_000;
        delta.records += seen.fields.records.unwrap_or(0);
        let objects = &seen.objects;
        if matches!(seen.status, Some(200..=299)) {
            delta.limit = delta.limit.max(objects.limit);
            delta.blind += u64::from(objects.is_blind);
        }
        delta.page = delta.page.max(objects.page);
        delta.graph = delta.graph.most(objects.graph);
        delta.references += objects.asked.len() as u64;
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Accesses {
    /// Where each lies: a table so small that it stays in the processor's cache.
    places: HashTable<u32>,
    all: Vec<Access>,
    /// By the place of their access.
    objects: Log<ObjectUse>,
    served: Log<u64>,
    quota: Quota,
}

impl Accesses {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self {
            places: HashTable::new(),
            all: Vec::new(),
            objects: Log::new(),
            served: Log::new(),
            quota: Quota::part_of(total),
        }
    }

    /// Where that of an observation lies.
    pub(super) fn find(&self, seen: &Observation) -> Option<u32> {
        let key = AccessKey::new(seen.consumer.key, seen.route);
        let is_it = |&at: &u32| self.all.get(at as usize).is_some_and(|access| access.key == key);
        self.places.find(hash(key), is_it).copied()
    }

    /// Adds one transaction, whose access was found there; whether it found room. What leads to no
    /// endpoint, and will lead to none, is not followed: a scanner shall not fill the table.
    pub(super) fn observe(
        &mut self,
        found: Option<u32>,
        seen: &Observation,
        place: Place,
        known: impl Fn() -> bool,
    ) -> bool {
        if seen.gate == Gate::MatchOnly && !known() {
            return true;
        }
        let at = match found {
            Some(at) => at,
            None if !self.quota.has_room(place) => return false,
            None => self.add(seen),
        };
        let Some(access) = self.all.get_mut(at as usize) else { return false };
        if !place.is_in(access.shards) {
            if !self.quota.take(place) {
                return false;
            }
            place.join(&mut access.shards);
        }
        access.observe(seen);
        self.note_objects(at, seen);
        true
    }

    fn add(&mut self, seen: &Observation) -> u32 {
        let Self { places, all, .. } = self;
        let key = AccessKey::new(seen.consumer.key, seen.route);
        let at = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.push(Access { key, shards: 0, delta: AccessDelta::new(seen.consumer.kind) });
        let hash_of = |&at: &u32| all.get(at as usize).map_or(0, |access| hash(access.key));
        places.insert_unique(hash(key), at, hash_of);
        at
    }

    fn note_objects(&mut self, at: u32, seen: &Observation) {
        if !seen.objects.asked.is_empty() {
            let mut outcomes = Outcomes::default();
            outcomes.count(seen.status);
            let first_at = seen.started_at;
            for asked in &seen.objects.asked {
                let (object, place, near) = (asked.object, asked.place, asked.near);
                let used = ObjectUse { object, place, near, first_at, outcomes };
                self.objects.push(at, used, ObjectUse::settle);
            }
        }
        for &object in &seen.objects.served {
            self.served.push(at, object, AccessTable::settle_served);
        }
    }

    /// Hands over what they did and begins anew.
    pub(super) fn seal(&mut self) -> AccessTable {
        let Self { places, all, objects, served, quota } = self;
        quota.clear();
        places.clear();
        objects.sort(all.len());
        served.sort(all.len());
        let mut by_key: Vec<(AccessKey, u32)> =
            (0..).zip(all.iter()).map(|(at, access)| (access.key, at)).collect();
        by_key.sort_unstable();
        let mut table = AccessTable::with_capacity(all.len(), objects.len(), served.len());
        let (mut used, mut named) = (Vec::new(), Vec::new());
        for (key, at) in by_key {
            let Some(access) = all.get(at as usize) else { continue };
            used.clear();
            used.extend(objects.of(at));
            ObjectUse::settle(&mut used);
            named.clear();
            named.extend(served.of(at));
            AccessTable::settle_served(&mut named);
            table.push(key, access.delta, &used, &named);
        }
        all.clear();
        objects.clear();
        served.clear();
        table
    }
}

/// Both halves of a key are keyed hashes.
fn hash(key: AccessKey) -> u64 {
    BuildHasherDefault::<RouteHasher>::default().hash_one(key)
}
