//! Requests a minute of one endpoint: a discounted gamma-Poisson model with a season.

mod evidence;
mod shift;
#[cfg(test)]
mod tests;
mod today;

use std::collections::VecDeque;

use libm::{exp, pow};
use tapline_model::{BaselineState, BaselineView, Epoch};
use tapline_sketch::{NegativeBinomial, Tail};

use self::evidence::Evidence;
pub(crate) use self::evidence::Run;
pub(crate) use self::shift::{Shift, lift as shift_lift};
use self::today::Today;
use super::calendar::HOUR_MINUTES;
use super::learning::Learning;
use super::level::Level;
use super::season::{Reach, Season};
use crate::number::real;

/// Seconds of a bucket.
pub(crate) const MINUTE_SECONDS: u64 = 60;
/// Minutes kept for showing.
const RECENT_MAX: usize = 60;
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
/// Minutes from which on the distribution of past scores corrects the model's.
const CALIBRATED_AFTER: u32 = 1_000;
/// The logarithm of a probability is corrected by this factor at most to what is less probable.
const CORRECTION_MAX: f64 = 1.25;
/// Minutes that the scatter counts for once a season is believed that was not before.
const SCATTER_KEPT_MINUTES: f64 = 60.0;
/// A rate that is accepted as the new normal is known from so many minutes.
const ACCEPTED_MINUTES: f64 = 60.0;
/// Hours of silence that are learned one by one; what is beyond is learned as one.
const SILENT_HOURS_MAX: u64 = 200;

/// The rate of one endpoint, or of one host.
///
/// The mean is known as a gamma distribution, twice: by a fast level and by a slow anchor. What the
/// next minute brings is negative binomial, with the mean `level * season` and a variance of
/// `mean * (scatter + season / minutes)`. What is more than normal must be so by both, and what is
/// less as well, so neither an attacker who is patient nor a holiday moves what is judged.
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
    /// The first minute watched.
    since: u64,
    learned: u64,
    fast: Level,
    slow: Level,
    scatter_sum: f64,
    scatter_weight: f64,
    season: Season,
    today: Today,
    reach: Reach,
    evidence: Evidence,
    tail: Tail,
    shift: Shift,
    /// The longest silence, in minutes; forgotten by and by.
    silence_max: f64,
    /// The probability that the last verdict found.
    ln_high: f64,
    /// Known to be silent since an incident: silence does not teach.
    is_silenced: bool,
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

/// What a whole minute was, held against what was normal before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) seen: u64,
    /// What was normal by both levels: the larger.
    pub(crate) normal: f64,
    /// The same, were the day as it should be.
    pub(crate) full: f64,
    /// ln of the probability of as many, or of as much evidence over the last minutes.
    pub(crate) ln_high: f64,
    /// The minutes in a row that speak of more than normal.
    pub(crate) run: Run,
}

impl Rate {
    /// An endpoint first seen in `epoch`. Unless that is the first second of a minute, the minute
    /// is not whole.
    pub(crate) fn new(epoch: Epoch, learning: &mut Learning) -> Self {
        let minute = epoch.0 / MINUTE_SECONDS;
        let is_whole = epoch.0.is_multiple_of(MINUTE_SECONDS);
        Self {
            minute,
            filling: Minute { is_whole, ..Minute::SILENT },
            last: None,
            recent: VecDeque::new(),
            since: minute,
            learned: 0,
            fast: Level::new(),
            slow: Level::new(),
            scatter_sum: 0.0,
            scatter_weight: 0.0,
            season: Season::new(learning.calendar.hour(minute)),
            today: Today::default(),
            reach: Reach::Flat,
            evidence: Evidence::default(),
            tail: Tail::new(),
            shift: Shift::default(),
            silence_max: 0.0,
            ln_high: 0.0,
            is_silenced: false,
        }
    }

    /// Counts the requests of an epoch. While an incident is open on the endpoint the minute does
    /// not teach.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        requests: u64,
        incident: bool,
        learning: &mut Learning,
    ) {
        self.advance(epoch.0 / MINUTE_SECONDS, learning);
        self.is_silenced &= requests == 0;
        self.filling.count += requests;
        self.filling.is_normal &= !incident;
    }

    /// Closes every minute before `minute`; silent ones by the hour. What the first of them was, if
    /// it was whole.
    pub(crate) fn advance(&mut self, minute: u64, learning: &mut Learning) -> Option<Verdict> {
        let passed = minute.checked_sub(self.minute).filter(|&passed| passed > 0)?;
        let before = std::mem::replace(&mut self.minute, minute);
        let mut closed = std::mem::replace(&mut self.filling, Minute::SILENT);
        let is_partial = learning.partial.count(before, before) > 0;
        closed.is_normal &= !is_partial;
        let verdict = closed.is_whole.then(|| self.close(before, closed, is_partial, learning));
        if passed > 1 {
            self.pass_silence(before + 1, passed - 1, learning);
        }
        self.turn(minute, learning);
        verdict
    }

    /// The last whole minute turned out to belong to an incident: it will not teach.
    pub(crate) const fn leave_out_last(&mut self) {
        if let Some(last) = &mut self.last {
            last.is_normal = false;
        }
    }

    /// It is known to be silent, and silence does not teach until it is heard again.
    pub(crate) const fn silence(&mut self) {
        self.is_silenced = true;
    }

    /// What it does now is normal from now on.
    pub(crate) fn accept(&mut self) {
        let recent = self.recent.iter().rev().take(30);
        let count = recent.len().max(1) as u64;
        let sum: u64 = recent.map(|&count| u64::from(count)).sum();
        let mean = real(sum) / real(count) / self.season.factor(self.minute);
        self.fast.set(mean, ACCEPTED_MINUTES);
        self.slow.set(mean, ACCEPTED_MINUTES);
        self.evidence = Evidence::default();
        self.shift = Shift::default();
        self.is_silenced = false;
    }

    /// How many whole minutes before `minute` nothing came.
    pub(crate) fn silent_minutes(&self, minute: u64) -> u64 {
        let waiting = self.last.is_some_and(|last| last.count == 0) && self.filling.count == 0;
        minute.saturating_sub(self.minute) + u64::from(waiting)
    }

    /// Minutes it was learned from.
    pub(crate) const fn learned(&self) -> u64 {
        self.learned
    }

    /// Minutes since it was first seen.
    pub(crate) const fn age(&self) -> u64 {
        self.minute.saturating_sub(self.since)
    }

    /// Whether changes are told.
    pub(crate) const fn is_ready(&self, learning: &Learning) -> bool {
        self.age() >= learning.silent_minutes && self.learned >= learning.minutes_min
    }

    /// The lasting change of its level.
    pub(crate) const fn shift(&self) -> &Shift {
        &self.shift
    }

    /// Requests a minute over the last day or so, and over the last weeks.
    pub(crate) const fn levels(&self) -> (f64, f64) {
        (self.fast.mean(), self.slow.mean())
    }

    /// The silence that lasts until the minute that is filling.
    pub(crate) const fn lull(&self) -> Run {
        self.evidence.lull()
    }

    /// After how many more silent minutes as they are now silence would be as improbable as this,
    /// if it ever would.
    pub(crate) fn silent_after(&self, ln_probability: f64) -> Option<u64> {
        let step = self.low(self.minute).ln_ratio(evidence::LULL_FACTOR, 0);
        let wanted = -ln_probability - self.evidence.lull_sum();
        (step > 1e-9).then(|| whole((wanted / step).clamp(0.0, 1e7)) + 1)
    }

    /// By what the last whole minute was judged.
    pub(crate) const fn ln_high(&self) -> f64 {
        self.ln_high
    }

    /// The longest silence it is known for, in minutes.
    pub(crate) const fn silence_max(&self) -> f64 {
        self.silence_max
    }

    /// As of the first instant of `now`.
    pub(crate) fn view(&self, now: Epoch, learning: &Learning) -> BaselineView {
        let mut current = self.clone();
        let mut learning = learning.clone();
        current.advance(now.0 / MINUTE_SECONDS, &mut learning);
        let predicted = current.expected(current.minute.saturating_sub(1));
        let seen = current.last.map_or(0, |minute| minute.count);
        let is_blank = current.learned == 0;
        let is_shown = current.learned >= learning.minutes_min;
        BaselineView {
            state: current.state(&learning),
            minutes: current.learned,
            normal: if is_blank { 0.0 } else { predicted.mean() },
            normal_low: if is_shown { predicted.quantile(RANGE.0) } else { 0 },
            normal_high: if is_shown { predicted.quantile(RANGE.1) } else { 0 },
            seen,
            probability: if is_blank || current.last.is_none() {
                1.0
            } else {
                predicted.two_sided(seen)
            },
            recent: current.recent.iter().copied().map(u64::from).collect(),
        }
    }

    fn state(&self, learning: &Learning) -> BaselineState {
        if !self.is_ready(learning) {
            return BaselineState::Learning;
        }
        match Learning::reach(self.age()) {
            Reach::Flat => BaselineState::Flat,
            Reach::Daily => BaselineState::Daily,
            Reach::Weekly => BaselineState::Weekly,
        }
    }

    /// A whole minute ends: the one before it is learned from, and it is judged.
    fn close(&mut self, at: u64, minute: Minute, is_partial: bool, learning: &Learning) -> Verdict {
        if let Some(before) = self.last.replace(minute)
            && before.is_normal
        {
            self.learn(at.saturating_sub(1), before.count, learning);
        }
        self.show(minute.count);
        let (high, low) = (self.high(at), self.low(at));
        if !is_partial {
            self.evidence.step(at, minute.count, &high, &low);
        }
        let ln_model = high.ln_at_least(minute.count).min(self.evidence.ln_surge());
        let ln_model = (ln_model + core::f64::consts::LN_2).min(0.0);
        let ln_high = if self.tail.total() >= CALIBRATED_AFTER {
            self.tail.ln_exponential(-ln_model).max(ln_model * CORRECTION_MAX)
        } else {
            ln_model
        };
        if minute.is_normal {
            self.tail.learn(-ln_model);
        }
        let full = high.mean() / self.today.calm();
        if !is_partial {
            self.today.step(real(minute.count), full);
        }
        let run = self.evidence.surge();
        self.ln_high = ln_high;
        Verdict { seen: minute.count, normal: high.mean(), full, ln_high, run }
    }

    /// Minutes `from` on in which nothing came.
    fn pass_silence(&mut self, from: u64, minutes: u64, learning: &mut Learning) {
        self.silence_max = self.silence_max.max(real(minutes));
        // In minutes of which a part was followed silence says nothing.
        let unknown = learning.partial.count(from, from.saturating_add(minutes - 1)).min(minutes);
        let known = if self.is_silenced { 0 } else { minutes - unknown };
        if let Some(before) = self.last.replace(Minute { is_normal: known > 0, ..Minute::SILENT })
            && before.is_normal
        {
            self.learn(from.saturating_sub(1), before.count, learning);
        }
        let shown = usize::try_from(minutes).unwrap_or(usize::MAX).min(RECENT_MAX);
        (0..shown).for_each(|_| self.show(0));
        let mut left = minutes;
        let mut heard = minutes - unknown;
        let mut known = known;
        let mut at = from;
        for hour in 0.. {
            let rest =
                if hour < SILENT_HOURS_MAX { HOUR_MINUTES - at % HOUR_MINUTES } else { left };
            let part = rest.min(left);
            self.turn(at, learning);
            self.evidence.pass(at, part.min(heard), &self.high(at), &self.low(at));
            heard -= part.min(heard);
            self.today.pass(part, self.slow.mean() * self.full_factor(at));
            let teaches = part.min(known);
            // The last of them waits to be learned.
            let last = u64::from(part == left).min(teaches);
            self.learn_silence(at, teaches - last, learning);
            known -= teaches;
            left -= part;
            at = at.saturating_add(part);
            if left == 0 {
                break;
            }
        }
    }

    /// The hour goes on, if it does.
    fn turn(&mut self, minute: u64, learning: &mut Learning) {
        let hour = learning.calendar.hour(minute);
        if hour == self.season.hour() {
            return;
        }
        self.shift.hour(self.learned, &self.fast, &self.slow, self.scatter());
        self.silence_max *= 0.999;
        let reach = Learning::reach(self.age());
        if reach != self.reach {
            // What scattered for want of a season scatters no more.
            let kept = (SCATTER_KEPT_MINUTES / self.scatter_weight.max(1.0)).min(1.0);
            self.scatter_sum *= kept;
            self.scatter_weight *= kept;
            self.tail = Tail::new();
            self.reach = reach;
        }
        self.season.turn(hour, reach, self.scatter());
    }

    fn show(&mut self, count: u64) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn learn(&mut self, at: u64, count: u64, learning: &Learning) {
        let factor = self.season.factor(at);
        let predicted = self.expected(at);
        let seen = real(count);
        if self.learned >= SCATTER_AFTER_MINUTES {
            let deviation = seen - predicted.mean();
            let variance = self.poisson_variance(predicted.mean(), factor);
            self.learn_scatter(deviation * deviation / variance, 1, learning);
        }
        let most = predicted.mean() + CLIP_DEVIATIONS * predicted.deviation();
        let clipped = if self.learned >= learning.minutes_min { seen.min(most) } else { seen };
        self.fast.learn(clipped, factor, learning.keep);
        self.slow.learn(clipped, factor, learning.keep_slowly);
        self.season.learn(clipped, 1);
        self.shift.learn(clipped, self.slow.mean() * factor);
        self.learned += 1;
    }

    /// The same as learning from `count` minutes of nothing one by one; of the scatter, nearly.
    fn learn_silence(&mut self, at: u64, count: u64, learning: &Learning) {
        if count == 0 {
            return;
        }
        let factor = self.season.factor(at);
        // The deviation of nothing is the whole mean, which falls as the silence goes on.
        let before = self.fast.mean() * factor;
        let variance = self.poisson_variance(before, factor);
        self.shift.learn(0.0, self.slow.mean() * factor * real(count));
        self.fast.learn_silence(count, factor, learning.keep);
        self.slow.learn_silence(count, factor, learning.keep_slowly);
        self.season.learn(0.0, count);
        self.tail.learn_many(0.0, count);
        if self.learned >= SCATTER_AFTER_MINUTES {
            let deviation = f64::midpoint(before, self.fast.mean() * factor);
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

    /// What a minute brings by the fast level: how it is shown and learned.
    fn expected(&self, at: u64) -> NegativeBinomial {
        self.predicted(&self.fast, at)
    }

    /// By the level that expects more: what is too much by this is so by both. On a day that is
    /// calmer than its hours should be, by as much less.
    fn high(&self, at: u64) -> NegativeBinomial {
        let level = if self.slow.mean() > self.fast.mean() { &self.slow } else { &self.fast };
        self.by(level, self.full_factor(at) * self.today.calm())
    }

    /// What the season makes of a minute; the more while it is known but little.
    fn full_factor(&self, at: u64) -> f64 {
        self.season.factor(at).max(self.season.hint(at))
    }

    /// By the level that expects less.
    fn low(&self, at: u64) -> NegativeBinomial {
        let level = if self.slow.mean() < self.fast.mean() { &self.slow } else { &self.fast };
        self.by(level, self.season.factor(at).min(self.season.hint(at)))
    }

    fn predicted(&self, level: &Level, at: u64) -> NegativeBinomial {
        self.by(level, self.season.factor(at))
    }

    fn by(&self, level: &Level, factor: f64) -> NegativeBinomial {
        let excess = self.scatter() - 1.0 + factor / level.minutes();
        NegativeBinomial::new(level.mean() * factor, excess)
    }

    /// How many times the variance of a Poisson count: 1 at least.
    fn scatter(&self) -> f64 {
        let sum = self.scatter_sum + SCATTER_PRIOR_MINUTES;
        (sum / (self.scatter_weight + SCATTER_PRIOR_MINUTES)).max(1.0)
    }

    fn poisson_variance(&self, mean: f64, factor: f64) -> f64 {
        (mean * (1.0 + factor / self.fast.minutes())).max(f64::MIN_POSITIVE)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what is positive and small"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

/// Probability and its logarithm meet in what is shown.
pub(crate) fn probability(ln_probability: f64) -> f64 {
    exp(ln_probability.min(0.0))
}
