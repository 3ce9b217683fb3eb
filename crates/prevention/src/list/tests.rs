//! The list, by what it is told and asked.

use std::net::IpAddr;

use proptest::prelude::*;
use tapline_model::{ConsumerKey, Mappings, Measure, Severity};

use super::*;

/// A finding that blames whoever calls from `addresses`, at a second of capture time.
pub(crate) fn finding(id: u64, second: u64, addresses: &[&str]) -> Finding {
    let measure = || Measure { value: 1.0, unit: "routes".into(), text: "Routes.".into() };
    Finding {
        id: format!("{id:016x}"),
        detection: "path_scanner".into(),
        kind: FindingKind::Behaviour,
        severity: Severity::High,
        confidence: 0.99,
        state: FindingState::Open,
        title: "A consumer asks for many routes that no endpoint has".into(),
        host: "shop.example".into(),
        endpoint: None,
        consumer: Some(ConsumerKey(id)),
        owner: None,
        client_addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        first_seen: Timestamp::from_seconds(second),
        last_seen: Timestamp::from_seconds(second),
        found_at: Timestamp::ZERO,
        normal: measure(),
        seen: measure(),
        probability: 1e-9,
        lift: 9.0,
        mappings: Mappings::default(),
        evidence: Vec::new(),
    }
}

pub(crate) fn list(change: impl FnOnce(&mut Config)) -> List {
    let mut config = Config { enabled: true, entry_seconds: 100, ..Config::default() };
    change(&mut config);
    List::new(config)
}

fn shown(list: &List) -> Vec<String> {
    list.entries().map(|entry| entry.subject.to_string()).collect()
}

#[test]
fn who_is_blamed_is_listed_until_some_time_after_it_was_last_seen() {
    let mut list = list(|_| {});
    assert_eq!(list.note(&finding(1, 1_000, &["203.0.113.9"]), true).len(), 1);
    assert_eq!(list.note(&finding(1, 1_050, &["203.0.113.9"]), true).len(), 0, "no news");
    list.tick(Timestamp::from_seconds(1_149));
    assert_eq!(shown(&list), ["203.0.113.9"]);
    list.tick(Timestamp::from_seconds(1_150));
    assert_eq!(shown(&list), [""; 0]);
    assert_eq!(list.ended().count(), 1);
    list.tick(Timestamp::from_seconds(9_000));
    assert_eq!(list.ended().count(), 0, "it is forgotten");
}

#[test]
fn only_findings_that_blame_somebody_and_are_bad_and_sure_enough_list_anybody() {
    let mut list = list(|config| config.detections = vec!["path_scanner".into()]);
    let good = finding(1, 1, &["203.0.113.9"]);
    for bad in [
        Finding { consumer: None, ..good.clone() },
        Finding { kind: FindingKind::Posture, ..good.clone() },
        Finding { severity: Severity::Medium, ..good.clone() },
        Finding { confidence: 0.5, ..good.clone() },
        Finding { confidence: f64::NAN, ..good.clone() },
        Finding { state: FindingState::Resolved, ..good.clone() },
        Finding { detection: "error_burst".into(), ..good.clone() },
    ] {
        assert_eq!(list.note(&bad, true), [], "{bad:?}");
    }
    assert_eq!(list.note(&good, true).len(), 1);
}

#[test]
fn the_address_of_credentials_is_listed_only_when_that_is_set() {
    let blamed = finding(7, 1, &["203.0.113.9"]);
    let mut careful = list(|_| {});
    careful.note(&blamed, false);
    assert_eq!(shown(&careful), ["0000000000000007"]);
    let mut strict = list(|config| config.addresses_of_credentials = true);
    strict.note(&blamed, false);
    assert_eq!(shown(&strict), ["203.0.113.9", "0000000000000007"]);
}

#[test]
fn networks_that_are_never_listed_are_not_and_that_is_counted() {
    let mut list = list(|config| config.never = vec!["198.51.100.0/24".parse().unwrap()]);
    let from = ["198.51.100.7", "::ffff:198.51.100.8", "127.0.0.1", "::1", "203.0.113.9"];
    list.note(&finding(1, 1, &from), true);
    assert_eq!(shown(&list), ["203.0.113.9"]);
    assert_eq!(list.counts().refused, [4, 0, 0]);
}

#[test]
fn a_flood_of_offenders_is_let_in_slowly() {
    let mut list = list(|config| config.new_per_minute_max = 2);
    let from = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5"];
    list.note(&finding(1, 60, &from), true);
    assert_eq!(list.entries().count(), 2);
    list.note(&finding(1, 119, &from), true);
    assert_eq!(list.entries().count(), 2);
    list.note(&finding(1, 120, &from), true);
    assert_eq!(list.entries().count(), 4);
    assert_eq!(list.counts().refused, [0, 7, 0]);
}

#[test]
fn a_full_list_takes_nobody_and_keeps_who_is_on_it() {
    let mut list = list(|config| config.entries_max = 1);
    list.note(&finding(1, 1, &["203.0.113.1"]), true);
    list.note(&finding(2, 1, &["203.0.113.2"]), true);
    assert_eq!(shown(&list), ["203.0.113.1"]);
    assert_eq!(list.counts().refused, [0, 0, 1]);
}

#[test]
fn who_has_no_reason_left_is_taken_off() {
    let mut list = list(|_| {});
    list.note(&finding(1, 1, &["203.0.113.1", "203.0.113.2"]), true);
    list.note(&finding(2, 1, &["203.0.113.2"]), true);
    list.withdraw(&|id| id != "0000000000000001");
    assert_eq!(shown(&list), ["203.0.113.2"]);
    assert_eq!(
        list.ended().map(|ended| ended.entry.subject.to_string()).collect::<Vec<_>>(),
        ["203.0.113.1"]
    );
    list.note(&finding(3, 2, &["203.0.113.1"]), true);
    assert_eq!(list.ended().count(), 0, "whoever is on the list again has not ended");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_books_balance_and_the_bounds_hold(
        steps in prop::collection::vec((0u64..20, 0u64..400, 0u8..40), 0..200),
    ) {
        let mut list = list(|config| config.entries_max = 10);
        for (id, second, host) in steps {
            let mut found = finding(id, second, &[]);
            found.client_addresses = (0..12).map(|n| IpAddr::from([203, 0, n, host])).collect();
            if host == 0 {
                list.withdraw(&|finding| finding != found.id);
            } else {
                list.note(&found, host % 2 == 0);
            }
            let counts = list.counts();
            let entries = u64::try_from(list.entries().count()).unwrap();
            prop_assert_eq!(counts.listed, entries + counts.expired + counts.withdrawn);
            prop_assert_eq!(list.ends.len(), list.entries.len());
            prop_assert!(entries <= 10);
            prop_assert!(list.entries().all(|entry| entry.until > list.now()));
            prop_assert!(list.entries().all(|entry| entry.reasons.len() <= REASONS_MAX));
        }
    }
}
