//! The order of the stages, and the threads they run on.
//!
//! ```text
//! source -> decap -> [queue] -> worker: reassembly -> protocol -> discovery -> fold -> merge -> readers
//! ```
//!
//! With one source and one worker there is no queue. The merge has a thread of its own; workers
//! meet it once an epoch.

mod batch;
pub(crate) mod feedback_board;
pub(crate) mod files;
pub(crate) mod live;
pub(crate) mod merge;
mod overload;
pub(crate) mod published;
pub(crate) mod record;
pub(crate) mod router;
mod shard;
mod shedding;
pub(crate) mod tap;
pub(crate) mod tick;
mod worker;

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use tapline_behavior::Fold;
use tapline_config::Settings;
use tapline_decap::Decap;
use tapline_discovery::{Discovery, Handshakes};
use tapline_model::{Key, SourceId};

use self::batch::Batch;
use self::feedback_board::FeedbackBoard;
use self::merge::Message;
use self::record::Recorder;
use self::router::{Books, Lane, Route, Router, WhenFull};
use self::shard::Downstream;
use self::shedding::Shedding;
use self::worker::Worker;
use crate::documents::Documents;
use crate::evidence::Evidence;
use crate::sizing;

/// Messages waiting for the merge.
const MERGE_MESSAGES_MAX: usize = 256;

/// Which sensor, and which run of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) sensor: u64,
    pub(crate) incarnation: u64,
}

/// Which version of the feedback a worker uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedbackRule {
    /// In epoch e what was published for epoch e - 4, so that a replay is exact.
    Exact,
    /// Whatever is newest: live traffic waits for nobody.
    Newest,
}

/// What every thread of a pipeline shares, unchanged while it runs.
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    /// The documents of APIs that the settings name.
    pub(crate) documents: Documents,
    pub(crate) key: Key,
    pub(crate) identity: Identity,
    pub(crate) workers: usize,
    pub(crate) feedback_rule: FeedbackRule,
    pub(crate) board: FeedbackBoard,
    /// The packets behind findings, if they are kept.
    pub(crate) evidence: Option<Arc<Evidence>>,
    /// Whether transactions are recorded, and with their query.
    pub(crate) record: Option<RecordRule>,
}

/// How transactions are recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordRule {
    pub(crate) raw_targets: bool,
}

impl Shared {
    /// What follows the protocols in one worker.
    fn new_downstream(&self, worker: usize, out: Sender<Message>) -> Downstream {
        let Identity { sensor, incarnation } = self.identity;
        let part = u16::try_from(worker).unwrap_or(u16::MAX);
        Downstream {
            bench: Box::default(),
            handshakes: Handshakes::new(&self.settings.discovery),
            discovery: Discovery::new(self.settings.discovery.clone(), self.key.clone())
                .in_run(incarnation),
            fold: Fold::new(&self.settings.behavior, sensor, incarnation, part),
            recorder: self.record.map(|rule| Recorder::new(rule.raw_targets, out)),
            feedback: Arc::default(),
        }
    }
}

/// The two ends of the way to the merge.
pub(crate) fn merge_queue() -> (Sender<Message>, Receiver<Message>) {
    bounded(MERGE_MESSAGES_MAX)
}

/// Routers and the workers behind them.
pub(crate) struct Plant {
    /// One per source.
    pub(crate) routers: Vec<Router>,
    workers: Vec<Staffed>,
}

/// A worker that has queues, each with the way back for emptied batches.
struct Staffed {
    worker: Worker,
    queues: Vec<Receiver<Batch>>,
    spent: Vec<Sender<Batch>>,
}

impl Plant {
    /// Builds a router with a worker for each worker of `shared`, all for the same frames: each walks
    /// them all and follows the flows of its own shards, so nothing is handed over.
    pub(crate) fn walkers(
        shared: &Arc<Shared>,
        names: &[(SourceId, Arc<str>)],
        out: &Sender<Message>,
    ) -> Vec<Router> {
        // Who keeps the packets behind findings looks at those of all flows, and so has them all in
        // its books.
        let keeps_packets = shared.evidence.is_some();
        let walker = |index| {
            let decap = Decap::new(shared.settings.decap.share(1), &shared.key);
            let worker = Worker::new(index, Arc::clone(shared), out.clone());
            let worker = if keeps_packets { worker } else { worker.with_own_source() };
            let books = match index {
                0 if keeps_packets || shared.workers == 1 => Books::Every,
                0 => Books::OwnAndRest,
                _ => Books::Own,
            };
            let route = Route::Inline(Box::new(worker));
            let names = names.iter().cloned();
            let witness = shared.evidence.as_ref().filter(|_| index == 0);
            Router::new(0, names, decap, shared.key.clone(), route, WhenFull::Wait)
                .with_books(books)
                .with_witness(witness.map(|evidence| evidence.witness(1)))
        };
        (0..shared.workers).map(walker).collect()
    }

    /// Builds a router for each of `sources` (the capture sources it reads, by name) over the
    /// workers of `shared`.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        sources: Vec<Vec<(SourceId, Arc<str>)>>,
        when_full: WhenFull,
        out: &Sender<Message>,
    ) -> Self {
        let inline = sources.len() == 1 && shared.workers == 1;
        let settings = &shared.settings;
        let sheds = when_full == WhenFull::Drop && settings.overload.enabled;
        let shedding =
            sheds.then(|| Arc::new(Shedding::new(settings.overload.clone(), sources.len())));
        let (decap, count) = (settings.decap.share(sources.len()), sources.len());
        let router = |source, names: Vec<_>, route| {
            let decap = Decap::new(decap.clone(), &shared.key);
            Router::new(source, names, decap, shared.key.clone(), route, when_full)
                .with_shedding(shedding.clone())
                .with_witness(shared.evidence.as_ref().map(|evidence| evidence.witness(count)))
        };
        let worker = |index| Worker::new(index, Arc::clone(shared), out.clone());
        if inline {
            let routers = sources
                .into_iter()
                .map(|names| router(0, names, Route::Inline(Box::new(worker(0)))))
                .collect();
            return Self { routers, workers: Vec::new() };
        }
        let batches_max = sizing::queue_batches_max(
            settings.sensor.queue_batches_max,
            settings.sensor.memory_bytes,
            sources.len() * shared.workers,
        );
        let mut workers: Vec<_> = (0..shared.workers)
            .map(|index| Staffed { worker: worker(index), queues: Vec::new(), spent: Vec::new() })
            .collect();
        let routers = sources
            .into_iter()
            .enumerate()
            .map(|(source, names)| {
                let lanes = workers.iter_mut().map(|staffed| {
                    let (queue, incoming) = bounded(batches_max);
                    let (outgoing, back) = bounded(batches_max + 2);
                    staffed.queues.push(incoming);
                    staffed.spent.push(outgoing);
                    Lane::new(queue, back)
                });
                let route = Route::Queues(lanes.collect());
                router(source, names, route)
            })
            .collect();
        Self { routers, workers }
    }

    /// Starts a thread for each worker that has a queue, on a core of its own if there are `cpus`;
    /// says how many there are.
    pub(crate) fn start_workers<'scope>(
        &mut self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        cpus: &'scope [u16],
    ) -> std::io::Result<usize> {
        let count = self.workers.len();
        for (index, staffed) in self.workers.drain(..).enumerate() {
            let Staffed { worker, queues, spent } = staffed;
            std::thread::Builder::new().name(format!("worker-{index}")).spawn_scoped(
                scope,
                move || {
                    pin(cpus, index);
                    worker.run(queues, &spent);
                },
            )?;
        }
        Ok(count)
    }
}

/// Keeps this thread on the core whose turn it is, if any are named.
pub(crate) fn pin(cpus: &[u16], turn: usize) {
    let Some(&cpu) = turn.checked_rem(cpus.len()).and_then(|index| cpus.get(index)) else { return };
    if let Err(error) = tapline_capture::pin_thread(cpu) {
        tracing::warn!("sensor.cpus: core {cpu} cannot be used: {error}");
    }
}
