//! A sparse log-linear histogram in integers.

use serde::{Deserialize, Serialize};

/// Bits of precision kept below the leading one: 32 steps an octave, 3 % wide at most.
const STEP_BITS: u32 = 5;
/// Room made for buckets that are not there yet; more comes as it is needed.
const ROOM_MAX: usize = 64;

/// Counts of values in log-linear buckets (as HDR histograms have them): exact below 64, within
/// 1/32 above. Sparse, all integers, so two merge exactly in any order. At most 1 920 buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// Ascending. Apart from the counts, so that a search stays within a cache line or two.
    buckets: Vec<u16>,
    /// Of the bucket in the same place.
    counts: Vec<u64>,
}

impl Buckets {
    /// An empty histogram.
    pub const fn new() -> Self {
        Self { buckets: Vec::new(), counts: Vec::new() }
    }

    /// An empty histogram with room for as many buckets as `other` has, up to a few.
    pub fn like(other: &Self) -> Self {
        let room = other.counts.len().min(ROOM_MAX);
        Self { buckets: Vec::with_capacity(room), counts: Vec::with_capacity(room) }
    }

    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        self.add(bucket_of(value), 1);
    }

    /// Counts a value so many times.
    pub fn record_many(&mut self, value: u64, count: u64) {
        self.add(bucket_of(value), count);
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in other.buckets.iter().zip(&other.counts) {
            self.add(bucket, count);
        }
    }

    /// The middle value and the count of every bucket that has one, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().map(|&bucket| middle_of(bucket)).zip(self.counts.iter().copied())
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, bucket: u16, count: u64) {
        match self.buckets.binary_search(&bucket) {
            Ok(place) => {
                if let Some(sum) = self.counts.get_mut(place) {
                    *sum += count;
                }
            }
            Err(place) => {
                self.buckets.insert(place, bucket);
                self.counts.insert(place, count);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 63 * 32 + 31")]
fn bucket_of(value: u64) -> u16 {
    let bits = u64::BITS - value.leading_zeros();
    let octave = bits.saturating_sub(STEP_BITS + 1);
    ((u64::from(octave) << STEP_BITS) + (value >> octave)) as u16
}

fn middle_of(bucket: u16) -> u64 {
    let steps = 1u64 << STEP_BITS;
    let bucket = u64::from(bucket);
    if bucket < 2 * steps {
        return bucket;
    }
    let octave = bucket / steps - 1;
    let low = (bucket - octave * steps) << octave;
    low + ((1u64 << octave) >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_values_are_exact() {
        let mut buckets = Buckets::new();
        (0..64).for_each(|value| buckets.record(value));
        assert_eq!(
            buckets.iter().map(|(value, _)| value).collect::<Vec<_>>(),
            (0..64).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_largest_value_has_a_bucket() {
        assert!(bucket_of(u64::MAX) < 1_920);
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_a_32nd(value: u64) {
            let middle = middle_of(bucket_of(value));
            prop_assert!(middle.abs_diff(value) <= value / 32);
        }

        #[test]
        fn merging_commutes(left: Vec<u64>, right: Vec<u64>) {
            let of = |values: &[u64]| {
                let mut buckets = Buckets::new();
                for &value in values {
                    buckets.record(value);
                }
                buckets
            };
            let (mut one, mut two) = (of(&left), of(&right));
            one.merge(&of(&right));
            two.merge(&of(&left));
            prop_assert_eq!(one, two);
        }
    }
}
