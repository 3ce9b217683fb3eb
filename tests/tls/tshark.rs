//! What tshark sees of TLS handshakes, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use super::heard::{Host, Hosts};
use super::openssl;

const FIELDS: [&str; 9] = [
    "tcp.stream",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "tls.handshake.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.certificate",
];

/// One direction of one flow, as far as its handshakes go.
#[derive(Debug, Default)]
struct Side {
    address: String,
    name: Option<String>,
    is_client: bool,
    version: Option<String>,
    leaf: Option<String>,
    asked: bool,
}

/// The values of a field in one frame; tunnels have several addresses, the innermost last.
fn values(cell: &str) -> Vec<&str> {
    cell.split(',').filter(|value| !value.is_empty()).collect()
}

fn version(hello: &str, chosen: Option<&&str>) -> Option<String> {
    let wire = chosen.copied().unwrap_or(hello);
    let wire = u16::from_str_radix(wire.trim_start_matches("0x"), 16).ok()?;
    let name = match wire {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        _ => "TLS 1.3",
    };
    Some(name.to_owned())
}

/// Frames that carry handshakes, cell by cell.
fn frames(capture: &Path) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-Y", "tls.handshake && tcp", "-T", "fields"]);
    command.args(["-o", "tcp.reassemble_out_of_order:TRUE"]);
    // What is told by keys in the capture is not there for the sensor.
    command.args(["-o", "tls.keylog_file:"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.stderr(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Both directions of every flow with a handshake.
fn sides(capture: &Path) -> BTreeMap<String, BTreeMap<String, Side>> {
    let mut flows: BTreeMap<String, BTreeMap<String, Side>> = BTreeMap::new();
    for cells in frames(capture) {
        let [stream, v4, v6, port, kinds, name, hello, chosen, certificates] = &cells[..] else {
            continue;
        };
        let address = match (values(v4).last(), values(v6).last()) {
            (Some(address), _) => format!("{address}:{port}"),
            (None, Some(address)) => format!("[{address}]:{port}"),
            _ => continue,
        };
        let side = flows.entry(stream.clone()).or_default().entry(address.clone()).or_default();
        side.address = address;
        for kind in values(kinds) {
            match kind {
                "1" if !side.is_client && side.version.is_none() => {
                    side.is_client = true;
                    side.name = values(name).first().map(|name| (*name).to_owned());
                }
                "2" if side.version.is_none() => {
                    let hello = values(hello).first().copied().unwrap_or_default().to_owned();
                    side.version = version(&hello, values(chosen).first());
                }
                "11" if side.leaf.is_none() => {
                    side.leaf = values(certificates).first().map(|leaf| (*leaf).to_owned());
                }
                "13" => side.asked = true,
                _ => {}
            }
        }
    }
    flows
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(value).collect()
}

/// Hosts that answered, by server and name.
pub(super) fn hosts(capture: &Path) -> Hosts {
    let mut hosts = Hosts::new();
    for flow in sides(capture).into_values() {
        let name = flow.values().find(|side| side.is_client).and_then(|side| side.name.clone());
        for side in flow.into_values() {
            let Some(version) = side.version else { continue };
            let name = name.clone().unwrap_or_default().to_ascii_lowercase();
            let host: &mut Host = hosts.entry((side.address, name)).or_default();
            host.handshakes += 1;
            let is_open = version != "TLS 1.3";
            host.versions.insert(version);
            host.mutual |= side.asked && is_open;
            let leaf = side.leaf.filter(|leaf| is_open && !leaf.is_empty());
            host.fingerprints.extend(leaf.map(|leaf| openssl::sha256(&bytes(&leaf))));
        }
    }
    hosts
}

/// The certificates of servers, by fingerprint.
pub(super) fn certificates(capture: &Path) -> BTreeMap<String, Vec<u8>> {
    let leaves: BTreeSet<String> = sides(capture)
        .into_values()
        .flat_map(BTreeMap::into_values)
        .filter(|side| side.version.is_some())
        .filter_map(|side| side.leaf)
        .collect();
    leaves.iter().map(|leaf| bytes(leaf)).map(|der| (openssl::sha256(&der), der)).collect()
}
