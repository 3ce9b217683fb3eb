//! From a path to its lexical template and its route.

mod held;
mod steps;

use std::sync::Arc;

use compact_str::CompactString;
use tapline_model::{
    Key, ParameterSet, RouteKey, RouteMap, RouteName, SegmentClass, Template, TemplateSegment,
    ValueKind,
};

pub(crate) use self::held::is_like_a_value;

use self::held::{Held, HeldSet};
use self::steps::{Node, Steps};
use crate::attempt::Context;
use crate::lexical::{self, Shape};
use crate::path::{self, NormalPath, VERSION_PLACES};
use crate::rules::TemplateRule;
use crate::sensitive::{self, Sensitive};

/// Segments of a template; what follows is one slot.
pub(crate) const SEGMENTS_MAX: usize = 16;
/// Bytes of a segment that are looked at.
const SEGMENT_BYTES_MAX: usize = 128;
/// Bytes of text that may cross to the merge although it may be a value.
const WEAK_BYTES_MAX: usize = 64;

/// Bytes of a way's start that is remembered as one step.
const STEM_BYTES_MAX: usize = 256;

/// Routes that are remembered, before all are forgotten.
const ROUTES_MAX: usize = 8_192;

/// Names routes. Remembers those it named: a memory of a pure function, which changes no output.
#[derive(Debug)]
pub(crate) struct Routes {
    key: Key,
    held: Held,
    steps: Steps,
    /// What is hashed to the key of a route.
    signature: Vec<u8>,
    scratch: Vec<u8>,
    known: RouteMap<Route>,
}

/// A route, and what all of its requests have in common.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) name: Arc<RouteName>,
    /// Slots whose values are secrets or personal wherever they stand.
    pub(crate) masked: u64,
    /// What its words say is tried there.
    pub(crate) context: Context,
    /// The parameters in its slots, once they have been worked out.
    slots: Option<Arc<ParameterSet>>,
}

/// What a segment contributes to a template, borrowed from the path.
enum Part<'a> {
    Word(&'a [u8]),
    Weak(&'a [u8]),
    Slot(SegmentClass, CompactString),
}

/// What the words of a template say is tried there.
fn context_of(template: &Template) -> Context {
    Context::of_path(template.segments.iter().filter_map(|segment| match segment {
        TemplateSegment::Word(text) | TemplateSegment::Weak(text) => Some(text.as_str()),
        TemplateSegment::Parameter(..) => None,
    }))
}

/// Kinds of steps on the way to a route; those of slots follow.
mod tag {
    pub(super) const HOST: u8 = 0;
    pub(super) const METHOD: u8 = 1;
    /// A word or what may be a value: which of them, the text and the way to it tell.
    pub(super) const TEXT: u8 = 2;
    pub(super) const SLOT: u8 = 3;
    /// All steps at once from the host on over texts.
    pub(super) const STEM: u8 = u8::MAX;
}

impl Routes {
    /// Hashes with `key`. What `rules` call a word is one, whatever it looks like.
    pub(crate) fn new(key: Key, rules: &[TemplateRule]) -> Self {
        Self {
            key,
            held: Held::new(rules),
            steps: Steps::new(),
            signature: Vec::new(),
            scratch: Vec::new(),
            known: RouteMap::default(),
        }
    }

    /// The route of a request: the keyed hash of host, method and template, and what is known of it.
    pub(crate) fn of(&mut self, host: &str, method: &str, path: &NormalPath) -> (RouteKey, &Route) {
        let held = self.held.of(host, path);
        let end = self.walk(host, method, path, held);
        let slash = path.trailing_slash();
        let walked = end.and_then(|end| self.steps.route(end, slash));
        let route = walked.unwrap_or_else(|| self.sign(host, method, path, held));
        if let Some(end) = end.filter(|_| walked.is_none()) {
            self.steps.remember(end, slash, route);
        }
        if self.known.len() >= ROUTES_MAX && !self.known.contains_key(&route) {
            self.known.clear();
        }
        let Self { known, scratch, .. } = self;
        let entry = known.entry(route).or_insert_with(|| {
            let template = build(path, held, scratch);
            let masked = template.segments.iter().filter(|segment| is_masked(segment)).count();
            let context = context_of(&template);
            let name = RouteName { host: host.into(), method: method.into(), template };
            Route { name: Arc::new(name), masked: masked as u64, context, slots: None }
        });
        (route, entry)
    }

    /// Goes the way of a request; none when it is longer than a template may be.
    fn walk(&mut self, host: &str, method: &str, path: &NormalPath, held: HeldSet) -> Option<Node> {
        let Self { steps, scratch, signature: stem, .. } = self;
        steps.begin();
        let count = path.segment_count();
        // Many requests have all but the end of their way in common.
        let stem_count = if held == 0 { path.stem_count() } else { 0 };
        let has_stem = stem_count > 0 && write_stem(host, method, path.stem(stem_count), stem);
        let known = has_stem.then(|| steps.find(Node::START, tag::STEM, stem)).flatten();
        let first = known.map_or(0, |_| stem_count);
        let mut node = known.unwrap_or_else(|| {
            let node = steps.take(Node::START, tag::HOST, host.as_bytes());
            steps.take(node, tag::METHOD, method.as_bytes())
        });
        let mut is_text = true;
        for (index, segment) in (first..).zip(path.segments_from(first)) {
            if index == SEGMENTS_MAX {
                return None;
            }
            if has_stem && known.is_none() && is_text && index == stem_count {
                steps.remember_way(Node::START, tag::STEM, stem, node);
            }
            // Texts are what most paths are made of. What begins with a digit may be a version in
            // one path and a value in another.
            let may_be_text = !segment.first().is_some_and(u8::is_ascii_digit);
            let text = may_be_text.then(|| steps.find(node, tag::TEXT, segment)).flatten();
            let place = Place::of(index, count, held);
            node = text.unwrap_or_else(|| match part_of(segment, place, scratch) {
                Part::Word(text) | Part::Weak(text) => steps.take(node, tag::TEXT, text),
                Part::Slot(class, suffix) => {
                    is_text = false;
                    steps.take(node, tag::SLOT + class as u8, suffix.as_bytes())
                }
            });
        }
        Some(node)
    }

    /// The parameters in the slots of a route that was named last, if they are remembered.
    pub(crate) fn slots(&self, route: RouteKey) -> Option<&Arc<ParameterSet>> {
        self.known.get(&route)?.slots.as_ref()
    }

    /// Remembers the parameters in the slots of a route.
    pub(crate) fn remember_slots(&mut self, route: RouteKey, slots: &Arc<ParameterSet>) {
        if let Some(known) = self.known.get_mut(&route) {
            known.slots = Some(Arc::clone(slots));
        }
    }

    fn sign(&mut self, host: &str, method: &str, path: &NormalPath, held: HeldSet) -> RouteKey {
        let Self { key, signature: text, scratch, .. } = self;
        text.clear();
        for part in [host, method] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        let count = path.segment_count();
        for (index, segment) in path.segments().enumerate() {
            let is_over = index == SEGMENTS_MAX - 1 && count > SEGMENTS_MAX;
            let part = if is_over {
                OVERSIZED
            } else {
                part_of(segment, Place::of(index, count, held), scratch)
            };
            let (tag, shown) = match &part {
                Part::Word(word) => (b'w', *word),
                Part::Weak(weak) => (b'?', *weak),
                Part::Slot(class, suffix) => {
                    text.push(*class as u8);
                    (b'p', suffix.as_bytes())
                }
            };
            text.push(tag);
            text.extend_from_slice(shown);
            text.push(0);
            if is_over {
                break;
            }
        }
        text.push(u8::from(path.trailing_slash()));
        RouteKey(key.text_hash(text))
    }
}

/// Writes how a way begins; whether that is short enough to be remembered. No path has a zero, so
/// nothing else is written the same.
fn write_stem(host: &str, method: &str, path: &[u8], stem: &mut Vec<u8>) -> bool {
    stem.clear();
    for part in [host.as_bytes(), method.as_bytes(), path] {
        stem.extend_from_slice(part);
        stem.push(0);
    }
    stem.len() <= STEM_BYTES_MAX
}

const OVERSIZED: Part<'static> = Part::Slot(SegmentClass::Oversized, CompactString::const_new(""));

/// Replaces the values of `path` by slots.
fn build(path: &NormalPath, held: HeldSet, scratch: &mut Vec<u8>) -> Template {
    let mut template = Template { trailing_slash: path.trailing_slash(), ..Template::default() };
    let count = path.segment_count();
    for (index, segment) in path.segments().enumerate() {
        if template.segments.len() == SEGMENTS_MAX {
            template.segments.pop();
            template.segments.push(TemplateSegment::Parameter(
                SegmentClass::Oversized,
                CompactString::default(),
            ));
            break;
        }
        template.segments.push(match part_of(segment, Place::of(index, count, held), scratch) {
            Part::Word(word) => TemplateSegment::Word(CompactString::from_utf8_lossy(word)),
            Part::Weak(weak) => TemplateSegment::Weak(CompactString::from_utf8_lossy(weak)),
            Part::Slot(class, suffix) => TemplateSegment::Parameter(class, suffix),
        });
    }
    template
}

/// Where a segment stands.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    is_followed: bool,
    /// A rule says that it is a word.
    is_held: bool,
}

impl Place {
    fn of(index: usize, count: usize, held: HeldSet) -> Self {
        let is_held = index < SEGMENTS_MAX && held & (1 << index) != 0;
        Self { index, is_followed: index + 1 < count, is_held }
    }
}

/// What the segment at `place` contributes.
fn part_of<'a>(text: &'a [u8], place: Place, scratch: &mut Vec<u8>) -> Part<'a> {
    let Place { index, is_followed, is_held } = place;
    if is_held {
        return Part::Word(text);
    }
    if text.len() > SEGMENT_BYTES_MAX {
        return OVERSIZED;
    }
    if index < VERSION_PLACES && is_followed && lexical::may_be_version(text, index == 0) {
        return Part::Word(text);
    }
    let slot = |class| Part::Slot(class, CompactString::default());
    let meant = path::decode(text, scratch);
    match lexical::shape(meant) {
        Shape::Value(class, suffix) => Part::Slot(class, suffix.into()),
        Shape::Word if meant == text => Part::Word(text),
        Shape::Word | Shape::Weak => match sensitive::find(meant) {
            Some(found) => slot(class_of(found)),
            None if text.len() > WEAK_BYTES_MAX => OVERSIZED,
            None => Part::Weak(text),
        },
    }
}

/// The type of the value in a slot.
pub(crate) const fn value_kind(class: SegmentClass) -> ValueKind {
    match class {
        SegmentClass::Integer => ValueKind::Integer,
        SegmentClass::Uuid => ValueKind::Uuid,
        SegmentClass::Date => ValueKind::Date,
        SegmentClass::Email => ValueKind::Email,
        _ => ValueKind::String,
    }
}

const fn is_masked(segment: &TemplateSegment) -> bool {
    use SegmentClass::{CardNumber, Email, Jwt, Phone};
    matches!(segment, TemplateSegment::Parameter(CardNumber | Jwt | Email | Phone, _))
}

/// The name of a path parameter: the index of its segment.
pub(crate) fn place_name(place: usize) -> &'static str {
    const NAMES: [&str; SEGMENTS_MAX] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];
    NAMES.get(place).copied().unwrap_or_default()
}

const fn class_of(found: Sensitive) -> SegmentClass {
    match found {
        Sensitive::CardNumber => SegmentClass::CardNumber,
        Sensitive::Jwt => SegmentClass::Jwt,
        Sensitive::Email => SegmentClass::Email,
        Sensitive::Key => SegmentClass::Token,
        Sensitive::Phone => SegmentClass::Phone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(sent: &str) -> Template {
        let mut path = NormalPath::default();
        path.set(sent.as_bytes());
        Routes::new(Key::fixed(), &[]).of("h", "GET", &path).1.name.template.clone()
    }

    fn shown(sent: &str) -> String {
        let template = template(sent);
        let mut text = String::new();
        for segment in &template.segments {
            let segment = match segment {
                TemplateSegment::Word(word) => word.to_string(),
                TemplateSegment::Weak(weak) => format!("?{weak}"),
                TemplateSegment::Parameter(class, suffix) => format!("{{{class:?}{suffix}}}"),
            };
            text = text + "/" + &segment;
        }
        if template.trailing_slash { text + "/" } else { text }
    }

    #[test]
    fn values_become_slots() {
        for (sent, expected) in [
            ("/", ""),
            ("/api/v1/orders/70001", "/api/v1/orders/{Integer}"),
            ("/users/bob%40example.com/", "/users/{Email}/"),
            ("/users/bob%2540example.com", "/users/{Email}"),
            ("/Accounts/AC5ef872f6da5a21de157d80997a64bd33.json", "/Accounts/{PrefixedId.json}"),
            ("/items/user:4111111111111111", "/items/{CardNumber}"),
            ("/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/getMe", "/{Token}/getMe"),
            ("/s/John%20Smith", "/s/?John%20Smith"),
            ("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/{Oversized}"),
        ] {
            assert_eq!(shown(sent), expected, "{sent}");
        }
    }

    #[test]
    fn long_text_never_crosses() {
        assert_eq!(shown(&format!("/{}", "ab!".repeat(22))), "/{Oversized}");
        assert_eq!(shown(&format!("/{}", "x".repeat(200))), "/{Oversized}");
    }

    #[test]
    fn a_route_is_host_method_and_template() {
        let mut routes = Routes::new(Key::fixed(), &[]);
        let mut route = |host, method, sent: &str| {
            let mut path = NormalPath::default();
            path.set(sent.as_bytes());
            let (route, known) = routes.of(host, method, &path);
            assert_eq!(known.name.template, template(sent), "the key leads to its name");
            route
        };
        let base = route("a", "GET", "/x/1");
        assert_eq!(base, route("a", "GET", "/x/2"));
        assert_ne!(
            route("a", "GET", "/x/a/b"),
            route("a", "GET/x", "/a/b"),
            "a method with a slash"
        );
        for other in [
            route("b", "GET", "/x/1"),
            route("a", "PUT", "/x/1"),
            route("a", "GET", "/x/1/"),
            route("a", "GET", "/x/2026-11-13"),
            route("a", "GET", "/x/y"),
        ] {
            assert_ne!(base, other);
        }
    }
}
