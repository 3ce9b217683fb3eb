//! Fragments in any order; what is missing, too much, or too late.

use tapline_model::DropReason;

use super::wire::*;
use super::*;

/// A packet large enough to be cut, and what becomes of it.
fn large(id: u16) -> (Vec<u8>, Outcome) {
    let payload: Vec<u8> = (0u16..1500).map(|n| n.to_be_bytes()[1] ^ n.to_be_bytes()[0]).collect();
    (ipv4_with(id, 0, 6, &tcp(&payload)), Outcome::Segment(payload, 1500, 0))
}

fn dropped(bench: &Bench, reason: DropReason) -> u64 {
    bench.decap.stats().packets.dropped[reason as usize]
}

#[test]
fn a_datagram_comes_out_whole_in_any_order() {
    let (packet, expected) = large(1);
    let fragments = fragments4(&packet, 512);
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let mut bench = Bench::new(Config::default());
        assert_eq!(bench.ip(&fragments[order[0]]), Outcome::Held);
        assert_eq!(bench.ip(&fragments[order[1]]), Outcome::Held);
        assert_eq!(bench.decap.stats().packets.held, 2);
        assert_eq!(bench.ip(&fragments[order[2]]), expected);
        let stats = bench.decap.stats();
        assert_eq!((stats.packets.held, stats.bytes.held), (0, 0));
        assert_eq!(stats.packets.ignored[IgnoreReason::Fragment as usize], 2);
        assert_eq!((stats.fragments, stats.reassembled_datagrams), (3, 1));
        assert_eq!((stats.tiny_fragments, stats.overlapping_fragments), (0, 0));
    }
}

#[test]
fn ipv6_datagrams_keep_the_extensions_behind_the_fragment_header() {
    let options = join(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(PAYLOAD)]);
    for (protocol, payload) in [(6, tcp(PAYLOAD)), (60, options)] {
        let mut bench = Bench::new(Config::default());
        let fragments = fragments6(77, protocol, &payload, 24);
        let (last, first) = fragments.split_last().unwrap();
        for fragment in first {
            assert_eq!(bench.ip(fragment), Outcome::Held);
        }
        assert_eq!(bench.ip(last), whole());
        assert!(bench.decap.stats().tiny_fragments > 0);
    }
    // In front of it as well.
    let mut bench = Bench::new(Config::default());
    for (index, fragment) in fragments6(78, 6, &tcp(PAYLOAD), 24).into_iter().enumerate() {
        let packet = ipv6(60, &join(&[&[44, 0, 1, 4, 0, 0, 0, 0], &fragment[40..]]));
        assert_eq!(bench.ip(&packet), if index == 0 { Outcome::Held } else { whole() });
    }
}

#[test]
fn an_atomic_fragment_is_whole() {
    let fragment = ipv6(44, &join(&[&[6, 0, 0, 0, 0, 0, 0, 9], &tcp(PAYLOAD)]));
    assert_eq!(Bench::new(Config::default()).ip(&fragment), whole());
}

#[test]
fn fragments_lie_in_tunnels_and_tunnels_in_fragments() {
    let mirror = |id: u16, inner: &[u8]| {
        let frame = ethernet(0x0800, inner);
        fragments4(&ipv4_with(id, 0, 17, &udp(4789, &vxlan(5, &frame))), 256)
    };
    let mut bench = Bench::new(Config::default());
    let (packet, expected) = large(1);
    let mut outcomes = Vec::new();
    for (inner, id) in fragments4(&packet, 800).iter().rev().zip(10..) {
        for outer in mirror(id, inner).iter().rev() {
            outcomes.push(bench.ip(outer));
        }
    }
    assert_eq!(outcomes.pop(), Some(expected));
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Held));
    assert_eq!(bench.decap.stats().packets.held, 0);
    assert_eq!(bench.decap.stats().reassembled_datagrams, 3);
}

#[test]
fn the_first_of_two_fragments_that_overlap_counts() {
    let (packet, expected) = large(1);
    let fragments = fragments4(&packet, 512);
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.ip(&fragments[0]), Outcome::Held);
    // Bytes 256 to 768, half of them held already and different.
    let mut across = ipv4_with(1, 0x2000 | 32, 6, &packet[20 + 256..20 + 768]);
    across[20] ^= 1;
    assert_eq!(bench.ip(&across), Outcome::Held);
    assert_eq!(bench.ip(&fragments[2]), Outcome::Held);
    assert_eq!(bench.ip(&fragments[1]), expected);
    // The last one overlaps as well, with the same bytes.
    assert_eq!(bench.decap.stats().overlapping_fragments, 2);
}

#[test]
fn a_fragment_that_says_nothing_new_is_no_part_of_the_books_of_its_datagram() {
    let (packet, expected) = large(1);
    let fragments = fragments4(&packet, 512);
    let mut bench = Bench::new(Config { duplicate_window_ms: 0, ..Config::default() });
    assert_eq!(bench.ip(&fragments[0]), Outcome::Held);
    assert_eq!(bench.ip(&fragments[0]), Outcome::Ignored(IgnoreReason::Duplicate));
    let mut other = fragments[0].clone();
    other[60] ^= 1;
    assert_eq!(bench.ip(&other), Outcome::Ignored(IgnoreReason::Malformed));
    // An end that contradicts what is held, and one that is contradicted.
    let early_end = ipv4_with(1, 32, 6, &packet[20 + 256..20 + 264]);
    assert_eq!(bench.ip(&early_end), Outcome::Ignored(IgnoreReason::Malformed));
    assert_eq!(bench.ip(&fragments[2]), Outcome::Held);
    let beyond = ipv4_with(1, 0x20c0, 6, &[0; 8]);
    assert_eq!(bench.ip(&beyond), Outcome::Ignored(IgnoreReason::Malformed));
    assert_eq!(bench.decap.stats().overlapping_fragments, 3);
    assert_eq!(bench.ip(&fragments[1]), expected);
}

#[test]
fn impossible_fragments_are_malformed() {
    let mut bench = Bench::new(Config::default());
    let beyond = ipv4_with(1, 0x1fff, 6, &[0; 16]);
    assert_eq!(bench.ip(&beyond), Outcome::Ignored(IgnoreReason::Malformed));
    let uneven = ipv4_with(1, 0x2000, 6, &[0; 15]);
    assert_eq!(bench.ip(&uneven), Outcome::Ignored(IgnoreReason::Malformed));
    let empty = ipv4_with(1, 0x2001, 6, &[]);
    assert_eq!(bench.ip(&empty), Outcome::Ignored(IgnoreReason::Malformed));
    let icmp = ipv4_with(1, 0x2000, 1, &[0; 16]);
    assert_eq!(bench.ip(&icmp), Outcome::Ignored(IgnoreReason::NotTcp));
    let cut = ipv4_with(1, 0x2000, 6, &[0; 16]);
    let outcome = bench.push(LinkType::RawIp, &cut[..30], cut.len());
    assert_eq!(outcome, Outcome::Ignored(IgnoreReason::Fragment));
    assert_eq!(bench.decap.stats().packets.held, 0);
}

#[test]
fn what_waits_for_too_long_is_dropped() {
    let (packet, _) = large(1);
    let fragments = fragments4(&packet, 512);
    let mut bench = Bench::new(Config { fragment_timeout_seconds: 2, ..Config::default() });
    bench.ip(&fragments[0]);
    bench.later(1999);
    bench.decap.tick(bench.now);
    assert_eq!(bench.decap.stats().packets.held, 1);
    bench.later(1);
    bench.decap.tick(bench.now);
    bench.balanced();
    assert_eq!(
        (bench.decap.stats().packets.held, dropped(&bench, DropReason::FragmentTimeout)),
        (0, 1)
    );
    // Without a tick another fragment tells the time.
    bench.ip(&fragments[1]);
    bench.later(2000);
    bench.ip(&fragments[2]);
    assert_eq!(dropped(&bench, DropReason::FragmentTimeout), 2);
    bench.decap.finish();
    bench.balanced();
    assert_eq!(
        (bench.decap.stats().packets.held, dropped(&bench, DropReason::FragmentTimeout)),
        (0, 3)
    );
}

#[test]
fn the_oldest_datagram_makes_room() {
    let mut bench = Bench::new(Config { fragments_max: 3, ..Config::default() });
    for id in 1..=5 {
        let (packet, _) = large(id);
        assert_eq!(bench.ip(&fragments4(&packet, 800)[0]), Outcome::Held);
    }
    assert_eq!(
        (bench.decap.stats().packets.held, dropped(&bench, DropReason::FragmentsFull)),
        (3, 2)
    );
    for (id, is_held) in [(4, true), (5, true), (1, false), (2, false)] {
        let (packet, expected) = large(id);
        let outcome = bench.ip(&fragments4(&packet, 800)[1]);
        assert_eq!(outcome, if is_held { expected } else { Outcome::Held }, "{id}");
    }
}

#[test]
fn bytes_held_have_a_bound() {
    let mut bench = Bench::new(Config { fragment_bytes_max: 2_000, ..Config::default() });
    for id in 1..=20 {
        let (packet, _) = large(id);
        assert_eq!(bench.ip(&fragments4(&packet, 1_400)[0]), Outcome::Held);
    }
    assert_eq!(bench.decap.stats().packets.held, 1);
    // One that is too large by itself is dropped with all that it was.
    let mut bench = Bench::new(Config { fragment_bytes_max: 1_000, ..Config::default() });
    let (packet, _) = large(1);
    assert_eq!(bench.ip(&fragments4(&packet, 512)[0]), Outcome::Held);
    assert_eq!(bench.ip(&fragments4(&packet, 512)[1]), Outcome::Dropped);
    assert_eq!(
        (bench.decap.stats().packets.held, dropped(&bench, DropReason::FragmentsFull)),
        (0, 2)
    );
}

#[test]
fn a_datagram_cut_too_fine_is_dropped() {
    let mut bench = Bench::new(Config::default());
    let pieces = (0..=256).map(|n| ipv4_with(1, 0x2000 | (2 * n), 6, &[7; 8]));
    let outcomes: Vec<Outcome> = pieces.map(|piece| bench.ip(&piece)).collect();
    assert_eq!(outcomes.iter().filter(|&outcome| *outcome == Outcome::Held).count(), 256);
    assert_eq!(outcomes.last(), Some(&Outcome::Dropped));
    assert_eq!(
        (bench.decap.stats().packets.held, dropped(&bench, DropReason::FragmentsFull)),
        (0, 257)
    );
}

#[test]
fn fragments_of_two_networks_are_kept_apart_where_networks_overlap() {
    let (packet, _) = large(1);
    let fragments = fragments4(&packet, 800);
    let tagged = |vlan: u16, fragment: &[u8]| ethernet(0x8100, &tag(vlan, 0x0800, fragment));
    let mut bench = Bench::new(overlapping());
    assert_eq!(bench.ethernet(&tagged(1, &fragments[0])), Outcome::Held);
    assert_eq!(bench.ethernet(&tagged(2, &fragments[1])), Outcome::Held);
    assert!(matches!(bench.ethernet(&tagged(1, &fragments[1])), Outcome::Segment(_, 1500, 1)));
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.ethernet(&tagged(1, &fragments[0])), Outcome::Held);
    assert!(matches!(bench.ethernet(&tagged(2, &fragments[1])), Outcome::Segment(_, 1500, 0)));
}
