//! Those who attack accounts, each as its tools do.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::stage::Client;
use super::town::{Town, home};

/// An attack, no longer than ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    BruteForce,
    BruteForceFromManyPlaces,
    StuffingFromOnePlace,
    StuffingFromManyPlaces,
    Spraying,
    CodeGuessing,
    Enumeration,
    CouponTesting,
    CardTesting,
    FakeAccounts,
    StolenToken,
}

impl Attack {
    pub(super) const ALL: [Self; 11] = [
        Self::BruteForce,
        Self::BruteForceFromManyPlaces,
        Self::StuffingFromOnePlace,
        Self::StuffingFromManyPlaces,
        Self::Spraying,
        Self::CodeGuessing,
        Self::Enumeration,
        Self::CouponTesting,
        Self::CardTesting,
        Self::FakeAccounts,
        Self::StolenToken,
    ];

    /// What must find it.
    pub(super) const fn detection(self) -> &'static str {
        match self {
            Self::BruteForce | Self::BruteForceFromManyPlaces => "brute_force",
            Self::StuffingFromOnePlace | Self::StuffingFromManyPlaces => "credential_stuffing",
            Self::Spraying => "password_spraying",
            Self::CodeGuessing => "code_guessing",
            Self::Enumeration => "account_enumeration",
            Self::CouponTesting | Self::CardTesting => "card_or_coupon_testing",
            Self::FakeAccounts => "fake_accounts",
            Self::StolenToken => "token_sharing",
        }
    }

    /// What may besides: a password sprayed over accounts is also a list that is tried.
    pub(super) fn tolerated(self) -> BTreeSet<&'static str> {
        let mut tolerated = BTreeSet::from([self.detection()]);
        if self == Self::Spraying {
            tolerated.extend(["credential_stuffing", "account_enumeration"]);
        }
        tolerated
    }

    pub(super) fn run(self, town: &mut Town) {
        match self {
            Self::BruteForce => town.live_on(120, |town, second| {
                let password = format!("guess{second}");
                town.log_in("person7", &password, one(), second == 119);
            }),
            Self::BruteForceFromManyPlaces => town.live_on(240, |town, second| {
                if second.is_multiple_of(4) {
                    town.log_in("person8", &format!("guess{second}"), many(second, 60), false);
                }
            }),
            Self::StuffingFromOnePlace => town.live_on(120, |town, second| {
                let name = format!("stolen{second}");
                town.log_in(&name, &format!("pw{second}"), one(), second % 50 == 49);
            }),
            Self::StuffingFromManyPlaces => town.live_on(500, |town, second| {
                for part in 0..4 {
                    let which = second * 4 + part;
                    let name = format!("leaked{which}");
                    let client = many(which, 3);
                    town.log_in(&name, &format!("pw{which}"), client, which % 100 == 99);
                }
            }),
            Self::Spraying => town.live_on(300, |town, second| {
                if second.is_multiple_of(5) {
                    let name = format!("employee{second}");
                    town.log_in(&name, "Winter2025!", many(second, 70), false);
                }
            }),
            Self::CodeGuessing => town.live_on(60, |town, second| {
                let code = town.stage.dice.below(1_000_000);
                town.verify("person9", code, one(), second == 59);
            }),
            Self::Enumeration => town.live_on(300, |town, second| {
                if second.is_multiple_of(3) {
                    town.forget(&format!("maybe{second}"), one(), second.is_multiple_of(15));
                }
            }),
            Self::CouponTesting => town.live_on(120, |town, second| {
                if second.is_multiple_of(3) {
                    let code = format!("TRY{}", town.stage.dice.below(1_000_000));
                    town.redeem(&code, one(), second == 90);
                }
            }),
            Self::CardTesting => town.live_on(200, |town, second| {
                if second.is_multiple_of(4) {
                    let card = 500_000 + town.stage.dice.below(400_000);
                    town.pay(card, many(second, 80), second.is_multiple_of(40));
                    town.pay(card + 1_000_000, many(second, 80), false);
                }
            }),
            Self::StolenToken => town.live_on(90, |town, second| match second % 20 {
                5 => town.order(12, home(12)),
                15 => town.order(12, one()),
                _ => {}
            }),
            Self::FakeAccounts => town.live_on(600, |town, second| {
                if second.is_multiple_of(8) {
                    town.sign_up(&format!("fake{second}"), many(second, 90));
                }
            }),
        }
    }
}

/// One place.
fn one() -> Client {
    Client { address: Ipv4Addr::new(203, 0, 113, 66), tool: 70 }
}

/// One place of very many, each in a network of its own, all with the same program.
fn many(which: u64, tool: u64) -> Client {
    let [.., high, low] = (which + 1).to_be_bytes();
    Client { address: Ipv4Addr::new(203, high, low, 5), tool }
}
