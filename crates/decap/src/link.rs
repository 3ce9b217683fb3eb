//! The link layer: from a frame to the first layer inside it.

use tapline_model::{Frame, IgnoreReason, LinkType};

use crate::layer::{Kind, Layer};
use crate::rest::Rest;

/// `AF_INET`, the same on every system.
const FAMILY_IPV4: u32 = 2;
/// `AF_INET6` of Linux, of Windows, of the BSDs (NetBSD and OpenBSD, then FreeBSD), and of Darwin.
const FAMILIES_IPV6: [u32; 5] = [10, 23, 24, 28, 30];

/// `ARPHRD_NETLINK`: the protocol field of a cooked header is a netlink family, no `EtherType`.
const ARPHRD_NETLINK: u16 = 824;

/// `NFULA_PAYLOAD`.
const NFLOG_PAYLOAD: u16 = 9;
/// There are some twenty kinds of attributes.
const NFLOG_ATTRIBUTES_MAX: usize = 32;

/// Takes the link layer off a frame.
#[inline]
pub(crate) fn open<'a>(frame: &Frame<'a>) -> Result<Layer<'a>, IgnoreReason> {
    let wire_bytes = usize::try_from(frame.wire_bytes).unwrap_or(usize::MAX);
    let rest = Rest { bytes: frame.bytes, wire_bytes };
    match frame.link_type {
        LinkType::Ethernet => ethernet(rest),
        LinkType::LinuxCooked => {
            let (header, rest) = rest.take::<16>()?;
            let [_, _, kind_high, kind_low, .., high, low] = *header;
            cooked([kind_high, kind_low], [high, low], rest)
        }
        LinkType::LinuxCooked2 => {
            let (header, rest) = rest.take::<20>()?;
            let [high, low, _, _, _, _, _, _, kind_high, kind_low, ..] = *header;
            cooked([kind_high, kind_low], [high, low], rest)
        }
        LinkType::BsdLoopback => {
            let (family, rest) = rest.take::<4>()?;
            // Families are small numbers: in the wrong byte order they are large ones.
            let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
            Ok(Layer::new(kind_of_family(family)?, rest))
        }
        LinkType::OpenBsdLoopback => {
            let (family, rest) = rest.take::<4>()?;
            Ok(Layer::new(kind_of_family(u32::from_be_bytes(*family))?, rest))
        }
        LinkType::RawIp => Layer::ip(rest),
        LinkType::Ipv4 => Ok(Layer::new(Kind::Ipv4, rest)),
        LinkType::Ipv6 => Ok(Layer::new(Kind::Ipv6, rest)),
        LinkType::Nflog => nflog(rest),
        LinkType::Other(_) => Err(IgnoreReason::LinkType),
    }
}

/// Takes an Ethernet header off.
#[inline]
pub(crate) fn ethernet(rest: Rest<'_>) -> Result<Layer<'_>, IgnoreReason> {
    let (header, rest) = rest.take::<14>()?;
    let [.., high, low] = *header;
    Ok(Layer::new(Kind::EtherType(u16::from_be_bytes([high, low])), rest))
}

fn cooked(kind: [u8; 2], protocol: [u8; 2], rest: Rest<'_>) -> Result<Layer<'_>, IgnoreReason> {
    if u16::from_be_bytes(kind) == ARPHRD_NETLINK {
        return Err(IgnoreReason::NotIp);
    }
    Ok(Layer::new(Kind::EtherType(u16::from_be_bytes(protocol)), rest))
}

/// A packet among the attributes of a netfilter log: each a length in the byte order of the
/// capturing host, a type, and a value that is padded to four bytes.
fn nflog(rest: Rest<'_>) -> Result<Layer<'_>, IgnoreReason> {
    let ([family, _, _, _], mut rest) = rest.take::<4>()?;
    let kind = kind_of_family(u32::from(*family))?;
    for _ in 0..NFLOG_ATTRIBUTES_MAX {
        let ([low, high, type_low, type_high], value) = rest.take::<4>()?;
        let bytes = usize::from(u16::from_le_bytes([*low, *high]));
        let value_bytes = bytes.checked_sub(4).ok_or(IgnoreReason::Malformed)?;
        if u16::from_le_bytes([*type_low, *type_high]) == NFLOG_PAYLOAD {
            return Ok(Layer::new(kind, value.limited(value_bytes)));
        }
        rest = value.skip(value_bytes.next_multiple_of(4))?;
    }
    Err(IgnoreReason::Malformed)
}

fn kind_of_family(family: u32) -> Result<Kind, IgnoreReason> {
    if family == FAMILY_IPV4 {
        Ok(Kind::Ipv4)
    } else if FAMILIES_IPV6.contains(&family) {
        Ok(Kind::Ipv6)
    } else {
        Err(IgnoreReason::NotIp)
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::{SourceId, Timestamp};

    use super::*;

    fn opened(link_type: LinkType, bytes: &[u8]) -> Result<(Kind, &[u8]), IgnoreReason> {
        let frame = Frame {
            captured_at: Timestamp::ZERO,
            link_type,
            wire_bytes: u32::try_from(bytes.len()).unwrap(),
            bytes,
            source: SourceId(0),
        };
        open(&frame).map(|layer| (layer.kind, layer.rest.bytes))
    }

    #[test]
    fn every_loopback_family_is_known_in_both_byte_orders() {
        let families =
            [(2, Kind::Ipv4)].into_iter().chain(FAMILIES_IPV6.map(|family| (family, Kind::Ipv6)));
        for (family, kind) in families {
            for bytes in [family.to_le_bytes(), family.to_be_bytes()] {
                let expected: &[u8] = &[];
                assert_eq!(opened(LinkType::BsdLoopback, &bytes), Ok((kind, expected)));
            }
            let bytes = family.to_be_bytes();
            assert_eq!(opened(LinkType::OpenBsdLoopback, &bytes).unwrap().0, kind);
        }
        let appletalk = 16u32.to_le_bytes();
        assert_eq!(opened(LinkType::BsdLoopback, &appletalk), Err(IgnoreReason::NotIp));
    }

    #[test]
    fn cooked_headers_name_the_protocol() {
        let mut first = vec![0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x86, 0xdd];
        first.extend(b"IP");
        let expected = Ok((Kind::EtherType(0x86dd), b"IP".as_slice()));
        assert_eq!(opened(LinkType::LinuxCooked, &first), expected);
        let mut second = vec![0x81, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0];
        second.extend(b"TAG");
        let expected = Ok((Kind::EtherType(0x8100), b"TAG".as_slice()));
        assert_eq!(opened(LinkType::LinuxCooked2, &second), expected);
    }

    #[test]
    fn netlink_families_are_not_ether_types() {
        let mut frame = [0; 16];
        frame[2..4].copy_from_slice(&ARPHRD_NETLINK.to_be_bytes());
        frame[14] = 8;
        assert_eq!(opened(LinkType::LinuxCooked, &frame), Err(IgnoreReason::NotIp));
    }

    #[test]
    fn raw_packets_tell_their_version() {
        assert_eq!(opened(LinkType::RawIp, &[0x45]).unwrap().0, Kind::Ipv4);
        assert_eq!(opened(LinkType::RawIp, &[0x60]).unwrap().0, Kind::Ipv6);
        assert_eq!(opened(LinkType::RawIp, &[0x50]), Err(IgnoreReason::NotIp));
        assert_eq!(opened(LinkType::RawIp, &[]), Err(IgnoreReason::Malformed));
    }

    #[test]
    fn the_packet_of_a_netfilter_log_is_found() {
        // Address family, an attribute of 6 bytes with its padding, the packet.
        let log = [2, 0, 0, 0, 6, 0, 10, 0, b'i', 0, 0, 0, 7, 0, 9, 0, b'I', b'P', b'!', 0];
        let (kind, packet) = opened(LinkType::Nflog, &log).unwrap();
        assert_eq!((kind, &packet[..3]), (Kind::Ipv4, b"IP!".as_slice()));
        assert_eq!(opened(LinkType::Nflog, &log[..12]), Err(IgnoreReason::Malformed));
        assert_eq!(
            opened(LinkType::Nflog, &[2, 0, 0, 0, 3, 0, 1, 0]),
            Err(IgnoreReason::Malformed)
        );
    }

    #[test]
    fn unknown_link_types_are_ignored() {
        assert_eq!(opened(LinkType::Other(105), &[0; 64]), Err(IgnoreReason::LinkType));
    }
}
