//! How a rate follows the hour of the week.

mod model;
mod week;

use self::model::Model;
pub(crate) use self::week::Week;
use self::week::{DAY, WEEK, kind_of, narrow};
use super::calendar::WEEK_HOURS;
use crate::number::real;

/// Minutes of an hour that must be known for it to teach.
const MINUTES_MIN: u64 = 30;
/// An hour of the week forgets over so many weeks.
const WEEKS_MAX: u8 = 8;
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
/// much of that is chance (James and Stein 1961, as empirical Bayes). An endpoint's hours are held
/// against its host's, if those are known.
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
    /// Whether the factors hold although little of a week was watched: the host's was.
    is_led: bool,
    /// Whether the filling hour is known from a day like today.
    knows_day: bool,
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
            is_led: false,
            knows_day: false,
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
        if self.is_flat() { 1.0 } else { self.hint(minute) }
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

    /// Whether the filling hour is known from a day of its kind: a working day, or of a weekend.
    pub(crate) const fn knows_day(&self) -> bool {
        self.knows_day
    }

    /// Counts clean minutes of the filling hour.
    pub(crate) const fn learn(&mut self, requests: f64, minutes: u64) {
        self.requests += requests;
        self.minutes += minutes;
    }

    /// Goes on to a later hour. `noise` is by how much more than Poisson's counts scatter, `host` what
    /// is believed of the host's hours. What the mean is times as much as it was: with the first
    /// weekend that is known the mean of a week falls, and what working days are over it rises.
    pub(crate) fn turn(&mut self, hour: u64, reach: Reach, noise: f64, host: Option<&Week>) -> f64 {
        if hour == self.hour {
            return 1.0;
        }
        self.keep_hour();
        self.hour = hour;
        let was_relative = !self.is_flat() && self.scale > 0.0;
        self.reach = reach;
        self.is_led = host.is_some();
        let slot = slot_of(hour);
        self.knows_day = (slot % DAY..WEEK)
            .step_by(DAY)
            .any(|day| kind_of(day) == kind_of(slot) && self.known(day).is_some());
        let before = std::mem::replace(&mut self.scale, 0.0);
        let around = [hour + WEEK_HOURS - 1, hour, hour + 1].map(slot_of);
        let around = match Model::of(self, host, reach, noise) {
            Some(model) => {
                let (mean, around) = (model.mean, around.map(|slot| model.factor(slot)));
                self.scale = mean;
                around
            }
            None => around.map(|slot| (host.map_or(1.0, |week| week.at(slot)), 0.0)),
        };
        self.factors = around.map(|(factor, _)| narrow(factor));
        self.doubts = around.map(|(_, doubt)| narrow(doubt));
        if was_relative && self.scale > 0.0 { self.scale / before } else { 1.0 }
    }

    /// What is believed of every hour, once hours are told apart.
    pub(crate) fn week(&self, noise: f64) -> Option<Week> {
        let model = Model::of(self, None, self.reach, noise).filter(|_| !self.is_flat())?;
        Some(Week::of(|slot| model.factor(slot).0))
    }

    /// The filling hour is over.
    fn keep_hour(&mut self) {
        let (requests, minutes) = (self.requests, self.minutes);
        (self.requests, self.minutes) = (0.0, 0);
        if minutes < MINUTES_MIN {
            return;
        }
        let slot = slot_of(self.hour);
        if let (Some(mean), Some(weeks)) = (self.mean.get_mut(slot), self.weeks.get_mut(slot)) {
            *weeks = (*weeks + 1).min(WEEKS_MAX);
            *mean += (narrow(requests / real(minutes)) - *mean) / f32::from(*weeks);
        }
    }

    fn is_flat(&self) -> bool {
        self.reach == Reach::Flat && !self.is_led
    }

    fn known(&self, slot: usize) -> Option<(f64, f64)> {
        let weeks = *self.weeks.get(slot)?;
        (weeks > 0).then(|| (self.mean.get(slot).copied().map_or(0.0, f64::from), f64::from(weeks)))
    }
}

const fn slot_of(hour: u64) -> usize {
    (hour % WEEK_HOURS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weeks of a rate by hour of the week.
    fn learned(hours: u64, rate: impl Fn(u64) -> f64) -> Season {
        let mut season = Season::new(0);
        for hour in 0..hours {
            season.learn(rate(hour) * 60.0, 60);
            season.turn(hour + 1, Reach::Weekly, 1.0, None);
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

    /// Two weeks of so many requests an hour, on a host with these hours, and on Friday at noon.
    fn led(host: &Week, requests: impl Fn(u64) -> f64) -> Season {
        let mut season = Season::new(0);
        for hour in 0..11 * 24 + 12 {
            season.learn(requests(hour), 60);
            season.turn(hour + 1, Reach::Daily, 1.0, Some(host));
        }
        season
    }

    #[test]
    fn a_rare_endpoint_has_its_host_s_hours_and_a_busy_one_its_own() {
        let host = learned(14 * 24, business).week(1.0).unwrap();
        let mean = (0..168).map(business).sum::<f64>() / 168.0;
        let noon = business(12) / mean;
        // Less than a request an hour, and at random: by day or not.
        let dice = |hour: u64| real((hour.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 1_000) / 1e3;
        let once = |is: bool| f64::from(u8::from(is));
        let rare = led(&host, |hour| once(dice(hour) < 0.3 * business(hour) / mean));
        assert!((middle(&rare) / noon - 1.0).abs() < 0.1, "{} {noon}", middle(&rare));
        let alone = led(&Week::FLAT, |hour| once(dice(hour) < 0.3));
        assert!((middle(&alone) - 1.0).abs() < 0.3, "{}", middle(&alone));
        // A job of the night.
        let busy = led(&host, |hour| if hour % 24 < 6 { 600.0 } else { 60.0 });
        assert!((middle(&busy) / (60.0 / 195.0) - 1.0).abs() < 0.1, "{}", middle(&busy));
    }

    #[test]
    fn a_new_endpoint_has_its_host_s_hours_at_once() {
        let host = learned(14 * 24, business).week(1.0).unwrap();
        let mut season = Season::new(11);
        season.turn(12, Reach::Flat, 1.0, Some(&host));
        assert!((middle(&season) / host.at(12) - 1.0).abs() < 0.05, "{}", middle(&season));
        assert!((season.factor(30) - season.hint(30)).abs() < 1e-12);
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
            level *= season.turn(hour + 1, Reach::Daily, 1.0, None);
            // On Friday and on Monday at noon; the level is from Friday.
            if [4 * 24 + 11, 7 * 24 + 11].contains(&hour) {
                level = if expected.is_empty() { 100.0 } else { level };
                expected.push(level * season.factor(30));
            }
        }
        assert!((expected[1] / expected[0] - 1.0).abs() < 0.1, "{expected:?}");
    }
}
