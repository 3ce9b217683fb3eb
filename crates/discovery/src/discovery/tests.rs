//! What is observed of an exchange, and what is never.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tapline_model::{Epoch, RouteFeedback};

use super::*;
use crate::LineWriter;
use crate::testing::{Exchange, spelled_notes};

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2JiZSJ9.c2lnbmF0dXJl";

fn line(exchange: &Exchange, raw_targets: bool) -> String {
    let mut discovery = Discovery::new(Config::default(), Key::fixed());
    let mut seen = None;
    discovery.push_exchange(exchange, &mut seen);
    let (mut started_at, mut record) = (Timestamp::ZERO, Vec::new());
    exchange.with(|transaction| {
        let consumer = seen.as_ref().map(|seen| seen.consumer.key);
        started_at = transaction.started_at;
        discovery.record(transaction, consumer, raw_targets, &mut record);
    });
    written(started_at, &record)
}

fn written(started_at: Timestamp, record: &[u8]) -> String {
    let mut line = Vec::new();
    assert!(LineWriter::default().write(started_at, record, None, &mut line));
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn check_line(exchange: &Exchange, raw_targets: bool, expected: &Expect) {
    let line = line(exchange, raw_targets);
    serde_json::from_str::<serde_json::Value>(&line).unwrap();
    expected.assert_eq(&line.replace(",\"", "\n\""));
}

#[test]
fn an_exchange_becomes_an_observation() {
    let seen = Exchange::new("post", "/api/v1/users/42/orders?dry_run=true", 201)
        .field("Authorization", "Basic Ym9iOng=")
        .sent("application/json", r#"{"sku":"A-1","count":2}"#)
        .observed();
    assert_eq!(seen.name.host, "shop.example.test");
    assert_eq!(seen.name.method, "POST");
    assert_eq!(seen.gate, Gate::Learn);
    assert_eq!(seen.auth.label(), "basic");
    assert_eq!(seen.consumer.kind, ConsumerKind::Credential);
    assert_eq!(seen.request_media, "application/json");
    let parameters: Vec<String> = seen
        .parameters
        .iter()
        .flat_map(|set| &set.shapes)
        .map(|shape| format!("{} {} {}", shape.location.label(), shape.name, shape.kind.label()))
        .collect();
    assert_eq!(parameters, ["path 3 integer", "query dry_run boolean"]);
    assert_eq!(
        spelled_notes(&seen.fields),
        ["dry_run:boolean", "sku:string", "count:integer", "id:integer"]
    );
    let parts: Vec<_> = seen.fields.documents.iter().map(|document| &document.part).collect();
    assert_eq!(
        parts,
        [
            &FieldPart::Query,
            &FieldPart::Header,
            &FieldPart::Request("application/json".into()),
            &FieldPart::Response(201, "application/json".into())
        ]
    );
}

#[test]
fn one_observation_is_reused_and_nothing_of_the_last_stays() {
    let mut discovery = Discovery::new(Config::default(), Key::fixed());
    let mut seen = None;
    let full = Exchange::new("POST", "/users/42?x=1", 302)
        .location("/login")
        .field("X-Api-Key", "k")
        .sent("application/json", r#"{"a":1}"#);
    discovery.push_exchange(&full, &mut seen);
    let bare = Exchange::new("GET", "/", 200).answer("", "");
    discovery.push_exchange(&bare, &mut seen);
    let fresh = bare.observed();
    assert_eq!(format!("{:?}", seen.unwrap()), format!("{fresh:?}"));
}

#[test]
fn keys_of_the_request_do_not_tell_answers_apart() {
    let answer = |sent: &str| {
        Exchange::new("GET", "/x", 200)
            .sent("application/json", sent)
            .answer("text/html", "<html>")
            .observed()
            .answer_hash
    };
    assert_eq!(answer(r#"{"a":1}"#), answer(r#"{"b":1}"#));
}

#[test]
fn every_transaction_is_in_the_books() {
    let mut discovery = Discovery::new(Config::default(), Key::fixed());
    let mut seen = None;
    discovery.push_exchange(&Exchange::new("GET", "/", 200), &mut seen);
    discovery.push_exchange(&Exchange::new("CONNECT", "a:443", 200), &mut seen);
    Exchange::new("GET", "/", 200).with(|transaction| {
        let lone = Transaction { request: None, ..*transaction };
        discovery.push(&lone, ShardId::default(), &Feedback::default(), &mut |_| {
            panic!("nothing is observed of a lone response")
        });
    });
    let books = discovery.stats().transactions;
    assert_eq!((books.received, books.processed, books.ignored_total()), (3, 1, 2));
    assert!(books.is_balanced());
}

#[test]
fn a_body_that_is_not_what_it_claims_is_counted() {
    let mut discovery = Discovery::new(Config::default(), Key::fixed());
    let mut seen = None;
    let exchange = Exchange::new("POST", "/", 200)
        .sent("application/json", "<html>")
        .answer("text/html", "<html>");
    discovery.push_exchange(&exchange, &mut seen);
    assert_eq!((discovery.stats().bodies_parsed, discovery.stats().bodies_malformed), (1, 1));
    // It was there all the same: nothing was left out.
    let documents = seen.unwrap().fields.documents;
    let sent = FieldPart::Request("application/json".into());
    let sent = documents.iter().find(|document| document.part == sent).unwrap();
    assert!(sent.notes.is_empty());
}

#[test]
fn a_segment_that_is_left_out_is_a_fact() {
    for (target, is_fact) in [("/a//b", true), ("//a/b", true), ("/a/b/", false), ("/a/./b", false)]
    {
        let seen = Exchange::new("GET", target, 200).observed();
        assert_eq!(seen.facts.contains(Fact::EmptySegment), is_fact, "{target}");
    }
}

#[test]
fn the_line_has_every_field_in_order() {
    check_line(
        &Exchange::new("GET", "/users/42/orders?page=2&page=3&q=%22x", 200),
        false,
        &expect![[r#"
            {"ts":"2025-03-01T12:00:00.000000042Z"
            "client":"192.0.2.1:40000"
            "server":"10.0.0.1:80"
            "protocol":"http/1.1"
            "method":"GET"
            "host":"shop.example.test"
            "path":"/users/42/orders"
            "query_names":["page"
            "q"]
            "status":200
            "request_bytes":100
            "response_bytes":200
            "latency_ns":5000000
            "completeness":"whole"
            "anomalies":[]
            "signals":[]
            "consumer":"9f214bd29e85c969"
            "endpoint":null}"#]],
    );
}

#[test]
fn a_record_that_is_cut_anywhere_gives_no_line() {
    let mut record = Vec::new();
    Exchange::new("GET", "/users/42?page=2", 200).with(|transaction| {
        Discovery::new(Config::default(), Key::fixed()).record(
            transaction,
            None,
            true,
            &mut record,
        );
    });
    let at = Timestamp::ZERO;
    for end in 0..record.len() {
        let mut line = Vec::new();
        assert!(!LineWriter::default().write(at, &record[..end], None, &mut line), "{end}");
        assert!(line.is_empty());
    }
}

#[test]
fn a_line_says_what_its_values_look_like() {
    let exchange =
        Exchange::new("GET", "/users?id=1'%20UNION%20SELECT%20password%20FROM%20users--", 200);
    let line = line(&exchange, false);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["signals"], serde_json::json!([{ "id": "sql", "score": 0.7 }]));
    let exchange =
        Exchange::new("GET", "/a?x=%3Cscript%3Ealert(1)%3C/script%3E&f=../../../etc/passwd", 200);
    let line: serde_json::Value = serde_json::from_str(&self::line(&exchange, false)).unwrap();
    let ids: Vec<_> = line["signals"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
}

#[test]
fn a_lone_response_has_no_request() {
    let mut line = Vec::new();
    Exchange::new("GET", "/", 200).with(|transaction| {
        let lone = Transaction { request: None, latency_ns: None, ..*transaction };
        Discovery::new(Config::default(), Key::fixed()).record(&lone, None, true, &mut line);
    });
    let line = written(Timestamp::ZERO, &line);
    assert!(line.contains(r#""method":null,"host":null,"path":null,"query_names":[],"#), "{line}");
    assert!(line.ends_with(r#""consumer":null,"endpoint":null}"#), "{line}");
}

#[test]
fn what_is_classified_is_masked_in_the_line() {
    check_line(
        &Exchange::new(
            "GET",
            "/u/bob%40example.com/c/4111111111111111;jsessionid=abc;v=1/\u{7f}\"?bob@example.com&page=1&password=x&card=4111+1111+1111+1111&q=a",
            200,
        ),
        true,
        &expect![[r#"
            {"ts":"2025-03-01T12:00:00.000000042Z"
            "client":"192.0.2.1:40000"
            "server":"10.0.0.1:80"
            "protocol":"http/1.1"
            "method":"GET"
            "host":"shop.example.test"
            "path":"/u/[email]/c/[card_number];jsessionid=[secret];v=1/\u007f\""
            "query_names":["[email]"
            "page"
            "password"
            "card"
            "q"]
            "query":"[email]&page=1&password=[secret]&card=[card_number]&q=a"
            "status":200
            "request_bytes":100
            "response_bytes":200
            "latency_ns":5000000
            "completeness":"whole"
            "anomalies":[]
            "signals":[]
            "consumer":"9f214bd29e85c969"
            "endpoint":null}"#]],
    );
}

#[test]
fn names_of_one_query_are_bounded() {
    let query: Vec<String> = (0..500).map(|n| format!("n{n}=1")).collect();
    let exchange = Exchange::new("GET", &format!("/?{}", query.join("&")), 200);
    let line: serde_json::Value = serde_json::from_str(&line(&exchange, false)).unwrap();
    assert_eq!(line["query_names"].as_array().unwrap().len(), 128);
    let noted: usize = exchange.observed().parameters.iter().map(|set| set.shapes.len()).sum();
    assert_eq!(noted, 128);
}

#[test]
fn of_a_well_known_route_a_sample_of_the_bodies_is_read() {
    let exchange = |id: u32| {
        Exchange::new("POST", &format!("/users/{id}?dry=1"), 200)
            .client_port(u16::try_from(1_024 + id).unwrap())
            .sent("application/json", r#"{"name":"x"}"#)
    };
    let known = RouteFeedback { bodies_one_in: 4 };
    let feedback = Feedback::with_routes(Epoch(1), [(exchange(1).observed().route, known)]);
    let mut discovery = Discovery::new(Config::default(), Key::fixed());
    let mut read = 0;
    for id in 0..2_000 {
        exchange(id).with(|transaction| {
            discovery.push(transaction, ShardId::default(), &feedback, &mut |seen| {
                let locations = |of| {
                    seen.parameters.iter().any(|set| set.shapes.iter().any(|it| it.location == of))
                };
                assert!(locations(ParameterLocation::Path) && locations(ParameterLocation::Query));
                assert_eq!(!seen.fields.notes.is_empty(), seen.bodies_read);
                assert_eq!(seen.answer_hash.is_some(), seen.bodies_read);
                read += u64::from(seen.bodies_read);
            });
        });
    }
    assert!((400..=600).contains(&read), "{read} of 2,000");
    let stats = discovery.stats();
    assert_eq!(stats.bodies_sampled, read * stats.bodies_seen / 2_000);
}

#[test]
fn planted_secrets_never_leave() {
    let secrets = [
        "4111111111111111",
        "bob.smith@example.com",
        JWT,
        "sk_live_51H8xYz0Q9aB",
        "AKIAIOSFODNN7EXAMPLE",
        "hunter2hunter2",
        "Ym9iOmh1bnRlcjI=",
        "+4915112345678",
        "bobbe",
    ];
    let everywhere = |secret: &str| {
        [
            Exchange::new("GET", &format!("/a/{secret}/b"), 200),
            Exchange::new("GET", &format!("/a;jsessionid={secret}"), 200),
            Exchange::new("GET", &format!("/a?password={secret}&{secret}=1&token={secret}"), 200),
            Exchange::new("GET", "/a", 200).field("Authorization", &format!("Bearer {secret}")),
            Exchange::new("GET", "/a", 200).field("Cookie", &format!("session={secret}")),
            Exchange::new("GET", "/a", 200).host(&format!("{secret}:x@shop.example.test")),
            Exchange::new("POST", "/a", 200).sent(
                "application/json",
                &format!(r#"{{"password":"{secret}","in":["{secret}"]}}"#),
            ),
            Exchange::new("POST", "/a", 200)
                .sent("application/x-www-form-urlencoded", &format!("password={secret}")),
            Exchange::new("GET", "/a", 302).location(&format!("/b/{secret}?t={secret}")),
            Exchange::new("GET", "/a", 200)
                .answer("application/json", &format!(r#"{{"token":"{secret}"}}"#)),
        ]
    };
    for secret in secrets {
        for (index, exchange) in everywhere(secret).iter().enumerate() {
            // Letters alone in a path are a word, whoever means what by them.
            let is_word_in_path = index == 0 && matches!(secret, "bobbe" | "hunter2hunter2");
            let is_name =
                index == 2 && matches!(secret, "bobbe" | "hunter2hunter2" | "Ym9iOmh1bnRlcjI=");
            let encoded_in_path = index == 0 && secret == "Ym9iOmh1bnRlcjI=";
            if is_word_in_path || is_name || encoded_in_path {
                continue;
            }
            let seen = exchange.observed();
            let observed = format!("{seen:?}{:?}", seen.name.template);
            assert!(!observed.contains(secret), "{secret} in observation {index}");
            let line = line(exchange, true);
            assert!(!line.contains(secret), "{secret} in line {index}: {line}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_request_gives_a_balanced_observation_and_a_line_of_json(
        target in "[ -~\u{80}-\u{90}]{0,80}",
        name in "[ -~]{0,20}",
        value in "[ -~]{0,60}",
        body in "[ -~]{0,80}",
    ) {
        let exchange = Exchange::new("POST", &target, 200)
            .host(&value)
            .field(&name, &value)
            .field("Cookie", &value)
            .field("Authorization", &value)
            .field("X-Forwarded-For", &value)
            .sent("application/json", &body)
            .location(&value);
        let line = line(&exchange, true);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{}", line);
    }
}
