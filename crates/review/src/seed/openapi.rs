//! Seeds as the examples of an `OpenAPI` 3.1 document, for tools that fuzz by one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Seed;

/// One document for all seeds of one base URL; seeds of others are left out. Types are not in it:
/// each parameter is its example.
pub fn openapi(seeds: &[Seed]) -> Value {
    let base_url = seeds.first().map(|seed| seed.base_url.as_str()).unwrap_or_default();
    let mut paths: Map<String, Value> = Map::new();
    for seed in seeds.iter().filter(|seed| seed.base_url == base_url) {
        let method = seed.method.to_ascii_lowercase();
        let is_known = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
            .contains(&method.as_str());
        let item = paths.entry(seed.template.clone()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item
            && is_known
        {
            item.insert(method, operation(seed));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Example requests", "version": "1"},
        "servers": [{"url": base_url}],
        "paths": paths,
    })
}

fn operation(seed: &Seed) -> Value {
    let parameter = |location: &str, name: &str, value: &str| {
        json!({
            "in": location,
            "name": name,
            "required": location == "path",
            "schema": {"type": "string"},
            "example": value,
        })
    };
    let mut named = BTreeSet::new();
    let path = seed.path_parameters.iter().map(|(name, value)| ("path", name, value));
    let query = seed.query.iter().map(|(name, value)| ("query", name, value));
    let parameters: Vec<Value> = path
        .chain(query)
        .filter(|(location, name, _)| named.insert((*location, (*name).clone())))
        .map(|(location, name, value)| parameter(location, name, value))
        .collect();
    let mut operation = json!({
        "operationId": format!("endpoint_{}", seed.id),
        "parameters": parameters,
        "responses": {"default": {"description": "Whatever it answers."}},
    });
    if !seed.media.is_empty()
        && let Value::Object(fields) = &mut operation
    {
        let example = match serde_json::from_str(&seed.body) {
            Ok(value) if seed.media.ends_with("json") => value,
            _ => Value::String(seed.body.clone()),
        };
        let content = json!({ seed.media.as_str(): {"schema": {}, "example": example} });
        fields.insert("requestBody".to_owned(), json!({"content": content}));
    }
    operation
}
