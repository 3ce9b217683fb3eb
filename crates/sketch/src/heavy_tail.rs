//! How far out a count lies among those of many.

use libm::{exp, log};

use crate::Buckets;
use crate::negative_binomial::real;

/// The share of values that make the tail.
const TAIL_PER_MILLE: u64 = 20;
/// Peaks that the first guess of the tail's scale weighs as much as.
const PRIOR_PEAKS: f64 = 5.0;
/// The first guess: half of all peaks lie within a fifth above where the tail begins.
const PRIOR_SCALE: f64 = 0.25;
/// Smallest scale: values that are all alike do not make a step of one impossible.
const SCALE_MIN: f64 = 0.05;

/// A distribution of counts with a heavy tail: a histogram, and above its 98th percentile a Pareto
/// tail, that is an exponential one on the scale of `ln(1 + count)`.
///
/// The scale of the tail is taken from the median of the peaks rather than their mean, so that a few
/// giants among them do not make giants look ordinary. Adding is commutative.
///
/// Source: peaks over a threshold as in Siffer et al., "Anomaly detection in streams with extreme
/// value theory", KDD 2017, with the shape fixed at 0 in the log domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeavyTail {
    values: Buckets,
}

impl HeavyTail {
    /// Nothing seen.
    pub const fn new() -> Self {
        Self { values: Buckets::new() }
    }

    /// Learns one value.
    pub fn learn(&mut self, value: u64) {
        self.values.record(value);
    }

    /// How many values it was learned from.
    pub fn total(&self) -> u64 {
        self.values.total()
    }

    /// Forgets half of what it learned, rounded up.
    pub fn age(&mut self) {
        let mut half = Buckets::new();
        for (value, count) in self.values.iter() {
            half.record_many(value, count.div_ceil(2));
        }
        self.values = half;
    }

    /// The value that so many of a thousand do not pass; 0 when nothing was learned.
    pub fn quantile(&self, per_mille: u64) -> u64 {
        let wanted = self.total().saturating_mul(per_mille.min(1_000)).div_ceil(1_000);
        let mut sum = 0;
        self.values
            .iter()
            .find(|&(_, count)| {
                sum += count;
                sum >= wanted
            })
            .map_or(0, |(value, _)| value)
    }

    /// ln P(X >= value): by counting up to the 98th percentile, by the tail beyond. 0 when nothing
    /// was learned.
    pub fn ln_at_least(&self, value: u64) -> f64 {
        let total = self.total();
        if total == 0 {
            return 0.0;
        }
        let threshold = self.quantile(1_000 - TAIL_PER_MILLE);
        let above = |bound: u64| {
            let counts = self.values.iter().filter(|&(at, _)| at >= bound);
            counts.map(|(_, count)| count).sum::<u64>()
        };
        if value <= threshold {
            return log(real(above(value) + 1) / real(total + 1)).min(0.0);
        }
        let peaks: u64 =
            self.values.iter().filter(|&(at, _)| at > threshold).map(|(_, count)| count).sum();
        let excess = log_scale(value) - log_scale(threshold);
        let share = log(real(peaks + 1) / real(total + 1)).min(0.0);
        share - excess / self.scale(threshold, peaks)
    }

    /// P(X >= value).
    pub fn at_least(&self, value: u64) -> f64 {
        exp(self.ln_at_least(value))
    }

    fn scale(&self, threshold: u64, peaks: u64) -> f64 {
        let wanted = peaks.div_ceil(2);
        let mut sum = 0;
        let median = self.values.iter().filter(|&(at, _)| at > threshold).find(|&(_, count)| {
            sum += count;
            sum >= wanted
        });
        let median = median.map_or(0.0, |(at, _)| log_scale(at) - log_scale(threshold));
        let (seen, weight) = (median / std::f64::consts::LN_2, real(peaks));
        let scale = (seen * weight + PRIOR_SCALE * PRIOR_PEAKS) / (weight + PRIOR_PEAKS);
        scale.max(SCALE_MIN)
    }
}

fn log_scale(value: u64) -> f64 {
    libm::log1p(real(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmv::tests::spread;

    /// Counts with a Pareto tail: P(X >= x) = x^-3.
    fn pareto(count: u64) -> HeavyTail {
        let mut tail = HeavyTail::new();
        for n in 0..count {
            let luck = real(spread(n) >> 11) / real(1 << 53);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            tail.learn(libm::pow(luck.max(1e-12), -1.0 / 3.0) as u64);
        }
        tail
    }

    #[test]
    fn a_pareto_tail_is_recovered_far_beyond_what_was_seen() {
        let tail = pareto(5_000);
        for value in [30u64, 100, 300] {
            let (got, truth) = (tail.ln_at_least(value), -3.0 * log(real(value)));
            assert!((got / truth - 1.0).abs() < 0.2, "{value}: {got} and not {truth}");
        }
    }

    #[test]
    fn a_few_giants_do_not_make_giants_ordinary() {
        let mut tail = pareto(2_000);
        let before = tail.ln_at_least(500);
        (0..5).for_each(|_| tail.learn(5_000));
        assert!(tail.ln_at_least(500) < before * 0.6, "{before} {}", tail.ln_at_least(500));
        assert!(tail.at_least(500) < 1e-5);
    }

    #[test]
    fn values_that_are_all_alike_have_a_steep_tail() {
        let mut tail = HeavyTail::new();
        (0..1_000).for_each(|_| tail.learn(3));
        assert!(tail.at_least(3) > 0.99 && tail.at_least(4) > 1e-5);
        assert!(tail.at_least(60) < 1e-6);
        assert!((HeavyTail::new().at_least(9) - 1.0).abs() < 1e-12, "nothing is known");
        tail.age();
        assert_eq!((tail.total(), tail.quantile(500)), (500, 3));
    }
}
