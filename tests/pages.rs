//! Headless Chromium opens every page; none writes an error to the console.

use std::process::Command;

use tapline_tests::program::{Program, free_port, until};
use tapline_tests::sensor::recorded;
use tapline_tests::{http, skip};

use crate::TAPLINE;

fn console(url: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-quic", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--enable-logging=stderr", "--v=0", "--dump-dom"])
        .args(["--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(dom.contains("</html>") && dom.contains("Tapline"), "{url}: {dom}");
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_page_opens_without_a_console_error() {
    if !skip::programs(&["chromium", "curl", "timeout"]) {
        return;
    }
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let _sensor = Program::start(
        Command::new(TAPLINE)
            .arg("replay")
            .arg(recorded("http1-shop/input.pcap.zst"))
            .args(["--serve", &format!("127.0.0.1:{port}")]),
    );
    assert!(until(60, || http::get(&format!("{base}/api/v1/status"))
        .is_some_and(|text| text.contains("\"ended\":true"))));
    let first = |list: &str, key: &str| {
        let text = http::get(&format!("{base}/api/v1/{list}")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value[key][0]["id"].as_str().unwrap().to_owned()
    };
    let mut pages: Vec<String> = [
        "/",
        "/inventory",
        "/inventory?q=orders&sort=requests",
        "/findings",
        "/visibility",
        "/review",
        "/templates",
        "/consumers",
        "/prevention",
        "/api",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.push(format!("/endpoints/{}", first("endpoints", "endpoints")));
    pages.push(format!("/findings/{}", first("findings", "findings")));
    for page in pages {
        assert_eq!(console(&format!("{base}{page}")), "", "{page}");
    }
}
