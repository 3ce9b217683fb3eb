//! The stage of the live tests: clients, a real nginx, mirror ports, and the sensor on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tapline_tests::program::{Program, until};
use tapline_tests::skip;

use crate::TAPLINE;

pub(super) const CLIENTS: u64 = 4;

/// How the server's port is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mirror {
    /// Both directions come out of `m0`.
    OnePort,
    /// What the server receives comes out of `m0`, what it sends out of `m1`.
    TwoPorts,
}

impl Mirror {
    /// The sensor's ends, each with the directions it gets.
    pub(super) const fn ports(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::OnePort => &[("m0", &["ingress", "egress"])],
            Self::TwoPorts => &[("m0", &["ingress"]), ("m1", &["egress"])],
        }
    }
}

/// Three namespaces: clients, a server, and the sensor. Removed with the test.
pub(super) struct Net {
    mirror: Mirror,
    names: [String; 3],
}

impl Net {
    fn new(mirror: Mirror) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let names = ["c", "s", "m"].map(|role| format!("tapline-{role}-{id}"));
        let net = Self { mirror, names };
        let [clients, server, _] = &net.names;
        for name in &net.names {
            ip(&["netns", "add", name]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        ip(&[
            "link", "add", "c0", "netns", clients, "type", "veth", "peer", "name", "s0", "netns",
            server,
        ]);
        for last in 1..=CLIENTS {
            ip(&["-n", clients, "addr", "add", &format!("10.89.0.{last}/16"), "dev", "c0"]);
        }
        ip(&["-n", server, "addr", "add", "10.89.1.1/16", "dev", "s0"]);
        net.up(clients, "c0");
        net.up(server, "s0");
        for (port, _) in mirror.ports() {
            net.make_port(port);
        }
        net.start_mirror();
        net
    }

    /// Makes one mirror port: `m0` at the sensor, `x0` at the server.
    pub(super) fn make_port(&self, port: &str) {
        let [_, server, sensor] = &self.names;
        let far = far(port);
        ip(&[
            "link", "add", &far, "netns", server, "type", "veth", "peer", "name", port, "netns",
            sensor,
        ]);
        self.up(server, &far);
        self.up(sensor, port);
    }

    /// Removes one mirror port.
    pub(super) fn delete_port(&self, port: &str) {
        ip(&["-n", &self.names[2], "link", "delete", port]);
    }

    /// Brings the sensor's end of a port up or down.
    pub(super) fn set_port(&self, port: &str, state: &str) {
        ip(&["-n", &self.names[2], "link", "set", port, state]);
    }

    /// Mirrors the server's link; again, after a port was made anew.
    pub(super) fn start_mirror(&self) {
        let server = &self.names[1];
        Self::inside(server, "tc", &["qdisc", "del", "dev", "s0", "clsact"]);
        assert!(Self::inside(server, "tc", &["qdisc", "add", "dev", "s0", "clsact"]));
        for (port, ways) in self.mirror.ports() {
            for way in *ways {
                let filter = format!(
                    "filter add dev s0 {way} protocol all prio 1 u32 match u32 0 0 \
                     action mirred egress mirror dev {}",
                    far(port)
                );
                let words: Vec<&str> = filter.split_whitespace().collect();
                assert!(Self::inside(server, "tc", &words), "tc {filter}");
            }
        }
    }

    fn up(&self, name: &str, link: &str) {
        debug_assert!(self.names.iter().any(|own| own == name));
        ip(&["-n", name, "link", "set", link, "up"]);
        Self::inside(name, "ethtool", &["-K", link, "gso", "off", "tso", "off", "gro", "off"]);
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

/// The server's end of a port.
fn far(port: &str) -> String {
    port.replace('m', "x")
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {said}");
}

/// Everything that runs.
pub(super) struct Stage {
    pub(super) tapline: Program,
    _nginx: Program,
    pub(super) net: Net,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts server and sensor, `extra` being settings that go on from those of `sensor`. None, loudly,
    /// without the rights or the programs.
    pub(super) fn start(mirror: Mirror, workers: u16, extra: &str) -> Option<Self> {
        let programs = ["nginx", "tc", "ip", "ethtool", "python3", "curl"];
        if !skip::root() || !skip::programs(&programs) {
            return None;
        }
        let net = Net::new(mirror);
        let [_, server, sensor] = &net.names;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let conf = place.join("nginx.conf");
        fs::write(&conf, nginx_conf(place.to_str().unwrap())).unwrap();
        let nginx = Program::start(Net::command(server, "nginx").args([
            "-g",
            "daemon off;",
            "-c",
            conf.to_str().unwrap(),
        ]));
        let settings = place.join("tapline.yaml");
        let state = place.join("state");
        let text =
            format!("log:\n  level: info\nsensor:\n  state_dir: {}\n{extra}", state.display());
        fs::write(&settings, text).unwrap();
        let mut command = Net::command(sensor, TAPLINE);
        command.args(["run", "--workers", &workers.to_string(), "--config"]).arg(&settings);
        command.arg("--out").arg(place.join("out"));
        for (port, _) in mirror.ports() {
            command.args(["-i", port]);
        }
        let tapline = Program::start(&mut command);
        let stage = Self { tapline, _nginx: nginx, net, folder };
        assert!(until(20, || stage.scrape().contains("tapline_build_info")), "the sensor is up");
        Some(stage)
    }

    /// Starts one client of its own address.
    pub(super) fn client(&self, last: u64, requests: u64) -> Program {
        let address = format!("10.89.0.{last}");
        let count = requests.to_string();
        let python = &mut Net::command(&self.net.names[0], "python3");
        Program::start(python.args(["-c", CLIENT, &address, &count]))
    }

    /// The metrics page.
    pub(super) fn scrape(&self) -> String {
        self.ask(&["http://127.0.0.1:9488/metrics"])
    }

    /// The status and text of `/-/ready`.
    pub(super) fn ready(&self) -> String {
        self.ask(&["-w", "%{http_code}", "http://127.0.0.1:9488/-/ready"])
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let mut curl = Net::command(&self.net.names[2], "curl");
        let output = curl.args(["-s", "-m", "5"]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the sensor writes when it ends.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Where the server keeps its log.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the sensor, which must end well.
    pub(super) fn end(&mut self) {
        self.tapline.signal("TERM");
        assert_eq!(self.tapline.wait(30), Some(0), "SIGTERM drains and ends well");
    }
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
