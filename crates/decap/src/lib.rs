//! Frame to segment: link layer, IP, TCP header.

mod config;

pub use config::Config;
