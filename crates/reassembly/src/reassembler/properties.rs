//! What holds for every cut of every stream.

use std::net::SocketAddr;

use proptest::prelude::*;
use tapline_model::{ChunkKind, SourceId, TcpFlags};

use super::bench::{ACK, Bench, CLIENT, SERVER, SYN};
use super::*;
use crate::OverlapPolicy;

const STREAM_BYTES: usize = 600;

/// A stream whose bytes tell their place.
fn stream() -> Vec<u8> {
    (0..STREAM_BYTES).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// Cuts of the stream: the pieces that cover it, and some that overlap them, in any order.
fn cuts() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let ends = prop::collection::btree_set(1..STREAM_BYTES, 0..12);
    let extra = prop::collection::vec((0..STREAM_BYTES, 1usize..100), 0..8);
    (ends, extra).prop_flat_map(|(ends, extra)| {
        let mut cuts = Vec::new();
        let mut start = 0;
        for end in ends.into_iter().chain([STREAM_BYTES]) {
            cuts.push((start, end));
            start = end;
        }
        let overlaps =
            extra.into_iter().map(|(start, length)| (start, (start + length).min(STREAM_BYTES)));
        cuts.extend(overlaps);
        Just(cuts).prop_shuffle()
    })
}

/// What came out of one direction: bytes at their place, and none where a gap is.
#[derive(Default)]
struct Collected {
    bytes: Vec<Option<u8>>,
    has_fin: bool,
}

/// Sends the cuts with a handshake before them, and collects the forward direction.
fn collect(
    reassembler: &mut Reassembler,
    first_sequence: u32,
    cuts: &[(usize, usize)],
    fin_at: usize,
) -> Collected {
    let stream = stream();
    let mut collected = Collected::default();
    let mut take = |chunk: &Chunk<'_>| match chunk.kind {
        ChunkKind::Data(bytes) => collected.bytes.extend(bytes.iter().copied().map(Some)),
        ChunkKind::Gap { missing_bytes } => {
            let missing = usize::try_from(missing_bytes).unwrap();
            collected.bytes.extend(std::iter::repeat_n(None, missing));
        }
        ChunkKind::End { reason, .. } => collected.has_fin |= reason == EndReason::Fin,
    };
    let segment = |flags: u8, at: usize, payload| Segment {
        captured_at: Timestamp::from_seconds(1000),
        capture_source: SourceId::default(),
        source: SocketAddr::from(([10, 0, 0, 1], 4000)),
        destination: SocketAddr::from(([10, 0, 0, 2], 80)),
        network: 0,
        sequence: first_sequence.wrapping_add(u32::try_from(at).unwrap()),
        acknowledgement: 0,
        flags: TcpFlags(flags),
        payload,
        wire_payload_bytes: u32::try_from(payload.len()).unwrap(),
        wire_bytes: 0,
    };
    let mut syn = segment(TcpFlags::SYN, 0, &[]);
    syn.sequence = first_sequence.wrapping_sub(1);
    reassembler.push_hashed(&syn, &mut take);
    for (index, &(start, end)) in cuts.iter().enumerate() {
        if index == fin_at.min(cuts.len() - 1) {
            let fin = segment(TcpFlags::FIN | TcpFlags::ACK, STREAM_BYTES, &[]);
            reassembler.push_hashed(&fin, &mut take);
        }
        reassembler.push_hashed(&segment(TcpFlags::ACK, start, &stream[start..end]), &mut take);
        let (stats, budget) = (reassembler.stats(), reassembler.budget);
        assert!(stats.payload_bytes.is_balanced() && stats.segments.is_balanced());
        assert!(budget.held_bytes <= budget.held_bytes_max.min(budget.flow_held_bytes_max));
    }
    reassembler.finish(Timestamp::from_seconds(1000), &mut take);
    let stats = reassembler.stats();
    assert!(stats.payload_bytes.is_balanced() && stats.segments.is_balanced());
    assert_eq!((stats.flows_active, stats.payload_bytes.held), (0, 0));
    assert_eq!(reassembler.budget.held_bytes, 0);
    collected
}

/// Any segment of a few flows, near the others or anywhere.
fn any_segment() -> impl Strategy<Value = (u64, bool, u16, u8, u32, u32, usize, u32)> {
    let number = prop_oneof![
        4 => 1000u32..1200,
        1 => any::<u32>(),
        1 => Just(u32::MAX),
        1 => 100_000_000u32..100_000_100,
    ];
    let snapped = prop_oneof![4 => Just(0u32), 1 => 0u32..50, 1 => Just(u32::MAX - 100)];
    let length = prop_oneof![2 => Just(0usize), 4 => 0usize..100];
    let wait = prop_oneof![6 => 0u64..100, 1 => Just(6000), 1 => Just(400_000)];
    let flags = prop_oneof![
        4 => Just(TcpFlags::ACK),
        1 => Just(TcpFlags::SYN),
        1 => Just(TcpFlags::SYN | TcpFlags::ACK),
        1 => Just(TcpFlags::FIN | TcpFlags::ACK),
        1 => Just(TcpFlags::RST),
        1 => any::<u8>(),
    ];
    (wait, any::<bool>(), 1u16..4, flags, number.clone(), number, length, snapped)
}

/// One step of a conversation that goes mostly well: who sends, what beside ACK, how far from where
/// the stream stands, how many bytes and how many of them cut off, what is acknowledged more or less
/// than was sent, which flow, and how long after the step before.
type Step = (bool, u8, i32, usize, u32, i32, u16, u64);

fn step() -> impl Strategy<Value = Step> {
    let flags = prop_oneof![
        60 => Just(0u8),
        4 => Just(TcpFlags::PSH),
        1 => Just(TcpFlags::FIN),
        1 => Just(TcpFlags::SYN),
        1 => Just(TcpFlags::RST),
    ];
    let off = prop_oneof![30 => Just(0i32), 3 => -50..50, 1 => any::<i32>()];
    let length = prop_oneof![2 => Just(0usize), 1 => Just(1), 3 => 0usize..100];
    let snapped = prop_oneof![30 => Just(0u32), 1 => 0u32..50];
    let ack_off = prop_oneof![20 => Just(0i32), 3 => -50..50, 1 => any::<i32>()];
    let wait = prop_oneof![20 => 0u64..20, 2 => 100u64..300, 1 => Just(400_000)];
    (any::<bool>(), flags, off, length, snapped, ack_off, 1u16..4, wait)
}

/// What the steps lead to: all chunks and the books, after every step.
fn converse(
    steps: &[Step],
    beginnings: [u8; 4],
    change: impl FnOnce(&mut Config),
    takes_all: bool,
) -> (Vec<String>, Vec<ReassemblyStats>) {
    let payload: [u8; 100] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let mut bench = Bench::with(change);
    bench.reassembler.takes_all = takes_all;
    // By flow and side, where the stream stands.
    let mut stands = [[0u32; 2]; 4];
    for port in 1..4u16 {
        bench.client_port = port;
        match beginnings[usize::from(port)] {
            0 => {}
            1 => {
                bench.client(SYN, u32::MAX, 0, "").client(ACK, 0, 0, "");
            }
            _ => {
                bench.handshake();
            }
        }
    }
    let mut books = Vec::new();
    for &(is_client, flags, off, length, snapped, ack_off, port, wait) in steps {
        bench.client_port = port;
        bench.wait(wait);
        // Where only the client's SYN was seen, its answers go another way.
        let is_client = is_client || (beginnings[usize::from(port)] == 1 && off == 0);
        let sides = &mut stands[usize::from(port)];
        let (mine, theirs) = if is_client { (sides[0], sides[1]) } else { (sides[1], sides[0]) };
        let (own, other) = if is_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let sequence = own.wrapping_add(mine).wrapping_add_signed(off);
        let ack = other.wrapping_add(theirs).wrapping_add_signed(ack_off);
        bench.send(is_client, flags | TcpFlags::ACK, sequence, ack, &payload[..length], snapped);
        if off == 0 {
            let bytes = u32::try_from(length).unwrap() + snapped;
            let stand = &mut sides[usize::from(!is_client)];
            *stand = stand.wrapping_add(bytes);
        }
        if wait % 3 == 0 {
            bench.tick();
        }
        books.push(bench.stats());
    }
    bench.finish();
    (std::mem::take(&mut bench.shown), books)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_passes_is_taken_as_all_else_is(
        steps in prop::collection::vec(step(), 1..60),
        beginnings in [0u8..4, 0u8..4, 0u8..4, 0u8..4],
        shard_held_bytes_max in prop_oneof![Just(1500u64), Just(1 << 20)],
    ) {
        let change = |config: &mut Config| {
            config.held_bytes_max = 64 * shard_held_bytes_max;
            config.flows_max = 128;
        };
        let passed = converse(&steps, beginnings, change, false);
        prop_assert_eq!(passed, converse(&steps, beginnings, change, true));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_of_any_cut_gives_the_stream_back(
        cuts in cuts(),
        first_sequence in prop_oneof![any::<u32>(), (u32::MAX - 700)..=u32::MAX],
        fin_at in 0usize..20,
        overlap_policy in prop::sample::select(OverlapPolicy::ALL),
    ) {
        let mut reassembler = Reassembler::new(Config { overlap_policy, ..Config::default() });
        let collected = collect(&mut reassembler, first_sequence, &cuts, fin_at);
        let expected: Vec<_> = stream().into_iter().map(Some).collect();
        prop_assert!(collected.has_fin);
        prop_assert_eq!(collected.bytes, expected);
        prop_assert_eq!(reassembler.stats().conflicting_overlaps, 0);
        prop_assert_eq!(reassembler.stats().payload_bytes.dropped_total(), 0);
    }

    #[test]
    fn with_pieces_missing_every_byte_is_right_or_a_gap(
        cuts in cuts(),
        keep in prop::collection::vec(any::<bool>(), 21),
        fin_at in 0usize..20,
    ) {
        let kept: Vec<_> =
            cuts.iter().zip(&keep).filter(|&(_, &keep)| keep).map(|(&cut, _)| cut).collect();
        prop_assume!(!kept.is_empty());
        let mut reassembler = Reassembler::new(Config::default());
        let collected = collect(&mut reassembler, 7, &kept, fin_at);
        let expected: Vec<_> = stream()
            .into_iter()
            .enumerate()
            .map(|(at, byte)| {
                kept.iter().any(|&(start, end)| (start..end).contains(&at)).then_some(byte)
            })
            .collect();
        prop_assert_eq!(collected.bytes, expected);
    }

    #[test]
    fn with_a_tiny_budget_every_byte_is_right_or_a_gap(
        cuts in cuts(),
        flow_held_bytes_max in 0u32..2000,
        fin_at in 0usize..20,
        overlap_policy in prop::sample::select(OverlapPolicy::ALL),
    ) {
        let config = Config { flow_held_bytes_max, overlap_policy, ..Config::default() };
        let mut reassembler = Reassembler::new(config);
        let collected = collect(&mut reassembler, 7, &cuts, fin_at);
        prop_assert_eq!(collected.bytes.len(), STREAM_BYTES);
        for (got, expected) in collected.bytes.into_iter().zip(stream()) {
            prop_assert!(got.is_none_or(|got| got == expected));
        }
    }

    #[test]
    fn any_segments_balance_and_end(
        segments in prop::collection::vec(any_segment(), 1..80),
        flows_max in prop_oneof![Just(64u32), Just(128), Just(1 << 20)],
        flow_held_bytes_max in prop_oneof![Just(1000u32), Just(1 << 20)],
        shard_held_bytes_max in prop_oneof![Just(1500u64), Just(1 << 20)],
        overlap_policy in prop::sample::select(OverlapPolicy::ALL),
    ) {
        let mut bench = Bench::with(|config| {
            config.held_bytes_max = 64 * shard_held_bytes_max;
            config.overlap_policy = overlap_policy;
            config.flows_max = flows_max;
            config.flow_held_bytes_max = flow_held_bytes_max;
        });
        let payload: [u8; 100] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        for (wait, is_client, port, flags, sequence, acknowledgement, length, snapped) in segments {
            bench.client_port = port;
            bench.wait(wait);
            bench.send(is_client, flags, sequence, acknowledgement, &payload[..length], snapped);
            if wait % 3 == 0 {
                bench.tick();
            }
        }
        bench.finish();
        prop_assert!(bench.ends_are_right());
    }

    #[test]
    fn the_same_segments_give_the_same_chunks(
        segments in prop::collection::vec(any_segment(), 1..60),
    ) {
        let run = || {
            let mut bench = Bench::with(|config| config.flows_max = 128);
            for &(wait, is_client, port, flags, sequence, ack, length, snapped) in &segments {
                bench.client_port = port;
                bench.wait(wait);
                bench.send(is_client, flags, sequence, ack, &[b'x'; 100][..length], snapped);
            }
            bench.finish();
            (std::mem::take(&mut bench.shown), bench.stats())
        };
        prop_assert_eq!(run(), run());
    }
}
