//! Text to values: JSON, or YAML with its aliases written out, within bounds.

mod yaml;

use serde_json::Value;

use crate::bounds::{DOCUMENT_BYTES_MAX, NESTING_MAX, NODES_MAX};
use crate::problem::Problem;

/// Reads JSON or YAML, whichever it is.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let text = format!("larger than {DOCUMENT_BYTES_MAX} bytes; split it by path");
        return Err(Problem::new("", text));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(format!("byte {}", error.valid_up_to()), "not UTF-8; save it as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) { json(text) } else { yaml::parse(text) }
}

fn json(text: &str) -> Result<Value, Problem> {
    match serde_json::from_str(text) {
        Ok(value) if nodes(&value) > NODES_MAX => Err(too_many()),
        Ok(value) => Ok(value),
        // Flow style YAML begins like JSON, and so does JSON with a slip in it, which is by far the
        // commoner.
        Err(error) => yaml::parse(text).map_err(|_| {
            let place = format!("line {} column {}", error.line(), error.column());
            Problem::new(place, format!("not JSON: {error}; look at this place and before it"))
        }),
    }
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

fn too_many() -> Problem {
    Problem::new("", format!("more than {NODES_MAX} values, aliases written out; split it by path"))
}

fn too_deep(place: String) -> Problem {
    Problem::new(place, format!("nested more than {NESTING_MAX} deep; name inner schemas"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml_read_alike() {
        let yaml = "a: 1\nb: [x, 2.5, true, ~, 'no', \"1\"]\n200: {c: }\n";
        let json = r#"{"a": 1, "b": ["x", 2.5, true, null, "no", "1"], "200": {"c": null}}"#;
        assert_eq!(parse(yaml.as_bytes()).unwrap(), parse(json.as_bytes()).unwrap());
        assert_eq!(parse(b"{a: 1}").unwrap(), json!({"a": 1}), "flow style YAML");
    }

    #[test]
    fn what_is_broken_is_placed() {
        let place = |text: &str| parse(text.as_bytes()).unwrap_err().place;
        assert_eq!(place("{\"a\": 1,\n \"b\" 2}"), "line 2 column 6");
        assert_eq!(place("a: 1\nb: [1\n"), "line 3 column 1");
        assert_eq!(parse(b"a\xff").unwrap_err().place, "byte 1");
    }

    #[test]
    fn deep_nesting_is_refused() {
        for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "- ".repeat(100_000)] {
            parse(deep.as_bytes()).unwrap_err();
        }
    }
}
