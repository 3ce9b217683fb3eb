//! How many unmatched routes ordinary consumers ask for in a window.

use tapline_sketch::NegativeBinomial;

use crate::number::real;

/// The prior: a hundred consumers that ask for half a route each, scattered so widely that a third
/// asks for one and one in 27 for three. Careful on a fresh sensor: fifteen are still one in 10^7.
const PRIOR_CONSUMERS: f64 = 100.0;
const PRIOR_MEAN: f64 = 0.5;
const PRIOR_MEAN_SQUARE: f64 = 1.0;
/// What one more consumer leaves of what was learned: ten thousand are remembered.
const KEEP: f64 = 1.0 - 1e-4;
/// Counts beyond this many standard deviations above the mean teach no more than this many.
const CLIP_DEVIATIONS: f64 = 3.0;
/// Counts up to here are never clipped.
const CLIP_MIN: f64 = 3.0;

/// The distribution over consumers: gamma-Poisson, from discounted moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    prior_mean: f64,
    prior_mean_square: f64,
    consumers: f64,
    sum: f64,
    sum_of_squares: f64,
}

impl Population {
    /// Nothing learned.
    pub(crate) const fn new() -> Self {
        Self::with_prior(PRIOR_MEAN, PRIOR_MEAN_SQUARE)
    }

    /// Nothing learned yet, but what is believed of the mean and the mean square.
    pub(crate) const fn with_prior(prior_mean: f64, prior_mean_square: f64) -> Self {
        Self { prior_mean, prior_mean_square, consumers: 0.0, sum: 0.0, sum_of_squares: 0.0 }
    }

    /// Learns from the count of one consumer that is not suspected of anything.
    pub(crate) fn learn(&mut self, routes: u64) {
        let expected = self.expected();
        let most = (expected.mean() + CLIP_DEVIATIONS * expected.deviation()).max(CLIP_MIN);
        let clipped = real(routes).min(most);
        self.consumers = self.consumers * KEEP + 1.0;
        self.sum = self.sum * KEEP + clipped;
        self.sum_of_squares = self.sum_of_squares * KEEP + clipped * clipped;
    }

    /// What an ordinary consumer asks for.
    pub(crate) fn expected(&self) -> NegativeBinomial {
        let consumers = PRIOR_CONSUMERS + self.consumers;
        let mean = (PRIOR_CONSUMERS * self.prior_mean + self.sum) / consumers;
        let square = (PRIOR_CONSUMERS * self.prior_mean_square + self.sum_of_squares) / consumers;
        NegativeBinomial::new(mean, (square - mean * mean) / mean - 1.0)
    }

    /// Consumers it was learned from, discounted.
    pub(crate) const fn consumers(&self) -> f64 {
        self.consumers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(population: &Population, routes: u64) -> f64 {
        libm::exp(population.expected().ln_at_least(routes))
    }

    #[test]
    fn a_fresh_population_is_geometric() {
        let fresh = Population::new();
        assert!((probability(&fresh, 15) - 3f64.powi(-15)).abs() < 1e-12);
        assert!((probability(&fresh, 3) - 1.0 / 27.0).abs() < 1e-9);
    }

    #[test]
    fn crawlers_that_are_many_become_normal() {
        let mut population = Population::new();
        for consumer in 0..4_000u64 {
            population.learn(if consumer.is_multiple_of(4) { 20 } else { 0 });
        }
        assert!(probability(&population, 20) > 1e-3, "{population:?}");
        assert!(probability(&population, 500) < 1e-6);
    }

    #[test]
    fn a_few_outliers_hardly_teach() {
        let mut population = Population::new();
        (0..2_000).for_each(|_| population.learn(0));
        (0..20).for_each(|_| population.learn(1_000_000));
        assert!(probability(&population, 20) < 1e-6, "{}", probability(&population, 20));
    }
}
