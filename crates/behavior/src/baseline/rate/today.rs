//! A day that is calmer than it should be: a holiday, or a weekend before one was seen.

use libm::pow;

use crate::number::real;

/// Minutes over which it is known.
const MEMORY_MINUTES: f64 = 180.0;
/// Requests that the belief in an ordinary day stands for.
const PRIOR_REQUESTS: f64 = 60.0;
/// No day is calmer than this.
const CALM_MIN: f64 = 0.25;

/// What came of late over what was expected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    seen: f64,
    expected: f64,
}

impl Today {
    /// The share of what is normal that is to be expected: 1 at most, for a surge must not make
    /// itself normal.
    pub(super) const fn calm(&self) -> f64 {
        ((self.seen + PRIOR_REQUESTS) / (self.expected + PRIOR_REQUESTS)).clamp(CALM_MIN, 1.0)
    }

    /// A minute ends; what was more than expected counts as that.
    pub(super) fn step(&mut self, seen: f64, expected: f64) {
        let keep = 1.0 - 1.0 / MEMORY_MINUTES;
        self.seen = self.seen * keep + seen.min(expected);
        self.expected = self.expected * keep + expected;
    }

    /// So many minutes of nothing.
    pub(super) fn pass(&mut self, minutes: u64, expected: f64) {
        let kept = pow(1.0 - 1.0 / MEMORY_MINUTES, real(minutes));
        self.seen *= kept;
        self.expected = self.expected * kept + expected * MEMORY_MINUTES * (1.0 - kept);
    }
}
