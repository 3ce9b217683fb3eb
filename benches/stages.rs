//! The stages of the pipeline as plain calls, up to any of them.

use std::path::PathBuf;

use tapline_behavior::Fold;
use tapline_capture::Files;
use tapline_decap::Decap;
use tapline_discovery::{Discovery, Handshakes};
use tapline_model::{
    Chunk, Epoch, Feedback, FlowRecord, Frame, Handshake, Key, LinkType, Segment, ShardId,
    SourceId, Timestamp, Transaction,
};
use tapline_protocol::{Protocols, Sink};
use tapline_reassembly::Reassembler;

/// Frames in memory, so that reading the file is not measured.
#[derive(Debug)]
pub struct Recorded {
    frames: Vec<(Timestamp, LinkType, u32, usize, usize)>,
    bytes: Vec<u8>,
}

impl Recorded {
    /// Reads a capture file whole.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(path: PathBuf) -> Result<Self, tapline_capture::CaptureError> {
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

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of all frames.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Every frame.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Until {
    /// Only walks the frames.
    Frame,
    /// Decapsulation.
    Segment,
    /// Reassembly.
    Chunk,
    /// Protocols.
    Transaction,
    /// Discovery.
    Observation,
    /// Fold.
    Delta,
}

impl Until {
    /// Every one, in order.
    pub const ALL: [Self; 6] = [
        Self::Frame,
        Self::Segment,
        Self::Chunk,
        Self::Transaction,
        Self::Observation,
        Self::Delta,
    ];

    /// What it is called in tables and on the command line.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Segment => "segment",
            Self::Chunk => "chunk",
            Self::Transaction => "transaction",
            Self::Observation => "observation",
            Self::Delta => "delta",
        }
    }
}

struct Rest {
    until: Until,
    shard: ShardId,
    discovery: Discovery,
    handshakes: Handshakes,
    fold: Fold,
    feedback: Feedback,
    transactions: u64,
}

impl Sink for Rest {
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        let Self { until, shard, discovery, feedback, .. } = self;
        *until < Until::Observation || discovery.wants_bodies(transaction, *shard, feedback)
    }

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

    fn handshake(&mut self, handshake: &Handshake<'_>) {
        let Self { until, handshakes, fold, .. } = self;
        if *until >= Until::Observation {
            handshakes.push(handshake, &mut |note| {
                if *until >= Until::Delta {
                    fold.handshake(note);
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

/// Sends every frame through the stages up to `until`; how many transactions that made.
pub fn run(recorded: &Recorded, until: Until) -> u64 {
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
        handshakes: Handshakes::new(&tapline_discovery::Config::default()),
        fold: Fold::new(&config, 0, 0, 0),
        feedback: Feedback::default(),
        transactions: 0,
    };
    let mut epoch = Epoch::default();
    for frame in recorded.frames() {
        if until == Until::Frame {
            std::hint::black_box(frame);
            continue;
        }
        let now = frame.captured_at;
        decap.push(&frame, &mut |segment: Segment<'_>| {
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
    rest.transactions
}
