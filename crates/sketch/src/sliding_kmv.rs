//! Distinct counting over a sliding window.

use std::collections::{BTreeMap, VecDeque};

use crate::Kmv;
use crate::negative_binomial::real;

/// A [`Kmv`] over the newest slots of time: at most `K` hashes, each with the slot it was last seen
/// in, so that old ones can be forgotten. Exact while the window holds at most `K`; beyond, an
/// estimate within about `2 / sqrt(K)` for a flood in one slot, and coarser for one spread over
/// many.
///
/// Slots are numbered by the caller and never run backwards. Feed it keyed hashes, as a [`Kmv`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlidingKmv<const K: usize> {
    /// Hash and newest slot, ascending by hash.
    kept: Vec<(u64, u64)>,
    /// For slots that did not keep all: the hash below which they did. Ascending by slot.
    complete_below: VecDeque<(u64, u64)>,
}

impl<const K: usize> SlidingKmv<K> {
    /// An empty sketch.
    pub const fn new() -> Self {
        Self { kept: Vec::new(), complete_below: VecDeque::new() }
    }

    /// Adds the hash of a value seen in `slot`.
    pub fn insert(&mut self, hash: u64, slot: u64) {
        if hash >= self.bound_of(slot) {
            return;
        }
        match self.kept.binary_search_by_key(&hash, |&(known, _)| known) {
            Ok(place) => {
                if let Some((_, newest)) = self.kept.get_mut(place) {
                    *newest = slot.max(*newest);
                }
            }
            Err(place) => self.kept.insert(place, (hash, slot)),
        }
        if self.kept.len() > K {
            self.shrink();
        }
    }

    /// Adds all that `seen` has seen, in `slot`.
    pub fn merge<const N: usize>(&mut self, seen: &Kmv<N>, slot: u64) {
        if let Some(largest) = seen.complete_up_to() {
            self.bound(slot, largest.saturating_add(1));
        }
        for hash in seen.iter() {
            self.insert(hash, slot);
        }
    }

    /// Forgets what was last seen before `slot`.
    pub fn expire(&mut self, slot: u64) {
        self.kept.retain(|&(_, newest)| newest >= slot);
        while self.complete_below.front().is_some_and(|&(old, _)| old < slot) {
            self.complete_below.pop_front();
        }
    }

    /// How many distinct values the window holds: exact when none was turned away, else the
    /// estimate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate: positive, and the cast saturates"
    )]
    pub fn distinct(&self) -> u64 {
        let Some(bound) = self.complete_below.iter().map(|&(_, bound)| bound).min() else {
            return self.kept.len() as u64;
        };
        let below = self.kept.partition_point(|&(hash, _)| hash < bound) as u64;
        (real(below) / (real(bound.max(1)) / real(u64::MAX))) as u64
    }

    /// The hashes it keeps, smallest first: two windows over the same values keep the same ones.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.kept.iter().map(|&(hash, _)| hash)
    }

    /// Gives up the largest hash of the fullest slot, so that a flood in one slot does not cost
    /// another its few.
    fn shrink(&mut self) {
        let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
        for &(_, newest) in &self.kept {
            *sizes.entry(newest).or_default() += 1;
        }
        let fullest = sizes.into_iter().max_by_key(|&(_, size)| size).map(|(slot, _)| slot);
        let place = self.kept.iter().rposition(|&(_, newest)| Some(newest) == fullest);
        if let Some(place) = place {
            let (hash, slot) = self.kept.remove(place);
            self.bound(slot, hash);
        }
    }

    fn bound_of(&self, slot: u64) -> u64 {
        let at = self.complete_below.binary_search_by_key(&slot, |&(known, _)| known);
        at.ok().and_then(|at| self.complete_below.get(at)).map_or(u64::MAX, |&(_, bound)| bound)
    }

    /// Notes that `slot` keeps nothing at or above `bound`.
    fn bound(&mut self, slot: u64, bound: u64) {
        match self.complete_below.binary_search_by_key(&slot, |&(known, _)| known) {
            Ok(place) => {
                if let Some((_, known)) = self.complete_below.get_mut(place) {
                    *known = bound.min(*known);
                }
            }
            Err(place) => self.complete_below.insert(place, (slot, bound)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kmv::tests::spread;

    #[test]
    fn an_old_value_is_forgotten_unless_it_comes_again() {
        let mut sketch = SlidingKmv::<8>::new();
        sketch.insert(spread(1), 0);
        sketch.insert(spread(2), 0);
        sketch.insert(spread(1), 5);
        sketch.expire(1);
        assert_eq!(sketch.distinct(), 1);
        sketch.expire(6);
        assert_eq!(sketch.distinct(), 0);
    }

    #[test]
    fn estimates_recover_when_a_flood_has_left_the_window() {
        let mut sketch = SlidingKmv::<64>::new();
        (0..50_000).for_each(|value| sketch.insert(spread(value), 3));
        let flood = sketch.distinct();
        assert!(flood.abs_diff(50_000) < 25_000, "{flood}");
        (0..20).for_each(|value| sketch.insert(spread(1_000_000 + value), 9));
        sketch.expire(4);
        assert_eq!(sketch.distinct(), 20);
    }

    #[test]
    fn a_full_sketch_brings_its_bound_along() {
        let mut second = Kmv::<64>::new();
        (0..10_000).for_each(|value| second.insert(spread(value)));
        let mut sketch = SlidingKmv::<64>::new();
        sketch.merge(&second, 1);
        assert!(sketch.distinct().abs_diff(10_000) < 5_000, "{}", sketch.distinct());
        sketch.merge(&second, 2);
        assert!(sketch.distinct().abs_diff(10_000) < 5_000, "{}", sketch.distinct());
    }

    #[test]
    fn a_flood_over_all_slots_is_still_seen_as_one() {
        let mut sketch = SlidingKmv::<64>::new();
        (0..20_000).for_each(|value| sketch.insert(spread(value), value / 2_000));
        let distinct = sketch.distinct();
        assert!((8_000..60_000).contains(&distinct), "{distinct}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_window_that_fits_is_counted_exactly(seen in prop::collection::vec(0u64..40, 0..200)) {
            let mut sketch = SlidingKmv::<40>::new();
            let mut newest = BTreeMap::new();
            for (at, &value) in seen.iter().enumerate() {
                let slot = at as u64 / 20;
                sketch.insert(spread(value), slot);
                newest.insert(value, slot);
                sketch.expire(slot.saturating_sub(3));
                newest.retain(|_, &mut last| last + 3 >= slot);
                prop_assert_eq!(sketch.distinct(), newest.len() as u64);
            }
        }

        #[test]
        fn it_never_holds_more_than_its_size(
            seen in prop::collection::vec((any::<u64>(), 0u64..3), 0..300),
        ) {
            let mut sketch = SlidingKmv::<16>::new();
            let mut slot = 0;
            for (hash, step) in seen {
                slot += step;
                sketch.insert(hash, slot);
                sketch.expire(slot.saturating_sub(5));
                prop_assert!(sketch.kept.len() <= 16 && sketch.complete_below.len() <= 7);
            }
        }
    }
}
