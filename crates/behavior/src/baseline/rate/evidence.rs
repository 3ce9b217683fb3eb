//! What minutes in a row say, where no single one says enough.

use tapline_sketch::{Cusum, NegativeBinomial};

use crate::number::real;

/// The changes that evidence is summed for: two and a half times as much, which is all but the best
/// test for any change from twice to five times as much, and eight times for what is beyond.
const SURGE_FACTORS: [f64; 2] = [2.5, 8.0];
/// And a twentieth, which is next to nothing.
pub(super) const LULL_FACTOR: f64 = 0.05;
/// More evidence is not kept, so that the end of an incident is seen soon.
const EVIDENCE_MAX: f64 = 40.0;
/// With so much a surge is one, until the evidence is gone: its end says nothing of ordinary minutes.
const SURGE_EVIDENCE: f64 = 14.0;
/// Less than there was by this, a change is over: it goes on with one in 20,000.
const OVER_EVIDENCE: f64 = 10.0;

/// Minutes in a row that speak of one change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// The first minute.
    pub(crate) from: u64,
    /// How many there are.
    pub(crate) minutes: u64,
    pub(crate) seen: u64,
    pub(crate) expected: f64,
    /// What would have been, were the day as it should be.
    pub(crate) full: f64,
    /// -ln of the probability.
    pub(crate) evidence: f64,
}

/// Evidence of more than normal, and of nothing where there should be something: sums of ratios of
/// likelihoods (Page 1954), with which minute each began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    surge: [Cusum; SURGE_FACTORS.len()],
    lull: Cusum,
    surge_run: Run,
    lull_run: Run,
    is_surge: bool,
    /// The most that there was of a surge.
    surge_max: f64,
}

impl Evidence {
    /// A minute by what is normal at most and at least; `full` is what is on an ordinary day.
    pub(super) fn step(
        &mut self,
        at: u64,
        count: u64,
        (high, full): (&NegativeBinomial, f64),
        low: &NegativeBinomial,
    ) {
        for (sum, factor) in self.surge.iter_mut().zip(SURGE_FACTORS) {
            sum.step(high.ln_ratio(factor, count), EVIDENCE_MAX);
        }
        self.lull.step(low.ln_ratio(LULL_FACTOR, count), EVIDENCE_MAX);
        self.note_surge();
        self.surge_run.go_on(self.surge_sum(), at, 1, count, (high.mean(), full));
        self.lull_run.go_on(self.lull.sum(), at, 1, count, (low.mean(), low.mean()));
    }

    /// So many minutes of nothing.
    pub(super) fn pass(
        &mut self,
        at: u64,
        minutes: u64,
        (high, full): (&NegativeBinomial, f64),
        low: &NegativeBinomial,
    ) {
        for (sum, factor) in self.surge.iter_mut().zip(SURGE_FACTORS) {
            sum.steps(high.ln_ratio(factor, 0), minutes, EVIDENCE_MAX);
        }
        self.lull.steps(low.ln_ratio(LULL_FACTOR, 0), minutes, EVIDENCE_MAX);
        self.note_surge();
        self.surge_run.go_on(self.surge_sum(), at, minutes, 0, (high.mean(), full));
        self.lull_run.go_on(self.lull.sum(), at, minutes, 0, (low.mean(), low.mean()));
    }

    /// Whether what is going on was a surge, now or in minutes that still count.
    pub(super) const fn is_surge(&self) -> bool {
        self.is_surge
    }

    fn note_surge(&mut self) {
        self.surge_max = self.surge_max.max(self.surge_sum());
        if self.surge_sum() < self.surge_max - OVER_EVIDENCE {
            self.surge = <[Cusum; SURGE_FACTORS.len()]>::default();
        }
        let sum = self.surge_sum();
        if sum <= 0.0 {
            self.surge_max = 0.0;
        }
        self.is_surge = sum > SURGE_EVIDENCE || self.is_surge && sum > 0.0;
    }

    /// ln of the probability of so much evidence of more than normal, by the one sum or the other.
    pub(super) fn ln_surge(&self) -> f64 {
        -self.surge_sum()
    }

    fn surge_sum(&self) -> f64 {
        self.surge.iter().map(Cusum::sum).fold(0.0, f64::max)
    }

    pub(super) fn surge(&self) -> Run {
        Run { evidence: self.surge_sum(), ..self.surge_run }
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
    fn go_on(&mut self, sum: f64, at: u64, minutes: u64, seen: u64, (mean, full): (f64, f64)) {
        if sum <= 0.0 {
            *self = Self::default();
            return;
        }
        if self.minutes == 0 {
            self.from = at;
        }
        self.minutes += minutes;
        self.seen += seen;
        self.expected += mean * real(minutes);
        self.full += full * real(minutes);
    }
}
