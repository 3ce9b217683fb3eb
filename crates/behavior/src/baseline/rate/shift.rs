//! Slow changes of a level: what no minute shows and no day hides.

use libm::{fabs, log};
use tapline_sketch::Cusum;

use crate::baseline::level::Level;

/// Drift taken off each hour's score, and the evidence from which on it is a change: with independent
/// hours a false one comes once in 2 10^7 (Siegmund's approximation).
const DRIFT: f64 = 0.5;
pub(crate) const SHIFT_EVIDENCE: f64 = 15.0;
/// What one hour may say.
const SCORE: (f64, f64) = (-3.0, 3.0);
/// Hours over which the spread of hours is learned.
const SPREAD_HOURS: f64 = 168.0;
/// Hours before anything is said: a weekend must be among them.
const HOURS_MIN: u32 = 192;
/// Hours in a row by which the fast level must be off: more than a holiday of a day makes them.
const LASTING_HOURS: u32 = 24;
/// By how much it must be off: ln 1.5.
const LN_LIFT_MIN: f64 = 0.405;

/// Hours held against the slow anchor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shift {
    seen: f64,
    expected: f64,
    hours: u32,
    /// Variance of ln(seen / expected) of an hour.
    spread: f64,
    up: Cusum,
    down: Cusum,
    /// Hours in a row in which the fast level is off by more than enough.
    off_hours: u32,
}

impl Shift {
    /// Counts what came and what the slow anchor expected.
    pub(super) const fn learn(&mut self, seen: f64, expected: f64) {
        self.seen += seen;
        self.expected += expected;
    }

    /// An hour ends.
    pub(super) fn hour(&mut self, learned_minutes: u64, fast: &Level, slow: &Level, scatter: f64) {
        let (seen, expected) = (self.seen, self.expected);
        self.seen = 0.0;
        self.expected = 0.0;
        if expected <= 0.0 || learned_minutes < 60 {
            return;
        }
        self.hours = self.hours.saturating_add(1);
        let off = log((seen + 1.0) / (expected + 1.0));
        // Chance alone, and how the hours were off so far.
        let chance = scatter.max(1.0) / (expected + 1.0);
        let spread = self.spread.max(chance).max(1e-4).sqrt();
        let score = (off / spread).clamp(SCORE.0, SCORE.1);
        let limited = (score * spread) * (score * spread);
        let share = (1.0 / f64::from(self.hours)).max(1.0 / SPREAD_HOURS);
        self.spread += (limited - self.spread) * share;
        if self.hours < HOURS_MIN {
            return;
        }
        self.up.step(score - DRIFT, 2.0 * SHIFT_EVIDENCE);
        self.down.step(-score - DRIFT, 2.0 * SHIFT_EVIDENCE);
        let lift = log(fast.mean().max(1e-9) / slow.mean().max(1e-9));
        self.off_hours = if fabs(lift) >= LN_LIFT_MIN { self.off_hours + 1 } else { 0 };
    }

    /// -ln of the probability of so lasting a change, if there is one.
    pub(crate) fn evidence(&self) -> Option<f64> {
        let most = self.up.sum().max(self.down.sum());
        (self.off_hours >= LASTING_HOURS && most >= SHIFT_EVIDENCE).then_some(most)
    }

    /// For how many hours in a row the level has been off.
    pub(crate) fn hours(&self) -> u64 {
        u64::from(self.off_hours)
    }
}

/// The mean of a level over the mean of another.
pub(crate) fn lift(fast: f64, slow: f64) -> f64 {
    fast.max(1e-9) / slow.max(1e-9)
}
