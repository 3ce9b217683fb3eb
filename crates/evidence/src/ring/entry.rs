//! Where a frame is in the ring, and whose it is.

use std::net::IpAddr;

use tapline_model::{LinkType, Timestamp};

/// One frame of the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) captured_at: Timestamp,
    /// Of its first byte.
    pub(super) offset: u32,
    pub(super) captured_bytes: u32,
    pub(super) wire_bytes: u32,
    pub(super) link_type: LinkType,
    /// Canonical.
    pub(super) ends: (IpAddr, IpAddr),
}

// With one for each 256 bytes, the index of a ring is at most a quarter of it.
const _: () = assert!(size_of::<Entry>() <= 64);
