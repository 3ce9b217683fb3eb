//! What the daemon knows about itself and shows: settings in force, reloads, readiness.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tapline_config::Settings;

use crate::clock;
use crate::evidence::Evidence;
use crate::prevention::Prevention;

/// Facts about the running sensor. Read at scrapes, written at reloads.
pub(crate) struct Runtime {
    state: Mutex<State>,
    prevention: OnceLock<Arc<Prevention>>,
    evidence: OnceLock<Arc<Evidence>>,
}

#[derive(Clone)]
struct State {
    config_hash: String,
    last_reload_ok: bool,
    last_reload_at: f64,
}

impl Runtime {
    /// The sensor as it starts.
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        let state = State {
            config_hash: tapline_config::hash(settings),
            last_reload_ok: true,
            last_reload_at: clock::timestamp().seconds_f64(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            prevention: OnceLock::new(),
            evidence: OnceLock::new(),
        })
    }

    /// From now on shows the block list.
    pub(crate) fn show(&self, prevention: &Arc<Prevention>) {
        self.prevention.get_or_init(|| Arc::clone(prevention));
    }

    /// From now on shows the packets that are kept.
    pub(crate) fn show_evidence(&self, evidence: &Arc<Evidence>) {
        self.evidence.get_or_init(|| Arc::clone(evidence));
    }

    /// Notes a reload: the settings in force, or that they were refused.
    pub(crate) fn reloaded(&self, settings: Option<&Settings>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_reload_ok = settings.is_some();
        if let Some(settings) = settings {
            state.config_hash = tapline_config::hash(settings);
            state.last_reload_at = clock::timestamp().seconds_f64();
        }
    }

    /// For the metrics page.
    pub(crate) fn facts(&self) -> tapline_telemetry::Runtime {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tapline_telemetry::Runtime {
            config_hash: state.config_hash,
            last_reload_ok: state.last_reload_ok,
            last_reload_at: state.last_reload_at,
            prevention: self.prevention.get().map(|prevention| prevention.counts()),
            evidence: self.evidence.get().map(|evidence| evidence.counts()),
        }
    }
}
