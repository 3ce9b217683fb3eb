//! Where hosts run: `prod`, `staging`.

use std::net::SocketAddr;

use super::HostPattern;
use tapline_model::Network;

/// An environment, by the names of its hosts and by the addresses of its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// What it is called, 1 to 64 characters.
    pub name: String,
    /// Hosts that run there, at most 256 patterns.
    pub hosts: Vec<HostPattern>,
    /// Networks whose servers run there, at most 256.
    pub networks: Vec<Network>,
}

impl Environment {
    /// Whether a host runs there: its name says so, or one of its servers.
    fn has<'s>(&self, host: &str, servers: impl IntoIterator<Item = &'s SocketAddr>) -> bool {
        let is_in = |server: &SocketAddr| {
            let address = server.ip().to_canonical();
            self.networks.iter().any(|network| network.contains(address))
        };
        self.hosts.iter().any(|pattern| pattern.is_of(host)) || servers.into_iter().any(is_in)
    }
}

/// The first of some environments that a host runs in.
pub(crate) fn environment_of<'s, S>(
    environments: &[Environment],
    host: &str,
    servers: S,
) -> Option<usize>
where
    S: IntoIterator<Item = &'s SocketAddr> + Copy,
{
    environments.iter().position(|environment| environment.has(host, servers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_names_the_host_or_holds_a_server() {
        let environment = |name: &str, host: &str, network: &str| Environment {
            name: name.to_owned(),
            hosts: HostPattern::parse(host).into_iter().collect(),
            networks: network
                .parse()
                .map(|address| vec![Network { address, prefix_bits: 16 }])
                .unwrap_or_default(),
        };
        let environments = [
            environment("staging", "*.staging.test", ""),
            environment("prod", "shop.test", "10.1.0.0"),
            environment("rest", "", "10.0.0.0"),
        ];
        for (host, server, expected) in [
            ("a.staging.test", "10.1.0.1:80", Some(0)),
            ("shop.test", "192.0.2.1:80", Some(1)),
            ("other.test", "10.1.9.9:80", Some(1)),
            ("other.test", "[::ffff:10.0.0.1]:80", Some(2)),
            ("other.test", "10.2.0.1:80", None),
        ] {
            let servers = [server.parse().unwrap()];
            assert_eq!(environment_of(&environments, host, &servers), expected, "{host} {server}");
        }
    }
}
