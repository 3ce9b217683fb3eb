//! Counts by a few keys.

use std::collections::BTreeMap;

use super::admission::{Place, Quota};

/// So many keys are looked through one by one.
const LOOKED_THROUGH_MAX: usize = 8;
/// Room for so many keys is kept when an epoch ends.
const KEPT_MAX: usize = 16;

/// Counts by key, of which every shard may bring so many. Made for the one or two keys that there
/// mostly are: looking one up is a comparison, and nothing is allocated for a key that was there in
/// the epoch before.
#[derive(Debug)]
pub(super) struct Tally<K> {
    /// Ascending by key.
    counts: Vec<Count<K>>,
    /// The keys of each shard, once there are so many keys that one could have too many.
    brought: Option<Quota>,
    max: u16,
}

#[derive(Debug)]
struct Count<K> {
    key: K,
    times: u64,
    shards: u64,
}

impl<K: Ord + Clone> Tally<K> {
    /// Nothing counted; at most `max` keys a shard.
    pub(super) const fn new(max: u16) -> Self {
        Self { counts: Vec::new(), brought: None, max }
    }

    /// Counts `key`, unless it is new to the shard and the shard has brought its part already.
    pub(super) fn count(&mut self, key: &K, place: Place) -> bool {
        let found = if self.counts.len() <= LOOKED_THROUGH_MAX {
            self.counts.iter().position(|count| count.key == *key)
        } else {
            self.counts.binary_search_by(|count| count.key.cmp(key)).ok()
        };
        if let Some(count) = found.and_then(|at| self.counts.get_mut(at))
            && place.is_in(count.shards)
        {
            count.times += 1;
            return true;
        }
        self.bring(found, key, place)
    }

    /// Counts what is new to the shard.
    fn bring(&mut self, found: Option<usize>, key: &K, place: Place) -> bool {
        if self.brought.is_none() && self.counts.len() >= usize::from(self.max) {
            let mut brought = Quota::each(self.max.into());
            for count in &self.counts {
                brought.count_all(count.shards);
            }
            self.brought = Some(brought);
        }
        // While all together are fewer than one may bring, none can have brought too many.
        if self.brought.as_mut().is_some_and(|brought| !brought.take(place)) {
            return false;
        }
        let at = found.unwrap_or_else(|| {
            let at = self.counts.partition_point(|count| count.key < *key);
            self.counts.insert(at, Count { key: key.clone(), times: 0, shards: 0 });
            at
        });
        if let Some(count) = self.counts.get_mut(at) {
            count.times += 1;
            place.join(&mut count.shards);
        }
        true
    }

    /// Hands over the counts and begins anew.
    pub(super) fn take(&mut self) -> BTreeMap<K, u64> {
        self.brought = None;
        let counts = self.counts.drain(..).map(|count| (count.key, count.times)).collect();
        self.counts.shrink_to(KEPT_MAX);
        counts
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::ShardId;

    use super::*;

    #[test]
    fn each_shard_has_its_own_part() {
        let place = |shard: u64| Place::of(ShardId::from_hash(shard << 32));
        let mut tally = Tally::new(2);
        for (key, shard, expected) in [
            (5, 0, true),
            (3, 0, true),
            (9, 0, false),
            (9, 1, true),
            (9, 0, false),
            (5, 1, true),
            (3, 1, false),
            (3, 0, true),
        ] {
            assert_eq!(tally.count(&key, place(shard)), expected, "{key} {shard}");
        }
        assert_eq!(tally.take(), BTreeMap::from([(3, 2), (5, 2), (9, 1)]));
        assert!(tally.count(&7, place(0)), "a new epoch");
    }
}
