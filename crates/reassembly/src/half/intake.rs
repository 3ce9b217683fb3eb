//! What a direction does with payload: deliver, hold, ignore, or give up what is missing.

use tapline_model::{Chunk, DropReason, IgnoreReason, Timestamp};

use super::{Half, LostRange, Outcome};
use crate::arrival::Arrival;
use crate::held::{Run, prefers_new};
use crate::outlet::Outlet;

impl Half {
    /// Takes the payload of a segment.
    pub(crate) fn receive<S: FnMut(&Chunk<'_>)>(
        &mut self,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) -> Outcome {
        let before = self.next;
        let is_whole = arrival.wire_bytes == arrival.payload.len() as u64;
        if arrival.offset == before && is_whole && self.is_quiet() {
            self.advance(Run::Bytes(arrival.payload), arrival.captured_at, out);
            return Outcome::Taken;
        }
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

    /// Judges, after a segment at `offset`, what others claimed about this direction.
    fn weigh(&mut self, offset: u64, before: u64, now: Timestamp) {
        if self.next > before {
            // The stream moves: an acknowledgement ahead of it was captured early. The wait for it
            // starts anew.
            if let Some(since) = &mut self.acknowledged_since {
                *since = now;
            }
            // A sender that goes on after its reset did not send it.
            if self.reset.is_some_and(|reset| self.next > reset.evidence.offset) {
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
            self.deliver_in_turn(run, arrival, out);
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
        if let Run::Bytes(bytes) = old {
            let back_bytes = self.next - (offset + received_bytes);
            // A keep-alive probe repeats the last byte, or what it likes (RFC 9293 section 3.8.4).
            let is_probe = received_bytes == 1 && back_bytes == 0;
            let is_conflict = !is_probe && self.tail.conflicts_with(bytes, back_bytes);
            out.stats.conflicting_overlaps += u64::from(is_conflict);
        }
        let mut repeated_bytes = received_bytes;
        if let Some(lost) = self.lost {
            let lost_bytes = lost.overlap(offset, offset + received_bytes);
            out.stats.payload_bytes.drop(lost.reason, lost_bytes);
            repeated_bytes -= lost_bytes;
        }
        out.ignore_bytes(IgnoreReason::Retransmission, repeated_bytes);
    }

    /// Delivers a run that starts at `next`, and what was held for it.
    fn deliver_in_turn<S: FnMut(&Chunk<'_>)>(
        &mut self,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) {
        let mut rest = run;
        while rest.len() > 0 {
            let room = self.held.first().map_or(u64::MAX, |(first, _)| first - self.next);
            let (fresh, after) = rest.split_at(room);
            self.advance(fresh, arrival.captured_at, out);
            rest = after;
            if rest.len() > 0 {
                rest = self.deliver_contested(rest, arrival, out);
            }
        }
        self.deliver_held(out);
    }

    /// Delivers the held piece that is next, or the part of a run that takes its place. Returns
    /// the rest of the run.
    fn deliver_contested<'a, S: FnMut(&Chunk<'_>)>(
        &mut self,
        run: Run<'a>,
        arrival: &Arrival<'_>,
        out: &mut Outlet<'_, S>,
    ) -> Run<'a> {
        let offset = self.next;
        let Some(piece) = self.held.pop_first(out.budget) else { return run };
        let (new, rest) = run.split_at(piece.run().len());
        let (old, behind) = piece.run().split_at(new.len());
        out.stats.conflicting_overlaps += u64::from(new.conflicts_with(old));
        if prefers_new(arrival.policy, (new, arrival.extent()), (old, piece.extent(offset))) {
            out.stats.payload_bytes.held -= old.received_bytes();
            out.ignore_bytes(IgnoreReason::Retransmission, old.received_bytes());
            self.advance(new, arrival.captured_at, out);
            self.release(behind, piece.captured_at, out);
        } else {
            out.ignore_bytes(IgnoreReason::Retransmission, new.received_bytes());
            self.release(piece.run(), piece.captured_at, out);
        }
        rest
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
            Run::Bytes(bytes) => {
                self.tail.push(bytes);
                out.data(self.direction, captured_at, bytes);
            }
            Run::Missing(0) => {}
            Run::Missing(count) => {
                self.tail.clear();
                out.gap(self.direction, captured_at, count);
            }
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
                self.deliver_in_turn(rest, arrival, out);
                return;
            }
            let tally = self.held.insert(offset, rest, arrival, out.budget);
            out.stats.payload_bytes.held += tally.kept_bytes;
            out.stats.payload_bytes.held -= tally.replaced_bytes;
            out.stats.conflicting_overlaps += tally.conflicts;
            let unused_bytes = tally.repeated_bytes + tally.replaced_bytes;
            out.ignore_bytes(IgnoreReason::Retransmission, unused_bytes);
            (_, rest) = rest.split_at(tally.done);
            offset += tally.done;
            if rest.len() > 0 {
                self.give_up(offset, DropReason::BufferFull, arrival.captured_at, out);
                // There may have been no room to put bytes in the place of others: those went.
                let (old, after) = rest.split_at(self.next.saturating_sub(offset));
                self.book_old(offset, old, out);
                offset += old.len();
                rest = after;
            }
        }
    }

    /// Reports the first hole as a gap, at most up to `target`, and delivers what was held behind
    /// it.
    pub(super) fn give_up<S: FnMut(&Chunk<'_>)>(
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
