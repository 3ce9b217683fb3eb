//! The step between routes and endpoints.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tapline_model::{Delta, EndpointId, EndpointRef, RouteDelta, RouteKey};
use tapline_sketch::Buckets;

/// What one endpoint did in one epoch, over all of its routes.
#[derive(Clone, Debug)]
pub(crate) struct EndpointEpoch {
    pub(crate) host: String,
    pub(crate) endpoint: EndpointRef,
    pub(crate) requests: u64,
    /// Requests whose answer was seen.
    pub(crate) answers: u64,
    /// 5xx answers by status.
    pub(crate) errors: BTreeMap<u16, u64>,
    /// Who got them; a sample.
    pub(crate) error_clients: BTreeMap<IpAddr, u64>,
    /// Records in an answer.
    pub(crate) records: Buckets,
}

impl EndpointEpoch {
    /// Nothing yet.
    pub(crate) const fn new(host: String, endpoint: EndpointRef) -> Self {
        Self {
            host,
            endpoint,
            requests: 0,
            answers: 0,
            errors: BTreeMap::new(),
            error_clients: BTreeMap::new(),
            records: Buckets::new(),
        }
    }

    /// Adds one of its routes.
    pub(crate) fn add(&mut self, route: &RouteDelta) {
        self.requests += route.requests;
        for (&status, &count) in &route.statuses {
            if status != 0 {
                self.answers += count;
            }
            if (500..600).contains(&status) {
                *self.errors.entry(status).or_default() += count;
            }
        }
        self.records.merge(&route.records);
        for (&client, &count) in &route.error_clients {
            *self.error_clients.entry(client).or_default() += count;
        }
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
                .add(route);
        }
    }
    endpoints
}
