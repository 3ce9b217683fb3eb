//! House rules that a machine can see.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINES_MAX: usize = 800;
const BLOB_BYTES_MAX: u64 = 1 << 20;

/// What each crate may depend on inside the workspace: an arrow that is not here is a decision.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &["sketch"]),
    ("sketch", &[]),
    ("capture", &["model", "sketch"]),
    ("decap", &["model", "sketch"]),
    ("reassembly", &["model", "sketch"]),
    ("protocol", &["model", "sketch"]),
    ("payload", &["model"]),
    ("discovery", &["model", "sketch", "payload"]),
    ("behavior", &["model", "sketch"]),
    ("alert", &["model", "sketch"]),
    ("openapi", &["model"]),
    ("prevention", &["model"]),
    ("evidence", &["model"]),
    ("telemetry", &["model"]),
    ("review", &["model"]),
    ("web", &["model", "review", "telemetry", "openapi", "prevention"]),
    (
        "config",
        &[
            "model",
            "capture",
            "decap",
            "reassembly",
            "protocol",
            "discovery",
            "behavior",
            "alert",
            "prevention",
            "evidence",
            "web",
        ],
    ),
    (
        "daemon",
        &[
            "model",
            "sketch",
            "capture",
            "decap",
            "reassembly",
            "protocol",
            "discovery",
            "behavior",
            "alert",
            "telemetry",
            "review",
            "web",
            "config",
            "openapi",
            "prevention",
            "evidence",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file that is, or would be, in the repository.
fn tracked() -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    String::from_utf8(list.stdout)
        .unwrap()
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| root().join(name))
        .filter(|path| path.is_file())
        .collect()
}

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    tracked()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
}

fn manifest(name: &str) -> String {
    fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap()
}

#[test]
fn dependencies_run_down_only() {
    let crates: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(crates, listed, "every crate has its arrows listed");
    for (name, allowed) in ARROWS {
        let text = manifest(name);
        let dependencies = text
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next()?.strip_prefix("tapline-"));
        for dependency in dependencies {
            let known = allowed.contains(&dependency);
            assert!(known, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_crate_takes_the_workspace_s_lints() {
    for (name, _) in ARROWS {
        assert!(manifest(name).contains("[lints]\nworkspace = true"), "{name}");
    }
}

#[test]
fn every_file_says_what_it_is_and_fits_a_sitting() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} opens with //!", path.display());
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
        assert_ne!(path.file_name().unwrap(), "mod.rs", "{}", path.display());
    }
}

#[test]
fn unsafe_has_one_address() {
    for (path, text) in sources() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.filter(|line| line.contains("unsafe {")).count();
        let allowed = path.to_string_lossy().contains("crates/capture/src/");
        assert!(named == 0 || allowed || path.ends_with("tests/tidy.rs"), "{}", path.display());
    }
}

#[test]
fn dashboards_and_rules_name_metrics_that_exist() {
    let names: BTreeSet<&str> =
        tapline_telemetry::names::ALL.iter().map(|metric| metric.name).collect();
    let mut used = 0;
    for path in tracked() {
        let place = path.to_string_lossy().into_owned();
        let shipped = place.contains("/deploy/")
            && path.extension().is_some_and(|kind| kind == "json" || kind == "yml")
            && !place.contains("compose/");
        if !shipped {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if !word.starts_with("tapline_") || word == "tapline_test" {
                continue;
            }
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix))
                .unwrap_or(word);
            assert!(names.contains(word) || names.contains(base), "{place}: {word}");
            used += 1;
        }
    }
    assert!(used > 20, "the files were found");
}

#[test]
fn every_alert_has_its_place_in_the_runbook() {
    let rules = fs::read_to_string(root().join("deploy/prometheus/rules/tapline.yml")).unwrap();
    let runbook = fs::read_to_string(root().join("deploy/runbook.md")).unwrap();
    let alerts: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 5);
    for alert in alerts {
        assert!(runbook.contains(&format!("## {alert}\n")), "{alert}");
        let anchor = format!("#{}", alert.to_lowercase());
        assert!(rules.contains(&anchor), "{alert} links to {anchor}");
    }
}

#[test]
fn the_settings_file_is_the_one_the_program_would_write() {
    let file = fs::read_to_string(root().join("config/tapline.yaml")).unwrap();
    assert!(file == tapline_config::default_file(), "tapline print-config --defaults writes it");
}

#[test]
fn no_blob_is_large() {
    for path in tracked() {
        let bytes = fs::metadata(&path).unwrap().len();
        assert!(bytes <= BLOB_BYTES_MAX, "{} has {bytes} bytes", path.display());
    }
}

#[test]
fn every_recorded_capture_says_where_it_is_from() {
    for entry in fs::read_dir(root().join("tests/pcap")).unwrap() {
        let folder = entry.unwrap().path();
        assert!(folder.join("README.md").exists(), "{}", folder.display());
    }
}

#[test]
fn the_repository_speaks_of_the_product_alone() {
    // Put together here, so that this file does not name them either.
    let banned = [
        ["/wo", "rk/"].concat(),
        ["crates", ".io"].concat(),
        ["pypi", ".org"].concat(),
        ["npmjs", ".com"].concat(),
        ["deb.", "debian"].concat(),
    ];
    for path in tracked() {
        let lock = path.file_name().is_some_and(|name| name == "Cargo.lock");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for word in &banned {
            assert!(lock || !text.contains(word.as_str()), "{} names {word}", path.display());
        }
    }
}
