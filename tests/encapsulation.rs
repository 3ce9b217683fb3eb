//! Whatever a packet is wrapped in, by an independent tool: the same transactions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tapline_tests::namespace::{Namespace, ip};
use tapline_tests::program::{Program, until};
use tapline_tests::sensor::{json, json_lines, recorded};
use tapline_tests::skip;

use crate::TAPLINE;

/// Frames of the recorded shop that are wrapped.
const FRAMES: &str = "1500";
/// The Python that Debian's packages are for.
const PYTHON: &str = "/usr/bin/python3";

fn succeed(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

fn has_scapy() -> bool {
    let found = Command::new(PYTHON).args(["-c", "import scapy.contrib.erspan"]).output();
    found.is_ok_and(|output| output.status.success()) || {
        skip::programs(&["python3-scapy"]);
        false
    }
}

/// The recorded shop, decompressed.
fn shop(folder: &Path) -> PathBuf {
    let shop = folder.join("shop.pcap");
    let packed = recorded("http1-shop/input.pcap.zst");
    fs::write(&shop, succeed(Command::new("zstd").arg("-dcq").arg(packed))).unwrap();
    shop
}

/// Writes every case into a folder; their names, `bare` not among them.
fn wrap(folder: &Path) -> BTreeSet<String> {
    let shop = shop(folder);
    let script = recorded("encapsulation/record/wrap.py");
    let wrapped = folder.join("wrapped");
    fs::create_dir(&wrapped).unwrap();
    succeed(Command::new(PYTHON).arg(script).arg(&shop).arg(&wrapped).arg(FRAMES));
    fs::read_dir(&wrapped)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "bare")
        .collect()
}

/// The transactions of a capture, and the counters of decap.
fn replay(folder: &Path, name: &str, workers: &str) -> (String, Value) {
    let capture = folder.join("wrapped").join(name).with_extension("pcap");
    let out: PathBuf = folder.join(format!("out-{name}-{workers}"));
    let mut command = Command::new(TAPLINE);
    command.arg("replay").arg(capture).arg("--out").arg(&out).args(["--workers", workers]);
    succeed(&mut command);
    let summary = json(&out.join("summary.json"));
    let conservation = &summary["conservation"];
    assert_eq!(conservation["holds"], true, "{name}: {conservation}");
    let packets = &conservation["ledgers"]["decap.packets"];
    assert_eq!(packets["held"], 0, "{name}: {packets}");
    assert_eq!(packets["dropped"], serde_json::json!({}), "{name}: {packets}");
    let mut decap = summary["stages"]["decap"].clone();
    decap["packets"] = packets.clone();
    (fs::read_to_string(out.join("transactions.jsonl")).unwrap(), decap)
}

/// The encapsulation that a case must be counted for.
fn kind(name: &str) -> Option<&'static str> {
    let kinds = [
        ("vlan", "vlan"),
        ("qinq", "vlan"),
        ("mpls", "mpls"),
        ("pppoe", "pppoe"),
        ("gre", "gre"),
        ("nvgre", "gre"),
        ("erspan", "erspan"),
        ("vxlan", "vxlan"),
        ("geneve", "geneve"),
        ("gtp", "gtp_u"),
        ("ip-in", "ip_in_ip"),
        ("fragments-outer", "vxlan"),
        ("fragments-both", "vxlan"),
        ("both-ports", "vlan"),
    ];
    kinds.iter().find(|(start, _)| name.starts_with(start)).map(|(_, kind)| *kind)
}

#[test]
fn every_encapsulation_gives_the_same_transactions() {
    if !skip::programs(&["zstd"]) || !has_scapy() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = wrap(folder.path());
    assert!(names.len() > 25, "{names:?}");
    let (bare, decap) = replay(folder.path(), "bare", "1");
    assert!(bare.lines().count() > 100, "a comparison of nothing proves nothing");
    let segments = decap["packets"]["processed"].as_u64().unwrap();
    for name in &names {
        let (transactions, decap) = replay(folder.path(), name, "1");
        assert!(transactions == bare, "{name}: {decap}");
        assert_eq!(decap["packets"]["processed"], segments, "{name}: {decap}");
        if let Some(kind) = kind(name) {
            let count = decap["encapsulations"][kind].as_u64().unwrap();
            assert!(count >= segments, "{name}: {decap}");
        }
        let count = |of: &str| decap[of].as_u64().unwrap();
        assert_eq!(
            name.contains("fragments"),
            count("reassembled_datagrams") > 20,
            "{name}: {decap}"
        );
        assert_eq!(count("overlapping_fragments"), 0, "{name}: {decap}");
        let copies = &decap["packets"]["ignored"]["duplicate"];
        let doubled = name.starts_with("both-ports") || name == "fragments-doubled";
        assert_eq!(doubled, copies.as_u64().is_some_and(|copies| copies >= segments), "{name}");
    }
    // However many workers there are.
    for name in ["fragments-both", "both-ports-vxlan"] {
        assert!(replay(folder.path(), name, "4").0 == bare, "{name}");
    }
}

/// Sends the first frames of a capture into a device.
const SENDER: &str = r#"
import socket, struct, sys, time
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0))
data, at = open(sys.argv[2], "rb").read(), 24
for _ in range(int(sys.argv[3])):
    size = struct.unpack("<I", data[at + 8:at + 12])[0]
    link.send(data[at + 16:at + 16 + size])
    at += 16 + size
    time.sleep(0.0003)
"#;

/// Two hosts and a link between them that carries 600 bytes.
fn hosts() -> [Namespace; 2] {
    let hosts = ["a", "b"].map(Namespace::new);
    let [a, b] = hosts.each_ref().map(Namespace::name);
    ip(&["link", "add", "a0", "netns", a, "type", "veth", "peer", "name", "b0", "netns", b]);
    let links = [("a0", "10.90.0.1/24"), ("b0", "10.90.0.2/24")];
    for (host, (link, address)) in hosts.iter().zip(links) {
        host.ip(&["addr", "add", address, "dev", link]);
        host.ip(&["link", "set", link, "up", "mtu", "600"]);
    }
    hosts
}

/// What does not depend on when a frame was sent.
fn timeless(path: &Path) -> Vec<Value> {
    let mut lines = json_lines(path);
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        fields.retain(|name, _| !["ts", "latency_ns"].contains(&name.as_str()));
    }
    lines
}

#[test]
fn the_kernel_s_own_vxlan_and_its_fragments_give_the_same_transactions() {
    if !skip::root() || !skip::programs(&["ip", "nsenter", "tcpdump", "zstd", "python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path());
    let [a, b] = &hosts();
    let device = "link add vx0 type vxlan id 77 local 10.90.0.1 remote 10.90.0.2 dstport 4789";
    let words: Vec<&str> = device.split(' ').collect();
    a.ip(&words);
    a.ip(&["link", "set", "vx0", "up", "mtu", "3000"]);

    let wrapped = folder.path().join("wrapped");
    fs::create_dir(&wrapped).unwrap();
    let bare = wrapped.join("bare.pcap");
    let mut first = Command::new("tcpdump");
    succeed(first.args(["-Z", "root", "-c", FRAMES, "-r"]).arg(&shop).arg("-w").arg(&bare));
    let kernel = wrapped.join("kernel.pcap");
    let mut dump = b.command("tcpdump");
    dump.args(["-Z", "root", "-U", "-i", "b0", "-w"]).arg(&kernel).arg("udp");
    let mut dump = Program::start(&mut dump);
    let size = || fs::metadata(&kernel).map_or(0, |file| file.len());
    assert!(until(10, || size() >= 24), "tcpdump listens");
    succeed(a.command("python3").args(["-c", SENDER, "vx0"]).arg(&shop).arg(FRAMES));
    let whole = fs::metadata(&bare).unwrap().len();
    assert!(until(10, || size() > whole), "the last frame was captured");
    tapline_tests::program::pause(1_000);
    dump.signal("INT");
    assert_eq!(dump.wait(10), Some(0));

    replay(folder.path(), "bare", "1");
    let (_, decap) = replay(folder.path(), "kernel", "1");
    assert!(decap["reassembled_datagrams"].as_u64().unwrap() > 20, "{decap}");
    let lines = |name: &str| timeless(&folder.path().join(name).join("transactions.jsonl"));
    assert_eq!(lines("out-kernel-1"), lines("out-bare-1"));
}
