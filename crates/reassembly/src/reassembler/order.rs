//! The order of one direction: holes, bounds, probes, windows. One fact a test.

use tapline_model::{DropReason, IgnoreReason, Segment, SourceId, TcpFlags, Timestamp};

use super::bench::{ACK, Bench, CLIENT, FIN, SERVER};

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
    bench.reassembler.push_hashed(&segment, &mut |chunk| {
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
fn tiny_runs_are_charged_for_what_they_cost() {
    let mut bench = Bench::new();
    bench.handshake();
    for piece in 0..20_000 {
        bench.client(ACK, 1 + 2 * piece, 0, "x");
        // A mebibyte at 129 bytes each.
        assert!(bench.stats().payload_bytes.held <= 8128);
    }
    assert_eq!(bench.stats().payload_bytes.held, 8123);
    bench.finish();
    assert_eq!((bench.stats().payload_bytes.processed, bench.stats().gaps), (20_000, 20_000));
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
