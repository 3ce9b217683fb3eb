//! What the benches share.
//!
//! - `pipeline.rs`: nanoseconds of each arrow.
//! - `instructions.rs`: instructions of each arrow, held against a recorded table.
//! - `reassembly.rs`: reassembly alone, by the number of flows.
//! - `routing.rs`: discovery and fold alone, of known routes without bodies.
//! - `cardinality.rs`: what a flood of new names leaves of the inventory's bounds.

pub mod exchange;
pub mod stages;
