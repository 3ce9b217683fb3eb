//! Host names: what each saw, where its redirects lead, and which are other names of another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{HostDelta, HostView, LabelsView, RouteKey};

use crate::answer::NOT_A_SUCCESS;
use crate::rules::{Environment, environment_of};

/// Routes that redirect to one place and do nothing else, from which on the place is a catch-all.
const CATCH_ALL_ROUTES: usize = 8;
/// Redirect targets that are watched, of one host.
const TARGETS_MAX: usize = 64;
/// Hosts of one server that another name of it is compared with: those known longest.
const COMPARED_MAX: usize = 32;
/// Other names that lead from one to the next.
const ALIAS_STEPS_MAX: usize = 8;
/// Other names listed with a host.
const ALIASES_SHOWN_MAX: usize = 100;

/// Where redirects lead.
#[derive(Debug, Default)]
struct Target {
    /// Routes that redirect here and do nothing else; not kept up once it is a catch-all.
    routes: SmallVec<[RouteKey; CATCH_ALL_ROUTES]>,
    catch_all: bool,
}

/// One host name.
#[derive(Debug)]
pub(crate) struct Host {
    total: HostDelta,
    /// Those with a name come before bare addresses, then the one known longest.
    rank: (bool, u64),
    touched: u64,
    /// Requests that an endpoint (or its HEAD and OPTIONS) has.
    pub(crate) matched: u64,
    /// The keyed hashes of method and template of its endpoints.
    shapes: BTreeSet<u64>,
    targets: BTreeMap<u64, Target>,
    alias_of: Option<CompactString>,
    /// Which of the environments it runs in.
    environment: Option<usize>,
}

impl Host {
    /// Whether redirects to `target` say nothing about the route they come from.
    pub(crate) fn is_catch_all(&self, target: u64) -> bool {
        self.targets.get(&target).is_some_and(|target| target.catch_all)
    }

    /// Whether it has an endpoint.
    pub(crate) fn has_endpoints(&self) -> bool {
        !self.shapes.is_empty()
    }

    /// Notes that a route redirects to `targets` and does nothing else. Gives the routes that led to
    /// a target which has just turned out to be a catch-all.
    pub(crate) fn note_redirect(
        &mut self,
        route: RouteKey,
        targets: impl Iterator<Item = u64>,
    ) -> SmallVec<[RouteKey; CATCH_ALL_ROUTES]> {
        let mut fallen = SmallVec::new();
        for target in targets {
            if self.targets.len() >= TARGETS_MAX && !self.targets.contains_key(&target) {
                let loneliest = self
                    .targets
                    .iter()
                    .filter(|(_, entry)| !entry.catch_all)
                    .min_by_key(|(target, entry)| (entry.routes.len(), **target))
                    .map(|(&target, _)| target);
                match loneliest {
                    Some(loneliest) => self.targets.remove(&loneliest),
                    None => continue,
                };
            }
            let entry = self.targets.entry(target).or_default();
            if entry.catch_all || entry.routes.contains(&route) {
                continue;
            }
            entry.routes.push(route);
            if entry.routes.len() >= CATCH_ALL_ROUTES {
                entry.catch_all = true;
                fallen.append(&mut entry.routes);
            }
        }
        fallen
    }

    /// Notes that a route does more than redirect.
    pub(crate) fn forget_redirect(&mut self, route: RouteKey, targets: impl Iterator<Item = u64>) {
        for target in targets {
            if let Some(entry) = self.targets.get_mut(&target) {
                entry.routes.retain(|known| *known != route);
            }
        }
    }

    /// Whether everything asked of this one is answered as `other` answers it: all endpoints are the
    /// other's too, and all paths that both were asked for had equal answers, two successes among
    /// them (one, when this one has had only one).
    fn answers_like(&self, other: &Self) -> bool {
        if !self.shapes.is_subset(&other.shapes) {
            return false;
        }
        let is_success = |answer: u64| answer & NOT_A_SUCCESS == 0;
        let mut shared = 0;
        for (path, &answer) in &self.total.answers {
            match other.total.answers.get(path) {
                Some(&theirs) if theirs != answer => return false,
                Some(_) => shared += usize::from(is_success(answer)),
                None => {}
            }
        }
        let successes = self.total.answers.values().filter(|&&answer| is_success(answer)).count();
        shared >= 2 || (shared == 1 && successes == 1)
    }
}

/// A host in the order in which names of one server are compared.
type Ranked = ((bool, u64), CompactString);

/// A bounded table of hosts. Those without an endpoint make room for new ones, the one that was not
/// seen for longest first; those with one stay.
#[derive(Debug)]
pub(crate) struct Hosts {
    by_name: HashMap<CompactString, Host>,
    /// Hosts without an endpoint, by when they were seen last.
    bare: BTreeSet<(u64, CompactString)>,
    /// Hosts with endpoints, by the servers that answer for them, in the order of their rank.
    by_server: HashMap<SocketAddr, BTreeSet<Ranked>>,
    /// Hosts whose answers, servers or endpoints changed in this delta.
    changed: BTreeSet<CompactString>,
    environments: Vec<Environment>,
    /// Hosts whose environment has changed.
    moved: BTreeSet<CompactString>,
    max: usize,
}

impl Hosts {
    /// A table of at most `max` hosts.
    pub(crate) fn new(max: usize, environments: Vec<Environment>) -> Self {
        Self {
            by_name: HashMap::new(),
            bare: BTreeSet::new(),
            by_server: HashMap::new(),
            changed: BTreeSet::new(),
            environments,
            moved: BTreeSet::new(),
            max: max.max(1),
        }
    }

    /// One host.
    pub(crate) fn get(&self, name: &str) -> Option<&Host> {
        self.by_name.get(name)
    }

    /// One host.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Host> {
        self.by_name.get_mut(name)
    }

    /// Adds what a host saw; false when there is no room for it.
    pub(crate) fn absorb(&mut self, name: &CompactString, seen: &HostDelta, now: u64) -> bool {
        if self.entry(name, now).is_none() {
            return false;
        }
        let Some(host) = self.by_name.get_mut(name) else { return false };
        let before = (host.total.answers.clone(), host.total.servers.clone());
        host.total.join(seen);
        let (answers, servers) = (&host.total.answers, &host.total.servers);
        if before.0 == *answers && before.1 == *servers {
            return true;
        }
        let environment = environment_of(&self.environments, name, servers);
        if std::mem::replace(&mut host.environment, environment) != environment {
            self.moved.insert(name.clone());
        }
        if host.has_endpoints() {
            let place = (host.rank, name.clone());
            unlist(&mut self.by_server, before.1.difference(servers), &place);
            for &server in servers.difference(&before.1) {
                self.by_server.entry(server).or_default().insert(place.clone());
            }
            self.changed.insert(name.clone());
        }
        true
    }

    /// The host, made if there is room for it.
    pub(crate) fn entry(&mut self, name: &CompactString, now: u64) -> Option<&mut Host> {
        if !self.by_name.contains_key(name) {
            if self.by_name.len() >= self.max {
                let (_, oldest) = self.bare.pop_first()?;
                self.by_name.remove(&oldest);
            }
            self.bare.insert((now, name.clone()));
        }
        let environments = &self.environments;
        let host = self.by_name.entry(name.clone()).or_insert_with(|| Host {
            total: HostDelta::default(),
            rank: (is_address(name), now),
            touched: now,
            matched: 0,
            shapes: BTreeSet::new(),
            targets: BTreeMap::new(),
            alias_of: None,
            environment: environment_of(environments, name, &[]),
        });
        if host.touched != now && self.bare.remove(&(host.touched, name.clone())) {
            self.bare.insert((now, name.clone()));
        }
        host.touched = now;
        Some(host)
    }

    /// Notes an endpoint of a host by the hash of its method and template.
    pub(crate) fn add_endpoint(&mut self, name: &CompactString, shape: u64) {
        let Some(host) = self.by_name.get_mut(name) else { return };
        if host.shapes.is_empty() {
            self.bare.remove(&(host.touched, name.clone()));
            for &server in &host.total.servers {
                self.by_server.entry(server).or_default().insert((host.rank, name.clone()));
            }
        }
        host.shapes.insert(shape);
        self.changed.insert(name.clone());
    }

    /// Takes an endpoint back.
    pub(crate) fn remove_endpoint(&mut self, name: &CompactString, shape: u64) {
        let Some(host) = self.by_name.get_mut(name) else { return };
        host.shapes.remove(&shape);
        if host.shapes.is_empty() {
            host.alias_of = None;
            self.bare.insert((host.touched, name.clone()));
            unlist(&mut self.by_server, host.total.servers.iter(), &(host.rank, name.clone()));
        }
        self.changed.insert(name.clone());
    }

    /// Judges anew which names are other names, as far as something changed. True when one did.
    pub(crate) fn settle_aliases(&mut self) -> bool {
        let mut judged: BTreeSet<Ranked> = BTreeSet::new();
        for name in std::mem::take(&mut self.changed) {
            let Some(host) = self.by_name.get(&name) else { continue };
            judged.insert((host.rank, name));
            // What has changed may be what another one was waiting to be compared with.
            for server in &host.total.servers {
                let neighbours = self.by_server.get(server).into_iter().flatten();
                judged.extend(neighbours.take(COMPARED_MAX).cloned());
            }
        }
        let mut any = false;
        for (rank, name) in judged {
            let alias_of = self.original_of(rank, &name);
            if let Some(host) = self.by_name.get_mut(&name)
                && host.alias_of != alias_of
            {
                host.alias_of = alias_of;
                any = true;
            }
        }
        any
    }

    /// The host that `name` is another name of, else `name` itself.
    pub(crate) fn original<'a>(&'a self, name: &'a str) -> &'a str {
        let mut name = name;
        // A host that turned out to be another name may itself have had one.
        for _ in 0..ALIAS_STEPS_MAX {
            match self.by_name.get(name).and_then(|host| host.alias_of.as_deref()) {
                Some(original) => name = original,
                None => break,
            }
        }
        name
    }

    /// Where a host runs.
    pub(crate) fn environment_of(&self, name: &str) -> Option<&str> {
        let at = self.by_name.get(name)?.environment?;
        self.environments.get(at).map(|environment| environment.name.as_str())
    }

    /// Hosts whose environment has changed since this was asked last.
    pub(crate) fn take_moved(&mut self) -> BTreeSet<CompactString> {
        std::mem::take(&mut self.moved)
    }

    /// Takes other environments.
    pub(crate) fn rule(&mut self, environments: Vec<Environment>) {
        self.environments = environments;
        for (name, host) in &mut self.by_name {
            host.environment = environment_of(&self.environments, name, &host.total.servers);
        }
    }

    /// Every host that has endpoints and is no other name, by name.
    pub(crate) fn view(&self) -> Vec<HostView> {
        let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, host) in &self.by_name {
            if host.alias_of.is_some() {
                aliases.entry(self.original(name)).or_default().insert(name);
            }
        }
        let mut views: Vec<HostView> = self
            .by_name
            .iter()
            .filter(|(_, host)| host.has_endpoints() && host.alias_of.is_none())
            .map(|(name, host)| HostView {
                host: name.to_string(),
                endpoints: host.shapes.len() as u64,
                requests: host.total.requests,
                unmatched: host.total.requests.saturating_sub(host.matched),
                status_classes: host.total.status_classes,
                bytes: host.total.bytes,
                latency_us: host.total.latency_us.iter().collect(),
                servers: host.total.servers.iter().map(ToString::to_string).collect(),
                aliases: aliases
                    .get(name.as_str())
                    .into_iter()
                    .flatten()
                    .take(ALIASES_SHOWN_MAX)
                    .map(|&alias| alias.to_owned())
                    .collect(),
                session_cookies: host
                    .total
                    .session_cookies
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                software: host.total.software.iter().map(ToString::to_string).collect(),
                facts: host.total.facts.iter().map(|(&fact, &count)| (fact, count)).collect(),
                labels: LabelsView {
                    environment: self.environment_of(name).map(ToOwned::to_owned),
                    ..LabelsView::default()
                },
            })
            .collect();
        views.sort_unstable_by(|left, right| left.host.cmp(&right.host));
        views
    }

    fn original_of(&self, rank: (bool, u64), name: &CompactString) -> Option<CompactString> {
        let host = self.by_name.get(name).filter(|host| host.has_endpoints())?;
        let place = (rank, name.clone());
        let mut earlier = BTreeSet::new();
        for server in &host.total.servers {
            let hosts = self.by_server.get(server).into_iter().flatten();
            earlier.extend(hosts.take(COMPARED_MAX).take_while(|other| **other < place));
        }
        earlier
            .into_iter()
            .filter_map(|(_, name)| Some((name, self.by_name.get(name)?)))
            .find(|(_, other)| other.alias_of.is_none() && host.answers_like(other))
            .map(|(name, _)| name.clone())
    }
}

fn unlist<'a>(
    by_server: &mut HashMap<SocketAddr, BTreeSet<Ranked>>,
    servers: impl Iterator<Item = &'a SocketAddr>,
    place: &Ranked,
) {
    for server in servers {
        if let Some(hosts) = by_server.get_mut(server) {
            hosts.remove(place);
            if hosts.is_empty() {
                by_server.remove(server);
            }
        }
    }
}

/// Whether the host is a bare address, perhaps with a port.
fn is_address(name: &str) -> bool {
    let bare = name.rsplit_once(':').map_or(name, |(bare, _)| bare);
    name.starts_with('[') || bare.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_endpoints_make_room() {
        let mut hosts = Hosts::new(2, Vec::new());
        let seen = HostDelta::default();
        assert!(hosts.absorb(&"a".into(), &seen, 1));
        hosts.add_endpoint(&"a".into(), 1);
        assert!(hosts.absorb(&"b".into(), &seen, 2));
        assert!(hosts.absorb(&"c".into(), &seen, 3), "b goes");
        assert!(hosts.get("b").is_none());
        hosts.add_endpoint(&"c".into(), 1);
        assert!(!hosts.absorb(&"d".into(), &seen, 4), "nobody goes");
    }

    #[test]
    fn a_target_shared_by_eight_routes_is_a_catch_all() {
        let mut hosts = Hosts::new(2, Vec::new());
        let host = hosts.entry(&"a".into(), 1).unwrap();
        for route in 0..7 {
            assert!(host.note_redirect(RouteKey(route), [9].into_iter()).is_empty());
        }
        host.forget_redirect(RouteKey(0), [9].into_iter());
        assert!(host.note_redirect(RouteKey(7), [9].into_iter()).is_empty());
        assert!(!host.is_catch_all(9));
        assert_eq!(host.note_redirect(RouteKey(8), [9].into_iter()).len(), 8);
        assert!(host.is_catch_all(9));
    }

    #[test]
    fn a_host_that_redirects_everywhere_stays_bounded() {
        let mut hosts = Hosts::new(2, Vec::new());
        let host = hosts.entry(&"a".into(), 1).unwrap();
        for target in 0..1_000 {
            host.note_redirect(RouteKey(target), [target].into_iter());
        }
        assert_eq!(host.targets.len(), TARGETS_MAX);
    }

    #[test]
    fn bare_addresses_are_told_from_names() {
        for (name, expected) in
            [("10.0.0.1", true), ("10.0.0.1:8080", true), ("[::1]:80", true), ("a.b:80", false)]
        {
            assert_eq!(is_address(name), expected, "{name}");
        }
    }
}
