//! Attacks in values end to end: who sent what where, what came of it, and nothing of the values.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange, response};

use crate::TAPLINE;

const START: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const HOST: &str = "api.example.test";
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 80);

/// What findings and inventory say after a replay.
fn replay(capture: &Capture, workers: &str) -> (String, String) {
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
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    (text("findings.jsonl"), text("inventory.json"))
}

fn get(second: u64, client: u8, target: &str, status: u16, answer: &str) -> Exchange {
    let client = Ipv4Addr::new(10, 0, 1, client);
    Exchange::get(START + second * SECOND, client, HOST, target, "", status, answer)
}

fn post(second: u64, client: u8, media: &str, body: &str) -> Exchange {
    let head = format!("POST /orders HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {media}\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let client = Ipv4Addr::new(10, 0, 1, client);
    Exchange { at: START + second * SECOND, client, request, response: response(200, "{}") }
}

#[test]
fn attempts_and_success_are_told_apart_and_values_are_not_shown() {
    let mut capture = Capture::new();
    for second in 0..30 {
        let target = format!("/items?q=O%27Brien%20%26%20Sons&page={second}");
        capture.exchange(SERVER, &get(second, 1, &target, 200, r#"{"items":[]}"#));
        let order = r#"{"text":"Don't select; it's (5 > 3)","url":"https://example.org/?a=b"}"#;
        capture.exchange(SERVER, &post(second, 2, "application/json", order));
    }
    let sql = "/items?q=zz%27%20union%20select%20qq1,qq2--";
    capture.exchange(SERVER, &get(31, 11, sql, 400, "{}"));
    let failed = r#"{"error":"SQLSTATE[42000]: Syntax"}"#;
    capture.exchange(SERVER, &get(32, 12, sql, 500, failed));
    let file = "/items?q=..%2f..%2f..%2fetc%2fpasswd";
    capture.exchange(SERVER, &get(33, 13, file, 200, "root:x:0:0:root:/root:/bin/sh"));
    let inside = r#"{"callback":"http://169.254.169.254/latest/meta-data/"}"#;
    capture.exchange(SERVER, &post(34, 14, "application/json", inside));
    let (findings, inventory) = replay(&capture, "2");
    let found: BTreeSet<(String, String, String, String)> = findings
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|it| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let client = text(&it["client_addresses"][0]);
            (client, text(&it["detection"]), text(&it["title"]), text(&it["severity"]))
        })
        .collect();
    let expected = [
        ("10.0.1.11", "injection", "SQL injection: attempt", "low"),
        ("10.0.1.12", "injection", "SQL injection: probable success", "high"),
        ("10.0.1.13", "injection", "path traversal: probable success", "critical"),
        ("10.0.1.14", "server_request_forgery", "server-side request forgery: attempt", "medium"),
    ];
    let owned = expected.map(|(client, id, title, severity)| {
        (client.into(), id.into(), title.into(), severity.into())
    });
    assert_eq!(found, BTreeSet::from(owned));
    for secret in ["qq1", "etc/passwd", "169.254", "Brien", "root:x"] {
        assert!(!findings.contains(secret) && !inventory.contains(secret), "{secret}");
    }
    for workers in ["1", "3"] {
        assert_eq!(replay(&capture, workers), (findings.clone(), inventory.clone()));
    }
}
