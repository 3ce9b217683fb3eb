//! A sensor that is told of attempts alone.

use std::net::{IpAddr, Ipv4Addr};

use tapline_model::{DeltaId, EndpointId, Severity};

use super::*;
use crate::address_database::AddressDatabase;

/// An endpoint of one host for each kind of attempt.
pub(crate) struct World {
    pub(crate) detections: AttemptDetections,
    epoch: u64,
    delta: Delta,
    pub(crate) findings: Vec<Finding>,
}

/// An attempt. Clients of 256 consecutive numbers are of one network.
#[derive(Clone, Copy)]
pub(crate) struct Try {
    pub(crate) account: u64,
    pub(crate) secret: u64,
    pub(crate) client: u64,
    pub(crate) granted: bool,
}

/// A new account.
#[derive(Clone, Copy)]
pub(crate) struct Signup {
    pub(crate) account: u64,
    pub(crate) client: u64,
    pub(crate) tool: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            detections: AttemptDetections::new(&Config::default()),
            epoch: 1_740_960_000,
            delta: Delta::new(DeltaId::default()),
            findings: Vec::new(),
        }
    }

    /// One that knows where addresses are.
    pub(crate) fn with_addresses(database: AddressDatabase) -> Self {
        let config = Config { address_database: database, ..Config::default() };
        Self { detections: AttemptDetections::new(&config), ..Self::new() }
    }

    pub(crate) fn login(&mut self, tried: Try) {
        self.attempt(AttemptKind::Login, tried);
    }

    pub(crate) fn attempt(&mut self, kind: AttemptKind, tried: Try) {
        let answer = AttemptAnswer::new(if tried.granted { 200 } else { 401 });
        self.attempt_answered(kind, tried, answer);
    }

    pub(crate) fn attempt_answered(
        &mut self,
        kind: AttemptKind,
        tried: Try,
        answer: AttemptAnswer,
    ) {
        let Try { account, secret, client, .. } = tried;
        let secret = u32::try_from(secret).unwrap();
        self.add(kind, (account + 1, secret + 1), (client, client % 3), answer);
    }

    pub(crate) fn sign_up(&mut self, Signup { account, client, tool }: Signup) {
        let secret = u32::try_from(account).unwrap();
        self.add(AttemptKind::Signup, (account, secret), (client, tool), AttemptAnswer::new(201));
    }

    pub(crate) fn login_with(&mut self, account: u64, client: u64, tool: u64) {
        self.add(AttemptKind::Login, (account, 1), (client, tool), AttemptAnswer::new(200));
    }

    fn add(
        &mut self,
        kind: AttemptKind,
        (account, secret): (u64, u32),
        (client, tool): (u64, u64),
        answer: AttemptAnswer,
    ) {
        let address = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(client).unwrap());
        let key = AttemptKey {
            account,
            secret,
            route: RouteKey(kind as u64),
            kind,
            answer,
            consumer: ConsumerKey(client),
            client: Some(IpAddr::V4(address)),
            tool,
        };
        *self.delta.attempts.entry(key).or_default() += 1;
    }

    /// The epoch ends, and another begins after so many seconds.
    pub(crate) fn skip(&mut self, seconds: u64) {
        let delta = std::mem::replace(&mut self.delta, Delta::new(DeltaId::default()));
        let endpoint_of = |route: RouteKey| {
            let template =
                format!("/{}", AttemptKind::ALL[usize::try_from(route.0).unwrap()].label());
            let id = EndpointId(route.0);
            Some(("shop".to_owned(), EndpointRef { id, method: "POST".to_owned(), template }))
        };
        self.detections.advance(Epoch(self.epoch));
        let findings = &mut self.findings;
        self.detections.observe(Epoch(self.epoch), &delta, &endpoint_of, &mut |finding| {
            findings.push(finding);
        });
        self.epoch += seconds;
    }

    pub(crate) fn found(&self, detection: &str) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.detection == detection).collect()
    }
}

#[test]
fn a_finding_says_why() {
    let mut world = World::new();
    for guess in 0..20 {
        world.login(Try { account: 7, secret: guess, client: 9, granted: false });
        world.skip(5);
    }
    let found = world.found("brute_force");
    let finding = found.last().unwrap();
    assert_eq!((finding.host.as_str(), finding.severity), ("shop", Severity::High));
    assert_eq!(finding.endpoint.as_ref().unwrap().template, "/login");
    assert_eq!(finding.consumer, Some(ConsumerKey(9)));
    assert_eq!(finding.client_addresses.len(), 1);
    assert!(finding.probability < 1e-6 && finding.lift > 10.0);
    assert_eq!(finding.seen.unit, "passwords");
    assert!(finding.evidence.iter().any(|fact| fact.name == "why it is no false alarm"));
}

#[test]
fn networks_are_of_a_fixed_width() {
    let of = |text: &str| network_of(text.parse().unwrap()).to_string();
    assert_eq!(of("192.0.2.77"), "192.0.2.0");
    assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1::");
}

#[test]
fn tables_stay_bounded() {
    let config = Config { attempts_max: 64, ..Config::default() };
    let mut world = World::new();
    world.detections = AttemptDetections::new(&config);
    for account in 0..5_000 {
        world.login(Try { account, secret: account, client: account * 256, granted: false });
        if account.is_multiple_of(50) {
            world.skip(1);
        }
    }
    assert!(world.detections.recent.len() <= 64 && world.detections.known.len() <= 64);
}

/// Dice with a fixed seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 += 1;
        subjects::spread(self.0) % sides
    }
}

/// So many honest requests: people at home and in offices behind one address each, who err, forget,
/// and mistype codes; programs with old passwords; tills that take vouchers.
fn honest(world: &mut World, requests: u64) {
    let mut dice = Dice(0);
    for at in 0..requests {
        let person = dice.below(40_000);
        let client = if person.is_multiple_of(4) { person % 200 * 256 } else { person * 256 };
        let right = Try { account: person, secret: person, client, granted: true };
        match dice.below(100) {
            0..8 => {
                let secret = 100_000 + dice.below(1_000_000);
                world.login(Try { secret, granted: false, ..right });
            }
            8..80 => world.login(right),
            80..85 => {
                let program = 50_000 + dice.below(5);
                world.login(Try { account: program, secret: 1, client: program, granted: false });
            }
            85..92 => {
                let secret = 2_000_000 + dice.below(1_000_000);
                let granted = dice.below(10) > 0;
                world.attempt(AttemptKind::Code, Try { secret, granted, ..right });
            }
            92..96 => {
                let (secret, granted) = (dice.below(500), dice.below(3) > 0);
                world.attempt(AttemptKind::Voucher, Try { secret, granted, ..right });
            }
            96..98 => world.sign_up(Signup { account: 100_000 + at, client, tool: person % 15 }),
            _ => {
                let answer = AttemptAnswer::new(if dice.below(5) > 0 { 200 } else { 404 });
                world.attempt_answered(AttemptKind::Lookup, Try { secret: 0, ..right }, answer);
            }
        }
        if at.is_multiple_of(20) {
            world.skip(1);
        }
    }
}

#[test]
fn honest_people_make_no_finding() {
    let mut world = World::new();
    honest(&mut world, 50_000);
    assert!(world.findings.is_empty(), "{:#?}", world.findings.first());
}

#[test]
#[ignore = "a minute or more: a million requests"]
fn a_million_honest_requests_make_no_finding() {
    let mut world = World::new();
    honest(&mut world, 1_000_000);
    assert!(world.findings.is_empty(), "{:#?}", world.findings.first());
}
