//! Other settings, tried on a capture of the past.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tapline_tests::sensor::{recorded, stderr};

use crate::TAPLINE;

fn backtest(folder: &Path, new: &str, more: &[&str]) -> Output {
    let (before, after) = (folder.join("old.yaml"), folder.join("new.yaml"));
    fs::write(&before, "").unwrap();
    fs::write(&after, new).unwrap();
    let mut command = Command::new(TAPLINE);
    command.arg("backtest").arg("--config").arg(&after).arg("--against").arg(&before).args(more);
    command.arg(recorded("http1-shop/input.pcap.zst")).output().unwrap()
}

#[test]
fn what_other_settings_would_have_found_is_told_case_by_case() {
    let folder = tempfile::tempdir().unwrap();
    let deaf = "behavior:\n  path_scanner:\n    enabled: false\n";
    let output = backtest(folder.path(), deaf, &["--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |detection: &str| {
        let rows = told["detections"].as_array().unwrap();
        let row = rows.iter().find(|row| row["detection"] == detection).unwrap();
        (row["before"].as_u64().unwrap(), row["after"].as_u64().unwrap())
    };
    assert_eq!(row("path_scanner"), (1, 0));
    assert_eq!(row("error_burst").0, row("error_burst").1);
    assert!(row("error_burst").0 > 0);
    assert_eq!(told["only_after"].as_array().unwrap().len(), 0);
    assert_eq!(told["only_before"].as_array().unwrap().len(), 1);
    assert_eq!(told["only_before"][0]["detection"], "path_scanner");
    let (before, after) = (&told["before"]["findings"], &told["after"]["findings"]);
    assert_eq!(before.as_u64().unwrap(), after.as_u64().unwrap() + 1);
    // Fourteen minutes.
    let days = told["days"].as_f64().unwrap();
    assert!((0.009..0.011).contains(&days), "{days}");
}

#[test]
fn the_same_settings_differ_in_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = backtest(folder.path(), "", &["--workers", "2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("path_scanner") && table.contains("findings a day"), "{table}");
    assert!(!table.contains("Gone") && !table.contains("New ("), "{table}");
}

#[test]
fn standard_input_is_not_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let output = backtest(folder.path(), "", &["-"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("read only once"));
}
