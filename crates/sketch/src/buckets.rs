//! A log-linear histogram in integers.

use serde::{Deserialize, Serialize};

/// Bits of precision kept below the leading one: 32 steps an octave, 3 % wide at most.
const STEP_BITS: u32 = 5;
/// Steps of an octave.
const STEPS: usize = 1 << STEP_BITS;
/// Octaves of a u64, of which the first has the values below 32.
const OCTAVES: u16 = 60;
/// Room made for octaves that are not there yet; more comes as it is needed.
const ROOM_MAX: usize = 4;

/// Counts of values in log-linear buckets (as HDR histograms have them): exact below 64, within
/// 1/32 above. All integers, so two merge exactly in any order. At most 1 920 buckets, of which whole
/// octaves are held where a value was: so a bucket is found without a search.
///
/// A bucket that would pass `u32::MAX` halves all counts first, so that their shares stay what they
/// are; the total is then no longer that of all values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Listed", into = "Listed")]
pub struct Buckets {
    /// A bit for every octave that is held.
    held: u64,
    /// Those, ascending.
    octaves: Vec<[u32; STEPS]>,
}

/// The buckets that count anything, as they are written down.
#[derive(Serialize, Deserialize)]
struct Listed {
    /// Ascending.
    buckets: Vec<u16>,
    /// Of the bucket in the same place.
    counts: Vec<u64>,
}

impl From<Listed> for Buckets {
    fn from(listed: Listed) -> Self {
        let mut buckets = Self::new();
        for (bucket, count) in listed.buckets.into_iter().zip(listed.counts) {
            buckets.add(bucket, count);
        }
        buckets
    }
}

impl From<Buckets> for Listed {
    fn from(buckets: Buckets) -> Self {
        let (buckets, counts) = buckets.counted().unzip();
        Self { buckets, counts }
    }
}

impl Buckets {
    /// An empty histogram.
    pub const fn new() -> Self {
        Self { held: 0, octaves: Vec::new() }
    }

    /// An empty histogram with room for as many octaves as `other` has, up to a few.
    pub fn like(other: &Self) -> Self {
        Self { held: 0, octaves: Vec::with_capacity(other.octaves.len().min(ROOM_MAX)) }
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
        if self.overflows_with(other) {
            let mut other = other.clone();
            other.halve();
            self.halve();
            return self.add_all(&other);
        }
        self.add_all(other);
    }

    /// The middle value and the count of every bucket that has one, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counted().map(|(bucket, count)| (middle_of(bucket), count))
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.octaves.iter().flatten().map(|&count| u64::from(count)).sum()
    }

    /// Every bucket that counts anything, ascending.
    fn counted(&self) -> impl Iterator<Item = (u16, u64)> {
        let octaves = places(self.held).zip(&self.octaves);
        let all = octaves.flat_map(|(octave, counts)| {
            (octave << STEP_BITS..).zip(counts.iter().map(|&count| u64::from(count)))
        });
        all.filter(|&(_, count)| count != 0)
    }

    fn add(&mut self, bucket: u16, mut count: u64) {
        if count == 0 {
            return;
        }
        let step = usize::from(bucket) % STEPS;
        while let Some(sum) =
            self.octave(bucket >> STEP_BITS).and_then(|counts| counts.get_mut(step))
        {
            if let Some(more) = u32::try_from(count).ok().and_then(|count| sum.checked_add(count)) {
                *sum = more;
                return;
            }
            self.halve();
            count = half_of(count);
        }
    }

    /// Adds the counts of another with which none overflows.
    fn add_all(&mut self, other: &Self) {
        for (octave, theirs) in places(other.held).zip(&other.octaves) {
            if let Some(ours) = self.octave(octave) {
                for (sum, count) in ours.iter_mut().zip(theirs) {
                    *sum = sum.saturating_add(*count);
                }
            }
        }
    }

    /// Whether a bucket has no room for the sum of both.
    fn overflows_with(&self, other: &Self) -> bool {
        places(other.held).zip(&other.octaves).any(|(octave, theirs)| {
            self.held_octave(octave).is_some_and(|ours| {
                let carries =
                    ours.iter().zip(theirs).map(|(one, other)| one.overflowing_add(*other).1);
                carries.fold(false, |any, carry| any | carry)
            })
        })
    }

    /// Makes every count half of what it was.
    #[cold]
    fn halve(&mut self) {
        for count in self.octaves.iter_mut().flatten() {
            *count = u32::try_from(half_of((*count).into())).unwrap_or(u32::MAX);
        }
    }

    /// The counts of an octave, if it is held.
    fn held_octave(&self, octave: u16) -> Option<&[u32; STEPS]> {
        let bit = 1u64 << octave;
        self.octaves.get(self.place(bit)).filter(|_| self.held & bit != 0)
    }

    /// Where the octave of a bit is, or would be.
    fn place(&self, bit: u64) -> usize {
        (self.held & (bit - 1)).count_ones() as usize
    }

    /// The counts of an octave, which is held from then on; none if there is no such octave.
    fn octave(&mut self, octave: u16) -> Option<&mut [u32; STEPS]> {
        if octave >= OCTAVES {
            return None;
        }
        let bit = 1u64 << octave;
        let place = self.place(bit);
        if self.held & bit == 0 {
            self.held |= bit;
            self.octaves.insert(place, [0; STEPS]);
        }
        self.octaves.get_mut(place)
    }
}

/// Half of a count, but 1 of 1: what was seen stays seen.
fn half_of(count: u64) -> u64 {
    (count / 2).max(count.min(1))
}

/// The octaves of a mask, ascending.
fn places(held: u64) -> impl Iterator<Item = u16> {
    let mut rest = held;
    std::iter::from_fn(move || {
        let octave = u16::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)?;
        rest &= rest - 1;
        Some(octave)
    })
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
        let mut buckets = Buckets::new();
        buckets.record(u64::MAX);
        assert_eq!(bucket_of(u64::MAX) >> STEP_BITS, OCTAVES - 1);
        assert_eq!(buckets.total(), 1);
    }

    #[test]
    fn shares_stay_when_a_bucket_is_full() {
        let mut buckets = Buckets::new();
        buckets.record_many(1, u64::from(u32::MAX));
        buckets.record_many(2, 1 << 30);
        buckets.record(3);
        buckets.record(1);
        let counts: Vec<_> = buckets.iter().collect();
        assert_eq!(counts, [(1, 1 << 31), (2, 1 << 29), (3, 1)]);
        let once = buckets.clone();
        buckets.merge(&once);
        let counts: Vec<_> = buckets.iter().collect();
        assert_eq!(counts, [(1, 1 << 31), (2, 1 << 29), (3, 2)]);
        buckets.record_many(4, u64::MAX);
        let of_largest = buckets.iter().last().unwrap().1;
        assert_eq!((of_largest, buckets.iter().count()), (u64::from(u32::MAX), 4));
    }

    #[test]
    fn what_was_written_down_is_read_as_it_was() {
        let mut buckets = Buckets::new();
        for value in [3, 70, 70, 1 << 40] {
            buckets.record(value);
        }
        let listed = Listed::from(buckets.clone());
        assert_eq!(
            (listed.buckets.as_slice(), listed.counts.as_slice()),
            (&[3, 67, 1152][..], &[1, 2, 1][..])
        );
        assert_eq!(Buckets::from(listed), buckets);
        let odd = Buckets::from(Listed { buckets: vec![5, u16::MAX], counts: vec![0, 7] });
        assert_eq!(odd, Buckets::new(), "there is no such bucket");
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
