//! Seeds as an HTTP archive (HAR 1.2).

use serde_json::{Value, json};

use super::Seed;

/// The archive; `at` is what it gives as the time of every request, RFC 3339. No request of it was
/// sent, so no response has anything in it.
pub fn har(seeds: &[Seed], at: &str) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": {"name": "Tapline", "version": env!("CARGO_PKG_VERSION")},
            "comment": "Example requests made of names and types; no value was captured.",
            "entries": seeds.iter().map(|seed| entry(seed, at)).collect::<Vec<_>>(),
        }
    })
}

fn entry(seed: &Seed, at: &str) -> Value {
    let pairs = |pairs: &[(String, String)]| {
        let pairs = pairs.iter().map(|(name, value)| json!({"name": name, "value": value}));
        pairs.collect::<Vec<_>>()
    };
    let mut request = json!({
        "method": seed.method,
        "url": seed.url(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&seed.headers),
        "queryString": pairs(&seed.query),
        "headersSize": -1,
        "bodySize": if seed.media.is_empty() { 0 } else { i64::try_from(seed.body.len()).unwrap_or(-1) },
    });
    if !seed.media.is_empty()
        && let Value::Object(fields) = &mut request
    {
        let fields_sent: Vec<(String, String)> = if seed.media == "multipart/form-data" {
            let lines = seed.body.lines().filter_map(|line| line.split_once('='));
            lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        } else {
            Vec::new()
        };
        let mut content = json!({"mimeType": seed.media});
        if let Value::Object(content) = &mut content {
            if fields_sent.is_empty() {
                content.insert("text".to_owned(), Value::String(seed.body.clone()));
            } else {
                content.insert("params".to_owned(), Value::Array(pairs(&fields_sent)));
            }
        }
        fields.insert("postData".to_owned(), content);
    }
    json!({
        "startedDateTime": at,
        "time": 0,
        "request": request,
        "response": {
            "status": 0,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": format!("{} {}", seed.method, seed.template),
    })
}
