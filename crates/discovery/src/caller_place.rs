//! Where callers are: in networks of the operator, of partners, or outside.

use std::net::IpAddr;

use tapline_model::CallerPlace;

use crate::memo::{PLACES, place_of};
use tapline_model::Network;

use crate::Config;

/// Somebody outside whose networks the operator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// What it is called, 1 to 64 characters.
    pub name: String,
    /// Where it calls from, 1 to 256 networks.
    pub networks: Vec<Network>,
}

/// Places callers, and remembers those it placed: lists may be long.
#[derive(Debug)]
pub(crate) struct CallerPlaces {
    internal: Vec<Network>,
    partners: Vec<Network>,
    /// By place in the table.
    remembered: Vec<Option<(IpAddr, CallerPlace)>>,
}

impl CallerPlaces {
    /// As the settings say.
    pub(crate) fn new(config: &Config) -> Self {
        let partners = config.partner_networks.iter();
        Self {
            internal: config.internal_networks.clone(),
            partners: partners.flat_map(|partner| &partner.networks).copied().collect(),
            remembered: vec![None; PLACES],
        }
    }

    /// Where a caller is: a partner's network counts as such although it lies within an internal one.
    pub(crate) fn of(&mut self, client: IpAddr) -> CallerPlace {
        let at = match client {
            IpAddr::V4(address) => place_of(&address.octets()),
            IpAddr::V6(address) => place_of(&address.octets()),
        };
        if let Some(&Some((known, place))) = self.remembered.get(at)
            && known == client
        {
            return place;
        }
        let place = self.find(client.to_canonical());
        if let Some(entry) = self.remembered.get_mut(at) {
            *entry = Some((client, place));
        }
        place
    }

    fn find(&self, client: IpAddr) -> CallerPlace {
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(client));
        if is_in(&self.partners) {
            CallerPlace::Partner
        } else if is_in(&self.internal) {
            CallerPlace::Internal
        } else {
            CallerPlace::External
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_where_their_address_is() {
        let network =
            |address: &str, prefix_bits| Network { address: address.parse().unwrap(), prefix_bits };
        let networks = vec![network("10.8.0.0", 16), network("2001:db8::", 32)];
        let config = Config {
            partner_networks: vec![Partner { name: "bank".to_owned(), networks }],
            ..Config::default()
        };
        let mut places = CallerPlaces::new(&config);
        for (client, expected) in [
            ("10.0.0.1", CallerPlace::Internal),
            ("10.8.0.1", CallerPlace::Partner),
            ("172.16.0.1", CallerPlace::Internal),
            ("172.32.0.1", CallerPlace::External),
            ("192.168.255.255", CallerPlace::Internal),
            ("127.0.0.1", CallerPlace::Internal),
            ("169.254.1.1", CallerPlace::Internal),
            ("203.0.113.9", CallerPlace::External),
            ("::1", CallerPlace::Internal),
            ("fe80::1", CallerPlace::Internal),
            ("fd12::1", CallerPlace::Internal),
            ("2001:db8::1", CallerPlace::Partner),
            ("2001:db9::1", CallerPlace::External),
            ("::ffff:10.0.0.1", CallerPlace::Internal),
            ("::ffff:203.0.113.9", CallerPlace::External),
        ] {
            for _ in 0..2 {
                assert_eq!(places.of(client.parse().unwrap()), expected, "{client}");
            }
        }
    }
}
