//! Tests of the ring.

use std::collections::VecDeque;
use std::net::IpAddr;

use proptest::prelude::*;
use tapline_model::{Frame, LinkType, Timestamp};

use super::*;
use crate::LeftOut;
use crate::pcap::tests::{Read, read};
use crate::pcap::{HEADER_BYTES, RECORD_BYTES};
use crate::sample::{ID, address, frame};

fn ends(client: u8) -> (IpAddr, IpAddr) {
    (address(client), address(200))
}

fn request(who: u8, from: Option<u64>) -> Request {
    Request::new(ID, &[address(who)], from.map(Timestamp::from_nanos), 4_096).unwrap()
}

/// The bytes of the frames in the file.
fn frames(excerpt: &Excerpt) -> Vec<Vec<u8>> {
    read(excerpt.bytes()).1.into_iter().map(|frame| frame.bytes).collect()
}

#[test]
fn a_file_has_the_frames_of_either_end_by_time() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&frame(10, b"request"), ends(1));
    ring.push(&frame(40, b"late"), (address(200), address(1)));
    ring.push(&frame(30, b"answer"), (address(200), address(1)));
    ring.push(&frame(35, b"of another"), ends(2));
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    assert_eq!(frames(&excerpt), [&b"request"[..], b"answer", b"late"]);
    assert_eq!((excerpt.finding(), excerpt.frames()), (ID, 3));
    assert_eq!(excerpt.left_out(), LeftOut::default());
    assert_eq!(ring.excerpt(&request(200, None)).unwrap().frames(), 4);
}

#[test]
fn what_was_captured_too_early_or_by_nobody_is_not_in_it() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&frame(10, b"before"), ends(1));
    ring.push(&frame(20, b"then"), ends(1));
    assert_eq!(frames(&ring.excerpt(&request(1, Some(20))).unwrap()), [b"then"]);
    assert_eq!(ring.excerpt(&request(1, Some(21))), None);
    assert_eq!(ring.excerpt(&request(9, None)), None);
}

#[test]
fn ipv4_in_ipv6_is_found_as_ipv4() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&frame(10, b"mapped"), ("::ffff:192.0.2.1".parse().unwrap(), address(200)));
    assert_eq!(frames(&ring.excerpt(&request(1, None)).unwrap()), [b"mapped"]);
}

#[test]
fn the_newest_frames_win_the_room_and_the_rest_is_counted() {
    let mut ring = FrameRing::with_bytes(1 << 16);
    for number in 0..10u8 {
        ring.push(&frame(u64::from(number), &[number; 1_000]), ends(1));
    }
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    // 24 + 4 * 1016 bytes are the whole 4096 but 8.
    assert_eq!(frames(&excerpt), [[6; 1_000], [7; 1_000], [8; 1_000], [9; 1_000]]);
    assert_eq!(excerpt.left_out(), LeftOut { size: 6, ..LeftOut::default() });
    assert_eq!(excerpt.bytes().len(), 4_088);
}

#[test]
fn no_small_old_frame_takes_the_place_of_a_large_one_after_it() {
    let mut ring = FrameRing::with_bytes(1 << 16);
    for (nanos, length) in [(1, 10), (2, 4_000), (3, 100)] {
        ring.push(&frame(nanos, &vec![0; length]), ends(1));
    }
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    assert_eq!((excerpt.frames(), excerpt.left_out().size), (1, 2));
}

#[test]
fn a_newest_frame_that_is_too_large_alone_is_cut() {
    let mut ring = FrameRing::with_bytes(1 << 16);
    ring.push(&frame(1, b"older"), ends(1));
    ring.push(&frame(2, &[7; 9_000]), ends(1));
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    let (_, read) = read(excerpt.bytes());
    assert_eq!((read.len(), read[0].wire_bytes, read[0].bytes.len()), (1, 9_000, 4_056));
    assert_eq!(excerpt.left_out(), LeftOut { size: 1, link_type: 0, cut: 1 });
    assert_eq!(excerpt.bytes().len(), 4_096);
}

#[test]
fn a_file_is_of_the_link_type_of_its_newest_frame() {
    let mut ring = FrameRing::with_bytes(4_096);
    for (nanos, link_type) in [(1, LinkType::Nflog), (2, LinkType::Ethernet), (3, LinkType::Nflog)]
    {
        ring.push(&Frame { link_type, ..frame(nanos, b"x") }, ends(1));
    }
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    assert_eq!(read(excerpt.bytes()).0, 239);
    assert_eq!(excerpt.left_out(), LeftOut { link_type: 1, ..LeftOut::default() });
    assert_eq!(excerpt.frames(), 2);
}

#[test]
fn a_frame_that_the_source_snapped_keeps_its_length() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&Frame { wire_bytes: 1_514, ..frame(1, b"snapped") }, ends(1));
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    assert_eq!(read(excerpt.bytes()).1[0].wire_bytes, 1_514);
}

#[test]
fn a_frame_too_large_is_refused_and_drives_nobody_out() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&frame(1, b"first"), ends(1));
    ring.push(&frame(2, &[0; 1_025]), ends(1));
    ring.push(&frame(3, &[0; 1_024]), ends(1));
    let counts = ring.counts();
    assert_eq!((counts.pushed, counts.too_large, counts.dropped), (2, 1, 0));
    let mut large = FrameRing::with_bytes(4 << 20);
    large.push(&frame(1, &vec![0; 262_145]), ends(1));
    large.push(&frame(1, &vec![0; 262_144]), ends(1));
    assert_eq!((large.counts().pushed, large.counts().too_large), (1, 1));
}

#[test]
fn frames_without_bytes_are_bounded_too() {
    let mut ring = FrameRing::with_bytes(4_096);
    for nanos in 0..1_000 {
        ring.push(&frame(nanos, b""), ends(1));
    }
    let expected = RingCounts { pushed: 1_000, dropped: 984, held: 16, ..RingCounts::default() };
    assert_eq!(ring.counts(), expected);
}

#[test]
fn the_ring_is_as_large_as_it_may_be() {
    let of = |ring_bytes| FrameRing::new(&Config { ring_bytes, ..Config::default() }).bytes.len();
    assert_eq!((of(0), of(2 << 20)), (1 << 20, 2 << 20));
}

#[test]
fn nothing_that_was_captured_prints() {
    let mut ring = FrameRing::with_bytes(4_096);
    ring.push(&frame(1, b"hunter2"), ends(1));
    let excerpt = ring.excerpt(&request(1, None)).unwrap();
    // As a list of numbers.
    let bytes = b"hunter2".map(|byte| byte.to_string()).join(", ");
    for printed in [format!("{ring:?}"), format!("{excerpt:?}")] {
        let shown = printed.contains("hunter2") || printed.contains(&bytes);
        assert!(!shown, "{printed}");
    }
}

/// A frame to push.
#[derive(Clone, Debug)]
struct Push {
    nanos: u64,
    client: u8,
    link_type: LinkType,
    snapped: u32,
    bytes: Vec<u8>,
}

fn push() -> impl Strategy<Value = Push> {
    let length = prop_oneof![4 => 0..120usize, 2 => 120..600usize, 1 => Just(0usize)];
    let bytes = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    let link = prop_oneof![9 => Just(LinkType::Ethernet), 1 => Just(LinkType::RawIp)];
    (0..5_000u64, 0..3u8, link, 0..3u32, bytes).prop_map(
        |(nanos, client, link_type, snapped, bytes)| Push {
            nanos,
            client,
            link_type,
            snapped,
            bytes,
        },
    )
}

/// The ring as anybody would write it.
fn naive(pushes: &[Push], ring_bytes: usize) -> (VecDeque<&Push>, u64) {
    let mut held: VecDeque<&Push> = VecDeque::new();
    let mut too_large = 0;
    for push in pushes {
        if push.bytes.len() > ring_bytes / 4 {
            too_large += 1;
            continue;
        }
        held.push_back(push);
        while held.iter().map(|one| one.bytes.len()).sum::<usize>() > ring_bytes
            || held.len() > ring_bytes.div_ceil(256)
        {
            held.pop_front();
        }
    }
    (held, too_large)
}

/// The frames of the file as anybody would choose them, and how many are left out by size and by
/// link type. Frames here are smaller than a file: none is cut.
fn naive_excerpt(held: &VecDeque<&Push>, request: &Request) -> Option<(Vec<Push>, u64, u64)> {
    let from = request.from().map_or(0, Timestamp::nanos);
    let wanted: Vec<&Push> = held
        .iter()
        .copied()
        .filter(|push| push.nanos >= from && request.addresses().contains(&address(push.client)))
        .collect();
    let link_type = wanted.last()?.link_type;
    let same: Vec<&Push> =
        wanted.iter().copied().filter(|push| push.link_type == link_type).collect();
    let size = |pushes: &[&Push]| {
        HEADER_BYTES + pushes.iter().map(|one| RECORD_BYTES + one.bytes.len()).sum::<usize>()
    };
    let first = (0..same.len()).find(|at| size(&same[*at..]) <= 4_096)?;
    let mut chosen: Vec<Push> = same[first..].iter().copied().cloned().collect();
    chosen.sort_by_key(|push| push.nanos);
    Some((chosen, first as u64, (wanted.len() - same.len()) as u64))
}

proptest! {
    #[test]
    fn a_ring_answers_as_the_naive_one_does(
        pushes in prop::collection::vec(push(), 0..200),
        ring_bytes in 64..9_000usize,
        from in prop::option::of(0..5_000u64),
    ) {
        let mut ring = FrameRing::with_bytes(ring_bytes);
        let places = ring.entries.capacity();
        for push in &pushes {
            let wire_bytes = u32::try_from(push.bytes.len()).unwrap() + push.snapped;
            let link_type = push.link_type;
            ring.push(
                &Frame { wire_bytes, link_type, ..frame(push.nanos, &push.bytes) },
                ends(push.client),
            );
            let counts = ring.counts();
            prop_assert!(counts.bytes_held <= ring_bytes as u64);
            prop_assert_eq!(counts.pushed, counts.held + counts.dropped);
        }
        prop_assert_eq!((ring.bytes.len(), ring.entries.capacity()), (ring_bytes, places));
        let (held, too_large) = naive(&pushes, ring_bytes);
        prop_assert_eq!((ring.counts().held, ring.counts().too_large), (held.len() as u64, too_large));

        let request = Request::new(
            ID,
            &[address(0), address(1)],
            from.map(Timestamp::from_nanos),
            4_096,
        ).unwrap();
        let excerpt = ring.excerpt(&request);
        let expected = naive_excerpt(&held, &request);
        prop_assert_eq!(excerpt.is_some(), expected.is_some());
        if let (Some(excerpt), Some((chosen, size, link_type))) = (excerpt, expected) {
            prop_assert!(excerpt.bytes().len() as u64 <= request.bytes_max());
            prop_assert_eq!(excerpt.left_out(), LeftOut { size, link_type, cut: 0 });
            prop_assert_eq!(excerpt.frames(), chosen.len() as u64);
            let (number, frames) = read(excerpt.bytes());
            prop_assert_eq!(number, if chosen[0].link_type == LinkType::RawIp { 101 } else { 1 });
            let chosen: Vec<Read> = chosen.iter().map(|push| Read {
                seconds: 0,
                nanos: u32::try_from(push.nanos).unwrap(),
                wire_bytes: u32::try_from(push.bytes.len()).unwrap() + push.snapped,
                bytes: push.bytes.clone(),
            }).collect();
            prop_assert_eq!(frames, chosen);
        }
    }
}
