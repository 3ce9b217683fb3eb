//! What each consumer did on each route in this epoch.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use tapline_model::{AccessDelta, AccessKey, Gate, ObjectUse, Observation, Outcomes, RouteHasher};

use super::admission::{Place, Quota};

/// One consumer on one route.
#[derive(Debug)]
pub(super) struct Access {
    shards: u64,
    delta: AccessDelta,
}

impl Access {
    /// Adds one transaction.
    pub(super) fn observe(&mut self, seen: &Observation) {
        let delta = &mut self.delta;
        let is_success = matches!(seen.status, Some(200..=299));
        delta.kind = delta.kind.min(seen.consumer.kind);
        delta.first_at = delta.first_at.min(seen.started_at);
        delta.outcomes.count(seen.status);
        delta.response_bytes += seen.response_bytes;
        delta.service_us += seen.latency_ns.unwrap_or(0) / 1_000;
        delta.records += seen.fields.records.unwrap_or(0);
        let objects = &seen.objects;
        if is_success {
            delta.limit = delta.limit.max(objects.limit);
            delta.blind += u64::from(objects.is_blind);
        }
        delta.page = delta.page.max(objects.page);
        delta.graph = delta.graph.most(objects.graph);
        if !objects.asked.is_empty() {
            let mut outcomes = Outcomes::default();
            outcomes.count(seen.status);
            let first_at = seen.started_at;
            for asked in &objects.asked {
                let (object, place, near) = (asked.object, asked.place, asked.near);
                delta.add_object(&ObjectUse { object, place, near, first_at, outcomes });
            }
        }
        objects.served.iter().for_each(|&object| delta.add_served(object));
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Accesses {
    /// Where each lies: the table that is searched, and that is copied as it grows, stays small.
    places: HashMap<AccessKey, usize, BuildHasherDefault<RouteHasher>>,
    all: Vec<(AccessKey, Access)>,
    quota: Quota,
}

impl Accesses {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self { places: HashMap::default(), all: Vec::new(), quota: Quota::part_of(total) }
    }

    /// Adds one transaction; whether it found room. What leads to no endpoint, and will lead to
    /// none, is not followed: a scanner shall not fill the table.
    pub(super) fn observe(
        &mut self,
        seen: &Observation,
        place: Place,
        known: impl Fn() -> bool,
    ) -> bool {
        if seen.gate == Gate::MatchOnly && !known() {
            return true;
        }
        let key = AccessKey::new(seen.consumer.key, seen.route);
        let at = match self.places.entry(key) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(_) if !self.quota.has_room(place) => return false,
            Entry::Vacant(slot) => {
                let delta = AccessDelta::new(seen.consumer.kind);
                self.all.push((key, Access { shards: 0, delta }));
                *slot.insert(self.all.len() - 1)
            }
        };
        let Some((_, access)) = self.all.get_mut(at) else { return false };
        if !place.is_in(access.shards) {
            if !self.quota.take(place) {
                return false;
            }
            place.join(&mut access.shards);
        }
        access.observe(seen);
        true
    }

    /// Hands over what they did and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<AccessKey, AccessDelta> {
        self.quota.clear();
        self.places.clear();
        self.all.drain(..).map(|(key, access)| (key, access.delta)).collect()
    }
}
