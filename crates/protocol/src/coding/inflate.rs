//! The three wrappings of deflate: gzip (RFC 1952), zlib (RFC 1950), and none (RFC 1951).

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Ending, next_step};

/// Check sum and size after each gzip member.
const TRAILER_BYTES: usize = 8;

/// One inflate state, reused.
pub(super) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(false))
    }
}

impl Inflater {
    /// Decodes what the bytes say they are; the label on the wire is often wrong about the wrapping.
    pub(super) fn decode(&mut self, input: &[u8], output: &mut Vec<u8>, cap: usize) -> Ending {
        match *input {
            [0x1f, 0x8b, ..] => self.members(input, output, cap),
            [method, flags, ..]
                if method & 0x0f == 8 && u16::from_be_bytes([method, flags]) % 31 == 0 =>
            {
                let (ending, _) = self.stream(true, input, output, cap);
                if ending == Ending::Broken && output.is_empty() {
                    return self.stream(false, input, output, cap).0;
                }
                ending
            }
            _ => self.stream(false, input, output, cap).0,
        }
    }

    /// Member after member; what follows the last is padding.
    fn members(&mut self, input: &[u8], output: &mut Vec<u8>, cap: usize) -> Ending {
        let mut rest = input;
        loop {
            let Some(header) = member_header(rest) else { return Ending::Starved };
            if rest.get(2) != Some(&8) {
                return Ending::Broken;
            }
            let made = output.len();
            let data = rest.get(header..).unwrap_or_default();
            let (ending, used) = self.stream(false, data, output, cap);
            if ending != Ending::Complete {
                return ending;
            }
            let Some((trailer, next)) =
                data.get(used..).and_then(|after| after.split_first_chunk::<TRAILER_BYTES>())
            else {
                return Ending::Starved;
            };
            let mut sum = Crc::new();
            sum.update(output.get(made..).unwrap_or_default());
            if trailer.get(..4) != Some(&sum.sum().to_le_bytes()) {
                return Ending::Broken;
            }
            if !next.starts_with(&[0x1f, 0x8b]) {
                return Ending::Complete;
            }
            rest = next;
        }
    }

    /// One deflate stream; also says how many bytes it took.
    fn stream(
        &mut self,
        zlib: bool,
        input: &[u8],
        output: &mut Vec<u8>,
        cap: usize,
    ) -> (Ending, usize) {
        self.0.reset(zlib);
        let used = |state: &Decompress| usize::try_from(state.total_in()).unwrap_or(input.len());
        while let Some(step) = next_step(output, cap) {
            output.reserve(step);
            let before = (self.0.total_in(), output.len());
            let rest = input.get(used(&self.0)..).unwrap_or_default();
            match self.0.decompress_vec(rest, output, FlushDecompress::None) {
                Ok(Status::StreamEnd) if output.len() <= cap => {
                    return (Ending::Complete, used(&self.0));
                }
                Ok(Status::Ok | Status::BufError)
                    if before == (self.0.total_in(), output.len()) =>
                {
                    return (Ending::Starved, used(&self.0));
                }
                Ok(_) => {}
                Err(_) => return (Ending::Broken, used(&self.0)),
            }
        }
        (Ending::Capped, used(&self.0))
    }
}

/// Length of a member's header; None when it goes on after `bytes`.
fn member_header(bytes: &[u8]) -> Option<usize> {
    const HAS_SUM: u8 = 2;
    const HAS_EXTRA: u8 = 4;
    const HAS_NAME: u8 = 8;
    const HAS_COMMENT: u8 = 16;
    let flags = *bytes.get(3)?;
    let mut length = 10;
    if flags & HAS_EXTRA != 0 {
        let extra = bytes.get(length..)?.first_chunk::<2>()?;
        length += 2 + usize::from(u16::from_le_bytes(*extra));
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            length += memchr::memchr(0, bytes.get(length..)?)? + 1;
        }
    }
    if flags & HAS_SUM != 0 {
        length += 2;
    }
    (length <= bytes.len()).then_some(length)
}
