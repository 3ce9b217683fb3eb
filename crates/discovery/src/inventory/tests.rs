//! What becomes an endpoint, and how it is shown.

use expect_test::expect_file;
use proptest::prelude::*;
use tapline_model::{EndpointState, JsonKind};

use super::*;
use crate::testing::{Exchange, delta_of};

fn inventory(epochs: &[Vec<Exchange>]) -> Inventory {
    inventory_of(Config::default(), epochs)
}

fn inventory_of(config: Config, epochs: &[Vec<Exchange>]) -> Inventory {
    let mut inventory = Inventory::new(config, Key::fixed());
    for epoch in epochs {
        inventory.apply(&delta_of(epoch));
    }
    inventory
}

fn shown(inventory: &mut Inventory) -> Vec<String> {
    inventory
        .endpoints()
        .iter()
        .map(|endpoint| {
            format!(
                "{} {} {} {} {}",
                endpoint.host,
                endpoint.method,
                endpoint.template,
                endpoint.state.label(),
                endpoint.requests
            )
        })
        .collect()
}

fn get(target: &str) -> Exchange {
    Exchange::new("GET", target, 200)
}

fn listed(exchanges: &[Exchange]) -> Vec<String> {
    shown(&mut inventory(&[exchanges.to_vec()]))
}

#[test]
fn slots_of_one_place_are_one_endpoint() {
    let seen = [
        get("/users/1"),
        get("/users/550e8400-e29b-41d4-a716-446655440000"),
        get("/users/2026-11-13"),
    ];
    assert_eq!(listed(&seen), ["shop.example.test GET /users/{userId} candidate 3"]);
}

#[test]
fn scanner_noise_invents_nothing() {
    let mut noise = Vec::new();
    for (client, status) in [(1, 404), (2, 401), (3, 403), (4, 500), (5, 405)] {
        for path in ["/.env", "/admin.php", "/wp-login.php"] {
            noise.push(Exchange::new("GET", path, status).client(client));
        }
    }
    noise.push(get("/ok"));
    let mut inventory = inventory(&[noise.clone(), noise]);
    assert_eq!(shown(&mut inventory), ["shop.example.test GET /ok candidate 2"]);
    assert_eq!(inventory.unmatched_requests(), 30);
    assert_eq!(inventory.hosts()[0].unmatched, 30);
}

#[test]
fn what_is_refused_to_two_who_are_known_is_a_candidate() {
    let refused = |key: &str| Exchange::new("GET", "/admin", 403).field("X-Api-Key", key);
    assert_eq!(listed(&[refused("a"), refused("b")]).len(), 0, "the host serves nothing yet");
    let mut inventory = inventory(&[vec![get("/ok")], vec![refused("a"), refused("b")]]);
    assert_eq!(
        shown(&mut inventory),
        ["shop.example.test GET /admin candidate 2", "shop.example.test GET /ok candidate 1"]
    );
}

#[test]
fn an_error_before_the_first_success_counts() {
    let mut inventory =
        inventory(&[vec![Exchange::new("GET", "/a", 500)], vec![get("/a"), get("/a")]]);
    let endpoint = &inventory.endpoints()[0];
    assert_eq!(endpoint.statuses, [(200, 2), (500, 1)]);
    assert_eq!(endpoint.requests, 3);
    assert_eq!(endpoint.latency_us.count, 3);
    assert_eq!(inventory.unmatched_requests(), 0);
}

#[test]
fn what_only_followed_a_template_goes_with_it() {
    let names = ["devices", "sessions", "avatars", "payments", "accounts", "cards", "events"];
    let word = |name: &str| get(&format!("/{name}")).answer("application/json", r#"{"id":1}"#);
    let missing = |n: u32| Exchange::new("GET", &format!("/server-status{n}"), 404);
    let mut inventory = inventory(&[names.iter().map(|name| word(name)).collect()]);
    inventory.settle();
    inventory.apply(&delta_of(&(1000..1010).map(missing).collect::<Vec<_>>()));
    // Each answers something else, and comes often: words.
    let often = names.iter().enumerate().flat_map(|(n, name)| {
        let answer = format!(r#"{{"{name}":[],"next{n}":"x"}}"#);
        (0..40u8).map(move |client| {
            get(&format!("/{name}")).client(client % 9).answer("application/json", &answer)
        })
    });
    inventory.apply(&delta_of(&often.collect::<Vec<_>>()));
    inventory.settle();
    let failing = |line: &String| line.contains("{id}") || line.contains("server-status");
    let shown = shown(&mut inventory);
    assert!(!shown.iter().any(failing), "{shown:#?}");
}

#[test]
fn an_endpoint_is_confirmed_by_use() {
    let state = |exchanges: &[Exchange]| inventory(&[exchanges.to_vec()]).endpoints()[0].state;
    let by = |client| get("/a").client(client);
    assert_eq!(state(&[by(1), by(1), by(1)]), EndpointState::Candidate);
    assert_eq!(state(&[by(1), by(2)]), EndpointState::Candidate);
    assert_eq!(state(&[by(1), by(1), by(2)]), EndpointState::Confirmed);
    assert_eq!(state(&vec![by(1); 10]), EndpointState::Confirmed);
}

#[test]
fn a_catch_all_redirect_creates_nothing_not_even_before_it_was_one() {
    let redirect = |path: &str| Exchange::new("GET", path, 302).location("/login");
    let words = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let first: Vec<_> = words[..7].iter().map(|word| redirect(&format!("/{word}"))).collect();
    let mut inventory = inventory(&[first]);
    assert_eq!(inventory.endpoints().len(), 7);
    assert!(inventory.routes_changed());
    inventory.apply(&delta_of(&[redirect("/h"), redirect("/i"), get("/login")]));
    assert_eq!(shown(&mut inventory), ["shop.example.test GET /login candidate 1"]);
    assert!(inventory.routes_changed());
    assert_eq!(inventory.unmatched_requests(), 9);
    // What does more than redirect there is an endpoint, and what it saw before still counts.
    inventory.apply(&delta_of(&[get("/a")]));
    assert_eq!(
        shown(&mut inventory),
        ["shop.example.test GET /a candidate 2", "shop.example.test GET /login candidate 1"]
    );
}

#[test]
fn a_redirect_of_its_own_creates_an_endpoint() {
    let redirect = Exchange::new("POST", "/orders", 303).location("/orders/17");
    assert_eq!(listed(&[redirect]), ["shop.example.test POST /orders candidate 1"]);
    let same = Exchange::new("GET", "/orders", 301).location("https://shop.example.test/orders/");
    assert_eq!(listed(&[same]).len(), 0);
}

#[test]
fn head_and_options_are_attributes() {
    let head = || Exchange::new("HEAD", "/users/1", 200);
    let options = || Exchange::new("OPTIONS", "/users/2", 204);
    for epochs in [
        vec![vec![head(), options(), get("/users/3")]],
        vec![vec![head(), options()], vec![get("/users/3")]],
        vec![vec![get("/users/3")], vec![head(), options()]],
    ] {
        let mut inventory = inventory(&epochs);
        let endpoints = inventory.endpoints();
        assert_eq!(endpoints.len(), 1);
        assert!(endpoints[0].head && endpoints[0].options);
        assert_eq!(endpoints[0].requests, 1);
        assert_eq!(inventory.unmatched_requests(), 0);
        let route = head().observed().route;
        assert_eq!(inventory.resolve(route), Some(endpoints[0].id));
        assert_eq!(inventory.endpoint_ref(route), None);
        assert_eq!(inventory.known_routes().count(), 3);
    }
    assert_eq!(listed(&[head(), options()]).len(), 0);
    let refused = Exchange::new("OPTIONS", "/a", 405);
    assert!(!inventory(&[vec![refused, get("/a")]]).endpoints()[0].options);
}

#[test]
fn text_that_may_be_a_value_is_shown_after_two_consumers() {
    let by = |client| get("/u/bob17/orders").client(client);
    let mut inventory = inventory(&[vec![by(1), by(1)]]);
    let before = inventory.endpoints();
    assert!(before[0].template.starts_with("/u/~"), "{}", before[0].template);
    let (_, reference) = inventory.endpoint_ref(by(1).observed().route).unwrap();
    assert_eq!(reference.template, before[0].template);
    inventory.apply(&delta_of(&[by(2)]));
    let after = inventory.endpoints();
    assert_eq!(after[0].template, "/u/bob17/orders");
    assert_eq!(after[0].id, before[0].id, "the id does not depend on what is shown");
}

#[test]
fn an_unchanged_endpoint_is_the_same_value() {
    let mut inventory = inventory(&[vec![get("/a"), get("/b")]]);
    let before = inventory.endpoints();
    inventory.apply(&delta_of(&[get("/b")]));
    let after = inventory.endpoints();
    assert!(Arc::ptr_eq(&before[0], &after[0]));
    assert!(!Arc::ptr_eq(&before[1], &after[1]));
}

#[test]
fn a_host_that_answers_as_another_does_is_an_alias() {
    let both = |host: &str| {
        vec![
            get("/a").host(host).answer("application/json", r#"{"a":1}"#),
            get("/b").host(host).answer("application/json", r#"{"b":1}"#),
        ]
    };
    let mut inventory = inventory(&[both("shop.example.test"), both("www.example.test")]);
    let hosts = inventory.hosts();
    assert_eq!(hosts.len(), 1);
    assert_eq!(hosts[0].aliases, ["www.example.test"]);
    assert_eq!(inventory.endpoints().len(), 2);
    let route = both("www.example.test")[0].observed().route;
    let (host, reference) = inventory.endpoint_ref(route).unwrap();
    assert_eq!((host.as_str(), reference.template.as_str()), ("shop.example.test", "/a"));
    assert_eq!(inventory.resolve(route), Some(reference.id));

    // It shows that it is a service of its own.
    inventory.apply(&delta_of(&[get("/c").host("www.example.test")]));
    assert_eq!(inventory.hosts().len(), 2);
    assert_eq!(inventory.endpoints().len(), 5);
}

#[test]
fn a_bare_address_is_never_the_original_of_a_name() {
    let mut inventory =
        inventory(&[vec![get("/a").host("10.0.0.1")], vec![get("/a").host("shop.example.test")]]);
    assert_eq!(inventory.hosts()[0].host, "shop.example.test");
    assert_eq!(inventory.hosts()[0].aliases, ["10.0.0.1"]);
    assert_eq!(inventory.endpoints().len(), 1);
}

#[test]
fn hosts_that_differ_or_sit_elsewhere_are_no_aliases() {
    let of = |host: &str, answer: &str| get("/a").host(host).answer("application/json", answer);
    let differs = vec![of("a.test", r#"{"a":1}"#), of("b.test", r#"{"b":1}"#)];
    assert_eq!(inventory(&[differs]).hosts().len(), 2);
    let mut elsewhere = of("b.test", r#"{"a":1}"#);
    elsewhere.server = "10.0.0.2:80".parse().unwrap();
    assert_eq!(inventory(&[vec![of("a.test", r#"{"a":1}"#), elsewhere]]).hosts().len(), 2);
    // The same errors say nothing.
    let errors = |host: &str| Exchange::new("GET", "/x", 404).host(host);
    let services = vec![
        of("a.test", r#"{"a":1}"#),
        get("/b").host("b.test"),
        errors("a.test"),
        errors("b.test"),
    ];
    assert_eq!(inventory(&[services]).hosts().len(), 2);
}

#[test]
fn full_tables_refuse_and_count() {
    let config = Config { endpoints_max: 2, hosts_max: 1, servers_max: 1, ..Config::default() };
    let mut inventory = inventory_of(
        config,
        &[
            vec![get("/a"), get("/b")],
            vec![get("/c")],
            vec![get("/c"), get("/d").host("other.example.test")],
        ],
    );
    assert_eq!(inventory.endpoints().len(), 2);
    assert_eq!(inventory.rejected().endpoints, 2);
    assert_eq!(inventory.rejected().hosts, 1);
    assert_eq!(inventory.rejected().routes, 0);
    assert_eq!(inventory.unmatched_requests(), 3);
}

#[test]
fn routes_that_wait_make_room_and_are_counted() {
    let config = Config { endpoints_max: 2, ..Config::default() };
    let missing = |path: &str| Exchange::new("GET", path, 404);
    let all = ["/a", "/b", "/c", "/d", "/e"].map(missing).to_vec();
    let inventory = inventory_of(config, &[all]);
    assert_eq!(inventory.rejected().routes, 3);
    assert_eq!(inventory.unmatched_requests(), 5);
}

#[test]
fn parameters_are_named_and_counted() {
    let exchange =
        |answer: &str| get("/users/1/orders/2026-11-13?page=2").answer("application/json", answer);
    let failed = Exchange::new("GET", "/users/1/orders/2026-11-13?other=2", 500);
    let mut inventory =
        inventory(&[vec![exchange(r#"{"n":1}"#), exchange(r#"{"n":null}"#), failed]]);
    let parameters: Vec<String> = inventory.endpoints()[0]
        .parameters
        .iter()
        .map(|seen| {
            format!("{} {} {:?} {}/{}", seen.location, seen.name, seen.types, seen.present, seen.of)
        })
        .collect();
    assert_eq!(
        parameters,
        [
            r#"path userId [("integer", 2)] 2/2"#,
            r#"path date [("date", 2)] 2/2"#,
            r#"query page [("integer", 2)] 2/2"#,
        ]
    );
    let bodies = &inventory.endpoints()[0].bodies;
    let parts: Vec<_> = bodies.iter().map(|body| (body.status, body.n, body.of)).collect();
    assert_eq!(parts, [(Some(200), 2, 2), (Some(500), 1, 1)], "errors have a schema of their own");
    let member = &bodies[0].schema.properties[0];
    assert_eq!((member.name.as_str(), member.present, member.of), ("n", 2, 2));
    assert_eq!(member.schema.kinds, [(JsonKind::Null, 1), (JsonKind::Integer, 1)]);
    assert!(member.schema.nullable);
}

#[test]
fn the_document_has_its_shape() {
    let exchange = get("/users/1").field("X-Api-Key", "planted-secret-key");
    let mut inventory = inventory(&[vec![exchange]]);
    let document =
        serde_json::to_value(inventory_json(&inventory.hosts(), &inventory.endpoints(), &[]))
            .unwrap();
    expect_file!["tests/document.json"]
        .assert_eq(&(serde_json::to_string_pretty(&document).unwrap() + "\n"));
}

#[test]
fn planted_secrets_are_in_no_document() {
    let secret = "4111111111111111";
    let mut exchanges = Vec::new();
    for client in 1..4 {
        exchanges.extend([
            get(&format!("/cards/{secret}")).client(client),
            get(&format!("/x/card-{secret}")).client(client),
            get(&format!("/y?{secret}=1")).client(client),
            get("/z")
                .answer("application/json", &format!(r#"{{"{secret}":{{"bob@example.com":1}}}}"#)),
        ]);
    }
    let mut inventory = inventory(&[exchanges]);
    let document =
        serde_json::to_string(&inventory_json(&inventory.hosts(), &inventory.endpoints(), &[]))
            .unwrap();
    let debugged = format!("{inventory:?}");
    for secret in [secret, "bob@example.com"] {
        assert!(!document.contains(secret), "{document}");
        assert!(!debugged.contains(secret));
    }
}

#[test]
fn what_only_one_consumer_sent_is_in_no_output() {
    let mut inventory = inventory(&[vec![get("/u/bob17"), get("/u/bob17")]]);
    let document =
        serde_json::to_string(&inventory_json(&inventory.hosts(), &inventory.endpoints(), &[]))
            .unwrap();
    assert!(!document.contains("bob17"), "{document}");
}

fn exchanges() -> impl Strategy<Value = Vec<Exchange>> {
    let one = (
        prop::sample::select(vec!["GET", "POST", "HEAD", "OPTIONS"]),
        prop::sample::select(vec!["/a", "/b", "/a/1", "/a/x1", "/u/2026-11-13", "/c"]),
        prop::sample::select(vec![200u16, 204, 302, 401, 404, 500]),
        prop::sample::select(vec!["a.test", "b.test", "10.0.0.1"]),
        1u8..4,
    );
    let one = one.prop_map(|(method, target, status, host, client)| {
        let exchange = Exchange::new(method, target, status).host(host).client(client);
        if status == 302 { exchange.location("/login") } else { exchange }
    });
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_within_an_epoch_never_shows(
        (mut seen, other) in (exchanges(), exchanges()),
        cut in 0usize..40,
    ) {
        let mut together = inventory(&[seen.clone(), other.clone()]);
        // Other shards, joined in the other order.
        seen.reverse();
        let (left, right) = seen.split_at(cut.min(seen.len()));
        let mut joined = delta_of(left);
        joined.join(delta_of(right));
        let mut apart = Inventory::new(Config::default(), Key::fixed());
        apart.apply(&joined);
        apart.apply(&delta_of(&other));
        prop_assert_eq!(together.endpoints(), apart.endpoints());
        prop_assert_eq!(together.hosts(), apart.hosts());
        prop_assert_eq!(together.unmatched_requests(), apart.unmatched_requests());
    }

    #[test]
    fn every_request_is_at_one_place(epochs in prop::collection::vec(exchanges(), 0..5)) {
        let tight = Config { endpoints_max: 4, hosts_max: 2, ..Config::default() };
        for (config, is_tight) in [(tight, true), (Config::default(), false)] {
            let mut inventory = inventory_of(config, &epochs);
            let sent = epochs.iter().flatten().count() as u64;
            let unresolved = epochs
                .iter()
                .flatten()
                .filter(|exchange| !inventory.routes.contains_key(&exchange.observed().route))
                .count() as u64;
            let at_endpoints: u64 =
                inventory.endpoints.values().map(|endpoint| endpoint.total.requests).sum();
            let at_attributes: u64 =
                inventory.paths_known.values().map(|path| path.attribute_requests).sum();
            prop_assert_eq!(inventory.unmatched_requests() + at_endpoints + at_attributes, sent);
            // What a full table forgot is not found again when its route becomes an endpoint.
            prop_assert!(inventory.unmatched_requests() >= unresolved);
            prop_assert!(is_tight || inventory.unmatched_requests() == unresolved);
            prop_assert!(!is_tight || inventory.endpoints().len() <= 4);
            prop_assert!(!is_tight || inventory.hosts().len() <= 2);
        }
    }
}

#[test]
fn a_route_is_well_known_once_enough_bodies_were_read() {
    let config = Config { bodies_read_min: 3, bodies_one_in: 16, ..Config::default() };
    let get = || Exchange::new("GET", "/users/7", 200);
    let one_in = |inventory: &Inventory| {
        let known = inventory.known_routes().map(|(_, known)| known.bodies_one_in);
        known.collect::<Vec<_>>()
    };
    let mut inventory = inventory_of(config, &[vec![get()]]);
    assert_eq!(one_in(&inventory), [1]);
    assert!(inventory.routes_changed());
    inventory.apply(&delta_of(&[get()]));
    assert_eq!((one_in(&inventory), inventory.routes_changed()), (vec![1], false));
    inventory.apply(&delta_of(&[get()]));
    assert_eq!((one_in(&inventory), inventory.routes_changed()), (vec![16], true));
}
