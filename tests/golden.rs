//! Every capture in `tests/pcap/` has what its server's own log says it has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use tapline_tests::sensor::{json, json_lines, recorded};

use crate::TAPLINE;

/// Replays a capture into a folder with some workers.
fn replay(capture: &Path, out: &Path) {
    let output =
        Command::new(TAPLINE).arg("replay").arg(capture).arg("--out").arg(out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Host, method, template and status, with how often.
type Counts = BTreeMap<(String, String, String, u64), u64>;

fn truth(path: &Path) -> Counts {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [count, host, method, path, status] = fields[..] else { panic!("{line}") };
            let key = (host.into(), method.into(), path.into(), status.parse().unwrap());
            (key, count.parse().unwrap())
        })
        .collect()
}

/// A path with its values replaced, as the truth has them.
fn hole(path: &str) -> String {
    let value = |segment: &str| {
        let digits = segment.trim_start_matches("SKU-");
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let uuid = segment.len() == 36 && segment.matches('-').count() == 4;
        number || uuid
    };
    path.split('/').map(|s| if value(s) { "{}" } else { s }).collect::<Vec<_>>().join("/")
}

#[test]
fn the_shop_is_heard_whole() {
    let out = tempfile::tempdir().unwrap();
    replay(&recorded("http1-shop/input.pcap.zst"), out.path());
    let truth = truth(&recorded("http1-shop/truth.tsv"));

    let mut heard = Counts::new();
    for line in json_lines(&out.path().join("transactions.jsonl")) {
        assert_eq!(line["completeness"], "whole", "{line}");
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let host = text("host");
        let host = host.split(':').next().unwrap().to_owned();
        let key = (host, text("method"), hole(&text("path")), line["status"].as_u64().unwrap());
        *heard.entry(key).or_default() += 1;
    }
    assert_eq!(heard, truth);

    let summary = json(&out.path().join("summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
    assert_eq!(summary["transactions"]["total"], truth.values().sum::<u64>());
}

#[test]
fn the_shop_s_inventory_is_its_api_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    replay(&recorded("http1-shop/input.pcap.zst"), out.path());
    let listed: BTreeMap<(String, String, String), u64> = json(&out.path().join("inventory.json"))
        ["services"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|service| {
            let host = service["host"].as_str().unwrap().to_owned();
            service["endpoints"].as_array().unwrap().iter().map(move |endpoint| {
                let template = endpoint["template"].as_str().unwrap();
                let holes = template
                    .split('/')
                    .map(|s| if s.starts_with('{') { "{}" } else { s })
                    .collect::<Vec<_>>()
                    .join("/");
                let method = endpoint["method"].as_str().unwrap().to_owned();
                ((host.clone(), method, holes), endpoint["requests"].as_u64().unwrap())
            })
        })
        .collect();
    // What the server answered with success; HEAD is an attribute of GET.
    let mut expected = BTreeSet::new();
    for ((host, method, path, status), _) in truth(&recorded("http1-shop/truth.tsv")) {
        if (200..400).contains(&status) && method != "HEAD" {
            expected.insert((host, method, path));
        }
    }
    let listed: Vec<_> = listed
        .keys()
        .map(|(host, method, path)| {
            (host.split(':').next().unwrap().to_owned(), method.clone(), path.clone())
        })
        .collect();
    assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_shop_s_outage_its_scanner_and_its_key_in_a_url_are_found_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    replay(&recorded("http1-shop/input.pcap.zst"), out.path());
    let findings = json_lines(&out.path().join("findings.jsonl"));
    let mut found: Vec<&str> =
        findings.iter().map(|finding| finding["detection"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["credential_exposed", "error_burst", "path_scanner"], "{findings:#?}");
    for finding in &findings {
        if finding["detection"] == "credential_exposed" {
            // `?api_key=` is how a consumer of the search signs in.
            assert_eq!(finding["endpoint"]["template"], "/api/v2/search");
            assert_eq!(finding["evidence"][0]["name"], "api_key in query");
            continue;
        }
        let probability = finding["probability"].as_f64().unwrap();
        assert!(probability < 1e-6, "{finding}");
        if finding["detection"] == "path_scanner" {
            assert_eq!(finding["client_addresses"], serde_json::json!(["10.88.0.66"]));
        } else {
            assert_eq!(finding["endpoint"]["template"], "/api/v1/orders");
            assert_eq!(finding["endpoint"]["method"], "POST");
        }
    }
}
