//! What the sensor has seen of a host, as a document.

mod names;
mod schema;
mod security;
mod variants;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use tapline_model::{
    BodyDirection, BodyView, EndpointView, Fact, Finding, FindingState, ParameterView, View,
};

use crate::document::{
    Body, Document, Location, METHODS, Media, Operation, OperationKey, Parameter, ParameterKey,
    Response, StatusKey,
};
use crate::evidence::{Evidence, FindingNote};
use crate::path;
use crate::schema::{Schema, Type};

/// Findings that a document mentions in one place.
const FINDINGS_MAX: usize = 32;
/// A body that was never missing in so many requests is required.
const REQUIRED_MIN: u64 = 30;
/// Headers that belong to HTTP, to proxies or to clients and not to an API.
const HEADERS: [&str; 35] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
];
/// Beginnings of more of them.
const HEADER_STARTS: [&str; 5] = ["sec-", "x-forwarded-", "x-real-ip", "x-b3-", "x-amzn-trace"];

/// The document of a host of a view: its listed endpoints with what is known of their parameters
/// and bodies, each with its evidence, and open findings. None when the view has no such host.
pub fn observed(view: &View, host: &str) -> Option<Document> {
    let known = view.hosts.iter().find(|known| known.host == host)?;
    let endpoints: Vec<&EndpointView> =
        view.endpoints.iter().map(AsRef::as_ref).filter(|endpoint| endpoint.host == host).collect();
    let open: Vec<&Finding> = view
        .findings
        .iter()
        .map(AsRef::as_ref)
        .filter(|finding| finding.state == FindingState::Open && finding.host == host)
        .collect();
    Some(document_of(host, known.requests, &endpoints, &open))
}

/// The document of a host with these endpoints, after so many requests.
pub(crate) fn document_of(
    host: &str,
    requests: u64,
    endpoints: &[&EndpointView],
    open: &[&Finding],
) -> Document {
    let ids = names::operation_ids(endpoints);
    let mut document = Document {
        title: host.to_owned(),
        api_version: "observed".to_owned(),
        description: Some(
            "What was seen of this host. x-tapline says how often, since when and how surely."
                .to_owned(),
        ),
        servers: servers(host),
        ..Document::default()
    };
    for endpoint in endpoints {
        if !METHODS.contains(&endpoint.method.as_str()) || !endpoint.template.starts_with('/') {
            continue;
        }
        let key = OperationKey { path: endpoint.template.clone(), method: endpoint.method.clone() };
        let mut operation = operation(endpoint, open);
        operation.id = ids.get(&endpoint.id).cloned();
        security::add(endpoint, &mut operation, &mut document.schemes);
        document.operations.insert(key, operation);
    }
    variants::name_all(&mut document);
    let first = endpoints.iter().map(|endpoint| endpoint.first_seen).min();
    let last = endpoints.iter().map(|endpoint| endpoint.last_seen).max();
    document.evidence = Some(Evidence {
        first: first.map(|time| time.to_string()),
        last: last.map(|time| time.to_string()),
        findings: notes(open.iter().copied().filter(|finding| finding.endpoint.is_none())),
        ..Evidence::seen(requests, requests)
    });
    document
}

/// The place of a host: what was heard of it was not encrypted.
fn servers(host: &str) -> Vec<String> {
    let is_plain =
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_{}".contains(&byte));
    if is_plain && !host.is_empty() { vec![format!("http://{host}")] } else { Vec::new() }
}

fn notes<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<FindingNote> {
    let note = |finding: &Finding| FindingNote {
        id: finding.id.clone(),
        detection: finding.detection.clone(),
        severity: finding.severity.label().to_owned(),
        title: finding.title.clone(),
        first_seen: finding.first_seen.to_string(),
    };
    let mut notes: Vec<_> = findings.map(note).collect();
    notes.sort_by(|one, other| one.id.cmp(&other.id));
    notes.truncate(FINDINGS_MAX);
    notes
}

fn operation(endpoint: &EndpointView, open: &[&Finding]) -> Operation {
    let own = open
        .iter()
        .copied()
        .filter(|finding| finding.endpoint.as_ref().is_some_and(|known| known.id == endpoint.id));
    let empty = endpoint.facts.iter().find(|(fact, _)| *fact == Fact::EmptySegment);
    let evidence = Evidence {
        empty_segments: empty.map_or(0, |(_, count)| *count),
        first: Some(endpoint.first_seen.to_string()),
        last: Some(endpoint.last_seen.to_string()),
        state: Some(endpoint.state.label().to_owned()),
        id: Some(endpoint.id.to_string()),
        credentials: endpoint.auth.iter().cloned().collect(),
        consumers: Some(endpoint.consumers),
        findings: notes(own),
        ..Evidence::seen(endpoint.requests, endpoint.requests)
    };
    Operation {
        parameters: parameters(endpoint),
        body: body(endpoint),
        responses: responses(endpoint),
        evidence: Some(evidence),
        deprecated: endpoint.labels.deprecated,
        tags: endpoint.labels.tags.clone(),
        summary: endpoint.labels.name.clone(),
        ..Operation::default()
    }
}

fn parameters(endpoint: &EndpointView) -> BTreeMap<ParameterKey, Parameter> {
    let mut parameters = BTreeMap::new();
    for view in &endpoint.parameters {
        let location = Location::ALL.into_iter().find(|place| place.name() == view.location);
        let Some(location) = location else { continue };
        let name = match location {
            Location::Header => view.name.to_ascii_lowercase(),
            _ => view.name.clone(),
        };
        let is_http = HEADERS.contains(&name.as_str())
            || HEADER_STARTS.iter().any(|start| name.starts_with(start));
        if location == Location::Header && is_http {
            continue;
        }
        parameters.insert(ParameterKey { location, name }, parameter(view, location));
    }
    let names = path::parameter_names(&endpoint.template);
    parameters
        .retain(|key, _| key.location != Location::Path || names.contains(&key.name.as_str()));
    for name in names {
        let key = ParameterKey { location: Location::Path, name: name.to_owned() };
        parameters.entry(key).or_insert_with(|| Parameter {
            name: name.to_owned(),
            required: true,
            schema: Schema::of(Type::String),
            ..Parameter::default()
        });
    }
    parameters
}

fn parameter(view: &ParameterView, location: Location) -> Parameter {
    let mut schema = schema::of_view(&view.schema);
    if view.schema.n == 0 {
        schema = schema::of_types(&view.types);
    }
    Parameter {
        name: view.name.clone(),
        required: location == Location::Path || view.presence.is_required(),
        schema,
        evidence: Some(Evidence::seen(view.present, view.of)),
        ..Parameter::default()
    }
}

fn of_direction(
    endpoint: &EndpointView,
    direction: BodyDirection,
) -> impl Iterator<Item = &BodyView> {
    endpoint.bodies.iter().filter(move |body| body.direction == direction)
}

fn body(endpoint: &EndpointView) -> Option<Body> {
    let mut body = Body::default();
    let mut n = 0;
    for view in of_direction(endpoint, BodyDirection::Request) {
        n += view.n;
        body.content.insert(media_name(&view.media), media(view));
    }
    let of = of_direction(endpoint, BodyDirection::Request).map(|view| view.of).max();
    body.required = of.is_some_and(|of| n >= of && of >= REQUIRED_MIN);
    (!body.content.is_empty()).then_some(body)
}

fn responses(endpoint: &EndpointView) -> BTreeMap<StatusKey, Response> {
    let mut responses = BTreeMap::new();
    for &(status, count) in &endpoint.statuses {
        // 0 is without an answer.
        if !(100..600).contains(&status) {
            continue;
        }
        let mut content = BTreeMap::new();
        for view in of_direction(endpoint, BodyDirection::Response) {
            if view.status == Some(status) {
                content.insert(media_name(&view.media), media(view));
            }
        }
        let response = Response {
            description: reason(status).to_owned(),
            content,
            evidence: Some(Evidence::seen(count, endpoint.requests)),
            ..Response::default()
        };
        responses.insert(StatusKey::Code(status), response);
    }
    responses
}

fn media(view: &BodyView) -> Media {
    Media { schema: schema::of_view(&view.schema), evidence: Some(Evidence::seen(view.n, view.of)) }
}

/// A media type; where none was said, any.
fn media_name(name: &str) -> String {
    if name.is_empty() { "*/*".to_owned() } else { name.to_owned() }
}

/// What a status means, for people.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => match status / 100 {
            1 => "Informational",
            2 => "Success",
            3 => "Redirection",
            4 => "Client Error",
            _ => "Server Error",
        },
    }
}
