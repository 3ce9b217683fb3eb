//! The size of something, on a logarithmic scale: latency, bytes.

use libm::exp;
use tapline_sketch::{Cusum, Pace, Series};

use super::calibration::Rarity;
use super::judgement::{Judgement, Signal};
use crate::number::real;

/// Values that make a point: of fewer the mean says little.
const VALUES_MIN: u64 = 20;
/// Points before anything is judged: fewer do not tell a tail.
const POINTS_MIN: u64 = 300;
/// How fast points are followed. Levels of twenty points of a minute follow the hours of a day.
const PACE: Pace = Pace {
    level_points: 20.0,
    short_points: 10.0,
    long_points: 300.0,
    spread_points: 200.0,
    spread_min: 0.01,
};
/// Drift taken off each score, and the most evidence kept.
const DRIFT: f64 = 0.75;
const EVIDENCE_MAX: f64 = 60.0;
/// What is improbable at this teaches nothing if it is large as well.
const LN_TEACHES_MIN: f64 = -9.2;

/// Means of logarithms, of as many minutes as it takes to have enough values for a point.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    values: u64,
    sum_of_logs: f64,
    from: u64,
    series: Series,
    evidence: Cusum,
    run_from: u64,
    run_points: u64,
    run_values: u64,
    run_sum: f64,
    run_normal: f64,
}

impl Scale {
    /// Nothing learned.
    pub(crate) fn new() -> Self {
        Self {
            values: 0,
            sum_of_logs: 0.0,
            from: 0,
            series: Series::new(),
            evidence: Cusum::zero(),
            run_from: 0,
            run_points: 0,
            run_values: 0,
            run_sum: 0.0,
            run_normal: 0.0,
        }
    }

    /// Takes a minute's values; the judgement if there are enough for a point.
    pub(crate) fn close(
        &mut self,
        signal: Signal,
        minute: u64,
        (values, sum_of_logs): (u64, f64),
        teaches: bool,
        lift_min: f64,
    ) -> Option<Judgement> {
        if self.values == 0 {
            self.from = minute;
        }
        self.values += values;
        self.sum_of_logs += sum_of_logs;
        if self.values < VALUES_MIN {
            return None;
        }
        let point = self.sum_of_logs / real(self.values);
        let values = std::mem::take(&mut self.values);
        self.sum_of_logs = 0.0;
        let judged = self.judge(signal, minute, point, values, lift_min);
        let is_odd = judged.is_large && judged.rarity.ln_probability < LN_TEACHES_MIN;
        if teaches && !is_odd {
            self.series.learn(point, &PACE);
        }
        (self.series.points() >= POINTS_MIN).then_some(judged)
    }

    fn judge(
        &mut self,
        signal: Signal,
        minute: u64,
        point: f64,
        values: u64,
        lift_min: f64,
    ) -> Judgement {
        let off = self.series.judge(point, &PACE);
        // More than normal by both levels.
        let normal = off.normal.max(self.series.long_level());
        let is_up = point > normal;
        let ln_point = if is_up { off.ln_probability } else { 0.0 };
        self.evidence.step(off.score() - DRIFT, EVIDENCE_MAX);
        if self.evidence.sum() <= 0.0 {
            (self.run_points, self.run_values) = (0, 0);
            (self.run_sum, self.run_normal) = (0.0, 0.0);
        } else {
            if self.run_points == 0 {
                self.run_from = self.from;
            }
            self.run_points += 1;
            self.run_values += values;
            self.run_sum += point;
            self.run_normal += normal;
        }
        // Stationary sums of normal scores with drift k pass h with probability exp(-2 k h).
        let ln_run = -2.0 * DRIFT * self.evidence.sum();
        let is_run = ln_run < ln_point && self.run_points > 1;
        let (from, seen, of, weight) = if is_run {
            let points = real(self.run_points);
            (self.run_from, self.run_sum / points, self.run_normal / points, self.run_values)
        } else {
            (self.from, point, normal, values)
        };
        Judgement {
            signal,
            rarity: Rarity::by((ln_point.min(ln_run) + core::f64::consts::LN_2).min(0.0)),
            seen: exp(seen),
            normal: exp(of),
            weight,
            from,
            minutes: minute.saturating_sub(from) + 1,
            is_large: seen - of >= libm::log(lift_min),
        }
    }

    /// What it does now is normal from now on.
    pub(crate) fn accept(&mut self) {
        self.series.accept();
        self.evidence.clear();
    }

    /// Points it was learned from.
    pub(crate) const fn points(&self) -> u64 {
        self.series.points()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred values a minute around 50 ms that go up and down by a fifth, then these.
    fn last(then: &[f64], values: u64) -> Judgement {
        let mut scale = Scale::new();
        let mut judged = None;
        let steady = (0..3_000u64).map(|n| 50_000.0 * exp(real(n * 7_919 % 101) / 250.0 - 0.2));
        for (minute, typical) in (0..).zip(steady.chain(then.iter().copied())) {
            let logs = libm::log(typical) * real(values);
            judged = scale.close(Signal::Latency, minute, (values, logs), true, 1.5).or(judged);
        }
        judged.unwrap()
    }

    #[test]
    fn a_jump_is_told() {
        let judged = last(&[100_000.0; 3], 100);
        assert!(judged.is_large && judged.rarity.ln_probability < -12.0, "{judged:?}");
        assert!((judged.normal / 50_000.0 - 1.0).abs() < 0.15, "{judged:?}");
    }

    #[test]
    fn what_is_normal_is_not() {
        let judged = last(&[52_000.0, 57_000.0], 100);
        assert!(!judged.is_large && judged.rarity.ln_probability > -6.0, "{judged:?}");
        // Faster is no trouble.
        let judged = last(&[20_000.0; 5], 100);
        assert!(!judged.is_large, "{judged:?}");
    }

    #[test]
    fn few_values_wait_for_more() {
        let judged = last(&[200_000.0; 10], 2);
        assert_eq!((judged.minutes, judged.weight), (10, 20));
        assert!(judged.is_large, "{judged:?}");
    }
}
