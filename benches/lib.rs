//! What the benches share.
//!
//! - `pipeline.rs`: nanoseconds of each arrow.
//! - `instructions.rs`: instructions of each arrow, held against a recorded table.
//! - `reassembly.rs`: reassembly alone, by the number of flows.

pub mod stages;
