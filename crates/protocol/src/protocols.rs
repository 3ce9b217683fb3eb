//! The flows of one shard.

use std::fmt;

use tapline_model::{
    Chunk, ChunkKind, DropReason, EndReason, FlowId, FlowRecord, Handshake, ProtocolStats,
    Timestamp, Transaction,
};

use crate::Config;
use crate::bounds::Bounds;
use crate::flow::Flow;
use crate::http1::{Emitter, Lines, Room};
use crate::pool::Pool;

/// How many finished flows are kept for their memory.
const SPARE_MAX: usize = 256;

/// Takes what [`Protocols`] makes.
pub trait Sink {
    /// Whether coded bodies are worth decoding. Asked once before every [`Self::transaction`], with
    /// all that it will be given except what only decoding tells: a body with a content coding shows
    /// no sample yet.
    ///
    /// When the answer is no, it stays so: the sample of a coded body is empty and `truncated`, and
    /// anomalies of its coding are not looked for. A body without coding shows its sample either way.
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        let _ = transaction;
        true
    }

    /// One request and its response; within a flow in the order of the requests.
    fn transaction(&mut self, transaction: &Transaction<'_>);

    /// A TLS handshake that was answered.
    fn handshake(&mut self, handshake: &Handshake<'_>);

    /// What a flow carried since its last record.
    fn flow_record(&mut self, record: &FlowRecord);
}

/// Turns the chunks of one shard's flows into transactions.
///
/// A flow is recognised by the first bytes of its directions: who sends requests is the client, on
/// any port and whoever opened the flow. A gap costs the message it hits. A response that comes
/// before its request waits up to a second of capture time for it. What is kept of messages never
/// passes the shard's share (1/64, at least 64 KiB) of [`Config::message_bytes_max`]: first bodies
/// are cut short, then heads, then requests are dropped.
pub struct Protocols {
    bounds: Bounds,
    /// By slot.
    flows: Vec<Option<Box<Flow>>>,
    /// Slots to visit at the next tick.
    touched: Vec<u32>,
    bench: Box<Workbench>,
    stats: ProtocolStats,
}

/// What reading one message leaves for the next: memories of lines, room to decode in, and memory that
/// is used again. It changes no output, so whoever has several shards lends them one in turn
/// ([`Protocols::swap_bench`]), which then stays in the processor's cache.
#[derive(Default)]
pub struct Workbench {
    lines: Lines,
    emitter: Emitter,
    /// Its budget is that of the shard.
    pool: Pool,
    /// Finished flows whose memory is used again.
    #[expect(clippy::vec_box, reason = "they go to slots, which most are empty")]
    flows: Vec<Box<Flow>>,
}

impl fmt::Debug for Workbench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workbench")
    }
}

impl Protocols {
    /// A shard without flows. The settings are process totals; the shard takes its share.
    #[expect(clippy::needless_pass_by_value, reason = "every stage takes its settings by value")]
    pub fn new(config: Config) -> Self {
        let bounds = Bounds::new(&config);
        let pool = Pool::new(bounds.shard_bytes_max);
        Self {
            bounds,
            flows: Vec::new(),
            touched: Vec::new(),
            bench: Box::new(Workbench { pool, ..Workbench::default() }),
            stats: ProtocolStats::default(),
        }
    }

    /// Exchanges the bench for another. What the shard has spent of its budget stays with it.
    pub fn swap_bench(&mut self, other: &mut Box<Workbench>) {
        std::mem::swap(&mut self.bench, other);
        self.bench.pool.swap_budgets(&mut other.pool);
    }

    /// Takes the next chunk of a flow.
    pub fn push(&mut self, chunk: &Chunk<'_>, sink: &mut impl Sink) {
        let received_bytes = match chunk.kind {
            ChunkKind::Data(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            ChunkKind::Gap { missing_bytes } => missing_bytes,
            ChunkKind::End { reason, last } => return self.end(chunk, reason, last, sink),
        };
        self.stats.chunks.received += 1;
        self.stats.chunk_bytes.received += received_bytes;
        self.make_flow(chunk, sink);
        let (flow, mut room) = self.split(chunk.flow, sink);
        let Some(flow) = flow else { return };
        let was_touched = std::mem::replace(&mut flow.touched, true);
        match chunk.kind {
            ChunkKind::Data(bytes) => {
                flow.data(chunk.direction, bytes, chunk.captured_at, &mut room);
            }
            ChunkKind::Gap { missing_bytes } => {
                flow.gap(chunk.direction, missing_bytes, chunk.captured_at, &mut room);
            }
            ChunkKind::End { .. } => {}
        }
        if !was_touched {
            self.touched.push(chunk.flow.slot);
        }
    }

    /// Time passes: what flows carried since the last tick is recorded, in slot order, and responses
    /// stop waiting for their request.
    pub fn tick(&mut self, now: Timestamp, sink: &mut impl Sink) {
        let mut visits = std::mem::take(&mut self.touched);
        visits.sort_unstable();
        visits.dedup();
        visits.retain(|&slot| {
            let Some(id) = self.flow(slot).map(|flow| flow.id) else { return false };
            let (flow, mut room) = self.split(id, sink);
            flow.is_some_and(|flow| {
                flow.touched = flow.tick(now, &mut room);
                flow.touched
            })
        });
        self.touched = visits;
    }

    /// Drops all state of a flow whose chunk made the sensor fail. What it held is counted as
    /// dropped; the flow's next chunk begins anew.
    pub fn forget(&mut self, flow: FlowId) {
        self.stats.internal_faults += 1;
        let is_it = |kept: &mut Box<Flow>| kept.id == flow;
        if let Some(slot) = self.slot_mut(flow.slot) {
            slot.take_if(is_it);
        }
        let (mut held, mut handshakes, mut chunks, mut bytes, mut charge) = (0, 0, 0, 0, 0);
        for flow in self.flows.iter().flatten() {
            let (held_chunks, held_bytes) = flow.held_chunks();
            held += flow.held();
            handshakes += flow.held_handshakes();
            chunks += held_chunks;
            bytes += held_bytes;
            charge += flow.charge();
        }
        self.bench.pool.recount(charge);
        let stats = &mut self.stats;
        let ledgers = [
            (&mut stats.transactions, held),
            (&mut stats.handshakes, handshakes),
            (&mut stats.chunks, chunks),
            (&mut stats.chunk_bytes, bytes),
        ];
        for (ledger, held) in ledgers {
            ledger.held = held;
            let known = ledger.processed + ledger.dropped_total() + ledger.ignored_total() + held;
            ledger.drop(DropReason::Fault, ledger.received.saturating_sub(known));
        }
    }

    /// Counters since start.
    pub fn stats(&self) -> ProtocolStats {
        self.stats
    }

    /// What the budget is charged now.
    #[cfg(test)]
    pub(crate) fn spent_bytes(&self) -> u64 {
        self.bench.pool.spent()
    }

    fn end(&mut self, chunk: &Chunk<'_>, reason: EndReason, last: bool, sink: &mut impl Sink) {
        let now = chunk.captured_at;
        if reason == EndReason::Fin && !last {
            let (flow, mut room) = self.split(chunk.flow, sink);
            if let Some(flow) = flow {
                flow.end(chunk.direction, reason, now, &mut room);
                self.touch(chunk.flow);
            }
            return;
        }
        let is_it = |kept: &mut Box<Flow>| kept.id == chunk.flow;
        let flow = self.slot_mut(chunk.flow.slot).and_then(|slot| slot.take_if(is_it));
        if let Some(mut flow) = flow {
            let (_, mut room) = self.split(chunk.flow, sink);
            flow.finish(reason, now, &mut room);
            if self.bench.flows.len() < SPARE_MAX {
                self.bench.flows.push(flow);
            }
        }
    }

    /// Makes sure that the chunk's flow has its slot.
    fn make_flow(&mut self, chunk: &Chunk<'_>, sink: &mut impl Sink) {
        let id = chunk.flow;
        let index = usize::try_from(id.slot).unwrap_or(usize::MAX);
        if index >= self.flows.len() {
            self.flows.resize_with(index + 1, || None);
        }
        let Some(slot) = self.flows.get_mut(index) else { return };
        if slot.as_ref().is_some_and(|flow| flow.id == id) {
            return;
        }
        let other = slot.take();
        *slot = Some(match self.bench.flows.pop() {
            Some(mut flow) => {
                flow.reset(id, chunk.tuple);
                flow
            }
            None => Box::new(Flow::new(id, chunk.tuple)),
        });
        if let Some(mut other) = other {
            let (_, mut room) = self.split(id, sink);
            other.finish(EndReason::Replaced, chunk.captured_at, &mut room);
        }
    }

    fn touch(&mut self, id: FlowId) {
        let Some(flow) = self.slot_mut(id.slot).and_then(Option::as_mut) else { return };
        if !std::mem::replace(&mut flow.touched, true) {
            self.touched.push(id.slot);
        }
    }

    fn flow(&self, slot: u32) -> Option<&Flow> {
        self.flows.get(usize::try_from(slot).ok()?)?.as_deref()
    }

    fn slot_mut(&mut self, slot: u32) -> Option<&mut Option<Box<Flow>>> {
        self.flows.get_mut(usize::try_from(slot).ok()?)
    }

    /// A flow, and what reading it needs.
    fn split<'a, S>(
        &'a mut self,
        id: FlowId,
        sink: &'a mut S,
    ) -> (Option<&'a mut Flow>, Room<'a, S>) {
        let index = usize::try_from(id.slot).unwrap_or(usize::MAX);
        let flow = self.flows.get_mut(index).and_then(Option::as_deref_mut);
        let room = Room {
            bounds: &self.bounds,
            pool: &mut self.bench.pool,
            lines: &mut self.bench.lines,
            emitter: &mut self.bench.emitter,
            stats: &mut self.stats,
            sink,
        };
        (flow.filter(|flow| flow.id == id), room)
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocols")
            .field("flows", &self.flows.iter().flatten().count())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
