//! What was tried against accounts and secrets in this epoch.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use tapline_model::{AttemptKey, Observation};

use super::admission::{Place, Quota};

/// All of them; none stays when an epoch ends.
#[derive(Debug)]
pub(super) struct Attempts {
    /// How often, and the shards that have admitted it.
    counts: HashMap<AttemptKey, (u64, u64)>,
    quota: Quota,
}

impl Attempts {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self { counts: HashMap::new(), quota: Quota::part_of(total) }
    }

    /// Counts what a transaction tried; whether all of it found room.
    pub(super) fn observe(&mut self, seen: &Observation, place: Place) -> bool {
        let mut whole = true;
        for tried in &seen.attempts.tried {
            let key = AttemptKey {
                account: tried.account,
                secret: tried.secret,
                route: seen.route,
                kind: tried.kind,
                answer: seen.attempts.answer,
                consumer: seen.consumer.key,
                client: Some(seen.client),
                tool: seen.attempts.tool,
            };
            whole &= self.count(key, place);
        }
        whole
    }

    fn count(&mut self, key: AttemptKey, place: Place) -> bool {
        let (count, shards) = match self.counts.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if !self.quota.has_room(place) => return false,
            Entry::Vacant(slot) => slot.insert((0, 0)),
        };
        if !place.is_in(*shards) {
            if !self.quota.take(place) {
                return false;
            }
            place.join(shards);
        }
        *count += 1;
        true
    }

    /// Hands over the counts and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<AttemptKey, u64> {
        if self.counts.is_empty() {
            return BTreeMap::new();
        }
        self.quota.clear();
        self.counts.drain().map(|(key, (count, _))| (key, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ATTEMPT_BYTES;

    #[test]
    fn an_attempt_takes_no_more_than_is_reckoned_with() {
        let place = 2 * (size_of::<(AttemptKey, (u64, u64))>() + 1);
        let delta = 2 * size_of::<(AttemptKey, u64)>();
        assert!((place + delta) as u64 <= ATTEMPT_BYTES, "{}", place + delta);
    }
}
