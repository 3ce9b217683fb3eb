//! The chunked transfer coding (RFC 9112 section 7.1), one step at a time.

use tapline_model::{Anomaly, AnomalySet};

use super::head_end::HeadEnd;

/// Longest chunk extension and longest trailer section that are passed over.
const LINE_BYTES_MAX: u32 = 16 << 10;

/// Where in a chunked body a direction is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    place: Place,
    anomalies: AnomalySet,
}

#[derive(Debug)]
enum Place {
    /// In the size line.
    Size { size: u64, digits: bool, line: Line, line_bytes: u32 },
    /// In the data of a chunk.
    Data { remaining: u64 },
    /// Before the line end after the data.
    DataEnd { after_cr: bool },
    /// After the last chunk.
    Trailer { end: HeadEnd, trailer_bytes: u32 },
}

impl Default for Place {
    fn default() -> Self {
        Self::Size { size: 0, digits: false, line: Line::Digits, line_bytes: 0 }
    }
}

/// Parts of a size line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Digits,
    /// White space or an extension: ignored up to the line feed.
    Extension,
    AfterCr,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Framing.
    Framing,
    /// Content.
    Content,
    /// Framing, and the body ends after it.
    End,
    /// Not of the coding.
    Invalid,
}

/// What a gap did to a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// It lies within one chunk; this many bytes of it are content.
    Within(u64),
    /// The framing is lost; this many bytes were still content.
    Lost(u64),
}

impl Chunked {
    /// Rules broken so far.
    pub(super) fn anomalies(&self) -> AnomalySet {
        self.anomalies
    }

    /// How many of `bytes` the next piece takes, and what it is. Takes at least one.
    pub(super) fn step(&mut self, bytes: &[u8]) -> (usize, Piece) {
        match &mut self.place {
            Place::Data { remaining } => {
                let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX).min(*remaining);
                *remaining -= here;
                if *remaining == 0 {
                    self.place = Place::DataEnd { after_cr: false };
                }
                (usize::try_from(here).unwrap_or(bytes.len()), Piece::Content)
            }
            Place::Trailer { end, trailer_bytes } => {
                if let Some(used) = end.find(bytes) {
                    return (used, Piece::End);
                }
                let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                *trailer_bytes = trailer_bytes.saturating_add(count);
                if *trailer_bytes > LINE_BYTES_MAX {
                    return self.invalid(bytes.len());
                }
                (bytes.len(), Piece::Framing)
            }
            Place::Size { .. } | Place::DataEnd { .. } => self.framing(bytes),
        }
    }

    /// Passes over bytes that are missing.
    pub(super) fn skip(&mut self, missing_bytes: u64) -> Skip {
        let Place::Data { remaining } = &mut self.place else { return Skip::Lost(0) };
        let Some(beyond) = missing_bytes.checked_sub(*remaining) else {
            *remaining -= missing_bytes;
            return Skip::Within(missing_bytes);
        };
        let content = *remaining;
        // The line end after the data is known without being seen.
        self.place = match beyond {
            0 => Place::DataEnd { after_cr: false },
            1 => Place::DataEnd { after_cr: true },
            2 => Place::default(),
            _ => return Skip::Lost(content),
        };
        Skip::Within(content)
    }

    /// Size lines and line ends, up to where content or the trailer begins.
    fn framing(&mut self, bytes: &[u8]) -> (usize, Piece) {
        for (index, &byte) in bytes.iter().enumerate() {
            let goes_on = match &mut self.place {
                Place::DataEnd { .. } => self.data_end(byte),
                Place::Size { .. } => self.size(byte),
                Place::Data { .. } | Place::Trailer { .. } => {
                    return (index, Piece::Framing);
                }
            };
            if !goes_on {
                return self.invalid(index + 1);
            }
        }
        (bytes.len(), Piece::Framing)
    }

    fn data_end(&mut self, byte: u8) -> bool {
        let Place::DataEnd { after_cr } = &mut self.place else { return false };
        match (byte, *after_cr) {
            (b'\r', false) => *after_cr = true,
            (b'\n', had_cr) => {
                if !had_cr {
                    self.anomalies.insert(Anomaly::BareLineFeed);
                }
                self.place = Place::default();
            }
            _ => return false,
        }
        true
    }

    /// One byte of a size line; false when it cannot be.
    fn size(&mut self, byte: u8) -> bool {
        let Place::Size { size, digits, line, line_bytes } = &mut self.place else { return false };
        *line_bytes += 1;
        if *line_bytes > LINE_BYTES_MAX {
            return false;
        }
        match (byte, *line) {
            (b'\n', was) if *digits => {
                if was != Line::AfterCr {
                    self.anomalies.insert(Anomaly::BareLineFeed);
                }
                self.place = match *size {
                    0 => Place::Trailer { end: HeadEnd::at_line_start(), trailer_bytes: 0 },
                    remaining => Place::Data { remaining },
                };
            }
            (b'\r', Line::Digits | Line::Extension) if *digits => *line = Line::AfterCr,
            (b' ' | b'\t' | b';', Line::Digits) if *digits => *line = Line::Extension,
            (b'\n', _) | (_, Line::AfterCr) => return false,
            (_, Line::Extension) => {}
            (_, Line::Digits) => {
                let Some(digit) = char::from(byte).to_digit(16) else { return false };
                let Some(shifted) = size.checked_mul(16) else { return false };
                *size = shifted + u64::from(digit);
                *digits = true;
            }
        }
        true
    }

    fn invalid(&mut self, used: usize) -> (usize, Piece) {
        self.anomalies.insert(Anomaly::InvalidChunk);
        (used, Piece::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a body fed in pieces of `step` bytes, what was left over, and how it ended.
    fn run(body: &[u8], step: usize) -> (Vec<u8>, usize, Option<Piece>, AnomalySet) {
        let mut chunked = Chunked::default();
        let mut content = Vec::new();
        let mut at = 0;
        while at < body.len() {
            let bytes = &body[at..(at + step).min(body.len())];
            let (used, piece) = chunked.step(bytes);
            if piece == Piece::Content {
                content.extend_from_slice(&bytes[..used]);
            }
            at += used;
            if matches!(piece, Piece::End | Piece::Invalid) {
                return (content, body.len() - at, Some(piece), chunked.anomalies());
            }
        }
        (content, 0, None, chunked.anomalies())
    }

    #[test]
    fn extensions_and_trailers_are_framing() {
        let body = b"4;a=\"b\"\r\nWiki\r\n5 ; x\r\npedia\r\n000\r\nX-Sum: 1\r\nY: 2\r\n\r\nnext";
        for step in [1, 2, 3, 7, 100] {
            let (content, left, piece, anomalies) = run(body, step);
            assert_eq!((content.as_slice(), piece), (b"Wikipedia".as_slice(), Some(Piece::End)));
            assert_eq!(left, 4);
            assert!(anomalies.is_empty());
        }
    }

    #[test]
    fn bare_line_feeds_are_accepted_and_named() {
        let (content, _, piece, anomalies) = run(b"3\nabc\n0\n\n", 100);
        assert_eq!((content.as_slice(), piece), (b"abc".as_slice(), Some(Piece::End)));
        assert_eq!(anomalies.iter().collect::<Vec<_>>(), [Anomaly::BareLineFeed]);
    }

    #[test]
    fn malformed_framing_is_invalid() {
        for body in [
            b"g\r\n".as_slice(),
            b"\r\n",
            b"-1\r\n",
            b"0x5\r\nabcde",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\rx",
            b"11111111111111111\r\n",
            b"5\rx",
        ] {
            let (_, _, piece, anomalies) = run(body, 100);
            assert_eq!(piece, Some(Piece::Invalid), "{}", body.escape_ascii());
            assert!(anomalies.contains(Anomaly::InvalidChunk));
        }
        let long = [b"1;".as_slice(), &vec![b'x'; 20_000]].concat();
        assert_eq!(run(&long, 1_000).2, Some(Piece::Invalid));
    }

    #[test]
    fn a_gap_within_a_chunk_is_arithmetic() {
        for (gap, rest) in [
            (4, b"efgh\r\n0\r\n\r\n".as_slice()),
            (8, b"\r\n0\r\n\r\n"),
            (9, b"\n0\r\n\r\n"),
            (10, b"0\r\n\r\n"),
        ] {
            let mut chunked = Chunked::default();
            assert_eq!(chunked.step(b"8\r\n"), (3, Piece::Framing));
            assert_eq!(chunked.skip(gap), Skip::Within(gap.min(8)));
            let mut at = 0;
            let mut last = Piece::Framing;
            while at < rest.len() {
                let (used, piece) = chunked.step(&rest[at..]);
                at += used;
                last = piece;
            }
            assert_eq!(last, Piece::End, "gap of {gap}");
        }
        let mut chunked = Chunked::default();
        chunked.step(b"8\r\n");
        assert_eq!(chunked.skip(11), Skip::Lost(8));
    }
}
