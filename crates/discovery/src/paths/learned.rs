//! What was made of a host's paths: the same tree with values joined to slots.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tapline_model::{SegmentClass, Template, TemplateSegment};

use super::figures::Figures;
use super::raw::{Label, NodeId, Raw};

/// A place in the learned tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(usize);

/// The learned tree.
#[derive(Debug, Default)]
pub(super) struct Learned {
    places: Vec<Place>,
}

/// A place: all raw ones that it stands for.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) members: Vec<NodeId>,
    kids: BTreeMap<Label, PlaceId>,
    slot: Option<Slot>,
    methods: BTreeMap<CompactString, Answers>,
    /// Of a slot: what was joined.
    values: Figures,
    /// The words below.
    words: Figures,
}

/// What makes a place a slot.
#[derive(Debug)]
struct Slot {
    /// Of its values.
    class: SegmentClass,
    /// What stays visible behind them.
    suffix: CompactString,
}

/// What a method of a place is answered with.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) looked_into: u64,
    /// By the hash of a field's name: how many answers had it.
    pub(super) fields: BTreeMap<u32, u64>,
}

impl Learned {
    pub(super) const ROOT: PlaceId = PlaceId(0);

    pub(super) fn place(&self, id: PlaceId) -> Option<&Place> {
        self.places.get(id.0)
    }

    /// Notes what a place was made from.
    pub(super) fn set_figures(&mut self, id: PlaceId, values: Figures, words: Figures) {
        if let Some(place) = self.places.get_mut(id.0) {
            (place.values, place.words) = (values, words);
        }
    }

    /// Whether a place has a method.
    pub(super) fn has_method(&self, place: PlaceId, method: &str) -> bool {
        self.answers(place, method).is_some()
    }

    /// What a method of a place is answered with.
    pub(super) fn answers(&self, place: PlaceId, method: &str) -> Option<&Answers> {
        self.place(place)?.methods.get(method)
    }

    /// Requests that led to a place or beyond.
    pub(super) fn taught(&self, raw: &Raw, place: PlaceId) -> u64 {
        self.place(place).map(|place| raw.taught(&place.members)).unwrap_or_default()
    }

    /// A new place that stands for raw ones.
    pub(super) fn add(&mut self, raw: &Raw, members: Vec<NodeId>) -> PlaceId {
        let id = PlaceId(self.places.len());
        let mut place = Place::default();
        for &member in &members {
            place.absorb(raw, member);
        }
        self.places.push(Place { members, ..place });
        id
    }

    /// A new place that is a slot.
    pub(super) fn add_slot(&mut self, raw: &Raw, members: Vec<NodeId>, suffix: &str) -> PlaceId {
        let mut classes =
            members.iter().map(|&member| raw.node(member).and_then(|node| node.class));
        let first = classes.next().flatten();
        let class = first.filter(|_| classes.all(|class| class == first));
        let slot = Slot { class: class.unwrap_or(SegmentClass::Text), suffix: suffix.into() };
        let id = self.add(raw, members);
        if let Some(place) = self.places.get_mut(id.0) {
            place.slot = Some(slot);
        }
        id
    }

    /// Puts a place below another.
    pub(super) fn hang(&mut self, below: PlaceId, label: Label, kid: PlaceId) {
        if let Some(place) = self.places.get_mut(below.0) {
            place.kids.insert(label, kid);
        }
    }

    /// Where a label leads from a place: to the text itself if it is there, else to a slot.
    pub(super) fn step(&self, from: PlaceId, label: &Label) -> Option<PlaceId> {
        step_from(self.place(from)?, label)
    }

    /// The place a label leads to.
    pub(super) fn below(&self, from: &Place, label: &Label) -> Option<&Place> {
        self.place(step_from(from, label)?)
    }

    /// Adds a raw place, and all below it, to a learned one.
    pub(super) fn pour(&mut self, raw: &Raw, into: PlaceId, from: NodeId) {
        if let Some(place) = self.places.get_mut(into.0) {
            place.members.push(from);
            place.absorb(raw, from);
        }
        for &kid in raw.node(from).map(|node| &*node.kids).unwrap_or_default() {
            let Some(label) = raw.node(kid).map(|node| &node.label) else { continue };
            if let Some(to) = self.step(into, label) {
                self.pour(raw, to, kid);
                continue;
            }
            let to = match label {
                Label::Text(_) => self.add(raw, Vec::new()),
                Label::Slot(suffix) => self.add_slot(raw, vec![kid], suffix),
            };
            self.hang(into, label.clone(), to);
            self.pour(raw, to, kid);
        }
    }

    /// The learned template of a lexical one; none when its method is not known there.
    pub(super) fn template(&self, method: &str, lexical: &Template) -> Option<Template> {
        let mut place = Self::ROOT;
        let mut learned =
            Template { trailing_slash: lexical.trailing_slash, ..Template::default() };
        for segment in &lexical.segments {
            place = self.step(place, &Label::of(segment))?;
            learned.segments.push(self.place(place)?.segment(segment));
        }
        if lexical.trailing_slash {
            place = self.step(place, &Label::END)?;
        }
        self.has_method(place, method).then_some(learned)
    }
}

fn step_from(from: &Place, label: &Label) -> Option<PlaceId> {
    let kids = &from.kids;
    let slot = |suffix: &str| kids.get(&Label::Slot(suffix.into())).copied();
    kids.get(label).copied().or_else(|| match label {
        Label::Text(text) if !text.is_empty() => {
            crate::lexical::suffix_of(text).and_then(slot).or_else(|| slot(""))
        }
        _ => None,
    })
}

impl Place {
    /// The suffix of a slot.
    pub(super) fn suffix(&self) -> Option<&CompactString> {
        self.slot.as_ref().map(|slot| &slot.suffix)
    }

    /// What leads further.
    pub(super) fn kids(&self) -> impl Iterator<Item = (&Label, PlaceId)> {
        self.kids.iter().map(|(label, &kid)| (label, kid))
    }

    /// Of a slot: what was joined.
    pub(super) const fn values(&self) -> Figures {
        self.values
    }

    /// The words below.
    pub(super) const fn words(&self) -> Figures {
        self.words
    }

    fn absorb(&mut self, raw: &Raw, member: NodeId) {
        let Some(node) = raw.node(member) else { return };
        if let Some(slot) = &mut self.slot
            && node.class != Some(slot.class)
        {
            slot.class = SegmentClass::Text;
        }
        for end in node.ends.iter().filter_map(|&end| raw.end(end)) {
            let answers = self.methods.entry(end.method.clone()).or_default();
            answers.looked_into += end.answers;
            for &(field, count) in &end.fields {
                *answers.fields.entry(field).or_default() += u64::from(count);
            }
        }
    }

    /// What stands in a template for a segment that led here.
    fn segment(&self, lexical: &TemplateSegment) -> TemplateSegment {
        match &self.slot {
            Some(slot) => TemplateSegment::Parameter(slot.class, slot.suffix.clone()),
            None => lexical.clone(),
        }
    }
}
