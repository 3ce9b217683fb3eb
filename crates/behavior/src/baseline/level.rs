//! A mean rate that forgets.

use libm::pow;

use crate::number::real;

/// The prior: half a request in three seconds of watching. The rates of one service's endpoints
/// differ by orders of magnitude, so a prior drawn from the service would say more than is known.
const PRIOR_REQUESTS: f64 = 0.5;
const PRIOR_MINUTES: f64 = 0.05;

/// A gamma distribution over a rate: `requests` in `minutes`, both discounted. Minutes in which more
/// is normal count for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    requests: f64,
    minutes: f64,
}

impl Level {
    /// Nothing learned.
    pub(crate) const fn new() -> Self {
        Self { requests: PRIOR_REQUESTS, minutes: PRIOR_MINUTES }
    }

    /// Requests in a minute of mean weight.
    pub(crate) const fn mean(&self) -> f64 {
        self.requests / self.minutes
    }

    /// How many minutes it is known from.
    pub(crate) const fn minutes(&self) -> f64 {
        self.minutes
    }

    /// The rate `expected` of a minute over the mean, and how far `seen` is from it: squared, over the
    /// variance that a Poisson count would have of a rate known as well as this one.
    pub(crate) fn deviation_of(&self, seen: f64, expected: f64) -> (f64, f64) {
        let busy = expected / self.mean().max(f64::MIN_POSITIVE);
        let variance = (expected * (1.0 + busy / self.minutes)).max(f64::MIN_POSITIVE);
        (busy, (seen - expected) * (seen - expected) / variance)
    }

    /// Learns a minute of this weight.
    pub(crate) const fn learn(&mut self, requests: f64, weight: f64, keep: f64) {
        self.requests = self.requests * keep + requests;
        self.minutes = self.minutes * keep + weight;
    }

    /// The same as learning so many minutes of nothing one by one.
    pub(crate) fn learn_silence(&mut self, minutes: u64, weight: f64, keep: f64) {
        let kept = pow(keep, real(minutes));
        self.requests *= kept;
        self.minutes = self.minutes * kept + weight * (1.0 - kept) / (1.0 - keep);
    }

    /// The mean becomes so many times as much.
    pub(crate) const fn scale(&mut self, factor: f64) {
        self.requests *= factor;
    }

    /// Becomes this mean, known from so many minutes.
    pub(crate) const fn set(&mut self, mean: f64, minutes: f64) {
        self.requests = mean * minutes;
        self.minutes = minutes;
    }
}
