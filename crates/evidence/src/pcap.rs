//! A capture file in memory: classic pcap with nanoseconds, in little endian.
//!
//! The form is that of `draft-ietf-opsawg-pcap`; the link types are those of
//! `draft-ietf-opsawg-pcaplinktype`.

use tapline_model::{LinkType, Timestamp};

/// Bytes before the first record.
pub(crate) const HEADER_BYTES: usize = 24;
/// Bytes before each frame.
pub(crate) const RECORD_BYTES: usize = 16;
/// Bytes of the largest frame: libpcap takes a file with a larger one for damaged.
pub(crate) const FRAME_BYTES_MAX: u32 = 262_144;

const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The number of a link type in a file (`LINKTYPE_*`), the inverse of `LinkType::from_dlt`.
pub(crate) const fn number_of(link_type: LinkType) -> u16 {
    match link_type {
        LinkType::BsdLoopback => 0,
        LinkType::Ethernet => 1,
        LinkType::RawIp => 101,
        LinkType::OpenBsdLoopback => 108,
        LinkType::LinuxCooked => 113,
        LinkType::Ipv4 => 228,
        LinkType::Ipv6 => 229,
        LinkType::Nflog => 239,
        LinkType::LinuxCooked2 => 276,
        LinkType::Other(number) => number,
    }
}

/// A file that is being written.
pub(crate) struct PcapFile {
    bytes: Vec<u8>,
}

impl PcapFile {
    /// A file without frames, with room for `bytes` bytes in all.
    pub(crate) fn new(link_type: LinkType, bytes: usize) -> Self {
        let mut file = Self { bytes: Vec::with_capacity(bytes.max(HEADER_BYTES)) };
        file.u32(MAGIC_NANOS);
        // Version 2.4; then two fields that are 0 in every file.
        file.bytes.extend([2, 0, 4, 0]);
        file.u32(0);
        file.u32(0);
        file.u32(FRAME_BYTES_MAX);
        file.u32(u32::from(number_of(link_type)));
        file
    }

    /// Adds a frame, of which `bytes` were captured, in two pieces. Times after the year 2106 have no
    /// number in such a file and are its last second.
    pub(crate) fn push(
        &mut self,
        captured_at: Timestamp,
        wire_bytes: u32,
        (first, second): (&[u8], &[u8]),
    ) {
        let seconds = captured_at.nanos() / NANOS_PER_SECOND;
        let nanos = captured_at.nanos() % NANOS_PER_SECOND;
        let captured = u32::try_from(first.len() + second.len()).unwrap_or(u32::MAX);
        debug_assert!(captured <= FRAME_BYTES_MAX, "the ring refuses larger frames");
        self.u32(u32::try_from(seconds).unwrap_or(u32::MAX));
        self.u32(u32::try_from(nanos).unwrap_or(0));
        self.u32(captured);
        self.u32(wire_bytes.max(captured));
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A frame as a reader of the file finds it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct Read {
        pub(crate) seconds: u32,
        pub(crate) nanos: u32,
        pub(crate) wire_bytes: u32,
        pub(crate) bytes: Vec<u8>,
    }

    /// Reads a whole file: the number of its link type and its frames.
    pub(crate) fn read(file: &[u8]) -> (i32, Vec<Read>) {
        let (mut rest, header) = pcap_parser::parse_pcap_header(file).unwrap();
        assert!(header.is_nanosecond_precision() && !header.is_bigendian());
        assert_eq!((header.version_major, header.version_minor), (2, 4));
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let (after, block) = pcap_parser::parse_pcap_frame(rest).unwrap();
            assert_eq!(block.caplen as usize, block.data.len());
            assert!(block.caplen <= header.snaplen && block.caplen <= block.origlen);
            frames.push(Read {
                seconds: block.ts_sec,
                nanos: block.ts_usec,
                wire_bytes: block.origlen,
                bytes: block.data.to_vec(),
            });
            rest = after;
        }
        (header.network.0, frames)
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut file = PcapFile::new(LinkType::LinuxCooked2, 0);
        file.push(Timestamp::from_nanos(1_740_830_400_000_000_042), 1_500, (b"ab", b"c"));
        file.push(Timestamp::from_nanos(1_740_830_400_999_999_999), 0, (b"", b""));
        let (link, frames) = read(&file.into_bytes());
        assert_eq!(link, 276);
        let first =
            Read { seconds: 1_740_830_400, nanos: 42, wire_bytes: 1_500, bytes: b"abc".to_vec() };
        let second =
            Read { seconds: 1_740_830_400, nanos: 999_999_999, wire_bytes: 0, bytes: Vec::new() };
        assert_eq!(frames, [first, second]);
    }

    #[test]
    fn every_link_type_keeps_its_number() {
        for number in 0..=u16::MAX {
            let link_type = LinkType::from_dlt(number);
            assert_eq!(LinkType::from_dlt(number_of(link_type)), link_type, "{number}");
        }
    }

    #[test]
    fn a_time_that_no_file_can_hold_is_the_last_one() {
        let mut file = PcapFile::new(LinkType::Ethernet, 0);
        file.push(Timestamp::from_nanos(u64::MAX), 1, (b"a", b""));
        assert_eq!(read(&file.into_bytes()).1[0].seconds, u32::MAX);
    }
}
