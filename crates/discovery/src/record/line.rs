//! A line of `transactions.jsonl`, from its record.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tapline_model::{AnomalySet, Completeness, ConsumerKey, EndpointId, Protocol, Timestamp};

use super::holds;

/// What a line says of a request that was not seen.
const NO_REQUEST: &[u8] = b",\"method\":null,\"host\":null,\"path\":null,\"query_names\":[]";

/// Writes lines. It remembers the second it wrote last, since times come in order.
#[derive(Debug, Default)]
pub struct LineWriter {
    second: Option<u64>,
    /// The start of a line of that second, up to where its nanoseconds stand.
    start: Vec<u8>,
}

impl LineWriter {
    /// Appends the line of a record, with its end. Nothing, and false, when the bytes are no record.
    #[must_use]
    pub fn write(
        &mut self,
        record: &[u8],
        endpoint: Option<EndpointId>,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        let is_whole = self.write_fields(&mut Packed(record), endpoint, out).is_some();
        if !is_whole {
            out.truncate(start);
        }
        is_whole
    }

    fn write_fields(
        &mut self,
        record: &mut Packed<'_>,
        endpoint: Option<EndpointId>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let [flags, protocol, completeness] = record.array()?;
        let started_at = Timestamp::from_nanos(u64::from_le_bytes(record.array()?));
        let (client, server) = (record.socket()?, record.socket()?);
        let consumer = u64::from_le_bytes(record.array()?);
        let mut numbers = [0; 5];
        for number in &mut numbers {
            *number = record.number()?;
        }
        let [status, request_bytes, response_bytes, latency_ns, anomalies] = numbers;
        self.write_start(started_at, out);
        write_socket(client, out);
        out.extend_from_slice(b"\",\"server\":\"");
        write_socket(server, out);
        out.extend_from_slice(b"\",\"protocol\":\"");
        out.extend_from_slice(Protocol::ALL.get(usize::from(protocol))?.label().as_bytes());
        out.push(b'"');
        if flags & holds::REQUEST == 0 {
            out.extend_from_slice(NO_REQUEST);
        } else {
            out.extend_from_slice(b",\"method\":\"");
            let bytes = u32::from_le_bytes(record.array()?);
            out.extend_from_slice(record.take(usize::try_from(bytes).ok()?)?);
        }
        write_number(out, ",\"status\":", Some(status).filter(|_| flags & holds::STATUS != 0));
        write_number(out, ",\"request_bytes\":", Some(request_bytes));
        write_number(out, ",\"response_bytes\":", Some(response_bytes));
        write_number(
            out,
            ",\"latency_ns\":",
            Some(latency_ns).filter(|_| flags & holds::LATENCY != 0),
        );
        out.extend_from_slice(b",\"completeness\":\"");
        out.extend_from_slice(Completeness::ALL.get(usize::from(completeness))?.label().as_bytes());
        if anomalies == 0 {
            out.extend_from_slice(b"\",\"anomalies\":[],\"signals\":[],\"consumer\":");
        } else {
            let anomalies = AnomalySet::from_bits(anomalies);
            out.extend_from_slice(b"\",\"anomalies\":[");
            write_list(anomalies.iter().map(|it| it.label().as_bytes()), out);
            out.extend_from_slice(b"],\"signals\":[],\"consumer\":");
        }
        let consumer = Some(consumer).filter(|_| flags & holds::CONSUMER != 0);
        write_hash(consumer.map(|key| ConsumerKey(key).0), out);
        out.extend_from_slice(b",\"endpoint\":");
        write_hash(endpoint.map(|endpoint| endpoint.0), out);
        out.extend_from_slice(b"}\n");
        Some(())
    }

    /// All before the client's address: the time as RFC 3339 has it, with nanoseconds.
    fn write_start(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        let second = time.nanos() / 1_000_000_000;
        if self.second != Some(second) {
            self.second = Some(second);
            self.start.clear();
            // Writing to a vector cannot fail.
            write!(self.start, "{{\"ts\":\"{}", Timestamp::from_seconds(second))
                .unwrap_or_default();
            self.start.truncate("{\"ts\":\"2026-11-13T08:00:00.".len());
        }
        out.extend_from_slice(&self.start);
        let mut rest = *b"000000000Z\",\"client\":\"";
        let mut nanos = (time.nanos() % 1_000_000_000) as u32;
        for digit in rest.iter_mut().take(9).rev() {
            *digit = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        out.extend_from_slice(&rest);
    }
}

/// A field with its number, or null.
fn write_number(out: &mut Vec<u8>, name: &str, number: Option<u64>) {
    let mut digits = itoa::Buffer::new();
    let digits = number.map_or("null", |number| digits.format(number)).as_bytes();
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(digits);
}

/// The inside of an array of strings.
pub(super) fn write_list<'t>(items: impl Iterator<Item = &'t [u8]>, out: &mut Vec<u8>) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        escape(item, out);
        out.push(b'"');
    }
}

fn write_socket(socket: SocketAddr, out: &mut Vec<u8>) {
    let IpAddr::V4(address) = socket.ip() else {
        // Writing to a vector cannot fail.
        return write!(out, "{socket}").unwrap_or_default();
    };
    let mut text = [0; 24];
    let mut end = 0;
    for octet in address.octets() {
        let (digits, bytes) = OCTETS.get(usize::from(octet)).copied().unwrap_or_default();
        if let Some(place) = text.get_mut(end..end + 4) {
            place.copy_from_slice(&digits);
        }
        end += usize::from(bytes);
    }
    if let Some(dot) = text.get_mut(end - 1) {
        *dot = b':';
    }
    let mut port = itoa::Buffer::new();
    let port = port.format(socket.port()).as_bytes();
    if let Some(place) = text.get_mut(end..end + port.len()) {
        place.copy_from_slice(port);
    }
    out.extend_from_slice(text.get(..end + port.len()).unwrap_or_default());
}

/// Every octet in decimal with a dot behind it, and how many bytes that is.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
const OCTETS: [([u8; 4], u8); 256] = {
    let mut all = [([b'.'; 4], 2); 256];
    let mut octet = 0_u8;
    loop {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        all[octet as usize] = match octet {
            0..10 => ([b'0' + ones, b'.', 0, 0], 2),
            10..100 => ([b'0' + tens, b'0' + ones, b'.', 0], 3),
            100.. => ([b'0' + hundreds, b'0' + tens, b'0' + ones, b'.'], 4),
        };
        if octet == u8::MAX {
            break all;
        }
        octet += 1;
    }
};

/// Sixteen hexadecimal digits in quotes.
fn write_hash(hash: Option<u64>, out: &mut Vec<u8>) {
    let Some(hash) = hash else {
        out.extend_from_slice(b"null");
        return;
    };
    let mut text = *b"\"0000000000000000\"";
    let (digits, _) = text.get_mut(1..17).unwrap_or_default().as_chunks_mut();
    for (place, byte) in digits.iter_mut().zip(hash.to_be_bytes()) {
        *place = HEXADECIMAL.get(usize::from(byte)).copied().unwrap_or_default();
    }
    out.extend_from_slice(&text);
}

/// Every byte as two digits.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
const HEXADECIMAL: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut all = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        all[byte] = [digits[byte >> 4], digits[byte & 0xF]];
        byte += 1;
    }
    all
};

/// The inside of a string (RFC 8259 section 7) of bytes that are UTF-8.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    // DEL is allowed but no terminal likes it.
    let is_plain = |byte: &u8| !matches!(byte, 0..=0x1F | 0x7F | b'"' | b'\\');
    // Without a way out half way, so that many bytes are looked at in one step.
    if text.iter().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            byte if is_plain(byte) => out.push(*byte),
            // Writing to a vector cannot fail.
            byte => write!(out, "\\u{byte:04x}").unwrap_or_default(),
        }
    }
}

/// What is left of a record.
struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn socket(&mut self) -> Option<SocketAddr> {
        let [kind] = self.array()?;
        let address = match kind {
            4 => IpAddr::V4(Ipv4Addr::from(self.array::<4>()?)),
            _ => IpAddr::V6(Ipv6Addr::from(self.array::<16>()?)),
        };
        Some(SocketAddr::new(address, u16::from_le_bytes(self.array()?)))
    }
}
