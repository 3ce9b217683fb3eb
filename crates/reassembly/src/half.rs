//! One direction of a flow: bytes in order, overlap settled, holes waited for and given up.

use tapline_model::{Chunk, Direction, DropReason, IgnoreReason, Timestamp};

use crate::held::{Held, Run};
use crate::outlet::Outlet;

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

/// The payload of one segment, placed.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// Of the first byte.
    pub(crate) offset: u64,
    /// What was captured.
    pub(crate) payload: &'a [u8],
    /// What was on the wire; not less.
    pub(crate) wire_bytes: u64,
    pub(crate) captured_at: Timestamp,
    /// The clock; never runs backwards.
    pub(crate) now: Timestamp,
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
    /// A reset that is in the window but not exactly next.
    reset: Option<Evidence>,
    /// Where the stream may have jumped to, out of every window.
    astray: Option<u32>,
    lost: Option<LostRange>,
    held: Held,
    /// When this half is looked at next, as the reassembler has noted it.
    pub(crate) deadline: Option<Timestamp>,
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
            held: Held::default(),
            deadline: None,
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
        self.start.is_none_or(|start| start == self.next) && self.held.first().is_none()
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

    /// Notes a reset that is not exactly next. Returns whether it is in the window at all.
    pub(crate) fn doubt_reset(&mut self, offset: u64, now: Timestamp) -> bool {
        let oldest = if self.acknowledged == 0 { self.next } else { self.acknowledged };
        if offset < oldest.min(self.next) {
            return false;
        }
        self.reset.get_or_insert(Evidence { offset, since: now });
        true
    }

    /// Whether a noted reset is due: everything before it has come, or will not come.
    pub(crate) fn is_reset_due(&self, now: Timestamp, window_ns: u64) -> bool {
        self.reset.is_some_and(|reset| {
            reset.offset == self.next || reset.since.plus_nanos(window_ns) <= now
        })
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
        if self.acknowledged <= self.next {
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

    /// Takes the payload of a segment.
    pub(crate) fn receive<S: FnMut(&Chunk<'_>)>(
        &mut self,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) -> Outcome {
        let before = self.next;
        let end = arrival.offset + arrival.wire_bytes;
        let captured_end = arrival.offset + arrival.payload.len() as u64;
        let outcome = if end <= before {
            match self.lost.filter(|lost| lost.overlap(arrival.offset, end) > 0) {
                Some(lost) => Outcome::Dropped(lost.reason),
                None => Outcome::Ignored(IgnoreReason::Retransmission),
            }
        } else if self.fin.is_some_and(|fin| arrival.offset >= fin.offset) {
            Outcome::Ignored(IgnoreReason::OutOfWindow)
        } else {
            out.stats.out_of_order_segments += u64::from(arrival.offset > before);
            Outcome::Taken
        };
        self.take(arrival.offset, Run::Bytes(arrival.payload), arrival, out);
        self.take(captured_end, Run::Missing(end - captured_end), arrival, out);
        self.weigh(arrival.offset, before, arrival.now);
        outcome
    }

    /// When the oldest wait of this direction began.
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        let evidence = self.evidence().map(|evidence| evidence.since);
        evidence.chain(self.reset.map(|reset| reset.since)).min()
    }

    /// Gives up the holes that were waited for longer than `window_ns`.
    pub(crate) fn expire<S: FnMut(&Chunk<'_>)>(
        &mut self,
        now: Timestamp,
        window_ns: u64,
        out: &mut Outlet<'_, S>,
    ) {
        loop {
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

    /// Judges, after a segment at `offset`, what others claimed about this direction.
    fn weigh(&mut self, offset: u64, before: u64, now: Timestamp) {
        if self.next > before {
            // The stream moves: an acknowledgement ahead of it was captured early. The wait for it
            // starts anew.
            if let Some(since) = &mut self.acknowledged_since {
                *since = now;
            }
            // A sender that goes on after its reset did not send it.
            if self.reset.is_some_and(|reset| self.next > reset.offset) {
                self.reset = None;
            }
        } else {
            self.stands_at(offset);
        }
    }

    /// Delivers, holds or ignores one run of a segment.
    fn take<S: FnMut(&Chunk<'_>)>(
        &mut self,
        offset: u64,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) {
        let (old, run) = run.split_at(self.next.saturating_sub(offset));
        self.book_old(offset, old, out);
        let offset = offset + old.len();
        let room = self.fin.map_or(u64::MAX, |fin| fin.offset.saturating_sub(offset));
        let (run, beyond) = run.split_at(room);
        out.ignore_bytes(IgnoreReason::OutOfWindow, beyond.received_bytes());
        if run.len() == 0 {
            return;
        }
        if offset == self.next {
            self.deliver_in_turn(run, arrival.captured_at, out);
        } else {
            self.hold(offset, run, arrival, out);
        }
    }

    /// Books bytes before the next one: delivered already, or given up too early.
    fn book_old<S: FnMut(&Chunk<'_>)>(&self, offset: u64, old: Run<'_>, out: &mut Outlet<'_, S>) {
        let received_bytes = old.received_bytes();
        if received_bytes == 0 {
            return;
        }
        let mut repeated_bytes = received_bytes;
        if let Some(lost) = self.lost {
            let lost_bytes = lost.overlap(offset, offset + received_bytes);
            out.stats.payload_bytes.drop(lost.reason, lost_bytes);
            repeated_bytes -= lost_bytes;
        }
        out.ignore_bytes(IgnoreReason::Retransmission, repeated_bytes);
    }

    /// Delivers a run that starts at `next`, and what was held for it. Held bytes came first, so
    /// where the run overlaps them they stay.
    fn deliver_in_turn<S: FnMut(&Chunk<'_>)>(
        &mut self,
        run: Run<'_>,
        captured_at: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        let mut rest = run;
        while rest.len() > 0 {
            let room = self.held.first().map_or(u64::MAX, |(first, _)| first - self.next);
            let (fresh, after) = rest.split_at(room);
            self.advance(fresh, captured_at, out);
            rest = after;
            if rest.len() > 0 {
                let Some(piece) = self.held.pop_first(out.budget) else { return };
                let (repeated, after) = rest.split_at(piece.run().len());
                out.stats.conflicting_overlaps += u64::from(piece.run().conflicts_with(repeated));
                out.ignore_bytes(IgnoreReason::Retransmission, repeated.received_bytes());
                self.release(piece.run(), piece.captured_at, out);
                rest = after;
            }
        }
        self.deliver_held(out);
    }

    /// Delivers the held pieces that are next.
    fn deliver_held<S: FnMut(&Chunk<'_>)>(&mut self, out: &mut Outlet<'_, S>) {
        while self.held.first().is_some_and(|(first, _)| first == self.next) {
            let Some(piece) = self.held.pop_first(out.budget) else { return };
            self.release(piece.run(), piece.captured_at, out);
        }
    }

    fn release<S: FnMut(&Chunk<'_>)>(
        &mut self,
        run: Run<'_>,
        captured_at: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        out.stats.payload_bytes.held -= run.received_bytes();
        self.advance(run, captured_at, out);
    }

    fn advance<S: FnMut(&Chunk<'_>)>(
        &mut self,
        run: Run<'_>,
        captured_at: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        self.next += run.len();
        match run {
            Run::Bytes(bytes) => out.data(self.direction, captured_at, bytes),
            Run::Missing(count) => out.gap(self.direction, captured_at, count),
        }
    }

    /// Holds a run that starts beyond `next`. When the budget is spent, the first hole is given up
    /// early, until the run fits or is next: nothing that was received is lost.
    fn hold<S: FnMut(&Chunk<'_>)>(
        &mut self,
        offset: u64,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) {
        let (mut offset, mut rest) = (offset, run);
        while rest.len() > 0 {
            if offset == self.next {
                self.deliver_in_turn(rest, arrival.captured_at, out);
                return;
            }
            let tally =
                self.held.insert(offset, rest, arrival.captured_at, arrival.now, out.budget);
            out.stats.payload_bytes.held += tally.kept_bytes;
            out.stats.conflicting_overlaps += tally.conflicts;
            out.ignore_bytes(IgnoreReason::Retransmission, tally.repeated_bytes);
            (_, rest) = rest.split_at(tally.done);
            offset += tally.done;
            if rest.len() > 0 {
                self.give_up(offset, DropReason::BufferFull, arrival.captured_at, out);
            }
        }
    }

    /// Reports the first hole as a gap, at most up to `target`, and delivers what was held behind
    /// it.
    fn give_up<S: FnMut(&Chunk<'_>)>(
        &mut self,
        target: u64,
        reason: DropReason,
        at: Timestamp,
        out: &mut Outlet<'_, S>,
    ) {
        let (end, at) = match self.held.first() {
            Some((first, piece)) if first <= target => (first, piece.captured_at),
            _ => (target, at),
        };
        self.lost = Some(LostRange { start: self.next, end, reason });
        self.advance(Run::Missing(end - self.next), at, out);
        self.deliver_held(out);
    }
}

/// The sequence number at a stream offset.
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the sequence number")]
const fn sequence_of(offset: u64) -> u32 {
    offset as u32
}
