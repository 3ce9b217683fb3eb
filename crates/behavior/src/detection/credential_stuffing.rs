//! Lists of stolen credentials are tried: many accounts, once each, nearly all refused.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tapline_model::{AttemptKind, Epoch, Finding, FindingKind, Severity};

use super::Detection;
use crate::attempts::outcomes::Verdict;
use crate::attempts::refusals::Refusals;
use crate::attempts::subjects::{Case, Counts, Subject, Subjects, percent};
use crate::attempts::{Tried, mixed, number_of};
use crate::bounded::Bounded;
use crate::config::CredentialStuffing as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "credential_stuffing",
    title: "Lists of stolen credentials are tried",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-008"],
    attack: &["T1110.004"],
    settings: "behavior.credential_stuffing",
    state_max: "behavior.attempts_max addresses, networks, programs and endpoints each, those quiet for \
                longest given up first; ten slots, 64 accounts, secrets and networks, and ten client \
                addresses each; 64 suspects an endpoint",
    wrong_when: "It misses lists that are tried more slowly than people err, unless with a program of \
                 their own. It is wrong where a login fails for all of its users before the sensor has \
                 seen many of them get in: after that it knows an outage from an attack.",
};

/// Groups and sources of one endpoint that are remembered as suspects.
const SUSPECTS_MAX: usize = 64;
/// Of the tries that are not honest, the share that named sources must make up to be blamed alone.
const BLAMED_SHARE_MIN: f64 = 0.5;
/// Tries of a source beyond what honest ones account for.
const SOURCE_EXCESS_MIN: f64 = 10.0;
/// Of a hundred refusals of all or of a group, how many must be of different accounts.
const SPREAD_PERCENT_MIN: f64 = 60.0;

/// How a group of addresses is called.
const NETWORK: &str = "network";

/// The detection.
#[derive(Debug)]
pub(crate) struct CredentialStuffing {
    settings: Settings,
    addresses: Subjects,
    /// Networks and programs.
    groups: [Subjects; 2],
    places: Subjects,
    targets: Bounded<u64, Target>,
}

/// One endpoint.
#[derive(Debug, Default)]
struct Target {
    refusals: Refusals,
    /// Groups by odds, and sources that were reported: when, and what they are held to have tried.
    suspects: BTreeMap<u64, Suspect>,
    blamed: BTreeMap<u64, (Epoch, f64)>,
}

#[derive(Clone, Debug)]
struct Suspect {
    epoch: Epoch,
    since: Epoch,
    /// Of a network; honest people use the same programs.
    clients: Vec<IpAddr>,
    others: f64,
    odds: f64,
    granted: u64,
    label: &'static str,
}

fn refused(subject: &Subject) -> u64 {
    subject.counts().refused
}

impl CredentialStuffing {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, subjects_max: u32) -> Self {
        let subjects = || Subjects::new(settings.window_seconds, subjects_max, refused);
        Self {
            addresses: subjects(),
            groups: [subjects(), subjects()],
            places: subjects(),
            targets: Bounded::new(subjects_max),
            settings,
        }
    }

    /// Takes new settings. Another window begins empty; what is normal stays known.
    pub(crate) fn reconfigure(&mut self, settings: Settings, subjects_max: u32) {
        let [networks, programs] = &mut self.groups;
        for subjects in [&mut self.addresses, networks, programs, &mut self.places] {
            subjects.reconfigure(settings.window_seconds, subjects_max);
        }
        self.targets.set_max(subjects_max);
        self.settings = settings;
    }

    /// Takes a try.
    pub(crate) fn observe(&mut self, epoch: Epoch, tried: &Tried<'_>) {
        let is_login = matches!(tried.kind, AttemptKind::Login | AttemptKind::Basic);
        if !self.settings.enabled || !is_login {
            return;
        }
        let place = tried.place.id;
        if tried.is_new && tried.verdict != Verdict::Unknown {
            while self.targets.make_room(place).is_some() {}
            let target = self.targets.touch(place, epoch, Target::default);
            target.refusals.count(epoch, self.places.seconds(), tried.is_refused());
        }
        let [networks, programs] = &mut self.groups;
        if let Some((client, network)) = tried.client.zip(tried.network()) {
            self.addresses.note(epoch, mixed([place, number_of(client), 6]), tried);
            networks.note(epoch, mixed([place, number_of(network), 7]), tried);
        }
        programs.note(epoch, mixed([place, tried.tool, 8]), tried);
        self.places.note(epoch, place, tried);
    }

    /// The epoch is complete.
    pub(crate) fn judge(&mut self, epoch: Epoch, sink: &mut impl FnMut(Finding)) {
        let Self { settings, addresses, groups, places, targets } = self;
        let mut sources: Vec<(u64, Finding)> = Vec::new();
        addresses.judge(|key, subject, _| {
            let Some(target) = targets.get_mut(subject.place.id) else { return false };
            let finding = source_finding(epoch, subject, &target.refusals, settings);
            if let Some((others, _)) = &finding {
                note(&mut target.blamed, key, (epoch, *others));
            }
            let is_case = finding.is_some();
            sources.extend(finding.map(|(_, finding)| (subject.place.id, finding)));
            is_case
        });
        for (subjects, label) in groups.iter_mut().zip([NETWORK, "program"]) {
            subjects.judge(|key, subject, _| {
                let place = subject.place.id;
                let Some((target, all)) = targets.get_mut(place).zip(places.get(place)) else {
                    return false;
                };
                suspect(epoch, key, (subject, label), all.counts(), target, settings)
            });
        }
        let seconds = places.seconds();
        let mut told = std::collections::BTreeSet::new();
        places.judge(|key, subject, _| {
            let Some(target) = targets.get_mut(key) else { return false };
            let oldest = epoch.minus(seconds);
            target.suspects.retain(|_, suspect| suspect.epoch >= oldest);
            target.blamed.retain(|_, (then, _)| *then >= oldest);
            let finding = place_finding(epoch, subject, target, settings);
            if finding.is_some() {
                told.insert(key);
            }
            let is_case = finding.is_some();
            finding.into_iter().for_each(&mut *sink);
            is_case
        });
        // What all do together says more than each for itself.
        let alone = sources.into_iter().filter(|(place, _)| !told.contains(place));
        alone.for_each(|(_, finding)| sink(finding));
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        let [networks, programs] = &mut self.groups;
        for subjects in [&mut self.addresses, networks, programs, &mut self.places] {
            subjects.advance(epoch);
        }
    }
}

/// Notes a suspect; when there are too many, the one that has been quiet for longest goes.
fn note<V>(suspects: &mut BTreeMap<u64, (Epoch, V)>, key: u64, value: (Epoch, V)) {
    suspects.insert(key, value);
    if suspects.len() > SUSPECTS_MAX {
        let oldest = suspects.iter().min_by_key(|(key, (epoch, _))| (*epoch, **key));
        if let Some(key) = oldest.map(|(key, _)| *key) {
            suspects.remove(&key);
        }
    }
}

/// One address that tries a list, and how many of its tries are none of honest people.
fn source_finding(
    epoch: Epoch,
    subject: &Subject,
    refusals: &Refusals,
    settings: &Settings,
) -> Option<(f64, Finding)> {
    let counts = subject.counts();
    let accounts = subject.accounts.distinct();
    let (_, others) = refusals.split(counts.granted, counts.refused);
    let per_try = real(accounts) / real(counts.tries.max(1));
    if accounts < settings.accounts_min.into()
        || per_try < settings.accounts_per_try_min
        || others < SOURCE_EXCESS_MIN
        || counts.is_outage()
    {
        return None;
    }
    let probability = libm::exp(refusals.ln_at_least(counts.tries, counts.refused));
    if probability > settings.probability_max {
        return None;
    }
    let severity = if counts.won > 0 { Severity::Critical } else { Severity::High };
    let title = format!(
        "{accounts} accounts tried from one address, {} refused, {} let in",
        counts.refused, counts.granted
    );
    let evidence = vec![("accounts for each try", format!("{per_try:.2}"))];
    let case = case(epoch, subject, (severity, true, title), probability, (refusals, evidence));
    Some((others, case.finding()))
}

/// Whether a group of tries stands out from the others: then it is noted as a suspect.
fn suspect(
    epoch: Epoch,
    key: u64,
    (subject, label): (&Subject, &'static str),
    all: Counts,
    target: &mut Target,
    settings: &Settings,
) -> bool {
    let counts = subject.counts();
    let (honest, others) = target.refusals.split(counts.granted, counts.refused);
    if others < f64::from(settings.excess_min) / 2.0 || !is_spread(subject) || counts.is_outage() {
        return false;
    }
    let (all_honest, all_others) = target.refusals.split(all.granted, all.refused);
    // Herley and Schechter: the odds that a try of the group is an attack, over those of any try.
    let odds = (others / all_others.max(1.0)) / (honest.max(0.5) / all_honest.max(0.5));
    let ln_probability = target.refusals.ln_at_least(counts.tries, counts.refused);
    if odds < settings.odds_min || ln_probability > libm::log(settings.probability_max) {
        return false;
    }
    let clients = if label == NETWORK { subject.clients.iter().copied().collect() } else { vec![] };
    let (since, granted) = (subject.since, counts.granted);
    let suspect = Suspect { epoch, since, clients, others, odds, granted, label };
    target.suspects.insert(key, suspect);
    if target.suspects.len() > SUSPECTS_MAX {
        let oldest = target.suspects.iter().min_by_key(|(key, it)| (it.epoch, **key));
        if let Some(key) = oldest.map(|(key, _)| *key) {
            target.suspects.remove(&key);
        }
    }
    true
}

/// Whether those who are refused are many accounts, and not one that is guessed at.
fn is_spread(subject: &Subject) -> bool {
    let accounts = subject.refused_accounts.distinct();
    percent(accounts, refused(subject)) >= SPREAD_PERCENT_MIN
}

/// Everything that is tried at one endpoint.
fn place_finding(
    epoch: Epoch,
    subject: &Subject,
    target: &Target,
    settings: &Settings,
) -> Option<Finding> {
    let counts = subject.counts();
    let refusals = &target.refusals;
    let (_, others) = refusals.split(counts.granted, counts.refused);
    let worst = target.suspects.values().max_by(|a, b| a.others.total_cmp(&b.others));
    let excess = worst.map_or(others, |worst| others.max(worst.others));
    if excess < settings.excess_min.into() || !is_spread(subject) || counts.is_outage() {
        return None;
    }
    let blamed: f64 = target.blamed.values().map(|(_, others)| others).sum();
    if blamed >= BLAMED_SHARE_MIN * excess {
        return None;
    }
    let probability = libm::exp(refusals.ln_at_least(counts.tries, counts.refused));
    // A program that stands out gives itself away where all together do not.
    let probability =
        if worst.is_some() { probability.min(settings.probability_max) } else { probability };
    if probability > settings.probability_max {
        return None;
    }
    let taken: u64 = target.suspects.values().map(|suspect| suspect.granted).max().unwrap_or(0);
    let severity = if taken > 0 { Severity::Critical } else { Severity::High };
    let networks = subject.networks.distinct();
    let title = format!(
        "about {excess:.0} of {} logins are none of honest people, from {networks} networks",
        counts.tries
    );
    let mut evidence = vec![
        ("tries that are none of honest people", format!("{excess:.0}")),
        ("accounts refused", subject.refused_accounts.distinct().to_string()),
    ];
    if let Some(worst) = worst {
        let text = format!(
            "a {} with {:.0} such tries, {:.0} times the odds of others, {} let in",
            worst.label, worst.others, worst.odds, worst.granted
        );
        evidence.push(("stands out", text));
    }
    let case = case(epoch, subject, (severity, false, title), probability, (refusals, evidence));
    // Among those who are refused at the endpoint are honest people: only a network that stands out
    // is named, by its addresses.
    let mut finding = case.finding();
    finding.client_addresses = worst.map_or_else(Vec::new, |worst| worst.clients.clone());
    if let Some(worst) = worst {
        finding.first_seen = worst.since.start();
    }
    Some(finding)
}

fn case<'a>(
    epoch: Epoch,
    subject: &'a Subject,
    (severity, is_of_consumer, title): (Severity, bool, String),
    probability: f64,
    (refusals, mut evidence): (&Refusals, Vec<(&'static str, String)>),
) -> Case<'a> {
    let counts = subject.counts();
    let expected = refusals.share() * real(counts.tries);
    evidence.push((
        "why it is no false alarm",
        format!(
            "of the accounts refused {:.0} % had been let in before: it is no outage",
            percent(counts.refused_known, counts.refused)
        ),
    ));
    Case {
        detection: &DETECTION,
        subject,
        epoch,
        severity,
        is_of_consumer,
        title,
        unit: "refused logins",
        normal: (
            expected,
            format!(
                "{:.1} % of logins are refused there, {expected:.0} of so many; learned from {:.0}",
                100.0 * refusals.share(),
                refusals.tries()
            ),
        ),
        seen: (
            real(counts.refused),
            format!("{} of {} logins refused", counts.refused, counts.tries),
        ),
        probability,
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use crate::attempts::tests::{Try, World};

    /// People who log in: one in ten errs first.
    fn benign(world: &mut World, seconds: u64) {
        for second in 0..seconds {
            let (account, client) = (1_000_000 + second % 5_000, 4_000_000 + second % 5_000 * 256);
            let secret = account;
            if second % 10 == 0 {
                world.login(Try { account, secret: secret + 1, client, granted: false });
            }
            world.login(Try { account, secret, client, granted: true });
            world.skip(1);
        }
    }

    #[test]
    fn a_list_from_one_address_is_found() {
        let mut world = World::new();
        benign(&mut world, 1_200);
        for account in 0..60 {
            world.login(Try { account, secret: account, client: 9, granted: account == 50 });
            world.skip(3);
        }
        let found = world.found("credential_stuffing");
        assert!(found[0].consumer.is_some());
        assert!(found[0].seen.value < 25.0, "{}", found[0].seen.text);
    }

    #[test]
    fn a_list_from_two_thousand_addresses_is_found() {
        let mut world = World::new();
        benign(&mut world, 3_000);
        for account in 0..2_000 {
            let client = account * 256;
            world.login(Try { account, secret: account, client, granted: account % 100 == 99 });
            if account % 4 == 0 {
                benign(&mut world, 1);
            }
        }
        let found = world.found("credential_stuffing");
        assert!(found[0].consumer.is_none());
        assert!(found[0].client_addresses.is_empty(), "honest people share them");
        assert!(found[0].seen.value < 400.0, "{}", found[0].seen.text);
    }

    #[test]
    fn an_office_behind_one_address_is_left_alone() {
        let mut world = World::new();
        benign(&mut world, 1_200);
        for account in 0..300 {
            if account % 8 == 0 {
                let secret = 9_000 + account;
                world.login(Try { account, secret, client: 9, granted: false });
            }
            world.login(Try { account, secret: account + 9, client: 9, granted: true });
            world.skip(2);
        }
        assert!(world.findings.is_empty(), "{:?}", world.findings.first());
    }

    #[test]
    fn an_outage_is_no_attack() {
        let mut world = World::new();
        benign(&mut world, 6_000);
        for second in 0..600 {
            let (account, client) = (1_000_000 + second, 4_000_000 + second * 256);
            world.login(Try { account, secret: account + 7, client, granted: false });
            world.skip(1);
        }
        assert!(world.found("credential_stuffing").is_empty());
    }
}
