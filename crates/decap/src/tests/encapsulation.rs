//! One packet in every wrapping.

use tapline_model::{Encapsulation, IgnoreReason};

use super::wire::*;
use super::*;

/// The packet is found in an IP packet of this protocol, in both versions, in the right network, and
/// the frame counts for the encapsulations named.
#[track_caller]
fn check(protocol: u8, payload: &[u8], network: u32, kinds: &[Encapsulation]) {
    for packet in [ipv4(protocol, payload), ipv6(protocol, payload)] {
        check_frame(
            &ethernet(if packet[0] == 0x45 { 0x0800 } else { 0x86dd }, &packet),
            network,
            kinds,
        );
    }
}

#[track_caller]
fn check_frame(frame: &[u8], network: u32, kinds: &[Encapsulation]) {
    let mut bench = Bench::new(overlapping());
    assert_eq!(bench.ethernet(frame), in_network(network));
    assert_eq!(Bench::new(Config::default()).ethernet(frame), whole());
    let counted = Encapsulation::ALL.iter().zip(bench.decap.stats().encapsulations);
    let counted: Vec<Encapsulation> =
        counted.filter(|(_, count)| *count > 0).map(|(&kind, _)| kind).collect();
    assert_eq!(counted, kinds);
    // Cut anywhere, it is less of a segment, or none.
    for length in 0..frame.len() {
        if let Outcome::Segment(payload, wire, _) =
            Bench::new(Config::default()).push(LinkType::Ethernet, &frame[..length], frame.len())
        {
            assert!(PAYLOAD.starts_with(&payload) && wire == 16, "cut at {length}");
        }
    }
}

#[track_caller]
fn check_ignored(packet: &[u8], reason: IgnoreReason) {
    assert_eq!(Bench::new(Config::default()).ip(packet), Outcome::Ignored(reason));
}

#[test]
fn vlan_tags_name_the_innermost_network() {
    use Encapsulation::Vlan;
    check_frame(&ethernet(0x8100, &tag(42, 0x0800, &packet4())), 42, &[Vlan]);
    let stacked = tag(7, 0x8100, &tag(0xe009, 0x86dd, &packet6()));
    check_frame(&ethernet(0x88a8, &stacked), 9, &[Vlan]);
    check_frame(&ethernet(0x9100, &stacked), 9, &[Vlan]);
    // A tag for priority alone names no VLAN.
    check_frame(&ethernet(0x8100, &tag(5, 0x8100, &tag(0xe000, 0x0800, &packet4()))), 5, &[Vlan]);
}

#[test]
fn nesting_has_a_bound() {
    for nesting_max in [1, 8, 32] {
        let mut inner = (0x0800, packet4());
        for _ in 0..nesting_max {
            inner = (0x8100, tag(3, inner.0, &inner.1));
        }
        let mut bench = Bench::new(Config { nesting_max, ..Config::default() });
        assert_eq!(bench.ethernet(&ethernet(inner.0, &inner.1)), whole());
        let deeper = ethernet(0x8100, &tag(3, inner.0, &inner.1));
        assert_eq!(bench.ethernet(&deeper), Outcome::Ignored(IgnoreReason::TooDeep));
    }
}

#[test]
fn other_ether_types_are_not_ip() {
    for ether_type in [0x0806, 0x88cc, 0x8863, 0x0026, 0x6558] {
        let outcome = Bench::new(Config::default()).ethernet(&ethernet(ether_type, &packet4()));
        assert_eq!(outcome, Outcome::Ignored(IgnoreReason::NotIp), "{ether_type:04x}");
    }
}

#[test]
fn mpls_carries_ip_and_ethernet() {
    let label = |bottom: u8| [0, 1, 0x20 | bottom, 64];
    let stack = join(&[&label(0), &label(0), &label(1)]);
    let pseudowire = frame4();
    let mut looks_like_ip = frame4();
    looks_like_ip[0] = 0x45;
    for inner in [
        packet4(),
        packet6(),
        pseudowire.clone(),
        join(&[&[0, 0, 0, 7], &pseudowire]),
        looks_like_ip,
    ] {
        let labelled = join(&[&stack, &inner]);
        check_frame(&ethernet(0x8847, &labelled), 0, &[Encapsulation::Mpls]);
        check_frame(&ethernet(0x8848, &labelled), 0, &[Encapsulation::Mpls]);
        check(137, &labelled, 0, &[Encapsulation::Mpls]);
    }
    let endless = ethernet(0x8847, &label(0).repeat(40));
    let outcome = Bench::new(Config::default()).ethernet(&endless);
    assert_eq!(outcome, Outcome::Ignored(IgnoreReason::Malformed));
}

#[test]
fn pppoe_sessions_carry_ppp() {
    let session = |ppp: &[u8]| {
        let length = u16::try_from(ppp.len()).unwrap().to_be_bytes();
        // Padding behind it is no part of it.
        ethernet(0x8864, &join(&[&[0x11, 0, 0, 9], &length, ppp, &[0; 9]]))
    };
    for ppp in [
        join(&[&[0, 0x21], &packet4()]),
        join(&[&[0, 0x57], &packet6()]),
        join(&[&[0x21], &packet4()]),
        join(&[&[0xff, 3, 0, 0x57], &packet6()]),
    ] {
        check_frame(&session(&ppp), 0, &[Encapsulation::Pppoe]);
    }
    let lcp = session(&[0xc0, 0x21, 1, 1, 0, 4]);
    let outcome = Bench::new(Config::default()).ethernet(&lcp);
    assert_eq!(outcome, Outcome::Ignored(IgnoreReason::NotIp));
}

#[test]
fn gre_has_options_and_keys() {
    use Encapsulation::Gre;
    check(47, &gre(0, 0x0800, &[], &packet4()), 0, &[Gre]);
    check(47, &gre(0, 0x86dd, &[], &packet6()), 0, &[Gre]);
    check(47, &gre(0x8000, 0x0800, &[1; 4], &packet4()), 0, &[Gre]);
    check(
        47,
        &gre(0xb000, 0x0800, &[0, 0, 0, 0, 0, 0, 1, 2, 9, 9, 9, 9], &packet4()),
        0x102,
        &[Gre],
    );
    check(47, &gre(0, 0x6558, &[], &frame4()), 0, &[Gre]);
    check(47, &gre(0x2000, 0x6558, &[0, 0, 0, 5], &frame4()), 5, &[Gre]);
    // NVGRE: the last byte of the key tells flows apart, not subnets.
    check(47, &gre(0x2000, 0x6558, &[0x12, 0x34, 0x56, 0x99], &frame4()), 0x0012_3456, &[Gre]);
    // PPTP.
    let ppp = join(&[&[0xff, 3, 0, 0x21], &packet4()]);
    check(47, &gre(0x3081, 0x880b, &[0, 60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2], &ppp), 0, &[Gre]);
    check_ignored(&ipv4(47, &gre(0x4000, 0x0800, &[0; 8], &packet4())), IgnoreReason::NotTcp);
    check_ignored(&ipv4(47, &gre(2, 0x0800, &[], &packet4())), IgnoreReason::NotTcp);
    check_ignored(&ipv4(47, &gre(0, 0x9999, &[], &[])), IgnoreReason::NotIp);
}

#[test]
fn erspan_of_every_type_is_a_mirror() {
    use Encapsulation::{Erspan, Vlan};
    let sequence = [0, 0, 0, 1];
    check(47, &gre(0, 0x88be, &[], &frame4()), 0, &[Erspan]);
    let second = join(&[&sequence, &[0x10, 77, 0, 5, 0, 0, 0, 1]]);
    check(47, &gre(0x1000, 0x88be, &second, &frame4()), 77, &[Erspan]);
    let tagged = ethernet(0x8100, &tag(8, 0x0800, &packet4()));
    check(47, &gre(0x1000, 0x88be, &second, &tagged), 8, &[Vlan, Erspan]);
    let third = join(&[&sequence, &[0x20, 78, 0, 5], &[0; 6], &[0, 0]]);
    check(47, &gre(0x1000, 0x22eb, &third, &frame4()), 78, &[Erspan]);
    let with_subheader = join(&[&sequence, &[0x20, 78, 0, 5], &[0; 6], &[0, 1], &[0; 8]]);
    check(47, &gre(0x1000, 0x22eb, &with_subheader, &frame4()), 78, &[Erspan]);
    let of_ip = join(&[&sequence, &[0x20, 78, 0, 5], &[0; 6], &[2 << 2, 0]]);
    check(47, &gre(0x1000, 0x22eb, &of_ip, &packet6()), 78, &[Erspan]);
}

#[test]
fn vxlan_carries_ethernet_and_its_extension_more() {
    use Encapsulation::Vxlan;
    for port in [4789, 8472, 4790] {
        check(17, &udp(port, &vxlan(42, &frame4())), 42, &[Vxlan]);
    }
    for (next, inner) in [(1, packet4()), (2, packet6()), (3, frame4())] {
        let header = [0x0c, 0, 0, next, 0, 0, 7, 0];
        check(17, &udp(4790, &join(&[&header, &inner])), 7, &[Vxlan]);
    }
    check_ignored(&ipv4(17, &udp(4788, &vxlan(42, &frame4()))), IgnoreReason::NotTcp);
    check_ignored(&ipv4(17, &udp(8472, &[0; 64])), IgnoreReason::NotTcp);
    check_ignored(&ipv4(17, &udp(4789, &[8, 0, 0])), IgnoreReason::Malformed);
    let mut bench = Bench::new(Config { vxlan_ports: vec![9999], ..Config::default() });
    assert_eq!(bench.ip(&ipv4(17, &udp(9999, &vxlan(42, &frame4())))), whole());
}

#[test]
fn geneve_carries_ethernet_ip_and_vxlan() {
    use Encapsulation::{Geneve, Vxlan};
    check(17, &udp(6081, &geneve(9, &[], 0x6558, &frame4())), 9, &[Geneve]);
    let options = [1, 8, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 8, 2, 0];
    check(17, &udp(6081, &geneve(0, &options, 0x0800, &packet4())), 0, &[Geneve]);
    check(17, &udp(6081, &geneve(0, &options, 0x86dd, &packet6())), 0, &[Geneve]);
    let mirrored = ipv4(17, &udp(4789, &vxlan(5, &frame4())));
    check(17, &udp(6081, &geneve(0, &options, 0x0800, &mirrored)), 5, &[Vxlan, Geneve]);
    let mut control = geneve(9, &[], 0x6558, &frame4());
    control[1] = 0x80;
    check_ignored(&ipv4(17, &udp(6081, &control)), IgnoreReason::NotTcp);
    control[0] = 0x40;
    check_ignored(&ipv4(17, &udp(6081, &control)), IgnoreReason::NotTcp);
}

#[test]
fn gtp_u_has_extensions() {
    use Encapsulation::GtpU;
    let gtp = |flags: u8, options: &[u8], inner: &[u8]| {
        let length = u16::try_from(options.len() + inner.len()).unwrap().to_be_bytes();
        udp(2152, &join(&[&[flags, 255], &length, &[0, 0, 0, 7], options, inner]))
    };
    check(17, &gtp(0x30, &[], &packet4()), 0, &[GtpU]);
    check(17, &gtp(0x30, &[], &packet6()), 0, &[GtpU]);
    check(17, &gtp(0x32, &[0, 1, 0, 0], &packet4()), 0, &[GtpU]);
    // The PDU session container of 5G, and one of eight bytes behind it.
    let extensions = [0, 0, 0, 0x85, 1, 0x10, 9, 0x32, 2, 0, 0, 0, 0, 0, 0, 0];
    check(17, &gtp(0x34, &extensions, &packet4()), 0, &[GtpU]);
    let endless = gtp(0x34, &[0, 0, 0, 0x85, 0, 0, 0, 0], &packet4());
    check_ignored(&ipv4(17, &endless), IgnoreReason::Malformed);
    let mut echo = gtp(0x30, &[], &packet4());
    echo[9] = 1;
    check_ignored(&ipv4(17, &echo), IgnoreReason::NotTcp);
}

#[test]
fn ip_lies_in_ip_of_either_version() {
    check(4, &packet4(), 0, &[Encapsulation::IpInIp]);
    check(41, &packet6(), 0, &[Encapsulation::IpInIp]);
    check_ignored(&ipv4(4, &packet6()), IgnoreReason::Malformed);
}

#[test]
fn tunnels_lie_in_tunnels() {
    use Encapsulation::{Gre, Vlan, Vxlan};
    let tagged = ethernet(0x8100, &tag(8, 0x0800, &packet4()));
    let mirrored = ipv6(17, &udp(4789, &vxlan(5, &tagged)));
    check(47, &gre(0x2000, 0x86dd, &[0, 0, 0, 1], &mirrored), 8, &[Vlan, Gre, Vxlan]);
}

#[test]
fn a_packet_cut_by_the_mirror_keeps_its_length_on_the_wire() {
    let cut = frame4();
    let cut = &cut[..cut.len() - 10];
    let mut bench = Bench::new(Config::default());
    let expected = Outcome::Segment(PAYLOAD[..6].to_vec(), 16, 0);
    assert_eq!(bench.ip(&ipv4(17, &udp(4789, &vxlan(5, cut)))), expected);
}

#[test]
fn padding_in_a_tunnel_is_trimmed() {
    let padded = join(&[&frame4(), &[0; 20]]);
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.ip(&ipv4(17, &udp(4789, &vxlan(5, &padded)))), whole());
}

#[test]
fn an_offloaded_packet_in_a_tunnel_is_as_long_as_the_frame_says() {
    let mut super_frame = frame4();
    super_frame[16..18].fill(0);
    let packet = ipv4(17, &udp(4789, &vxlan(5, &super_frame)));
    let mut bench = Bench::new(Config::default());
    let snapped = &packet[..packet.len() - 4];
    let expected = Outcome::Segment(PAYLOAD[..12].to_vec(), 16, 0);
    assert_eq!(bench.push(LinkType::RawIp, snapped, packet.len()), expected);
}

#[test]
fn snap_frames_name_their_protocol() {
    let snap = |header: [u8; 8]| {
        let length = u16::try_from(packet4().len() + 8).unwrap().to_be_bytes();
        join(&[&[2; 12], &length, &header, &packet4()])
    };
    check_frame(&snap([0xaa, 0xaa, 3, 0, 0, 0, 8, 0]), 0, &[]);
    for other in [[0x42, 0x42, 3, 0, 0, 0, 8, 0], [0xaa, 0xaa, 3, 0, 0, 0, 0, 40]] {
        let outcome = Bench::new(Config::default()).ethernet(&snap(other));
        assert_eq!(outcome, Outcome::Ignored(IgnoreReason::NotIp));
    }
}
