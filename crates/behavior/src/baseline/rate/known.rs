//! What is learned of a rate, but for its season and its day.

use tapline_sketch::NegativeBinomial;

use super::scatter::Scatter;
use crate::baseline::level::Level;

/// What began longer ago is judged by what is known since: it does not end.
const HELD_MINUTES_MAX: u64 = 720;

/// The mean, twice, and how counts scatter around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) fast: Level,
    pub(super) slow: Level,
    pub(super) scatter: Scatter,
}

impl Known {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { fast: Level::new(), slow: Level::new(), scatter: Scatter::new() }
    }

    /// What a minute brings where a level is this, of which it has so many times the mean.
    pub(super) fn predicted(&self, level: &Level, factor: f64) -> NegativeBinomial {
        let mean = level.mean() * factor;
        let busy = mean / self.fast.mean().max(f64::MIN_POSITIVE);
        NegativeBinomial::new(mean, self.scatter(busy) - 1.0 + factor / level.minutes())
    }

    /// The variance of a count over its mean, where the rate is so many times the mean rate.
    pub(super) fn scatter(&self, busy: f64) -> f64 {
        self.scatter.at(busy, self.fast.mean())
    }

    /// The level that expects more.
    pub(super) const fn high(&self) -> &Level {
        if self.slow.mean() > self.fast.mean() { &self.slow } else { &self.fast }
    }

    /// The level that expects less.
    pub(super) const fn low(&self) -> &Level {
        if self.slow.mean() < self.fast.mean() { &self.slow } else { &self.fast }
    }

    /// The means become so many times as much.
    pub(super) const fn scale(&mut self, factor: f64) {
        self.fast.scale(factor);
        self.slow.scale(factor);
    }
}

/// What was known when minutes in a row began to speak of more than normal: they are held against
/// that, for they teach what they are to be held against. Else a change makes itself normal while it
/// is looked at, the more so the fewer requests there are to tell it by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    known: Option<(u64, Known)>,
}

impl Held {
    pub(super) fn get(&self) -> Option<&Known> {
        self.known.as_ref().map(|(_, known)| known)
    }

    /// A minute has been judged, and is not learned from yet: the run goes on, begins, or is over.
    pub(super) fn note(&mut self, minute: u64, is_run: bool, known: &Known) {
        if !is_run {
            self.known = None;
        } else if self.known.is_none_or(|(since, _)| minute >= since + HELD_MINUTES_MAX) {
            self.known = Some((minute, *known));
        }
    }

    /// What was known, which is no longer.
    pub(super) fn take(&mut self) -> Option<Known> {
        self.known.take().map(|(_, known)| known)
    }

    pub(super) fn scale(&mut self, factor: f64) {
        if let Some((_, known)) = &mut self.known {
            known.scale(factor);
        }
    }
}
