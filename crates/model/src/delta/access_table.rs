//! What all consumers did on all routes in one epoch.

use std::cmp::Ordering;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::accesses::{AccessDelta, AccessKey, ObjectUse};

/// Ids in answers that are kept of one access.
const SERVED_MAX: usize = 256;

/// Accesses by key, with their objects. Each list lies in one piece, so that a table is made, read and
/// given up at the cost of a few allocations, however many consumers there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTable {
    /// Ascending by key.
    all: Vec<Row>,
    /// Of one access after the other.
    objects: Vec<ObjectUse>,
    /// The same.
    served: Vec<u64>,
}

/// One access, and where its objects end: they begin where those of the row before end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    key: AccessKey,
    delta: AccessDelta,
    objects_end: u32,
    served_end: u32,
}

/// One access.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// But for what follows.
    pub delta: &'a AccessDelta,
    /// The objects with the smallest hashes, in the order in which they were first asked for.
    pub objects: &'a [ObjectUse],
    /// Keyed hashes of ids that answers named: the smallest, ascending.
    pub served: &'a [u64],
}

impl Deref for Access<'_> {
    type Target = AccessDelta;

    fn deref(&self) -> &AccessDelta {
        self.delta
    }
}

impl Access<'_> {
    /// Whether answers may have named more ids than are kept.
    pub const fn is_served_cut(&self) -> bool {
        self.served.len() >= SERVED_MAX
    }

    /// References to objects that are not among those kept.
    pub fn left_out(&self) -> u64 {
        if self.objects.len() < ObjectUse::KEPT_MAX {
            return 0;
        }
        let kept: u64 = self.objects.iter().map(|used| used.outcomes.total()).sum();
        self.delta.references.saturating_sub(kept)
    }
}

impl AccessTable {
    /// An empty table with room for so many accesses and objects.
    pub fn with_capacity(accesses: usize, objects: usize, served: usize) -> Self {
        Self {
            all: Vec::with_capacity(accesses),
            objects: Vec::with_capacity(objects),
            served: Vec::with_capacity(served),
        }
    }

    /// How many accesses there are.
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds an access behind those that are there, whose keys are smaller. Its objects have been
    /// brought to those that are kept ([`ObjectUse::settle`], [`Self::settle_served`]).
    pub fn push(
        &mut self,
        key: AccessKey,
        delta: AccessDelta,
        objects: &[ObjectUse],
        served: &[u64],
    ) {
        debug_assert!(self.all.last().is_none_or(|last| last.key < key), "ascending");
        self.objects.extend_from_slice(objects);
        self.served.extend_from_slice(served);
        let end = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let (objects_end, served_end) = (end(self.objects.len()), end(self.served.len()));
        self.all.push(Row { key, delta, objects_end, served_end });
    }

    /// Brings ids that answers named to those that are kept.
    pub fn settle_served(noted: &mut Vec<u64>) {
        noted.sort_unstable();
        noted.dedup();
        noted.truncate(SERVED_MAX);
    }

    /// Every access, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (AccessKey, Access<'_>)> {
        (0..self.all.len()).filter_map(|place| self.at(place))
    }

    /// One access.
    pub fn get(&self, key: AccessKey) -> Option<Access<'_>> {
        let place = self.all.binary_search_by_key(&key, |row| row.key).ok()?;
        self.at(place).map(|(_, access)| access)
    }

    fn at(&self, place: usize) -> Option<(AccessKey, Access<'_>)> {
        let row = self.all.get(place)?;
        let before = place.checked_sub(1).and_then(|before| self.all.get(before));
        let (objects_at, served_at) = before.map_or((0, 0), |it| (it.objects_end, it.served_end));
        let objects = self.objects.get(objects_at as usize..row.objects_end as usize);
        let served = self.served.get(served_at as usize..row.served_end as usize);
        let (objects, served) = (objects.unwrap_or_default(), served.unwrap_or_default());
        Some((row.key, Access { delta: &row.delta, objects, served }))
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let ours = std::mem::take(self);
        *self = Self::with_capacity(
            ours.all.len().max(other.all.len()),
            ours.objects.len() + other.objects.len(),
            ours.served.len() + other.served.len(),
        );
        let (mut left, mut right) = (ours.iter().peekable(), other.iter().peekable());
        let (mut objects, mut served) = (Vec::new(), Vec::new());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((our, _)), Some((their, _))) => our.cmp(their),
            };
            let our = if order.is_le() { left.next() } else { None };
            let their = if order.is_ge() { right.next() } else { None };
            match (our, their) {
                (Some((key, one)), None) | (None, Some((key, one))) => {
                    self.push(key, *one.delta, one.objects, one.served);
                }
                (Some((key, our)), Some((_, their))) => {
                    let mut delta = *our.delta;
                    delta.join(their.delta);
                    objects.clear();
                    objects.extend(our.objects.iter().chain(their.objects));
                    ObjectUse::settle(&mut objects);
                    served.clear();
                    served.extend(our.served.iter().chain(their.served));
                    Self::settle_served(&mut served);
                    self.push(key, delta, &objects, &served);
                }
                (None, None) => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ConsumerKey, ConsumerKind, Near, ObjectPlace, Outcomes, RouteKey, Timestamp};

    /// What came of requests for objects: of each the consumer, the time and the object.
    fn of(seen: &[(u64, u64, u64)]) -> AccessTable {
        let mut table = AccessTable::default();
        for consumer in 0..4 {
            let mut delta = AccessDelta::new(ConsumerKind::Session);
            let (mut objects, mut served) = (Vec::new(), Vec::new());
            for &(_, at, object) in seen.iter().filter(|&&(who, ..)| who == consumer) {
                let mut outcomes = Outcomes::default();
                outcomes.count(Some(if object % 3 == 0 { 404 } else { 200 }));
                let first_at = Timestamp::from_nanos(at);
                let (place, near) = (ObjectPlace::Path(1), Near::default());
                objects.push(ObjectUse { object, place, near, first_at, outcomes });
                served.push(object / 2);
                delta.references += 1;
            }
            if delta.references > 0 {
                ObjectUse::settle(&mut objects);
                AccessTable::settle_served(&mut served);
                let key = AccessKey::new(ConsumerKey(consumer), RouteKey(1));
                table.push(key, delta, &objects, &served);
            }
        }
        table
    }

    proptest! {
        #[test]
        fn joining_is_what_one_would_have_seen(
            seen in prop::collection::vec((0u64..4, 0u64..1_000, 0u64..300), 0..600),
            cut in 0usize..600,
        ) {
            let (left, right) = seen.split_at(cut.min(seen.len()));
            let whole = of(&seen);
            let (mut one, mut other) = (of(left), of(right));
            let before = one.clone();
            one.join(other.clone());
            other.join(before);
            // An object that was cut on one side is cut in the whole.
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&other, &whole);
            let references: u64 = whole.iter().map(|(_, access)| access.references).sum();
            prop_assert_eq!(references, seen.len() as u64);
            for (_, access) in whole.iter() {
                prop_assert!(access.objects.len() <= ObjectUse::KEPT_MAX);
                prop_assert!(access.objects.is_sorted_by_key(|used| used.first_at));
            }
        }
    }

    #[test]
    fn a_table_that_does_not_fit_together_is_read_as_far_as_it_does() {
        let mut table = of(&[(1, 5, 7), (2, 6, 8)]);
        table.objects.clear();
        assert_eq!(table.iter().map(|(_, access)| access.objects.len()).sum::<usize>(), 0);
        assert!(table.get(AccessKey::new(ConsumerKey(2), RouteKey(1))).is_some());
    }
}
