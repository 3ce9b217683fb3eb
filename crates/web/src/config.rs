//! Settings of web.

use std::net::{Ipv4Addr, SocketAddr};

/// Where pages, API and metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The listener. Loopback only: the pages have no authentication of their own yet.
    pub listen: SocketAddr,
    /// Endpoints exported as metric series, 0 to 50 000; the rest is summed per host.
    pub metrics_endpoints_max: u32,
    /// Hosts exported as metric series, 1 to 10 000; the rest is summed under `~other`.
    pub metrics_hosts_max: u32,
    /// Bytes of a request to the sensor itself, 1 KiB to 1 MiB.
    pub request_bytes_max: u32,
    /// Seconds one request to the sensor may take, 1 to 300.
    pub request_timeout_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9488)),
            metrics_endpoints_max: 5_000,
            metrics_hosts_max: 200,
            request_bytes_max: 64 << 10,
            request_timeout_seconds: 30,
        }
    }
}
