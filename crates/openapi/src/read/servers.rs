//! Where an API is served.

use serde_json::{Map, Value};

use super::{Reader, Version, list};

/// Servers that are kept.
const SERVERS_MAX: usize = 64;

impl Reader<'_> {
    /// The URLs of the servers, variables replaced by their defaults.
    pub(super) fn servers(&mut self, fields: &Map<String, Value>) -> Vec<String> {
        if self.version == Version::V2 {
            return swagger_servers(fields);
        }
        let mut urls: Vec<String> = Vec::new();
        for server in list(fields, "servers").iter().take(SERVERS_MAX) {
            let Some(url) = server.get("url").and_then(Value::as_str) else { continue };
            let mut url = url.to_owned();
            let variables = server.get("variables").and_then(Value::as_object);
            for (name, variable) in variables.into_iter().flatten() {
                let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
                url = url.replace(&format!("{{{name}}}"), default);
            }
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        urls
    }
}

fn swagger_servers(fields: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let (host, base) = (text("host"), text("basePath"));
    if host.is_empty() {
        return if base.is_empty() { Vec::new() } else { vec![base.to_owned()] };
    }
    let schemes: Vec<_> = list(fields, "schemes").iter().filter_map(Value::as_str).collect();
    if schemes.is_empty() {
        return vec![format!("//{host}{base}")];
    }
    schemes.iter().map(|scheme| format!("{scheme}://{host}{base}")).collect()
}
