//! Settings of web.

use std::net::{Ipv4Addr, SocketAddr};

/// Where pages, API and metrics are served.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// The listener. Beyond loopback it wants `basic_auth`.
    pub listen: SocketAddr,
    /// User and password asked of every client by HTTP basic authentication (RFC 7617); never
    /// printed.
    pub basic_auth: Option<(String, String)>,
    /// A token that is as good as `basic_auth` when it is shown as `Authorization: Bearer` (RFC 6750),
    /// and that changes ask for where there is no `basic_auth`; never printed.
    pub token: Option<String>,
    /// Endpoints exported as metric series, 0 to 50 000; the rest is summed per host.
    pub metrics_endpoints_max: u32,
    /// Hosts exported as metric series, 1 to 10 000; the rest is summed under `~other`.
    pub metrics_hosts_max: u32,
    /// Bytes of a request to the sensor itself, 1 KiB to 1 MiB.
    pub request_bytes_max: u32,
    /// Seconds one request to the sensor may take, 1 to 300.
    pub request_timeout_seconds: u32,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("basic_auth", &self.basic_auth.as_ref().map(|_| "***"))
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("metrics_endpoints_max", &self.metrics_endpoints_max)
            .field("metrics_hosts_max", &self.metrics_hosts_max)
            .field("request_bytes_max", &self.request_bytes_max)
            .field("request_timeout_seconds", &self.request_timeout_seconds)
            .finish()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9488)),
            basic_auth: None,
            token: None,
            metrics_endpoints_max: 5_000,
            metrics_hosts_max: 200,
            request_bytes_max: 64 << 10,
            request_timeout_seconds: 30,
        }
    }
}
