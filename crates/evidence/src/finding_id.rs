//! The id of a finding, as part of a file name.

use std::fmt;

/// Characters of an id.
const CHARS: usize = 16;

/// 16 hexadecimal digits in lower case: no path can hide in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FindingId(String);

impl FindingId {
    /// None when it is anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == CHARS && digits).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_16_digits_are_an_id() {
        assert_eq!(FindingId::parse("00c0ffee00c0ffee").unwrap().as_str(), "00c0ffee00c0ffee");
        for wrong in [
            "",
            "00c0ffee00c0ffe",
            "00c0ffee00c0ffee0",
            "00C0FFEE00C0FFEE",
            "00c0ffee00c0ffeg",
            "../../etc/passwd",
            "00c0ffee/0c0ffee",
            "00c0ffee\0 c0ffee",
            "00c0ffee00c0ff\u{e9}",
            " 00c0ffee00c0ffe",
        ] {
            assert_eq!(FindingId::parse(wrong), None, "{wrong}");
        }
    }
}
