//! What a fold makes of observations, however its shards are split.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use compact_str::CompactString;
use proptest::prelude::*;
use smallvec::SmallVec;
use tapline_model::{
    AccessKey, AnomalySet, AttackNotes, Attempt, AttemptKind, Attempts, AuthKind, AuthSet,
    CallerPlace, Completeness, Consumer, ConsumerKey, ConsumerKind, Fact, FactSet, FieldNotes,
    Gate, Key, Near, ObjectPlace, ObjectRef, Objects, Outcomes, ParameterLocation, ParameterSet,
    ParameterShape, RouteFeedback, RouteKey, RouteName, SHARDS, Template, Timestamp, ValueKind,
};

use super::content::{ROUTE_PARAMETERS_MAX, SHARD_PARAMETERS_MAX};
use super::routes::{MEDIA_MAX, STATUSES_MAX};
use super::servers::OTHER_SERVERS;
use super::*;
use crate::Sealer;

fn sent(shapes: impl IntoIterator<Item = ParameterShape>) -> SmallVec<[Arc<ParameterSet>; 4]> {
    SmallVec::from_iter([Arc::new(ParameterSet { shapes: shapes.into_iter().collect() })])
}

fn known(routes: [u64; 2]) -> Feedback {
    let known = |route| (RouteKey(route), RouteFeedback { bodies_one_in: 1 });
    Feedback::with_routes(Epoch(9), routes.map(known))
}

fn facts(route: u64, consumer: u64) -> FactSet {
    let mut facts = FactSet::EMPTY;
    for (&fact, place) in Fact::ALL.iter().zip(0..) {
        facts.insert_if(fact, (route + consumer).is_multiple_of(2 + place));
    }
    facts
}

/// Every fourth route is one where something is tried.
fn attempts(route: u64, consumer: u64) -> Attempts {
    let secret = u32::try_from(consumer % 3).unwrap();
    let tried = Attempt { kind: AttemptKind::Login, account: consumer % 7, secret };
    let tried = route.is_multiple_of(4).then_some(tried).into_iter().collect();
    Attempts { tried, tool: consumer % 2, ..Attempts::default() }
}

fn objects(route: u64, consumer: u64) -> Objects {
    let mut objects = Objects { limit: consumer % 90, page: route % 7, ..Objects::default() };
    for object in 0..consumer % 4 {
        let object = route * 1_000 + consumer * 10 + object;
        let place = ObjectPlace::Path(u8::try_from(route % 3).unwrap());
        objects.ask(ObjectRef { place, object, near: Near::of(&Key::fixed(), object) });
        objects.serve(object * 3);
    }
    objects
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
        client_place: CallerPlace::ALL[usize::try_from(consumer % 3).unwrap()],
        server: "10.9.9.9:80".parse().unwrap(),
        credential: consumer % 4,
        auth: AuthSet::NONE,
        facts: facts(route, consumer),
        software: Some(Arc::from([format!("nginx/1.{}", consumer % 20).into()])),
        session_cookie: consumer.is_multiple_of(3).then(|| format!("c{}", consumer % 12).into()),
        reflected_origin: route.is_multiple_of(2).then_some(consumer % 12),
        agent: consumer % 5,
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
        fields: FieldNotes::default(),
        attempts: attempts(route, consumer),
        objects: objects(route, consumer),
        anomalies: AnomalySet::default(),
        attacks: AttackNotes::default(),
    }
}

fn shard(index: u64) -> ShardId {
    ShardId::from_hash(index << 32)
}

fn query(name: &str) -> ParameterShape {
    let (location, kind) = (ParameterLocation::Query, ValueKind::Integer);
    ParameterShape { location, name: name.into(), kind }
}

fn fold_of(part: u16) -> Fold {
    Fold::new(&Config::default(), 1, 2, part)
}

fn small() -> Fold {
    let config = Config {
        delta_routes_max: 64,
        delta_hosts_max: 64,
        delta_consumers_max: 64,
        delta_servers_max: 64,
        delta_attempts_max: 64,
        ..Config::default()
    };
    Fold::new(&config, 1, 2, 0)
}

/// Folds observations of one shard and seals them as epoch 100.
fn fold_all<'a>(seen: impl IntoIterator<Item = &'a Observation>) -> Option<Delta> {
    let feedback = known([1, 2]);
    let mut fold = fold_of(0);
    for observation in seen {
        fold.observe(shard(0), observation, &feedback);
    }
    assert!(fold.stats().observations.is_balanced());
    fold.seal(Epoch(100))
}

#[test]
fn nothing_learned_is_no_delta() {
    let mut fold = fold_of(3);
    assert_eq!(fold.seal(Epoch(5)), None);
    fold.observe(shard(0), &observation(1, 1, Some(200)), &Feedback::default());
    let delta = fold.seal(Epoch(6)).unwrap();
    assert_eq!((delta.id.sensor, delta.id.incarnation, delta.id.epoch), (1, 2, Epoch(6)));
    assert_eq!(delta.id.part, 3);
    assert_eq!(fold.seal(Epoch(7)), None);
}

#[test]
fn an_observation_is_folded_into_route_host_and_consumer() {
    let seen = observation(5, 9, Some(503));
    let delta = fold_all([&seen]).unwrap();
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
        let delta = fold_all([&observation(5, 9, status)]).unwrap();
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
        let delta = fold_all([&observation(route, 9, status)]).unwrap();
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
fn equal_attempts_are_counted_together_and_bounded() {
    let seen = [4, 4, 8, 5].map(|route| observation(route, 1, Some(401)));
    let delta = fold_all(&seen).unwrap();
    let counts: Vec<_> = delta.attempts.iter().map(|(key, count)| (key.route.0, *count)).collect();
    assert_eq!(counts, [(4, 2), (8, 1)]);
    let mut fold = small();
    for consumer in [1, 2] {
        fold.observe(shard(0), &observation(4, consumer, None), &known([4, 8]));
    }
    let delta = fold.seal(Epoch(100)).unwrap();
    assert_eq!((delta.attempts.len(), delta.overflowed), (1, 1));
}

#[test]
fn known_routes_are_admitted_beyond_the_cap() {
    let feedback = known([7, 8]);
    let mut fold = small();
    for route in [1, 2, 7, 8] {
        fold.observe(shard(0), &observation(route, 1, Some(200)), &feedback);
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
        flood.route = RouteKey(count);
        flood.consumer.key = ConsumerKey(count);
        flood.name = Arc::new(RouteName { host: format!("h{count}").into(), ..Default::default() });
        flood.request_media = format!("a/{count}").into();
        flood.status = Some(u16::try_from(count % 300).unwrap() + 100);
        flood.parameters = sent([ParameterShape {
            location: ParameterLocation::Query,
            name: format!("p{count}").into(),
            kind: ValueKind::Integer,
        }]);
        fold.observe(shard(0), &flood, &Feedback::default());
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
        assert!(route.request_media.len() <= usize::from(MEDIA_MAX));
        assert!(route.statuses.len() <= usize::from(STATUSES_MAX));
    }
    // What the epoch used up is free again in the next.
    fold.observe(shard(0), &observation(77, 1, Some(200)), &Feedback::default());
    assert_eq!(fold.seal(Epoch(2)).unwrap().overflowed, 0);
}

#[test]
fn bytes_of_servers_beyond_the_cap_are_kept_together() {
    let mut fold = small();
    for port in 1..=5 {
        let server = Some(SocketAddr::from(([10, 0, 0, 1], port)));
        let record = FlowRecord { server, opened: true, http_bytes: 100, ..FlowRecord::default() };
        fold.flow(shard(0), &record);
    }
    fold.flow(shard(0), &FlowRecord { gap_bytes: 7, ..FlowRecord::default() });
    let delta = fold.seal(Epoch(1)).unwrap();
    assert_eq!(delta.servers.len(), 2);
    let others = delta.servers[&OTHER_SERVERS];
    assert_eq!((others.flows, others.http_bytes, others.gap_bytes), (4, 400, 7));
}

#[test]
fn a_flood_on_one_route_stays_within_its_caps() {
    let mut fold = fold_of(0);
    let mut flood = observation(1, 1, Some(200));
    for count in 0..5_000u64 {
        flood.request_media = format!("a/{count}").into();
        flood.status = Some(u16::try_from(count % 300).unwrap() + 100);
        flood.parameters = sent([query(&format!("p{count}"))]);
        fold.observe(shard(count % 2), &flood, &Feedback::default());
    }
    let delta = fold.seal(Epoch(1)).unwrap();
    let route = &delta.routes[&RouteKey(1)];
    assert_eq!(route.parameters.len(), 2 * ROUTE_PARAMETERS_MAX);
    assert_eq!(route.request_media.len(), 2 * usize::from(MEDIA_MAX));
    assert_eq!(route.statuses.len(), 2 * usize::from(STATUSES_MAX));
}

#[test]
fn what_was_not_seen_again_is_not_in_the_next_delta() {
    let mut fold = fold_of(0);
    let feedback = Feedback::default();
    for route in [3, 4] {
        fold.observe(shard(0), &observation(route, route, Some(200)), &feedback);
    }
    fold.seal(Epoch(1)).unwrap();
    let seen = observation(4, 9, Some(200));
    fold.observe(shard(1), &seen, &feedback);
    assert_eq!(fold.seal(Epoch(100)), fold_all([&seen]));
}

#[test]
fn the_parameters_of_a_shard_are_bounded_over_all_routes() {
    // Two shards of one worker, of which one sends too many; and each by itself.
    let seen: Vec<(ShardId, Observation)> = (0..150u64)
        .map(|count| {
            let mut seen = observation(10 + count % 75, 1, Some(200));
            let names = (0..100 + count).map(|name| query(&format!("p{name}")));
            seen.parameters = sent(names);
            (shard(u64::from(count % 4 == 0)), seen)
        })
        .collect();
    let feedback = Feedback::default();
    let mut whole = fold_of(0);
    let mut parts = [fold_of(1), fold_of(2)];
    for (shard, seen) in &seen {
        whole.observe(*shard, seen, &feedback);
        parts[shard.index()].observe(*shard, seen, &feedback);
    }
    let whole = whole.seal(Epoch(1)).unwrap();
    let mut parts = parts.map(|mut fold| fold.seal(Epoch(1)).unwrap());
    let of = |delta: &Delta| delta.routes.values().map(|route| route.parameters.len()).sum();
    let counts: [usize; 2] = [of(&parts[0]), of(&parts[1])];
    assert_eq!(counts[0], SHARD_PARAMETERS_MAX);
    assert!(counts[1] < SHARD_PARAMETERS_MAX && parts[1].overflowed == 0);
    let (first, second) = parts.split_at_mut(1);
    first[0].join(second[0].clone());
    assert_eq!(Delta { id: whole.id, ..first[0].clone() }, whole);
}

fn arbitrary_observation() -> impl Strategy<Value = Observation> {
    let status = prop_oneof![
        Just(None),
        prop::sample::select(vec![200u16, 201, 302, 400, 401, 403, 404, 500, 503]).prop_map(Some)
    ];
    (0u64..40, 0u64..40, status, 0u64..1_000, prop::collection::vec(0u8..6, 0..4), any::<bool>())
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
                location: ParameterLocation::Path,
                name: format!("n{name}").into(),
                kind: if size % 2 == 0 { ValueKind::Integer } else { ValueKind::Null },
            }));
            seen
        })
}

/// Parameter sets that transactions share, some of them together too wide for one route.
fn pool() -> Vec<Arc<ParameterSet>> {
    let set = |(start, len): (usize, usize)| {
        let shapes = (start..start + len).map(|name| query(&format!("w{name}")));
        Arc::new(ParameterSet { shapes: shapes.collect() })
    };
    [(0, 3), (2, 4), (0, 150), (100, 150), (240, 30), (0, 0)].map(set).into()
}

/// Folds one epoch after the other, each shard by the worker that `worker_of` gives it to, and joins
/// what the workers have, through the sealer.
fn fold_split(
    config: &Config,
    seen: &[(Observation, u64, u64)],
    worker_of: impl Fn(u64) -> u64,
    turn: usize,
) -> Vec<(Epoch, Delta)> {
    let feedback = known([1, 2]);
    let mut folds: Vec<Fold> = (0..8).map(|part| Fold::new(config, 1, 2, part)).collect();
    let mut sealer = Sealer::new(None, 1);
    for epoch in 0..3 {
        for (observation, of, _) in seen.iter().filter(|(_, _, at)| *at == epoch) {
            let fold = &mut folds[usize::try_from(worker_of(*of)).unwrap()];
            fold.observe(shard(*of), observation, &feedback);
            let server = Some(SocketAddr::from(([10, 1, 1, 1], observation.server.port())));
            let record = FlowRecord { server, http_bytes: *of, ..FlowRecord::default() };
            fold.flow(shard(*of), &record);
        }
        let mut parts: Vec<Delta> =
            folds.iter_mut().filter_map(|fold| fold.seal(Epoch(100 + epoch))).collect();
        if !parts.is_empty() {
            let turn = turn % parts.len();
            parts.rotate_left(turn);
        }
        // Every delta twice.
        for part in parts.iter().chain(parts.iter().rev()) {
            sealer.insert(part.clone());
        }
    }
    assert!(folds.iter().all(|fold| fold.stats().observations.is_balanced()));
    sealer.finish();
    let joined = std::iter::from_fn(|| sealer.next_sealed())
        .map(|(epoch, delta)| (epoch, Delta { id: DeltaId::default(), ..delta }))
        .collect();
    assert!(sealer.stats().deltas.is_balanced());
    joined
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shards_may_be_given_to_any_workers(
        seen in prop::collection::vec(
            (arbitrary_observation(), prop::option::of(0usize..6), 0u64..8, 0u64..3),
            1..250,
        ),
        workers in prop::collection::vec(0u64..8, 8),
        turn in 0usize..8,
        caps in prop::sample::select(vec![64u32, 256, 100_000]),
    ) {
        let pool = pool();
        let seen: Vec<(Observation, u64, u64)> = seen
            .into_iter()
            .map(|(mut observation, set, of, epoch)| {
                observation.parameters.extend(set.map(|set| Arc::clone(&pool[set])));
                (observation, of, epoch)
            })
            .collect();
        let config = Config {
            delta_routes_max: caps,
            delta_hosts_max: caps,
            delta_consumers_max: caps,
            delta_servers_max: caps,
            delta_attempts_max: caps,
            ..Config::default()
        };
        let place = |of: u64| workers[usize::try_from(of).unwrap()];
        let whole = fold_split(&config, &seen, |_| 0, 0);
        prop_assert_eq!(&fold_split(&config, &seen, |of| of, turn), &whole);
        prop_assert_eq!(&fold_split(&config, &seen, place, turn), &whole);
    }

    #[test]
    fn below_the_caps_the_shard_does_not_matter(
        seen in prop::collection::vec((arbitrary_observation(), 0u64..6), 1..250),
    ) {
        let whole = fold_all(seen.iter().map(|(observation, _)| observation)).unwrap();
        let parts: Vec<Delta> = (0..6)
            .filter_map(|shard| {
                fold_all(seen.iter().filter(|(_, of)| *of == shard).map(|(o, _)| o))
            })
            .collect();
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
        let delta = fold_all(&seen).unwrap();
        let bytes = postcard::to_allocvec(&delta).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Delta>(&bytes).unwrap(), delta);
    }
}

#[test]
fn an_access_says_who_asked_for_what_and_what_became_of_it() {
    let feedback = known([1, 2]);
    let mut fold = fold_of(0);
    let with = |status, started_at, asked: u64| {
        let mut seen = observation(1, 9, Some(status));
        seen.objects = Objects::default();
        let near = Near::of(&Key::fixed(), asked);
        let place = ObjectPlace::Path(1);
        seen.objects.ask(ObjectRef { place, object: asked, near });
        seen.objects.serve(asked + 100);
        seen.objects.limit = 50;
        seen.started_at = Timestamp::from_seconds(started_at);
        seen
    };
    for seen in [with(404, 101, 7), with(200, 99, 7), with(403, 100, 8)] {
        fold.observe(shard(0), &seen, &feedback);
    }
    // Of what leads nowhere nothing is kept.
    fold.observe(shard(0), &observation(9, 9, Some(404)), &feedback);
    let delta = fold.seal(Epoch(100)).unwrap();
    assert_eq!(delta.accesses.len(), 1);
    let key = AccessKey::new(ConsumerKey(9), RouteKey(1));
    let access = delta.accesses.get(key).unwrap();
    assert_eq!(access.outcomes, Outcomes { successes: 1, refusals: 1, misses: 1, others: 0 });
    assert_eq!((access.limit, access.service_us, access.response_bytes), (50, 6_000, 27_000));
    assert_eq!(access.first_at, Timestamp::from_seconds(99));
    let used: Vec<_> =
        access.objects.iter().map(|it| (it.object, it.outcomes.total(), it.first_at)).collect();
    assert_eq!(used, [(7, 2, Timestamp::from_seconds(99)), (8, 1, Timestamp::from_seconds(100))]);
    assert_eq!((access.served, access.left_out()), (&[107, 108][..], 0));
}

#[test]
fn pairs_beyond_the_cap_are_counted_as_lost() {
    let config = Config { delta_accesses_max: 64, ..Config::default() };
    let mut fold = Fold::new(&config, 1, 2, 0);
    for consumer in 0..10 {
        fold.observe(shard(3), &observation(1, consumer, Some(200)), &known([1, 2]));
    }
    assert_eq!(fold.stats().observations.dropped[DropReason::DeltaFull as usize], 9);
    assert_eq!(fold.seal(Epoch(100)).unwrap().accesses.len(), 1);
}
