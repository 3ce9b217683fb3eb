//! The classic format: draft-ietf-opsawg-pcap, in its four and some variants.

use pcap_parser::parse_pcap_header;
use tapline_model::{LinkType, Timestamp};

use super::byte_order::ByteOrder;
use super::fault::Fault;
use super::format::Record;
use super::input::Input;
use crate::Problem;

/// Longest frame: what libpcap and Wireshark take for the longest, too. A larger number in a record
/// header is no length.
const FRAME_BYTES_MAX: u32 = 262_144;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// Some kernels of the nineties wrote eight bytes more (magic 0xa1b2cd34).
const MODIFIED_HEADER_BYTES: usize = 24;

/// What the file header says of all frames.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    nanos_per_fraction: u64,
    link_type: LinkType,
    record_header_bytes: usize,
    /// Up to version 2.3 some writers had the two lengths of a frame the other way round.
    may_swap_lengths: bool,
}

impl Pcap {
    /// Whether a file that starts so has this format.
    pub(super) fn starts(bytes: &[u8]) -> bool {
        variant(bytes).is_some()
    }

    /// Reads the file header.
    pub(super) fn new(input: &mut Input) -> Result<Self, Fault> {
        input.need(FILE_HEADER_BYTES)?;
        let mut header =
            *input.buffered().first_chunk::<FILE_HEADER_BYTES>().ok_or(Fault::Truncated)?;
        let (order, modified) = variant(&header).ok_or(Fault::Truncated)?;
        if modified {
            // The parser knows only one byte order of it; the file header is that of the others.
            let plain = 0xa1b2_c3d4_u32;
            let magic = match order {
                ByteOrder::Little => plain.to_le_bytes(),
                ByteOrder::Big => plain.to_be_bytes(),
            };
            if let Some(start) = header.first_chunk_mut() {
                *start = magic;
            }
        }
        let (_, header) = parse_pcap_header(&header).map_err(|_| Fault::Truncated)?;
        if header.version_major != 2 {
            let (major, minor) = (header.version_major, header.version_minor);
            return Err(Problem::Version { major, minor }.into());
        }
        input.consume(FILE_HEADER_BYTES);
        // The upper half says how long the checksum at the end of the frames is.
        let [low, high, ..] = header.network.0.to_le_bytes();
        Ok(Self {
            order,
            nanos_per_fraction: if header.is_nanosecond_precision() { 1 } else { 1_000 },
            link_type: LinkType::from_dlt(u16::from_le_bytes([low, high])),
            record_header_bytes: if modified { MODIFIED_HEADER_BYTES } else { RECORD_HEADER_BYTES },
            may_swap_lengths: header.version_minor <= 3,
        })
    }

    /// The frame that `bytes` starts with, if it lies there whole and nothing about it is unusual.
    #[inline]
    pub(super) fn peek(&self, bytes: &[u8]) -> Option<Record> {
        if self.record_header_bytes != RECORD_HEADER_BYTES {
            return None;
        }
        let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>()?;
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *header;
        let seconds = self.order.number([s0, s1, s2, s3]);
        let fraction = self.order.number([f0, f1, f2, f3]);
        let captured = self.order.number([c0, c1, c2, c3]);
        let wire_bytes = self.order.number([w0, w1, w2, w3]);
        let captured_bytes = captured as usize;
        if captured > FRAME_BYTES_MAX.min(wire_bytes) || captured_bytes > rest.len() {
            return None;
        }
        let nanos = u64::from(fraction) * self.nanos_per_fraction;
        Some(Record {
            captured_at: Timestamp::from_seconds(u64::from(seconds)).plus_nanos(nanos),
            link_type: self.link_type,
            wire_bytes,
            header_bytes: RECORD_HEADER_BYTES,
            captured_bytes,
            whole_bytes: RECORD_HEADER_BYTES + captured_bytes,
        })
    }

    /// The next frame.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Record>, Fault> {
        if !input.fill(self.record_header_bytes)? {
            return if input.buffered().is_empty() { Ok(None) } else { Err(Fault::Truncated) };
        }
        let header = input.buffered();
        let field = |at| self.order.u32(header, at);
        let (Some(seconds), Some(fraction), Some(mut captured_bytes), Some(mut wire_bytes)) =
            (field(0), field(4), field(8), field(12))
        else {
            return Err(Fault::Truncated);
        };
        if self.may_swap_lengths && captured_bytes > wire_bytes {
            std::mem::swap(&mut captured_bytes, &mut wire_bytes);
        }
        if captured_bytes > FRAME_BYTES_MAX {
            let bytes_max = FRAME_BYTES_MAX;
            return Err(Problem::FrameTooLong { captured_bytes, bytes_max }.into());
        }
        let whole_bytes = self.record_header_bytes + captured_bytes as usize;
        input.need(whole_bytes)?;
        let nanos = u64::from(fraction) * self.nanos_per_fraction;
        Ok(Some(Record {
            captured_at: Timestamp::from_seconds(u64::from(seconds)).plus_nanos(nanos),
            link_type: self.link_type,
            wire_bytes: wire_bytes.max(captured_bytes),
            header_bytes: self.record_header_bytes,
            captured_bytes: captured_bytes as usize,
            whole_bytes,
        }))
    }
}

/// The byte order, and whether the record headers are the longer ones.
fn variant(bytes: &[u8]) -> Option<(ByteOrder, bool)> {
    match bytes.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => Some((ByteOrder::Little, false)),
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => Some((ByteOrder::Big, false)),
        [0x34, 0xcd, 0xb2, 0xa1] => Some((ByteOrder::Little, true)),
        [0xa1, 0xb2, 0xcd, 0x34] => Some((ByteOrder::Big, true)),
        _ => None,
    }
}
