//! Names are tried one after the other to learn which of them have an account.

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, percent, probability_of};
use crate::attempts::{Tried, mixed, number_of};
use crate::baseline::population::Population;
use crate::config::AccountEnumeration as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "account_enumeration",
    title: "Names are tried to learn which of them have an account",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-007"],
    attack: &["T1589.002", "T1087"],
    settings: "behavior.account_enumeration",
    state_max: "behavior.attempts_max addresses and networks, those quiet for longest given up first; \
                ten slots, 64 accounts, eight answers and ten client addresses each",
    wrong_when: "It misses who tries from many networks, who has logged in, names in a path, and \
                 answers that differ in time alone. Where all answers look alike there is nothing to \
                 learn, and nothing is said. It is wrong for an office from which very many forget \
                 their passwords at once.",
};

/// Share of answers that must be unlike most: else nothing can be learned from them.
const OTHERS_MIN: f64 = 0.05;
/// Of a hundred tries to log in, how many must be refused, and how many different passwords there
/// may be for a hundred accounts: who only wants to know of accounts gives any password.
const LOGIN_REFUSED_PERCENT_MIN: f64 = 50.0;
const LOGIN_SECRETS_PERCENT_MAX: f64 = 20.0;

/// The detection.
#[derive(Debug)]
pub(crate) struct AccountEnumeration {
    settings: Settings,
    /// Addresses and networks.
    sources: [Subjects; 2],
}

fn accounts(subject: &Subject) -> u64 {
    subject.accounts.distinct()
}

impl AccountEnumeration {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, sources_max: u32) -> Self {
        let sources =
            [(); 2].map(|()| Subjects::new(settings.window_seconds, sources_max, accounts));
        Self { settings, sources }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, sources_max: u32) {
        for sources in &mut self.sources {
            sources.reconfigure(settings.window_seconds, sources_max);
        }
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        use AttemptKind::{Login, Lookup, Signup};
        let is_name = matches!(tried.kind, Lookup | Signup | Login);
        if !self.settings.enabled || !is_name || !tried.is_anonymous {
            return;
        }
        let at = tried.kind as u64;
        let [addresses, networks] = &mut self.sources;
        if let Some((client, network)) = tried.client.zip(tried.network()) {
            addresses.note(epoch, mixed([tried.place.id, number_of(client), at]), tried);
            networks.note(epoch, mixed([tried.place.id, number_of(network), at]), tried);
        }
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, sources } = self;
        for sources in sources {
            let seconds = sources.seconds();
            sources.judge(|_, subject, population| {
                let finding = finding(epoch, subject, (population, settings, seconds));
                let is_case = finding.is_some();
                finding.into_iter().for_each(&mut *sink);
                is_case
            });
        }
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.sources.iter_mut().for_each(|sources| sources.advance(epoch));
    }
}

fn finding(
    epoch: Epoch,
    subject: &Subject,
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let (counts, distinct) = (subject.counts(), accounts(subject));
    let others = subject.other_answers();
    if distinct < settings.accounts_min.into() || others < OTHERS_MIN {
        return None;
    }
    let is_login = subject.kind == AttemptKind::Login;
    let has_no_password = percent(subject.refused_secrets.distinct(), distinct)
        <= LOGIN_SECRETS_PERCENT_MAX
        && percent(counts.refused, counts.tries) >= LOGIN_REFUSED_PERCENT_MIN;
    if is_login && !has_no_password {
        return None;
    }
    let probability = probability_of(population, distinct);
    if probability > settings.probability_max {
        return None;
    }
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: Severity::Medium,
        is_of_consumer: subject.clients.len() <= 1,
        title: format!("{distinct} accounts tried, and the answers tell which exist"),
        unit: "accounts",
        normal: normal_of(population, "accounts are tried from one place", seconds),
        seen: (real(distinct), format!("{distinct} accounts in {} tries", counts.tries)),
        probability,
        evidence: vec![
            ("answers unlike most", format!("{:.0} %", 100.0 * others)),
            ("advice", "answer alike, and as fast, whether an account exists or not".to_owned()),
        ],
    };
    Some(case.finding())
}

#[cfg(test)]
mod tests {
    use tapline_model::{AttemptAnswer, AttemptKind, Claim};

    use crate::attempts::tests::{Try, World};

    fn look_up(world: &mut World, accounts: u64, client: u64, is_told: bool) {
        for account in 0..accounts {
            let exists = account % 5 == 0 && is_told;
            let answer = AttemptAnswer::new(200).with_claim(Claim::None);
            let answer = answer.with_shape(5, u64::from(exists));
            let guess = Try { account, secret: 0, client, granted: true };
            world.attempt_answered(AttemptKind::Lookup, guess, answer);
            world.skip(2);
        }
    }

    #[test]
    fn who_asks_for_many_names_is_found() {
        let mut world = World::new();
        look_up(&mut world, 60, 9, true);
        assert!(!world.found("account_enumeration").is_empty());
    }

    #[test]
    fn who_asks_for_few_or_learns_nothing_is_left_alone() {
        let mut world = World::new();
        look_up(&mut world, 100, 9, false);
        look_up(&mut world, 20, 10_000, true);
        assert!(world.findings.is_empty(), "{:?}", world.findings);
    }
}
