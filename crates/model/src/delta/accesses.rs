//! What one consumer did on one route in one epoch.

use serde::{Deserialize, Serialize};

use crate::{ConsumerKey, ConsumerKind, GraphQuery, Near, ObjectPlace, RouteKey, Timestamp};

/// So many notes are looked through one by one.
const FEW_MAX: usize = 24;

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

    /// In which they are listed: as they were first asked for.
    const fn order(&self) -> (Timestamp, ObjectPlace, u64) {
        (self.first_at, self.place, self.object)
    }

    const fn join(&mut self, other: &Self) {
        if other.first_at.nanos() < self.first_at.nanos() {
            self.first_at = other.first_at;
        }
        self.outcomes.add(other.outcomes);
    }
}

/// What one consumer did on one route, but for the objects.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDelta {
    // What every transaction changes lies together, in as few cache lines as it can (`repr(C)`).
    /// The first request.
    pub first_at: Timestamp,
    /// What became of the requests.
    pub outcomes: Outcomes,
    /// On the wire.
    pub response_bytes: u64,
    /// How long the answers took, together.
    pub service_us: u64,
    /// References to objects, those that are left out among them.
    pub references: u64,
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
    /// By what the consumer is known; the strongest kind seen.
    pub kind: ConsumerKind,
}

impl AccessDelta {
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
        }
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
    }
}

impl ObjectUse {
    /// Objects that are kept of one access.
    pub const KEPT_MAX: usize = 64;

    /// Brings what was noted of one access to what is kept of it: every object once, of those the
    /// ones with the smallest hashes, in the order in which they were first asked for.
    pub fn settle(noted: &mut Vec<Self>) {
        if noted.len() <= FEW_MAX {
            join_few(noted);
        } else {
            noted.sort_unstable_by_key(Self::key);
            noted.dedup_by(|next, kept| {
                let is_same = next.key() == kept.key();
                if is_same {
                    kept.join(next);
                }
                is_same
            });
            noted.truncate(Self::KEPT_MAX);
        }
        // As they mostly come.
        if !noted.is_sorted_by_key(Self::order) {
            noted.sort_unstable_by_key(Self::order);
        }
    }
}

/// Leaves every object once; where there are few, looking through them costs less than sorting.
fn join_few(noted: &mut Vec<ObjectUse>) {
    let mut kept: usize = 0;
    for at in 0..noted.len() {
        let Some((next, before)) = noted.get_mut(..=at).and_then(<[_]>::split_last_mut) else {
            continue;
        };
        let known = before.iter_mut().take(kept).find(|known| known.key() == next.key());
        if let Some(known) = known {
            known.join(next);
        } else {
            noted.swap(kept, at);
            kept += 1;
        }
    }
    noted.truncate(kept);
}
