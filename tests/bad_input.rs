//! Bad input: one clear message, the right exit code, and what came before the fault is written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tapline_tests::sensor::{json, recorded, stderr};
use tapline_tests::{program, skip};

use crate::TAPLINE;

fn tapline(arguments: &[&str]) -> Output {
    Command::new(TAPLINE).args(arguments).output().unwrap()
}

/// The command fails with the code and says all of it.
fn check(arguments: &[&str], code: i32, said: &[&str]) {
    let output = tapline(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for part in said {
        assert!(text.contains(part), "{arguments:?} says {text:?}, not {part:?}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn uncompressed(folder: &Path) -> Vec<u8> {
    let path = folder.join("whole.pcap");
    let done = Command::new("zstd")
        .args(["-q", "-d", "-f", text(&recorded("http1-shop/input.pcap.zst")), "-o", text(&path)])
        .status();
    assert!(done.is_ok_and(|status| status.success()), "zstd is installed");
    fs::read(path).unwrap()
}

#[test]
fn wrong_use_is_64() {
    check(&[], 64, &["Usage"]);
    check(&["replay"], 64, &["FILE"]);
    check(&["replay", "x", "--workers", "0"], 64, &["--workers"]);
    check(&["fly"], 64, &["fly"]);
}

#[test]
fn a_missing_file_is_named() {
    check(&["replay", "/nowhere/a.pcap"], 74, &["/nowhere/a.pcap"]);
}

#[test]
fn a_file_that_is_no_capture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.pcap");
    fs::write(&path, "this is not a capture, whatever its name says").unwrap();
    check(&["replay", text(&path)], 74, &["text.pcap"]);
    let empty = folder.path().join("empty.pcap");
    fs::write(&empty, "").unwrap();
    check(&["replay", text(&empty)], 74, &["empty.pcap", "empty"]);
    check(&["replay", text(folder.path())], 74, &[text(folder.path())]);
}

#[test]
fn a_truncated_file_gives_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let whole = uncompressed(folder.path());
    let path = folder.path().join("cut.pcap");
    fs::write(&path, &whole[..whole.len() / 2 + 7]).unwrap();
    let out = folder.path().join("out");
    check(&["replay", text(&path), "--out", text(&out)], 74, &["cut.pcap", "truncated"]);
    let summary = json(&out.join("summary.json"));
    assert!(summary["transactions"]["total"].as_u64().unwrap() > 100, "{summary}");
    assert_eq!(summary["conservation"]["holds"], true);
    assert!(out.join("inventory.json").exists());
}

#[test]
fn one_bad_file_does_not_cost_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let good = recorded("http1-shop/input.pcap.zst");
    let bad = folder.path().join("bad.pcap");
    let whole = uncompressed(folder.path());
    fs::write(&bad, &whole[..1_000]).unwrap();
    check(&["replay", text(&bad), text(&good), "--out", text(&out)], 74, &["bad.pcap"]);
    let summary = json(&out.join("summary.json"));
    assert!(summary["transactions"]["total"].as_u64().unwrap() > 500, "{summary}");
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let capture = recorded("http1-shop/input.pcap.zst");
    check(&["replay", text(&capture), "--out", "/proc/nothing/here"], 74, &["/proc/nothing/here"]);
}

#[test]
fn a_taken_port_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let capture = recorded("http1-shop/input.pcap.zst");
    check(&["replay", text(&capture), "--serve", &address], 74, &[&address]);
}

#[test]
fn an_unknown_interface_is_named_with_those_that_exist() {
    if !skip::root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    let port = program::free_port();
    let state = folder.path().join("state");
    let settings =
        format!("web:\n  listen: 127.0.0.1:{port}\nsensor:\n  state_dir: {}\n", text(&state));
    fs::write(&config, settings).unwrap();
    check(&["run", "-i", "nosuch0", "--config", text(&config)], 74, &["nosuch0", "lo"]);
}

#[test]
fn missing_privileges_are_77_and_say_how_to_get_them() {
    if !skip::root() || !skip::programs(&["setpriv"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = folder.path().join("tapline");
    fs::copy(TAPLINE, &copy).unwrap();
    let config = folder.path().join("c.yaml");
    let port = program::free_port();
    let state = folder.path().join("state");
    let settings =
        format!("web:\n  listen: 127.0.0.1:{port}\nsensor:\n  state_dir: {}\n", text(&state));
    fs::write(&config, settings).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"])
        .args([text(&copy), "run", "-i", "lo", "--config", text(&config)])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(77), "{said}");
    assert!(said.contains("CAP_NET_RAW"), "{said}");
}

#[test]
fn every_mistake_of_a_configuration_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.yaml");
    fs::write(
        &path,
        "reassembly:\n  flows_max: many\n  idle_timeout_secs: 5\nweb:\n  listen: nowhere\n",
    )
    .unwrap();
    let place = text(&path);
    let said = ["flows_max", "idle_timeout_secs", "listen", ":2:", ":3:", ":5:"];
    check(&["check-config", place], 78, &said);
    let capture = recorded("http1-shop/input.pcap.zst");
    check(&["replay", text(&capture), "--config", place], 78, &said);
    check(&["run", "-i", "lo", "--config", place], 78, &said);
    check(&["check-config", "/nowhere/c.yaml"], 78, &["/nowhere/c.yaml"]);
}

#[test]
fn the_printed_defaults_are_a_good_configuration() {
    let printed = tapline(&["print-config", "--defaults"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("printed.yaml");
    fs::write(&path, printed.stdout).unwrap();
    let output = tapline(&["check-config", text(&path)]);
    assert!(output.status.success(), "{}", stderr(&output));
}
