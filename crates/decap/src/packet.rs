//! The IP packet: its addresses, what it carries, and the TCP segment inside it.
//!
//! The only file that names `etherparse`, whose interface changes often.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6ExtensionsSlice, LaxIpv4Slice, LaxIpv6Slice};
use etherparse::{Ipv6HeaderSlice, TcpSlice};
use tapline_model::{IgnoreReason, TcpFlags};

use crate::rest::Rest;

pub(crate) const TCP: u8 = 6;

/// The offset of the flags in a TCP header (RFC 9293 section 3.1).
const TCP_FLAGS_OFFSET: usize = 13;

const IPV6_HEADER_BYTES: usize = 40;
const IPV6_FRAGMENT: u8 = 44;
/// Extension headers that may stand before a fragment header: hop-by-hop, routing, destination.
const IPV6_BEFORE_FRAGMENT: [u8; 3] = [0, 43, 60];

/// What decap takes from an IP header.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// The identification; 0 in IPv6 without a fragment header, and often in IPv4.
    pub(crate) id: u32,
    pub(crate) protocol: u8,
    pub(crate) fragment: Option<Fragment>,
    /// Headers, extensions and padding taken off.
    pub(crate) rest: Rest<'a>,
}

/// Which part of its datagram a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Where it begins.
    pub(crate) offset: u16,
    /// Others come behind it.
    pub(crate) more: bool,
}

/// What decap takes from a TCP header.
#[derive(Clone, Copy)]
pub(crate) struct TcpHeader<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
    pub(crate) flags: TcpFlags,
    pub(crate) payload: &'a [u8],
    pub(crate) wire_payload_bytes: u32,
}

/// Reads an IPv4 header.
#[inline]
pub(crate) fn read_ipv4(rest: Rest<'_>) -> Result<Packet<'_>, IgnoreReason> {
    let (ip, stopped_by) =
        LaxIpv4Slice::from_slice(rest.bytes).map_err(|_| IgnoreReason::Malformed)?;
    let header = ip.header();
    let packet_bytes = ipv4_packet_bytes(header, rest.wire_bytes)?;
    let mut packet = Packet {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        id: header.identification().into(),
        protocol: ip.payload().ip_number.0,
        fragment: None,
        rest: Rest { bytes: ip.payload().payload, wire_bytes: 0 },
    };
    let mut header_bytes = header.slice().len();
    if ip.is_payload_fragmented() {
        // An authentication header in a fragment is read when the datagram is whole.
        packet.protocol = header.protocol().0;
        packet.fragment = Some(Fragment {
            offset: header.fragments_offset().byte_offset(),
            more: header.more_fragments(),
        });
        packet.rest = rest.limited(packet_bytes).skip(header_bytes)?;
    } else if stopped_by.is_some() {
        return Err(IgnoreReason::Malformed);
    } else {
        header_bytes += ip.extensions().auth.map_or(0, |auth| auth.slice().len());
    }
    packet.rest.wire_bytes = packet_bytes.saturating_sub(header_bytes);
    Ok(packet)
}

/// The length of the packet on the wire. Segmentation offload leaves a total length of 0 in what it
/// will cut later (RFC 791 knows no such value).
fn ipv4_packet_bytes(
    header: Ipv4HeaderSlice<'_>,
    wire_bytes: usize,
) -> Result<usize, IgnoreReason> {
    let total_bytes = usize::from(header.total_len());
    if total_bytes == 0 {
        Ok(wire_bytes)
    } else if total_bytes < header.slice().len() {
        Err(IgnoreReason::Malformed)
    } else {
        Ok(total_bytes)
    }
}

/// Reads an IPv6 header and its extensions.
pub(crate) fn read_ipv6(rest: Rest<'_>) -> Result<Packet<'_>, IgnoreReason> {
    let (ip, stopped_by) =
        LaxIpv6Slice::from_slice(rest.bytes).map_err(|_| IgnoreReason::Malformed)?;
    let header = ip.header();
    // 0 is a jumbogram (RFC 2675), also how large segmentation offload shows itself.
    let payload_bytes = match usize::from(header.payload_length()) {
        0 => rest.wire_bytes.saturating_sub(IPV6_HEADER_BYTES),
        payload_bytes => payload_bytes,
    };
    if ip.is_payload_fragmented() {
        return read_ipv6_fragment(header, rest, payload_bytes);
    }
    if stopped_by.is_some() {
        return Err(IgnoreReason::Malformed);
    }
    Ok(Packet {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        id: 0,
        protocol: ip.payload().ip_number.0,
        fragment: None,
        rest: Rest {
            bytes: ip.payload().payload,
            wire_bytes: payload_bytes.saturating_sub(ip.extensions().slice().len()),
        },
    })
}

/// Finds the fragment header. What lies behind it belongs to the datagram, extensions included.
fn read_ipv6_fragment<'a>(
    header: Ipv6HeaderSlice<'_>,
    rest: Rest<'a>,
    payload_bytes: usize,
) -> Result<Packet<'a>, IgnoreReason> {
    let mut rest = rest.skip(IPV6_HEADER_BYTES)?;
    rest.wire_bytes = payload_bytes;
    rest = rest.limited(payload_bytes);
    let mut next = header.next_header().0;
    while IPV6_BEFORE_FRAGMENT.contains(&next) {
        let (&[after, units, ..], _) = rest.take::<8>()?;
        next = after;
        rest = rest.skip((usize::from(units) + 1) * 8)?;
    }
    if next != IPV6_FRAGMENT {
        return Err(IgnoreReason::Malformed);
    }
    let (&[protocol, _, offset_high, offset_low, id @ ..], rest) = rest.take::<8>()?;
    let offset = u16::from_be_bytes([offset_high, offset_low]);
    Ok(Packet {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        id: u32::from_be_bytes(id),
        protocol,
        fragment: Some(Fragment { offset: offset & 0xfff8, more: offset & 1 == 1 }),
        rest,
    })
}

/// Takes the extension headers off a datagram that was put together.
pub(crate) fn without_extensions(packet: Packet<'_>) -> Result<Packet<'_>, IgnoreReason> {
    let number = IpNumber(packet.protocol);
    let (extensions, protocol, bytes, stopped_by) =
        Ipv6ExtensionsSlice::from_slice_lax(number, packet.rest.bytes);
    if stopped_by.is_some() || extensions.is_fragmenting_payload() {
        return Err(IgnoreReason::Malformed);
    }
    let wire_bytes = packet.rest.wire_bytes.saturating_sub(extensions.slice().len());
    Ok(Packet { protocol: protocol.0, rest: Rest { bytes, wire_bytes }, ..packet })
}

/// Reads a TCP header.
#[inline]
pub(crate) fn read_tcp(rest: Rest<'_>) -> Result<TcpHeader<'_>, IgnoreReason> {
    let tcp = TcpSlice::from_slice(rest.bytes).map_err(|_| IgnoreReason::Malformed)?;
    let header = tcp.header_slice();
    let payload = tcp.payload();
    let wire_payload_bytes = rest.wire_bytes.saturating_sub(header.len()).max(payload.len());
    Ok(TcpHeader {
        header,
        source_port: tcp.source_port(),
        destination_port: tcp.destination_port(),
        sequence: tcp.sequence_number(),
        acknowledgement: tcp.acknowledgment_number(),
        flags: TcpFlags(header.get(TCP_FLAGS_OFFSET).copied().unwrap_or_default()),
        payload,
        wire_payload_bytes: u32::try_from(wire_payload_bytes).unwrap_or(u32::MAX),
    })
}
