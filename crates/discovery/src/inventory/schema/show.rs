//! From counts to what is shown of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tapline_model::{
    BodyDirection, BodyView, FieldDelta, FieldKey, FieldName, FieldPart, JsonKind, MapView,
    PropertyView, SchemaView, SegmentClass, TextFormat, ValueKind, VariantMemberView, VariantView,
    VariantsView,
};

use super::conclude::{best_tag, enumeration, format, presence, share_min};
use super::{Field, Part, Schemas};

impl Schemas {
    /// The bodies: requests by media type, then responses by status and media type.
    pub(crate) fn bodies(&mut self) -> Arc<[BodyView]> {
        if let Some(shown) = &self.shown {
            return Arc::clone(shown);
        }
        let bodies: Arc<[BodyView]> =
            self.parts.iter().filter_map(|(name, part)| self.body(name, part)).collect();
        self.shown = Some(Arc::clone(&bodies));
        bodies
    }

    fn body(&self, name: &FieldPart, part: &Part) -> Option<BodyView> {
        let (direction, status, media, of) = match name {
            FieldPart::Request(media) => (BodyDirection::Request, None, media, self.bodies_read()),
            FieldPart::Response(status, media) => {
                let of = self.looked_into.get(status).copied().unwrap_or(0);
                (BodyDirection::Response, Some(*status), media, of)
            }
            FieldPart::Query | FieldPart::Header | FieldPart::Cookie => return None,
        };
        let schema = schema(part);
        Some(BodyView {
            direction,
            status,
            media: media.to_string(),
            n: part.documents,
            of,
            schema,
        })
    }

    /// The members of a part that is no body, by name; none when it was never seen.
    pub(crate) fn flat(&self, part: &FieldPart) -> Vec<PropertyView> {
        self.parts.get(part).map(|part| schema(part).properties).unwrap_or_default()
    }
}

/// What values of a parameter look like that is known by their types alone.
pub(crate) fn schema_of_types(types: &BTreeMap<ValueKind, u64>) -> SchemaView {
    let mut kinds = BTreeMap::<JsonKind, u64>::new();
    let mut formats = BTreeMap::new();
    for (&kind, &count) in types {
        let (json, format) = match kind {
            ValueKind::Null => (JsonKind::Null, None),
            ValueKind::Boolean => (JsonKind::Boolean, None),
            ValueKind::Integer => (JsonKind::Integer, None),
            ValueKind::Number => (JsonKind::Number, None),
            ValueKind::String => (JsonKind::String, None),
            ValueKind::Uuid => (JsonKind::String, Some(TextFormat::Uuid)),
            ValueKind::Date => (JsonKind::String, Some(TextFormat::Date)),
            ValueKind::Email => (JsonKind::String, Some(TextFormat::Email)),
            ValueKind::Object => (JsonKind::Object, None),
            ValueKind::Array => (JsonKind::Array, None),
        };
        *kinds.entry(json).or_default() += count;
        if let Some(format) = format {
            formats.insert(format, count);
        }
    }
    let consumer = tapline_model::ConsumerKey::default();
    let mut seen = FieldDelta::new(FieldKey::ROOT, FieldName::Root, consumer);
    for (sum, kind) in seen.kinds.iter_mut().zip(JsonKind::ALL) {
        *sum = kinds.get(kind).copied().unwrap_or(0);
    }
    seen.formats = formats;
    values(&seen)
}

fn schema(part: &Part) -> SchemaView {
    let mut below = HashMap::<FieldKey, Vec<FieldKey>>::new();
    for (&place, field) in &part.fields {
        if field.seen.name != FieldName::Root {
            below.entry(field.seen.parent).or_default().push(place);
        }
    }
    Tree { fields: &part.fields, below }.show(FieldKey::ROOT)
}

/// The fields of a part by what holds them. No deeper than [`FieldKey`] is: 255 levels.
struct Tree<'a> {
    fields: &'a BTreeMap<FieldKey, Field>,
    below: HashMap<FieldKey, Vec<FieldKey>>,
}

impl Tree<'_> {
    fn show(&self, place: FieldKey) -> SchemaView {
        let Some(field) = self.fields.get(&place) else { return SchemaView::default() };
        let mut view = values(&field.seen);
        view.objects = field.seen.objects;
        view.left_out = field.left_out;
        for &child in self.below.get(&place).into_iter().flatten() {
            let Some(member) = self.fields.get(&child) else { continue };
            match &member.seen.name {
                FieldName::Root => {}
                FieldName::Element => view.items = Some(Box::new(self.show(child))),
                FieldName::AnyMember => {
                    let keys = keys(&member.seen);
                    view.additional = Some(Box::new(MapView { keys, schema: self.show(child) }));
                }
                FieldName::Member(name) => {
                    let of = field.seen.objects.saturating_sub(member.missed);
                    let present = member.seen.present.min(of);
                    view.properties.push(PropertyView {
                        name: name.to_string(),
                        present,
                        of,
                        presence: presence(present, of),
                        p_required: share_min(present, of),
                        schema: self.show(child),
                    });
                }
            }
        }
        view.properties.sort_by(|left, right| left.name.cmp(&right.name));
        view.variants = self.variants(&field.seen);
        view
    }

    fn variants(&self, seen: &FieldDelta) -> Option<VariantsView> {
        let (tag, kinds) = best_tag(seen)?;
        let name = |place: &FieldKey| match &self.fields.get(place)?.seen.name {
            FieldName::Member(name) => Some(name.to_string()),
            _ => None,
        };
        let mut variants: Vec<VariantView> = Vec::new();
        for kind in kinds {
            let mut members: Vec<VariantMemberView> = kind
                .members
                .iter()
                .filter_map(|(place, &present)| {
                    let presence = presence(present, kind.objects);
                    Some(VariantMemberView { name: name(place)?, present, presence })
                })
                .collect();
            members.sort_by(|left, right| left.name.cmp(&right.name));
            let value = kind.text.as_ref()?.to_string();
            variants.push(VariantView { value, n: kind.objects, members });
        }
        variants.sort_by(|left, right| left.value.cmp(&right.value));
        Some(VariantsView { tag: name(&tag)?, variants })
    }
}

/// What the values themselves say, without what stands below.
fn values(seen: &FieldDelta) -> SchemaView {
    let kinds: Vec<(JsonKind, u64)> = JsonKind::ALL
        .iter()
        .map(|&kind| (kind, seen.count(kind)))
        .filter(|&(_, count)| count > 0)
        .collect();
    let nulls = seen.count(JsonKind::Null);
    let mut formats: Vec<(TextFormat, u64)> =
        seen.formats.iter().map(|(&format, &count)| (format, count)).collect();
    formats.sort_by_key(|&(format, count)| (std::cmp::Reverse(count), format));
    let (length, items, number) = (seen.length.sizes(), seen.items.sizes(), seen.number.numbers());
    let format = format(seen);
    SchemaView {
        n: seen.n(),
        kinds,
        nullable: nulls > 0 && nulls < seen.n(),
        formats,
        format,
        distinct: seen.values.distinct(),
        values: enumeration(seen).filter(|_| format.is_none()),
        minimum: number.map(|(low, _)| low),
        maximum: number.map(|(_, high)| high),
        length_min: length.map(|(low, _)| low),
        length_max: length.map(|(_, high)| high),
        items_min: items.map(|(low, _)| low),
        items_max: items.map(|(_, high)| high),
        ..SchemaView::default()
    }
}

/// What the names of a map look like, commonest first.
fn keys(seen: &FieldDelta) -> Vec<(String, u64)> {
    let label = |class: &Option<SegmentClass>| class.map_or("text", SegmentClass::label);
    let mut keys: Vec<(String, u64)> =
        seen.keys.iter().map(|(class, &count)| (label(class).to_owned(), count)).collect();
    keys.sort_by(|(left, more), (right, most)| most.cmp(more).then_with(|| left.cmp(right)));
    keys
}
