//! Which routes become endpoints, and which cease to be: the learning gate at the merge.

use smallvec::SmallVec;
use tapline_model::{AuthSet, ChangeKind, EndpointId, RouteDelta, RouteKey};

use super::endpoint::Endpoint;
use super::naming::Rendered;
use super::pending::PendingRoute;
use super::{Inventory, Target, path_hash};
use crate::paths::Known;

/// Lexical routes of all endpoints, as a multiple of `endpoints_max`: one endpoint may be reached
/// through several, because slots of several classes render equally.
const ROUTES_PER_ENDPOINT_MAX: usize = 4;
/// HEAD and OPTIONS routes kept of one path.
const ATTRIBUTE_ROUTES_MAX: usize = 64;
/// Consumers that a route must have been refused to before it is a candidate.
const REFUSED_CONSUMERS_MIN: u64 = 2;

impl Inventory {
    /// Adds what a route saw to where it belongs; false when it has no endpoint yet.
    pub(super) fn absorb(&mut self, route: RouteKey, seen: &RouteDelta) -> bool {
        let parameters_max = usize::from(self.config.endpoint_parameters_max);
        match self.routes.get(&route) {
            Some(&Target::Endpoint(id)) => {
                self.note_changes(id, seen);
                if let Some(endpoint) = self.endpoints.get_mut(&id) {
                    let was_veiled = endpoint.is_veiled();
                    self.rejected.parameters += endpoint.absorb(route, seen, parameters_max);
                    endpoint.note_fresh(seen, seen.last_seen);
                    self.listed_is_stale |= endpoint.is_veiled() != was_veiled;
                    self.rejected.paths += u64::from(!self.paths.teach(seen));
                }
                self.absorb_schemas(id, route, seen);
                self.count_matched(seen);
                true
            }
            Some(&Target::Attribute(path)) => {
                self.absorb_attribute(path, seen);
                self.count_matched(seen);
                true
            }
            None => {
                self.wait(route, seen);
                false
            }
        }
    }

    /// Notes where a route redirects to if it does nothing else. Gives the routes that led to what
    /// has just turned out to be a catch-all.
    pub(super) fn watch_redirects(&mut self, route: RouteKey) -> SmallVec<[RouteKey; 8]> {
        let total = match self.routes.get(&route) {
            Some(Target::Endpoint(id)) => self.endpoints.get(id).map(|endpoint| &endpoint.total),
            Some(Target::Attribute(_)) => None,
            None => self.pending.get(route).map(|pending| &pending.total),
        };
        let Some(total) = total.filter(|total| !total.redirects.is_empty()) else {
            return SmallVec::new();
        };
        let Some(host) = self.hosts.get_mut(&total.name.host) else { return SmallVec::new() };
        let targets = total.redirects.keys().copied();
        if total.learnable > total.redirects.values().sum() {
            host.forget_redirect(route, targets);
            SmallVec::new()
        } else {
            host.note_redirect(route, targets)
        }
    }

    /// Takes back the endpoint of a route if nothing is left that it was learned from.
    pub(super) fn reconsider(&mut self, route: RouteKey) {
        let Some(&Target::Endpoint(id)) = self.routes.get(&route) else { return };
        if self.endpoints.get(&id).is_none_or(|endpoint| self.successes(&endpoint.total) > 0) {
            return;
        }
        let Some(endpoint) = self.endpoints.remove(&id) else { return };
        self.forget_fields(&endpoint);
        self.routes_changed = true;
        self.listed_is_stale = true;
        for &route in &endpoint.routes {
            self.routes.remove(&route);
            self.paths.forget(route, &endpoint.total.name.host);
        }
        self.count_unmatched(&endpoint.total.name.host, endpoint.total.requests);
        let shape = self.shape(&endpoint.total.name.method, &endpoint.rendered);
        self.hosts.remove_endpoint(&endpoint.total.name.host, shape);
        self.leave_path(&endpoint);
        self.wait(route, &endpoint.total);
    }

    /// Keeps what a route saw that has no endpoint.
    pub(super) fn wait(&mut self, route: RouteKey, seen: &RouteDelta) {
        let parameters_max = usize::from(self.config.endpoint_parameters_max);
        let evicted = self.pending.absorb(route, seen, self.applied, parameters_max);
        if let Some((evicted, old)) = evicted {
            self.rejected.routes += 1;
            self.forget_pending_attribute(evicted, &old);
        }
    }

    /// Judges how sure an endpoint is.
    pub(super) fn judge(&mut self, id: EndpointId) {
        let successes = self.endpoints.get(&id).map(|endpoint| self.successes(&endpoint.total));
        if let Some((endpoint, successes)) = self.endpoints.get_mut(&id).zip(successes) {
            let was_confirmed = endpoint.confirmed;
            endpoint.judge(successes);
            if endpoint.confirmed && !was_confirmed {
                let at = endpoint.total.last_seen;
                self.changes.add(at, ChangeKind::EndpointConfirmed, id, String::new());
            }
        }
    }

    /// Makes a route an endpoint, or the attribute of one, if what it saw suffices. What documents look
    /// like is learned from then on, and from what was `seen` of it just now.
    pub(super) fn decide(&mut self, route: RouteKey, seen: Option<&RouteDelta>) {
        let Some(pending) = self.pending.get(route) else { return };
        let total = &pending.total;
        if matches!(total.name.method.as_str(), "HEAD" | "OPTIONS") {
            self.decide_attribute(route);
            return;
        }
        let has_credentials = || total.auth.keys().any(|&(kinds, _)| kinds != AuthSet::NONE);
        // A server that refuses everything would make an endpoint of every path that a scanner tries:
        // being refused counts when it is known to serve something, and somebody was known to it.
        let is_protected = || {
            total.refused > 0
                && total.consumers.distinct() >= REFUSED_CONSUMERS_MIN
                && has_credentials()
                && self.hosts.get(&total.name.host).is_some_and(super::hosts::Host::has_endpoints)
        };
        if self.successes(total) > 0 || is_protected() {
            self.create(route, seen);
        } else if let Some(known) = self.paths.known_template(&total.name) {
            self.follow(route, &known, seen);
        }
    }

    /// Counts a route at the endpoint that its path belongs to, although it was answered with nothing
    /// that would make one.
    fn follow(&mut self, route: RouteKey, known: &Known, seen: Option<&RouteDelta>) {
        let Some(pending) = self.pending.get(route) else { return };
        let name = &pending.total.name;
        let rendered = Rendered::of(known, &self.key);
        let id = EndpointId::of(&name.host, &name.method, &rendered.full);
        if !self.endpoints.contains_key(&id) {
            return;
        }
        let Some(PendingRoute { total, .. }) = self.pending.remove(route) else { return };
        self.count_matched(&total);
        self.attach(route, id, &total);
        if let Some(seen) = seen {
            self.absorb_schemas(id, route, seen);
        }
    }

    /// Puts a route to an endpoint. Without room for it, it is counted there and not remembered.
    fn attach(&mut self, route: RouteKey, id: EndpointId, seen: &RouteDelta) {
        let parameters_max = usize::from(self.config.endpoint_parameters_max);
        let is_remembered = self.has_room_for_a_route();
        if is_remembered {
            self.routes.insert(route, Target::Endpoint(id));
            self.routes_changed = true;
            self.paths.admit(route, &seen.name);
            self.rejected.paths += u64::from(!self.paths.teach(seen));
        }
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        self.listed_is_stale |= endpoint.is_veiled();
        if is_remembered {
            self.rejected.parameters += endpoint.join(route, seen, parameters_max);
            let before = endpoint.fields();
            endpoint.tell_apart(self.applied, &self.key);
            self.fields.count = self.fields.count - before + endpoint.fields();
        } else {
            self.rejected.parameters += endpoint.absorb(route, seen, parameters_max);
        }
    }

    fn has_room_for_a_route(&self) -> bool {
        let endpoints_max = usize::try_from(self.config.endpoints_max).unwrap_or(usize::MAX);
        self.routes.len() < endpoints_max.saturating_mul(ROUTES_PER_ENDPOINT_MAX)
    }

    /// Answers that may create an endpoint, redirects to a catch-all not counted.
    fn successes(&self, total: &RouteDelta) -> u64 {
        let Some(host) = self.hosts.get(&total.name.host) else { return total.learnable };
        let caught: u64 = total
            .redirects
            .iter()
            .filter(|&(&target, _)| host.is_catch_all(target))
            .map(|(_, count)| count)
            .sum();
        total.learnable.saturating_sub(caught)
    }

    fn create(&mut self, route: RouteKey, seen: Option<&RouteDelta>) {
        let endpoints_max = usize::try_from(self.config.endpoints_max).unwrap_or(usize::MAX);
        let Some(pending) = self.pending.get(route) else { return };
        let name = &pending.total.name;
        let rendered = Rendered::of(&self.paths.template(name), &self.key);
        let id = EndpointId::of(&name.host, &name.method, &rendered.full);
        let is_new = !self.endpoints.contains_key(&id);
        let has_room = !is_new
            || (self.has_room_for_a_route()
                && self.endpoints.len() < endpoints_max
                && self.hosts.entry(&name.host, self.applied).is_some());
        if !has_room {
            if let Some(pending) = self.pending.get_mut(route)
                && !std::mem::replace(&mut pending.refused, true)
            {
                self.rejected.endpoints += 1;
            }
            return;
        }
        let Some(PendingRoute { total, .. }) = self.pending.remove(route) else { return };
        self.count_matched(&total);
        if is_new {
            self.routes.insert(route, Target::Endpoint(id));
            self.routes_changed = true;
            self.paths.admit(route, &total.name);
            self.rejected.paths += u64::from(!self.paths.teach(&total));
            self.add_endpoint(id, rendered, route, total);
        } else {
            self.attach(route, id, &total);
        }
        if let Some(seen) = seen {
            self.paths.note_answers(seen);
            self.absorb_schemas(id, route, seen);
        }
        self.judge(id);
    }

    /// Adds an endpoint with what its first route has seen.
    pub(super) fn add_endpoint(
        &mut self,
        id: EndpointId,
        rendered: Rendered,
        route: RouteKey,
        total: RouteDelta,
    ) {
        self.listed_is_stale = true;
        let name = &total.name;
        let shape = self.shape(&name.method, &rendered);
        self.hosts.add_endpoint(&name.host, shape);
        let path = path_hash(&self.key, &name.host, &rendered);
        let is_get = name.method == "GET";
        let first_seen = total.first_seen;
        let mut endpoint = Endpoint::new(id, rendered, route, total);
        endpoint.note_all_fresh();
        self.endpoints.insert(id, endpoint);
        self.changes.add(first_seen, ChangeKind::EndpointAppeared, id, String::new());
        self.join_path(path, id, is_get);
    }

    /// Puts an endpoint to the others of its path, and the HEAD and OPTIONS that waited for one.
    fn join_path(&mut self, path: u64, id: EndpointId, is_get: bool) {
        let entry = self.paths_known.entry(path).or_default();
        if is_get {
            entry.endpoints.insert(0, id);
        } else {
            let endpoints = &self.endpoints;
            let method =
                |id: &EndpointId| endpoints.get(id).map(|endpoint| &endpoint.total.name.method);
            entry.endpoints.push(id);
            entry
                .endpoints
                .sort_by_key(|id| (method(id).is_none_or(|name| name != "GET"), method(id)));
        }
        for route in self.pending_attributes.remove(&path).unwrap_or_default() {
            self.adopt_attribute(path, route);
        }
    }

    fn leave_path(&mut self, endpoint: &Endpoint) {
        let path = path_hash(&self.key, &endpoint.total.name.host, &endpoint.rendered);
        let Some(entry) = self.paths_known.get_mut(&path) else { return };
        entry.endpoints.retain(|id| *id != endpoint.id);
        if !entry.endpoints.is_empty() {
            return;
        }
        if let Some(entry) = self.paths_known.remove(&path) {
            for route in &entry.attribute_routes {
                self.routes.remove(route);
            }
            self.count_unmatched(&endpoint.total.name.host, entry.attribute_requests);
        }
    }

    fn decide_attribute(&mut self, route: RouteKey) {
        let Self { key, paths, pending, .. } = self;
        let Some(pending) = pending.get_mut(route) else { return };
        let total = &pending.total;
        let path = *pending.path.get_or_insert_with(|| {
            path_hash(key, &total.name.host, &Rendered::of(&paths.template(&total.name), key))
        });
        if self.paths_known.contains_key(&path) {
            self.adopt_attribute(path, route);
            return;
        }
        let waiting = self.pending_attributes.entry(path).or_default();
        if !waiting.contains(&route) && waiting.len() < ATTRIBUTE_ROUTES_MAX {
            waiting.push(route);
        }
    }

    /// Makes a pending HEAD or OPTIONS route an attribute of a path that has endpoints.
    fn adopt_attribute(&mut self, path: u64, route: RouteKey) {
        let Some(entry) = self.paths_known.get_mut(&path) else { return };
        if entry.attribute_routes.len() >= ATTRIBUTE_ROUTES_MAX {
            return;
        }
        let Some(PendingRoute { total, .. }) = self.pending.remove(route) else { return };
        entry.attribute_routes.push(route);
        self.routes.insert(route, Target::Attribute(path));
        self.routes_changed = true;
        self.absorb_attribute(path, &total);
        self.count_matched(&total);
    }

    fn absorb_attribute(&mut self, path: u64, seen: &RouteDelta) {
        let Some(entry) = self.paths_known.get_mut(&path) else { return };
        entry.attribute_requests += seen.requests;
        let succeeded = seen.statuses.range(200..400).next().is_some();
        let flag = if seen.name.method == "HEAD" { &mut entry.head } else { &mut entry.options };
        if !succeeded || std::mem::replace(flag, true) {
            return;
        }
        for id in &entry.endpoints {
            if let Some(endpoint) = self.endpoints.get_mut(id) {
                endpoint.touch();
            }
        }
    }

    /// Decides the routes of a host again that wait, now that its paths are known better.
    pub(super) fn decide_again(&mut self, host: &str) {
        for route in self.pending.of_host(host) {
            if let Some(path) = self.pending.get_mut(route).and_then(|pending| pending.path.take())
            {
                self.forget_waiting(path, route);
            }
            self.decide(route, None);
        }
    }

    fn forget_pending_attribute(&mut self, route: RouteKey, old: &PendingRoute) {
        if let Some(path) = old.path {
            self.forget_waiting(path, route);
        }
    }

    fn forget_waiting(&mut self, path: u64, route: RouteKey) {
        if let Some(waiting) = self.pending_attributes.get_mut(&path) {
            waiting.retain(|known| *known != route);
            if waiting.is_empty() {
                self.pending_attributes.remove(&path);
            }
        }
    }

    fn count_matched(&mut self, seen: &RouteDelta) {
        self.matched += seen.requests;
        if let Some(host) = self.hosts.get_mut(&seen.name.host) {
            host.matched += seen.requests;
        }
    }

    pub(super) fn count_unmatched(&mut self, host: &str, requests: u64) {
        self.matched = self.matched.saturating_sub(requests);
        if let Some(host) = self.hosts.get_mut(host) {
            host.matched = host.matched.saturating_sub(requests);
        }
    }

    pub(super) fn shape(&self, method: &str, rendered: &Rendered) -> u64 {
        self.key.text_hash(format!("{method}\0{}", rendered.full).as_bytes())
    }
}
