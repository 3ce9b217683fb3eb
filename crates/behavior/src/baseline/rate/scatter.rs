//! By how much more than Poisson's the counts of a minute scatter.

/// The prior: requests come in bunches, small ones, for a page or a program seldom asks once. A few that
/// came one by one do not say that all do, so it stands for so many requests, and these minutes at least.
const PRIOR_RATIO: f64 = 1.5;
const PRIOR_REQUESTS: f64 = 30.0;
const PRIOR_MINUTES: f64 = 5.0;
/// A squared deviation that is odd teaches no more than this many times what is expected of it. Where
/// a minute brings next to nothing an ordinary two are as far from the mean: to cut those would be to
/// think that requests come one by one when they come in bunches.
const CLIP_SQUARES: f64 = 9.0;

/// The variance of a count over its mean, as a line over how busy the hour is.
///
/// Requests that come in bunches scatter by the same factor at any rate; a rate that itself goes up
/// and down scatters counts by more the more there are. So the factor is a constant and a part that
/// grows with the rate, told from one another by least squares over busy hours and quiet ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scatter {
    weight: f64,
    busy: f64,
    busy_squares: f64,
    sum: f64,
    busy_sum: f64,
}

impl Scatter {
    /// Nothing learned.
    pub(super) const fn new() -> Self {
        Self { weight: 0.0, busy: 0.0, busy_squares: 0.0, sum: 0.0, busy_sum: 0.0 }
    }

    /// The variance of a count over its mean: 1 at least. `busy` is the rate over the mean rate, which is
    /// `mean` requests a minute.
    pub(super) fn at(&self, busy: f64, mean: f64) -> f64 {
        let (constant, slope) = self.line(mean);
        (constant + slope * busy).max(1.0)
    }

    /// As much of `ratio` as teaches where it is odd.
    pub(super) fn clipped(&self, busy: f64, ratio: f64, mean: f64) -> f64 {
        ratio.min(CLIP_SQUARES * self.at(busy, mean))
    }

    /// Learns `ratio`, a squared deviation over the variance that a Poisson count would have, so many
    /// times. `keep` is what each time leaves of what was known. It counts for the more the more was
    /// expected, or one request in a quiet hour would say most of all.
    pub(super) fn learn(&mut self, busy: f64, ratio: f64, keep: f64, times: f64) {
        let kept = libm::pow(keep, times);
        let added = busy * (1.0 - kept) / (1.0 - keep);
        for (sum, value) in [
            (&mut self.weight, 1.0),
            (&mut self.busy, busy),
            (&mut self.busy_squares, busy * busy),
            (&mut self.sum, ratio),
            (&mut self.busy_sum, busy * ratio),
        ] {
            *sum = *sum * kept + value * added;
        }
    }

    /// What is known counts as if it had been learned in so many minutes at most.
    pub(super) fn doubt(&mut self, minutes: f64) {
        let kept = (minutes / self.weight.max(1.0)).min(1.0);
        for sum in [
            &mut self.weight,
            &mut self.busy,
            &mut self.busy_squares,
            &mut self.sum,
            &mut self.busy_sum,
        ] {
            *sum *= kept;
        }
    }

    /// The constant, and what grows with the rate; neither falls below what Poisson's counts do.
    fn line(&self, mean: f64) -> (f64, f64) {
        // The prior is of the mean rate.
        let prior = (PRIOR_REQUESTS / mean.max(f64::MIN_POSITIVE)).max(PRIOR_MINUTES);
        let weight = self.weight + prior;
        let busy = (self.busy + prior) / weight;
        let mean = (self.sum + prior * PRIOR_RATIO) / weight;
        let squares = (self.busy_squares + prior) / weight;
        let product = (self.busy_sum + prior * PRIOR_RATIO) / weight;
        let variance = squares - busy * busy;
        // Hours that are all alike tell no slope.
        if variance < 1e-3 {
            return (mean, 0.0);
        }
        let slope = ((product - busy * mean) / variance).max(0.0);
        let constant = mean - slope * busy;
        if constant >= 1.0 {
            return (constant, slope);
        }
        // Through 1 at no rate at all.
        (1.0, ((product - busy) / squares).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests a minute of an endpoint that is busy: the prior is next to nothing.
    const BUSY: f64 = 100.0;

    /// A day in which the rate is half the mean by night and twice by day, with these ratios.
    fn learned(night: f64, day: f64) -> Scatter {
        let mut scatter = Scatter::new();
        for minute in 0..1_440u32 {
            let (busy, ratio) = if minute < 720 { (0.5, night) } else { (2.0, day) };
            scatter.learn(busy, ratio, 0.999_9, 1.0);
        }
        scatter
    }

    #[test]
    fn bunches_scatter_alike_at_any_rate_and_wandering_rates_the_more_the_busier() {
        for (night, day) in [(2.5, 2.5), (2.0, 5.0), (1.0, 1.0)] {
            let scatter = learned(night, day);
            for (busy, ratio) in [(0.5, night), (2.0, day), (1.0, night + (day - night) / 3.0)] {
                assert!((scatter.at(busy, BUSY) / ratio - 1.0).abs() < 0.05, "{busy} {scatter:?}");
            }
        }
    }

    #[test]
    fn counts_never_scatter_less_than_poisson_s() {
        let scatter = learned(0.2, 9.0);
        assert!(scatter.at(0.0, BUSY) >= 1.0 && scatter.at(0.5, BUSY) >= 1.0);
        assert!((learned(0.3, 0.3).at(1.0, BUSY) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_few_requests_one_by_one_do_not_say_that_all_come_so() {
        assert!((Scatter::new().at(1.0, 0.01) - PRIOR_RATIO).abs() < 1e-9);
        // A day of one in 100 minutes, and a month of it.
        let day = learned(1.0, 1.0);
        assert!((1.3..1.45).contains(&day.at(1.0, 0.01)), "{}", day.at(1.0, 0.01));
        let mut month = Scatter::new();
        month.learn(1.0, 1.0, 0.999_999, 43_200.0);
        assert!(month.at(1.0, 0.01) < 1.05, "{}", month.at(1.0, 0.01));
    }

    #[test]
    fn an_outlier_teaches_nine_times_what_is_expected() {
        let mut scatter = learned(1.0, 1.0);
        let before = scatter.at(1.0, BUSY);
        scatter.learn(1.0, scatter.clipped(1.0, 1e9, BUSY), 0.999_9, 1.0);
        assert!(scatter.at(1.0, BUSY) - before < 9.0 / 1_000.0);
        scatter.doubt(60.0);
        assert!((scatter.at(1.0, BUSY) - before).abs() < 0.1);
    }
}
