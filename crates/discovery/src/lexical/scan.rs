//! Byte classes of a text.

/// Byte classes of a text, counted in one pass.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) bytes: usize,
    pub(super) digits: usize,
    pub(super) upper: usize,
    pub(super) lower: usize,
    pub(super) hex_letters: usize,
    pub(super) dashes: usize,
    pub(super) underscores: usize,
    pub(super) dots: usize,
    pub(super) colons: usize,
    pub(super) at: usize,
    /// The first byte is a minus sign.
    pub(super) minus: bool,
}

impl Scan {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut scan =
            Self { bytes: text.len(), minus: text.first() == Some(&b'-'), ..Self::default() };
        for &byte in text {
            match byte {
                b'0'..=b'9' => scan.digits += 1,
                b'A'..=b'Z' => scan.upper += 1,
                b'a'..=b'z' => scan.lower += 1,
                b'-' => scan.dashes += 1,
                b'_' => scan.underscores += 1,
                b'.' => scan.dots += 1,
                b':' => scan.colons += 1,
                b'@' => scan.at += 1,
                _ => {}
            }
            scan.hex_letters += usize::from(matches!(byte, b'a'..=b'f' | b'A'..=b'F'));
        }
        scan
    }

    pub(super) const fn letters(&self) -> usize {
        self.upper + self.lower
    }

    pub(super) const fn is_hex(&self) -> bool {
        self.hex_letters + self.digits == self.bytes
    }

    /// Only what base64url and identifiers are made of.
    pub(super) const fn is_token_text(&self) -> bool {
        self.letters() + self.digits + self.dashes + self.underscores == self.bytes
    }
}
