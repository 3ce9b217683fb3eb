//! Observation to delta; joined: baselines, detections, findings.

mod config;

pub use config::{Config, ErrorBurst, PathScanner};
