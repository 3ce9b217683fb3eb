//! The stage: which flow a segment belongs to, and when flows end.

use std::collections::BTreeSet;
use std::fmt;

use tapline_model::{
    Chunk, Direction, EndReason, EvictReason, IgnoreReason, Ledger, ReassemblyStats, SHARDS,
    Segment, Timestamp,
};

use crate::Config;
use crate::closed::{Closed, ClosedFlow, ClosedHalf};
use crate::flow::{Flow, Judgement};
use crate::half::{Half, Outcome};
use crate::held::Held;
use crate::holders::{Holders, Holding};
use crate::outlet::{Budget, Outlet};
use crate::table::FlowTable;
use crate::veil::{Hashes, Veil};

/// Ended flows are remembered for this part of the flow table (one in so many).
const CLOSED_PART: usize = 4;
/// And for so many at least.
const CLOSED_MIN: usize = 16;

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// Turns the segments of one shard's flows into ordered chunks. Never holds more than its share of
/// the configured bounds; in-order segments are passed on without a copy.
pub struct Reassembler {
    table: FlowTable,
    closed: Closed,
    veil: Veil,
    /// Directions that wait for something, by when they stop waiting.
    waits: BTreeSet<(Timestamp, u32, Direction)>,
    holders: Holders,
    budget: Budget,
    stats: ReassemblyStats,
    /// The latest time that any input told.
    now: Timestamp,
    config: Config,
    /// Everything goes the long way, for comparison.
    #[cfg(test)]
    takes_all: bool,
}

impl Reassembler {
    /// An instance without flows, for one of the [`SHARDS`] shards that the bounds are shared by.
    pub fn new(config: Config) -> Self {
        let flows_max = usize::try_from(config.flows_max).unwrap_or(usize::MAX) / SHARDS;
        Self {
            table: FlowTable::new(flows_max),
            closed: Closed::new((flows_max / CLOSED_PART).max(CLOSED_MIN)),
            veil: Veil::new(),
            waits: BTreeSet::new(),
            holders: Holders::default(),
            budget: Budget {
                held_bytes: 0,
                held_bytes_max: config.held_bytes_max / SHARDS as u64,
                flow_held_bytes_max: config.flow_held_bytes_max.into(),
            },
            stats: ReassemblyStats::default(),
            now: Timestamp::ZERO,
            config,
            #[cfg(test)]
            takes_all: false,
        }
    }

    /// Takes one segment; `sink` gets the chunks it completes. `flow_hash` is that of
    /// [`Key::flow_hash`](tapline_model::Key::flow_hash).
    #[inline]
    pub fn push(
        &mut self,
        flow_hash: u64,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) {
        self.now = self.now.max(segment.captured_at);
        self.stats.segments.received += 1;
        self.stats.payload_bytes.received += segment.payload.len() as u64;
        let Segment { source, destination, network, .. } = *segment;
        let hashes = self.veil.over(flow_hash, source, destination, network);
        let found = self.table.find(hashes, segment);
        if found.is_none_or(|(slot, direction)| !self.pass(slot, direction, segment, sink)) {
            self.push_any(hashes, found, segment, sink);
        }
    }

    /// Takes a segment that comes in its turn. Returns false, with nothing done, when there is more
    /// to it.
    #[inline]
    fn pass(
        &mut self,
        slot: u32,
        direction: Direction,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) -> bool {
        #[cfg(test)]
        if self.takes_all {
            return false;
        }
        let Some(live) = self.table.live_mut(slot) else { return false };
        if !live.flow.pass(direction, segment, &mut self.stats, sink) {
            return false;
        }
        if !live.keeps_place(self.now) {
            self.touch(slot, sink);
        }
        true
    }

    /// Takes whatever segment, of the flow that was found or of a new one.
    #[inline(never)]
    fn push_any(
        &mut self,
        hashes: Hashes,
        found: Option<(u32, Direction)>,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) {
        let slot = match found {
            Some((slot, _)) => slot,
            None => match self.open(hashes, segment, sink) {
                Some(slot) => slot,
                None => return,
            },
        };
        if self.take(slot, segment, sink) {
            return;
        }
        self.end(slot, Direction::Forward, EndReason::Replaced, sink);
        let Some(slot) = self.open(hashes, segment, sink) else { return };
        if !self.take(slot, segment, sink) {
            debug_assert!(false, "a flow refuses the segment that opened it");
            self.ignore(segment, IgnoreReason::OutOfWindow);
        }
    }

    /// Notes activity of a flow, and makes room when it rises to a class that is full.
    #[inline(never)]
    fn touch(&mut self, slot: u32, sink: &mut impl FnMut(&Chunk<'_>)) {
        if self.table.touch(slot, self.now)
            && let Some(leaver) = self.table.surplus()
        {
            self.end(leaver, Direction::Forward, EndReason::Evicted, sink);
        }
    }

    /// Lets time pass: holes that were waited for long enough become gaps, and idle flows end.
    pub fn tick(&mut self, now: Timestamp, sink: &mut impl FnMut(&Chunk<'_>)) {
        self.now = self.now.max(now);
        while let Some(&(deadline, slot, direction)) = self.waits.first() {
            if deadline > self.now {
                break;
            }
            self.waits.pop_first();
            if let Some(flow) = self.table.get_mut(slot) {
                flow.half_mut(direction).deadline = None;
            }
            self.settle(slot, sink);
        }
        while let Some(slot) = self.longest_idle_over() {
            self.end(slot, Direction::Forward, EndReason::Idle, sink);
        }
    }

    /// The capture ended: delivers what is held, with gaps, and ends every flow, in slot order.
    pub fn finish(&mut self, now: Timestamp, sink: &mut impl FnMut(&Chunk<'_>)) {
        self.now = self.now.max(now);
        for slot in 0..self.table.slot_count() {
            self.end(slot, Direction::Forward, EndReason::CaptureEnd, sink);
        }
        self.closed.clear();
    }

    /// Totals since start.
    pub fn stats(&self) -> ReassemblyStats {
        self.stats
    }

    /// Opens the flow of a segment that belongs to none, or ignores the segment.
    fn open(
        &mut self,
        hashes: Hashes,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) -> Option<u32> {
        let flags = segment.flags;
        let has_payload = segment.wire_payload_bytes > 0 || !segment.payload.is_empty();
        let can_open = !flags.rst() && (flags.syn() || (flags.ack() && has_payload));
        if !can_open || !self.closed.admit(hashes, segment, self.now) {
            self.ignore(segment, IgnoreReason::NoFlow);
            return None;
        }
        if self.table.is_full()
            && let Some(leaver) = self.table.first_to_leave()
        {
            self.end(leaver, Direction::Forward, EndReason::Evicted, sink);
        }
        self.stats.flows_opened += 1;
        self.stats.flows_active += 1;
        if flags.syn() {
            self.stats.handshakes += 1;
        } else {
            self.stats.flows_midstream += 1;
        }
        Some(self.table.insert(hashes, segment, self.now))
    }

    /// Gives a segment to its flow. Returns false, with nothing booked, when it belongs to a new
    /// flow instead.
    fn take(
        &mut self,
        slot: u32,
        segment: &Segment<'_>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) -> bool {
        if self.budget.is_tight_for(Held::cost_bytes_of(segment.payload.len() as u64)) {
            self.make_room(slot, segment, sink);
        }
        let Self { table, budget, stats, now, config, .. } = self;
        let Some(flow) = table.get_mut(slot) else { return false };
        let direction = flow.direction(segment.source);
        flow.stop_passing();
        let is_quiet = match flow.judge(direction, segment, *now) {
            Judgement::Replace => return false,
            Judgement::Ignore(reason) => {
                self.ignore(segment, reason);
                return true;
            }
            Judgement::Reset => {
                self.note_reset(segment);
                self.reset(slot, direction, sink);
                return true;
            }
            Judgement::Doubt => {
                self.note_reset(segment);
                false
            }
            Judgement::Take => {
                let (id, tuple) = (flow.id, flow.tuple);
                let policy = config.overlap_policy;
                let mut out = Outlet { flow: id, tuple, stats, budget, policy, sink };
                let Some(outcome) = flow.take(direction, segment, *now, &mut out) else {
                    return false;
                };
                book(&mut stats.segments, outcome);
                flow.review();
                flow.is_quiet()
            }
        };
        self.touch(slot, sink);
        if !is_quiet {
            self.settle(slot, sink);
        }
        true
    }

    /// The budget is spent: lets others give up their holes, if they hold more than the flow in
    /// `slot` would with its segment. If not, that flow gives up its own.
    fn make_room(&mut self, slot: u32, segment: &Segment<'_>, sink: &mut impl FnMut(&Chunk<'_>)) {
        let Some((_, flow)) = self.table.get(slot) else { return };
        let half = flow.half(flow.direction(segment.source));
        let Some(class) = self.table.class(slot).filter(|_| half.would_hold(segment.sequence))
        else {
            return;
        };
        let cost_bytes = Held::cost_bytes_of(segment.payload.len() as u64);
        let claim = Holding::new(class, half.held_cost_bytes() + cost_bytes);
        while self.budget.is_tight_for(cost_bytes) {
            let Some((holder, direction)) = self.holders.first_to_yield(slot, claim) else {
                return;
            };
            let Self { table, budget, stats, now, config, .. } = self;
            let Some(flow) = table.get_mut(holder) else { return };
            let policy = config.overlap_policy;
            let (id, tuple) = (flow.id, flow.tuple);
            let mut out = Outlet { flow: id, tuple, stats, budget, policy, sink };
            flow.half_mut(direction).yield_hole(*now, &mut out);
            self.settle(holder, sink);
        }
    }

    /// Lets time act on a flow, and notes when to look at it next.
    fn settle(&mut self, slot: u32, sink: &mut impl FnMut(&Chunk<'_>)) {
        let window_ns = u64::from(self.config.reorder_window_ms) * 1_000_000;
        let Self { table, waits, holders, budget, stats, now, config, .. } = self;
        let class = table.class(slot);
        let Some((class, flow)) = class.zip(table.get_mut(slot)) else { return };
        let (id, tuple, policy) = (flow.id, flow.tuple, config.overlap_policy);
        let mut out = Outlet { flow: id, tuple, stats, budget, policy, sink };
        if let Some((reason, reset_by)) = flow.settle(*now, window_ns, &mut out) {
            // A reset that only time made believable leaves no memory: if it was not believed by
            // its receiver, what comes next opens a flow again.
            self.close(slot, reason, reset_by);
            return;
        }
        for direction in DIRECTIONS {
            let half = flow.half_mut(direction);
            let cost_bytes = half.held_cost_bytes();
            let holding = (cost_bytes > 0).then(|| Holding::new(class, cost_bytes));
            if holding != half.holding {
                holders.note(slot, direction, half.holding, holding);
                half.holding = holding;
            }
            let deadline = half.waits_since().map(|since| since.plus_nanos(window_ns));
            if deadline == half.deadline {
                continue;
            }
            if let Some(old) = half.deadline {
                waits.remove(&(old, slot, direction));
            }
            if let Some(new) = deadline {
                waits.insert((new, slot, direction));
            }
            half.deadline = deadline;
        }
        flow.review();
    }

    fn reset(&mut self, slot: u32, direction: Direction, sink: &mut impl FnMut(&Chunk<'_>)) {
        self.end_by(slot, direction, EndReason::Reset, Some(direction), sink);
    }

    fn end(
        &mut self,
        slot: u32,
        direction: Direction,
        reason: EndReason,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) {
        self.end_by(slot, direction, reason, None, sink);
    }

    /// Ends the flow in a slot, if there is one.
    fn end_by(
        &mut self,
        slot: u32,
        direction: Direction,
        reason: EndReason,
        reset_by: Option<Direction>,
        sink: &mut impl FnMut(&Chunk<'_>),
    ) {
        let Self { table, budget, stats, now, config, .. } = self;
        let Some(flow) = table.get_mut(slot) else { return };
        let (id, tuple, policy) = (flow.id, flow.tuple, config.overlap_policy);
        let mut out = Outlet { flow: id, tuple, stats, budget, policy, sink };
        let reason = flow.end(direction, reason, *now, &mut out);
        self.close(slot, reason, reset_by);
    }

    /// Frees the slot of a flow that has ended.
    fn close(&mut self, slot: u32, reason: EvictReason, reset_by: Option<Direction>) {
        let Some((hashes, flow)) = self.table.get(slot) else { return };
        for direction in DIRECTIONS {
            let half = flow.half(direction);
            if let Some(deadline) = half.deadline {
                self.waits.remove(&(deadline, slot, direction));
            }
            self.holders.note(slot, direction, half.holding, None);
        }
        if reason == EvictReason::Finished || reset_by.is_some() {
            self.closed.insert(hashes, self.now, remember(flow, reset_by));
        }
        self.stats.flows_one_sided += u64::from(flow.is_one_sided());
        self.stats.flows_active -= 1;
        if let Some(count) = self.stats.flows_closed.get_mut(reason as usize) {
            *count += 1;
        }
        self.table.remove(slot);
    }

    fn longest_idle_over(&self) -> Option<u32> {
        let idle_timeout_ns = u64::from(self.config.idle_timeout_seconds) * 1_000_000_000;
        let since = self.now.nanos().checked_sub(idle_timeout_ns)?;
        self.table.idle_since(Timestamp::from_nanos(since))
    }

    /// Books a reset. What text it may carry (RFC 9293 section 3.10.7.4) is no part of the stream.
    fn note_reset(&mut self, segment: &Segment<'_>) {
        self.stats.segments.processed += 1;
        let payload_bytes = segment.payload.len() as u64;
        self.stats.payload_bytes.ignore(IgnoreReason::OutOfWindow, payload_bytes);
    }

    /// Books a segment that is left out whole.
    fn ignore(&mut self, segment: &Segment<'_>, reason: IgnoreReason) {
        self.stats.segments.ignore(reason, 1);
        self.stats.payload_bytes.ignore(reason, segment.payload.len() as u64);
    }
}

impl fmt::Debug for Reassembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reassembler")
            .field("now", &self.now)
            .field("flows", &self.stats.flows_active)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

fn book(segments: &mut Ledger, outcome: Outcome) {
    match outcome {
        Outcome::Taken => segments.processed += 1,
        Outcome::Ignored(reason) => segments.ignore(reason, 1),
        Outcome::Dropped(reason) => segments.drop(reason, 1),
    }
}

fn remember(flow: &Flow, reset_by: Option<Direction>) -> ClosedFlow {
    let half =
        |half: &Half| ClosedHalf { start: half.start_sequence(), next: half.next_sequence() };
    ClosedFlow {
        is_initiator_low: flow.tuple.initiator <= flow.tuple.responder,
        forward: half(flow.half(Direction::Forward)),
        backward: half(flow.half(Direction::Backward)),
        reset_by,
    }
}

#[cfg(test)]
impl Reassembler {
    /// Takes one segment, hashed under the public key.
    fn push_hashed(&mut self, segment: &Segment<'_>, sink: &mut impl FnMut(&Chunk<'_>)) {
        let hash = tapline_model::Key::fixed().flow_hash(&segment.flow_key());
        self.push(hash, segment, sink);
    }
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod order;
#[cfg(test)]
mod overlap;
#[cfg(test)]
mod properties;
