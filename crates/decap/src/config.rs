//! Settings of decap.

use std::net::SocketAddr;

/// How deep decap looks, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The sensor's own sockets (its listener, its Alertmanagers): segments to or from them are
    /// ignored. Filled by the daemon, not by a setting.
    pub own_sockets: Vec<SocketAddr>,
    /// Whether the innermost VLAN, VNI or tunnel key is part of the flow key, for networks whose
    /// addresses overlap.
    pub overlapping_networks: bool,
    /// Encapsulations inside one another that are looked through, 1 to 32; each VLAN tag is one.
    pub nesting_max: u8,
    /// UDP destination ports of VXLAN and VXLAN-GPE.
    pub vxlan_ports: Vec<u16>,
    /// UDP destination ports of GENEVE.
    pub geneve_ports: Vec<u16>,
    /// IP fragments held at once, 1 to 1048576.
    pub fragments_max: u32,
    /// Memory of the IP fragments held, 64 KiB to 1 GiB.
    pub fragment_bytes_max: u64,
    /// Capture time for which the rest of a datagram is waited for, 1 to 300 seconds.
    pub fragment_timeout_seconds: u32,
    /// Capture time within which an identical packet is one that another port of the mirror
    /// delivered, 0 (never) to 1000 milliseconds.
    pub duplicate_window_ms: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            own_sockets: Vec::new(),
            overlapping_networks: false,
            nesting_max: 8,
            vxlan_ports: vec![4789, 8472, 4790],
            geneve_ports: vec![6081],
            fragments_max: 16_384,
            fragment_bytes_max: 16 << 20,
            fragment_timeout_seconds: 30,
            duplicate_window_ms: 5,
        }
    }
}

impl Config {
    /// The settings of one of `count` instances that share the bounds.
    #[must_use]
    pub fn share(&self, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        Self {
            fragments_max: (self.fragments_max / count).max(1),
            fragment_bytes_max: self.fragment_bytes_max / u64::from(count),
            ..self.clone()
        }
    }
}
