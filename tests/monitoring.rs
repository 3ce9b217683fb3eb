//! The real Prometheus and the real Alertmanager around a real sensor on a mirror of loopback.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tapline_tests::program::{Program, free_port, pause, until};
use tapline_tests::{http, skip};

use crate::TAPLINE;

/// Notes the notifications that Alertmanager sends to its receiver.
struct Receiver {
    port: u16,
    notes: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let notes: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let kept = Arc::clone(&notes);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let body = read_request(&mut stream);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                let value: Value = serde_json::from_slice(&body).unwrap();
                for alert in value["alerts"].as_array().unwrap() {
                    let name = alert["labels"]["alertname"].as_str().unwrap().to_owned();
                    let status = alert["status"].as_str().unwrap().to_owned();
                    kept.lock().unwrap().push((name, status));
                }
            }
        });
        Self { port, notes }
    }

    fn count(&self, name: &str, status: &str) -> usize {
        let notes = self.notes.lock().unwrap();
        notes.iter().filter(|(n, s)| n == name && s == status).count()
    }
}

fn read_request(stream: &mut impl Read) -> Vec<u8> {
    let mut data = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap();
        data.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&data);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned)
                })
                .map_or(0, |value| value.trim().parse().unwrap());
            if data.len() >= head.len() + 4 + length || read == 0 {
                return data[head.len() + 4..].to_vec();
            }
        }
    }
}

/// A server whose answers the test decides.
const SERVER: &str = r#"
import http.server, os, sys
class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        path = self.path.split("?")[0]
        known = path in ("/api/orders", "/api/health") or path.startswith("/api/orders/")
        code = 500 if os.path.exists(sys.argv[2]) and path == "/api/orders" else 200 if known else 404
        body = b'{"ok":true}'
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"#;

/// Ordinary traffic until told otherwise by files in a folder: `scan` starts a scan.
const CLIENTS: &str = r#"
import http.client, os, sys, time
port, folder = int(sys.argv[1]), sys.argv[2]
def ask(link, path, who):
    link.request("GET", path, headers={"Host": "orders.example.test", "Authorization": "Bearer token-" + who})
    link.getresponse().read()
links = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(3)]
scanned = False
for n in range(100000):
    for who, link in enumerate(links):
        ask(link, ("/api/orders", "/api/health", "/api/orders/%d" % n)[n % 3 if who else 0], "user%d" % who)
    if os.path.exists(folder + "/scan") and not scanned:
        scanned = True
        link = http.client.HTTPConnection("127.0.0.1", port)
        names = "admin backup config console debug dump env git jenkins login manager phpmyadmin server status swagger test tmp upload wp xmlrpc actuator solr cgi private secret old"
        for word in names.split():
            ask(link, "/%s/index" % word, "scanner")
    time.sleep(0.1)
"#;

struct Stack {
    folder: tempfile::TempDir,
    receiver: Receiver,
    sensor: String,
    prometheus: String,
    _programs: Vec<Program>,
}

impl Stack {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let receiver = Receiver::start();
        let [api, sensor, prometheus, alertmanager] = [(); 4].map(|()| free_port());
        let local = |port: u16| format!("127.0.0.1:{port}");
        fs::write(place.join("alertmanager.yml"), alertmanager_yml(receiver.port)).unwrap();
        fs::write(place.join("prometheus.yml"), prometheus_yml(sensor)).unwrap();
        fs::write(place.join("tapline.yaml"), tapline_yaml(place, sensor, alertmanager, api))
            .unwrap();
        let quiet = |command: &mut Command| {
            let log = fs::File::create(place.join(format!("log-{}", free_port()))).unwrap();
            command.stdout(Stdio::null()).stderr(Stdio::from(log));
            Program::start(command)
        };
        let programs = vec![
            quiet(
                Command::new("prometheus-alertmanager")
                    .arg(format!("--config.file={}", place.join("alertmanager.yml").display()))
                    .arg(format!("--storage.path={}", place.join("am").display()))
                    .args([
                        "--cluster.listen-address=",
                        &format!("--web.listen-address={}", local(alertmanager)),
                    ]),
            ),
            quiet(
                Command::new("prometheus")
                    .arg(format!("--config.file={}", place.join("prometheus.yml").display()))
                    .arg(format!("--storage.tsdb.path={}", place.join("tsdb").display()))
                    .arg(format!("--web.listen-address={}", local(prometheus))),
            ),
            quiet(
                Command::new("python3")
                    .args(["-c", SERVER, &api.to_string()])
                    .arg(place.join("fail")),
            ),
            quiet(
                Command::new(TAPLINE)
                    .args(["run", "-i", "lo", "--config"])
                    .arg(place.join("tapline.yaml")),
            ),
        ];
        let base = |port| format!("http://127.0.0.1:{port}");
        assert!(until(30, || http::status(&format!("{}/-/ready", base(sensor))) == 200), "sensor");
        assert!(
            until(30, || http::status(&format!("{}/-/ready", base(prometheus))) == 200),
            "prometheus"
        );
        assert!(
            until(30, || http::status(&format!("{}/-/ready", base(alertmanager))) == 200),
            "alertmanager"
        );
        let mut programs = programs;
        programs.push(quiet(
            Command::new("python3").args(["-c", CLIENTS, &api.to_string()]).arg(place),
        ));
        Self {
            receiver,
            sensor: base(sensor),
            prometheus: base(prometheus),
            _programs: programs,
            folder,
        }
    }

    fn touch(&self, name: &str) {
        fs::write(self.folder.path().join(name), "").unwrap();
    }

    fn fires_once(&self, name: &str) {
        assert!(until(60, || self.receiver.count(name, "firing") > 0), "{name} fires");
    }

    /// Every query of the dashboard returns data.
    fn dashboard(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/grafana/tapline.json");
        let board: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut queries = Vec::new();
        collect_queries(&board, &mut queries);
        assert!(queries.len() > 10, "{queries:?}");
        for query in queries {
            let text = [
                ("$__rate_interval", "1m"),
                ("$__interval", "15s"),
                ("$__range", "5m"),
                ("$instance", ".*"),
                ("${instance}", ".*"),
                ("$job", ".*"),
                ("${job}", ".*"),
                ("$host", ".*"),
                ("${host}", ".*"),
            ]
            .iter()
            .fold(query.clone(), |text, (variable, value)| text.replace(variable, value));
            let answered = until(60, || self.query(&text) > 0);
            assert!(answered, "no data for {text}");
        }
    }

    /// How many series a query returns.
    fn query(&self, text: &str) -> usize {
        let output = Command::new("curl")
            .args(["-s", "-G", "--data-urlencode", &format!("query={text}")])
            .arg(format!("{}/api/v1/query", self.prometheus))
            .output()
            .unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert_ne!(value["status"], "error", "{text}: {value}");
        value["data"]["result"].as_array().map_or(0, Vec::len)
    }
}

fn collect_queries(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(text) = map.get("expr").and_then(Value::as_str) {
                queries.push(text.to_owned());
            }
            map.values().for_each(|value| collect_queries(value, queries));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_queries(value, queries)),
        _ => {}
    }
}

fn alertmanager_yml(receiver: u16) -> String {
    format!(
        "route:\n  receiver: note\n  group_by: ['...']\n  group_wait: 1s\n  group_interval: 1s\n\
         \x20 repeat_interval: 1h\nreceivers:\n- name: note\n  webhook_configs:\n\
         \x20 - url: http://127.0.0.1:{receiver}/\n    send_resolved: true\n"
    )
}

fn prometheus_yml(sensor: u16) -> String {
    format!(
        "global:\n  scrape_interval: 2s\nscrape_configs:\n- job_name: tapline\n  static_configs:\n\
         \x20 - targets: ['127.0.0.1:{sensor}']\n"
    )
}

fn tapline_yaml(place: &Path, sensor: u16, alertmanager: u16, api: u16) -> String {
    let mut text = String::new();
    let filter = format!("tcp port {api}");
    write!(
        text,
        "sensor:\n  state_dir: {}\ncapture:\n  filter: {filter}\nweb:\n  listen: 127.0.0.1:{sensor}\n\
         alert:\n  alertmanagers:\n    - url: http://127.0.0.1:{alertmanager}\n  resend_seconds: 2\n\
         \x20 resolve_after_seconds: 8\nbehavior:\n  path_scanner:\n    window_seconds: 60\n\
         \x20 error_burst:\n    window_seconds: 10\n",
        place.join("state").display()
    )
    .unwrap();
    text
}

#[test]
fn a_scan_and_an_outage_fire_once_and_resolve_once() {
    let programs = ["prometheus", "prometheus-alertmanager", "promtool", "python3", "curl"];
    if !skip::root() || !skip::programs(&programs) {
        return;
    }
    let stack = Stack::start();
    pause(20_000);
    assert!(stack.receiver.notes.lock().unwrap().is_empty(), "ordinary traffic is no alert");

    stack.touch("scan");
    stack.fires_once("TaplinePathScanner");
    stack.touch("fail");
    stack.fires_once("TaplineErrorBurst");
    stack.dashboard();
    promtool(&http::get(&format!("{}/metrics", stack.sensor)).unwrap());

    fs::remove_file(stack.folder.path().join("fail")).unwrap();
    for name in ["TaplinePathScanner", "TaplineErrorBurst"] {
        assert!(until(150, || stack.receiver.count(name, "resolved") > 0), "{name} resolves");
    }
    // Repeats of the resolution must not show as another notification.
    pause(12_000);
    for name in ["TaplinePathScanner", "TaplineErrorBurst"] {
        let counts = (stack.receiver.count(name, "firing"), stack.receiver.count(name, "resolved"));
        assert_eq!(counts, (1, 1), "{name}: {:?}", stack.receiver.notes.lock().unwrap());
    }
}

fn promtool(page: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_shipped_rules_hold() {
    if !skip::programs(&["promtool"]) {
        return;
    }
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus");
    for arguments in [
        &["check", "rules", "--lint=all", "--lint-fatal", "rules/tapline.yml"][..],
        &["test", "rules", "tests/tapline_test.yml"],
        &["check", "config", "prometheus.yml"],
    ] {
        let output =
            Command::new("promtool").args(arguments).current_dir(&deploy).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}
