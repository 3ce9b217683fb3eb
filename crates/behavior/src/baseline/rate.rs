//! Requests a minute of one endpoint: a discounted gamma-Poisson model with a season.

mod evidence;
mod known;
mod lead;
mod minute;
mod scatter;
mod shift;
#[cfg(test)]
mod tests;
mod today;

use std::collections::VecDeque;
use std::sync::Arc;

use libm::{exp, log, pow};
use tapline_model::{BaselineState, BaselineView, Epoch};
use tapline_sketch::NegativeBinomial;

use self::evidence::Evidence;
pub(crate) use self::evidence::Run;
use self::known::{Held, Known};
pub(crate) use self::lead::Lead;
use self::minute::{Judged, Minute, Peak};
pub(crate) use self::shift::{Shift, lift as shift_lift};
use self::today::Today;
use super::calendar::{DAY_HOURS, HOUR_MINUTES};
use super::calibration::{Habit, Rarity};
use super::learning::Learning;
use super::season::{Reach, Season, Week};
use crate::number::real;

/// Seconds of a bucket.
pub(crate) const MINUTE_SECONDS: u64 = 60;
/// Minutes kept for showing.
const RECENT_MAX: usize = 60;
/// Minutes learned before a deviation says anything about the scatter.
const SCATTER_AFTER_MINUTES: u64 = 3;
/// What is improbable at this by itself says little of how ordinary counts scatter: ln 1e-5.
const LN_SCATTERS_MIN: f64 = -11.5;
/// Endpoints with fewer requests a minute get a part of the false alarms that others get: the square of
/// their rate over this. No part is smaller than the square of the least share.
const RARE_REQUESTS: f64 = 0.1;
const RARE_PART_MIN: f64 = 0.03;
/// Before days are told from nights few alarms are raised: ln 10.
const LN_FLAT_DOUBT: f64 = 2.3;
/// The scatter forgets more slowly than the mean, by this factor.
const SCATTER_MEMORY_FACTOR: f64 = 7.0;
/// Deviations beyond this many standard deviations teach no more than this many.
const CLIP_DEVIATIONS: f64 = 3.0;
/// Counts up to here are never cut: where one in an hour is normal it is far from the mean of a minute.
const CLIP_MIN: f64 = 3.0;
/// The range shown lies between these shares of all normal minutes.
const RANGE: (f64, f64) = (0.01, 0.99);
/// Of three tests one is the least probable by chance: ln 3.
const LN_TESTS: f64 = 1.098_612_288_668_11;
/// Minutes that the scatter counts for once a season is believed that was not before, or as many as have
/// so many requests.
const SCATTER_KEPT_MINUTES: f64 = 60.0;
const SCATTER_KEPT_REQUESTS: f64 = 60.0;
/// A rate that is accepted as the new normal is known from so many minutes.
const ACCEPTED_MINUTES: f64 = 60.0;
/// A day with less than this share of what is normal is a holiday, and so many in a row are.
const HOLIDAY_CALM: f64 = 0.85;
const HOLIDAYS_MAX: u8 = 4;
/// Before there is a season, and a day after, every morning would be held for a surge.
const HELD_AFTER_MINUTES: u64 = 4 * 1_440;
/// Where more are expected a minute, runs are too short to teach anything.
const HELD_REQUESTS_MAX: f64 = 2.0;
/// So much evidence of a silence is odd: -ln 1e-3.
const LULL_ODD: f64 = 7.0;
/// Hours of silence that are learned one by one; what is beyond is learned as one.
const SILENT_HOURS_MAX: u64 = 200;

/// The rate of one endpoint, or of one host.
///
/// The mean is known as a gamma distribution, twice: by a fast level and by a slow anchor. What the
/// next minute brings is negative binomial, with the mean `level * season` and a variance of
/// `mean * (scatter + season / minutes)`. What is more than normal must be so by both, and what is
/// less as well, so neither an attacker who is patient nor a holiday moves what is judged. Of hours
/// and days that an endpoint has too few requests to tell, its host's are believed ([`Lead`]).
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
    known: Known,
    held: Held,
    today: Today,
    season: Season,
    lead: Lead,
    /// Days in a row that were calm.
    calm_days: u8,
    reach: Reach,
    evidence: Evidence,
    shift: Shift,
    /// The longest silence, in minutes; forgotten by and by.
    silence_max: f64,
    /// By what the last whole minute was judged.
    rarity: Rarity,
    peak: Peak,
    /// Known to be silent since an incident: silence does not teach.
    is_silenced: bool,
    /// What was heard last belongs to an incident: the silence after it does as well.
    is_odd: bool,
}

/// What a whole minute was, held against what was normal before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) seen: u64,
    /// What was normal by both levels: the larger.
    pub(crate) normal: f64,
    /// The same, were the day as it should be.
    pub(crate) full: f64,
    /// How probable as many are, or as much evidence over the last minutes, and how often that comes.
    pub(crate) rarity: Rarity,
    /// The minutes in a row that speak of more than normal.
    pub(crate) run: Run,
    /// The variance of a count over its mean: 1 where requests come one by one.
    pub(crate) scatter: f64,
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
            known: Known::new(),
            held: Held::default(),
            today: Today::default(),
            season: Season::new(learning.calendar.hour(minute)),
            lead: Lead::default(),
            calm_days: 0,
            reach: Reach::Flat,
            evidence: Evidence::default(),
            shift: Shift::default(),
            silence_max: 0.0,
            rarity: Rarity::NORMAL,
            peak: Peak::default(),
            is_silenced: false,
            is_odd: false,
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
        closed.is_normal &= !is_partial && (closed.count > 0 || !self.is_odd);
        let verdict = closed.is_whole.then(|| self.close(before, closed, is_partial, learning));
        if passed > 1 {
            self.pass_silence(before + 1, passed - 1, learning);
        }
        self.turn(minute, learning);
        verdict
    }

    /// Whether the last whole minute turned out to belong to an incident: then it will not teach, nor
    /// will the silence after it, for of an incident that comes in bursts only the lulls would.
    pub(crate) fn settle(&mut self, is_odd: bool) {
        self.is_odd = is_odd;
        if let Some(last) = self.last.as_mut().filter(|_| is_odd) {
            last.is_normal = false;
            self.peak.note(None);
        }
    }

    /// It is known to be silent, and silence does not teach until it is heard again.
    pub(crate) const fn silence(&mut self) {
        self.is_silenced = true;
    }

    /// Its hours are like its host's until they show something else, and so is its day.
    pub(crate) fn follow(&mut self, host: &Lead) {
        self.lead.calm = host.calm;
        if self.lead.week.as_ref().map(Arc::as_ptr) != host.week.as_ref().map(Arc::as_ptr) {
            self.lead.week.clone_from(&host.week);
        }
    }

    /// The share of what is normal that comes today.
    pub(crate) fn calm(&self) -> f64 {
        self.today.share(self.lead.calm)
    }

    /// The hour that is filling, counted from a Monday.
    pub(crate) const fn hour(&self) -> u64 {
        self.season.hour()
    }

    /// What is believed of every hour of its week, once they are told apart.
    pub(crate) fn week(&self) -> Option<Week> {
        self.season.week(self.known.scatter(1.0))
    }

    /// What it does now is normal from now on.
    pub(crate) fn accept(&mut self) {
        let recent = self.recent.iter().rev().take(30);
        let count = recent.len().max(1) as u64;
        let sum: u64 = recent.map(|&count| u64::from(count)).sum();
        let mean = real(sum) / real(count) / self.season.factor(self.minute);
        self.known.fast.set(mean, ACCEPTED_MINUTES);
        self.known.slow.set(mean, ACCEPTED_MINUTES);
        self.evidence = Evidence::default();
        self.held = Held::default();
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
        (self.known.fast.mean(), self.known.slow.mean())
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
    pub(crate) const fn rarity(&self) -> Rarity {
        self.rarity
    }

    /// The longest silence it is known for, in minutes.
    pub(crate) const fn silence_max(&self) -> f64 {
        self.silence_max
    }

    /// As of the first instant of `now`.
    pub(crate) fn view(&self, now: Epoch, learning: &Learning) -> BaselineView {
        let mut current = self.clone();
        let mut learning = learning.for_view();
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
    fn close(
        &mut self,
        at: u64,
        minute: Minute,
        is_partial: bool,
        learning: &mut Learning,
    ) -> Verdict {
        if let Some(before) = self.last.replace(minute)
            && before.is_normal
        {
            self.learn(at.saturating_sub(1), before, learning);
        }
        self.show(minute.count);
        let ((high, full), low) = (self.high(at), self.low(at));
        let is_ready = self.is_ready(learning);
        if !is_ready {
            // What it means that the first day has a night is not known before it is over.
            self.evidence = Evidence::default();
        }
        if !is_partial {
            let was_surge = self.evidence.is_surge();
            self.evidence.step(at, minute.count, (&high, full), &low);
            self.hold(at, full, was_surge);
        }
        let ln_alone = high.ln_at_least(minute.count);
        let ln_model = ln_alone.min(self.evidence.ln_surge());
        let ln_model = (ln_model + LN_TESTS).min(0.0);
        let mut rarity = learning.calibration.rarity(self.habit(full), ln_model);
        // Most endpoints are asked next to never, and few of the alarms may be theirs.
        let part = (self.known.high().mean() / RARE_REQUESTS).clamp(RARE_PART_MIN, 1.0).powi(2);
        let unsure = if self.reach == Reach::Flat { LN_FLAT_DOUBT } else { 0.0 };
        rarity.ln_frequency = (rarity.ln_frequency - log(part) + unsure).min(0.0);
        if let Some(last) = self.last.as_mut().filter(|_| !is_partial) {
            let (busy, ratio) = self.known.fast.deviation_of(real(minute.count), high.mean());
            let ln_model = (is_ready && !self.evidence.is_surge()).then_some(ln_model);
            let (is_run, is_yesterday) = (self.evidence.surge().evidence > 0.0, false);
            let judged =
                Judged { high, full, busy, ratio, ln_alone, ln_model, is_run, is_yesterday };
            last.judged = Some(judged);
        }
        let run = self.evidence.surge();
        self.rarity = rarity;
        let scatter = self.known.scatter(1.0);
        Verdict { seen: minute.count, normal: high.mean(), full, rarity, run, scatter }
    }

    /// What minutes that speak of more than normal are held against is what was known before them;
    /// of what turned out to be a surge nothing is kept. Before there is a season, every morning
    /// would be one.
    fn hold(&mut self, at: u64, expected: f64, was_surge: bool) {
        if was_surge
            && !self.evidence.is_surge()
            && let Some(known) = self.held.take()
        {
            self.known = known;
        }
        let is_held = self.age() >= HELD_AFTER_MINUTES && expected < HELD_REQUESTS_MAX;
        let is_run = is_held && self.evidence.surge().evidence > 0.0;
        self.held.note(at, is_run, &self.known);
    }

    /// Minutes `from` on in which nothing came.
    fn pass_silence(&mut self, from: u64, minutes: u64, learning: &mut Learning) {
        self.silence_max = self.silence_max.max(real(minutes));
        // In minutes of which a part was followed silence says nothing.
        let unknown = learning.partial.count(from, from.saturating_add(minutes - 1)).min(minutes);
        let known = if self.is_silenced || self.is_odd { 0 } else { minutes - unknown };
        if let Some(before) = self.last.replace(Minute { is_normal: known > 0, ..Minute::SILENT })
            && before.is_normal
        {
            self.learn(from.saturating_sub(1), before, learning);
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
            let ((high, full), low) = (self.high(at), self.low(at));
            let was_surge = self.evidence.is_surge();
            self.evidence.pass(at, part.min(heard), (&high, full), &low);
            self.hold(at, full, was_surge);
            heard -= part.min(heard);
            let teaches = part.min(known);
            // A silence that is odd is no calm day.
            if self.evidence.lull_sum() < LULL_ODD {
                self.today.pass(teaches, self.known.slow.mean() * self.full_factor(at));
            }
            // The last of them waits to be learned.
            let last = u64::from(part == left).min(teaches);
            let before = self.known.fast.mean();
            if teaches > last {
                self.learn_silence(at, teaches - last, learning);
            }
            if teaches > 0 {
                self.learn_judged_silence(at, teaches, before, learning);
            }
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
        self.shift.hour(self.learned, &self.known.fast, &self.known.slow, self.known.scatter(1.0));
        self.silence_max *= 0.999;
        if hour / DAY_HOURS != self.season.hour() / DAY_HOURS {
            // A holiday is over when the day is.
            let is_calm = self.reach != Reach::Flat && self.calm() < HOLIDAY_CALM;
            self.calm_days = if is_calm { self.calm_days.saturating_add(1) } else { 0 };
            self.today = Today::default();
            self.held = Held::default();
            if let Some(judged) = self.last.as_mut().and_then(|last| last.judged.as_mut()) {
                judged.is_yesterday = true;
            }
        }
        let reach = Learning::reach(self.age());
        if reach != self.reach {
            // What scattered for want of a season scatters no more; of few requests it was no season.
            let kept = SCATTER_KEPT_REQUESTS / self.known.fast.mean();
            self.known.scatter.doubt(kept.max(SCATTER_KEPT_MINUTES));
            self.held = Held::default();
            self.reach = reach;
        }
        let scale =
            self.season.turn(hour, reach, self.known.scatter(1.0), self.lead.week.as_deref());
        self.known.scale(scale);
        self.held.scale(scale);
    }

    fn show(&mut self, count: u64) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn learn(&mut self, at: u64, minute: Minute, learning: &mut Learning) {
        let factor = self.season.factor(at);
        let predicted = self.expected(at);
        let seen = real(minute.count);
        if let Some(judged) = &minute.judged {
            self.learn_judged(seen, judged, learning);
        }
        let most = most_learned(&predicted);
        let clipped = if self.learned >= learning.minutes_min { seen.min(most) } else { seen };
        let holiday = self.holiday();
        let weight = factor * holiday;
        self.known.fast.learn(clipped, weight, learning.keep);
        self.known.slow.learn(clipped, weight, learning.keep_slowly);
        // Of a holiday the season learns what would have come; of the first weekend that it is one.
        let ordinary = if self.season.knows_day() { holiday } else { 1.0 };
        self.season.learn(clipped / ordinary, 1);
        self.shift.learn(clipped, self.known.slow.mean() * factor);
        self.learned += 1;
    }

    /// Learns from what a minute was held against: how today is, how counts scatter, and how often
    /// what is as improbable comes.
    fn learn_judged(&mut self, seen: f64, judged: &Judged, learning: &mut Learning) {
        let Judged { high, full, busy, ratio, ln_alone, ln_model, .. } = *judged;
        // While all hours count alike minutes are judged mildly, and are no measure of others.
        if self.reach != Reach::Flat {
            self.peak.note(ln_model);
            if let Some(ln_model) = ln_model {
                learning.calibration.learn(self.habit(full), ln_model, 1);
            }
            if !judged.is_run {
                self.end_run(full, learning);
            }
        }
        if self.learned >= SCATTER_AFTER_MINUTES {
            let known = &mut self.known;
            let is_odd = ln_alone < LN_SCATTERS_MIN;
            let ratio =
                if is_odd { known.scatter.clipped(busy, ratio, known.fast.mean()) } else { ratio };
            known.scatter.learn(busy, ratio, scatter_keep(learning), 1.0);
        }
        if !judged.is_yesterday {
            self.today.learn(seen.min(most_learned(&high)), full);
        }
    }

    /// What an ordinary minute is, of which so much is normal.
    fn habit(&self, normal: f64) -> Habit {
        Habit { normal, scatter: self.known.scatter(1.0) }
    }

    fn end_run(&mut self, full: f64, learning: &mut Learning) {
        if let Some(ln_model) = self.peak.end() {
            learning.calibration.learn_peak(self.habit(full), ln_model);
        }
    }

    /// Minutes of nothing, which the fast level expected so much of before: how counts scatter, nearly,
    /// and how often what is as improbable comes.
    fn learn_judged_silence(
        &mut self,
        at: u64,
        minutes: u64,
        before: f64,
        learning: &mut Learning,
    ) {
        let factor = self.season.factor(at);
        if self.is_ready(learning) && self.reach != Reach::Flat {
            let full = self.known.slow.mean() * factor;
            learning.calibration.learn(self.habit(full), 0.0, minutes);
            if self.evidence.surge().evidence <= 0.0 {
                self.end_run(full, learning);
            }
        }
        if self.learned >= SCATTER_AFTER_MINUTES {
            // The deviation of nothing is the whole mean, which falls as the silence goes on.
            let mean = f64::midpoint(before, self.known.fast.mean()) * factor * self.calm();
            let (busy, ratio) = self.known.fast.deviation_of(0.0, mean);
            self.known.scatter.learn(busy, ratio, scatter_keep(learning), real(minutes));
        }
    }

    /// The same as learning from `minutes` of nothing one by one.
    fn learn_silence(&mut self, at: u64, minutes: u64, learning: &Learning) {
        let factor = self.season.factor(at);
        self.shift.learn(0.0, self.known.slow.mean() * factor * real(minutes));
        let weight = factor * self.holiday();
        self.known.fast.learn_silence(minutes, weight, learning.keep);
        self.known.slow.learn_silence(minutes, weight, learning.keep_slowly);
        self.season.learn(0.0, minutes);
        self.learned = self.learned.saturating_add(minutes);
    }

    /// The share of what is normal that comes on a holiday, 1 on other days: what is normal must not
    /// fall by one, for what follows would be a surge. What stays calm for longer becomes normal.
    fn holiday(&self) -> f64 {
        let calm = self.calm();
        // Before there is a season, a night is no holiday.
        let is_holiday =
            self.reach != Reach::Flat && calm < HOLIDAY_CALM && self.calm_days < HOLIDAYS_MAX;
        if is_holiday { calm } else { 1.0 }
    }

    /// What a minute brings by the fast level: how it is shown and learned.
    fn expected(&self, at: u64) -> NegativeBinomial {
        self.known.predicted(&self.known.fast, self.season.factor(at))
    }

    /// By the level that expects more: what is too much by this is so by both. On a day that is
    /// calmer than its hours should be, by as much less; and what would be on an ordinary one.
    fn high(&self, at: u64) -> (NegativeBinomial, f64) {
        let known = self.held.get().unwrap_or(&self.known);
        let factor = self.full_factor(at);
        let calm = self.calm();
        (known.predicted(known.high(), factor * calm), known.high().mean() * factor)
    }

    /// What the season makes of a minute; the more while it is known but little.
    fn full_factor(&self, at: u64) -> f64 {
        self.season.factor(at).max(self.season.hint_at_most(at)) * (1.0 + self.season.doubt(at))
    }

    /// By the level that expects less.
    fn low(&self, at: u64) -> NegativeBinomial {
        let factor = self.season.factor(at).min(self.season.hint(at));
        // Of a calm host less is to be expected; of one that is calm by itself that is no excuse.
        self.known.predicted(self.known.low(), factor * self.lead.calm)
    }
}

/// As many requests as a minute teaches at most.
fn most_learned(expected: &NegativeBinomial) -> f64 {
    (expected.mean() + CLIP_DEVIATIONS * expected.deviation()).max(CLIP_MIN)
}

/// The scatter forgets more slowly than the mean.
fn scatter_keep(learning: &Learning) -> f64 {
    pow(learning.keep, 1.0 / SCATTER_MEMORY_FACTOR)
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
