//! Fuzz seeds: for each endpoint one example request, made of names and types. No value in it was
//! captured; credentials are places for the reader's own.

mod body;
mod curl;
mod har;
mod openapi;

use serde::{Deserialize, Serialize};
use tapline_model::{EndpointView, Fact, ParameterView};

pub use self::curl::curl_script;
pub use self::har::har;
pub use self::openapi::openapi;

use crate::data::is_masked;

/// Query parameters of one seed.
const QUERY_MAX: usize = 40;
/// Bytes of a host name.
const HOST_BYTES_MAX: usize = 261;

/// One example request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The endpoint's id.
    pub id: String,
    /// `http://host` or, when a proxy in front says so, `https://host`.
    pub base_url: String,
    /// The method.
    pub method: String,
    /// The path, parameters written as `{name}`.
    pub template: String,
    /// The path with example values, percent-encoded.
    pub path: String,
    /// Names and example values of the path's parameters.
    #[serde(default)]
    pub path_parameters: Vec<(String, String)>,
    /// Names and example values, not encoded.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Names and values.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// What its callers prove themselves with; the places for it are named `TOKEN`, `API_KEY`,
    /// `BASIC` and `SESSION`.
    pub auth: String,
    /// The media type of its content; empty without content.
    #[serde(default)]
    pub media: String,
    /// Its content.
    #[serde(default)]
    pub body: String,
}

impl Seed {
    /// The whole URL.
    pub fn url(&self) -> String {
        let mut url = format!("{}{}", self.base_url, self.path);
        for (at, (name, value)) in self.query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(&encoded(name));
            url.push('=');
            url.push_str(&encoded(value));
        }
        url
    }

    /// A curl command that sends it.
    pub fn curl(&self) -> String {
        curl::command(self)
    }

    /// The same for another server: its scheme, host and perhaps a path before all others.
    #[must_use]
    pub fn at(mut self, base_url: &str) -> Self {
        base_url.trim_end_matches('/').clone_into(&mut self.base_url);
        self
    }
}

/// One seed for each endpoint that can be asked for by a plain request.
pub fn seeds_of<'a>(endpoints: impl IntoIterator<Item = &'a EndpointView>) -> Vec<Seed> {
    endpoints.into_iter().filter(|endpoint| is_plain(endpoint)).map(seed_of).collect()
}

/// One seed a line.
pub fn json_lines(seeds: &[Seed]) -> String {
    let mut out = String::new();
    for seed in seeds {
        // Strings alone always serialise.
        out.push_str(&serde_json::to_string(seed).unwrap_or_default());
        out.push('\n');
    }
    out
}

/// Reads what [`json_lines`] wrote.
///
/// # Errors
/// When a line is no seed; the text names the line.
pub fn read_json_lines(text: &str) -> Result<Vec<Seed>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1))
        })
        .collect()
}

/// Whether host and method can stand in a request as they are: traffic may name anything.
fn is_plain(endpoint: &EndpointView) -> bool {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte);
    !endpoint.host.is_empty()
        && endpoint.host.len() <= HOST_BYTES_MAX
        && endpoint.host.bytes().all(is_host)
        && endpoint.method.bytes().all(|byte| byte.is_ascii_uppercase())
}

pub(crate) fn seed_of(endpoint: &EndpointView) -> Seed {
    let scheme = if endpoint.count_of(Fact::TlsInFront) > 0 { "https" } else { "http" };
    let (path, path_parameters) = fill(endpoint);
    let mut headers = vec![("Accept".to_owned(), accepted(endpoint))];
    let auth = endpoint
        .auth_use
        .iter()
        .filter(|used| used.auth != "none")
        .max_by_key(|used| used.granted)
        .map_or("none", |used| used.auth.as_str())
        .to_owned();
    headers.extend(
        credentials(&auth).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let (media, body) = body::of(endpoint);
    if !media.is_empty() && media != "multipart/form-data" {
        headers.push(("Content-Type".to_owned(), media.clone()));
    }
    Seed {
        id: endpoint.id.to_string(),
        base_url: format!("{scheme}://{}", endpoint.host),
        method: endpoint.method.clone(),
        template: endpoint.template.clone(),
        path,
        path_parameters,
        query: query(endpoint),
        headers,
        auth,
        media,
        body,
    }
}

/// Where credentials stand. The values are names of shell variables.
fn credentials(auth: &str) -> Vec<(&'static str, &'static str)> {
    auth.split('+')
        .filter_map(|kind| match kind {
            "jwt" | "bearer" => Some(("Authorization", "Bearer ${TOKEN}")),
            "basic" => Some(("Authorization", "Basic ${BASIC}")),
            "api_key_header" => Some(("X-API-Key", "${API_KEY}")),
            "session_cookie" | "api_key_cookie" => Some(("Cookie", "${SESSION}")),
            "other" => Some(("Authorization", "${TOKEN}")),
            _ => None,
        })
        .collect()
}

fn accepted(endpoint: &EndpointView) -> String {
    match endpoint.response_media.first() {
        Some((media, _)) if media.contains('/') => format!("{media}, */*;q=0.1"),
        _ => "*/*".to_owned(),
    }
}

/// The path with example values for its parameters.
fn fill(endpoint: &EndpointView) -> (String, Vec<(String, String)>) {
    let mut path = String::new();
    let mut filled = Vec::new();
    let mut rest = endpoint.template.as_str();
    while let Some((words, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else { break };
        path.push_str(&encoded_path(words));
        let known =
            endpoint.parameters.iter().find(|one| one.location == "path" && one.name == name);
        let value = known.map_or_else(|| "1".to_owned(), example);
        path.push_str(&encoded(&value));
        filled.push((name.to_owned(), value));
        rest = tail;
    }
    path.push_str(&encoded_path(rest));
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    (path, filled)
}

fn query(endpoint: &EndpointView) -> Vec<(String, String)> {
    endpoint
        .parameters
        .iter()
        .filter(|one| one.location == "query" && !is_masked(&one.name))
        .take(QUERY_MAX)
        .map(|one| (one.name.clone(), example(one)))
        .collect()
}

/// An example of a parameter's commonest type, as text.
pub(crate) fn example(parameter: &ParameterView) -> String {
    let kind = parameter.types.iter().map(|(kind, _)| kind.as_str()).find(|kind| *kind != "null");
    match kind.unwrap_or("null") {
        "integer" => "1",
        "number" => "1.5",
        "boolean" => "true",
        "uuid" => "00000000-0000-4000-8000-000000000001",
        "date" => "2025-01-15",
        "email" => "user@example.com",
        "null" => "",
        _ => "example",
    }
    .to_owned()
}

/// Percent-encodes all but what is unreserved (RFC 3986 section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    percent(text, |byte| b"-._~".contains(&byte))
}

/// The same for a path, whose slashes and sub-delimiters stay.
fn encoded_path(text: &str) -> String {
    percent(text, |byte| b"-._~/!$&'()*+,;=:@".contains(&byte))
}

fn percent(text: &str, stays: impl Fn(u8) -> bool) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || stays(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::report::tests::{endpoint, parameter};

    pub(crate) fn order() -> EndpointView {
        let mut order = endpoint("POST", "/users/{userId}/orders");
        order.parameters = vec![
            parameter("path", "userId", "uuid"),
            parameter("query", "dry_run", "boolean"),
            parameter("query", "[card_number]", "null"),
            parameter("body", "items", "array"),
            parameter("body", "items[]", "object"),
            parameter("body", "items[].sku", "string"),
            parameter("body", "items[].count", "integer"),
            parameter("body", "note's", "string"),
            parameter("body", "contact.mail", "email"),
        ];
        order.request_media = vec![("application/json".to_owned(), 3)];
        order.auth_use = vec![tapline_model::AuthUse {
            auth: "jwt".to_owned(),
            granted: 3,
            refused: 0,
            other: 0,
        }];
        order
    }

    #[test]
    fn a_seed_has_an_example_for_everything_and_no_value() {
        let seed = seed_of(&order());
        assert_eq!(
            seed.url(),
            "http://shop.example.test/users/00000000-0000-4000-8000-000000000001/orders?dry_run=true"
        );
        let body: Value = serde_json::from_str(&seed.body).unwrap();
        assert_eq!(
            body,
            json!({
                "items": [{"sku": "example", "count": 1}],
                "note's": "example",
                "contact": {"mail": "user@example.com"},
            })
        );
        assert!(seed.curl().contains("\"Authorization: Bearer ${TOKEN}\""));
        let lines = json_lines(std::slice::from_ref(&seed));
        assert_eq!(read_json_lines(&lines).unwrap(), [seed]);
    }

    #[test]
    fn what_cannot_be_asked_for_has_no_seed() {
        for (method, host) in [("GET", "a\"; rm -rf /"), ("G'ET", "a"), ("GET", "")] {
            let mut endpoint = endpoint(method, "/a");
            host.clone_into(&mut endpoint.host);
            assert!(seeds_of([&endpoint]).is_empty(), "{method} {host}");
        }
    }

    proptest! {
        #[test]
        fn any_names_make_a_request(
            template in "(/[ -~é{}]{0,12}){1,4}",
            names in proptest::collection::vec(".{0,20}", 0..8),
            kind in "integer|string|null|object|array|what",
        ) {
            let mut endpoint = endpoint("POST", &template);
            endpoint.request_media = vec![("application/json".to_owned(), 1)];
            for name in &names {
                endpoint.parameters.push(parameter("body", name, &kind));
                endpoint.parameters.push(parameter("query", name, &kind));
            }
            let seed = seed_of(&endpoint);
            prop_assert!(seed.url().is_ascii() && !seed.url().contains(' '));
            prop_assert!(seed.body.is_empty() || serde_json::from_str::<Value>(&seed.body).is_ok());
        }
    }
}
