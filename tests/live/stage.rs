//! The stage of the live tests: clients, a real nginx, mirror ports, and the sensor on them.

use std::fs;
use std::path::{Path, PathBuf};

use tapline_tests::namespace::{Namespace, ip};
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

/// Clients, a server, and the sensor.
pub(super) struct Net {
    mirror: Mirror,
    clients: Namespace,
    server: Namespace,
    sensor: Namespace,
}

impl Net {
    fn new(mirror: Mirror) -> Self {
        let [clients, server, sensor] = ["c", "s", "m"].map(Namespace::new);
        let net = Self { mirror, clients, server, sensor };
        let Self { clients, server, sensor, .. } = &net;
        for host in [clients, server, sensor] {
            host.ip(&["link", "set", "lo", "up"]);
        }
        link("c0", clients, "s0", server);
        for last in 1..=CLIENTS {
            clients.ip(&["addr", "add", &format!("10.89.0.{last}/16"), "dev", "c0"]);
        }
        server.ip(&["addr", "add", "10.89.1.1/16", "dev", "s0"]);
        up(clients, "c0");
        up(server, "s0");
        for (port, _) in mirror.ports() {
            net.make_port(port);
        }
        net.start_mirror();
        net
    }

    /// Makes one mirror port: `m0` at the sensor, `x0` at the server.
    pub(super) fn make_port(&self, port: &str) {
        let far = far(port);
        link(&far, &self.server, port, &self.sensor);
        up(&self.server, &far);
        up(&self.sensor, port);
    }

    /// Removes one mirror port.
    pub(super) fn delete_port(&self, port: &str) {
        self.sensor.ip(&["link", "delete", port]);
    }

    /// Brings the sensor's end of a port up or down.
    pub(super) fn set_port(&self, port: &str, state: &str) {
        self.sensor.ip(&["link", "set", port, state]);
    }

    /// Mirrors the server's link; again, after a port was made anew.
    pub(super) fn start_mirror(&self) {
        let server = &self.server;
        succeeds(server, "tc", &["qdisc", "del", "dev", "s0", "clsact"]);
        assert!(succeeds(server, "tc", &["qdisc", "add", "dev", "s0", "clsact"]));
        for (port, ways) in self.mirror.ports() {
            for way in *ways {
                let filter = format!(
                    "filter add dev s0 {way} protocol all prio 1 u32 match u32 0 0 \
                     action mirred egress mirror dev {}",
                    far(port)
                );
                let words: Vec<&str> = filter.split_whitespace().collect();
                assert!(succeeds(server, "tc", &words), "tc {filter}");
            }
        }
    }
}

fn link(one: &str, here: &Namespace, other: &str, there: &Namespace) {
    let (here, there) = (here.name(), there.name());
    ip(&["link", "add", one, "netns", here, "type", "veth", "peer", "name", other, "netns", there]);
}

fn up(host: &Namespace, link: &str) {
    host.ip(&["link", "set", link, "up"]);
    succeeds(host, "ethtool", &["-K", link, "gso", "off", "tso", "off", "gro", "off"]);
}

fn succeeds(host: &Namespace, program: &str, arguments: &[&str]) -> bool {
    host.command(program).args(arguments).output().unwrap().status.success()
}

/// The server's end of a port.
fn far(port: &str) -> String {
    port.replace('m', "x")
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
        let programs = ["nginx", "tc", "ip", "nsenter", "ethtool", "python3", "curl"];
        if !skip::root() || !skip::programs(&programs) {
            return None;
        }
        let net = Net::new(mirror);
        let Net { server, sensor, .. } = &net;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let conf = place.join("nginx.conf");
        fs::write(&conf, nginx_conf(place.to_str().unwrap())).unwrap();
        let nginx = Program::start(server.command("nginx").args([
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
        let mut command = sensor.command(TAPLINE);
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
        let mut python = self.net.clients.command("python3");
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
        let mut curl = self.net.sensor.command("curl");
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
