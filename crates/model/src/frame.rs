//! capture → decap.

use std::fmt;

use crate::Timestamp;

/// Which configured source (interface, mirror, file) a frame came from: an index into the sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// The link layer of a frame, as the capture source names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// DLT 1.
    Ethernet,
    /// DLT 113, Linux cooked capture v1 (SLL).
    LinuxCooked,
    /// DLT 276, Linux cooked capture v2 (SLL2).
    LinuxCooked2,
    /// DLT 0: BSD loopback, address family in the byte order of the capturing host.
    BsdLoopback,
    /// DLT 108: OpenBSD loopback, address family in network byte order.
    OpenBsdLoopback,
    /// DLT 12, 14 or 101: an IPv4 or IPv6 packet, told by its version nibble.
    RawIp,
    /// DLT 228: an IPv4 packet.
    Ipv4,
    /// DLT 229: an IPv6 packet.
    Ipv6,
    /// DLT 239: a netfilter log message with the packet among its attributes.
    Nflog,
    /// Any other link type; its frames are ignored and counted.
    Other(u16),
}

impl LinkType {
    /// From the number in a capture file or of libpcap (`LINKTYPE_*`, `DLT_*`).
    pub const fn from_dlt(number: u16) -> Self {
        match number {
            0 => Self::BsdLoopback,
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::RawIp,
            108 => Self::OpenBsdLoopback,
            113 => Self::LinuxCooked,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            239 => Self::Nflog,
            276 => Self::LinuxCooked2,
            other => Self::Other(other),
        }
    }
}

/// One captured frame, borrowed from the ring or the file buffer.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// When the source stamped it.
    pub captured_at: Timestamp,
    /// What `bytes` starts with.
    pub link_type: LinkType,
    /// Length on the wire; larger than `bytes` when the source snapped it.
    pub wire_bytes: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Where it came from.
    pub source: SourceId,
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("captured_at", &self.captured_at)
            .field("link_type", &self.link_type)
            .field("wire_bytes", &self.wire_bytes)
            .field("captured_bytes", &self.bytes.len())
            .field("source", &self.source)
            .finish()
    }
}
