//! What one consumer did on one route in one epoch.

use serde::{Deserialize, Serialize};

use crate::{ConsumerKey, ConsumerKind, GraphQuery, Near, ObjectPlace, RouteKey, Timestamp};

/// Who did it, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessKey {
    /// Who.
    pub consumer: u64,
    /// Where.
    pub route: RouteKey,
}

impl AccessKey {
    /// Of a consumer on a route.
    pub const fn new(consumer: ConsumerKey, route: RouteKey) -> Self {
        Self { consumer: consumer.0, route }
    }

    /// Who.
    pub const fn consumer(self) -> ConsumerKey {
        ConsumerKey(self.consumer)
    }
}

impl std::hash::Hash for AccessKey {
    /// Both halves are keyed hashes.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.consumer ^ self.route.0.rotate_left(29));
    }
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Answered 2xx.
    pub successes: u32,
    /// Answered 401 or 403.
    pub refusals: u32,
    /// Answered 404 or 410.
    pub misses: u32,
    /// Answered otherwise, or not at all.
    pub others: u32,
}

impl Outcomes {
    /// Counts one request by its status.
    pub const fn count(&mut self, status: Option<u16>) {
        let sum = match status {
            Some(200..=299) => &mut self.successes,
            Some(401 | 403) => &mut self.refusals,
            Some(404 | 410) => &mut self.misses,
            _ => &mut self.others,
        };
        *sum = sum.saturating_add(1);
    }

    /// Adds others.
    pub const fn add(&mut self, other: Self) {
        self.successes = self.successes.saturating_add(other.successes);
        self.refusals = self.refusals.saturating_add(other.refusals);
        self.misses = self.misses.saturating_add(other.misses);
        self.others = self.others.saturating_add(other.others);
    }

    /// All of them.
    pub const fn total(self) -> u64 {
        self.successes as u64 + self.refusals as u64 + self.misses as u64 + self.others as u64
    }
}

/// One object that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectUse {
    /// The keyed hash of its id.
    pub object: u64,
    /// Where the id stood.
    pub place: ObjectPlace,
    /// Its neighbourhood.
    pub near: Near,
    /// The first request for it.
    pub first_at: Timestamp,
    /// What became of the requests.
    pub outcomes: Outcomes,
}

impl ObjectUse {
    /// By which they are kept: the hash, then the place.
    pub const fn key(&self) -> (u64, ObjectPlace) {
        (self.object, self.place)
    }

    fn join(&mut self, other: &Self) {
        self.first_at = self.first_at.min(other.first_at);
        self.outcomes.add(other.outcomes);
    }
}

/// What one consumer did on one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDelta {
    /// By what the consumer is known; the strongest kind seen.
    pub kind: ConsumerKind,
    /// The first request.
    pub first_at: Timestamp,
    /// What became of the requests.
    pub outcomes: Outcomes,
    /// On the wire.
    pub response_bytes: u64,
    /// How long the answers took, together.
    pub service_us: u64,
    /// Records in answers that were looked into.
    pub records: u64,
    /// Successful answers that may have named more ids than are kept.
    pub blind: u64,
    /// The largest limit that was asked for and answered with success.
    pub limit: u64,
    /// The last part of a list that was asked for.
    pub page: u64,
    /// The most that GraphQL requests asked for.
    pub graph: GraphQuery,
    /// References to objects, those that are left out among them.
    pub references: u64,
    /// Those with the smallest hashes, ascending.
    pub objects: Vec<ObjectUse>,
    /// Keyed hashes of ids that answers named: the smallest, ascending.
    pub served: Vec<u64>,
}

impl AccessDelta {
    /// Objects that are kept.
    pub const OBJECTS_MAX: usize = 64;
    /// Ids in answers that are kept.
    pub const SERVED_MAX: usize = 256;

    /// Nothing done.
    pub const fn new(kind: ConsumerKind) -> Self {
        Self {
            kind,
            first_at: Timestamp::from_nanos(u64::MAX),
            outcomes: Outcomes { successes: 0, refusals: 0, misses: 0, others: 0 },
            response_bytes: 0,
            service_us: 0,
            records: 0,
            blind: 0,
            limit: 0,
            page: 0,
            graph: GraphQuery { depth: 0, aliases: 0, batch: 0 },
            references: 0,
            objects: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Notes an object that was asked for.
    pub fn add_object(&mut self, used: &ObjectUse) {
        self.references += 1;
        self.keep_object(used);
    }

    fn keep_object(&mut self, used: &ObjectUse) {
        let is_full = self.objects.len() >= Self::OBJECTS_MAX;
        // As mostly, where there are many: one look instead of a search through all of them.
        if is_full && self.objects.last().is_some_and(|last| last.key() < used.key()) {
            return;
        }
        match self.objects.binary_search_by_key(&used.key(), ObjectUse::key) {
            Ok(at) => {
                if let Some(known) = self.objects.get_mut(at) {
                    known.join(used);
                }
            }
            Err(at) if at < Self::OBJECTS_MAX => {
                self.objects.truncate(Self::OBJECTS_MAX - 1);
                self.objects.insert(at, *used);
            }
            Err(_) => {}
        }
    }

    /// Notes an id that an answer named.
    pub fn add_served(&mut self, object: u64) {
        if self.is_served_cut() && self.served.last().is_some_and(|&last| last < object) {
            return;
        }
        if let Err(at) = self.served.binary_search(&object)
            && at < Self::SERVED_MAX
        {
            self.served.truncate(Self::SERVED_MAX - 1);
            self.served.insert(at, object);
        }
    }

    /// Whether answers may have named more ids than are kept.
    pub const fn is_served_cut(&self) -> bool {
        self.served.len() >= Self::SERVED_MAX
    }

    /// References to objects that are not among those kept.
    pub fn left_out(&self) -> u64 {
        let kept: u64 = self.objects.iter().map(|used| used.outcomes.total()).sum();
        self.references.saturating_sub(kept)
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: &Self) {
        self.kind = self.kind.min(other.kind);
        self.first_at = self.first_at.min(other.first_at);
        self.outcomes.add(other.outcomes);
        self.response_bytes += other.response_bytes;
        self.service_us += other.service_us;
        self.records += other.records;
        self.blind += other.blind;
        self.limit = self.limit.max(other.limit);
        self.page = self.page.max(other.page);
        self.graph = self.graph.most(other.graph);
        self.references += other.references;
        other.objects.iter().for_each(|used| self.keep_object(used));
        other.served.iter().for_each(|&object| self.add_served(object));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(objects: &[u64]) -> AccessDelta {
        let mut access = AccessDelta::new(ConsumerKind::Session);
        for (at, &object) in objects.iter().enumerate() {
            let mut outcomes = Outcomes::default();
            outcomes.count(Some(if object % 3 == 0 { 404 } else { 200 }));
            access.add_object(&ObjectUse {
                object,
                place: ObjectPlace::Path(1),
                near: Near::default(),
                first_at: Timestamp::from_nanos(at as u64),
                outcomes,
            });
            access.add_served(object / 2);
        }
        access
    }

    proptest! {
        #[test]
        fn joining_is_what_one_would_have_seen(
            seen in prop::collection::vec(0u64..300, 0..400), cut in 0usize..400,
        ) {
            let (left, right) = seen.split_at(cut.min(seen.len()));
            let mut one = of(left);
            one.join(&of(right));
            let mut other = of(right);
            other.join(&of(left));
            prop_assert_eq!(&one.served, &of(&seen).served);
            prop_assert_eq!(one.references, seen.len() as u64);
            let keys = |access: &AccessDelta| {
                access.objects.iter().map(|used| (used.key(), used.outcomes)).collect::<Vec<_>>()
            };
            prop_assert_eq!(keys(&one), keys(&of(&seen)));
            prop_assert_eq!(one.left_out(), of(&seen).left_out());
            prop_assert_eq!(keys(&one), keys(&other));
        }
    }
}
