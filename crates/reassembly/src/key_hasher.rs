//! The keyed hash of flow keys: nobody outside can aim at one bucket.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};

use tapline_model::FlowKey;

/// Folded products under a key of this instance, which nobody knows and which no output depends on:
/// a tenth of what `SipHash` costs, for a hash that is taken of every segment.
pub(crate) struct KeyHasher([u64; 4]);

impl KeyHasher {
    /// A hasher with a random key.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self([0, 1, 2, 3].map(|part: u64| random.hash_one(part)))
    }

    /// The hash of a key.
    pub(crate) fn hash(&self, key: &FlowKey) -> u64 {
        let [first, second, third, fourth] = self.0;
        let ports = u64::from(key.low.port()) << 16 | u64::from(key.high.port());
        let tail = u64::from(key.network) << 32 | ports;
        let addresses = match (key.low, key.high) {
            (SocketAddr::V4(low), SocketAddr::V4(high)) => {
                u64::from(low.ip().to_bits()) << 32 | u64::from(high.ip().to_bits())
            }
            (low, high) => [low, high]
                .into_iter()
                .flat_map(|end| halves(end.ip()))
                .fold(third, |state, half| fold(state ^ half, fourth ^ state.rotate_left(32))),
        };
        let mixed = fold(addresses ^ first, tail ^ second);
        fold(mixed ^ third, fourth | 1)
    }
}

/// Both halves of the product, folded: every bit of either factor reaches every bit.
#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are taken one by one")]
fn halves(address: IpAddr) -> [u64; 2] {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    [bits as u64, (bits >> 64) as u64]
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
