//! A sliding window of capture time, in slots.

use std::collections::VecDeque;

use tapline_model::Epoch;

/// How a window is divided: a fixed number of slots of equal width, aligned to the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    width_seconds: u64,
    count: u64,
}

impl Slots {
    /// At most `count_max` slots that cover `window_seconds`. As the newest one is only part full,
    /// the window is up to one slot shorter than that.
    pub(crate) fn new(window_seconds: u32, count_max: u64) -> Self {
        let window_seconds = u64::from(window_seconds).max(1);
        let width_seconds = window_seconds.div_ceil(count_max.max(1));
        Self { width_seconds, count: window_seconds.div_ceil(width_seconds) }
    }

    /// The slot of an epoch.
    pub(crate) const fn at(self, epoch: Epoch) -> u64 {
        epoch.0 / self.width_seconds
    }

    /// The oldest slot in the window as of an epoch.
    pub(crate) const fn oldest(self, epoch: Epoch) -> u64 {
        self.at(epoch).saturating_sub(self.count - 1)
    }

    /// The first epoch of a slot.
    pub(crate) const fn start(self, slot: u64) -> Epoch {
        Epoch(slot.saturating_mul(self.width_seconds))
    }

    /// Seconds in the window.
    pub(crate) const fn seconds(self) -> u64 {
        self.width_seconds * self.count
    }
}

/// What happened in each slot of a window; slots without anything take no room.
#[derive(Clone, Debug)]
pub(crate) struct Window<T> {
    slots: VecDeque<(u64, T)>,
}

impl<T: Default> Window<T> {
    /// An empty window.
    pub(crate) const fn new() -> Self {
        Self { slots: VecDeque::new() }
    }

    /// Changes the newest slot, which is `slot`, or a later one should time have run backwards.
    pub(crate) fn update(&mut self, slot: u64, change: impl FnOnce(&mut T)) {
        if self.slots.back().is_none_or(|&(newest, _)| newest < slot) {
            self.slots.push_back((slot, T::default()));
        }
        if let Some((_, newest)) = self.slots.back_mut() {
            change(newest);
        }
    }

    /// Takes out the oldest slot if it is older than `oldest`.
    pub(crate) fn pop_before(&mut self, oldest: u64) -> Option<(u64, T)> {
        if self.slots.front().is_some_and(|&(slot, _)| slot < oldest) {
            self.slots.pop_front()
        } else {
            None
        }
    }

    /// Every slot that has anything, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().map(|(_, value)| value)
    }

    /// Every slot that has anything, oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_cover_the_window() {
        let check = |window, count_max, width, count| {
            let slots = Slots::new(window, count_max);
            assert_eq!(slots, Slots { width_seconds: width, count });
            assert!(slots.seconds() >= u64::from(window));
        };
        check(60, 6, 10, 6);
        check(600, 10, 60, 10);
        check(10, 6, 2, 5);
        check(65, 6, 11, 6);
        check(1, 10, 1, 1);
    }

    #[test]
    fn what_is_older_than_the_window_leaves_it() {
        let slots = Slots::new(60, 6);
        let mut window = Window::<u64>::new();
        for epoch in [0, 9, 10, 59, 60, 69] {
            let epoch = Epoch(epoch);
            while window.pop_before(slots.oldest(epoch)).is_some() {}
            window.update(slots.at(epoch), |count| *count += 1);
        }
        assert_eq!(window.iter().copied().collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!(window.pop_before(slots.oldest(Epoch(70))), Some((1, 1)));
        assert_eq!(window.pop_before(slots.oldest(Epoch(70))), None);
        assert_eq!(slots.start(slots.at(Epoch(69))), Epoch(60));
    }
}
