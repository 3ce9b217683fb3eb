//! Routes whose template turned out to be another move to another endpoint, with their past.

use std::collections::BTreeSet;

use compact_str::CompactString;
use tapline_model::{EndpointId, RouteDelta, RouteKey};

use super::endpoint::Endpoint;
use super::naming::Rendered;
use super::{Inventory, PathEntry, Target, path_hash};
use crate::Config;
use crate::paths::Renamed;
use crate::rules::{Documented, RuleBook};

impl Inventory {
    /// Learns the paths of every host that has seen enough that is new; of all that have seen anything
    /// new, at last.
    pub(super) fn learn_paths<'h>(&mut self, hosts: impl Iterator<Item = &'h str>, at_last: bool) {
        for host in hosts {
            let Some(renamed) = self.paths.learn(host, at_last) else { continue };
            let left: BTreeSet<EndpointId> =
                renamed.into_iter().filter_map(|renamed| self.rename(renamed)).collect();
            for id in left {
                self.dissolve(id);
            }
            self.decide_again(host);
            self.touch_host(host);
        }
    }

    /// Takes other rules, and the templates that documents have. What is known already follows them,
    /// with its past.
    pub fn rule(&mut self, config: &Config, documented: Documented) {
        self.config.templates.clone_from(&config.templates);
        self.hosts.rule(config.environments.clone());
        self.paths.rule(RuleBook::new(config.templates.clone().into(), documented));
        let hosts = self.paths.hosts();
        self.learn_paths(hosts.iter().map(CompactString::as_str), false);
        self.listed_is_stale |= self.hosts.settle_aliases();
        self.endpoints.values_mut().for_each(Endpoint::touch);
    }

    /// Learns all paths as far as anything has come since: what ends a replay.
    pub fn settle(&mut self) {
        let hosts = self.paths.hosts();
        self.learn_paths(hosts.iter().map(CompactString::as_str), true);
        self.listed_is_stale |= self.hosts.settle_aliases();
    }

    /// Shows the endpoints of a host anew: what their templates are known from has changed.
    fn touch_host(&mut self, host: &str) {
        let Self { paths, routes, endpoints, .. } = self;
        for route in paths.routes_of(host) {
            if let Some(Target::Endpoint(id)) = routes.get(&route)
                && let Some(endpoint) = endpoints.get_mut(id)
            {
                endpoint.touch();
            }
        }
    }

    /// Moves a route. Gives the endpoint that it has left, if others still lead there.
    fn rename(&mut self, renamed: Renamed) -> Option<EndpointId> {
        let Renamed { route, name, known, is_known } = renamed;
        let Some(&Target::Endpoint(old)) = self.routes.get(&route) else { return None };
        let rendered = Rendered::of(&known, &self.key);
        let new = EndpointId::of(&name.host, &name.method, &rendered.full);
        if new == old {
            return None;
        }
        self.listed_is_stale = true;
        let parameters_max = usize::from(self.config.endpoint_parameters_max);
        let endpoint = self.endpoints.get_mut(&old)?;
        let seen = endpoint.leave(route, &name, &known.template, parameters_max);
        let fields = endpoint.fields();
        let documents = endpoint.leave_schemas(route, new, &self.key);
        self.fields.count = self.fields.count - fields + endpoint.fields();
        let touched = endpoint.fields_touched;
        let is_empty = endpoint.routes.is_empty();
        self.routes.insert(route, Target::Endpoint(new));
        if let Some(endpoint) = self.endpoints.get_mut(&new) {
            self.rejected.parameters += endpoint.join(route, &seen, parameters_max);
        } else if is_known || seen.learnable > 0 || seen.refused > 0 {
            self.add_endpoint(new, rendered, route, seen);
        } else {
            self.unlearn(route, &seen);
        }
        self.inherit_schemas(new, Some(route), &documents, touched);
        if is_empty && let Some(left) = self.endpoints.remove(&old) {
            self.abandon(&left, new);
            self.forget_fields(&left);
            if let Some((heir, rest)) = left.schema_parts.and_then(|parts| parts.into_rest()) {
                self.inherit_schemas(heir, None, &rest, touched);
            }
        }
        self.judge(new);
        (!is_empty).then_some(old)
    }

    /// Takes back an endpoint that has only routes left which had followed those that are gone.
    fn dissolve(&mut self, id: EndpointId) {
        let Some(endpoint) = self.endpoints.get(&id) else { return };
        let is_learned = endpoint.total.learnable > 0 || endpoint.total.refused > 0;
        if let Some(&route) = endpoint.routes.first()
            && !is_learned
        {
            self.reconsider(route);
        }
    }

    /// A route that had followed an endpoint, of which nothing says that it is one itself.
    fn unlearn(&mut self, route: RouteKey, seen: &RouteDelta) {
        self.routes.remove(&route);
        self.routes_changed = true;
        self.paths.forget(route, &seen.name.host);
        self.count_unmatched(&seen.name.host, seen.requests);
        self.wait(route, seen);
    }

    /// An endpoint whose last route has moved to `heir`; so do the HEAD and OPTIONS of its path.
    fn abandon(&mut self, left: &Endpoint, heir: EndpointId) {
        let name = &left.total.name;
        let shape = self.shape(&name.method, &left.rendered);
        self.hosts.remove_endpoint(&name.host, shape);
        let path = path_hash(&self.key, &name.host, &left.rendered);
        let Some(entry) = self.paths_known.get_mut(&path) else { return };
        entry.endpoints.retain(|id| *id != left.id);
        if !entry.endpoints.is_empty() {
            return;
        }
        let Some(entry) = self.paths_known.remove(&path) else { return };
        if let Some(heir) = self.endpoints.get(&heir) {
            let to = path_hash(&self.key, &heir.total.name.host, &heir.rendered);
            self.inherit(to, entry);
        } else {
            for route in &entry.attribute_routes {
                self.routes.remove(route);
            }
            self.count_unmatched(&name.host, entry.attribute_requests);
        }
    }

    fn inherit(&mut self, path: u64, left: PathEntry) {
        let Some(entry) = self.paths_known.get_mut(&path) else { return };
        entry.head |= left.head;
        entry.options |= left.options;
        entry.attribute_requests += left.attribute_requests;
        for &route in &left.attribute_routes {
            self.routes.insert(route, Target::Attribute(path));
        }
        entry.attribute_routes.extend(left.attribute_routes);
        for id in &entry.endpoints {
            if let Some(endpoint) = self.endpoints.get_mut(id) {
                endpoint.touch();
            }
        }
    }
}
