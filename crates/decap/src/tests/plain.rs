//! Packets in nothing but a link layer.

use etherparse::{
    IpHeaders, IpNumber, Ipv4Header, Ipv6Extensions, Ipv6Header, Ipv6RawExtHeader, TcpHeader,
};
use tapline_model::TcpFlags;

use super::*;

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

pub(super) fn ipv4(change: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
    let transport = transport(PAYLOAD);
    let length = u16::try_from(transport.len()).unwrap();
    let mut header =
        Ipv4Header::new(length, 64, IpNumber::TCP, [10, 0, 0, 1], [10, 0, 0, 2]).unwrap();
    change(&mut header);
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(transport);
    bytes
}

pub(super) fn ipv6(extensions: Ipv6Extensions, change: impl FnOnce(&mut Ipv6Header)) -> Vec<u8> {
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

pub(super) fn extension(next_header: IpNumber) -> Ipv6RawExtHeader {
    Ipv6RawExtHeader::new_raw(next_header, &[0; 6]).unwrap()
}

#[track_caller]
fn check(bytes: &[u8], expected: Result<(&[u8], u32), IgnoreReason>) {
    let outcome = Bench::new(Config::default()).ip(bytes);
    let expected = match expected {
        Ok((payload, wire)) => Outcome::Segment(payload.to_vec(), wire, 0),
        Err(reason) => Outcome::Ignored(reason),
    };
    assert_eq!(outcome, expected);
}

#[test]
fn a_segment_carries_every_field_of_its_packet() {
    let packet = ipv4(|_| ());
    let mut decap = Decap::new(Config::default(), &Key::fixed());
    let mut count = 0;
    let frame = Frame {
        captured_at: Timestamp::from_seconds(9),
        link_type: LinkType::Ipv4,
        wire_bytes: 56,
        bytes: &packet,
        source: SourceId(3),
    };
    decap.push(&frame, &mut |segment: Segment<'_>| {
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
    let outcome = Bench::new(Config::default()).push(LinkType::RawIp, &packet[..50], packet.len());
    assert_eq!(outcome, Outcome::Segment(PAYLOAD[..10].to_vec(), 16, 0));
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
    for protocol in [IpNumber::UDP, IpNumber::ICMP, IpNumber::SCTP] {
        check(&to(protocol), Err(IgnoreReason::NotTcp));
    }
}

#[test]
fn a_version_that_contradicts_the_link_layer_is_malformed() {
    let packet = ipv4(|_| ());
    let outcome = Bench::new(Config::default()).push(LinkType::Ipv6, &packet, packet.len());
    assert_eq!(outcome, Outcome::Ignored(IgnoreReason::Malformed));
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
        let outcome = Bench::new(Config { own_sockets, ..Config::default() }).ip(&packet);
        let expected = if is_own { Outcome::Ignored(IgnoreReason::OwnTraffic) } else { whole() };
        assert_eq!(outcome, expected, "{own}");
    }
}

#[test]
fn a_super_frame_is_longer_than_any_packet() {
    let payload = vec![7; 80_000];
    let mut packet = ipv4(|header| header.total_len = 0);
    packet.truncate(40);
    packet.extend(&payload);
    assert_eq!(Bench::new(Config::default()).ip(&packet), Outcome::Segment(payload, 80_000, 0));
}

#[test]
fn a_wrong_checksum_is_no_reason_to_leave_a_packet_out() {
    for (offset, packet) in
        [(10, ipv4(|_| ())), (36, ipv4(|_| ())), (56, ipv6(Ipv6Extensions::default(), |_| ()))]
    {
        let mut packet = packet;
        packet[offset..offset + 2].copy_from_slice(&[0xde, 0xad]);
        check(&packet, Ok((PAYLOAD, 16)));
    }
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut ack = wire::ipv4(6, &wire::tcp(&[]));
    ack.extend([0; 6]);
    let outcome = Bench::new(Config::default()).ethernet(&wire::ethernet(0x0800, &ack));
    assert_eq!(outcome, Outcome::Segment(Vec::new(), 0, 0));
}
