//! The stage: one frame in, at most one segment out, both entered in the books.

use std::net::SocketAddr;

use tapline_model::{DecapStats, Frame, IgnoreReason, Segment};

use crate::Config;
use crate::link::{self, Carried};
use crate::packet::{self, TcpPacket};

/// Turns frames into TCP segments. Holds nothing, allocates nothing.
#[derive(Debug)]
pub struct Decap {
    config: Config,
    stats: DecapStats,
}

impl Decap {
    /// A stage that has seen nothing.
    pub fn new(config: Config) -> Self {
        Self { config, stats: DecapStats::default() }
    }

    /// Takes one frame; `sink` gets its segment, if it carries one.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut impl FnMut(Segment<'_>)) {
        let wire_bytes = u64::from(frame.wire_bytes);
        self.stats.packets.received += 1;
        self.stats.bytes.received += wire_bytes;
        match self.read(frame) {
            Ok(segment) => {
                self.stats.packets.processed += 1;
                self.stats.bytes.processed += wire_bytes;
                if segment.source.is_ipv4() {
                    self.stats.ipv4_segments += 1;
                } else {
                    self.stats.ipv6_segments += 1;
                }
                sink(segment);
            }
            Err(reason) => {
                self.stats.packets.ignore(reason, 1);
                self.stats.bytes.ignore(reason, wire_bytes);
            }
        }
    }

    /// Totals since start.
    pub fn stats(&self) -> DecapStats {
        self.stats
    }

    fn read<'a>(&mut self, frame: &Frame<'a>) -> Result<Segment<'a>, IgnoreReason> {
        let carried = link::strip(frame.link_type, frame.bytes)?;
        self.stats.vlan_frames += u64::from(carried.is_tagged);
        let packet = packet::read(&carried, packet_wire_bytes(frame, &carried))?;
        if self.is_own(packet.source) || self.is_own(packet.destination) {
            return Err(IgnoreReason::OwnTraffic);
        }
        let network = if self.config.overlapping_networks { carried.vlan_id.into() } else { 0 };
        Ok(segment(frame, &packet, network))
    }

    /// Whether a socket is the sensor's own. A listener on the unspecified address listens on every
    /// address, so for it the port decides.
    fn is_own(&self, socket: SocketAddr) -> bool {
        self.config.own_sockets.iter().any(|own| {
            own.port() == socket.port() && (own.ip() == socket.ip() || own.ip().is_unspecified())
        })
    }
}

/// How much of the frame was on the wire from the start of its IP packet.
fn packet_wire_bytes(frame: &Frame<'_>, carried: &Carried<'_>) -> usize {
    let link_bytes = frame.bytes.len() - carried.bytes.len();
    usize::try_from(frame.wire_bytes).unwrap_or(usize::MAX).saturating_sub(link_bytes)
}

fn segment<'a>(frame: &Frame<'_>, packet: &TcpPacket<'a>, network: u32) -> Segment<'a> {
    Segment {
        captured_at: frame.captured_at,
        capture_source: frame.source,
        source: packet.source,
        destination: packet.destination,
        network,
        sequence: packet.sequence,
        acknowledgement: packet.acknowledgement,
        flags: packet.flags,
        payload: packet.payload,
        wire_payload_bytes: packet.wire_payload_bytes,
        wire_bytes: frame.wire_bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use etherparse::{
        IpFragOffset, IpHeaders, IpNumber, Ipv4Header, Ipv6Extensions, Ipv6FragmentHeader,
        Ipv6Header, Ipv6RawExtHeader, TcpHeader,
    };
    use tapline_model::{LinkType, SourceId, TcpFlags, Timestamp};

    use super::*;

    const PAYLOAD: &[u8] = b"GET / HTTP/1.1\r\n";

    fn tcp() -> TcpHeader {
        let mut tcp = TcpHeader::new(40_000, 80, 0x1122_3344, 512);
        tcp.acknowledgment_number = 0x5566_7788;
        tcp.ack = true;
        tcp.psh = true;
        tcp
    }

    fn transport(payload: &[u8]) -> Vec<u8> {
        let mut bytes = tcp().to_bytes().to_vec();
        bytes.extend(payload);
        bytes
    }

    fn ipv4(change: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
        let transport = transport(PAYLOAD);
        let length = u16::try_from(transport.len()).unwrap();
        let mut header =
            Ipv4Header::new(length, 64, IpNumber::TCP, [10, 0, 0, 1], [10, 0, 0, 2]).unwrap();
        change(&mut header);
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(transport);
        bytes
    }

    fn ipv6(extensions: Ipv6Extensions, change: impl FnOnce(&mut Ipv6Header)) -> Vec<u8> {
        let transport = transport(PAYLOAD);
        let header = Ipv6Header {
            hop_limit: 64,
            source: [0xfd; 16],
            destination: [0xfe; 16],
            ..Ipv6Header::default()
        };
        let mut headers = IpHeaders::Ipv6(header, extensions);
        headers.set_next_headers(IpNumber::TCP);
        headers.set_payload_len(transport.len()).unwrap();
        if let IpHeaders::Ipv6(header, _) = &mut headers {
            change(header);
        }
        let mut bytes = Vec::new();
        headers.write(&mut bytes).unwrap();
        bytes.extend(transport);
        bytes
    }

    fn extension(next_header: IpNumber) -> Ipv6RawExtHeader {
        Ipv6RawExtHeader::new_raw(next_header, &[0; 6]).unwrap()
    }

    fn frame(link_type: LinkType, bytes: &[u8], wire_bytes: usize) -> Frame<'_> {
        Frame {
            captured_at: Timestamp::from_seconds(9),
            link_type,
            wire_bytes: u32::try_from(wire_bytes).unwrap(),
            bytes,
            source: SourceId(3),
        }
    }

    /// What becomes of one frame: payload captured and on the wire, or the reason it was ignored.
    fn outcome(decap: &mut Decap, frame: &Frame<'_>) -> Result<(Vec<u8>, u32), IgnoreReason> {
        let before = decap.stats();
        let mut segments = Vec::new();
        decap.push(frame, &mut |segment| {
            segments.push((segment.payload.to_vec(), segment.wire_payload_bytes));
        });
        let stats = decap.stats();
        assert!(stats.packets.is_balanced() && stats.bytes.is_balanced());
        assert_eq!(stats.packets.received, before.packets.received + 1);
        assert_eq!(stats.bytes.received, before.bytes.received + u64::from(frame.wire_bytes));
        segments.pop().ok_or_else(|| {
            *IgnoreReason::ALL
                .iter()
                .find(|&&reason| {
                    let index = reason as usize;
                    stats.packets.ignored[index] > before.packets.ignored[index]
                })
                .expect("a frame without a segment is ignored")
        })
    }

    fn check(bytes: &[u8], expected: Result<(&[u8], u32), IgnoreReason>) {
        let mut decap = Decap::new(Config::default());
        let outcome = outcome(&mut decap, &frame(LinkType::RawIp, bytes, bytes.len()));
        assert_eq!(outcome, expected.map(|(payload, wire)| (payload.to_vec(), wire)));
    }

    #[test]
    fn a_segment_carries_every_field_of_its_packet() {
        let packet = ipv4(|_| ());
        let mut decap = Decap::new(Config::default());
        let mut count = 0;
        decap.push(&frame(LinkType::Ipv4, &packet, packet.len()), &mut |segment| {
            count += 1;
            assert_eq!(segment.captured_at, Timestamp::from_seconds(9));
            assert_eq!(segment.capture_source, SourceId(3));
            assert_eq!(segment.source, "10.0.0.1:40000".parse().unwrap());
            assert_eq!(segment.destination, "10.0.0.2:80".parse().unwrap());
            assert_eq!((segment.sequence, segment.acknowledgement), (0x1122_3344, 0x5566_7788));
            assert_eq!(segment.flags, TcpFlags(TcpFlags::ACK | TcpFlags::PSH));
            assert_eq!(segment.payload, PAYLOAD);
            assert_eq!((segment.wire_payload_bytes, segment.network), (16, 0));
            assert_eq!(segment.wire_bytes, 56);
        });
        assert_eq!((count, decap.stats().ipv4_segments), (1, 1));
    }

    #[test]
    fn ipv4_options_are_passed_over() {
        check(
            &ipv4(|header| {
                header.options = [1, 1, 1, 0].into();
                header.set_payload_len(20 + PAYLOAD.len()).unwrap();
            }),
            Ok((PAYLOAD, 16)),
        );
    }

    #[test]
    fn padding_after_the_packet_is_trimmed() {
        let mut packet = ipv4(|_| ());
        packet.extend([0; 9]);
        check(&packet, Ok((PAYLOAD, 16)));
    }

    #[test]
    fn a_total_length_of_zero_means_the_whole_frame() {
        check(&ipv4(|header| header.total_len = 0), Ok((PAYLOAD, 16)));
        let packet = ipv6(Ipv6Extensions::default(), |header| header.payload_length = 0);
        check(&packet, Ok((PAYLOAD, 16)));
    }

    #[test]
    fn a_total_length_below_the_header_is_malformed() {
        check(&ipv4(|header| header.total_len = 19), Err(IgnoreReason::Malformed));
    }

    #[test]
    fn a_snapped_frame_keeps_its_length_on_the_wire() {
        for packet in [ipv4(|_| ()), ipv6(Ipv6Extensions::default(), |_| ())] {
            check(&packet[..packet.len() - 10], Ok((&PAYLOAD[..6], 16)));
        }
        let packet = ipv4(|header| header.total_len = 0);
        let mut decap = Decap::new(Config::default());
        let snapped = frame(LinkType::RawIp, &packet[..50], packet.len());
        assert_eq!(outcome(&mut decap, &snapped), Ok((PAYLOAD[..10].to_vec(), 16)));
    }

    #[test]
    fn a_cut_tcp_header_is_malformed() {
        check(&ipv4(|_| ())[..39], Err(IgnoreReason::Malformed));
        check(&ipv4(|_| ())[..19], Err(IgnoreReason::Malformed));
        let mut short_offset = ipv4(|_| ());
        short_offset[32] = 0x40;
        check(&short_offset, Err(IgnoreReason::Malformed));
        let mut long_offset = ipv4(|header| header.total_len = 50);
        long_offset[32] = 0xf0;
        check(&long_offset, Err(IgnoreReason::Malformed));
    }

    #[test]
    fn fragments_are_ignored_whatever_they_carry() {
        let first = |header: &mut Ipv4Header| header.more_fragments = true;
        check(&ipv4(first), Err(IgnoreReason::Fragment));
        let last = |header: &mut Ipv4Header| {
            header.fragment_offset = IpFragOffset::try_new(8).unwrap();
            header.protocol = IpNumber::UDP;
        };
        check(&ipv4(last), Err(IgnoreReason::Fragment));
        let fragment = Ipv6FragmentHeader {
            next_header: IpNumber::TCP,
            fragment_offset: IpFragOffset::ZERO,
            more_fragments: true,
            identification: 7,
        };
        let extensions =
            Ipv6Extensions { fragment: Some(fragment.clone()), ..Ipv6Extensions::default() };
        check(&ipv6(extensions, |_| ()), Err(IgnoreReason::Fragment));
        let atomic = Ipv6FragmentHeader { more_fragments: false, ..fragment };
        let extensions = Ipv6Extensions { fragment: Some(atomic), ..Ipv6Extensions::default() };
        check(&ipv6(extensions, |_| ()), Ok((PAYLOAD, 16)));
    }

    #[test]
    fn ipv6_extension_headers_are_passed_over() {
        let extensions = Ipv6Extensions {
            hop_by_hop_options: Some(extension(IpNumber::TCP)),
            destination_options: Some(extension(IpNumber::TCP)),
            routing: Some(etherparse::Ipv6RoutingExtensions {
                routing: extension(IpNumber::TCP),
                final_destination_options: None,
            }),
            auth: Some(etherparse::IpAuthHeader::new(IpNumber::TCP, 1, 2, &[0; 8]).unwrap()),
            fragment: None,
        };
        let packet = ipv6(extensions, |_| ());
        check(&packet, Ok((PAYLOAD, 16)));
        check(&packet[..packet.len() - 3], Ok((&PAYLOAD[..13], 16)));
        check(&packet[..44], Err(IgnoreReason::Malformed));
    }

    #[test]
    fn other_transports_are_not_tcp() {
        let to = |protocol| ipv4(move |header: &mut Ipv4Header| header.protocol = protocol);
        for protocol in [IpNumber::UDP, IpNumber::ICMP, IpNumber::SCTP, IpNumber::GRE] {
            check(&to(protocol), Err(IgnoreReason::NotTcp));
        }
    }

    #[test]
    fn a_version_that_contradicts_the_link_layer_is_malformed() {
        let packet = ipv4(|_| ());
        let mut decap = Decap::new(Config::default());
        let frame = frame(LinkType::Ipv6, &packet, packet.len());
        assert_eq!(outcome(&mut decap, &frame), Err(IgnoreReason::Malformed));
    }

    #[test]
    fn the_sensors_own_sockets_are_ignored_in_both_directions() {
        let packet = ipv4(|_| ());
        for (own, is_own) in [
            ("10.0.0.1:40000", true),
            ("10.0.0.2:80", true),
            ("0.0.0.0:80", true),
            ("10.0.0.3:80", false),
            ("10.0.0.2:81", false),
        ] {
            let own_sockets = vec![own.parse().unwrap()];
            let mut decap = Decap::new(Config { own_sockets, ..Config::default() });
            let outcome = outcome(&mut decap, &frame(LinkType::RawIp, &packet, packet.len()));
            assert_eq!(outcome.err(), is_own.then_some(IgnoreReason::OwnTraffic), "{own}");
        }
    }

    #[test]
    fn the_vlan_joins_the_flow_key_only_when_networks_overlap() {
        let mut tagged = vec![2; 12];
        tagged.extend([0x81, 0, 0, 42, 8, 0]);
        tagged.extend(ipv4(|_| ()));
        for (overlapping_networks, network) in [(false, 0), (true, 42)] {
            let config = Config { overlapping_networks, ..Config::default() };
            let mut decap = Decap::new(config);
            let mut seen = None;
            let frame = frame(LinkType::Ethernet, &tagged, tagged.len());
            decap.push(&frame, &mut |segment| seen = Some(segment.network));
            assert_eq!((seen, decap.stats().vlan_frames), (Some(network), 1));
        }
    }

    mod properties {
        use proptest::prelude::*;

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

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(256))]

            #[test]
            fn any_bytes_balance(
                bytes in prop::collection::vec(any::<u8>(), 0..160),
                link in prop::sample::select(LINK_TYPES.as_slice()),
                wire_bytes in 0usize..2000,
            ) {
                let mut decap = Decap::new(Config::default());
                // A wire length below the captured one is a lie of the source, and survived too.
                let frame = frame(LinkType::from_dlt(link), &bytes, wire_bytes);
                if let Ok((payload, wire)) = outcome(&mut decap, &frame) {
                    prop_assert!(u64::from(wire) >= payload.len() as u64);
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
                let mut decap = Decap::new(Config::default());
                let wire_bytes = packet.len();
                let frame = frame(LinkType::RawIp, &bytes, wire_bytes);
                if let Ok((payload, wire)) = outcome(&mut decap, &frame) {
                    prop_assert!(u64::from(wire) >= payload.len() as u64);
                }
            }

            #[test]
            fn a_cut_packet_gives_the_start_of_its_payload_or_is_malformed(
                packet in packet(),
                cut in any::<prop::sample::Index>(),
            ) {
                let bytes = &packet[..=cut.index(packet.len())];
                let mut decap = Decap::new(Config::default());
                match outcome(&mut decap, &frame(LinkType::RawIp, bytes, packet.len())) {
                    Ok((payload, wire)) => {
                        prop_assert!(PAYLOAD.starts_with(&payload));
                        prop_assert_eq!(wire, 16);
                    }
                    Err(reason) => prop_assert_eq!(reason, IgnoreReason::Malformed),
                }
            }

            #[test]
            fn an_address_survives(address in any::<[u8; 16]>(), port in any::<u16>()) {
                let packet = ipv6(Ipv6Extensions::default(), |header| header.source = address);
                let mut bytes = packet.clone();
                bytes[40..42].copy_from_slice(&port.to_be_bytes());
                let mut decap = Decap::new(Config::default());
                let mut seen = None;
                let frame = frame(LinkType::RawIp, &bytes, bytes.len());
                decap.push(&frame, &mut |segment| seen = Some(segment.source));
                prop_assert_eq!(seen, Some(SocketAddr::new(IpAddr::from(address), port)));
            }
        }
    }
}
