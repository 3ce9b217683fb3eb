//! worker → merge: everything one worker learned in one epoch, as mergeable state in integers.

mod access_table;
mod accesses;
mod attacks;
mod classes;
mod encrypted;
mod schema;
mod tags;
mod values;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use tapline_sketch::{Buckets, Kmv};

pub use self::access_table::{Access, AccessTable};
pub use self::accesses::{AccessDelta, AccessKey, ObjectUse, Outcomes};
pub use self::attacks::{AttackCounts, AttackDelta, AttackKey};
pub use self::classes::ClassCounts;
pub use self::encrypted::{CertificateDelta, EncryptedCounts, EncryptedDelta, EncryptedKey};
pub use self::schema::{FieldDelta, SchemaDelta};
pub use self::tags::{TagCounts, TagValue};
pub use self::values::{ValueCount, Values, Witnesses};

use crate::{
    AttemptKey, AuthSet, CallerPlaces, ConsumerKey, ConsumerKind, Epoch, Fact, FieldPart, Holder,
    Observation, Outcome, ParameterLocation, RouteKey, RouteName, Sampling, Timestamp, ValueKind,
};

/// Version of the serialised form; a reader refuses others.
pub const DELTA_VERSION: u16 = 8;

/// How many client addresses a consumer's delta names: the smallest ones.
const ADDRESSES_MAX: usize = 10;
/// How many hosts or redirect targets are named in one entry: the smallest ones.
const NAMES_MAX: usize = 4;
/// How many names of software are kept of a host: the smallest ones.
const SOFTWARE_MAX: usize = 16;
/// How many user agents of a consumer, and reflected origins of a route, are told apart.
const HASHES_MAX: usize = 8;
/// How many path-to-answer samples a host keeps: those with the smallest path hashes, so that two
/// hosts keep the same paths.
const ANSWERS_MAX: usize = 32;

/// Who made a delta, and for when. Two deltas with one id are the same delta.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct DeltaId {
    /// Which sensor.
    pub sensor: u64,
    /// Which run of it.
    pub incarnation: u64,
    /// Which second of capture time.
    pub epoch: Epoch,
    /// Which part of it: the worker.
    pub part: u16,
}

/// How often a parameter was present, and as what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterDelta {
    /// Transactions that had it.
    pub present: u64,
    /// By the type of its value.
    pub kinds: BTreeMap<ValueKind, u64>,
}

/// What one route saw.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDelta {
    // What every transaction changes lies together, in as few cache lines as it can (`repr(C)`).
    /// Earliest start.
    pub first_seen: Timestamp,
    /// Latest start.
    pub last_seen: Timestamp,
    /// Transactions with a request.
    pub requests: u64,
    /// Of those, the ones that may create an endpoint ([`crate::Gate::Learn`]).
    pub learnable: u64,
    /// Those, by where their callers are.
    pub places: CallerPlaces,
    /// Request bytes on the wire.
    pub request_bytes: Buckets,
    /// Response bytes on the wire.
    pub response_bytes: Buckets,
    /// Latency in microseconds.
    pub latency_us: Buckets,
    /// Distinct consumers.
    pub consumers: Kmv<64>,
    /// Transactions that were looked into, by status code, 0 without a response: of the smallest
    /// codes.
    pub looked_into: BTreeMap<u16, u64>,
    /// What they looked like, by part: the smallest parts.
    pub schemas: BTreeMap<FieldPart, SchemaDelta>,
    /// Records in an answer.
    pub records: Buckets,
    /// Of those, the ones that may create a candidate ([`crate::Gate::Candidate`]).
    pub refused: u64,
    /// What it is called.
    pub name: Arc<RouteName>,
    /// Of the learnable ones, redirects: count by keyed target, at most 4 targets.
    pub redirects: BTreeMap<u64, u64>,
    /// By status code; 0 counts those without a response.
    pub statuses: BTreeMap<u16, u64>,
    /// By credentials and what became of the request.
    pub auth: BTreeMap<(AuthSet, Outcome), u64>,
    /// Transactions that showed each fact; those that none showed are left out.
    pub facts: BTreeMap<Fact, u64>,
    /// Keyed hashes of foreign origins that could read the answer because they asked (the 8
    /// smallest).
    pub reflected_origins: BTreeSet<u64>,
    /// By media type of the request content.
    pub request_media: BTreeMap<CompactString, u64>,
    /// By media type of the response content.
    pub response_media: BTreeMap<CompactString, u64>,
    /// Distinct client addresses that got a 5xx, with how often (at most 10).
    pub error_clients: BTreeMap<IpAddr, u64>,
    /// Values that stood in parts that were cut.
    pub left_out: u64,
    /// By location and name.
    pub parameters: BTreeMap<(ParameterLocation, CompactString), ParameterDelta>,
}

impl RouteDelta {
    /// Parts whose documents are kept in one epoch.
    pub const PARTS_MAX: usize = 32;
    /// Status codes that are told apart where transactions were looked into.
    pub const STATUSES_MAX: usize = 64;

    /// A route nothing has been seen of.
    pub fn new(name: Arc<RouteName>) -> Self {
        Self {
            name,
            first_seen: Timestamp::from_nanos(u64::MAX),
            last_seen: Timestamp::ZERO,
            requests: 0,
            places: CallerPlaces::default(),
            learnable: 0,
            redirects: BTreeMap::new(),
            refused: 0,
            statuses: BTreeMap::new(),
            auth: BTreeMap::new(),
            facts: BTreeMap::new(),
            reflected_origins: BTreeSet::new(),
            request_media: BTreeMap::new(),
            response_media: BTreeMap::new(),
            request_bytes: Buckets::new(),
            response_bytes: Buckets::new(),
            latency_us: Buckets::new(),
            consumers: Kmv::new(),
            error_clients: BTreeMap::new(),
            looked_into: BTreeMap::new(),
            schemas: BTreeMap::new(),
            left_out: 0,
            records: Buckets::new(),
            parameters: BTreeMap::new(),
        }
    }

    /// Joins what another worker saw of the same route.
    pub fn join(&mut self, other: &Self) {
        self.join_counts(other);
        self.join_looked_into(other);
        self.join_schemas(other);
    }

    /// Joins how many transactions were looked into.
    pub fn join_looked_into(&mut self, other: &Self) {
        add_counts(&mut self.looked_into, &other.looked_into);
        keep_smallest(&mut self.looked_into, Self::STATUSES_MAX);
    }

    /// Joins all but what was found by looking into transactions, and how many those were.
    pub fn join_counts(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.requests += other.requests;
        self.places.join(&other.places);
        self.learnable += other.learnable;
        self.refused += other.refused;
        add_counts(&mut self.redirects, &other.redirects);
        keep_smallest(&mut self.redirects, NAMES_MAX);
        add_counts(&mut self.statuses, &other.statuses);
        add_counts(&mut self.auth, &other.auth);
        add_counts(&mut self.facts, &other.facts);
        self.reflected_origins.extend(&other.reflected_origins);
        keep_smallest_of(&mut self.reflected_origins, HASHES_MAX);
        add_counts(&mut self.request_media, &other.request_media);
        add_counts(&mut self.response_media, &other.response_media);
        self.request_bytes.merge(&other.request_bytes);
        self.response_bytes.merge(&other.response_bytes);
        self.latency_us.merge(&other.latency_us);
        self.records.merge(&other.records);
        self.consumers.merge(&other.consumers);
        add_counts(&mut self.error_clients, &other.error_clients);
        keep_smallest(&mut self.error_clients, ADDRESSES_MAX);
        for (name, theirs) in &other.parameters {
            if let Some(ours) = self.parameters.get_mut(name) {
                ours.present += theirs.present;
                add_counts(&mut ours.kinds, &theirs.kinds);
            } else {
                self.parameters.insert(name.clone(), theirs.clone());
            }
        }
    }

    /// Adds a transaction that was looked into: of one answered 400 or above, or not at all, only the
    /// answer, for what a server refuses says nothing about what it takes.
    pub fn learn_fields(&mut self, seen: &Observation) {
        let status = seen.status.unwrap_or(0);
        *self.looked_into.entry(status).or_default() += 1;
        if let Some(records) = seen.fields.records {
            self.records.record(records);
        }
        for document in &seen.fields.documents {
            let is_answer = matches!(document.part, FieldPart::Response(..));
            if !is_answer && !(1..400).contains(&status) {
                continue;
            }
            let notes = seen.fields.of(document);
            match self.schemas.get_mut(&document.part) {
                Some(schema) => schema.add(notes, seen.consumer.key),
                None => self
                    .schemas
                    .entry(document.part.clone())
                    .or_default()
                    .add(notes, seen.consumer.key),
            }
        }
        if self.schemas.len() > 2 * Self::PARTS_MAX
            || self.looked_into.len() > 2 * Self::STATUSES_MAX
        {
            self.bound();
        }
    }

    fn join_schemas(&mut self, other: &Self) {
        self.left_out += other.left_out;
        for (part, theirs) in &other.schemas {
            match self.schemas.get_mut(part) {
                Some(ours) => ours.join(theirs),
                None => {
                    self.schemas.insert(part.clone(), theirs.clone());
                }
            }
        }
        self.bound();
    }

    /// Keeps the smallest parts and places, and counts what stood in the others.
    pub fn bound(&mut self) {
        keep_smallest(&mut self.looked_into, Self::STATUSES_MAX);
        while self.schemas.len() > Self::PARTS_MAX
            && let Some((_, cut)) = self.schemas.pop_last()
        {
            self.left_out += cut.values();
        }
        self.schemas.values_mut().for_each(SchemaDelta::bound);
    }

    /// Counts a client that got a 5xx.
    pub fn count_error_client(&mut self, client: IpAddr) {
        *self.error_clients.entry(client).or_default() += 1;
        keep_smallest(&mut self.error_clients, ADDRESSES_MAX);
    }

    /// Notes a foreign origin that could read the answer because it asked.
    pub fn add_reflected_origin(&mut self, origin: u64) {
        self.reflected_origins.insert(origin);
        keep_smallest_of(&mut self.reflected_origins, HASHES_MAX);
    }

    /// Counts a redirect by the keyed hash of its target.
    pub fn count_redirect(&mut self, target: u64) {
        *self.redirects.entry(target).or_default() += 1;
        keep_smallest(&mut self.redirects, NAMES_MAX);
    }
}

/// What one host name saw, over all routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDelta {
    /// Transactions.
    pub requests: u64,
    /// By status class: index 0 is without a response, 1 to 5 are 1xx to 5xx.
    pub status_classes: [u64; 6],
    /// Request and response bytes on the wire.
    pub bytes: u64,
    /// Latency in microseconds.
    pub latency_us: Buckets,
    /// Servers that answered for it: the smallest ones, at most 10.
    pub servers: BTreeSet<SocketAddr>,
    /// Answer by path, both as keyed hashes, for the paths with the smallest hashes.
    pub answers: BTreeMap<u64, u64>,
    /// Transactions that showed each fact, those of routes that no endpoint has among them.
    pub facts: BTreeMap<Fact, u64>,
    /// Names of cookies by which callers can be known (the 8 smallest).
    pub session_cookies: BTreeSet<CompactString>,
    /// What made the answers, by their own account (the 16 smallest).
    pub software: BTreeSet<CompactString>,
}

impl HostDelta {
    /// How many servers are named: the smallest ones.
    pub const SERVERS_MAX: usize = ADDRESSES_MAX;
    /// How many answers are kept: those of the smallest paths.
    pub const ANSWERS_MAX: usize = ANSWERS_MAX;

    /// Joins what another worker saw.
    pub fn join(&mut self, other: &Self) {
        self.requests += other.requests;
        for (sum, count) in self.status_classes.iter_mut().zip(other.status_classes) {
            *sum += count;
        }
        self.bytes += other.bytes;
        self.latency_us.merge(&other.latency_us);
        self.servers.extend(&other.servers);
        while self.servers.len() > ADDRESSES_MAX {
            self.servers.pop_last();
        }
        for (&path, &answer) in &other.answers {
            self.add_answer(path, answer);
        }
        add_counts(&mut self.facts, &other.facts);
        self.session_cookies.extend(other.session_cookies.iter().cloned());
        keep_smallest_of(&mut self.session_cookies, HASHES_MAX);
        self.software.extend(other.software.iter().cloned());
        keep_smallest_of(&mut self.software, SOFTWARE_MAX);
    }

    /// Notes a cookie by which callers can be known.
    pub fn add_session_cookie(&mut self, name: &CompactString) {
        if !self.session_cookies.contains(name) {
            self.session_cookies.insert(name.clone());
            keep_smallest_of(&mut self.session_cookies, HASHES_MAX);
        }
    }

    /// Notes what made an answer.
    pub fn add_software(&mut self, name: &CompactString) {
        if !self.software.contains(name) {
            self.software.insert(name.clone());
            keep_smallest_of(&mut self.software, SOFTWARE_MAX);
        }
    }

    /// Counts a server that answered.
    pub fn add_server(&mut self, server: SocketAddr) {
        if self.servers.contains(&server) {
            return;
        }
        self.servers.insert(server);
        while self.servers.len() > ADDRESSES_MAX {
            self.servers.pop_last();
        }
    }

    /// Notes what a path was answered. Of two different answers the smaller hash stays, so that the
    /// order does not matter.
    pub fn add_answer(&mut self, path: u64, answer: u64) {
        // Most paths are not among the smallest.
        if self.answers.len() == ANSWERS_MAX
            && self.answers.last_key_value().is_some_and(|(&last, _)| last < path)
        {
            return;
        }
        self.answers.entry(path).and_modify(|known| *known = answer.min(*known)).or_insert(answer);
        keep_smallest(&mut self.answers, ANSWERS_MAX);
    }
}

/// What one server address carried, by what could be seen of it: the visibility ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerDelta {
    /// Flows begun.
    pub flows: u64,
    /// Plaintext HTTP.
    pub http_bytes: u64,
    /// TLS.
    pub tls_bytes: u64,
    /// Anything else.
    pub other_bytes: u64,
    /// Missing.
    pub gap_bytes: u64,
    /// Of all of those, in flows with one direction only.
    pub one_sided_bytes: u64,
}

impl ServerDelta {
    /// Joins what another worker saw.
    pub const fn join(&mut self, other: &Self) {
        self.flows += other.flows;
        self.http_bytes += other.http_bytes;
        self.tls_bytes += other.tls_bytes;
        self.other_bytes += other.other_bytes;
        self.gap_bytes += other.gap_bytes;
        self.one_sided_bytes += other.one_sided_bytes;
    }
}

/// What one consumer did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerDelta {
    /// By what it is known; the strongest kind seen.
    pub kind: ConsumerKind,
    /// Latest start.
    pub last_seen: Timestamp,
    /// Transactions with a request.
    pub requests: u64,
    /// Of those, answered 4xx.
    pub client_errors: u64,
    /// Of those, to routes that no endpoint has, and not answered 2xx or 3xx.
    pub unmatched: u64,
    /// Distinct routes among the unmatched.
    pub unmatched_routes: Kmv<64>,
    /// Hosts of the unmatched, with how often (at most 4).
    pub unmatched_hosts: BTreeMap<CompactString, u64>,
    /// Where it called from: the smallest addresses, at most 10.
    pub clients: BTreeSet<IpAddr>,
    /// Keyed hashes of its user agents (the 8 smallest).
    pub agents: BTreeSet<u64>,
    /// Its tokens and sessions, each with where and with what it was used (the 8 smallest).
    pub holders: BTreeSet<Holder>,
}

impl ConsumerDelta {
    /// How many client addresses are named: the smallest ones.
    pub const CLIENTS_MAX: usize = ADDRESSES_MAX;
    /// How many user agents are told apart: the smallest hashes.
    pub const AGENTS_MAX: usize = HASHES_MAX;
    /// How many uses of tokens and sessions are told apart: the smallest ones.
    pub const HOLDERS_MAX: usize = HASHES_MAX;

    /// A consumer nothing has been seen of.
    pub const fn new(kind: ConsumerKind) -> Self {
        Self {
            kind,
            last_seen: Timestamp::ZERO,
            requests: 0,
            client_errors: 0,
            unmatched: 0,
            unmatched_routes: Kmv::new(),
            unmatched_hosts: BTreeMap::new(),
            clients: BTreeSet::new(),
            agents: BTreeSet::new(),
            holders: BTreeSet::new(),
        }
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: &Self) {
        self.kind = self.kind.min(other.kind);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.unmatched += other.unmatched;
        self.unmatched_routes.merge(&other.unmatched_routes);
        add_counts(&mut self.unmatched_hosts, &other.unmatched_hosts);
        keep_smallest(&mut self.unmatched_hosts, NAMES_MAX);
        self.clients.extend(&other.clients);
        while self.clients.len() > ADDRESSES_MAX {
            self.clients.pop_last();
        }
        self.agents.extend(&other.agents);
        keep_smallest_of(&mut self.agents, HASHES_MAX);
        self.holders.extend(&other.holders);
        keep_smallest_of(&mut self.holders, HASHES_MAX);
    }

    /// Counts a host that was probed.
    pub fn count_unmatched_host(&mut self, host: &CompactString) {
        *self.unmatched_hosts.entry(host.clone()).or_default() += 1;
        keep_smallest(&mut self.unmatched_hosts, NAMES_MAX);
    }

    /// Counts an address it called from.
    pub fn add_client(&mut self, client: IpAddr) {
        if self.clients.contains(&client) {
            return;
        }
        self.clients.insert(client);
        while self.clients.len() > ADDRESSES_MAX {
            self.clients.pop_last();
        }
    }
}

/// Everything one worker learned in one epoch, or the join of many such.
///
/// Joining is commutative and associative; with ids it is idempotent, because the merge takes each
/// id once. All state is integers, so the order of a join never shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// [`DELTA_VERSION`].
    pub version: u16,
    /// Whose.
    pub id: DeltaId,
    /// By route.
    pub routes: BTreeMap<RouteKey, RouteDelta>,
    /// By host name.
    pub hosts: BTreeMap<CompactString, HostDelta>,
    /// By server address.
    pub servers: BTreeMap<SocketAddr, ServerDelta>,
    /// What TLS handshakes showed of servers.
    pub encrypted: EncryptedCounts,
    /// By consumer.
    pub consumers: BTreeMap<ConsumerKey, ConsumerDelta>,
    /// Values that looked like attacks.
    pub attacks: AttackCounts,
    /// What was tried against accounts and secrets, and how often; the fold bounds it.
    pub attempts: BTreeMap<AttemptKey, u64>,
    /// By consumer and route: only of routes that lead to endpoints.
    pub accesses: AccessTable,
    /// Observations that found a table full and were folded in part only.
    pub overflowed: u64,
    /// The least share of flows that was followed at any time of the epoch: less than all of them
    /// means that counts are of a part of the traffic, and that a fall in them says nothing.
    pub sampling: Sampling,
}

impl Delta {
    /// An empty delta.
    pub fn new(id: DeltaId) -> Self {
        Self { version: DELTA_VERSION, id, ..Self::default() }
    }

    /// Whether the worker learned nothing.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
            && self.hosts.is_empty()
            && self.servers.is_empty()
            && self.encrypted.handshakes == 0
            && self.consumers.is_empty()
            && self.attacks.notes == 0
            && self.attempts.is_empty()
            && self.accesses.is_empty()
            && self.overflowed == 0
    }

    /// Joins what another worker (or sensor) learned in the same epoch. Ids are the caller's care.
    pub fn join(&mut self, other: Self) {
        join_maps(&mut self.routes, other.routes, RouteDelta::join);
        join_maps(&mut self.hosts, other.hosts, HostDelta::join);
        join_maps(&mut self.servers, other.servers, ServerDelta::join);
        self.encrypted.join(other.encrypted);
        join_maps(&mut self.consumers, other.consumers, ConsumerDelta::join);
        self.attacks.join(other.attacks);
        join_maps(&mut self.attempts, other.attempts, |sum, count| *sum += count);
        self.accesses.join(other.accesses);
        self.overflowed += other.overflowed;
        self.sampling = self.sampling.max(other.sampling);
    }
}

/// What only one of them knows moves over whole.
fn join_maps<K: Ord, V>(ours: &mut BTreeMap<K, V>, theirs: BTreeMap<K, V>, join: fn(&mut V, &V)) {
    for (key, their) in theirs {
        match ours.entry(key) {
            Entry::Occupied(our) => join(our.into_mut(), &their),
            Entry::Vacant(slot) => {
                slot.insert(their);
            }
        }
    }
}

fn add_counts<K: Ord + Clone>(sums: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (key, count) in counts {
        match sums.get_mut(key) {
            Some(sum) => *sum += count,
            None => {
                sums.insert(key.clone(), *count);
            }
        }
    }
}

/// Cuts a map to its `max` smallest keys. Which keys stay depends on the set of keys alone, so a
/// bounded map still joins in any order; a count that stays is exact, because a key that was cut
/// once is cut in every order.
fn keep_smallest<K: Ord, V>(map: &mut BTreeMap<K, V>, max: usize) {
    while map.len() > max {
        map.pop_last();
    }
}

/// The same for a set.
fn keep_smallest_of<K: Ord>(set: &mut BTreeSet<K>, max: usize) {
    while set.len() > max {
        set.pop_last();
    }
}
