//! Sensitive data end to end: what traffic carries is told by class, and misplaced data is found.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange, response};

use crate::TAPLINE;

const START: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const HOST: &str = "api.example.test";
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 80);

/// Replays a capture: the endpoints of the inventory, and the findings.
fn replay(capture: &Capture, workers: &str) -> (Vec<Value>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.pcap"), folder.path().join("out"));
    fs::write(&input, capture.bytes()).unwrap();
    let done = Command::new(TAPLINE)
        .arg("replay")
        .arg(&input)
        .args(["--workers", workers, "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = |name: &str| fs::read_to_string(Path::new(&out).join(name)).unwrap();
    let inventory: Value = serde_json::from_str(&text("inventory.json")).unwrap();
    let services = inventory["services"].as_array().unwrap();
    let endpoints =
        services.iter().flat_map(|it| it["endpoints"].as_array().unwrap().clone()).collect();
    let findings =
        text("findings.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (endpoints, findings)
}

fn client(last: u64) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, u8::try_from(1 + last % 200).unwrap())
}

fn get(at: u64, path: &str, body: &str) -> Exchange {
    Exchange::get(START + at * SECOND / 10, client(at), HOST, path, "", 200, body)
}

/// The class of every field in one place of one endpoint.
fn classes(endpoint: &Value, place: &str) -> BTreeMap<String, String> {
    let of = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let data = endpoint["data"].as_array().unwrap().iter();
    data.filter(|it| it["in"] == place).map(|it| (of(it, "field"), of(it, "class"))).collect()
}

/// A generator that shares nothing with the sensor: 50 answers, more than 50 classes and as many
/// decoys.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point")]
fn fields_of_generated_answers_are_known_and_decoys_are_not() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/data-classes/generate.py");
    let Ok(made) = Command::new("python3").args([script, "31", "50"]).output() else {
        println!("SKIPPED: there is no python3");
        return;
    };
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let mut capture = Capture::new();
    for (at, document) in (0..).zip(made["documents"].as_array().unwrap()) {
        // One a second, so that all are looked into.
        capture.exchange(SERVER, &get(at * 10, "/people", &document.to_string()));
    }
    let (endpoints, _) = replay(&capture, "2");
    let found = classes(&endpoints[0], "response");
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for (path, truth) in made["truth"].as_object().unwrap() {
        let found = found.get(path).map(String::as_str);
        if found == truth.as_str() {
            right += u32::from(found.is_some());
            continue;
        }
        wrong += u32::from(found.is_some());
        missed += u32::from(truth.is_string());
        println!("{path}: {truth} taken for {found:?}");
    }
    let share = |part: u32, rest: u32| f64::from(part) / f64::from(part + rest);
    let (precision, recall) = (share(right, wrong), share(right, missed));
    println!("{right} right, {wrong} wrong, {missed} missed: {precision:.4}, {recall:.4}");
    assert!(right > 150 && precision >= 0.99 && recall >= 0.97);
}

#[test]
fn one_answer_with_many_records_is_enough_however_large() {
    let record = |number: u64| {
        format!(
            r#"{{"who":"p{number}@mail.example","text":"{}","n":{number}}}"#,
            "lorem ipsum ".repeat(40)
        )
    };
    let records: Vec<String> = (0..600).map(record).collect();
    let body = format!(r#"{{"data":[{}]}}"#, records.join(","));
    assert!(body.len() > 300_000);
    let mut capture = Capture::new();
    capture.exchange(SERVER, &get(0, "/export", &body));
    let (endpoints, _) = replay(&capture, "1");
    let expected = BTreeMap::from([("data[].who".to_owned(), "email".to_owned())]);
    assert_eq!(classes(&endpoints[0], "response"), expected);
    // As many as are in the part that is kept.
    assert!(endpoints[0]["records"]["max"].as_u64().unwrap() >= 100);
}

fn post(at: u64, path: &str, body: &str, answer: &str) -> Exchange {
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let at = START + at * SECOND / 10;
    Exchange { at, client: client(at), request, response: response(200, answer) }
}

#[test]
fn misplaced_and_new_data_is_found_and_nothing_of_it_shown() {
    let mut capture = Capture::new();
    for at in 0..160 {
        let card = r#"{"cardNumber":"4111111111111111","cvv":"737"}"#;
        let paid = r#"{"id":1,"card":{"last4":"1111","cvv":"737"}}"#;
        capture.exchange(SERVER, &post(at, "/payments", card, paid));
        capture.exchange(SERVER, &get(at, "/cards/4111111111111111", r#"{"ok":true}"#));
        let born = if at < 140 { "" } else { r#","dateOfBirth":"1984-02-29""# };
        let name = format!(r#"{{"users":[{{"id":{at}{born}}}]}}"#);
        capture.exchange(SERVER, &get(at, "/users", &name));
        let token = format!("/files?id={at}&api_key=ghp_16C7e42F292c6912E7710c838347Ae178B4a");
        capture.exchange(SERVER, &get(at, &token, r#"{"ok":true}"#));
        let count = if at == 150 { 5_000 } else { 20 };
        let rows: Vec<String> = (0..count).map(|row| row.to_string()).collect();
        let rows = format!(r#"{{"rows":[{}]}}"#, rows.join(","));
        capture.exchange(SERVER, &get(at, "/rows", &rows));
    }
    let (endpoints, findings) = replay(&capture, "2");
    let found: Vec<(String, String)> = findings
        .iter()
        .map(|it| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&it["detection"]), text(&it["endpoint"]["template"]))
        })
        .collect();
    for (detection, template) in [
        ("card_data_exposed", "/payments"),
        ("card_data_exposed", "/cards/{cardNumber}"),
        ("credential_exposed", "/files"),
        ("sensitive_field_new", "/users"),
        ("excessive_records", "/rows"),
        // The only client counts through ids.
        ("object_enumeration", "/files"),
    ] {
        let wanted = (detection.to_owned(), template.to_owned());
        assert!(found.contains(&wanted), "{wanted:?} is not among {found:?}");
    }
    assert_eq!(found.len(), 6, "{found:?}");
    let shown = format!("{endpoints:?}{findings:?}");
    for secret in ["4111111111111111", "737\"", "1984-02-29", "ghp_16C7"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let (again, findings_again) = replay(&capture, "1");
    assert_eq!(endpoints, again);
    assert_eq!(findings, findings_again);
}
