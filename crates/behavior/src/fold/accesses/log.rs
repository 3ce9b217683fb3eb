//! What was noted of many owners, in the order in which it came.

/// Notes from which on what is not kept is given up.
const SETTLED_FROM: usize = 1 << 16;

/// Notes, each of an owner that is known by its index. One is written behind the other, whoever it is
/// of: that costs no search and touches no memory that is far away. They are sorted by owner when they
/// are asked for, and before that if there come to be twice as many as were kept the last time.
#[derive(Debug)]
pub(super) struct Log<T> {
    notes: Vec<(u32, T)>,
    settle_from: usize,
    /// The notes of each owner are `order[starts[owner]..starts[owner + 1]]`.
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl<T: Copy> Log<T> {
    /// Nothing noted.
    pub(super) const fn new() -> Self {
        Self { notes: Vec::new(), settle_from: SETTLED_FROM, starts: Vec::new(), order: Vec::new() }
    }

    /// Adds a note.
    pub(super) fn push(&mut self, owner: u32, note: T, settle: fn(&mut Vec<T>)) {
        if self.notes.len() >= self.settle_from {
            self.settle(settle);
        }
        self.notes.push((owner, note));
    }

    /// How many notes there are.
    pub(super) const fn len(&self) -> usize {
        self.notes.len()
    }

    /// Sorts the notes by owner, of which there are so many.
    pub(super) fn sort(&mut self, owners: usize) {
        let Self { notes, starts, order, .. } = self;
        starts.clear();
        starts.resize(owners + 2, 0);
        // Counted two places further on, so that what is a start here is an end when all is placed.
        for &(owner, _) in notes.iter() {
            if let Some(count) = starts.get_mut(owner as usize + 2) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in starts.iter_mut() {
            sum += *start;
            *start = sum;
        }
        order.clear();
        order.resize(notes.len(), 0);
        for (at, &(owner, _)) in (0..).zip(notes.iter()) {
            if let Some(next) = starts.get_mut(owner as usize + 1) {
                if let Some(place) = order.get_mut(*next as usize) {
                    *place = at;
                }
                *next += 1;
            }
        }
    }

    /// The notes of an owner in the order in which they came, once they are sorted.
    pub(super) fn of(&self, owner: u32) -> impl Iterator<Item = T> {
        let owner = owner as usize;
        let ends = self.starts.get(owner).zip(self.starts.get(owner + 1));
        let places = ends.and_then(|(&from, &to)| self.order.get(from as usize..to as usize));
        let places = places.unwrap_or_default().iter();
        places.filter_map(|&at| self.notes.get(at as usize).map(|&(_, note)| note))
    }

    /// Forgets all, and keeps room for as many as are common.
    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.notes.shrink_to(SETTLED_FROM);
        self.order.clear();
        self.order.shrink_to(SETTLED_FROM);
        self.starts.clear();
        self.settle_from = SETTLED_FROM;
    }

    /// Gives up what is not kept.
    #[cold]
    fn settle(&mut self, settle: fn(&mut Vec<T>)) {
        let owners = self.notes.iter().map(|&(owner, _)| owner + 1).max().unwrap_or(0);
        self.sort(owners as usize);
        let (mut kept, mut mine) = (Vec::new(), Vec::new());
        for owner in 0..owners {
            mine.clear();
            mine.extend(self.of(owner));
            settle(&mut mine);
            kept.extend(mine.iter().map(|&note| (owner, note)));
        }
        self.settle_from = SETTLED_FROM.max(2 * kept.len());
        self.notes = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(notes: &mut Vec<u64>) {
        notes.sort_unstable();
        notes.dedup();
        notes.truncate(3);
    }

    #[test]
    fn notes_are_sorted_by_owner_and_stay_in_order() {
        let mut log = Log::new();
        for (owner, note) in [(2, 5), (0, 9), (2, 1), (2, 7), (0, 3)] {
            log.push(owner, note, smallest);
        }
        log.sort(4);
        let of = |owner| log.of(owner).collect::<Vec<u64>>();
        assert_eq!((of(0), of(1), of(2), of(3)), (vec![9, 3], vec![], vec![5, 1, 7], vec![]));
        assert_eq!(of(9), Vec::<u64>::new());
    }

    #[test]
    fn it_holds_no_more_than_twice_what_is_kept() {
        let mut log = Log::new();
        for note in 0..500_000u64 {
            log.push(u32::try_from(note % 7).unwrap(), 1_000_000 - note, smallest);
            assert!(log.len() <= SETTLED_FROM);
        }
        log.sort(7);
        let mut kept: Vec<u64> = log.of(3).collect();
        smallest(&mut kept);
        let last = (0..500_000u64).rev().filter(|note| note % 7 == 3);
        assert_eq!(kept, last.take(3).map(|note| 1_000_000 - note).collect::<Vec<_>>());
        log.clear();
        assert_eq!((log.len(), log.of(3).count()), (0, 0));
    }
}
