//! Bodies and what they look like, in `inventory.json`.

use std::collections::BTreeMap;

use serde::Serialize;
use tapline_model::{
    BodyDirection, BodyView, EnumView, JsonKind, MapView, Presence, PropertyView, SchemaView,
    TextFormat, VariantView, VariantsView,
};

use super::labelled;

// Everywhere the fields come in the order of their names. What is not known has no field.

#[derive(Serialize)]
pub(super) struct Body<'a> {
    direction: BodyDirection,
    media: &'a str,
    n: u64,
    of: u64,
    #[serde(serialize_with = "on_one_line")]
    schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// A deep tree that is indented is mostly spaces.
fn on_one_line<S: serde::Serializer>(
    schema: &Schema<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = serde_json::value::to_raw_value(schema).map_err(serde::ser::Error::custom)?;
    text.serialize(serializer)
}

#[derive(Serialize)]
pub(super) struct Schema<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    additional: Option<Map<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct: Option<u64>,
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    values: Option<Enumeration<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<TextFormat>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    formats: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<Schema<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<f64>,
    n: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'a str, Property<'a>>,
    types: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Variants<'a>>,
}

#[derive(Serialize)]
struct Property<'a> {
    of: u64,
    p_required: f64,
    presence: Presence,
    present: u64,
    schema: Schema<'a>,
}

#[derive(Serialize)]
struct Map<'a> {
    keys: BTreeMap<&'a str, u64>,
    schema: Box<Schema<'a>>,
}

#[derive(Serialize)]
struct Enumeration<'a> {
    hidden: u64,
    unseen: f64,
    values: BTreeMap<&'a str, u64>,
}

#[derive(Serialize)]
struct Variants<'a> {
    tag: &'a str,
    variants: BTreeMap<&'a str, Variant<'a>>,
}

#[derive(Serialize)]
struct Variant<'a> {
    members: BTreeMap<&'a str, Member>,
    n: u64,
}

#[derive(Serialize)]
struct Member {
    presence: Presence,
    present: u64,
}

impl<'a> Body<'a> {
    pub(super) fn of(body: &'a BodyView) -> Self {
        Self {
            direction: body.direction,
            media: &body.media,
            n: body.n,
            of: body.of,
            schema: Schema::of(&body.schema),
            status: body.status,
        }
    }
}

impl<'a> Schema<'a> {
    pub(super) fn of(schema: &'a SchemaView) -> Self {
        let if_any = |count: u64| (count > 0).then_some(count);
        let types = schema.kinds.iter().map(|&(kind, count)| (JsonKind::label(kind), count));
        let formats =
            schema.formats.iter().map(|&(format, count)| (TextFormat::label(format), count));
        Self {
            additional: schema.additional.as_deref().map(Map::of),
            distinct: if_any(schema.distinct),
            values: schema.values.as_ref().map(Enumeration::of),
            format: schema.format,
            formats: formats.collect(),
            items: schema.items.as_deref().map(|items| Box::new(Self::of(items))),
            items_max: schema.items_max,
            items_min: schema.items_min,
            left_out: if_any(schema.left_out),
            length_max: schema.length_max,
            length_min: schema.length_min,
            maximum: schema.maximum,
            minimum: schema.minimum,
            n: schema.n,
            nullable: schema.nullable,
            objects: if_any(schema.objects),
            properties: schema
                .properties
                .iter()
                .map(|property| (property.name.as_str(), Property::of(property)))
                .collect(),
            types: types.collect(),
            variants: schema.variants.as_ref().map(Variants::of),
        }
    }
}

impl<'a> Property<'a> {
    fn of(property: &'a PropertyView) -> Self {
        Self {
            of: property.of,
            p_required: property.p_required,
            presence: property.presence,
            present: property.present,
            schema: Schema::of(&property.schema),
        }
    }
}

impl<'a> Map<'a> {
    fn of(map: &'a MapView) -> Self {
        Self { keys: labelled(&map.keys), schema: Box::new(Schema::of(&map.schema)) }
    }
}

impl<'a> Enumeration<'a> {
    fn of(values: &'a EnumView) -> Self {
        Self { hidden: values.hidden, unseen: values.unseen, values: labelled(&values.values) }
    }
}

impl<'a> Variants<'a> {
    fn of(variants: &'a VariantsView) -> Self {
        let variant = |variant: &'a VariantView| {
            let members = variant.members.iter().map(|member| {
                let shown = Member { presence: member.presence, present: member.present };
                (member.name.as_str(), shown)
            });
            (variant.value.as_str(), Variant { members: members.collect(), n: variant.n })
        };
        Self { tag: &variants.tag, variants: variants.variants.iter().map(variant).collect() }
    }
}
