//! What one consumer usually does, so that whoever always did much is not reported for it.

/// Terms after which a level that is no longer news becomes usual.
const TERMS_MIN: u32 = 24;

/// The most it did in a term, as far as that is trusted.
///
/// While the population is not known yet, whatever it does is taken for usual; later only what is
/// little more than before, or has gone on for a day. So a partner that takes much from the first day
/// is left alone, and one that begins to is reported once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usual {
    most: u64,
    /// The level that is not trusted yet, and for how many terms it has been so.
    next: u64,
    terms: u32,
}

impl Usual {
    /// Learns what it did in a term; `is_early` while the population is not known.
    pub(crate) fn learn(&mut self, done: u64, is_early: bool) {
        if done == 0 {
            return;
        }
        if is_early || done <= self.most.saturating_add(self.most / 2) {
            self.most = self.most.max(done);
            self.next = 0;
            self.terms = 0;
            return;
        }
        self.next = self.next.max(done);
        self.terms += 1;
        if self.terms >= TERMS_MIN {
            *self = Self { most: self.next, next: 0, terms: 0 };
        }
    }

    /// Whether so much is what it does anyway.
    pub(crate) const fn covers(self, done: u64) -> bool {
        done <= self.most.saturating_mul(2)
    }

    /// The most it did.
    pub(crate) const fn most(self) -> u64 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_usual_after_a_day_and_not_before() {
        let mut usual = Usual::default();
        usual.learn(10, true);
        assert!(usual.covers(20) && !usual.covers(21));
        for _ in 0..TERMS_MIN - 1 {
            usual.learn(500, false);
            assert!(!usual.covers(500));
        }
        usual.learn(500, false);
        assert!(usual.covers(1_000) && !usual.covers(1_001));
    }

    #[test]
    fn a_ramp_is_followed_slowly() {
        let mut usual = Usual::default();
        usual.learn(10, true);
        usual.learn(15, false);
        assert_eq!(usual.most(), 15);
        usual.learn(40, false);
        assert_eq!(usual.most(), 15);
    }
}
