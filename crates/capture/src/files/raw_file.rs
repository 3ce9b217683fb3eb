//! The bytes of a file as it lies on the disk or comes from a pipe.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;

use crate::CaptureError;

/// Bytes that tell compressions apart.
const MAGIC_BYTES: usize = 4;

/// How a file is compressed, as its first bytes tell: names lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, one member or many.
    Gzip,
    /// RFC 8878, one frame or many.
    Zstd,
}

/// A file that is read once from start to end.
#[derive(Debug)]
pub(super) struct RawFile {
    file: File,
    magic: [u8; MAGIC_BYTES],
    magic_bytes: usize,
    magic_read: usize,
    read_bytes: u64,
    /// Its size, when it is a regular file; only such a file can be opened again.
    pub(super) size: Option<u64>,
    /// Bytes that are read at most.
    pub(super) bytes_max: u64,
}

impl RawFile {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = if is_stdin(path) { stdin()? } else { named(path)? };
        let unopenable = |error| CaptureError::Unopenable { file: name(path), error };
        let metadata = file.metadata().map_err(unopenable)?;
        if metadata.is_dir() {
            return Err(CaptureError::Directory { file: name(path) });
        }
        // Standard input may already have been read in part: its size does not say what is left.
        let size = (metadata.is_file() && !is_stdin(path)).then_some(metadata.len());
        let magic = [0; MAGIC_BYTES];
        Ok(Self {
            file,
            magic,
            magic_bytes: 0,
            magic_read: 0,
            read_bytes: 0,
            size,
            bytes_max: u64::MAX,
        })
    }

    /// Looks at the first bytes; they will be read all the same.
    pub(super) fn compression(&mut self) -> io::Result<Compression> {
        while let Some(rest) = self.magic.get_mut(self.magic_bytes..)
            && !rest.is_empty()
        {
            match self.file.read(rest) {
                Ok(0) => break,
                Ok(count) => self.magic_bytes += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(match self.magic {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            // The second is a frame to be skipped, with which parallel compressors begin.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
            _ => Compression::None,
        })
    }

    /// How many bytes were read.
    pub(super) const fn read_bytes(&self) -> u64 {
        self.read_bytes
    }
}

impl Read for RawFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes_max.saturating_sub(self.read_bytes));
        let room = into.len().min(left.unwrap_or(usize::MAX));
        let into = into.get_mut(..room).unwrap_or_default();
        let count = match self.magic.get(self.magic_read..self.magic_bytes) {
            Some(mut seen) if !seen.is_empty() => {
                let count = seen.read(into)?;
                self.magic_read += count;
                count
            }
            _ => self.file.read(into)?,
        };
        self.read_bytes += count as u64;
        Ok(count)
    }
}

/// How messages call a file.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn named(path: &Path) -> Result<File, CaptureError> {
    File::open(path).map_err(|error| CaptureError::Unopenable { file: name(path), error })
}

/// A descriptor of its own, so that the buffer of std is not between.
fn stdin() -> Result<File, CaptureError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(CaptureError::Terminal);
    }
    let descriptor = stdin
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| CaptureError::Unopenable { file: "standard input".to_owned(), error })?;
    Ok(File::from(descriptor))
}
