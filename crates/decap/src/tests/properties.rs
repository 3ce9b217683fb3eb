//! Whatever comes: no panic, and the books balance.

use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, Ipv6Extensions};
use proptest::prelude::*;

use super::plain::{extension, ipv4, ipv6};
use super::*;

const LINK_TYPES: [u16; 9] = [0, 1, 101, 108, 113, 228, 229, 276, 147];

fn packet() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), 0u8..4).prop_map(|(is_ipv4, extensions)| {
        if is_ipv4 {
            return ipv4(|_| ());
        }
        let some = |bit: u8| (extensions & bit != 0).then(|| extension(IpNumber::TCP));
        let extensions = Ipv6Extensions {
            hop_by_hop_options: some(1),
            destination_options: some(2),
            ..Ipv6Extensions::default()
        };
        ipv6(extensions, |_| ())
    })
}

/// A frame wrapped a few times over, perhaps a fragment of something.
fn wrapped() -> impl Strategy<Value = Vec<u8>> {
    let inner = prop_oneof![
        Just(wire::frame4()),
        (0u16..4, 0usize..3).prop_map(|(id, index)| {
            let packet = wire::ipv4_with(id, 0, 6, &wire::tcp(PAYLOAD));
            wire::ethernet(0x0800, &wire::fragments4(&packet, 16)[index])
        }),
        (0u32..4, 0usize..2).prop_map(|(id, index)| {
            let fragment = &wire::fragments6(id, 6, &wire::tcp(PAYLOAD), 24)[index];
            wire::ethernet(0x86dd, fragment)
        }),
    ];
    inner.prop_recursive(6, 12, 1, |inner| {
        (inner, 0u8..8, 0u16..4).prop_map(|(inner, kind, id)| wrap(&inner, kind, id))
    })
}

fn wrap(inner: &[u8], kind: u8, id: u16) -> Vec<u8> {
    let ip = |protocol, payload: &[u8]| {
        wire::ethernet(0x0800, &wire::ipv4_with(id, 0, protocol, payload))
    };
    match kind {
        0 => ip(17, &wire::udp(4789, &wire::vxlan(3, inner))),
        1 => ip(17, &wire::udp(6081, &wire::geneve(4, &[0; 8], 0x6558, inner))),
        2 => ip(47, &wire::gre(0x2000, 0x6558, &[0, 0, 0, 1], inner)),
        3 => ip(47, &wire::gre(0x1000, 0x88be, &[0, 0, 0, 1, 16, 1, 0, 0, 0, 0, 0, 0], inner)),
        4 => wire::ethernet(0x8847, &wire::join(&[&[0, 1, 1, 64], inner])),
        5 => wire::ethernet(0x8100, &wire::tag(5, 0x0800, &inner[14..])),
        6 => ip(4, &inner[14..]),
        // Fragments of the outer packet; only the first is kept.
        _ => {
            let outer = wire::ipv4_with(id, 0, 17, &wire::udp(4789, &wire::vxlan(3, inner)));
            wire::ethernet(0x0800, &wire::fragments4(&outer, 24)[0])
        }
    }
}

fn small() -> Config {
    Config {
        fragments_max: 5,
        fragment_bytes_max: 2_000,
        fragment_timeout_seconds: 1,
        nesting_max: 4,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_balance(
        bytes in prop::collection::vec(any::<u8>(), 0..160),
        link in prop::sample::select(LINK_TYPES.as_slice()),
        wire_bytes in 0usize..2000,
    ) {
        // A wire length below the captured one is a lie of the source, and survived too.
        let outcome =
            Bench::new(Config::default()).push(LinkType::from_dlt(link), &bytes, wire_bytes);
        if let Outcome::Segment(payload, wire, _) = outcome {
            prop_assert!(u64::from(wire) >= payload.len() as u64);
        }
    }

    #[test]
    fn any_bytes_in_a_tunnel_balance(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        protocol in prop::sample::select([4u8, 17, 41, 47, 137].as_slice()),
        port in prop::sample::select([4789u16, 4790, 6081, 2152].as_slice()),
    ) {
        let payload = if protocol == 17 { wire::udp(port, &bytes) } else { bytes };
        Bench::new(Config::default()).ip(&wire::ipv4(protocol, &payload));
        Bench::new(Config::default()).ip(&wire::ipv6(protocol, &payload));
    }

    #[test]
    fn wrapped_frames_with_flipped_bytes_balance_at_every_moment(
        frames in prop::collection::vec(
            (
                wrapped(),
                prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
                any::<prop::sample::Index>(),
                0u64..400,
            ),
            1..40,
        ),
    ) {
        let mut bench = Bench::new(small());
        for (mut bytes, flips, cut, milliseconds) in frames {
            let wire_bytes = bytes.len();
            for (index, value) in flips {
                *index.get_mut(&mut bytes) = value;
            }
            // One in three is cut.
            if milliseconds % 3 == 0 {
                bytes.truncate(cut.index(wire_bytes + 1));
            }
            bench.later(milliseconds);
            if milliseconds % 7 == 0 {
                bench.decap.tick(bench.now);
                bench.balanced();
            }
            bench.push(LinkType::Ethernet, &bytes, wire_bytes);
            prop_assert!(bench.decap.stats().packets.held <= 5);
        }
        bench.decap.finish();
        bench.balanced();
        prop_assert_eq!(bench.decap.stats().packets.held, 0);
        prop_assert_eq!(bench.decap.stats().bytes.held, 0);
    }

    #[test]
    fn fragments_in_any_order_with_any_repeated_give_the_packet(
        payload in prop::collection::vec(any::<u8>(), 1..3000),
        size in 1usize..100,
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut fragments = wire::fragments4(&wire::ipv4_with(1, 0, 6, &wire::tcp(&payload)), size * 8);
        let mut seed = fragments.len();
        let mut shuffled = Vec::new();
        for index in order {
            shuffled.push(fragments[index.index(fragments.len())].clone());
        }
        while !fragments.is_empty() {
            seed = (seed * 31 + 7) % fragments.len();
            shuffled.push(fragments.swap_remove(seed));
        }
        let mut bench = Bench::new(Config::default());
        let outcomes: Vec<Outcome> =
            shuffled.iter().map(|fragment| bench.ip(fragment)).collect();
        let length = u32::try_from(payload.len()).unwrap();
        let segments = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Segment(..)));
        if shuffled.iter().collect::<std::collections::BTreeSet<_>>().len() <= 256 {
            prop_assert_eq!(segments.collect::<Vec<_>>(), [&Outcome::Segment(payload, length, 0)]);
            prop_assert_eq!(bench.decap.stats().packets.held, 0);
        }
    }

    #[test]
    fn a_packet_with_flipped_bytes_balances(
        packet in packet(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packet.clone();
        for (index, value) in flips {
            *index.get_mut(&mut bytes) = value;
        }
        bytes.truncate(cut.index(packet.len() + 1));
        let outcome = Bench::new(Config::default()).push(LinkType::RawIp, &bytes, packet.len());
        if let Outcome::Segment(payload, wire, _) = outcome {
            prop_assert!(u64::from(wire) >= payload.len() as u64);
        }
    }

    #[test]
    fn a_cut_packet_gives_the_start_of_its_payload_or_is_malformed(
        packet in packet(),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = &packet[..=cut.index(packet.len())];
        match Bench::new(Config::default()).push(LinkType::RawIp, bytes, packet.len()) {
            Outcome::Segment(payload, wire, _) => {
                prop_assert!(PAYLOAD.starts_with(&payload));
                prop_assert_eq!(wire, 16);
            }
            outcome => prop_assert_eq!(outcome, Outcome::Ignored(IgnoreReason::Malformed)),
        }
    }

    #[test]
    fn an_address_survives(address in any::<[u8; 16]>(), port in any::<u16>()) {
        let mut bytes = ipv6(Ipv6Extensions::default(), |header| header.source = address);
        bytes[40..42].copy_from_slice(&port.to_be_bytes());
        let mut decap = Decap::new(Config::default(), &Key::fixed());
        let mut seen = None;
        let frame = Frame {
            captured_at: Timestamp::ZERO,
            link_type: LinkType::RawIp,
            wire_bytes: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
            source: SourceId(0),
        };
        decap.push(&frame, &mut |segment: Segment<'_>| seen = Some(segment.source));
        prop_assert_eq!(seen, Some(SocketAddr::new(IpAddr::from(address), port)));
    }
}
