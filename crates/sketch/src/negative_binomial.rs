//! Counts that scatter more than Poisson's.

use libm::{exp, log};

use crate::incomplete::{ln_beta_lower, ln_gamma_lower, ln_gamma_upper};

/// Below this excess the distribution is taken as Poisson's: its other parameter would overflow.
const EXCESS_MIN: f64 = 1e-6;

/// The negative binomial distribution, by its mean and by how far it scatters beyond Poisson's:
/// the variance is `mean * (1 + excess)`. An excess of 0 is the Poisson distribution.
///
/// It is the predictive distribution of a Poisson count whose rate is known as a gamma
/// distribution (DLMF and Johnson, Kemp, Kotz, "Univariate Discrete Distributions", chapter 5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NegativeBinomial {
    mean: f64,
    excess: f64,
}

impl NegativeBinomial {
    /// By mean and excess; what is negative or no number counts as 0.
    pub const fn new(mean: f64, excess: f64) -> Self {
        Self { mean: mean.max(0.0), excess: excess.max(0.0) }
    }

    /// The mean.
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation.
    pub fn deviation(&self) -> f64 {
        (self.mean * (1.0 + self.excess)).sqrt()
    }

    /// ln P(X >= count).
    pub fn ln_at_least(&self, count: u64) -> f64 {
        if count == 0 {
            return 0.0;
        }
        if self.mean <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let count = real(count);
        if self.excess < EXCESS_MIN {
            return ln_gamma_lower(count, self.mean);
        }
        let (size, failure, success) = self.parameters();
        ln_beta_lower(count, size, success, failure)
    }

    /// ln P(X <= count).
    pub fn ln_at_most(&self, count: u64) -> f64 {
        if self.mean <= 0.0 {
            return 0.0;
        }
        let above = real(count) + 1.0;
        if self.excess < EXCESS_MIN {
            return ln_gamma_upper(above, self.mean);
        }
        let (size, failure, success) = self.parameters();
        ln_beta_lower(size, above, failure, success)
    }

    /// ln of how much more probable a count is if the mean is so many times as large and the size
    /// of the distribution the same: a step of evidence for [`crate::Cusum`].
    pub fn ln_ratio(&self, factor: f64, count: u64) -> f64 {
        let count = real(count);
        if self.excess < EXCESS_MIN {
            return count * log(factor) - self.mean * (factor - 1.0);
        }
        let size = self.mean / self.excess;
        let (normal, raised) = (size + self.mean, size + self.mean * factor);
        count * log(factor * normal / raised) - size * log(raised / normal)
    }

    /// The probability of a count at least as far out as this one, on either side.
    pub fn two_sided(&self, count: u64) -> f64 {
        let ln_tail = self.ln_at_least(count).min(self.ln_at_most(count));
        (2.0 * exp(ln_tail)).min(1.0)
    }

    /// The smallest count that has at least `share` of the distribution at or below it, for a share
    /// in 0..1.
    pub fn quantile(&self, share: f64) -> u64 {
        let ln_share = log(share);
        let reaches = |count: u64| self.ln_at_most(count) >= ln_share;
        let mut low = 0;
        let mut high = whole(self.mean + self.deviation()).max(1);
        // Chebyshev's inequality ends this long before the 64th doubling.
        for _ in 0..u64::BITS {
            if reaches(high) {
                break;
            }
            low = high;
            high = high.saturating_mul(2);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if reaches(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        high
    }

    /// Size, and the probabilities of a failure and of a success: X counts successes before the
    /// `size`-th failure.
    fn parameters(&self) -> (f64, f64, f64) {
        let total = 1.0 + self.excess;
        (self.mean / self.excess, 1.0 / total, self.excess / total)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts above 2^53 are far outside any window")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only a place to begin a search; the cast saturates"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Mean, excess, count, ln P(X >= count), ln P(X <= count): direct sums with fifty digits.
    const REFERENCE: &[(f64, f64, u64, f64, f64)] = &[
        (12.0, 0.0, 31, -12.600_108_991_202_6, -1.243_200_352_760_84e-6),
        (12.0, 0.0, 412, -1_060.780_248_689_36, 3.207_317_652_110_63e-50),
        (12.0, 2.5, 60, -11.962_214_147_189_2, -4.828_756_135_648_29e-6),
        (0.01, 0.5, 15, -22.666_586_003_408_8, -4.489_326_260_380_14e-11),
        (100.0, 0.01, 20, -5.219_047_359_815_46e-23, -49.693_455_959_736_6),
        (5000.0, 40.0, 9000, -29.097_339_572_261_7, -2.282_167_192_744_08e-13),
        (3.5, 100.0, 500, -10.006_465_258_855, -4.458_709_022_816_19e-5),
    ];

    /// ln P(X = count), by the recurrence from P(X = 0).
    fn probabilities(mean: f64, excess: f64, upto: u64) -> Vec<f64> {
        let first =
            if excess > 0.0 { exp(-mean / excess * libm::log1p(excess)) } else { exp(-mean) };
        let mut all = vec![first];
        for count in 1..=upto {
            let before = all[all.len() - 1];
            let k = real(count);
            all.push(before * (mean + (k - 1.0) * excess) / ((1.0 + excess) * k));
        }
        all
    }

    #[test]
    fn geometric_tails_have_their_closed_form() {
        // Size 1, mean 1/2: P(X >= k) = (1/3)^k.
        let geometric = NegativeBinomial::new(0.5, 0.5);
        for count in [1, 15, 300] {
            let exact = -real(count) * log(3.0);
            assert!((geometric.ln_at_least(count) - exact).abs() < 1e-10 * exact.abs());
        }
    }

    #[test]
    fn tails_agree_with_values_computed_to_fifty_digits() {
        for &(mean, excess, count, at_least, at_most) in REFERENCE {
            let it = NegativeBinomial::new(mean, excess);
            for (got, want) in [(it.ln_at_least(count), at_least), (it.ln_at_most(count), at_most)]
            {
                assert!(
                    (got - want).abs() <= 1e-8 * want.abs().max(1e-3),
                    "{mean} {excess} {count}: {got} is not {want}"
                );
            }
        }
    }

    #[test]
    fn a_ratio_of_likelihoods_has_mean_one() {
        for (mean, excess) in [(3.0, 0.0), (3.0, 0.5), (20.0, 4.0)] {
            let it = NegativeBinomial::new(mean, excess);
            let all = probabilities(mean, excess, 400);
            let sum: f64 =
                (0..).zip(&all).map(|(count, share)| share * exp(it.ln_ratio(2.5, count))).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{mean} {excess}: {sum}");
        }
    }

    #[test]
    fn nothing_expected_makes_anything_impossible() {
        let never = NegativeBinomial::new(0.0, 3.0);
        assert!(never.ln_at_least(0).abs() < 1e-12);
        assert!(never.ln_at_least(1).is_infinite());
        assert_eq!(never.quantile(0.99), 0);
        assert!(NegativeBinomial::new(f64::NAN, f64::NAN).ln_at_least(1).is_infinite());
    }

    #[test]
    fn huge_counts_end() {
        let it = NegativeBinomial::new(1e9, 10.0);
        assert!(it.two_sided(2_000_000_000) < 1e-300);
        assert!((it.two_sided(1_000_000_000) - 1.0).abs() < 1e-3);
        assert!(it.quantile(0.99) > 1_000_000_000);
        assert!(it.ln_at_least(u64::MAX).is_finite());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn tails_are_the_direct_sum(
            mean in 0.01f64..60.0,
            excess in 0.0f64..20.0,
            count in 0u64..200,
        ) {
            let excess = if excess < 0.5 { 0.0 } else { excess };
            let it = NegativeBinomial::new(mean, excess);
            let all = probabilities(mean, excess, count);
            let at_most: f64 = all.iter().sum();
            let below = at_most - all[all.len() - 1];
            prop_assert!((exp(it.ln_at_most(count)) - at_most).abs() < 1e-9);
            prop_assert!((exp(it.ln_at_least(count)) - (1.0 - below)).abs() < 1e-9);
        }

        #[test]
        fn a_quantile_is_the_smallest_that_reaches(
            mean in 0.0f64..1e5,
            excess in 0.0f64..50.0,
            share in 0.001f64..0.999,
        ) {
            let it = NegativeBinomial::new(mean, excess);
            let quantile = it.quantile(share);
            prop_assert!(exp(it.ln_at_most(quantile)) >= share - 1e-9);
            if quantile > 0 {
                prop_assert!(exp(it.ln_at_most(quantile - 1)) < share + 1e-9);
            }
        }
    }
}
