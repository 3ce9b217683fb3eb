//! The frames of one capture file.

use std::path::{Path, PathBuf};

use tapline_model::{Frame, SourceId, Timestamp};

use super::fault::Fault;
use super::format::{Format, Record};
use super::input::Input;
use super::raw_file::{self, RawFile};
use crate::CaptureError;

/// Buffer of a file that is being read: it stays in the cache of a core.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// Buffer of a file of which only the first frame is looked at.
const PROBE_BUFFER_BYTES: usize = 64 << 10;

/// One file. A file that has to wait long for its turn is closed and opened again.
pub(super) struct Reader {
    path: PathBuf,
    name: String,
    source: SourceId,
    size: Option<u64>,
    /// Bytes of the file that are read at most.
    bytes_max: u64,
    /// Not compressed.
    is_plain: bool,
    opened: Option<Opened>,
    /// Frames handed out.
    frames: u64,
    /// Bytes of the file read before it was closed for good.
    read_bytes: u64,
}

struct Opened {
    input: Input,
    format: Option<Format>,
    record: Option<Record>,
}

impl Reader {
    /// Opens a file and looks for the first frame. The second value is when that was captured, or
    /// why there is none.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(
        path: &Path,
        source: SourceId,
    ) -> Result<(Self, Result<Option<Timestamp>, CaptureError>), CaptureError> {
        let file = RawFile::open(path)?;
        let mut reader = Self {
            path: path.to_owned(),
            name: raw_file::name(path),
            source,
            size: file.size,
            bytes_max: u64::MAX,
            is_plain: false,
            opened: None,
            frames: 0,
            read_bytes: 0,
        };
        let may_reopen = file.size.is_some();
        let first =
            reader.start(file, if may_reopen { PROBE_BUFFER_BYTES } else { READ_BUFFER_BYTES });
        reader.is_plain = reader.opened.as_ref().is_some_and(|opened| opened.input.is_plain());
        if may_reopen && matches!(first, Ok(Some(_))) {
            // However many files there are, only those that overlap in time are open at once.
            reader.opened = None;
        }
        Ok((reader, first))
    }

    /// A second reader of the file from its start; from now on both read as far as it reached when it
    /// was opened. None when it cannot be read twice at small cost.
    pub(super) fn twin(&mut self) -> Option<Self> {
        let size = self.size.filter(|_| self.is_plain && self.opened.is_none())?;
        self.bytes_max = size;
        Some(Self {
            path: self.path.clone(),
            name: self.name.clone(),
            source: self.source,
            size: self.size,
            bytes_max: size,
            is_plain: true,
            opened: None,
            frames: 0,
            read_bytes: 0,
        })
    }

    /// Opens the file again if it was closed, and returns to its first frame.
    pub(super) fn wake(&mut self) -> Result<(), CaptureError> {
        if self.opened.is_some() {
            return Ok(());
        }
        let mut file = RawFile::open(&self.path)?;
        file.bytes_max = self.bytes_max;
        match self.start(file, READ_BUFFER_BYTES)? {
            Some(_) => Ok(()),
            None => Err(CaptureError::Changed { file: self.name.clone() }),
        }
    }

    /// Goes to the next frame, if that lies in the buffer already: when it was captured. Else stays
    /// where it is.
    #[inline]
    pub(super) fn hop(&mut self) -> Option<Timestamp> {
        let captured_at = self.opened.as_mut()?.hop()?;
        self.frames += 1;
        Some(captured_at)
    }

    /// Goes to the next frame and says when it was captured; none at the end. After an error the
    /// file is at its end.
    pub(super) fn advance(&mut self) -> Result<Option<Timestamp>, CaptureError> {
        if let Some(captured_at) = self.hop() {
            return Ok(Some(captured_at));
        }
        let Some(opened) = &mut self.opened else { return Ok(None) };
        if let Some(record) = opened.record.take() {
            opened.input.consume(record.whole_bytes);
            self.frames += 1;
        }
        match opened.next() {
            Ok(Some(captured_at)) => Ok(Some(captured_at)),
            Ok(None) => {
                self.close();
                Ok(None)
            }
            Err(fault) => {
                let error = self.error(fault);
                self.close();
                Err(error)
            }
        }
    }

    /// The frame it is at.
    #[inline]
    pub(super) fn frame(&self) -> Option<Frame<'_>> {
        let opened = self.opened.as_ref()?;
        let record = opened.record.as_ref()?;
        let end = record.header_bytes + record.captured_bytes;
        Some(Frame {
            captured_at: record.captured_at,
            link_type: record.link_type,
            wire_bytes: record.wire_bytes,
            bytes: opened.input.buffered().get(record.header_bytes..end)?,
            source: self.source,
        })
    }

    /// Its size in bytes, if it is a regular file.
    pub(super) const fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of it were read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.opened.as_ref().map_or(self.read_bytes, |opened| opened.input.read_bytes())
    }

    #[cfg(test)]
    pub(super) const fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    fn start(
        &mut self,
        file: RawFile,
        buffer_bytes: usize,
    ) -> Result<Option<Timestamp>, CaptureError> {
        let input = Input::new(file, buffer_bytes).map_err(|fault| self.error(fault))?;
        self.opened = Some(Opened { input, format: None, record: None });
        self.advance()
    }

    fn close(&mut self) {
        self.read_bytes = self.read_bytes();
        self.opened = None;
    }

    fn error(&self, fault: Fault) -> CaptureError {
        let file = self.name.clone();
        let frames = self.frames;
        let input = self.opened.as_ref().map(|opened| &opened.input);
        let offset = input.map_or_else(Default::default, Input::offset);
        match fault {
            Fault::Empty => CaptureError::Empty { file },
            Fault::NotACapture(magic) => CaptureError::NotACapture { file, magic },
            Fault::Truncated => {
                let offset = input.map_or_else(Default::default, Input::end_offset);
                CaptureError::Truncated { file, offset, frames }
            }
            Fault::Corrupt(problem) => CaptureError::Corrupt { file, offset, frames, problem },
            Fault::Unreadable(error) => CaptureError::Unreadable { file, offset, frames, error },
        }
    }
}

impl Opened {
    #[inline]
    fn hop(&mut self) -> Option<Timestamp> {
        let (Some(Format::Pcap(format)), Some(record)) = (&self.format, &mut self.record) else {
            return None;
        };
        let passed_bytes = record.whole_bytes;
        *record = format.peek(self.input.buffered().get(passed_bytes..)?)?;
        let captured_at = record.captured_at;
        self.input.consume(passed_bytes);
        Some(captured_at)
    }

    fn next(&mut self) -> Result<Option<Timestamp>, Fault> {
        let format = match &mut self.format {
            Some(format) => format,
            unknown => unknown.insert(Format::detect(&mut self.input)?),
        };
        self.record = format.next(&mut self.input)?;
        Ok(self.record.map(|record| record.captured_at))
    }
}
