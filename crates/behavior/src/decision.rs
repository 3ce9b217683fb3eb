//! From improbable numbers to findings few enough to be read.
//!
//! Thousands of numbers are judged every minute, so something improbable happens all the time. Of
//! what is improbable only so much passes that hardly any of it is chance ([`discoveries`]), it has
//! to last or be all but impossible, and it has to be large. What a whole host does is one case, and
//! so is what happens again before the case is closed. [`Budget`] draws the line nearer when too
//! many cases are opened in a day.

mod budget;
mod case;
mod discoveries;

use std::collections::BTreeMap;
use std::sync::Arc;

use tapline_model::EndpointId;

pub(crate) use self::budget::Budget;
pub(crate) use self::case::{Case, CaseKey, Change};
use self::discoveries::discoveries;
use crate::baseline::judgement::{Judgement, Signal};
use crate::config::Decision as Settings;
use crate::number::real;

/// What is more probable than this is no candidate: ln 1e-4.
pub(crate) const LN_CANDIDATE: f64 = -9.21;
/// What is less probable than this need not last: ln 1e-12.
const LN_AT_ONCE: f64 = -27.6;
/// Evidence of so many minutes in a row has lasted.
const LASTING_MINUTES: u64 = 3;
/// What many endpoints of a host do together need not be very improbable for each: ln 0.01.
pub(crate) const LN_WEAK: f64 = -4.6;
/// Fewer endpoints, or hosts, are no crowd.
const CROWD_MIN: u64 = 3;
/// Minutes after which a change that lasts is taken for normal.
const ACCEPTED_AFTER_MINUTES: u64 = 1_440;
/// The same of latency and sizes, which a release changes for good.
const RELEASED_AFTER_MINUTES: u64 = 120;
/// A sensor with few endpoints is judged as one with ten thousand: that it has few is no reason for
/// more false alarms.
const TESTS_MIN: u64 = 10_000;
/// Cases open at once. More are counted as withheld.
const CASES_MAX: usize = 4_096;

/// Of what something is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// One endpoint.
    Endpoint(EndpointId),
    /// One host.
    Host(Arc<str>),
    /// Many hosts at once.
    Everywhere,
}

/// A judgement that may become a finding.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) place: Place,
    pub(crate) host: Arc<str>,
    pub(crate) judged: Judgement,
    /// It was odd in two of the last three minutes.
    pub(crate) is_lasting: bool,
}

/// Of how many endpoints of a host a signal was judged, and of how many it was odd.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) able: u64,
    pub(crate) odd: u64,
}

/// A minute of candidates.
#[derive(Debug, Default)]
pub(crate) struct Minute {
    /// Since the Unix epoch.
    pub(crate) at: u64,
    /// Numbers that were judged.
    pub(crate) tests: u64,
    pub(crate) hosts: u64,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) crowds: BTreeMap<(Signal, Arc<str>), Crowd>,
}

/// The open cases, and the line that is drawn.
#[derive(Debug)]
pub(crate) struct Decision {
    settings: Settings,
    budget: Budget,
    cases: BTreeMap<CaseKey, Case>,
    withheld: u64,
}

impl Decision {
    /// Nothing open.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            budget: Budget::new(settings.alerts_per_day),
            settings,
            cases: BTreeMap::new(),
            withheld: 0,
        }
    }

    /// Takes new settings; open cases stay.
    pub(crate) fn reconfigure(&mut self, settings: Settings) {
        self.budget.set_per_day(settings.alerts_per_day);
        self.settings = settings;
    }

    /// Decides on a minute; what becomes of each case goes to `sink`, in order.
    pub(crate) fn decide(
        &mut self,
        now: &Minute,
        sink: &mut impl FnMut(&CaseKey, &mut Case, Change),
    ) {
        self.budget.turn(now.at);
        let share = self.settings.false_discovery_share_max;
        // What belongs to an open case is no discovery any more, and must not let others pass.
        let fresh: Vec<&Candidate> = now
            .candidates
            .iter()
            .filter(|candidate| candidate.judged.is_large && !self.hold(candidate, now))
            .collect();
        let tests = now.tests.max(TESTS_MIN);
        let passed = discoveries(&fresh, tests, share * self.budget.scale());
        let possible = discoveries(&fresh, tests, share);
        for (index, candidate) in fresh.into_iter().enumerate() {
            let is_lasting = candidate.is_lasting
                || candidate.judged.rarity.ln_probability <= LN_AT_ONCE
                || candidate.judged.minutes >= LASTING_MINUTES;
            if !is_lasting || !possible.contains(&index) || self.hold(candidate, now) {
                continue;
            }
            if passed.contains(&index) && self.cases.len() < CASES_MAX {
                self.open(candidate, now);
            } else {
                self.withheld += 1;
            }
        }
        self.settle(now.at, sink);
    }

    /// Cases that were not opened because the budget or the table was full.
    pub(crate) const fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Whether a case that covers it is open; if so it goes on.
    fn hold(&mut self, candidate: &Candidate, now: &Minute) -> bool {
        let signal = candidate.judged.signal;
        let own = CaseKey { signal, place: candidate.place.clone() };
        let host = CaseKey { signal, place: Place::Host(Arc::clone(&candidate.host)) };
        let all = CaseKey { signal, place: Place::Everywhere };
        for key in [own, host, all] {
            if let Some(case) = self.cases.get_mut(&key)
                && (candidate.place == key.place || case.covers(candidate))
            {
                case.hold(candidate, now.at);
                return true;
            }
        }
        // What its endpoints have said of it already, a host need not repeat.
        matches!(candidate.place, Place::Host(_))
            && self.cases.iter_mut().any(|(key, case)| {
                let is_part = key.signal == signal && case.host == candidate.host;
                if is_part {
                    case.hold(candidate, now.at);
                }
                is_part
            })
    }

    fn open(&mut self, candidate: &Candidate, now: &Minute) {
        let signal = candidate.judged.signal;
        let crowd =
            now.crowds.get(&(signal, Arc::clone(&candidate.host))).copied().unwrap_or_default();
        let is_crowd = self.is_crowd(crowd.odd, crowd.able);
        let mut place = candidate.place.clone();
        if is_crowd {
            place = Place::Host(Arc::clone(&candidate.host));
        }
        if matches!(place, Place::Host(_)) {
            let hosts = self
                .cases
                .keys()
                .filter(|key| key.signal == signal && matches!(key.place, Place::Host(_)))
                .count() as u64
                + 1;
            if self.is_crowd(hosts, now.hosts) {
                place = Place::Everywhere;
            }
        }
        self.budget.count(now.at);
        let case = Case::new(candidate, crowd, now.tests, now.at);
        self.cases.insert(CaseKey { signal, place }, case);
    }

    fn is_crowd(&self, odd: u64, able: u64) -> bool {
        odd >= CROWD_MIN && real(odd) >= self.settings.host_share_min * real(able)
    }

    /// Tells of every case; closes those that were quiet for long, and takes for normal what lasted
    /// for longer.
    fn settle(&mut self, minute: u64, sink: &mut impl FnMut(&CaseKey, &mut Case, Change)) {
        let quiet_minutes = u64::from(self.settings.coalesce_minutes);
        self.cases.retain(|key, case| {
            let accepted_after = match key.signal {
                Signal::Latency | Signal::Size => RELEASED_AFTER_MINUTES,
                _ => ACCEPTED_AFTER_MINUTES,
            };
            if minute.saturating_sub(case.opened) >= accepted_after {
                sink(key, case, Change::Accepted);
                return false;
            }
            // What took hours to see is not over after half of one without it, and a level is judged
            // by days.
            let quiet_minutes = match key.signal {
                Signal::SlowShift => ACCEPTED_AFTER_MINUTES,
                _ => quiet_minutes.max(case.judged.minutes),
            };
            if minute.saturating_sub(case.last) > quiet_minutes {
                return false;
            }
            sink(key, case, Change::Held);
            true
        });
    }
}

#[cfg(test)]
mod tests;
