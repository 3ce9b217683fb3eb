//! Captures made by hand: TCP conversations as frames, and pcap files of them.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

const SEGMENT_BYTES: usize = 1_448;
const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH_ACK: u8 = 0x18;
const ACK: u8 = 0x10;

/// Frames with their times in nanoseconds.
#[derive(Debug, Default)]
pub struct Capture {
    frames: Vec<(u64, Vec<u8>)>,
    ports_used: u16,
}

/// One request and its response, as they go over the wire.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When the request leaves, in nanoseconds since the epoch.
    pub at: u64,
    /// Who asks.
    pub client: Ipv4Addr,
    /// The request, head and content.
    pub request: Vec<u8>,
    /// The response, head and content.
    pub response: Vec<u8>,
}

impl Exchange {
    /// A GET with header lines, answered with a status and a JSON document.
    pub fn get(
        at: u64,
        client: Ipv4Addr,
        host: &str,
        path: &str,
        extra: &str,
        status: u16,
        body: &str,
    ) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n").into_bytes();
        Self { at, client, request, response: response(status, body) }
    }
}

/// A response with a JSON document.
pub fn response(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Side {
    address: Ipv4Addr,
    port: u16,
    sequence: u32,
    /// Whether its frames reach the capture.
    heard: bool,
    /// Segments with data until the one that does not.
    skipped: Option<usize>,
}

/// What of a flow reaches the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// All of it.
    Whole,
    /// What the client sends.
    ClientOnly,
    /// All but one of the server's segments with data, counted from 0.
    WithoutServerSegment(usize),
}

impl Capture {
    /// No frame yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flow of its own for one exchange, with handshake and end.
    pub fn exchange(&mut self, server: Ipv4Addr, exchange: &Exchange) {
        self.flow(server, exchange.client, std::slice::from_ref(exchange));
    }

    /// One flow for many exchanges of one client.
    pub fn flow(&mut self, server: Ipv4Addr, client: Ipv4Addr, exchanges: &[Exchange]) {
        self.flow_heard((server, 80), client, exchanges, Heard::Whole);
    }

    /// One flow to any port, of which the capture may lack a part.
    pub fn flow_heard(
        &mut self,
        (server, server_port): (Ipv4Addr, u16),
        client: Ipv4Addr,
        exchanges: &[Exchange],
        heard: Heard,
    ) {
        let Some((first, last)) = exchanges.first().zip(exchanges.last()) else { return };
        self.ports_used = self.ports_used.wrapping_add(1);
        let port = 10_000 + self.ports_used % 50_000;
        let mut c = Side { address: client, port, sequence: 1_000, heard: true, skipped: None };
        let mut s = Side {
            address: server,
            port: server_port,
            sequence: 9_000,
            heard: heard != Heard::ClientOnly,
            skipped: match heard {
                Heard::WithoutServerSegment(index) => Some(index),
                Heard::Whole | Heard::ClientOnly => None,
            },
        };
        self.frame(first.at - 300_000, &mut c, &s, SYN, b"");
        self.frame(first.at - 200_000, &mut s, &c, SYN | ACK, b"");
        self.frame(first.at - 100_000, &mut c, &s, ACK, b"");
        for exchange in exchanges {
            self.send(exchange.at, &mut c, &s, &exchange.request);
            self.send(exchange.at + 5_000_000, &mut s, &c, &exchange.response);
        }
        let end = last.at + 8_000_000;
        self.frame(end, &mut c, &s, FIN | ACK, b"");
        self.frame(end + 100_000, &mut s, &c, FIN | ACK, b"");
        self.frame(end + 200_000, &mut c, &s, ACK, b"");
    }

    fn send(&mut self, at: u64, from: &mut Side, to: &Side, data: &[u8]) {
        for (index, part) in data.chunks(SEGMENT_BYTES).enumerate() {
            self.frame(at + index as u64 * 10_000, from, to, PSH_ACK, part);
        }
    }

    fn frame(&mut self, at: u64, from: &mut Side, to: &Side, flags: u8, payload: &[u8]) {
        let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        let total = u16::try_from(40 + payload.len()).unwrap_or(u16::MAX);
        bytes.extend([0x45, 0]);
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        bytes.extend(from.address.octets());
        bytes.extend(to.address.octets());
        bytes.extend(from.port.to_be_bytes());
        bytes.extend(to.port.to_be_bytes());
        bytes.extend(from.sequence.to_be_bytes());
        bytes.extend(to.sequence.to_be_bytes());
        bytes.extend([5 << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        bytes.extend(payload);
        let counted = payload.len() + usize::from(flags & (FIN | SYN) != 0);
        from.sequence = from.sequence.wrapping_add(u32::try_from(counted).unwrap_or(0));
        if !payload.is_empty()
            && let Some(left) = from.skipped
        {
            from.skipped = left.checked_sub(1);
            if left == 0 {
                return;
            }
        }
        if from.heard {
            self.frames.push((at, bytes));
        }
    }

    /// The frames as a nanosecond pcap file, in time order.
    pub fn bytes(&self) -> Vec<u8> {
        let mut frames: Vec<&(u64, Vec<u8>)> = self.frames.iter().collect();
        frames.sort_by_key(|(at, _)| *at);
        let mut file = Vec::new();
        file.extend(0xa1b2_3c4d_u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend(262_144_u32.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        for (at, bytes) in frames {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let seconds = u32::try_from(at / 1_000_000_000).unwrap_or(u32::MAX);
            let nanos = u32::try_from(at % 1_000_000_000).unwrap_or(u32::MAX);
            for word in [seconds, nanos, length, length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(bytes);
        }
        file
    }

    /// Writes the file.
    ///
    /// # Panics
    /// When it cannot be written: then the test cannot go on.
    #[expect(clippy::expect_used, reason = "a test that cannot write its input has failed")]
    pub fn write(&self, path: &Path) {
        fs::write(path, self.bytes()).expect("the capture is written");
    }
}
