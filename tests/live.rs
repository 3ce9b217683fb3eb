//! Live: a mirror port, a real nginx and real clients, and every request is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tapline_tests::program::{Program, pause, until};
use tapline_tests::sensor::{json, json_lines};
use tapline_tests::{http, skip};

use crate::TAPLINE;

const REQUESTS: u64 = 20_000;
const CLIENTS: u64 = 4;

/// Three namespaces: clients, a server, and the sensor on a mirror of the server's port. Removed
/// with the test.
struct Net {
    names: [String; 3],
}

impl Net {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let names = ["c", "s", "m"].map(|role| format!("tapline-{role}-{id}"));
        let net = Self { names };
        let [clients, server, sensor] = &net.names;
        for name in &net.names {
            ip(&["netns", "add", name]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        ip(&[
            "link", "add", "c0", "netns", clients, "type", "veth", "peer", "name", "s0", "netns",
            server,
        ]);
        ip(&[
            "link", "add", "m0", "netns", server, "type", "veth", "peer", "name", "m1", "netns",
            sensor,
        ]);
        for last in 1..=CLIENTS {
            ip(&["-n", clients, "addr", "add", &format!("10.89.0.{last}/16"), "dev", "c0"]);
        }
        ip(&["-n", server, "addr", "add", "10.89.1.1/16", "dev", "s0"]);
        for (name, link) in [(clients, "c0"), (server, "s0"), (server, "m0"), (sensor, "m1")] {
            ip(&["-n", name, "link", "set", link, "up"]);
            Self::inside(name, "ethtool", &["-K", link, "gso", "off", "tso", "off", "gro", "off"]);
        }
        Self::inside(server, "tc", &["qdisc", "add", "dev", "s0", "clsact"]);
        for way in ["ingress", "egress"] {
            let filter = format!(
                "filter add dev s0 {way} protocol all prio 1 u32 match u32 0 0 \
                 action mirred egress mirror dev m0"
            );
            let words: Vec<&str> = filter.split_whitespace().collect();
            assert!(Self::inside(server, "tc", &words), "tc {filter}");
        }
        net
    }

    fn command(name: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name, program]);
        command
    }

    fn inside(name: &str, program: &str, arguments: &[&str]) -> bool {
        let output = Self::command(name, program).args(arguments).output().unwrap();
        output.status.success()
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in &self.names {
            drop(Command::new("ip").args(["netns", "del", name]).output());
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {said}");
}

fn nginx_conf(folder: &str) -> String {
    let json = |path: &str, body: &str| {
        format!("location {path} {{ default_type application/json; return 200 '{body}'; }}\n")
    };
    let locations = [
        json("= /health", "{\"status\":\"ok\"}"),
        json("= /api/v1/items", "{\"data\":[]}"),
        json("~ ^/api/v1/items/[0-9]+$", "{\"id\":1,\"name\":\"x\"}"),
        json("~ ^/api/v1/items/[0-9]+/parts$", "{\"parts\":[]}"),
        json("~ ^/files/[0-9a-f-]+$", "{\"size\":1}"),
    ]
    .concat();
    format!(
        "worker_processes 1; master_process off; error_log {folder}/error.log; pid {folder}/nginx.pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_requests 100;\n\
         client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n\
         uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n\
         log_format t '$request_method $request_uri $status';\n\
         server {{ listen 8080; access_log {folder}/access.log t;\n{locations} }} }}\n"
    )
}

/// A client with an address of its own: GETs over keep-alive flows.
const CLIENT: &str = r#"
import http.client, random, sys, uuid
address, count = sys.argv[1], int(sys.argv[2])
rng, left, link = random.Random(address), 0, None
for n in range(count):
    if left == 0:
        if link: link.close()
        link = http.client.HTTPConnection("10.89.1.1", 8080, source_address=(address, 0))
        left = rng.randint(1, 90)
    left -= 1
    item = rng.randrange(10**6)
    path = rng.choice(["/health", "/api/v1/items?page=%d" % item, "/api/v1/items/%d" % item,
                       "/api/v1/items/%d/parts" % item, "/files/%s" % uuid.UUID(int=rng.getrandbits(128)),
                       "/missing/%d" % item])
    link.request("GET", path, headers={"Host": "items.example.test", "Authorization": "Bearer tok-" + address})
    link.getresponse().read()
"#;

fn write_settings(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("tapline.yaml");
    let state = folder.join("state");
    let text = format!("sensor:\n  state_dir: {}\nlog:\n  level: info\n", state.display());
    fs::write(&path, text).unwrap();
    path
}

/// Scrapes until told to stop; every scrape must conserve.
fn conservation(page: &str) -> Result<(), String> {
    let ledgers: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| {
            let labels = line.strip_prefix("tapline_pipeline_received_total{")?;
            let value = |name: &str| {
                let rest = labels.split_once(&format!("{name}=\""))?.1;
                Some(rest.split_once('"')?.0.to_owned())
            };
            Some((value("stage")?, value("unit")?))
        })
        .collect();
    if ledgers.is_empty() {
        return Err(format!("no ledger in the scrape: {page:?}"));
    }
    for (stage, unit) in ledgers {
        let of = |metric: &str| {
            page.lines()
                .filter(|line| {
                    line.starts_with(&format!("{metric}{{"))
                        && line.contains(&format!("stage=\"{stage}\""))
                        && line.contains(&format!("unit=\"{unit}\""))
                })
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum::<f64>()
        };
        let received = of("tapline_pipeline_received_total");
        let accounted = of("tapline_pipeline_processed_total")
            + of("tapline_pipeline_dropped_total")
            + of("tapline_pipeline_ignored_total")
            + of("tapline_pipeline_held");
        if (received - accounted).abs() > 0.5 {
            return Err(format!("{stage} {unit}: received {received}, accounted {accounted}"));
        }
    }
    Ok(())
}

fn check(workers: &str) {
    if !skip::root() || !skip::programs(&["nginx", "tc", "ip", "ethtool", "python3", "curl"]) {
        return;
    }
    let net = Net::new();
    let [clients, server, sensor] = &net.names;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let conf = folder.path().join("nginx.conf");
    fs::write(&conf, nginx_conf(place)).unwrap();
    let _nginx = Program::start(Net::command(server, "nginx").args([
        "-g",
        "daemon off;",
        "-c",
        conf.to_str().unwrap(),
    ]));
    let out = folder.path().join("out");
    let settings = write_settings(folder.path());
    let mut tapline = Program::start(
        Net::command(sensor, TAPLINE)
            .args(["run", "-i", "m1", "--workers", workers])
            .arg("--config")
            .arg(&settings)
            .arg("--out")
            .arg(&out),
    );
    let scrape = || {
        let curl = ["-s", "-m", "5", "http://127.0.0.1:9488/metrics"];
        let output = Net::command(sensor, "curl").args(curl).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(until(20, || scrape().contains("tapline_build_info")), "the sensor is up");

    let running: Vec<Program> = (1..=CLIENTS)
        .map(|last| {
            let count = (REQUESTS / CLIENTS).to_string();
            let address = format!("10.89.0.{last}");
            Program::start(Net::command(clients, "python3").args(["-c", CLIENT, &address, &count]))
        })
        .collect();
    let mut scrapes = 0;
    for mut client in running {
        loop {
            conservation(&scrape()).unwrap();
            scrapes += 1;
            if let Some(code) = client.wait(1) {
                assert_eq!(code, 0, "the client ended well");
                break;
            }
        }
    }
    assert!(scrapes > 3);
    pause(3_000);
    let page = scrape();
    conservation(&page).unwrap();
    assert!(http::sum(&page, "tapline_pipeline_dropped_total", "") < 0.5, "nothing was dropped");
    tapline.signal("TERM");
    assert_eq!(tapline.wait(30), Some(0), "SIGTERM drains and ends well");
    judge(&out, folder.path());
}

/// Everything that nginx logged is in the output, with the right endpoints.
fn judge(out: &Path, folder: &Path) {
    let logged = fs::read_to_string(folder.join("access.log")).unwrap();
    assert_eq!(logged.lines().count() as u64, REQUESTS);
    let lines = json_lines(&out.join("transactions.jsonl"));
    let mut heard: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line["path"].as_str().unwrap(), line["status"]))
        .collect();
    let mut expected: Vec<String> = logged
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            format!("{} {}", fields[1].split('?').next().unwrap(), fields[2])
        })
        .collect();
    heard.sort();
    expected.sort();
    assert_eq!(heard.len(), expected.len());
    let odd: Vec<_> =
        heard.iter().zip(&expected).filter(|(heard, logged)| heard != logged).collect();
    assert!(odd.is_empty(), "the paths and statuses are those of the access log: {odd:?}");
    let inventory = json(&out.join("inventory.json"));
    let endpoints: BTreeSet<String> = inventory["services"][0]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| {
            format!(
                "{} {}",
                endpoint["method"].as_str().unwrap(),
                endpoint["template"].as_str().unwrap()
            )
        })
        .collect();
    let right = [
        "GET /api/v1/items",
        "GET /api/v1/items/{itemId}",
        "GET /api/v1/items/{itemId}/parts",
        "GET /files/{fileId}",
        "GET /health",
    ];
    assert_eq!(endpoints, right.iter().map(|&text| text.to_owned()).collect());
    let summary = json(&out.join("summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
}

#[test]
fn a_mirror_port_is_heard_whole() {
    check("1");
}

#[test]
fn two_workers_hear_it_whole_as_well() {
    check("2");
}
