//! Which frames go into a file of bounded size.

use tapline_model::LinkType;

use super::entry::Entry;
use crate::LeftOut;
use crate::pcap::{HEADER_BYTES, RECORD_BYTES};

/// Takes frames, newest first, until the file is full.
pub(super) struct Selection<'a> {
    bytes_max: usize,
    file_bytes: usize,
    full: bool,
    entries: Vec<&'a Entry>,
    left_out: LeftOut,
}

/// What goes into the file: one frame or more, by time.
pub(super) struct Chosen<'a> {
    pub(super) link_type: LinkType,
    pub(super) file_bytes: usize,
    /// Bytes of a frame that fit; only a frame that is alone can have more.
    pub(super) frame_bytes_max: usize,
    pub(super) entries: Vec<&'a Entry>,
    pub(super) left_out: LeftOut,
}

impl<'a> Selection<'a> {
    /// Of a file of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
            file_bytes: HEADER_BYTES,
            full: false,
            entries: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    /// Takes the next older frame, if it may be in the file.
    pub(super) fn offer(&mut self, entry: &'a Entry) {
        if self.entries.first().is_some_and(|first| first.link_type != entry.link_type) {
            self.left_out.link_type += 1;
            return;
        }
        let mut record = RECORD_BYTES + entry.captured_bytes as usize;
        let room = self.bytes_max.saturating_sub(self.file_bytes);
        // The newest is worth more in part than not at all.
        if self.entries.is_empty() && record > room {
            self.left_out.cut += 1;
            record = room;
        }
        // No older one may take the place of one that did not fit: the file would have a hole.
        self.full |= record > room;
        if self.full {
            self.left_out.size += 1;
            return;
        }
        self.file_bytes += record;
        self.entries.push(entry);
    }

    /// None when no frame was offered.
    pub(super) fn finish(mut self) -> Option<Chosen<'a>> {
        let link_type = self.entries.first()?.link_type;
        // Oldest first; frames of one instant stay in the order in which they came.
        self.entries.reverse();
        self.entries.sort_by_key(|entry| entry.captured_at);
        Some(Chosen {
            link_type,
            file_bytes: self.file_bytes,
            frame_bytes_max: self.bytes_max.saturating_sub(HEADER_BYTES + RECORD_BYTES),
            entries: self.entries,
            left_out: self.left_out,
        })
    }
}
