//! The per-install secret, and what is derived from it.

use std::fmt;
use std::hash::Hasher;
use std::net::{SocketAddr, SocketAddrV4};

use siphasher::sip::SipHasher13;

use crate::{FlowKey, ShardId};

/// The per-install key: 32 secret bytes. Consumer hashes, sketches and shards depend on it, so
/// nobody outside can aim traffic at one shard or recognise a token by its hash.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; 32],
    flow: (u64, u64),
    text: (u64, u64),
}

impl Key {
    /// The documented key that `replay` uses without `--key-file`: results are comparable between
    /// machines and protect nothing.
    pub fn fixed() -> Self {
        Self::new(*b"tapline replay: a fixed public k")
    }

    /// A key from 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let pair = |context: &str| {
            let derived = blake3::derive_key(context, &bytes);
            let mut words = derived
                .chunks_exact(8)
                .map(|word| word.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte)));
            (words.next().unwrap_or(0), words.next().unwrap_or(0))
        };
        Self { bytes, flow: pair("tapline 2026 flow shard"), text: pair("tapline 2026 text hash") }
    }

    /// The keyed hash of a flow: equal for both directions.
    pub fn flow_hash(&self, key: &FlowKey) -> u64 {
        self.hash_between(key.low, key.high, key.network)
    }

    /// The keyed hash of the flow between two ends, whichever of them sends.
    #[inline]
    pub fn hash_between(&self, one: SocketAddr, other: SocketAddr, network: u32) -> u64 {
        if let (SocketAddr::V4(one), SocketAddr::V4(other)) = (one, other) {
            let end =
                |end: SocketAddrV4| u64::from(end.ip().to_bits()) << 16 | u64::from(end.port());
            let (low, high) = (end(one).min(end(other)), end(one).max(end(other)));
            // The same bytes as below: address and port of both ends, and the network.
            let text = |end: u64| u128::from(end >> 16 | (end & 0xffff) << 32);
            let text = text(low) | text(high) << 48 | u128::from(network) << 96;
            return SipHasher13::new_with_keys(self.flow.0, self.flow.1).hash(&text.to_le_bytes());
        }
        self.hash_of_parts(&FlowKey::new(one, other, network))
    }

    fn hash_of_parts(&self, key: &FlowKey) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.flow.0, self.flow.1);
        for end in [key.low, key.high] {
            match end.ip() {
                std::net::IpAddr::V4(address) => hasher.write_u32(address.to_bits()),
                std::net::IpAddr::V6(address) => hasher.write_u128(address.to_bits()),
            }
            hasher.write_u16(end.port());
        }
        hasher.write_u32(key.network);
        hasher.finish()
    }

    /// The shard that owns a flow.
    pub fn shard(&self, key: &FlowKey) -> ShardId {
        ShardId::from_hash(self.flow_hash(key))
    }

    /// A fast keyed hash of text that is no secret (routes, path segments, names).
    pub fn text_hash(&self, text: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.text.0, self.text.1).hash(text)
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
    use super::*;

    #[test]
    fn both_directions_have_one_shard() {
        let a = "10.0.0.1:1000".parse().unwrap();
        let b = "10.0.0.2:80".parse().unwrap();
        let key = Key::fixed();
        assert_eq!(key.shard(&FlowKey::new(a, b, 0)), key.shard(&FlowKey::new(b, a, 0)));
        assert_ne!(key.flow_hash(&FlowKey::new(a, b, 0)), key.flow_hash(&FlowKey::new(a, b, 7)));
    }

    #[test]
    fn the_hash_of_a_flow_is_that_of_its_parts_one_after_the_other() {
        let key = Key::fixed();
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            state >> 16
        };
        for _ in 0..1000 {
            let mut end = || {
                let [a, b, c, d, high, low, ..] = next().to_le_bytes();
                SocketAddr::from(([a, b, c, d & 1], u16::from_be_bytes([high, low])))
            };
            let (a, b, network) = (end(), end(), u32::try_from(next() & 0xffff_ffff).unwrap());
            let flow = FlowKey::new(a, b, network);
            assert_eq!(key.flow_hash(&flow), key.hash_of_parts(&flow));
            assert_eq!(key.hash_between(a, b, network), key.hash_of_parts(&flow));
            assert_eq!(key.hash_between(b, a, network), key.hash_of_parts(&flow));
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
    fn a_key_never_prints_itself() {
        assert_eq!(format!("{:?}", Key::new([0x41; 32])), "Key(secret)");
    }
}
