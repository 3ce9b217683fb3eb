//! `basic_auth`: a user's name, and the file with the password.

use std::path::PathBuf;

use crate::problem::quoted;
use crate::tree::{Node, Value};
use crate::walk::Walk;

/// The keys of a `basic_auth`.
pub(crate) const NAMES: [&str; 2] = ["username", "password_file"];

/// Who logs in, and where the password came from.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) password_file: PathBuf,
}

/// Reads a `basic_auth`; `None` when it is null or wrong, and then the walk has noted why.
pub(crate) fn read(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) -> Option<Login> {
    let entries = match &node.value {
        Value::Null => return None,
        Value::Mapping(entries) => entries,
        _ => {
            walk.problem(node.place, path, "is not a mapping; give username and password_file");
            return None;
        }
    };
    let mut username = None;
    let mut password = None;
    for entry in walk.distinct(path, entries) {
        let path = format!("{path}.{}", crate::problem::shortened(&entry.name));
        match (entry.name.as_ref(), &entry.node.value) {
            ("username", Value::Scalar(text)) => match check_username(text) {
                Ok(()) => username = Some(text.clone().into_owned()),
                Err(text) => walk.problem(entry.node.place, &path, text),
            },
            ("password_file", Value::Scalar(text)) => match walk.password(text) {
                Ok(found) => password = Some(found),
                Err(text) => walk.problem(entry.node.place, &path, text),
            },
            ("username" | "password_file", _) => {
                walk.problem(entry.node.place, &path, "is not a text; give one");
            }
            ("password", _) => walk.problem(
                entry.place,
                &path,
                "passwords do not belong here; put it into a file and name that as password_file",
            ),
            (name, _) => walk.unknown(entry.place, &path, name, NAMES.into_iter()),
        }
    }
    for name in NAMES {
        if !entries.iter().any(|entry| entry.name == name) {
            walk.problem(node.place, path, format!("has no {name}; add it"));
        }
    }
    let (password, password_file) = password?;
    Some(Login { username: username?, password, password_file })
}

/// RFC 7617 section 2: no colon and no control characters.
fn check_username(text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > 256 || text.contains(|c: char| c == ':' || c.is_control()) {
        let shown = quoted(text);
        return Err(format!(
            "{shown} is no user name; give 1 to 256 bytes without colon and control characters"
        ));
    }
    Ok(())
}
