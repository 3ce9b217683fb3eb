//! One datagram that is not whole.

use tapline_model::Timestamp;

use crate::packet::Fragment;

/// What a piece costs beside its bytes.
const PIECE_BYTES: u64 = 64;

/// Bytes of a datagram that have come, none of them twice.
struct Piece {
    start: usize,
    bytes: Box<[u8]>,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

/// What a fragment added to its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Bytes that were missing, or where the datagram ends.
    New { cost: u64 },
    /// The same, and others that had come before.
    Overlapping { cost: u64 },
    /// Nothing: the very same bytes had come before.
    Repeated,
    /// Nothing: other bytes had come before, or the datagram is known to end elsewhere.
    Contradicting,
}

/// A datagram that is not whole.
pub(super) struct Datagram {
    /// By their start; they never overlap.
    pieces: Vec<Piece>,
    length: usize,
    /// Where it ends, once the last fragment has come.
    end: Option<usize>,
    protocol: u8,
    frames: u64,
    wire_bytes: u64,
    serial: u64,
    began: Timestamp,
    cost: u64,
}

impl Datagram {
    /// A datagram of which nothing has come yet, and what it costs already.
    pub(super) fn new(serial: u64, began: Timestamp, cost: u64) -> Self {
        Self {
            pieces: Vec::new(),
            length: 0,
            end: None,
            protocol: 0,
            frames: 0,
            wire_bytes: 0,
            serial,
            began,
            cost,
        }
    }

    /// Takes a fragment's bytes, as far as they are new.
    pub(super) fn add(&mut self, fragment: Fragment, protocol: u8, bytes: &[u8]) -> Added {
        let start = usize::from(fragment.offset);
        let end = start + bytes.len();
        let reaches_beyond = self.end.is_some_and(|known| end > known);
        let ends_elsewhere = !fragment.more
            && (self.end.is_some_and(|known| end != known)
                || self.pieces.last().is_some_and(|piece| piece.end() > end));
        if reaches_beyond || ends_elsewhere {
            return Added::Contradicting;
        }
        let tells_end = !fragment.more && self.end.is_none();
        let cost_before = self.cost;
        let overlap = self.fill(start, bytes);
        let cost = self.cost - cost_before;
        if cost == 0 && !tells_end {
            return if overlap.differs { Added::Contradicting } else { Added::Repeated };
        }
        if !fragment.more {
            self.end = Some(end);
        }
        if start == 0 {
            self.protocol = protocol;
        }
        if overlap.any { Added::Overlapping { cost } } else { Added::New { cost } }
    }

    /// Puts into every hole of the range what lies there.
    fn fill(&mut self, start: usize, bytes: &[u8]) -> Overlap {
        let end = start + bytes.len();
        let mut overlap = Overlap::default();
        let mut index = self.pieces.partition_point(|piece| piece.end() <= start);
        let mut position = start;
        while position < end {
            let next = self.pieces.get(index).filter(|piece| piece.start < end);
            let hole_end = next.map_or(end, |piece| piece.start.max(position));
            let next_end = next.map(|piece| piece.end().min(end));
            if let (Some(piece), Some(next_end)) = (next, next_end) {
                let shared = hole_end..next_end;
                overlap.any = true;
                overlap.differs |= bytes.get(shared.start - start..shared.end - start)
                    != piece.bytes.get(shared.start - piece.start..shared.end - piece.start);
            }
            if let Some(hole) = bytes.get(position - start..hole_end - start)
                && !hole.is_empty()
            {
                self.length += hole.len();
                self.cost += hole.len() as u64 + PIECE_BYTES;
                self.pieces.insert(index, Piece { start: position, bytes: hole.into() });
                index += 1;
            }
            position = next_end.unwrap_or(end);
            index += 1;
        }
        overlap
    }

    /// Counts the frame whose fragment was added.
    pub(super) fn hold(&mut self, wire_bytes: u64) {
        self.frames += 1;
        self.wire_bytes += wire_bytes;
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.end == Some(self.length)
    }

    /// Frames held, and their bytes on the wire.
    pub(super) fn held(&self) -> (u64, u64) {
        (self.frames, self.wire_bytes)
    }

    /// How many pieces it lies in.
    pub(super) fn piece_count(&self) -> usize {
        self.pieces.len()
    }

    /// What it costs.
    pub(super) fn cost(&self) -> u64 {
        self.cost
    }

    /// Its number in the order of first fragments.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// When its first fragment came.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// What it carries, as the first fragment says.
    pub(super) fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Its bytes in order.
    pub(super) fn join(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length);
        for piece in self.pieces {
            bytes.extend_from_slice(&piece.bytes);
        }
        bytes
    }
}

/// How a fragment lies over what had come before.
#[derive(Clone, Copy, Debug, Default)]
struct Overlap {
    any: bool,
    differs: bool,
}
