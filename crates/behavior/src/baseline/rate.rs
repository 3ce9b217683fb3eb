//! Requests a minute of one endpoint: a discounted gamma-Poisson model.

use std::collections::VecDeque;

use libm::{exp, pow};
use tapline_model::{BaselineState, BaselineView, Epoch};
use tapline_sketch::NegativeBinomial;

use super::partial::PartialMinutes;
use crate::number::real;

/// Seconds of a bucket.
const MINUTE_SECONDS: u64 = 60;
/// Minutes kept for showing.
const RECENT_MAX: usize = 60;
/// The prior: half a request in three seconds of watching. The rates of one service's endpoints
/// differ by orders of magnitude, so a prior drawn from the service would say more than is known.
const PRIOR_REQUESTS: f64 = 0.5;
const PRIOR_MINUTES: f64 = 0.05;
/// Minutes that the prior of the scatter stands for.
const SCATTER_PRIOR_MINUTES: f64 = 5.0;
/// Minutes learned before a deviation says anything about the scatter.
const SCATTER_AFTER_MINUTES: u64 = 3;
/// The scatter forgets more slowly than the mean, by this factor.
const SCATTER_MEMORY_FACTOR: f64 = 7.0;
/// Deviations beyond this many standard deviations teach no more than this many.
const CLIP_DEVIATIONS: f64 = 3.0;
/// The range shown lies between these shares of all normal minutes.
const RANGE: (f64, f64) = (0.01, 0.99);

/// How a rate learns.
#[derive(Clone, Debug)]
pub(crate) struct Learning {
    /// What one minute leaves of what was known.
    keep: f64,
    /// Minutes after which it judges, and clips.
    minutes_min: u64,
    /// Minutes that do not teach, because a part of the flows was shed in them.
    partial: PartialMinutes,
}

impl Learning {
    /// With a time constant in days, and the minutes after which it judges.
    pub(crate) fn new(memory_days: f64, minutes_min: u32) -> Self {
        let memory_minutes = (memory_days * 1_440.0).max(1.0);
        Self {
            keep: exp(-1.0 / memory_minutes),
            minutes_min: u64::from(minutes_min),
            partial: PartialMinutes::default(),
        }
    }

    /// Takes new settings; which minutes were whole stays known.
    pub(crate) fn reconfigure(&mut self, memory_days: f64, minutes_min: u32) {
        let partial = std::mem::take(&mut self.partial);
        *self = Self { partial, ..Self::new(memory_days, minutes_min) };
    }

    /// A part of the flows was shed in this epoch, no earlier than any noted before.
    pub(crate) fn note_partial(&mut self, epoch: Epoch) {
        self.partial.note(epoch.0 / MINUTE_SECONDS);
    }
}

/// The rate of one endpoint.
///
/// The mean is known as a gamma distribution: `requests` seen in `minutes`, both discounted. What
/// the next minute brings is then negative binomial, with the mean `requests / minutes` and a
/// variance of `mean * (scatter + 1 / minutes)`.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    /// The minute that is filling, counted from the Unix epoch.
    minute: u64,
    filling: Minute,
    /// The last whole minute. It is judged before it is learned from, so it waits here for the
    /// next.
    last: Option<Minute>,
    /// Whole minutes, the last one included, oldest first.
    recent: VecDeque<u32>,
    requests: f64,
    minutes: f64,
    scatter_sum: f64,
    scatter_weight: f64,
    learned: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    count: u64,
    /// It was watched from its start, and no incident was open.
    is_normal: bool,
    is_whole: bool,
}

impl Minute {
    const SILENT: Self = Self { count: 0, is_normal: true, is_whole: true };
}

impl Rate {
    /// An endpoint first seen in `epoch`. Unless that is the first second of a minute, the minute
    /// is not whole.
    pub(crate) fn new(epoch: Epoch) -> Self {
        let is_whole = epoch.0.is_multiple_of(MINUTE_SECONDS);
        Self {
            minute: epoch.0 / MINUTE_SECONDS,
            filling: Minute { is_whole, ..Minute::SILENT },
            last: None,
            recent: VecDeque::new(),
            requests: PRIOR_REQUESTS,
            minutes: PRIOR_MINUTES,
            scatter_sum: 0.0,
            scatter_weight: 0.0,
            learned: 0,
        }
    }

    /// Counts the requests of an epoch. While an incident is open on the endpoint the minute does
    /// not teach.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        requests: u64,
        incident: bool,
        learning: &Learning,
    ) {
        self.advance(epoch.0 / MINUTE_SECONDS, learning);
        self.filling.count += requests;
        self.filling.is_normal &= !incident;
    }

    /// As of the first instant of `now`.
    pub(crate) fn view(&self, now: Epoch, learning: &Learning) -> BaselineView {
        let mut current = self.clone();
        current.advance(now.0 / MINUTE_SECONDS, learning);
        let predicted = current.predicted();
        let seen = current.last.map_or(0, |minute| minute.count);
        let is_ready = current.learned >= learning.minutes_min;
        let is_blank = current.learned == 0;
        BaselineView {
            state: if is_ready { BaselineState::Ready } else { BaselineState::Learning },
            minutes: current.learned,
            normal: if is_blank { 0.0 } else { predicted.mean() },
            normal_low: if is_blank { 0 } else { predicted.quantile(RANGE.0) },
            normal_high: if is_blank { 0 } else { predicted.quantile(RANGE.1) },
            seen,
            probability: if is_blank || current.last.is_none() {
                1.0
            } else {
                predicted.two_sided(seen)
            },
            recent: current.recent.iter().copied().map(u64::from).collect(),
        }
    }

    /// Closes every minute before `minute`; silent ones in one step, however many.
    fn advance(&mut self, minute: u64, learning: &Learning) {
        let Some(passed) = minute.checked_sub(self.minute).filter(|&passed| passed > 0) else {
            return;
        };
        let before = std::mem::replace(&mut self.minute, minute);
        let mut closed = std::mem::replace(&mut self.filling, Minute::SILENT);
        closed.is_normal &= learning.partial.count(before, before) == 0;
        if closed.is_whole {
            self.close(closed, learning);
        }
        let silent = passed - 1;
        if silent > 0 {
            // In minutes of which a part was followed silence says nothing.
            let known = silent - learning.partial.count(before + 1, minute - 1).min(silent);
            self.close(Minute { is_normal: known > 0, ..Minute::SILENT }, learning);
            self.learn_silence(known.saturating_sub(1), learning);
            let shown = usize::try_from(silent - 1).unwrap_or(usize::MAX).min(RECENT_MAX);
            (0..shown).for_each(|_| self.show(0));
        }
    }

    /// A whole minute ends: the one before it is learned from.
    fn close(&mut self, minute: Minute, learning: &Learning) {
        if let Some(before) = self.last.replace(minute)
            && before.is_normal
        {
            self.learn(before.count, learning);
        }
        self.show(minute.count);
    }

    fn show(&mut self, count: u64) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn learn(&mut self, count: u64, learning: &Learning) {
        let predicted = self.predicted();
        let seen = real(count);
        if self.learned >= SCATTER_AFTER_MINUTES {
            let deviation = seen - predicted.mean();
            self.learn_scatter(deviation * deviation / self.poisson_variance(), 1, learning);
        }
        let most = predicted.mean() + CLIP_DEVIATIONS * predicted.deviation();
        let clipped = if self.learned >= learning.minutes_min { seen.min(most) } else { seen };
        self.requests = self.requests * learning.keep + clipped;
        self.minutes = self.minutes * learning.keep + 1.0;
        self.learned += 1;
    }

    /// The same as learning from `count` minutes of nothing one by one; of the scatter, nearly.
    fn learn_silence(&mut self, count: u64, learning: &Learning) {
        if count == 0 {
            return;
        }
        let kept = pow(learning.keep, real(count));
        // The deviation of nothing is the whole mean, which falls as the silence goes on.
        let before = self.predicted().mean();
        let variance = self.poisson_variance();
        self.requests *= kept;
        self.minutes = self.minutes * kept + (1.0 - kept) / (1.0 - learning.keep);
        if self.learned >= SCATTER_AFTER_MINUTES {
            let deviation = f64::midpoint(before, self.predicted().mean());
            self.learn_scatter(deviation * deviation / variance, count, learning);
        }
        self.learned = self.learned.saturating_add(count);
    }

    /// `ratio` is a squared deviation over the variance that a Poisson count would have.
    fn learn_scatter(&mut self, ratio: f64, minutes: u64, learning: &Learning) {
        let clipped = ratio.min(CLIP_DEVIATIONS * CLIP_DEVIATIONS * self.scatter());
        let keep = pow(learning.keep, 1.0 / SCATTER_MEMORY_FACTOR);
        let kept = pow(keep, real(minutes));
        let added = (1.0 - kept) / (1.0 - keep);
        self.scatter_sum = self.scatter_sum * kept + clipped * added;
        self.scatter_weight = self.scatter_weight * kept + added;
    }

    fn predicted(&self) -> NegativeBinomial {
        let excess = self.scatter() - 1.0 + 1.0 / self.minutes;
        NegativeBinomial::new(self.requests / self.minutes, excess)
    }

    /// How many times the variance of a Poisson count: 1 at least.
    fn scatter(&self) -> f64 {
        let sum = self.scatter_sum + SCATTER_PRIOR_MINUTES;
        (sum / (self.scatter_weight + SCATTER_PRIOR_MINUTES)).max(1.0)
    }

    fn poisson_variance(&self) -> f64 {
        (self.requests / self.minutes * (1.0 + 1.0 / self.minutes)).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learning() -> Learning {
        Learning::new(1.0, 10)
    }

    /// One endpoint that gets these requests in minutes 0, 1, 2, ...
    fn rate_of(minutes: impl IntoIterator<Item = u64>) -> Rate {
        let mut rate = Rate::new(Epoch(0));
        for (minute, count) in (0..).zip(minutes) {
            rate.observe(Epoch(minute * 60 + 7), count, false, &learning());
        }
        rate
    }

    fn view_at(rate: &Rate, minute: u64) -> BaselineView {
        rate.view(Epoch(minute * 60), &learning())
    }

    /// 12 on average, scattered as a Poisson count is.
    const STEADY: [u64; 20] =
        [12, 9, 15, 11, 13, 17, 8, 12, 10, 14, 16, 7, 12, 13, 11, 9, 15, 12, 14, 10];

    #[test]
    fn a_steady_rate_is_learned() {
        let view = view_at(&rate_of(STEADY), 20);
        assert_eq!(view.state, BaselineState::Ready);
        assert_eq!((view.minutes, view.seen), (19, 10));
        assert!((view.normal - 12.1).abs() < 0.2, "{view:?}");
        assert!((3..=6).contains(&view.normal_low), "{view:?}");
        assert!((18..=24).contains(&view.normal_high), "{view:?}");
        assert!(view.probability > 0.3);
        assert_eq!(view.recent, STEADY);
    }

    #[test]
    fn a_spike_is_judged_by_what_was_before_it() {
        let view = view_at(&rate_of(STEADY.into_iter().chain([412])), 21);
        assert_eq!(view.seen, 412);
        assert!((view.normal - 12.0).abs() < 0.2, "{view:?}");
        assert!(view.probability < 1e-12, "{view:?}");
    }

    #[test]
    fn a_fall_is_as_improbable_as_a_rise() {
        let busy = STEADY.map(|count| count * 10);
        assert!(view_at(&rate_of(busy), 21).probability < 1e-3);
    }

    #[test]
    fn it_says_that_it_is_learning_until_it_has() {
        let rate = rate_of(STEADY);
        assert_eq!(view_at(&rate_of([]), 0).minutes, 0);
        assert_eq!(
            view_at(&rate_of(STEADY.into_iter().take(10)), 10).state,
            BaselineState::Learning
        );
        assert_eq!(view_at(&rate, 20).state, BaselineState::Ready);
        let blank = view_at(&rate_of([5]), 1);
        assert!((blank.probability - 1.0).abs() < 1e-12 && blank.normal.abs() < 1e-12);
    }

    #[test]
    fn a_minute_that_began_before_the_endpoint_is_left_out() {
        let mut rate = Rate::new(Epoch(30));
        rate.observe(Epoch(30), 1_000, false, &learning());
        rate.observe(Epoch(61), 7, false, &learning());
        assert_eq!(view_at(&rate, 2).recent, [7]);
    }

    #[test]
    fn an_incident_does_not_teach() {
        let mut rate = rate_of(STEADY);
        let before = view_at(&rate, 21).normal;
        for minute in 20..40 {
            rate.observe(Epoch(minute * 60), 5_000, true, &learning());
        }
        let view = view_at(&rate, 41);
        assert!((view.normal - before).abs() < 0.7, "{view:?}");
    }

    #[test]
    fn a_ready_baseline_follows_a_jump_slowly() {
        let rate = rate_of(STEADY.into_iter().chain([5_000; 5]));
        assert!(view_at(&rate, 25).normal < 60.0, "{:?}", view_at(&rate, 25));
    }

    #[test]
    fn silence_is_learned_in_one_step_as_in_many() {
        for silent in [1, 2, 61, 1_000] {
            let zeros = (0..silent).map(|_| 0);
            let at_once = view_at(&rate_of(STEADY), 20 + silent);
            let one_by_one = view_at(&rate_of(STEADY.into_iter().chain(zeros)), 20 + silent);
            assert_eq!(at_once.minutes, one_by_one.minutes);
            assert_eq!(at_once.recent, one_by_one.recent);
            assert!((at_once.normal / one_by_one.normal - 1.0).abs() < 1e-9);
            let off = (at_once.probability - one_by_one.probability).abs();
            assert!(off < 0.1, "{at_once:?} {one_by_one:?}");
        }
    }

    #[test]
    fn a_jump_of_centuries_costs_nothing() {
        let view = view_at(&rate_of(STEADY), u64::MAX / 60);
        assert_eq!(view.recent, [0; 60]);
        assert!(view.normal < 1e-3 && view.probability.is_finite());
    }

    #[test]
    fn an_overscattered_rate_has_a_wide_range() {
        let bursty = (0..600).map(|minute: u64| if minute.is_multiple_of(5) { 50 } else { 2 });
        let view = view_at(&rate_of(bursty), 600);
        assert!(view.normal_high >= 50, "{view:?}");
    }
}
