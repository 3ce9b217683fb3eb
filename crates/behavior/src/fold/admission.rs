//! Which shards have admitted what, and what each of them may still admit.

use tapline_model::{SHARDS, ShardId};

/// One shard: its index, and its bit in a mask of shards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    index: usize,
    bit: u64,
}

impl Place {
    pub(super) const fn of(shard: ShardId) -> Self {
        // A mask has a bit for every shard.
        const { assert!(SHARDS == 64) };
        Self { index: shard.index(), bit: 1 << shard.index() }
    }

    /// Whether the shard is one of `shards`.
    pub(super) const fn is_in(self, shards: u64) -> bool {
        shards & self.bit != 0
    }

    /// Puts the shard to `shards`.
    pub(super) const fn join(self, shards: &mut u64) {
        *shards |= self.bit;
    }
}

/// What each shard has admitted of one table in this epoch, and how much it may.
#[derive(Debug)]
pub(super) struct Quota {
    used: Box<[usize; SHARDS]>,
    max: usize,
}

impl Quota {
    /// Each shard's part of a process total, at least one.
    pub(super) fn part_of(total: u32) -> Self {
        Self::each(usize::try_from(total).unwrap_or(usize::MAX).div_ceil(SHARDS).max(1))
    }

    /// So much for each shard.
    pub(super) fn each(max: usize) -> Self {
        Self { used: Box::new([0; SHARDS]), max }
    }

    /// Whether a shard may admit one more; if so, that is counted.
    pub(super) fn take(&mut self, place: Place) -> bool {
        match self.used.get_mut(place.index) {
            Some(used) if *used < self.max => {
                *used += 1;
                true
            }
            _ => false,
        }
    }

    /// Counts what is admitted in any case.
    pub(super) fn count(&mut self, place: Place) {
        if let Some(used) = self.used.get_mut(place.index) {
            *used += 1;
        }
    }

    /// Whether a shard may admit one more.
    pub(super) fn has_room(&self, place: Place) -> bool {
        self.used.get(place.index).is_some_and(|&used| used < self.max)
    }

    /// Counts one for each of `shards`.
    pub(super) fn count_all(&mut self, shards: u64) {
        let mut rest = shards;
        while rest != 0 {
            if let Some(used) = self.used.get_mut(rest.trailing_zeros() as usize) {
                *used += 1;
            }
            rest &= rest - 1;
        }
    }

    /// A new epoch.
    pub(super) fn clear(&mut self) {
        self.used.fill(0);
    }
}
