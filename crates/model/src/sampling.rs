//! The share of flows that is analysed when there is more traffic than the sensor can follow.

use serde::{Deserialize, Serialize};

/// One flow in 2^n, chosen by the keyed flow hash: both directions of a flow stay or go together,
/// on every interface, and a flow that stays at one rate stays at every higher one.
///
/// Ordered by how little is kept, so the greater of two is the one that hides more.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(from = "u8", into = "u8")]
pub struct Sampling(u8);

impl From<u8> for Sampling {
    fn from(halvings: u8) -> Self {
        Self::halved(halvings)
    }
}

impl From<Sampling> for u8 {
    fn from(sampling: Sampling) -> Self {
        sampling.halvings()
    }
}

impl Sampling {
    /// Every flow: nothing is shed.
    pub const WHOLE: Self = Self(0);
    /// One flow in 64.
    pub const LEAST: Self = Self(6);

    /// One flow in 2^`halvings`, but no less than [`Self::LEAST`].
    pub const fn halved(halvings: u8) -> Self {
        if halvings < Self::LEAST.0 { Self(halvings) } else { Self::LEAST }
    }

    /// How often the traffic was halved.
    pub const fn halvings(self) -> u8 {
        self.0
    }

    /// One step less.
    #[must_use]
    pub const fn lower(self) -> Self {
        Self::halved(self.0 + 1)
    }

    /// One step more.
    #[must_use]
    pub const fn higher(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Whether every flow is kept.
    pub const fn is_whole(self) -> bool {
        self.0 == 0
    }

    /// One flow in this many is kept.
    pub const fn one_in(self) -> u64 {
        1 << self.0
    }

    /// The share of flows that is kept, 1 down to 1/64.
    pub fn ratio(self) -> f64 {
        f64::from(self.0).exp2().recip()
    }

    /// Whether the flow with this keyed hash is kept. Judged by the top bits, which choose neither
    /// the shard nor the place in a table.
    #[inline]
    pub const fn keeps(self, flow_hash: u64) -> bool {
        flow_hash.leading_zeros() >= self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [Sampling; 7] =
        [Sampling(0), Sampling(1), Sampling(2), Sampling(3), Sampling(4), Sampling(5), Sampling(6)];

    /// Hashes as good as random ones.
    fn hashes() -> impl Iterator<Item = u64> {
        (1u64..100_000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    #[test]
    fn each_step_keeps_half_of_the_flows_of_the_one_before() {
        let mut before = 2 * hashes().count();
        for rate in RATES {
            let kept = hashes().filter(|&hash| rate.keeps(hash)).count();
            assert!(kept.abs_diff(before / 2) * 20 < before, "{rate:?} keeps {kept} of {before}");
            before = kept;
        }
    }

    #[test]
    fn a_flow_that_is_kept_is_kept_at_every_higher_rate() {
        for rate in RATES {
            assert!(hashes().all(|hash| !rate.keeps(hash) || rate.higher().keeps(hash)));
        }
    }

    #[test]
    fn the_steps_end_at_both_ends() {
        assert_eq!(Sampling::WHOLE.higher(), Sampling::WHOLE);
        assert_eq!(Sampling::LEAST.lower(), Sampling::LEAST);
        assert_eq!(RATES.map(Sampling::one_in), [1, 2, 4, 8, 16, 32, 64]);
        assert!((Sampling::LEAST.ratio() - 1.0 / 64.0).abs() < 1e-12);
        assert_eq!(Sampling::halved(200), Sampling::LEAST);
        let read: Sampling = postcard::from_bytes(&[200]).unwrap();
        assert_eq!(read, Sampling::LEAST, "whatever another sensor sends");
    }
}
