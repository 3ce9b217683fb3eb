//! Addresses that are never listed.

use std::net::IpAddr;

use ipnet::IpNet;

/// Whom to block is never worth asking for: this machine, this link, groups, nobody. Whatever the
/// settings say.
const ALWAYS: [&str; 9] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
];

/// Networks whose addresses are never listed.
#[derive(Debug)]
pub(crate) struct Never(Vec<IpNet>);

impl Never {
    /// These, and those that never are.
    pub(crate) fn new(networks: &[IpNet]) -> Self {
        let always = ALWAYS.iter().filter_map(|network| network.parse().ok());
        Self(always.chain(networks.iter().copied()).collect())
    }

    /// Whether `address`, in its canonical form, is in one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_never_listed_whatever_is_set() {
        let never = Never::new(&[]);
        assert_eq!(never.0.len(), ALWAYS.len());
        for address in
            ["127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::", "fe80::1", "224.1.1.1"]
        {
            assert!(never.contains(address.parse().unwrap()), "{address}");
        }
        assert!(!never.contains("10.0.0.1".parse().unwrap()));
        let never = Never::new(&["10.0.0.0/8".parse().unwrap()]);
        assert!(never.contains("10.0.0.1".parse().unwrap()));
    }
}
