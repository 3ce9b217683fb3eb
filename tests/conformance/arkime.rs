//! What Arkime stored: the `.test` beside a capture.
//!
//! It counts the requests of a session by method; targets and statuses it keeps as sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::heard::Heard;
use super::message::Request;
use super::opinion::Opinion;

/// What the sessions of a capture have.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sessions {
    methods: BTreeMap<String, u64>,
    statuses: BTreeSet<u64>,
}

/// Its opinion, when the capture has a test.
pub(super) fn opinion(capture: &Path, heard: &Heard) -> Option<Opinion> {
    let text = fs::read_to_string(capture.with_extension("test")).ok()?;
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut told = Sessions::default();
    let mut targets = Vec::new();
    for session in document["sessions3"].as_array().unwrap() {
        let http = &session["body"]["http"];
        for (name, count) in http.as_object().into_iter().flatten() {
            if let Some(method) = name.strip_prefix("method-") {
                *told.methods.entry(method.to_owned()).or_default() += count.as_u64().unwrap();
            }
        }
        told.statuses.extend(list(http, "statuscode").filter_map(Value::as_u64));
        targets.extend(list(http, "uri").filter_map(Value::as_str).map(str::to_owned));
    }
    let mut ours = Sessions::default();
    for request in heard.requests() {
        *ours.methods.entry(request.method.clone()).or_default() += 1;
    }
    ours.statuses.extend(heard.statuses().into_iter().map(u64::from));
    let targets_agree = heard.requests().iter().all(|request| {
        targets.iter().any(|uri| {
            let target = uri.split_at(uri.find('/').unwrap_or(uri.len())).1;
            let target = Some(target.to_owned());
            Request { target, ..Request::default() }.is(request)
        })
    });
    Some(Opinion {
        oracle: "Arkime",
        has_http: !told.methods.is_empty(),
        agrees: told == ours && targets_agree,
        text: format!("{told:?} {targets:?}"),
    })
}

fn list<'a>(http: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    http[name].as_array().into_iter().flatten()
}
