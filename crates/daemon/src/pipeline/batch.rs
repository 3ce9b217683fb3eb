//! What crosses a queue between a source and a worker: segments with copies of their payload.

use std::net::SocketAddr;

use tapline_model::{Segment, SourceId, TcpFlags, Timestamp};

use super::tick::Tick;

/// Segments of a batch at most.
pub(crate) const SEGMENTS_MAX: usize = 512;
/// Payload bytes of a batch after which it is sent.
pub(crate) const BYTES_MAX: usize = 256 << 10;

/// Segments of one worker's shards, in capture order, and what follows them.
#[derive(Default)]
pub(crate) struct Batch {
    segments: Vec<Held>,
    bytes: Vec<u8>,
    /// Comes after the segments.
    pub(crate) tick: Option<Tick>,
}

/// A segment whose payload lies in the batch.
#[derive(Clone, Copy)]
struct Held {
    flow_hash: u64,
    captured_at: Timestamp,
    capture_source: SourceId,
    source: SocketAddr,
    destination: SocketAddr,
    network: u32,
    sequence: u32,
    acknowledgement: u32,
    flags: TcpFlags,
    payload_start: usize,
    payload_end: usize,
    wire_payload_bytes: u32,
    wire_bytes: u32,
}

impl Batch {
    /// Adds a copy of a segment of the flow with this hash.
    pub(crate) fn push(&mut self, flow_hash: u64, segment: &Segment<'_>) {
        let payload_start = self.bytes.len();
        self.bytes.extend_from_slice(segment.payload);
        self.segments.push(Held {
            flow_hash,
            captured_at: segment.captured_at,
            capture_source: segment.capture_source,
            source: segment.source,
            destination: segment.destination,
            network: segment.network,
            sequence: segment.sequence,
            acknowledgement: segment.acknowledgement,
            flags: segment.flags,
            payload_start,
            payload_end: self.bytes.len(),
            wire_payload_bytes: segment.wire_payload_bytes,
            wire_bytes: segment.wire_bytes,
        });
    }

    /// Whether it should be sent.
    pub(crate) fn is_full(&self) -> bool {
        self.segments.len() >= SEGMENTS_MAX || self.bytes.len() >= BYTES_MAX
    }

    /// Whether it holds no segment.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many segments it holds.
    pub(crate) fn len(&self) -> u64 {
        self.segments.len() as u64
    }

    /// Length on the wire of the frames of its segments.
    pub(crate) fn wire_bytes(&self) -> u64 {
        self.segments.iter().map(|held| u64::from(held.wire_bytes)).sum()
    }

    /// Every segment with the hash of its flow, in order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (u64, Segment<'_>)> {
        self.segments.iter().map(|held| {
            let payload = self.bytes.get(held.payload_start..held.payload_end).unwrap_or_default();
            let segment = Segment {
                captured_at: held.captured_at,
                capture_source: held.capture_source,
                source: held.source,
                destination: held.destination,
                network: held.network,
                sequence: held.sequence,
                acknowledgement: held.acknowledgement,
                flags: held.flags,
                payload,
                wire_payload_bytes: held.wire_payload_bytes,
                wire_bytes: held.wire_bytes,
            };
            (held.flow_hash, segment)
        })
    }

    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.bytes.clear();
        self.tick = None;
    }
}
