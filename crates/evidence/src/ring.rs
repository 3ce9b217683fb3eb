//! The last frames of one capture source.

mod entry;
mod selection;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;

use tapline_model::Frame;

use self::entry::Entry;
use self::selection::Selection;
use crate::pcap::{FRAME_BYTES_MAX, PcapFile};
use crate::{Config, Excerpt, RING_BYTES, Request};

/// No frame takes more than this part of a ring: one must not drive out all the others.
const FRAME_SHARE: usize = 4;
/// Bytes of the ring for each place in its index. Frames that are smaller on average fill the index
/// before the ring.
const BYTES_PER_ENTRY: usize = 256;

/// What became of frames, since start: `pushed = held + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingCounts {
    /// Taken.
    pub pushed: u64,
    /// Dropped to make room for later ones.
    pub dropped: u64,
    /// Not taken: larger than a quarter of the ring, or than the 262 144 bytes of a capture file.
    pub too_large: u64,
    /// In the ring now.
    pub held: u64,
    /// Bytes of those.
    pub bytes_held: u64,
}

/// Holds the last frames that were pushed, oldest first. It belongs to one thread.
///
/// All memory is taken at the start; the system gives it page by page as it is first written to.
pub struct FrameRing {
    /// Frames one after the other, going on at the start after the end.
    bytes: Vec<u8>,
    entries: VecDeque<Entry>,
    entries_max: usize,
    /// Where the next frame begins, below the length of `bytes`.
    next: usize,
    bytes_held: usize,
    pushed: u64,
    dropped: u64,
    too_large: u64,
}

impl fmt::Debug for FrameRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameRing")
            .field("bytes", &self.bytes.len())
            .field("entries_max", &self.entries_max)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl FrameRing {
    /// An empty ring of [`Config::ring_bytes`], brought into [`RING_BYTES`].
    pub fn new(config: &Config) -> Self {
        let bytes = config.ring_bytes.clamp(*RING_BYTES.start(), *RING_BYTES.end());
        Self::with_bytes(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// An empty ring of `bytes` bytes, at most 4 GiB.
    fn with_bytes(bytes: usize) -> Self {
        let entries_max = bytes.div_ceil(BYTES_PER_ENTRY);
        Self {
            // Zeroed memory comes from the system untouched: it costs nothing until it is used.
            bytes: vec![0; bytes],
            entries: VecDeque::with_capacity(entries_max),
            entries_max,
            next: 0,
            bytes_held: 0,
            pushed: 0,
            dropped: 0,
            too_large: 0,
        }
    }

    /// Copies a frame between `ends`, client and server in either order. The oldest frames make room
    /// for it; it is counted and refused when it is too large. Never allocates.
    pub fn push(&mut self, frame: &Frame<'_>, ends: (IpAddr, IpAddr)) {
        let length = frame.bytes.len();
        let captured_bytes = u32::try_from(length).unwrap_or(u32::MAX);
        if length > self.bytes.len() / FRAME_SHARE || captured_bytes > FRAME_BYTES_MAX {
            self.too_large += 1;
            return;
        }
        while self.bytes_held + length > self.bytes.len() || self.entries.len() >= self.entries_max
        {
            self.drop_oldest();
        }
        self.entries.push_back(Entry {
            captured_at: frame.captured_at,
            // Below 4 GiB, as the ring is no longer than that.
            offset: u32::try_from(self.next).unwrap_or(u32::MAX),
            captured_bytes,
            wire_bytes: frame.wire_bytes,
            link_type: frame.link_type,
            ends: (ends.0.to_canonical(), ends.1.to_canonical()),
        });
        self.write(frame.bytes);
        self.pushed += 1;
    }

    /// The frames that `request` asks for, as a file; none when there are none. When they are too
    /// many the last ones pushed are in it. They are in the order of their capture.
    ///
    /// Looks at every frame of the ring, which takes a few milliseconds for each 64 MiB of it.
    /// Allocates the file.
    pub fn excerpt(&self, request: &Request) -> Option<Excerpt> {
        let mut selection = Selection::new(request.bytes_max());
        let wanted = |entry: &&Entry| request.wants(entry.captured_at, entry.ends);
        self.entries.iter().rev().filter(wanted).for_each(|entry| selection.offer(entry));
        let chosen = selection.finish()?;
        let mut file = PcapFile::new(chosen.link_type, chosen.file_bytes);
        for entry in &chosen.entries {
            file.push(
                entry.captured_at,
                entry.wire_bytes.max(entry.captured_bytes),
                self.read(entry, chosen.frame_bytes_max),
            );
        }
        Some(Excerpt {
            finding: request.id().clone(),
            bytes: file.into_bytes(),
            frames: chosen.entries.len() as u64,
            left_out: chosen.left_out,
        })
    }

    /// What became of frames.
    pub fn counts(&self) -> RingCounts {
        RingCounts {
            pushed: self.pushed,
            dropped: self.dropped,
            too_large: self.too_large,
            held: self.entries.len() as u64,
            bytes_held: self.bytes_held as u64,
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.entries.pop_front() else {
            debug_assert!(false, "a frame that is not too large fits an empty ring");
            self.bytes_held = 0;
            return;
        };
        self.bytes_held = self.bytes_held.saturating_sub(oldest.captured_bytes as usize);
        self.dropped += 1;
    }

    /// Copies to `next`, where there is room, and moves it.
    fn write(&mut self, bytes: &[u8]) {
        let until_end = self.bytes.len() - self.next;
        let (first, second) = bytes.split_at(bytes.len().min(until_end));
        let (start, end) = self.bytes.split_at_mut(self.next);
        for (place, piece) in [(end, first), (start, second)] {
            if let Some(place) = place.get_mut(..piece.len()) {
                place.copy_from_slice(piece);
            }
        }
        self.next += bytes.len();
        if self.next >= self.bytes.len() {
            self.next -= self.bytes.len();
        }
        self.bytes_held += bytes.len();
    }

    /// The first `bytes_max` bytes of a frame, in two pieces.
    fn read(&self, entry: &Entry, bytes_max: usize) -> (&[u8], &[u8]) {
        let length = (entry.captured_bytes as usize).min(bytes_max);
        let offset = entry.offset as usize;
        let first = length.min(self.bytes.len().saturating_sub(offset));
        let piece = |at: usize, length: usize| self.bytes.get(at..at + length).unwrap_or_default();
        (piece(offset, first), piece(0, length - first))
    }
}
