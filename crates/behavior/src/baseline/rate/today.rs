//! A day that is calmer than it should be: a holiday, or a weekend before one was seen.

use libm::pow;

use crate::number::real;

/// Minutes over which it is known: what lasts, and how it ends.
const MEMORY_MINUTES: [f64; 2] = [180.0, 30.0];
/// Requests that the belief in an ordinary day stands for.
const PRIOR_REQUESTS: f64 = 60.0;
/// No day is calmer than this.
const SHARE_MIN: f64 = 0.25;
/// Nor busier: a surge must not make itself normal.
const SHARE_MAX: f64 = 1.0;

/// What came of late over what was expected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    seen: [f64; 2],
    expected: [f64; 2],
}

impl Today {
    /// The share of what is normal that is to be expected. A calm time that is over is over soon.
    pub(super) fn share(&self) -> f64 {
        let share =
            |(seen, expected): (&f64, &f64)| (seen + PRIOR_REQUESTS) / (expected + PRIOR_REQUESTS);
        self.seen.iter().zip(&self.expected).map(share).fold(SHARE_MIN, f64::max)
    }

    /// A minute was what it was, as far as it teaches.
    pub(super) fn learn(&mut self, seen: f64, expected: f64) {
        let sums = self.seen.iter_mut().zip(&mut self.expected).zip(MEMORY_MINUTES);
        for ((sum, full), memory) in sums {
            let keep = 1.0 - 1.0 / memory;
            *full = *full * keep + expected;
            *sum = (*sum * keep + seen).min(SHARE_MAX * *full);
        }
    }

    /// So many minutes of nothing.
    pub(super) fn pass(&mut self, minutes: u64, expected: f64) {
        let sums = self.seen.iter_mut().zip(&mut self.expected).zip(MEMORY_MINUTES);
        for ((sum, full), memory) in sums {
            let kept = pow(1.0 - 1.0 / memory, real(minutes));
            *sum *= kept;
            *full = *full * kept + expected * memory * (1.0 - kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(minutes: impl IntoIterator<Item = f64>) -> Today {
        let mut today = Today::default();
        minutes.into_iter().for_each(|seen| today.learn(seen, 20.0));
        today
    }

    #[test]
    fn a_holiday_is_known_within_an_hour_and_its_end_within_half_of_one() {
        let calm = after([10.0; 60]);
        assert!((0.5..0.6).contains(&calm.share()), "{calm:?}");
        let over = after([10.0; 360].into_iter().chain([20.0; 30]));
        assert!(over.share() > 0.75, "{over:?}");
    }

    #[test]
    fn counts_that_scatter_evenly_are_an_ordinary_day() {
        // 20 in the mean: what is above counts as what is below does.
        let even = after((0..600u32).map(|n| if n.is_multiple_of(2) { 6.0 } else { 34.0 }));
        assert!((even.share() - 1.0).abs() < 0.1, "{even:?}");
    }

    #[test]
    fn a_surge_does_not_make_itself_normal() {
        assert!(after([1_000.0; 600]).share() <= SHARE_MAX);
        assert!((after(std::iter::repeat_n(0.0, 6_000)).share() - SHARE_MIN).abs() < 1e-9);
        assert!((Today::default().share() - 1.0).abs() < 1e-9);
    }
}
