//! HTTP API and the built-in pages: what operators and their machines read.
//!
//! Everything is drawn on the server from one immutable [`tapline_model::View`], so every number of
//! a page is of one instant. Names seen in traffic are hostile: templates escape all of them, and
//! characters that would change how a line reads are spelled out (see `text`).
//!
//! The crate only reads. It answers GET and HEAD and has no way to change anything.

mod api;
mod asked;
mod asset;
mod config;
mod connections;
mod guard;
mod number;
mod page;
mod part;
mod problem;
mod query;
mod selection;
mod server;
mod state;
mod text;

pub use asset::STYLE;
pub use config::Config;
pub use server::{ServeError, router, serve};
pub use state::{Health, HealthFn, MetricsFn, Mode, Prevention, SensorInfo, State};
