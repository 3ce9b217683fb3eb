//! One shard: the stages from segment to observation as plain calls.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tapline_behavior::Fold;
use tapline_discovery::Discovery;
use tapline_model::{
    BehaviorStats, Chunk, DiscoveryStats, Feedback, FlowRecord, ProtocolStats, ReassemblyStats,
    Segment, ShardId, Timestamp, Transaction,
};
use tapline_protocol::{Protocols, Sink};
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
    protocols: Protocols,
    readers: Readers,
}

/// What follows discovery.
struct Readers {
    id: ShardId,
    recorder: Option<Recorder>,
}

impl Shard {
    /// An empty shard.
    pub(crate) fn new(
        id: ShardId,
        settings: &tapline_config::Settings,
        recorder: Option<Recorder>,
    ) -> Self {
        let readers = Readers { id, recorder };
        Self {
            reassembler: Reassembler::new(settings.reassembly.clone()),
            stages: Stages { protocols: Protocols::new(settings.protocol.clone()), readers },
        }
    }

    /// Takes one segment of the flow with this hash.
    #[inline]
    pub(crate) fn push(&mut self, flow_hash: u64, segment: &Segment<'_>, lent: &mut Lent<'_>) {
        let stages = &mut self.stages;
        self.reassembler
            .push(flow_hash, segment, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, lent));
    }

    /// Time has passed: timeouts act.
    pub(crate) fn tick(&mut self, now: Timestamp, lent: &mut Lent<'_>) {
        let stages = &mut self.stages;
        self.reassembler.tick(now, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, lent));
        self.stages.tick(now, lent);
    }

    /// The capture ended: everything open is finished.
    pub(crate) fn finish(&mut self, now: Timestamp, lent: &mut Lent<'_>) {
        let stages = &mut self.stages;
        self.reassembler.finish(now, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, lent));
    }

    /// Hands over the transaction lines written so far.
    pub(crate) fn flush_records(&mut self) {
        if let Some(recorder) = &mut self.stages.readers.recorder {
            recorder.flush();
        }
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
    fn chunk(&mut self, chunk: &Chunk<'_>, lent: &mut Lent<'_>) {
        let Self { protocols, readers } = self;
        let parsed = catch_unwind(AssertUnwindSafe(|| {
            protocols.push(chunk, &mut Feeding { readers, lent });
        }));
        if parsed.is_err() {
            protocols.forget(chunk.flow);
        }
    }

    fn tick(&mut self, now: Timestamp, lent: &mut Lent<'_>) {
        let Self { protocols, readers } = self;
        protocols.tick(now, &mut Feeding { readers, lent });
    }
}

/// What the worker lends its shards. Discovery keeps no state about the traffic, only memories of
/// what it has worked out: one for all shards knows more, in less room. The fold keeps each shard's
/// caps apart, and makes one delta for all.
pub(crate) struct Lent<'a> {
    pub(crate) discovery: &'a mut Discovery,
    pub(crate) fold: &'a mut Fold,
    pub(crate) feedback: &'a Feedback,
}

/// Leads transactions through discovery into the fold.
struct Feeding<'a, 'l> {
    readers: &'a mut Readers,
    lent: &'a mut Lent<'l>,
}

impl Sink for Feeding<'_, '_> {
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        let Lent { discovery, feedback, .. } = &mut *self.lent;
        discovery.wants_bodies(transaction, self.readers.id, feedback)
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let Readers { id, recorder } = &mut *self.readers;
        let Lent { discovery, fold, feedback } = &mut *self.lent;
        match recorder {
            None => discovery.push(transaction, *id, feedback, &mut |observation| {
                fold.observe(*id, observation, feedback);
            }),
            Some(recorder) => {
                let mut seen = None;
                discovery.push(transaction, *id, feedback, &mut |observation| {
                    fold.observe(*id, observation, feedback);
                    seen = Some((observation.route, observation.consumer.key));
                });
                recorder.write(discovery, transaction, seen);
            }
        }
    }

    fn flow_record(&mut self, record: &FlowRecord) {
        self.lent.fold.flow(self.readers.id, record);
    }
}
