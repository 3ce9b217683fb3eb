//! Hides the hashes of flows: nobody outside can aim at one bucket.

use std::net::SocketAddr;

use tapline_model::Key;

/// A key of this instance, which nobody knows and which no output depends on. The hash that comes
/// with a segment may be under a key that is public (`replay` has one): flows can be made up of which
/// all have one.
pub(crate) struct Veil(Key);

/// The hashes of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// As it came: the same in every run, so what a cap evicts may depend on it.
    pub(crate) given: u64,
    /// For tables: that two flows share it does not happen (once in 2^64 by their number).
    pub(crate) veiled: u64,
}

impl Veil {
    /// A random key.
    pub(crate) fn new() -> Self {
        Self(Key::random())
    }

    /// The hashes of the flow between two ends, of which one was given.
    #[inline]
    pub(crate) fn over(
        &self,
        given: u64,
        one: SocketAddr,
        other: SocketAddr,
        network: u32,
    ) -> Hashes {
        Hashes { given, veiled: self.0.hash_between(one, other, network) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ends(port: u16) -> (SocketAddr, SocketAddr) {
        (([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into())
    }

    #[test]
    fn flows_of_one_hash_are_spread() {
        // Whatever the key.
        for _ in 0..300 {
            let veil = Veil::new();
            let over = |port| {
                let (one, other) = ends(port);
                veil.over(5, one, other, 0)
            };
            let hashes: Vec<Hashes> = (0..4096).map(over).collect();
            assert!(hashes.iter().all(|hashes| hashes.given == 5));
            let buckets: BTreeSet<u64> = hashes.iter().map(|it| it.veiled % 8192).collect();
            let tags: BTreeSet<u64> = hashes.iter().map(|it| it.veiled >> 57).collect();
            // At random some 3,200 of 8,192, and all 128.
            assert!(buckets.len() > 1500, "{}", buckets.len());
            assert!(tags.len() > 60, "{}", tags.len());
        }
    }

    #[test]
    fn both_ways_are_one_flow() {
        let (veil, (one, other)) = (Veil::new(), ends(7));
        let hashes = veil.over(1, one, other, 0);
        assert_eq!(hashes, veil.over(1, other, one, 0));
        assert_ne!(hashes, veil.over(1, one, other, 1));
        assert_ne!(hashes, Veil::new().over(1, one, other, 0));
    }
}
