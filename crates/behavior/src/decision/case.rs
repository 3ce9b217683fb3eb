//! One open case.

use std::sync::Arc;

use tapline_model::Finding;

use super::{Candidate, Crowd, Place};
use crate::baseline::judgement::{Judgement, Signal};

/// A change that is so many times that of the host stands out from it.
const STANDS_OUT: f64 = 2.0;

/// What makes two things one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CaseKey {
    pub(crate) signal: Signal,
    pub(crate) place: Place,
}

/// What becomes of a case in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is open.
    Held,
    /// It has lasted so long that it is normal now.
    Accepted,
}

/// What was odd, at its oddest.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) host: Arc<str>,
    /// Where it was seen first.
    pub(crate) first: Place,
    /// The least probable judgement of it.
    pub(crate) judged: Judgement,
    pub(crate) crowd: Crowd,
    pub(crate) tests: u64,
    pub(crate) is_lasting: bool,
    pub(crate) opened: u64,
    /// The last minute it was odd in.
    pub(crate) last: u64,
    /// The first minute of all.
    pub(crate) from: u64,
    /// Its finding; none while what it says has changed.
    pub(crate) finding: Option<Finding>,
}

impl Case {
    /// Opened in this minute.
    pub(super) fn new(candidate: &Candidate, crowd: Crowd, tests: u64, minute: u64) -> Self {
        Self {
            host: Arc::clone(&candidate.host),
            first: candidate.place.clone(),
            judged: candidate.judged,
            crowd,
            tests,
            is_lasting: candidate.is_lasting,
            opened: minute,
            last: minute,
            from: candidate.judged.from,
            finding: None,
        }
    }

    /// Whether what a place does is part of what its host does, or all do: by far more it is
    /// something of its own.
    pub(super) fn covers(&self, candidate: &Candidate) -> bool {
        let (own, all) = (candidate.judged.lift(), self.judged.lift());
        (all / STANDS_OUT..=all * STANDS_OUT).contains(&own)
    }

    /// It goes on.
    pub(super) fn hold(&mut self, candidate: &Candidate, minute: u64) {
        self.last = minute;
        let is_same = candidate.place == self.first;
        if is_same && candidate.judged.rarity.ln_probability < self.judged.rarity.ln_probability {
            self.judged = candidate.judged;
            self.is_lasting |= candidate.is_lasting;
        }
        self.finding = None;
    }
}
