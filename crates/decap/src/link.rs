//! The link layer: from a frame to the IP packet inside it.

use tapline_model::{IgnoreReason, LinkType};

/// More tags than any network nests; a frame with more is not looked into.
const VLAN_TAGS_MAX: usize = 8;

const ETHER_TYPE_IPV4: u16 = 0x0800;
const ETHER_TYPE_IPV6: u16 = 0x86dd;
/// IEEE 802.1Q, IEEE 802.1ad, and the one used for stacked tags before 802.1ad.
const ETHER_TYPES_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// `AF_INET`, the same on every system.
const FAMILY_IPV4: u32 = 2;
/// `AF_INET6` of Linux, of Windows, of the BSDs (NetBSD and OpenBSD, then FreeBSD), and of Darwin.
const FAMILIES_IPV6: [u32; 5] = [10, 23, 24, 28, 30];

/// `ARPHRD_NETLINK`: the protocol field of a cooked header is a netlink family, no `EtherType`.
const ARPHRD_NETLINK: u16 = 824;

/// Which IP header the link layer announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a frame carries under its link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried<'a> {
    /// The header that `bytes` starts with.
    pub(crate) version: IpVersion,
    /// The captured rest of the frame: the IP packet, then padding if there is any.
    pub(crate) bytes: &'a [u8],
    /// Id of the innermost VLAN; 0 without one.
    pub(crate) vlan_id: u16,
    /// Whether there was a VLAN tag, be it for priority only.
    pub(crate) is_tagged: bool,
}

/// Takes the link layer off a frame.
pub(crate) fn strip(link_type: LinkType, frame: &[u8]) -> Result<Carried<'_>, IgnoreReason> {
    match link_type {
        LinkType::Ethernet => {
            let (header, rest) = take::<14>(frame)?;
            let [.., high, low] = *header;
            tagged(u16::from_be_bytes([high, low]), rest)
        }
        LinkType::LinuxCooked => {
            let (header, rest) = take::<16>(frame)?;
            let [_, _, kind_high, kind_low, .., high, low] = *header;
            cooked([kind_high, kind_low], [high, low], rest)
        }
        LinkType::LinuxCooked2 => {
            let (header, rest) = take::<20>(frame)?;
            let [high, low, _, _, _, _, _, _, kind_high, kind_low, ..] = *header;
            cooked([kind_high, kind_low], [high, low], rest)
        }
        LinkType::BsdLoopback => {
            let (family, rest) = take::<4>(frame)?;
            // Families are small numbers: in the wrong byte order they are large ones.
            let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
            Ok(untagged(version_of_family(family)?, rest))
        }
        LinkType::OpenBsdLoopback => {
            let (family, rest) = take::<4>(frame)?;
            Ok(untagged(version_of_family(u32::from_be_bytes(*family))?, rest))
        }
        LinkType::RawIp => {
            let first = frame.first().ok_or(IgnoreReason::Malformed)?;
            match first >> 4 {
                4 => Ok(untagged(IpVersion::V4, frame)),
                6 => Ok(untagged(IpVersion::V6, frame)),
                _ => Err(IgnoreReason::NotIp),
            }
        }
        LinkType::Ipv4 => Ok(untagged(IpVersion::V4, frame)),
        LinkType::Ipv6 => Ok(untagged(IpVersion::V6, frame)),
        LinkType::Other(_) => Err(IgnoreReason::LinkType),
    }
}

fn cooked(kind: [u8; 2], protocol: [u8; 2], rest: &[u8]) -> Result<Carried<'_>, IgnoreReason> {
    if u16::from_be_bytes(kind) == ARPHRD_NETLINK {
        return Err(IgnoreReason::NotIp);
    }
    tagged(u16::from_be_bytes(protocol), rest)
}

/// Takes VLAN tags off what follows an `EtherType`.
fn tagged(mut ether_type: u16, mut rest: &[u8]) -> Result<Carried<'_>, IgnoreReason> {
    let mut vlan_id = 0;
    let mut tags = 0;
    while ETHER_TYPES_VLAN.contains(&ether_type) {
        if tags == VLAN_TAGS_MAX {
            return Err(IgnoreReason::NotIp);
        }
        let (tag, inner) = take::<4>(rest)?;
        let [id_high, id_low, type_high, type_low] = *tag;
        // Id 0 tags a priority alone, and names no VLAN.
        let id = u16::from_be_bytes([id_high, id_low]) & 0x0fff;
        vlan_id = if id == 0 { vlan_id } else { id };
        ether_type = u16::from_be_bytes([type_high, type_low]);
        rest = inner;
        tags += 1;
    }
    let version = match ether_type {
        ETHER_TYPE_IPV4 => IpVersion::V4,
        ETHER_TYPE_IPV6 => IpVersion::V6,
        _ => return Err(IgnoreReason::NotIp),
    };
    Ok(Carried { version, bytes: rest, vlan_id, is_tagged: tags > 0 })
}

fn untagged(version: IpVersion, bytes: &[u8]) -> Carried<'_> {
    Carried { version, bytes, vlan_id: 0, is_tagged: false }
}

fn version_of_family(family: u32) -> Result<IpVersion, IgnoreReason> {
    if family == FAMILY_IPV4 {
        Ok(IpVersion::V4)
    } else if FAMILIES_IPV6.contains(&family) {
        Ok(IpVersion::V6)
    } else {
        Err(IgnoreReason::NotIp)
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), IgnoreReason> {
    bytes.split_first_chunk().ok_or(IgnoreReason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ethernet(tags: &[[u8; 4]], ether_type: u16) -> Vec<u8> {
        let mut frame = vec![2; 12];
        for tag in tags {
            frame.extend(tag);
        }
        frame.extend(ether_type.to_be_bytes());
        frame.extend(b"IP");
        frame
    }

    fn check_vlan(tags: &[[u8; 4]], expected: Result<(u16, bool), IgnoreReason>) {
        let frame = ethernet(tags, ETHER_TYPE_IPV4);
        let carried = strip(LinkType::Ethernet, &frame);
        assert_eq!(carried.map(|carried| (carried.vlan_id, carried.is_tagged)), expected);
        if let Ok(carried) = carried {
            assert_eq!(carried.bytes, b"IP");
        }
    }

    #[test]
    fn an_untagged_frame_names_no_vlan() {
        check_vlan(&[], Ok((0, false)));
    }

    #[test]
    fn the_innermost_vlan_counts() {
        check_vlan(&[[0x88, 0xa8, 0, 7], [0x81, 0, 0xe0, 9]], Ok((9, true)));
        check_vlan(&[[0x91, 0, 0, 7], [0x91, 0, 0x0f, 0xff]], Ok((4095, true)));
    }

    #[test]
    fn a_priority_tag_names_no_vlan() {
        check_vlan(&[[0x81, 0, 0xe0, 0]], Ok((0, true)));
        check_vlan(&[[0x81, 0, 0, 5], [0x81, 0, 0xe0, 0]], Ok((5, true)));
    }

    #[test]
    fn eight_tags_are_looked_through_and_nine_are_not() {
        check_vlan(&[[0x81, 0, 0, 3]; 8], Ok((3, true)));
        check_vlan(&[[0x81, 0, 0, 3]; 9], Err(IgnoreReason::NotIp));
    }

    #[test]
    fn a_cut_tag_is_malformed() {
        let frame = ethernet(&[], 0x8100);
        assert_eq!(strip(LinkType::Ethernet, &frame), Err(IgnoreReason::Malformed));
    }

    #[test]
    fn other_ether_types_are_not_ip() {
        for ether_type in [0x0806, 0x88cc, 0x8847, 0x0026] {
            let frame = ethernet(&[], ether_type);
            assert_eq!(strip(LinkType::Ethernet, &frame), Err(IgnoreReason::NotIp));
        }
    }

    #[test]
    fn every_loopback_family_is_known_in_both_byte_orders() {
        let families = [(2, IpVersion::V4)]
            .into_iter()
            .chain(FAMILIES_IPV6.map(|family| (family, IpVersion::V6)));
        for (family, version) in families {
            for bytes in [family.to_le_bytes(), family.to_be_bytes()] {
                let carried = strip(LinkType::BsdLoopback, &bytes);
                assert_eq!(carried.map(|carried| carried.version), Ok(version));
            }
            let carried = strip(LinkType::OpenBsdLoopback, &family.to_be_bytes())
                .map(|carried| carried.version);
            assert_eq!(carried, Ok(version));
        }
        let appletalk = 16u32.to_le_bytes();
        assert_eq!(strip(LinkType::BsdLoopback, &appletalk), Err(IgnoreReason::NotIp));
    }

    #[test]
    fn cooked_headers_name_the_protocol() {
        let mut first = vec![0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x86, 0xdd];
        first.extend(b"IP");
        let carried = strip(LinkType::LinuxCooked, &first).unwrap();
        assert_eq!((carried.version, carried.bytes), (IpVersion::V6, b"IP".as_slice()));
        let mut second = vec![0x81, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0];
        second.extend([0, 42, 0x08, 0]);
        second.extend(b"IP");
        let carried = strip(LinkType::LinuxCooked2, &second).unwrap();
        assert_eq!((carried.version, carried.vlan_id), (IpVersion::V4, 42));
        assert_eq!(carried.bytes, b"IP");
    }

    #[test]
    fn netlink_families_are_not_ether_types() {
        let mut frame = [0; 16];
        frame[2..4].copy_from_slice(&ARPHRD_NETLINK.to_be_bytes());
        frame[14] = 8;
        assert_eq!(strip(LinkType::LinuxCooked, &frame), Err(IgnoreReason::NotIp));
    }

    #[test]
    fn raw_packets_tell_their_version() {
        assert_eq!(strip(LinkType::RawIp, &[0x45]).unwrap().version, IpVersion::V4);
        assert_eq!(strip(LinkType::RawIp, &[0x60]).unwrap().version, IpVersion::V6);
        assert_eq!(strip(LinkType::RawIp, &[0x50]), Err(IgnoreReason::NotIp));
        assert_eq!(strip(LinkType::RawIp, &[]), Err(IgnoreReason::Malformed));
    }

    #[test]
    fn unknown_link_types_are_ignored() {
        assert_eq!(strip(LinkType::Other(105), &[0; 64]), Err(IgnoreReason::LinkType));
    }
}
