//! What rules do to an inventory.

use tapline_model::Key;

use super::*;
use crate::testing::{Exchange, delta_of};
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
    // Other labels need no other template.
    inventory.rule(&Config::default(), Documented::default());
    assert!(inventory.endpoints().iter().all(|it| it.labels.owner.is_none()));
}
