//! Frames from capture files.

mod byte_order;
mod fault;
mod format;
mod input;
mod pcap;
mod pcapng;
mod raw_file;
mod reader;
#[cfg(test)]
mod tests;
mod time_unit;
#[cfg(test)]
mod written;

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::mem;
use std::path::PathBuf;

use tapline_model::{CaptureStats, Frame, SourceId, Timestamp};

use self::reader::Reader;
use crate::CaptureError;

/// How far [`Files`] has come, in bytes of the files as they are, compressed or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Read so far.
    pub read_bytes: u64,
    /// All there is; unknown when a pipe is among them.
    pub total_bytes: Option<u64>,
}

/// Capture files, read as one stream in time order.
///
/// pcap and pcapng are read in both byte orders, plain or compressed by gzip or zstd, told by their
/// content and never by their name. Of each file one buffer is held, and only files that overlap in
/// time are open at once. Frames of one file keep their order, even when their times run backwards;
/// at equal times the file named first goes first.
pub struct Files {
    readers: Vec<Reader>,
    names: Vec<String>,
    /// The files that wait for their turn: when, and which.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The file whose frame was handed out last.
    current: Option<usize>,
    /// Files without a first frame, to be told before any frame.
    faults: VecDeque<CaptureError>,
    stats: CaptureStats,
}

impl Files {
    /// Opens all files and looks at their first frames. `-` is standard input. The frames of a file
    /// carry `first_source` plus the file's place in `paths` as their source.
    ///
    /// # Errors
    /// When any of them cannot be opened, so that a wrong name is told before hours of work, and
    /// when no frame can be read of any of them because of a fault inside. Else such a fault is
    /// told by [`Files::next_frame`].
    pub fn open(paths: &[PathBuf], first_source: SourceId) -> Result<Self, CaptureError> {
        let ids_left = usize::from(u16::MAX - first_source.0) + 1;
        if paths.len() > ids_left {
            return Err(CaptureError::TooManyFiles { count: paths.len(), count_max: ids_left });
        }
        let mut files = Self {
            readers: Vec::with_capacity(paths.len()),
            names: paths.iter().map(|path| raw_file::name(path)).collect(),
            waiting: BinaryHeap::new(),
            current: None,
            faults: VecDeque::new(),
            stats: CaptureStats::default(),
        };
        for ((index, path), id) in paths.iter().enumerate().zip(first_source.0..=u16::MAX) {
            let (reader, first) = Reader::open(path, SourceId(id))?;
            match first {
                Ok(Some(captured_at)) => files.waiting.push(Reverse((captured_at, index))),
                Ok(None) => {}
                Err(fault) => files.faults.push_back(fault),
            }
            files.readers.push(reader);
        }
        if files.waiting.is_empty()
            && files.faults.len() == paths.len()
            && let Some(fault) = files.faults.pop_front()
        {
            return Err(fault);
        }
        Ok(files)
    }

    /// The same files once more, before any frame was read; both give the same frames, also of a file
    /// that grows meanwhile. None when one of them cannot be read twice at small cost: a pipe, or what
    /// is compressed.
    pub fn twin(&mut self) -> Option<Self> {
        if !self.faults.is_empty() || self.current.is_some() {
            return None;
        }
        let readers = self.readers.iter_mut().map(Reader::twin).collect::<Option<Vec<_>>>()?;
        Some(Self {
            readers,
            names: self.names.clone(),
            waiting: self.waiting.clone(),
            current: None,
            faults: VecDeque::new(),
            stats: CaptureStats::default(),
        })
    }

    /// The next frame; none when all files are at their end.
    ///
    /// # Errors
    /// Each fault of a file once, after the frames before it were handed out. The file ends there;
    /// the next call goes on with the others.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if !self.hop() {
            if let Some(fault) = self.faults.pop_front() {
                return Err(fault);
            }
            self.current = self.turn()?;
        }
        let frame = self.current.and_then(|index| self.readers.get(index)).and_then(Reader::frame);
        if let Some(frame) = &frame {
            self.stats.frames += 1;
            self.stats.frame_bytes += u64::from(frame.wire_bytes);
            self.stats.snapped_frames += u64::from(frame.wire_bytes as usize > frame.bytes.len());
        }
        Ok(frame)
    }

    /// Totals of all files so far. A file says nothing of drops.
    pub const fn stats(&self) -> CaptureStats {
        self.stats
    }

    /// How messages call the files, in the order given. The frames of the first carry the first
    /// source, those of the second the one after it, and so on.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How far the files are read. Takes time in proportion to their number.
    pub fn progress(&self) -> Progress {
        let read_bytes = self.readers.iter().map(Reader::read_bytes).sum();
        let total_bytes: Option<u64> = self.readers.iter().map(Reader::size).sum();
        // A file that is still written to grows.
        Progress { read_bytes, total_bytes: total_bytes.map(|total| total.max(read_bytes)) }
    }

    /// Moves on to the next frame of the same file, if no other file has a say.
    #[inline]
    fn hop(&mut self) -> bool {
        let is_alone = self.waiting.is_empty() && self.faults.is_empty();
        let reader =
            self.current.filter(|_| is_alone).and_then(|index| self.readers.get_mut(index));
        reader.is_some_and(|reader| reader.hop().is_some())
    }

    /// Moves on from the frame handed out last to the earliest of all: which file has it.
    fn turn(&mut self) -> Result<Option<usize>, CaptureError> {
        let own = match self.current.take() {
            Some(index) => match self.readers.get_mut(index) {
                Some(reader) => reader.advance()?.map(|captured_at| (captured_at, index)),
                None => None,
            },
            None => None,
        };
        let (_, index) = match (own, self.waiting.peek_mut()) {
            (Some(own), Some(mut first)) if first.0 < own => {
                mem::replace(&mut *first, Reverse(own)).0
            }
            (Some(own), _) => own,
            (None, Some(first)) => PeekMut::pop(first).0,
            (None, None) => return Ok(None),
        };
        if let Some(reader) = self.readers.get_mut(index) {
            reader.wake()?;
        }
        Ok(Some(index))
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("files", &self.readers.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
