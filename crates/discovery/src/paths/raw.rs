//! One host's paths as they came: a tree of segments in which nothing is generalised yet.

use std::collections::{BTreeMap, HashMap};

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{
    FieldKey, FieldName, FieldPart, JsonKind, RouteDelta, RouteName, SegmentClass, Template,
    TemplateSegment,
};

/// Names of response fields kept of one end, those with the smallest hashes: enough to tell answers
/// apart.
const FIELDS_MAX: usize = 48;
/// Levels of a response whose names are kept.
const FIELD_DEPTH_MAX: usize = 2;
/// Answers looked into, after which an end's fields are known.
const ANSWERS_MAX: u64 = 64;

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(super) u32);

/// A method of a place: what a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EndId(pub(super) u32);

/// What leads from a place to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Label {
    /// Text that may be a word of the API or a value; empty for a slash at the end.
    Text(CompactString),
    /// A value, with what stays visible behind it.
    Slot(CompactString),
}

impl Label {
    /// A slash at the end.
    pub(super) const END: Self = Self::Text(CompactString::const_new(""));

    /// What leads along a segment.
    pub(super) fn of(segment: &TemplateSegment) -> Self {
        match segment {
            TemplateSegment::Word(text) | TemplateSegment::Weak(text) => Self::Text(text.clone()),
            TemplateSegment::Parameter(_, suffix) => Self::Slot(suffix.clone()),
        }
    }
}

/// A place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) label: Label,
    /// Of a slot: the class of its values, none when they differ.
    pub(super) class: Option<SegmentClass>,
    pub(super) kids: Vec<NodeId>,
    pub(super) ends: SmallVec<[EndId; 1]>,
    /// Requests that led here or beyond, answered in a way that teaches.
    pub(super) taught: u64,
    /// Requests that the tree had seen when this came.
    born: u64,
}

/// A method of a place.
#[derive(Debug)]
pub(super) struct End {
    pub(super) method: CompactString,
    pub(super) taught: u64,
    /// Answers that were looked into.
    pub(super) answers: u64,
    /// Hashes of the names of their fields, in order, with how many answers had each.
    pub(super) fields: Vec<(u32, u32)>,
}

/// The paths of one host.
#[derive(Debug)]
pub(super) struct Raw {
    nodes: Vec<Node>,
    ends: Vec<End>,
    steps: HashMap<(NodeId, Label), NodeId>,
}

impl Raw {
    pub(super) const ROOT: NodeId = NodeId(0);

    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::new(Label::END)], ends: Vec::new(), steps: HashMap::new() }
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    pub(super) fn end(&self, id: EndId) -> Option<&End> {
        self.ends.get(id.0 as usize)
    }

    /// Requests that led to some places or beyond.
    pub(super) fn taught(&self, places: &[NodeId]) -> u64 {
        places.iter().filter_map(|&place| self.node(place)).map(|node| node.taught).sum()
    }

    /// When the first of some places came.
    pub(super) fn born(&self, places: &[NodeId]) -> u64 {
        let born = places.iter().filter_map(|&place| self.node(place)).map(|node| node.born);
        born.min().unwrap_or_default()
    }

    /// Requests that led anywhere.
    pub(super) fn taught_in_all(&self) -> u64 {
        self.taught(&[Self::ROOT])
    }

    /// Every place.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.nodes.len()
    }

    /// How many ends there are.
    pub(super) fn ends(&self) -> usize {
        self.ends.len()
    }

    /// Makes a way for a route.
    pub(super) fn insert(&mut self, name: &RouteName) {
        let mut place = Self::ROOT;
        for segment in &name.template.segments {
            place = self.make_step(place, segment);
        }
        if name.template.trailing_slash {
            place = self.make_step(place, &TemplateSegment::Word(CompactString::default()));
        }
        if self.end_at(place, &name.method).is_some() {
            return;
        }
        let id = EndId(u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
        let method = name.method.clone();
        self.ends.push(End { method, taught: 0, answers: 0, fields: Vec::new() });
        if let Some(node) = self.nodes.get_mut(place.0 as usize) {
            node.ends.push(id);
        }
    }

    /// Counts what a route saw; false when there is no way for it.
    pub(super) fn teach(&mut self, seen: &RouteDelta) -> bool {
        let Some((way, end)) = self.way(&seen.name) else { return false };
        if let Some(end) = self.ends.get_mut(end.0 as usize) {
            end.taught += seen.learnable;
            end.note_fields(seen);
        }
        for place in way {
            if let Some(node) = self.nodes.get_mut(place.0 as usize) {
                node.taught += seen.learnable;
            }
        }
        true
    }

    /// Notes what a route was answered with, if there is a way for it.
    pub(super) fn note_answers(&mut self, seen: &RouteDelta) {
        let end = self.way(&seen.name).and_then(|(_, end)| self.ends.get_mut(end.0 as usize));
        if let Some(end) = end {
            end.note_fields(seen);
        }
    }

    /// The places on the way of a route, and where it ends.
    fn way(&self, name: &RouteName) -> Option<(SmallVec<[NodeId; 17]>, EndId)> {
        let Template { segments, trailing_slash } = &name.template;
        let labels = segments.iter().map(Label::of).chain(trailing_slash.then_some(Label::END));
        let mut way = SmallVec::<[NodeId; 17]>::from_elem(Self::ROOT, 1);
        let mut place = Self::ROOT;
        for label in labels {
            place = *self.steps.get(&(place, label))?;
            way.push(place);
        }
        Some((way, self.end_at(place, &name.method)?))
    }

    fn end_at(&self, place: NodeId, method: &str) -> Option<EndId> {
        let ends = &self.node(place)?.ends;
        ends.iter().copied().find(|&end| self.end(end).is_some_and(|end| end.method == method))
    }

    fn make_step(&mut self, from: NodeId, segment: &TemplateSegment) -> NodeId {
        let label = Label::of(segment);
        let class = match segment {
            TemplateSegment::Parameter(class, _) => Some(*class),
            _ => None,
        };
        if let Some(&known) = self.steps.get(&(from, label.clone())) {
            if let Some(node) = self.nodes.get_mut(known.0 as usize)
                && node.class != class
            {
                node.class = None;
            }
            return known;
        }
        let to = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let born = self.taught_in_all();
        self.nodes.push(Node { class, born, ..Node::new(label.clone()) });
        if let Some(node) = self.nodes.get_mut(from.0 as usize) {
            node.kids.push(to);
        }
        self.steps.insert((from, label), to);
        to
    }
}

impl Node {
    fn new(label: Label) -> Self {
        Self { label, class: None, kids: Vec::new(), ends: SmallVec::new(), taught: 0, born: 0 }
    }
}

impl End {
    /// Notes which members answers have, a few levels down.
    fn note_fields(&mut self, seen: &RouteDelta) {
        if self.answers >= ANSWERS_MAX {
            return;
        }
        for (part, schema) in &seen.schemas {
            let FieldPart::Response(..400, _) = part else { continue };
            let Some(whole) = schema.fields.get(&FieldKey::ROOT) else { continue };
            let answers = whole.count(JsonKind::Object) + whole.count(JsonKind::Array);
            // Parents come before what they hold.
            let mut levels = BTreeMap::from([(FieldKey::ROOT, 0)]);
            for (&place, field) in &schema.fields {
                let Some(&above) = levels.get(&field.parent) else { continue };
                let level = match field.name {
                    FieldName::Root => continue,
                    FieldName::Element if above == 0 => 1,
                    FieldName::Element => above,
                    FieldName::Member(_) | FieldName::AnyMember => above + 1,
                };
                if level <= FIELD_DEPTH_MAX {
                    levels.insert(place, level);
                    let count = u32::try_from(field.n().min(answers)).unwrap_or(u32::MAX);
                    self.note_field(place.short(), count);
                }
            }
            self.answers += answers;
        }
    }

    fn note_field(&mut self, hash: u32, present: u32) {
        match self.fields.binary_search_by_key(&hash, |&(hash, _)| hash) {
            Ok(at) => {
                if let Some((_, count)) = self.fields.get_mut(at) {
                    *count = count.saturating_add(present);
                }
            }
            Err(at) if at < FIELDS_MAX => {
                self.fields.insert(at, (hash, present));
                self.fields.truncate(FIELDS_MAX);
            }
            Err(_) => {}
        }
    }
}
