//! A view becomes a valid document that says what was seen.

use std::sync::Arc;

use expect_test::expect_file;
use tapline_model::{
    EndpointId, EndpointState, EndpointView, HostView, JsonKind, Presence, PropertyView, Quantiles,
    SchemaView, Timestamp,
};

use super::*;
use crate::{Dialect, read, to_json, to_yaml};

fn kinds(kind: JsonKind, n: u64) -> SchemaView {
    SchemaView { n, kinds: vec![(kind, n)], objects: n, ..SchemaView::default() }
}

/// An endpoint with a query parameter and a JSON answer.
pub(crate) fn endpoint(method: &str, template: &str) -> EndpointView {
    let name = PropertyView {
        name: "name".to_owned(),
        present: 40,
        of: 40,
        presence: Presence::Required,
        p_required: 0.9,
        schema: kinds(JsonKind::String, 40),
    };
    let schema = SchemaView { properties: vec![name], ..kinds(JsonKind::Object, 40) };
    let body = BodyView {
        direction: BodyDirection::Response,
        status: Some(200),
        media: "application/json".to_owned(),
        n: 40,
        of: 40,
        schema,
    };
    EndpointView {
        id: EndpointId::of("shop.test", method, template),
        host: "shop.test".to_owned(),
        method: method.to_owned(),
        template: template.to_owned(),
        formats: Vec::new(),
        state: EndpointState::Confirmed,
        auth: vec![("bearer".to_owned(), 39), ("none".to_owned(), 3)],
        parameters: vec![ParameterView {
            location: "query".to_owned(),
            name: "limit".to_owned(),
            types: vec![("integer".to_owned(), 9)],
            present: 9,
            of: 40,
            ..ParameterView::default()
        }],
        bodies: Arc::new([body]),
        bodies_read: 40,
        request_media: Vec::new(),
        response_media: Vec::new(),
        statuses: vec![(200, 40), (401, 2)],
        requests: 42,
        consumers: 5,
        head: false,
        options: false,
        first_seen: Timestamp::from_seconds(1_000),
        last_seen: Timestamp::from_seconds(2_000),
        latency_us: Quantiles::default(),
        request_bytes: Quantiles::default(),
        response_bytes: Quantiles::default(),
        baseline: None,
        data: Vec::new(),
        records: Quantiles::default(),
        auth_use: Vec::new(),
        facts: Vec::new(),
        reflected_origins: 0,
        callers: Arc::default(),
        risk: None,
        places: tapline_model::CallerPlaces::default(),
        labels: tapline_model::LabelsView::default(),
        template_evidence: tapline_model::TemplateView::default(),
    }
}

fn view() -> View {
    let host = HostView { host: "shop.test".to_owned(), requests: 42, ..HostView::default() };
    View {
        hosts: Arc::new([host]),
        endpoints: Arc::new([Arc::new(endpoint("GET", "/users/{userId}"))]),
        ..View::default()
    }
}

#[test]
fn a_view_becomes_a_document() {
    let document = observed(&view(), "shop.test").unwrap();
    expect_file!["seen.yaml"].assert_eq(&to_yaml(&document, Dialect::V31));
    let again = read(to_json(&document, Dialect::V31).as_bytes()).unwrap();
    assert_eq!(again.document, document);
    assert_eq!(again.notes, []);
    assert_eq!(observed(&view(), "other.test"), None);
}
