//! How many of so many, when the share itself is known only roughly.

use libm::{exp, lgamma, log};

use crate::incomplete::{ln_beta, ln_complement};
use crate::negative_binomial::real;

/// Terms below this share of the sum no longer change it.
const PRECISION: f64 = 1e-17;

/// The beta-binomial distribution: successes among trials whose probability of success is known as
/// a beta distribution, as after `a` successes and `b` failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaBinomial {
    trials: u64,
    a: f64,
    b: f64,
}

impl BetaBinomial {
    /// By the number of trials and the two parameters of the share, both above 0.
    pub const fn new(trials: u64, a: f64, b: f64) -> Self {
        Self { trials, a: a.max(f64::MIN_POSITIVE), b: b.max(f64::MIN_POSITIVE) }
    }

    /// The mean number of successes.
    pub fn mean(&self) -> f64 {
        real(self.trials) * self.a / (self.a + self.b)
    }

    /// The standard deviation of the number of successes.
    pub fn deviation(&self) -> f64 {
        let (trials, total) = (real(self.trials), self.a + self.b);
        (self.mean() * (self.b / total) * (total + trials) / (total + 1.0)).sqrt()
    }

    /// ln P(X >= count). Takes time in proportion to the trials at worst, and far less in a tail.
    pub fn ln_at_least(&self, count: u64) -> f64 {
        if count == 0 {
            0.0
        } else if count > self.trials {
            f64::NEG_INFINITY
        } else if real(count) > self.mean() {
            self.ln_upwards(count).min(0.0)
        } else {
            ln_complement(self.ln_downwards(count - 1))
        }
    }

    /// ln of the sum of P(X = k) for k from `count` up.
    fn ln_upwards(&self, count: u64) -> f64 {
        let (mut term, mut sum) = (1.0, 1.0);
        for k in count..self.trials {
            let (done, left) = (real(k), real(self.trials - k));
            let ratio = left * (self.a + done) / ((done + 1.0) * (self.b + left - 1.0));
            term *= ratio;
            sum += term;
            if ratio < 1.0 && term < PRECISION * sum * (1.0 - ratio) {
                break;
            }
        }
        self.ln_probability(count) + log(sum)
    }

    /// ln of the sum of P(X = k) for k from `count` down.
    fn ln_downwards(&self, count: u64) -> f64 {
        let (mut term, mut sum) = (1.0, 1.0);
        for k in (1..=count).rev() {
            let (done, left) = (real(k), real(self.trials - k));
            let ratio = done * (self.b + left) / ((left + 1.0) * (self.a + done - 1.0));
            term *= ratio;
            sum += term;
            if ratio < 1.0 && term < PRECISION * sum * (1.0 - ratio) && self.a >= 1.0 {
                break;
            }
        }
        self.ln_probability(count) + log(sum)
    }

    fn ln_probability(&self, count: u64) -> f64 {
        let (trials, done) = (real(self.trials), real(count));
        let left = real(self.trials - count);
        lgamma(trials + 1.0) - lgamma(done + 1.0) - lgamma(left + 1.0)
            + ln_beta(done + self.a, left + self.b)
            - ln_beta(self.a, self.b)
    }

    /// P(X >= count).
    pub fn at_least(&self, count: u64) -> f64 {
        exp(self.ln_at_least(count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Trials, a, b, count, ln P(X >= count): direct sums with fifty digits.
    const REFERENCE: &[(u64, f64, f64, u64, f64)] = &[
        (20, 0.2, 19.8, 5, -6.079_635_950_016_94),
        (100, 0.2, 19.8, 60, -19.015_960_459_971_9),
        (1000, 1.5, 2000.0, 40, -42.696_170_053_515_1),
        (300, 20.0, 1980.0, 40, -51.236_321_409_66),
        (50, 0.01, 1000.0, 5, -21.572_253_399_489_8),
        (400, 30.0, 10.0, 310, -0.936_672_772_768_197),
        (2000, 4.0, 396.0, 15, -0.431_481_785_092_802),
    ];

    #[test]
    fn an_unknown_share_makes_every_count_equally_probable() {
        let flat = BetaBinomial::new(99, 1.0, 1.0);
        for count in 0..=99 {
            assert!((flat.at_least(count) - real(100 - count) / 100.0).abs() < 1e-12);
        }
    }

    #[test]
    fn one_trial_succeeds_with_the_mean_share() {
        assert!((BetaBinomial::new(1, 0.3, 5.7).at_least(1) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn more_than_all_is_impossible() {
        assert!(BetaBinomial::new(5, 2.0, 2.0).ln_at_least(6).is_infinite());
    }

    #[test]
    fn tails_agree_with_values_computed_to_fifty_digits() {
        for &(trials, a, b, count, want) in REFERENCE {
            let got = BetaBinomial::new(trials, a, b).ln_at_least(count);
            assert!(
                (got - want).abs() <= 1e-8 * want.abs().max(1e-3),
                "{trials} {a} {b} {count}: {got} is not {want}"
            );
        }
    }

    #[test]
    fn the_deviation_is_the_root_of_the_variance() {
        // Trials 10, a 2, b 3: variance n a b (a + b + n) / ((a + b)^2 (a + b + 1)) = 6.
        assert!((BetaBinomial::new(10, 2.0, 3.0).deviation() - 6f64.sqrt()).abs() < 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn tails_are_the_direct_sum(
            trials in 1u64..200,
            a in 0.01f64..30.0,
            b in 0.01f64..300.0,
            count in 0u64..200,
        ) {
            let it = BetaBinomial::new(trials, a, b);
            let count = count % (trials + 1);
            let sum: f64 = (count..=trials).map(|k| exp(it.ln_probability(k))).sum();
            prop_assert!((it.at_least(count) - sum).abs() < 1e-9, "{} {}", it.at_least(count), sum);
        }

        #[test]
        fn fewer_are_never_less_probable(
            trials in 1u64..5_000,
            a in 0.01f64..30.0,
            b in 1.0f64..3_000.0,
        ) {
            let it = BetaBinomial::new(trials, a, b);
            let tails: Vec<f64> = (0..=trials).step_by(97).map(|k| it.ln_at_least(k)).collect();
            prop_assert!(tails.windows(2).all(|pair| pair[1] <= pair[0] + 1e-7));
        }
    }
}
