//! Bytes that came before their turn, sorted, without overlap. The first copy of a byte stays.

use std::collections::BTreeMap;

use tapline_model::Timestamp;

use crate::outlet::Budget;

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

/// One held run.
pub(crate) struct Piece {
    content: Content,
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

impl Piece {
    /// Its content.
    pub(crate) fn run(&self) -> Run<'_> {
        match &self.content {
            Content::Bytes(bytes) => Run::Bytes(bytes),
            Content::Missing(count) => Run::Missing(*count),
        }
    }

    fn cost_bytes(&self) -> u64 {
        PIECE_COST_BYTES + self.run().received_bytes()
    }
}

/// What became of a run that was to be held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Stream positions taken care of, from the start of the run.
    pub(crate) done: u64,
    /// Received bytes that are held now.
    pub(crate) kept_bytes: u64,
    /// Received bytes that were held before.
    pub(crate) repeated_bytes: u64,
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

    /// Copies the parts of `run`, which starts at `offset`, that are not held yet. Stops early when
    /// the budget is spent: [`Tally::done`] is then less than the length of the run.
    pub(crate) fn insert(
        &mut self,
        offset: u64,
        run: Run<'_>,
        captured_at: Timestamp,
        now: Timestamp,
        budget: &mut Budget,
    ) -> Tally {
        let mut tally = Tally::default();
        let mut rest = run;
        while rest.len() > 0 {
            let cursor = offset + tally.done;
            if let Some((overlapped, conflicts)) = self.overlap(cursor, rest) {
                let (repeated, after) = rest.split_at(overlapped);
                tally.repeated_bytes += repeated.received_bytes();
                tally.conflicts += u64::from(conflicts);
                tally.done += overlapped;
                rest = after;
                continue;
            }
            let next = self.pieces.range(cursor..).next();
            let room = next.map_or(u64::MAX, |(&next, _)| next - cursor);
            let missed_since = next.map_or(now, |(_, piece)| piece.missed_since);
            let (fresh, after) = rest.split_at(room);
            let content = match fresh {
                Run::Bytes(bytes) => Content::Bytes(bytes.into()),
                Run::Missing(count) => Content::Missing(count),
            };
            if !self.add(cursor, Piece { content, captured_at, missed_since }, budget) {
                break;
            }
            tally.kept_bytes += fresh.received_bytes();
            tally.done += fresh.len();
            rest = after;
        }
        tally
    }

    /// How many positions from `cursor` on the piece that covers `cursor` holds already, and
    /// whether its bytes differ from those of `run`, which starts at `cursor`.
    fn overlap(&self, cursor: u64, run: Run<'_>) -> Option<(u64, bool)> {
        let (&offset, piece) = self.pieces.range(..=cursor).next_back()?;
        let held = piece.run();
        let skipped = cursor - offset;
        if skipped >= held.len() {
            return None;
        }
        let (_, covering) = held.split_at(skipped);
        Some((covering.len().min(run.len()), covering.conflicts_with(run)))
    }

    fn add(&mut self, offset: u64, piece: Piece, budget: &mut Budget) -> bool {
        let tree_cost_bytes = if self.pieces.is_empty() { TREE_COST_BYTES } else { 0 };
        let cost_bytes = piece.cost_bytes() + tree_cost_bytes;
        if self.cost_bytes + cost_bytes > budget.flow_held_bytes_max
            || budget.held_bytes + cost_bytes > budget.held_bytes_max
        {
            return false;
        }
        self.cost_bytes += cost_bytes;
        budget.held_bytes += cost_bytes;
        self.pieces.insert(offset, piece);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(5);

    fn budget() -> Budget {
        Budget { held_bytes: 0, held_bytes_max: 1 << 20, flow_held_bytes_max: 1 << 20 }
    }

    /// Inserts runs given as (offset, bytes) and shows what is held.
    fn check(runs: &[(u64, &str)], expected: &[(u64, &str)], last: Tally) {
        let (mut held, mut budget) = (Held::default(), budget());
        let mut tally = Tally::default();
        for &(offset, bytes) in runs {
            tally = held.insert(offset, Run::Bytes(bytes.as_bytes()), NOW, NOW, &mut budget);
        }
        assert_eq!(tally, last);
        assert_eq!(budget.held_bytes, held.cost_bytes);
        let mut shown = Vec::new();
        while let Some((offset, _)) = held.first() {
            let piece = held.pop_first(&mut budget).unwrap();
            let Run::Bytes(bytes) = piece.run() else { panic!("nothing is missing") };
            shown.push((offset, String::from_utf8(bytes.to_vec()).unwrap()));
        }
        let expected: Vec<_> =
            expected.iter().map(|&(offset, bytes)| (offset, bytes.to_owned())).collect();
        assert_eq!(shown, expected);
        assert_eq!(budget.held_bytes, 0);
    }

    fn tally(done: u64, kept_bytes: u64, conflicts: u64) -> Tally {
        Tally { done, kept_bytes, repeated_bytes: done - kept_bytes, conflicts }
    }

    #[test]
    fn separate_runs_are_sorted() {
        check(&[(20, "cd"), (10, "ab")], &[(10, "ab"), (20, "cd")], tally(2, 2, 0));
    }

    #[test]
    fn touching_runs_stay_apart() {
        check(&[(10, "ab"), (12, "cd")], &[(10, "ab"), (12, "cd")], tally(2, 2, 0));
    }

    #[test]
    fn an_equal_run_is_not_kept() {
        check(&[(10, "abcd"), (10, "abcd")], &[(10, "abcd")], tally(4, 0, 0));
    }

    #[test]
    fn a_run_inside_another_is_not_kept() {
        check(&[(10, "abcd"), (11, "bc")], &[(10, "abcd")], tally(2, 0, 0));
    }

    #[test]
    fn a_run_around_another_keeps_both_sides() {
        let expected = [(10, "a"), (11, "bc"), (13, "d")];
        check(&[(11, "bc"), (10, "abcd")], &expected, tally(4, 2, 0));
    }

    #[test]
    fn an_overlap_at_the_front_keeps_what_is_before() {
        check(&[(12, "cd"), (10, "abcd")], &[(10, "ab"), (12, "cd")], tally(4, 2, 0));
    }

    #[test]
    fn an_overlap_at_the_back_keeps_what_is_after() {
        check(&[(10, "ab"), (11, "bcd")], &[(10, "ab"), (12, "cd")], tally(3, 2, 0));
    }

    #[test]
    fn a_run_over_many_fills_every_hole() {
        let expected = [(10, "a"), (11, "b"), (12, "c"), (13, "d"), (14, "e")];
        check(&[(11, "b"), (13, "d"), (10, "abcde")], &expected, tally(5, 3, 0));
    }

    #[test]
    fn the_first_copy_stays_and_the_conflict_is_told() {
        check(&[(10, "ab"), (10, "aX")], &[(10, "ab")], tally(2, 0, 1));
        check(&[(11, "b"), (10, "aXc")], &[(10, "a"), (11, "b"), (12, "c")], tally(3, 2, 1));
    }

    #[test]
    fn a_spent_budget_keeps_nothing_more() {
        let mut budget = Budget { flow_held_bytes_max: 1000, ..budget() };
        let mut held = Held::default();
        let tally = held.insert(0, Run::Bytes(&[0; 200]), NOW, NOW, &mut budget);
        assert_eq!((tally.done, budget.held_bytes), (200, 968));
        let tally = held.insert(300, Run::Bytes(&[0; 1]), NOW, NOW, &mut budget);
        assert_eq!((tally.done, budget.held_bytes), (0, 968));
    }

    #[test]
    fn what_is_missing_is_known_since_the_first_piece_after_it() {
        let (mut held, mut budget) = (Held::default(), budget());
        for (offset, seconds) in [(30, 1), (10, 2), (40, 3), (20, 4)] {
            let now = Timestamp::from_seconds(seconds);
            held.insert(offset, Run::Bytes(b"x"), now, now, &mut budget);
        }
        let since: Vec<_> =
            held.pieces.values().map(|piece| piece.missed_since.epoch().0).collect();
        assert_eq!(since, [1, 1, 1, 3]);
    }
}
