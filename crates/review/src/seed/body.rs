//! Example content, put together from the names of its fields.

use serde_json::{Map, Value, json};
use tapline_model::{EndpointView, ParameterView};

use super::{encoded, example};
use crate::data::is_masked;
use crate::fields::fields_of;

/// Fields of one example.
const FIELDS_MAX: usize = 300;
/// Depth of one example.
const DEPTH_MAX: usize = 12;

/// Media type and content; both empty when it takes none.
pub(super) fn of(endpoint: &EndpointView) -> (String, String) {
    let Some((media, _)) = endpoint.request_media.iter().find(|(media, _)| media.contains('/'))
    else {
        return (String::new(), String::new());
    };
    let all = fields_of(endpoint);
    let fields = || {
        all.iter().filter(|one| one.location == "body" && !is_masked(&one.name)).take(FIELDS_MAX)
    };
    let body = if media.ends_with("json") {
        json_of(fields()).to_string()
    } else if media == "application/x-www-form-urlencoded" {
        let pairs: Vec<String> = fields()
            .map(|one| format!("{}={}", encoded(&one.name), encoded(&example(one))))
            .collect();
        pairs.join("&")
    } else if media == "multipart/form-data" {
        // One `name=value` a line: who sends it draws the boundary.
        let pairs: Vec<String> = fields()
            .map(|one| format!("{}={}", one.name.replace(['\n', '\r', '='], "_"), example(one)))
            .collect();
        pairs.join("\n")
    } else {
        "example".to_owned()
    };
    (media.clone(), body)
}

enum Step<'a> {
    Key(&'a str),
    Item,
}

fn json_of<'a>(fields: impl Iterator<Item = &'a ParameterView>) -> Value {
    let mut root = Value::Null;
    for field in fields {
        let steps = steps_of(&field.name);
        if steps.len() <= DEPTH_MAX {
            put(&mut root, &steps, json_example(field));
        }
    }
    if root.is_null() { json!({}) } else { root }
}

/// `items[].id` is the key `items`, an element, the key `id`.
fn steps_of(name: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in name.split('.') {
        let mut key = part;
        let mut items = 0;
        while let Some(rest) = key.strip_suffix("[]") {
            key = rest;
            items += 1;
        }
        if !key.is_empty() || items == 0 {
            steps.push(Step::Key(key));
        }
        steps.extend((0..items).map(|_| Step::Item));
    }
    steps
}

/// Puts a value where the steps lead; a container that is there already stays.
fn put(place: &mut Value, steps: &[Step<'_>], value: Value) {
    match steps.split_first() {
        None => {
            let is_empty = match &value {
                Value::Object(map) => map.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            let is_filled = place.is_object() || place.is_array();
            if !(is_filled && (is_empty || value.is_null())) {
                *place = value;
            }
        }
        Some((Step::Key(key), rest)) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Value::Object(map) = place {
                put(map.entry(*key).or_insert(Value::Null), rest, value);
            }
        }
        Some((Step::Item, rest)) => {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            if let Value::Array(items) = place {
                if items.is_empty() {
                    items.push(Value::Null);
                }
                if let Some(item) = items.first_mut() {
                    put(item, rest, value);
                }
            }
        }
    }
}

fn json_example(field: &ParameterView) -> Value {
    let kind = field.types.iter().map(|(kind, _)| kind.as_str()).find(|kind| *kind != "null");
    match kind {
        None | Some("null") => Value::Null,
        Some("boolean") => json!(true),
        Some("integer") => json!(1),
        Some("number") => json!(1.5),
        Some("object") => json!({}),
        Some("array") => json!([]),
        Some(_) => Value::String(example(field)),
    }
}
