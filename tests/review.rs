//! A leaky shop is heard; the design review names each leak, and the seeds can be sent.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange};
use tapline_tests::http;
use tapline_tests::program::{Program, free_port, until};
use tapline_tests::sensor::{json, stderr};
use tapline_tests::skip;

use crate::TAPLINE;

const HOST: &str = "leaky.example.test";

/// `{"alg":"HS256"}`, `{"alg":"none"}`.
const SIGNED: &str = "eyJhbGciOiJIUzI1NiJ9";
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0";
/// `{"sub":"ann","exp":9999999999}`, `{"sub":"bob","exp":1600000000}`, `{"sub":"eve"}`.
const GOOD: &str = "eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9";
const EXPIRED: &str = "eyJzdWIiOiJib2IiLCJleHAiOjE2MDAwMDAwMDB9";
const ENDLESS: &str = "eyJzdWIiOiJldmUifQ";

/// Traffic, one exchange every 50 ms, each of a flow of its own.
struct Traffic {
    capture: Capture,
    at: u64,
}

impl Traffic {
    fn new() -> Self {
        Self { capture: Capture::new(), at: 1_700_000_000_000_000_000 }
    }

    /// `times` exchanges of different clients; `head` are lines of both heads.
    fn add(&mut self, times: u8, asked: &str, head: &str, sent: &str, answered: (u16, &str, &str)) {
        let (status, answer_head, answer) = answered;
        for client in 0..times {
            let media = if sent.is_empty() { "" } else { "Content-Type: application/json\r\n" };
            let request = format!(
                "{asked} HTTP/1.1\r\nHost: {HOST}\r\n{head}{media}Content-Length: {}\r\n\r\n{sent}",
                sent.len()
            );
            let media = if answer_head.contains("Content-Type") {
                ""
            } else {
                "Content-Type: application/json\r\n"
            };
            let response = format!(
                "HTTP/1.1 {status} X\r\nServer: Apache/2.4.49 (Unix)\r\n{answer_head}{media}\
                 Content-Length: {}\r\n\r\n{answer}",
                answer.len()
            );
            let exchange = Exchange {
                at: self.at,
                client: Ipv4Addr::new(203, 0, 113, client + 1),
                request: request.into_bytes(),
                response: response.into_bytes(),
            };
            self.capture.exchange(Ipv4Addr::new(10, 0, 0, 80), &exchange);
            self.at += 50_000_000;
        }
    }
}

fn traffic() -> Vec<u8> {
    let mut t = Traffic::new();
    let bearer = |header: &str, claims: &str, signature: &str| {
        format!("Authorization: Bearer {header}.{claims}.{signature}\r\n")
    };
    let good = bearer(SIGNED, GOOD, "c2ln");
    let ok = (200, "", "{\"id\":1}");
    t.add(12, "GET /api/v1/orders", &good, "", (200, "", "[{\"id\":1,\"card_number\":\"x\"}]"));
    t.add(12, "GET /api/v2/orders", &good, "", ok);
    t.add(1, "GET /api/v1/orders", "", "", ok);
    t.add(5, "GET /api/v1/profile", &bearer(UNSIGNED, GOOD, ""), "", ok);
    t.add(5, "GET /api/v1/invoices", &bearer(SIGNED, EXPIRED, "c2ln"), "", ok);
    t.add(5, "GET /api/v1/carts", &bearer(SIGNED, ENDLESS, "c2ln"), "", ok);
    t.add(5, "DELETE /admin/users/17", "", "", ok);
    let cookie = (200, "Set-Cookie: sid=abc; Path=/\r\n", "{\"token\":\"x\"}");
    t.add(6, "POST /api/v1/login", "", "{\"user\":\"u\",\"password\":\"p\"}", cookie);
    t.add(5, "GET /api/v1/search?api_key=0123456789abcdef&q=a", "", "", ok);
    t.add(5, "GET /reports", "Authorization: Basic Ym9iOnNlY3JldA==\r\n", "", ok);
    let html = |text: &'static str| (200, "Content-Type: text/html\r\n", text);
    t.add(4, "GET /files", "", "", html("<title>Index of /files</title>"));
    t.add(4, "GET /page", "", "", html("<p>x"));
    t.add(
        4,
        "GET /server.key",
        "",
        "",
        (200, "Content-Type: text/plain\r\n", "-----BEGIN PRIVATE KEY-----"),
    );
    t.add(4, "GET /api/v1/items", &good, "", ok);
    t.add(
        4,
        "GET /api/v1/items",
        &good,
        "",
        (500, "", "{\"e\":\"Traceback (most recent call last)\"}"),
    );
    t.add(2, "GET /api/v1/items", &good, "", (500, "", "{\"e\":\"SQLSTATE[42000]\"}"));
    t.add(1, "TRACE /", "", "", (200, "Content-Type: message/http\r\n", "TRACE / HTTP/1.1"));
    for origin in ["https://a.invalid", "https://b.invalid", "https://c.invalid"] {
        let head = format!("{good}Origin: {origin}\r\n");
        let allowed = format!(
            "Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"
        );
        t.add(2, "GET /api/v1/shared", &head, "", (200, &allowed, "{\"id\":1}"));
    }
    t.add(
        4,
        "POST /graphql",
        &good,
        "{\"query\":\"q\"}",
        (200, "", "{\"data\":{\"__schema\":{}}}"),
    );
    t.capture.bytes()
}

fn tapline(arguments: &[&str]) -> Output {
    Command::new(TAPLINE).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The folder of outputs of the leaky shop's replay.
fn replayed(folder: &Path) -> PathBuf {
    let input = folder.join("leaky.pcap");
    fs::write(&input, traffic()).unwrap();
    let out = folder.join("out");
    let ended = tapline(&["replay", text(&input), "--out", text(&out), "--workers", "2"]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    out
}

#[test]
fn every_leak_is_named_and_the_worst_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let out = replayed(folder.path());
    let review = json(&out.join("review.json"));
    let rules: BTreeSet<&str> = review["misconfigurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["rule"].as_str().unwrap())
        .collect();
    for rule in [
        "auth_admin_open",
        "auth_inconsistent",
        "auth_none",
        "jwt_unsigned",
        "jwt_expired",
        "jwt_endless",
        "jwt_long_lived",
        "credential_in_url",
        "api_key_only",
        "basic_plaintext",
        "login_plaintext",
        "second_factor_missing",
        "cookie_not_secure",
        "cookie_not_http_only",
        "cookie_not_same_site",
        "no_sniff_missing",
        "csp_missing",
        "framing_allowed",
        "private_cacheable",
        "cors_reflects",
        "version_shown",
        "software_weak",
        "stack_trace",
        "database_error",
        "directory_listing",
        "secret_file",
        "graphql_introspection",
        "trace_answered",
        "admin_reachable",
        "old_version",
    ] {
        assert!(rules.contains(rule), "{rule} is not in {rules:?}");
    }
    for rule in ["hsts_missing", "cors_any", "cors_null", "debug_page", "secret_in_query"] {
        assert!(!rules.contains(rule), "nothing broke {rule}");
    }
    let first = &review["risks"][0];
    assert_eq!(first["template"], "/admin/users/{userId}", "{first}");
    assert_eq!(first["issues"][0]["rule"], "auth_admin_open");
    let parts = first["parts"].as_array().unwrap();
    let sum: u64 = parts.iter().map(|part| part["points"].as_u64().unwrap()).sum();
    assert_eq!(first["score"].as_u64(), Some(sum));
    assert_eq!(review["logins"][0]["template"], "/api/v1/login");
}

#[test]
fn the_report_has_every_form_and_says_what_is_wrong_with_the_question() {
    let folder = tempfile::tempdir().unwrap();
    let out = replayed(folder.path());
    let report = |format: &str| {
        let written = tapline(&["report", "--from", text(&out), "--format", format]);
        assert!(written.status.success(), "{}", stderr(&written));
        String::from_utf8(written.stdout).unwrap()
    };
    let html = report("html");
    assert!(html.starts_with("<!doctype html>") && html.contains("Look here first"));
    for loads in ["<script", "<link", " src=", "url(", "@import", " onload="] {
        assert!(!html.contains(loads), "the page has {loads}");
    }
    assert!(report("markdown").starts_with("# API design review"));
    let written: Value = serde_json::from_str(&report("json")).unwrap();
    assert_eq!(written, json(&out.join("review.json")));

    let nowhere = tapline(&["report", "--from", text(folder.path())]);
    assert_eq!(nowhere.status.code(), Some(74));
    assert!(stderr(&nowhere).contains("review.json"), "{}", stderr(&nowhere));
    let other = tapline(&["seeds", "--from", text(&out), "--host", "elsewhere.test"]);
    assert_eq!(other.status.code(), Some(64));
    assert!(stderr(&other).contains(HOST), "{}", stderr(&other));
}

#[test]
fn a_running_sensor_is_asked_for_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let out = replayed(folder.path());
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let _sensor = Program::start(
        Command::new(TAPLINE)
            .args(["replay", text(&folder.path().join("leaky.pcap"))])
            .args(["--serve", &format!("127.0.0.1:{port}")]),
    );
    assert!(until(30, || http::get(&format!("{base}/api/v1/status"))
        .is_some_and(|text| text.contains("\"ended\":true"))));
    for (command, format) in [("report", "json"), ("seeds", "jsonl"), ("seeds", "openapi")] {
        let asked = |rest: [&str; 2]| {
            let ended = tapline(&[command, "--format", format, rest[0], rest[1]]);
            assert!(ended.status.success(), "{}", stderr(&ended));
            String::from_utf8(ended.stdout).unwrap()
        };
        assert_eq!(asked(["--url", &base]), asked(["--from", text(&out)]), "{command} {format}");
    }
}

/// A server that answers everything and remembers method and target.
fn listen() -> (String, Arc<Mutex<BTreeSet<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let told = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            told.lock().unwrap().insert(line.trim().to_owned());
            let mut length = 0;
            loop {
                let mut field = String::new();
                stream.read_line(&mut field).unwrap();
                if field.trim().is_empty() {
                    break;
                }
                if let Some(value) = field.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    (base, heard)
}

#[test]
fn every_seed_is_sent_by_curl_as_it_stands_in_the_archive() {
    if !skip::programs(&["curl", "sh"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = replayed(folder.path());
    let (base, heard) = listen();
    let script = folder.path().join("seeds.sh");
    let write = |format: &str, file: &Path| {
        let from = ["seeds", "--from", text(&out), "--base-url", &base, "--format", format];
        let ended = tapline(&[&from[..], &["--out", text(file)]].concat());
        assert!(ended.status.success(), "{}", stderr(&ended));
    };
    write("curl", &script);
    let ran = Command::new("sh").arg(&script).env("no_proxy", "*").output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", stderr(&ran));
    let archive = folder.path().join("seeds.har");
    write("har", &archive);
    let archive = json(&archive);
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert!(entries.len() >= 15);
    let sent: BTreeSet<String> = entries
        .iter()
        .map(|entry| {
            let request = &entry["request"];
            let target = request["url"].as_str().unwrap().strip_prefix(&base).unwrap().to_owned();
            format!("{} {target} HTTP/1.1", request["method"].as_str().unwrap())
        })
        .collect();
    assert_eq!(*heard.lock().unwrap(), sent);
}
