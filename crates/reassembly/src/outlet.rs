//! The way out of one flow: its chunks, the books they are entered in, and the budget for what has
//! to wait.

use tapline_model::{
    Chunk, ChunkKind, Direction, EndReason, FlowId, FlowTuple, IgnoreReason, ReassemblyStats,
    Timestamp,
};

use crate::OverlapPolicy;

/// What bytes held out of order may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// What all flows of the instance cost now.
    pub(crate) held_bytes: u64,
    /// What they may cost.
    pub(crate) held_bytes_max: u64,
    /// What one direction of one flow may cost.
    pub(crate) flow_held_bytes_max: u64,
}

impl Budget {
    /// Whether it cannot bear `cost_bytes` more.
    pub(crate) fn is_tight_for(&self, cost_bytes: u64) -> bool {
        self.held_bytes + cost_bytes > self.held_bytes_max
    }
}

/// Where one flow's chunks go.
pub(crate) struct Outlet<'a, S> {
    pub(crate) flow: FlowId,
    pub(crate) tuple: FlowTuple,
    pub(crate) stats: &'a mut ReassemblyStats,
    pub(crate) budget: &'a mut Budget,
    pub(crate) policy: OverlapPolicy,
    pub(crate) sink: &'a mut S,
}

impl<S: FnMut(&Chunk<'_>)> Outlet<'_, S> {
    /// Delivers bytes.
    pub(crate) fn data(&mut self, direction: Direction, at: Timestamp, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.stats.payload_bytes.processed += bytes.len() as u64;
        self.chunk(direction, at, ChunkKind::Data(bytes));
    }

    /// Reports bytes that will not come.
    pub(crate) fn gap(&mut self, direction: Direction, at: Timestamp, missing_bytes: u64) {
        if missing_bytes == 0 {
            return;
        }
        self.stats.gaps += 1;
        self.stats.gap_bytes += missing_bytes;
        self.chunk(direction, at, ChunkKind::Gap { missing_bytes });
    }

    /// Ends a direction or the flow.
    pub(crate) fn end(
        &mut self,
        direction: Direction,
        at: Timestamp,
        reason: EndReason,
        last: bool,
    ) {
        self.chunk(direction, at, ChunkKind::End { reason, last });
    }

    /// Books received bytes that go nowhere.
    pub(crate) fn ignore_bytes(&mut self, reason: IgnoreReason, count: u64) {
        self.stats.payload_bytes.ignore(reason, count);
    }

    fn chunk(&mut self, direction: Direction, captured_at: Timestamp, kind: ChunkKind<'_>) {
        self.stats.chunks += 1;
        (self.sink)(&Chunk { flow: self.flow, tuple: self.tuple, direction, captured_at, kind });
    }
}
