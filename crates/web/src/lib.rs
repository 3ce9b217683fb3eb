//! HTTP API and the built-in pages: what operators and their machines read.
//!
//! Everything is drawn on the server from one immutable [`tapline_model::View`], so every number of
//! a page is of one instant. Names seen in traffic are hostile: templates escape all of them, and
//! characters that would change how a line reads are spelled out (see `text`).
//!
//! The crate only reads, but for two narrow ports: what operators say of findings is handed to the
//! daemon as an [`tapline_model::Order`] (see [`Triage`]), what they say of path templates as a
//! [`tapline_model::RuleOrder`] (see [`Templates`]), and nothing else can be.

mod api;
mod asked;
mod asset;
mod config;
mod connections;
mod guard;
mod number;
mod order;
mod page;
mod part;
mod problem;
mod query;
mod selection;
mod server;
mod state;
mod submission;
mod text;

pub use asset::STYLE;
pub use config::Config;
pub use server::{ServeError, router, serve};
pub use state::{
    Health, HealthFn, MetricsFn, Mode, OrderFn, PacketFile, PacketsFn, Prevention, RuleOrderFn,
    RulesFn, RulesOfFn, SensorInfo, State, Templates, Triage, VerdictsFn,
};
