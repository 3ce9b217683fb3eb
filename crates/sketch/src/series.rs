//! One series of numbers: how far from normal is the newest?

use libm::fabs;

use crate::tail::{Tail, normal_score};

/// A residual of more spreads than this moves level and spread no further.
const CLIP_SPREADS: f64 = 4.0;
/// Points from which on the spread is known well enough to measure by.
const SPREAD_KNOWN_POINTS: u64 = 30;
/// The mean absolute deviation of a normal variable, times this, is its standard deviation.
const SPREAD_OF_DEVIATION: f64 = 1.253_314_137_315_5;

/// The paces at which a [`Series`] follows, each in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The level that a single point is held against.
    pub level_points: f64,
    /// The mean over the last points, which is held against the long level.
    pub short_points: f64,
    /// The long level.
    pub long_points: f64,
    /// The spread, and what is known of the means' differences.
    pub spread_points: f64,
    /// Spreads below this are not believed: the precision of what is fed.
    pub spread_min: f64,
}

/// Level, spread and the distribution of past deviations, and a level on a longer scale of time.
///
/// The deviation of a point from the level is measured in spreads, and how improbable it is comes
/// from a [`Tail`] of those before it, so no distribution is assumed. How far the mean of the last
/// points is from the long level is measured too; whoever judges by that keeps a [`Tail`] of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    points: u64,
    level: f64,
    short: f64,
    long: f64,
    spread: f64,
    drift_spread: f64,
    tail: Tail,
}

/// What a [`Series`] says of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// The level it was held against.
    pub normal: f64,
    /// By how many spreads it is off, with its sign.
    pub spreads: f64,
    /// ln of the probability of one at least as far off.
    pub ln_probability: f64,
}

impl Deviation {
    /// The point as a standard normal variable would stand: -3 to 5.
    pub fn score(&self) -> f64 {
        normal_score(self.ln_probability - core::f64::consts::LN_2).clamp(0.0, 5.0)
            * self.spreads.signum()
    }
}

impl Default for Series {
    fn default() -> Self {
        Self::new()
    }
}

impl Series {
    /// Nothing learned.
    pub fn new() -> Self {
        Self {
            points: 0,
            level: 0.0,
            short: 0.0,
            long: 0.0,
            spread: 0.0,
            drift_spread: 0.0,
            tail: Tail::new(),
        }
    }

    /// Points learned.
    pub const fn points(&self) -> u64 {
        self.points
    }

    /// What is normal now.
    pub const fn level(&self) -> f64 {
        self.level
    }

    /// The long level.
    pub const fn long_level(&self) -> f64 {
        self.long
    }

    /// The standard deviation of points from the level.
    pub fn spread(&self, pace: &Pace) -> f64 {
        self.spread.max(pace.spread_min)
    }

    /// Whether spreads are known well enough to measure by.
    pub const fn is_measured(&self) -> bool {
        self.points >= SPREAD_KNOWN_POINTS
    }

    /// Judges a point by those learned before it.
    pub fn judge(&self, value: f64, pace: &Pace) -> Deviation {
        if self.points == 0 {
            return Deviation { normal: value, spreads: 0.0, ln_probability: 0.0 };
        }
        let spreads = (value - self.level) / self.spread(pace);
        let ln_probability = self.tail.ln_at_least(fabs(spreads));
        Deviation { normal: self.level, spreads, ln_probability }
    }

    /// The mean of the last points, this one among them, less the long level, in spreads of that.
    pub fn drift_spreads(&self, value: f64, pace: &Pace) -> f64 {
        let short = self.short + (value - self.short) * gain(pace.short_points, self.points);
        (short - self.long) / self.drift_spread.max(pace.spread_min / 2.0)
    }

    /// Learns a point; one that is far off teaches less.
    pub fn learn(&mut self, value: f64, pace: &Pace) {
        if !value.is_finite() {
            return;
        }
        if self.points == 0 {
            (self.level, self.short, self.long) = (value, value, value);
            self.points = 1;
            return;
        }
        if self.is_measured() {
            self.tail.learn(fabs((value - self.level) / self.spread(pace)));
        }
        // Early, spreads are known too badly to clip by.
        let clip = if self.is_measured() { CLIP_SPREADS } else { f64::INFINITY };
        let residual = clipped(value - self.level, clip * self.spread(pace));
        self.level += residual * gain(pace.level_points, self.points);
        self.short += (value - self.short) * gain(pace.short_points, self.points);
        let slow = gain(pace.spread_points, self.points);
        self.spread += (fabs(residual) * SPREAD_OF_DEVIATION - self.spread) * slow;
        let drift = clipped(self.short - self.long, clip * self.drift_spread.max(pace.spread_min));
        self.drift_spread += (fabs(drift) * SPREAD_OF_DEVIATION - self.drift_spread) * slow;
        self.long += clipped(value - self.long, clip * self.spread(pace).max(fabs(drift)))
            * gain(pace.long_points, self.points);
        self.points += 1;
    }

    /// The change is taken for what is normal from now on: levels move to the short mean.
    pub const fn accept(&mut self) {
        self.level = self.short;
        self.long = self.short;
    }
}

/// The share of a new point in a mean over so many points; early, the mean is that of all points.
fn gain(points: f64, seen: u64) -> f64 {
    (1.0 / points).max(1.0 / (crate::negative_binomial::real(seen) + 1.0))
}

fn clipped(value: f64, most: f64) -> f64 {
    value.clamp(-most, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        level_points: 20.0,
        short_points: 10.0,
        long_points: 300.0,
        spread_points: 200.0,
        spread_min: 1e-3,
    };

    /// Between -1 and 1, neither always the same nor by chance.
    fn sway(point: u64) -> f64 {
        f64::from(u32::try_from(point * 7_919 % 2_001).unwrap_or(0)) / 1_000.0 - 1.0
    }

    fn learned(points: u64) -> Series {
        let mut series = Series::new();
        (0..points).for_each(|point| series.learn(10.0 + sway(point), &PACE));
        series
    }

    #[test]
    fn level_and_spread_are_learned() {
        let series = learned(3_000);
        assert!((series.level() - 10.0).abs() < 0.4, "{}", series.level());
        assert!((series.long_level() - 10.0).abs() < 0.2);
        // Evenly between -1 and 1: mean absolute deviation 1/2.
        assert!((0.5..0.8).contains(&series.spread(&PACE)), "{}", series.spread(&PACE));
    }

    #[test]
    fn what_is_far_off_is_improbable_and_what_is_not_is_not() {
        let series = learned(3_000);
        assert!(series.judge(10.5, &PACE).ln_probability > -3.0);
        let far = series.judge(16.0, &PACE);
        assert!(far.ln_probability < -9.0 && far.spreads > 5.0, "{far:?}");
        assert!(far.score() > 3.5);
        assert!(series.judge(4.0, &PACE).score() < -3.5);
    }

    #[test]
    fn a_small_lasting_change_shows_in_the_short_mean() {
        let (mut series, mut drifts) = (Series::new(), Tail::new());
        let mut least: f64 = 0.0;
        let usual = (0..3_000).map(|point| 10.0 + sway(point));
        for (place, value) in (0..).zip(usual.chain((0..15).map(|it| 10.9 + sway(it) / 4.0))) {
            let drift = fabs(series.drift_spreads(value, &PACE));
            if place >= 3_000 {
                least = least.min(drifts.ln_at_least(drift));
            }
            if series.is_measured() {
                drifts.learn(drift);
            }
            series.learn(value, &PACE);
        }
        assert!(least < -5.0, "{least}");
    }

    #[test]
    fn an_outlier_hardly_moves_the_level() {
        let mut series = learned(3_000);
        let before = series.level();
        series.learn(1e9, &PACE);
        assert!((series.level() - before).abs() < 0.3);
        series.learn(f64::NAN, &PACE);
        assert!(series.level().is_finite());
    }

    #[test]
    fn nothing_learned_judges_nothing() {
        assert!(Series::new().judge(5.0, &PACE).ln_probability.abs() < 1e-12);
    }
}
