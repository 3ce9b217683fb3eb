//! What rules do to an inventory.

use tapline_model::{CallerPlaces, Key, SegmentView};

use super::*;
use crate::testing::{Exchange, delta_of};
use tapline_model::Network;

use crate::{Config, Discovery, Inventory};

const USER: &str = r#"{"name":"x","email":"y","roles":[]}"#;

fn rule(path: &str) -> TemplateRule {
    TemplateRule::new(HostPattern::ANY, PathPattern::parse(path).unwrap())
}

fn config(rules: &[TemplateRule]) -> Config {
    Config { templates: rules.to_vec(), ..Config::default() }
}

fn get(path: &str) -> Exchange {
    let client = u8::try_from(path.len() % 7).unwrap() + 1;
    Exchange::new("GET", path, 200).client(client).answer("application/json", USER)
}

fn names(prefix: &str, count: usize, rest: &str) -> Vec<Exchange> {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    let name = |n| [letter(n), 'a', letter(n / 26), 'o', letter(n * 7)].iter().collect::<String>();
    (0..count).map(|n| get(&format!("{prefix}{}{rest}", name(n)))).collect()
}

fn seen(rules: &[TemplateRule], exchanges: &[Exchange]) -> Inventory {
    let mut inventory = Inventory::new(config(rules), Key::fixed());
    for epoch in exchanges.chunks(10) {
        inventory.apply(&delta_of(epoch));
    }
    inventory.settle();
    inventory
}

fn shown(inventory: &mut Inventory) -> Vec<String> {
    let endpoints = inventory.endpoints();
    endpoints.iter().map(|it| format!("{} {}", it.template, it.requests)).collect()
}

fn check(rules: &[&str], exchanges: &[Exchange], expected: &[&str]) {
    let rules: Vec<_> = rules.iter().map(|path| rule(path)).collect();
    assert_eq!(shown(&mut seen(&rules, exchanges)), expected, "from the start");
    // What was learned before the rules were made follows them, and goes back with them.
    let mut later = seen(&[], exchanges);
    let before = shown(&mut later);
    later.rule(&config(&rules), Documented::default());
    assert_eq!(shown(&mut later), expected, "afterwards");
    later.rule(&config(&[]), Documented::default());
    assert_eq!(shown(&mut later), before, "taken back");
    let requests: u64 = later.endpoints().iter().map(|it| it.requests).sum();
    assert_eq!(requests, exchanges.len() as u64);
}

#[test]
fn few_texts_are_joined() {
    let files = ["a", "b", "c"].map(|name| get(&format!("/files/{name}")));
    check(&["/files/{path}"], &files, &["/files/{path} 3"]);
    check(&["/files/{path}", "/files/b"], &files, &["/files/b 1", "/files/{path} 2"]);
    check(&["/{kind}/b"], &files, &["/files/a 1", "/files/c 1", "/{kind}/b 1"]);
}

#[test]
fn a_word_is_parted_from_values_that_are_answered_alike() {
    let mut users = names("/users/", 80, "");
    users.push(get("/users/export"));
    users.push(get("/users/zaphod/posts"));
    users.extend(names("/users/", 40, "/posts"));
    let expected = ["/users/zaphod 1", "/users/{userId} 80", "/users/{userId}/posts 41"];
    let mut with_him = users.clone();
    with_him[80] = get("/users/zaphod");
    check(&["/users/zaphod"], &with_him[..81], &expected[..2]);
    // With /** the word is one for all that follows.
    let expected = [
        "/users/zaphod 1",
        "/users/zaphod/posts 1",
        "/users/{userId} 80",
        "/users/{userId}/posts 40",
    ];
    check(&["/users/zaphod/**"], &with_him, &expected);
}

#[test]
fn slots_are_called_what_rules_call_them() {
    let jobs = [get("/v1/jobs/1"), get("/v1/jobs/2/log"), get("/v1/jobs/2026-01-02")];
    check(&["/v1/jobs/{job}"], &jobs, &["/v1/jobs/{jobId}/log 1", "/v1/jobs/{job} 2"]);
    check(&["/v1/jobs/{job}/**"], &jobs, &["/v1/jobs/{job} 2", "/v1/jobs/{job}/log 1"]);
    check(
        &["/{version}/jobs/**"],
        &jobs,
        &["/{version}/jobs/{jobId} 2", "/{version}/jobs/{jobId}/log 1"],
    );
}

#[test]
fn what_follows_a_slot_of_a_beginning_is_learned_together() {
    let seen = [get("/t/red/a"), get("/t/blue/a"), get("/t/blue/b"), get("/t/green/status")];
    check(&["/t/{team}/**"], &seen, &["/t/{team}/a 2", "/t/{team}/b 1", "/t/{team}/status 1"]);
}

#[test]
fn a_failure_makes_no_endpoint_of_a_rule() {
    let mut inventory =
        seen(&[rule("/users/{id}")], &[get("/ok"), Exchange::new("GET", "/users/x", 404)]);
    assert_eq!(shown(&mut inventory), ["/ok 1"]);
    inventory.apply(&delta_of(&[get("/users/y")]));
    inventory.settle();
    assert_eq!(shown(&mut inventory), ["/ok 1", "/users/{id} 2"]);
}

#[test]
fn rules_of_other_methods_and_hosts_say_nothing() {
    let one = TemplateRule { methods: vec!["POST".to_owned()], ..rule("/a/{x}") };
    let other =
        TemplateRule { host: HostPattern::parse("*.elsewhere.test").unwrap(), ..rule("/{y}/b") };
    let exchanges =
        [get("/a/b"), Exchange::new("POST", "/a/c", 201), Exchange::new("HEAD", "/a/b", 200)];
    let mut inventory = seen(&[one, other], &exchanges);
    assert_eq!(shown(&mut inventory), ["/a/b 1", "/a/{x} 1"]);
    assert!(inventory.endpoints()[0].head);
}

#[test]
fn a_word_that_looks_like_a_value_is_held_by_who_names_routes() {
    let rules = [rule("/rooms/42"), rule("/rooms/{room}/beds")];
    let mut discovery = Discovery::new(config(&rules), Key::fixed());
    let mut name = |path: &str| {
        let mut seen = None;
        discovery.push_exchange(&get(path), &mut seen);
        format!("{:?}", seen.unwrap().name.template.segments)
    };
    for _ in 0..2 {
        assert!(name("/rooms/42").contains("Word(42)"));
        assert!(name("/rooms/43").contains("Integer"));
        assert!(name("/rooms/42/beds").contains("Word(42)"), "as far as it leads");
        assert!(name("/floors/42").contains("Integer"));
    }
    assert!(rules[0].holds_words() && !rules[1].holds_words());
}

#[test]
fn a_document_makes_slots_likelier_and_words_certain() {
    let exchanges = ["amy", "bob", "cat", "dot", "me"].map(|name| get(&format!("/users/{name}")));
    let mut inventory = seen(&[], &exchanges);
    assert_eq!(shown(&mut inventory).len(), 5, "too few to know");
    let documented = ["/users/{id}", "/users/me"]
        .map(|path| (HostPattern::ANY, PathPattern::parse(path).unwrap()));
    inventory.rule(&Config::default(), documented.into());
    assert_eq!(shown(&mut inventory), ["/users/me 1", "/users/{userId} 4"]);
}

#[test]
fn labels_add_up_from_the_general_to_the_special() {
    let all = TemplateRule {
        owner: Some("platform".to_owned()),
        tags: vec!["public".to_owned()],
        ..rule("/**")
    };
    let old =
        TemplateRule { deprecated: Some(true), tags: vec!["old".to_owned()], ..rule("/v1/**") };
    let one = TemplateRule {
        name: Some("readUser".to_owned()),
        owner: Some("accounts".to_owned()),
        deprecated: Some(false),
        ..rule("/v1/users/{id}")
    };
    let mut inventory = seen(&[all, old, one], &[get("/v1/users/7"), get("/v1/carts"), get("/x")]);
    let endpoints = inventory.endpoints();
    let shown = endpoints.iter().map(|it| {
        let labels = &it.labels;
        let owner = labels.owner.as_deref().unwrap_or_default();
        format!("{} {owner} {} {:?} {:?}", it.template, labels.deprecated, labels.tags, labels.name)
    });
    let shown: Vec<String> = shown.collect();
    assert_eq!(
        shown,
        [
            r#"/v1/carts platform true ["old", "public"] None"#,
            r#"/v1/users/{id} accounts false ["old", "public"] Some("readUser")"#,
            r#"/x platform false ["public"] None"#,
        ]
    );
    assert_eq!(inventory.hosts()[0].labels.owner.as_deref(), Some("platform"));
    for endpoint in &endpoints {
        assert_eq!(inventory.owner_of(&endpoint.host, Some(endpoint.id)), endpoint.labels.owner);
    }
    assert_eq!(inventory.owner_of(&endpoints[0].host, None).as_deref(), Some("platform"));
    assert_eq!(inventory.owner_of("elsewhere.test", None), None);
    // Other labels need no other template.
    inventory.rule(&Config::default(), Documented::default());
    assert!(inventory.endpoints().iter().all(|it| it.labels.owner.is_none()));
}

#[test]
fn hosts_say_where_they_run_and_endpoints_where_they_are_called_from() {
    let environment = |name: &str, host: &str, address: &str| Environment {
        name: name.to_owned(),
        hosts: HostPattern::parse(host).into_iter().collect(),
        networks: vec![Network { address: address.parse().unwrap(), prefix_bits: 32 }],
    };
    let environments = vec![
        environment("staging", "*.staging.test", "192.0.2.255"),
        environment("prod", "shop.example.test", "10.9.9.9"),
    ];
    let config = Config { environments, ..Config::default() };
    let at = |host: &str, server: &str, client: &str| {
        let mut exchange = get("/a").host(host);
        exchange.server = server.parse().unwrap();
        exchange.client = client.parse().unwrap();
        exchange
    };
    let mut inventory = Inventory::new(config, Key::fixed());
    inventory.apply(&delta_of(&[
        at("a.staging.test", "10.0.0.1:80", "10.0.0.7:1"),
        at("late.test", "10.0.0.2:80", "203.0.113.1:1"),
        at("shop.example.test", "10.0.0.3:80", "203.0.113.1:1"),
    ]));
    let shown = |inventory: &mut Inventory| -> Vec<String> {
        let environment = |labels: &LabelsView| labels.environment.clone().unwrap_or_default();
        let of_hosts = inventory.hosts().into_iter().map(|host| environment(&host.labels));
        let of_hosts: Vec<String> = of_hosts.collect();
        let endpoints = inventory.endpoints().into_iter();
        let of_endpoints: Vec<String> = endpoints.map(|it| environment(&it.labels)).collect();
        assert_eq!(of_hosts, of_endpoints);
        of_hosts
    };
    assert_eq!(shown(&mut inventory), ["staging", "", "prod"]);
    // A second server puts a host where it was not known to run.
    inventory.apply(&delta_of(&[at("late.test", "10.9.9.9:80", "10.0.0.7:1")]));
    assert_eq!(shown(&mut inventory), ["staging", "prod", "prod"]);
    let places: Vec<_> = inventory.endpoints().iter().map(|it| it.places).collect();
    let counts = |external, internal| CallerPlaces { external, internal, partner: 0 };
    assert_eq!(places, [counts(0, 1), counts(1, 1), counts(1, 0)]);
    inventory.rule(&Config::default(), Documented::default());
    assert_eq!(shown(&mut inventory), ["", "", ""]);
}

#[test]
fn a_template_says_what_it_is_known_from() {
    let mut exchanges = names("/users/", 80, "");
    exchanges.extend([get("/carts/7"), get("/carts/8"), get("/files/a"), get("/files/b")]);
    let mut inventory = seen(&[rule("/files/{path}")], &exchanges);
    let endpoints = inventory.endpoints();
    let shown: Vec<String> = endpoints
        .iter()
        .flat_map(|endpoint| &endpoint.template_evidence.segments)
        .map(|it| {
            let why: Vec<&str> = it.why.iter().map(|reason| reason.label()).collect();
            let SegmentView { segment, texts, once, requests, by_form, confidence, .. } = it;
            let why = why.join("+");
            format!("{segment} {why} {texts} {once} {requests} {by_form} {confidence:.3}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "carts text 3 0 84 0 0.988",
            "{cartId} form 0 0 0 2 0.750",
            "files rule 3 0 84 0 1.000",
            "{path} rule+novelty 2 2 2 0 1.000",
            "users text 3 0 84 0 0.988",
            "{userId} novelty 80 80 80 0 0.988",
        ]
    );
    for endpoint in &endpoints {
        let evidence = &endpoint.template_evidence;
        let least = evidence.segments.iter().map(|it| it.confidence).fold(1.0, f64::min);
        assert_eq!(evidence.confidence.to_bits(), least.to_bits(), "{}", endpoint.template);
    }
}

#[test]
fn hosts_that_fit_a_template_are_one() {
    let hosts = ["{tenant}.api.test.example", "admin.api.test.example"];
    let hosts = hosts.map(|text| HostTemplate::parse(text).unwrap()).to_vec();
    let mut discovery = Discovery::new(Config { hosts, ..Config::default() }, Key::fixed());
    let named = ["acme", "Beta", "acme", "admin"].map(|tenant| {
        let mut seen = None;
        let host = format!("{tenant}.api.test.example");
        discovery.push_exchange(&get("/a").host(&host), &mut seen);
        let seen = seen.unwrap();
        (seen.route, seen.name.host.to_string())
    });
    let [acme, beta, again, admin] = named;
    assert_eq!(acme.1, "{tenant}.api.test.example");
    assert!(acme == beta && acme == again);
    assert_eq!(admin.1, "admin.api.test.example");
}

#[test]
fn an_id_stands_for_hosts_methods_and_paths() {
    let of = |path: &str, methods: &[&str]| {
        let methods = methods.iter().map(ToString::to_string).collect();
        TemplateRule { methods, ..rule(path) }.id()
    };
    assert_eq!(of("/a/{x}", &["GET", "PUT"]), of("/a/{y}", &["PUT", "GET"]));
    let other = TemplateRule { host: HostPattern::parse("h").unwrap(), ..rule("/a/{x}") }.id();
    let ids = [
        of("/a/{x}", &[]),
        of("/a/{x}", &["GET"]),
        of("/a/{x}/", &[]),
        of("/a/{x}.y", &[]),
        of("/a/x", &[]),
        other,
    ];
    for (place, id) in ids.iter().enumerate() {
        assert!(!ids[..place].contains(id), "{place}");
    }
}

#[test]
fn a_rule_knows_the_endpoints_it_is_of() {
    let posts = TemplateRule {
        host: HostPattern::parse("*.shop.test").unwrap(),
        methods: vec!["POST".to_owned()],
        ..rule("/v1/{x}/**")
    };
    assert!(posts.is_of("a.shop.test", "POST", "/v1/users/{userId}"));
    assert!(!posts.is_of("shop.test", "POST", "/v1/users/{userId}"));
    assert!(!posts.is_of("a.shop.test", "GET", "/v1/users/{userId}"));
    assert!(!posts.is_of("a.shop.test", "POST", "/v1"));
    assert!(!posts.is_of("a.shop.test", "POST", "/v1/{a}{b}"), "no rule is written so");
}

#[test]
fn fewer_paths_come_first() {
    let named = TemplateRule { host: HostPattern::parse("h").unwrap(), ..rule("/a/{x}") };
    let mut rules =
        [rule("/**"), rule("/{x}/{y}"), rule("/a/{x}"), named.clone(), rule("/a/b"), rule("/a/**")];
    rules.sort_by_key(TemplateRule::breadth);
    let paths = rules.each_ref().map(|rule| rule.path.to_string());
    assert_eq!(paths, ["/a/b", "/a/{x}", "/a/{x}", "/{x}/{y}", "/a/**", "/**"]);
    assert_eq!(rules[1], named);
}
