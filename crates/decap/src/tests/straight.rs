//! The straight way through a plain frame finds what the layers find.

use proptest::prelude::*;
use tapline_model::{DecapStats, Segment};

use super::*;

/// Frames that are plain, or nearly.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..40);
    let words = prop_oneof![4 => Just(5u8), 2 => 6u8..=15, 1 => 0u8..5];
    let flags = prop_oneof![4 => Just(0x4000u16), 2 => Just(0), 1 => any::<u16>()];
    (payload, words, flags, any::<[u8; 40]>(), 0usize..8).prop_map(
        |(payload, words, flags, options, padding)| {
            let mut segment = wire::tcp(&[]);
            segment[12] = words << 4;
            segment.extend(&options[..usize::from(words.saturating_sub(5)) * 4]);
            segment.extend(&payload);
            let mut frame = wire::ethernet(0x0800, &wire::ipv4_with(1, flags, 6, &segment));
            frame.extend(vec![0; padding]);
            frame
        },
    )
}

/// All that a frame led to.
fn outcome(
    config: &Config,
    frames: &[Vec<u8>],
    way: impl Fn(&mut Decap, &Frame<'_>, &mut dyn FnMut(Segment<'_>)) -> Option<Left>,
) -> (Vec<String>, Vec<Option<Left>>, DecapStats) {
    let mut decap = Decap::new(config.clone(), &Key::fixed());
    let mut segments = Vec::new();
    let mut lefts = Vec::new();
    for bytes in frames {
        let frame = Frame {
            captured_at: Timestamp::from_seconds(9),
            link_type: LinkType::Ethernet,
            wire_bytes: u32::try_from(bytes.len() + 3).unwrap(),
            bytes,
            source: SourceId(3),
        };
        lefts.push(way(&mut decap, &frame, &mut |segment| {
            let Segment { payload, network, wire_bytes, capture_source, .. } = segment;
            segments
                .push(format!("{segment:?} {payload:?} {network} {wire_bytes} {capture_source:?}"));
        }));
    }
    (segments, lefts, decap.stats())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn both_ways_give_the_same(
        frames in prop::collection::vec(
            (
                frame(),
                prop::collection::vec((0usize..70, any::<u8>()), 0..3),
                prop::option::weighted(0.3, any::<prop::sample::Index>()),
            ),
            1..4,
        ),
        is_own in any::<bool>(),
        overlapping_networks in any::<bool>(),
    ) {
        let own_sockets = if is_own { vec!["10.0.0.2:80".parse().unwrap()] } else { Vec::new() };
        let config = Config { own_sockets, overlapping_networks, ..Config::default() };
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(mut bytes, flips, cut)| {
                for (at, value) in flips {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = value;
                    }
                }
                if let Some(cut) = cut {
                    bytes.truncate(cut.index(bytes.len() + 1));
                }
                bytes
            })
            .collect();
        // Time and again the same frame, so that some are repeated.
        let frames = [frames.clone(), frames].concat();
        let straight = outcome(&config, &frames, |decap, frame, mut sink| decap.take(frame, &mut sink));
        let layered =
            outcome(&config, &frames, |decap, frame, mut sink| decap.take_layered(frame, &mut sink));
        prop_assert_eq!(straight, layered);
    }

    #[test]
    fn most_of_these_frames_are_plain(frame in frame()) {
        let given = Frame {
            captured_at: Timestamp::from_seconds(9),
            link_type: LinkType::Ethernet,
            wire_bytes: 60,
            bytes: &frame,
            source: SourceId(3),
        };
        let is_fragment = !matches!(frame[20..22], [0 | 0x40 | 0x80 | 0xc0, 0]);
        let is_whole = !is_fragment && frame[46] >> 4 >= 5;
        prop_assert_eq!(crate::plain::Plain::of(&given).is_some(), is_whole);
    }
}
