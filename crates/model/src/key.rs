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
        let mut hasher = SipHasher13::new_with_keys(self.flow.0, self.flow.1);
        if let (SocketAddr::V4(low), SocketAddr::V4(high)) = (key.low, key.high) {
            // The same bytes as below, at once: that costs a third.
            let end =
                |end: SocketAddrV4| u128::from(end.ip().to_bits()) | u128::from(end.port()) << 32;
            let text = end(low) | end(high) << 48 | u128::from(key.network) << 96;
            return hasher.hash(&text.to_le_bytes());
        }
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
        let mut hasher = SipHasher13::new_with_keys(self.text.0, self.text.1);
        hasher.write(text);
        hasher.finish()
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
        let (a, b) = ("10.1.2.3:45678".parse().unwrap(), "192.168.0.9:80".parse().unwrap());
        let key = Key::fixed();
        let flow = FlowKey::new(a, b, 0x1234_5678);
        let mut parts = SipHasher13::new_with_keys(key.flow.0, key.flow.1);
        for (address, port) in [(0x0a01_0203, 45_678), (0xc0a8_0009, 80)] {
            parts.write_u32(address);
            parts.write_u16(port);
        }
        parts.write_u32(0x1234_5678);
        assert_eq!(key.flow_hash(&flow), parts.finish());
    }

    #[test]
    fn a_key_never_prints_itself() {
        assert_eq!(format!("{:?}", Key::new([0x41; 32])), "Key(secret)");
    }
}
