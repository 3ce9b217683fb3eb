//! Shared by the tests: building captures, starting real programs, running the sensor.

pub mod capture;
pub mod http;
pub mod namespace;
pub mod program;
pub mod sensor;
pub mod skip;
