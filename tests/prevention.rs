//! The block list, read by the real programs that block: nftables, ipset, and a bouncer of `CrowdSec`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tapline_tests::capture::{Capture, Exchange};
use tapline_tests::namespace::Namespace;
use tapline_tests::program::{Program, until};
use tapline_tests::sensor::stderr;
use tapline_tests::skip;

use crate::TAPLINE;

const PORT: u16 = 9488;
const SCANNER: &str = "203.0.113.66";
const HOST: &str = "shop.example.test";
const SECOND: u64 = 1_000_000_000;

/// A sensor on the loopback of a network of its own, which has shown a scan.
struct Scene {
    network: Namespace,
    folder: tempfile::TempDir,
    _sensor: Program,
}

impl Scene {
    /// Replays the scan with these settings of prevention.
    fn new(settings: &str) -> Self {
        let network = Namespace::new("p");
        network.ip(&["link", "set", "lo", "up"]);
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("scan.pcap");
        scan().write(&capture);
        fs::write(folder.path().join("api-key"), "k3y-of-the-bouncer\n").unwrap();
        let config = folder.path().join("tapline.yaml");
        let common = "  enabled: true\n  severity_min: low\n  api_key_file: api-key\n";
        fs::write(&config, format!("prevention:\n{common}{settings}")).unwrap();
        let mut command = network.command(TAPLINE);
        command.arg("replay").arg(&capture).arg("--config").arg(&config);
        command.args(["--serve", &format!("127.0.0.1:{PORT}")]).stderr(Stdio::null());
        let scene = Self { _sensor: Program::start(&mut command), network, folder };
        assert!(until(60, || scene.get("/api/v1/status", &[]).contains("\"ended\":true")));
        scene
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.network.command(program).args(arguments).output().unwrap()
    }

    fn succeeds(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn get(&self, path: &str, more: &[&str]) -> String {
        let url = format!("http://127.0.0.1:{PORT}{path}");
        let output = self.run("curl", &[&["-s", "-m", "20", url.as_str()], more].concat());
        String::from_utf8(output.stdout).unwrap()
    }

    /// A form of the list, as a file.
    fn form(&self, format: &str) -> String {
        let path = self.folder.path().join(format);
        fs::write(&path, self.get(&format!("/api/v1/prevention?format={format}"), &[])).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Customers that are answered, then somebody who looks for what is not there.
fn scan() -> Capture {
    let mut capture = Capture::new();
    let mut at = 1_700_000_000 * SECOND;
    let mut ask = |client: &str, path: &str, status: u16| {
        at += SECOND / 4;
        let client: Ipv4Addr = client.parse().unwrap();
        let exchange = Exchange::get(at, client, HOST, path, "", status, "{\"id\":1}");
        capture.exchange(Ipv4Addr::new(10, 0, 0, 80), &exchange);
    };
    for number in 0..200 {
        ask(&format!("198.51.100.{}", number % 20 + 1), "/api/v1/orders", 200);
    }
    for number in 0..150 {
        ask(SCANNER, &format!("/old{number}/admin{number}.php"), 404);
    }
    capture
}

fn ready() -> bool {
    skip::root() && skip::programs(&["ip", "nsenter", "curl"])
}

#[test]
fn a_list_names_the_offender_and_nobody_else() {
    if !ready() {
        return;
    }
    let scene = Scene::new("  dry_run: false\n");
    assert_eq!(scene.get("/api/v1/prevention?format=plain", &[]), format!("{SCANNER}\n"));
    let list: Value = serde_json::from_str(&scene.get("/api/v1/prevention", &[])).unwrap();
    let entry = &list["entries"][0];
    assert_eq!(entry["subject"], SCANNER);
    assert_eq!(entry["reasons"][0]["detection"], "path_scanner");
    let finding = entry["reasons"][0]["finding"].as_str().unwrap();
    let page = scene.get("/prevention", &[]);
    assert!(page.contains(SCANNER) && page.contains(&format!("/findings/{finding}")));
    let metrics = scene.get("/metrics", &[]);
    assert!(metrics.contains("tapline_prevention_entries{kind=\"address\"} 1"), "{metrics}");
}

#[test]
fn nobody_is_named_to_programs_in_a_dry_run_or_when_the_network_is_spared() {
    if !ready() {
        return;
    }
    let dry = Scene::new("");
    assert_eq!(dry.get("/api/v1/prevention?format=plain", &[]), "");
    assert!(!dry.get("/api/v1/prevention?format=nftables", &[]).contains(SCANNER));
    assert!(dry.get("/prevention", &[]).contains(SCANNER), "people see what would be");
    let spared = Scene::new("  dry_run: false\n  never: [203.0.113.0/24]\n");
    assert_eq!(spared.get("/api/v1/prevention?format=plain", &[]), "");
    assert!(!spared.get("/prevention", &[]).contains(SCANNER));
}

#[test]
fn nftables_takes_the_list() {
    if !ready() || !skip::programs(&["nft"]) {
        return;
    }
    let scene = Scene::new("  dry_run: false\n");
    let file = scene.form("nftables");
    scene.succeeds("nft", &["-c", "-f", &file]);
    // Twice: the next list takes the place of the one before.
    for _ in 0..2 {
        scene.succeeds("nft", &["-f", &file]);
        let set = scene.succeeds("nft", &["list", "set", "inet", "tapline", "blocked4"]);
        assert_eq!(set.matches("203.0.113.").count(), 1, "{set}");
        assert!(set.contains(SCANNER) && set.contains("expires"), "{set}");
    }
}

#[test]
fn ipset_takes_the_list() {
    if !ready() || !skip::programs(&["ipset"]) {
        return;
    }
    let scene = Scene::new("  dry_run: false\n");
    let file = scene.form("ipset");
    for _ in 0..2 {
        scene.succeeds("ipset", &["restore", "-file", &file]);
        assert!(scene.succeeds("ipset", &["list", "tapline4"]).contains(SCANNER));
        let names = scene.succeeds("ipset", &["list", "-name"]);
        assert_eq!(names, "tapline4\ntapline6\n", "nothing is left beside them");
    }
}

#[test]
fn a_bouncer_of_crowdsec_reads_the_decisions_and_bans() {
    if !ready() || !skip::programs(&["nft", "crowdsec-firewall-bouncer"]) {
        return;
    }
    let scene = Scene::new("  dry_run: false\n");
    let refused = scene.get("/v1/decisions", &["-w", "%{http_code}", "-H", "X-Api-Key: wrong"]);
    assert!(refused.contains("\"message\"") && refused.ends_with("403"), "{refused}");
    let key = "X-Api-Key: k3y-of-the-bouncer";
    let one: Value =
        serde_json::from_str(&scene.get(&format!("/v1/decisions?ip={SCANNER}"), &["-H", key]))
            .unwrap();
    assert_eq!((&one[0]["value"], &one[0]["type"]), (&SCANNER.into(), &"ban".into()));
    assert_eq!(scene.get("/v1/decisions?ip=198.51.100.1", &["-H", key]), "null");
    let config = bouncer_config(scene.folder.path());
    let _bouncer = Program::start(
        scene
            .network
            .command("crowdsec-firewall-bouncer")
            .args(["-c", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let banned = || {
        let rules = scene.run("nft", &["list", "ruleset"]).stdout;
        String::from_utf8_lossy(&rules).contains(SCANNER)
    };
    assert!(until(30, banned), "the address is in the bouncer's set");

    let list: Value = serde_json::from_str(&scene.get("/api/v1/prevention", &[])).unwrap();
    let finding = list["entries"][0]["reasons"][0]["finding"].as_str().unwrap();
    let said = "{\"verdict\":\"false_positive\",\"comment\":\"our own tester\"}";
    let json = "Content-Type: application/json";
    let answer = scene
        .get(&format!("/api/v1/findings/{finding}/verdict"), &["-H", json, "--data-binary", said]);
    assert_eq!(answer, "{\"done\":true}");
    assert!(until(30, || !banned()), "who was listed by mistake is let in again");
    let metrics = scene.get("/metrics", &[]);
    assert!(
        metrics.contains("tapline_prevention_ended_total{reason=\"withdrawn\"} 1"),
        "{metrics}"
    );
    assert!(scene.get(&format!("/findings/{finding}"), &[]).contains("our own tester"));
}

/// Its settings: the sensor is its local API.
fn bouncer_config(folder: &Path) -> String {
    let path = folder.join("bouncer.yaml");
    let text = format!(
        "\
mode: nftables
pid_dir: {folder}
update_frequency: 1s
daemonize: false
log_mode: stdout
log_level: info
api_url: http://127.0.0.1:{PORT}/
api_key: k3y-of-the-bouncer
disable_ipv6: false
deny_action: DROP
deny_log: false
supported_decisions_types: [ban]
blacklists_ipv4: blacklists
blacklists_ipv6: blacklists6
nftables:
  ipv4: {{enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain}}
  ipv6: {{enabled: true, set-only: false, table: crowdsec6, chain: crowdsec6-chain}}
prometheus: {{enabled: false, listen_addr: 127.0.0.1, listen_port: 60601}}
",
        folder = folder.display()
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
