//! Which format a capture file has, and what one frame of it is.

use std::fmt::Write;

use tapline_model::{LinkType, Timestamp};

use super::fault::Fault;
use super::input::Input;
use super::pcap::Pcap;
use super::pcapng::PcapNg;

/// Starts of files that people take for captures, and what to say of them.
const LOOKALIKES: [(&[u8], &str); 5] = [
    (&[0xfd, 0x37, 0x7a, 0x58], "xz: decompress it first"),
    (b"BZh", "bzip2: decompress it first"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4: decompress it first"),
    (b"PK\x03\x04", "zip: unpack it first"),
    (b"snoo", "snoop: convert it first, with editcap for example"),
];

/// A frame at the start of the input's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) captured_at: Timestamp,
    pub(super) link_type: LinkType,
    /// At least `captured_bytes`.
    pub(super) wire_bytes: u32,
    /// Bytes before the captured ones.
    pub(super) header_bytes: usize,
    pub(super) captured_bytes: usize,
    /// All bytes of the record.
    pub(super) whole_bytes: usize,
}

/// The format, and what has to be remembered from one frame to the next.
pub(super) enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl Format {
    /// Tells the format from the first bytes, and reads the header.
    pub(super) fn detect(input: &mut Input) -> Result<Self, Fault> {
        if !input.fill(4)? && input.buffered().is_empty() {
            return Err(Fault::Empty);
        }
        if PcapNg::starts(input.buffered()) {
            return Ok(Self::PcapNg(PcapNg::new()));
        }
        if Pcap::starts(input.buffered()) {
            return Pcap::new(input).map(Self::Pcap);
        }
        Err(Fault::NotACapture(describe(input.buffered())))
    }

    /// The next frame, whole in the input's buffer; none at a clean end.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Record>, Fault> {
        match self {
            Self::Pcap(format) => format.next(input),
            Self::PcapNg(format) => format.next(input),
        }
    }
}

/// The first bytes in hexadecimal: four of them tell a format and no secret.
fn describe(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes.iter().take(4) {
        // Writing to a string does not fail.
        let (Ok(()) | Err(_)) = write!(text, "{byte:02x}");
    }
    if let Some((_, what)) = LOOKALIKES.iter().find(|(start, _)| bytes.starts_with(start)) {
        text.push_str(" (");
        text.push_str(what);
        text.push(')');
    }
    text
}
