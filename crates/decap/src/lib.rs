//! Frame to segment: link layer, IP, TCP header.
//!
//! [`Decap`] keeps no state but its counters; every frame either becomes one segment or is ignored
//! with a reason. Checksums are never judged: a capture taken before offload shows wrong ones.

mod config;
mod decap;
mod link;
mod packet;

pub use config::Config;
pub use decap::Decap;
