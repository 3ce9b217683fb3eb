//! decap → reassembly.

use std::fmt;
use std::net::SocketAddr;

use crate::{FlowKey, SourceId, Timestamp};

/// The flag bits of a TCP header (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the flow.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;

    /// FIN is set.
    #[inline]
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    /// SYN is set.
    #[inline]
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }

    /// RST is set.
    #[inline]
    pub const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }

    /// ACK is set.
    #[inline]
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// One TCP segment, borrowed from its frame.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// When its frame was captured.
    pub captured_at: Timestamp,
    /// Which source saw it.
    pub capture_source: SourceId,
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// VLAN or VNI, where it is part of the flow key; else 0.
    pub network: u32,
    /// Sequence number of the first payload byte (of the SYN, when SYN is set).
    pub sequence: u32,
    /// Acknowledgement number; meaningless without the ACK flag.
    pub acknowledgement: u32,
    /// Header flags.
    pub flags: TcpFlags,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload length on the wire; larger than `payload` when the frame was snapped.
    pub wire_payload_bytes: u32,
    /// Length of the whole frame on the wire.
    pub wire_bytes: u32,
}

impl Segment<'_> {
    /// The direction-free key of the segment's flow.
    pub fn flow_key(&self) -> FlowKey {
        FlowKey::new(self.source, self.destination, self.network)
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("captured_at", &self.captured_at)
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("sequence", &self.sequence)
            .field("acknowledgement", &self.acknowledgement)
            .field("flags", &self.flags)
            .field("payload_bytes", &self.payload.len())
            .field("wire_payload_bytes", &self.wire_payload_bytes)
            .finish_non_exhaustive()
    }
}
