//! One password is tried at many accounts.

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, percent, probability_of};
use crate::attempts::{Tried, mixed};
use crate::baseline::population::Population;
use crate::config::PasswordSpraying as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "password_spraying",
    title: "One password is tried at many accounts",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-007"],
    attack: &["T1110.003"],
    settings: "behavior.password_spraying",
    state_max: "behavior.attempts_max passwords, those quiet for longest given up first; ten slots, \
                64 accounts and ten client addresses each; of a password no more than 32 bits of a \
                hash that is keyed for the run",
    wrong_when: "It misses passwords that fewer accounts than accounts_min meet within the window. It \
                 is wrong where one old password is written into many programs that log in with \
                 accounts of their own and all fail.",
};

/// Of a hundred refusals, how many a password must make up: the commonest of a list of stolen
/// credentials makes up one or two.
const SHARE_PERCENT_MIN: u64 = 10;

/// The detection, over all passwords.
#[derive(Debug)]
pub(crate) struct PasswordSpraying {
    settings: Settings,
    passwords: Subjects,
    /// All that is tried at one endpoint.
    places: Subjects,
}

fn accounts(subject: &Subject) -> u64 {
    subject.refused_accounts.distinct()
}

impl PasswordSpraying {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, passwords_max: u32) -> Self {
        let passwords = Subjects::new(settings.window_seconds, passwords_max, accounts);
        let places = Subjects::new(settings.window_seconds, passwords_max, accounts);
        Self { settings, passwords, places }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, passwords_max: u32) {
        self.passwords.reconfigure(settings.window_seconds, passwords_max);
        self.places.reconfigure(settings.window_seconds, passwords_max);
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        let is_login = matches!(tried.kind, AttemptKind::Login | AttemptKind::Basic);
        if self.settings.enabled && is_login && tried.secret != 0 {
            self.passwords.note(epoch, mixed([tried.place.id, tried.secret.into(), 1]), tried);
            self.places.note(epoch, tried.place.id, tried);
        }
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, passwords, places } = self;
        let seconds = passwords.seconds();
        passwords.judge(|_, subject, population| {
            let all = places.get(subject.place.id).map_or(0, |place| place.counts().refused);
            let finding = finding(epoch, subject, all, (population, settings, seconds));
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
        places.judge(|_, _, _| false);
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.passwords.advance(epoch);
        self.places.advance(epoch);
    }
}

fn finding(
    epoch: Epoch,
    subject: &Subject,
    refused_in_all: u64,
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let (counts, distinct) = (subject.counts(), accounts(subject));
    let is_spread = distinct >= settings.accounts_min.into();
    let is_refused = percent(counts.refused, counts.tries) >= 100.0 * settings.refused_share_min;
    let is_apart = counts.refused * 100 >= refused_in_all * SHARE_PERCENT_MIN;
    if !is_spread || !is_refused || !is_apart {
        return None;
    }
    let probability = probability_of(population, distinct);
    if probability > settings.probability_max {
        return None;
    }
    let severity = if counts.granted > 0 { Severity::Critical } else { Severity::High };
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity,
        is_of_consumer: false,
        title: format!("one password tried at {distinct} accounts, {} let in", counts.granted),
        unit: "accounts",
        normal: normal_of(population, "accounts are refused with the same password", seconds),
        seen: (real(distinct), format!("{distinct} accounts are refused with the same password")),
        probability,
        evidence: vec![
            ("share of tries refused", format!("{:.0} %", percent(counts.refused, counts.tries))),
            ("share of all refusals", format!("{:.0} %", percent(counts.refused, refused_in_all))),
            (
                "why it is no false alarm",
                "people do not choose the same wrong password within one window, and a password \
                 handed out to new accounts would be let in"
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
    fn one_password_at_many_accounts_is_found() {
        let mut world = World::new();
        for account in 0..40 {
            world.login(Try { account, secret: 5, client: account * 300, granted: false });
            world.skip(40);
        }
        let found = world.found("password_spraying");
        assert!((20.0..=22.0).contains(&found[0].seen.value), "{}", found[0].seen.text);
    }

    #[test]
    fn a_password_handed_out_and_common_ones_in_a_list_are_left_alone() {
        let mut world = World::new();
        for account in 0..60 {
            world.login(Try {
                account,
                secret: 5,
                client: account * 300,
                granted: account % 4 > 0,
            });
            world.skip(20);
        }
        assert!(world.found("password_spraying").is_empty());
        let mut world = World::new();
        for account in 0..3_000 {
            let secret = if account % 100 == 0 { 5 } else { 1_000 + account };
            world.login(Try { account, secret, client: account * 300, granted: false });
            world.skip(1);
        }
        assert!(world.found("password_spraying").is_empty());
    }
}
