//! The worker half: one shard's observations of one epoch become its delta.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use tapline_model::{
    BehaviorStats, ConsumerDelta, ConsumerKey, Delta, DeltaId, DropReason, Epoch, Feedback,
    FlowRecord, Gate, HostDelta, Observation, ParameterSet, RouteDelta, RouteKey, SHARDS, ShardId,
};

use crate::Config;

/// Parameters of one route in one epoch.
const ROUTE_PARAMETERS_MAX: usize = 256;
/// Parameters of all routes of one shard in one epoch.
const SHARD_PARAMETERS_MAX: usize = 8_192;
/// Parameter sets of one route that are counted whole.
const SETS_MAX: usize = 8;
/// Media types of one route and direction in one epoch.
const MEDIA_MAX: usize = 16;
/// Status codes of one route in one epoch.
const STATUSES_MAX: usize = 64;
/// Stands for the servers beyond the cap and the flows whose server is not known, so that no byte
/// leaves the visibility ledger.
const OTHER_SERVERS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Folds the observations of one shard into one delta an epoch.
///
/// Apart from its caps it is a pure function of observations and feedback, and their order does not
/// matter: so traffic may be split over shards in any way, and the joined deltas are the same.
#[derive(Debug)]
pub struct Fold {
    /// Servers, what overflowed, and whose it is; the rest is gathered below and joins at the end.
    delta: Delta,
    routes: HashMap<RouteKey, Gathered>,
    hosts: HashMap<CompactString, HostDelta>,
    consumers: HashMap<ConsumerKey, ConsumerDelta>,
    caps: Caps,
    unknown_routes: usize,
    parameters: usize,
    stats: BehaviorStats,
}

/// What one route has seen in this epoch so far.
#[derive(Debug)]
struct Gathered {
    route: RouteDelta,
    /// Sets whose parameters all have their place, and how often they came since.
    sets: Vec<(Arc<ParameterSet>, u64)>,
}

/// One shard's part of the process totals.
#[derive(Clone, Copy, Debug)]
struct Caps {
    routes: usize,
    hosts: usize,
    consumers: usize,
    servers: usize,
}

impl Fold {
    /// An empty fold for one shard of one run of one sensor.
    pub fn new(config: &Config, sensor: u64, incarnation: u64, shard: ShardId) -> Self {
        let part =
            |total: u32| usize::try_from(total).unwrap_or(usize::MAX).div_ceil(SHARDS).max(1);
        Self {
            delta: Delta::new(DeltaId { sensor, incarnation, epoch: Epoch::default(), shard }),
            routes: HashMap::new(),
            hosts: HashMap::new(),
            consumers: HashMap::new(),
            caps: Caps {
                routes: part(config.delta_routes_max),
                hosts: part(config.delta_hosts_max),
                consumers: part(config.delta_consumers_max),
                servers: part(config.delta_servers_max),
            },
            unknown_routes: 0,
            parameters: 0,
            stats: BehaviorStats::default(),
        }
    }

    /// Takes one observation. What `feedback` knows is always admitted, since the inventory bounds
    /// it; the rest competes for the caps.
    pub fn observe(&mut self, observation: &Observation, feedback: &Feedback) {
        let known = feedback.knows(observation.route);
        // All three are tried, whatever becomes of the others.
        let whole = [
            self.fold_route(observation, known),
            self.fold_host(observation, known),
            self.fold_consumer(observation, known),
        ];
        self.stats.observations.received += 1;
        if whole.contains(&false) {
            self.delta.overflowed += 1;
            self.stats.observations.drop(DropReason::DeltaFull, 1);
        } else {
            self.stats.observations.processed += 1;
        }
    }

    /// Takes what one flow carried. Servers beyond the cap are summed under `0.0.0.0:0`.
    pub fn flow(&mut self, record: &FlowRecord) {
        let servers = &mut self.delta.servers;
        let server = record.server.unwrap_or(OTHER_SERVERS);
        let admitted = servers.contains_key(&server) || servers.len() < self.caps.servers;
        let entry = servers.entry(if admitted { server } else { OTHER_SERVERS }).or_default();
        entry.flows += u64::from(record.opened);
        entry.http_bytes += record.http_bytes;
        entry.tls_bytes += record.tls_bytes;
        entry.other_bytes += record.other_bytes;
        entry.gap_bytes += record.gap_bytes;
        entry.one_sided_bytes += record.one_sided_bytes;
    }

    /// Hands over what was learned since the last call, as the delta of `epoch`. None when nothing
    /// was.
    pub fn seal(&mut self, epoch: Epoch) -> Option<Delta> {
        self.delta.routes.extend(self.routes.drain().map(|(key, seen)| (key, seen.settle())));
        self.delta.hosts.extend(self.hosts.drain());
        self.delta.consumers.extend(self.consumers.drain());
        self.unknown_routes = 0;
        self.parameters = 0;
        if self.delta.is_empty() {
            return None;
        }
        let id = self.delta.id;
        let mut sealed = std::mem::replace(&mut self.delta, Delta::new(id));
        sealed.id.epoch = epoch;
        Some(sealed)
    }

    /// Counters since start.
    pub const fn stats(&self) -> BehaviorStats {
        self.stats
    }

    /// Whether all of it found room.
    fn fold_route(&mut self, observation: &Observation, known: bool) -> bool {
        let Self { routes, caps, unknown_routes, parameters, .. } = self;
        let seen = match routes.entry(observation.route) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(slot) => {
                if !known {
                    if *unknown_routes >= caps.routes {
                        return false;
                    }
                    *unknown_routes += 1;
                }
                slot.insert(Gathered::new(observation))
            }
        };
        let route = &mut seen.route;
        count_request(route, observation);
        let counted = count(&mut route.statuses, &observation.status.unwrap_or(0), STATUSES_MAX);
        // What a server refuses says nothing about what it takes.
        let taught = observation.status.is_none_or(|status| status >= 400)
            || seen.learn_content(observation, parameters);
        counted && taught
    }

    fn fold_host(&mut self, observation: &Observation, known: bool) -> bool {
        let Self { hosts, caps, .. } = self;
        let is_full = !known && hosts.len() >= caps.hosts;
        let host = match hosts.get_mut(&observation.name.host) {
            Some(host) => host,
            None if is_full => return false,
            None => hosts.entry(observation.name.host.clone()).or_default(),
        };
        let status = observation.status.unwrap_or(0);
        host.requests += 1;
        if let Some(sum) = host.status_classes.get_mut(usize::from(status / 100)) {
            *sum += 1;
        }
        host.bytes += observation.request_bytes + observation.response_bytes;
        if let Some(latency_ns) = observation.latency_ns {
            host.latency_us.record(latency_ns / 1_000);
        }
        host.add_server(observation.server);
        // Only what was fetched tells hosts apart: errors look alike on every host of a server.
        if let Some(answer_hash) = observation.answer_hash
            && observation.name.method == "GET"
            && (200..400).contains(&status)
        {
            host.add_answer(observation.path_hash, answer_hash);
        }
        true
    }

    fn fold_consumer(&mut self, observation: &Observation, known: bool) -> bool {
        let Self { consumers, caps, .. } = self;
        let seen = observation.consumer;
        let is_full = consumers.len() >= caps.consumers;
        let consumer = match consumers.entry(seen.key) {
            Entry::Occupied(consumer) => consumer.into_mut(),
            Entry::Vacant(_) if is_full => return false,
            Entry::Vacant(slot) => slot.insert(ConsumerDelta::new(seen.kind)),
        };
        consumer.kind = consumer.kind.min(seen.kind);
        consumer.last_seen = consumer.last_seen.max(observation.started_at);
        consumer.requests += 1;
        consumer.add_client(observation.client);
        if observation.status.is_some_and(|status| (400..500).contains(&status)) {
            consumer.client_errors += 1;
        }
        if !known && !is_answered_by_something(observation.status) {
            consumer.unmatched += 1;
            consumer.unmatched_routes.insert(observation.route.0);
            consumer.count_unmatched_host(&observation.name.host);
        }
        true
    }
}

impl Gathered {
    fn new(observation: &Observation) -> Self {
        let route = RouteDelta::new(Arc::clone(&observation.name));
        Self { route, sets: Vec::new() }
    }

    /// Media types and parameters; whether all found room.
    fn learn_content(&mut self, seen: &Observation, parameters: &mut usize) -> bool {
        let Self { route, sets } = self;
        let mut whole = seen.request_media.is_empty()
            || count(&mut route.request_media, &seen.request_media, MEDIA_MAX);
        whole &= seen.response_media.is_empty()
            || count(&mut route.response_media, &seen.response_media, MEDIA_MAX);
        route.bodies_read += u64::from(seen.bodies_read);
        for set in &seen.parameters {
            if let Some((_, times)) = sets.iter_mut().find(|(known, _)| Arc::ptr_eq(known, set)) {
                *times += 1;
            } else if !learn_set(route, set, parameters) {
                whole = false;
            } else if sets.len() < SETS_MAX {
                sets.push((Arc::clone(set), 0));
            }
        }
        whole
    }

    /// What it comes to.
    fn settle(self) -> RouteDelta {
        let Self { mut route, sets } = self;
        for (set, times) in sets.into_iter().filter(|&(_, times)| times > 0) {
            for shape in &set.shapes {
                let name = (shape.location, shape.name.clone());
                if let Some(parameter) = route.parameters.get_mut(&name) {
                    parameter.present += times;
                    *parameter.kinds.entry(shape.kind).or_default() += times;
                }
            }
        }
        route
    }
}

/// Whether the answer shows that the route leads somewhere: success, redirect, or a refusal for
/// want of rights.
const fn is_answered_by_something(status: Option<u16>) -> bool {
    matches!(status, Some(200..=399 | 401 | 403))
}

fn count_request(route: &mut RouteDelta, observation: &Observation) {
    route.first_seen = route.first_seen.min(observation.started_at);
    route.last_seen = route.last_seen.max(observation.started_at);
    route.requests += 1;
    match observation.gate {
        Gate::Learn => {
            route.learnable += 1;
            if let Some(target) = observation.redirect_hash {
                route.count_redirect(target);
            }
        }
        Gate::Candidate => route.refused += 1,
        Gate::MatchOnly => {}
    }
    *route.auth.entry(observation.auth).or_default() += 1;
    route.request_bytes.record(observation.request_bytes);
    route.response_bytes.record(observation.response_bytes);
    if let Some(latency_ns) = observation.latency_ns {
        route.latency_us.record(latency_ns / 1_000);
    }
    route.consumers.insert(observation.consumer.key.0);
    if observation.status.is_some_and(|status| (500..600).contains(&status)) {
        route.count_error_client(observation.client);
    }
}

/// Notes every parameter of a set; whether all found room.
fn learn_set(route: &mut RouteDelta, set: &ParameterSet, parameters: &mut usize) -> bool {
    let mut whole = true;
    for shape in &set.shapes {
        let name: (_, CompactString) = (shape.location, shape.name.clone());
        if !route.parameters.contains_key(&name) {
            if route.parameters.len() >= ROUTE_PARAMETERS_MAX || *parameters >= SHARD_PARAMETERS_MAX
            {
                whole = false;
                continue;
            }
            *parameters += 1;
        }
        let parameter = route.parameters.entry(name).or_default();
        parameter.present += 1;
        *parameter.kinds.entry(shape.kind).or_default() += 1;
    }
    whole
}

/// Counts `key` unless it is new and the table holds `max` already.
fn count<K: Ord + Clone>(counts: &mut BTreeMap<K, u64>, key: &K, max: usize) -> bool {
    if let Some(count) = counts.get_mut(key) {
        *count += 1;
    } else if counts.len() < max {
        counts.insert(key.clone(), 1);
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use smallvec::SmallVec;
    use tapline_model::{
        AnomalySet, AuthKind, AuthSet, Completeness, Consumer, ConsumerKey, ConsumerKind,
        ParameterLocation, ParameterShape, RouteFeedback, RouteName, Template, Timestamp,
        ValueKind,
    };

    use super::*;
    use crate::Sealer;

    fn sent(shapes: impl IntoIterator<Item = ParameterShape>) -> SmallVec<[Arc<ParameterSet>; 4]> {
        SmallVec::from_iter([Arc::new(ParameterSet { shapes: shapes.into_iter().collect() })])
    }

    fn known(routes: [u64; 2]) -> Feedback {
        let known = |route| (RouteKey(route), RouteFeedback { bodies_one_in: 1 });
        Feedback::with_routes(Epoch(9), routes.map(known))
    }

    fn observation(route: u64, consumer: u64, status: Option<u16>) -> Observation {
        let client = IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(consumer % 200).unwrap()));
        Observation {
            started_at: Timestamp::from_seconds(100),
            ended_at: Timestamp::from_seconds(100),
            route: RouteKey(route),
            name: Arc::new(RouteName {
                host: format!("host{}", route % 3).into(),
                method: "GET".into(),
                template: Template::default(),
            }),
            path_hash: route * 31,
            answer_hash: Some(route * 17),
            gate: match status {
                Some(200..=399) => Gate::Learn,
                Some(401 | 403) => Gate::Candidate,
                _ => Gate::MatchOnly,
            },
            redirect_hash: matches!(status, Some(300..=399)).then_some(route % 7),
            consumer: Consumer { key: ConsumerKey(consumer), kind: ConsumerKind::Address },
            client,
            server: "10.9.9.9:80".parse().unwrap(),
            auth: AuthSet::NONE,
            status,
            completeness: Completeness::Whole,
            request_bytes: 300,
            response_bytes: 9_000,
            latency_ns: Some(2_000_000),
            request_media: CompactString::default(),
            response_media: "application/json".into(),
            parameters: sent([ParameterShape {
                location: ParameterLocation::Query,
                name: "page".into(),
                kind: ValueKind::Integer,
            }]),
            bodies_read: true,
            anomalies: AnomalySet::default(),
        }
    }

    fn fold_of(shard: u64) -> Fold {
        Fold::new(&Config::default(), 1, 2, ShardId::from_hash(shard << 32))
    }

    fn small() -> Fold {
        let config = Config {
            delta_routes_max: 64,
            delta_hosts_max: 64,
            delta_consumers_max: 64,
            delta_servers_max: 64,
            ..Config::default()
        };
        Fold::new(&config, 1, 2, ShardId::default())
    }

    /// Folds observations on one shard and seals them as epoch 100.
    fn fold_all<'a>(shard: u64, seen: impl IntoIterator<Item = &'a Observation>) -> Option<Delta> {
        let feedback = known([1, 2]);
        let mut fold = fold_of(shard);
        for observation in seen {
            fold.observe(observation, &feedback);
        }
        assert!(fold.stats().observations.is_balanced());
        fold.seal(Epoch(100))
    }

    #[test]
    fn nothing_learned_is_no_delta() {
        let mut fold = fold_of(3);
        assert_eq!(fold.seal(Epoch(5)), None);
        fold.observe(&observation(1, 1, Some(200)), &Feedback::default());
        let delta = fold.seal(Epoch(6)).unwrap();
        assert_eq!((delta.id.sensor, delta.id.incarnation, delta.id.epoch), (1, 2, Epoch(6)));
        assert_eq!(delta.id.shard, ShardId::from_hash(3 << 32));
        assert_eq!(fold.seal(Epoch(7)), None);
    }

    #[test]
    fn an_observation_is_folded_into_route_host_and_consumer() {
        let seen = observation(5, 9, Some(503));
        let delta = fold_all(0, [&seen]).unwrap();
        let route = &delta.routes[&RouteKey(5)];
        assert_eq!((route.requests, route.learnable, route.refused), (1, 0, 0));
        assert_eq!(route.statuses[&503], 1);
        assert_eq!(route.error_clients[&seen.client], 1);
        let host = &delta.hosts["host2"];
        assert_eq!((host.requests, host.bytes), (1, 9_300));
        assert_eq!(host.status_classes, [0, 0, 0, 0, 0, 1]);
        assert!(host.answers.is_empty());
        let consumer = &delta.consumers[&ConsumerKey(9)];
        assert_eq!((consumer.requests, consumer.unmatched, consumer.client_errors), (1, 1, 0));
    }

    #[test]
    fn a_refused_request_does_not_teach_its_content() {
        let teaches = |status| {
            let delta = fold_all(0, [&observation(5, 9, status)]).unwrap();
            let route = &delta.routes[&RouteKey(5)];
            assert_eq!(route.latency_us.total(), 1);
            assert_eq!(route.parameters.is_empty(), route.response_media.is_empty());
            !route.parameters.is_empty()
        };
        assert!(teaches(Some(200)) && teaches(Some(302)));
        assert!(!teaches(Some(400)) && !teaches(Some(500)) && !teaches(None));
    }

    #[test]
    fn unmatched_is_what_leads_nowhere() {
        let unmatched = |route, status| {
            let delta = fold_all(0, [&observation(route, 9, status)]).unwrap();
            let consumer = &delta.consumers[&ConsumerKey(9)];
            assert_eq!(consumer.unmatched, consumer.unmatched_routes.distinct());
            consumer.unmatched == 1
        };
        assert!(!unmatched(1, Some(404)), "feedback knows route 1");
        assert!(unmatched(5, Some(404)) && unmatched(5, Some(500)) && unmatched(5, None));
        for status in [200, 204, 302, 401, 403] {
            assert!(!unmatched(5, Some(status)), "{status}");
        }
    }

    #[test]
    fn known_routes_are_admitted_beyond_the_cap() {
        let feedback = known([7, 8]);
        let mut fold = small();
        for route in [1, 2, 7, 8] {
            fold.observe(&observation(route, 1, Some(200)), &feedback);
        }
        let observations = fold.stats().observations;
        assert_eq!((observations.received, observations.processed), (4, 3));
        assert_eq!(observations.dropped[DropReason::DeltaFull as usize], 1);
        let delta = fold.seal(Epoch(1)).unwrap();
        assert_eq!(delta.routes.keys().map(|key| key.0).collect::<Vec<_>>(), [1, 7, 8]);
        assert_eq!(delta.overflowed, 1);
    }

    #[test]
    fn a_flood_of_names_stays_within_the_caps() {
        let mut fold = fold_of(0);
        let mut flood = observation(1, 1, Some(200));
        for count in 0..50_000u64 {
            flood.route = RouteKey(count % 3_000);
            flood.consumer.key = ConsumerKey(count);
            flood.name =
                Arc::new(RouteName { host: format!("h{count}").into(), ..Default::default() });
            flood.request_media = format!("a/{count}").into();
            flood.status = Some(u16::try_from(count % 300).unwrap() + 100);
            flood.parameters = sent([ParameterShape {
                location: ParameterLocation::Query,
                name: format!("p{count}").into(),
                kind: ValueKind::Integer,
            }]);
            fold.observe(&flood, &Feedback::default());
        }
        assert!(fold.stats().observations.is_balanced());
        let delta = fold.seal(Epoch(1)).unwrap();
        let config = Config::default();
        let part = |total: u32| usize::try_from(total).unwrap() / SHARDS;
        assert_eq!(delta.routes.len(), part(config.delta_routes_max));
        assert_eq!(delta.hosts.len(), part(config.delta_hosts_max));
        assert_eq!(delta.consumers.len(), part(config.delta_consumers_max));
        let parameters: usize = delta.routes.values().map(|route| route.parameters.len()).sum();
        assert!(parameters <= SHARD_PARAMETERS_MAX);
        for route in delta.routes.values() {
            assert!(route.parameters.len() <= ROUTE_PARAMETERS_MAX);
            assert!(route.request_media.len() <= MEDIA_MAX);
            assert!(route.statuses.len() <= STATUSES_MAX);
        }
        // What the epoch used up is free again in the next.
        fold.observe(&observation(77, 1, Some(200)), &Feedback::default());
        assert_eq!(fold.seal(Epoch(2)).unwrap().overflowed, 0);
    }

    #[test]
    fn bytes_of_servers_beyond_the_cap_are_kept_together() {
        let mut fold = small();
        for port in 1..=5 {
            let server = Some(SocketAddr::from(([10, 0, 0, 1], port)));
            let record =
                FlowRecord { server, opened: true, http_bytes: 100, ..FlowRecord::default() };
            fold.flow(&record);
        }
        fold.flow(&FlowRecord { gap_bytes: 7, ..FlowRecord::default() });
        let delta = fold.seal(Epoch(1)).unwrap();
        assert_eq!(delta.servers.len(), 2);
        let others = delta.servers[&OTHER_SERVERS];
        assert_eq!((others.flows, others.http_bytes, others.gap_bytes), (4, 400, 7));
    }

    fn arbitrary_observation() -> impl Strategy<Value = Observation> {
        let status = prop_oneof![
            Just(None),
            prop::sample::select(vec![200u16, 201, 302, 400, 401, 403, 404, 500, 503])
                .prop_map(Some)
        ];
        (
            0u64..40,
            0u64..40,
            status,
            0u64..1_000,
            prop::collection::vec(0u8..6, 0..4),
            any::<bool>(),
        )
            .prop_map(|(route, consumer, status, size, names, keyed)| {
                let mut seen = observation(route, consumer, status);
                seen.started_at = Timestamp::from_nanos(100_000_000_000 + size * 1_000);
                seen.request_bytes = size;
                seen.response_bytes = size * size;
                seen.latency_ns = (size % 5 != 0).then_some(size * 10_000);
                seen.server.set_port(u16::try_from(size % 30).unwrap());
                seen.answer_hash = Some(size % 3);
                if keyed {
                    seen.auth.insert(AuthKind::Bearer);
                    seen.consumer.kind = ConsumerKind::Credential;
                }
                let names: BTreeSet<u8> = names.into_iter().collect();
                seen.parameters = sent(names.into_iter().map(|name| ParameterShape {
                    location: ParameterLocation::Body,
                    name: format!("n{name}").into(),
                    kind: if size % 2 == 0 { ValueKind::Integer } else { ValueKind::Null },
                }));
                seen
            })
    }

    proptest! {
           #![proptest_config(ProptestConfig::with_cases(48))]

           #[test]
           fn split_over_any_shards_and_joined_it_is_one_fold(
               seen in prop::collection::vec((arbitrary_observation(), 0u64..6), 1..250),
               order in any::<prop::sample::Index>(),
           ) {
               let whole = fold_all(0, seen.iter().map(|(observation, _)| observation)).unwrap();
               let mut parts: Vec<Delta> = (0..6)
                   .filter_map(|shard| {
                       fold_all(shard, seen.iter().filter(|(_, of)| *of == shard).map(|(o, _)| o))
                   })
                   .collect();
               let turn = order.index(parts.len());
               parts.rotate_left(turn);

               // Through the sealer, every delta twice.
               let mut sealer = Sealer::new(None, 1);
               for part in parts.iter().chain(parts.iter().rev()) {
                   sealer.insert(part.clone());
               }
               sealer.watermark(0, Epoch(100));
               let (epoch, joined) = sealer.next_sealed().unwrap();
               prop_assert_eq!(epoch, Epoch(100));
               prop_assert!(sealer.next_sealed().is_none());
               prop_assert!(sealer.stats().deltas.is_balanced());
               prop_assert_eq!(&Delta { id: whole.id, ..joined }, &whole);

               // Grouped otherwise: the second half first joined by itself.
               let (left, right) = parts.split_at(parts.len() / 2);
               let join = |all: &[Delta]| {
                   let mut sum = Delta::new(whole.id);
                   for part in all {
    sum.join(part.clone());
    }
                   sum
               };
               let (mut sum, other) = (join(right), join(left));
               sum.join(other);
               prop_assert_eq!(&sum, &whole);
           }

           #[test]
           fn a_delta_survives_serialisation(
            seen in prop::collection::vec(arbitrary_observation(), 1..60),
        ) {
               let delta = fold_all(1, &seen).unwrap();
               let bytes = postcard::to_allocvec(&delta).unwrap();
               prop_assert_eq!(postcard::from_bytes::<Delta>(&bytes).unwrap(), delta);
           }
       }
}
