//! The joined half: the endpoints that the joined deltas add up to.

mod changes;
mod consumers;
mod distribution;
mod document;
mod encrypted;
mod endpoint;
mod freshness;
mod hosts;
mod learning;
mod life;
mod looking;
mod moving;
mod naming;
mod parts;
mod pending;
mod schema;
mod servers;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;
use tapline_model::{
    ConsumerView, Delta, EncryptedView, EndpointId, EndpointRef, EndpointView, HostDelta, HostView,
    Key, RouteFeedback, RouteKey, ServerView, Sighting, Timestamp,
};

pub use self::document::inventory_json;

use self::changes::Changes;
use self::consumers::Consumers;
use self::encrypted::Encrypted;
use self::endpoint::Endpoint;
use self::hosts::Hosts;
use self::naming::Rendered;
use self::pending::Pending;
use self::servers::Servers;
use crate::Config;
use crate::consumer::cookie_hash;
use crate::paths::Paths;
use crate::rules::{Documented, RuleBook, labels_of};

/// Cookies by which callers are known, of all hosts.
const SESSION_COOKIES_MAX: usize = 10_000;

/// What found a table full and was left out, since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Hosts, each time one was seen.
    pub hosts: u64,
    /// Routes that would have made an endpoint.
    pub endpoints: u64,
    /// Routes without an endpoint that were given up for newer ones.
    pub routes: u64,
    /// Parameters of an endpoint, each time one was seen.
    pub parameters: u64,
    /// Values in bodies, queries and header fields that stood in places which found no room.
    pub field_values: u64,
    /// Deltas of routes whose path found no room to be learned from.
    pub paths: u64,
    /// Servers, each time one was seen.
    pub servers: u64,
    /// Hosts behind TLS and certificates of theirs that made room for newer ones, and handshakes that
    /// were not told apart.
    pub encrypted: u64,
    /// Consumers given up for newer ones.
    pub consumers: u64,
}

/// Fields with sensitive data that are told of one delta.
const SIGHTINGS_MAX: usize = 4_096;

/// Where a route leads.
#[derive(Clone, Copy, Debug)]
enum Target {
    Endpoint(EndpointId),
    /// A HEAD or OPTIONS of the path with this hash.
    Attribute(u64),
}

/// The fields of all endpoints.
#[derive(Debug, Default)]
struct Fields {
    count: usize,
    /// Endpoints that have some, by when they got the last ones, in deltas.
    by_quiet: BTreeSet<(u64, EndpointId)>,
    /// How many made room for others.
    evicted: u64,
}

/// What shares one host and template.
#[derive(Debug, Default)]
struct PathEntry {
    /// GET first, then by method.
    endpoints: SmallVec<[EndpointId; 2]>,
    attribute_routes: SmallVec<[RouteKey; 2]>,
    /// Requests of those.
    attribute_requests: u64,
    head: bool,
    options: bool,
}

/// The live inventory: a deterministic function of the sequence of joined deltas. One call of
/// [`Inventory::apply`] costs what the delta touches.
#[derive(Debug)]
pub struct Inventory {
    config: Config,
    key: Key,
    /// Deltas applied: the clock of its evictions.
    applied: u64,
    endpoints: HashMap<EndpointId, Endpoint>,
    fields: Fields,
    routes: HashMap<RouteKey, Target>,
    paths_known: HashMap<u64, PathEntry>,
    /// What the paths of every host have taught.
    paths: Paths,
    pending: Pending,
    /// Pending HEAD and OPTIONS routes by the hash of their path.
    pending_attributes: HashMap<u64, SmallVec<[RouteKey; 2]>>,
    hosts: Hosts,
    servers: Servers,
    encrypted: Encrypted,
    consumers: Consumers,
    changes: Changes,
    /// Keyed hashes of host and name of the cookies by which callers are known.
    session_cookies: Arc<HashSet<u64>>,
    /// The minute of capture time in which ages were judged last.
    judged_minute: u64,
    /// What is listed, in order; stale when endpoints came, went or changed their looks.
    listed: Vec<EndpointId>,
    listed_is_stale: bool,
    routes_changed: bool,
    requests: u64,
    matched: u64,
    rejected: Rejected,
    /// Sensitive data in the delta that was applied last.
    sightings: Vec<Sighting>,
}

impl Inventory {
    /// An empty inventory that veils text by `key`.
    pub fn new(config: Config, key: Key) -> Self {
        let size = |max: u32| usize::try_from(max).unwrap_or(usize::MAX);
        Self {
            applied: 0,
            endpoints: HashMap::new(),
            fields: Fields::default(),
            routes: HashMap::new(),
            paths_known: HashMap::new(),
            paths: Paths::new(
                size(config.path_places_max),
                RuleBook::new(config.templates.clone().into(), Documented::default()),
            ),
            pending: Pending::new(size(config.endpoints_max)),
            pending_attributes: HashMap::new(),
            hosts: Hosts::new(size(config.hosts_max), config.environments.clone()),
            servers: Servers::new(size(config.servers_max)),
            encrypted: Encrypted::new(size(config.encrypted_hosts_max)),
            consumers: Consumers::default(),
            changes: Changes::default(),
            session_cookies: Arc::default(),
            judged_minute: 0,
            listed: Vec::new(),
            listed_is_stale: false,
            routes_changed: false,
            requests: 0,
            matched: 0,
            rejected: Rejected::default(),
            sightings: Vec::new(),
            config,
            key,
        }
    }

    /// Takes what all shards together learned in one epoch.
    pub fn apply(&mut self, delta: &Delta) {
        self.applied += 1;
        self.sightings.clear();
        for (&server, seen) in &delta.servers {
            self.rejected.servers += u64::from(!self.servers.absorb(server, seen));
        }
        for (key, seen) in &delta.encrypted.by_key {
            self.rejected.encrypted += self.encrypted.absorb(key, seen, self.applied);
        }
        self.rejected.encrypted += delta.encrypted.cut();
        for (name, seen) in &delta.hosts {
            self.rejected.hosts += u64::from(!self.hosts.absorb(name, seen, self.applied));
            self.learn_cookies(name, seen);
        }
        for (&consumer, seen) in &delta.consumers {
            self.rejected.consumers += self.consumers.absorb(consumer, seen);
        }
        let mut fallen = BTreeSet::new();
        let mut undecided = Vec::new();
        for (&route, seen) in &delta.routes {
            self.requests += seen.requests;
            if !self.absorb(route, seen) {
                undecided.push(route);
            }
            fallen.extend(self.watch_redirects(route));
        }
        for route in fallen {
            self.reconsider(route);
        }
        for route in delta.routes.keys() {
            if let Some(&Target::Endpoint(id)) = self.routes.get(route) {
                self.judge(id);
            }
        }
        for route in undecided {
            self.decide(route, delta.routes.get(&route));
        }
        let mut hosts: Vec<&str> =
            delta.routes.values().map(|seen| seen.name.host.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        self.learn_paths(hosts.into_iter(), false);
        self.listed_is_stale |= self.hosts.settle_aliases();
    }

    /// The endpoint that requests of this route belong to; those of a HEAD or OPTIONS route belong to
    /// the first endpoint of the path, those to another name of a host to that host's.
    pub fn resolve(&self, route: RouteKey) -> Option<EndpointId> {
        let id = match self.routes.get(&route)? {
            Target::Endpoint(id) => *id,
            Target::Attribute(path) => *self.paths_known.get(path)?.endpoints.first()?,
        };
        self.original(id).map(|endpoint| endpoint.id)
    }

    /// Host and endpoint that requests of this route are counted at. Those of HEAD and OPTIONS routes
    /// are counted at none.
    pub fn endpoint_ref(&self, route: RouteKey) -> Option<(String, EndpointRef)> {
        let Some(&Target::Endpoint(id)) = self.routes.get(&route) else { return None };
        let endpoint = self.original(id)?;
        let reference = EndpointRef {
            id: endpoint.id,
            method: endpoint.total.name.method.to_string(),
            template: endpoint.shown().to_owned(),
        };
        Some((endpoint.total.name.host.to_string(), reference))
    }

    /// Who answers for an endpoint, or without one for all of a host, if operators say so.
    pub fn owner_of(&self, host: &str, endpoint: Option<EndpointId>) -> Option<String> {
        let rules = match endpoint {
            Some(id) => {
                let endpoint = self.endpoints.get(&id)?;
                let name = &endpoint.total.name;
                self.paths.rules_of(&name.host, &name.method, &endpoint.rendered.template)
            }
            None => self.paths.rules_of_all(host),
        };
        rules.iter().find_map(|rule| rule.owner.clone())
    }

    /// Sensitive data that was seen where it tells something in the delta that was applied last: of
    /// more than 4 096 fields, the first.
    pub fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// Every route that leads to an endpoint, HEAD and OPTIONS among them, in no order.
    pub fn known_routes(&self) -> impl Iterator<Item = (RouteKey, RouteFeedback)> {
        self.routes.iter().map(|(&route, target)| {
            let is_well_known = match target {
                Target::Endpoint(id) => {
                    self.endpoints.get(id).is_some_and(|endpoint| endpoint.is_well_known)
                }
                // HEAD and OPTIONS teach nothing by their bodies.
                Target::Attribute(_) => true,
            };
            let bodies_one_in = if is_well_known { self.config.bodies_one_in } else { 1 };
            (route, RouteFeedback { bodies_one_in })
        })
    }

    /// Keyed hashes of host and name of the cookies by which callers are known, besides those whose
    /// names say so.
    pub fn session_cookies(&self) -> Arc<HashSet<u64>> {
        Arc::clone(&self.session_cookies)
    }

    /// Whether the known routes or cookies changed since the last call.
    pub const fn routes_changed(&mut self) -> bool {
        std::mem::replace(&mut self.routes_changed, false)
    }

    /// Every endpoint by host, template and method, without its baseline. Those that did not change
    /// since the last call are the same values.
    pub fn endpoints(&mut self) -> Vec<Arc<EndpointView>> {
        if std::mem::replace(&mut self.listed_is_stale, false) {
            self.list();
        }
        self.touch_moved();
        let Self { listed, endpoints, paths_known, paths, hosts, key, .. } = self;
        listed
            .iter()
            .filter_map(|id| {
                let endpoint = endpoints.get_mut(id)?;
                if let Some(view) = endpoint.unchanged() {
                    return Some(view);
                }
                let name = &endpoint.total.name;
                let path = paths_known.get(&path_hash(key, &name.host, &endpoint.rendered));
                let (head, options) = path.map_or((false, false), |path| (path.head, path.options));
                let template = &endpoint.rendered.template;
                let mut labels = labels_of(&paths.rules_of(&name.host, &name.method, template));
                labels.environment = hosts.environment_of(&name.host).map(ToOwned::to_owned);
                let evidence = paths.evidence(name);
                Some(endpoint.view(head, options, labels, &evidence))
            })
            .collect()
    }

    /// Every host that has endpoints and is no other name of one, by name.
    pub fn hosts(&mut self) -> Vec<HostView> {
        let mut hosts = self.hosts.view();
        for host in &mut hosts {
            let environment = host.labels.environment.take();
            host.labels = labels_of(&self.paths.rules_of_all(&host.host));
            host.labels.environment = environment;
        }
        hosts
    }

    /// Who calls, by requests, most first; at most 1 000.
    pub fn consumers(&self) -> Vec<ConsumerView> {
        self.consumers.view()
    }

    /// Servers by bytes, largest first; at most 1 000.
    pub fn servers(&self) -> Vec<ServerView> {
        self.servers.view()
    }

    /// Hosts behind TLS by name and server, as of `now`, without issues.
    pub fn encrypted(&self, now: Timestamp) -> Vec<EncryptedView> {
        self.encrypted.view(now, self.config.stale_after_hours)
    }

    /// Requests that belong to no endpoint. Falls when a route turns out to be one after all.
    pub const fn unmatched_requests(&self) -> u64 {
        self.requests - self.matched
    }

    /// Fields of all endpoints.
    pub const fn fields(&self) -> u64 {
        self.fields.count as u64
    }

    /// Fields that were given up for others, since start.
    pub const fn fields_evicted(&self) -> u64 {
        self.fields.evicted
    }

    /// What found a table full.
    pub const fn rejected(&self) -> Rejected {
        self.rejected
    }

    /// The endpoint itself, or the one it is another name of.
    fn original(&self, id: EndpointId) -> Option<&Endpoint> {
        let endpoint = self.endpoints.get(&id)?;
        let host = endpoint.total.name.host.as_str();
        let original = self.hosts.original(host);
        if original == host {
            return Some(endpoint);
        }
        let id = EndpointId::of(original, &endpoint.total.name.method, &endpoint.rendered.full);
        self.endpoints.get(&id)
    }

    fn learn_cookies(&mut self, host: &str, seen: &HostDelta) {
        for cookie in &seen.session_cookies {
            let hash = cookie_hash(&self.key, host, cookie.as_bytes(), &mut Vec::new());
            if self.session_cookies.len() < SESSION_COOKIES_MAX
                && !self.session_cookies.contains(&hash)
            {
                Arc::make_mut(&mut self.session_cookies).insert(hash);
                self.routes_changed = true;
            }
        }
    }

    /// Shows anew what is of hosts that run elsewhere than was known.
    fn touch_moved(&mut self) {
        let moved = self.hosts.take_moved();
        if moved.is_empty() {
            return;
        }
        for endpoint in self.endpoints.values_mut() {
            if moved.contains(&endpoint.total.name.host) {
                endpoint.touch();
            }
        }
    }

    fn list(&mut self) {
        let hosts = &self.hosts;
        let mut listed: Vec<&Endpoint> = self
            .endpoints
            .values()
            .filter(|endpoint| {
                hosts.original(&endpoint.total.name.host) == endpoint.total.name.host
            })
            .collect();
        listed.sort_unstable_by_key(|endpoint| {
            (&endpoint.total.name.host, endpoint.shown(), &endpoint.total.name.method, endpoint.id)
        });
        self.listed = listed.into_iter().map(|endpoint| endpoint.id).collect();
    }
}

/// The hash of what HEAD and OPTIONS share with the methods they are attributes of.
fn path_hash(key: &Key, host: &str, rendered: &Rendered) -> u64 {
    key.text_hash(format!("{host}\0{}", rendered.full).as_bytes())
}

#[cfg(test)]
mod tests;
