//! Observation to delta; joined: baselines, detections, findings.
//!
//! [`Fold`] belongs to one worker and turns observations into one delta an epoch. [`Sealer`]
//! collects the deltas of all workers and hands them out joined, in epoch order. [`Behavior`] learns
//! what is normal from sealed epochs and says what is not.

mod baseline;
mod behavior;
mod bounded;
mod config;
mod decision;
mod detection;
mod endpoint_epoch;
mod fold;
mod number;
mod sealer;
mod window;

pub use behavior::Behavior;
pub use config::{Config, Decision, ErrorBurst, ExcessiveRecords, Injection, LiftFloor, PathScanner, RateSurge, RiseFloor, SensitiveFieldNew, WentSilent};
pub use detection::{DETECTIONS, Detection};
pub use fold::Fold;
pub use sealer::Sealer;
