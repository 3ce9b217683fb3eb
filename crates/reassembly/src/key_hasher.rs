//! The keyed hash of flow keys: nobody outside can aim at one bucket.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher13;
use tapline_model::FlowKey;

/// `SipHash` 1-3 under a key of this instance. Its values never reach an output.
pub(crate) struct KeyHasher(SipHasher13);

impl KeyHasher {
    /// A hasher with a random key.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }

    /// The hash of a key. The text hashed is written out here because hashing field by field costs
    /// three times as much.
    pub(crate) fn hash(&self, key: &FlowKey) -> u64 {
        let [low_port, low_port_end] = key.low.port().to_be_bytes();
        let [high_port, high_port_end] = key.high.port().to_be_bytes();
        let ports = u32::from_be_bytes([low_port, low_port_end, high_port, high_port_end]);
        let tail = (u64::from(key.network) << 32) | u64::from(ports);
        match (key.low, key.high) {
            (SocketAddr::V4(low), SocketAddr::V4(high)) => {
                let addresses =
                    (u64::from(low.ip().to_bits()) << 32) | u64::from(high.ip().to_bits());
                self.0.hash(&pair(addresses, tail))
            }
            (low, high) => {
                let mut text = [0; 40];
                let parts =
                    bits(low.ip()).into_iter().chain(bits(high.ip())).chain(tail.to_be_bytes());
                for (place, part) in text.iter_mut().zip(parts) {
                    *place = part;
                }
                self.0.hash(&text)
            }
        }
    }
}

fn pair(first: u64, second: u64) -> [u8; 16] {
    ((u128::from(first) << 64) | u128::from(second)).to_be_bytes()
}

fn bits(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_moves_the_hash() {
        let hasher = KeyHasher::new();
        let hash = |low: &str, high: &str, network| {
            hasher.hash(&FlowKey::new(low.parse().unwrap(), high.parse().unwrap(), network))
        };
        let hashes = [
            hash("10.0.0.1:1", "10.0.0.2:2", 0),
            hash("10.0.0.1:1", "10.0.0.2:2", 1),
            hash("10.0.0.1:2", "10.0.0.2:2", 0),
            hash("10.0.0.1:1", "10.0.0.2:3", 0),
            hash("10.0.0.3:1", "10.0.0.2:2", 0),
            hash("[fd00::1]:1", "[fd00::2]:2", 0),
            hash("[fd00::1]:1", "[fd00::2]:2", 1),
            hash("[fd00::1]:1", "[fd00::3]:2", 0),
        ];
        for (at, one) in hashes.iter().enumerate() {
            assert!(hashes.iter().skip(at + 1).all(|other| other != one));
        }
        assert_eq!(hash("10.0.0.1:1", "10.0.0.2:2", 0), hash("10.0.0.2:2", "10.0.0.1:1", 0));
    }
}
