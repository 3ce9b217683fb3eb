//! One-time codes or reset tokens are guessed.

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, percent, probability_of};
use crate::attempts::{Tried, mixed, number_of};
use crate::baseline::population::Population;
use crate::config::CodeGuessing as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "code_guessing",
    title: "One-time codes or reset tokens are guessed",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-002", "OAT-007"],
    attack: &["T1110.001"],
    settings: "behavior.code_guessing",
    state_max: "behavior.attempts_max accounts and as many client addresses, those quiet for longest \
                given up first; ten slots, 64 codes and ten client addresses each",
    wrong_when: "It misses codes in a path, and guesses spread over many accounts and addresses. It is \
                 wrong where a page sends a code after every digit that is typed.",
};

/// A source may guess at many accounts; then so many times more are needed.
const SOURCE_FACTOR: u64 = 3;
/// Share of a source's tries that is refused.
const SOURCE_PERCENT_MIN: f64 = 90.0;

/// The detection.
#[derive(Debug)]
pub(crate) struct CodeGuessing {
    settings: Settings,
    accounts: Subjects,
    sources: Subjects,
}

fn codes(subject: &Subject) -> u64 {
    subject.refused_secrets.distinct()
}

impl CodeGuessing {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, subjects_max: u32) -> Self {
        let accounts = Subjects::new(settings.window_seconds, subjects_max, codes);
        let sources = Subjects::new(settings.window_seconds, subjects_max, codes);
        Self { settings, accounts, sources }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, subjects_max: u32) {
        self.accounts.reconfigure(settings.window_seconds, subjects_max);
        self.sources.reconfigure(settings.window_seconds, subjects_max);
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        if !self.settings.enabled || tried.kind != AttemptKind::Code {
            return;
        }
        self.accounts.note(epoch, mixed([tried.place.id, tried.account, 2]), tried);
        if let Some(client) = tried.client {
            self.sources.note(epoch, mixed([tried.place.id, number_of(client), 3]), tried);
        }
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, accounts, sources } = self;
        let seconds = accounts.seconds();
        accounts.judge(|_, subject, population| {
            let finding = finding(epoch, subject, 1, (population, settings, seconds));
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
        sources.judge(|_, subject, population| {
            let counts = subject.counts();
            if percent(counts.refused, counts.tries) < SOURCE_PERCENT_MIN {
                return false;
            }
            let finding = finding(epoch, subject, SOURCE_FACTOR, (population, settings, seconds));
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.accounts.advance(epoch);
        self.sources.advance(epoch);
    }
}

fn finding(
    epoch: Epoch,
    subject: &Subject,
    factor: u64,
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let (counts, distinct) = (subject.counts(), codes(subject));
    if counts.refused < factor * u64::from(settings.refusals_min)
        || distinct < factor * u64::from(settings.codes_min)
    {
        return None;
    }
    let probability = probability_of(population, distinct);
    if probability > settings.probability_max {
        return None;
    }
    let won = if counts.won > 0 { ", and then one accepted" } else { "" };
    let whose = if factor > 1 { "by one client" } else { "for one account" };
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: if counts.won > 0 { Severity::Critical } else { Severity::High },
        is_of_consumer: subject.networks.distinct() <= 1,
        title: format!("{distinct} different codes refused {whose}{won}"),
        unit: "codes",
        normal: normal_of(population, "different codes are refused", seconds),
        seen: (
            real(distinct),
            format!("{distinct} different codes {whose} in {} refused tries", counts.refused),
        ),
        probability,
        evidence: vec![
            ("successes after the guesses", counts.won.to_string()),
            (
                "why it is no false alarm",
                "somebody who mistypes repeats himself; these codes all differ".to_owned(),
            ),
        ],
    };
    Some(case.finding())
}

#[cfg(test)]
mod tests {
    use tapline_model::AttemptKind;

    use crate::attempts::tests::{Try, World};

    #[test]
    fn guessed_codes_are_found() {
        let mut world = World::new();
        for code in 0..15 {
            let guess = Try { account: 7, secret: code, client: 9, granted: false };
            world.attempt(AttemptKind::Code, guess);
            world.skip(3);
        }
        assert!(!world.found("code_guessing").is_empty());
    }

    #[test]
    fn a_few_codes_for_each_of_many_accounts_are_found_too() {
        let mut world = World::new();
        for code in 0..60 {
            let guess = Try { account: code / 3, secret: code, client: 9, granted: false };
            world.attempt(AttemptKind::Code, guess);
            world.skip(3);
        }
        assert!(!world.found("code_guessing").is_empty());
    }

    #[test]
    fn slips_are_left_alone() {
        let mut world = World::new();
        for round in 0..400 {
            let slip =
                Try { account: round / 4, secret: round, client: 9, granted: round % 4 == 3 };
            world.attempt(AttemptKind::Code, slip);
            world.attempt(
                AttemptKind::Code,
                Try { account: 9_999, secret: 1, client: 10, granted: false },
            );
            world.skip(2);
        }
        assert!(world.findings.is_empty(), "{:?}", world.findings);
    }
}
