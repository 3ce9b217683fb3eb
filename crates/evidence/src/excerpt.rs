//! A capture file of the frames behind a finding.

use std::fmt;

use crate::finding_id::FindingId;

/// Frames that were asked for and are not in the file, or not whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Older ones for which there was no room.
    pub size: u64,
    /// Ones of another link type than the newest: a file has one.
    pub link_type: u64,
    /// Ones that are in the file and were cut to fit: at most the newest, when it alone is too large.
    pub cut: u64,
}

/// Some frames as a classic pcap file with nanoseconds, in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub(crate) finding: FindingId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) frames: u64,
    pub(crate) left_out: LeftOut,
}

impl Excerpt {
    /// The id of the finding, 16 hexadecimal digits.
    pub fn finding(&self) -> &str {
        self.finding.as_str()
    }

    /// The file. It holds what people sent: it must reach no disk and no log as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Frames in the file, 1 or more, by the time of their capture.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that are missing.
    pub const fn left_out(&self) -> LeftOut {
        self.left_out
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excerpt")
            .field("finding", &self.finding)
            .field("bytes", &self.bytes.len())
            .field("frames", &self.frames)
            .field("left_out", &self.left_out)
            .finish()
    }
}
