//! Settings of reassembly.

use crate::OverlapPolicy;

/// Bounds and timeouts, as process totals: each of the 64 shards gets its equal part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Flows followed at once, 64 to 16 777 216.
    pub flows_max: u32,
    /// Bytes held out of order for one direction of one flow, 4 KiB to 64 MiB.
    pub flow_held_bytes_max: u32,
    /// Bytes held out of order in total, 1 MiB to 16 GiB.
    pub held_bytes_max: u64,
    /// Capture time after which a silent flow ends, 1 to 86 400 seconds.
    pub idle_timeout_seconds: u32,
    /// How long a hole is waited for, 1 to 10 000 milliseconds of capture time. Until then an
    /// acknowledgement alone does not declare it lost: mirrors deliver out of order.
    pub reorder_window_ms: u32,
    /// Whose byte counts where segments that wait behind a hole overlap.
    pub overlap_policy: OverlapPolicy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            flows_max: 262_144,
            flow_held_bytes_max: 1 << 20,
            held_bytes_max: 128 << 20,
            idle_timeout_seconds: 300,
            reorder_window_ms: 200,
            overlap_policy: OverlapPolicy::default(),
        }
    }
}

/// What a flow takes of its tables, ended ones remembered included.
const FLOW_BYTES: u64 = 672;

impl Config {
    /// What reassembly takes of the process's memory when every bound is reached.
    pub fn memory_bytes_max(&self) -> u64 {
        u64::from(self.flows_max) * FLOW_BYTES + self.held_bytes_max
    }
}
