//! What TLS handshakes show, against tshark and OpenSSL: in a capture of every kind of certificate, and
//! in all captures of the shared corpus.

mod heard;
mod openssl;
mod tshark;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use tapline_tests::sensor::{json, recorded};
use tapline_tests::skip;

use self::heard::{Hosts, Kind};
use crate::TAPLINE;

/// Captures that are read at once.
const AT_ONCE: usize = 2;

/// Captures of the corpus in which the sensor and tshark differ, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "pcap/arkime/arkime_synthetic.pcap",
        "made up: a certificate whose times have offsets, which RFC 5280 forbids, and a hello whose \
         list of versions is empty",
    ),
    (
        "pcap/deepflow/common/decapsulate_erspan1.pcap",
        "what is taken from tshark here is the address of the tunnel",
    ),
    ("pcap/suricata-verify/tls/tls13-draft14/tls13_draft14.pcap", DRAFT),
    ("pcap/suricata-verify/tls/tls13-draft18/tls13_draft18.pcap", DRAFT),
    ("pcap/zeek/tls/tls13draft16-chrome55.0.2879.0-canary.pcap", DRAFT),
];
/// Nobody speaks them any more.
const DRAFT: &str = "drafts of TLS 1.3 before the 22nd have another server hello";

fn replay(capture: &Path, out: &Path, workers: &str) {
    let output = Command::new(TAPLINE)
        .args(["replay", "--workers", workers, "--out"])
        .args([out, capture])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The recorded capture, unpacked, and what the sensor makes of it.
fn recording() -> (tempfile::TempDir, PathBuf, Value) {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("input.pcap");
    let packed = fs::File::open(recorded("tls-handshakes/input.pcap.zst")).unwrap();
    fs::write(&capture, zstd::decode_all(packed).unwrap()).unwrap();
    let out = folder.path().join("out");
    replay(&capture, &out, "1");
    let inventory = json(&out.join("inventory.json"));
    (folder, capture, inventory)
}

#[test]
fn the_recording_is_read_as_tshark_reads_it() {
    let (_folder, capture, inventory) = recording();
    if !skip::programs(&["tshark"]) {
        return;
    }
    let expected = tshark::hosts(&capture);
    assert!(expected.len() > 20, "{expected:#?}");
    assert_eq!(heard::hosts(&inventory), expected);
}

#[test]
fn every_certificate_is_read_as_openssl_reads_it() {
    let (_folder, capture, inventory) = recording();
    if !skip::programs(&["tshark", "openssl"]) {
        return;
    }
    let sent = tshark::certificates(&capture);
    let mut checked = 0;
    for host in inventory["encrypted"].as_array().unwrap() {
        for certificate in host["certificates"].as_array().unwrap() {
            let fingerprint = certificate["fingerprint"].as_str().unwrap();
            let der = &sent[fingerprint];
            assert_eq!(heard::certificate(certificate), openssl::certificate(der), "{host:#}");
            checked += 1;
        }
    }
    assert!(checked > 18, "{checked} certificates");
}

#[test]
fn the_review_says_what_each_server_was_set_up_to_be() {
    let (folder, _, inventory) = recording();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for host in inventory["encrypted"].as_array().unwrap() {
        let issues = host["issues"].as_array().unwrap().iter().map(|one| text(&one["rule"]));
        found.insert((text(&host["host"]), text(&host["server"])), issues.collect());
    }
    let expected = fs::read_to_string(recorded("tls-handshakes/expected.tsv")).unwrap();
    let expected: BTreeMap<(String, String), BTreeSet<String>> = expected
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let rules = cells[2].split(' ').filter(|rule| !rule.is_empty());
            ((cells[0].to_owned(), cells[1].to_owned()), rules.map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(found, expected);

    // The same issues stand in the review, with the hosts.
    let review = json(&folder.path().join("out/review.json"));
    let told: BTreeSet<String> = review["misconfigurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["rule"]))
        .filter(|rule| rule.starts_with("certificate") || rule.starts_with("tls"))
        .collect();
    assert_eq!(told, expected.into_values().flatten().collect());
    let metrics = fs::read_to_string(folder.path().join("out/metrics.prom")).unwrap();
    let ended = "tapline_certificate_not_after_timestamp_seconds{host=\"expired.test\"} ";
    assert!(metrics.contains(ended), "{metrics}");
    assert!(!metrics.contains("{host=\"short-lived.test\"}"), "it is renewed every few days");
}

#[test]
fn the_report_shows_hosts_behind_tls_in_every_form() {
    let (folder, _, _) = recording();
    for (form, name, part) in [
        ("html", "report.html", "Hosts behind TLS"),
        ("markdown", "report.md", "## Hosts behind TLS"),
        ("json", "report.json", "\"encrypted\""),
    ] {
        let out = folder.path().join(name);
        let output = Command::new(TAPLINE)
            .args(["report", "--from"])
            .arg(folder.path().join("out"))
            .args(["--format", form, "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = fs::read_to_string(&out).unwrap();
        assert!(text.contains(part) && text.contains("self.test"), "{form}");
    }
}

#[test]
fn workers_do_not_show() {
    let (folder, capture, _) = recording();
    let read = |workers: &str| {
        let out = folder.path().join(workers);
        replay(&capture, &out, workers);
        ["inventory.json", "review.json"].map(|name| fs::read_to_string(out.join(name)).unwrap())
    };
    let one = read("1");
    assert!(one[0].contains("expired.test"));
    for workers in ["2", "3", "8"] {
        assert!(read(workers) == one, "{workers} workers");
    }
}

/// Every capture in the corpus.
fn captures(corpus: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![corpus.join("pcap")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if ["pcap", "pcapng", "cap"].contains(&kind) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// How the sensor and tshark differ about a capture; nothing where they do not.
fn difference(capture: &Path, kinds: &mut BTreeMap<Kind, u64>) -> Option<String> {
    let expected = tshark::hosts(capture);
    let out = tempfile::tempdir().unwrap();
    replay(capture, out.path(), "1");
    let heard: Hosts = heard::hosts(&json(&out.path().join("inventory.json")));
    for host in expected.values() {
        *kinds.entry(Kind::Host).or_default() += 1;
        *kinds.entry(Kind::Certificate).or_default() += host.fingerprints.len() as u64;
    }
    (heard != expected).then(|| format!("heard {heard:#?}\ntshark {expected:#?}"))
}

#[test]
#[expect(clippy::print_stderr, reason = "how much was compared is worth knowing")]
fn the_corpus_is_read_as_tshark_reads_it() {
    let Some(corpus) = skip::corpus() else { return };
    if !skip::programs(&["tshark"]) {
        return;
    }
    let captures = captures(&corpus);
    let waiting = Mutex::new(captures.iter());
    let found = Mutex::new((BTreeMap::new(), BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(capture) = waiting.lock().unwrap().next() else { return };
                    let mut kinds = BTreeMap::new();
                    let difference = difference(capture, &mut kinds);
                    let name = capture.strip_prefix(&corpus).unwrap().to_str().unwrap().to_owned();
                    let (wrong, sums) = &mut *found.lock().unwrap();
                    difference.and_then(|text| wrong.insert(name, text));
                    for (kind, count) in kinds {
                        *sums.entry(kind).or_insert(0) += count;
                    }
                }
            });
        }
    });
    let (mut wrong, sums): (BTreeMap<String, String>, BTreeMap<Kind, u64>) =
        found.into_inner().unwrap();
    eprintln!("{} captures, {sums:?}, {} differ", captures.len(), wrong.len());
    for (name, why) in EXCEPTIONS {
        assert!(wrong.remove(*name).is_some(), "{name} is listed ({why}) and does not differ");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(sums.get(&Kind::Certificate).is_some_and(|&count| count > 20), "{sums:?}");
}
