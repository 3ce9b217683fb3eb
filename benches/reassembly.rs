//! What reassembly costs a segment, by what the segments are like: one core, made-up traffic.
//!
//! Prints nanoseconds a segment, of CPU time, best of five rounds, and the bytes held at the most.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fs;
use std::net::SocketAddr;

use tapline_model::{Chunk, Key, Segment, SourceId, TcpFlags, Timestamp};
use tapline_reassembly::{Config, Reassembler};

const ROUNDS: usize = 5;
const SEGMENTS: u32 = 1_000_000;
const PAYLOAD: [u8; 1448] = [b'x'; 1448];
const PAYLOAD_BYTES: u32 = 1448;

/// The segments of one kind of traffic, made one by one.
#[derive(Clone, Copy)]
struct Traffic {
    name: &'static str,
    /// The flow, sequence number and flags of a segment, by its index, and whether it has payload.
    segment: fn(u32) -> (u32, u32, u8, bool),
}

const TRAFFIC: &[Traffic] = &[
    Traffic { name: "in order, 1 flow", segment: |at| (0, at, TcpFlags::ACK, true) },
    Traffic { name: "in order, 64 flows", segment: |at| (at % 64, at / 64, TcpFlags::ACK, true) },
    Traffic {
        name: "in order, 4 096 flows",
        segment: |at| (at % 4096, at / 4096, TcpFlags::ACK, true),
    },
    Traffic {
        name: "in order, 65 536 flows",
        segment: |at| (at % 65_536, at / 65_536, TcpFlags::ACK, true),
    },
    Traffic { name: "pairs swapped, 1 flow", segment: |at| (0, at ^ 1, TcpFlags::ACK, true) },
    Traffic {
        name: "pairs swapped, 4 096 flows",
        segment: |at| (at % 4096, (at / 4096) ^ 1, TcpFlags::ACK, true),
    },
    Traffic {
        name: "every second missing, 64 flows",
        segment: |at| (at % 64, at / 64 * 2, TcpFlags::ACK, true),
    },
    Traffic { name: "SYNs, each of a new flow", segment: |at| (at, 0, TcpFlags::SYN, false) },
];

/// What this thread has spent on a core, so that what else runs does not show.
fn cpu_nanos() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// One round; nanoseconds a segment, and the bytes held at the most.
fn round(traffic: Traffic) -> (f64, u64) {
    let defaults = Config::default();
    // One shard stands for all, so it gets the budget of all.
    let mut reassembler = Reassembler::new(Config {
        flows_max: 64 * defaults.flows_max,
        held_bytes_max: 64 * defaults.held_bytes_max,
        ..defaults
    });
    let key = Key::fixed();
    let mut delivered_bytes = 0;
    let mut held_bytes_most = 0;
    let began = cpu_nanos();
    for at in 0..SEGMENTS {
        let (flow, place, flags, has_payload) = (traffic.segment)(at);
        let payload: &[u8] = if has_payload { &PAYLOAD } else { &[] };
        let segment = Segment {
            captured_at: Timestamp::from_nanos(1_000_000_000 + u64::from(at) * 1000),
            capture_source: SourceId::default(),
            source: SocketAddr::from(((0x0a00_0000 + flow).to_be_bytes(), 40_000)),
            destination: SocketAddr::from(([192, 168, 0, 1], 80)),
            network: 0,
            sequence: place.wrapping_mul(PAYLOAD_BYTES),
            acknowledgement: 0,
            flags: TcpFlags(flags),
            payload,
            wire_payload_bytes: if has_payload { PAYLOAD_BYTES } else { 0 },
            wire_bytes: 1514,
        };
        let hash = key.flow_hash(&segment.flow_key());
        reassembler.push(hash, &segment, &mut |chunk: &Chunk<'_>| {
            if let tapline_model::ChunkKind::Data(bytes) = chunk.kind {
                delivered_bytes += bytes.len();
            }
        });
        if at % 1000 == 0 {
            held_bytes_most = held_bytes_most.max(reassembler.stats().payload_bytes.held);
        }
    }
    let nanos = (cpu_nanos() - began) as f64 / f64::from(SEGMENTS);
    std::hint::black_box(delivered_bytes);
    (nanos, held_bytes_most)
}

fn main() {
    for &traffic in TRAFFIC {
        let rounds = (0..ROUNDS).map(|_| round(traffic));
        let best = rounds.reduce(|best, next| if next.0 < best.0 { next } else { best });
        let (nanos, held_bytes) = best.unwrap_or_default();
        println!("{:32} {nanos:8.1} ns/segment {held_bytes:10} bytes held", traffic.name);
    }
}
