//! Distinct counting by the k minimum values.

use serde::{Deserialize, Serialize};

/// The `K` smallest of all hashes added: counts distinct values exactly up to `K`, and estimates
/// beyond with a relative standard error of about `1 / sqrt(K - 2)`.
///
/// Adding is idempotent and merging two gives the sketch of the union, in any order. Feed it a
/// keyed hash: with a public one, a sender could choose values that look distinct or equal.
///
/// Source: Bar-Yossef et al., "Counting distinct elements in a data stream", RANDOM 2002; the
/// unbiased estimator is of Beyer et al., SIGMOD 2007.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Listed", into = "Listed")]
pub struct Kmv<const K: usize> {
    /// Ascending, without repeats, at most `K`.
    smallest: Vec<u64>,
    /// The largest of `K`, from which on none is kept; before, the largest hash there is. What is
    /// mostly asked, so that it does not take a look into the list.
    last: u64,
}

/// The hashes of a sketch, as they are written down.
#[derive(Serialize, Deserialize)]
struct Listed {
    smallest: Vec<u64>,
}

impl<const K: usize> From<Listed> for Kmv<K> {
    fn from(listed: Listed) -> Self {
        let mut sketch = Self::new();
        listed.smallest.into_iter().for_each(|hash| sketch.insert(hash));
        sketch
    }
}

impl<const K: usize> From<Kmv<K>> for Listed {
    fn from(sketch: Kmv<K>) -> Self {
        Self { smallest: sketch.smallest }
    }
}

impl<const K: usize> Default for Kmv<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const K: usize> Kmv<K> {
    /// An empty sketch.
    pub const fn new() -> Self {
        Self { smallest: Vec::new(), last: u64::MAX }
    }

    /// An empty sketch with room for as many hashes as `other` has.
    pub fn like(other: &Self) -> Self {
        Self { smallest: Vec::with_capacity(other.smallest.len()), last: u64::MAX }
    }

    /// Adds the hash of a value.
    pub fn insert(&mut self, hash: u64) {
        if hash < self.last || self.smallest.len() < K {
            self.place(hash);
        }
    }

    fn place(&mut self, hash: u64) {
        let place = self.place_of(hash);
        if self.smallest.get(place) != Some(&hash) {
            self.smallest.truncate(K - 1);
            self.smallest.insert(place, hash);
            self.last = self.complete_up_to().unwrap_or(u64::MAX);
        }
    }

    /// How many are smaller than `hash`. Hashes are spread evenly, so their place is guessed and
    /// mostly found in the cache line that the guess fetches.
    fn place_of(&self, hash: u64) -> usize {
        let kept = self.smallest.as_slice();
        let Some(&last) = kept.last() else { return 0 };
        if hash > last {
            return kept.len();
        }
        let guess = (hash >> 32) * kept.len() as u64 / ((last >> 32) + 1);
        let mut place = usize::try_from(guess).unwrap_or(0).min(kept.len());
        while kept.get(place).is_some_and(|&known| known < hash) {
            place += 1;
        }
        while place > 0 && kept.get(place - 1).is_some_and(|&known| known >= hash) {
            place -= 1;
        }
        place
    }

    /// Adds all that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        for &hash in &other.smallest {
            self.insert(hash);
        }
    }

    /// How many distinct values were added: exact below `K`, else the estimate.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate: the quotient is positive and far coarser than f64"
    )]
    pub fn distinct(&self) -> u64 {
        match self.smallest.last() {
            Some(&last) if self.smallest.len() >= K && last > 0 => {
                ((K - 1) as f64 * (u64::MAX as f64 / last as f64)) as u64
            }
            _ => self.smallest.len() as u64,
        }
    }

    /// The hashes it keeps, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.smallest.iter().copied()
    }

    /// The hash up to which it keeps all that was added; none while it keeps everything.
    pub fn complete_up_to(&self) -> Option<u64> {
        self.smallest.last().copied().filter(|_| self.smallest.len() >= K)
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.smallest.is_empty()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A fixed permutation of the integers that spreads like a hash (splitmix64).
    pub(crate) fn spread(value: u64) -> u64 {
        let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn it_is_exact_up_to_k() {
        let mut sketch = Kmv::<32>::new();
        for value in (0..31).chain(0..31) {
            sketch.insert(spread(value));
        }
        assert_eq!(sketch.distinct(), 31);
    }

    #[test]
    fn the_estimate_stays_within_four_standard_errors() {
        let mut sketch = Kmv::<256>::new();
        for value in 0..100_000 {
            sketch.insert(spread(value));
        }
        let error = sketch.distinct().abs_diff(100_000);
        // 4 / sqrt(254) of 100 000.
        assert!(error < 25_000, "off by {error}");
    }

    #[test]
    fn it_keeps_the_smallest_in_order_however_they_are_spread() {
        let close = (0..90).map(|value| value % 31);
        let ends = [0, u64::MAX, u64::MAX - 1, 1, 1 << 40, u64::MAX, 3];
        let hashes: Vec<u64> = close.chain(ends).chain((0..200).map(spread)).collect();
        let mut sketch = Kmv::<64>::new();
        let mut all = std::collections::BTreeSet::new();
        for hash in hashes {
            sketch.insert(hash);
            all.insert(hash);
            assert_eq!(
                sketch.iter().collect::<Vec<_>>(),
                all.iter().copied().take(64).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_merge_is_the_sketch_of_both() {
        let (mut left, mut right, mut both) =
            (Kmv::<16>::new(), Kmv::<16>::new(), Kmv::<16>::new());
        for value in 0..500 {
            if value % 3 == 0 {
                left.insert(spread(value));
            } else {
                right.insert(spread(value));
            }
            both.insert(spread(value));
        }
        left.merge(&right);
        assert_eq!(left, both);
        left.merge(&right);
        assert_eq!(left, both, "merging again changes nothing");
    }
}
