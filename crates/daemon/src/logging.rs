//! Logs: to stderr, as text or JSON lines.

use tapline_config::{Log, LogFormat};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

/// Changes the level while the sensor runs.
pub(crate) type LevelHandle = reload::Handle<LevelFilter, Registry>;

/// Starts logging. The first call wins; tests that run commands in one process share it.
pub(crate) fn start(log: &Log) -> LevelHandle {
    let (level, handle) = reload::Layer::new(level_of(log));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    if tracing_subscriber::registry().with(level).with(lines).try_init().is_err() {
        tracing::debug!("logging has been started before");
    }
    hide_panic_payloads();
    handle
}

/// The level that the settings ask for.
pub(crate) fn level_of(log: &Log) -> LevelFilter {
    // The configuration has checked the name.
    log.level.parse().unwrap_or(LevelFilter::INFO)
}

/// A panic's message may quote what it choked on, which may be traffic: only its place is logged.
fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal fault");
    }));
}
