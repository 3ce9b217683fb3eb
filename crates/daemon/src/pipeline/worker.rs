//! A worker: owns some shards and shares nothing.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Select, Sender};
use tapline_model::{Epoch, SHARDS, Segment, ShardId, Timestamp};

use super::batch::Batch;
use super::feedback_board::FEEDBACK_LAG_EPOCHS;
use super::merge::{Message, Report};
use super::shard::{Downstream, Shard, ShardStats};
use super::tick::{SourceCounters, Tick};
use super::{FeedbackRule, Shared};

/// Some shards, and the epoch they are in.
pub(crate) struct Worker {
    index: usize,
    /// A bit for each shard that is its own.
    owned: u64,
    /// Indexed by shard; those of other workers are empty.
    shards: Vec<Option<Shard>>,
    downstream: Downstream,
    /// Its reports tell the counters of the sources.
    tells_counters: bool,
    epoch: Option<Epoch>,
    shared: Arc<Shared>,
    out: Sender<Message>,
}

impl Worker {
    /// The worker with every shard whose index leaves `index` when divided by the worker count.
    pub(crate) fn new(index: usize, shared: Arc<Shared>, out: Sender<Message>) -> Self {
        let workers = shared.workers;
        let is_own = |id: ShardId| id.index() % workers == index;
        let owned = ShardId::all().filter(|&id| is_own(id)).fold(0, |owned, id| owned | bit(id));
        let shards =
            ShardId::all().map(|id| is_own(id).then(|| Shard::new(id, &shared.settings))).collect();
        let downstream = shared.new_downstream(index, out.clone());
        let tells_counters = index == 0;
        Self { index, owned, shards, downstream, tells_counters, epoch: None, shared, out }
    }

    /// The same, with a source of its own whose counters nobody else tells.
    #[must_use]
    pub(crate) fn with_own_source(self) -> Self {
        Self { tells_counters: true, ..self }
    }

    /// Whether it follows the flow with this hash.
    #[inline]
    pub(crate) fn owns(&self, flow_hash: u64) -> bool {
        self.owned & bit(ShardId::from_hash(flow_hash)) != 0
    }

    /// Takes one segment of the flow with this hash, which lies in one of its shards.
    #[inline]
    pub(crate) fn push(&mut self, flow_hash: u64, segment: &Segment<'_>) {
        let Self { shards, downstream, .. } = self;
        if let Some(Some(shard)) = shards.get_mut(ShardId::from_hash(flow_hash).index()) {
            shard.push(flow_hash, segment, downstream);
        }
    }

    /// Closes the epochs before the one that is entered, and begins that one.
    pub(crate) fn tick(
        &mut self,
        entered: Epoch,
        now: Timestamp,
        counters: &Arc<[SourceCounters]>,
    ) {
        if let Some(closing) = self.epoch.filter(|&epoch| epoch < entered) {
            let report = self.close(closing, entered.minus(1), now, counters, false);
            self.send(report);
        }
        if self.epoch.is_none() {
            // Nothing was captured before the first epoch: there is nothing to wait for.
            self.shared.board.sealed_up_to(entered.minus(1));
        }
        self.epoch = Some(self.epoch.map_or(entered, |epoch| epoch.max(entered)));
        self.downstream.feedback = match self.shared.feedback_rule {
            FeedbackRule::Exact => self.shared.board.exactly(entered.minus(FEEDBACK_LAG_EPOCHS)),
            FeedbackRule::Newest => self.shared.board.newest(),
        };
    }

    /// The capture ended.
    pub(crate) fn end(&mut self, now: Timestamp, counters: &Arc<[SourceCounters]>) {
        let epoch = self.epoch.unwrap_or_else(|| now.epoch());
        let Self { shards, downstream, .. } = self;
        for shard in shards.iter_mut().flatten() {
            shard.finish(now, downstream);
        }
        let report = self.close(epoch, epoch, now, counters, true);
        if let Some(recorder) = &mut self.downstream.recorder {
            recorder.flush();
        }
        self.send(report);
    }

    fn close(
        &mut self,
        epoch: Epoch,
        watermark: Epoch,
        now: Timestamp,
        counters: &Arc<[SourceCounters]>,
        ended: bool,
    ) -> Report {
        let mut stats = ShardStats::default();
        let Self { shards, downstream, .. } = self;
        for shard in shards.iter_mut().flatten() {
            shard.tick(now, downstream);
            stats.add(&shard.stats());
        }
        let Downstream { discovery, fold, .. } = downstream;
        discovery.begin_second(epoch.next());
        stats.discovery = discovery.stats();
        stats.behavior = fold.stats();
        let mut delta = fold.seal(epoch);
        let least = counters.iter().map(|source| source.sampling_least).max().unwrap_or_default();
        if let Some(delta) = &mut delta {
            delta.sampling = least;
        }
        let counters = self.tells_counters.then(|| Arc::clone(counters));
        Report { worker: self.index, watermark, now, delta, stats, counters, ended }
    }

    fn send(&self, report: Report) {
        // The merge outlives the workers; if it died of a fault, the run fails with that fault.
        if self.out.send(Message::Report(Box::new(report))).is_err() {
            tracing::debug!(worker = self.index, "the merge has ended: a report is lost");
        }
    }

    /// Works through the queues of every source until all have ended.
    ///
    /// At a tick a source's queue rests until every other source has reached its own tick for that
    /// epoch: so all counters copied at a tick are of one instant.
    pub(crate) fn run(mut self, queues: Vec<Receiver<Batch>>, spent: &[Sender<Batch>]) {
        let mut inputs: Vec<Input> =
            queues.into_iter().map(|queue| Input { queue, at: None, last: None }).collect();
        while inputs.iter().any(|input| !input.has_ended()) {
            let waiting = inputs.iter().filter(|input| input.may_be_read()).count();
            if waiting == 0 {
                self.pass_barrier(&mut inputs);
                continue;
            }
            let Some((index, mut batch)) = next_batch(&inputs) else {
                // A source is gone without a last word: its thread died of a fault.
                for input in inputs.iter_mut().filter(|input| input.may_be_read()) {
                    input.give_up();
                }
                continue;
            };
            for (flow_hash, segment) in batch.segments() {
                self.push(flow_hash, &segment);
            }
            if let Some(input) = inputs.get_mut(index) {
                input.at = batch.tick.take();
            }
            batch.clear();
            if let Some(spent) = spent.get(index) {
                // When the source has gone or has enough spares, the batch is freed here.
                drop(spent.try_send(batch));
            }
        }
        let last = inputs.iter().filter_map(|input| input.last.as_ref());
        let now = last.clone().map(|tick| tick.now).max().unwrap_or_default();
        let counters = gather(last);
        self.end(now, &counters);
    }

    /// Every queue rests at a tick (or has ended): the epoch of the earliest begins.
    fn pass_barrier(&mut self, inputs: &mut [Input]) {
        let Some(entered) =
            inputs.iter().filter_map(|input| input.at.as_ref()).map(|tick| tick.entered).min()
        else {
            return;
        };
        let resting = inputs.iter().filter_map(|input| input.at.as_ref().or(input.last.as_ref()));
        let now = resting.clone().map(|tick| tick.now).max().unwrap_or_default();
        let counters = gather(resting);
        let all_end = inputs
            .iter()
            .all(|input| input.has_ended() || input.at.as_ref().is_some_and(|tick| tick.ended));
        if !all_end {
            self.tick(entered, now, &counters);
        }
        for input in inputs {
            if input.at.as_ref().is_some_and(|tick| tick.entered <= entered || tick.ended) {
                input.last = input.at.take();
            }
        }
    }
}

/// The bit of a shard, of which there are no more than bits.
#[inline]
const fn bit(id: ShardId) -> u64 {
    const { assert!(SHARDS <= 64) };
    1 << id.index()
}

/// The counters of all sources, in source order.
fn gather<'a>(ticks: impl Iterator<Item = &'a Tick>) -> Arc<[SourceCounters]> {
    let mut ticks: Vec<&Tick> = ticks.collect();
    ticks.sort_by_key(|tick| tick.source);
    ticks.iter().flat_map(|tick| tick.counters.iter().cloned()).collect()
}

/// The queue of one source, and the tick it rests at.
struct Input {
    queue: Receiver<Batch>,
    at: Option<Tick>,
    last: Option<Tick>,
}

impl Input {
    fn has_ended(&self) -> bool {
        self.last.as_ref().is_some_and(|tick| tick.ended)
    }

    fn may_be_read(&self) -> bool {
        self.at.is_none() && !self.has_ended()
    }

    fn give_up(&mut self) {
        let mut tick = self.last.take().unwrap_or(Tick {
            source: usize::MAX,
            entered: Epoch::default(),
            now: Timestamp::ZERO,
            ended: true,
            counters: Arc::from([]),
        });
        tick.ended = true;
        self.last = Some(tick);
    }
}

/// The next batch of any queue that may be read; none when they are all disconnected.
fn next_batch(inputs: &[Input]) -> Option<(usize, Batch)> {
    let open: Vec<(usize, &Receiver<Batch>)> = inputs
        .iter()
        .enumerate()
        .filter(|(_, input)| input.may_be_read())
        .map(|(index, input)| (index, &input.queue))
        .collect();
    if let [(index, queue)] = open.as_slice() {
        return queue.recv().ok().map(|batch| (*index, batch));
    }
    let mut select = Select::new();
    for (_, queue) in &open {
        select.recv(queue);
    }
    let ready = select.select();
    let (index, queue) = open.get(ready.index())?;
    ready.recv(queue).ok().map(|batch| (*index, batch))
}
