//! Settings of capture.

/// How live interfaces are opened. One handle is opened per worker and interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Interfaces to listen on, by name.
    pub interfaces: Vec<String>,
    /// A BPF filter in the language of pcap-filter(7); none by default.
    pub filter: Option<String>,
    /// Bytes kept of each frame, 64 to 262 144.
    pub snap_bytes: u32,
    /// Size of each handle's kernel ring in bytes, 1 MiB to 1 GiB; 0 leaves it to libpcap (2 MiB).
    pub buffer_bytes: u32,
    /// How long the kernel may hold a ring block before it hands it over, 1 to 1 000 milliseconds.
    pub block_timeout_ms: u32,
    /// Whether to put the interfaces into promiscuous mode.
    pub promiscuous: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            filter: None,
            snap_bytes: 262_144,
            buffer_bytes: 0,
            block_timeout_ms: 100,
            promiscuous: true,
        }
    }
}
