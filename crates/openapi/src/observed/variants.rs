//! Kinds of objects that one member tells apart: alternatives with a discriminator.
//!
//! Whatever stands in all of them stays where it is, with its counts. The alternatives say which members
//! each kind has, and how surely.

use std::collections::BTreeMap;

use serde_json::Value;
use tapline_model::{VariantView, VariantsView};

use crate::document::Document;
use crate::evidence::Evidence;
use crate::schema::{Additional, Discriminator, Schema, Type, Types};

/// Kinds that one document names; those of more objects are told by their members alone.
const NAMED_MAX: usize = 1_000;

/// Adds the kinds of an object to its schema, if nothing else stands there and the tag is a text.
pub(super) fn add(variants: &VariantsView, schema: &mut Schema) {
    let tag = schema.properties.get(&variants.tag);
    let is_text = tag.is_some_and(|tag| tag.types == Types::one(Type::String));
    if schema.types != Types::one(Type::Object) || !is_text {
        return;
    }
    let all = variants.variants.iter().map(|variant| variant.n).sum();
    let kinds = variants.variants.iter().map(|variant| kind(&variants.tag, variant, all));
    schema.one_of = kinds.collect();
    schema.discriminator =
        Some(Discriminator { property: variants.tag.clone(), ..Discriminator::default() });
}

fn kind(tag: &str, variant: &VariantView, all: u64) -> Schema {
    let mut schema = Schema {
        title: Some(variant.value.clone()),
        evidence: Some(Box::new(Evidence::seen(variant.n, all))),
        ..Schema::of(Type::Object)
    };
    for member in &variant.members {
        let evidence = Some(Box::new(Evidence::seen(member.present, variant.n)));
        schema.properties.insert(member.name.clone(), Schema { evidence, ..Schema::default() });
        if member.presence.is_required() {
            schema.required.insert(member.name.clone());
        }
    }
    let value = schema.properties.entry(tag.to_owned()).or_default();
    value.types = Types::one(Type::String);
    value.values = vec![Value::from(variant.value.as_str())];
    schema.required.insert(tag.to_owned());
    schema
}

/// Names the kinds of all bodies: a discriminator leads to names. Equal kinds have one.
pub(super) fn name_all(document: &mut Document) {
    let Document { operations, schemas, .. } = document;
    for operation in operations.values_mut() {
        let id = operation.id.clone().unwrap_or_default();
        for media in operation.body.iter_mut().flat_map(|body| body.content.values_mut()) {
            name(&format!("{id}.request"), "", &mut media.schema, schemas);
        }
        for (status, response) in &mut operation.responses {
            for media in response.content.values_mut() {
                name(&format!("{id}.{status}"), "", &mut media.schema, schemas);
            }
        }
    }
}

/// Names the kinds in a schema, by the body and the member that it is of. As deep as schemas are nested,
/// which is bounded.
fn name(body: &str, member: &str, schema: &mut Schema, schemas: &mut BTreeMap<String, Schema>) {
    for (name_of, property) in &mut schema.properties {
        name(body, name_of, property, schemas);
    }
    if let Some(items) = &mut schema.items {
        name(body, member, items, schemas);
    }
    if let Additional::Fitting(other) = &mut schema.additional {
        name(body, member, other, schemas);
    }
    let Some(discriminator) = &mut schema.discriminator else { return };
    if schemas.len() + schema.one_of.len() > NAMED_MAX {
        schema.one_of.clear();
        schema.discriminator = None;
        return;
    }
    for one in &mut schema.one_of {
        let value = one.title.clone().unwrap_or_default();
        let words = [body, member, &value].into_iter().filter(|word| !word.is_empty());
        let spelled = spelled(&words.collect::<Vec<_>>().join("."));
        let name = free(&spelled, one, schemas);
        let kind = std::mem::replace(one, Schema::reference(name.as_str()));
        discriminator.mapping.insert(value, name.clone());
        schemas.insert(name, kind);
    }
}

/// What may be the name of a schema.
fn spelled(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    text.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
}

/// The name, with a number at its end if another schema has it.
fn free(wanted: &str, schema: &Schema, schemas: &BTreeMap<String, Schema>) -> String {
    let numbered = (2..).map(|number: u64| format!("{wanted}_{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    let is_free = |name: &String| schemas.get(name).is_none_or(|known| known == schema);
    names.find(is_free).unwrap_or_default()
}
