//! Floods against the whole sensor: memory stays within its budget, and the healthy flow beside
//! them loses nothing.

use std::fs;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tapline_tests::sensor::{json, json_lines};

use crate::TAPLINE;

const MEMORY_BYTES: u64 = 256 << 20;
const CONFIG: &str = "\
sensor:
  memory_bytes: 256MiB
reassembly:
  flows_max: 65536
  held_bytes_max: 32MiB
protocol:
  message_bytes_max: 64MiB
behavior:
  delta_consumers_max: 8192
  consumers_max: 8192
";

const ACK: u8 = 0x10;
const SYN: u8 = 0x02;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const HEALTHY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The healthy flow asks once in so many waves of the flood.
const WAVES: u32 = 1_000;
const REQUEST: &str = "GET /health/42 HTTP/1.1\r\nHost: healthy.example\r\n\r\n";
const RESPONSE: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A pcap file that is written frame by frame, a microsecond apart.
struct Pcap<W> {
    file: W,
    frames: u64,
    exchanges: u32,
}

impl<W: Write> Pcap<W> {
    fn new(mut file: W) -> Self {
        file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        file.write_all(&[0xff, 0xff, 0, 0, 1, 0, 0, 0]).unwrap();
        Self { file, frames: 0, exchanges: 0 }
    }

    /// Writes a segment from a client, or to it.
    fn frame(&mut self, client: Ipv4Addr, to: bool, flags: u8, numbers: (u32, u32), payload: &str) {
        let (source, destination) = if to { (SERVER, client) } else { (client, SERVER) };
        let (source_port, destination_port) = if to { (80_u16, 40_000_u16) } else { (40_000, 80) };
        let length = u32::try_from(54 + payload.len()).unwrap();
        let micros = u32::try_from(self.frames % 1_000_000).unwrap();
        let seconds = u32::try_from(1_700_000_000 + self.frames / 1_000_000).unwrap();
        let mut bytes = Vec::with_capacity(128);
        for word in [seconds, micros, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0]);
        bytes.extend(u16::try_from(length - 14).unwrap().to_be_bytes());
        bytes.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
        bytes.extend(source_port.to_be_bytes());
        bytes.extend(destination_port.to_be_bytes());
        bytes.extend(numbers.0.to_be_bytes());
        bytes.extend(numbers.1.to_be_bytes());
        bytes.extend([5 << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        bytes.extend(payload.as_bytes());
        self.file.write_all(&bytes).unwrap();
        self.frames += 1;
    }

    /// The healthy flow asks and is answered; what it sends comes in two parts, the later first.
    fn exchange(&mut self) {
        let asked = u32::try_from(REQUEST.len()).unwrap() * self.exchanges + 1;
        let answered = u32::try_from(RESPONSE.len()).unwrap() * self.exchanges + 1;
        if self.exchanges == 0 {
            self.frame(HEALTHY, false, SYN, (0, 0), "");
            self.frame(HEALTHY, true, SYN | ACK, (0, 1), "");
        }
        let (head, tail) = REQUEST.split_at(20);
        self.frame(HEALTHY, false, ACK, (asked + 20, answered), tail);
        self.frame(HEALTHY, false, ACK, (asked, answered), head);
        let (head, tail) = RESPONSE.split_at(30);
        let all = asked + u32::try_from(REQUEST.len()).unwrap();
        self.frame(HEALTHY, true, ACK, (answered + 30, all), tail);
        self.frame(HEALTHY, true, ACK, (answered, all), head);
        self.exchanges += 1;
    }

    /// Writes waves of a flood, each from a client of its own, and the healthy flow among them.
    fn flood(&mut self, network: u8, waves: u32, wave: impl Fn(&mut Self, Ipv4Addr)) {
        for index in 0..waves {
            let [_, high, middle, low] = index.to_be_bytes();
            wave(self, Ipv4Addr::new(network, high, middle, low));
            if index % WAVES == 0 {
                self.exchange();
            }
        }
    }
}

/// Replays a capture and returns the most memory that the process had.
fn replay(capture: &Path, config: &Path, out: &Path) -> u64 {
    let mut child = Command::new(TAPLINE)
        .arg("replay")
        .arg(capture)
        .arg("--out")
        .arg(out)
        .arg("--config")
        .arg(config)
        .args(["--workers", "1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut resident_bytes_most = 0;
    loop {
        // The high-water mark itself, so the last look tells all that was before it.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = mark.and_then(|mark| mark.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        resident_bytes_most = resident_bytes_most.max(kilobytes.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return resident_bytes_most;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn floods_stay_within_the_memory_budget_and_cost_the_healthy_flow_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("config.yaml"), CONFIG).unwrap();
    let mut pcap = Pcap::new(BufWriter::new(fs::File::create(path("flood.pcap")).unwrap()));
    pcap.flood(11, 200_000, |pcap, client| pcap.frame(client, false, SYN, (7, 0), ""));
    let half = "POST /upload HTTP/1.1\r\nHost: flood.example\r\nContent-Length: 1000\r\nX-Half: ";
    pcap.flood(12, 100_000, |pcap, client| {
        pcap.frame(client, false, SYN, (7, 0), "");
        pcap.frame(client, false, ACK, (8, 1), half);
    });
    pcap.flood(13, 100_000, |pcap, client| {
        pcap.frame(client, false, SYN, (7, 0), "");
        pcap.frame(client, false, ACK, (9, 1), "OST /hole HTTP/1.1\r\n\r\n");
    });
    pcap.file.flush().unwrap();
    let resident_bytes = replay(&path("flood.pcap"), &path("config.yaml"), &path("out"));
    assert!(resident_bytes > 0, "memory was looked at");
    assert!(resident_bytes <= MEMORY_BYTES / 10 * 11, "{} MiB", resident_bytes >> 20);
    let summary = json(&path("out/summary.json"));
    assert_eq!(summary["conservation"]["holds"], true, "{}", summary["conservation"]);
    let transactions = json_lines(&path("out/transactions.jsonl"));
    let whole = transactions.iter().filter(|transaction| {
        transaction["host"] == "healthy.example"
            && transaction["status"] == 200
            && transaction["completeness"] == "whole"
    });
    assert_eq!(whole.count(), usize::try_from(pcap.exchanges).unwrap());
}
