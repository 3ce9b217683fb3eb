//! Path templates, learned: which segments of a host's paths are words and which are values.
//!
//! What the workers send is lexical: text that is a value for certain is a slot already, all other
//! text is as it was sent. Here every host has a tree of such paths, and from time to time the tree is
//! learned anew, as a whole: so what was joined too early is parted again, and what depends on the
//! order of arrival does not last.

mod evidence;
mod figures;
mod learned;
mod learner;
mod raw;
mod trial;
mod vocabulary;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{RouteDelta, RouteKey, RouteName, Template};

pub(crate) use self::evidence::Evidence;
pub(crate) use self::figures::Figures;
use self::learned::Learned;
use self::raw::Raw;
use crate::rules::{RuleBook, RuleTree, TemplateRule};

/// Routes after which a small tree is learned anew.
const NEW_ROUTES: usize = 4;
/// The same, as a part of all routes: learning costs in all a small multiple of what the tree has.
const NEW_SHARE: usize = 8;

/// The paths of all hosts.
#[derive(Debug)]
pub(crate) struct Paths {
    hosts: HashMap<CompactString, Tree>,
    /// Places in all trees.
    places: usize,
    places_max: usize,
    rules: RuleBook,
}

/// The paths of one host.
#[derive(Debug)]
struct Tree {
    raw: Raw,
    learned: Learned,
    named: Vec<Named>,
    /// Ends and requests when it was learned last.
    learned_ends: usize,
    learned_taught: u64,
    rules: Arc<RuleTree>,
    /// Other rules hold since it was learned last.
    is_stale: bool,
}

/// What a route is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    pub(crate) template: Template,
    /// By segment: what rules call its slot; none behind the last of them.
    pub(crate) names: SmallVec<[Option<CompactString>; 6]>,
}

/// A route of the tree.
#[derive(Debug)]
struct Named {
    route: RouteKey,
    name: Arc<RouteName>,
    /// The hash of its template as of now.
    shape: u64,
}

/// A route whose template changed.
#[derive(Debug)]
pub(crate) struct Renamed {
    pub(crate) route: RouteKey,
    pub(crate) name: Arc<RouteName>,
    pub(crate) known: Known,
    /// That it is called so was learned from answers.
    pub(crate) is_known: bool,
}

impl Paths {
    /// No paths yet, and at most `places_max` places for them.
    pub(crate) fn new(places_max: usize, rules: RuleBook) -> Self {
        Self { hosts: HashMap::new(), places: 0, places_max, rules }
    }

    /// Takes other rules: all paths are learned anew when next asked for.
    pub(crate) fn rule(&mut self, rules: RuleBook) {
        self.rules = rules;
        for (host, tree) in &mut self.hosts {
            tree.rules = self.rules.tree_of(host);
            tree.is_stale = true;
        }
    }

    /// What a route is called, as far as is known now.
    pub(crate) fn template(&mut self, name: &RouteName) -> Known {
        match self.hosts.get(&name.host) {
            Some(tree) => tree.known(name).0,
            None => Known::of(&self.rules.tree_of(&name.host), name, None),
        }
    }

    /// What a route is called, if its method is known where its path leads, or a rule says it.
    pub(crate) fn known_template(&self, name: &RouteName) -> Option<Known> {
        let (known, is_known) = self.hosts.get(&name.host)?.known(name);
        is_known.then_some(known)
    }

    /// The rules that are of paths of a host with this template, the most specific first.
    pub(crate) fn rules_of(
        &self,
        host: &str,
        method: &str,
        template: &Template,
    ) -> Vec<&TemplateRule> {
        let tree = self.hosts.get(host);
        tree.map(|tree| tree.rules.all(method, template)).unwrap_or_default()
    }

    /// The rules that are of every path of a host, the most specific first.
    pub(crate) fn rules_of_all(&self, host: &str) -> Vec<&TemplateRule> {
        self.hosts.get(host).map(|tree| tree.rules.of_all()).unwrap_or_default()
    }

    /// What each segment of a route is known from.
    pub(crate) fn evidence(&self, name: &RouteName) -> Vec<Evidence> {
        self.hosts.get(&name.host).map(|tree| tree.evidence(name)).unwrap_or_default()
    }

    /// The routes of a host.
    pub(crate) fn routes_of(&self, host: &str) -> impl Iterator<Item = RouteKey> {
        self.hosts.get(host).into_iter().flat_map(|tree| &tree.named).map(|named| named.route)
    }

    /// Takes in a route that belongs to an endpoint.
    pub(crate) fn admit(&mut self, route: RouteKey, name: &Arc<RouteName>) {
        let shape = shape_of(&self.template(name));
        let Self { hosts, rules, .. } = self;
        let tree =
            hosts.entry(name.host.clone()).or_insert_with(|| Tree::new(rules.tree_of(&name.host)));
        tree.named.push(Named { route, name: Arc::clone(name), shape });
    }

    /// Learns from what a route saw; false when there was no room for its path, which then stays what
    /// it is called now.
    pub(crate) fn teach(&mut self, seen: &RouteDelta) -> bool {
        let Some(tree) = self.hosts.get_mut(&seen.name.host).filter(|_| seen.learnable > 0) else {
            return true;
        };
        if self.places < self.places_max {
            let before = tree.raw.places();
            tree.raw.insert(&seen.name);
            self.places += tree.raw.places() - before;
        }
        tree.raw.teach(seen)
    }

    /// Notes what a route was answered with that was taught without.
    pub(crate) fn note_answers(&mut self, seen: &RouteDelta) {
        if seen.learnable > 0
            && let Some(tree) = self.hosts.get_mut(&seen.name.host)
        {
            tree.raw.note_answers(seen);
        }
    }

    /// Forgets a route, and the tree with its last one.
    pub(crate) fn forget(&mut self, route: RouteKey, host: &str) {
        let Some(tree) = self.hosts.get_mut(host) else { return };
        tree.named.retain(|named| named.route != route);
        if tree.named.is_empty() {
            // The root was never counted.
            self.places = self.places.saturating_sub(tree.raw.places().saturating_sub(1));
            self.hosts.remove(host);
        }
    }

    /// Learns the paths of a host anew if enough has come, or, at last, if anything has. Gives what is
    /// called otherwise since.
    pub(crate) fn learn(&mut self, host: &str, at_last: bool) -> Option<Vec<Renamed>> {
        self.hosts.get_mut(host).filter(|tree| tree.is_due(at_last)).map(Tree::learn)
    }

    /// Every host.
    pub(crate) fn hosts(&self) -> Vec<CompactString> {
        let mut hosts: Vec<CompactString> = self.hosts.keys().cloned().collect();
        hosts.sort_unstable();
        hosts
    }
}

impl Tree {
    fn new(rules: Arc<RuleTree>) -> Self {
        Self {
            raw: Raw::new(),
            learned: Learned::default(),
            named: Vec::new(),
            learned_ends: 0,
            learned_taught: 0,
            rules,
            is_stale: false,
        }
    }

    /// What a route is called, and whether a rule or its answers say so.
    fn known(&self, name: &RouteName) -> (Known, bool) {
        let learned = self.learned.template(&name.method, &name.template);
        let is_learned = learned.is_some();
        let known = Known::of(&self.rules, name, learned);
        let is_ruled = !known.names.is_empty();
        (known, is_learned || is_ruled)
    }

    fn is_due(&self, at_last: bool) -> bool {
        if self.is_stale {
            return true;
        }
        let new = self.raw.ends() - self.learned_ends;
        let taught = self.raw.taught_in_all();
        if at_last {
            return new > 0 || taught > self.learned_taught;
        }
        new >= NEW_ROUTES.max(self.learned_ends / NEW_SHARE)
            || taught / 2 >= self.learned_taught.max(1)
    }

    fn learn(&mut self) -> Vec<Renamed> {
        self.learned = learner::learn(&self.raw, &self.rules);
        self.learned.count(&self.raw);
        self.is_stale = false;
        self.learned_ends = self.raw.ends();
        self.learned_taught = self.raw.taught_in_all();
        let mut renamed = Vec::new();
        for place in 0..self.named.len() {
            let Some(Named { route, name, shape }) = self.named.get(place) else { break };
            let learned = self.learned.template(&name.method, &name.template);
            let is_known = learned.is_some();
            let known = Known::of(&self.rules, name, learned);
            let now = shape_of(&known);
            if *shape != now {
                let (route, name) = (*route, Arc::clone(name));
                renamed.push(Renamed { route, name, known, is_known });
            }
            if let Some(named) = self.named.get_mut(place) {
                named.shape = now;
            }
        }
        renamed
    }
}

impl Known {
    /// What the rules say of a route, and what was learned where they say nothing.
    fn of(rules: &RuleTree, name: &RouteName, learned: Option<Template>) -> Self {
        let template = learned.unwrap_or_else(|| name.template.clone());
        if rules.is_empty() {
            return Self::from(template);
        }
        let Some(ruled) = rules.find(&name.method, &name.template) else {
            return Self::from(template);
        };
        let mut segments = ruled.segments;
        segments.extend(template.segments.into_iter().skip(segments.len()));
        let trailing_slash = template.trailing_slash;
        Self { template: Template { segments, trailing_slash }, names: ruled.names }
    }
}

impl From<Template> for Known {
    fn from(template: Template) -> Self {
        Self { template, names: SmallVec::new() }
    }
}

/// Tells templates apart.
fn shape_of(known: &Known) -> u64 {
    let mut hasher = DefaultHasher::new();
    known.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
