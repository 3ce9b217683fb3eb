//! What becomes of hand-made segments, one fact a test.

use std::net::SocketAddr;

use tapline_model::{ChunkKind, DropReason, FlowId, SourceId, TcpFlags};

use super::*;

const ACK: u8 = TcpFlags::ACK;
const SYN: u8 = TcpFlags::SYN;
const FIN: u8 = TcpFlags::FIN | ACK;
const RST: u8 = TcpFlags::RST;

/// First sequence number after the SYN of each side.
const CLIENT: u32 = 1000;
const SERVER: u32 = 9000;

/// A reassembler, and what came out of it, in words.
pub(super) struct Bench {
    pub(super) reassembler: Reassembler,
    pub(super) now_ms: u64,
    pub(super) shown: Vec<String>,
    pub(super) client_port: u16,
    /// Every chunk's flow and direction, and what it ends.
    log: Vec<Logged>,
}

type Logged = (FlowId, Direction, Option<(EndReason, bool)>);

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        Self {
            reassembler: Reassembler::new(config),
            now_ms: 1_000_000,
            shown: Vec::new(),
            client_port: 40_000,
            log: Vec::new(),
        }
    }

    /// Sends as the client: flags, sequence number and acknowledgement relative to the first byte
    /// of either side, payload.
    fn client(&mut self, flags: u8, sequence: u32, ack: u32, payload: &str) -> &mut Self {
        let sequence = CLIENT.wrapping_add(sequence);
        self.send(true, flags, sequence, SERVER.wrapping_add(ack), payload.as_bytes(), 0)
    }

    /// Sends as the server.
    fn server(&mut self, flags: u8, sequence: u32, ack: u32, payload: &str) -> &mut Self {
        let sequence = SERVER.wrapping_add(sequence);
        self.send(false, flags, sequence, CLIENT.wrapping_add(ack), payload.as_bytes(), 0)
    }

    /// The three segments of a handshake.
    fn handshake(&mut self) -> &mut Self {
        self.client(SYN, u32::MAX, 0, "").server(SYN | ACK, u32::MAX, 0, "").client(ACK, 0, 0, "")
    }

    pub(super) fn send(
        &mut self,
        is_client: bool,
        flags: u8,
        sequence: u32,
        acknowledgement: u32,
        payload: &[u8],
        snapped_bytes: u32,
    ) -> &mut Self {
        let client = SocketAddr::from(([10, 0, 0, 1], self.client_port));
        let server = SocketAddr::from(([10, 0, 0, 2], 80));
        let (source, destination) = if is_client { (client, server) } else { (server, client) };
        let payload_bytes = u32::try_from(payload.len()).unwrap();
        let segment = Segment {
            captured_at: Timestamp::from_nanos(self.now_ms * 1_000_000),
            capture_source: SourceId::default(),
            source,
            destination,
            network: 0,
            sequence,
            acknowledgement,
            flags: TcpFlags(flags),
            payload,
            wire_payload_bytes: payload_bytes + snapped_bytes,
            wire_bytes: snapped_bytes.saturating_add(54 + payload_bytes),
        };
        let Self { reassembler, shown, log, .. } = self;
        reassembler.push(&segment, &mut |chunk| show(chunk, shown, log));
        self.audit()
    }

    pub(super) fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.now_ms += milliseconds;
        self
    }

    pub(super) fn tick(&mut self) -> &mut Self {
        let now = Timestamp::from_nanos(self.now_ms * 1_000_000);
        let Self { reassembler, shown, log, .. } = self;
        reassembler.tick(now, &mut |chunk| show(chunk, shown, log));
        self.audit()
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        let now = Timestamp::from_nanos(self.now_ms * 1_000_000);
        let Self { reassembler, shown, log, .. } = self;
        reassembler.finish(now, &mut |chunk| show(chunk, shown, log));
        let stats = self.stats();
        assert_eq!((stats.flows_active, stats.payload_bytes.held), (0, 0));
        assert_eq!(self.reassembler.budget.held_bytes, 0);
        assert!(self.reassembler.waits.is_empty());
        self.audit()
    }

    pub(super) fn stats(&self) -> ReassemblyStats {
        self.reassembler.stats()
    }

    /// What holds after every call.
    fn audit(&mut self) -> &mut Self {
        let stats = self.stats();
        assert!(stats.segments.is_balanced(), "{:?}", stats.segments);
        assert!(stats.payload_bytes.is_balanced(), "{:?}", stats.payload_bytes);
        let closed: u64 = stats.flows_closed.iter().sum();
        assert_eq!(stats.flows_opened, stats.flows_active + closed);
        assert_eq!(stats.flows_opened, stats.handshakes + stats.flows_midstream);
        let budget = &self.reassembler.budget;
        assert!(budget.held_bytes <= budget.held_bytes_max);
        assert!(stats.payload_bytes.held <= budget.held_bytes);
        self
    }

    /// Compares what came out since the last check.
    fn check(&mut self, expected: &[&str]) -> &mut Self {
        assert_eq!(self.shown, expected);
        self.shown.clear();
        self
    }

    /// Whether every flow ended once, with its last chunk, and no direction went on after its FIN.
    pub(super) fn ends_are_right(&self) -> bool {
        let mut ended = BTreeSet::new();
        let mut finished = BTreeSet::new();
        self.log.iter().all(|&(flow, direction, end)| {
            let is_open = !ended.contains(&flow);
            let may_speak = match end {
                None => !finished.contains(&(flow, direction)),
                Some((EndReason::Fin, _)) => finished.insert((flow, direction)),
                Some((_, last)) => last,
            };
            if matches!(end, Some((_, true))) {
                ended.insert(flow);
            }
            is_open && may_speak
        }) && self.log.iter().all(|(flow, ..)| ended.contains(flow))
    }

    fn ignored(&self, reason: IgnoreReason) -> (u64, u64) {
        let stats = self.stats();
        (stats.segments.ignored[reason as usize], stats.payload_bytes.ignored[reason as usize])
    }

    fn dropped(&self, reason: DropReason) -> (u64, u64) {
        let stats = self.stats();
        (stats.segments.dropped[reason as usize], stats.payload_bytes.dropped[reason as usize])
    }

    fn closed(&self, reason: EvictReason) -> u64 {
        self.stats().flows_closed[reason as usize]
    }
}

/// `>` is forward, `<` is backward; text is data, a number a gap, a word an end (`!` the last).
fn show(chunk: &Chunk<'_>, shown: &mut Vec<String>, log: &mut Vec<Logged>) {
    let end = match chunk.kind {
        ChunkKind::End { reason, last } => Some((reason, last)),
        ChunkKind::Data(_) | ChunkKind::Gap { .. } => None,
    };
    log.push((chunk.flow, chunk.direction, end));
    let arrow = if chunk.direction == Direction::Forward { '>' } else { '<' };
    let content = match chunk.kind {
        ChunkKind::Data(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        ChunkKind::Gap { missing_bytes } => format!("{missing_bytes}"),
        ChunkKind::End { reason, last } => format!("{reason:?}{}", if last { "!" } else { "" }),
    };
    shown.push(format!("{arrow}{content}"));
}

#[test]
fn a_flow_is_delivered_from_handshake_to_end() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "ask").server(ACK, 0, 3, "answer");
    bench.check(&[">\"ask\"", "<\"answer\""]);
    bench.client(FIN, 3, 6, "").server(FIN, 6, 4, "").client(ACK, 4, 7, "");
    bench.check(&[">Fin", "<Fin!"]);
    let stats = bench.stats();
    assert_eq!((stats.flows_opened, stats.handshakes, stats.flows_active), (1, 1, 0));
    assert_eq!((bench.closed(EvictReason::Finished), stats.flows_one_sided), (1, 0));
    assert_eq!(bench.ignored(IgnoreReason::NoFlow), (1, 0));
    assert_eq!((stats.segments.processed, stats.payload_bytes.processed), (7, 9));
}

#[test]
fn a_fin_with_payload_delivers_the_payload_first() {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 0, 0, "ask").check(&[">\"ask\"", ">Fin"]);
    bench
        .server(ACK, 0, 4, "ans")
        .server(FIN, 3, 4, "wer")
        .check(&["<\"ans\"", "<\"wer\"", "<Fin!"]);
}

// Overlap with what was delivered.

#[test]
fn a_repeated_segment_is_ignored() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "abcd").client(ACK, 0, 0, "abcd").check(&[">\"abcd\""]);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (1, 4));
}

#[test]
fn a_repeated_segment_with_more_gives_the_rest() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "abcd").client(ACK, 2, 0, "cdef");
    bench.check(&[">\"abcd\"", ">\"ef\""]);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (0, 2));
}

#[test]
fn a_part_of_what_was_delivered_is_ignored() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "abcd").client(ACK, 1, 0, "bc").check(&[">\"abcd\""]);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (1, 2));
}

// Overlap with what is held; `check_overlap` sends the runs in order, then the missing first byte.

fn check_overlap(runs: &[(u32, &str)], expected: &str, conflicts: u64) {
    let mut bench = Bench::new();
    bench.handshake();
    for &(sequence, bytes) in runs {
        bench.client(ACK, sequence, 0, bytes);
    }
    bench.check(&[]);
    bench.client(ACK, 0, 0, "0");
    let text: String =
        bench.shown.drain(..).map(|shown| shown.trim_matches(['>', '"']).to_owned()).collect();
    assert_eq!(text, expected);
    assert_eq!(bench.stats().conflicting_overlaps, conflicts);
    assert_eq!(bench.stats().out_of_order_segments, runs.len() as u64);
}

#[test]
fn held_runs_come_in_order() {
    check_overlap(&[(3, "34"), (1, "12")], "01234", 0);
}

#[test]
fn a_held_run_repeated_is_delivered_once() {
    check_overlap(&[(1, "12"), (1, "12")], "012", 0);
}

#[test]
fn a_held_run_repeated_with_other_bytes_keeps_the_first() {
    check_overlap(&[(1, "12"), (1, "xy")], "012", 1);
}

#[test]
fn an_overlap_behind_a_held_run_keeps_the_first() {
    check_overlap(&[(1, "123"), (2, "xy45")], "012345", 1);
    check_overlap(&[(1, "123"), (2, "2345")], "012345", 0);
}

#[test]
fn an_overlap_before_a_held_run_keeps_the_first() {
    check_overlap(&[(3, "345"), (1, "12xy")], "012345", 1);
}

#[test]
fn a_run_around_a_held_run_keeps_the_first() {
    check_overlap(&[(2, "23"), (1, "1xx4")], "01234", 1);
}

#[test]
fn a_run_inside_a_held_run_adds_nothing() {
    check_overlap(&[(1, "1234"), (2, "xx")], "01234", 1);
}

#[test]
fn a_run_over_several_held_runs_fills_the_holes() {
    check_overlap(&[(2, "2"), (4, "4"), (1, "1x3x5")], "012345", 2);
}

#[test]
fn the_run_that_fills_the_hole_gives_way_to_held_bytes() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 2, 0, "23").client(ACK, 5, 0, "5");
    bench.client(ACK, 0, 0, "01xx4x6").check(&[">\"01\"", ">\"23\"", ">\"4\"", ">\"5\"", ">\"6\""]);
    assert_eq!(bench.stats().conflicting_overlaps, 2);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (0, 3));
}

// Holes.

#[test]
fn a_hole_is_waited_for_within_the_window() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "def").wait(199).tick().check(&[]);
    bench.client(ACK, 0, 0, "abc").check(&[">\"abc\"", ">\"def\""]);
}

#[test]
fn a_hole_becomes_a_gap_when_the_window_has_passed() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "def").wait(200).tick().check(&[">3", ">\"def\""]);
    assert_eq!((bench.stats().gaps, bench.stats().gap_bytes), (1, 3));
}

#[test]
fn a_later_segment_of_the_flow_lets_the_window_pass() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "def").wait(250).server(ACK, 0, 0, "");
    bench.check(&[">3", ">\"def\""]);
}

#[test]
fn each_hole_has_its_own_window() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 1, 0, "b").wait(100).client(ACK, 3, 0, "d");
    bench.wait(100).tick().check(&[">1", ">\"b\""]);
    bench.wait(99).tick().check(&[]);
    bench.wait(1).tick().check(&[">1", ">\"d\""]);
}

#[test]
fn bytes_that_come_after_their_gap_are_dropped_as_late() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "def").wait(200).tick().client(ACK, 0, 0, "abcd");
    bench.check(&[">3", ">\"def\""]);
    assert_eq!(bench.dropped(DropReason::Late), (1, 3));
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (0, 1));
}

#[test]
fn held_chunks_keep_the_time_of_their_segment() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 1, 0, "b").wait(7);
    let mut times = Vec::new();
    let segment = Segment {
        captured_at: Timestamp::from_nanos(bench.now_ms * 1_000_000),
        capture_source: SourceId::default(),
        source: "10.0.0.1:40000".parse().unwrap(),
        destination: "10.0.0.2:80".parse().unwrap(),
        network: 0,
        sequence: CLIENT,
        acknowledgement: SERVER,
        flags: TcpFlags(ACK),
        payload: b"a",
        wire_payload_bytes: 1,
        wire_bytes: 55,
    };
    bench.reassembler.push(&segment, &mut |chunk| {
        times.push(chunk.captured_at.nanos() / 1_000_000);
    });
    assert_eq!(times, [1_000_007, 1_000_000]);
}

#[test]
fn a_fin_beyond_a_hole_waits_for_it() {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 3, 0, "").check(&[]);
    bench.client(ACK, 0, 0, "abc").check(&[">\"abc\"", ">Fin"]);
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 3, 0, "").wait(200).tick().check(&[">3", ">Fin"]);
}

#[test]
fn an_acknowledged_tail_that_never_comes_is_a_gap() {
    let mut bench = Bench::new();
    bench.handshake().server(ACK, 0, 5, "").wait(199).tick().check(&[]);
    bench.wait(1).tick().check(&[">5"]);
}

#[test]
fn an_acknowledgement_captured_early_declares_nothing() {
    let mut bench = Bench::new();
    bench.handshake();
    for step in 0..20 {
        bench.wait(50).server(ACK, 0, (step + 1) * 3, "").client(ACK, step * 3, 0, "abc");
    }
    assert_eq!(bench.stats().gaps, 0);
}

#[test]
fn a_sender_that_stands_before_an_acknowledgement_refutes_it() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "ask").client(ACK, 3, 50_000, "more");
    bench.server(ACK, 0, 7, "").wait(300).tick();
    bench.server(ACK, 0, 7, "answer").check(&[">\"ask\"", ">\"more\"", "<\"answer\""]);
}

#[test]
fn the_sequence_number_of_a_fin_is_no_missing_byte() {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 0, 0, "").server(ACK, 0, 1, "").wait(500).tick();
    bench.check(&[">Fin"]);
}

// Bounds.

#[test]
fn a_spent_budget_gives_up_the_first_hole_and_loses_nothing_received() {
    let mut bench = Bench::with(|config| config.flow_held_bytes_max = 4096);
    let kilobyte = "x".repeat(1000);
    bench.handshake();
    for piece in 0..4 {
        bench.client(ACK, 1000 + piece * 2000, 0, &kilobyte);
    }
    let data = format!(">\"{kilobyte}\"");
    bench.check(&[">1000", &data]);
    bench.finish();
    assert_eq!(bench.stats().payload_bytes.processed, 4000);
    assert_eq!(bench.stats().gap_bytes, 4000);
}

#[test]
fn bytes_for_a_hole_given_up_early_are_dropped() {
    let mut bench = Bench::with(|config| config.flow_held_bytes_max = 1000);
    bench
        .handshake()
        .client(ACK, 3, 0, &"x".repeat(300))
        .check(&[">3", &format!(">\"{}\"", "x".repeat(300))]);
    bench.client(ACK, 0, 0, "abc");
    assert_eq!(bench.dropped(DropReason::BufferFull), (1, 3));
}

#[test]
fn a_full_table_lets_the_longest_idle_go() {
    let mut bench = Bench::with(|config| config.flows_max = 2 * 64);
    for port in [1, 2, 1, 3] {
        bench.client_port = port;
        bench.wait(1).client(ACK, 0, 0, "a");
    }
    bench.check(&[">\"a\"", ">\"a\"", ">Evicted!", ">\"a\""]);
    bench.client_port = 1;
    bench.client(ACK, 1, 0, "b").check(&[">\"b\""]);
    assert_eq!(bench.closed(EvictReason::TableFull), 1);
}

#[test]
fn a_flow_without_payload_goes_before_longer_idle_ones() {
    let mut bench = Bench::with(|config| config.flows_max = 4 * 64);
    for port in [1, 2, 3] {
        bench.client_port = port;
        bench.wait(1).client(ACK, 0, 0, "a");
    }
    for port in 4..10 {
        bench.client_port = port;
        bench.wait(1).client(SYN, u32::MAX, 0, "");
    }
    for port in [1, 2, 3] {
        bench.client_port = port;
        bench.shown.clear();
        bench.client(ACK, 1, 0, "b").check(&[">\"b\""]);
    }
    assert_eq!(bench.closed(EvictReason::TableFull), 5);
}

#[test]
fn a_silent_flow_ends_idle() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "late").wait(300_000).tick();
    bench.check(&[">3", ">\"late\"", ">Idle!"]);
    assert_eq!(bench.closed(EvictReason::Idle), 1);
}

#[test]
fn the_smallest_bounds_work() {
    let mut bench = Bench::with(|config| {
        config.flows_max /= 100;
        config.flow_held_bytes_max /= 100;
        config.held_bytes_max /= 100;
        config.reorder_window_ms = 1;
        config.idle_timeout_seconds = 1;
    });
    bench.handshake().client(ACK, 1, 0, "b").client(ACK, 0, 0, "a").check(&[">\"a\"", ">\"b\""]);
    let mut bench = Bench::with(|config| config.flows_max = 1);
    bench.handshake().client(ACK, 0, 0, "a").check(&[">\"a\""]);
}

#[test]
fn slots_are_dense_and_reused_under_a_new_generation() {
    let mut bench = Bench::new();
    for port in [1, 2] {
        bench.client_port = port;
        bench.handshake().client(ACK, 0, 0, "a").client(RST, 1, 0, "");
    }
    let mut flows: Vec<_> = bench.log.iter().map(|(id, ..)| (id.slot, id.generation)).collect();
    flows.dedup();
    assert_eq!(flows, [(0, 0), (0, 1)]);
}

// The end of the capture.

#[test]
fn the_end_of_the_capture_delivers_what_is_held() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 2, 0, "cd").server(ACK, 1, 0, "x").server(FIN, 4, 0, "");
    bench.finish().check(&[">2", ">\"cd\"", "<1", "<\"x\"", "<2", "<Fin", ">CaptureEnd!"]);
}

// Snapped segments.

#[test]
fn a_snapped_segment_is_data_then_a_gap() {
    let mut bench = Bench::new();
    bench.handshake().send(true, ACK, CLIENT, SERVER, b"abc", 4).client(ACK, 7, 0, "hi");
    bench.check(&[">\"abc\"", ">4", ">\"hi\""]);
}

#[test]
fn a_snapped_segment_out_of_order_keeps_its_gap() {
    let mut bench = Bench::new();
    bench.handshake().send(true, ACK, CLIENT + 1, SERVER, b"bc", 4).client(ACK, 7, 0, "hi");
    bench.client(ACK, 0, 0, "a").check(&[">\"a\"", ">\"bc\"", ">4", ">\"hi\""]);
    assert_eq!(bench.stats().payload_bytes.processed, 5);
}

#[test]
fn a_segment_snapped_to_nothing_is_a_gap() {
    let mut bench = Bench::new();
    bench.send(true, ACK, CLIENT, SERVER, b"", 9).check(&[">9"]);
}

// How flows begin.

#[test]
fn a_flow_is_picked_up_at_its_first_payload() {
    let mut bench = Bench::new();
    bench.client(ACK, 500, 0, "").client(FIN, 500, 0, "").client(RST, 500, 0, "").check(&[]);
    assert_eq!(bench.ignored(IgnoreReason::NoFlow), (3, 0));
    bench.server(ACK, 500, 3, "abc").client(ACK, 3, 503, "d").check(&[">\"abc\"", "<\"d\""]);
    let stats = bench.stats();
    assert_eq!((stats.flows_midstream, stats.handshakes), (1, 0));
}

#[test]
fn a_one_sided_flow_is_followed() {
    let mut bench = Bench::new();
    bench.server(ACK, 0, 0, "abc").server(ACK, 3, 9, "def").server(FIN, 6, 20, "");
    bench.check(&[">\"abc\"", ">\"def\"", ">Fin"]);
    bench.wait(300_000).tick().check(&[">Idle!"]);
    assert_eq!(bench.stats().flows_one_sided, 1);
}

#[test]
fn data_in_a_syn_is_delivered() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "early").server(SYN | ACK, u32::MAX, 5, "");
    bench.client(ACK, 5, 0, "more").check(&[">\"early\"", ">\"more\""]);
}

#[test]
fn a_repeated_syn_changes_nothing() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").client(SYN, u32::MAX, 0, "").handshake();
    bench.client(ACK, 0, 0, "a").client(SYN, u32::MAX, 0, "").client(ACK, 1, 0, "b");
    bench.check(&[">\"a\"", ">\"b\""]);
    assert_eq!((bench.stats().flows_opened, bench.stats().handshakes), (1, 1));
}

#[test]
fn the_answer_to_a_syn_may_be_captured_first() {
    let mut bench = Bench::new();
    bench.server(SYN | ACK, u32::MAX, 3, "").client(SYN, u32::MAX, 0, "tfo");
    bench.client(ACK, 3, 0, "ask").server(ACK, 0, 6, "answer");
    bench.check(&[">\"tfo\"", ">\"ask\"", "<\"answer\""]);
    assert_eq!(bench.stats().flows_opened, 1);
}

#[test]
fn both_sides_may_open_at_once() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").server(SYN, u32::MAX, 0, "");
    bench.client(SYN | ACK, u32::MAX, 0, "").server(SYN | ACK, u32::MAX, 0, "");
    bench.client(ACK, 0, 0, "a").server(ACK, 0, 1, "b").check(&[">\"a\"", "<\"b\""]);
    assert_eq!(bench.stats().flows_opened, 1);
}

#[test]
fn sequence_numbers_wrap() {
    let mut bench = Bench::new();
    let start = u32::MAX - 4;
    bench.send(true, SYN, start.wrapping_sub(1), 0, b"", 0);
    bench.send(true, ACK, start.wrapping_add(8), 0, b"89", 0);
    bench.send(true, ACK, start.wrapping_add(4), 0, b"4567", 0);
    bench.send(true, ACK, start, 0, b"0123", 0);
    bench.check(&[">\"0123\"", ">\"4567\"", ">\"89\""]);
}

// Probes.

#[test]
fn a_keep_alive_probe_is_ignored() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "abc").client(ACK, 2, 0, "\0").client(ACK, 2, 0, "");
    bench.client(ACK, 3, 0, "d").check(&[">\"abc\"", ">\"d\""]);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (1, 1));
    assert_eq!(bench.stats().conflicting_overlaps, 0);
}

#[test]
fn a_zero_window_probe_is_the_next_byte() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").client(ACK, 1, 0, "b").client(ACK, 1, 0, "bcd");
    bench.check(&[">\"a\"", ">\"b\"", ">\"cd\""]);
}

#[test]
fn a_segment_without_ack_is_no_part_of_the_stream() {
    let mut bench = Bench::new();
    bench.handshake().client(TcpFlags::PSH, 0, 0, "evil").client(ACK, 0, 0, "good");
    bench.check(&[">\"good\""]);
    assert_eq!(bench.ignored(IgnoreReason::Malformed), (1, 4));
}

// Windows.

#[test]
fn a_segment_out_of_every_window_is_ignored() {
    let mut bench = Bench::new();
    bench.handshake().server(ACK, 0, 0, "hi").client(ACK, 1 << 27, 2, "evil");
    bench.client(ACK, 1 << 27, 2, "evil").client(ACK, 0, 2, "good");
    bench.check(&["<\"hi\"", ">\"good\""]);
    assert_eq!(bench.ignored(IgnoreReason::OutOfWindow), (2, 8));
}

#[test]
fn a_jump_that_the_other_side_acknowledges_is_followed() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").server(ACK, 0, 1 << 27, "");
    bench.client(ACK, 1 << 27, 0, "b").check(&[">\"a\"", ">134217727", ">\"b\""]);
}

#[test]
fn a_one_sided_jump_is_followed_when_two_segments_agree() {
    let mut bench = Bench::new();
    bench.client(ACK, 0, 0, "a").client(ACK, 1 << 27, 0, "b").client(ACK, (1 << 27) + 1, 0, "c");
    bench.check(&[">\"a\"", ">134217728", ">\"c\""]);
}

#[test]
fn a_jump_backwards_begins_a_new_flow() {
    let mut bench = Bench::new();
    bench.client(ACK, 1 << 28, 0, "a").client(ACK, 0, 0, "b").client(ACK, 1, 0, "c");
    bench.check(&[">\"a\"", ">Replaced!", ">\"c\""]);
}

// Resets.

#[test]
fn an_exact_reset_ends_the_flow() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").server(RST, 0, 0, "");
    bench.check(&[">\"a\"", "<Reset!"]);
    assert_eq!(bench.closed(EvictReason::Reset), 1);
}

#[test]
fn a_reset_answers_a_syn() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").server(RST | ACK, 0, 0, "").check(&["<Reset!"]);
    assert_eq!(bench.stats().flows_one_sided, 0);
}

#[test]
fn a_reset_far_from_the_window_is_ignored() {
    let mut bench = Bench::new();
    bench.handshake().client(RST, 1 << 30, 0, "").client(ACK, 0, 0, "a").check(&[">\"a\""]);
    assert_eq!(bench.ignored(IgnoreReason::OutOfWindow), (1, 0));
}

#[test]
fn a_reset_beyond_a_hole_waits_for_it() {
    let mut bench = Bench::new();
    bench.handshake().client(RST, 3, 0, "").client(ACK, 0, 0, "abc");
    bench.check(&[">\"abc\"", ">Reset!"]);
    let mut bench = Bench::new();
    bench.handshake().client(RST, 3, 0, "").wait(200).tick().check(&[">Reset!"]);
}

#[test]
fn a_reset_that_its_sender_did_not_heed_is_forgotten() {
    let mut bench = Bench::new();
    bench.handshake().client(RST, 3, 0, "").client(ACK, 0, 0, "abcdef").wait(500).tick();
    bench.client(ACK, 6, 0, "g").check(&[">\"abcdef\"", ">\"g\""]);
}

#[test]
fn a_sender_that_goes_on_after_an_exact_reset_is_followed_anew() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").client(RST, 1, 0, "").client(ACK, 1, 0, "b");
    bench.check(&[">\"a\"", ">Reset!", ">\"b\""]);
}

#[test]
fn what_was_under_way_when_a_reset_came_opens_nothing() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").server(ACK, 0, 1, "b").client(RST, 1, 0, "");
    bench.server(ACK, 1, 1, "more").client(ACK, 0, 0, "a");
    bench.check(&[">\"a\"", "<\"b\"", ">Reset!"]);
    assert_eq!(bench.ignored(IgnoreReason::NoFlow), (2, 5));
}

// After the end.

fn finished() -> Bench {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 0, 0, "ask").server(FIN, 0, 4, "answer");
    bench.check(&[">\"ask\"", ">Fin", "<\"answer\"", "<Fin!"]);
    bench
}

#[test]
fn latecomers_of_a_finished_flow_open_nothing() {
    let mut bench = finished();
    bench.client(ACK, 4, 7, "").client(FIN, 0, 0, "ask").wait(3000).server(FIN, 0, 4, "answer");
    bench.server(SYN | ACK, u32::MAX, 0, "").client(SYN, u32::MAX, 0, "").check(&[]);
    assert_eq!(bench.ignored(IgnoreReason::NoFlow), (5, 9));
    assert_eq!(bench.stats().flows_opened, 1);
}

#[test]
fn a_finished_flow_is_forgotten_after_a_while() {
    let mut bench = finished();
    bench.wait(5001).tick().client(ACK, 50, 7, "again").check(&[">\"again\""]);
}

#[test]
fn a_reused_port_opens_a_new_flow() {
    let mut bench = finished();
    bench.client(SYN, 77_777, 0, "").client(ACK, 77_778, 0, "new").check(&[">\"new\""]);
    assert_eq!(bench.stats().handshakes, 2);
}

#[test]
fn a_port_reused_while_closing_replaces_the_flow() {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 0, 0, "ask").client(SYN, 77_777, 0, "");
    bench.client(ACK, 77_778, 0, "new").check(&[">\"ask\"", ">Fin", ">Replaced!", ">\"new\""]);
    assert_eq!(bench.closed(EvictReason::Replaced), 1);
}

#[test]
fn a_stray_syn_does_not_replace_a_flow_that_goes_on() {
    let mut bench = Bench::new();
    bench.handshake().server(ACK, 0, 0, "hi").client(ACK, 0, 2, "ask");
    bench.client(SYN, 77_777, 0, "").client(ACK, 77_778, 0, "evil");
    bench.server(ACK, 2, 3, "answer").check(&["<\"hi\"", ">\"ask\"", "<\"answer\""]);
}

#[test]
fn a_syn_that_the_other_side_answers_replaces_a_flow_that_goes_on() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "ask").client(SYN, 77_777, 0, "");
    bench.server(SYN | ACK, 99_999, 77_778, "").client(ACK, 77_778, 100_000, "new");
    bench.server(ACK, 100_000, 77_781, "answer");
    bench.check(&[">\"ask\"", ">Replaced!", ">\"new\"", "<\"answer\""]);
}

#[test]
fn a_syn_that_a_one_sided_flow_goes_on_from_replaces_it() {
    let mut bench = Bench::new();
    bench.client(ACK, 0, 0, "old").client(SYN, 77_777, 0, "").client(ACK, 77_778, 0, "new");
    bench.check(&[">\"old\"", ">Replaced!", ">\"new\""]);
}

#[test]
fn a_new_attempt_replaces_one_without_payload() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").client(SYN, 77_777, 0, "").check(&[">Replaced!"]);
    assert_eq!(bench.stats().handshakes, 2);
}

#[test]
fn a_sender_that_goes_on_after_a_forged_fin_is_followed_anew() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "a").client(FIN, 1, 0, "").client(ACK, 1, 0, "bc");
    bench.check(&[">\"a\"", ">Fin", ">Replaced!", ">\"bc\""]);
}

#[test]
fn bytes_beyond_a_fin_are_no_part_of_the_stream() {
    let mut bench = Bench::new();
    bench.handshake().client(FIN, 2, 0, "").client(ACK, 0, 0, "abcdef").check(&[">\"ab\"", ">Fin"]);
    assert_eq!(bench.ignored(IgnoreReason::OutOfWindow), (0, 4));
}
