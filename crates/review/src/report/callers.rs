//! Who calls what, and which credentials seem to have several users.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tapline_model::{ConsumerKey, ConsumerKind, ConsumerView, EndpointView};

use super::Place;

/// Endpoints listed with a consumer.
const PLACES_MAX: usize = 50;
/// Networks from which on a credential is shared.
const NETWORKS_MIN: usize = 3;
/// User agents from which on it is, with two networks.
const AGENTS_MIN: u64 = 3;

/// One consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerRow {
    /// The keyed hash of what names it.
    pub key: String,
    /// What that is: a token's subject, a credential, a session or an address.
    pub kind: String,
    /// Requests.
    pub requests: u64,
    /// Of those, answered 4xx.
    pub client_errors: u64,
    /// Earliest request, RFC 3339.
    pub first_seen: String,
    /// Latest request, RFC 3339.
    pub last_seen: String,
    /// Where it called from.
    pub networks: Vec<String>,
    /// User agents it has had; 8 and more are 8.
    pub agents: u64,
    /// What it called, as far as it is kept: of an endpoint with more than 64 callers a sample is.
    pub places: Vec<Place>,
    /// How many endpoints those are, listed or not.
    pub places_total: u64,
    /// Why it seems to have several users; empty when it does not.
    pub shared: String,
}

/// Every consumer, most requests first.
pub(super) fn of(consumers: &[ConsumerView], endpoints: &[&EndpointView]) -> Vec<ConsumerRow> {
    let mut called: HashMap<ConsumerKey, Vec<usize>> = HashMap::new();
    for (at, endpoint) in endpoints.iter().enumerate() {
        for &caller in endpoint.callers.iter() {
            called.entry(caller).or_default().push(at);
        }
    }
    consumers.iter().map(|consumer| row(consumer, &called, endpoints)).collect()
}

/// Those that seem to have several users.
pub(super) fn shared(consumers: &[ConsumerView], endpoints: &[&EndpointView]) -> Vec<ConsumerRow> {
    let suspects: Vec<ConsumerView> =
        consumers.iter().filter(|consumer| !why_shared(consumer).is_empty()).cloned().collect();
    of(&suspects, endpoints)
}

fn row(
    consumer: &ConsumerView,
    called: &HashMap<ConsumerKey, Vec<usize>>,
    endpoints: &[&EndpointView],
) -> ConsumerRow {
    let places = called.get(&consumer.key).map(Vec::as_slice).unwrap_or_default();
    ConsumerRow {
        key: consumer.key.to_string(),
        kind: consumer.kind.label().to_owned(),
        requests: consumer.requests,
        client_errors: consumer.client_errors,
        first_seen: consumer.first_seen.to_string(),
        last_seen: consumer.last_seen.to_string(),
        networks: consumer.networks.clone(),
        agents: consumer.agents,
        places: places
            .iter()
            .take(PLACES_MAX)
            .filter_map(|&at| endpoints.get(at))
            .map(|endpoint| Place::of(endpoint))
            .collect(),
        places_total: places.len() as u64,
        shared: why_shared(consumer),
    }
}

/// One credential in many places is used by many; an address is what it is.
fn why_shared(consumer: &ConsumerView) -> String {
    let networks = consumer.networks.len();
    let is_shared = consumer.kind != ConsumerKind::Address
        && (networks >= NETWORKS_MIN || (networks >= 2 && consumer.agents >= AGENTS_MIN));
    if is_shared {
        format!(
            "one {} from {networks} networks with {} user agents",
            consumer.kind.label(),
            consumer.agents
        )
    } else {
        String::new()
    }
}
