//! A token or a session is used in two places by turns.

use std::net::IpAddr;

use smallvec::SmallVec;
use tapline_model::{
    ConsumerDelta, ConsumerKey, Epoch, Evidence, Finding, FindingKind, FindingState, Holder,
    Measure, Severity, Timestamp,
};
use tapline_sketch::Kmv;

use super::Detection;
use crate::attempts::subjects::spread;
use crate::attempts::{mixed, network_of, number_of};
use crate::bounded::Bounded;
use crate::config::TokenSharing;
use crate::number::real;

pub(crate) const DETECTION: Detection = Detection {
    id: "token_sharing",
    title: "A token or a session is used in two places by turns",
    kind: FindingKind::Behaviour,
    owasp_api: &["API2:2023"],
    oat: &[],
    attack: &["T1539", "T1550.001", "T1550.004"],
    settings: "behavior.token_sharing",
    state_max: "behavior.attempts_max tokens and as many places, those quiet for longest given up \
                first; four places and sixteen returns of a token, 32 tokens of a place",
    wrong_when: "It misses a thief with the same browser, or in the same network, and one who waits \
                 until the owner has gone. It is wrong for a service that calls others with the token \
                 of its user, until the service has been seen with shared_min of them.",
};

/// Places of one token.
const PLACES_MAX: usize = 4;
/// Returns that are remembered.
const RETURNS_MAX: usize = 16;
/// Of a hundred tokens, how many may go to and fro before that is how things are done here.
const USUAL_PERCENT_MAX: u64 = 1;
/// So many may in any case.
const UNUSUAL_MAX: u64 = 3;

/// A network, and a user agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    network: IpAddr,
    agent: u64,
}

impl Place {
    fn number(self) -> u64 {
        mixed([number_of(self.network), self.agent, 9])
    }

    /// Somebody on the way changes the network, somebody who updates changes the agent.
    fn is_elsewhere(self, other: Self) -> bool {
        self.network != other.network && self.agent != other.agent
    }
}

/// The detection, over all tokens.
#[derive(Debug)]
pub(crate) struct TokensShared {
    settings: TokenSharing,
    tokens: Bounded<u64, Watched>,
    /// By place: its tokens.
    places: Bounded<u64, Kmv<32>>,
    /// Tokens that were followed, and those that went to and fro.
    watched: u64,
    unusual: u64,
}

/// One token.
#[derive(Debug)]
struct Watched {
    /// Where it was, last at the end.
    places: SmallVec<[(Place, Epoch); 2]>,
    clients: SmallVec<[IpAddr; 2]>,
    returns: SmallVec<[Epoch; 2]>,
    is_unusual: bool,
}

impl TokensShared {
    /// Nothing seen.
    pub(crate) fn new(settings: TokenSharing, tokens_max: u32) -> Self {
        Self {
            settings,
            tokens: Bounded::new(tokens_max),
            places: Bounded::new(tokens_max),
            watched: 0,
            unusual: 0,
        }
    }

    /// Takes new settings; what was learned stays.
    pub(crate) fn reconfigure(&mut self, settings: TokenSharing, tokens_max: u32) {
        self.settings = settings;
        self.tokens.set_max(tokens_max);
        self.places.set_max(tokens_max);
    }

    /// Takes what a consumer did in `epoch`.
    pub(crate) fn observe(
        &mut self,
        epoch: Epoch,
        consumer: ConsumerKey,
        did: &ConsumerDelta,
        sink: &mut impl FnMut(Finding),
    ) {
        if !self.settings.enabled {
            return;
        }
        for holder in &did.holders {
            if let Some(finding) = self.follow(epoch, consumer, did, holder) {
                sink(finding);
            }
        }
    }

    fn follow(
        &mut self,
        epoch: Epoch,
        consumer: ConsumerKey,
        did: &ConsumerDelta,
        holder: &Holder,
    ) -> Option<Finding> {
        let place = Place { network: network_of(holder.client), agent: holder.agent };
        let number = place.number();
        while self.places.make_room(number).is_some() {}
        self.places.touch(number, epoch, Kmv::new).insert(spread(holder.credential));
        while self.tokens.make_room(holder.credential).is_some() {}
        let mut is_new = false;
        let token = self.tokens.touch(holder.credential, epoch, || {
            is_new = true;
            Watched::new()
        });
        self.watched += u64::from(is_new);
        token.go(epoch, place, holder.client, self.settings.window_seconds.into());
        if token.returns.len() < usize::try_from(self.settings.returns_min).unwrap_or(RETURNS_MAX) {
            return None;
        }
        let shared_min = u64::from(self.settings.shared_min);
        let is_shared = |place: Place| {
            self.places.get(place.number()).is_some_and(|tokens| tokens.distinct() >= shared_min)
        };
        if token.places.iter().any(|&(place, _)| is_shared(place)) {
            return None;
        }
        self.unusual += u64::from(!std::mem::replace(&mut token.is_unusual, true));
        if self.unusual > UNUSUAL_MAX && self.unusual * 100 > self.watched * USUAL_PERCENT_MAX {
            return None;
        }
        let host = did.unmatched_hosts.keys().next().map(ToString::to_string).unwrap_or_default();
        let known = (self.unusual, self.watched);
        Some(token.finding(epoch, (consumer, host), known, &self.settings))
    }
}

impl Watched {
    fn new() -> Self {
        Self {
            places: SmallVec::new(),
            clients: SmallVec::new(),
            returns: SmallVec::new(),
            is_unusual: false,
        }
    }

    /// It is used in `place`.
    fn go(&mut self, epoch: Epoch, place: Place, client: IpAddr, window_seconds: u64) {
        let oldest = epoch.minus(window_seconds);
        self.returns.retain(|then| *then >= oldest);
        self.places.retain(|(_, then)| *then >= oldest);
        let known = self.places.iter().position(|(known, _)| *known == place);
        let is_last = known.is_some_and(|at| at + 1 == self.places.len());
        let came_from = self.places.last().map(|(place, _)| *place);
        if let Some(at) = known {
            self.places.remove(at);
            let is_return = !is_last && came_from.is_some_and(|from| from.is_elsewhere(place));
            if is_return && self.returns.len() < RETURNS_MAX {
                self.returns.push(epoch);
            }
        } else if self.places.len() >= PLACES_MAX {
            self.places.remove(0);
        }
        self.places.push((place, epoch));
        if !self.clients.contains(&client) && self.clients.len() < ConsumerDelta::CLIENTS_MAX {
            self.clients.push(client);
        }
    }

    fn finding(
        &self,
        epoch: Epoch,
        (consumer, host): (ConsumerKey, String),
        (unusual, watched): (u64, u64),
        settings: &TokenSharing,
    ) -> Finding {
        let returns = self.returns.len() as u64;
        let count = |value, text: String| Measure { value, unit: "returns".to_owned(), text };
        let fact = |name: &str, value: String| Evidence { name: name.to_owned(), value };
        let since = self.returns.first().copied().unwrap_or(epoch);
        let mut clients: Vec<IpAddr> = self.clients.to_vec();
        clients.sort_unstable();
        Finding {
            id: String::new(),
            detection: DETECTION.id.to_owned(),
            kind: DETECTION.kind,
            severity: Severity::High,
            confidence: 0.8,
            state: FindingState::Open,
            title: format!(
                "one login is used in {} places by turns, {returns} times to and fro",
                self.places.len()
            ),
            host,
            endpoint: None,
            consumer: Some(consumer),
            owner: None,
            client_addresses: clients,
            first_seen: since.start(),
            last_seen: epoch.start(),
            found_at: Timestamp::ZERO,
            normal: count(
                0.0,
                format!("{} of {watched} tokens and sessions go to and fro", unusual - 1),
            ),
            seen: count(
                real(returns),
                format!(
                    "{returns} returns to a network and program left for others, within {} seconds",
                    settings.window_seconds
                ),
            ),
            // Laplace's rule.
            probability: real(unusual) / (real(watched) + 1.0),
            lift: real(returns),
            mappings: DETECTION.mappings(),
            evidence: vec![
                fact("places", self.places.len().to_string()),
                fact(
                    "why it is no false alarm",
                    "network and program change together and change back: somebody on the way \
                     keeps his program, and a service would be seen with many tokens"
                        .to_owned(),
                ),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tapline_model::ConsumerKind;

    use super::*;

    struct World {
        detection: TokensShared,
        epoch: u64,
        findings: Vec<Finding>,
    }

    impl World {
        fn new() -> Self {
            let detection = TokensShared::new(TokenSharing::default(), 10_000);
            Self { detection, epoch: 1_740_960_000, findings: Vec::new() }
        }

        fn call(&mut self, credential: u64, network: u32, agent: u64) {
            let client = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + network * 256));
            let mut did = ConsumerDelta::new(ConsumerKind::Session);
            did.holders.insert(Holder { credential, client, agent });
            let Self { detection, epoch, findings } = self;
            detection.observe(Epoch(*epoch), ConsumerKey(credential), &did, &mut |finding| {
                findings.push(finding);
            });
            self.epoch += 5;
        }
    }

    #[test]
    fn a_stolen_token_is_found_while_both_use_it() {
        let mut world = World::new();
        (100..400).for_each(|token| world.call(token, 7_000, token));
        for turn in 0..6 {
            world.call(1, 3 + turn % 2, 8 + u64::from(turn % 2));
        }
        let found = &world.findings[0];
        assert_eq!((found.consumer, found.severity), (Some(ConsumerKey(1)), Severity::High));
        assert_eq!(found.client_addresses.len(), 2);
        assert!(found.probability < 0.01, "{}", found.probability);
        assert_eq!(found.last_seen.nanos() / 1_000_000_000, 1_740_960_000 + 1_500 + 15);
    }

    #[test]
    fn a_telephone_on_the_way_and_an_update_are_left_alone() {
        let mut world = World::new();
        for turn in 0..20 {
            world.call(1, 3 + turn % 2, 8);
            world.call(2, 3, 8 + u64::from(turn % 2));
            world.call(3, 30 + turn, u64::from(turn));
        }
        assert!(world.findings.is_empty(), "{:?}", world.findings.first());
    }

    #[test]
    fn a_service_that_calls_with_the_tokens_of_its_users_is_left_alone() {
        let mut world = World::new();
        (100..130).for_each(|token| world.call(token, 9, 99));
        for turn in 0..20 {
            world.call(1, 3, 8);
            world.call(1, 9, 99);
            assert!(world.findings.is_empty(), "{turn}");
        }
    }

    #[test]
    fn what_many_do_is_how_things_are_done() {
        let mut world = World::new();
        for token in 0..100 {
            for turn in 0..6 {
                world.call(
                    token,
                    u32::try_from(token).unwrap() * 2 + turn % 2,
                    u64::from(turn % 2),
                );
            }
        }
        let told: std::collections::BTreeSet<_> =
            world.findings.iter().map(|finding| finding.consumer).collect();
        assert_eq!(told.len(), 3);
    }
}
