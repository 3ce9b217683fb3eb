//! What is tried against accounts and secrets: the joined attempts of an epoch are told apart into
//! successes and failures, and handed to the detections that count them.

pub(crate) mod outcomes;
pub(crate) mod refusals;
pub(crate) mod subjects;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tapline_model::{
    AttemptAnswer, AttemptKey, AttemptKind, ConsumerKey, ConsumerKind, Delta, EndpointRef, Epoch,
    Finding, RouteKey,
};

use self::outcomes::{LastTries, Outcomes, Verdict};
use crate::Config;
use crate::bounded::Bounded;
use crate::detection::account_enumeration::AccountEnumeration;
use crate::detection::brute_force::BruteForce;
use crate::detection::card_or_coupon_testing::CardOrCouponTesting;
use crate::detection::code_guessing::CodeGuessing;
use crate::detection::credential_stuffing::CredentialStuffing;
use crate::detection::fake_accounts::FakeAccounts;
use crate::detection::impossible_travel::ImpossibleTravel;
use crate::detection::password_spraying::PasswordSpraying;

/// Places and kinds of which it is learned what answers mean.
const OUTCOMES_MAX: u32 = 8_192;
/// Seconds after which the same try is a new one.
const MEMORY_SECONDS: u64 = 600;

/// Where something is tried.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its endpoint's id, or its route's key while no endpoint has it.
    pub(crate) id: u64,
    pub(crate) host: String,
    pub(crate) endpoint: Option<EndpointRef>,
}

/// Something that was tried in one epoch, with what is known of how it went.
#[derive(Debug)]
pub(crate) struct Tried<'a> {
    pub(crate) place: &'a Arc<Place>,
    pub(crate) kind: AttemptKind,
    pub(crate) account: u64,
    pub(crate) secret: u32,
    pub(crate) consumer: ConsumerKey,
    pub(crate) client: Option<IpAddr>,
    pub(crate) tool: u64,
    pub(crate) answer: AttemptAnswer,
    pub(crate) verdict: Verdict,
    /// The same account and secret were not tried there within the last minutes: somebody who
    /// repeats himself guesses nothing.
    pub(crate) is_new: bool,
    /// Nobody but an address is known to have sent it.
    pub(crate) is_anonymous: bool,
    /// The account is one that has been let in before.
    pub(crate) is_known: bool,
}

impl Tried<'_> {
    /// The network of the client: 24 bits of an IPv4 address, 48 of an IPv6 one.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.client.map(network_of)
    }

    /// Whether it was turned down.
    pub(crate) fn is_refused(&self) -> bool {
        self.verdict == Verdict::Refused
    }
}

/// Of an address.
pub(crate) fn network_of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & 0xffff_ff00).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !0 << 80).into(),
    }
}

/// One number of several that are keyed hashes, or small.
pub(crate) fn mixed(parts: [u64; 3]) -> u64 {
    parts.iter().fold(0, |hash: u64, part| {
        let mixed = (hash.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 29
    })
}

/// An address as a number.
pub(crate) fn number_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            #[expect(clippy::cast_possible_truncation, reason = "the halves are mixed")]
            let halves = [1, bits as u64, (bits >> 64) as u64];
            mixed(halves)
        }
    }
}

/// All that learns from attempts.
#[derive(Debug)]
pub(crate) struct AttemptDetections {
    /// By place and kind.
    outcomes: Bounded<u64, Outcomes>,
    last: LastTries,
    /// Tries of the last minutes.
    recent: Bounded<u64, ()>,
    /// Accounts that were let in.
    known: Bounded<u64, ()>,
    brute_force: BruteForce,
    stuffing: CredentialStuffing,
    spraying: PasswordSpraying,
    codes: CodeGuessing,
    enumeration: AccountEnumeration,
    testing: CardOrCouponTesting,
    fake_accounts: FakeAccounts,
    travel: ImpossibleTravel,
}

impl AttemptDetections {
    /// Nothing seen.
    pub(crate) fn new(config: &Config) -> Self {
        let max = config.attempts_max;
        Self {
            outcomes: Bounded::new(OUTCOMES_MAX),
            last: LastTries::new(max),
            recent: Bounded::new(max),
            known: Bounded::new(max),
            brute_force: BruteForce::new(config.brute_force.clone(), max),
            stuffing: CredentialStuffing::new(config.credential_stuffing.clone(), max),
            spraying: PasswordSpraying::new(config.password_spraying.clone(), max),
            codes: CodeGuessing::new(config.code_guessing.clone(), max),
            enumeration: AccountEnumeration::new(config.account_enumeration.clone(), max),
            testing: CardOrCouponTesting::new(config.card_or_coupon_testing.clone(), max),
            fake_accounts: FakeAccounts::new(config.fake_accounts.clone(), max),
            travel: ImpossibleTravel::new(
                config.impossible_travel.clone(),
                config.address_database.clone(),
                max,
            ),
        }
    }

    /// Takes new settings; a detection whose window changes begins anew.
    pub(crate) fn reconfigure(&mut self, config: &Config) {
        let max = config.attempts_max;
        self.last.set_max(max);
        self.recent.set_max(max);
        self.known.set_max(max);
        self.brute_force.reconfigure(config.brute_force.clone(), max);
        self.stuffing.reconfigure(config.credential_stuffing.clone(), max);
        self.spraying.reconfigure(config.password_spraying.clone(), max);
        self.codes.reconfigure(config.code_guessing.clone(), max);
        self.enumeration.reconfigure(config.account_enumeration.clone(), max);
        self.testing.reconfigure(config.card_or_coupon_testing.clone(), max);
        self.fake_accounts.reconfigure(config.fake_accounts.clone(), max);
        let database = config.address_database.clone();
        self.travel.reconfigure(config.impossible_travel.clone(), database, max);
    }

    /// Takes what was tried in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        delta: &Delta,
        endpoint_of: &dyn Fn(RouteKey) -> Option<(String, EndpointRef)>,
        sink: &mut impl FnMut(Finding),
    ) {
        if delta.attempts.is_empty() {
            return;
        }
        let mut places: BTreeMap<RouteKey, Arc<Place>> = BTreeMap::new();
        for (key, &times) in &delta.attempts {
            let place =
                places.entry(key.route).or_insert_with(|| place_of(key, delta, endpoint_of));
            let is_anonymous = delta
                .consumers
                .get(&key.consumer)
                .is_none_or(|consumer| consumer.kind == ConsumerKind::Address);
            let tried = self.judge(epoch, key, times, place, is_anonymous);
            self.brute_force.observe(epoch, &tried);
            self.stuffing.observe(epoch, &tried);
            self.spraying.observe(epoch, &tried);
            self.codes.observe(epoch, &tried);
            self.enumeration.observe(epoch, &tried);
            self.testing.observe(epoch, &tried);
            self.fake_accounts.observe(epoch, &tried);
            self.travel.observe(epoch, &tried, sink);
        }
        self.brute_force.judge(epoch, sink);
        self.stuffing.judge(epoch, sink);
        self.spraying.judge(epoch, sink);
        self.codes.judge(epoch, sink);
        self.enumeration.judge(epoch, sink);
        self.testing.judge(epoch, sink);
        self.fake_accounts.judge(epoch, sink);
    }

    /// Everything before `epoch` is over.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        while self.recent.pop_quiet(epoch.minus(MEMORY_SECONDS)).is_some() {}
        self.brute_force.advance(epoch);
        self.stuffing.advance(epoch);
        self.spraying.advance(epoch);
        self.codes.advance(epoch);
        self.enumeration.advance(epoch);
        self.testing.advance(epoch);
        self.fake_accounts.advance(epoch);
        self.travel.advance(epoch);
    }

    /// What became of a try, and whether it is one.
    fn judge<'a>(
        &mut self,
        epoch: Epoch,
        key: &AttemptKey,
        times: u64,
        place: &'a Arc<Place>,
        is_anonymous: bool,
    ) -> Tried<'a> {
        let at = mixed([place.id, key.kind as u64, 0]);
        while self.outcomes.make_room(at).is_some() {}
        let outcomes = self.outcomes.touch(at, epoch, Outcomes::default);
        let followed = self.last.follow(mixed([at, key.account, 1]), epoch, key);
        outcomes.learn(key.answer, times, followed);
        let verdict = outcomes.verdict(key.kind, key.answer);
        let this = mixed([at, key.account, u64::from(key.secret) << 2 | verdict as u64]);
        let is_new = self.recent.get(this).is_none();
        while self.recent.make_room(this).is_some() {}
        self.recent.touch(this, epoch, || ());
        let is_known = self.known.get(key.account).is_some();
        let is_login = matches!(key.kind, AttemptKind::Login | AttemptKind::Basic);
        if is_login && verdict == Verdict::Granted {
            while self.known.make_room(key.account).is_some() {}
            self.known.touch(key.account, epoch, || ());
        }
        Tried {
            place,
            kind: key.kind,
            account: key.account,
            secret: key.secret,
            consumer: key.consumer,
            client: key.client,
            tool: key.tool,
            answer: key.answer,
            verdict,
            is_new,
            is_anonymous,
            is_known,
        }
    }
}

fn place_of(
    key: &AttemptKey,
    delta: &Delta,
    endpoint_of: &dyn Fn(RouteKey) -> Option<(String, EndpointRef)>,
) -> Arc<Place> {
    let place = if let Some((host, endpoint)) = endpoint_of(key.route) {
        Place { id: endpoint.id.0, host, endpoint: Some(endpoint) }
    } else {
        let named = delta.routes.get(&key.route);
        let host = named.map(|route| route.name.host.to_string()).unwrap_or_default();
        Place { id: key.route.0, host, endpoint: None }
    };
    Arc::new(place)
}

#[cfg(test)]
pub(crate) mod tests;
