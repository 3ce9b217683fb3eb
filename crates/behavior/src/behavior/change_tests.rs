//! Changes of what is normal: when they are told, and what only looks like one.

use std::collections::BTreeSet;
use std::sync::Arc;

use tapline_model::{DeltaId, RouteDelta, RouteName, Sampling};

use super::*;

/// A Monday, at the start of an hour.
const START: u64 = 1_740_960_000;
const DAY: u64 = 1_440;

/// What an endpoint does in a minute.
#[derive(Clone, Copy)]
struct Did {
    requests: u64,
    refused: u64,
    wrong: u64,
    latency_us: u64,
    bytes: u64,
}

const QUIET: Did = Did { requests: 40, refused: 1, wrong: 1, latency_us: 20_000, bytes: 3_000 };

/// Endpoints under test, minute by minute.
struct World {
    behavior: Behavior,
    minute: u64,
    sampling: Sampling,
    findings: Vec<(u64, Finding)>,
}

impl World {
    fn new() -> Self {
        Self {
            behavior: Behavior::new(all_on(), Key::fixed()),
            minute: 0,
            sampling: Sampling::WHOLE,
            findings: Vec::new(),
        }
    }

    /// A minute in which these endpoints do this; a host has ten of them.
    fn minute(&mut self, all: &[(u64, Did)]) {
        let mut delta = Delta::new(DeltaId::default());
        delta.sampling = self.sampling;
        for &(endpoint, did) in all {
            let mut route = RouteDelta::new(Arc::new(RouteName::default()));
            // Neither always the same nor at random.
            let swing = (self.minute * 7 + endpoint * 3) % 11;
            route.requests = did.requests * (95 + swing) / 100;
            let good = route.requests.saturating_sub(did.refused + did.wrong);
            for (status, count) in [(200, good), (401, did.refused), (404, did.wrong)] {
                if count > 0 {
                    route.statuses.insert(status, count);
                }
            }
            let sway = |value: u64| value * (90 + (self.minute * 13 + endpoint) % 21) / 100;
            route.latency_us.record_many(sway(did.latency_us), route.requests);
            route.response_bytes.record_many(sway(did.bytes), route.requests);
            delta.routes.insert(RouteKey(endpoint), route);
        }
        let now = self.minute;
        let epoch = Epoch(START + now * 60);
        let Self { behavior, findings, .. } = self;
        if !delta.is_empty() {
            behavior.seal(epoch, &delta, &endpoint_of, &mut |it| findings.push((now, it)));
        }
        behavior.advance(Epoch(epoch.0 + 60), &mut |it| findings.push((now, it)));
        self.minute += 1;
    }

    /// So many minutes alike.
    fn minutes(&mut self, count: u64, all: &[(u64, Did)]) {
        (0..count).for_each(|_| self.minute(all));
    }

    fn found(&self, detection: &str) -> Vec<&Finding> {
        let all = self.findings.iter().map(|(_, finding)| finding);
        all.filter(|finding| finding.detection == detection).collect()
    }

    /// The first finding, its minute after `from`, and that all of them are one case.
    fn only(&self, detection: &str, from: u64) -> (&Finding, u64) {
        let subjects: BTreeSet<_> = self.findings.iter().map(|(_, it)| it.subject()).collect();
        assert_eq!(subjects.len(), 1, "{subjects:?}");
        let (minute, first) = &self.findings[0];
        assert_eq!(first.detection, detection);
        (first, minute - from)
    }
}

/// The settings with every change told, those too that are not unless they are asked for.
fn all_on() -> Config {
    let mut config = Config::default();
    config.rate_surge.enabled = true;
    config.slow_shift.enabled = true;
    config
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that is asked for")]
fn endpoint_of(route: RouteKey) -> Option<(String, EndpointRef)> {
    let endpoint = EndpointRef {
        id: EndpointId(route.0),
        method: "GET".to_owned(),
        template: format!("/things{}", route.0),
    };
    Some((format!("host{}", route.0 / 10), endpoint))
}

/// Two days of two endpoints on two hosts.
fn learned() -> (World, u64) {
    let mut world = World::new();
    world.minutes(2 * DAY, &[(1, QUIET), (11, QUIET)]);
    assert!(world.findings.is_empty(), "{:?}", world.findings[0].1.title);
    (world, 2 * DAY)
}

#[test]
fn a_surge_is_told_within_three_minutes_and_explained() {
    let (mut world, from) = learned();
    world.minutes(10, &[(1, Did { requests: 160, ..QUIET }), (11, QUIET)]);
    let (finding, after) = world.only("rate_surge", from);
    assert!(after <= 2, "{after}");
    assert_eq!(finding.endpoint.as_ref().unwrap().id, EndpointId(1));
    assert!((3.0..5.0).contains(&finding.lift) && finding.probability < 1e-6, "{finding:?}");
    let names: Vec<_> = finding.evidence.iter().map(|fact| fact.name.as_str()).collect();
    for wanted in ["window", "normal learned from", "why it is no chance", "requests"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
}

#[test]
fn half_as_many_again_is_no_surge() {
    let (mut world, _) = learned();
    world.minutes(60, &[(1, Did { requests: 60, ..QUIET }), (11, QUIET)]);
    assert!(world.found("rate_surge").is_empty());
}

#[test]
fn a_dozen_requests_are_no_surge_however_rare() {
    let (mut world, _) = learned();
    let rare = Did { requests: 1, refused: 0, wrong: 0, ..QUIET };
    world.minute(&[(2, rare), (11, QUIET)]);
    world.minutes(2 * DAY, &[(1, QUIET), (11, QUIET)]);
    world.minute(&[(2, Did { requests: 12, ..rare }), (11, QUIET)]);
    assert!(world.found("rate_surge").is_empty());
}

#[test]
fn a_fresh_endpoint_is_learned_before_anything_is_told() {
    let mut world = World::new();
    world.minutes(DAY / 2, &[(1, QUIET)]);
    world.minutes(30, &[(1, Did { requests: 4_000, ..QUIET })]);
    assert!(world.findings.is_empty());
}

#[test]
fn an_endpoint_that_falls_silent_is_told() {
    let (mut world, from) = learned();
    world.minutes(10, &[(11, QUIET)]);
    let (finding, after) = world.only("went_silent", from);
    assert!(after <= 6, "{after}");
    assert_eq!(finding.endpoint.as_ref().unwrap().id, EndpointId(1));
    assert!(finding.seen.value < 0.5 && finding.normal.value > 30.0, "{finding:?}");
}

#[test]
fn silence_of_all_is_that_of_the_tap() {
    let (mut world, _) = learned();
    world.minutes(60, &[]);
    world.minutes(5, &[(1, QUIET), (11, QUIET)]);
    assert!(world.findings.is_empty());
}

#[test]
fn an_endpoint_that_rests_every_hour_is_not_silent() {
    let mut world = World::new();
    for _ in 0..72 {
        world.minutes(10, &[(1, QUIET), (11, QUIET)]);
        world.minutes(50, &[(11, QUIET)]);
    }
    assert!(world.found("went_silent").is_empty(), "{:?}", world.findings[0].1);
}

#[test]
fn refused_callers_are_told() {
    let (mut world, from) = learned();
    world.minutes(10, &[(1, Did { refused: 20, ..QUIET }), (11, QUIET)]);
    let (finding, after) = world.only("auth_failures", from);
    assert!(after <= 2 && finding.seen.value > 0.3, "{finding:?}");
    assert_eq!(finding.mappings.owasp_api, ["API2:2023"]);
}

#[test]
fn wrong_requests_are_told() {
    let (mut world, from) = learned();
    world.minutes(10, &[(1, Did { wrong: 20, ..QUIET }), (11, QUIET)]);
    let (finding, after) = world.only("client_errors", from);
    assert!(after <= 2 && finding.seen.value > 0.3, "{finding:?}");
}

#[test]
fn one_more_mistake_a_minute_is_nothing() {
    let (mut world, _) = learned();
    world.minutes(120, &[(1, Did { refused: 2, wrong: 2, ..QUIET }), (11, QUIET)]);
    assert!(world.findings.is_empty());
}

#[test]
fn slow_answers_are_told_and_fast_ones_are_not() {
    let (mut world, from) = learned();
    world.minutes(10, &[(1, QUIET), (11, Did { latency_us: 4_000, ..QUIET })]);
    assert!(world.findings.is_empty());
    world.minutes(10, &[(1, Did { latency_us: 70_000, ..QUIET }), (11, QUIET)]);
    let (finding, after) = world.only("latency_shift", from + 10);
    assert!(after <= 3 && (2.0..4.5).contains(&finding.lift), "{after} {finding:?}");
}

#[test]
fn large_answers_are_told_and_slightly_larger_ones_are_not() {
    let (mut world, from) = learned();
    world.minutes(30, &[(1, Did { bytes: 4_000, ..QUIET }), (11, QUIET)]);
    assert!(world.findings.is_empty());
    world.minutes(10, &[(1, QUIET), (11, Did { bytes: 30_000, ..QUIET })]);
    let (finding, after) = world.only("size_shift", from + 30);
    assert!(after <= 3 && finding.lift > 5.0, "{after} {finding:?}");
}

#[test]
fn what_grows_over_days_is_told_as_that() {
    let mut world = World::new();
    world.minutes(9 * DAY, &[(1, QUIET), (11, QUIET)]);
    for hour in 0..9 * 24u64 {
        let grown = Did { requests: 40 + hour * 40 / 100, ..QUIET };
        world.minutes(60, &[(1, grown), (11, QUIET)]);
    }
    let found = world.found("slow_shift");
    assert!(!found.is_empty() && found[0].lift > 1.5, "{:?}", found.first());
    assert_eq!(found[0].endpoint.as_ref().unwrap().id, EndpointId(1));
    assert!(world.found("rate_surge").is_empty());
}

#[test]
fn what_a_host_does_is_one_finding() {
    let mut world = World::new();
    let all = |requests: u64| -> Vec<_> {
        let host = (0..6).map(|endpoint| (endpoint, Did { requests, ..QUIET }));
        host.chain([(11, QUIET), (21, QUIET)]).collect()
    };
    world.minutes(2 * DAY, &all(40));
    world.minutes(10, &all(200));
    let (finding, _) = world.only("rate_surge", 2 * DAY);
    assert_eq!((finding.host.as_str(), finding.endpoint.as_ref()), ("host0", None));
}

#[test]
fn a_part_of_the_flows_is_no_silence_and_no_surge() {
    let (mut world, _) = learned();
    world.sampling = Sampling::LEAST;
    world.minutes(30, &[(11, QUIET)]);
    world.minutes(10, &[(1, Did { requests: 400, ..QUIET }), (11, QUIET)]);
    assert!(world.findings.is_empty(), "{:?}", world.findings[0].1);
}

#[test]
fn into_how_many_steps_quiet_is_cut_does_not_matter() {
    let run = |steps: u64| {
        let (mut world, _) = learned();
        let until = START + world.minute * 60;
        for step in 1..=steps {
            let World { behavior, findings, minute, .. } = &mut world;
            behavior.advance(Epoch(until + step * 86_400 / steps), &mut |it| {
                findings.push((*minute, it));
            });
        }
        world.minute += DAY;
        world.minutes(10, &[(1, Did { requests: 300, ..QUIET }), (11, QUIET)]);
        world.findings
    };
    let (once, often) = (run(1), run(1_440));
    assert!(!once.is_empty());
    assert_eq!(format!("{once:?}"), format!("{often:?}"));
}
