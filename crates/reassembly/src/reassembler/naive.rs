//! The naive model: a map from position to byte. What it gives, the reassembler must give.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;
use tapline_model::{Chunk, ChunkKind, Segment, SourceId, TcpFlags, Timestamp};

use crate::OverlapPolicy::{self, *};
use crate::{Config, Reassembler};

/// Which byte waits at each position, and where the segment that brought it began and ended.
struct Naive {
    policy: OverlapPolicy,
    waiting: BTreeMap<u32, (u8, u32, u32)>,
    delivered: Vec<u8>,
}

impl Naive {
    fn next(&self) -> u32 {
        u32::try_from(self.delivered.len()).unwrap()
    }

    fn push(&mut self, start: u32, payload: &[u8]) {
        let end = start + u32::try_from(payload.len()).unwrap();
        for (position, &byte) in (start..end).zip(payload) {
            let is_new = position >= self.next()
                && self.waiting.get(&position).is_none_or(|&(_, old_start, old_end)| {
                    gives_way(self.policy, (old_start, old_end), (start, end))
                });
            if is_new {
                self.waiting.insert(position, (byte, start, end));
            }
        }
        while let Some((byte, ..)) = self.waiting.remove(&self.next()) {
            self.delivered.push(byte);
        }
    }
}

/// The table of Novak and Sturges, case by case: whether the old segment gives way.
fn gives_way(policy: OverlapPolicy, old: (u32, u32), new: (u32, u32)) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (new.0.cmp(&old.0), new.1.cmp(&old.1)) {
        (Less, Less) => {
            matches!(policy, Last | Bsd | Linux | OldLinux | Hpux10 | Irix | Macos | Windows)
        }
        (Less, Equal | Greater) => !matches!(policy, First | Vista | BsdRight),
        (Equal, Less) | (Greater, Less | Equal) => matches!(policy, Last | BsdRight),
        (Equal, Equal) => matches!(policy, Last | BsdRight | OldLinux | Solaris | Hpux11),
        (Equal, Greater) => matches!(policy, Last | BsdRight | Linux | OldLinux | Solaris | Hpux11),
        (Greater, Greater) => matches!(policy, Last | BsdRight | Solaris | Hpux11),
    }
}

fn segment(flags: u8, first_sequence: u32, at: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        captured_at: Timestamp::from_seconds(1000),
        capture_source: SourceId::default(),
        source: SocketAddr::from(([10, 0, 0, 1], 4000)),
        destination: SocketAddr::from(([10, 0, 0, 2], 80)),
        network: 0,
        sequence: first_sequence.wrapping_add(at),
        acknowledgement: 0,
        flags: TcpFlags(flags),
        payload,
        wire_payload_bytes: u32::try_from(payload.len()).unwrap(),
        wire_bytes: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Segments that disagree about almost every byte, in any order, under every policy.
    #[test]
    fn the_naive_model_gives_the_same(
        pieces in prop::collection::vec((0u32..60, 1usize..20), 1..40),
        policy in prop::sample::select(OverlapPolicy::ALL),
        first_sequence in prop_oneof![any::<u32>(), (u32::MAX - 70)..=u32::MAX],
    ) {
        let mut naive = Naive { policy, waiting: BTreeMap::new(), delivered: Vec::new() };
        let mut reassembler =
            Reassembler::new(Config { overlap_policy: policy, ..Config::default() });
        let mut delivered = Vec::new();
        let mut take = |chunk: &Chunk<'_>| match chunk.kind {
            ChunkKind::Data(bytes) => delivered.extend_from_slice(bytes),
            ChunkKind::Gap { .. } => panic!("nothing was given up"),
            ChunkKind::End { .. } => {}
        };
        let syn = segment(TcpFlags::SYN, first_sequence.wrapping_sub(1), 0, &[]);
        reassembler.push_hashed(&syn, &mut take);
        for (index, &(start, length)) in pieces.iter().enumerate() {
            let payload = vec![u8::try_from(index).unwrap(); length];
            naive.push(start, &payload);
            reassembler.push_hashed(&segment(TcpFlags::ACK, first_sequence, start, &payload), &mut take);
        }
        let held_bytes = reassembler.stats().payload_bytes.held;
        prop_assert!(reassembler.stats().payload_bytes.is_balanced());
        prop_assert_eq!(usize::try_from(held_bytes).unwrap(), naive.waiting.len());
        prop_assert_eq!(delivered, naive.delivered);
    }
}
