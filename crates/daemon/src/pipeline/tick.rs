//! The marker that closes an epoch. It travels through the same queues as the segments, so every
//! counter copied at a tick is of one instant.

use std::sync::Arc;

use tapline_model::{CaptureStats, DecapStats, Epoch, Sampling, Timestamp};

/// Everything captured before `entered` has been sent.
#[derive(Clone, Debug)]
pub(crate) struct Tick {
    /// Which source sends it.
    pub(crate) source: usize,
    /// The epoch the source's clock has entered.
    pub(crate) entered: Epoch,
    /// The source's clock.
    pub(crate) now: Timestamp,
    /// The source has ended: this is its last tick.
    pub(crate) ended: bool,
    /// The source's counters at this instant.
    pub(crate) counters: Arc<[SourceCounters]>,
}

/// The counters of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceCounters {
    /// Interface or file.
    pub(crate) name: Arc<str>,
    /// What was captured.
    pub(crate) capture: CaptureStats,
    /// What decap made of it; losses before and after decap included.
    pub(crate) decap: DecapStats,
    /// The interface is down or gone.
    pub(crate) down: bool,
    /// The share of flows that is followed now.
    pub(crate) sampling: Sampling,
    /// The least share since the epoch before began.
    pub(crate) sampling_least: Sampling,
}

impl SourceCounters {
    /// Adds what another counted of the same source.
    pub(crate) fn add(&mut self, other: &Self) {
        self.capture.add(&other.capture);
        self.decap.add(&other.decap);
        self.down |= other.down;
        self.sampling = self.sampling.max(other.sampling);
        self.sampling_least = self.sampling_least.max(other.sampling_least);
    }
}
