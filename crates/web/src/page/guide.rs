//! `/api`: what the API offers, for people; drawn from its contract.

use askama::Template;
use serde_json::Value;

use super::shell::Shell;
use crate::api::openapi::contract;
use crate::asked::{Answer, Asked, html};

#[derive(Template)]
#[template(path = "page/guide.html")]
struct Page {
    shell: Shell,
    base: String,
    routes: Vec<Route>,
    schemas: Vec<Schema>,
}

struct Route {
    method: &'static str,
    path: String,
    link: Option<String>,
    summary: String,
    answer: String,
    parameters: Vec<Field>,
}

struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    description: String,
}

/// The guide.
///
/// # Errors
/// When the contract is malformed, which a test rules out.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let contract = contract()?;
    let external = asked.app.state.sensor.external_url.trim_end_matches('/');
    let base = if external.is_empty() { "http://127.0.0.1:9488" } else { external };
    html(&Page {
        base: base.to_owned(),
        shell: Shell::new(asked, "api", "API"),
        routes: entries(contract, "/paths").flat_map(|(path, item)| routes(path, item)).collect(),
        schemas: entries(contract, "/components/schemas")
            .map(|(name, schema)| Schema {
                name: name.clone(),
                description: text(schema, "description"),
                fields: entries(schema, "/properties")
                    .map(|(name, one)| field(name, one))
                    .collect(),
            })
            .collect(),
    })
}

/// What can be done at a path.
fn routes(path: &str, item: &Value) -> Vec<Route> {
    let methods = [("GET", "get"), ("POST", "post"), ("DELETE", "delete")];
    let known = methods.into_iter().filter_map(|(method, key)| Some((method, item.get(key)?)));
    known.map(|(method, operation)| route(path, method, operation)).collect()
}

fn route(path: &str, method: &'static str, operation: &Value) -> Route {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let schema = operation.pointer("/responses/200/content/application~1json/schema");
    let sent =
        operation.pointer("/requestBody/content/application~1json/schema").map(|schema| Field {
            name: "body".to_owned(),
            kind: kind(schema),
            description: "As application/json.".to_owned(),
        });
    Route {
        method,
        path: path.to_owned(),
        link: (method == "GET" && !path.contains('{')).then(|| path.to_owned()),
        summary: text(operation, "summary"),
        answer: schema.map(kind).unwrap_or_default(),
        parameters: parameters
            .into_iter()
            .flatten()
            .map(|one| Field {
                name: text(one, "name"),
                kind: one.get("schema").map(kind).unwrap_or_default(),
                description: text(one, "description"),
            })
            .chain(sent)
            .collect(),
    }
}

fn field(name: &str, schema: &Value) -> Field {
    Field { name: name.to_owned(), kind: kind(schema), description: text(schema, "description") }
}

/// The type of a schema in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    let list = |key| schema.get(key).and_then(Value::as_array);
    if let Some(values) = list("enum") {
        let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return words.join(" · ");
    }
    if let Some(choices) = list("oneOf") {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(kinds) = list("type") {
        return kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ");
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("items")) {
        (Some("array"), Some(items)) => match items.get("prefixItems").and_then(Value::as_array) {
            Some(pair) => {
                format!("list of [{}]", pair.iter().map(kind).collect::<Vec<_>>().join(", "))
            }
            None => format!("list of {}", kind(items)),
        },
        (Some("string"), _) => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => "time".to_owned(),
            _ => "string".to_owned(),
        },
        (Some(name), _) => name.to_owned(),
        _ => String::new(),
    }
}

fn entries<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    // The contract marks code as Markdown does; a page of text has no use for that.
    value.get(key).and_then(Value::as_str).unwrap_or_default().replace('`', "")
}
