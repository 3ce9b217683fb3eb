//! Everything that can be set, as the stages want it.

use std::path::PathBuf;

use crate::Overload;

/// The whole configuration: every stage's own, and what concerns the process.
///
/// `Default` is the configuration of an empty file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The process.
    pub sensor: Sensor,
    /// Its log.
    pub log: Log,
    /// Interface to frames.
    pub capture: tapline_capture::Config,
    /// What happens when there is too much of it.
    pub overload: Overload,
    /// Frame to segment.
    pub decap: tapline_decap::Config,
    /// Segment to chunk.
    pub reassembly: tapline_reassembly::Config,
    /// Chunk to transaction.
    pub protocol: tapline_protocol::Config,
    /// Transaction to observation.
    pub discovery: tapline_discovery::Config,
    /// Observation to finding.
    pub behavior: tapline_behavior::Config,
    /// Documents that what is seen is held against.
    pub documents: Documents,
    /// Finding to alert.
    pub alert: tapline_alert::Config,
    /// Finding to block list.
    pub prevention: tapline_prevention::Config,
    /// Finding to the packets behind it.
    pub evidence: tapline_evidence::Config,
    /// Pages, API and metrics.
    pub web: tapline_web::Config,
    /// The files that passwords, keys and secrets were read from.
    pub secret_files: SecretFiles,
}

/// What concerns the process as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// What this sensor is called where there are several, 1 to 64 characters.
    pub name: String,
    /// Workers, 0 to 64; 0 takes one for every core but one, at most 8.
    pub workers: u16,
    /// Cores that workers, and after them readers, are kept on, in turn; empty for any.
    pub cpus: Vec<u16>,
    /// Batches that wait in one queue between a reader and a worker, 0 to 4 096; 0 takes what suits
    /// the memory.
    pub queue_batches_max: u16,
    /// Memory of the process, 256 MiB to 1 TiB; every other ceiling is a part of it.
    pub memory_bytes: u64,
    /// Directory of the per-install key.
    pub state_dir: PathBuf,
}

impl Default for Sensor {
    fn default() -> Self {
        Self {
            name: "tapline".to_owned(),
            workers: 0,
            cpus: Vec::new(),
            queue_batches_max: 0,
            memory_bytes: 1 << 30,
            state_dir: PathBuf::from("/var/lib/tapline"),
        }
    }
}

/// The documents of APIs, and how what is seen is held against them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// At most 1 000.
    pub apis: Vec<ApiDocument>,
    /// Capture time between two comparisons, 1 to 86 400.
    pub compare_seconds: u32,
    /// Observations that are enough for a finding, 3 to 1 000 000.
    pub observations_min: u32,
}

impl Default for Documents {
    fn default() -> Self {
        Self { apis: Vec::new(), compare_seconds: 60, observations_min: 20 }
    }
}

/// The document of one or more hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiDocument {
    /// A name in lower case, `*.` and the end of names, or `*`.
    pub host: String,
    /// Where the document is.
    pub file: PathBuf,
    /// Where the API is served, without a slash at its end; none is what the document says.
    pub base_path: Option<String>,
}

/// What is logged, and how. Logs go to stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe level that is written: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The shape of a line.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Where passwords come from. Passwords are never part of the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFiles {
    /// The file of `web.basic_auth`.
    pub web: Option<PathBuf>,
    /// The file of each of `alert.alertmanagers`, in their order.
    pub alertmanagers: Vec<Option<PathBuf>>,
    /// The file of `web.token`.
    pub web_token: Option<PathBuf>,
    /// The file of `prevention.api_key`.
    pub prevention_api_key: Option<PathBuf>,
    /// The file of `prevention.webhook_secret`.
    pub prevention_webhook: Option<PathBuf>,
}
