//! Hides the hashes of flows: nobody outside can aim at one bucket.

use std::hash::{BuildHasher, RandomState};

/// A key of this instance, which nobody knows and which no output depends on. The hash that comes
/// with a segment may be under a key that is public (`replay` has one), its bits 32 to 37 are those
/// of the shard, and under overload its first bits are 0.
pub(crate) struct Veil {
    masks: [u64; 2],
    factors: [u64; 2],
}

impl Veil {
    /// A random key.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|part: u64| random.hash_one(part));
        Self { masks: [first, second], factors: [third | 1, fourth | 1] }
    }

    /// The hash for the tables. Twice, because hashes that differ in a few bits alone can fall together
    /// under the first factor.
    #[inline]
    pub(crate) fn over(&self, flow_hash: u64) -> u64 {
        let [first, second] = self.masks;
        let [third, fourth] = self.factors;
        fold(fold(flow_hash ^ first, third) ^ second, fourth)
    }
}

/// Both halves of the product, folded, so that every bit reaches every bit.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hashes_that_share_most_bits_are_spread() {
        // Whatever the key.
        for _ in 0..300 {
            let veil = Veil::new();
            // Those of one shard, under the strongest shedding.
            let hashes: Vec<u64> = (0..4096u64).map(|at| veil.over(at << 40 | 5 << 32)).collect();
            let buckets: BTreeSet<u64> = hashes.iter().map(|hash| hash % 8192).collect();
            let tags: BTreeSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            // At random some 3,200 of 8,192, and all 128.
            assert!(buckets.len() > 1500, "{}", buckets.len());
            assert!(tags.len() > 60, "{}", tags.len());
        }
    }
}
