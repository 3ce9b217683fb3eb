//! Counted views to schemas.

use serde_json::Value;
use tapline_model::{EnumView, JsonKind, MapView, PropertyView, SchemaView, TextFormat};

use super::variants;
use crate::evidence::Evidence;
use crate::schema::{Additional, Schema, Type, Types};

/// The schema of what was seen in one place. As deep as views are nested, which is bounded.
pub(super) fn of_view(view: &SchemaView) -> Schema {
    let types = types(view);
    let mut schema = Schema {
        types,
        format: format(view, types),
        values: view.values.as_ref().map(|list| values(list, types)).unwrap_or_default(),
        items: view.items.as_ref().map(|items| Box::new(of_view(items))),
        evidence: (view.n > 0).then(|| Box::new(evidence(view, view.n, view.n))),
        ..Schema::default()
    };
    if types.contains(Type::Object) {
        for property in &view.properties {
            schema.properties.insert(property.name.clone(), of_property(property));
            if property.presence.is_required() {
                schema.required.insert(property.name.clone());
            }
        }
        schema.additional = additional(view);
    }
    if let Some(variants) = &view.variants {
        variants::add(variants, &mut schema);
    }
    schema
}

/// The schema of a parameter of which only types of values were counted.
pub(super) fn of_types(counts: &[(String, u64)]) -> Schema {
    let mut schema = Schema::default();
    let mut evidence = Evidence::default();
    for (name, count) in counts {
        let kind = Type::named(name).unwrap_or(Type::String);
        schema.types.insert(kind);
        *evidence.types.entry(kind.name().to_owned()).or_default() += count;
        evidence.n += count;
    }
    if let [(name, _)] = counts
        && Type::named(name).is_none()
    {
        schema.format = Some(name.clone());
    }
    settle(&mut schema.types);
    evidence.of = evidence.n;
    schema.evidence = (evidence.n > 0).then(|| Box::new(evidence));
    schema
}

fn of_property(property: &PropertyView) -> Schema {
    let mut schema = of_view(&property.schema);
    schema.evidence = Some(Box::new(evidence(&property.schema, property.present, property.of)));
    schema
}

fn types(view: &SchemaView) -> Types {
    let mut types: Types = view.kinds.iter().map(|&(kind, _)| of_kind(kind)).collect();
    settle(&mut types);
    types
}

/// A number says all that an integer says.
fn settle(types: &mut Types) {
    if types.contains(Type::Number) {
        types.remove(Type::Integer);
    }
}

const fn of_kind(kind: JsonKind) -> Type {
    match kind {
        JsonKind::Null => Type::Null,
        JsonKind::Boolean => Type::Boolean,
        JsonKind::Integer => Type::Integer,
        JsonKind::Number => Type::Number,
        JsonKind::String => Type::String,
        JsonKind::Object => Type::Object,
        JsonKind::Array => Type::Array,
    }
}

/// The format of texts; of integers none is claimed.
fn format(view: &SchemaView, types: Types) -> Option<String> {
    let format = view.format.filter(|_| types.contains(Type::String))?;
    let is_plain = matches!(format, TextFormat::Integer | TextFormat::Number | TextFormat::Boolean);
    (!is_plain).then(|| format.label().to_owned())
}

/// The values of an enumeration that is whole and of one type.
fn values(list: &EnumView, types: Types) -> Vec<Value> {
    let mut plain = types;
    plain.remove(Type::Null);
    if list.hidden > 0 {
        return Vec::new();
    }
    let value = |text: &String| match (plain == Types::one(Type::String), plain) {
        (true, _) => Some(Value::from(text.as_str())),
        (false, plain) if plain == Types::one(Type::Integer) => {
            text.parse::<i64>().ok().map(Value::from)
        }
        _ => None,
    };
    let mut texts: Vec<&String> = list.values.iter().map(|(text, _)| text).collect();
    texts.sort();
    let values: Option<Vec<Value>> = texts.into_iter().map(value).collect();
    let mut values = values.unwrap_or_default();
    if !values.is_empty() && types.contains(Type::Null) {
        values.push(Value::Null);
    }
    values
}

fn additional(view: &SchemaView) -> Additional {
    match view.additional.as_deref() {
        Some(MapView { schema, .. }) => {
            let schema = of_view(schema);
            if schema.types.is_empty() {
                Additional::Allowed
            } else {
                Additional::Fitting(Box::new(schema))
            }
        }
        // Of members that found no room nothing is known.
        None if view.left_out > 0 => Additional::Allowed,
        None => Additional::Unsaid,
    }
}

fn evidence(view: &SchemaView, n: u64, of: u64) -> Evidence {
    let mut evidence = Evidence::seen(n, of);
    for &(kind, count) in &view.kinds {
        // Of objects only those count that were seen to their end.
        let count = if kind == JsonKind::Object { view.objects } else { count };
        if count > 0 {
            evidence.types.insert(of_kind(kind).name().to_owned(), count);
        }
    }
    evidence
}
