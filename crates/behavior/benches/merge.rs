//! What a merge takes: epochs that touch ten thousand endpoints and a hundred thousand consumers, the
//! minute that ends, and epochs that touch next to nothing.
//!
//! `cargo bench -p tapline-behavior --bench merge` prints the middle and the worst of many epochs, as
//! time on the processor.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: figures for people, and nobody's input"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tapline_behavior::{Behavior, Config};
use tapline_model::{
    ConsumerDelta, ConsumerKey, ConsumerKind, Delta, DeltaId, EndpointId, EndpointRef, Epoch, Key,
    RouteDelta, RouteKey, RouteName, Timestamp,
};

const ENDPOINTS: u64 = 10_000;
const HOSTS: u64 = 100;
const CONSUMERS: u64 = 100_000;
const MINUTES: u64 = 1_500;
/// The last minutes are measured, by epochs of six seconds.
const MEASURED: u64 = 5;
const START: u64 = 1_740_960_000;

fn main() {
    let mut behavior = Behavior::new(Config::default(), Key::fixed());
    let names: Vec<Arc<RouteName>> = (0..ENDPOINTS)
        .map(|it| {
            let host = format!("host{}.example", it % HOSTS);
            Arc::new(RouteName { host: host.as_str().into(), ..RouteName::default() })
        })
        .collect();
    let endpoint_of = |route: RouteKey| {
        let endpoint = EndpointRef {
            id: EndpointId(route.0),
            method: "GET".to_owned(),
            template: format!("/things/{}", route.0),
        };
        Some((format!("host{}.example", route.0 % HOSTS), endpoint))
    };
    let mut findings = 0u64;
    let [mut epochs, mut ends, mut quiet] = [const { Vec::new() }; 3];
    // A day in which every minute has one epoch with all endpoints, then minutes with ten and all
    // consumers, then minutes with one request each.
    for minute in 0..MINUTES + MEASURED {
        let is_measured = minute >= MINUTES - MEASURED;
        let is_quiet = minute >= MINUTES;
        for second in (0..60).step_by(if is_measured { 6 } else { 60 }) {
            let epoch = Epoch(START + minute * 60 + second);
            let mut delta = Delta::new(DeltaId::default());
            for it in 0..if is_quiet { 1 } else { ENDPOINTS } {
                delta.routes.insert(RouteKey(it), route(&names, it, minute));
            }
            for it in 0..if is_measured && !is_quiet { CONSUMERS } else { 1 } {
                delta.consumers.insert(ConsumerKey(hashed(it)), consumer(it, epoch));
            }
            let begun = cpu_ns();
            behavior.seal(epoch, &delta, &endpoint_of, &mut |_| findings += 1);
            let spent = cpu_ns() - begun;
            match (is_measured, is_quiet, second) {
                (false, ..) => {}
                // The first of them ends a minute of many.
                (true, true, _) if minute > MINUTES || second > 0 => quiet.push(spent),
                (true, _, 0) => ends.push(spent),
                (true, ..) => epochs.push(spent),
            }
        }
    }
    let many = format!("of {ENDPOINTS} endpoints on {HOSTS} hosts and {CONSUMERS} consumers");
    for (name, spent) in [
        (format!("an epoch {many}"), &mut epochs),
        (format!("an epoch that ends a minute {many}"), &mut ends),
        ("an epoch of one endpoint and one consumer".to_owned(), &mut quiet),
    ] {
        spent.sort_unstable();
        let ms = |ns: u64| std::time::Duration::from_nanos(ns).as_secs_f64() * 1e3;
        println!(
            "{name}: {:.2} ms in the middle, {:.2} ms at worst, of {}",
            ms(spent[spent.len() / 2]),
            ms(spent[spent.len() - 1]),
            spent.len()
        );
    }
    println!("{findings} findings");
}

/// One that is known by its address, and in one of ten epochs asks for what is not there.
fn consumer(it: u64, epoch: Epoch) -> ConsumerDelta {
    let mut did = ConsumerDelta::new(ConsumerKind::Address);
    did.last_seen = Timestamp::from_seconds(epoch.0);
    did.requests = 1 + it % 3;
    did.clients.insert(IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + u32::try_from(it).unwrap())));
    did.agents.insert(hashed(it % 50));
    if (it + epoch.0).is_multiple_of(10) {
        did.client_errors = 1;
        did.unmatched = 1;
        did.unmatched_routes.insert(hashed(it ^ epoch.0));
        did.unmatched_hosts.insert(format!("host{}.example", it % HOSTS).as_str().into(), 1);
    }
    did
}

fn hashed(it: u64) -> u64 {
    (it + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn route(names: &[Arc<RouteName>], it: u64, minute: u64) -> RouteDelta {
    let mut route = RouteDelta::new(Arc::clone(&names[usize::try_from(it).unwrap()]));
    route.requests = 1 + (it * 7 + minute) % 5;
    route.statuses.insert(200, route.requests);
    route.latency_us.record_many(20_000 + (it * 31 + minute * 17) % 9_000, route.requests);
    route.response_bytes.record_many(1_000 + it % 700, route.requests);
    for consumer in 0..route.requests {
        route
            .consumers
            .insert((it ^ minute << 20 ^ consumer << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    route
}

/// Nanoseconds on the processor so far: others share the machine.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
