//! Finding to alert: lifecycle and delivery.

mod config;

pub use config::{Alertmanager, Config};
