//! One account is logged in to from two places between which nobody travels so fast.

use std::net::IpAddr;

use smallvec::SmallVec;
use tapline_model::{
    AttemptKind, Epoch, Evidence, Finding, FindingKind, FindingState, Measure, Severity, Timestamp,
};

use super::Detection;
use crate::address_database::{AddressDatabase, Location};
use crate::attempts::outcomes::Verdict;
use crate::attempts::{Tried, number_of};
use crate::bounded::Bounded;
use crate::config::ImpossibleTravel as Settings;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "impossible_travel",
    title: "An account is logged in to from places too far apart",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &["OAT-012"],
    attack: &["T1078"],
    settings: "behavior.impossible_travel",
    state_max: "behavior.attempts_max accounts, those quiet for longest given up first; eight networks \
                and eight programs each",
    wrong_when: "It looks only where behavior.address_database says where addresses are, and misses \
                 thieves who are near, or use the program of their victim. It is wrong for somebody \
                 who begins to use a far network and another program within hours.",
};

/// Networks and programs of an account that are known.
const KNOWN_MAX: usize = 8;
/// A login longer ago says nothing of where somebody is.
const MEMORY_SECONDS: u64 = 24 * 3_600;

/// The detection, over all accounts.
#[derive(Debug)]
pub(crate) struct ImpossibleTravel {
    settings: Settings,
    database: AddressDatabase,
    accounts: Bounded<u64, Journey>,
}

/// Where an account was logged in to.
#[derive(Debug)]
struct Journey {
    at: Epoch,
    client: IpAddr,
    location: Location,
    networks: SmallVec<[u64; 4]>,
    programs: SmallVec<[u64; 4]>,
}

impl ImpossibleTravel {
    /// Nothing seen.
    pub(crate) fn new(settings: Settings, database: AddressDatabase, accounts_max: u32) -> Self {
        Self { settings, database, accounts: Bounded::new(accounts_max) }
    }

    /// Takes new settings and another database; what is known of accounts stays.
    pub(crate) fn reconfigure(
        &mut self,
        settings: Settings,
        database: AddressDatabase,
        accounts_max: u32,
    ) {
        self.settings = settings;
        self.database = database;
        self.accounts.set_max(accounts_max);
    }

    /// Takes a try. Only logins that were let in count.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        tried: &Tried<'_>,
        sink: &mut impl FnMut(Finding),
    ) {
        let is_login = matches!(tried.kind, AttemptKind::Login | AttemptKind::Basic);
        if !self.settings.enabled || !is_login || tried.verdict != Verdict::Granted {
            return;
        }
        let Some((client, network)) = tried.client.zip(tried.network().map(number_of)) else {
            return;
        };
        let Some(location) = self.database.locate(client) else { return };
        while self.accounts.make_room(tried.account).is_some() {}
        let first = || Journey {
            at: epoch,
            client,
            location: location.clone(),
            networks: SmallVec::new(),
            programs: SmallVec::new(),
        };
        let journey = self.accounts.touch(tried.account, epoch, first);
        let is_known =
            journey.networks.contains(&network) || journey.programs.contains(&tried.tool);
        if !is_known && !journey.programs.is_empty() {
            let way = journey.location.kilometres_to(&location);
            let seconds = epoch.0.saturating_sub(journey.at.0).max(1);
            let speed = way * 3_600.0 / real(seconds);
            let is_recent = seconds <= MEMORY_SECONDS;
            if is_recent
                && way >= self.settings.kilometres_min
                && speed >= self.settings.kilometres_per_hour_min
            {
                let there = (client, &location);
                let fastest = self.settings.kilometres_per_hour_min;
                sink(finding((epoch, tried), journey, there, (way, seconds, speed), fastest));
                // Whoever that was, it is not known to be the account's owner.
                return;
            }
        }
        remember(&mut journey.networks, network);
        remember(&mut journey.programs, tried.tool);
        (journey.at, journey.client, journey.location) = (epoch, client, location);
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        while self.accounts.pop_quiet(epoch.minus(30 * MEMORY_SECONDS)).is_some() {}
    }
}

/// Of more than a few the oldest is forgotten.
fn remember(known: &mut SmallVec<[u64; 4]>, value: u64) {
    if known.contains(&value) {
        return;
    }
    if known.len() == KNOWN_MAX {
        known.remove(0);
    }
    known.push(value);
}

fn finding(
    (epoch, tried): (Epoch, &Tried<'_>),
    journey: &Journey,
    (client, location): (IpAddr, &Location),
    (way, seconds, speed): (f64, u64, f64),
    fastest: f64,
) -> Finding {
    let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
    let place = |location: &Location| match location.country.as_str() {
        "" => "somewhere".to_owned(),
        country => country.to_owned(),
    };
    let (from, to) = (place(&journey.location), place(location));
    let minutes = seconds.div_ceil(60);
    Finding {
        id: String::new(),
        detection: DETECTION.id.to_owned(),
        kind: DETECTION.kind,
        severity: Severity::High,
        confidence: 0.8,
        state: FindingState::Open,
        title: format!("one account logged in to from {from} and {to} within {minutes} minutes"),
        host: tried.place.host.clone(),
        endpoint: tried.place.endpoint.clone(),
        owner: None,
        consumer: Some(tried.consumer),
        client_addresses: vec![client],
        first_seen: journey.at.start(),
        last_seen: epoch.start(),
        found_at: Timestamp::ZERO,
        normal: Measure {
            value: fastest,
            unit: "km/h".to_owned(),
            text: format!("nobody travels faster than {fastest:.0} km/h"),
        },
        seen: Measure {
            value: speed,
            unit: "km/h".to_owned(),
            text: format!("{way:.0} km within {minutes} minutes"),
        },
        probability: 0.01,
        lift: speed / fastest.max(1.0),
        mappings: DETECTION.mappings(),
        evidence: vec![
            fact("account", format!("{:016x}", tried.account)),
            fact("before", format!("{} ({from})", journey.client)),
            fact("now", format!("{client} ({to})")),
            fact("way at least", format!("{way:.0} km")),
            fact(
                "why it is no false alarm",
                "neither the network nor the program had logged in to that account before"
                    .to_owned(),
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use crate::address_database::tests::database;
    use crate::attempts::tests::World;

    /// London, New York, and Reading, which is near London.
    fn world() -> World {
        let places = [(81, 51.5, -0.12, "GB"), (23, 40.71, -74.0, "US"), (82, 51.45, -0.97, "GB")];
        World::with_addresses(database(&places))
    }

    /// A client there: the world counts from 10.0.0.0 on.
    fn at(network: u64) -> u64 {
        (network - 10) << 24 | 7
    }

    fn login(world: &mut World, client: u64, tool: u64) {
        world.login_with(7, client, tool);
    }

    #[test]
    fn a_login_across_the_ocean_within_minutes_is_found() {
        let mut world = world();
        login(&mut world, at(81), 1);
        world.skip(1_200);
        login(&mut world, at(23), 2);
        world.skip(1);
        let found = world.found("impossible_travel");
        let finding = found.last().unwrap();
        assert!(finding.title.contains("from GB and US within 20 minutes"), "{}", finding.title);
        assert!(finding.seen.value > 15_000.0 && finding.lift > 10.0);
        assert_eq!(finding.client_addresses.len(), 1);
    }

    #[test]
    fn who_flies_or_is_near_or_uses_the_same_program_is_left_alone() {
        for (client, tool, seconds) in [
            (at(23), 2, 9 * 3_600),
            (at(82), 2, 60),
            // A tunnel that ends elsewhere.
            (at(23), 1, 60),
            (at(81), 2, 1),
            // Nobody knows where that is.
            (at(99), 2, 60),
        ] {
            let mut world = world();
            login(&mut world, at(81), 1);
            world.skip(seconds);
            login(&mut world, client, tool);
            world.skip(1);
            assert!(world.findings.is_empty(), "{client} {:?}", world.findings);
        }
    }

    #[test]
    fn without_a_database_nobody_travels() {
        let mut world = World::new();
        login(&mut world, at(81), 1);
        world.skip(60);
        login(&mut world, at(23), 2);
        world.skip(1);
        assert!(world.findings.is_empty());
    }
}
