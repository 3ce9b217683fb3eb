//! The step between routes and endpoints.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tapline_model::{Delta, EndpointId, EndpointRef, RouteDelta, RouteKey};
use tapline_sketch::{Buckets, Kmv};

use crate::number::real;

/// What one endpoint did in one epoch, over all of its routes.
#[derive(Clone, Debug)]
pub(crate) struct EndpointEpoch {
    pub(crate) host: String,
    pub(crate) endpoint: EndpointRef,
    /// Its routes.
    pub(crate) routes: Vec<RouteKey>,
    pub(crate) requests: u64,
    /// Requests whose answer was seen.
    pub(crate) answers: u64,
    /// 5xx answers by status.
    pub(crate) errors: BTreeMap<u16, u64>,
    /// Who got them; a sample.
    pub(crate) error_clients: BTreeMap<IpAddr, u64>,
    /// Records in an answer.
    pub(crate) records: Buckets,
    /// 4xx answers, 401 and 403 apart.
    pub(crate) client_errors: u64,
    /// 401 and 403 answers.
    pub(crate) auth_failures: u64,
    /// How many answers, and the sum of the logarithms of their latencies in microseconds.
    pub(crate) latency: (u64, f64),
    /// The same of their bytes, and of their records.
    pub(crate) size: (u64, f64),
    pub(crate) record_logs: (u64, f64),
    pub(crate) consumers: Kmv<64>,
}

impl EndpointEpoch {
    /// Nothing yet.
    pub(crate) const fn new(host: String, endpoint: EndpointRef) -> Self {
        Self {
            host,
            endpoint,
            routes: Vec::new(),
            requests: 0,
            answers: 0,
            errors: BTreeMap::new(),
            error_clients: BTreeMap::new(),
            records: Buckets::new(),
            client_errors: 0,
            auth_failures: 0,
            latency: (0, 0.0),
            size: (0, 0.0),
            record_logs: (0, 0.0),
            consumers: Kmv::new(),
        }
    }

    /// Adds another endpoint of the same host: what is counted by the minute.
    pub(crate) fn add_counts(&mut self, other: &Self) {
        self.requests += other.requests;
        self.answers += other.answers;
        self.client_errors += other.client_errors;
        self.auth_failures += other.auth_failures;
        for (sum, part) in [
            (&mut self.latency, other.latency),
            (&mut self.size, other.size),
            (&mut self.record_logs, other.record_logs),
        ] {
            sum.0 += part.0;
            sum.1 += part.1;
        }
        self.consumers.merge(&other.consumers);
    }

    /// Adds one of its routes.
    pub(crate) fn add(&mut self, key: RouteKey, route: &RouteDelta) {
        self.routes.push(key);
        self.requests += route.requests;
        for (&status, &count) in &route.statuses {
            if status != 0 {
                self.answers += count;
            }
            if (500..600).contains(&status) {
                *self.errors.entry(status).or_default() += count;
            }
            if status == 401 || status == 403 {
                self.auth_failures += count;
            } else if (400..500).contains(&status) {
                self.client_errors += count;
            }
        }
        add_logs(&mut self.latency, &route.latency_us);
        add_logs(&mut self.size, &route.response_bytes);
        add_logs(&mut self.record_logs, &route.records);
        self.consumers.merge(&route.consumers);
        self.records.merge(&route.records);
        for (&client, &count) in &route.error_clients {
            *self.error_clients.entry(client).or_default() += count;
        }
    }
}

/// Adds how many values there are, and the logarithms of each and one, which has a logarithm where
/// nothing has none.
fn add_logs(sum: &mut (u64, f64), values: &Buckets) {
    for (value, count) in values.iter() {
        sum.0 += count;
        sum.1 += libm::log1p(real(value)) * real(count);
    }
}

/// What every endpoint did in a sealed epoch, its routes taken together. Routes without one are
/// left out.
pub(crate) fn by_endpoint(
    delta: &Delta,
    endpoint_of: &dyn Fn(RouteKey) -> Option<(String, EndpointRef)>,
) -> BTreeMap<EndpointId, EndpointEpoch> {
    let mut endpoints = BTreeMap::new();
    for (&key, route) in &delta.routes {
        if let Some((host, endpoint)) = endpoint_of(key) {
            endpoints
                .entry(endpoint.id)
                .or_insert_with(|| EndpointEpoch::new(host, endpoint))
                .add(key, route);
        }
    }
    endpoints
}
