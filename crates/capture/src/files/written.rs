//! Capture files made for tests.

use super::byte_order::ByteOrder;

/// A file of numbers in one byte order.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) order: ByteOrder,
    pub(super) bytes: Vec<u8>,
}

impl Written {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self { order, bytes: Vec::new() }
    }

    pub(super) fn u16(mut self, number: u16) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
        self
    }

    pub(super) fn u32(mut self, number: u32) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
        self
    }

    pub(super) fn i64(mut self, number: i64) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// The file header of a pcap.
    pub(super) fn pcap(self, magic: u32, link_type: u32) -> Self {
        self.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(262_144).u32(link_type)
    }

    /// A record of a pcap; `fraction` is in the unit of the magic.
    pub(super) fn record(self, seconds: u32, fraction: u32, wire_bytes: u32, frame: &[u8]) -> Self {
        self.u32(seconds).u32(fraction).u32(length(frame)).u32(wire_bytes).raw(frame)
    }

    /// A block of a pcapng around its content.
    pub(super) fn block(self, kind: u32, content: &[u8]) -> Self {
        let padding = vec![0; content.len().next_multiple_of(4) - content.len()];
        let block_bytes = length(content) + length(&padding) + 12;
        self.u32(kind).u32(block_bytes).raw(content).raw(&padding).u32(block_bytes)
    }

    /// A section header in the byte order of what follows.
    pub(super) fn section(self) -> Self {
        let content = Self::new(self.order).u32(0x1a2b_3c4d).u16(1).u16(0).i64(-1).bytes;
        self.block(0x0a0d_0d0a, &content)
    }

    /// An interface with options as code and value.
    pub(super) fn interface(
        self,
        link_type: u16,
        snap_bytes: u32,
        options: &[(u16, &[u8])],
    ) -> Self {
        let mut content = Self::new(self.order).u16(link_type).u16(0).u32(snap_bytes);
        for (code, value) in options {
            let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
            let value_bytes = u16::try_from(value.len()).unwrap();
            content = content.u16(*code).u16(value_bytes).raw(value).raw(&padding);
        }
        if !options.is_empty() {
            content = content.u32(0);
        }
        self.block(1, &content.bytes)
    }

    /// An enhanced packet block.
    pub(super) fn enhanced(
        self,
        interface: u32,
        ticks: u64,
        wire_bytes: u32,
        frame: &[u8],
    ) -> Self {
        let (high, low) = halves(ticks);
        let head = Self::new(self.order).u32(interface).u32(high).u32(low);
        let content = head.u32(length(frame)).u32(wire_bytes).raw(frame).bytes;
        self.block(6, &content)
    }

    /// An obsolete packet block.
    pub(super) fn obsolete(
        self,
        interface: u16,
        ticks: u64,
        wire_bytes: u32,
        frame: &[u8],
    ) -> Self {
        let (high, low) = halves(ticks);
        let head = Self::new(self.order).u16(interface).u16(9).u32(high).u32(low);
        let content = head.u32(length(frame)).u32(wire_bytes).raw(frame).bytes;
        self.block(2, &content)
    }

    /// A simple packet block.
    pub(super) fn simple(self, wire_bytes: u32, frame: &[u8]) -> Self {
        let content = Self::new(self.order).u32(wire_bytes).raw(frame).bytes;
        self.block(3, &content)
    }
}

fn halves(ticks: u64) -> (u32, u32) {
    (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap())
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}
