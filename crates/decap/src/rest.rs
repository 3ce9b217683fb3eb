//! The rest of a frame: what was captured of it, and how long it was on the wire.

use tapline_model::IgnoreReason;

/// What follows the headers that were read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest<'a> {
    /// The captured bytes.
    pub(crate) bytes: &'a [u8],
    /// Their number on the wire; larger than what was captured of a snapped frame.
    pub(crate) wire_bytes: usize,
}

impl<'a> Rest<'a> {
    /// The first `N` bytes, and what follows them.
    pub(crate) fn take<const N: usize>(self) -> Result<(&'a [u8; N], Self), IgnoreReason> {
        let (header, bytes) = self.bytes.split_first_chunk().ok_or(IgnoreReason::Malformed)?;
        Ok((header, Self { bytes, wire_bytes: self.wire_bytes.saturating_sub(N) }))
    }

    /// What follows the first `count` bytes.
    pub(crate) fn skip(self, count: usize) -> Result<Self, IgnoreReason> {
        let bytes = self.bytes.get(count..).ok_or(IgnoreReason::Malformed)?;
        Ok(Self { bytes, wire_bytes: self.wire_bytes.saturating_sub(count) })
    }

    /// No more than `count` bytes: what comes behind is padding.
    pub(crate) fn limited(self, count: usize) -> Self {
        let bytes = self.bytes.get(..count).unwrap_or(self.bytes);
        Self { bytes, wire_bytes: self.wire_bytes.min(count) }
    }

    /// The 16 bits at `offset`, in network byte order.
    pub(crate) fn peek_u16(self, offset: usize) -> Option<u16> {
        self.bytes.get(offset..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
    }
}
