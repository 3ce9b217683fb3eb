//! The sending end of a source: decap, and every segment to the worker that owns its shard.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tapline_decap::Decap;
use tapline_model::{CaptureStats, DecapStats, DropReason, Epoch, Frame, Key, SourceId, Timestamp};

use super::batch::Batch;
use super::tick::{SourceCounters, Tick};
use super::worker::Worker;

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
    when_full: WhenFull,
    captured: Vec<Captured>,
    epoch: Option<Epoch>,
    clock: Timestamp,
    lost_segments: u64,
    lost_bytes: u64,
}

/// What one capture source gave.
struct Captured {
    id: SourceId,
    name: Arc<str>,
    stats: CaptureStats,
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
            when_full,
            captured: names
                .into_iter()
                .map(|(id, name)| Captured { id, name, stats: CaptureStats::default() })
                .collect(),
            epoch: None,
            clock: Timestamp::ZERO,
            lost_segments: 0,
            lost_bytes: 0,
        }
    }

    /// Takes one frame.
    pub(crate) fn push(&mut self, frame: &Frame<'_>) {
        let Self { decap, key, route, when_full, captured, lost_segments, lost_bytes, .. } = self;
        if let Some(captured) = captured.iter_mut().find(|captured| captured.id == frame.source) {
            captured.stats.frames += 1;
            captured.stats.frame_bytes += u64::from(frame.wire_bytes);
            captured.stats.snapped_frames +=
                u64::from((frame.bytes.len() as u64) < u64::from(frame.wire_bytes));
        }
        decap.push(frame, &mut |segment| {
            let shard = key.shard(&segment.flow_key());
            match route {
                Route::Inline(worker) => worker.push(shard, &segment),
                Route::Queues(lanes) => {
                    let owner = shard.index() % lanes.len().max(1);
                    let Some(lane) = lanes.get_mut(owner) else { return };
                    lane.batch.push(shard, &segment);
                    if lane.batch.is_full() {
                        let (segments, bytes) = lane.send(*when_full);
                        *lost_segments += segments;
                        *lost_bytes += bytes;
                    }
                }
            }
        });
    }

    /// Whether the clock, moved to `now`, enters a new epoch. Time never runs backwards.
    pub(crate) fn enters_epoch(&mut self, now: Timestamp) -> bool {
        self.clock = self.clock.max(now);
        self.epoch.is_none_or(|epoch| self.clock.epoch() > epoch)
    }

    /// Enters the epoch of the clock: everything pushed before belongs to earlier ones.
    pub(crate) fn tick(&mut self) {
        self.epoch = Some(self.clock.epoch());
        self.mark(false);
    }

    /// The source has ended.
    pub(crate) fn end(mut self) {
        self.mark(true);
    }

    /// Books what a capture source lost before the sensor got it; totals since it was opened.
    pub(crate) fn set_losses(&mut self, id: SourceId, kernel: u64, interface: u64) {
        if let Some(captured) = self.captured.iter_mut().find(|captured| captured.id == id) {
            captured.stats.kernel_dropped_frames = kernel;
            captured.stats.interface_dropped_frames = interface;
        }
    }

    /// Sends what is gathered, without waiting for a batch to fill.
    pub(crate) fn flush(&mut self) {
        let Route::Queues(lanes) = &mut self.route else { return };
        for lane in lanes {
            let (segments, bytes) = lane.send(self.when_full);
            self.lost_segments += segments;
            self.lost_bytes += bytes;
        }
    }

    fn mark(&mut self, ended: bool) {
        // First what may be dropped, so that the counters below know of it; the tick itself is
        // never dropped: a worker that is alive takes it within one batch.
        self.flush();
        let counters = self.counters();
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
        let mut decap = self.decap.stats();
        for captured in &self.captured {
            book_capture_losses(&mut decap, &captured.stats);
        }
        decap.packets.processed -= self.lost_segments;
        decap.packets.drop(DropReason::QueueFull, self.lost_segments);
        decap.bytes.processed -= self.lost_bytes;
        decap.bytes.drop(DropReason::QueueFull, self.lost_bytes);
        let mut first = Some(decap);
        self.captured
            .iter()
            .map(|captured| SourceCounters {
                name: Arc::clone(&captured.name),
                capture: captured.stats,
                decap: first.take().unwrap_or_default(),
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
