//! Every stage's counters as Prometheus metrics, drawn from one immutable view.

mod exporter;
mod family;
pub mod names;

pub use exporter::{BuildInfo, Error, EvidenceCounts, Exporter, Limits, PreventionCounts, Runtime};
