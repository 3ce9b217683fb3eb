//! Which documented operation an observed one is: by structure, not by the names of parameters.

use std::collections::BTreeMap;

use crate::document::{Document, Location, Operation, OperationKey, ParameterKey};
use crate::path::{self, Segment};
use crate::read::escaped;
use crate::schema::{Schema, Type};

/// Documented operations that no request can tell apart, with the base path of a server.
#[derive(Debug)]
pub(super) struct Group<'d> {
    pub(super) operations: Vec<(&'d OperationKey, &'d Operation)>,
    segments: Vec<Segment>,
    /// A parameter that may be empty was left out of the path.
    pub(super) is_shortened: bool,
}

/// The segments of a path.
pub(super) type Segments = Vec<Segment>;

/// What an observed operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// This group.
    One(usize),
    /// A template that fits `best`, if any, and `covered`, too, which have words where it has a
    /// parameter: what was seen may be of them.
    Merged { best: Option<usize>, covered: Vec<usize> },
    /// One of these groups, maybe: of its path not enough is shown to say.
    Unclear(Vec<usize>),
    /// This group, in an older version.
    Older(usize),
    /// None.
    None,
}

impl Match {
    /// The group that it fits best.
    pub(super) const fn best(&self) -> Option<usize> {
        match self {
            Self::One(index) | Self::Merged { best: Some(index), .. } => Some(*index),
            _ => None,
        }
    }

    /// Covers the groups no longer that were seen by themselves, at these paths. What was seen too little
    /// of and is not documented at `path` itself still covers those that it may have requests of.
    pub(super) fn leave_out(
        &mut self,
        path: &[Segment],
        is_thin: bool,
        alone: &BTreeMap<usize, Vec<Segments>>,
    ) {
        let Self::Merged { best, covered } = self else { return };
        let is_sure = best.is_some() || !is_thin;
        let is_elsewhere = |index: &usize| {
            let mut own = alone.get(index).into_iter().flatten();
            own.any(|own| is_sure || takes_from(own, path))
        };
        covered.retain(|index| !is_elsewhere(index));
        if covered.is_empty() {
            *self = best.map_or(Self::None, Self::One);
        }
    }
}

/// The documented operations, ready to be found.
#[derive(Debug)]
pub(super) struct Matcher<'d> {
    pub(super) groups: Vec<Group<'d>>,
    by_length: BTreeMap<(&'d str, usize), Vec<usize>>,
}

/// How well a segment fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Same,
    Near,
    Open,
    /// A parameter where the document has what looks like a value: a date, a version.
    Value,
    Unclear,
    Covers,
}

impl<'d> Matcher<'d> {
    /// The operations of a document below these base paths.
    pub(super) fn new(document: &'d Document, bases: &[String]) -> Self {
        let mut by_structure: BTreeMap<(&str, Vec<Segment>), Vec<_>> = BTreeMap::new();
        for base in bases {
            let base = path::segments(base);
            for (key, operation) in &document.operations {
                let mut segments = base.clone();
                segments.extend(path::segments(&key.path));
                by_structure.entry((&key.method, segments)).or_default().push((key, operation));
            }
        }
        let mut shortened: BTreeMap<(&str, Vec<Segment>), Vec<_>> = BTreeMap::new();
        for base in bases {
            for (key, operation) in &document.operations {
                let Some(short) = without_empty(key, operation) else { continue };
                let mut segments = path::segments(base);
                segments.extend(short);
                let name = (key.method.as_str(), segments);
                if !by_structure.contains_key(&name) {
                    shortened.entry(name).or_default().push((key, operation));
                }
            }
        }
        let mut matcher = Self { groups: Vec::new(), by_length: BTreeMap::new() };
        let whole = by_structure.into_iter().map(|group| (group, false));
        let shortened = shortened.into_iter().map(|group| (group, true));
        for (((method, segments), operations), is_shortened) in whole.chain(shortened) {
            let index = matcher.groups.len();
            matcher.by_length.entry((method, segments.len())).or_default().push(index);
            matcher.groups.push(Group { operations, segments, is_shortened });
        }
        matcher
    }

    /// Finds an observed operation, whose path has the base path of its own document before it.
    pub(super) fn find(&self, method: &str, segments: &[Segment]) -> Match {
        let candidates = self.by_length.get(&(method, segments.len()));
        let (mut plain, mut value): (Option<(Vec<Fit>, usize)>, Option<_>) = (None, None);
        let mut covered = Vec::new();
        let mut unclear = Vec::new();
        let mut older = None;
        for &index in candidates.into_iter().flatten() {
            let Some(group) = self.groups.get(index) else { continue };
            if is_older(segments, &group.segments) {
                older = Some(index);
            }
            let Some(fits) = fits(segments, &group.segments) else { continue };
            if fits.contains(&Fit::Unclear) {
                unclear.push(index);
                continue;
            }
            if fits.contains(&Fit::Covers) {
                covered.push(index);
                continue;
            }
            let best = if fits.contains(&Fit::Value) { &mut value } else { &mut plain };
            match best.as_mut() {
                // Two versions that were seen as one cannot be told apart.
                Some((best, _)) if fits == *best && fits.contains(&Fit::Value) => {
                    covered.push(index);
                }
                Some((best, _)) if fits >= *best => {}
                _ => *best = Some((fits, index)),
            }
        }
        // What looks like a value may have been one of those that a parameter had.
        let best = match (plain, value) {
            (None, Some(value)) if covered.is_empty() => Some(value),
            (plain, value) => {
                covered.extend(value.map(|(_, index)| index));
                plain
            }
        };
        let best = best.map(|(_, index)| index);
        match (best, older) {
            (None, _) if !unclear.is_empty() => Match::Unclear(unclear),
            _ if !covered.is_empty() => Match::Merged { best, covered },
            (Some(index), _) => Match::One(index),
            (None, Some(index)) => Match::Older(index),
            (None, None) => Match::None,
        }
    }
}

impl Matcher<'_> {
    /// The operations that an observed one may be of whose path a segment is missing, because a
    /// parameter of theirs was empty; none if there is none.
    pub(super) fn find_emptied(&self, method: &str, segments: &[Segment]) -> Match {
        let candidates = self.by_length.get(&(method, segments.len() + 1));
        let is_it = |index: &&usize| {
            let group = self.groups.get(**index);
            group.is_some_and(|group| is_emptied(segments, &group.segments))
        };
        let found: Vec<usize> = candidates.into_iter().flatten().filter(is_it).copied().collect();
        if found.is_empty() { Match::None } else { Match::Unclear(found) }
    }
}

impl Group<'_> {
    /// The one of it that is written alike, if there are others and it is among them.
    pub(super) fn only(&self, key: &OperationKey) -> Option<Self> {
        let one = self.operations.iter().find(|(one, _)| *one == key).copied()?;
        let (segments, is_shortened) = (self.segments.clone(), self.is_shortened);
        Some(Self { operations: vec![one], segments, is_shortened })
    }

    /// Whether an operation that was seen below a base path may be it where it has words and the
    /// operation has parameters: their values may have been those words.
    pub(super) fn may_be(&self, base: usize, key: &OperationKey, seen: &Operation) -> bool {
        let slots = path::slots(&key.path);
        let mut pairs = slots.iter().zip(self.segments.iter().skip(base));
        pairs.all(|(slot, segment)| {
            let (Some(name), Segment::Literal(text)) = (slot, segment) else { return true };
            let key = ParameterKey { location: Location::Path, name: (*name).to_owned() };
            seen.parameters.get(&key).is_none_or(|seen| may_have_been(&seen.schema, text))
        })
    }

    /// All operations of several groups, as one that no request can tell apart.
    pub(super) fn of_all<'g>(groups: impl Iterator<Item = &'g Self>) -> Self
    where
        Self: 'g,
    {
        let mut all = Self { operations: Vec::new(), segments: Vec::new(), is_shortened: false };
        for group in groups {
            all.operations.extend(&group.operations);
        }
        all
    }

    /// What it is called: its first operation.
    pub(super) fn key(&self) -> OperationKey {
        self.operations.first().map(|(key, _)| (*key).clone()).unwrap_or_default()
    }

    /// Where it stands.
    pub(super) fn place(&self) -> String {
        operation_place(&self.key())
    }
}

/// Where an operation stands in a document.
pub(super) fn operation_place(key: &OperationKey) -> String {
    format!("/paths/{}/{}", escaped(&key.path), key.method.to_ascii_lowercase())
}

/// The path of an operation without the parameters whose values may be empty, if there are such.
fn without_empty(key: &OperationKey, operation: &Operation) -> Option<Vec<Segment>> {
    let may_be_empty = |name: &str| {
        let key = ParameterKey { location: Location::Path, name: name.to_owned() };
        let parameter = operation.parameters.get(&key);
        parameter.is_some_and(|one| one.schema.values.iter().any(|value| value == ""))
    };
    let slots = path::slots(&key.path);
    let kept = |slot: Option<&str>| !slot.is_some_and(may_be_empty);
    if slots.iter().all(|&slot| kept(slot)) {
        return None;
    }
    let segments = path::segments(&key.path).into_iter().zip(&slots);
    Some(segments.filter(|(_, slot)| kept(**slot)).map(|(segment, _)| segment).collect())
}

/// Whether a text may have been among the values of a parameter.
fn may_have_been(values: &Schema, text: &str) -> bool {
    if !values.values.is_empty() {
        return values.values.iter().any(|value| value.as_str() == Some(text));
    }
    let types = values.types;
    let is_number = text.parse::<f64>().is_ok();
    let is_text =
        types.contains(Type::String) && (values.format.is_none() || path::is_like_a_value(text));
    types.is_empty() || is_text || (is_number && types.allows(Type::Integer))
}

/// Whether requests that fit the words of `own` are seen there although they fit `other`, too: not
/// where that has a word and `own` has none, for words go before parameters.
fn takes_from(own: &[Segment], other: &[Segment]) -> bool {
    own.len() != other.len()
        || own.iter().zip(other).all(|(own, other)| match other {
            Segment::Literal(_) => own == other,
            _ => true,
        })
}

/// Whether it is what was seen, but for a parameter that was empty.
fn is_emptied(observed: &[Segment], documented: &[Segment]) -> bool {
    let parameters = documented.iter().enumerate();
    let mut places = parameters.filter(|(_, segment)| **segment == Segment::Parameter);
    places.any(|(place, _)| {
        let mut short = documented.to_vec();
        short.remove(place);
        let fits = fits(observed, &short);
        fits.is_some_and(|fits| !fits.iter().any(|fit| matches!(fit, Fit::Covers | Fit::Unclear)))
    })
}

fn fits(observed: &[Segment], documented: &[Segment]) -> Option<Vec<Fit>> {
    observed.iter().zip(documented).map(|(seen, said)| fit(seen, said)).collect()
}

fn fit(observed: &Segment, documented: &Segment) -> Option<Fit> {
    match (observed, documented) {
        (Segment::Literal(seen), Segment::Literal(said)) if seen == said => Some(Fit::Same),
        // A text that is not shown may be any.
        (Segment::Literal(seen), Segment::Literal(_)) if is_veiled(seen) => Some(Fit::Unclear),
        (Segment::Literal(_), Segment::Literal(_)) => None,
        (Segment::Literal(seen), Segment::Mixed(_)) if documented.admits(seen) => Some(Fit::Near),
        (Segment::Literal(seen), open) if is_veiled(seen) || open.admits(seen) => Some(Fit::Open),
        (Segment::Literal(_), _) => None,
        (Segment::Mixed(_), Segment::Literal(said)) if !observed.admits(said) => None,
        (Segment::Parameter, Segment::Literal(said)) if path::is_like_a_value(said) => {
            Some(Fit::Value)
        }
        (_, Segment::Literal(_)) => Some(Fit::Covers),
        (seen, said) if seen == said => Some(Fit::Same),
        _ => Some(Fit::Open),
    }
}

/// Whether it is what stands for a text that must not be shown: `~` and six digits.
fn is_veiled(text: &str) -> bool {
    text.strip_prefix('~')
        .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether they are the same but for a version, which is older in what was seen.
fn is_older(observed: &[Segment], documented: &[Segment]) -> bool {
    let mut is_older = false;
    for (seen, said) in observed.iter().zip(documented) {
        if let (Segment::Literal(seen), Segment::Literal(said)) = (seen, said)
            && seen != said
        {
            match (path::version(seen), path::version(said)) {
                (Some(seen), Some(said)) if seen < said && !is_older => is_older = true,
                _ => return false,
            }
        } else if !matches!(fit(seen, said), Some(Fit::Same | Fit::Near | Fit::Open)) {
            return false;
        }
    }
    is_older
}

/// The base paths of the servers of a document; the root when none is said.
pub(super) fn bases(document: &Document) -> Vec<String> {
    let mut bases: Vec<String> = document.servers.iter().map(|url| base(url)).collect();
    if bases.is_empty() {
        bases.push(String::new());
    }
    bases.sort();
    bases.dedup();
    bases
}

/// The path of a URL, which may be relative, without a slash at its end.
fn base(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let path = match url.split_once("//") {
        Some((_, rest)) => rest.split_once('/').map(|(_, path)| path).unwrap_or_default(),
        None => url,
    };
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(documented: &[&str], observed: &str) -> String {
        let mut document = Document::default();
        for path in documented {
            let key = OperationKey { path: (*path).to_owned(), method: "GET".to_owned() };
            document.operations.insert(key, Operation::default());
        }
        let matcher = Matcher::new(&document, &["/api".to_owned()]);
        let path = |index: usize| matcher.groups[index].key().path;
        match matcher.find("GET", &path::segments(observed)) {
            Match::One(index) => path(index),
            Match::Merged { best, covered } => {
                let mut paths: Vec<_> = covered.into_iter().map(path).collect();
                paths.sort();
                let best = best.map(|index| format!("{} or ", path(index)));
                format!("{}covers {}", best.unwrap_or_default(), paths.join(" "))
            }
            Match::Unclear(list) => format!("one of {}", list.len()),
            Match::Older(index) => format!("older {}", path(index)),
            Match::None => "none".to_owned(),
        }
    }

    #[test]
    fn literals_beat_parameters_whatever_their_names() {
        let documented = ["/users/me", "/users/{id}", "/users/{id}.json", "/users/{id}/{what}"];
        for (observed, expected) in [
            ("/api/users/me", "/users/me"),
            ("/api/users/{userId}", "/users/{id} or covers /users/me"),
            ("/api/users/{userId}.json", "/users/{id}.json"),
            ("/api/users/7", "/users/{id}"),
            ("/api/users/alice.json", "/users/{id}.json"),
            ("/api/users/~12ab9f", "/users/{id}"),
            ("/api/users/{userId}/orders", "/users/{id}/{what}"),
            ("/api/~12ab9f/me", "one of 2"),
            ("/users/{userId}", "none"),
            ("/api/pets/{petId}", "none"),
        ] {
            assert_eq!(found(&documented, observed), expected, "{observed}");
        }
    }

    #[test]
    fn a_template_over_literals_covers_them() {
        assert_eq!(found(&["/2015-03-31/x", "/b/x"], "/api/{date}/x"), "covers /2015-03-31/x /b/x");
        assert_eq!(found(&["/2015-03-31/x", "/b/y"], "/api/{date}/x"), "/2015-03-31/x");
        assert_eq!(found(&["/v1/x", "/v2/x"], "/api/{version}/x"), "covers /v1/x /v2/x");
        assert_eq!(found(&["/a/x", "/a/y", "/b/x"], "/api/a/{what}"), "covers /a/x /a/y");
    }

    #[test]
    fn older_versions_are_known() {
        assert_eq!(found(&["/v2/users/{id}"], "/api/v1/users/{userId}"), "older /v2/users/{id}");
        assert_eq!(found(&["/v2/users"], "/api/v3/users"), "none");
        assert_eq!(found(&["/v2/users"], "/api/v1/pets"), "none");
    }

    #[test]
    fn bases_are_the_paths_of_servers() {
        for (url, expected) in [
            ("https://a.test/v1/", "/v1"),
            ("//a.test", ""),
            ("/v1.33", "/v1.33"),
            ("http://a.test/", ""),
            ("v2", "/v2"),
        ] {
            assert_eq!(base(url), expected, "{url}");
        }
    }
}
