//! Segment to chunk: both directions of every flow, in order, within bounds.

mod config;

pub use config::Config;
