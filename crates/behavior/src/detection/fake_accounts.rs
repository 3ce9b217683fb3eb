//! Accounts are made in numbers by one program or from one network.

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::outcomes::Verdict;
use crate::attempts::subjects::{Case, Subject, Subjects, normal_of, percent, probability_of};
use crate::attempts::{Tried, mixed, number_of};
use crate::baseline::population::Population;
use crate::bounded::Bounded;
use crate::config::FakeAccounts as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "fake_accounts",
    title: "Accounts are made in numbers by one program or from one network",
    kind: FindingKind::Behaviour,
    owasp_api: &["API6:2023"],
    oat: &["OAT-019"],
    attack: &["T1585", "T1136"],
    settings: "behavior.fake_accounts",
    state_max: "behavior.attempts_max networks and programs each, those quiet for longest given up \
                first; ten slots, 64 accounts, networks and programs, and ten client addresses each",
    wrong_when: "It misses accounts made slowly, and by programs that look like the browsers of the \
                 day. It is wrong for a class that signs up from one network with the same devices, \
                 and for a new version of an app with which nobody logs in yet.",
};

/// Of a hundred signups in a network, how many may come from different programs before they are
/// people's.
const PROGRAMS_PERCENT_MAX: f64 = 10.0;
/// Share of all signups that a program must have now, and how many times the share it had.
const SHARE_MIN: f64 = 0.3;
const SHARE_LIFT_MIN: f64 = 3.0;
/// Logins with a program, for a hundred signups, from which on people use it.
const LOGINS_PERCENT_MAX: f64 = 50.0;

/// The detection.
#[derive(Debug)]
pub(crate) struct FakeAccounts {
    settings: Settings,
    networks: Subjects,
    programs: Subjects,
    places: Subjects,
    /// Logins by program.
    logins: Subjects,
    /// The share that each program has of the signups of a place, as it was before this window.
    usual: Bounded<u64, Usual>,
}

/// What one program has of all signups.
#[derive(Debug, Default)]
struct Usual {
    share: f64,
    term: u64,
}

fn made(subject: &Subject) -> u64 {
    subject.counts().granted
}

impl FakeAccounts {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, sources_max: u32) -> Self {
        let subjects = || Subjects::new(settings.window_seconds, sources_max, made);
        Self {
            networks: subjects(),
            programs: subjects(),
            places: subjects(),
            logins: subjects(),
            usual: Bounded::new(sources_max),
            settings,
        }
    }

    /// Takes new settings. Another window begins empty.
    pub(crate) fn reconfigure(&mut self, settings: Settings, sources_max: u32) {
        for subjects in [&mut self.networks, &mut self.programs, &mut self.places, &mut self.logins]
        {
            subjects.reconfigure(settings.window_seconds, sources_max);
        }
        self.usual.set_max(sources_max);
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        if !self.settings.enabled || tried.verdict != Verdict::Granted {
            return;
        }
        match tried.kind {
            AttemptKind::Login => self.logins.note(epoch, tried.tool, tried),
            AttemptKind::Signup => {
                let place = tried.place.id;
                if let Some(network) = tried.network() {
                    self.networks.note(epoch, mixed([place, number_of(network), 4]), tried);
                }
                self.programs.note(epoch, mixed([place, tried.tool, 5]), tried);
                self.places.note(epoch, place, tried);
            }
            _ => {}
        }
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, networks, programs, places, logins, usual } = self;
        let seconds = networks.seconds();
        networks.judge(|_, subject, population| {
            let finding = network_finding(epoch, subject, (population, settings, seconds));
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
        programs.judge(|key, subject, population| {
            let all = places.get(subject.place.id).map_or(0, made);
            let before = usual_share(usual, key, epoch, (made(subject), all, seconds));
            let logged_in = subject_logins(logins, subject);
            let share = (real(made(subject)) / real(all.max(1)), before);
            let how = (population, &*settings, seconds);
            let finding = program_finding(epoch, subject, share, logged_in, how);
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
        places.judge(|_, _, _| false);
        logins.judge(|_, _, _| false);
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        for subjects in [&mut self.networks, &mut self.programs, &mut self.places, &mut self.logins]
        {
            subjects.advance(epoch);
        }
    }
}

/// The share that a program had before this window. What it has now is learned once a window.
fn usual_share(
    usual: &mut Bounded<u64, Usual>,
    key: u64,
    epoch: Epoch,
    (made, all, seconds): (u64, u64, u64),
) -> f64 {
    while usual.make_room(key).is_some() {}
    let term = epoch.0 / seconds.max(1);
    let usual = usual.touch(key, epoch, || Usual { share: 0.0, term });
    if usual.term != term {
        // A fifth of what is new: five windows make a program usual.
        usual.share += (real(made) / real(all.max(1)) - usual.share) / 5.0;
        usual.term = term;
    }
    usual.share
}

fn subject_logins(logins: &Subjects, subject: &Subject) -> u64 {
    logins.get(subject.tool).map_or(0, made)
}

fn network_finding(
    epoch: Epoch,
    subject: &Subject,
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let made = made(subject);
    let tools = subject.tools.distinct();
    let is_one_program = tools <= 2 || percent(tools, made) <= PROGRAMS_PERCENT_MAX;
    let mean = population.expected().mean();
    if made < settings.accounts_min.into()
        || real(made) < settings.lift_min * mean
        || !is_one_program
    {
        return None;
    }
    let probability = probability_of(population, made);
    if probability > settings.probability_max {
        return None;
    }
    let network = subject.network.map_or_else(String::new, |network| format!(" from {network}"));
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: Severity::Medium,
        is_of_consumer: subject.clients.len() <= 1,
        title: format!("{made} accounts made{network} by {tools} programs"),
        unit: "accounts",
        normal: normal_of(population, "accounts are made from one network", seconds),
        seen: (real(made), format!("{made} accounts made")),
        probability,
        evidence: vec![("programs", tools.to_string())],
    };
    Some(case.finding())
}

fn program_finding(
    epoch: Epoch,
    subject: &Subject,
    (share, before): (f64, f64),
    logins: u64,
    (population, settings, seconds): (&Population, &Settings, u64),
) -> Option<Finding> {
    let made = made(subject);
    let is_new = share >= SHARE_MIN && share >= SHARE_LIFT_MIN * before;
    let is_used = percent(logins, made) > LOGINS_PERCENT_MAX;
    // Enough to have shown what it is used for.
    if made < settings.accounts_min.into() || !is_new || is_used {
        return None;
    }
    let probability = probability_of(population, made);
    if probability > settings.probability_max {
        return None;
    }
    let case = Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity: Severity::Medium,
        is_of_consumer: false,
        title: format!("{made} accounts made by one program, {:.0} % of all", 100.0 * share),
        unit: "accounts",
        normal: normal_of(population, "accounts are made with one program", seconds),
        seen: (real(made), format!("{made} accounts made with the same program")),
        probability,
        evidence: vec![
            ("share before", format!("{:.0} %", 100.0 * before)),
            ("logins with the same program", logins.to_string()),
            (
                "why it is no false alarm",
                "a rise of all programs keeps their shares, and people also log in".to_owned(),
            ),
        ],
    };
    Some(case.finding())
}

#[cfg(test)]
mod tests {
    use crate::attempts::tests::{Signup, World};

    #[test]
    fn a_program_that_makes_accounts_everywhere_is_found() {
        let mut world = World::new();
        for account in 0..60 {
            world.sign_up(Signup { account, client: account * 300, tool: 77 });
            world.skip(30);
        }
        assert!(!world.found("fake_accounts").is_empty());
    }

    #[test]
    fn a_network_that_makes_accounts_is_found() {
        let mut world = World::new();
        for account in 0..300 {
            world.sign_up(Signup { account, client: account * 300, tool: account % 7 });
            world.skip(20);
        }
        assert!(world.found("fake_accounts").is_empty());
        for account in 0..40 {
            world.sign_up(Signup { account: 1_000 + account, client: account % 9, tool: 78 });
            world.skip(30);
        }
        assert!(!world.found("fake_accounts").is_empty());
    }

    #[test]
    fn a_campaign_and_a_new_browser_are_left_alone() {
        let mut world = World::new();
        for account in 0..2_000 {
            world.sign_up(Signup { account, client: account * 300, tool: account % 5 });
            world.skip(if account > 1_000 { 2 } else { 60 });
        }
        // A new version with which people log in, too.
        for account in 0..200 {
            world.login_with(5_000 + account, account * 300, 99);
            world.sign_up(Signup { account: 9_000 + account, client: account * 300, tool: 99 });
            world.skip(20);
        }
        assert!(world.found("fake_accounts").is_empty(), "{:?}", world.findings.last());
    }
}
