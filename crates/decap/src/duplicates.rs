//! Packets that a mirror delivers twice: once where they enter it, and once where they leave.
//!
//! The copies are one packet: identification, addresses, ports, sequence numbers, flags, options,
//! checksum, lengths and payload are equal; link layer, tags, tunnel and TTL need not be. A TCP
//! retransmission is another packet: Linux numbers the packets of a flow, and a repetition comes
//! hundreds of milliseconds later, where the copies of a mirror are apart by the time a switch
//! takes. Where the identification tells nothing (0, and IPv6), two equal packets within the window
//! may be two, and leaving one out is harmless: its bytes were delivered with the first.
//!
//! Of a long payload the first and the last bytes are compared, and the checksum speaks for the
//! rest. Who forges a second payload with the same checksum and identification gains nothing:
//! reassembly keeps the first as well.

use std::net::IpAddr;

use tapline_model::{Key, Timestamp};

/// Buckets: room for 16,384 packets, the most that 10 Gbit/s bring in 5 ms being 75,000 of the
/// smallest and 7,800 of usual size. What is pushed out early is not recognised, which costs time
/// alone.
const BUCKETS: usize = 4096;
/// Payload bytes compared at each end.
const SAMPLE_BYTES: usize = 32;

/// What two copies of a packet have in common.
pub(crate) struct Identity<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) id: u32,
    /// Where overlapping networks are told apart: equal packets of two networks are two.
    pub(crate) network: u32,
    /// 0 for a whole packet; of a fragment offset, protocol, and whether more come.
    pub(crate) part: u32,
    pub(crate) wire_bytes: u32,
    /// The TCP header.
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// The packets of the last milliseconds: a table of fixed size, by keyed hash.
pub(crate) struct Duplicates {
    buckets: Vec<Bucket>,
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
            buckets: vec![Bucket::default(); if window_ms == 0 { 0 } else { BUCKETS }],
            seeds: [seed(0), seed(1), seed(2), seed(3)],
            window_ns: u64::from(window_ms) * 1_000_000,
        }
    }

    /// Whether an equal packet was seen within the window; if not, this one is remembered.
    pub(crate) fn is_repeated(&mut self, identity: &Identity<'_>, at: Timestamp) -> bool {
        if self.buckets.is_empty() {
            return false;
        }
        let hash = self.hash(identity);
        let at = at.nanos();
        let index = usize::try_from(hash >> 32).unwrap_or_default() % BUCKETS;
        let Some(Bucket(entries)) = self.buckets.get_mut(index) else { return false };
        let mut oldest = 0;
        let mut oldest_at = u64::MAX;
        for (index, seen) in entries.iter().enumerate() {
            // Two interfaces are read in turns: the copy may be the older one.
            if seen.hash == hash && seen.at.abs_diff(at) <= self.window_ns {
                return true;
            }
            if seen.at < oldest_at {
                (oldest, oldest_at) = (index, seen.at);
            }
        }
        if let Some(seen) = entries.get_mut(oldest) {
            *seen = Seen { hash, at };
        }
        false
    }

    /// A keyed hash that is never 0, which marks an empty entry.
    fn hash(&self, identity: &Identity<'_>) -> u64 {
        let [first, second, third, fourth] = self.seeds;
        let addresses = match (identity.source, identity.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                fold(u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits()), first)
            }
            (source, destination) => {
                let [low, high] = [source, destination].map(|address| match address {
                    IpAddr::V4(address) => absorb(first, &address.octets()),
                    IpAddr::V6(address) => absorb(first, &address.octets()),
                });
                fold(low ^ second, high)
            }
        };
        let numbers = fold(
            u64::from(identity.id) << 32 | u64::from(identity.part),
            u64::from(identity.network) << 32 | u64::from(identity.wire_bytes) ^ second,
        );
        let header = absorb(third, identity.header);
        let payload = identity.payload;
        let payload = match (payload.first_chunk(), payload.last_chunk()) {
            (Some(start), Some(end)) => {
                let start: &[u8; SAMPLE_BYTES] = start;
                let end: &[u8; SAMPLE_BYTES] = end;
                fold(absorb(fourth, start), absorb(third, end) ^ first)
            }
            _ => absorb(fourth, payload),
        };
        fold(addresses ^ header, numbers ^ payload.rotate_left(17)) | 1
    }
}

/// Mixes bytes into a state.
fn absorb(mut state: u64, bytes: &[u8]) -> u64 {
    let blocks = bytes.chunks_exact(16);
    let left = blocks.remainder();
    for block in blocks {
        state = fold(word(block) ^ state, word(block.get(8..).unwrap_or_default()) ^ !state);
    }
    if !left.is_empty() {
        let mut block = [0; 16];
        for (to, from) in block.iter_mut().zip(left) {
            *to = *from;
        }
        let [low, high] = block.as_chunks::<8>().0 else { return state };
        state = fold(u64::from_le_bytes(*low) ^ state, u64::from_le_bytes(*high) ^ !state);
    }
    state ^ bytes.len() as u64
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Both halves of the product, folded: every bit of either factor reaches every bit.
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd1b5_4a32_d192_ed03);
    product as u64 ^ (product >> 64) as u64
}
