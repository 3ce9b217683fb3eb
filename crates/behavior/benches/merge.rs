//! What the endpoints' half of a merge takes: one epoch that touches ten thousand endpoints, and the
//! minute that ends.
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

use std::sync::Arc;

use tapline_behavior::{Behavior, Config};
use tapline_model::{
    Delta, DeltaId, EndpointId, EndpointRef, Epoch, Key, RouteDelta, RouteKey, RouteName,
};

const ENDPOINTS: u64 = 10_000;
const HOSTS: u64 = 100;
const MINUTES: u64 = 1_500;

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
    let (mut epochs, mut ends) = (Vec::new(), Vec::new());
    // A day in which every minute has one epoch with all endpoints, then minutes with sixty.
    for minute in 0..MINUTES {
        let is_measured = minute >= MINUTES - 5;
        for second in (0..60).step_by(if is_measured { 6 } else { 60 }) {
            let mut delta = Delta::new(DeltaId::default());
            for it in 0..ENDPOINTS {
                delta.routes.insert(RouteKey(it), route(&names, it, minute));
            }
            let begun = cpu_ns();
            let epoch = Epoch(1_740_960_000 + minute * 60 + second);
            behavior.seal(epoch, &delta, &endpoint_of, &mut |_| findings += 1);
            let spent = cpu_ns() - begun;
            if is_measured {
                if second == 0 { ends.push(spent) } else { epochs.push(spent) }
            }
        }
    }
    for (name, spent) in [("an epoch", &mut epochs), ("an epoch that ends a minute", &mut ends)] {
        spent.sort_unstable();
        println!(
            "{name} of {ENDPOINTS} endpoints on {HOSTS} hosts: {} ms in the middle, {} ms at worst, of {}",
            spent[spent.len() / 2] / 1_000_000,
            spent[spent.len() - 1] / 1_000_000,
            spent.len()
        );
    }
    println!("{findings} findings");
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
