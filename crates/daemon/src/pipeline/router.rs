//! The sending end of a source: decap, and every segment to the worker that owns its shard.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tapline_decap::{Decap, Sink};
use tapline_model::{
    CaptureStats, DecapStats, DropReason, Epoch, Frame, Key, Sampling, Segment, ShardId, SourceId,
    Timestamp,
};

use super::batch::Batch;
use super::overload::Signals;
use super::shedding::Shedding;
use super::tick::{SourceCounters, Tick};
use super::worker::Worker;
use crate::evidence::Witness;

/// What a source does when a worker's queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// Waits: a file loses nothing by it.
    Wait,
    /// Drops the batch and counts it: capture never waits.
    Drop,
}

/// Where segments go.
pub(crate) enum Route {
    /// One worker and one source: no queue at all.
    Inline(Box<Worker>),
    /// A queue to each worker.
    Queues(Vec<Lane>),
}

/// Which frames are in a router's books, of several routers that read the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Books {
    /// Every frame.
    Every,
    /// Those of its worker's flows, and those that are of no flow.
    OwnAndRest,
    /// Those of its worker's flows.
    Own,
}

/// The queue to one worker.
pub(crate) struct Lane {
    batch: Batch,
    queue: Sender<Batch>,
    spent: Receiver<Batch>,
}

impl Lane {
    /// A lane over a queue and the way back for emptied batches.
    pub(crate) fn new(queue: Sender<Batch>, spent: Receiver<Batch>) -> Self {
        Self { batch: Batch::default(), queue, spent }
    }

    fn take(&mut self) -> Batch {
        let fresh = self.spent.try_recv().unwrap_or_default();
        std::mem::replace(&mut self.batch, fresh)
    }

    /// Sends what is gathered; what could not be sent is returned as segments and bytes lost.
    fn send(&mut self, when_full: WhenFull) -> (u64, u64) {
        if self.batch.is_empty() {
            return (0, 0);
        }
        let batch = self.take();
        let lost = match when_full {
            WhenFull::Wait => self.queue.send(batch).err().map(|error| error.0),
            WhenFull::Drop => match self.queue.try_send(batch) {
                Ok(()) => None,
                Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => Some(batch),
            },
        };
        let Some(mut batch) = lost else { return (0, 0) };
        let counts = (batch.len(), batch.wire_bytes());
        batch.clear();
        self.batch = batch;
        counts
    }
}

/// One source's decap and lanes.
pub(crate) struct Router {
    source: usize,
    decap: Decap,
    key: Key,
    route: Route,
    books: Books,
    when_full: WhenFull,
    captured: Vec<Captured>,
    epoch: Option<Epoch>,
    /// What comes before it enters no new epoch.
    epoch_end: Timestamp,
    clock: Timestamp,
    lost: Lost,
    shed: Lost,
    /// None in replay: files are followed whole.
    shedding: Option<Arc<Shedding>>,
    /// None if no packets are kept.
    witness: Option<Box<Witness>>,
    rate: Sampling,
    /// The least rate since the epoch began.
    rate_least: Sampling,
    newest: Timestamp,
}

/// Segments that went no further, and the bytes of their frames on the wire.
#[derive(Clone, Copy, Default)]
struct Lost {
    segments: u64,
    bytes: u64,
}

impl Lost {
    fn add(&mut self, (segments, bytes): (u64, u64)) {
        self.segments += segments;
        self.bytes += bytes;
    }

    fn book(self, reason: DropReason, decap: &mut DecapStats) {
        decap.packets.processed -= self.segments;
        decap.packets.drop(reason, self.segments);
        decap.bytes.processed -= self.bytes;
        decap.bytes.drop(reason, self.bytes);
    }
}

/// What one capture source gave.
struct Captured {
    id: SourceId,
    name: Arc<str>,
    stats: CaptureStats,
    down: bool,
}

/// The way of one frame's segment to the worker that owns its flow.
struct Way<'a> {
    key: &'a Key,
    route: &'a mut Route,
    follows_every: bool,
    when_full: WhenFull,
    rate: Sampling,
    lost: &'a mut Lost,
    shed: &'a mut Lost,
    /// Of the flow that was asked for last.
    hash: u64,
    /// Of the segment that came.
    ends: Option<(IpAddr, IpAddr)>,
}

impl Sink for Way<'_> {
    #[inline]
    fn follows(&mut self, source: SocketAddr, destination: SocketAddr, network: u32) -> bool {
        self.hash = self.key.hash_between(source, destination, network);
        match &self.route {
            Route::Inline(worker) => self.follows_every || worker.owns(self.hash),
            Route::Queues(_) => true,
        }
    }

    #[inline]
    fn segment(&mut self, segment: Segment<'_>) {
        let hash = self.hash;
        self.ends = Some((segment.source.ip(), segment.destination.ip()));
        if !self.rate.keeps(hash) {
            return self.shed.add((1, u64::from(segment.wire_bytes)));
        }
        match self.route {
            Route::Inline(worker) => worker.push(hash, &segment),
            Route::Queues(lanes) => {
                let owner = ShardId::from_hash(hash).index() % lanes.len().max(1);
                let Some(lane) = lanes.get_mut(owner) else { return };
                lane.batch.push(hash, &segment);
                if lane.batch.is_full() {
                    self.lost.add(lane.send(self.when_full));
                }
            }
        }
    }
}

impl Router {
    /// A router of the source with index `source`, for frames of the capture sources named.
    pub(crate) fn new(
        source: usize,
        names: impl IntoIterator<Item = (SourceId, Arc<str>)>,
        decap: Decap,
        key: Key,
        route: Route,
        when_full: WhenFull,
    ) -> Self {
        Self {
            source,
            decap,
            key,
            route,
            books: Books::Every,
            when_full,
            captured: names
                .into_iter()
                .map(|(id, name)| Captured {
                    id,
                    name,
                    stats: CaptureStats::default(),
                    down: false,
                })
                .collect(),
            epoch: None,
            epoch_end: Timestamp::ZERO,
            clock: Timestamp::ZERO,
            lost: Lost::default(),
            shed: Lost::default(),
            shedding: None,
            witness: None,
            rate: Sampling::WHOLE,
            rate_least: Sampling::WHOLE,
            newest: Timestamp::ZERO,
        }
    }

    /// The same, one of several that read the same frames.
    #[must_use]
    pub(crate) fn with_books(self, books: Books) -> Self {
        Self { books, ..self }
    }

    /// The same, and under overload it sheds flows as all who share `shedding` do.
    #[must_use]
    pub(crate) fn with_shedding(self, shedding: Option<Arc<Shedding>>) -> Self {
        Self { shedding, ..self }
    }

    /// The same, and its last frames can be asked for.
    #[must_use]
    pub(crate) fn with_witness(self, witness: Option<Box<Witness>>) -> Self {
        Self { witness, ..self }
    }

    /// Takes one frame.
    #[inline]
    pub(crate) fn push(&mut self, frame: &Frame<'_>) {
        let Self { decap, key, route, books, when_full, captured, lost, shed, rate, .. } = self;
        self.newest = frame.captured_at;
        if let Some(captured) = captured.iter_mut().find(|captured| captured.id == frame.source) {
            captured.stats.frames += 1;
            captured.stats.frame_bytes += u64::from(frame.wire_bytes);
            captured.stats.snapped_frames +=
                u64::from((frame.bytes.len() as u64) < u64::from(frame.wire_bytes));
        }
        let mut way = Way {
            key,
            route,
            follows_every: *books == Books::Every,
            when_full: *when_full,
            rate: *rate,
            lost,
            shed,
            hash: 0,
            ends: None,
        };
        decap.push(frame, &mut way);
        let ends = way.ends;
        if let (Some(witness), Some(ends)) = (&mut self.witness, ends) {
            witness.push(frame, ends);
        }
    }

    /// Whether the clock, moved to `now`, enters a new epoch. Time never runs backwards.
    #[inline]
    pub(crate) fn enters_epoch(&mut self, now: Timestamp) -> bool {
        self.clock = self.clock.max(now);
        self.clock >= self.epoch_end && self.epoch.is_none_or(|epoch| self.clock.epoch() > epoch)
    }

    /// Enters the epoch of the clock: everything pushed before belongs to earlier ones.
    pub(crate) fn tick(&mut self) {
        self.epoch = Some(self.clock.epoch());
        self.epoch_end = self.clock.epoch().next().start();
        self.decap.tick(self.clock);
        if let Some(witness) = &mut self.witness {
            witness.answer();
        }
        self.mark(false);
    }

    /// The source has ended.
    pub(crate) fn end(mut self) {
        self.decap.finish();
        if let Some(witness) = self.witness.take() {
            witness.end();
        }
        self.mark(true);
    }

    /// Books what a capture source lost before the sensor got it, as totals since start, and
    /// whether anything can be heard of it now.
    pub(crate) fn set_losses(&mut self, id: SourceId, losses: &CaptureStats, down: bool) {
        if let Some(captured) = self.captured.iter_mut().find(|captured| captured.id == id) {
            captured.stats.kernel_dropped_frames = losses.kernel_dropped_frames;
            captured.stats.interface_dropped_frames = losses.interface_dropped_frames;
            captured.stats.outages = losses.outages;
            captured.down = down;
        }
    }

    /// Says how the load is, `heard` being whether frames have just come.
    pub(crate) fn watch_load(&self, now: Timestamp, heard: bool) {
        let Some(shedding) = &self.shedding else { return };
        let sum = |count: fn(&CaptureStats) -> u64| {
            self.captured.iter().map(|captured| count(&captured.stats)).sum()
        };
        shedding.report(
            self.source,
            Signals {
                frames: sum(|stats| stats.frames),
                dropped_frames: sum(|stats| stats.kernel_dropped_frames),
                queue_fill: self.queue_fill(),
                lag_nanos: if heard { now.nanos_since(self.newest) } else { 0 },
            },
        );
    }

    /// Follows from now on the share of flows that is in force.
    pub(crate) fn take_rate(&mut self) {
        if let Some(shedding) = &self.shedding {
            self.rate = shedding.rate();
            self.rate_least = self.rate_least.max(self.rate);
        }
    }

    /// How full the fullest queue is, 0 to 1.
    fn queue_fill(&self) -> f64 {
        let Route::Queues(lanes) = &self.route else { return 0.0 };
        let fill = |lane: &Lane| {
            let [waiting, room] = [lane.queue.len(), lane.queue.capacity().unwrap_or(usize::MAX)]
                .map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
            waiting / room.max(1.0)
        };
        lanes.iter().map(fill).fold(0.0, f64::max)
    }

    /// Sends what is gathered, without waiting for a batch to fill.
    pub(crate) fn flush(&mut self) {
        let Route::Queues(lanes) = &mut self.route else { return };
        for lane in lanes {
            self.lost.add(lane.send(self.when_full));
        }
    }

    fn mark(&mut self, ended: bool) {
        // First what may be dropped, so that the counters below know of it; the tick itself is
        // never dropped: a worker that is alive takes it within one batch.
        self.flush();
        let counters = self.counters();
        self.rate_least = self.rate;
        let entered = self.clock.epoch();
        match &mut self.route {
            Route::Inline(worker) if ended => worker.end(self.clock, &counters),
            Route::Inline(worker) => worker.tick(entered, self.clock, &counters),
            Route::Queues(lanes) => {
                for lane in lanes {
                    let tick = Tick {
                        source: self.source,
                        entered,
                        now: self.clock,
                        ended,
                        counters: Arc::clone(&counters),
                    };
                    let mut batch = lane.take();
                    batch.tick = Some(tick);
                    if lane.queue.send(batch).is_err() {
                        tracing::error!("a worker has ended before its source");
                    }
                }
            }
        }
    }

    /// One entry per capture source; decap's books stand with the first of them, losses before and
    /// after decap booked where they belong.
    fn counters(&self) -> Arc<[SourceCounters]> {
        let is_first = self.books != Books::Own;
        let mut decap = if is_first { self.decap.stats() } else { self.decap.stats_of_followed() };
        for captured in &self.captured {
            book_capture_losses(&mut decap, &captured.stats);
        }
        self.lost.book(DropReason::QueueFull, &mut decap);
        self.shed.book(DropReason::Shed, &mut decap);
        let mut first = Some(decap);
        self.captured
            .iter()
            .map(|captured| SourceCounters {
                name: Arc::clone(&captured.name),
                // What all have read, the first counts.
                capture: if is_first { captured.stats } else { CaptureStats::default() },
                decap: first.take().unwrap_or_default(),
                down: captured.down,
                sampling: self.rate,
                sampling_least: self.rate_least,
            })
            .collect()
    }
}

/// What the kernel says it dropped was received by the sensor's side of the wire, and lost. Its
/// bytes are unknown and stay out of the byte books.
fn book_capture_losses(decap: &mut DecapStats, capture: &CaptureStats) {
    decap.packets.received += capture.kernel_dropped_frames + capture.interface_dropped_frames;
    decap.packets.drop(DropReason::Kernel, capture.kernel_dropped_frames);
    decap.packets.drop(DropReason::Interface, capture.interface_dropped_frames);
}
