//! HTTP API and the built-in pages.

mod config;

pub use config::Config;
