//! Frames in, segments out; the books balance after every frame.

mod duplicates;
mod encapsulation;
mod fragments;
mod plain;
mod properties;
mod shares;
mod straight;
mod wire;

use tapline_model::{Frame, IgnoreReason, Key, LinkType, Segment, SourceId, Timestamp};

use crate::decap::Left;
use crate::{Config, Decap};

/// What every packet of these tests carries.
const PAYLOAD: &[u8] = b"GET / HTTP/1.1\r\n";

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// A segment with this payload, of this length on the wire, in this network.
    Segment(Vec<u8>, u32, u32),
    Ignored(IgnoreReason),
    Dropped,
    Held,
}

/// A decap and a clock.
struct Bench {
    decap: Decap,
    now: Timestamp,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self { decap: Decap::new(config, &Key::fixed()), now: Timestamp::from_seconds(9) }
    }

    fn later(&mut self, milliseconds: u64) {
        self.now = self.now.plus_nanos(milliseconds * 1_000_000);
    }

    fn push(&mut self, link_type: LinkType, bytes: &[u8], wire_bytes: usize) -> Outcome {
        let frame = Frame {
            captured_at: self.now,
            link_type,
            wire_bytes: u32::try_from(wire_bytes).unwrap(),
            bytes,
            source: SourceId(3),
        };
        let before = self.decap.stats();
        let mut segments = Vec::new();
        let left = self.decap.take(&frame, &mut |segment: Segment<'_>| {
            let Frame { captured_at, source, wire_bytes, .. } = frame;
            assert_eq!((segment.captured_at, segment.capture_source), (captured_at, source));
            assert_eq!(segment.wire_bytes, wire_bytes);
            segments.push(Outcome::Segment(
                segment.payload.to_vec(),
                segment.wire_payload_bytes,
                segment.network,
            ));
        });
        self.balanced();
        let after = self.decap.stats();
        assert_eq!(after.packets.received, before.packets.received + 1);
        assert_eq!(after.bytes.received, before.bytes.received + wire_bytes as u64);
        assert_eq!(after.packets.processed, before.packets.processed + segments.len() as u64);
        match left {
            None => segments.pop().expect("a frame that is not left out is a segment"),
            Some(Left::Held) => Outcome::Held,
            Some(Left::Dropped(_)) => Outcome::Dropped,
            Some(Left::Ignored(reason)) => Outcome::Ignored(reason),
            Some(Left::Repeated) => Outcome::Ignored(IgnoreReason::Duplicate),
            Some(Left::Elsewhere) => panic!("a closure follows every flow"),
        }
    }

    /// An IP packet.
    fn ip(&mut self, bytes: &[u8]) -> Outcome {
        self.push(LinkType::RawIp, bytes, bytes.len())
    }

    fn ethernet(&mut self, bytes: &[u8]) -> Outcome {
        self.push(LinkType::Ethernet, bytes, bytes.len())
    }

    fn balanced(&self) {
        let stats = self.decap.stats();
        assert!(stats.packets.is_balanced(), "{:?}", stats.packets);
        assert!(stats.bytes.is_balanced(), "{:?}", stats.bytes);
    }
}

fn whole() -> Outcome {
    in_network(0)
}

fn in_network(network: u32) -> Outcome {
    Outcome::Segment(PAYLOAD.to_vec(), 16, network)
}

fn overlapping() -> Config {
    Config { overlapping_networks: true, ..Config::default() }
}
