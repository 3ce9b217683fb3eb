//! Bytes that came before their turn, sorted, without overlap: that is settled when they come.

use std::collections::BTreeMap;

use tapline_model::Timestamp;

use crate::arrival::Arrival;
use crate::outlet::Budget;
use crate::overlap::{Extent, OverlapPolicy};

/// What a piece costs beside its bytes: its place in the tree and in the allocator.
const PIECE_COST_BYTES: u64 = 128;
/// What the first piece costs on top of that: the first node of the tree, made for eleven.
const TREE_COST_BYTES: u64 = 640;

/// A run of stream positions: captured bytes, or bytes that the capture source cut off.
#[derive(Clone, Copy)]
pub(crate) enum Run<'a> {
    Bytes(&'a [u8]),
    Missing(u64),
}

impl Run<'_> {
    /// How many stream positions.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Missing(count) => *count,
        }
    }

    /// How many of them were received.
    pub(crate) fn received_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Missing(_) => 0,
        }
    }

    /// The first `count` positions, or all, and the rest.
    pub(crate) fn split_at(self, count: u64) -> (Self, Self) {
        match self {
            Self::Bytes(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(bytes.len());
                let (head, rest) = bytes.split_at(count);
                (Self::Bytes(head), Self::Bytes(rest))
            }
            Self::Missing(all) => {
                let count = count.min(all);
                (Self::Missing(count), Self::Missing(all - count))
            }
        }
    }

    /// Whether both have bytes at the same position, counted from the start of both, that differ.
    pub(crate) fn conflicts_with(self, other: Run<'_>) -> bool {
        match (self, other) {
            (Self::Bytes(mine), Run::Bytes(theirs)) => {
                mine.iter().zip(theirs).any(|(mine, theirs)| mine != theirs)
            }
            _ => false,
        }
    }
}

/// One held run. What it holds belongs to one segment, of which it may be a part.
pub(crate) struct Piece {
    content: Content,
    /// How far before the piece its segment began.
    lead_bytes: u32,
    /// How long its segment was.
    segment_bytes: u32,
    /// When its segment was captured.
    pub(crate) captured_at: Timestamp,
    /// Since when it is known that something before this piece is missing: when the first of this
    /// and all later pieces came.
    pub(crate) missed_since: Timestamp,
}

enum Content {
    Bytes(Box<[u8]>),
    Missing(u64),
}

impl Content {
    fn copy(run: Run<'_>) -> Self {
        match run {
            Run::Bytes(bytes) => Self::Bytes(bytes.into()),
            Run::Missing(count) => Self::Missing(count),
        }
    }
}

impl Piece {
    /// A copy of the part of a segment that starts at `offset`.
    fn copy(offset: u64, run: Run<'_>, arrival: &Arrival<'_>, missed_since: Timestamp) -> Self {
        Self {
            content: Content::copy(run),
            lead_bytes: narrow(offset - arrival.offset),
            segment_bytes: narrow(arrival.wire_bytes),
            captured_at: arrival.captured_at,
            missed_since,
        }
    }

    /// A part of the piece that starts `skipped_bytes` behind it.
    fn part(&self, skipped_bytes: u64, run: Run<'_>) -> Self {
        Self {
            content: Content::copy(run),
            lead_bytes: self.lead_bytes.saturating_add(narrow(skipped_bytes)),
            ..*self
        }
    }

    /// Its content.
    pub(crate) fn run(&self) -> Run<'_> {
        match &self.content {
            Content::Bytes(bytes) => Run::Bytes(bytes),
            Content::Missing(count) => Run::Missing(*count),
        }
    }

    /// Where the segment of the piece at `offset` began and ended.
    pub(crate) fn extent(&self, offset: u64) -> Extent {
        let start = offset.saturating_sub(self.lead_bytes.into());
        Extent { start, end: start + u64::from(self.segment_bytes) }
    }

    fn cost_bytes(&self) -> u64 {
        cost_bytes(self.run())
    }
}

fn cost_bytes(run: Run<'_>) -> u64 {
    PIECE_COST_BYTES + run.received_bytes()
}

/// No segment is longer than a `u32` tells.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether `new`, a part of a segment, takes the positions of `old`. What was captured goes before
/// what was cut off; between two copies the policy decides.
pub(crate) fn prefers_new(
    policy: OverlapPolicy,
    (new, new_extent): (Run<'_>, Extent),
    (old, old_extent): (Run<'_>, Extent),
) -> bool {
    match (new, old) {
        (Run::Bytes(_), Run::Bytes(_)) => policy.prefers_new(new_extent, old_extent),
        (Run::Bytes(_), Run::Missing(_)) => true,
        (Run::Missing(_), _) => false,
    }
}

/// What became of a run that was to be held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Stream positions taken care of, from the start of the run.
    pub(crate) done: u64,
    /// Received bytes that are held now.
    pub(crate) kept_bytes: u64,
    /// Received bytes that are not held, for others at their place are.
    pub(crate) repeated_bytes: u64,
    /// Received bytes that were held before, and gave way.
    pub(crate) replaced_bytes: u64,
    /// How many held pieces it disagreed with.
    pub(crate) conflicts: u64,
}

/// The held pieces of one direction, by stream offset.
#[derive(Default)]
pub(crate) struct Held {
    pieces: BTreeMap<u64, Piece>,
    cost_bytes: u64,
}

impl Held {
    /// The first piece and its offset.
    pub(crate) fn first(&self) -> Option<(u64, &Piece)> {
        self.pieces.first_key_value().map(|(&offset, piece)| (offset, piece))
    }

    /// The offset after the last piece.
    pub(crate) fn end(&self) -> Option<u64> {
        self.pieces.last_key_value().map(|(&offset, piece)| offset + piece.run().len())
    }

    /// Takes the first piece out.
    pub(crate) fn pop_first(&mut self, budget: &mut Budget) -> Option<Piece> {
        let (_, piece) = self.pieces.pop_first()?;
        let mut cost_bytes = piece.cost_bytes();
        if self.pieces.is_empty() {
            // An empty tree keeps its first node; most flows never need it again.
            self.pieces = BTreeMap::new();
            cost_bytes += TREE_COST_BYTES;
        }
        self.cost_bytes -= cost_bytes;
        budget.held_bytes -= cost_bytes;
        Some(piece)
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What is held costs so much of the budget.
    pub(crate) fn cost_bytes(&self) -> u64 {
        self.cost_bytes
    }

    /// What holding a segment of so many bytes may cost, if it falls into a single hole.
    pub(crate) fn cost_bytes_of(payload_bytes: u64) -> u64 {
        TREE_COST_BYTES + PIECE_COST_BYTES + payload_bytes
    }

    /// Copies the parts of `run`, a part of a segment that starts at `offset`, which are not held
    /// yet or take the place of what is. Stops early when the budget is spent: [`Tally::done`] is
    /// then less than the length of the run.
    pub(crate) fn insert(
        &mut self,
        offset: u64,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        budget: &mut Budget,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut rest = run;
        while rest.len() > 0 {
            let cursor = offset + tally.done;
            let done = match self.covering(cursor) {
                Some(start) => self.overlap(start, cursor, rest, arrival, budget, &mut tally),
                None => self.fill(cursor, rest, arrival, budget, &mut tally),
            };
            if done == 0 {
                break;
            }
            (_, rest) = rest.split_at(done);
            tally.done += done;
        }
        tally
    }

    /// The offset of the piece that covers `cursor`.
    fn covering(&self, cursor: u64) -> Option<u64> {
        let (&start, piece) = self.pieces.range(..=cursor).next_back()?;
        (cursor < start + piece.run().len()).then_some(start)
    }

    /// Holds what falls into the hole at `cursor`. Returns how many positions that were.
    fn fill(
        &mut self,
        cursor: u64,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        budget: &mut Budget,
        tally: &mut Tally,
    ) -> u64 {
        let next = self.pieces.range(cursor..).next();
        let room = next.map_or(u64::MAX, |(&next, _)| next - cursor);
        let missed_since = next.map_or(arrival.now, |(_, piece)| piece.missed_since);
        let (fresh, _) = run.split_at(room);
        let tree_cost_bytes = if self.pieces.is_empty() { TREE_COST_BYTES } else { 0 };
        if !self.charge(cost_bytes(fresh) + tree_cost_bytes, 0, budget) {
            return 0;
        }
        self.pieces.insert(cursor, Piece::copy(cursor, fresh, arrival, missed_since));
        tally.kept_bytes += fresh.received_bytes();
        fresh.len()
    }

    /// Settles the overlap with the piece at `start`, from `cursor` on. Returns how many positions
    /// that were, or 0 when the budget is spent.
    fn overlap(
        &mut self,
        start: u64,
        cursor: u64,
        run: Run<'_>,
        arrival: &Arrival<'_>,
        budget: &mut Budget,
        tally: &mut Tally,
    ) -> u64 {
        let Some(piece) = self.pieces.get(&start) else { return 0 };
        let (before, covering) = piece.run().split_at(cursor - start);
        let (new, _) = run.split_at(covering.len());
        let (old, behind) = covering.split_at(new.len());
        let is_conflict = new.conflicts_with(old);
        if prefers_new(arrival.policy, (new, arrival.extent()), (old, piece.extent(start))) {
            let end = cursor + new.len();
            let mut parts = vec![(cursor, Piece::copy(cursor, new, arrival, piece.missed_since))];
            if before.len() > 0 {
                parts.push((start, piece.part(0, before)));
            }
            if behind.len() > 0 {
                parts.push((end, piece.part(end - start, behind)));
            }
            let kept_bytes = new.received_bytes();
            let replaced_bytes = old.received_bytes();
            let old_cost_bytes = piece.cost_bytes();
            let cost_bytes = parts.iter().map(|(_, part)| part.cost_bytes()).sum();
            if !self.charge(cost_bytes, old_cost_bytes, budget) {
                return 0;
            }
            self.pieces.remove(&start);
            self.pieces.extend(parts);
            tally.kept_bytes += kept_bytes;
            tally.replaced_bytes += replaced_bytes;
            tally.conflicts += u64::from(is_conflict);
            return end - cursor;
        }
        tally.repeated_bytes += new.received_bytes();
        tally.conflicts += u64::from(is_conflict);
        new.len()
    }

    /// Takes `cost_bytes` from the budget and gives `returned_bytes` back, if that is possible.
    fn charge(&mut self, cost_bytes: u64, returned_bytes: u64, budget: &mut Budget) -> bool {
        let flow_held_bytes = self.cost_bytes + cost_bytes - returned_bytes;
        let held_bytes = budget.held_bytes + cost_bytes - returned_bytes;
        let is_more = cost_bytes > returned_bytes;
        if is_more
            && (flow_held_bytes > budget.flow_held_bytes_max || held_bytes > budget.held_bytes_max)
        {
            return false;
        }
        self.cost_bytes = flow_held_bytes;
        budget.held_bytes = held_bytes;
        true
    }
}

#[cfg(test)]
mod tests;
