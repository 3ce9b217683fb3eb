//! However many workers there are, and however often: the same bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use tapline_tests::sensor::{json_lines, recorded};

use crate::TAPLINE;

const COMPARED: [&str; 5] =
    ["inventory.json", "findings.jsonl", "transactions.jsonl", "seeds.jsonl", "review.json"];

/// Replays with 1, 2 and 8 workers, twice each, and compares every byte. What is compressed is read
/// once and handed over in queues; what is not, every worker reads by itself.
fn check(config: Option<&Path>) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let compressed = recorded("http1-shop/input.pcap.zst");
    let plain = folder.path().join("plain.pcap");
    let unpacked = zstd::decode_all(fs::File::open(&compressed).unwrap()).unwrap();
    fs::write(&plain, unpacked).unwrap();
    let mut first: Option<Vec<Vec<u8>>> = None;
    for (workers, round) in [(1, 1), (1, 2), (2, 1), (2, 2), (8, 1), (8, 2)] {
        let out = folder.path().join(format!("{workers}-{round}"));
        let mut command = Command::new(TAPLINE);
        command.arg("replay").arg(if round == 1 { &compressed } else { &plain });
        command.arg("--out").arg(&out).args(["--workers", &workers.to_string()]);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let files: Vec<Vec<u8>> =
            COMPARED.iter().map(|name| without_sources(&out.join(name))).collect();
        let summary = tapline_tests::sensor::json(&out.join("summary.json"));
        assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
        match &first {
            None => first = Some(files),
            Some(first) => {
                for ((name, expected), got) in COMPARED.iter().zip(first).zip(&files) {
                    assert!(
                        expected == got,
                        "{name} differs with {workers} workers, round {round}"
                    );
                }
            }
        }
    }
    json_lines(&folder.path().join("1-1/findings.jsonl"))
}

/// A file, but for the names of what was read.
fn without_sources(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if !path.ends_with("review.json") {
        return bytes;
    }
    let mut review: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    review["sources"].take();
    serde_json::to_vec(&review).unwrap()
}

/// The settings with every `_max` at 1 % of its default, and at least 1.
fn scaled_caps(defaults: &str) -> String {
    let mut scaled = 0;
    let lines: Vec<String> = defaults
        .lines()
        .map(|line| {
            let cap = line.split_once("_max: ");
            let Some((key, rest)) = cap.filter(|(key, _)| !key.trim_start().starts_with('#'))
            else {
                return line.to_owned();
            };
            scaled += 1;
            let value = rest.split_whitespace().next().unwrap();
            format!("{key}_max: {}", hundredth(value))
        })
        .collect();
    assert!(scaled > 20, "the caps were found in {defaults}");
    lines.join("\n")
}

fn hundredth(value: &str) -> String {
    let units = [("KiB", 1u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    for (unit, factor) in units {
        if let Some(number) = value.strip_suffix(unit) {
            return (number.parse::<u64>().unwrap() * factor / 100).to_string();
        }
    }
    match value.parse::<u64>() {
        Ok(number) => (number / 100).max(1).to_string(),
        Err(_) => format!("{:e}", value.parse::<f64>().unwrap() / 100.0),
    }
}

#[test]
fn the_number_of_workers_never_shows() {
    assert!(!check(None).is_empty(), "a comparison of nothing proves nothing");
}

#[test]
fn the_number_of_workers_never_shows_when_every_cap_bites() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("small.yaml");
    fs::write(&config, scaled_caps(&tapline_config::default_file())).unwrap();
    assert!(!check(Some(&config)).is_empty(), "a comparison of nothing proves nothing");
}
