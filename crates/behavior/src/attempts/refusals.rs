//! The share of tries of one endpoint that honest people are refused.

use tapline_model::Epoch;
use tapline_sketch::BetaBinomial;

use crate::number::real;

/// The prior: as if of twenty tries four had been refused.
const PRIOR_TRIES: f64 = 20.0;
const PRIOR_REFUSED: f64 = 4.0;
/// The share scatters from place to place and hour to hour as if it were known from no more tries.
const CERTAINTY_MAX: f64 = 200.0;
/// Tries of one term that teach at most.
const TERM_TRIES_MAX: f64 = 200.0;
/// A term teaches a share no further above the known one than this: an attack hardly teaches.
const CLIP: f64 = 0.1;
/// Tries after which what was learned has faded to a third.
const MEMORY_TRIES: f64 = 20_000.0;

/// Learned term by term.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refusals {
    tries: f64,
    refused: f64,
    /// Those of the current term.
    now: (u64, u64),
    term: u64,
}

impl Refusals {
    /// Counts a try.
    pub(crate) fn count(&mut self, epoch: Epoch, term_seconds: u64, is_refused: bool) {
        let term = epoch.0 / term_seconds.max(1);
        if term != self.term {
            self.end_term();
            self.term = term;
        }
        self.now.0 += 1;
        self.now.1 += u64::from(is_refused);
    }

    fn end_term(&mut self) {
        let (tries, refused) = std::mem::take(&mut self.now);
        if tries == 0 {
            return;
        }
        let share = (real(refused) / real(tries)).min(self.share() + CLIP);
        let tries = real(tries).min(TERM_TRIES_MAX);
        let keep = libm::exp(-tries / MEMORY_TRIES);
        self.tries = self.tries * keep + tries;
        self.refused = self.refused * keep + tries * share;
    }

    /// The share that is refused normally.
    pub(crate) fn share(&self) -> f64 {
        (PRIOR_REFUSED + self.refused) / (PRIOR_TRIES + self.tries)
    }

    /// Tries it was learned from.
    pub(crate) const fn tries(&self) -> f64 {
        self.tries
    }

    /// ln of the probability that of so many honest tries so many or more are refused.
    pub(crate) fn ln_at_least(&self, tries: u64, refused: u64) -> f64 {
        let certainty = (PRIOR_TRIES + self.tries).min(CERTAINTY_MAX);
        let share = self.share();
        BetaBinomial::new(tries, share * certainty, (1.0 - share) * certainty).ln_at_least(refused)
    }

    /// Honest tries and others, by successes and refusals: honest people are refused now and then,
    /// the others nearly always (Herley and Schechter, NDSS 2019, section IV).
    pub(crate) fn split(&self, granted: u64, refused: u64) -> (f64, f64) {
        let share = self.share();
        let honest = real(granted) / (1.0 - share);
        (honest, (real(refused) - honest * share).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_hardly_teaches() {
        let mut refusals = Refusals::default();
        for second in 0..6_000 {
            refusals.count(Epoch(second), 600, second % 10 == 0);
        }
        let before = refusals.share();
        assert!((before - 0.1).abs() < 0.02, "{before}");
        for second in 0..100_000 {
            refusals.count(Epoch(6_000 + second / 100), 600, true);
        }
        refusals.count(Epoch(9_000), 600, false);
        assert!(refusals.share() < before + 0.06, "{}", refusals.share());
    }

    #[test]
    fn honest_tries_are_told_from_the_others() {
        let mut refusals = Refusals::default();
        (0..60_000).for_each(|second| refusals.count(Epoch(second), 600, second % 10 == 0));
        let (honest, others) = refusals.split(900, 2_100);
        assert!((990.0..1_010.0).contains(&honest), "{honest}");
        assert!((1_980.0..2_010.0).contains(&others), "{others}");
        assert!(refusals.ln_at_least(300, 45) > -14.0);
        assert!(refusals.ln_at_least(300, 150) < -14.0);
    }
}
