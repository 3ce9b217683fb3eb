//! What a mirror delivers twice.

use super::wire::*;
use super::*;

/// A packet with one change.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut packet = packet4();
    change(&mut packet);
    packet
}

#[track_caller]
fn check(other: &[u8], is_duplicate: bool) {
    let mut bench = Bench::new(Config::default());
    assert!(matches!(bench.ip(&packet4()), Outcome::Segment(..)));
    let outcome = bench.ip(other);
    assert_eq!(outcome == Outcome::Ignored(IgnoreReason::Duplicate), is_duplicate, "{outcome:?}");
}

#[test]
fn a_copy_differs_in_what_routers_and_mirrors_change() {
    check(&packet4(), true);
    check(&changed(|packet| packet[8] = 63), true);
    check(&changed(|packet| packet[10..12].fill(9)), true);
    check(&ipv4(4, &packet4()), true);
    check(&ipv4(17, &udp(4789, &vxlan(3, &frame4()))), true);
}

#[test]
fn any_other_difference_makes_another_packet() {
    // Identification, addresses, ports, numbers, flags, window, checksum, payload.
    for index in [5, 12, 19, 21, 23, 27, 31, 33, 35, 37, 40, 55] {
        check(&changed(|packet| packet[index] ^= 1), false);
    }
    check(&ipv4(6, &tcp(&PAYLOAD[..15])), false);
}

#[test]
fn any_byte_of_a_short_payload_counts_and_either_end_of_a_long_one() {
    for length in [1, 7, 8, 15, 16, 17, 31, 32, 33, 1400] {
        let payload = vec![7; length];
        for index in (0..length.min(8)).chain(length.saturating_sub(8)..length) {
            let mut bench = Bench::new(Config::default());
            let mut other = payload.clone();
            other[index] = 8;
            bench.ip(&ipv4(6, &tcp(&payload)));
            let outcome = bench.ip(&ipv4(6, &tcp(&other)));
            assert!(matches!(outcome, Outcome::Segment(..)), "{index} of {length}");
            let again = bench.ip(&ipv4(6, &tcp(&payload)));
            assert_eq!(again, Outcome::Ignored(IgnoreReason::Duplicate));
        }
    }
}

#[test]
fn only_what_comes_within_the_window_is_a_copy() {
    for (milliseconds, is_duplicate) in [(0, true), (5, true), (6, false)] {
        let mut bench = Bench::new(Config::default());
        bench.ip(&packet6());
        bench.later(milliseconds);
        let outcome = bench.ip(&packet6());
        assert_eq!(outcome == Outcome::Ignored(IgnoreReason::Duplicate), is_duplicate);
    }
    // Two interfaces are read in turns, so a copy may carry an earlier time.
    let mut bench = Bench::new(Config::default());
    bench.later(3);
    bench.ip(&packet4());
    bench.now = Timestamp::from_seconds(9);
    assert_eq!(bench.ip(&packet4()), Outcome::Ignored(IgnoreReason::Duplicate));
}

#[test]
fn without_a_window_nothing_is_a_copy() {
    let mut bench = Bench::new(Config { duplicate_window_ms: 0, ..Config::default() });
    assert_eq!(bench.ip(&packet4()), whole());
    assert_eq!(bench.ip(&packet4()), whole());
}

#[test]
fn equal_packets_of_two_networks_are_two_where_networks_overlap() {
    let tagged = |vlan: u16| ethernet(0x8100, &tag(vlan, 0x0800, &packet4()));
    let mut bench = Bench::new(overlapping());
    assert_eq!(bench.ethernet(&tagged(1)), in_network(1));
    assert_eq!(bench.ethernet(&tagged(2)), in_network(2));
    assert_eq!(bench.ethernet(&tagged(1)), Outcome::Ignored(IgnoreReason::Duplicate));
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.ethernet(&tagged(1)), whole());
    assert_eq!(bench.ethernet(&tagged(2)), Outcome::Ignored(IgnoreReason::Duplicate));
}

#[test]
fn doubled_fragments_are_put_together_once() {
    let mut bench = Bench::new(Config::default());
    let mut segments = 0;
    for fragment in fragments4(&packet4(), 8) {
        segments += u64::from(matches!(bench.ip(&fragment), Outcome::Segment(..)));
        assert_eq!(bench.ip(&fragment), Outcome::Ignored(IgnoreReason::Duplicate));
    }
    assert_eq!((segments, bench.decap.stats().packets.held), (1, 0));
}

#[test]
fn the_table_grows_to_what_the_window_holds_and_forgets_the_oldest() {
    let mut bench = Bench::new(Config::default());
    // Of 2,000 packets in the window, how many copies are recognised.
    let mut recognised = || {
        bench.later(100);
        for id in 0..2_000 {
            assert_eq!(bench.ip(&ipv4_with(id, 0, 6, &tcp(PAYLOAD))), whole());
        }
        let again = (0..2_000).filter(|&id| {
            let outcome = bench.ip(&ipv4_with(id, 0, 6, &tcp(PAYLOAD)));
            outcome == Outcome::Ignored(IgnoreReason::Duplicate)
        });
        again.count()
    };
    assert!(recognised() >= 200);
    assert!(recognised() > 1_900, "then it has room");
}
