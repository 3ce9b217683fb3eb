//! Several who walk the same frames, each for flows of its own.

use std::net::SocketAddr;

use proptest::prelude::*;
use tapline_model::DecapStats;

use super::wire::*;
use super::*;
use crate::Sink;

/// Takes the segments of the flows whose client has one of its ports.
struct Share {
    index: u16,
    of: u16,
    asked: Option<SocketAddr>,
    segments: Vec<String>,
}

impl Sink for Share {
    fn follows(&mut self, source: SocketAddr, _destination: SocketAddr, _network: u32) -> bool {
        self.asked = Some(source);
        source.port() % self.of == self.index
    }

    fn segment(&mut self, segment: Segment<'_>) {
        assert_eq!(self.asked.take(), Some(segment.source), "it was asked for this flow");
        assert_eq!(segment.source.port() % self.of, self.index);
        self.segments.push(format!("{segment:?} {:?}", segment.payload));
    }
}

/// What one of several took, and all of its books, or those of its flows.
fn walk(frames: &[Vec<u8>], index: u16, of: u16) -> (Vec<String>, DecapStats, DecapStats) {
    let mut decap = Decap::new(Config::default(), &Key::fixed());
    let mut share = Share { index, of, asked: None, segments: Vec::new() };
    for (bytes, at) in frames.iter().zip(0..) {
        let frame = Frame {
            captured_at: Timestamp::from_seconds(9).plus_nanos(at * 1_000_000),
            link_type: LinkType::Ethernet,
            wire_bytes: u32::try_from(bytes.len()).unwrap(),
            bytes,
            source: SourceId(3),
        };
        decap.push(&frame, &mut share);
        decap.tick(frame.captured_at);
    }
    decap.finish();
    (share.segments, decap.stats(), decap.stats_of_followed())
}

/// A frame of a client with this port: plain, in a tunnel, in fragments, or not a segment at all.
fn frames(port: u8, kind: u8) -> Vec<Vec<u8>> {
    let mut segment = tcp(&[port; 100]);
    segment[1] = port;
    let packet = ipv4_with(u16::from(port), 0, 6, &segment);
    match kind {
        0 | 1 => vec![ethernet(0x0800, &packet)],
        2 => vec![ethernet(0x0800, &ipv4(17, &udp(4789, &vxlan(3, &ethernet(0x0800, &packet)))))],
        3 => fragments4(&packet, 64).iter().map(|packet| ethernet(0x0800, packet)).collect(),
        4 => vec![ethernet(0x0800, &ipv4(17, &udp(53, &[port])))],
        _ => vec![vec![port; 9]],
    }
}

proptest! {
    #[test]
    fn together_they_take_each_segment_once_and_book_each_frame_once(
        sent in prop::collection::vec((0u8..8, 0u8..6, any::<prop::sample::Index>()), 1..40),
        of in 1u16..5,
    ) {
        // Some come twice, and what has fragments may come in any order.
        let mut all = Vec::new();
        for (port, kind, place) in sent {
            for frame in frames(port, kind) {
                all.insert(place.index(all.len() + 1), frame.clone());
                if kind == 1 {
                    all.push(frame);
                }
            }
        }
        let (mut whole, stats, _) = walk(&all, 0, 1);
        let (mut segments, mut sum, _) = walk(&all, 0, of);
        for index in 1..of {
            let (more, _, followed) = walk(&all, index, of);
            segments.extend(more);
            sum.add(&followed);
        }
        whole.sort();
        segments.sort();
        prop_assert_eq!(segments, whole);
        prop_assert_eq!(sum, stats);
        prop_assert!(stats.packets.is_balanced() && stats.bytes.is_balanced());
        prop_assert_eq!(stats.packets.received, all.len() as u64);
    }
}
