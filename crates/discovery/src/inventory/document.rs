//! `inventory.json`: services and their endpoints, in a documented and stable shape.

mod encrypted;
mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tapline_model::{
    AuthUse, BaselineView, CallerPlaces, DataClass, DataFieldView, DataPlace, EncryptedView,
    EndpointId, EndpointState, EndpointView, HostView, LabelsView, ParameterView, Presence,
    Quantiles, RiskView, TemplateView,
};

use self::encrypted::Encrypted;
use self::schema::{Body, Schema};

/// The inventory as a document: services by name, endpoints by template and method; hosts behind TLS
/// by name and server. What is not known has no field.
pub fn inventory_json<'a>(
    hosts: &'a [HostView],
    endpoints: &'a [Arc<EndpointView>],
    encrypted: &'a [EncryptedView],
) -> impl Serialize + 'a {
    let mut by_host: BTreeMap<&str, Vec<Endpoint<'_>>> = BTreeMap::new();
    for endpoint in endpoints {
        by_host.entry(&endpoint.host).or_default().push(Endpoint::of(endpoint));
    }
    let service = |host: &'a HostView| Service {
        aliases: &host.aliases,
        endpoints: by_host.remove(host.host.as_str()).unwrap_or_default(),
        host: &host.host,
        labels: InOrder(&host.labels),
        requests: host.requests,
        servers: &host.servers,
        session_cookies: &host.session_cookies,
        software: &host.software,
        unmatched: host.unmatched,
    };
    Document {
        encrypted: encrypted.iter().map(Encrypted::of).collect(),
        services: hosts.iter().map(service).collect(),
    }
}

// Everywhere the fields come in the order of their names, as in every document of the sensor.

#[derive(Serialize)]
struct Document<'a> {
    encrypted: Vec<Encrypted<'a>>,
    services: Vec<Service<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    aliases: &'a [String],
    endpoints: Vec<Endpoint<'a>>,
    host: &'a str,
    labels: InOrder<'a, LabelsView>,
    requests: u64,
    servers: &'a [String],
    session_cookies: &'a [String],
    software: &'a [String],
    unmatched: u64,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    auth: Vec<&'a str>,
    auth_use: Vec<InOrder<'a, AuthUse>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<InOrder<'a, BaselineView>>,
    bodies: Vec<Body<'a>>,
    bodies_read: u64,
    consumers: u64,
    data: Vec<Data<'a>>,
    facts: BTreeMap<&'static str, u64>,
    first_seen: String,
    formats: &'a [String],
    head: bool,
    id: EndpointId,
    labels: InOrder<'a, LabelsView>,
    last_seen: String,
    latency_us: InOrder<'a, Quantiles>,
    method: &'a str,
    options: bool,
    parameters: Vec<Parameter<'a>>,
    places: CallerPlaces,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<InOrder<'a, Quantiles>>,
    request_bytes: InOrder<'a, Quantiles>,
    request_media: BTreeMap<&'a str, u64>,
    reflected_origins: u64,
    requests: u64,
    response_bytes: InOrder<'a, Quantiles>,
    response_media: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<InOrder<'a, RiskView>>,
    state: EndpointState,
    statuses: BTreeMap<String, u64>,
    template: &'a str,
    template_evidence: InOrder<'a, TemplateView>,
}

#[derive(Serialize)]
struct Parameter<'a> {
    r#in: &'a str,
    name: &'a str,
    of: u64,
    p_required: f64,
    presence: Presence,
    present: u64,
    schema: Schema<'a>,
    types: BTreeMap<&'a str, u64>,
}

#[derive(Serialize)]
struct Data<'a> {
    class: DataClass,
    field: &'a str,
    r#in: DataPlace,
    named: bool,
    new: bool,
    share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    values: u64,
}

impl<'a> Data<'a> {
    fn of(field: &'a DataFieldView) -> Self {
        Self {
            class: field.class,
            field: &field.field,
            r#in: field.place,
            named: field.named,
            new: field.is_new,
            share: field.share,
            status: field.status,
            values: field.values,
        }
    }
}

impl<'a> Endpoint<'a> {
    fn of(endpoint: &'a EndpointView) -> Self {
        let status = |&(status, count): &(u16, u64)| {
            let label = if status == 0 { "none".to_owned() } else { status.to_string() };
            (label, count)
        };
        Self {
            auth: endpoint.auth.iter().map(|(label, _)| label.as_str()).collect(),
            auth_use: endpoint.auth_use.iter().map(InOrder).collect(),
            baseline: endpoint.baseline.as_ref().map(InOrder),
            bodies: endpoint.bodies.iter().map(Body::of).collect(),
            bodies_read: endpoint.bodies_read,
            consumers: endpoint.consumers,
            data: endpoint.data.iter().map(Data::of).collect(),
            facts: endpoint.facts.iter().map(|(fact, count)| (fact.label(), *count)).collect(),
            first_seen: endpoint.first_seen.to_string(),
            formats: &endpoint.formats,
            head: endpoint.head,
            id: endpoint.id,
            labels: InOrder(&endpoint.labels),
            last_seen: endpoint.last_seen.to_string(),
            latency_us: InOrder(&endpoint.latency_us),
            method: &endpoint.method,
            options: endpoint.options,
            parameters: endpoint.parameters.iter().map(Parameter::of).collect(),
            places: endpoint.places,
            records: (endpoint.records.count > 0).then_some(InOrder(&endpoint.records)),
            request_bytes: InOrder(&endpoint.request_bytes),
            request_media: labelled(&endpoint.request_media),
            reflected_origins: endpoint.reflected_origins,
            requests: endpoint.requests,
            response_bytes: InOrder(&endpoint.response_bytes),
            response_media: labelled(&endpoint.response_media),
            risk: endpoint.risk.as_ref().map(InOrder),
            state: endpoint.state,
            statuses: endpoint.statuses.iter().map(status).collect(),
            template: &endpoint.template,
            template_evidence: InOrder(&endpoint.template_evidence),
        }
    }
}

impl<'a> Parameter<'a> {
    fn of(parameter: &'a ParameterView) -> Self {
        Self {
            r#in: &parameter.location,
            name: &parameter.name,
            of: parameter.of,
            p_required: parameter.p_required,
            presence: parameter.presence,
            present: parameter.present,
            schema: Schema::of(&parameter.schema),
            types: labelled(&parameter.types),
        }
    }
}

/// What declares its fields in another order.
struct InOrder<'a, T>(&'a T);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = serde_json::to_value(self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

fn labelled(counts: &[(String, u64)]) -> BTreeMap<&str, u64> {
    counts.iter().map(|(label, count)| (label.as_str(), *count)).collect()
}
