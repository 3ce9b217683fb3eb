//! One flow: what its handshake, resets and replacements mean.

use std::net::SocketAddr;

use tapline_model::{
    Chunk, ChunkKind, Direction, EndReason, EvictReason, FlowId, FlowTuple, IgnoreReason,
    ReassemblyStats, Segment, TcpFlags, Timestamp,
};

use crate::arrival::Arrival;
use crate::half::{Half, Outcome};
use crate::outlet::Outlet;
use crate::table::Class;

/// What makes a segment more than bytes and an acknowledgement.
const CONTROL_FLAGS: u8 = TcpFlags::FIN | TcpFlags::SYN | TcpFlags::RST | TcpFlags::ACK;

/// What a segment means for its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is part of it.
    Take,
    /// A reset that a receiver may or may not believe: it is noted, and time tells.
    Doubt,
    /// It is not, and changes nothing.
    Ignore(IgnoreReason),
    /// It resets it.
    Reset,
    /// It belongs to a new flow with the same 5-tuple.
    Replace,
}

/// A SYN that does not fit a flow which is going on: a new flow, if the other side agrees.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Challenger {
    direction: Direction,
    sequence: u32,
}

/// Both directions of one 5-tuple.
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    pub(crate) tuple: FlowTuple,
    forward: Half,
    backward: Half,
    /// One of them acknowledged the other.
    has_acknowledged: bool,
    challenger: Option<Challenger>,
    /// Both directions are placed and wait for nothing, and nobody challenges: what comes in turn
    /// may pass. False at any time says nothing.
    is_smooth: bool,
}

impl Flow {
    /// The flow that `segment` opens, before it is taken.
    pub(crate) fn new(id: FlowId, segment: &Segment<'_>) -> Self {
        let (initiator, responder) = if segment.flags.syn() && segment.flags.ack() {
            (segment.destination, segment.source)
        } else {
            (segment.source, segment.destination)
        };
        Self {
            id,
            tuple: FlowTuple { initiator, responder },
            forward: Half::new(Direction::Forward),
            backward: Half::new(Direction::Backward),
            has_acknowledged: false,
            challenger: None,
            is_smooth: false,
        }
    }

    /// Which way something from `source` goes.
    pub(crate) fn direction(&self, source: SocketAddr) -> Direction {
        if source == self.tuple.initiator { Direction::Forward } else { Direction::Backward }
    }

    /// One direction.
    pub(crate) fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::Forward => &self.forward,
            Direction::Backward => &self.backward,
        }
    }

    /// One direction.
    pub(crate) fn half_mut(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Forward => &mut self.forward,
            Direction::Backward => &mut self.backward,
        }
    }

    /// Whether no payload has come in either direction.
    pub(crate) fn is_blank(&self) -> bool {
        self.forward.is_blank() && self.backward.is_blank()
    }

    /// How far it has come.
    pub(crate) fn class(&self) -> Class {
        let speaks = |half: &Half| half.is_seen && !half.is_blank();
        match (speaks(&self.forward), speaks(&self.backward)) {
            (false, false) => Class::Silent,
            (true, true) => Class::Answered,
            _ => Class::Unanswered,
        }
    }

    /// Whether it waits for nothing: time cannot change it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.forward.is_quiet() && self.backward.is_quiet()
    }

    /// Whether only one direction was seen, though it acknowledges the other: the other went
    /// another way. A SYN that nobody answered shows no such thing.
    pub(crate) fn is_one_sided(&self) -> bool {
        self.has_acknowledged && self.forward.is_seen != self.backward.is_seen
    }

    /// Finds out whether what comes in turn may pass from now on.
    pub(crate) fn review(&mut self) {
        self.is_smooth = self.may_be_passed();
    }

    /// Forbids that anything passes until the next review.
    pub(crate) fn stop_passing(&mut self) {
        self.is_smooth = false;
    }

    fn may_be_passed(&self) -> bool {
        self.challenger.is_none()
            && self.forward.is_placed()
            && self.backward.is_placed()
            && self.is_quiet()
    }

    /// Takes a segment that is nothing but the next bytes, or an acknowledgement, of a flow in which
    /// nothing is missing: what [`Flow::judge`] and [`Flow::take`] would do with it, without asking
    /// for all that it is not. Returns false, with nothing done, when it is anything else.
    #[inline]
    pub(crate) fn pass<S: FnMut(&Chunk<'_>)>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        stats: &mut ReassemblyStats,
        sink: &mut S,
    ) -> bool {
        let payload = segment.payload;
        if !self.is_smooth
            || segment.flags.0 & CONTROL_FLAGS != TcpFlags::ACK
            || segment.wire_payload_bytes as usize != payload.len()
        {
            return false;
        }
        debug_assert!(self.may_be_passed(), "it was reviewed after the last change");
        let (half, other) = match direction {
            Direction::Forward => (&mut self.forward, &mut self.backward),
            Direction::Backward => (&mut self.backward, &mut self.forward),
        };
        if !half.is_next(segment.sequence) || !other.acknowledge_seen(segment.acknowledgement) {
            return false;
        }
        self.has_acknowledged = true;
        half.is_seen = true;
        stats.segments.processed += 1;
        if payload.is_empty() {
            return true;
        }
        half.deliver_next(payload);
        stats.payload_bytes.processed += payload.len() as u64;
        stats.chunks += 1;
        sink(&Chunk {
            flow: self.id,
            tuple: self.tuple,
            direction,
            captured_at: segment.captured_at,
            kind: ChunkKind::Data(payload),
        });
        true
    }

    /// Judges a segment before it is taken.
    pub(crate) fn judge(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        now: Timestamp,
    ) -> Judgement {
        if segment.flags.rst() {
            self.judge_reset(direction, segment, now)
        } else if segment.flags.syn() {
            self.judge_syn(direction, segment)
        } else if !segment.flags.ack() {
            // Every receiver drops it (RFC 9293 section 3.10.7.4, fifth check).
            Judgement::Ignore(IgnoreReason::Malformed)
        } else if self.confirms_challenger(direction, segment)
            || self.contradicts_fin(direction, segment)
        {
            Judgement::Replace
        } else {
            Judgement::Take
        }
    }

    /// Takes a segment that was judged to be part of the flow. `None` asks for a replacement.
    pub(crate) fn take<S: FnMut(&Chunk<'_>)>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        now: Timestamp,
        out: &mut Outlet<'_, S>,
    ) -> Option<Outcome> {
        let first_sequence = segment.sequence.wrapping_add(u32::from(segment.flags.syn()));
        let wire_bytes = u64::from(segment.wire_payload_bytes).max(segment.payload.len() as u64);
        let has_fin = segment.flags.fin() && !segment.flags.syn();
        let is_other_side_seen = self.half(direction.reverse()).is_seen;
        let half = self.half_mut(direction);
        if !half.is_placed() {
            if segment.flags.syn() || has_fin || wire_bytes > 0 {
                half.place(first_sequence);
            } else {
                half.is_seen = true;
                self.acknowledge(direction, segment, now);
                return Some(Outcome::Taken);
            }
        }
        let offset = match half.offset(first_sequence) {
            Some(offset) => offset,
            None if wire_bytes == 0 => return Some(out_of_window(segment, out)),
            None => match half.jump(first_sequence, wire_bytes, is_other_side_seen) {
                None => return Some(out_of_window(segment, out)),
                // No stream goes backwards, or on after its end.
                Some(ahead_bytes) if ahead_bytes.cast_signed() < 0 || half.is_closing() => {
                    return None;
                }
                Some(ahead_bytes) => {
                    half.skip(ahead_bytes, now, out);
                    half.offset(first_sequence)?
                }
            },
        };
        half.is_seen = true;
        half.has_syn |= segment.flags.syn();
        self.acknowledge(direction, segment, now);
        let half = self.half_mut(direction);
        let outcome = if wire_bytes > 0 {
            let captured_at = segment.captured_at;
            let payload = segment.payload;
            let policy = out.policy;
            let arrival = Arrival { offset, payload, wire_bytes, captured_at, now, policy };
            half.receive(&arrival, out)
        } else {
            half.stands_at(offset);
            Outcome::Taken
        };
        if has_fin {
            half.finish_at(offset + wire_bytes, now);
        }
        Some(outcome)
    }

    /// Lets time act, and tells what that or the segment before has ended: a direction whose FIN
    /// was reached, or the whole flow, and whose reset that was if it was beyond doubt.
    pub(crate) fn settle<S: FnMut(&Chunk<'_>)>(
        &mut self,
        now: Timestamp,
        window_ns: u64,
        out: &mut Outlet<'_, S>,
    ) -> Option<(EvictReason, Option<Direction>)> {
        self.forward.expire(now, window_ns, out);
        self.backward.expire(now, window_ns, out);
        if self.finish_directions(now, out) {
            return Some((EvictReason::Finished, None));
        }
        let (forward, backward) = (&self.forward, &self.backward);
        let resetter = [(forward, backward), (backward, forward)]
            .into_iter()
            .find_map(|(half, other)| half.is_reset_due(other, now, window_ns).then_some(half))?;
        let (direction, is_exact) = (resetter.direction(), resetter.is_reset_exact());
        let reason = self.end(direction, EndReason::Reset, now, out);
        Some((reason, is_exact.then_some(direction)))
    }

    /// Ends the flow: delivers what is held, with gaps, then the end. `direction` is that of the
    /// end chunk.
    pub(crate) fn end<S: FnMut(&Chunk<'_>)>(
        &mut self,
        direction: Direction,
        reason: EndReason,
        now: Timestamp,
        out: &mut Outlet<'_, S>,
    ) -> EvictReason {
        self.forward.flush(now, out);
        self.backward.flush(now, out);
        if self.finish_directions(now, out) {
            return EvictReason::Finished;
        }
        out.end(direction, now, reason, true);
        match reason {
            EndReason::Fin => EvictReason::Finished,
            EndReason::Reset => EvictReason::Reset,
            EndReason::Idle => EvictReason::Idle,
            EndReason::Evicted => EvictReason::TableFull,
            EndReason::Replaced => EvictReason::Replaced,
            EndReason::CaptureEnd => EvictReason::CaptureEnd,
        }
    }

    /// Delivers the FIN of every direction that has reached it. Returns whether both have.
    fn finish_directions<S: FnMut(&Chunk<'_>)>(
        &mut self,
        now: Timestamp,
        out: &mut Outlet<'_, S>,
    ) -> bool {
        for direction in [Direction::Forward, Direction::Backward] {
            let is_last = self.half(direction.reverse()).is_ended;
            let half = self.half_mut(direction);
            if half.is_complete() && !half.is_ended {
                half.is_ended = true;
                out.end(direction, now, EndReason::Fin, is_last);
            }
        }
        self.forward.is_ended && self.backward.is_ended
    }

    /// Lets the other direction know what a segment acknowledges.
    fn acknowledge(&mut self, direction: Direction, segment: &Segment<'_>, now: Timestamp) {
        if !segment.flags.ack() {
            return;
        }
        self.has_acknowledged = true;
        let has_begun = segment.flags.syn() || self.half(direction).has_syn;
        let other = self.half_mut(direction.reverse());
        if has_begun && !other.is_placed() {
            // Who sent a SYN acknowledges from the start: nothing of the other side lies before.
            other.place(segment.acknowledgement);
        }
        other.acknowledge(segment.acknowledgement, now);
    }

    fn judge_reset(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        now: Timestamp,
    ) -> Judgement {
        let acknowledged = self.half(direction.reverse()).offset(segment.acknowledgement);
        let half = self.half_mut(direction);
        let judgement = if half.is_placed() {
            match half.offset(segment.sequence) {
                Some(offset) if half.is_exact(offset) => {
                    self.acknowledge(direction, segment, now);
                    // What was sent before it may be captured after it.
                    let is_early = self.forward.has_hole() || self.backward.has_hole();
                    let half = self.half_mut(direction);
                    if is_early && half.doubt_reset(offset, true, now) {
                        Judgement::Doubt
                    } else {
                        Judgement::Reset
                    }
                }
                // Receivers answer it with a challenge (RFC 5961 section 3.2), unless they have
                // seen more than was captured.
                Some(offset) if half.doubt_reset(offset, false, now) => Judgement::Doubt,
                _ => return out_of_every_window(),
            }
        } else if segment.flags.ack() && acknowledged.is_none() {
            // Its sender has no sequence number to be judged by; with an acknowledgement it is
            // judged by that (RFC 9293 section 3.10.7.3).
            return out_of_every_window();
        } else {
            Judgement::Reset
        };
        self.half_mut(direction).is_seen = true;
        judgement
    }

    fn judge_syn(&mut self, direction: Direction, segment: &Segment<'_>) -> Judgement {
        let first_sequence = segment.sequence.wrapping_add(1);
        let is_answer = segment.flags.ack();
        let other = self.half(direction.reverse());
        let half = self.half(direction);
        if half.start_sequence() == Some(first_sequence) {
            return Judgement::Take;
        }
        if !half.is_placed() {
            let is_join = if is_answer {
                !other.is_placed() || other.offset(segment.acknowledgement).is_some()
            } else {
                // Both sides opened at once, or this is the first segment of the flow.
                !other.is_placed() || other.has_syn
            };
            return match (is_join, is_answer) {
                (true, _) => Judgement::Take,
                (false, true) => out_of_every_window(),
                (false, false) => Judgement::Replace,
            };
        }
        let after_data = first_sequence.wrapping_add(segment.wire_payload_bytes);
        if !half.has_syn && half.is_blank() && half.start_sequence() == Some(after_data) {
            // The answer to this SYN was captured first, and acknowledged the data in it.
            self.half_mut(direction).place(first_sequence);
            return Judgement::Take;
        }
        let is_agreed = is_answer
            && self.challenger
                == Some(Challenger {
                    direction: direction.reverse(),
                    sequence: segment.acknowledgement.wrapping_sub(1),
                });
        if is_agreed || self.is_blank() || half.is_closing() || other.is_closing() {
            return Judgement::Replace;
        }
        if !is_answer {
            self.challenger = Some(Challenger { direction, sequence: segment.sequence });
        }
        out_of_every_window()
    }

    /// Whether a one-sided flow goes on behind a SYN that did not fit it. Where both sides are
    /// seen, only the other side can agree.
    fn confirms_challenger(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let sequence = segment.sequence.wrapping_sub(1);
        self.challenger == Some(Challenger { direction, sequence })
            && segment.wire_payload_bytes > 0
            && !self.half(direction.reverse()).is_seen
    }

    /// Whether a sender goes on sending where its stream ended: the FIN was not its own. A single
    /// byte there is a keep-alive probe.
    fn contradicts_fin(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let half = self.half(direction);
        half.end_offset().is_some_and(|end| {
            segment.payload.len() > 1 && half.offset(segment.sequence) == Some(end)
        })
    }
}

fn out_of_every_window() -> Judgement {
    Judgement::Ignore(IgnoreReason::OutOfWindow)
}

fn out_of_window<S: FnMut(&Chunk<'_>)>(segment: &Segment<'_>, out: &mut Outlet<'_, S>) -> Outcome {
    out.ignore_bytes(IgnoreReason::OutOfWindow, segment.payload.len() as u64);
    Outcome::Ignored(IgnoreReason::OutOfWindow)
}
