//! How a rate follows the hour of the week.

use super::calendar::WEEK_HOURS;
use crate::number::real;

const WEEK: usize = 168;
const DAY: usize = 24;
/// Minutes of an hour that must be known for it to teach.
const MINUTES_MIN: u64 = 30;
/// An hour of the week forgets over so many weeks.
const WEEKS_MAX: u8 = 8;
/// Hours before and after an hour that are likely to be as busy.
const NEAR: usize = 2;
/// A season is never less and never more than this of the mean.
const FACTOR: (f64, f64) = (0.02, 50.0);

/// How long a baseline has been watched, and so how much of a week it can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// No season.
    Flat,
    /// Hours of the day, weekends apart once there was one.
    Daily,
    /// Hours of the week.
    Weekly,
}

/// The mean rate of every hour of the week, and what of it is believed.
///
/// A season has to earn its weight: an hour's mean counts by how much the hours differ, over how
/// much of that is chance (James and Stein 1961, as empirical Bayes).
#[derive(Clone, Debug)]
pub(crate) struct Season {
    mean: Box<[f32; WEEK]>,
    weeks: Box<[u8; WEEK]>,
    /// The hour that is filling, counted from a Monday, with its requests and its minutes.
    hour: u64,
    requests: f64,
    minutes: u64,
    /// Of the hour before, the filling one and the next, over the mean; and by what share each may
    /// be more, for it is known from few requests.
    factors: [f32; 3],
    doubts: [f32; 3],
    reach: Reach,
    /// The mean rate of all hours of a week, that the factors are relative to; 0 while it is unknown.
    scale: f64,
}

impl Season {
    /// Nothing learned, in this hour.
    pub(crate) fn new(hour: u64) -> Self {
        Self {
            mean: Box::new([0.0; WEEK]),
            weeks: Box::new([0; WEEK]),
            hour,
            requests: 0.0,
            minutes: 0,
            factors: [1.0; 3],
            doubts: [0.0; 3],
            reach: Reach::Flat,
            scale: 0.0,
        }
    }

    /// The hour that is filling.
    pub(crate) const fn hour(&self) -> u64 {
        self.hour
    }

    /// What the rate of a minute of the filling hour is over the mean; between the middles of two
    /// hours it goes from one to the other.
    pub(crate) fn factor(&self, minute: u64) -> f64 {
        if self.reach == Reach::Flat { 1.0 } else { self.hint(minute) }
    }

    /// The same by what little is known while all hours count alike: by how much a minute may be
    /// off for the hour's sake.
    pub(crate) fn hint(&self, minute: u64) -> f64 {
        Self::between(self.factors, minute)
    }

    /// The same at most: a day may begin with a step, where one that is like it follows one that is
    /// not.
    pub(crate) fn hint_at_most(&self, minute: u64) -> f64 {
        let hint = self.hint(minute);
        let [_, now, _] = self.factors.map(f64::from);
        if self.hour.is_multiple_of(24) { hint.max(now) } else { hint }
    }

    /// By what share a minute's factor may be more than it is thought: by one standard deviation of
    /// the requests that the hour is known from, and one.
    pub(crate) fn doubt(&self, minute: u64) -> f64 {
        Self::between(self.doubts, minute)
    }

    fn between(hours: [f32; 3], minute: u64) -> f64 {
        let [before, now, next] = hours.map(f64::from);
        let passed = (real(minute % 60) + 0.5) / 60.0;
        if passed < 0.5 {
            before + (now - before) * (passed + 0.5)
        } else {
            now + (next - now) * (passed - 0.5)
        }
    }

    /// Counts clean minutes of the filling hour.
    pub(crate) const fn learn(&mut self, requests: f64, minutes: u64) {
        self.requests += requests;
        self.minutes += minutes;
    }

    /// Goes on to a later hour. `noise` is by how much more than Poisson's counts scatter. What the
    /// mean is times as much as it was: with the first weekend that is known the mean of a week falls,
    /// and what working days are over it rises.
    pub(crate) fn turn(&mut self, hour: u64, reach: Reach, noise: f64) -> f64 {
        if hour == self.hour {
            return 1.0;
        }
        if self.minutes >= MINUTES_MIN {
            let slot = slot_of(self.hour);
            let seen = self.requests / real(self.minutes);
            if let (Some(mean), Some(weeks)) = (self.mean.get_mut(slot), self.weeks.get_mut(slot)) {
                *weeks = (*weeks + 1).min(WEEKS_MAX);
                *mean += (narrow(seen) - *mean) / f32::from(*weeks);
            }
        }
        self.hour = hour;
        self.requests = 0.0;
        self.minutes = 0;
        let was_seasonal = self.reach != Reach::Flat;
        self.reach = reach;
        let was_relative = was_seasonal && self.scale > 0.0;
        let before = std::mem::replace(&mut self.scale, 0.0);
        let all = Means::of(self);
        let around = match Model::of(self, &all, reach, noise) {
            Some(model) => {
                self.scale = model.mean;
                [hour + WEEK_HOURS - 1, hour, hour + 1]
                    .map(|hour| model.factor(self, &all, slot_of(hour)))
            }
            None => [(1.0, 0.0); 3],
        };
        self.factors = around.map(|(factor, _)| narrow(factor));
        self.doubts = around.map(|(_, doubt)| narrow(doubt));
        if was_relative && self.scale > 0.0 { self.scale / before } else { 1.0 }
    }

    fn known(&self, slot: usize) -> Option<(f64, f64)> {
        let weeks = *self.weeks.get(slot)?;
        (weeks > 0).then(|| (self.mean.get(slot).copied().map_or(0.0, f64::from), f64::from(weeks)))
    }
}

/// The mean of each hour of the day, on working days and at weekends, and how many it is of.
struct Means {
    sums: [[(f64, f64); DAY]; 2],
}

impl Means {
    fn of(season: &Season) -> Self {
        let mut sums = [[(0.0, 0.0); DAY]; 2];
        for slot in 0..WEEK {
            if let Some((mean, weeks)) = season.known(slot)
                && let Some(sum) =
                    sums.get_mut(kind_of(slot)).and_then(|kind| kind.get_mut(slot % DAY))
            {
                sum.0 += mean * weeks;
                sum.1 += weeks;
            }
        }
        Self { sums }
    }

    /// Of the hour of the day of a slot: of days of its kind, or of the others while there were
    /// none.
    fn at(&self, slot: usize) -> Option<(f64, f64)> {
        let of = |kind: usize| {
            let (sum, count) = *self.sums.get(kind)?.get(slot % DAY)?;
            (count > 0.0).then(|| (sum / count, count))
        };
        of(kind_of(slot)).or_else(|| of(1 - kind_of(slot)))
    }

    /// The mean of the hours around that of a slot, in days of its kind, and of how many it is.
    fn near(&self, slot: usize) -> Option<(f64, f64)> {
        let day = slot / DAY * DAY;
        let (mut sum, mut count) = (0.0, 0.0);
        for hour in slot + DAY - NEAR..=slot + DAY + NEAR {
            let (mean, days) = self.at(day + hour % DAY)?;
            sum += mean * days;
            count += days;
        }
        Some((sum / count, count))
    }
}

/// What all hours have in common.
struct Model {
    mean: f64,
    /// By how much more than Poisson's counts scatter.
    noise: f64,
    /// Variance of one hour's mean by chance alone.
    chance: f64,
    /// Variance between hours of the day, between an hour and those around it, and between the same
    /// hour of different days.
    daily: f64,
    hourly: f64,
    weekly: f64,
    reach: Reach,
}

impl Model {
    fn of(season: &Season, all: &Means, reach: Reach, noise: f64) -> Option<Self> {
        let (mut sum, mut count) = (0.0, 0.0);
        for slot in 0..WEEK {
            if let Some((mean, _)) = all.at(slot) {
                sum += mean;
                count += 1.0;
            }
        }
        let mean = sum / count;
        if count < real(WEEK_HOURS) || mean <= 0.0 {
            return None;
        }
        let noise = noise.max(1.0);
        let chance = noise * mean / 60.0;
        let (mut daily, mut hourly, mut weekly, mut slots) = (0.0, 0.0, 0.0, 0.0);
        for slot in 0..WEEK {
            let (Some((hour, days)), Some((near, of))) = (all.at(slot), all.near(slot)) else {
                continue;
            };
            daily += (near - mean) * (near - mean) - chance / of;
            hourly += (hour - near) * (hour - near) - chance * (1.0 / days - 1.0 / of).max(0.0);
            if let Some((own, weeks)) = season.known(slot) {
                weekly +=
                    (own - hour) * (own - hour) - chance * (1.0 / weeks - 1.0 / days).max(0.0);
                slots += 1.0;
            }
        }
        Some(Self {
            mean,
            noise,
            chance,
            daily: (daily / count).max(0.0),
            hourly: (hourly / count).max(0.0),
            weekly: (weekly / f64::max(slots, 1.0)).max(0.0),
            reach,
        })
    }

    /// Of a slot over the mean: what is believed of the hours around it, of its own and of its own on
    /// that day, one after the other. And by what share it may be more.
    fn factor(&self, season: &Season, all: &Means, slot: usize) -> (f64, f64) {
        let (Some((hour, days)), Some((near, of))) = (all.at(slot), all.near(slot)) else {
            return (1.0, 0.0);
        };
        let belief = |signal: f64, count: f64| signal / (signal + self.chance / count).max(1e-300);
        let mut rate = self.mean + belief(self.daily, of) * (near - self.mean);
        let mut share = belief(self.hourly, days);
        rate += share * (hour - rate);
        let mut known_from = 1.0 / (share / days + (1.0 - share) / of);
        if self.reach == Reach::Weekly
            && let Some((own, weeks)) = season.known(slot)
        {
            share = belief(self.weekly, weeks);
            rate += share * (own - rate);
            known_from = 1.0 / (share / weeks + (1.0 - share) / known_from);
        }
        let factor = (rate / self.mean).clamp(FACTOR.0, FACTOR.1);
        // So many requests more may be by chance: one deviation of Poisson's, and one, for none that
        // came in an hour or two say little.
        let requests = (60.0 * known_from * factor * self.mean / self.noise).max(1e-9);
        let doubt = (1.0 + (requests + 1.0).sqrt()) / requests;
        (factor, doubt.min(FACTOR.1 / factor - 1.0))
    }
}

const fn slot_of(hour: u64) -> usize {
    (hour % WEEK_HOURS) as usize
}

/// 0 on working days, 1 at weekends.
fn kind_of(slot: usize) -> usize {
    usize::from(slot / DAY >= 5)
}

#[expect(clippy::cast_possible_truncation, reason = "a mean needs no more digits")]
const fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weeks of a rate by hour of the week.
    fn learned(hours: u64, rate: impl Fn(u64) -> f64) -> Season {
        let mut season = Season::new(0);
        for hour in 0..hours {
            season.learn(rate(hour) * 60.0, 60);
            season.turn(hour + 1, Reach::Weekly, 1.0);
        }
        season
    }

    fn middle(season: &Season) -> f64 {
        f64::midpoint(season.factor(29), season.factor(30))
    }

    /// Nights of a tenth, weekends of a third.
    fn business(hour: u64) -> f64 {
        let day = if hour % 168 >= 120 { 100.0 } else { 300.0 };
        if (8..20).contains(&(hour % 24)) { day } else { day / 10.0 }
    }

    #[test]
    fn days_and_weekends_are_learned() {
        for at in [12, 3, 5 * 24 + 12, 6 * 24 + 3] {
            let season = learned(14 * 24 + at, business);
            let mean = (0..168).map(business).sum::<f64>() / 168.0;
            let want = business(at) / mean;
            assert!((middle(&season) / want - 1.0).abs() < 0.1, "{at}: {} {want}", middle(&season));
        }
    }

    #[test]
    fn chance_earns_no_weight() {
        // One request an hour, or two, or none.
        let season = learned(14 * 24 + 12, |hour| {
            real((hour.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 3) / 60.0
        });
        assert!((middle(&season) - 1.0).abs() < 0.4, "{}", middle(&season));
    }

    #[test]
    fn between_two_hours_it_goes_evenly() {
        let season = learned(14 * 24 + 8, business);
        let factors: Vec<f64> = (0..60).map(|minute| season.factor(minute)).collect();
        assert!(factors.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9), "{factors:?}");
        assert!(factors[59] > 4.0 * factors[0] / 3.0, "{factors:?}");
    }

    #[test]
    fn before_a_weekend_was_seen_it_is_a_working_day() {
        let season = learned(5 * 24 + 12, business);
        assert!(middle(&season) > 1.5, "{}", middle(&season));
    }

    #[test]
    fn few_requests_leave_a_doubt_and_many_none() {
        let doubt = |rate: f64| {
            let season = learned(14 * 24 + 12, |_| rate);
            season.doubt(30)
        };
        for rate in [0.05f64, 1.0, 100.0] {
            // Ten days of its kind, five hours of each: the root of the requests more, and one.
            let requests = rate * 60.0 * 50.0;
            let want = (1.0 + (requests + 1.0).sqrt()) / requests;
            assert!((doubt(rate) / want - 1.0).abs() < 0.15, "{rate}: {} {want}", doubt(rate));
        }
    }

    #[test]
    fn a_weekend_that_is_found_moves_the_mean_and_not_what_is_expected() {
        let mut season = Season::new(0);
        let (mut level, mut expected) = (0.0, Vec::new());
        for hour in 0..7 * 24 + 13 {
            season.learn(business(hour) * 60.0, 60);
            level *= season.turn(hour + 1, Reach::Daily, 1.0);
            // On Friday and on Monday at noon; the level is from Friday.
            if [4 * 24 + 11, 7 * 24 + 11].contains(&hour) {
                level = if expected.is_empty() { 100.0 } else { level };
                expected.push(level * season.factor(30));
            }
        }
        assert!((expected[1] / expected[0] - 1.0).abs() < 0.1, "{expected:?}");
    }
}
