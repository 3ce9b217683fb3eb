//! Path templates, learned: which segments of a host's paths are words and which are values.
//!
//! What the workers send is lexical: text that is a value for certain is a slot already, all other
//! text is as it was sent. Here every host has a tree of such paths, and from time to time the tree is
//! learned anew, as a whole: so what was joined too early is parted again, and what depends on the
//! order of arrival does not last.

mod learned;
mod learner;
mod raw;
mod trial;
mod vocabulary;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use tapline_model::{RouteDelta, RouteKey, RouteName, Template};

use self::learned::Learned;
use self::raw::Raw;

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
    pub(crate) template: Template,
    /// That it is called so was learned from answers.
    pub(crate) is_known: bool,
}

impl Paths {
    /// No paths yet, and at most `places_max` places for them.
    pub(crate) fn new(places_max: usize) -> Self {
        Self { hosts: HashMap::new(), places: 0, places_max }
    }

    /// What a route is called, as far as is known now.
    pub(crate) fn template(&self, name: &RouteName) -> Template {
        self.known_template(name).unwrap_or_else(|| name.template.clone())
    }

    /// What a route is called, if its method is known where its path leads.
    pub(crate) fn known_template(&self, name: &RouteName) -> Option<Template> {
        self.hosts.get(&name.host)?.learned.template(&name.method, &name.template)
    }

    /// Takes in a route that belongs to an endpoint.
    pub(crate) fn admit(&mut self, route: RouteKey, name: &Arc<RouteName>) {
        let shape = shape_of(&self.template(name));
        let tree = self.hosts.entry(name.host.clone()).or_insert_with(Tree::new);
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
    fn new() -> Self {
        Self {
            raw: Raw::new(),
            learned: Learned::default(),
            named: Vec::new(),
            learned_ends: 0,
            learned_taught: 0,
        }
    }

    fn is_due(&self, at_last: bool) -> bool {
        let new = self.raw.ends() - self.learned_ends;
        let taught = self.raw.taught_in_all();
        if at_last {
            return new > 0 || taught > self.learned_taught;
        }
        new >= NEW_ROUTES.max(self.learned_ends / NEW_SHARE)
            || taught / 2 >= self.learned_taught.max(1)
    }

    fn learn(&mut self) -> Vec<Renamed> {
        self.learned = learner::learn(&self.raw);
        self.learned_ends = self.raw.ends();
        self.learned_taught = self.raw.taught_in_all();
        let mut renamed = Vec::new();
        for named in &mut self.named {
            let Named { route, name, shape } = named;
            let template = self.learned.template(&name.method, &name.template);
            let is_known = template.is_some();
            let template = template.unwrap_or_else(|| name.template.clone());
            let now = shape_of(&template);
            if std::mem::replace(shape, now) != now {
                let (route, name) = (*route, Arc::clone(name));
                renamed.push(Renamed { route, name, template, is_known });
            }
        }
        renamed
    }
}

/// Tells templates apart.
fn shape_of(template: &Template) -> u64 {
    let mut hasher = DefaultHasher::new();
    template.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
