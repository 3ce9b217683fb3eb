//! The decompressed bytes of a capture file, through a bounded buffer.

use std::io::{self, BufReader, ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::fault::Fault;
use super::raw_file::{Compression, RawFile};
use crate::{Offset, Problem};

/// A stream of bytes, of which some lie in a buffer.
pub(super) struct Input {
    decoder: Decoder,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` lies in the stream.
    offset: u64,
}

enum Decoder {
    Plain(RawFile),
    Gzip(Box<MultiGzDecoder<RawFile>>),
    Zstd(zstd::Decoder<'static, BufReader<RawFile>>),
}

impl Input {
    /// Starts at the start of the file. The buffer grows when more than its size has to be held.
    pub(super) fn new(mut file: RawFile, buffer_bytes: usize) -> Result<Self, Fault> {
        let decoder = match file.compression().map_err(Fault::Unreadable)? {
            Compression::None => Decoder::Plain(file),
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(file))),
            // Refuses windows above 128 MiB by itself.
            Compression::Zstd => {
                Decoder::Zstd(zstd::Decoder::new(file).map_err(Fault::Unreadable)?)
            }
        };
        Ok(Self { decoder, bytes: vec![0; buffer_bytes], start: 0, end: 0, offset: 0 })
    }

    /// Whether the file is read as it lies on the disk.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.decoder, Decoder::Plain(_))
    }

    /// What is in the buffer.
    #[inline]
    pub(super) fn buffered(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until at least `count` bytes are in the buffer; false when the stream ends before.
    pub(super) fn fill(&mut self, count: usize) -> Result<bool, Fault> {
        if self.end - self.start >= count {
            return Ok(true);
        }
        self.make_room(count);
        while self.end - self.start < count {
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            match self.decoder.read(room) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.decoder.fault(error)),
            }
        }
        Ok(true)
    }

    /// Like [`Input::fill`], where the stream may not end before.
    pub(super) fn need(&mut self, count: usize) -> Result<(), Fault> {
        if self.fill(count)? { Ok(()) } else { Err(Fault::Truncated) }
    }

    /// Forgets bytes of the buffer.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Forgets bytes of the stream without holding them all at once.
    pub(super) fn skip(&mut self, mut count: usize) -> Result<(), Fault> {
        while count > 0 {
            self.need(1)?;
            let step = count.min(self.end - self.start);
            self.consume(step);
            count -= step;
        }
        Ok(())
    }

    /// Where the buffered bytes start.
    pub(super) fn offset(&self) -> Offset {
        self.offset_after(0)
    }

    /// Where they end.
    pub(super) fn end_offset(&self) -> Offset {
        self.offset_after(self.end - self.start)
    }

    /// How much of the file was read.
    pub(super) fn read_bytes(&self) -> u64 {
        match &self.decoder {
            Decoder::Plain(file) => file.read_bytes(),
            Decoder::Gzip(decoder) => decoder.get_ref().read_bytes(),
            Decoder::Zstd(decoder) => decoder.get_ref().get_ref().read_bytes(),
        }
    }

    fn offset_after(&self, count: usize) -> Offset {
        let decompressed = !matches!(self.decoder, Decoder::Plain(_));
        Offset { bytes: self.offset + count as u64, decompressed }
    }

    /// Makes the buffer hold `count` bytes from `start` on. Moves less than `count` bytes, and at
    /// most once a buffer.
    fn make_room(&mut self, count: usize) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.start + count > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if count > self.bytes.len() {
            self.bytes.resize(count, 0);
        }
    }
}

impl Decoder {
    /// What an error of [`Read::read`] means.
    fn fault(&self, error: io::Error) -> Fault {
        let of_the_system = error.raw_os_error().is_some();
        match self {
            Self::Gzip(_) | Self::Zstd(_) if error.kind() == ErrorKind::UnexpectedEof => {
                Fault::Truncated
            }
            Self::Gzip(_) | Self::Zstd(_) if !of_the_system => {
                Problem::Compression { message: error.to_string() }.into()
            }
            _ => Fault::Unreadable(error),
        }
    }
}

impl Read for Decoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(into),
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}
