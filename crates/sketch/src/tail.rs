//! How improbable a score is among the scores before it.

use std::sync::LazyLock;

use libm::{exp, exp2, log, log2};

/// Buckets an octave: 9 % wide each.
const STEPS: f64 = 8.0;
/// Scores from 2^-4 to 2^10 are told apart.
const OCTAVE_MIN: f64 = -4.0;
const BUCKETS: usize = 112;
/// Scores that are remembered at most: three weeks of minutes.
const TOTAL_MAX: u32 = 32_768;
/// Where the tail begins that is modelled instead of counted: the largest two of a hundred
/// (Siffer et al., "Anomaly detection in streams with extreme value theory", KDD 2017).
const TAIL_SHARE: f64 = 0.02;
/// Scores of the tail that its shape is told from at least.
const PEAKS_MIN: f64 = 10.0;
/// The tail of a Pareto distribution is no fatter than this, and no thinner than an exponential one:
/// that scores end somewhere cannot be told from few of them.
const SHAPE: (f64, f64) = (0.0, 0.5);
/// As many peaks as the prior speaks for, in which the tail is exponential.
const PRIOR_PEAKS: f64 = 10.0;
/// A score less probable than this counts as the largest that was seen: an attack teaches little.
const LEARNED_MIN: f64 = 1e-5;

/// The scores of one series: counted where there are many, and beyond their 98 % quantile a
/// generalised Pareto distribution fitted by moments.
///
/// Feed it scores of 0 or more, of which larger ones are less normal. It takes 240 bytes whatever
/// comes, and forgets by halves: when there are 32 768, all counts are halved.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    counts: Box<[u16; BUCKETS]>,
    total: u32,
    /// As of some scores ago: it moves slowly, and fitting takes time.
    fitted: Pareto,
    /// Scores learned since.
    unfitted: u32,
}

/// The fitted tail.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pareto {
    /// Where it begins, and the share of all scores beyond.
    from: f64,
    share: f64,
    shape: f64,
    scale: f64,
}

impl Default for Tail {
    fn default() -> Self {
        Self::new()
    }
}

impl Tail {
    /// No scores.
    pub fn new() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0, fitted: Pareto::default(), unfitted: 0 }
    }

    /// Scores that are remembered.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// ln P(S >= score), by the scores learned so far; 0 before any was. With `n` of them it is
    /// hardly below `-ln n` until the tail can be told.
    pub fn ln_at_least(&self, score: f64) -> f64 {
        let total = f64::from(self.total);
        if self.total == 0 || score.is_nan() {
            return 0.0;
        }
        if self.is_tail(score) {
            return self.fitted.ln_at_least(score);
        }
        log(((1.0 + self.at_least(score)) / (total + 1.0)).min(1.0))
    }

    fn is_tail(&self, score: f64) -> bool {
        score > self.fitted.from && f64::from(self.total) * self.fitted.share >= PEAKS_MIN
    }

    /// Learns a score. One that is all too improbable teaches no more than the largest so far.
    pub fn learn(&mut self, score: f64) {
        if score.is_nan() {
            return;
        }
        // What is counted has a share of 1 / 32 769 at least, so only the tail is so improbable.
        let is_far = self.is_tail(score) && self.fitted.ln_at_least(score) < log(LEARNED_MIN);
        let bucket = if is_far { bucket_of(score).min(self.largest()) } else { bucket_of(score) };
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.total += 1;
            if *count == u16::MAX || self.total >= TOTAL_MAX {
                self.halve();
            }
            self.note(1);
        }
    }

    /// So many scores more: one in 64 fits the tail anew.
    fn note(&mut self, scores: u32) {
        self.unfitted = self.unfitted.saturating_add(scores);
        if self.unfitted >= (self.total / 64).min(1_024) {
            self.unfitted = 0;
            self.fitted = self.pareto();
        }
    }

    fn halve(&mut self) {
        self.total = 0;
        for count in self.counts.iter_mut() {
            *count /= 2;
            self.total += u32::from(*count);
        }
    }

    fn largest(&self) -> usize {
        self.counts.iter().rposition(|&count| count > 0).unwrap_or(BUCKETS - 1)
    }

    /// How many scores lie in the bucket of this one or above; its own counts in part.
    fn at_least(&self, score: f64) -> f64 {
        let place = place_of(score);
        let bucket = bucket_of(score);
        let above: u32 = self.counts.iter().skip(bucket + 1).map(|&count| u32::from(count)).sum();
        let own = self.counts.get(bucket).copied().map_or(0.0, f64::from);
        let passed = (place - real(bucket)).clamp(0.0, 1.0);
        f64::from(above) + own * (1.0 - passed)
    }

    /// The tail by the moments of what lies beyond its begin.
    fn pareto(&self) -> Pareto {
        let total = f64::from(self.total);
        let wanted = total * TAIL_SHARE;
        let (mut peaks, mut first) = (0.0, BUCKETS);
        while first > 0 && peaks < wanted {
            first -= 1;
            peaks += self.counts.get(first).copied().map_or(0.0, f64::from);
        }
        let from = edge_of(first);
        let (mut sum, mut squares) = (0.0, 0.0);
        for (bucket, &count) in self.counts.iter().enumerate().skip(first) {
            let excess = f64::midpoint(edge_of(bucket), edge_of(bucket + 1)) - from;
            sum += f64::from(count) * excess;
            squares += f64::from(count) * excess * excess;
        }
        let mean = (sum / peaks.max(1.0)).max(f64::MIN_POSITIVE);
        let variance = (squares / peaks.max(1.0) - mean * mean).max(f64::MIN_POSITIVE);
        // Hosking and Wallis 1987; an exponential distribution, of shape 0, is the prior.
        let shape = 0.5 * (1.0 - mean * mean / variance);
        let shape = shape * peaks / (peaks + PRIOR_PEAKS);
        let shape = shape.clamp(SHAPE.0, SHAPE.1);
        Pareto { from, share: peaks / total.max(1.0), shape, scale: mean * (1.0 - shape) }
    }
}

impl Pareto {
    fn ln_at_least(&self, score: f64) -> f64 {
        let excess = (score - self.from) / self.scale;
        let beyond = if self.shape.abs() < 1e-6 {
            -excess
        } else {
            -log(1.0 + self.shape * excess) / self.shape
        };
        log(self.share) + beyond.max(-700.0)
    }
}

/// Where on the scale of buckets a score lies.
fn place_of(score: f64) -> f64 {
    (STEPS * (log2(score.max(1e-9)) - OCTAVE_MIN)).clamp(0.0, real(BUCKETS) - 1e-9)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the buckets there are"
)]
fn bucket_of(score: f64) -> usize {
    place_of(score) as usize
}

/// The least score of every bucket, and the end of the last.
static EDGES: LazyLock<[f64; BUCKETS + 1]> =
    LazyLock::new(|| {
        core::array::from_fn(|bucket| {
            if bucket == 0 { 0.0 } else { exp2(real(bucket) / STEPS + OCTAVE_MIN) }
        })
    });

/// The least score of a bucket.
fn edge_of(bucket: usize) -> f64 {
    EDGES.get(bucket).copied().unwrap_or(f64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a number of buckets")]
const fn real(bucket: usize) -> f64 {
    bucket as f64
}

/// The score that a standard normal variable passes with a probability, by its logarithm: positive
/// where that is below one half. Within 0.01 of the truth from 1e-12 to 0.5, by the expansion of
/// Abramowitz and Stegun 26.2.23.
pub fn normal_score(ln_probability: f64) -> f64 {
    let ln_half = -core::f64::consts::LN_2;
    if ln_probability >= ln_half {
        let other = -libm::expm1(ln_probability.min(0.0));
        return if other <= 0.0 { f64::NEG_INFINITY } else { -upper(log(other)) };
    }
    upper(ln_probability)
}

fn upper(ln_probability: f64) -> f64 {
    let t = (-2.0 * ln_probability).max(0.0).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
}

/// Evidence of a lasting change, summed up (Page 1954): it grows by each step's score less a drift
/// and never falls below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cusum {
    sum: f64,
}

impl Cusum {
    /// No evidence.
    pub const fn zero() -> Self {
        Self { sum: 0.0 }
    }

    /// Takes a step; the sum stays at `max` at most, so that the end of a change is soon seen.
    pub fn step(&mut self, score: f64, max: f64) {
        self.sum = (self.sum + score).clamp(0.0, max);
    }

    /// Takes the same step so many times.
    pub fn steps(&mut self, score: f64, times: u64, max: f64) {
        self.step(score * crate::negative_binomial::real(times), max);
    }

    /// The evidence.
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// Forgets.
    pub const fn clear(&mut self) {
        self.sum = 0.0;
    }

    /// Bounds ln P(sum >= this) if each step is a logarithm of likelihoods, one distribution over
    /// that which holds: the steps' exponentials have mean 1, so Kingman's and Doob's inequalities
    /// bound the stationary sum by `exp(-sum)`.
    pub fn ln_at_least(&self) -> f64 {
        -self.sum
    }

    /// Steps of evidence that normal scores take on average before they pass `bound` when each has
    /// drift `drift` taken off (Siegmund's approximation).
    pub fn run_length(bound: f64, drift: f64) -> f64 {
        let bound = bound + 1.166;
        (exp(2.0 * drift * bound) - 2.0 * drift * bound - 1.0) / (2.0 * drift * drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// splitmix64 as a number in 0..1.
    fn uniform(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        crate::negative_binomial::real((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992.0
    }

    fn learned(scores: impl IntoIterator<Item = f64>) -> Tail {
        let mut tail = Tail::new();
        scores.into_iter().for_each(|score| tail.learn(score));
        tail
    }

    #[test]
    fn an_exponential_tail_is_told_far_beyond_what_was_seen() {
        let mut seed = 7;
        let tail = learned((0..20_000).map(|_| -log(1.0 - uniform(&mut seed))));
        for ln in [-2.0, -4.0, -7.0, -11.5, -14.0] {
            let told = tail.ln_at_least(-ln);
            assert!((told / ln - 1.0).abs() < 0.2, "{ln}: {told}");
        }
    }

    #[test]
    fn a_fat_tail_is_told_from_a_thin_one() {
        let mut seed = 11;
        // P(S >= s) = s^-3.
        let fat = learned((0..20_000).map(|_| libm::pow(1.0 - uniform(&mut seed), -1.0 / 3.0)));
        let told = fat.ln_at_least(20.0);
        assert!((-12.0..-7.0).contains(&told), "{told} for {}", -3.0 * log(20.0));
    }

    #[test]
    fn few_scores_make_nothing_improbable() {
        let tail = learned((0..50).map(|n| 1.0 + f64::from(n) / 100.0));
        assert!(Tail::new().ln_at_least(1e9).abs() < 1e-12);
        assert!(tail.ln_at_least(1e9) >= -log(51.0) - 1e-9);
    }

    #[test]
    fn an_attack_hardly_moves_the_tail() {
        let mut seed = 3;
        let mut tail = learned((0..20_000).map(|_| -log(1.0 - uniform(&mut seed))));
        let before = tail.ln_at_least(30.0);
        (0..50).for_each(|_| tail.learn(1_000.0));
        let after = tail.ln_at_least(30.0);
        assert!(before < -20.0 && after < before * 0.55, "{before} {after}");
    }

    #[test]
    fn normal_scores_are_the_known_ones() {
        for (probability, score) in
            [(0.5, 0.0), (0.158_655, 1.0), (1.349_9e-3, 3.0), (2.867e-7, 5.0)]
        {
            assert!((normal_score(log(probability)) - score).abs() < 1e-2, "{score}");
        }
        assert!((normal_score(log(0.841_345)) + 1.0).abs() < 1e-2);
        assert!(normal_score(0.0) < -3.0);
    }

    #[test]
    fn a_cusum_runs_as_long_as_siegmund_says() {
        // Sums of twelve uniform numbers, less six, are all but normal.
        let mut seed = 5;
        let mut normal = || (0..12).map(|_| uniform(&mut seed)).sum::<f64>() - 6.0;
        let (mut steps, mut runs) = (0u32, 0u32);
        let mut cusum = Cusum::default();
        while runs < 300 {
            steps += 1;
            cusum.step(normal() - 0.5, 100.0);
            if cusum.sum() >= 4.0 {
                runs += 1;
                cusum.clear();
            }
        }
        let mean = f64::from(steps) / f64::from(runs);
        let told = Cusum::run_length(4.0, 0.5);
        assert!((mean / told - 1.0).abs() < 0.25, "{mean} {told}");
    }

    #[test]
    fn the_sum_of_likelihoods_is_bounded_as_it_says() {
        // Steps: a fair coin against one of three to one.
        let mut seed = 9;
        let mut cusum = Cusum::default();
        let mut beyond = 0u32;
        for _ in 0..1_000_000 {
            let step = if uniform(&mut seed) < 0.5 { log(1.5) } else { log(0.5) };
            cusum.step(step, 100.0);
            beyond += u32::from(cusum.sum() >= 6.0);
        }
        assert!(f64::from(beyond) / 1e6 <= exp(-6.0), "{beyond}");
        assert!(beyond > 100, "{beyond}");
    }
}
