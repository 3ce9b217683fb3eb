//! Overlap among what waits behind a hole, and with what was delivered. One fact a test.

use tapline_model::IgnoreReason;

use super::bench::{ACK, Bench, CLIENT, SERVER};
use crate::OverlapPolicy::{
    self, Bsd, BsdRight, First, Hpux10, Hpux11, Irix, Last, Linux, Macos, OldLinux, Solaris,
    Windows,
};

/// Sends the runs in order, then the missing first byte.
fn check_overlap(policy: OverlapPolicy, runs: &[(u32, &str)], expected: &str, conflicts: u64) {
    let mut bench = Bench::with(|config| config.overlap_policy = policy);
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
    check_overlap(First, &[(3, "34"), (1, "12")], "01234", 0);
}

#[test]
fn a_held_run_repeated_is_delivered_once() {
    check_overlap(First, &[(1, "12"), (1, "12")], "012", 0);
}

#[test]
fn a_held_run_repeated_with_other_bytes_keeps_the_first() {
    check_overlap(First, &[(1, "12"), (1, "xy")], "012", 1);
}

#[test]
fn an_overlap_behind_a_held_run_keeps_the_first() {
    check_overlap(First, &[(1, "123"), (2, "xy45")], "012345", 1);
    check_overlap(First, &[(1, "123"), (2, "2345")], "012345", 0);
}

#[test]
fn an_overlap_before_a_held_run_keeps_the_first() {
    check_overlap(First, &[(3, "345"), (1, "12xy")], "012345", 1);
}

#[test]
fn a_run_around_a_held_run_keeps_the_first() {
    check_overlap(First, &[(2, "23"), (1, "1xx4")], "01234", 1);
}

#[test]
fn a_run_inside_a_held_run_adds_nothing() {
    check_overlap(First, &[(1, "1234"), (2, "xx")], "01234", 1);
}

#[test]
fn a_run_over_several_held_runs_fills_the_holes() {
    check_overlap(First, &[(2, "2"), (4, "4"), (1, "1x3x5")], "012345", 2);
}

#[test]
fn every_policy_settles_overlap_its_way() {
    let check = |runs: &[(u32, &str)], new: &str, old: &str, new_wins: &[OverlapPolicy]| {
        for &policy in OverlapPolicy::ALL {
            let expected = if new_wins.contains(&policy) { new } else { old };
            check_overlap(policy, runs, &format!("01{expected}"), 1);
        }
    };
    let starts_before = [Last, Bsd, Linux, OldLinux, Hpux10, Irix, Macos, Windows];
    check(&[(3, "aaa"), (1, "1xxx")], "xxxa", "xaaa", &starts_before);
    check(
        &[(2, "aaa"), (1, "1xxxx")],
        "xxxx",
        "aaax",
        &[&starts_before[..], &[Solaris, Hpux11]].concat(),
    );
    check(
        &[(2, "aaa"), (2, "xxxx"), (1, "1")],
        "xxxx",
        "aaax",
        &[Last, BsdRight, Linux, OldLinux, Solaris, Hpux11],
    );
    check(
        &[(2, "aaa"), (2, "xxx"), (1, "1")],
        "xxx",
        "aaa",
        &[Last, BsdRight, OldLinux, Solaris, Hpux11],
    );
    check(&[(2, "aaa"), (3, "xx"), (1, "1")], "axx", "aaa", &[Last, BsdRight]);
    check(&[(2, "aaa"), (3, "xxx"), (1, "1")], "axxx", "aaax", &[Last, BsdRight, Solaris, Hpux11]);
    check(&[(2, "aaaa"), (3, "xx"), (1, "1")], "axxa", "aaaa", &[Last, BsdRight]);
}

#[test]
fn the_run_that_fills_the_hole_gives_way_to_held_bytes() {
    let mut bench = Bench::with(|config| config.overlap_policy = First);
    bench.handshake().client(ACK, 2, 0, "23").client(ACK, 5, 0, "5");
    bench.client(ACK, 0, 0, "01xx4x6").check(&[">\"01\"", ">\"23\"", ">\"4\"", ">\"5\"", ">\"6\""]);
    assert_eq!(bench.stats().conflicting_overlaps, 2);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (0, 3));
}

#[test]
fn the_run_that_fills_the_hole_takes_the_place_of_held_bytes() {
    let mut bench = Bench::with(|config| config.overlap_policy = Linux);
    bench.handshake().client(ACK, 2, 0, "23").client(ACK, 5, 0, "567");
    bench.client(ACK, 0, 0, "01xx4x").check(&[">\"01\"", ">\"xx\"", ">\"4\"", ">\"x\"", ">\"67\""]);
    assert_eq!(bench.stats().conflicting_overlaps, 2);
    assert_eq!(bench.ignored(IgnoreReason::Retransmission), (0, 3));
}

#[test]
fn what_was_captured_goes_before_what_was_cut_off() {
    for policy in [First, Last] {
        let mut bench = Bench::with(|config| config.overlap_policy = policy);
        bench.handshake().send(true, ACK, CLIENT + 1, SERVER, b"b", 2);
        bench.client(ACK, 1, 0, "bcd").client(ACK, 0, 0, "a");
        bench.check(&[">\"a\"", ">\"b\"", ">\"cd\""]);
        let mut bench = Bench::with(|config| config.overlap_policy = policy);
        bench.handshake().client(ACK, 1, 0, "bcd");
        bench.send(true, ACK, CLIENT + 1, SERVER, b"", 3).client(ACK, 0, 0, "a");
        bench.check(&[">\"a\"", ">\"bcd\""]);
    }
}

#[test]
fn a_second_copy_of_what_was_delivered_is_compared_at_its_end() {
    let mut bench = Bench::new();
    bench.handshake().client(ACK, 0, 0, "abcdef").client(ACK, 0, 0, "abcdef");
    assert_eq!(bench.stats().conflicting_overlaps, 0);
    bench.client(ACK, 0, 0, "abcXef");
    assert_eq!(bench.stats().conflicting_overlaps, 1);
    bench.client(ACK, 4, 0, "eXgh").check(&[">\"abcdef\"", ">\"gh\""]);
    assert_eq!(bench.stats().conflicting_overlaps, 2);
}
