//! Hosts and endpoints as series: bounded, whatever the traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tapline_model::{
    DataClass, DataPlace, EndpointId, EndpointState, EndpointView, HostView, Severity, View,
};

use super::{Limits, encrypted, number};
use crate::family::Family;
use crate::names;

/// Stands for everything over a limit.
const OTHER: &str = "~other";
/// The classes of an answer: index 0 is without one.
const STATUS_CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper bounds of the delay histogram, in seconds.
const DELAY_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Which hosts and endpoints have series of their own, and what the others counted together.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    hosts: Crowd<String, HostCounts>,
    endpoints: Crowd<EndpointId, StatusClasses>,
    /// What all hosts under `~other` have counted.
    other_hosts: HostCounts,
    /// What the endpoints under `~other` have counted, by the host label they are shown with.
    other_endpoints: BTreeMap<String, StatusClasses>,
}

/// Those with series of their own, and what the others had counted at the last scrape.
///
/// `~other` adds up what each of them counted *since* then: its sum never falls, although some leave
/// it, because they are no longer listed or because they get series of their own.
#[derive(Debug)]
struct Crowd<K, C> {
    admitted: BTreeSet<K>,
    others: BTreeMap<K, C>,
}

impl<K, C> Default for Crowd<K, C> {
    fn default() -> Self {
        Self { admitted: BTreeSet::new(), others: BTreeMap::new() }
    }
}

impl<K: Ord, C: Counts> Crowd<K, C> {
    /// Who is no longer listed makes room.
    fn keep(&mut self, listed: &BTreeSet<K>) {
        self.admitted.retain(|key| listed.contains(key));
        self.others.retain(|key, _| listed.contains(key));
    }

    /// Whether it has series of its own: who came first stays.
    fn admit(&mut self, key: K, max: u32) -> bool {
        if self.admitted.contains(&key) {
            return true;
        }
        if self.admitted.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return false;
        }
        self.others.remove(&key);
        self.admitted.insert(key);
        true
    }

    /// Adds to `sum` what one under `~other` counted since the last scrape.
    fn add_other(&mut self, key: K, counts: C, sum: &mut C) {
        let earlier = self.others.entry(key).or_default();
        sum.add_since(&counts, earlier);
        *earlier = counts;
    }
}

/// Counters that can be told apart in time.
trait Counts: Default {
    /// Adds what was counted between `earlier` and `now`.
    fn add_since(&mut self, now: &Self, earlier: &Self);
}

type StatusClasses = [u64; STATUS_CLASSES.len()];

impl<const N: usize> Counts for [u64; N]
where
    Self: Default,
{
    fn add_since(&mut self, now: &Self, earlier: &Self) {
        for ((sum, now), earlier) in self.iter_mut().zip(now).zip(earlier) {
            *sum += now.saturating_sub(*earlier);
        }
    }
}

/// What is shown of a host.
#[derive(Clone, Debug, Default)]
struct HostCounts {
    status_classes: StatusClasses,
    bytes: u64,
    /// By [`DELAY_BOUNDS`], then those above; not cumulative.
    delays: [u64; DELAY_BOUNDS.len() + 1],
    delay_micros: u64,
}

impl HostCounts {
    fn of(host: &HostView) -> Self {
        let mut delays = [0; DELAY_BOUNDS.len() + 1];
        let mut delay_micros = 0u64;
        for &(micros, count) in &host.latency_us {
            let bucket = DELAY_BOUNDS.partition_point(|&bound| bound * 1e6 < number(micros));
            if let Some(sum) = delays.get_mut(bucket) {
                *sum += count;
            }
            delay_micros = delay_micros.saturating_add(micros.saturating_mul(count));
        }
        Self { status_classes: host.status_classes, bytes: host.bytes, delays, delay_micros }
    }
}

impl Counts for HostCounts {
    fn add_since(&mut self, now: &Self, earlier: &Self) {
        self.status_classes.add_since(&now.status_classes, &earlier.status_classes);
        self.bytes += now.bytes.saturating_sub(earlier.bytes);
        self.delays.add_since(&now.delays, &earlier.delays);
        self.delay_micros += now.delay_micros.saturating_sub(earlier.delay_micros);
    }
}

/// Everything of the inventory.
pub(super) fn families(view: &View, limits: Limits, admitted: &mut Admitted) -> Vec<Family> {
    let mut overflow = Family::new(names::INVENTORY_OVERFLOW);
    let mut families = hosts(&view.hosts, limits, admitted, &mut overflow);
    families.extend(endpoints(view, limits, admitted, &mut overflow));
    families.extend(encrypted::families(view, limits, &mut overflow));
    families.push(overflow);
    families.push(data(view));
    families
}

/// Fields with sensitive data: at most as many series as there are classes times places.
fn data(view: &View) -> Family {
    let mut counts: BTreeMap<(DataClass, DataPlace), u64> = BTreeMap::new();
    for field in view.endpoints.iter().flat_map(|endpoint| &endpoint.data) {
        *counts.entry((field.class, field.place)).or_default() += 1;
    }
    let mut family = Family::new(names::DATA_FIELDS);
    for ((class, place), count) in counts {
        family.add(&[class.label(), place.label()], number(count));
    }
    family
}

fn hosts(
    hosts: &[HostView],
    limits: Limits,
    admitted: &mut Admitted,
    overflow: &mut Family,
) -> Vec<Family> {
    let Admitted { hosts: crowd, other_hosts, .. } = admitted;
    crowd.keep(&hosts.iter().map(|host| host.host.clone()).collect());
    let mut shown = HostFamilies::new();
    let mut over = 0;
    for host in hosts {
        let counts = HostCounts::of(host);
        // A host may call itself what the rest is called.
        if host.host != OTHER && crowd.admit(host.host.clone(), limits.hosts_max) {
            shown.add(&host.host, &counts);
        } else {
            over += 1;
            crowd.add_other(host.host.clone(), counts, other_hosts);
        }
    }
    if over > 0 || other_hosts.status_classes.iter().any(|&count| count > 0) {
        shown.add(OTHER, other_hosts);
    }
    overflow.add(&["hosts"], number(over));
    let count = u64::try_from(hosts.len()).unwrap_or(u64::MAX);
    vec![
        shown.requests,
        shown.bytes,
        shown.delay,
        Family::single(names::INVENTORY_HOSTS, number(count)),
    ]
}

struct HostFamilies {
    requests: Family,
    bytes: Family,
    delay: Family,
}

impl HostFamilies {
    fn new() -> Self {
        Self {
            requests: Family::new(names::HTTP_REQUESTS),
            bytes: Family::new(names::HTTP_BYTES),
            delay: Family::new(names::HTTP_DURATION),
        }
    }

    fn add(&mut self, host: &str, counts: &HostCounts) {
        for (class, count) in STATUS_CLASSES.iter().zip(counts.status_classes) {
            self.requests.add(&[host, class], number(count));
        }
        self.bytes.add(&[host], number(counts.bytes));
        let mut cumulative = 0;
        let buckets: Vec<(f64, u64)> = DELAY_BOUNDS
            .iter()
            .zip(counts.delays)
            .map(|(&bound, count)| {
                cumulative += count;
                (bound, cumulative)
            })
            .collect();
        let total = counts.delays.iter().sum();
        self.delay.add_histogram(&[host], &buckets, number(counts.delay_micros) / 1e6, total);
    }
}

fn endpoints(
    view: &View,
    limits: Limits,
    admitted: &mut Admitted,
    overflow: &mut Family,
) -> Vec<Family> {
    let Admitted { hosts, endpoints: crowd, other_endpoints, .. } = admitted;
    crowd.keep(&view.endpoints.iter().map(|endpoint| endpoint.id).collect());
    let mut states = Family::new(names::INVENTORY_ENDPOINTS);
    for &state in EndpointState::ALL {
        let count = view.endpoints.iter().filter(|endpoint| endpoint.state == state).count();
        states.add(&[state.label()], number(u64::try_from(count).unwrap_or(u64::MAX)));
    }
    let mut risks = Family::new(names::INVENTORY_RISKS);
    for &severity in Severity::ALL {
        let is_so = |endpoint: &&Arc<EndpointView>| {
            endpoint.risk.as_ref().is_some_and(|risk| risk.severity == severity)
        };
        let count = view.endpoints.iter().filter(is_so).count();
        risks.add(&[severity.label()], number(u64::try_from(count).unwrap_or(u64::MAX)));
    }
    let mut info = Family::new(names::ENDPOINT_INFO);
    let mut requests = Family::new(names::ENDPOINT_REQUESTS);
    let mut last_seen = Family::new(names::ENDPOINT_LAST_SEEN);
    let mut over = 0;
    for endpoint in view.endpoints.iter() {
        if crowd.admit(endpoint.id, limits.endpoints_max) {
            add_endpoint(endpoint, &mut info, &mut requests, &mut last_seen);
            continue;
        }
        over += 1;
        let known = hosts.admitted.contains(&endpoint.host);
        let host = if known { endpoint.host.as_str() } else { OTHER };
        let sum = other_endpoints.entry(host.to_owned()).or_default();
        crowd.add_other(endpoint.id, endpoint.status_classes(), sum);
    }
    other_endpoints.retain(|host, _| host == OTHER || hosts.admitted.contains(host));
    for (host, sums) in other_endpoints.iter() {
        for (class, &count) in STATUS_CLASSES.iter().zip(sums) {
            requests.add(&[OTHER, host, class], number(count));
        }
    }
    overflow.add(&["endpoints"], number(over));
    vec![states, risks, info, requests, last_seen]
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
