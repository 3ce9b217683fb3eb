//! `inventory.json`: services and their endpoints, in a documented and stable shape.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tapline_model::{EndpointView, HostView};

/// The inventory as a document: services by name, endpoints by template and method. What is not
/// known has no field.
pub fn inventory_json(hosts: &[HostView], endpoints: &[Arc<EndpointView>]) -> Value {
    let mut by_host: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for endpoint in endpoints {
        by_host.entry(&endpoint.host).or_default().push(endpoint_json(endpoint));
    }
    let services: Vec<Value> = hosts
        .iter()
        .map(|host| {
            json!({
                "host": host.host,
                "aliases": host.aliases,
                "servers": host.servers,
                "requests": host.requests,
                "unmatched": host.unmatched,
                "endpoints": by_host.remove(host.host.as_str()).unwrap_or_default(),
            })
        })
        .collect();
    json!({ "services": services })
}

fn endpoint_json(endpoint: &EndpointView) -> Value {
    let mut fields = json!({
        "id": endpoint.id,
        "method": endpoint.method,
        "template": endpoint.template,
        "formats": endpoint.formats,
        "state": endpoint.state,
        "auth": endpoint.auth.iter().map(|(label, _)| label).collect::<Vec<_>>(),
        "parameters": endpoint.parameters.iter().map(|parameter| json!({
            "in": parameter.location,
            "name": parameter.name,
            "types": labelled(&parameter.types),
            "present": parameter.present,
            "of": parameter.of,
        })).collect::<Vec<_>>(),
        "request_media": labelled(&endpoint.request_media),
        "response_media": labelled(&endpoint.response_media),
        "statuses": endpoint.statuses.iter().map(|&(status, count)| {
            let label = if status == 0 { "none".to_owned() } else { status.to_string() };
            (label, Value::from(count))
        }).collect::<Map<_, _>>(),
        "requests": endpoint.requests,
        "consumers": endpoint.consumers,
        "head": endpoint.head,
        "options": endpoint.options,
        "first_seen": endpoint.first_seen.to_string(),
        "last_seen": endpoint.last_seen.to_string(),
        "latency_us": endpoint.latency_us,
        "request_bytes": endpoint.request_bytes,
        "response_bytes": endpoint.response_bytes,
    });
    if let (Some(baseline), Some(fields)) = (&endpoint.baseline, fields.as_object_mut()) {
        fields.insert("baseline".to_owned(), json!(baseline));
    }
    fields
}

fn labelled(counts: &[(String, u64)]) -> Map<String, Value> {
    counts.iter().map(|(label, count)| (label.clone(), Value::from(*count))).collect()
}
