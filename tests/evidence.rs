//! The packets behind findings: opened with the real age, and read with tshark.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange};
use tapline_tests::http;
use tapline_tests::program::{Program, free_port, until};
use tapline_tests::sensor::stderr;
use tapline_tests::skip;

use crate::TAPLINE;

const SCANNER: &str = "203.0.113.66";
const CUSTOMER: &str = "198.51.100.7";
const HOST: &str = "shop.example.test";
const SECRET: &str = "t0ken-of-a-customer";
const SECOND: u64 = 1_000_000_000;

/// A scanner, and a customer with a token beside it.
fn scan() -> Capture {
    let mut capture = Capture::new();
    let mut ask = |at: u64, client: &str, path: &str, extra: &str, status: u16| {
        let client: Ipv4Addr = client.parse().unwrap();
        let exchange = Exchange::get(at, client, HOST, path, extra, status, "{\"id\":1}");
        capture.exchange(Ipv4Addr::new(10, 0, 0, 80), &exchange);
    };
    let token = format!("Authorization: Bearer {SECRET}\r\n");
    for number in 0..150 {
        let at = 1_700_000_000 * SECOND + number * SECOND / 2;
        ask(at, CUSTOMER, "/api/v1/orders", &token, 200);
        ask(at + SECOND / 4, SCANNER, &format!("/old{number}/admin{number}.php"), "", 404);
    }
    capture
}

/// A replay that keeps evidence for somebody who has a key.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// With so many workers and these further settings of evidence.
    fn new(workers: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        scan().write(&at("scan.pcap"));
        let made = Command::new("age-keygen").arg("-o").arg(at("key")).output().unwrap();
        assert!(made.status.success(), "{}", stderr(&made));
        let public = Command::new("age-keygen").arg("-y").arg(at("key")).output().unwrap();
        let public = String::from_utf8(public.stdout).unwrap();
        let config = format!("evidence:\n  enabled: true\n  recipients: [{}]\n", public.trim());
        fs::write(at("tapline.yaml"), config + settings).unwrap();
        let done = Command::new(TAPLINE)
            .arg("replay")
            .arg(at("scan.pcap"))
            .arg("--config")
            .arg(at("tapline.yaml"))
            .args(["--workers", workers, "--out"])
            .arg(at("out"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The id of the finding that blames the scanner.
    fn finding(&self) -> String {
        let text = fs::read_to_string(self.path("out/findings.jsonl")).unwrap();
        let findings = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut of_it = findings.filter(|finding| finding["detection"] == "path_scanner");
        of_it.next().expect("the scan is found")["id"].as_str().unwrap().to_owned()
    }

    fn kept(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path("out/evidence")).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn metric(&self, sample: &str) -> f64 {
        let page = fs::read_to_string(self.path("out/metrics.prom")).unwrap();
        let line = page.lines().find(|line| line.starts_with(sample)).expect(sample);
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Fields of the frames of a capture file, a line each.
fn frames(file: &Path, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(file).args(["-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_packets_of_an_offender_are_kept_for_whoever_has_the_key() {
    if !skip::programs(&["age", "age-keygen", "tshark"]) {
        return;
    }
    // One worker, one reader for each of two, and queues over a ring that holds all.
    for workers in ["1", "2"] {
        let scene = Scene::new(workers, "");
        let file = scene.path(&format!("out/evidence/{}-0.pcap.age", scene.finding()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        let sealed = fs::read(&file).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        assert!(!sealed.windows(9).any(|part| part == b"admin1.php"[..9].as_ref()));
        let opened = scene.path("opened.pcap");
        let done = Command::new("age")
            .args(["--decrypt", "--identity"])
            .arg(scene.path("key"))
            .arg("--output")
            .arg(&opened)
            .arg(&file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        let ends = frames(&opened, &["ip.src", "ip.dst"]);
        assert!(!ends.is_empty() && ends.iter().all(|line| line.contains(SCANNER)), "{ends:?}");
        let asked = frames(&opened, &["http.request.uri"]).join("\n");
        assert!(asked.contains("/old0/admin0.php"), "{asked}");
        // What a customer sent meanwhile is nobody's business.
        let plain = fs::read(&opened).unwrap();
        assert!(!plain.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
        assert!(scene.metric("tapline_evidence_excerpts_total{result=\"kept\"}") >= 1.0);
    }
}

#[test]
fn what_is_milder_is_not_kept_and_an_excerpt_has_an_end() {
    if !skip::programs(&["age", "age-keygen", "tshark"]) {
        return;
    }
    assert!(Scene::new("1", "  severity_min: critical\n").kept().is_empty());
    let scene = Scene::new("1", "  excerpt_bytes_max: 4KiB\n  folder_bytes_max: 1MiB\n");
    let kept = scene.kept();
    assert!(!kept.is_empty());
    for file in kept {
        assert!(fs::metadata(&file).unwrap().len() < 5_000, "{}", file.display());
    }
}

#[test]
fn a_finding_names_its_packets() {
    if !skip::programs(&["age", "age-keygen", "tshark", "curl"]) {
        return;
    }
    let scene = Scene::new("1", "");
    let port = free_port();
    let mut command = Command::new(TAPLINE);
    command.arg("replay").arg(scene.path("scan.pcap")).arg("--config");
    command.arg(scene.path("tapline.yaml")).arg("--out").arg(scene.path("again"));
    command.args(["--serve", &format!("127.0.0.1:{port}")]).stderr(Stdio::null());
    let _sensor = Program::start(&mut command);
    let finding = scene.finding();
    let url = format!("http://127.0.0.1:{port}/api/v1/findings/{finding}");
    let names = || {
        let answer = http::get(&url)?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["packets"][0]["name"].as_str().map(str::to_owned)
    };
    assert!(
        until(60, || names() == Some(format!("{finding}-0.pcap.age"))),
        "{:?}",
        http::get(&url)
    );
}

#[test]
fn without_a_reader_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tapline.yaml");
    fs::write(&config, "evidence:\n  enabled: true\n").unwrap();
    let done = Command::new(TAPLINE).arg("check-config").arg(&config).output().unwrap();
    assert_eq!(done.status.code(), Some(78));
    assert!(stderr(&done).contains("age-keygen"), "{}", stderr(&done));
}
