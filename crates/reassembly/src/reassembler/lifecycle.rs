//! How flows begin and end. One fact a test.

use tapline_model::{EvictReason, IgnoreReason};

use super::bench::{ACK, Bench, FIN, RST, SYN};

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
fn a_flow_counts_as_one_sided_when_it_shows_that_the_other_side_spoke() {
    let mut bench = Bench::new();
    // Nobody answered; nobody need have been there.
    bench.client(SYN, u32::MAX, 0, "").finish();
    assert_eq!(bench.stats().flows_one_sided, 0);
    // The answer to what was not captured.
    bench.server(SYN | ACK, u32::MAX, 0, "").finish();
    assert_eq!(bench.stats().flows_one_sided, 1);
    // The half that a mirror of the clients' side shows.
    bench.client(SYN, u32::MAX, 0, "").client(ACK, 0, 0, "ask").client(FIN, 3, 6, "").finish();
    assert_eq!(bench.stats().flows_one_sided, 2);
    bench.client_port += 1;
    bench.handshake().client(ACK, 0, 0, "ask").finish();
    assert_eq!(bench.stats().flows_one_sided, 2);
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
fn the_answer_to_a_syn_may_be_captured_last() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").client(ACK, 0, 0, "").client(ACK, 0, 0, "ask");
    bench.server(FIN, 6, 3, "").client(FIN, 3, 7, "").server(SYN | ACK, u32::MAX, 0, "");
    bench.server(ACK, 0, 3, "answer");
    bench.check(&[">\"ask\"", ">Fin", "<\"answer\"", "<Fin!"]);
}

#[test]
fn of_a_side_that_is_not_seen_nothing_is_missing() {
    let mut bench = Bench::new();
    bench.client(SYN, u32::MAX, 0, "").client(ACK, 0, 0, "ask").client(ACK, 3, 6, "more");
    bench.wait(500).tick().check(&[">\"ask\"", ">\"more\""]);
    bench.server(ACK, 6, 7, "late").client(ACK, 7, 10, "").wait(200).tick();
    bench.check(&["<6", "<\"late\""]);
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
fn a_reset_captured_before_what_it_acknowledges_waits_for_it() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "ask").client(RST | ACK, 3, 6, "").wait(20);
    bench.server(ACK, 0, 3, "answer").check(&[">\"ask\"", "<\"answer\"", ">Reset!"]);
    // Its twin opens nothing.
    bench.server(ACK, 0, 3, "answer").check(&[]);
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "ask").client(RST | ACK, 3, 6, "").wait(200).tick();
    bench.check(&[">\"ask\"", "<6", ">Reset!"]);
}

#[test]
fn a_reset_captured_before_what_was_acknowledged_waits_for_it() {
    let mut bench = Bench::new();
    bench.handshake().server(ACK, 0, 3, "").client(RST, 3, 0, "").wait(20);
    bench.client(ACK, 0, 0, "ask").check(&[">\"ask\"", ">Reset!"]);
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
    bench.client(ACK, 4, 7, "").client(FIN, 0, 0, "ask").wait(57_000).server(FIN, 0, 4, "answer");
    bench.server(SYN | ACK, u32::MAX, 0, "").client(SYN, u32::MAX, 0, "").check(&[]);
    assert_eq!(bench.ignored(IgnoreReason::NoFlow), (5, 9));
    assert_eq!(bench.stats().flows_opened, 1);
}

#[test]
fn a_finished_flow_is_forgotten_after_a_while() {
    let mut bench = finished();
    bench.wait(60_001).tick().client(ACK, 50, 7, "again").check(&[">\"again\""]);
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

// How flows leave the table.

#[test]
fn a_full_table_lets_the_longest_idle_go() {
    let mut bench = Bench::with(|config| config.flows_max = 2 * 64);
    for port in [1, 2, 1, 3] {
        bench.client_port = port;
        bench.wait(100).client(ACK, 0, 0, "a");
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
        bench.wait(100).client(ACK, 0, 0, "a");
    }
    for port in 4..10 {
        bench.client_port = port;
        bench.wait(100).client(SYN, u32::MAX, 0, "");
    }
    for port in [1, 2, 3] {
        bench.client_port = port;
        bench.shown.clear();
        bench.client(ACK, 1, 0, "b").check(&[">\"b\""]);
    }
    assert_eq!(bench.closed(EvictReason::TableFull), 5);
}

#[test]
fn an_unanswered_flow_goes_before_an_answered_one() {
    let mut bench = Bench::with(|config| config.flows_max = 4 * 64);
    for port in [1, 2, 3] {
        bench.client_port = port;
        bench.wait(100).client(ACK, 0, 0, "ask").server(ACK, 0, 3, "answer");
    }
    for port in 4..10 {
        bench.client_port = port;
        bench.wait(100).client(ACK, 0, 0, "ask");
    }
    for port in [1, 2, 3] {
        bench.client_port = port;
        bench.shown.clear();
        bench.client(ACK, 3, 6, "more").check(&[">\"more\""]);
    }
    assert_eq!(bench.closed(EvictReason::TableFull), 5);
}

#[test]
fn every_class_has_room_of_its_own() {
    // Sixteen a shard: two for flows without payload, two more for those without answer.
    let mut bench = Bench::with(|config| config.flows_max = 16 * 64);
    for port in 1..=20 {
        bench.client_port = port;
        bench.wait(100).handshake().client(ACK, 0, 0, "ask").server(ACK, 0, 3, "answer");
    }
    assert_eq!((bench.stats().flows_active, bench.closed(EvictReason::TableFull)), (12, 8));
    for port in 21..=30 {
        bench.client_port = port;
        bench.wait(100).handshake().client(ACK, 0, 0, "ask");
    }
    assert_eq!((bench.stats().flows_active, bench.closed(EvictReason::TableFull)), (14, 16));
    for port in 31..=40 {
        bench.client_port = port;
        bench.wait(100).client(SYN, u32::MAX, 0, "");
    }
    assert_eq!((bench.stats().flows_active, bench.closed(EvictReason::TableFull)), (16, 24));
    bench.shown.clear();
    for port in (9..=20).chain(29..=30).chain(39..=40) {
        bench.client_port = port;
        bench.wait(1).client(ACK, 3, 6, "b");
    }
    assert_eq!(bench.stats().flows_opened, 40);
}

#[test]
fn a_silent_flow_ends_idle() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 3, 0, "late").wait(300_000).tick();
    bench.check(&[">3", ">\"late\"", ">Idle!"]);
    assert_eq!(bench.closed(EvictReason::Idle), 1);
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
