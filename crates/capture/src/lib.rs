//! Interface or file to frames.

mod config;

pub use config::Config;
