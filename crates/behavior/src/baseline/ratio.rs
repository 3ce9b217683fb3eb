//! A share of answers, minute by minute.

use libm::log;
use tapline_model::Epoch;
use tapline_sketch::Cusum;

use super::calibration::Rarity;
use super::error_share::{ErrorShare, Expected};
use super::judgement::{Judgement, Signal};
use crate::number::real;

/// More evidence is not kept.
const EVIDENCE_MAX: f64 = 60.0;
/// Evidence is summed over so many answers and the minute that reaches them: what takes more is how
/// the share goes with the hours.
const RUN_ANSWERS_MAX: u64 = 300;
/// Fewest answers, and fewest of the sort, that are told of.
const ANSWERS_MIN: u64 = 20;
const EVENTS_MIN: u64 = 5;
/// What is improbable at this teaches nothing.
const LN_TEACHES_MIN: f64 = -9.2;

/// How much of a change is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RatioFloor {
    /// Smallest rise of the share.
    pub(crate) rise_min: f64,
    /// Smallest factor.
    pub(crate) lift_min: f64,
}

/// The share of one sort of answers: judged by the minute, and over as many minutes as speak of a
/// rise.
#[derive(Clone, Debug)]
pub(crate) struct Ratio {
    share: ErrorShare,
    evidence: Cusum,
    from: u64,
    minutes: u64,
    answers: u64,
    events: u64,
}

impl Ratio {
    /// Nothing learned.
    pub(crate) const fn new(as_of: Epoch) -> Self {
        Self {
            share: ErrorShare::new(as_of),
            evidence: Cusum::zero(),
            from: 0,
            minutes: 0,
            answers: 0,
            events: 0,
        }
    }

    /// Judges a minute, then learns from it, and lets the service learn from it.
    pub(crate) fn close(
        &mut self,
        signal: Signal,
        minute: u64,
        (answers, events): (u64, u64),
        service: &mut ErrorShare,
        lesson: Lesson,
        floor: RatioFloor,
    ) -> Option<Judgement> {
        if answers == 0 {
            return None;
        }
        let epoch = Epoch(minute.saturating_mul(60));
        let memory = lesson.memory_minutes * 60.0;
        let share = self.share.at(epoch, memory);
        let expected = Expected::new(&share, &service.at(epoch, memory));
        let judged = self.judge(signal, minute, (answers, events), expected, floor);
        let is_odd = judged.rarity.ln_probability < LN_TEACHES_MIN && judged.is_large;
        if lesson.teaches && !is_odd {
            self.share.learn(epoch, answers, events, expected, memory);
            service.learn(epoch, answers, events, expected, memory);
        }
        Some(judged)
    }

    fn judge(
        &mut self,
        signal: Signal,
        minute: u64,
        (answers, events): (u64, u64),
        expected: Expected,
        floor: RatioFloor,
    ) -> Judgement {
        let normal = expected.mean();
        let risen = (normal + floor.rise_min).max(normal * floor.lift_min).min(0.5 + normal / 2.0);
        let step = real(events) * log(risen / normal)
            + real(answers - events.min(answers)) * log((1.0 - risen) / (1.0 - normal));
        // The share is known from so many answers only: more of them in a minute say less each.
        let step = step / expected.overdispersion(answers);
        if self.answers >= RUN_ANSWERS_MAX {
            self.evidence.clear();
            (self.minutes, self.answers, self.events) = (0, 0, 0);
        }
        self.evidence.step(step, EVIDENCE_MAX);
        if self.evidence.sum() <= 0.0 {
            (self.minutes, self.answers, self.events) = (0, 0, 0);
        } else {
            if self.minutes == 0 {
                self.from = minute;
            }
            self.minutes = minute.saturating_sub(self.from) + 1;
            self.answers += answers;
            self.events += events;
        }
        let ln_minute = log(expected.probability(answers, events).max(1e-300));
        let ln_run = self.evidence.ln_at_least();
        let is_run = ln_run < ln_minute && self.answers > 0;
        let (from, minutes, of, count) = if is_run {
            (self.from, self.minutes, self.answers, self.events)
        } else {
            (minute, 1, answers, events)
        };
        let seen = real(count) / real(of.max(1));
        Judgement {
            signal,
            rarity: Rarity::by((ln_minute.min(ln_run) + core::f64::consts::LN_2).min(0.0)),
            seen,
            normal,
            weight: of,
            from,
            minutes,
            is_large: of >= ANSWERS_MIN
                && count >= EVENTS_MIN
                && seen - normal >= floor.rise_min
                && seen >= normal * floor.lift_min,
        }
    }

    /// What it does now is normal from now on.
    pub(crate) const fn accept(&mut self, as_of: Epoch) {
        *self = Self::new(as_of);
    }

    /// Answers it was learned from.
    pub(crate) fn learned(&self) -> f64 {
        self.share.weight()
    }
}

/// Whether a minute teaches, and how long it is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lesson {
    pub(crate) teaches: bool,
    pub(crate) memory_minutes: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: RatioFloor = RatioFloor { rise_min: 0.05, lift_min: 2.0 };
    const LESSON: Lesson = Lesson { teaches: true, memory_minutes: 1_440.0 };

    /// Minutes of answers and events; the last judgement.
    fn last(minutes: impl IntoIterator<Item = (u64, u64)>) -> Judgement {
        let mut ratio = Ratio::new(Epoch(0));
        let mut service = ErrorShare::new(Epoch(0));
        let judged = (0..).zip(minutes).map(|(minute, counts)| {
            ratio.close(Signal::AuthFailures, minute, counts, &mut service, LESSON, FLOOR)
        });
        judged.last().flatten().unwrap()
    }

    fn steady() -> impl Iterator<Item = (u64, u64)> {
        (0..2_000u64).map(|minute| (100, u64::from(minute.is_multiple_of(2)) * 2))
    }

    #[test]
    fn a_share_that_jumps_is_told_at_once() {
        let judged = last(steady().chain([(100, 40)]));
        assert!(judged.is_large && judged.rarity.ln_probability < -20.0, "{judged:?}");
        assert!((judged.seen - 0.4).abs() < 1e-9 && (judged.normal - 0.01).abs() < 2e-3);
    }

    #[test]
    fn small_rises_add_up() {
        let one = last(steady().chain([(20, 3)]));
        let many = last(steady().chain([(20, 3); 14]));
        assert!(one.rarity.ln_probability > -9.0, "{one:?}");
        assert!(many.rarity.ln_probability < -9.0 && many.is_large, "{many:?}");
        assert_eq!((many.from, many.minutes), (2_000, 14));
    }

    #[test]
    fn what_is_normal_is_not_told() {
        let judged = last(steady());
        assert!(!judged.is_large && judged.rarity.ln_probability > -5.0, "{judged:?}");
        let slight = last(steady().chain([(100, 3); 100]));
        assert!(!slight.is_large, "{slight:?}");
    }
}
