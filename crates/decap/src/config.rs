//! Settings of decap.

use std::net::SocketAddr;

/// What decap leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The sensor's own sockets (its listener, its Alertmanagers): segments to or from them are
    /// ignored. Filled by the daemon, not by a setting.
    pub own_sockets: Vec<SocketAddr>,
    /// Whether the innermost VLAN id is part of the flow key, for networks whose addresses overlap.
    pub overlapping_networks: bool,
}
