//! The per-install secret, and what is derived from it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr, SocketAddrV4};

use siphasher::sip::SipHasher13;

use crate::multilinear::halves;
use crate::{FlowKey, Multilinear, ShardId};

/// Words of a flow between IPv4 addresses: its ends, and the network in what they leave free.
const FLOW_V4_WORDS: usize = 2;
/// Words of any other: two addresses of two words, and ports and network.
const FLOW_WORDS: usize = 5;

/// The per-install key: 32 secret bytes. Consumer hashes, sketches and shards depend on it, so
/// nobody outside can aim traffic at one shard or recognise a token by its hash.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; 32],
    flow_v4: Multilinear<FLOW_V4_WORDS>,
    flow: Multilinear<FLOW_WORDS>,
    text: (u64, u64),
}

impl Key {
    /// The documented key that `replay` uses without `--key-file`: results are comparable between
    /// machines and protect nothing.
    pub fn fixed() -> Self {
        Self::new(*b"tapline replay: a fixed public k")
    }

    /// A key of this process that nobody knows: for tables whose order shows in no output. Under a key
    /// that is public, whoever makes a capture can make many things fall together.
    pub fn random() -> Self {
        let random = RandomState::new();
        let words = [0, 1, 2, 3].map(|word: u64| random.hash_one(word).to_le_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(words.as_flattened());
        Self::new(bytes)
    }

    /// A key from 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let derived = blake3::derive_key("tapline 2026 text hash", &bytes);
        let mut words = derived
            .chunks_exact(8)
            .map(|word| word.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte)));
        let text = (words.next().unwrap_or(0), words.next().unwrap_or(0));
        Self {
            bytes,
            flow_v4: Multilinear::derive("tapline 2026 flow between IPv4 ends", &bytes),
            flow: Multilinear::derive("tapline 2026 flow between any ends", &bytes),
            text,
        }
    }

    /// The keyed hash of a flow: equal for both directions.
    pub fn flow_hash(&self, key: &FlowKey) -> u64 {
        self.hash_between(key.low, key.high, key.network)
    }

    /// The keyed hash of the flow between two ends, whichever of them sends. It never leaves the
    /// sensor, so nobody learns anything of the key by it.
    #[inline]
    pub fn hash_between(&self, one: SocketAddr, other: SocketAddr, network: u32) -> u64 {
        let (SocketAddr::V4(one), SocketAddr::V4(other)) = (one, other) else {
            return self.hash_between_any(&FlowKey::new(one, other, network));
        };
        let end = |end: SocketAddrV4| u64::from(end.ip().to_bits()) << 16 | u64::from(end.port());
        let (low, high) = (end(one).min(end(other)), end(one).max(end(other)));
        let network = u64::from(network);
        self.flow_v4.hash([low | network << 48, high | network >> 16 << 48])
    }

    #[inline(never)]
    fn hash_between_any(&self, key: &FlowKey) -> u64 {
        let [low, high] = [key.low, key.high].map(|end| match end.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        });
        let [low, high] = [low, high].map(halves);
        let ports = u64::from(key.low.port()) << 16 | u64::from(key.high.port());
        let rest = u64::from(key.network) << 32 | ports;
        self.flow.hash([low[0], low[1], high[0], high[1], rest])
    }

    /// The shard that owns a flow.
    pub fn shard(&self, key: &FlowKey) -> ShardId {
        ShardId::from_hash(self.flow_hash(key))
    }

    /// A fast keyed hash of text that is no secret (routes, path segments, names).
    pub fn text_hash(&self, text: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.text.0, self.text.1).hash(text)
    }

    /// A keyed hash for one purpose that never leaves the sensor: cheaper than that of a text.
    pub fn multilinear<const N: usize>(&self, context: &str) -> Multilinear<N> {
        Multilinear::derive(context, &self.bytes)
    }

    /// A slow keyed hash (BLAKE3) of a secret, for what may be shown in its stead. `purpose` keeps
    /// equal bytes in different roles apart.
    pub fn secret_hash(&self, purpose: u8, secret: &[u8]) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.bytes);
        hasher.update(&[purpose]);
        hasher.update(secret);
        let mut first = [0u8; 8];
        hasher.finalize_xof().fill(&mut first);
        u64::from_be_bytes(first)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn both_directions_have_one_shard() {
        let a = "10.0.0.1:1000".parse().unwrap();
        let b = "10.0.0.2:80".parse().unwrap();
        let key = Key::fixed();
        assert_eq!(key.shard(&FlowKey::new(a, b, 0)), key.shard(&FlowKey::new(b, a, 0)));
        assert_ne!(key.flow_hash(&FlowKey::new(a, b, 0)), key.flow_hash(&FlowKey::new(a, b, 7)));
    }

    /// Flows as clients open them: one port after the other, from one address after the other.
    fn in_order(v6: bool) -> impl Iterator<Item = FlowKey> {
        let address = move |low: u8, high: u8| -> IpAddr {
            let v4 = Ipv4Addr::new(10, 77, high, low);
            if v6 { v4.to_ipv6_compatible().into() } else { v4.into() }
        };
        (0..64_u8).flat_map(move |client| {
            (0..1_024_u16).map(move |port| {
                let client = SocketAddr::new(address(client, 0), 32_768 + port);
                FlowKey::new(client, SocketAddr::new(address(4, 1), 8_080), 0)
            })
        })
    }

    #[test]
    fn flows_in_order_are_spread_evenly() {
        for (seed, v6) in (0..8).flat_map(|seed| [(seed, false), (seed, true)]) {
            let key = if seed == 0 { Key::fixed() } else { Key::new([seed; 32]) };
            let hashes: Vec<u64> = in_order(v6).map(|flow| key.flow_hash(&flow)).collect();
            let count = hashes.len();
            // Shards, the bits that sampling looks at, and those that tables look at.
            for shift in [32, 58, 0] {
                let mut bins = [0_u32; 64];
                for hash in &hashes {
                    bins[usize::try_from(hash >> shift & 63).unwrap()] += 1;
                }
                let chi2: f64 =
                    bins.iter().map(|&bin| (f64::from(bin) - 1_024.0).powi(2) / 1_024.0).sum();
                // 63 degrees of freedom: 1 in 10 million lies above 140.
                assert!(chi2 < 140.0, "{seed} {v6} {shift}: {chi2}");
            }
            // Two in 2^32 of half a hash.
            let distinct: std::collections::HashSet<u64> =
                hashes.iter().map(|hash| hash >> 32).collect();
            assert!(distinct.len() + 12 > count, "{seed} {v6}: {} of {count}", distinct.len());
        }
    }

    #[test]
    fn every_part_of_a_flow_tells() {
        for ends in [("10.0.0.1:1000", "10.0.0.2:80"), ("[fd00::1]:1000", "[fd00::1:0:0:2]:80")] {
            let (one, other) = (ends.0.parse().unwrap(), ends.1.parse().unwrap());
            let key = Key::fixed();
            let hash = key.hash_between(one, other, 7);
            let with_port = |mut end: SocketAddr, port| {
                end.set_port(port);
                end
            };
            let with_address = |mut end: SocketAddr, bit: u32| {
                end.set_ip(match end.ip() {
                    IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() ^ 1 << (bit % 32)).into(),
                    IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() ^ 1 << bit).into(),
                });
                end
            };
            for bit in 0..128 {
                assert_ne!(hash, key.hash_between(with_address(one, bit), other, 7), "{bit}");
                assert_ne!(hash, key.hash_between(one, with_address(other, bit), 7), "{bit}");
            }
            for bit in 0..16 {
                let moved = |end: SocketAddr| with_port(end, end.port() ^ 1 << bit);
                assert_ne!(hash, key.hash_between(moved(one), other, 7), "{bit}");
                assert_ne!(hash, key.hash_between(one, moved(other), 7), "{bit}");
            }
            for bit in 0..32 {
                assert_ne!(hash, key.hash_between(one, other, 7 ^ 1 << bit), "{bit}");
            }
        }
    }

    #[test]
    fn the_ends_of_other_families_are_hashed_the_same_way_round() {
        let (a, b) = ("[fd00::1]:80".parse().unwrap(), "10.0.0.1:9".parse().unwrap());
        let key = Key::fixed();
        assert_eq!(key.hash_between(a, b, 3), key.hash_between(b, a, 3));
        assert_ne!(key.hash_between(a, b, 3), key.hash_between(a, b, 4));
    }

    #[test]
    fn a_random_key_is_another_each_time() {
        let hash = |key: Key| (key.text_hash(b"a"), key.secret_hash(0, b"a"));
        assert_ne!(hash(Key::random()), hash(Key::random()));
    }

    #[test]
    fn a_key_never_prints_itself() {
        assert_eq!(format!("{:?}", Key::new([0x41; 32])), "Key(secret)");
    }
}
