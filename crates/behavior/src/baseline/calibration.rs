//! How often minutes of all endpoints came out as improbable as this.

use libm::{log, log10};

use crate::number::real;

/// Endpoints are told apart by the power of ten of what is normal in a minute: below 0.1, 1, 10, 100,
/// and all above.
const CLASSES: usize = 5;
/// Scores are counted in steps of this, up to 64.
const STEP: f64 = 0.5;
const BINS: usize = 128;
const BIN_COUNT: u32 = 128;
/// Minutes from which on what was counted is believed.
const MINUTES_MIN: f64 = 20_000.0;
/// More are halved, so that months ago is forgotten.
const MINUTES_MAX: f64 = 1e8;
/// Where so few minutes lie beyond, or beyond this score, a line is drawn instead of counting: what is
/// less probable still and large is left out as an incident, and would be missed.
const COUNTED_MIN: f64 = 50.0;
const COUNTED_SCORE_MAX: f64 = 11.0;
/// The line is drawn through the point where so many times as many lie beyond.
const LINE_FACTOR: f64 = 10.0;
/// How much of a score is believed beyond: attacks that were missed must not make all seem probable,
/// and no score counts for more than it says.
const SLOPE: (f64, f64) = (0.4, 1.0);
/// No minute is less probable than its model says by more than this, as a logarithm.
const GAIN_MAX: f64 = 3.0;

/// The scores of all endpoints' ordinary minutes: with them a probability that a model says becomes
/// how often such a minute comes. No single endpoint is watched for long enough to tell what comes
/// once in a million minutes; all together are.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    classes: Box<[Class; CLASSES]>,
}

/// Minutes by the score they had.
#[derive(Clone, Copy, Debug)]
struct Class {
    counts: [f64; BINS],
    minutes: f64,
}

impl Calibration {
    /// Nothing counted.
    pub(crate) fn new() -> Self {
        Self { classes: Box::new([Class { counts: [0.0; BINS], minutes: 0.0 }; CLASSES]) }
    }

    /// Counts so many minutes of an endpoint for which this is normal, which its model says have a
    /// probability of `exp(ln_model)`.
    pub(crate) fn learn(&mut self, normal: f64, ln_model: f64, minutes: u64) {
        let Some(class) = self.classes.get_mut(class_of(normal)) else { return };
        if let Some(count) = class.counts.get_mut(bin_of(-ln_model)) {
            *count += real(minutes);
            class.minutes += real(minutes);
        }
        if class.minutes > MINUTES_MAX {
            class.counts.iter_mut().for_each(|count| *count /= 2.0);
            class.minutes /= 2.0;
        }
    }

    /// ln of how often a minute comes out like that.
    pub(crate) fn ln_probability(&self, normal: f64, ln_model: f64) -> f64 {
        let class = self.classes.get(class_of(normal));
        class
            .filter(|class| class.minutes >= MINUTES_MIN)
            .map_or(ln_model, |class| class.ln_beyond(-ln_model).max(ln_model - GAIN_MAX).min(0.0))
    }
}

impl Class {
    fn ln_beyond(&self, score: f64) -> f64 {
        // From the largest scores down to the bin of this one, noting where the line begins.
        let (mut beyond, mut from, mut above) = (0.0, None, None);
        for (bin, count) in (0..BIN_COUNT).zip(&self.counts).rev() {
            let edge = STEP * f64::from(bin);
            if edge <= score && from.is_some_and(|(at, _): (f64, f64)| at > score) {
                // Its own bin counts in part.
                let share = ((edge + STEP - score) / STEP).clamp(0.0, 1.0);
                return log((beyond + share * count + 1.0) / self.minutes);
            }
            beyond += count;
            if from.is_none() && beyond >= COUNTED_MIN && edge <= COUNTED_SCORE_MAX {
                from = Some((edge, beyond));
            }
            if let Some((_, least)) = from
                && above.is_none()
                && beyond >= LINE_FACTOR * least
            {
                above = Some((edge, beyond));
            }
            if let (Some((start, least)), Some((before, more))) = (from, above)
                && score >= start
            {
                let slope = (log(more / least) / (start - before)).clamp(SLOPE.0, SLOPE.1);
                return log(least / self.minutes) - slope * (score - start);
            }
        }
        -score
    }
}

/// The power of ten of what is normal.
fn class_of(normal: f64) -> usize {
    bin(log10(normal.max(1e-9)) + 2.0).min(CLASSES - 1)
}

fn bin_of(score: f64) -> usize {
    bin(score / STEP).min(BINS - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is negative is the first; the cast saturates"
)]
const fn bin(place: f64) -> usize {
    place.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes whose scores are exponential with this mean: one in `n` has a score above
    /// `mean * ln(n)`.
    fn learned(mean: f64, minutes: u64) -> Calibration {
        let mut calibration = Calibration::new();
        for n in 0..minutes {
            let share = (real(n) + 0.5) / real(minutes);
            calibration.learn(5.0, mean * log(share), 1);
        }
        calibration
    }

    #[test]
    fn what_a_model_says_stays_if_it_is_true() {
        let calibration = learned(1.0, 1_000_000);
        for ln in [-1.0, -4.6, -9.2, -11.5, -16.0] {
            let told = calibration.ln_probability(5.0, ln);
            assert!((told - ln).abs() < 0.3, "{ln}: {told}");
        }
    }

    #[test]
    fn a_model_that_is_too_sure_is_believed_less() {
        // What it calls one in e^-15 is one in e^-10.
        let calibration = learned(1.5, 1_000_000);
        for ln in [-3.0, -9.0, -15.0, -24.0] {
            let told = calibration.ln_probability(5.0, ln);
            assert!((told / (ln / 1.5) - 1.0).abs() < 0.06, "{ln}: {told}");
        }
        assert!((calibration.ln_probability(50.0, -15.0) + 15.0).abs() < 1e-9, "another class");
    }

    #[test]
    fn few_minutes_and_many_attacks_say_little() {
        let few = learned(3.0, 1_000);
        assert!((few.ln_probability(5.0, -12.0) + 12.0).abs() < 1e-9);
        let mut attacked = learned(1.0, 1_000_000);
        attacked.learn(5.0, -60.0, 300);
        assert!(attacked.ln_probability(5.0, -40.0) < -16.0);
        assert!(libm::exp(attacked.ln_probability(5.0, -4.0)) < 0.03);
    }
}
