//! Known secrets are planted in traffic; no output and no page shows one.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use tapline_tests::capture::{Capture, Exchange, response};
use tapline_tests::http;
use tapline_tests::program::{Program, free_port, until};

use crate::TAPLINE;

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkLXN1YmplY3QifQ.c2lnbmF0dXJlLXBsYW50ZWQ";

/// What must never be seen again, in any file, page or log.
const SECRETS: &[&str] = &[
    JWT,
    "planted-subject",
    "c2lnbmF0dXJlLXBsYW50ZWQ",
    "planted-bearer-4f8a1c",
    "cGxhbnRlZDpiYXNpYy1wYXNz",
    "basic-pass",
    "planted-api-key-77aa",
    "planted-query-key-88bb",
    "planted-session-99cc",
    "planted-password-1",
    "planted-body-secret",
    "planted-response-token",
    "4111111111111111",
    "4111-1111-1111-1111",
    "Zx81kd92LqPlanted",
    "planted.person@example.com",
];

fn traffic() -> Vec<u8> {
    let server = Ipv4Addr::new(10, 0, 0, 80);
    let mut capture = Capture::new();
    let start = 1_700_000_000_000_000_000_u64;
    let headers = [
        format!("Authorization: Bearer {JWT}\r\n"),
        "Authorization: Bearer planted-bearer-4f8a1c\r\n".to_owned(),
        "Authorization: Basic cGxhbnRlZDpiYXNpYy1wYXNz\r\n".to_owned(),
        "X-Api-Key: planted-api-key-77aa\r\n".to_owned(),
        "Cookie: sessionid=planted-session-99cc\r\n".to_owned(),
    ];
    let paths = [
        "/pay/4111111111111111",
        "/pay/4111-1111-1111-1111",
        "/reset/Zx81kd92LqPlanted",
        "/people/planted.person@example.com",
        "/search?api_key=planted-query-key-88bb&card=4111111111111111",
        &format!("/verify/{JWT}"),
        &format!("/{JWT}?token={JWT}&planted-password-1"),
    ];
    for (step, (header, path)) in
        headers.iter().flat_map(|header| paths.iter().map(move |path| (header, path))).enumerate()
    {
        let body = "{\"card\":\"4111111111111111\",\"token\":\"planted-response-token\"}";
        let client = Ipv4Addr::new(10, 0, 1, 7);
        let at = start + step as u64 * 50_000_000;
        let ask = Exchange::get(at, client, "pay.example.test", path, header, 200, body);
        capture.exchange(server, &ask);
    }
    let form = "user=u&password=planted-password-1&note=planted-body-secret";
    let json = "{\"password\":\"planted-password-1\",\"4111111111111111\":\"planted-body-secret\"}";
    for (step, (media, body)) in
        [("application/x-www-form-urlencoded", form), ("application/json", json)].iter().enumerate()
    {
        let request = format!(
            "POST /login HTTP/1.1\r\nHost: pay.example.test\r\nContent-Type: {media}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let at = start + 10_000_000_000 + step as u64 * 50_000_000;
        let client = Ipv4Addr::new(10, 0, 1, 8);
        let answer = response(200, "{\"access_token\":\"planted-response-token\"}");
        let ask = Exchange { at, client, request: request.into_bytes(), response: answer };
        capture.exchange(server, &ask);
    }
    capture.bytes()
}

fn clean(place: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{place} shows {secret}");
    }
}

#[test]
fn planted_secrets_are_seen_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("secrets.pcap");
    fs::write(&input, traffic()).unwrap();
    let out = folder.path().join("out");
    let port = free_port();
    let settings = folder.path().join("c.yaml");
    fs::write(&settings, "log:\n  level: trace\n").unwrap();
    let log = folder.path().join("log");
    let mut sensor = Program::start(
        Command::new(TAPLINE)
            .arg("replay")
            .arg(&input)
            .args(["--raw-targets", "--serve", &format!("127.0.0.1:{port}")])
            .arg("--config")
            .arg(&settings)
            .arg("--out")
            .arg(&out)
            .stderr(Stdio::from(fs::File::create(&log).unwrap())),
    );
    let base = format!("http://127.0.0.1:{port}");
    assert!(until(30, || out.join("summary.json").exists()), "the replay ends");
    assert!(until(10, || http::status(&format!("{base}/-/ready")) == 200));
    let endpoints = http::get(&format!("{base}/api/v1/endpoints")).unwrap();
    assert!(endpoints.contains("/login"), "the traffic was understood: {endpoints}");
    let listed: serde_json::Value = serde_json::from_str(&endpoints).unwrap();
    let mut pages: Vec<String> = [
        "/",
        "/inventory",
        "/findings",
        "/data",
        "/api/v1/data",
        "/visibility",
        "/review",
        "/consumers",
        "/api/v1/review",
        "/api/v1/seeds",
        "/metrics",
        "/api/v1/status",
        "/api/v1/hosts",
    ]
    .map(str::to_owned)
    .to_vec();
    for endpoint in listed["endpoints"].as_array().unwrap() {
        let host = endpoint["host"].as_str().unwrap();
        pages.push(format!("/api/v1/hosts/{host}/openapi.yaml"));
        let id = endpoint["id"].as_str().unwrap();
        pages.push(format!("/endpoints/{id}"));
        pages.push(format!("/api/v1/endpoints/{id}"));
    }
    for page in pages {
        let text = http::get(&format!("{base}{page}")).unwrap_or_else(|| panic!("{page}"));
        clean(&page, &text);
    }
    sensor.signal("TERM");
    assert_eq!(sensor.wait(20), Some(0));
    let files = |folder: &Path| {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let documents = files(&out.join("openapi"));
    assert!(!documents.is_empty());
    for path in files(&out).into_iter().chain(documents) {
        clean(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
    }
    clean("the log", &fs::read_to_string(&log).unwrap());
}
