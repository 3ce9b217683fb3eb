//! Settings of alert.

/// One Alertmanager. Alerts go to every one of them: they settle repeats among themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Alertmanager {
    /// Base URL (`http://127.0.0.1:9093`), without `/api/v2/alerts`.
    pub url: String,
    /// User and password for HTTP basic authentication; never printed.
    pub basic_auth: Option<(String, String)>,
}

impl std::fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alertmanager").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How findings live and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Capture time after which a finding that no longer holds is resolved, 1 to 86 400 seconds.
    pub resolve_after_seconds: u32,
    /// Findings open at once, 1 to 1 000 000.
    pub findings_open_max: u32,
    /// Resolved findings kept for the pages, 0 to 1 000 000.
    pub findings_resolved_max: u32,
    /// Where alerts are pushed.
    pub alertmanagers: Vec<Alertmanager>,
    /// How often a firing alert is sent again, 1 to 3 600 seconds. An alert ends four times later
    /// unless it is sent again.
    pub resend_seconds: u32,
    /// How often a resolved alert is sent, 1 to 100: an Alertmanager that restarts forgets.
    pub resolved_repeats: u32,
    /// Notifications waiting for one Alertmanager, 1 to 1 000 000; the oldest is dropped first.
    pub queue_max: u32,
    /// Wait for one push, 1 to 300 seconds.
    pub push_timeout_seconds: u32,
    /// Base URL under which operators reach the sensor's pages, for links in alerts.
    pub external_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            resolve_after_seconds: 300,
            findings_open_max: 10_000,
            findings_resolved_max: 1_000,
            alertmanagers: Vec::new(),
            resend_seconds: 60,
            resolved_repeats: 5,
            queue_max: 10_000,
            push_timeout_seconds: 10,
            external_url: "http://127.0.0.1:9488".to_owned(),
        }
    }
}
