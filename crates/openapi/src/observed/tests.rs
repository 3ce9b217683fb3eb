//! A view becomes a valid document that says what was seen.

use std::sync::Arc;

use expect_test::expect_file;
use tapline_model::{
    EndpointId, EndpointState, EndpointView, HostView, JsonKind, Presence, PropertyView, Quantiles,
    SchemaView, Timestamp, VariantMemberView, VariantView, VariantsView,
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

/// An endpoint that answers with events of two kinds.
fn events() -> EndpointView {
    let property = |name: &str, present| PropertyView {
        name: name.to_owned(),
        present,
        of: 100,
        presence: if present == 100 { Presence::Required } else { Presence::Optional },
        p_required: 0.5,
        schema: kinds(JsonKind::String, present),
    };
    let member = |name: &str, present| VariantMemberView {
        name: name.to_owned(),
        present,
        presence: Presence::Required,
    };
    let variant = |value: &str, n, own: &str| VariantView {
        value: value.to_owned(),
        n,
        members: vec![member(own, n), member("type", n)],
    };
    let variants = vec![variant("paid", 60, "amount"), variant("sent", 40, "carrier")];
    let event = SchemaView {
        properties: vec![property("amount", 60), property("carrier", 40), property("type", 100)],
        variants: Some(VariantsView { tag: "type".to_owned(), variants }),
        ..kinds(JsonKind::Object, 100)
    };
    let list = SchemaView { items: Some(Box::new(event)), ..kinds(JsonKind::Array, 40) };
    let mut endpoint = endpoint("GET", "/events");
    let body = BodyView { schema: list, ..endpoint.bodies[0].clone() };
    endpoint.bodies = Arc::new([body]);
    endpoint
}

#[test]
fn kinds_of_objects_are_alternatives_with_names() {
    let endpoint = events();
    let document = document_of("shop.test", 42, &[&endpoint], &[]);
    let names: Vec<&String> = document.schemas.keys().collect();
    assert_eq!(names, ["getEvents.200.paid", "getEvents.200.sent"]);
    let paid = &document.schemas["getEvents.200.paid"];
    assert!(paid.required.iter().eq(["amount", "type"]), "{:?}", paid.required);
    assert!(!paid.properties.contains_key("carrier"));
    assert_eq!(paid.properties["type"].values, ["paid"]);
    let evidence = paid.evidence.as_deref().unwrap();
    assert_eq!((evidence.n, evidence.of, evidence.confidence), (60, 100, Some(0.95)));

    for text in [to_json(&document, Dialect::V31), to_json(&document, Dialect::V30)] {
        let again = read(text.as_bytes()).unwrap();
        assert!(again.notes.is_empty(), "{:?}", again.notes);
        let key = OperationKey { path: "/events".to_owned(), method: "GET".to_owned() };
        let operation = &again.document.operations[&key];
        let response = &operation.responses[&StatusKey::Code(200)];
        let event = response.content["application/json"].schema.items.as_deref().unwrap();
        assert_eq!(event.one_of.len(), 2);
        let discriminator = event.discriminator.as_ref().unwrap();
        assert_eq!(discriminator.property, "type");
        assert_eq!(discriminator.mapping["sent"], "getEvents.200.sent");
        assert!(event.properties.len() == 3 && event.required.iter().eq(["type"]));
    }
}

#[test]
fn kinds_of_objects_are_told_only_of_objects_by_a_text() {
    let mut endpoint = events();
    let mut body = endpoint.bodies[0].clone();
    let event = body.schema.items.as_deref_mut().unwrap();
    event.kinds.push((JsonKind::Null, 3));
    endpoint.bodies = Arc::new([body]);
    let document = document_of("shop.test", 42, &[&endpoint], &[]);
    assert!(document.schemas.is_empty());
}

#[test]
fn kinds_of_objects_change_no_comparison() {
    let endpoint = events();
    let seen = document_of("shop.test", 42, &[&endpoint], &[]);
    let mut documented = seen.clone();
    documented.evidence = None;
    let key = OperationKey { path: "/events".to_owned(), method: "GET".to_owned() };
    let operation = documented.operations.get_mut(&key).unwrap();
    let response = operation.responses.get_mut(&StatusKey::Code(200)).unwrap();
    let media = response.content.get_mut("application/json").unwrap();
    let event = media.schema.items.as_deref_mut().unwrap();
    event.one_of.clear();
    event.discriminator = None;
    event.properties.remove("carrier");
    let told = crate::compare(&documented, &seen, crate::Limits::default());
    let told: Vec<_> = told.differences.iter().map(|one| (one.kind, one.seen, one.of)).collect();
    assert_eq!(told, [(crate::Kind::UndocumentedField, 40, 100)]);
}
