//! Transaction to observation; joined: the inventory.

mod config;

pub use config::{Config, Network};
