//! The payload of one segment, placed in its stream.

use tapline_model::Timestamp;

use crate::OverlapPolicy;
use crate::overlap::Extent;

/// The payload of one segment, placed.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// Of the first byte.
    pub(crate) offset: u64,
    /// What was captured.
    pub(crate) payload: &'a [u8],
    /// What was on the wire; not less.
    pub(crate) wire_bytes: u64,
    pub(crate) captured_at: Timestamp,
    /// The clock; never runs backwards.
    pub(crate) now: Timestamp,
    /// How its overlap with others is settled.
    pub(crate) policy: OverlapPolicy,
}

impl Arrival<'_> {
    /// Where the segment began and ended on the wire.
    pub(crate) fn extent(&self) -> Extent {
        Extent { start: self.offset, end: self.offset + self.wire_bytes }
    }
}
