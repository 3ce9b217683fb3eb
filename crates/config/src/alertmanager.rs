//! `alert.alertmanagers`: where alerts are pushed.

use std::path::PathBuf;

use tapline_alert::Alertmanager;

use crate::problem::{quoted, shortened};
use crate::tree::{Node, Value};
use crate::walk::Walk;
use crate::{login, url};

/// Alertmanagers at most; a cluster has three.
const ALERTMANAGERS_MAX: usize = 32;
/// The keys of one.
const NAMES: [&str; 2] = ["url", "basic_auth"];

/// Reads the list into the settings.
pub(crate) fn read(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) {
    walk.settings.alert.alertmanagers.clear();
    walk.settings.secret_files.alertmanagers.clear();
    let items = match &node.value {
        Value::Null => return,
        Value::Sequence(items) => items,
        _ => {
            walk.problem(node.place, path, "is not a list; write each as - url: http://...");
            return;
        }
    };
    if items.len() > ALERTMANAGERS_MAX {
        let text = format!("has {} items; at most {ALERTMANAGERS_MAX}", items.len());
        walk.problem(node.place, path, text);
        return;
    }
    for (index, item) in items.iter().enumerate() {
        if let Some((alertmanager, file)) = read_item(walk, &format!("{path}[{index}]"), item) {
            walk.settings.alert.alertmanagers.push(alertmanager);
            walk.settings.secret_files.alertmanagers.push(file);
        }
    }
}

fn read_item(
    walk: &mut Walk<'_>,
    path: &str,
    node: &Node<'_>,
) -> Option<(Alertmanager, Option<PathBuf>)> {
    let Value::Mapping(entries) = &node.value else {
        walk.problem(node.place, path, "is not a mapping; write - url: http://...");
        return None;
    };
    let mut url = None;
    let mut login = None;
    for entry in walk.distinct(path, entries) {
        let path = format!("{path}.{}", shortened(&entry.name));
        match (entry.name.as_ref(), &entry.node.value) {
            ("url", Value::Scalar(text)) => match check_url(walk, text) {
                Ok(()) => url = Some(text.trim_end_matches('/').to_owned()),
                Err(text) => walk.problem(entry.node.place, &path, text),
            },
            ("url", _) => walk.problem(entry.node.place, &path, "is not a text; give a URL"),
            ("basic_auth", _) => login = login::read(walk, &path, &entry.node),
            (name, _) => walk.unknown(entry.place, &path, name, NAMES.into_iter()),
        }
    }
    if !entries.iter().any(|entry| entry.name == "url") {
        walk.problem(node.place, path, "has no url; add it");
    }
    let file = login.as_ref().map(|login| login.password_file.clone());
    let basic_auth = login.map(|login| (login.username, login.password));
    Some((Alertmanager { url: url?, basic_auth }, file))
}

fn check_url(walk: &Walk<'_>, text: &str) -> Result<(), String> {
    url::check(text)?;
    let base = text.trim_end_matches('/');
    if base.ends_with("/api/v2/alerts") || base.ends_with("/api/v2") {
        return Err(format!("{} is the API itself; end it before /api/v2", quoted(text)));
    }
    if walk.settings.alert.alertmanagers.iter().any(|known| known.url == base) {
        return Err(format!("{} is in the list twice; keep one", quoted(text)));
    }
    Ok(())
}
