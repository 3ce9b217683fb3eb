//! One direction of a flow: bytes in order, overlap settled, holes waited for and given up.

mod intake;

use tapline_model::{Chunk, Direction, DropReason, IgnoreReason, Timestamp};

use crate::held::Held;
use crate::holders::Holding;
use crate::outlet::Outlet;
use crate::tail::Tail;

/// How far from the expected sequence number a segment may lie. Twice the largest receive windows
/// seen in practice; the largest possible is 1 GiB (RFC 7323 section 2.3), which would let a
/// quarter of all random numbers in.
pub(crate) const WINDOW_BYTES: u32 = 64 << 20;

/// Stream offsets start here, so that none is ever negative. Their low 32 bits are the sequence
/// number.
const FIRST_OFFSET: u64 = 1 << 32;

/// Something that is known to lie at an offset that is not reached, and since when.
#[derive(Clone, Copy)]
struct Evidence {
    offset: u64,
    since: Timestamp,
}

/// A reset that waits.
#[derive(Clone, Copy)]
struct Reset {
    evidence: Evidence,
    /// It came exactly where its receiver expects it.
    is_exact: bool,
}

/// The last hole that was given up.
#[derive(Clone, Copy)]
struct LostRange {
    start: u64,
    end: u64,
    reason: DropReason,
}

impl LostRange {
    /// How many of the positions from `start` to `end` it covers.
    fn overlap(&self, start: u64, end: u64) -> u64 {
        self.end.min(end).saturating_sub(self.start.max(start))
    }
}

/// What became of a segment's payload as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Some of it was new.
    Taken,
    /// None of it was new.
    Ignored(IgnoreReason),
    /// It came after its hole was given up.
    Dropped(DropReason),
}

/// One direction.
pub(crate) struct Half {
    direction: Direction,
    /// A segment of this direction was seen.
    pub(crate) is_seen: bool,
    /// Its SYN was seen.
    pub(crate) has_syn: bool,
    /// Its FIN was delivered.
    pub(crate) is_ended: bool,
    /// Offset of the first byte, once it is known where the stream stands.
    start: Option<u64>,
    /// Offset of the next byte to deliver.
    next: u64,
    /// Offset after the last byte, where the FIN is.
    fin: Option<Evidence>,
    /// What the other side last acknowledged.
    acknowledged: u64,
    /// Since when that has been ahead of `next`, and nothing the sender did spoke against it.
    acknowledged_since: Option<Timestamp>,
    /// A reset that is believed when what belongs before it has come, or will not come.
    reset: Option<Reset>,
    /// Where the stream may have jumped to, out of every window.
    astray: Option<u32>,
    lost: Option<LostRange>,
    tail: Tail,
    held: Held,
    /// When this half is looked at next, as the reassembler has noted it.
    pub(crate) deadline: Option<Timestamp>,
    /// What it holds, as the reassembler has noted it.
    pub(crate) holding: Option<Holding>,
}

impl Half {
    /// A direction of which nothing is known.
    pub(crate) fn new(direction: Direction) -> Self {
        Self {
            direction,
            is_seen: false,
            has_syn: false,
            is_ended: false,
            start: None,
            next: FIRST_OFFSET,
            fin: None,
            acknowledged: 0,
            acknowledged_since: None,
            reset: None,
            astray: None,
            lost: None,
            tail: Tail::default(),
            held: Held::default(),
            deadline: None,
            holding: None,
        }
    }

    /// Which.
    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether it is known where the stream stands.
    pub(crate) fn is_placed(&self) -> bool {
        self.start.is_some()
    }

    /// Says that the stream starts with the byte numbered `sequence`.
    pub(crate) fn place(&mut self, sequence: u32) {
        self.next = FIRST_OFFSET + u64::from(sequence);
        self.start = Some(self.next);
    }

    /// The stream offset of a sequence number; none when it lies outside the window, or the stream
    /// is not placed.
    pub(crate) fn offset(&self, sequence: u32) -> Option<u64> {
        let ahead = sequence.wrapping_sub(sequence_of(self.next)).cast_signed();
        if !self.is_placed() || ahead.unsigned_abs() > WINDOW_BYTES {
            return None;
        }
        self.next.checked_add_signed(ahead.into())
    }

    /// Whether a segment at `sequence` is in turn. The stream is placed.
    #[inline]
    pub(crate) fn is_next(&self, sequence: u32) -> bool {
        sequence == sequence_of(self.next)
    }

    /// The other side acknowledges everything before `sequence`: if that shows nothing to be missing,
    /// and this direction waits for nothing, it is noted. Else nothing is done.
    #[inline]
    pub(crate) fn acknowledge_seen(&mut self, sequence: u32) -> bool {
        let ahead = sequence.wrapping_sub(sequence_of(self.next)).cast_signed();
        // Of a side that is not seen nothing is missing: it went another way.
        if ahead.unsigned_abs() > WINDOW_BYTES || (ahead > 0 && self.is_seen) {
            return false;
        }
        self.acknowledged = self.next.saturating_add_signed(ahead.into());
        self.astray = None;
        true
    }

    /// Notes that the next bytes are delivered, when nothing is held or lost.
    #[inline]
    pub(crate) fn deliver_next(&mut self, bytes: &[u8]) {
        self.next += bytes.len() as u64;
        self.tail.push(bytes);
    }

    /// The sequence number of the first byte.
    pub(crate) fn start_sequence(&self) -> Option<u32> {
        self.start.map(sequence_of)
    }

    /// The sequence number of what would come next: after the FIN, when that was delivered.
    pub(crate) fn next_sequence(&self) -> Option<u32> {
        self.start.map(|_| sequence_of(self.next + u64::from(self.is_ended)))
    }

    /// Whether nothing of the stream has been delivered or held.
    pub(crate) fn is_blank(&self) -> bool {
        self.start.is_none_or(|start| start == self.next) && self.held.is_empty()
    }

    /// Whether it waits for nothing, and nobody has noted that it does: time cannot change it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.held.is_empty()
            && self.acknowledged_since.is_none()
            && self.fin.is_none()
            && self.reset.is_none()
            && self.deadline.is_none()
            && self.holding.is_none()
    }

    /// What holding bytes costs it.
    pub(crate) fn held_cost_bytes(&self) -> u64 {
        self.held.cost_bytes()
    }

    /// Whether a payload at `sequence` would have to wait.
    pub(crate) fn would_hold(&self, sequence: u32) -> bool {
        self.offset(sequence).is_some_and(|offset| offset > self.next)
    }

    /// Whether its sender said that it will send no more.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_ended || self.fin.is_some() || self.reset.is_some()
    }

    /// Whether everything up to the FIN was delivered.
    pub(crate) fn is_complete(&self) -> bool {
        self.fin.is_some_and(|fin| fin.offset == self.next)
    }

    /// Where the stream ends, if its end was delivered.
    pub(crate) fn end_offset(&self) -> Option<u64> {
        self.fin.filter(|_| self.is_ended).map(|fin| fin.offset)
    }

    /// Whether a reset at `offset` comes exactly where a receiver expects it (RFC 5961 section
    /// 3.2): after what was delivered, what was seen, or what was acknowledged.
    pub(crate) fn is_exact(&self, offset: u64) -> bool {
        offset == self.next + u64::from(self.is_ended)
            || offset == self.seen_end()
            || offset == self.acknowledged
    }

    /// Notes a reset that does not end the flow at once. Returns whether it is in the window at all.
    pub(crate) fn doubt_reset(&mut self, offset: u64, is_exact: bool, now: Timestamp) -> bool {
        let oldest = if self.acknowledged == 0 { self.next } else { self.acknowledged };
        if offset < oldest.min(self.next) {
            return false;
        }
        if self.reset.is_none() || is_exact {
            self.reset = Some(Reset { evidence: Evidence { offset, since: now }, is_exact });
        }
        true
    }

    /// Whether a noted reset is due: everything before it has come, or will not come.
    pub(crate) fn is_reset_due(&self, other: &Self, now: Timestamp, window_ns: u64) -> bool {
        self.reset.is_some_and(|Reset { evidence, .. }| {
            let is_reached = evidence.offset == self.next && !self.has_hole() && !other.has_hole();
            is_reached || evidence.since.plus_nanos(window_ns) <= now
        })
    }

    /// Whether the noted reset came exactly where its receiver expects it.
    pub(crate) fn is_reset_exact(&self) -> bool {
        self.reset.is_some_and(|reset| reset.is_exact)
    }

    /// Whether something that was sent has not come yet.
    pub(crate) fn has_hole(&self) -> bool {
        self.evidence().next().is_some()
    }

    /// Whether nothing that is known was left out: there is no hole for sure.
    #[inline]
    fn has_all(&self) -> bool {
        self.held.is_empty()
            && self.acknowledged_since.is_none()
            && self.fin.is_none_or(|fin| fin.offset <= self.next)
    }

    /// The other side acknowledges everything before `sequence`.
    pub(crate) fn acknowledge(&mut self, sequence: u32, now: Timestamp) {
        let Some(offset) = self.offset(sequence) else {
            if self.is_placed() {
                self.astray = Some(sequence);
            }
            return;
        };
        // The FIN takes a sequence number of its own.
        self.acknowledged = self.fin.map_or(offset, |fin| offset.min(fin.offset));
        self.astray = None;
        // Of a side that is not seen nothing is missing: it went another way.
        if self.acknowledged <= self.next || !self.is_seen {
            self.acknowledged_since = None;
        } else if self.acknowledged_since.is_none() {
            self.acknowledged_since = Some(now);
        }
    }

    /// The sender, with a segment without payload, shows that it stands at `offset`: what it has
    /// not sent is not missing, whatever was acknowledged.
    pub(crate) fn stands_at(&mut self, offset: u64) {
        if offset <= self.next {
            self.acknowledged_since = None;
        }
    }

    /// Notes the FIN. One that contradicts bytes already seen is not believed.
    pub(crate) fn finish_at(&mut self, offset: u64, now: Timestamp) {
        if self.fin.is_none() && offset >= self.seen_end() {
            self.fin = Some(Evidence { offset, since: now });
            self.acknowledged = self.acknowledged.min(offset);
        }
    }

    /// Whether a stream that left every window may be followed to `sequence`, and by how far it
    /// jumped ahead: because the other side acknowledged bytes there or, where the other side is
    /// not seen, because a segment before was there too.
    pub(crate) fn jump(
        &mut self,
        sequence: u32,
        wire_bytes: u64,
        is_other_side_seen: bool,
    ) -> Option<u32> {
        let is_near = self.astray.is_some_and(|astray| {
            astray.wrapping_sub(sequence).cast_signed().unsigned_abs() <= WINDOW_BYTES
        });
        if is_near {
            return Some(sequence.wrapping_sub(sequence_of(self.next)));
        }
        if !is_other_side_seen {
            self.astray = Some(sequence_of(u64::from(sequence) + wire_bytes));
        }
        None
    }

    /// Gives up everything before a jump of `ahead_bytes`.
    pub(crate) fn skip<S: FnMut(&Chunk<'_>)>(
        &mut self,
        ahead_bytes: u32,
        now: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        let target = self.next + u64::from(ahead_bytes);
        while self.next < target {
            self.give_up(target, DropReason::Late, now, out);
        }
        self.astray = None;
    }

    /// When the oldest wait of this direction began.
    #[inline]
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        if self.has_all() && self.reset.is_none() {
            return None;
        }
        let evidence = self.evidence().map(|evidence| evidence.since);
        evidence.chain(self.reset.map(|reset| reset.evidence.since)).min()
    }

    /// Gives up the holes that were waited for longer than `window_ns`.
    pub(crate) fn expire<S: FnMut(&Chunk<'_>)>(
        &mut self,
        now: Timestamp,
        window_ns: u64,
        out: &mut Outlet<'_, S>,
    ) {
        while !self.has_all() {
            let overdue =
                self.evidence().filter(|evidence| evidence.since.plus_nanos(window_ns) <= now);
            let Some(target) = overdue.map(|evidence| evidence.offset).min() else { return };
            self.give_up(target, DropReason::Late, now, out);
        }
    }

    /// Gives up every hole: delivers all that is held.
    pub(crate) fn flush<S: FnMut(&Chunk<'_>)>(&mut self, now: Timestamp, out: &mut Outlet<'_, S>) {
        while let Some(target) = self.evidence().map(|evidence| evidence.offset).min() {
            self.give_up(target, DropReason::Late, now, out);
        }
    }

    /// Gives up the first hole, for others need the room.
    pub(crate) fn yield_hole<S: FnMut(&Chunk<'_>)>(
        &mut self,
        now: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        if let Some(first) = self.held.first().map(|(first, _)| first) {
            self.give_up(first, DropReason::BufferFull, now, out);
        }
    }

    /// What is known to lie beyond a hole.
    fn evidence(&self) -> impl Iterator<Item = Evidence> {
        let held =
            self.held.first().map(|(offset, piece)| Evidence { offset, since: piece.missed_since });
        let acknowledged =
            self.acknowledged_since.map(|since| Evidence { offset: self.acknowledged, since });
        let next = self.next;
        [held, acknowledged, self.fin]
            .into_iter()
            .flatten()
            .filter(move |evidence| evidence.offset > next)
    }

    /// The offset after the last byte seen.
    fn seen_end(&self) -> u64 {
        self.held.end().unwrap_or(self.next).max(self.next)
    }
}

/// The sequence number at a stream offset.
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the sequence number")]
#[inline]
const fn sequence_of(offset: u64) -> u32 {
    offset as u32
}
