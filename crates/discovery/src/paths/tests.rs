//! What is learned of paths.

use tapline_model::Key;

use crate::testing::{Exchange, delta_of};
use crate::{Config, Inventory};

const USER: &str = r#"{"name":"x","email":"y","roles":[]}"#;
const PAGE: &str = r#"{"data":[],"meta":{}}"#;

/// Some names, none of them twice.
fn names(count: usize) -> impl Iterator<Item = String> {
    const PARTS: [&str; 10] =
        ["amber", "birch", "coral", "delta", "ember", "fjord", "grove", "hazel", "iris", "jade"];
    (0..count).map(|n| {
        let part = |n: usize| PARTS[n % PARTS.len()];
        format!("{}-{}-{}", part(n), part(n / 10), part(n / 100))
    })
}

fn get(path: &str, answer: &str) -> Exchange {
    let client = u8::try_from(path.len() % 7).unwrap() + 1;
    Exchange::new("GET", path, 200).client(client).answer("application/json", answer)
}

/// What stands in the inventory after all this was seen, ten in an epoch.
fn learned(exchanges: &[Exchange]) -> Vec<String> {
    let mut inventory = Inventory::new(Config::default(), Key::fixed());
    for epoch in exchanges.chunks(10) {
        inventory.apply(&delta_of(epoch));
    }
    inventory.settle();
    let endpoints = inventory.endpoints();
    let requests: u64 = endpoints.iter().map(|endpoint| endpoint.requests).sum();
    assert_eq!(requests + inventory.unmatched_requests(), exchanges.len() as u64);
    endpoints
        .iter()
        .map(|endpoint| format!("{} {}", endpoint.template, endpoint.requests))
        .collect()
}

#[test]
fn names_become_values_and_words_stay_words() {
    let mut seen: Vec<Exchange> =
        names(120).map(|name| get(&format!("/users/{name}"), USER)).collect();
    for round in 0..40 {
        seen.push(get("/users/me", USER));
        seen.push(get("/users/export", r#"{"url":"x","expires":1}"#));
        seen.push(get("/orders", r#"{"orders":[]}"#));
        seen.push(get(["/cart", "/status"][round % 2], r#"{"ok":true,"n":1}"#));
    }
    let expected = [
        "/cart 20",
        "/orders 40",
        "/status 20",
        "/users/export 40",
        "/users/me 40",
        "/users/{userId} 120",
    ];
    assert_eq!(learned(&seen), expected);
}

#[test]
fn what_follows_values_is_learned_with_them() {
    let tails = [
        ("orders", r#"{"orders":[]}"#),
        ("settings", r#"{"theme":"x","lang":"y"}"#),
        ("orders/7", r#"{"id":7,"total":1}"#),
    ];
    let seen: Vec<Exchange> = names(150)
        .zip(tails.iter().cycle())
        .map(|(name, (tail, answer))| get(&format!("/u/{name}/{tail}"), answer))
        .collect();
    assert_eq!(
        learned(&seen),
        ["/u/{uId}/orders 50", "/u/{uId}/orders/{orderId} 50", "/u/{uId}/settings 50"]
    );
}

#[test]
fn collections_that_are_answered_alike_are_not_one() {
    let words = ["faxes", "rooms", "media", "fqdns", "brands", "hooks", "ports", "calls"];
    let seen: Vec<Exchange> =
        (0..400).map(|n| get(&format!("/v2/{}", words[n % words.len()]), PAGE)).collect();
    assert_eq!(learned(&seen).len(), words.len());
}

#[test]
fn a_handful_of_new_words_is_no_slot() {
    let words = ["users", "orders", "cart", "items", "status", "login", "search", "stock"];
    let seen: Vec<Exchange> = words.iter().map(|word| get(&format!("/{word}"), PAGE)).collect();
    assert_eq!(learned(&seen).len(), seen.len());
}

#[test]
fn extensions_and_versions_stay_visible() {
    let mut seen: Vec<Exchange> =
        names(80).map(|name| get(&format!("/files/{name}.json"), USER)).collect();
    for version in ["2015-03-31", "2018-10-31"] {
        seen.extend((0..60).map(|n| get(&format!("/{version}/jobs/{n}"), r#"{"id":1,"n":2}"#)));
    }
    assert_eq!(
        learned(&seen),
        ["/2015-03-31/jobs/{jobId} 60", "/2018-10-31/jobs/{jobId} 60", "/files/{fileId}.json 80"]
    );
}

#[test]
fn what_was_not_found_below_a_slot_belongs_to_it() {
    let mut seen: Vec<Exchange> =
        names(120).map(|name| get(&format!("/users/{name}"), USER)).collect();
    seen.push(Exchange::new("GET", "/users/nobody-here", 404));
    seen.push(Exchange::new("GET", "/.env", 404));
    assert_eq!(learned(&seen), ["/users/{userId} 121"]);
}

#[test]
fn a_slot_is_parted_when_a_word_shows() {
    let audit = || get("/users/audit", r#"{"log":[],"cursor":"x"}"#);
    let mut seen: Vec<Exchange> =
        names(60).map(|name| get(&format!("/users/{name}"), USER)).collect();
    seen.extend((0..60).map(|_| audit()));
    assert_eq!(learned(&seen), ["/users/audit 60", "/users/{userId} 60"]);
}

#[test]
fn memory_ends_and_learning_goes_on() {
    let config = Config { path_places_max: 2_000, endpoints_max: 500, ..Config::default() };
    let mut inventory = Inventory::new(config, Key::fixed());
    for start in (0..20_000).step_by(500) {
        let seen: Vec<Exchange> =
            (start..start + 500).map(|n| get(&format!("/users/n{n}x/b"), USER)).collect();
        inventory.apply(&delta_of(&seen));
    }
    inventory.settle();
    let endpoints = inventory.endpoints();
    assert_eq!(endpoints.len(), 1, "{endpoints:?}");
    assert_eq!(endpoints[0].requests, 20_000);
    assert!(inventory.rejected().paths > 0, "what taught nothing is counted");
}
