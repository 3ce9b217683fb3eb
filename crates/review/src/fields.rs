//! The fields of an endpoint, wherever they stand, as one flat list of names and types.

use std::collections::BTreeSet;

use tapline_model::{BodyDirection, BodyView, EndpointView, ParameterView, SchemaView};

/// Fields that are listed of one endpoint.
const FIELDS_MAX: usize = 512;
/// Levels of a body that are walked.
const DEPTH_MAX: usize = 12;

/// Slots, query, header fields and cookies, then what stands in bodies: `body` and `response_body`,
/// with names such as `items[].sku`. Of answers those below 400.
pub(crate) fn fields_of(endpoint: &EndpointView) -> Vec<ParameterView> {
    let mut fields = endpoint.parameters.clone();
    for body in endpoint.bodies.iter() {
        if let Some(location) = location_of(body) {
            add(location, "", &body.schema, (body.n, body.n), 0, &mut fields);
        }
    }
    let mut known = BTreeSet::new();
    let is_new: Vec<bool> =
        fields.iter().map(|one| known.insert((one.location.as_str(), one.name.as_str()))).collect();
    let mut is_new = is_new.into_iter();
    fields.retain(|_| is_new.next().unwrap_or_default());
    fields
}

/// Whether a field of these locations has a bare name that is wanted; costs no list of them.
pub(crate) fn has_field(
    endpoint: &EndpointView,
    locations: &[&str],
    is_wanted: impl Fn(&str) -> bool,
) -> bool {
    let parameters = &endpoint.parameters;
    parameters.iter().any(|one| locations.contains(&one.location.as_str()) && is_wanted(&one.name))
        || endpoint.bodies.iter().any(|body| {
            location_of(body).is_some_and(|location| locations.contains(&location))
                && has_member(&body.schema, &is_wanted, 0)
        })
}

fn has_member(schema: &SchemaView, is_wanted: &impl Fn(&str) -> bool, depth: usize) -> bool {
    depth <= DEPTH_MAX
        && (schema.properties.iter().any(|member| {
            is_wanted(&member.name) || has_member(&member.schema, is_wanted, depth + 1)
        }) || schema.items.iter().any(|items| has_member(items, is_wanted, depth + 1)))
}

/// What stands in the body counts as a field of; none for answers that failed.
const fn location_of(body: &BodyView) -> Option<&'static str> {
    match (body.direction, body.status) {
        (BodyDirection::Request, _) => Some("body"),
        (BodyDirection::Response, Some(400..)) => None,
        (BodyDirection::Response, _) => Some("response_body"),
    }
}

fn add(
    location: &str,
    name: &str,
    schema: &SchemaView,
    (present, of): (u64, u64),
    depth: usize,
    fields: &mut Vec<ParameterView>,
) {
    if depth > DEPTH_MAX || fields.len() >= FIELDS_MAX {
        return;
    }
    if !name.is_empty() {
        let (name, location) = (name.to_owned(), location.to_owned());
        let types = types_of(schema);
        fields.push(ParameterView { location, name, types, present, of, ..Default::default() });
    }
    for member in &schema.properties {
        let name =
            if name.is_empty() { member.name.clone() } else { format!("{name}.{}", member.name) };
        let counts = (member.present, member.of);
        add(location, &name, &member.schema, counts, depth + 1, fields);
    }
    if let Some(items) = &schema.items {
        add(location, &format!("{name}[]"), items, (items.n, items.n), depth + 1, fields);
    }
}

/// The format of texts where one is known, else the types, commonest first.
fn types_of(schema: &SchemaView) -> Vec<(String, u64)> {
    if let Some(format) = schema.format {
        return vec![(format.label().to_owned(), schema.n)];
    }
    let mut kinds: Vec<_> =
        schema.kinds.iter().map(|(kind, count)| (kind.label().to_owned(), *count)).collect();
    kinds.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    kinds
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tapline_model::{JsonKind, Presence, PropertyView};

    use super::*;
    use crate::report::tests::endpoint;

    fn of(kind: JsonKind) -> SchemaView {
        SchemaView { n: 2, kinds: vec![(kind, 2)], ..SchemaView::default() }
    }

    fn member(name: &str, schema: SchemaView) -> PropertyView {
        let name = name.to_owned();
        PropertyView {
            name,
            present: 2,
            of: 2,
            presence: Presence::Unsure,
            p_required: 0.0,
            schema,
        }
    }

    #[test]
    fn bodies_are_flattened() {
        let item = SchemaView {
            properties: vec![member("sku", of(JsonKind::String))],
            ..of(JsonKind::Object)
        };
        let items = SchemaView { items: Some(Box::new(item)), ..of(JsonKind::Array) };
        let schema =
            SchemaView { properties: vec![member("items", items)], ..of(JsonKind::Object) };
        let body = BodyView {
            direction: BodyDirection::Request,
            status: None,
            media: "application/json".to_owned(),
            n: 2,
            of: 2,
            schema,
        };
        let view = EndpointView { bodies: Arc::new([body]), ..endpoint("POST", "/orders") };
        let names: Vec<_> =
            fields_of(&view).into_iter().map(|one| (one.name, one.types[0].0.clone())).collect();
        let expected = [("items", "array"), ("items[]", "object"), ("items[].sku", "string")];
        assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    }
}
