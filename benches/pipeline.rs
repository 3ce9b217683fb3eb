//! What each arrow costs: one core, the stages as plain calls, cumulative.
//!
//! `cargo bench -- CAPTURE...` (default: the recorded shop). Prints nanoseconds a frame, Gbit/s and
//! transactions a second for each prefix of the pipeline, best of five rounds.

#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::path::PathBuf;
use std::time::Instant;

use tapline_behavior::Fold;
use tapline_capture::Files;
use tapline_decap::Decap;
use tapline_discovery::Discovery;
use tapline_model::{
    Chunk, Epoch, Feedback, FlowRecord, Frame, Key, LinkType, ShardId, SourceId, Timestamp,
    Transaction,
};
use tapline_protocol::{Protocols, Sink};
use tapline_reassembly::Reassembler;

const ROUNDS: usize = 5;

/// Frames in memory, so that reading the file is not measured.
struct Recorded {
    frames: Vec<(Timestamp, LinkType, u32, usize, usize)>,
    bytes: Vec<u8>,
}

impl Recorded {
    fn read(path: PathBuf) -> Result<Self, tapline_capture::CaptureError> {
        let mut files = Files::open(&[path], SourceId(0))?;
        let mut recorded = Self { frames: Vec::new(), bytes: Vec::new() };
        while let Some(frame) = files.next_frame()? {
            let start = recorded.bytes.len();
            recorded.bytes.extend_from_slice(frame.bytes);
            let end = recorded.bytes.len();
            recorded.frames.push((
                frame.captured_at,
                frame.link_type,
                frame.wire_bytes,
                start,
                end,
            ));
        }
        Ok(recorded)
    }

    fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(|&(captured_at, link_type, wire_bytes, start, end)| Frame {
            captured_at,
            link_type,
            wire_bytes,
            bytes: self.bytes.get(start..end).unwrap_or_default(),
            source: SourceId(0),
        })
    }
}

/// How far down the pipeline a round goes.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Until {
    Segment,
    Chunk,
    Transaction,
    Observation,
    Delta,
}

struct Rest {
    until: Until,
    shard: ShardId,
    discovery: Discovery,
    fold: Fold,
    feedback: Feedback,
    transactions: u64,
}

impl Sink for Rest {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.transactions += 1;
        if self.until >= Until::Observation {
            let Self { until, shard, discovery, fold, feedback, .. } = self;
            discovery.push(transaction, *shard, feedback, &mut |observation| {
                if *until >= Until::Delta {
                    fold.observe(*shard, observation, feedback);
                }
            });
        }
    }

    fn flow_record(&mut self, record: &FlowRecord) {
        if self.until >= Until::Delta {
            self.fold.flow(self.shard, record);
        }
    }
}

/// One round; nanoseconds and transactions.
fn round(recorded: &Recorded, until: Until) -> (u64, u64) {
    let shard = ShardId::all().next().unwrap_or_default();
    let key = Key::fixed();
    let mut decap = Decap::new(tapline_decap::Config::default(), &key);
    // One shard stands for all, so it gets the whole budget of 64.
    let mut reassembler = Reassembler::new(tapline_reassembly::Config {
        flows_max: 64 * 262_144,
        held_bytes_max: 64 * (128 << 20),
        ..tapline_reassembly::Config::default()
    });
    let mut protocols = Protocols::new(tapline_protocol::Config {
        message_bytes_max: 64 * (256 << 20),
        ..tapline_protocol::Config::default()
    });
    let config = tapline_behavior::Config::default();
    let mut rest = Rest {
        until,
        shard,
        discovery: Discovery::new(tapline_discovery::Config::default(), Key::fixed()),
        fold: Fold::new(&config, 0, 0, 0),
        feedback: Feedback::default(),
        transactions: 0,
    };
    let mut epoch = Epoch::default();
    let began = Instant::now();
    for frame in recorded.frames() {
        let now = frame.captured_at;
        decap.push(&frame, &mut |segment| {
            if until >= Until::Chunk {
                let hash = key.hash_between(segment.source, segment.destination, segment.network);
                reassembler.push(hash, &segment, &mut |chunk: &Chunk<'_>| {
                    if until >= Until::Transaction {
                        protocols.push(chunk, &mut rest);
                    }
                });
            }
        });
        if now.epoch() > epoch {
            epoch = now.epoch();
            reassembler.tick(now, &mut |chunk: &Chunk<'_>| protocols.push(chunk, &mut rest));
            protocols.tick(now, &mut rest);
            drop(rest.fold.seal(epoch));
        }
    }
    (u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX), rest.transactions)
}

fn report(name: &str, recorded: &Recorded) {
    let frames = recorded.frames.len().max(1) as f64;
    println!("{name}: {} frames, {} bytes", recorded.frames.len(), recorded.bytes.len());
    for (label, until) in [
        ("frame -> segment", Until::Segment),
        ("   ... -> chunk", Until::Chunk),
        ("   ... -> transaction", Until::Transaction),
        ("   ... -> observation", Until::Observation),
        ("   ... -> delta", Until::Delta),
    ] {
        let best = (0..ROUNDS).map(|_| round(recorded, until)).min().unwrap_or_default();
        let nanos = best.0.max(1) as f64;
        println!(
            "  {label:24} {:8.0} ns/frame {:8.2} Gbit/s {:10.0} transactions/s",
            nanos / frames,
            recorded.bytes.len() as f64 * 8.0 / nanos,
            best.1 as f64 * 1e9 / nanos,
        );
    }
}

fn main() -> Result<(), tapline_capture::CaptureError> {
    let named: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pcap/http1-shop/input.pcap.zst");
    let captures = if named.is_empty() { vec![PathBuf::from(shop)] } else { named };
    for path in captures {
        let name = path.display().to_string();
        report(&name, &Recorded::read(path)?);
    }
    Ok(())
}
