//! What becomes of runs that overlap. One fact a test.

use super::*;
use crate::OverlapPolicy;

use OverlapPolicy::{First, Last, Linux, Solaris};

const NOW: Timestamp = Timestamp::from_seconds(5);

fn budget() -> Budget {
    Budget { held_bytes: 0, held_bytes_max: 1 << 20, flow_held_bytes_max: 1 << 20 }
}

fn insert(
    held: &mut Held,
    policy: OverlapPolicy,
    (offset, payload): (u64, &[u8]),
    now: Timestamp,
    budget: &mut Budget,
) -> Tally {
    let wire_bytes = payload.len() as u64;
    let arrival = Arrival { offset, payload, wire_bytes, captured_at: now, now, policy };
    held.insert(offset, Run::Bytes(payload), &arrival, budget)
}

/// Inserts runs given as (offset, bytes) and shows what is held.
fn check(policy: OverlapPolicy, runs: &[(u64, &str)], expected: &[(u64, &str)], last: Tally) {
    let (mut held, mut budget) = (Held::default(), budget());
    let mut tally = Tally::default();
    for &(offset, bytes) in runs {
        tally = insert(&mut held, policy, (offset, bytes.as_bytes()), NOW, &mut budget);
    }
    assert_eq!(tally, last);
    assert_eq!(budget.held_bytes, held.cost_bytes);
    let mut shown = Vec::new();
    while let Some((offset, _)) = held.first() {
        let piece = held.pop_first(&mut budget).unwrap();
        let Run::Bytes(bytes) = piece.run() else { panic!("nothing is missing") };
        shown.push((offset, String::from_utf8(bytes.to_vec()).unwrap()));
    }
    let expected: Vec<_> =
        expected.iter().map(|&(offset, bytes)| (offset, bytes.to_owned())).collect();
    assert_eq!(shown, expected);
    assert_eq!(budget.held_bytes, 0);
}

fn tally(done: u64, kept_bytes: u64, conflicts: u64) -> Tally {
    let repeated_bytes = done - kept_bytes;
    Tally { done, kept_bytes, repeated_bytes, conflicts, ..Tally::default() }
}

#[test]
fn separate_runs_are_sorted() {
    check(First, &[(20, "cd"), (10, "ab")], &[(10, "ab"), (20, "cd")], tally(2, 2, 0));
}

#[test]
fn touching_runs_stay_apart() {
    check(First, &[(10, "ab"), (12, "cd")], &[(10, "ab"), (12, "cd")], tally(2, 2, 0));
}

#[test]
fn an_equal_run_is_not_kept() {
    check(First, &[(10, "abcd"), (10, "abcd")], &[(10, "abcd")], tally(4, 0, 0));
}

#[test]
fn a_run_inside_another_is_not_kept() {
    check(First, &[(10, "abcd"), (11, "bc")], &[(10, "abcd")], tally(2, 0, 0));
}

#[test]
fn a_run_around_another_keeps_both_sides() {
    let expected = [(10, "a"), (11, "bc"), (13, "d")];
    check(First, &[(11, "bc"), (10, "abcd")], &expected, tally(4, 2, 0));
}

#[test]
fn an_overlap_at_the_front_keeps_what_is_before() {
    check(First, &[(12, "cd"), (10, "abcd")], &[(10, "ab"), (12, "cd")], tally(4, 2, 0));
}

#[test]
fn an_overlap_at_the_back_keeps_what_is_after() {
    check(First, &[(10, "ab"), (11, "bcd")], &[(10, "ab"), (12, "cd")], tally(3, 2, 0));
}

#[test]
fn a_run_over_many_fills_every_hole() {
    let expected = [(10, "a"), (11, "b"), (12, "c"), (13, "d"), (14, "e")];
    check(First, &[(11, "b"), (13, "d"), (10, "abcde")], &expected, tally(5, 3, 0));
}

#[test]
fn the_first_copy_stays_and_the_conflict_is_told() {
    check(First, &[(10, "ab"), (10, "aX")], &[(10, "ab")], tally(2, 0, 1));
    check(First, &[(11, "b"), (10, "aXc")], &[(10, "a"), (11, "b"), (12, "c")], tally(3, 2, 1));
}

fn replacing(done: u64, replaced_bytes: u64, conflicts: u64) -> Tally {
    Tally { done, kept_bytes: done, repeated_bytes: 0, replaced_bytes, conflicts }
}

#[test]
fn the_last_copy_takes_its_place_and_the_rest_stays() {
    let expected = [(10, "a"), (11, "XY"), (13, "d")];
    check(Last, &[(10, "abcd"), (11, "XY")], &expected, replacing(2, 2, 1));
    check(Last, &[(10, "ab"), (10, "XY")], &[(10, "XY")], replacing(2, 2, 1));
    check(Last, &[(10, "ab"), (10, "abc")], &[(10, "ab"), (12, "c")], replacing(3, 2, 0));
    let expected = [(10, "W"), (11, "X"), (12, "Y"), (13, "cd")];
    check(Last, &[(11, "a"), (12, "bcd"), (10, "WXY")], &expected, replacing(3, 2, 2));
}

#[test]
fn a_part_is_judged_by_its_whole_segment() {
    // What is left of the first segment still counts as started at 10, ended at 14.
    let runs = [(10, "abcd"), (12, "WXYZ"), (11, "12")];
    let expected = [(10, "ab"), (12, "WX"), (14, "YZ")];
    check(Solaris, &runs, &expected, tally(2, 0, 2));
    let runs = [(12, "cdef"), (10, "abXY"), (11, "1234")];
    // The third starts before the first, but not before the second.
    let last = Tally { done: 4, kept_bytes: 1, repeated_bytes: 3, replaced_bytes: 1, conflicts: 3 };
    let expected = [(10, "ab"), (12, "XY"), (14, "4"), (15, "f")];
    check(Linux, &runs, &expected, last);
}

#[test]
fn a_spent_budget_keeps_nothing_more() {
    let mut budget = Budget { flow_held_bytes_max: 1000, ..budget() };
    let mut held = Held::default();
    let tally = insert(&mut held, First, (0, &[0; 200]), NOW, &mut budget);
    assert_eq!((tally.done, budget.held_bytes), (200, 968));
    let tally = insert(&mut held, First, (300, &[0; 1]), NOW, &mut budget);
    assert_eq!((tally.done, budget.held_bytes), (0, 968));
}

#[test]
fn what_is_missing_is_known_since_the_first_piece_after_it() {
    let (mut held, mut budget) = (Held::default(), budget());
    for (offset, seconds) in [(30, 1), (10, 2), (40, 3), (20, 4)] {
        let now = Timestamp::from_seconds(seconds);
        insert(&mut held, First, (offset, b"x"), now, &mut budget);
    }
    let since: Vec<_> = held.pieces.values().map(|piece| piece.missed_since.epoch().0).collect();
    assert_eq!(since, [1, 1, 1, 3]);
}
