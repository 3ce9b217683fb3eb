//! Hosts and endpoints as series: bounded, whatever the traffic.

use std::collections::{BTreeMap, BTreeSet};

use tapline_model::{EndpointId, EndpointState, EndpointView, HostView, View};

use super::{Limits, number};
use crate::family::Family;
use crate::names;

/// Stands for everything over a limit.
const OTHER: &str = "~other";
/// The classes of an answer: index 0 is without one.
const STATUS_CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper bounds of the delay histogram, in seconds.
const DELAY_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Which hosts and endpoints have series of their own.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    hosts: BTreeSet<String>,
    endpoints: BTreeSet<EndpointId>,
}

impl Admitted {
    fn host(&mut self, host: &str, limit: u32) -> bool {
        if self.hosts.contains(host) {
            return true;
        }
        let room = self.hosts.len() < limit as usize;
        if room {
            self.hosts.insert(host.to_owned());
        }
        room
    }

    fn endpoint(&mut self, id: EndpointId, limit: u32) -> bool {
        if self.endpoints.contains(&id) {
            return true;
        }
        let room = self.endpoints.len() < limit as usize;
        if room {
            self.endpoints.insert(id);
        }
        room
    }
}

/// Everything of the inventory.
pub(super) fn families(view: &View, limits: Limits, admitted: &mut Admitted) -> Vec<Family> {
    let mut overflow = Family::new(names::INVENTORY_OVERFLOW);
    let mut families = hosts(&view.hosts, limits, admitted, &mut overflow);
    families.extend(endpoints(view, limits, admitted, &mut overflow));
    families.push(overflow);
    families
}

#[derive(Default)]
struct HostSum {
    status_classes: [u64; 6],
    bytes: u64,
    delays: BTreeMap<u64, u64>,
}

impl HostSum {
    fn add(&mut self, host: &HostView) {
        for (sum, count) in self.status_classes.iter_mut().zip(host.status_classes) {
            *sum += count;
        }
        self.bytes += host.bytes;
        for &(micros, count) in &host.latency_us {
            *self.delays.entry(micros).or_default() += count;
        }
    }
}

fn hosts(
    hosts: &[HostView],
    limits: Limits,
    admitted: &mut Admitted,
    overflow: &mut Family,
) -> Vec<Family> {
    let mut sums: BTreeMap<&str, HostSum> = BTreeMap::new();
    let mut over = 0;
    for host in hosts {
        let name = if admitted.host(&host.host, limits.hosts_max) {
            host.host.as_str()
        } else {
            over += 1;
            OTHER
        };
        sums.entry(name).or_default().add(host);
    }
    let mut requests = Family::new(names::HTTP_REQUESTS);
    let mut bytes = Family::new(names::HTTP_BYTES);
    let mut delay = Family::new(names::HTTP_DURATION);
    for (name, sum) in &sums {
        for (class, count) in STATUS_CLASSES.iter().zip(sum.status_classes) {
            requests.add(&[name, class], number(count));
        }
        bytes.add(&[name], number(sum.bytes));
        add_delays(&mut delay, name, &sum.delays);
    }
    overflow.add(&["hosts"], number(over));
    vec![requests, bytes, delay, Family::single(names::INVENTORY_HOSTS, number(hosts.len() as u64))]
}

fn add_delays(family: &mut Family, host: &str, delays: &BTreeMap<u64, u64>) {
    let buckets: Vec<(f64, u64)> = DELAY_BOUNDS
        .iter()
        .map(|&bound| {
            let below = delays.iter().take_while(|&(&micros, _)| number(micros) <= bound * 1e6);
            (bound, below.map(|(_, count)| count).sum())
        })
        .collect();
    let sum = delays.iter().map(|(&micros, &count)| number(micros) * 1e-6 * number(count)).sum();
    family.add_histogram(&[host], &buckets, sum, delays.values().sum());
}

fn endpoints(
    view: &View,
    limits: Limits,
    admitted: &mut Admitted,
    overflow: &mut Family,
) -> Vec<Family> {
    let mut states = Family::new(names::INVENTORY_ENDPOINTS);
    for &state in EndpointState::ALL {
        let count = view.endpoints.iter().filter(|endpoint| endpoint.state == state).count();
        states.add(&[state.label()], number(count as u64));
    }
    let mut info = Family::new(names::ENDPOINT_INFO);
    let mut requests = Family::new(names::ENDPOINT_REQUESTS);
    let mut last_seen = Family::new(names::ENDPOINT_LAST_SEEN);
    let mut others: BTreeMap<&str, [u64; 6]> = BTreeMap::new();
    let mut over = 0;
    for endpoint in view.endpoints.iter() {
        if admitted.endpoint(endpoint.id, limits.endpoints_max) {
            add_endpoint(endpoint, &mut info, &mut requests, &mut last_seen);
            continue;
        }
        over += 1;
        let known = admitted.host(&endpoint.host, limits.hosts_max);
        let host = if known { endpoint.host.as_str() } else { OTHER };
        let sums = others.entry(host).or_default();
        for (sum, count) in sums.iter_mut().zip(endpoint.status_classes()) {
            *sum += count;
        }
    }
    for (host, sums) in others {
        for (class, count) in STATUS_CLASSES.iter().zip(sums) {
            requests.add(&[OTHER, host, class], number(count));
        }
    }
    overflow.add(&["endpoints"], number(over));
    vec![states, info, requests, last_seen]
}

fn add_endpoint(
    endpoint: &EndpointView,
    info: &mut Family,
    requests: &mut Family,
    last_seen: &mut Family,
) {
    let id = endpoint.id.to_string();
    // The commonest credentials: one label, so that one endpoint is one series.
    let auth = endpoint.auth.first().map_or("none", |(label, _)| label.as_str());
    info.add(
        &[&id, &endpoint.host, &endpoint.method, &endpoint.template, auth, endpoint.state.label()],
        1.0,
    );
    for (class, count) in STATUS_CLASSES.iter().zip(endpoint.status_classes()) {
        if count > 0 {
            requests.add(&[&id, &endpoint.host, class], number(count));
        }
    }
    last_seen.add(&[&id], endpoint.last_seen.seconds_f64());
}
