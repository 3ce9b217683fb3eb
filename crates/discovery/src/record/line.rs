//! A line of `transactions.jsonl`, from its record.

use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use tapline_model::{
    AnomalySet, Attack, Completeness, ConsumerKey, EndpointId, Protocol, Timestamp,
};

use super::text::Text;
use super::{NUMBERS, SOCKET_V4_BYTES, SOCKET_V6_BYTES, holds};

/// What a line says of a request that was not seen.
const NO_REQUEST: &[u8] = b"\",\"method\":null,\"host\":null,\"path\":null,\"query_names\":[]";

/// Bytes of a part of a line. Before its request: a time, two sockets of at most 58 bytes, names of
/// fields; behind it, without anomalies: four numbers of up to twenty digits, two hashes, names of
/// fields.
const PART_BYTES_MAX: usize = 320;

type Part = Text<PART_BYTES_MAX>;

/// Writes lines.
#[derive(Debug, Default)]
pub struct LineWriter {
    starts: Starts,
    sockets: Sockets,
    /// A buffer.
    text: Part,
}

/// Starts of lines. It remembers the second that was written last, since times come in order.
#[derive(Debug, Default)]
struct Starts {
    second: Option<u64>,
    /// The start of a line of that second, up to where its nanoseconds stand.
    start: Vec<u8>,
}

impl LineWriter {
    /// Appends the line of a record of a request that began at `started_at`, with its end. Nothing,
    /// and false, when the bytes are no record.
    #[must_use]
    pub fn write(
        &mut self,
        started_at: Timestamp,
        record: &[u8],
        endpoint: Option<EndpointId>,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        let is_whole = self.write_fields(started_at, &mut Packed(record), endpoint, out).is_some();
        if !is_whole {
            out.truncate(start);
        }
        is_whole
    }

    fn write_fields(
        &mut self,
        started_at: Timestamp,
        record: &mut Packed<'_>,
        endpoint: Option<EndpointId>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let [flags, protocol, completeness] = record.array()?;
        let (client, server) = (record.socket()?, record.socket()?);
        let consumer = u64::from_le_bytes(record.array()?);
        let [status, request_bytes, response_bytes, latency_ns, anomalies] = record.numbers()?;
        let signals = if flags & holds::SIGNALS == 0 {
            &[]
        } else {
            let [count] = record.array()?;
            record.take(2 * usize::from(count))?.as_chunks().0
        };
        let Self { starts, sockets, text } = self;
        text.clear();
        starts.write(started_at, text);
        sockets.write(client, text)?;
        text.put(b"\",\"server\":\"");
        sockets.write(server, text)?;
        text.put(b"\",\"protocol\":\"");
        text.put_bytes(Protocol::ALL.get(usize::from(protocol))?.label().as_bytes());
        text.put_bytes(if flags & holds::REQUEST == 0 { NO_REQUEST } else { b"\",\"method\":\"" });
        out.extend_from_slice(text.as_bytes());
        if flags & holds::REQUEST != 0 {
            let bytes = u32::from_le_bytes(record.array()?);
            out.extend_from_slice(record.take(usize::try_from(bytes).ok()?)?);
        }
        text.clear();
        text.put(b",\"status\":");
        write_number(Some(status).filter(|_| flags & holds::STATUS != 0), text);
        text.put(b",\"request_bytes\":");
        write_number(Some(request_bytes), text);
        text.put(b",\"response_bytes\":");
        write_number(Some(response_bytes), text);
        text.put(b",\"latency_ns\":");
        write_number(Some(latency_ns).filter(|_| flags & holds::LATENCY != 0), text);
        text.put(b",\"completeness\":\"");
        text.put_bytes(Completeness::ALL.get(usize::from(completeness))?.label().as_bytes());
        text.put(b"\",\"anomalies\":[");
        if anomalies != 0 {
            out.extend_from_slice(text.as_bytes());
            text.clear();
            write_list(
                AnomalySet::from_bits(anomalies).iter().map(|it| it.label().as_bytes()),
                out,
            );
        }
        text.put(b"],\"signals\":[");
        if !signals.is_empty() {
            out.extend_from_slice(text.as_bytes());
            text.clear();
            write_signals(signals, out)?;
        }
        text.put(b"],\"consumer\":");
        let consumer = Some(consumer).filter(|_| flags & holds::CONSUMER != 0);
        write_hash(consumer.map(|key| ConsumerKey(key).0), text);
        text.put(b",\"endpoint\":");
        write_hash(endpoint.map(|endpoint| endpoint.0), text);
        text.put(b"}\n");
        out.extend_from_slice(text.as_bytes());
        Some(())
    }
}

impl Starts {
    /// All before the client's address: the time as RFC 3339 has it, with nanoseconds.
    fn write(&mut self, time: Timestamp, out: &mut Part) {
        let second = time.nanos() / 1_000_000_000;
        if self.second != Some(second) {
            self.second = Some(second);
            self.start.clear();
            // Writing to a vector cannot fail.
            write!(self.start, "{{\"ts\":\"{}", Timestamp::from_seconds(second))
                .unwrap_or_default();
            self.start.truncate("{\"ts\":\"2026-11-13T08:00:00.".len());
        }
        out.put_bytes(&self.start);
        // With a one before them there are nine digits always.
        let mut nanos = itoa::Buffer::new();
        let nanos = nanos.format(1_000_000_000 + (time.nanos() % 1_000_000_000));
        let digits = nanos.as_bytes().last_chunk().unwrap_or(b"000000000");
        out.put::<9>(digits);
        out.put(b"Z\",\"client\":\"");
    }
}

/// How sockets were written before: most talk again and again.
#[derive(Debug)]
struct Sockets {
    /// IPv4 ones as they are packed, by the low bits of the port.
    known: Vec<([u8; SOCKET_V4_BYTES], Text<SOCKET_BYTES_MAX>)>,
}

/// Sockets that are remembered.
const SOCKETS: usize = 64;
/// Bytes of an IPv4 address and a port, the last part with room behind it.
const SOCKET_BYTES_MAX: usize = 4 * 4 + "65535".len();

impl Default for Sockets {
    fn default() -> Self {
        Self { known: vec![([0; SOCKET_V4_BYTES], Text::new()); SOCKETS] }
    }
}

impl Sockets {
    /// Writes a socket as it is packed.
    #[inline]
    fn write(&mut self, packed: &[u8], out: &mut Part) -> Option<()> {
        let Ok(packed) = <[u8; SOCKET_V4_BYTES]>::try_from(packed) else {
            return write_v6(packed, out);
        };
        let [_, a, b, c, d, low, high] = packed;
        let (known, text) = self.known.get_mut(usize::from(low) % SOCKETS)?;
        if *known != packed {
            *known = packed;
            write_v4([a, b, c, d], u16::from_le_bytes([low, high]), text);
        }
        out.put_text(text);
        Some(())
    }
}

/// A number, or null.
#[inline]
fn write_number(number: Option<u64>, out: &mut Part) {
    let mut digits = itoa::Buffer::new();
    out.put_bytes(number.map_or("null", |number| digits.format(number)).as_bytes());
}

/// The inside of an array of attacks, each with how plain it is, 0 to 1.
fn write_signals(signals: &[[u8; 2]], out: &mut Vec<u8>) -> Option<()> {
    for (index, &[attack, score]) in signals.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let id = Attack::ALL.get(usize::from(attack))?.label();
        // Writing to a vector cannot fail.
        write!(out, r#"{comma}{{"id":"{id}","score":{}.{}}}"#, score / 10, score % 10)
            .unwrap_or_default();
    }
    Some(())
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

fn write_v4(address: [u8; 4], port: u16, out: &mut Text<SOCKET_BYTES_MAX>) {
    out.clear();
    for octet in address {
        let (digits, bytes) = OCTETS.get(usize::from(octet)).copied().unwrap_or_default();
        out.put_part(&digits, usize::from(bytes));
    }
    out.pop();
    out.put(b":");
    let mut digits = itoa::Buffer::new();
    out.put_bytes(digits.format(port).as_bytes());
}

fn write_v6(packed: &[u8], out: &mut Part) -> Option<()> {
    let [_, rest @ ..] = <[u8; SOCKET_V6_BYTES]>::try_from(packed).ok()?;
    let address = IpAddr::V6(Ipv6Addr::from(*rest.first_chunk::<16>()?));
    let socket = SocketAddr::new(address, u16::from_le_bytes(*rest.last_chunk()?));
    out.put_bytes(socket.to_string().as_bytes());
    Some(())
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
fn write_hash(hash: Option<u64>, out: &mut Part) {
    let Some(hash) = hash else { return out.put(b"null") };
    let mut text = *b"\"0000000000000000\"";
    let (digits, _) = text.get_mut(1..17).unwrap_or_default().as_chunks_mut();
    for (place, byte) in digits.iter_mut().zip(hash.to_be_bytes()) {
        *place = HEXADECIMAL.get(usize::from(byte)).copied().unwrap_or_default();
    }
    out.put(&text);
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

    /// How many bytes each has, four bits for each, and then these bytes.
    fn numbers(&mut self) -> Option<[u64; NUMBERS]> {
        let [low, middle, high] = self.array()?;
        let mut lengths = u32::from_le_bytes([low, middle, high, 0]);
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            *number = self.number(lengths & 0xF)?;
            lengths >>= 4;
        }
        Some(numbers)
    }

    #[inline]
    fn number(&mut self, bytes: u32) -> Option<u64> {
        let read = self.0;
        let sent = self.take(usize::try_from(bytes).ok()?)?;
        // Mostly there is more behind it, so that all can be read at once.
        let Some(word) = read.first_chunk().filter(|_| bytes > 0) else {
            return Some(sent.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte)));
        };
        Some(u64::from_le_bytes(*word) & u64::MAX.checked_shr(u64::BITS - 8 * bytes)?)
    }

    /// A socket as it is packed.
    fn socket(&mut self) -> Option<&'a [u8]> {
        let is_v4 = self.0.first() == Some(&4);
        self.take(if is_v4 { SOCKET_V4_BYTES } else { SOCKET_V6_BYTES })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::super::pack_socket;
    use super::*;

    proptest! {
        #[test]
        fn sockets_are_written_alike_whatever_was_written_before(
            parts in prop::collection::vec((any::<bool>(), any::<[u8; 4]>(), 0_u16..200), 1..50),
        ) {
            let mut sockets = Sockets::default();
            for (is_v4, octets, port) in parts {
                let address = Ipv4Addr::from(octets.map(|octet| octet & 0x81));
                let address =
                    if is_v4 { address.into() } else { address.to_ipv6_mapped().into() };
                let socket = SocketAddr::new(address, port);
                let (mut packed, mut text) = (Text::new(), Part::new());
                pack_socket(socket, &mut packed);
                prop_assert_eq!(sockets.write(packed.as_bytes(), &mut text), Some(()));
                let written = std::str::from_utf8(text.as_bytes()).unwrap();
                prop_assert_eq!(written, socket.to_string());
            }
        }

        #[test]
        fn a_line_begins_with_its_time(nanos in any::<u64>()) {
            let mut text = Part::new();
            Starts::default().write(Timestamp::from_nanos(nanos), &mut text);
            let expected = format!(r#"{{"ts":"{}","client":""#, Timestamp::from_nanos(nanos));
            prop_assert_eq!(std::str::from_utf8(text.as_bytes()).unwrap(), expected);
        }
    }
}
