//! Benches of the pipeline: see `pipeline.rs`.
