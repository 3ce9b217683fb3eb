//! How often minutes of all endpoints came out as improbable as this.

use libm::{log, log10};

use crate::number::real;

/// Endpoints are told apart by what is normal in a minute, by half a power of ten: from 0.01 or less
/// to 1,000 and more. And by whether their requests come one by one, in bunches or in large ones: the
/// scatter of bunches is known less well, so what seems improbable comes more often.
const CLASSES: usize = 11;
const BUNCHED_SCATTERS: [f64; 2] = [1.15, 1.8];
/// Scores are counted in steps of this, up to 64.
const STEP: f64 = 0.25;
const BINS: usize = 256;
const BIN_COUNT: u32 = 256;
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
/// What is more probable than this, as a score, is ordinary however often it comes: most minutes are.
const SCORE_MIN: f64 = 1.0;
/// No minute is less probable than its model says by more than this, as a logarithm.
const GAIN_MAX: f64 = 3.0;
/// Nor do runs come more rarely by more than this.
const PEAK_GAIN_MAX: f64 = 5.0;

/// The scores of all endpoints' ordinary minutes: with them a probability that a model says becomes
/// how often such a minute comes. No single endpoint is watched for long enough to tell what comes
/// once in a million minutes; all together are.
///
/// What is improbable comes in runs of minutes, so an alarm begins more rarely than such a minute
/// comes. How often is told by the peaks of runs, as extremes are where they depend on one another
/// (Leadbetter 1991, peaks over a threshold).
#[derive(Debug)]
pub(crate) struct Calibration {
    classes: Box<[Class]>,
}

/// What an endpoint does in an ordinary minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    /// The mean of its requests.
    pub(crate) normal: f64,
    /// Their variance over the mean.
    pub(crate) scatter: f64,
}

impl Habit {
    /// Its place among the classes.
    fn class(self) -> usize {
        let half_powers = bin(2.0 * (log10(self.normal.max(1e-9)) + 2.0)).min(CLASSES - 1);
        let bunches = BUNCHED_SCATTERS.iter().filter(|&&least| self.scatter >= least).count();
        CLASSES * bunches + half_powers
    }
}

/// Minutes by the score they had.
#[derive(Clone, Copy, Debug)]
struct Class {
    counts: [f64; BINS],
    peaks: [f64; BINS],
    minutes: f64,
}

impl Class {
    const NONE: Self = Self { counts: [0.0; BINS], peaks: [0.0; BINS], minutes: 0.0 };
}

impl Calibration {
    /// Nothing counted.
    pub(crate) fn new() -> Self {
        Self {
            classes: vec![Class::NONE; (BUNCHED_SCATTERS.len() + 1) * CLASSES].into_boxed_slice(),
        }
    }

    /// One that counts nothing and takes no memory: every model is believed.
    pub(crate) fn blind() -> Self {
        Self { classes: Box::new([]) }
    }

    /// Counts so many minutes of an endpoint for which this is normal, which its model says have a
    /// probability of `exp(ln_model)`.
    pub(crate) fn learn(&mut self, habit: Habit, ln_model: f64, minutes: u64) {
        let Some(class) = self.classes.get_mut(habit.class()) else { return };
        if let Some(count) = class.counts.get_mut(bin_of(-ln_model)) {
            *count += real(minutes);
            class.minutes += real(minutes);
        }
        if class.minutes > MINUTES_MAX {
            class.counts.iter_mut().chain(&mut class.peaks).for_each(|count| *count /= 2.0);
            class.minutes /= 2.0;
        }
    }

    /// Counts a run of minutes, of which this was the least probable.
    pub(crate) fn learn_peak(&mut self, habit: Habit, ln_model: f64) {
        let class = self.classes.get_mut(habit.class());
        if let Some(count) = class.and_then(|class| class.peaks.get_mut(bin_of(-ln_model))) {
            *count += 1.0;
        }
    }

    /// ln of how often a minute comes out like that, and of how often a run of minutes comes to that,
    /// a minute.
    pub(crate) fn rarity(&self, habit: Habit, ln_model: f64) -> Rarity {
        let class = self.classes.get(habit.class());
        let known = class.filter(|class| class.minutes >= MINUTES_MIN && -ln_model >= SCORE_MIN);
        let Some(class) = known else {
            return Rarity::by(ln_model);
        };
        let beyond = |counts: &[f64; BINS], gain: f64| {
            let ln = ln_beyond(counts, class.minutes, -ln_model);
            ln.max(ln_model - gain).min(0.0)
        };
        let ln_probability = beyond(&class.counts, GAIN_MAX);
        let ln_frequency = beyond(&class.peaks, PEAK_GAIN_MAX).min(ln_probability);
        Rarity { ln_probability, ln_frequency }
    }
}

/// How often what a model says comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rarity {
    /// ln of the share of minutes that come out like that.
    pub(crate) ln_probability: f64,
    /// ln of how many runs of minutes come to that, a minute.
    pub(crate) ln_frequency: f64,
}

impl Rarity {
    /// Nothing out of the ordinary.
    pub(crate) const NORMAL: Self = Self { ln_probability: 0.0, ln_frequency: 0.0 };

    /// By a model alone: what is as improbable comes as often.
    pub(crate) const fn by(ln_probability: f64) -> Self {
        Self { ln_probability, ln_frequency: ln_probability }
    }
}

/// ln of the share that lies beyond a score.
fn ln_beyond(counts: &[f64; BINS], minutes: f64, score: f64) -> f64 {
    // From the largest scores down to the bin of this one, noting where the line begins.
    let (mut beyond, mut from, mut above) = (0.0, None, None);
    for (bin, count) in (0..BIN_COUNT).zip(counts).rev() {
        let edge = STEP * f64::from(bin);
        beyond += count;
        // Its own bin counts whole: of small counts many have the very same score.
        if edge <= score && from.is_some_and(|(at, _): (f64, f64)| at > score) {
            return log((beyond + 1.0) / minutes);
        }
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
            return log(least / minutes) - slope * (score - start);
        }
    }
    -score
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

    const SOME: Habit = Habit { normal: 5.0, scatter: 1.0 };
    const MORE: Habit = Habit { normal: 50.0, scatter: 1.0 };
    const PAIRS: Habit = Habit { normal: 5.0, scatter: 1.3 };
    const BUNCHES: Habit = Habit { normal: 5.0, scatter: 3.0 };

    /// Minutes whose scores are exponential with this mean: one in `n` has a score above
    /// `mean * ln(n)`.
    fn learned(mean: f64, minutes: u64) -> Calibration {
        let mut calibration = Calibration::new();
        for n in 0..minutes {
            let share = (real(n) + 0.5) / real(minutes);
            calibration.learn(SOME, mean * log(share), 1);
        }
        calibration
    }

    #[test]
    fn what_a_model_says_stays_if_it_is_true() {
        let calibration = learned(1.0, 1_000_000);
        for ln in [-1.0, -4.6, -9.2, -11.5, -16.0] {
            let told = calibration.rarity(SOME, ln).ln_probability;
            assert!((told - ln).abs() < 0.3, "{ln}: {told}");
        }
    }

    #[test]
    fn a_model_that_is_too_sure_is_believed_less() {
        // What it calls one in e^-15 is one in e^-10.
        let calibration = learned(1.5, 1_000_000);
        for ln in [-3.0, -9.0, -15.0, -24.0] {
            let told = calibration.rarity(SOME, ln).ln_probability;
            assert!((told / (ln / 1.5) - 1.0).abs() < 0.06, "{ln}: {told}");
        }
        for other in [MORE, PAIRS, BUNCHES] {
            let told = calibration.rarity(other, -15.0).ln_probability;
            assert!((told + 15.0).abs() < 1e-9, "another class: {other:?} {told}");
        }
    }

    #[test]
    fn alarms_begin_as_often_as_runs_peak() {
        // Minutes come in runs of five that are alike.
        let mut calibration = learned(1.0, 1_000_000);
        for n in 0..200_000 {
            calibration.learn_peak(SOME, log((real(n) + 0.5) / 200_000.0));
        }
        for ln in [-4.6, -9.2, -13.0] {
            let told = calibration.rarity(SOME, ln);
            let want = told.ln_probability - log(5.0);
            assert!((told.ln_frequency - want).abs() < 0.3, "{ln}: {told:?}");
        }
    }

    #[test]
    fn of_a_class_without_runs_the_model_is_believed() {
        let told = learned(1.0, 1_000_000).rarity(SOME, -9.2);
        assert!((told.ln_frequency - told.ln_probability).abs() < 0.3, "{told:?}");
    }

    #[test]
    fn a_blind_one_believes_every_model() {
        let mut calibration = Calibration::blind();
        calibration.learn(SOME, -3.0, 1_000_000);
        calibration.learn_peak(SOME, -3.0);
        let told = calibration.rarity(SOME, -9.2);
        assert!((told.ln_probability + 9.2).abs() < 1e-9, "{told:?}");
        assert!((told.ln_frequency + 9.2).abs() < 1e-9, "{told:?}");
    }

    #[test]
    fn few_minutes_and_many_attacks_say_little() {
        let few = learned(3.0, 1_000);
        assert!((few.rarity(SOME, -12.0).ln_probability + 12.0).abs() < 1e-9);
        let mut attacked = learned(1.0, 1_000_000);
        attacked.learn(SOME, -60.0, 300);
        assert!(attacked.rarity(SOME, -40.0).ln_probability < -16.0);
        assert!(libm::exp(attacked.rarity(SOME, -4.0).ln_probability) < 0.03);
    }
}
