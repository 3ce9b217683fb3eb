//! A table with a bound, which gives up what has been quiet for longest.

use std::collections::BTreeSet;
use std::hash::Hash;

use hashbrown::HashMap;
use tapline_model::Epoch;

/// At most so many entries, each with the epoch it was last touched in. Of two that have been quiet
/// equally long the smaller key goes first, so what is given up depends on nothing but the calls.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (Epoch, V)>,
    /// Every entry by an epoch in which it was touched: at first that it was made in, later the last
    /// one known when it stood in front. So touching one leaves the order alone.
    by_quiet: BTreeSet<(Epoch, K)>,
    entries_max: usize,
    evicted: u64,
}

impl<K: Ord + Hash + Copy, V> Bounded<K, V> {
    /// An empty table.
    pub(crate) fn new(entries_max: u32) -> Self {
        Self {
            entries: HashMap::new(),
            by_quiet: BTreeSet::new(),
            entries_max: usize::try_from(entries_max).unwrap_or(usize::MAX).max(1),
            evicted: 0,
        }
    }

    /// Changes the bound. The table shrinks to it as room is made for new entries.
    pub(crate) fn set_max(&mut self, entries_max: u32) {
        self.entries_max = usize::try_from(entries_max).unwrap_or(usize::MAX).max(1);
    }

    /// Evicts one entry that is in the way of `key`. To be called before [`Bounded::touch`] until
    /// it gives none.
    pub(crate) fn make_room(&mut self, key: K) -> Option<V> {
        // First what costs nothing: a table is full but seldom.
        if self.entries.len() < self.entries_max || self.entries.contains_key(&key) {
            return None;
        }
        let (_, quietest) = self.quietest(None)?;
        self.by_quiet.pop_first();
        self.evicted += 1;
        self.entries.remove(&quietest).map(|(_, value)| value)
    }

    /// The entry of `key`, made if it is missing; `epoch` becomes its last one.
    pub(crate) fn touch(&mut self, key: K, epoch: Epoch, make: impl FnOnce() -> V) -> &mut V {
        let Self { entries, by_quiet, .. } = self;
        let (last, value) = entries.entry(key).or_insert_with(|| {
            by_quiet.insert((epoch, key));
            (epoch, make())
        });
        *last = epoch;
        value
    }

    /// The entry of `key`.
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.entries.get(&key).map(|(_, value)| value)
    }

    /// The entry of `key`, without touching it.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.entries.get_mut(&key).map(|(_, value)| value)
    }

    /// Takes out the entry that has been quiet for longest if that is since before `epoch`.
    pub(crate) fn pop_quiet(&mut self, epoch: Epoch) -> Option<V> {
        let (_, quietest) = self.quietest(Some(epoch)).filter(|(last, _)| *last < epoch)?;
        self.by_quiet.pop_first();
        self.entries.remove(&quietest).map(|(_, value)| value)
    }

    /// The entry that has been quiet for longest, put in front; with `until`, that may be wrong if
    /// it was touched then or later. Each step moves one entry to where it belongs, and it stays
    /// there until time has moved on.
    fn quietest(&mut self, until: Option<Epoch>) -> Option<(Epoch, K)> {
        loop {
            let front = *self.by_quiet.first()?;
            let (noted, key) = front;
            let last = self.entries.get(&key).map_or(noted, |(last, _)| *last);
            if last <= noted || until.is_some_and(|until| noted >= until) {
                return Some(front);
            }
            self.by_quiet.pop_first();
            self.by_quiet.insert((last, key));
        }
    }

    /// Every entry, in no order, without touching it.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.entries.iter_mut().map(|(&key, (_, value))| (key, value))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How many were evicted to make room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Forgets every entry.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.by_quiet.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut Bounded<u32, &'static str>, key: u32, epoch: u64) -> Option<&'static str> {
        let evicted = table.make_room(key);
        assert_eq!(table.make_room(key), None);
        table.touch(key, Epoch(epoch), || "new");
        evicted
    }

    #[test]
    fn the_longest_quiet_goes_first_and_then_the_smallest_key() {
        let mut table = Bounded::new(3);
        for (key, epoch) in [(7, 1), (5, 1), (1, 2)] {
            assert_eq!(add(&mut table, key, epoch), None);
        }
        *table.touch(5, Epoch(3), || "unused") = "five";
        assert_eq!(add(&mut table, 9, 4), Some("new"));
        assert!(table.get(7).is_none());
        add(&mut table, 10, 4);
        assert!(table.get(1).is_none());
        assert_eq!(table.get(5), Some(&"five"));
        assert_eq!((table.len(), table.evicted()), (3, 2));
    }

    #[test]
    fn quiet_ones_leave_in_order() {
        let mut table = Bounded::new(9);
        for (key, epoch) in [(3, 5), (2, 4), (1, 5)] {
            table.touch(key, Epoch(epoch), || key);
        }
        let left: Vec<u32> = std::iter::from_fn(|| table.pop_quiet(Epoch(6))).collect();
        assert_eq!(left, [2, 1, 3]);
        assert_eq!(table.evicted(), 0);
    }

    #[test]
    fn the_order_is_that_of_the_last_touch_however_often_touched() {
        let mut table = Bounded::new(4);
        let mut last = std::collections::BTreeMap::new();
        for step in 0..2_000u64 {
            let epoch = Epoch(step / 3);
            let key = u32::try_from(step * step % 23).unwrap();
            while let Some(evicted) = table.make_room(key) {
                let quietest = last.iter().map(|(&key, &at)| (at, key)).min().unwrap();
                assert_eq!(quietest.1, evicted);
                last.remove(&evicted);
            }
            table.touch(key, epoch, || key);
            last.insert(key, epoch);
            if step % 50 == 0 {
                while let Some(quiet) = table.pop_quiet(epoch.minus(1)) {
                    assert!(last.remove(&quiet).unwrap() < epoch.minus(1));
                }
                assert!(last.values().all(|&at| at >= epoch.minus(1)));
            }
            assert_eq!(table.len(), last.len() as u64);
        }
    }

    #[test]
    fn a_smaller_bound_is_reached_by_the_next_entry() {
        let mut table = Bounded::new(5);
        (0..5).for_each(|key| {
            table.touch(key, Epoch(1), || ());
        });
        table.set_max(2);
        while table.make_room(9).is_some() {}
        table.touch(9, Epoch(2), || ());
        assert_eq!(table.len(), 2);
    }
}
