//! Documents of what was seen: written by a replay, compared, and held against traffic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tapline_tests::sensor::{json, json_lines, recorded};

use crate::TAPLINE;

fn tapline(arguments: &[&str], files: &[&Path]) -> Output {
    Command::new(TAPLINE).args(arguments).args(files).output().unwrap()
}

fn replay(out: &Path, config: Option<&Path>) {
    let capture = recorded("http1-shop/input.pcap.zst");
    let mut arguments = vec!["replay", "--workers", "1", "--out", out.to_str().unwrap()];
    if let Some(config) = config {
        arguments.extend(["--config", config.to_str().unwrap()]);
    }
    let output = tapline(&arguments, &[&capture]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The largest document that a replay wrote, and the host it is of.
fn document(out: &Path) -> (PathBuf, String) {
    let files = fs::read_dir(out.join("openapi")).unwrap().map(|entry| entry.unwrap().path());
    let largest = files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let host = json(&largest)["info"]["title"].as_str().unwrap().to_owned();
    (largest, host)
}

#[test]
fn what_was_seen_is_as_documented_until_the_document_changes() {
    let folder = tempfile::tempdir().unwrap();
    replay(folder.path(), None);
    let (seen, host) = document(folder.path());
    let same = tapline(&["compare", "--fail-on", "additive"], &[&seen, &seen]);
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stdout));

    let mut changed = json(&seen);
    let paths = changed["paths"].as_object_mut().unwrap();
    let gone = paths.keys().next().unwrap().clone();
    paths.remove(&gone);
    let documented = folder.path().join("documented.json");
    fs::write(&documented, changed.to_string()).unwrap();
    let differs = tapline(&["compare", "--json"], &[&documented, &seen]);
    assert_eq!(differs.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&differs.stdout).unwrap();
    let kinds: Vec<_> =
        told["differences"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == "shadow_operation"), "{told:#}");

    let config = folder.path().join("tapline.yaml");
    let text = format!(
        "documents:\n  apis:\n    - {{host: \"{host}\", file: documented.json}}\n\
         discovery:\n  templates:\n    - {{path: /**, owner: accounts}}\n"
    );
    fs::write(&config, text).unwrap();
    let out = folder.path().join("again");
    replay(&out, Some(&config));
    let findings = json_lines(&out.join("findings.jsonl"));
    let drift = findings.iter().find(|finding| finding["detection"] == "shadow_endpoint").unwrap();
    assert_eq!(drift["endpoint"]["template"], gone.as_str());
    assert_eq!(drift["kind"], "drift");
    assert_eq!(drift["owner"], "accounts");
}

#[test]
fn a_document_that_cannot_be_read_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    fs::write(&broken, "openapi: 3.1.0\npaths: [1\n").unwrap();
    let output = tapline(&["convert"], &[&broken]);
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.yaml: line "));
    let config = folder.path().join("tapline.yaml");
    fs::write(&config, "documents: {apis: [{host: a.test, file: broken.yaml}]}\n").unwrap();
    assert_eq!(tapline(&["check-config"], &[&config]).status.code(), Some(78));
}
