//! Operators say of paths what they know better while the sensor runs: it holds for what was heard
//! before, and after a restart.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tapline_tests::namespace::Namespace;
use tapline_tests::program::{Program, free_port, until};
use tapline_tests::sensor::recorded;
use tapline_tests::skip;

use crate::TAPLINE;

const PORT: u16 = 9488;
const API_PORT: u16 = 8080;
/// Requests that each text gets in one round.
const ROUND: u64 = 30;

const SERVER: &str = r#"
import http.server, sys
class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        body = b'{"ok":true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
"#;

/// One round: three callers, two texts that look like words.
const CLIENT: &str = r#"
import http.client, sys
for who in range(3):
    link = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
    for n in range(int(sys.argv[2]) // 3):
        for name in ("readme", "licence"):
            link.request("GET", "/api/files/" + name, headers={"Host": "docs.example.test", "Authorization": "Bearer token-%d" % who})
            link.getresponse().read()
"#;

/// A sensor and an API on the loopback of a network of its own.
struct Scene {
    network: Namespace,
    folder: tempfile::TempDir,
    sensor: Option<Program>,
    _server: Program,
}

impl Scene {
    fn new() -> Self {
        let network = Namespace::new("t");
        network.ip(&["link", "set", "lo", "up"]);
        let folder = tempfile::tempdir().unwrap();
        let mut server = network.command("python3");
        server.args(["-c", SERVER, &API_PORT.to_string()]).stderr(Stdio::null());
        let mut scene =
            Self { _server: Program::start(&mut server), sensor: None, network, folder };
        scene.configure("");
        scene.start();
        scene
    }

    /// Writes the configuration, with these templates.
    fn configure(&self, templates: &str) {
        let folder = self.folder.path();
        let text = format!(
            "sensor: {{state_dir: '{}'}}\nweb: {{listen: '127.0.0.1:{PORT}'}}\n\
             discovery: {{templates: [{templates}]}}\n",
            folder.display()
        );
        fs::write(folder.join("tapline.yaml"), text).unwrap();
    }

    fn start(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.network.command(TAPLINE);
        command.args(["run", "-i", "lo", "--config"]).arg(self.folder.path().join("tapline.yaml"));
        self.sensor = Some(Program::start(command.stdout(Stdio::null()).stderr(log)));
        assert!(until(30, || self.status("GET", "/-/ready", &[]) == "200"), "{}", self.log());
        let api = format!("http://127.0.0.1:{API_PORT}/none");
        let answers = || self.network.command("curl").args(["-s", &api]).output().unwrap();
        assert!(until(30, || answers().status.success()));
    }

    fn restart(&mut self) {
        let mut sensor = self.sensor.take().unwrap();
        sensor.signal("TERM");
        assert_eq!(sensor.wait(30), Some(0), "{}", self.log());
        self.start();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// One round of traffic, and all of it is in the inventory.
    fn talk(&self, sum: u64) {
        let mut client = self.network.command("python3");
        client.args(["-c", CLIENT, &API_PORT.to_string(), &ROUND.to_string()]);
        assert!(client.status().unwrap().success());
        let heard = || self.files().iter().map(|(_, requests, _)| requests).sum::<u64>();
        assert!(until(30, || heard() == sum), "{:?}\n{}", self.files(), self.log());
    }

    fn curl(&self, method: &str, path: &str, more: &[&str]) -> String {
        let url = format!("http://127.0.0.1:{PORT}{path}");
        let arguments = [&["-s", "-m", "20", "-X", method, url.as_str()], more].concat();
        let output = self.network.command("curl").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn status(&self, method: &str, path: &str, more: &[&str]) -> String {
        self.curl(method, path, &[&["-o", "/dev/null", "-w", "%{http_code}"], more].concat())
    }

    fn json(&self, method: &str, path: &str, more: &[&str]) -> Value {
        let text = self.curl(method, path, more);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The answer to a rule, its status last.
    fn put(&self, body: &str, more: &[&str]) -> (Value, String) {
        let json = ["-H", "Content-Type: application/json", "-d", body, "-w", "\n%{http_code}"];
        let text = self.curl("POST", "/api/v1/templates", &[&json, more].concat());
        let (body, status) = text.rsplit_once('\n').unwrap();
        (serde_json::from_str(body).unwrap(), status.to_owned())
    }

    /// Template, requests and name of what is below `/api/files`.
    fn files(&self) -> Vec<(String, u64, Option<String>)> {
        let list = self.json("GET", "/api/v1/endpoints?q=files&sort=path", &[]);
        let one = |endpoint: &Value| {
            let name = endpoint["labels"]["name"].as_str().map(str::to_owned);
            let template = endpoint["template"].as_str().unwrap().to_owned();
            (template, endpoint["requests"].as_u64().unwrap(), name)
        };
        list["endpoints"].as_array().unwrap().iter().map(one).collect()
    }
}

fn apart(requests: u64) -> Vec<(String, u64, Option<String>)> {
    ["licence", "readme"].map(|name| (format!("/api/files/{name}"), requests, None)).to_vec()
}

fn joined(requests: u64) -> Vec<(String, u64, Option<String>)> {
    vec![("/api/files/{file}".to_owned(), requests, Some("readFile".to_owned()))]
}

fn ready() -> bool {
    skip::root() && skip::programs(&["ip", "nsenter", "curl", "python3"])
}

#[test]
fn a_rule_holds_for_the_past_and_after_a_restart_until_it_is_removed() {
    if !ready() {
        return;
    }
    let mut scene = Scene::new();
    scene.talk(2 * ROUND);
    assert_eq!(scene.files(), apart(ROUND));

    let rule =
        r#"{"path":"/api/files/{file}","host":"docs.example.test","name":"readFile","by":"ada"}"#;
    let (answer, status) = scene.put(rule, &[]);
    assert_eq!(status, "200", "{answer}");
    let id = answer["template"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer["template"]["state"], "in_force");
    assert_eq!(scene.files(), joined(2 * ROUND), "at once, with the past");
    let log = scene.log();
    assert!(log.contains("put a rule of path templates") && log.contains("ada"), "{log}");
    let kept = fs::read_to_string(scene.folder.path().join("templates.yaml")).unwrap();
    assert!(
        kept.contains("\ndiscovery:\n  templates:\n    - path: \"/api/files/{file}\"\n"),
        "{kept}"
    );

    // A reload of the configuration keeps it, and adds its own.
    scene.configure("{path: /**, owner: docs}");
    scene.sensor.as_ref().unwrap().signal("HUP");
    let owner = || scene.json("GET", "/api/v1/endpoints?owner=docs", &[])["total"].as_u64();
    assert!(until(30, || owner() > Some(0)), "{}", scene.log());
    assert_eq!(scene.files(), joined(2 * ROUND));
    let list = scene.json("GET", "/api/v1/templates", &[]);
    let origins = [0, 1].map(|place| list["templates"][place]["origin"].as_str().unwrap());
    assert_eq!(origins, ["configuration", "operators"]);

    scene.restart();
    scene.talk(2 * ROUND);
    assert_eq!(scene.files(), joined(2 * ROUND), "after a restart");
    let path = format!("/api/v1/templates/{id}");
    assert_eq!(scene.json("DELETE", &path, &[])["done"], true);
    assert_eq!(scene.files(), apart(ROUND), "what was joined is parted again");
    assert_eq!(scene.status("DELETE", &path, &[]), "404");
    scene.restart();
    assert_eq!(scene.json("GET", "/api/v1/templates?origin=operators", &[])["total"], 0);
}

#[test]
fn what_is_no_rule_or_not_from_here_changes_nothing() {
    if !ready() {
        return;
    }
    let mut scene = Scene::new();
    let (answer, status) = scene.put("{\"path\":\"files\",\n \"name\":\"\",\"ownr\":\"x\"}", &[]);
    assert_eq!(status, "400");
    assert_eq!(
        answer["detail"],
        "rule:1:9: path: \"files\" is no path; begin it with /\n\
         rule:2:9: name: \"\" is not 1 to 128 characters in one line\n\
         rule:2:12: ownr: unknown key; did you mean owner?"
    );
    let rule = r#"{"path":"/api/files/{file}"}"#;
    for foreign in ["Sec-Fetch-Site: cross-site", "Origin: https://evil.example"] {
        let (answer, status) = scene.put(rule, &["-H", foreign]);
        assert_eq!((status.as_str(), &answer["error"]), ("403", &"foreign".into()), "{foreign}");
    }
    let text = ["-H", "Content-Type: text/plain", "-d", rule];
    assert_eq!(scene.status("POST", "/api/v1/templates", &text), "415");
    let long = format!("{{\"path\":\"/{}\"}}", "a".repeat(70_000));
    assert_eq!(scene.put(&long, &[]).1, "413");
    assert_eq!(scene.json("GET", "/api/v1/templates", &[])["total"], 0);
    assert!(!scene.folder.path().join("templates.yaml").exists(), "nothing is kept of it");

    // What the configuration says outweighs, and a file that cannot be read is not written over.
    scene.configure("{path: '/api/files/{name}'}");
    scene.restart();
    let (answer, status) = scene.put(rule, &[]);
    assert_eq!((status.as_str(), &answer["error"]), ("409", &"conflict".into()));
    assert!(answer["detail"].as_str().unwrap().contains("/api/files/{name}"), "{answer}");
    let kept = scene.folder.path().join("templates.yaml");
    fs::write(&kept, "discovery: {templates: [{path: x}]}\n").unwrap();
    scene.restart();
    assert!(scene.curl("GET", "/api/v1/status", &[]).contains("templates.yaml:1:32"));
    let (answer, status) = scene.put(r#"{"path":"/a"}"#, &[]);
    assert_eq!(status, "503", "{answer}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "discovery: {templates: [{path: x}]}\n");
}

#[test]
fn the_page_of_an_endpoint_takes_and_removes_a_rule() {
    if !ready() {
        return;
    }
    let scene = Scene::new();
    scene.talk(2 * ROUND);
    let list = scene.json("GET", "/api/v1/endpoints?q=readme", &[]);
    let page = format!("/endpoints/{}", list["endpoints"][0]["id"].as_str().unwrap());
    let html = scene.curl("GET", &page, &[]);
    let cut = |text: &str, from: &str| {
        let rest = text.split_once(from).unwrap_or_else(|| panic!("{from} in {text}")).1;
        rest.split('"').next().unwrap().to_owned()
    };
    let form = format!("form={}", cut(&html, "name=\"form\" value=\""));
    let own = ["-H", "Sec-Fetch-Site: same-origin", "-w", "%{http_code} %{redirect_url}"];
    let host = "host=docs.example.test";
    let pin = [
        "-d",
        &form,
        "-d",
        host,
        "-d",
        "name=readFile",
        "--data-urlencode",
        "as=/api/files/{file}",
    ];
    let answer = scene.curl("POST", &format!("{page}/template"), &[&own, &pin[..]].concat());
    assert!(answer.starts_with("303 ") && answer.contains("/inventory?host="), "moved: {answer}");
    assert_eq!(scene.files(), joined(2 * ROUND));

    let list = scene.json("GET", "/api/v1/endpoints?q=files", &[]);
    let page = format!("/endpoints/{}", list["endpoints"][0]["id"].as_str().unwrap());
    let html = scene.curl("GET", &page, &[]);
    assert!(html.contains("value=\"readFile\""), "the form says what the rule says: {html}");
    let remove = cut(&html, "action=\"/templates/");
    let path = format!("/templates/{remove}");
    let answer = scene.curl("POST", &path, &[&own, &["-d", &form][..]].concat());
    assert!(answer.starts_with("303 ") && answer.ends_with("/templates"), "{answer}");
    assert_eq!(scene.files(), apart(ROUND));
}

#[test]
fn a_replay_keeps_its_rules_and_says_why() {
    if !skip::programs(&["curl"]) {
        return;
    }
    let base = format!("http://127.0.0.1:{}", free_port());
    let _sensor = Program::start(
        Command::new(TAPLINE)
            .arg("replay")
            .arg(recorded("http1-shop/input.pcap.zst"))
            .args(["--serve", base.strip_prefix("http://").unwrap()])
            .stderr(Stdio::null()),
    );
    let ask = |more: &[&str]| {
        let url = format!("{base}/api/v1/templates");
        let output = Command::new("curl").args(["-s", "-m", "20", &url]).args(more).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert!(until(60, || ask(&[]).contains("\"changeable\":false")));
    let answer = ask(&["-H", "Content-Type: application/json", "-d", r#"{"path":"/a"}"#]);
    assert!(answer.contains("\"conflict\"") && answer.contains("discovery.templates"), "{answer}");
}
