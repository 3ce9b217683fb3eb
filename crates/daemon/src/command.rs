//! What an operator can ask for, a file each.

pub(crate) mod backtest;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod convert;
pub(crate) mod interfaces;
pub(crate) mod replay;
pub(crate) mod review;
pub(crate) mod run;

use tapline_config::Settings;

/// How many workers: as asked, else as set, else what the machine has beyond one core for the
/// rest, at most 8.
fn workers(asked: Option<u16>, settings: &Settings) -> usize {
    match asked.unwrap_or(settings.sensor.workers) {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            cores.saturating_sub(1).clamp(1, 8)
        }
        workers => usize::from(workers),
    }
}
