//! One excerpt in the folder.

use std::fmt;

use tapline_model::Timestamp;

use crate::finding_id::FindingId;

const SUFFIX: &str = ".pcap.age";

/// An excerpt that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The id of its finding, 16 hexadecimal digits.
    pub finding: String,
    /// The name of its file in the folder: `<finding>-<n>.pcap.age`.
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was written, by the clock of the disk.
    pub modified: Timestamp,
    /// The `n` of its name.
    pub(super) number: u32,
}

impl Kept {
    pub(super) fn new(name: &Name, bytes: u64, modified: Timestamp) -> Self {
        Self {
            finding: name.finding.as_str().to_owned(),
            name: name.to_string(),
            bytes,
            modified,
            number: name.number,
        }
    }
}

/// The name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) finding: FindingId,
    pub(super) number: u32,
}

impl Name {
    /// None when a vault gives no file this name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (finding, number) = text.strip_suffix(SUFFIX)?.split_once('-')?;
        let name = Self { finding: FindingId::parse(finding)?, number: number.parse().ok()? };
        // `+1` and `01` are numbers too.
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}{SUFFIX}", self.finding, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_are_none() {
        for text in ["00c0ffee00c0ffee-0.pcap.age", "00c0ffee00c0ffee-4294967295.pcap.age"] {
            assert_eq!(Name::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "00c0ffee00c0ffee-.pcap.age",
            "00c0ffee00c0ffee-01.pcap.age",
            "00c0ffee00c0ffee-+1.pcap.age",
            "00c0ffee00c0ffee--1.pcap.age",
            "00c0ffee00c0ffee-4294967296.pcap.age",
            "00c0ffee00c0ffee-0.pcap",
            "00c0ffee00c0ffee-0.pcap.age.new-1",
            "00C0FFEE00C0FFEE-0.pcap.age",
            "0c0ffee-0.pcap.age",
            "notes.pcap.age",
            "",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
