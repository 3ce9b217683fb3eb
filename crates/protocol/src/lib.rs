//! Chunk to transaction: HTTP/1, recognised by content.

mod config;

pub use config::Config;
