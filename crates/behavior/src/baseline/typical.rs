//! What is typical, where nothing is judged by it.

use libm::exp;

use crate::number::real;

/// A point says something of so many values and more.
const VALUES_MIN: u64 = 20;
/// Points over which it is known: of minutes they follow the hours of a day.
const POINTS: f64 = 20.0;
/// Once it is known a point moves it no further than one that is so far off: a factor of 2.7.
const CLIP: f64 = 1.0;

/// The mean of logarithms, of as many minutes as it takes to have enough values for a point.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typical {
    values: u64,
    sum_of_logs: f64,
    points: u64,
    level: f64,
}

impl Typical {
    /// Takes a minute's values.
    pub(crate) fn learn(&mut self, values: u64, sum_of_logs: f64) {
        self.values += values;
        self.sum_of_logs += sum_of_logs;
        if self.values >= VALUES_MIN {
            let point = self.sum_of_logs / real(self.values);
            (self.values, self.sum_of_logs) = (0, 0.0);
            self.learn_point(point);
        }
    }

    /// Takes a number that is a point by itself, as a logarithm.
    pub(crate) fn learn_point(&mut self, point: f64) {
        let known = real(self.points);
        let off = point - self.level;
        let off = if known < POINTS { off } else { off.clamp(-CLIP, CLIP) };
        self.level += off / (known + 1.0).min(POINTS);
        self.points += 1;
    }

    /// What is typical, once there was something.
    pub(crate) fn typical(&self) -> Option<f64> {
        (self.points > 0).then(|| exp(self.level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_geometric_mean_of_the_last_points() {
        let mut typical = Typical::default();
        assert_eq!(typical.typical(), None);
        for count in [1.0f64, 100.0] {
            typical.learn_point(libm::log(count));
        }
        assert!(typical.typical().is_some_and(|it| (it - 10.0).abs() < 1e-9));
        (0..200).for_each(|_| typical.learn_point(libm::log(5.0)));
        assert!(typical.typical().is_some_and(|it| (it - 5.0).abs() < 0.01));
        typical.learn_point(libm::log(1e9));
        assert!(typical.typical().is_some_and(|it| it < 5.3));
    }

    #[test]
    fn few_values_wait_for_more() {
        let mut typical = Typical::default();
        typical.learn(19, 19.0 * libm::log(4.0));
        assert_eq!(typical.typical(), None);
        typical.learn(1, libm::log(4.0));
        assert!(typical.typical().is_some_and(|it| (it - 4.0).abs() < 1e-9));
    }
}
