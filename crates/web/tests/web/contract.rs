//! The API keeps its contract: every path of it is requested, and every field of
//! every answer is documented, of its type, and there when it must be.

use serde_json::Value;
use tapline_web::{Config, router};

use crate::sample;
use crate::support::{get, state};

/// Why `value` is not what `schema` says; nothing when it is.
fn faults(contract: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        let target = contract.pointer(pointer).unwrap_or_else(|| panic!("{name} leads nowhere"));
        return faults(contract, target, value, at, out);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &&Value| {
            let mut found = Vec::new();
            faults(contract, choice, value, at, &mut found);
            found.is_empty()
        };
        if choices.iter().filter(fits).count() != 1 {
            out.push(format!("{at}: not one of the choices"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => panic!("{at}: a schema without a type"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() && kinds.contains(&"integer") => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return out.push(format!("{at}: {kind} where {kinds:?} is documented"));
    }
    match value {
        Value::String(text) => string_faults(schema, text, at, out),
        Value::Array(items) => array_faults(contract, schema, items, at, out),
        Value::Object(_) => object_faults(contract, schema, value, at, out),
        _ => {}
    }
}

fn string_faults(schema: &Value, text: &str, at: &str, out: &mut Vec<String>) {
    if let Some(known) = schema["enum"].as_array()
        && !known.iter().any(|one| one == text)
    {
        out.push(format!("{at}: {text} is not documented"));
    }
    if schema["pattern"].is_string()
        && !(text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        out.push(format!("{at}: {text} is no id"));
    }
    if schema["format"] == "date-time" && !(text.len() >= 20 && text.ends_with('Z')) {
        out.push(format!("{at}: {text} is no time"));
    }
}

fn array_faults(
    contract: &Value,
    schema: &Value,
    items: &[Value],
    at: &str,
    out: &mut Vec<String>,
) {
    let bound = |key: &str, default| {
        schema[key].as_u64().map_or(default, |max| usize::try_from(max).unwrap())
    };
    if !(bound("minItems", 0)..=bound("maxItems", usize::MAX)).contains(&items.len()) {
        out.push(format!("{at}: {} items", items.len()));
    }
    for (place, item) in items.iter().enumerate() {
        let one = match schema["prefixItems"].as_array() {
            Some(prefix) => &prefix[place],
            None => &schema["items"],
        };
        faults(contract, one, item, &format!("{at}[{place}]"), out);
    }
}

fn object_faults(contract: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            out.push(format!("{at}.{name}: missing"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let documented = schema["properties"].get(name);
        let other = schema.get("additionalProperties");
        match (documented, other) {
            (Some(one), _) => faults(contract, one, field, &format!("{at}.{name}"), out),
            (None, Some(Value::Object(_))) => {
                faults(
                    contract,
                    &schema["additionalProperties"],
                    field,
                    &format!("{at}.{name}"),
                    out,
                );
            }
            (None, Some(Value::Bool(false))) => out.push(format!("{at}.{name}: not documented")),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_answer_is_as_documented() {
    let view = sample::view(0);
    let (endpoint, finding) = (view.endpoints[0].id.to_string(), view.findings[0].id.clone());
    let host = view.hosts[0].host.clone();
    let app = router(&Config::default(), state(view));
    let contract = get(&app, "/api/v1/openapi.json").await.json();
    assert_eq!(contract["openapi"], "3.1.0");
    assert_eq!(contract["info"]["version"], "1.2.3");
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (path, item) in contract["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        let id = match path {
            path if path.contains("endpoints") => &endpoint,
            path if path.contains("hosts") => &host,
            _ => &finding,
        };
        let answer = get(&app, &path.replace("{id}", id)).await;
        assert_eq!(answer.status, 200, "{path}");
        let content = &item["get"]["responses"]["200"]["content"]["application/json"];
        if content.is_object() {
            faults(&contract, &content["schema"], &answer.json(), path, &mut wrong);
        }
        asked += 1;

        let error = &item["get"]["responses"]["400"]["content"]["application/json"]["schema"];
        let refused = get(&app, &format!("{}?unheard=1", path.replace("{id}", id))).await;
        assert_eq!(refused.status, 400, "{path}");
        faults(&contract, error, &refused.json(), path, &mut wrong);
        if path.contains("{id}") {
            let missing = get(&app, &path.replace("{id}", "0000000000000000")).await;
            let error = &item["get"]["responses"]["404"]["content"]["application/json"]["schema"];
            assert_eq!(missing.status, 404, "{path}");
            faults(&contract, error, &missing.json(), path, &mut wrong);
        }
    }
    assert_eq!(asked, 19);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_documented_parameter_is_understood() {
    let view = sample::view(0);
    let host = view.hosts[0].host.clone();
    let app = router(&Config::default(), state(view));
    let contract = get(&app, "/api/v1/openapi.json").await.json();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &host);
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let values: Vec<String> = match schema["enum"].as_array() {
                Some(known) => known.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
                None => vec!["1".to_owned()],
            };
            for value in values {
                let got = get(&app, &format!("{path}?{name}={value}")).await;
                assert_eq!(got.status, 200, "{path}?{name}={value}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_sensor_keeps_the_contract_too() {
    let app = router(&Config::default(), state(tapline_model::View::default()));
    let contract = get(&app, "/api/v1/openapi.json").await.json();
    let mut wrong = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        if !path.contains('{') {
            let content = &item["get"]["responses"]["200"]["content"]["application/json"];
            let answer = get(&app, path).await.json();
            faults(&contract, &content["schema"], &answer, path, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
