//! `documents.apis`: which document describes which hosts.

use crate::problem::{quoted, shortened};
use crate::settings::ApiDocument;
use crate::tree::{Node, Value};
use crate::walk::Walk;

/// Documents at most.
const DOCUMENTS_MAX: usize = 1_000;
/// Bytes of a host's name.
const HOST_BYTES_MAX: usize = 255;
/// The keys of one.
const NAMES: [&str; 3] = ["host", "file", "base_path"];

/// Reads the list into the settings.
pub(crate) fn read(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) {
    walk.settings.documents.apis.clear();
    let items = match &node.value {
        Value::Null => return,
        Value::Sequence(items) => items,
        _ => {
            walk.problem(
                node.place,
                path,
                "is not a list; write each as - host: ... and file: ...",
            );
            return;
        }
    };
    if items.len() > DOCUMENTS_MAX {
        let text = format!("has {} items; at most {DOCUMENTS_MAX}", items.len());
        walk.problem(node.place, path, text);
        return;
    }
    for (index, item) in items.iter().enumerate() {
        if let Some(document) = read_item(walk, &format!("{path}[{index}]"), item) {
            walk.settings.documents.apis.push(document);
        }
    }
}

fn read_item(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) -> Option<ApiDocument> {
    let Value::Mapping(entries) = &node.value else {
        walk.problem(node.place, path, "is not a mapping; write - host: ... and file: ...");
        return None;
    };
    let (mut host, mut file, mut base_path) = (None, None, None);
    for entry in walk.distinct(path, entries) {
        let path = format!("{path}.{}", shortened(&entry.name));
        let place = entry.node.place;
        match (entry.name.as_ref(), &entry.node.value) {
            ("host", Value::Scalar(text)) => match check_host(text) {
                Ok(()) => host = Some(text.to_ascii_lowercase()),
                Err(text) => walk.problem(place, &path, text),
            },
            ("file", Value::Scalar(text)) => match walk.beside(text) {
                Ok(found) => file = Some(found),
                Err(text) => walk.problem(place, &path, text),
            },
            ("base_path", Value::Scalar(text)) if text.starts_with('/') => {
                base_path = Some(text.trim_end_matches('/').to_owned());
            }
            ("base_path", Value::Scalar(text)) => {
                let text = format!("{} is no path; begin it with /", quoted(text));
                walk.problem(place, &path, text);
            }
            ("host" | "file" | "base_path", _) => walk.problem(place, &path, "is not a text"),
            (name, _) => walk.unknown(entry.place, &path, name, NAMES.into_iter()),
        }
    }
    for needed in ["host", "file"] {
        if !entries.iter().any(|entry| entry.name == needed) {
            walk.problem(node.place, path, format!("has no {needed}; add it"));
        }
    }
    Some(ApiDocument { host: host?, file: file?, base_path })
}

fn check_host(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("*.").unwrap_or(text);
    let is_name = !rest.is_empty()
        && rest.len() <= HOST_BYTES_MAX
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    if is_name || text == "*" {
        return Ok(());
    }
    Err(format!("{} is no host; write a name, *.example.test, or \"*\"", quoted(text)))
}
