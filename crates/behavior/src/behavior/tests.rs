//! What the joined half promises: when it speaks, when it stays quiet, and that only the deltas
//! count.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use proptest::prelude::*;
use tapline_model::{
    BaselineState, ConsumerDelta, ConsumerKey, ConsumerKind, DeltaId, RouteDelta, RouteName,
    Sampling, Severity,
};

use super::*;

/// A Monday, at the start of an hour.
const START: u64 = 1_740_960_000;

/// A sensor under test, and everything it found.
struct World {
    behavior: Behavior,
    epoch: u64,
    delta: Delta,
    findings: Vec<(u64, Finding)>,
}

impl World {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self {
            behavior: Behavior::new(config, Key::fixed()),
            epoch: START,
            delta: Delta::new(DeltaId::default()),
            findings: Vec::new(),
        }
    }

    /// So many answers with one status on one route, in the current epoch.
    fn answer(&mut self, route: u64, status: u16, count: u64, client: u8) {
        let route = self.delta.routes.entry(RouteKey(route)).or_insert_with(|| {
            let name = RouteName { host: "shop".into(), ..RouteName::default() };
            RouteDelta::new(Arc::new(name))
        });
        route.requests += count;
        *route.statuses.entry(status).or_default() += count;
        if status >= 500 {
            *route.error_clients.entry(address(client)).or_default() += count;
        }
    }

    /// So many requests of one consumer, of which these routes are unmatched.
    fn call(&mut self, consumer: u64, requests: u64, unmatched: impl IntoIterator<Item = u64>) {
        self.call_host(consumer, requests, unmatched, "shop");
    }

    fn call_host(
        &mut self,
        consumer: u64,
        requests: u64,
        unmatched: impl IntoIterator<Item = u64>,
        host: &str,
    ) {
        let consumer = self
            .delta
            .consumers
            .entry(ConsumerKey(consumer))
            .or_insert_with(|| ConsumerDelta::new(ConsumerKind::Address));
        consumer.requests += requests;
        consumer.add_client(address(9));
        for route in unmatched {
            consumer.unmatched += 1;
            consumer.client_errors += 1;
            consumer.unmatched_routes.insert(mix(route));
            consumer.count_unmatched_host(&host.into());
        }
    }

    /// The epoch ends and another begins.
    fn end_epoch(&mut self) {
        self.skip(1);
    }

    /// The epoch ends and another begins after so many seconds.
    fn skip(&mut self, seconds: u64) {
        let delta = std::mem::replace(&mut self.delta, Delta::new(DeltaId::default()));
        let Self { behavior, findings, epoch, .. } = self;
        if !delta.is_empty() {
            behavior.seal(Epoch(*epoch), &delta, &endpoint_of, &mut |finding| {
                findings.push((*epoch, finding));
            });
        }
        self.epoch += seconds;
        self.behavior.advance(Epoch(self.epoch), &mut |finding| {
            self.findings.push((self.epoch, finding));
        });
    }

    fn found(&self, detection: &str) -> Vec<&Finding> {
        let findings = self.findings.iter().map(|(_, finding)| finding);
        findings.filter(|finding| finding.detection == detection).collect()
    }

    /// Minutes of two good answers a second.
    fn warm_up(&mut self, minutes: u64) {
        for _ in 0..minutes * 60 {
            self.answer(1, 200, 2, 1);
            self.end_epoch();
        }
    }
}

fn endpoint_of(route: RouteKey) -> Option<(String, EndpointRef)> {
    let endpoint = EndpointRef {
        id: EndpointId(route.0),
        method: "GET".to_owned(),
        template: format!("/things{}/{{id}}", route.0),
    };
    (route.0 < 1_000).then(|| ("shop".to_owned(), endpoint))
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, last))
}

/// splitmix64: hashes, and the dice of the simulations.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Dice with a fixed seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % sides
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

#[test]
fn a_scanner_is_found() {
    let mut world = World::new();
    world.warm_up(2);
    for route in 0..30 {
        world.call(7, 1, [5_000 + route]);
        world.end_epoch();
    }
    let found = world.found("path_scanner");
    let finding = *found.last().unwrap();
    assert_eq!(finding.consumer, Some(ConsumerKey(7)));
    assert_eq!((finding.host.as_str(), finding.severity), ("shop", Severity::Low));
    assert_eq!(finding.client_addresses, [address(9)]);
    assert_eq!(finding.first_seen, Epoch(START + 120).start());
    assert_eq!(finding.last_seen, Epoch(START + 149).start());
    assert!((finding.seen.value - 30.0).abs() < 1e-9 && finding.probability < 1e-9);
    assert!(finding.lift > 10.0 && finding.confidence > 0.9);
    assert_eq!(finding.mappings.owasp_api, ["API9:2023"]);
    // It speaks with the twentieth request and in every epoch from then on.
    assert_eq!(found.len(), 11);
}

#[test]
fn a_scan_within_one_second_is_found() {
    let mut world = World::new();
    world.call(7, 500, 0..500);
    world.end_epoch();
    let found = world.found("path_scanner");
    assert_eq!(found.len(), 1);
    assert!((300.0..800.0).contains(&found[0].seen.value), "{}", found[0].seen.value);
    assert_eq!(found[0].severity, Severity::Medium);
}

#[test]
fn a_scan_over_several_hosts_is_one_case() {
    let mut world = World::new();
    for route in 0..40 {
        world.call_host(7, 1, [route], &format!("host{}", 9 - route % 4));
        world.end_epoch();
    }
    let subjects: BTreeSet<_> =
        world.found("path_scanner").iter().map(|finding| finding.subject()).collect();
    assert_eq!(subjects.len(), 1, "{subjects:?}");
    let found = world.found("path_scanner");
    assert_eq!(found[0].severity, Severity::Medium);
    let hosts = &found[0].evidence.iter().find(|fact| fact.name == "hosts").unwrap().value;
    assert!(hosts.contains("host9") && hosts.contains("host6"), "{hosts}");
}

#[test]
fn a_broken_client_with_two_wrong_paths_is_no_scanner() {
    let mut world = World::new();
    for second in 0..3_600 {
        world.call(7, 1, [second % 2]);
        world.end_epoch();
    }
    assert!(world.findings.is_empty());
}

#[test]
fn not_found_on_known_routes_is_no_scan() {
    // The fold counts these as requests and not as unmatched.
    let mut world = World::new();
    for _ in 0..3_600 {
        world.answer(1, 404, 5, 1);
        world.call(7, 5, []);
        world.end_epoch();
    }
    assert!(world.findings.is_empty());
}

#[test]
fn a_proxy_with_a_lost_client_among_many_is_no_scanner() {
    let mut world = World::new();
    for second in 0..600 {
        world.call(7, 10, (second % 3 == 0).then_some(second));
        world.end_epoch();
    }
    assert!(world.findings.is_empty());
}

#[test]
fn crawlers_that_are_many_are_learned() {
    let mut world = World::new();
    // A link farm: every consumer meets a dozen dead links in thirty requests.
    for term in 0..20 {
        for consumer in 0..100u64 {
            let links = 8 + (consumer + term) % 8;
            world.call(1_000 + consumer, 40, (0..links).map(|link| link + 50 * consumer));
        }
        world.skip(600);
    }
    assert!(world.findings.is_empty());
    world.call(7, 22, 0..18);
    world.end_epoch();
    assert!(world.findings.is_empty(), "eighteen are nothing unusual here");
    world.call(8, 400, 0..300);
    world.end_epoch();
    assert_eq!(world.found("path_scanner").len(), 1);
}

#[test]
fn scanners_do_not_teach_the_population() {
    let mut world = World::new();
    for scanner in 0..300u64 {
        world.call(scanner, 60, (0..50).map(|route| route + scanner));
        world.skip(601);
    }
    assert_eq!(world.found("path_scanner").len(), 300);
}

#[test]
fn quiet_consumers_are_forgotten_and_the_table_stays_within_its_bound() {
    let mut world = World::with(Config { consumers_max: 64, ..Config::default() });
    for consumer in 0..1_000 {
        world.call(consumer, 1, [consumer]);
        world.end_epoch();
        assert!(world.behavior.stats().consumers_active <= 64);
    }
    assert_eq!(world.behavior.stats().consumers_evicted, 936);
    world.skip(10_000);
    assert_eq!(world.behavior.stats().consumers_active, 0);
    assert_eq!(world.behavior.stats().consumers_evicted, 936);
}

#[test]
fn an_error_burst_is_found() {
    let mut world = World::new();
    world.warm_up(15);
    let began = world.epoch;
    for second in 0..60 {
        world.answer(1, 200, 1, 1);
        world.answer(
            1,
            if second % 4 == 0 { 500 } else { 503 },
            1,
            u8::try_from(second % 20).unwrap(),
        );
        world.end_epoch();
    }
    let found = world.found("error_burst");
    let finding = *found.last().unwrap();
    assert_eq!(finding.endpoint.as_ref().unwrap().id, EndpointId(1));
    assert_eq!(
        (finding.first_seen, finding.last_seen),
        (Epoch(began).start(), Epoch(began + 59).start())
    );
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.client_addresses.len(), 10);
    assert!((finding.seen.value - 0.5).abs() < 0.05, "{:?}", finding.seen);
    assert!(finding.normal.value < 0.01 && finding.lift > 50.0);
    assert!(finding.probability < 1e-9 && finding.confidence > 0.85);
    let statuses = &finding.evidence.iter().find(|fact| fact.name == "statuses").unwrap().value;
    assert_eq!(statuses, "500 x 15, 503 x 45");
    assert!(found.len() > 40, "it speaks as long as it lasts: {}", found.len());
    assert!(finding.mappings.owasp_api.is_empty());
}

#[test]
fn a_burst_of_the_first_minute_is_found_and_says_how_it_is_judged() {
    let mut world = World::new();
    for _ in 0..20 {
        world.answer(3, 500, 2, 1);
        world.end_epoch();
    }
    let found = world.found("error_burst");
    let finding = *found.last().unwrap();
    let learned = finding.evidence.iter().find(|fact| fact.name == "normal learned from").unwrap();
    assert!(learned.value.contains("service"), "{learned:?}");
    assert!(finding.confidence < 0.7);
}

#[test]
fn a_burst_followed_by_silence_is_judged_when_the_good_answers_have_left_the_window() {
    let mut world = World::new();
    world.warm_up(10);
    for _ in 0..20 {
        world.answer(1, 200, 2_000, 1);
        world.end_epoch();
    }
    world.answer(1, 500, 30, 1);
    world.end_epoch();
    assert!(world.findings.is_empty(), "30 of 40 000 are nothing yet");
    let errors = world.epoch - 1;
    world.skip(1_000);
    let found = world.found("error_burst");
    assert!(!found.is_empty());
    assert!(found.iter().all(|finding| finding.last_seen == Epoch(errors).start()));
    assert!(found.len() <= 6, "once a slot until the window is empty: {}", found.len());
}

#[test]
fn a_burst_does_not_become_normal() {
    let mut world = World::new();
    world.warm_up(10);
    for _ in 0..3_600 {
        world.answer(1, 200, 1, 1);
        world.answer(1, 500, 1, 1);
        world.end_epoch();
    }
    let last = world.found("error_burst").last().copied().cloned().unwrap();
    assert_eq!(last.last_seen, Epoch(world.epoch - 1).start());
    assert!(last.normal.value < 0.01, "{:?}", last.normal);
}

#[test]
fn a_burst_ends() {
    let mut world = World::new();
    world.warm_up(10);
    for _ in 0..30 {
        world.answer(1, 500, 2, 1);
        world.end_epoch();
    }
    let ended = world.epoch;
    world.warm_up(10);
    assert!(world.findings.last().unwrap().0 < ended + 60);
}

#[test]
fn an_endpoint_that_always_fails_a_fifth_is_not_reported_for_it() {
    let mut world = World::new();
    let mut dice = Dice(1);
    for _ in 0..7_200 {
        let errors = (0..5).filter(|_| dice.once_in(5)).count() as u64;
        world.answer(4, 500, errors, 1);
        world.answer(4, 200, 5 - errors, 1);
        world.end_epoch();
    }
    assert!(world.found("error_burst").is_empty());
}

#[test]
fn a_few_errors_of_a_rare_endpoint_are_no_burst() {
    let mut world = World::new();
    for minute in 0..600u64 {
        world.answer(5, if minute.is_multiple_of(3) { 500 } else { 200 }, 2, 1);
        world.skip(60);
    }
    assert!(world.findings.is_empty());
}

#[test]
fn a_new_deployment_is_quiet() {
    let mut world = World::new();
    world.warm_up(10);
    // Every route is new at once; each fails once or twice while it starts.
    for second in 0..600u64 {
        for route in 100..140 {
            world.answer(route, 200, 3, 1);
            if second < 4 && route % 3 == 0 {
                world.answer(route, 503, 1, 1);
            }
        }
        world.call(7, 120, (second < 2).then_some(second));
        world.end_epoch();
    }
    assert!(world.findings.is_empty(), "{}", world.findings[0].1);
}

#[test]
fn detections_that_are_off_are_silent() {
    let mut config = Config::default();
    config.path_scanner.enabled = false;
    config.error_burst.enabled = false;
    let mut world = World::with(config);
    world.answer(1, 500, 500, 1);
    world.call(7, 500, 0..500);
    world.end_epoch();
    assert!(world.findings.is_empty());
    assert_eq!(world.behavior.stats().consumers_active, 0);
    assert!(world.behavior.baseline(EndpointId(1)).is_some());
}

#[test]
fn a_baseline_is_learned_by_endpoint() {
    let mut world = World::new();
    world.warm_up(15);
    let view = world.behavior.baseline(EndpointId(1)).unwrap();
    assert_eq!((view.state, view.minutes, view.seen), (BaselineState::Learning, 14, 120));
    assert!((view.normal - 120.0).abs() < 1.0);
    assert!(view.normal_low < 110 && view.normal_high > 130);
    assert_eq!(view.recent, [120; 15]);
    assert_eq!(world.behavior.baseline(EndpointId(2)), None);
}

#[test]
fn minutes_of_which_a_part_was_followed_teach_nothing() {
    // Half of the endpoint's flows are kept, or none of them.
    for kept in [1, 0] {
        let mut world = World::new();
        world.warm_up(30);
        let before = world.behavior.baseline(EndpointId(1)).unwrap();
        for _ in 0..10 * 60 {
            world.answer(1, 200, kept, 1);
            if kept == 0 {
                world.delta.routes.clear();
                world.answer(2, 200, 1, 1);
            }
            world.delta.sampling = Sampling::halved(1);
            world.end_epoch();
        }
        world.warm_up(2);
        let after = world.behavior.baseline(EndpointId(1)).unwrap();
        // The last minute before waits for the one after it; of the two after, so does one.
        assert_eq!(after.minutes, before.minutes + 2, "{kept} kept");
        assert!((after.normal - before.normal).abs() < 1.0, "{kept} kept: {}", after.normal);
    }
}

#[test]
fn baselines_stay_within_their_bound() {
    let mut world = World::with(Config { baselines_max: 16, ..Config::default() });
    for route in 0..100 {
        world.answer(route, 500, 30, 1);
        world.end_epoch();
    }
    let known = (0..100).filter(|&id| world.behavior.baseline(EndpointId(id)).is_some());
    assert_eq!(known.count(), 16);
    assert_eq!(world.behavior.baselines_evicted(), 84);
    assert_eq!(world.found("error_burst").len(), 100 + silent_findings(&world));
}

/// Findings made while their endpoint was silent.
fn silent_findings(world: &World) -> usize {
    world
        .found("error_burst")
        .iter()
        .zip(&world.findings)
        .filter(|(finding, (epoch, _))| finding.last_seen < Epoch(*epoch).start())
        .count()
}

#[test]
fn new_settings_take_effect() {
    let mut world = World::new();
    world.call(7, 30, 0..10);
    world.end_epoch();
    assert!(world.findings.is_empty());
    let mut config = Config::default();
    config.path_scanner.unmatched_routes_min = 5;
    config.path_scanner.probability_max = 1e-3;
    config.path_scanner.unmatched_share_min = 0.1;
    world.behavior.reconfigure(config.clone());
    world.call(7, 1, [3]);
    world.end_epoch();
    assert_eq!(world.found("path_scanner").len(), 1);
    config.path_scanner.window_seconds = 60;
    config.error_burst.window_seconds = 120;
    world.behavior.reconfigure(config);
    world.call(7, 1, [3]);
    world.end_epoch();
    assert_eq!(world.found("path_scanner").len(), 1, "another window begins empty");
}

#[test]
fn evidence_tells_no_path() {
    let mut world = World::new();
    world.call(7, 60, 0..50);
    world.end_epoch();
    let finding = world.found("path_scanner")[0];
    let hashes = &finding.evidence.iter().find(|fact| fact.name == "route hashes").unwrap().value;
    assert_eq!(hashes.split(", ").count(), 5);
    let shown = format!("{finding:?}");
    for route in 0..50 {
        assert!(!shown.contains(&format!("{:016x}", mix(route))));
    }
}

#[test]
fn times_that_run_backwards_or_jump_do_no_harm() {
    let mut world = World::new();
    world.warm_up(2);
    for epoch in [0, u64::MAX, 5, u64::MAX - 1] {
        world.epoch = epoch;
        world.answer(1, 500, 50, 1);
        world.call(7, 60, 0..50);
        let delta = std::mem::replace(&mut world.delta, Delta::new(DeltaId::default()));
        world.behavior.seal(Epoch(epoch), &delta, &endpoint_of, &mut |_| {});
        world.behavior.advance(Epoch(epoch), &mut |_| {});
        assert!(world.behavior.baseline(EndpointId(1)).is_some());
    }
}

/// Two days and a half of ordinary traffic of one service, in steps of a few seconds: daily swing,
/// bursty rates, errors that come in clumps, dead links, lost clients. Nothing of it is an attack.
#[test]
fn ordinary_traffic_raises_no_alarm() {
    let mut world = World::new();
    let mut dice = Dice(20_260_301);
    let mut flaky = [0u64; 12];
    for step in 0..3_600 * 12u64 {
        let hour = (step / 720) % 24;
        let swing = 2 + hour.abs_diff(12) / 3;
        for route in 0..12u64 {
            let count =
                dice.below(2 * swing * (1 + route % 4)) + if dice.once_in(200) { 40 } else { 0 };
            if dice.once_in(2_000) {
                flaky[usize::try_from(route).unwrap()] = dice.below(4);
            }
            let clump = flaky[usize::try_from(route).unwrap()];
            let errors = (0..count)
                .filter(|_| dice.once_in(200) || dice.below(1_000) < 5 * clump)
                .count() as u64;
            world.answer(route, 500, errors, 1);
            world.answer(route, 404, u64::from(dice.once_in(10)), 1);
            world.answer(route, 200, count - errors, 1);
        }
        for _ in 0..6 {
            let consumer = dice.below(400);
            let dead = (0..3).filter(|_| dice.once_in(40)).map(|link| link + consumer % 20);
            let dead: Vec<u64> = dead.collect();
            world.call(consumer, 3, dead);
        }
        world.skip(5);
    }
    assert!(world.findings.is_empty(), "{} of them: {}", world.findings.len(), world.findings[0].1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn silence_may_be_cut_in_any_way(
        steps in prop::collection::vec(
            (0u64..3, 0u64..60, 0u64..60, prop_oneof![1u64..30, 50u64..900], 0u64..40), 1..60),
        cuts in prop::collection::vec(1u64..200, 1..30),
    ) {
        let run = |cut: bool| {
            let mut world = World::new();
            let mut cuts = cuts.iter().copied().cycle();
            for &(who, good, bad, pause, routes) in &steps {
                world.answer(who, 200, good, 1);
                world.answer(who, 500, bad, 1);
                world.call(who, good + bad + routes, 0..routes);
                if cut {
                    let next = world.epoch + pause;
                    world.skip(1);
                    while world.epoch < next {
                        let left = next - world.epoch;
                        world.skip(cuts.next().unwrap().min(left));
                    }
                } else {
                    world.skip(pause);
                }
            }
            let findings: Vec<_> = world.findings.iter().map(|(_, found)| found.clone()).collect();
            let views: Vec<_> = (0..3).map(|id| world.behavior.baseline(EndpointId(id))).collect();
            (findings, views, world.behavior.stats())
        };
        prop_assert_eq!(run(false), run(true));
    }
}
