//! One shard: the stages from segment to observation as plain calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tapline_behavior::Fold;
use tapline_discovery::{Discovery, Handshakes};
use tapline_model::{
    BehaviorStats, Chunk, DiscoveryStats, Feedback, FlowRecord, Handshake, ProtocolStats,
    ReassemblyStats, Segment, ShardId, Timestamp, Transaction,
};
use tapline_protocol::{Protocols, Sink, Workbench};
use tapline_reassembly::Reassembler;

use super::record::Recorder;

/// The counters of the stages that a shard goes through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShardStats {
    pub(crate) reassembly: ReassemblyStats,
    pub(crate) protocol: ProtocolStats,
    /// Of the worker: its shards share one discovery and one fold.
    pub(crate) discovery: DiscoveryStats,
    /// Of the worker.
    pub(crate) behavior: BehaviorStats,
}

impl ShardStats {
    /// Adds the counters of another shard.
    pub(crate) fn add(&mut self, other: &Self) {
        self.reassembly.add(&other.reassembly);
        self.protocol.add(&other.protocol);
        self.discovery.add(&other.discovery);
        self.behavior.add(&other.behavior);
    }
}

/// All state of one shard.
pub(crate) struct Shard {
    reassembler: Reassembler,
    stages: Stages,
}

/// What follows reassembly.
struct Stages {
    id: ShardId,
    protocols: Protocols,
}

/// What the protocols read with and what follows them, one for all shards of a worker. Discovery keeps no state about the
/// traffic, only memories of what it has worked out: one for all shards knows more, in less room.
/// The fold keeps each shard's caps apart, and makes one delta for all.
pub(crate) struct Downstream {
    /// Of the protocols: lent to each shard in turn.
    pub(crate) bench: Box<Workbench>,
    pub(crate) discovery: Discovery,
    pub(crate) handshakes: Handshakes,
    pub(crate) fold: Fold,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) feedback: Arc<Feedback>,
}

impl Shard {
    /// An empty shard.
    pub(crate) fn new(id: ShardId, settings: &tapline_config::Settings) -> Self {
        let protocols = Protocols::new(settings.protocol.clone());
        Self {
            reassembler: Reassembler::new(settings.reassembly.clone()),
            stages: Stages { id, protocols },
        }
    }

    /// Takes one segment of the flow with this hash.
    #[inline]
    pub(crate) fn push(
        &mut self,
        flow_hash: u64,
        segment: &Segment<'_>,
        downstream: &mut Downstream,
    ) {
        let stages = &mut self.stages;
        self.reassembler
            .push(flow_hash, segment, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, downstream));
    }

    /// Time has passed: timeouts act.
    pub(crate) fn tick(&mut self, now: Timestamp, downstream: &mut Downstream) {
        let stages = &mut self.stages;
        self.reassembler.tick(now, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, downstream));
        self.stages.tick(now, downstream);
    }

    /// The capture ended: everything open is finished.
    pub(crate) fn finish(&mut self, now: Timestamp, downstream: &mut Downstream) {
        let stages = &mut self.stages;
        self.reassembler.finish(now, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, downstream));
    }

    /// Its counters.
    pub(crate) fn stats(&self) -> ShardStats {
        ShardStats {
            reassembly: self.reassembler.stats(),
            protocol: self.stages.protocols.stats(),
            discovery: DiscoveryStats::default(),
            behavior: BehaviorStats::default(),
        }
    }
}

impl Stages {
    /// The only place that catches a panic: one bad flow costs one flow.
    fn chunk(&mut self, chunk: &Chunk<'_>, downstream: &mut Downstream) {
        let Self { id, protocols } = self;
        protocols.swap_bench(&mut downstream.bench);
        let parsed = catch_unwind(AssertUnwindSafe(|| {
            protocols.push(chunk, &mut Feeding { shard: *id, downstream });
        }));
        protocols.swap_bench(&mut downstream.bench);
        if parsed.is_err() {
            protocols.forget(chunk.flow);
        }
    }

    fn tick(&mut self, now: Timestamp, downstream: &mut Downstream) {
        let Self { id, protocols } = self;
        protocols.swap_bench(&mut downstream.bench);
        protocols.tick(now, &mut Feeding { shard: *id, downstream });
        protocols.swap_bench(&mut downstream.bench);
    }
}

/// Leads the transactions of a shard through discovery into the fold.
struct Feeding<'a> {
    shard: ShardId,
    downstream: &'a mut Downstream,
}

impl Sink for Feeding<'_> {
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        let Downstream { discovery, feedback, .. } = &mut *self.downstream;
        discovery.wants_bodies(transaction, self.shard, feedback)
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let Self { shard, downstream } = self;
        let Downstream { discovery, fold, recorder, feedback, .. } = &mut **downstream;
        let mut seen = None;
        discovery.push(transaction, *shard, feedback, &mut |observation| {
            fold.observe(*shard, observation, feedback);
            seen = Some((observation.route, observation.consumer.key));
        });
        if let Some(recorder) = recorder {
            recorder.write(*shard, discovery, transaction, seen);
        }
    }

    fn handshake(&mut self, handshake: &Handshake<'_>) {
        let Downstream { handshakes, fold, .. } = &mut *self.downstream;
        handshakes.push(handshake, &mut |note| fold.handshake(note));
    }

    fn flow_record(&mut self, record: &FlowRecord) {
        self.downstream.fold.flow(self.shard, record);
    }
}
