//! Pipeline laws, conformance, and end to end with real programs.
//!
//! One binary, so that everything links once. Tests that need root, programs or the shared corpus
//! say loudly when they skip.

mod bad_input;
mod determinism;
mod golden;
mod live;
mod monitoring;
mod pages;
mod secrets;
mod tidy;

/// The sensor's binary.
pub(crate) const TAPLINE: &str = env!("CARGO_BIN_EXE_tapline-under-test");
