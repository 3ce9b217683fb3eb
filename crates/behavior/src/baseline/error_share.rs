//! The share of 5xx answers: a discounted beta-binomial model, with the service as its prior.

use libm::exp;
use tapline_model::Epoch;
use tapline_sketch::BetaBinomial;

use crate::number::real;

/// What a service is thought to answer before it has: one 5xx in a hundred.
const SERVICE_PRIOR: Share = Share { errors: 1.0, others: 99.0 };
/// Answers that the service's share counts for in an endpoint's.
const ENDPOINT_PRIOR_WEIGHT: f64 = 20.0;
/// Answers that a share is known from at most. The share of errors is never as steady as answers
/// that fail independently would make it. With 250, a share whose mean is 0.1 % is improbable at
/// one in 10^6 from 4 % on and one of 1 % from 7 % on, which is where a burst begins to matter;
/// fewer where the share was seen to vary by more. Simulated services whose share of errors
/// quadruples for hours raise about one false alarm in a thousand days of an endpoint; with 500 it
/// is nine.
const WEIGHT_MAX: f64 = 250.0;
/// However unsteady a share was, so many answers it is known from: else whoever makes it flicker
/// for long enough could not be told from it.
const WEIGHT_MIN: f64 = 50.0;
/// Answers of an endpoint from which on its slots tell by how much its share varies.
const SCATTER_AFTER_ANSWERS: f64 = 200.0;
/// Slots of more answers are judged as if they had this many with the same share, which bounds the
/// sum over the tail and only makes the judgement milder.
const ANSWERS_MAX: u64 = 100_000;
/// Errors beyond this many standard deviations above the mean are not learned.
const CLIP_DEVIATIONS: f64 = 3.0;
/// So many are never cut: of one answer in a slot a single error is far from the mean, and a rare
/// endpoint would be thought to fail less often than it does.
const CLIP_MIN: f64 = 3.0;

/// So many answers of one sort and of the other.
#[derive(Clone, Copy, Debug)]
struct Share {
    errors: f64,
    others: f64,
}

/// What was learned of an endpoint's or a service's share, as of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorShare {
    learned: Share,
    scatter: Scatter,
    as_of: Epoch,
}

/// By how much the errors of slots scatter beyond what independent answers would.
///
/// With a correlation `r` between the answers of a slot, the squared deviation over the binomial
/// variance is `1 + (answers - 1) r` in the mean: so `r` is the sum of the excesses over the sum of
/// `answers - 1`.
#[derive(Clone, Copy, Debug)]
struct Scatter {
    excess: f64,
    pairs: f64,
}

impl ErrorShare {
    /// Nothing learned.
    pub(crate) const fn new(as_of: Epoch) -> Self {
        Self {
            learned: Share { errors: 0.0, others: 0.0 },
            scatter: Scatter { excess: 0.0, pairs: 0.0 },
            as_of,
        }
    }

    /// As it will be known at `epoch` if nothing is learned until then.
    #[must_use]
    pub(crate) fn at(&self, epoch: Epoch, memory_seconds: f64) -> Self {
        let Some(seconds) = epoch.0.checked_sub(self.as_of.0).filter(|&seconds| seconds > 0) else {
            return *self;
        };
        let kept = exp(-real(seconds) / memory_seconds);
        let Self { learned, scatter, .. } = *self;
        Self {
            learned: Share { errors: learned.errors * kept, others: learned.others * kept },
            scatter: Scatter { excess: scatter.excess * kept, pairs: scatter.pairs * kept },
            as_of: epoch,
        }
    }

    /// Learns from `errors` among `answers` given at `epoch`, of which the clipped part counts.
    pub(crate) fn learn(
        &mut self,
        epoch: Epoch,
        answers: u64,
        errors: u64,
        expected: Expected,
        memory_seconds: f64,
    ) {
        *self = self.at(epoch, memory_seconds);
        let (answers, errors) = (real(answers), expected.clip(answers, errors));
        self.learned.errors += errors;
        self.learned.others += (answers - errors).max(0.0);
        if expected.learned < SCATTER_AFTER_ANSWERS {
            return;
        }
        let mean = expected.mean();
        let deviation = errors - answers * mean;
        let variance = (answers * mean * (1.0 - mean)).max(f64::MIN_POSITIVE);
        self.scatter.excess += deviation * deviation / variance - 1.0;
        self.scatter.pairs += answers - 1.0;
    }

    /// How many answers the share may be known from, as unsteady as it is.
    fn weight_max(&self) -> f64 {
        // As if one excess in WEIGHT_MAX pairs had been seen before anything else.
        let correlation = (1.0 + self.scatter.excess) / (WEIGHT_MAX + self.scatter.pairs);
        (1.0 / correlation.max(f64::MIN_POSITIVE)).clamp(WEIGHT_MIN, WEIGHT_MAX)
    }

    /// Answers it was learned from, discounted.
    pub(crate) fn weight(&self) -> f64 {
        self.learned.errors + self.learned.others
    }
}

/// What an endpoint is expected to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    share: Share,
    /// Answers of the endpoint itself that it is known from.
    learned: f64,
}

impl Expected {
    /// From what was learned of the endpoint and of its service, both as of now.
    pub(crate) fn new(endpoint: &ErrorShare, service: &ErrorShare) -> Self {
        let errors = SERVICE_PRIOR.errors + service.learned.errors;
        let others = SERVICE_PRIOR.others + service.learned.others;
        let prior = ENDPOINT_PRIOR_WEIGHT / (errors + others);
        let share = Share {
            errors: errors * prior + endpoint.learned.errors,
            others: others * prior + endpoint.learned.others,
        };
        let weight_max = endpoint.weight_max().min(service.weight_max());
        let scale = (weight_max / (share.errors + share.others)).min(1.0);
        let share = Share { errors: share.errors * scale, others: share.others * scale };
        Self { share, learned: endpoint.weight() }
    }

    /// The mean share of errors; above 0.
    pub(crate) fn mean(self) -> f64 {
        self.share.errors / (self.share.errors + self.share.others)
    }

    /// By how much more than independent answers so many scatter, as badly as the share is known.
    pub(crate) fn overdispersion(self, answers: u64) -> f64 {
        1.0 + (real(answers) - 1.0).max(0.0) / (self.share.errors + self.share.others + 1.0)
    }

    /// The probability of at least `errors` among `answers`.
    pub(crate) fn probability(self, answers: u64, errors: u64) -> f64 {
        let (answers, errors) = if answers > ANSWERS_MAX {
            let scaled = u128::from(errors) * u128::from(ANSWERS_MAX) / u128::from(answers);
            (ANSWERS_MAX, u64::try_from(scaled).unwrap_or(ANSWERS_MAX))
        } else {
            (answers, errors)
        };
        self.of(answers).at_least(errors)
    }

    /// `errors`, or as many as may be learned from among `answers`.
    fn clip(self, answers: u64, errors: u64) -> f64 {
        let expected = self.of(answers);
        let most = expected.mean() + CLIP_DEVIATIONS * expected.deviation();
        real(errors).min(most.max(CLIP_MIN))
    }

    const fn of(self, answers: u64) -> BetaBinomial {
        BetaBinomial::new(answers, self.share.errors, self.share.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 86_400.0;

    /// Slots of so many answers with so many errors each, one every ten seconds.
    fn learned(slots: impl IntoIterator<Item = (u64, u64)>) -> ErrorShare {
        let mut share = ErrorShare::new(Epoch(0));
        for (slot, (answers, errors)) in (0..).zip(slots) {
            let expected = Expected::new(&share, &share);
            share.learn(Epoch(slot * 10), answers, errors, expected, DAY);
        }
        share
    }

    #[test]
    fn a_fresh_endpoint_is_judged_by_one_in_a_hundred() {
        let fresh = ErrorShare::new(Epoch(0));
        let expected = Expected::new(&fresh, &fresh);
        assert!((expected.mean() - 0.01).abs() < 1e-12);
        assert!(expected.probability(20, 2) > 1e-3);
        assert!(expected.probability(60, 60) < 1e-9);
    }

    #[test]
    fn a_service_speaks_for_its_new_endpoints() {
        let fresh = ErrorShare::new(Epoch(0));
        let flaky = learned((0..100).map(|_| (100, 20)));
        let expected = Expected::new(&fresh, &flaky);
        assert!((expected.mean() - 0.198).abs() < 5e-3, "{}", expected.mean());
        assert!(expected.probability(100, 50) > 1e-4);
    }

    #[test]
    fn what_was_learned_fades_by_capture_time() {
        let share = learned([(1_000, 10)]);
        let faded = share.at(Epoch(86_400), DAY);
        assert!((faded.weight() - 1_000.0 / std::f64::consts::E).abs() < 1e-9);
        assert!((share.at(Epoch(0), DAY).weight() - 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn no_amount_of_clean_answers_makes_a_handful_of_errors_a_burst() {
        let share = learned([(50_000_000, 50)]);
        let expected = Expected::new(&share, &share);
        assert!(expected.probability(10_000, 5) > 1e-4);
        assert!(expected.probability(10_000, 500) < 1e-9);
    }

    #[test]
    fn a_share_that_goes_up_and_down_is_judged_more_mildly() {
        // One in a hundred both; in the second all errors come in one slot of ten.
        let steady = learned((0..1_000).map(|_| (100, 1)));
        let clumpy = learned((0..1_000u64).map(|n| (100, 10 * u64::from(n.is_multiple_of(10)))));
        let probability = |share| Expected::new(&share, &share).probability(600, 60);
        assert!(probability(steady) < 1e-7, "{}", probability(steady));
        assert!(probability(clumpy) > 1e-5, "{}", probability(clumpy));
        assert!(Expected::new(&clumpy, &clumpy).probability(600, 300) < 1e-9);
    }

    #[test]
    fn an_outlier_teaches_no_more_than_three_deviations() {
        let share = learned((0..100).map(|_| (100, 1)));
        let clipped = Expected::new(&share, &share).clip(100, 90);
        assert!((2.0..8.0).contains(&clipped), "{clipped}");
        assert!((Expected::new(&share, &share).clip(100, 1) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn errors_that_come_one_by_one_count_whole() {
        // One answer in a slot, one of thirty an error.
        let share = learned((0..6_000u64).map(|n| (1, u64::from(n.is_multiple_of(30)))));
        let mean = Expected::new(&share, &share).mean();
        assert!((mean * 30.0 - 1.0).abs() < 0.1, "{mean}");
    }

    #[test]
    fn huge_windows_are_judged_in_bounded_time() {
        let share = ErrorShare::new(Epoch(0));
        let expected = Expected::new(&share, &share);
        assert!(expected.probability(u64::MAX, u64::MAX / 2) < 1e-4);
    }
}
