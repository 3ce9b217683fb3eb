//! What the documents of one part look like: counting union types that join in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClassCounts, TagCounts, Values, Witnesses, add_counts};
use crate::{
    ConsumerKey, FieldKey, FieldName, FieldNote, JsonKind, SegmentClass, Span, TextFormat,
};

/// One place of documents, and what stood there.
///
/// Source: Baazizi et al., "Parametric schema inference for massive JSON datasets", VLDB Journal
/// 2019: types as counts, fused by adding.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDelta {
    // What every value changes lies together, in as few cache lines as it can (`repr(C)`).
    /// Whole objects that had it.
    pub present: u64,
    /// Values by type, in the order of [`JsonKind::ALL`].
    pub kinds: [u64; JsonKind::COUNT],
    /// Of the objects, those that were read to their end.
    pub objects: u64,
    /// Of the texts, those that are empty.
    pub empty: u64,
    /// Characters of the texts.
    pub length: Span,
    /// Who sent or got it.
    pub witnesses: Witnesses,
    /// Distinct short texts and integers.
    pub values: Values,
    /// Of the numbers, rounded outward to two significant digits.
    pub number: Span,
    /// Elements of the arrays.
    pub items: Span,
    /// What holds it; itself of the whole document.
    pub parent: FieldKey,
    /// What leads to it from there.
    pub name: FieldName,
    /// Of the texts, those with a format.
    pub formats: BTreeMap<TextFormat, u64>,
    /// What the names look like that [`FieldName::AnyMember`] stands for.
    pub keys: BTreeMap<Option<SegmentClass>, u64>,
    /// Of objects: members by the value of a member that may tell them apart.
    pub tags: BTreeMap<FieldKey, TagCounts>,
    /// Classes of data that its values are valid for.
    pub classes: ClassCounts,
}

impl FieldDelta {
    /// Members of one object that are taken for tags: the smallest keys.
    pub const TAGS_MAX: usize = 2;

    /// A place where nothing has been seen.
    pub fn new(parent: FieldKey, name: FieldName, consumer: ConsumerKey) -> Self {
        Self {
            parent,
            name,
            present: 0,
            kinds: [0; JsonKind::COUNT],
            objects: 0,
            empty: 0,
            formats: BTreeMap::new(),
            number: Span::NONE,
            length: Span::NONE,
            items: Span::NONE,
            values: Values::default(),
            keys: BTreeMap::new(),
            tags: BTreeMap::new(),
            witnesses: Witnesses::of(consumer),
            classes: ClassCounts::default(),
        }
    }

    /// Values that may have a class: texts that are not empty, and numbers.
    pub fn classifiable(&self) -> u64 {
        let texts = self.count(JsonKind::String).saturating_sub(self.empty);
        texts + self.count(JsonKind::Integer) + self.count(JsonKind::Number)
    }

    /// How many values were seen.
    pub fn n(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// How many values of one type were seen.
    pub fn count(&self, kind: JsonKind) -> u64 {
        self.kinds.get(kind as usize).copied().unwrap_or(0)
    }

    /// Adds a value; `in_whole` says whether it stood in an object that was read to its end.
    pub fn add(&mut self, note: &FieldNote, in_whole: bool, consumer: ConsumerKey) {
        self.present += u64::from(in_whole && !note.is_repeat);
        if let Some(count) = self.kinds.get_mut(note.kind as usize) {
            *count += 1;
        }
        self.objects += u64::from(note.is_whole);
        let is_empty = note.kind == JsonKind::String && note.size == Span::of_size(0);
        self.empty += u64::from(is_empty);
        if let Some(format) = note.format {
            *self.formats.entry(format).or_default() += 1;
        }
        self.number.join(note.number);
        match note.kind {
            JsonKind::Array => self.items.join(note.size),
            _ => self.length.join(note.size),
        }
        if let Some(value) = &note.value {
            self.values.add(value, consumer);
        }
        if note.name == FieldName::AnyMember {
            *self.keys.entry(note.key_class).or_default() += 1;
        }
        self.witnesses.join(Witnesses::of(consumer));
        if !note.classes.is_empty() {
            self.classes.add(note.classes, note.sample);
        }
    }

    /// Joins what others saw in the same place.
    pub fn join(&mut self, other: &Self) {
        self.present += other.present;
        for (sum, count) in self.kinds.iter_mut().zip(other.kinds) {
            *sum += count;
        }
        self.objects += other.objects;
        self.empty += other.empty;
        add_counts(&mut self.formats, &other.formats);
        self.number.join(other.number);
        self.length.join(other.length);
        self.items.join(other.items);
        self.values.join(&other.values);
        add_counts(&mut self.keys, &other.keys);
        for (tag, theirs) in &other.tags {
            self.tags.entry(*tag).or_default().join(theirs);
        }
        super::keep_smallest(&mut self.tags, Self::TAGS_MAX);
        self.witnesses.join(other.witnesses);
        self.classes.join(&other.classes);
    }

    fn add_tag(
        &mut self,
        tag: &FieldNote,
        consumer: ConsumerKey,
        members: impl Iterator<Item = FieldKey>,
    ) {
        let Some(value) = &tag.value else { return };
        self.tags.entry(tag.field).or_default().add(value, consumer, members);
        super::keep_smallest(&mut self.tags, Self::TAGS_MAX);
    }
}

/// The documents of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDelta {
    /// Documents, those among them that were not looked into.
    pub documents: u64,
    /// By place: the smallest keys. What is known of those is exact.
    pub fields: BTreeMap<FieldKey, FieldDelta>,
    /// Values that stood in places that were cut.
    pub left_out: u64,
}

impl SchemaDelta {
    /// Places that are kept of one part in one epoch.
    pub const FIELDS_MAX: usize = 1_024;

    /// Adds a document.
    pub fn add(&mut self, notes: &[FieldNote], consumer: ConsumerKey) {
        self.documents += 1;
        for note in notes {
            let holder = notes.get(note.parent as usize);
            let parent = holder.map_or(FieldKey::ROOT, |holder| holder.field);
            let in_whole = note.name == FieldName::Root || holder.is_some_and(|it| it.is_whole);
            self.fields
                .entry(note.field)
                .or_insert_with(|| FieldDelta::new(parent, note.name.clone(), consumer))
                .add(note, in_whole, consumer);
            if note.is_tag
                && in_whole
                && !note.is_repeat
                && let Some(holder) = holder
            {
                let members = members(notes, note.parent, holder);
                if let Some(object) = self.fields.get_mut(&holder.field) {
                    object.add_tag(note, consumer, members);
                }
            }
        }
        // Cutting often costs more than it saves.
        if self.fields.len() > 2 * Self::FIELDS_MAX {
            self.bound();
        }
    }

    /// Joins what others saw of the same part.
    pub fn join(&mut self, other: &Self) {
        self.documents += other.documents;
        self.left_out += other.left_out;
        for (place, theirs) in &other.fields {
            match self.fields.get_mut(place) {
                Some(ours) => ours.join(theirs),
                None => {
                    self.fields.insert(*place, theirs.clone());
                }
            }
        }
        self.bound();
    }

    /// Keeps the smallest places and counts what stood in the others. Whichever parts are joined in
    /// whichever order, what is kept and counted in the end is the same.
    pub fn bound(&mut self) {
        while self.fields.len() > Self::FIELDS_MAX
            && let Some((_, cut)) = self.fields.pop_last()
        {
            self.left_out += cut.n();
        }
    }

    /// How many values were seen.
    pub fn values(&self) -> u64 {
        self.left_out + self.fields.values().map(FieldDelta::n).sum::<u64>()
    }
}

/// The members of the object that `holder` notes, each once.
fn members(notes: &[FieldNote], object: u32, holder: &FieldNote) -> impl Iterator<Item = FieldKey> {
    let (from, to) = (object as usize + 1, holder.end as usize);
    let below = notes.get(from..to).unwrap_or_default();
    below
        .iter()
        .filter(move |note| note.parent == object && !note.is_repeat)
        .filter(|note| matches!(note.name, FieldName::Member(_)))
        .map(|note| note.field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FieldPart, Key, RouteDelta, ValueNote};

    /// An object with these members, each a number.
    fn object(names: &[u32]) -> Vec<FieldNote> {
        let note = |name: FieldName, kind| FieldNote {
            field: FieldKey::ROOT.below(&Key::fixed(), &name),
            name,
            parent: 0,
            end: 1,
            kind,
            is_whole: kind == JsonKind::Object,
            is_repeat: false,
            is_tag: false,
            format: None,
            key_class: None,
            number: Span::NONE,
            size: Span::NONE,
            value: None,
            classes: crate::ClassSet::NONE,
            sample: None,
        };
        let members = names.iter().map(|name| FieldNote {
            value: Some(ValueNote { hash: (*name).into(), text: None, is_long: false }),
            ..note(FieldName::Member(name.to_string().into()), JsonKind::Integer)
        });
        std::iter::once(note(FieldName::Root, JsonKind::Object)).chain(members).collect()
    }

    fn schema(objects: &[Vec<u32>]) -> SchemaDelta {
        let mut schema = SchemaDelta::default();
        for names in objects {
            schema.add(&object(names), ConsumerKey(1));
        }
        schema.bound();
        schema
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_is_cut_does_not_depend_on_the_order(
            objects in prop::collection::vec(
                prop::collection::btree_set(0u32..4_000, 200..700), 4..9),
            cut in 0usize..9,
        ) {
            let objects: Vec<Vec<u32>> =
                objects.into_iter().map(|names| names.into_iter().collect()).collect();
            let whole = schema(&objects);
            let (left, right) = objects.split_at(cut.min(objects.len()));
            let (mut one, mut two) = (schema(left), schema(right));
            let other = one.clone();
            one.join(&two);
            two.join(&other);
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&two, &whole);
            prop_assert!(whole.fields.len() <= SchemaDelta::FIELDS_MAX);
            let noted: usize = objects.iter().map(|names| names.len() + 1).sum();
            prop_assert_eq!(whole.values(), noted as u64);
        }
    }

    #[test]
    fn parts_are_bounded_and_what_is_cut_is_counted() {
        let route = |codes: std::ops::Range<u16>| {
            let mut route = RouteDelta::new(std::sync::Arc::default());
            for code in codes {
                let part = FieldPart::Response(code, "application/json".into());
                route.schemas.insert(part, schema(&[vec![1, 2, 3]]));
            }
            route.bound();
            route
        };
        let (mut left, right) = (route(200..240), route(220..300));
        left.join(&right);
        assert_eq!(left.schemas.len(), RouteDelta::PARTS_MAX);
        let last = left.schemas.last_key_value().map(|(part, _)| part.clone());
        assert_eq!(last, Some(FieldPart::Response(231, "application/json".into())));
        // 4 values in each of 40 and 80 documents.
        let kept: u64 = left.schemas.values().map(SchemaDelta::values).sum();
        assert_eq!(kept + left.left_out, 4 * 120);
    }

    #[test]
    fn values_are_few_or_many_whatever_the_order() {
        let values = |range: std::ops::Range<u32>| {
            let mut values = Values::default();
            for value in range {
                let note = ValueNote { hash: u64::from(value) << 32, text: None, is_long: false };
                values.add(&note, ConsumerKey(1));
            }
            values
        };
        let (few, many) = (values(0..20), values(5..40));
        assert_eq!((few.distinct(), few.few().is_some()), (20, true));
        assert!(many.few().is_none());
        let (mut one, mut two) = (few.clone(), many.clone());
        one.join(&many);
        two.join(&few);
        assert_eq!(one, two);
        assert_eq!(one, values(0..40));
        let mut both = values(0..11);
        both.join(&values(8..21));
        assert_eq!(both, values(0..21), "two few ones may be many together");
    }
}
