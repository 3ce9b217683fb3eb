//! A document against what was seen, or against another document.
//!
//! What was seen carries [`crate::Evidence`]; then only what contradicts the document is told, with
//! its counts, and what rests on too little is kept apart. A document without evidence is taken at
//! its word: what it lacks is removed, what it has is new.

mod body;
mod difference;
mod matching;
mod operation;
mod schema;
mod shape;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

pub use difference::{Class, Difference, Kind, Side};

use crate::document::{Document, Location, Operation, OperationKey};
use crate::path;
use difference::{Differences, Found};
use matching::{Group, Match, Matcher, Segments, operation_place};

/// When what was seen is enough to speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many observations are enough, whatever their share.
    pub observations_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { observations_min: 20 }
    }
}

impl Limits {
    /// Observations below which not even all of them are enough.
    const FEW_MIN: u64 = 3;
    /// One in so many is enough when there are few.
    const ONE_IN: u64 = 50;

    const fn suffices(self, seen: u64, of: u64) -> bool {
        let is_share = seen >= Self::FEW_MIN && seen.saturating_mul(Self::ONE_IN) >= of;
        seen >= self.observations_min || is_share
    }
}

/// How two documents differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What differs, by place.
    pub differences: Vec<Difference>,
    /// What differs but was seen too little to be sure, by place.
    pub thin: Vec<Difference>,
    /// Documented operations that were seen.
    pub operations_seen: u64,
    /// Documented operations.
    pub operations: u64,
    /// Operations that were seen and could be one or another, or none: too little of their path is
    /// shown, or their template covers the words of several.
    pub operations_unclear: u64,
    /// Schemas that were not compared, because they have too many alternatives or lie too deep.
    pub unjudged: u64,
    /// Differences that found no room.
    pub left_out: u64,
}

impl Comparison {
    /// The gravest class of a difference that is sure.
    pub fn worst(&self) -> Option<Class> {
        self.differences.iter().map(|difference| difference.class).max()
    }
}

/// Compares what was seen, or another document, with what is documented.
pub fn compare(documented: &Document, observed: &Document, limits: Limits) -> Comparison {
    let mut comparer = Comparer::new(documented, observed);
    comparer.operations(limits);
    let is_observed = comparer.is_observed;
    let (differences, thin, left_out) = comparer.found.finish(limits, is_observed);
    Comparison {
        differences,
        thin,
        operations_seen: comparer.operations_seen,
        operations: documented.operations.len() as u64,
        operations_unclear: comparer.operations_unclear,
        unjudged: comparer.unjudged,
        left_out,
    }
}

/// Method and path template, base path included, of every operation of a document.
pub(crate) fn templates(document: &Document) -> Vec<(String, String)> {
    let bases = matching::bases(document);
    let keys = document.operations.keys();
    let below = |key: &OperationKey| {
        let path = key.path.split(['?', '#']).next().unwrap_or_default().to_owned();
        let method = key.method.clone();
        bases.clone().into_iter().map(move |base| (method.clone(), format!("{base}{path}")))
    };
    keys.flat_map(below).collect()
}

/// An operation that was seen, and what it is.
type Seen<'d> = (&'d OperationKey, &'d Operation, Match);

/// A pair of shapes that has been looked at: their schemas, the side and how.
type Pair = (Vec<usize>, Vec<usize>, How);

/// How two shapes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct How {
    side: Side,
    /// Of an answer that tells of an error: nobody relies on those, and proxies make them, too.
    is_error: bool,
    /// Of values that are sent as text, whose types are only what they read as.
    is_text: bool,
}

/// What was seen by itself, and where. It is in no template beside it that what is asked of it would
/// not go to.
fn seen_alone(matches: &mut [Seen<'_>], limits: Limits) -> BTreeMap<usize, Vec<Segments>> {
    let mut alone: BTreeMap<usize, Vec<Segments>> = BTreeMap::new();
    for (key, _, found) in matches.iter() {
        if let Some(group) = found.best() {
            alone.entry(group).or_default().push(path::segments(&key.path));
        }
    }
    for (key, operation, found) in matches {
        let evidence = operation.evidence.as_ref();
        let is_thin = evidence.is_some_and(|evidence| evidence.n < limits.observations_min);
        found.leave_out(&path::segments(&key.path), is_thin, &alone);
    }
    alone
}

/// Whether every path that was asked for had an empty segment, which its template leaves out.
fn always_lacks_a_segment(operation: &Operation) -> bool {
    let evidence = operation.evidence.as_ref();
    evidence.is_some_and(|evidence| evidence.n > 0 && evidence.empty_segments >= evidence.n)
}

/// A comparison in the making.
struct Comparer<'d> {
    documented: &'d Document,
    observed: &'d Document,
    /// The other document tells what was seen.
    is_observed: bool,
    /// Locations in which parameters were seen at all.
    locations: BTreeSet<Location>,
    /// The operation that is looked at.
    operation: OperationKey,
    found: Differences,
    visited: HashSet<Pair>,
    operations_seen: u64,
    operations_unclear: u64,
    unjudged: u64,
}

impl<'d> Comparer<'d> {
    fn new(documented: &'d Document, observed: &'d Document) -> Self {
        let operations = observed.operations.values();
        Self {
            documented,
            observed,
            is_observed: observed.evidence.is_some()
                || operations.clone().any(|operation| operation.evidence.is_some()),
            locations: operations
                .flat_map(|operation| operation.parameters.keys().map(|key| key.location))
                .collect(),
            operation: OperationKey::default(),
            found: Differences::default(),
            visited: HashSet::new(),
            operations_seen: 0,
            operations_unclear: 0,
            unjudged: 0,
        }
    }

    fn operations(&mut self, limits: Limits) {
        let bases = matching::bases(self.documented);
        let mut matcher = Matcher::new(self.documented, &bases);
        let mut matches = self.matches(&matcher);
        let is_one = |(_, _, found): &Seen<'_>| {
            matches!(found, Match::One(_) | Match::Merged { best: Some(_), .. })
        };
        if !matches.iter().any(is_one) && !bases.iter().any(String::is_empty) {
            // A proxy may have taken the base path away.
            let bare = Matcher::new(self.documented, &[String::new()]);
            let again = self.matches(&bare);
            if again.iter().any(is_one) {
                self.tell_base_path(&bases);
                (matcher, matches) = (bare, again);
            }
        }
        let alone = seen_alone(&mut matches, limits);
        let mut seen: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for (key, operation, found) in &matches {
            if let Match::One(group) = found {
                seen.entry(*group).or_default().push((*key, *operation));
            }
        }
        // A server may have several base paths: an operation is seen when it is seen below one.
        let groups = matcher.groups.iter().enumerate();
        let mut accounted: BTreeSet<&OperationKey> = groups
            .filter(|(index, _)| alone.contains_key(index))
            .flat_map(|(_, group)| group.operations.iter().map(|(key, _)| *key))
            .collect();
        self.operations_seen = accounted.len() as u64;
        let mut covered = BTreeSet::new();
        for (key, operation, found) in matches {
            self.operation = key.clone();
            self.unmatched(operation, &found, &matcher, &mut covered);
        }
        for (index, group) in matcher.groups.iter().enumerate() {
            let keys = || group.operations.iter().map(|(key, _)| *key);
            if let Some(operations) = seen.get(&index) {
                self.seen(group, operations);
            } else if covered.contains(&index) {
                accounted.extend(keys());
            }
        }
        for group in &matcher.groups {
            let keys = || group.operations.iter().map(|(key, _)| *key);
            if !keys().any(|key| accounted.contains(key)) {
                self.orphan(group);
                accounted.extend(keys());
            }
        }
    }

    fn seen(&mut self, group: &Group<'d>, operations: &[(&'d OperationKey, &'d Operation)]) {
        for (key, operation) in operations {
            self.operation = (*key).clone();
            match group.only(key).filter(|_| !self.is_observed) {
                Some(one) => self.group(&one, operation),
                None => self.group(group, operation),
            }
        }
    }

    fn matches(&self, matcher: &Matcher<'d>) -> Vec<Seen<'d>> {
        let bases: Vec<_> =
            matching::bases(self.observed).iter().map(|base| path::segments(base)).collect();
        let found = |key: &OperationKey, operation: &Operation| {
            let mut best = Match::None;
            for base in &bases {
                let mut segments = base.clone();
                segments.extend(path::segments(&key.path));
                let may_be = |index: &usize| {
                    let group = matcher.groups.get(*index);
                    group.is_some_and(|group| group.may_be(base.len(), key, operation))
                };
                match matcher.find(&key.method, &segments) {
                    one @ Match::One(_) => return one,
                    Match::None | Match::Older(_) if always_lacks_a_segment(operation) => {
                        best = matcher.find_emptied(&key.method, &segments);
                    }
                    Match::None => {}
                    // Another document means no more than it says.
                    Match::Merged { best: Some(one), .. } if !self.is_observed => {
                        return Match::One(one);
                    }
                    Match::Merged { best: one, mut covered } => {
                        covered.retain(may_be);
                        best = Match::Merged { best: one, covered };
                    }
                    other => best = other,
                }
            }
            best
        };
        let operations = self.observed.operations.iter();
        operations.map(|(key, operation)| (key, operation, found(key, operation))).collect()
    }

    fn tell_base_path(&mut self, bases: &[String]) {
        self.tell(Found {
            kind: Kind::BasePath,
            class: Class::Notice,
            side: None,
            place: "/servers".to_owned(),
            documented: bases.join(", "),
            observed: "the same paths without it".to_owned(),
            seen: 0,
            of: 0,
        });
    }

    fn unmatched(
        &mut self,
        operation: &'d Operation,
        found: &Match,
        matcher: &Matcher<'d>,
        covered: &mut BTreeSet<usize>,
    ) {
        let n = operation.evidence.as_ref().map_or(0, |evidence| evidence.n);
        let place = operation_place(&self.operation);
        let name = format!("{} {}", self.operation.method, self.operation.path);
        let told = |kind, class, documented: String| Found {
            kind,
            class,
            side: None,
            place: place.clone(),
            documented,
            observed: name.clone(),
            seen: n,
            of: n,
        };
        let path_of = |index: &usize| matcher.groups.get(*index).map(|group| group.key().path);
        match found {
            Match::One(_) => {}
            Match::Unclear(groups) => {
                covered.extend(groups);
                self.operations_unclear += 1;
            }
            Match::Older(index) => {
                let newer = path_of(index).unwrap_or_default();
                self.tell(told(Kind::OldVersion, Class::Notice, format!("newer {newer}")));
            }
            // What all of them do not allow is a difference all the same.
            Match::Merged { best, covered: more } => {
                covered.extend(more);
                self.operations_unclear += 1;
                let groups = best.iter().chain(more).filter_map(|&index| matcher.groups.get(index));
                self.group(&Group::of_all(groups), operation);
            }
            Match::None => {
                self.tell(told(Kind::ShadowOperation, Class::Additive, "nothing".to_owned()));
            }
        }
    }

    fn orphan(&mut self, group: &Group<'_>) {
        let looked = match &self.observed.evidence {
            Some(evidence) => format!(
                "no success in {} requests from {} to {}",
                evidence.n,
                evidence.first.as_deref().unwrap_or("the beginning"),
                evidence.last.as_deref().unwrap_or("the end"),
            ),
            None => "nothing".to_owned(),
        };
        self.operation = group.key();
        self.tell(Found {
            kind: Kind::OrphanOperation,
            class: if self.is_observed { Class::Notice } else { Class::Breaking },
            side: None,
            place: group.place(),
            documented: format!("{} {}", self.operation.method, self.operation.path),
            observed: looked,
            seen: 0,
            of: 0,
        });
    }

    fn tell(&mut self, found: Found) {
        self.found.add(found, &self.operation);
    }
}
