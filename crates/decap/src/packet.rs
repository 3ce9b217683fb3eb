//! The IP packet: its addresses and the TCP segment inside it.
//!
//! The only file that names `etherparse`, whose interface changes often.

use std::net::{IpAddr, SocketAddr};

use etherparse::{
    Ipv4HeaderSlice, LaxIpPayloadSlice, LaxIpv4Slice, LaxIpv6Slice, TcpSlice, ip_number,
};
use tapline_model::{IgnoreReason, TcpFlags};

use crate::link::{Carried, IpVersion};

/// The offset of the flags in a TCP header (RFC 9293 section 3.1).
const TCP_FLAGS_OFFSET: usize = 13;

/// What decap takes from a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TcpPacket<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
    pub(crate) flags: TcpFlags,
    pub(crate) payload: &'a [u8],
    pub(crate) wire_payload_bytes: u32,
}

/// Reads the TCP segment out of an IP packet. `wire_bytes` is how much of the frame was on the wire
/// from the start of the packet; it counts only where the IP header does not tell its length.
pub(crate) fn read<'a>(
    carried: &Carried<'a>,
    wire_bytes: usize,
) -> Result<TcpPacket<'a>, IgnoreReason> {
    match carried.version {
        IpVersion::V4 => read_ipv4(carried.bytes, wire_bytes),
        IpVersion::V6 => read_ipv6(carried.bytes, wire_bytes),
    }
}

fn read_ipv4(bytes: &[u8], wire_bytes: usize) -> Result<TcpPacket<'_>, IgnoreReason> {
    let (ip, stopped_by) = LaxIpv4Slice::from_slice(bytes).map_err(|_| IgnoreReason::Malformed)?;
    let header = ip.header();
    let packet_bytes = ipv4_packet_bytes(header, wire_bytes)?;
    if stopped_by.is_some() && !ip.is_payload_fragmented() {
        return Err(IgnoreReason::Malformed);
    }
    let extension_bytes = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
    read_tcp(
        ip.payload(),
        [header.source_addr().into(), header.destination_addr().into()],
        packet_bytes.saturating_sub(header.slice().len() + extension_bytes),
    )
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

fn read_ipv6(bytes: &[u8], wire_bytes: usize) -> Result<TcpPacket<'_>, IgnoreReason> {
    let (ip, stopped_by) = LaxIpv6Slice::from_slice(bytes).map_err(|_| IgnoreReason::Malformed)?;
    let header = ip.header();
    if stopped_by.is_some() && !ip.is_payload_fragmented() {
        return Err(IgnoreReason::Malformed);
    }
    // 0 is a jumbogram (RFC 2675), also how large segmentation offload shows itself.
    let packet_payload_bytes = match usize::from(header.payload_length()) {
        0 => wire_bytes.saturating_sub(header.slice().len()),
        payload_bytes => payload_bytes,
    };
    read_tcp(
        ip.payload(),
        [header.source_addr().into(), header.destination_addr().into()],
        packet_payload_bytes.saturating_sub(ip.extensions().slice().len()),
    )
}

fn read_tcp<'a>(
    ip_payload: &LaxIpPayloadSlice<'a>,
    [source, destination]: [IpAddr; 2],
    wire_bytes: usize,
) -> Result<TcpPacket<'a>, IgnoreReason> {
    if ip_payload.fragmented {
        return Err(IgnoreReason::Fragment);
    }
    if ip_payload.ip_number != ip_number::TCP {
        return Err(IgnoreReason::NotTcp);
    }
    let tcp = TcpSlice::from_slice(ip_payload.payload).map_err(|_| IgnoreReason::Malformed)?;
    let header = tcp.header_slice();
    let payload = tcp.payload();
    let wire_payload_bytes = wire_bytes.saturating_sub(header.len()).max(payload.len());
    Ok(TcpPacket {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledgement: tcp.acknowledgment_number(),
        flags: TcpFlags(header.get(TCP_FLAGS_OFFSET).copied().unwrap_or_default()),
        payload,
        wire_payload_bytes: u32::try_from(wire_payload_bytes).unwrap_or(u32::MAX),
    })
}
