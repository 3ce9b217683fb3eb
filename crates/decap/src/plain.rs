//! The frame that most frames are: Ethernet, IPv4 and TCP, without tag, option or fragment.
//!
//! It is read in one go; every other frame, and every one that is cut short inside its headers, is
//! left to the layers. A property says that both read the same.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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

/// A plain frame. What its headers say is read when it is asked for: of a frame whose flow is followed
/// elsewhere, that is the ends alone.
#[derive(Clone, Copy)]
pub(crate) struct Plain<'a> {
    ip: &'a [u8; IPV4_BYTES],
    tcp: &'a [u8; TCP_BYTES],
    /// The same with options.
    tcp_header: &'a [u8],
    payload: &'a [u8],
    wire_payload_bytes: usize,
    /// What the IP packet carries.
    rest: Rest<'a>,
}

impl<'a> Plain<'a> {
    /// None when the frame is not plain.
    #[inline]
    pub(crate) fn of(frame: &Frame<'a>) -> Option<Self> {
        if frame.link_type != LinkType::Ethernet {
            return None;
        }
        let (ethernet, after) = frame.bytes.split_first_chunk::<ETHERNET_BYTES>()?;
        let (ip, bytes) = after.split_first_chunk::<IPV4_BYTES>()?;
        let (tcp, behind) = bytes.split_first_chunk::<TCP_BYTES>()?;
        let [.., 0x08, 0x00] = *ethernet else { return None };
        let [start, _, length_high, length_low, _, _, part_high, part_low, _, protocol, ..] = *ip;
        let is_fragment = u16::from_be_bytes([part_high, part_low]) & FRAGMENT_BITS != 0;
        if start != IPV4_WITHOUT_OPTIONS || protocol != TCP || is_fragment {
            return None;
        }
        let [.., words, _, _, _, _, _, _, _] = *tcp;
        let header_bytes = usize::from(words >> 4) * 4;
        let packet_bytes = usize::from(u16::from_be_bytes([length_high, length_low]));
        let wire_bytes = packet_bytes.checked_sub(IPV4_BYTES)?;
        let wire_payload_bytes = wire_bytes.checked_sub(header_bytes)?;
        let options_bytes = header_bytes.checked_sub(TCP_BYTES)?;
        // What comes behind the packet is padding; what is missing was cut off.
        let behind = behind.get(..wire_bytes - TCP_BYTES).unwrap_or(behind);
        let payload = behind.get(options_bytes..)?;
        let tcp_header = bytes.get(..header_bytes)?;
        let rest = Rest { bytes, wire_bytes };
        Some(Self { ip, tcp, tcp_header, payload, wire_payload_bytes, rest })
    }

    /// Who sends it, and to whom.
    #[inline]
    pub(crate) fn ends(&self) -> (SocketAddr, SocketAddr) {
        let [source, destination] = self.addresses();
        let [source_port, destination_port] = self.ports();
        (SocketAddr::new(source, source_port), SocketAddr::new(destination, destination_port))
    }

    /// Its IP header.
    #[inline]
    pub(crate) fn packet(&self) -> Packet<'a> {
        let [source, destination] = self.addresses();
        let [_, _, _, _, id_high, id_low, ..] = *self.ip;
        Packet {
            source,
            destination,
            id: u16::from_be_bytes([id_high, id_low]).into(),
            protocol: TCP,
            fragment: None,
            rest: self.rest,
        }
    }

    /// Its TCP header.
    #[inline]
    pub(crate) fn tcp(&self) -> TcpHeader<'a> {
        let [source_port, destination_port] = self.ports();
        let [_, _, _, _, n0, n1, n2, n3, a0, a1, a2, a3, _, flags, ..] = *self.tcp;
        TcpHeader {
            header: self.tcp_header,
            source_port,
            destination_port,
            sequence: u32::from_be_bytes([n0, n1, n2, n3]),
            acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(flags),
            payload: self.payload,
            wire_payload_bytes: u32::try_from(self.wire_payload_bytes).unwrap_or(u32::MAX),
        }
    }

    #[inline]
    fn addresses(&self) -> [IpAddr; 2] {
        let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *self.ip;
        [[s0, s1, s2, s3], [d0, d1, d2, d3]].map(|octets| IpAddr::V4(Ipv4Addr::from(octets)))
    }

    #[inline]
    fn ports(&self) -> [u16; 2] {
        let [s0, s1, d0, d1, ..] = *self.tcp;
        [[s0, s1], [d0, d1]].map(u16::from_be_bytes)
    }
}
