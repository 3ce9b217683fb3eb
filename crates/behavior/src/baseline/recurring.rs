//! What comes again by the clock: batches of every night, jobs of every few hours.
//!
//! A season of hours smooths over a batch of three minutes, and is known only after days. But who is
//! told of it once need not be told again.

/// Bursts that are remembered: those of a week and one more, the least probable ones.
const BURSTS_MAX: usize = 8;
/// Minutes between two that are one.
const GAP_MINUTES: u64 = 10;
const DAY_MINUTES: u64 = 1_440;
/// Days after which a burst has not come again.
const DAYS_MAX: u64 = 8;
/// Minutes that a clock may be off from day to day, and that it may last longer.
const DAILY_SLACK: u64 = 5;
/// Shorter intervals are no timetable, and those of one may differ by so much.
const INTERVAL_MIN: u64 = 20;
const INTERVAL_SLACK: u64 = 3;
/// What is so many times as much as the time before is something else, and so is what comes to less
/// than this part of it.
const GROWTH_MAX: f64 = 1.5;
const GROWTH_MIN: f64 = 0.5;
/// And so is what is more improbable by far: what is hardly more than normal excuses nothing.
const LN_SHARE_MIN: f64 = 0.5;
/// What is less probable is worth no more to remember: of those the oldest give way.
const LN_WORTH_MIN: f64 = -30.0;

/// The last bursts of an endpoint, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recurring {
    bursts: Vec<Burst>,
}

/// Minutes with far more requests than normal.
#[derive(Clone, Copy, Debug)]
struct Burst {
    from: u64,
    last: u64,
    /// Requests a minute in the busiest of them.
    peak: f64,
    /// ln of the probability of the least probable of them.
    ln_probability: f64,
    /// It was large by far while the endpoint was learned, when probabilities say little.
    is_learned: bool,
}

impl Recurring {
    /// Takes a minute that is far busier than normal, and how probable that is: whether it has come
    /// before as the clock has it, at the same time on one of the last days or at equal intervals.
    ///
    /// With `is_learned` it is large by far, and the endpoint not known yet.
    pub(crate) fn note(
        &mut self,
        minute: u64,
        rate: f64,
        ln_probability: f64,
        is_learned: bool,
    ) -> bool {
        let goes_on = self.bursts.pop_if(|burst| burst.goes_on(minute));
        let mut now = goes_on.unwrap_or(Burst {
            from: minute,
            last: minute,
            peak: rate,
            ln_probability,
            is_learned,
        });
        now.last = minute;
        now.peak = now.peak.max(rate);
        let is_alike = |burst: &Burst| {
            now.is_as_large_as(burst)
                && (burst.is_learned || burst.ln_probability <= ln_probability * LN_SHARE_MIN)
        };
        let is_known = self.bursts.iter().any(|it| now.is_days_after(it) && is_alike(it))
            || now.is_next_of(&self.bursts, is_alike);
        now.ln_probability = now.ln_probability.min(ln_probability);
        now.is_learned |= is_learned;
        self.bursts
            .retain(|burst| minute.saturating_sub(burst.last) <= (DAYS_MAX + 1) * DAY_MINUTES);
        self.bursts.push(now);
        if self.bursts.len() > BURSTS_MAX {
            let worth = |burst: &Burst| burst.ln_probability.max(LN_WORTH_MIN);
            let order = |(_, one): &(usize, &Burst), (_, other): &(usize, &Burst)| {
                worth(one).total_cmp(&worth(other))
            };
            if let Some((at, _)) = self.bursts.iter().enumerate().rev().max_by(order) {
                self.bursts.remove(at);
            }
        }
        is_known
    }
}

impl Burst {
    const fn goes_on(&self, minute: u64) -> bool {
        minute.saturating_sub(self.last) <= GAP_MINUTES
    }

    /// Whether it began at the same time as this one some days before, and goes on for no longer.
    const fn is_days_after(&self, other: &Self) -> bool {
        let since = (self.from + DAILY_SLACK).saturating_sub(other.from);
        let days = since / DAY_MINUTES;
        days >= 1
            && days <= DAYS_MAX
            && since % DAY_MINUTES <= 2 * DAILY_SLACK
            && self.minutes() <= other.minutes() + DAILY_SLACK
    }

    /// Minutes from the first to the last.
    const fn minutes(&self) -> u64 {
        self.last.saturating_sub(self.from)
    }

    /// Of the first minute it may have been there for a part only.
    fn is_as_large_as(&self, other: &Self) -> bool {
        self.peak <= other.peak * GROWTH_MAX
            && (self.last == self.from || self.peak >= other.peak * GROWTH_MIN)
    }

    /// Whether it came after the last one as that did after the one before.
    fn is_next_of(&self, before: &[Self], is_alike: impl Fn(&Self) -> bool) -> bool {
        let [.., first, second] = before else { return false };
        let one = second.from.saturating_sub(first.from);
        let other = self.from.saturating_sub(second.from);
        one >= INTERVAL_MIN
            && one.abs_diff(other) <= INTERVAL_SLACK
            && is_alike(first)
            && is_alike(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of three minutes with these starts and rates: which of them are known.
    fn known(bursts: &[(u64, f64)]) -> Vec<bool> {
        let mut recurring = Recurring::default();
        let of_burst = |&(from, rate): &(u64, f64)| {
            let minutes = (from..from + 3).map(|minute| recurring.note(minute, rate, -20.0, false));
            let all: Vec<bool> = minutes.collect();
            assert!(all.iter().all(|it| *it == all[0]), "{all:?}");
            all[0]
        };
        bursts.iter().map(of_burst).collect()
    }

    #[test]
    fn a_batch_of_every_night_is_told_once() {
        let nights = [(120, 60.0), (1_562, 62.0), (2_995, 58.0), (4_440, 300.0)];
        assert_eq!(known(&nights), [false, true, true, false], "far more is no batch");
        let weekly = [(120, 60.0), (120 + 7 * 1_440, 60.0)];
        assert_eq!(known(&weekly), [false, true]);
        assert_eq!(known(&[(120, 60.0), (120 + 9 * 1_440, 60.0)]), [false, false]);
    }

    #[test]
    fn what_came_while_it_was_learned_gives_way() {
        let mut recurring = Recurring::default();
        for hour in 0..8 {
            recurring.note(
                hour * 71,
                [60.0, 160.0, 260.0][usize::try_from(hour % 3).unwrap()],
                -40.0,
                true,
            );
        }
        let nights = (1..4).map(|night| recurring.note(night * 1_440 + 700, 900.0, -40.0, false));
        assert_eq!(nights.collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn what_is_hardly_more_than_normal_excuses_nothing() {
        let mut recurring = Recurring::default();
        assert!(!recurring.note(120, 50.0, -5.0, false));
        assert!(!recurring.note(1_560, 60.0, -25.0, false));
        assert!(recurring.note(3_000, 60.0, -25.0, false));
    }

    #[test]
    fn what_begins_otherwise_or_is_of_another_size_is_no_batch() {
        assert_eq!(known(&[(120, 60.0), (1_570, 60.0)]), [false, false], "ten minutes late");
        let mut recurring = Recurring::default();
        let three = |recurring: &mut Recurring, from: u64, rate: f64| {
            [0, 1, 2].map(|minute| recurring.note(from + minute, rate, -20.0, false))
        };
        assert_eq!(three(&mut recurring, 120, 200.0), [false; 3]);
        // The first minute may be one of which it was there for a part.
        assert_eq!(three(&mut recurring, 1_560, 60.0), [true, false, false]);
        let goes_on = (0..20).map(|minute| recurring.note(4_440 + minute, 60.0, -20.0, false));
        let goes_on: Vec<bool> = goes_on.collect();
        assert!(goes_on[5] && !goes_on[19], "an hour is no batch of three minutes: {goes_on:?}");
    }

    #[test]
    fn equal_intervals_are_a_timetable() {
        let hourly = [(5, 60.0), (65, 60.0), (126, 60.0), (186, 60.0)];
        assert_eq!(known(&hourly), [false, false, true, true]);
        let never = [(5, 60.0), (65, 60.0), (205, 60.0), (290, 60.0)];
        assert_eq!(known(&never), [false; 4]);
    }

    #[test]
    fn the_least_probable_are_remembered() {
        let mut recurring = Recurring::default();
        for night in 0..9 {
            let known = recurring.note(night * 1_440 + 120, 60.0, -30.0, false);
            assert_eq!(known, night > 0, "night {night}");
            for hour in 6..20 {
                // What comes by day is hardly more than normal.
                recurring.note(night * 1_440 + hour * 61 + night * 17, 50.0, -5.0, false);
            }
            assert!(recurring.bursts.len() <= BURSTS_MAX);
        }
    }
}
