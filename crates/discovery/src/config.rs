//! Settings of discovery.

use std::net::{Ipv4Addr, Ipv6Addr};

use tapline_model::Network;

use crate::{Environment, HostTemplate, Partner, TemplateRule};

/// Bounds of the inventory, and what the operator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Proxies whose `X-Forwarded-For` and `Forwarded` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Hosts that are one, at most 100.
    pub hosts: Vec<HostTemplate>,
    /// Networks whose callers are inside, at most 1 024.
    pub internal_networks: Vec<Network>,
    /// Networks of known others, at most 256, no two of a name; they count although they lie in
    /// internal ones.
    pub partner_networks: Vec<Partner>,
    /// Where hosts run, at most 100, no two of a name: the first that fits.
    pub environments: Vec<Environment>,
    /// What is known of paths, at most 1 000, no two of the same paths.
    pub templates: Vec<TemplateRule>,
    /// Parameters noted of one transaction, 1 to 1 024.
    pub transaction_parameters_max: u16,
    /// Values noted of one body, of one query and of one set of header fields, 1 to 4 096.
    pub body_fields_max: u16,
    /// Depth to which bodies are looked into, 1 to 32.
    pub body_depth_max: u8,
    /// Transactions whose bodies were looked into after which an endpoint is known well, 1 to
    /// 1 000 000.
    pub bodies_read_min: u32,
    /// Of more than `body_bytes_per_second` allows, one transaction in so many is looked into, 1 to
    /// 1 000.
    pub bodies_one_in: u32,
    /// Bytes of bodies (as sent) a second of capture time that are all looked into, 64 KiB to
    /// 16 GiB; endpoints that are known well get half of them.
    pub body_bytes_per_second: u64,
    /// Hosts in the inventory, 1 to 1 000 000.
    pub hosts_max: u32,
    /// Endpoints in the inventory, 16 to 1 000 000.
    pub endpoints_max: u32,
    /// Places in the trees that path templates are learned from, 1 024 to 10 000 000; each takes some
    /// 200 bytes.
    pub path_places_max: u32,
    /// Parameters in path and query of one endpoint, 1 to 4 096.
    pub endpoint_parameters_max: u16,
    /// Fields of all bodies, queries and header fields of one endpoint, 1 to 16 384.
    pub endpoint_fields_max: u16,
    /// Fields of all endpoints, 1 to 100 000 000. One takes about half a kilobyte.
    pub fields_max: u32,
    /// Servers in the visibility ledger, 1 to 1 000 000.
    pub servers_max: u32,
    /// Servers behind TLS and names they are asked for, 1 to 1 000 000. One takes about two kilobytes.
    pub encrypted_hosts_max: u32,
    /// Days for which a certificate must be valid still so that nothing is said of it, 0 to 3 650.
    pub certificate_days_min: u16,
    /// Hours of silence after which an endpoint is stale, 1 to 87 600.
    pub stale_after_hours: u32,
    /// Hours of silence after which an endpoint is taken for gone, 1 to 87 600.
    pub gone_after_hours: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            internal_networks: internal_networks(),
            partner_networks: Vec::new(),
            environments: Vec::new(),
            hosts: Vec::new(),
            templates: Vec::new(),
            transaction_parameters_max: 128,
            body_fields_max: 1_024,
            body_depth_max: 12,
            bodies_read_min: 100,
            bodies_one_in: 128,
            body_bytes_per_second: 128 << 10,
            hosts_max: 10_000,
            endpoints_max: 50_000,
            path_places_max: 250_000,
            endpoint_parameters_max: 256,
            endpoint_fields_max: 2_048,
            fields_max: 200_000,
            servers_max: 10_000,
            encrypted_hosts_max: 4_096,
            certificate_days_min: 30,
            stale_after_hours: 7 * 24,
            gone_after_hours: 30 * 24,
        }
    }
}

/// Addresses that are not routed on the Internet: private (RFC 1918), loopback (RFC 1122, RFC 4291),
/// link-local (RFC 3927, RFC 4291) and unique local ones (RFC 4193).
fn internal_networks() -> Vec<Network> {
    let v4 = |a, b, prefix_bits| Network { address: Ipv4Addr::new(a, b, 0, 0).into(), prefix_bits };
    let v6 = |first, last, prefix_bits| Network {
        address: Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last).into(),
        prefix_bits,
    };
    vec![
        v4(10, 0, 8),
        v4(172, 16, 12),
        v4(192, 168, 16),
        v4(127, 0, 8),
        v4(169, 254, 16),
        v6(0, 1, 128),
        v6(0xFE80, 0, 10),
        v6(0xFC00, 0, 7),
    ]
}
