//! The block format: draft-ietf-opsawg-pcapng.

use pcap_parser::{
    OptionCode, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use tapline_model::{LinkType, Timestamp};

use super::byte_order::ByteOrder;
use super::fault::Fault;
use super::format::Record;
use super::input::Input;
use super::time_unit::TimeUnit;
use crate::Problem;

/// Longest block that is held whole; of other blocks none is held. libpcap has the same bound.
const BLOCK_BYTES_MAX: u32 = 16 << 20;
/// Interfaces of one section at most: what the oldest kind of frame can name.
const INTERFACES_MAX: usize = 65_536;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type and length before the content of a block.
const BLOCK_HEAD_BYTES: usize = 8;
/// The length again after it.
const BLOCK_TAIL_BYTES: usize = 4;
const BLOCK_BYTES_MIN: u32 = 12;
/// Before the captured bytes of a packet block, obsolete or enhanced.
const PACKET_HEADER_BYTES: usize = 28;
/// Before those of a simple one.
const SIMPLE_HEADER_BYTES: usize = 12;

/// What the blocks so far say of the frames to come.
#[derive(Debug)]
pub(super) struct PcapNg {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Of the last frame: a simple packet block has no time of its own.
    last_time: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: LinkType,
    /// 0 is no limit.
    snap_bytes: u32,
    time_unit: TimeUnit,
    time_offset_seconds: i64,
}

impl PcapNg {
    /// Whether a file that starts so has this format.
    pub(super) fn starts(bytes: &[u8]) -> bool {
        bytes.starts_with(&SECTION_HEADER.to_le_bytes())
    }

    /// Knows nothing; the first block says more.
    pub(super) const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new(), last_time: Timestamp::ZERO }
    }

    /// The next frame; learns from other blocks on the way.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Record>, Fault> {
        while input.fill(1)? {
            let (kind, block_bytes) = self.block_head(input)?;
            match kind {
                SECTION_HEADER => {
                    self.hold(input, block_bytes)?;
                    self.begin_section(block(input, block_bytes))?;
                    input.consume(block_bytes as usize);
                }
                INTERFACE_DESCRIPTION => {
                    self.hold(input, block_bytes)?;
                    self.add_interface(block(input, block_bytes))?;
                    input.consume(block_bytes as usize);
                }
                PACKET | ENHANCED_PACKET => {
                    self.hold(input, block_bytes)?;
                    return self.packet(kind, block(input, block_bytes), block_bytes).map(Some);
                }
                SIMPLE_PACKET => {
                    self.hold(input, block_bytes)?;
                    return self.simple_packet(block(input, block_bytes), block_bytes).map(Some);
                }
                _ => self.skip(input, block_bytes)?,
            }
        }
        Ok(None)
    }

    /// Type and length of the block at the start of the buffer. That of a section tells the byte
    /// order of all that follows, itself included.
    fn block_head(&mut self, input: &mut Input) -> Result<(u32, u32), Fault> {
        input.need(BLOCK_BYTES_MIN as usize)?;
        let head = input.buffered();
        if Self::starts(head) {
            self.order = match head.get(BLOCK_HEAD_BYTES..).and_then(<[u8]>::first_chunk) {
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => ByteOrder::Little,
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => ByteOrder::Big,
                _ => return Err(Problem::ByteOrder.into()),
            };
        }
        let (Some(kind), Some(block_bytes)) = (self.order.u32(head, 0), self.order.u32(head, 4))
        else {
            return Err(Fault::Truncated);
        };
        if block_bytes < BLOCK_BYTES_MIN {
            return Err(Problem::BlockTooShort { block_bytes }.into());
        }
        Ok((kind, block_bytes))
    }

    /// Gets the whole block into the buffer.
    fn hold(&self, input: &mut Input, block_bytes: u32) -> Result<(), Fault> {
        if block_bytes > BLOCK_BYTES_MAX {
            let bytes_max = BLOCK_BYTES_MAX;
            return Err(Problem::BlockTooLong { block_bytes, bytes_max }.into());
        }
        input.need(block_bytes as usize)?;
        self.check_tail(block(input, block_bytes), block_bytes)
    }

    /// Leaves a block out, however long it is.
    fn skip(&self, input: &mut Input, block_bytes: u32) -> Result<(), Fault> {
        input.skip(block_bytes as usize - BLOCK_TAIL_BYTES)?;
        input.need(BLOCK_TAIL_BYTES)?;
        self.check_tail(input.buffered().get(..BLOCK_TAIL_BYTES).unwrap_or_default(), block_bytes)?;
        input.consume(BLOCK_TAIL_BYTES);
        Ok(())
    }

    fn check_tail(&self, ending: &[u8], first: u32) -> Result<(), Fault> {
        let tail = ending.len().checked_sub(BLOCK_TAIL_BYTES);
        let last = tail.and_then(|at| self.order.u32(ending, at)).ok_or(Fault::Truncated)?;
        if first == last { Ok(()) } else { Err(Problem::LengthsDiffer { first, last }.into()) }
    }

    fn begin_section(&mut self, block: &[u8]) -> Result<(), Fault> {
        let (_, section) = parse_sectionheaderblock(block)
            .map_err(|_| Problem::MalformedBlock { block: "section header" })?;
        let (major, minor) = (section.major_version, section.minor_version);
        if major != 1 {
            return Err(Problem::Version { major, minor }.into());
        }
        self.interfaces.clear();
        Ok(())
    }

    fn add_interface(&mut self, block: &[u8]) -> Result<(), Fault> {
        let count_max = INTERFACES_MAX;
        if self.interfaces.len() >= count_max {
            return Err(Problem::TooManyInterfaces { count_max }.into());
        }
        let parsed = match self.order {
            ByteOrder::Little => parse_interfacedescriptionblock_le(block),
            ByteOrder::Big => parse_interfacedescriptionblock_be(block),
        };
        let (_, description) =
            parsed.map_err(|_| Problem::MalformedBlock { block: "interface description" })?;
        let [low, high, ..] = description.linktype.0.to_le_bytes();
        let mut interface = Interface {
            link_type: LinkType::from_dlt(u16::from_le_bytes([low, high])),
            snap_bytes: description.snaplen,
            time_unit: TimeUnit::MICROSECOND,
            time_offset_seconds: 0,
        };
        // The parser's own reading of these two knows neither powers of two nor big-endian files.
        for option in &description.options {
            match option.code {
                OptionCode::EndOfOpt => break,
                OptionCode::IfTsresol => {
                    if let Some(&code) = option.value().first() {
                        interface.time_unit = TimeUnit::from_tsresol(code);
                    }
                }
                OptionCode::IfTsoffset => {
                    if let Some(seconds) = self.order.i64(option.value(), 0) {
                        interface.time_offset_seconds = seconds;
                    }
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet block, or the obsolete one, which differs in how it names the interface.
    /// Not left to the parser, which allocates a list of options for each.
    fn packet(&mut self, kind: u32, block: &[u8], block_bytes: u32) -> Result<Record, Fault> {
        let field = |at| self.order.u32(block, at);
        let id = if kind == PACKET {
            self.order.u16(block, BLOCK_HEAD_BYTES).map(u32::from)
        } else {
            field(BLOCK_HEAD_BYTES)
        };
        let (Some(id), Some(high), Some(low), Some(captured_bytes), Some(wire_bytes)) =
            (id, field(12), field(16), field(20), field(24))
        else {
            return Err(Problem::BlockTooShort { block_bytes }.into());
        };
        let interface = self.interface(id)?;
        let room = block.len().checked_sub(PACKET_HEADER_BYTES + BLOCK_TAIL_BYTES);
        if room.is_none_or(|room| room < captured_bytes as usize) {
            return Err(Problem::FrameBeyondBlock { captured_bytes, block_bytes }.into());
        }
        let ticks = u64::from(high) << 32 | u64::from(low);
        let captured_at = interface.timestamp(ticks);
        self.last_time = captured_at;
        Ok(Record {
            captured_at,
            link_type: interface.link_type,
            wire_bytes: wire_bytes.max(captured_bytes),
            header_bytes: PACKET_HEADER_BYTES,
            captured_bytes: captured_bytes as usize,
            whole_bytes: block.len(),
        })
    }

    /// A simple packet block: of the first interface, cut at its snap length, without a time. It
    /// gets that of the frame before it, so that time does not jump.
    fn simple_packet(&self, block: &[u8], block_bytes: u32) -> Result<Record, Fault> {
        let wire_bytes = self.order.u32(block, BLOCK_HEAD_BYTES);
        let room = block.len().checked_sub(SIMPLE_HEADER_BYTES + BLOCK_TAIL_BYTES);
        let (Some(wire_bytes), Some(room)) = (wire_bytes, room) else {
            return Err(Problem::BlockTooShort { block_bytes }.into());
        };
        let interface = self.interface(0)?;
        let snap_bytes = if interface.snap_bytes == 0 { u32::MAX } else { interface.snap_bytes };
        Ok(Record {
            captured_at: self.last_time,
            link_type: interface.link_type,
            wire_bytes,
            header_bytes: SIMPLE_HEADER_BYTES,
            captured_bytes: room.min(wire_bytes.min(snap_bytes) as usize),
            whole_bytes: block.len(),
        })
    }

    fn interface(&self, id: u32) -> Result<Interface, Fault> {
        let described = self.interfaces.len();
        let interface = usize::try_from(id).ok().and_then(|index| self.interfaces.get(index));
        interface.copied().ok_or(Fault::Corrupt(Problem::UnknownInterface { id, described }))
    }
}

impl Interface {
    fn timestamp(&self, ticks: u64) -> Timestamp {
        let offset_nanos = self.time_offset_seconds.saturating_mul(NANOS_PER_SECOND);
        Timestamp::from_nanos(self.time_unit.nanos(ticks).saturating_add_signed(offset_nanos))
    }
}

/// The block that is held at the start of the buffer.
fn block(input: &Input, block_bytes: u32) -> &[u8] {
    input.buffered().get(..block_bytes as usize).unwrap_or_default()
}
