//! One shard: the stages from segment to delta as plain calls.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tapline_behavior::Fold;
use tapline_discovery::Discovery;
use tapline_model::{
    BehaviorStats, Chunk, Delta, DiscoveryStats, Epoch, Feedback, FlowRecord, ProtocolStats,
    ReassemblyStats, Segment, ShardId, Timestamp, Transaction,
};
use tapline_protocol::{Protocols, Sink};
use tapline_reassembly::Reassembler;

use super::Identity;
use super::record::Recorder;

/// The counters of the stages that a shard goes through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShardStats {
    pub(crate) reassembly: ReassemblyStats,
    pub(crate) protocol: ProtocolStats,
    /// Of the worker: its shards share one discovery.
    pub(crate) discovery: DiscoveryStats,
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
    shard: ShardId,
    fold: Fold,
    recorder: Option<Recorder>,
}

impl Shard {
    /// An empty shard.
    pub(crate) fn new(
        id: ShardId,
        settings: &tapline_config::Settings,
        identity: Identity,
        recorder: Option<Recorder>,
    ) -> Self {
        let readers = Readers {
            shard: id,
            fold: Fold::new(&settings.behavior, identity.sensor, identity.incarnation, id),
            recorder,
        };
        Self {
            reassembler: Reassembler::new(settings.reassembly.clone()),
            stages: Stages { protocols: Protocols::new(settings.protocol.clone()), readers },
        }
    }

    /// Takes one segment.
    pub(crate) fn push(&mut self, segment: &Segment<'_>, lent: &mut Lent<'_>) {
        let stages = &mut self.stages;
        self.reassembler.push(segment, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, lent));
    }

    /// Closes an epoch: timeouts act, and what was learned is handed over.
    pub(crate) fn seal(
        &mut self,
        epoch: Epoch,
        now: Timestamp,
        lent: &mut Lent<'_>,
    ) -> Option<Delta> {
        let stages = &mut self.stages;
        self.reassembler.tick(now, &mut |chunk: &Chunk<'_>| stages.chunk(chunk, lent));
        self.stages.tick(now, lent);
        self.stages.readers.fold.seal(epoch)
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
        let readers = &self.stages.readers;
        ShardStats {
            reassembly: self.reassembler.stats(),
            protocol: self.stages.protocols.stats(),
            discovery: DiscoveryStats::default(),
            behavior: readers.fold.stats(),
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
/// what it has worked out: one for all shards knows more, in less room.
pub(crate) struct Lent<'a> {
    pub(crate) discovery: &'a mut Discovery,
    pub(crate) feedback: &'a Feedback,
}

/// Leads transactions through discovery into the fold.
struct Feeding<'a, 'l> {
    readers: &'a mut Readers,
    lent: &'a mut Lent<'l>,
}

impl Sink for Feeding<'_, '_> {
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        let Lent { discovery, feedback } = &mut *self.lent;
        discovery.wants_bodies(transaction, self.readers.shard, feedback)
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let Readers { shard, fold, recorder } = &mut *self.readers;
        let shard = *shard;
        let Lent { discovery, feedback } = &mut *self.lent;
        match recorder {
            None => discovery.push(transaction, shard, feedback, &mut |observation| {
                fold.observe(observation, feedback);
            }),
            Some(recorder) => {
                let mut seen = None;
                discovery.push(transaction, shard, feedback, &mut |observation| {
                    fold.observe(observation, feedback);
                    seen = Some((observation.route, observation.consumer.key));
                });
                recorder.write(discovery, transaction, seen);
            }
        }
    }

    fn flow_record(&mut self, record: &FlowRecord) {
        self.readers.fold.flow(record);
    }
}
