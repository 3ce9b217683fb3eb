//! Pipeline laws, conformance, and end to end with real programs.
//!
//! One binary, so that everything links once. Tests that need root, programs or the shared corpus
//! say loudly when they skip.

#[cfg(test)]
mod application;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod backtest;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod data_classes;
#[cfg(test)]
mod determinism;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod encapsulation;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod live;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod prevention;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod review;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod visibility;

/// The sensor's binary.
#[cfg(test)]
pub(crate) const TAPLINE: &str = env!("CARGO_BIN_EXE_tapline-under-test");
