//! Many different passwords are tried at one account.

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, probability_of};
use crate::attempts::{Tried, mixed};
use crate::baseline::population::Population;
use crate::config::BruteForce as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "brute_force",
    title: "Many different passwords are tried at one account",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-007"],
    attack: &["T1110.001"],
    settings: "behavior.brute_force",
    state_max: "behavior.attempts_max accounts, those quiet for longest given up first; ten slots, 64 \
                secrets and ten client addresses each",
    wrong_when: "It misses guesses that come slower than the window allows, logins whose answers show \
                 neither a status nor a credential nor words of failure, and bodies that are not \
                 read. It is wrong for somebody who tries all passwords of a lifetime within \
                 minutes. A program that repeats one old password is left alone.",
};

/// The detection, over all accounts.
#[derive(Debug)]
pub(crate) struct BruteForce {
    settings: Settings,
    accounts: Subjects,
}

fn secrets(subject: &Subject) -> u64 {
    subject.refused_secrets.distinct()
}

impl BruteForce {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, accounts_max: u32) -> Self {
        let accounts = Subjects::new(settings.window_seconds, accounts_max, secrets);
        Self { settings, accounts }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, accounts_max: u32) {
        self.accounts.reconfigure(settings.window_seconds, accounts_max);
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        let is_login = matches!(tried.kind, AttemptKind::Login | AttemptKind::Basic);
        if self.settings.enabled && is_login {
            self.accounts.note(epoch, mixed([tried.place.id, tried.account, 0]), tried);
        }
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, accounts } = self;
        let seconds = accounts.seconds();
        accounts.judge(|_, subject, population| {
            let finding = finding(epoch, subject, population, settings, seconds);
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.accounts.advance(epoch);
    }
}

fn finding(
    epoch: Epoch,
    subject: &Subject,
    population: &Population,
    settings: &Settings,
    seconds: u64,
) -> Option<Finding> {
    let (counts, distinct) = (subject.counts(), secrets(subject));
    if counts.refused < settings.refusals_min.into() || distinct < settings.secrets_min.into() {
        return None;
    }
    let probability = probability_of(population, distinct);
    if probability > settings.probability_max {
        return None;
    }
    let networks = subject.networks.distinct();
    let won = if counts.won > 0 { ", and then one let in" } else { "" };
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: if counts.won > 0 { Severity::Critical } else { Severity::High },
        is_of_consumer: networks <= 1,
        title: format!("{distinct} different passwords refused for one account{won}"),
        unit: "passwords",
        normal: normal_of(population, "different passwords are refused for an account", seconds),
        seen: (
            real(distinct),
            format!("{distinct} different passwords in {} refused tries", counts.refused),
        ),
        probability,
        evidence: vec![
            ("successes after the guesses", counts.won.to_string()),
            (
                "why it is no false alarm",
                "nearly every try has another password: neither an old program nor a slip"
                    .to_owned(),
            ),
        ],
    };
    Some(case.finding())
}

#[cfg(test)]
mod tests {
    use crate::attempts::tests::{Try, World};

    #[test]
    fn guesses_at_one_account_are_found_and_their_success_is_worse() {
        let mut world = World::new();
        for guess in 0..20 {
            world.login(Try { account: 7, secret: guess, client: 9, granted: false });
            world.skip(5);
        }
        let found = world.found("brute_force");
        assert_eq!(found.last().unwrap().severity, tapline_model::Severity::High);
        assert!(found[0].seen.value < 16.0, "{}", found[0].seen.text);
        world.login(Try { account: 7, secret: 99, client: 9, granted: true });
        world.skip(1);
        let found = world.found("brute_force");
        assert_eq!(found.last().unwrap().severity, tapline_model::Severity::Critical);
    }

    #[test]
    fn guesses_from_everywhere_are_found() {
        let mut world = World::new();
        for guess in 0..20 {
            world.login(Try { account: 7, secret: guess, client: 256 * guess, granted: false });
            world.skip(5);
        }
        assert!(world.found("brute_force").last().unwrap().consumer.is_none());
    }

    #[test]
    fn an_old_program_and_a_bad_memory_are_left_alone() {
        let mut world = World::new();
        for second in 0..600 {
            world.login(Try { account: 7, secret: 1, client: 9, granted: false });
            if second % 100 == 0 {
                world.login(Try {
                    account: 8,
                    secret: second / 100,
                    client: 10,
                    granted: second == 500,
                });
            }
            world.skip(1);
        }
        assert!(world.findings.is_empty(), "{:?}", world.findings);
    }
}
