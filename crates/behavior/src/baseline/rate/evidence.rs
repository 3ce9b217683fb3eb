//! What minutes in a row say, where no single one says enough.

use tapline_sketch::{Cusum, NegativeBinomial};

use crate::number::real;

/// The change that evidence is summed for: two and a half times as much. It is all but the best test
/// for any change from twice as much on.
const SURGE_FACTOR: f64 = 2.5;
/// And a twentieth, which is next to nothing.
pub(super) const LULL_FACTOR: f64 = 0.05;
/// More evidence is not kept, so that the end of an incident is seen soon.
const EVIDENCE_MAX: f64 = 60.0;

/// Minutes in a row that speak of one change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// The first minute.
    pub(crate) from: u64,
    /// How many there are.
    pub(crate) minutes: u64,
    pub(crate) seen: u64,
    pub(crate) expected: f64,
    /// -ln of the probability.
    pub(crate) evidence: f64,
}

/// Evidence of more than normal, and of nothing where there should be something: sums of ratios of
/// likelihoods (Page 1954), with which minute each began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    surge: Cusum,
    lull: Cusum,
    surge_run: Run,
    lull_run: Run,
}

impl Evidence {
    /// A minute by what is normal at most and at least.
    pub(super) fn step(
        &mut self,
        at: u64,
        count: u64,
        high: &NegativeBinomial,
        low: &NegativeBinomial,
    ) {
        self.surge.step(high.ln_ratio(SURGE_FACTOR, count), EVIDENCE_MAX);
        self.lull.step(low.ln_ratio(LULL_FACTOR, count), EVIDENCE_MAX);
        self.surge_run.go_on(self.surge, at, 1, count, high.mean());
        self.lull_run.go_on(self.lull, at, 1, count, low.mean());
    }

    /// So many minutes of nothing.
    pub(super) fn pass(
        &mut self,
        at: u64,
        minutes: u64,
        high: &NegativeBinomial,
        low: &NegativeBinomial,
    ) {
        self.surge.steps(high.ln_ratio(SURGE_FACTOR, 0), minutes, EVIDENCE_MAX);
        self.lull.steps(low.ln_ratio(LULL_FACTOR, 0), minutes, EVIDENCE_MAX);
        self.surge_run.go_on(self.surge, at, minutes, 0, high.mean());
        self.lull_run.go_on(self.lull, at, minutes, 0, low.mean());
    }

    /// ln of the probability of so much evidence of more than normal.
    pub(super) fn ln_surge(&self) -> f64 {
        self.surge.ln_at_least()
    }

    pub(super) const fn surge(&self) -> Run {
        Run { evidence: self.surge.sum(), ..self.surge_run }
    }

    pub(super) const fn lull(&self) -> Run {
        Run { evidence: self.lull.sum(), ..self.lull_run }
    }

    pub(super) const fn lull_sum(&self) -> f64 {
        self.lull.sum()
    }
}

impl Run {
    /// Minutes go by; without evidence the run is over.
    fn go_on(&mut self, sum: Cusum, at: u64, minutes: u64, seen: u64, mean: f64) {
        if sum.sum() <= 0.0 {
            *self = Self::default();
            return;
        }
        if self.minutes == 0 {
            self.from = at;
        }
        self.minutes += minutes;
        self.seen += seen;
        self.expected += mean * real(minutes);
    }
}
