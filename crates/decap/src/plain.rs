//! The frame that most frames are: Ethernet, IPv4 and TCP, without tag, option or fragment.
//!
//! It is read in one go; every other frame, and every one that is cut short inside its headers, is
//! left to the layers. A property says that both read the same.

use std::net::{IpAddr, Ipv4Addr};

use tapline_model::{Frame, LinkType, TcpFlags};

use crate::packet::{Packet, TCP, TcpHeader};
use crate::rest::Rest;

const ETHERNET_BYTES: usize = 14;
const IPV4_BYTES: usize = 20;
/// Version 4, a header of five words.
const IPV4_WITHOUT_OPTIONS: u8 = 0x45;
/// More fragments, or an offset.
const FRAGMENT_BITS: u16 = 0x3fff;
const TCP_BYTES: usize = 20;

/// Reads a plain frame; none when it is not plain.
#[inline]
pub(crate) fn read<'a>(frame: &Frame<'a>) -> Option<(Packet<'a>, TcpHeader<'a>)> {
    if frame.link_type != LinkType::Ethernet {
        return None;
    }
    let (header, rest) =
        frame.bytes.split_first_chunk::<{ ETHERNET_BYTES + IPV4_BYTES + TCP_BYTES }>()?;
    let (ethernet, header) = header.split_first_chunk::<ETHERNET_BYTES>()?;
    let (ip, tcp) = header.split_first_chunk::<IPV4_BYTES>()?;
    let [.., 0x08, 0x00] = *ethernet else { return None };
    let [start, _, length_high, length_low, id_high, id_low, part_high, part_low, tail @ ..] = *ip;
    let [_, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = tail;
    let is_fragment = u16::from_be_bytes([part_high, part_low]) & FRAGMENT_BITS != 0;
    if start != IPV4_WITHOUT_OPTIONS || protocol != TCP || is_fragment {
        return None;
    }
    let [sp0, sp1, dp0, dp1, n0, n1, n2, n3, a0, a1, a2, a3, words, flags, ..] =
        *tcp.first_chunk::<TCP_BYTES>()?;
    let header_bytes = usize::from(words >> 4) * 4;
    let packet_bytes = usize::from(u16::from_be_bytes([length_high, length_low]));
    let wire_bytes = packet_bytes.checked_sub(IPV4_BYTES)?;
    let payload_bytes = wire_bytes.checked_sub(header_bytes)?;
    let options_bytes = header_bytes.checked_sub(TCP_BYTES)?;
    // What comes behind the packet is padding; what is missing was cut off.
    let rest = rest.get(..wire_bytes - TCP_BYTES).unwrap_or(rest);
    let payload = rest.get(options_bytes..)?;
    let bytes = frame.bytes.get(ETHERNET_BYTES + IPV4_BYTES..)?;
    let tcp_header = bytes.get(..header_bytes)?;
    let packet = Packet {
        source: IpAddr::V4(Ipv4Addr::from([s0, s1, s2, s3])),
        destination: IpAddr::V4(Ipv4Addr::from([d0, d1, d2, d3])),
        id: u16::from_be_bytes([id_high, id_low]).into(),
        protocol,
        fragment: None,
        rest: Rest { bytes, wire_bytes },
    };
    let tcp = TcpHeader {
        header: tcp_header,
        source_port: u16::from_be_bytes([sp0, sp1]),
        destination_port: u16::from_be_bytes([dp0, dp1]),
        sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        payload,
        wire_payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
    };
    Some((packet, tcp))
}
