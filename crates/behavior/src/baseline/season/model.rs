//! What a week's hours have in common, and so how much of each is believed.

use super::week::{DAY, WEEK, Week, kind_of};
use super::{FACTOR, Reach, Season};
use crate::number::real;

/// Hours before and after an hour that are likely to be as busy.
const NEAR: usize = 2;
/// An endpoint's own hours count from a whole day on.
const SLOTS_MIN: f64 = 48.0;

/// The mean of each hour of the day, on working days and at weekends, and how many it is of.
struct Means {
    sums: [[(f64, f64); DAY]; 2],
    /// Days of the one kind speak for the other while there were none.
    lends: bool,
}

impl Means {
    fn of(season: &Season, lends: bool) -> Self {
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
        Self { sums, lends }
    }

    /// Of the hour of the day of a slot, on days of its kind.
    fn at(&self, slot: usize) -> Option<(f64, f64)> {
        let of = |kind: usize| {
            let (sum, count) = *self.sums.get(kind)?.get(slot % DAY)?;
            (count > 0.0).then(|| (sum / count, count))
        };
        of(kind_of(slot)).or_else(|| of(1 - kind_of(slot)).filter(|_| self.lends))
    }
}

/// An hour of the day in days of a kind, of how many days it is known, and what it would be if it
/// followed the host's.
#[derive(Clone, Copy)]
struct Hour {
    mean: f64,
    days: f64,
    prior: f64,
}

/// What is believed of a week: of each hour what those around it say, what it says itself, and what
/// it says on that day, one after the other, each against what would be chance.
pub(super) struct Model<'a> {
    season: &'a Season,
    week: &'a Week,
    all: Means,
    /// The mean rate of a week.
    pub(super) mean: f64,
    /// By how much more than Poisson's counts scatter.
    noise: f64,
    /// Variance of one hour's mean by chance alone.
    chance: f64,
    /// Variance of the hours of the day around what the host's are, of an hour around those before
    /// and after it, and of the same hour between days.
    daily: f64,
    hourly: f64,
    weekly: f64,
    reach: Reach,
    /// Hours in all, of an endpoint whose host says what they are.
    known: Option<f64>,
}

impl<'a> Model<'a> {
    /// None before a day is known. `host` is what is believed of the host's hours.
    pub(super) fn of(
        season: &'a Season,
        host: Option<&'a Week>,
        reach: Reach,
        noise: f64,
    ) -> Option<Self> {
        let all = Means::of(season, host.is_none());
        let week = host.unwrap_or(&Week::FLAT);
        let (mut sum, mut expected, mut count, mut known) = (0.0, 0.0, 0.0, 0.0);
        for slot in 0..WEEK {
            if let Some((mean, _)) = all.at(slot) {
                sum += mean;
                expected += week.on_days_like(slot);
                count += 1.0;
            }
            known += season.known(slot).map_or(0.0, |(_, weeks)| weeks);
        }
        let mean = sum / expected;
        let least = if host.is_some() { SLOTS_MIN } else { real(WEEK as u64) };
        if count < least || mean <= 0.0 {
            return None;
        }
        let noise = noise.max(1.0);
        let chance = noise * mean / 60.0;
        let known = host.map(|_| known);
        let (daily, hourly, weekly) = (0.0, 0.0, 0.0);
        let mut model =
            Self { season, week, all, mean, noise, chance, daily, hourly, weekly, reach, known };
        model.compare(count);
        Some(model)
    }

    /// How much the hours differ beyond chance.
    fn compare(&mut self, count: f64) {
        let (mut daily, mut hourly, mut weekly, mut slots) = (0.0, 0.0, 0.0, 0.0);
        let chance = self.chance;
        for slot in 0..WEEK {
            let (Some(hour), Some(near)) = (self.hour(slot), self.near(slot)) else { continue };
            let (off, around) = (hour.mean - hour.prior, near.mean - near.prior);
            daily += around * around - chance / near.days;
            hourly += (off - around) * (off - around)
                - chance * (1.0 / hour.days - 1.0 / near.days).max(0.0);
            if let Some((own, weeks)) = self.season.known(slot) {
                let own = own - self.mean * self.week.at(slot);
                weekly +=
                    (own - off) * (own - off) - chance * (1.0 / weeks - 1.0 / hour.days).max(0.0);
                slots += 1.0;
            }
        }
        self.daily = (daily / count).max(0.0);
        self.hourly = (hourly / count).max(0.0);
        self.weekly = (weekly / f64::max(slots, 1.0)).max(0.0);
    }

    fn hour(&self, slot: usize) -> Option<Hour> {
        let (mean, days) = self.all.at(slot)?;
        Some(Hour { mean, days, prior: self.mean * self.week.on_days_like(slot) })
    }

    /// The mean of the hours around that of a slot, in days of its kind, and of how many it is.
    fn near(&self, slot: usize) -> Option<Hour> {
        let day = slot / DAY * DAY;
        let mut near = Hour { mean: 0.0, days: 0.0, prior: 0.0 };
        for hour in slot + DAY - NEAR..=slot + DAY + NEAR {
            let Hour { mean, days, prior } = self.hour(day + hour % DAY)?;
            near.mean += mean * days;
            near.prior += prior * days;
            near.days += days;
        }
        Some(Hour { mean: near.mean / near.days, prior: near.prior / near.days, ..near })
    }

    /// Of a slot over the mean; and by what share it may be more.
    pub(super) fn factor(&self, slot: usize) -> (f64, f64) {
        let prior = self.mean * self.week.at(slot);
        let (Some(hour), Some(near)) = (self.hour(slot), self.near(slot)) else {
            return self.told(prior, self.known.unwrap_or(1.0));
        };
        let belief = |signal: f64, count: f64| signal / (signal + self.chance / count).max(1e-300);
        let mut share = belief(self.daily, near.days);
        let mut off = share * (near.mean - near.prior);
        let mut known_from =
            self.known.map_or(near.days, |all| 1.0 / (share / near.days + (1.0 - share) / all));
        let mut learn = |own: f64, signal: f64, count: f64| {
            share = belief(signal, count);
            off += share * (own - off);
            known_from = 1.0 / (share / count + (1.0 - share) / known_from);
        };
        learn(hour.mean - hour.prior, self.hourly, hour.days);
        if self.reach == Reach::Weekly
            && let Some((own, weeks)) = self.season.known(slot)
        {
            learn(own - prior, self.weekly, weeks);
        }
        self.told(prior + off, known_from)
    }

    /// A rate over the mean. So many requests more may be by chance: one deviation of Poisson's, and
    /// one, for none that came in an hour or two say little.
    fn told(&self, rate: f64, hours: f64) -> (f64, f64) {
        let factor = (rate / self.mean).clamp(FACTOR.0, FACTOR.1);
        let requests = (60.0 * hours * factor * self.mean / self.noise).max(1e-9);
        let doubt = (1.0 + (requests + 1.0).sqrt()) / requests;
        (factor, doubt.min(FACTOR.1 / factor - 1.0))
    }
}
