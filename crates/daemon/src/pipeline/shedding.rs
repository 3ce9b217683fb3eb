//! The rate in force: one for all sources, so that both directions of a flow are kept or shed
//! wherever they are heard.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tapline_config::Overload as Config;
use tapline_model::{Sampling, Timestamp};

use super::overload::{Cause, Policy, Signals};
use crate::clock;

/// Shared by the readers of all sources. The lock is taken a few times a second, never for a
/// packet.
pub(crate) struct Shedding {
    policy: Mutex<Policy>,
    began: Instant,
    halvings: AtomicU8,
}

impl Shedding {
    /// Every flow is followed.
    pub(crate) fn new(config: Config, sources: usize) -> Self {
        Self {
            policy: Mutex::new(Policy::new(config, sources)),
            began: clock::monotone(),
            halvings: AtomicU8::new(0),
        }
    }

    /// The share of flows to follow now.
    pub(crate) fn rate(&self) -> Sampling {
        Sampling::halved(self.halvings.load(Ordering::Relaxed))
    }

    /// Takes what a source sees of the load.
    pub(crate) fn report(&self, source: usize, signals: Signals) {
        // The wall clock may be set; waits are measured by one that may not.
        let running = clock::monotone().duration_since(self.began);
        let now = Timestamp::from_nanos(u64::try_from(running.as_nanos()).unwrap_or(u64::MAX));
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let (rate, cause) = policy.decide(now, source, signals);
        let before = self.halvings.swap(rate.halvings(), Ordering::Relaxed);
        drop(policy);
        let one_in = rate.one_in();
        match cause {
            Some(Cause::Drops) => {
                tracing::warn!("the kernel drops frames: following one flow in {one_in}");
            }
            Some(Cause::Queue) => {
                tracing::warn!("a queue to a worker is full: following one flow in {one_in}");
            }
            Some(Cause::Lag) => {
                let lag_ms = signals.lag_nanos / 1_000_000;
                tracing::warn!(lag_ms, "the capture lags: following one flow in {one_in}");
            }
            None if rate.is_whole() && before > 0 => {
                tracing::info!("the load is bearable again: following every flow");
            }
            None if rate.halvings() < before => {
                tracing::info!("the load is bearable again: following one flow in {one_in}");
            }
            None => {}
        }
    }
}
