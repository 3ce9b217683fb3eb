//! Packets that a mirror delivers twice: once where they enter it, and once where they leave.
//!
//! The copies are one packet: identification, addresses, ports, sequence numbers, flags, window,
//! checksum, length and payload are equal; link layer, tags, tunnel and TTL need not be. A TCP
//! retransmission is another packet: Linux numbers the packets of a flow, and a repetition comes
//! hundreds of milliseconds later, where the copies of a mirror are apart by the time a switch
//! takes. Where the identification tells nothing (0, and IPv6), two equal packets within the window
//! may be two, and leaving one out is harmless: its bytes were delivered with the first.
//!
//! Of a payload the first and the last eight bytes are compared, and the checksum speaks for the
//! rest. Who forges a second payload with the same checksum and identification gains nothing:
//! reassembly keeps the first as well.

use std::net::IpAddr;

use tapline_model::{Key, Timestamp};

use crate::packet::{Fragment, Packet, TcpHeader};

/// Buckets at first: few, as those of slow traffic then stay in the processor's cache.
const BUCKETS_MIN: usize = 256;
/// Of so many packets it is counted how many push out one of the window ...
const PACKETS_JUDGED: u32 = 1_024;
/// ... and if they are more than this, the table grows.
const PUSHED_OUT_MAX: u32 = PACKETS_JUDGED / 32;
/// Buckets at most: room for 8,192 packets, as many as 10 Gbit/s bring in 5 ms. What is pushed out
/// early is not recognised, which costs time alone: reassembly knows bytes that it has delivered.
const BUCKETS_MAX: usize = 2048;

/// The packets of the last milliseconds, by keyed hash: a table that grows, to a bound, when it pushes
/// out what it should remember.
pub(crate) struct Duplicates {
    buckets: Vec<Bucket>,
    /// Since they were judged last: packets remembered, and those of the window pushed out for them.
    remembered: u32,
    pushed_out: u32,
    seeds: [u64; 4],
    window_ns: u64,
}

/// One cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket([Seen; 4]);

#[derive(Clone, Copy, Default)]
struct Seen {
    hash: u64,
    at: u64,
}

impl Duplicates {
    /// A table that has seen nothing; a window of 0 recognises nothing.
    pub(crate) fn new(window_ms: u32, key: &Key) -> Self {
        let seed = |purpose: u8| key.text_hash(&[b'd', b'u', b'p', purpose]);
        Self {
            buckets: vec![Bucket::default(); if window_ms == 0 { 0 } else { BUCKETS_MIN }],
            remembered: 0,
            pushed_out: 0,
            seeds: [seed(0), seed(1), seed(2), seed(3)],
            window_ns: u64::from(window_ms) * 1_000_000,
        }
    }

    /// Whether an equal TCP packet was seen within the window; if not, this one is remembered.
    #[inline]
    pub(crate) fn is_repeated_segment(
        &mut self,
        packet: &Packet<'_>,
        tcp: &TcpHeader<'_>,
        network: u32,
        at: Timestamp,
    ) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let [first, second, third, fourth] = self.seeds;
        // All from the ports to the checksum; that speaks for the options.
        let [ports, numbers, state] = words(tcp.header).unwrap_or_default();
        let lengths = ports << 32 | u64::from(tcp.wire_payload_bytes);
        let mixed = fold(lengths ^ third, self.addresses(packet) ^ first)
            ^ fold(numbers ^ third, state ^ fourth).rotate_left(13)
            ^ ends(tcp.payload, first, fourth).rotate_left(43);
        let origin = u64::from(packet.id) << 32 | u64::from(network);
        self.is_repeated(fold(mixed ^ first, origin ^ second), at)
    }

    /// Whether an equal fragment was seen within the window; if not, this one is remembered.
    pub(crate) fn is_repeated_fragment(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        network: u32,
        at: Timestamp,
    ) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let [first, second, third, fourth] = self.seeds;
        let part = u64::from(fragment.offset | u16::from(fragment.more)) << 8;
        let origin = u64::from(packet.id) << 32 | u64::from(network);
        let part = fold(part ^ u64::from(packet.protocol) ^ second, origin ^ fourth);
        let bytes = absorb(third, packet.rest.bytes);
        let mixed = fold(self.addresses(packet) ^ third, fourth) ^ fold(part, bytes ^ first);
        self.is_repeated(fold(mixed ^ first, first | 1), at)
    }

    #[inline]
    fn is_repeated(&mut self, hash: u64, at: Timestamp) -> bool {
        // Never 0, which marks an empty entry.
        let hash = hash | 1;
        let at = at.nanos();
        let place = place(hash, self.buckets.len());
        let Some(Bucket(entries)) = self.buckets.get_mut(place) else { return false };
        // Two interfaces are read in turns: the copy may be the older one.
        let is_recent = |seen: &Seen| seen.at.abs_diff(at) <= self.window_ns;
        if entries.iter().any(|seen| seen.hash == hash && is_recent(seen)) {
            return true;
        }
        // The newest comes first, the oldest drops out.
        let [first, second, third, last] = *entries;
        *entries = [Seen { hash, at }, first, second, third];
        self.pushed_out += u32::from(last.hash != 0 && is_recent(&last));
        self.remembered += 1;
        if self.remembered == PACKETS_JUDGED {
            self.judge();
        }
        false
    }

    #[cold]
    fn judge(&mut self) {
        if self.pushed_out > PUSHED_OUT_MAX && self.buckets.len() < BUCKETS_MAX {
            self.grow();
        }
        (self.remembered, self.pushed_out) = (0, 0);
    }

    fn grow(&mut self) {
        let mut buckets = vec![Bucket::default(); self.buckets.len() * 2];
        for Bucket(entries) in &self.buckets {
            for seen in entries.iter().rev().filter(|seen| seen.hash != 0) {
                let place = place(seen.hash, buckets.len());
                let Some(Bucket([first, second, third, last])) = buckets.get_mut(place) else {
                    continue;
                };
                (*last, *third, *second, *first) = (*third, *second, *first, *seen);
            }
        }
        self.buckets = buckets;
    }

    /// A word that tells the addresses.
    #[inline]
    fn addresses(&self, packet: &Packet<'_>) -> u64 {
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (packet.source, packet.destination) {
            return u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
        }
        let [first, second, ..] = self.seeds;
        let [low, high] = [packet.source, packet.destination].map(|address| match address {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => pair(&address.octets(), first, second),
        });
        fold(low ^ second, high.rotate_left(7) ^ first)
    }
}

/// The bucket of a hash among so many, a power of two.
#[inline]
fn place(hash: u64, buckets: usize) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() & buckets.wrapping_sub(1)
}

/// The first 20 bytes of a TCP header: the ports, the numbers, and the rest.
#[inline]
fn words(header: &[u8]) -> Option<[u64; 3]> {
    let header = header.first_chunk::<20>()?;
    let (ports, header) = header.split_first_chunk()?;
    let (numbers, header) = header.split_first_chunk()?;
    let state = header.first_chunk()?;
    Some([
        u32::from_be_bytes(*ports).into(),
        u64::from_le_bytes(*numbers),
        u64::from_le_bytes(*state),
    ])
}

/// Mixes both ends of a payload.
#[inline]
fn ends(payload: &[u8], first: u64, second: u64) -> u64 {
    match (payload.first_chunk(), payload.last_chunk()) {
        (Some(start), Some(end)) => {
            fold(u64::from_le_bytes(*start) ^ first, u64::from_le_bytes(*end) ^ second)
        }
        _ if payload.is_empty() => 0,
        _ => absorb(first, payload),
    }
}

/// Mixes bytes into a state, one block after the other.
fn absorb(mut state: u64, bytes: &[u8]) -> u64 {
    let blocks = bytes.chunks_exact(16);
    let left = blocks.remainder();
    for block in blocks {
        state = pair(block, state, !state);
    }
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(left) {
        *to = *from;
    }
    pair(&block, state, !state) ^ bytes.len() as u64
}

/// Mixes the first 16 bytes with two words.
fn pair(bytes: &[u8], first: u64, second: u64) -> u64 {
    let Some((low, rest)) = bytes.split_first_chunk::<8>() else { return second };
    let high = rest.first_chunk::<8>().map_or(0, |high| u64::from_le_bytes(*high));
    fold(u64::from_le_bytes(*low) ^ first, high ^ second)
}

/// Both halves of the product, folded: every bit of either factor reaches every bit.
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
