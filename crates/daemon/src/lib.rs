//! The binary `tapline`: wiring, threads, signals, clock, command line.
//!
//! Everything else is a library without threads or clocks; what runs when, and in which order, is
//! decided here: [`pipeline`] for the data, [`command`] for what an operator can ask for.

pub mod cli;
mod clock;
mod command;
mod control;
mod desk;
mod documents;
mod evidence;
mod exit;
mod kept;
mod key_file;
mod logging;
mod output;
mod pipeline;
mod prevention;
mod progress;
mod rules;
mod runtime;
mod session;
mod sizing;
