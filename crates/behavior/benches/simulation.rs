//! Two simulated weeks of ten thousand endpoints: what is found, how soon, and what is made up.
//!
//! `cargo bench -p tapline-behavior --bench simulation` feeds [`Behavior`] one delta a minute with
//! the budget of alerts switched off. Rates follow Zipf's law from 10 000 a minute to 0.01, days,
//! weekends, a holiday, deploys, crowds and wandering rates; from the fifth day on endpoints are
//! tampered with. `TAPLINE_SIMULATION` takes `endpoints,days,seed`.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "a bench: figures for people, and nobody's input"
)]

#[path = "simulation/dice.rs"]
mod dice;
#[path = "simulation/report.rs"]
mod report;
#[path = "simulation/rivals.rs"]
mod rivals;
#[path = "simulation/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use tapline_behavior::{Behavior, Config, Decision};
use tapline_model::{
    Delta, DeltaId, EndpointId, EndpointRef, Epoch, Finding, Key, RouteDelta, RouteKey, RouteName,
};

use self::report::{Alert, Calibration, Report, Trace};
use self::rivals::{Alarms, Ewma, HoltWinters, Oracle, Static, is_rise};
use self::world::{Count, DAY, HOSTS, Injection, World};

/// A Monday.
const START_MINUTE: u64 = 1_740_960_000 / 60;
/// Endpoints that rivals follow: those with a tenth of a request a minute and more.
const FOLLOWED_RATE: f64 = 0.1;

struct Names {
    routes: Vec<Arc<RouteName>>,
    places: Vec<(String, EndpointRef)>,
}

impl Names {
    fn new(world: &World) -> Self {
        let host = |host: usize| format!("host{host}.example");
        let mut names = Self { routes: Vec::new(), places: Vec::new() };
        for (index, endpoint) in world.endpoints.iter().enumerate() {
            let name =
                RouteName { host: host(endpoint.host).as_str().into(), ..RouteName::default() };
            names.routes.push(Arc::new(name));
            let endpoint_ref = EndpointRef {
                id: EndpointId(index as u64),
                method: "GET".to_owned(),
                template: format!("/e{index}"),
            };
            names.places.push((host(endpoint.host), endpoint_ref));
        }
        names
    }
}

fn main() {
    let wanted = std::env::var("TAPLINE_SIMULATION").unwrap_or_default();
    let mut wanted = wanted.split(',').map(str::parse::<u64>);
    let mut next = |default: u64| wanted.next().and_then(Result::ok).unwrap_or(default);
    let (count, days, seed) = (next(10_000), next(14), next(1));
    let mut world = World::new(count as usize, days, seed);
    let names = Names::new(&world);
    let decision = Decision { alerts_per_day: 0, ..Config::default().decision };
    let mut config = Config { decision, ..Config::default() };
    config.rate_surge.enabled = true;
    config.slow_shift.enabled = true;
    let mut behavior = Behavior::new(config, Key::fixed());
    let followed = world.endpoints.iter().filter(|it| it.rate >= FOLLOWED_RATE).count();
    let mut rivals = Rivals::new(followed);
    let mut alerts = Alerts::default();
    let lists = std::env::var("TAPLINE_SIMULATION_LIST").is_ok();
    let mut calibration = Calibration::new(lists);
    let mut traces = Traces::default();
    let (mut spent, mut touched) = (0u64, 0u64);
    for minute in 0..days * DAY {
        let mut delta = Delta::new(DeltaId::default());
        let mut counts: Vec<Count> = Vec::with_capacity(followed);
        world.minute(minute, &mut |index, count| {
            if index < followed {
                counts.push(count);
            }
            if count.requests > 0 {
                delta
                    .routes
                    .insert(RouteKey(index as u64), route_of(&names, index, &count, minute));
            }
        });
        touched += delta.routes.len() as u64;
        let epoch = Epoch((START_MINUTE + minute) * 60);
        let endpoint_of = |route: RouteKey| Some(names.places[route.0 as usize].clone());
        let begun = cpu_ns();
        behavior.seal(epoch, &delta, &endpoint_of, &mut |finding| alerts.push(minute, &finding));
        // The minute ends here: what is found in it is found now.
        behavior.advance(Epoch(epoch.0 + 60), &mut |finding| alerts.push(minute, &finding));
        spent += cpu_ns() - begun;
        rivals.minute(&world, minute, &counts);
        alerts.know(&counts);
        traces.note(&behavior, &world, minute, &counts);
        if minute >= 4 * DAY {
            calibration.note(&behavior, &world, minute, &counts);
        }
    }
    println!(
        "{count} endpoints on {HOSTS} hosts, {days} days, seed {seed}: {touched} minutes of \
         endpoints with requests, {:.2} microseconds each on the processor in behavior ({:.0} s in all)",
        spent as f64 / 1e3 / touched as f64,
        spent as f64 / 1e9
    );
    let report = Report {
        world: &world,
        alerts: &alerts.list,
        rivals: &rivals.all,
        traces: &traces.all,
        days,
    };
    report.print();
    calibration.print();
}

/// What is noted of each rise while it lasts: by endpoint and start.
#[derive(Default)]
struct Traces {
    all: BTreeMap<(usize, u64), Trace>,
}

impl Traces {
    fn note(&mut self, behavior: &Behavior, world: &World, minute: u64, counts: &[Count]) {
        for (index, count) in counts.iter().enumerate() {
            let endpoint = &world.endpoints[index];
            let Some(current) = endpoint
                .injections
                .iter()
                .find(|it| is_rise(it.kind) && (it.start..=it.end()).contains(&minute))
            else {
                continue;
            };
            let ln_probability = behavior.ln_surge(EndpointId(index as u64)).unwrap_or(0.0);
            let normal = behavior.baseline(EndpointId(index as u64)).map_or(0.0, |it| it.normal);
            let trace = self.all.entry((index, current.start)).or_insert_with(|| Trace {
                mean: count.mean,
                normal,
                ..Trace::default()
            });
            if minute < current.start + 3 {
                trace.ln_soon = trace.ln_soon.min(ln_probability);
                trace.seen.push(count.requests);
            }
            trace.ln_ever = trace.ln_ever.min(ln_probability);
        }
    }
}

/// Nanoseconds on the processor so far: others share the machine.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn route_of(names: &Names, index: usize, count: &Count, minute: u64) -> RouteDelta {
    let mut route = RouteDelta::new(Arc::clone(&names.routes[index]));
    route.requests = count.requests;
    let errors = count.errors.min(count.requests - count.refused);
    for (status, count) in
        [(200, count.requests - count.refused - errors), (401, count.refused), (500, errors)]
    {
        if count > 0 {
            route.statuses.insert(status, count);
        }
    }
    route.latency_us.record_many(count.latency_us as u64, count.requests);
    route.response_bytes.record_many(1_000 + index as u64 % 5_000, count.requests);
    for consumer in 0..count.consumers.min(40) {
        let mut hash = dice::Dice::new((index as u64) << 32 ^ consumer ^ minute << 50);
        route.consumers.insert(hash.bits());
    }
    route
}

/// Findings, as cases that are resolved after five minutes without one.
#[derive(Default)]
struct Alerts {
    open: BTreeMap<String, (u64, usize)>,
    list: Vec<Alert>,
    known: usize,
}

impl Alerts {
    /// Adds the true rates to those of the minute.
    fn know(&mut self, counts: &[Count]) {
        for alert in self.list.iter_mut().skip(self.known) {
            let count = alert.endpoint.and_then(|index| counts.get(index));
            alert.mean = count.map_or(0.0, |count| count.mean);
        }
        self.known = self.list.len();
    }

    fn push(&mut self, minute: u64, finding: &Finding) {
        let subject = finding.subject();
        let open = self.open.get(&subject).filter(|(last, _)| minute <= last + 5).copied();
        let index = open.map_or_else(
            || {
                self.list.push(Alert {
                    minute,
                    detection: finding.detection.clone(),
                    host: finding.host.clone(),
                    endpoint: finding.endpoint.as_ref().map(|endpoint| endpoint.id.0 as usize),
                    title: finding.title.clone(),
                    probability: finding.probability,
                    measures: (finding.normal.value, finding.seen.value),
                    mean: 0.0,
                });
                self.list.len() - 1
            },
            |(_, index)| index,
        );
        self.open.insert(subject, (minute, index));
    }
}

/// The rivals and the oracle, on every endpoint that is followed.
struct Rivals {
    fixed: Vec<Static>,
    ewma: Vec<Ewma>,
    holt: Vec<HoltWinters>,
    oracle: Vec<[Oracle; 2]>,
    all: Vec<Alarms>,
}

impl Rivals {
    fn new(followed: usize) -> Self {
        Self {
            fixed: vec![Static::default(); followed],
            ewma: vec![Ewma::default(); followed],
            holt: vec![HoltWinters::default(); followed],
            oracle: vec![[Oracle::default(); 2]; followed],
            all: vec![
                Alarms::new("static 3 sigma", true),
                Alarms::new("EWMA", true),
                Alarms::new("Holt-Winters", true),
                Alarms::new("oracle (x3)", false),
                Alarms::new("oracle (x10)", false),
            ],
        }
    }

    fn minute(&mut self, world: &World, minute: u64, counts: &[Count]) {
        for (index, count) in counts.iter().enumerate() {
            let endpoint = &world.endpoints[index];
            let seen = count.requests as f64;
            let current: Option<&Injection> =
                endpoint.injections.iter().find(|it| (it.start..=it.end() + 60).contains(&minute));
            if endpoint.injections.iter().any(|it| it.end() + 61 == minute) {
                // It knows when a change is over: what it gathered in it is no false alarm.
                self.oracle[index] = [Oracle::default(); 2];
            }
            let evidence = [
                self.fixed[index].step(minute, seen),
                self.ewma[index].step(seen),
                self.holt[index].step(minute, seen),
                self.oracle[index][0].step(seen, count.mean, endpoint.scatter, 3.0),
                self.oracle[index][1].step(seen, count.mean, endpoint.scatter, 10.0),
            ];
            if minute < 4 * DAY {
                continue;
            }
            for (alarms, evidence) in self.all.iter_mut().zip(evidence) {
                alarms.note(minute, index, evidence, current);
            }
        }
    }
}
