//! The fixed division of all state.

use serde::{Deserialize, Serialize};

/// How many shards there are, whatever the number of workers.
pub const SHARDS: usize = 64;

/// One of the [`SHARDS`] divisions of state. Every table, cap, eviction and random choice belongs
/// to one, so what a cap evicts does not depend on how many workers there are.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ShardId(u8);

impl ShardId {
    /// The shard of a keyed flow hash.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 64")]
    #[inline]
    pub const fn from_hash(hash: u64) -> Self {
        // The top bits: hash tables inside a shard use the low ones.
        Self(((hash >> 32) % SHARDS as u64) as u8)
    }

    /// Every shard, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..64).map(Self)
    }

    /// 0 up to [`SHARDS`].
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
