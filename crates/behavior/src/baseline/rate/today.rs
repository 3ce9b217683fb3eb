//! A day that is calmer than it should be: a holiday, or a weekend before one was seen.

use libm::pow;

use crate::number::real;

/// Minutes over which it is known: what lasts, and how it ends.
const MEMORY_MINUTES: [f64; 2] = [180.0, 30.0];
/// Requests that the belief in an ordinary day, or in the host's, stands for.
const PRIOR_REQUESTS: f64 = 150.0;
/// And so many minutes: a day is not known by its first.
const PRIOR_MINUTES: f64 = 10.0;
/// No day is calmer than this.
const SHARE_MIN: f64 = 0.25;
/// Nor busier: a surge must not make itself normal.
const SHARE_MAX: f64 = 1.0;

/// What came of late over what was expected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    seen: [f64; 2],
    expected: [f64; 2],
    /// What was expected of the last minute.
    minute: f64,
}

impl Today {
    /// The share of what is normal that is to be expected, where `host` is that of the whole host: 1
    /// if it is not known. A calm time that is over is over soon, but for no endpoint sooner than for
    /// its host: on a calm day a surge must not pass for the end of it.
    pub(super) fn share(&self, host: f64) -> f64 {
        let prior = PRIOR_REQUESTS.max(PRIOR_MINUTES * self.minute);
        let [seen_long, seen_short] = self.seen;
        let [expected_long, expected_short] = self.expected;
        let long = (seen_long + prior * host) / (expected_long + prior);
        // What half an hour says is held against what hours said, or a day would never seem calm.
        let short = (seen_short + prior * long) / (expected_short + prior);
        long.max(short.min(host)).max(SHARE_MIN)
    }

    /// A minute was what it was, as far as it teaches.
    pub(super) fn learn(&mut self, seen: f64, expected: f64) {
        self.minute = expected;
        let sums = self.seen.iter_mut().zip(&mut self.expected).zip(MEMORY_MINUTES);
        for ((sum, full), memory) in sums {
            let keep = 1.0 - 1.0 / memory;
            *full = *full * keep + expected;
            *sum = (*sum * keep + seen).min(SHARE_MAX * *full);
        }
    }

    /// So many minutes of nothing.
    pub(super) fn pass(&mut self, minutes: u64, expected: f64) {
        self.minute = expected;
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
        assert!((0.5..0.65).contains(&calm.share(1.0)), "{calm:?}");
        let over = after([10.0; 360].into_iter().chain([20.0; 30]));
        assert!(over.share(1.0) > 0.75, "{over:?}");
    }

    #[test]
    fn the_first_minute_of_a_day_does_not_make_it_and_the_host_s_day_is_believed_first() {
        let busy = after([0.0]);
        assert!(busy.share(1.0) > 0.85, "{busy:?}");
        let rare = after([0.0]);
        assert!((0.4..0.5).contains(&rare.share(0.5)), "{rare:?}");
    }

    #[test]
    fn counts_that_scatter_evenly_are_an_ordinary_day() {
        // 20 in the mean: what is above counts as what is below does.
        let even = after((0..600u32).map(|n| if n.is_multiple_of(2) { 6.0 } else { 34.0 }));
        assert!((even.share(1.0) - 1.0).abs() < 0.1, "{even:?}");
    }

    #[test]
    fn a_surge_does_not_make_itself_normal() {
        assert!(after([1_000.0; 600]).share(1.0) <= SHARE_MAX);
        assert!((after(std::iter::repeat_n(0.0, 6_000)).share(1.0) - SHARE_MIN).abs() < 1e-9);
        assert!((Today::default().share(1.0) - 1.0).abs() < 1e-9);
    }
}
