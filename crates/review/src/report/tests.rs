//! What a report says of a small inventory.

use std::sync::Arc;

use tapline_model::{
    AuthUse, ConsumerKey, ConsumerKind, ConsumerView, EndpointId, Fact, LabelsView, ParameterView,
    Quantiles, Timestamp,
};

use super::*;

/// An endpoint nothing is known of.
pub(crate) fn endpoint(method: &str, template: &str) -> EndpointView {
    EndpointView {
        id: EndpointId::of("shop.example.test", method, template),
        host: "shop.example.test".to_owned(),
        method: method.to_owned(),
        template: template.to_owned(),
        formats: vec!["rest".to_owned()],
        state: EndpointState::Confirmed,
        auth: Vec::new(),
        parameters: Vec::new(),
        request_media: Vec::new(),
        response_media: Vec::new(),
        statuses: vec![(200, 100)],
        requests: 100,
        consumers: 3,
        head: false,
        options: false,
        first_seen: Timestamp::from_seconds(1),
        last_seen: Timestamp::from_seconds(2),
        latency_us: Quantiles::default(),
        request_bytes: Quantiles::default(),
        response_bytes: Quantiles::default(),
        baseline: None,
        bodies: Arc::default(),
        bodies_read: 0,
        data: Vec::new(),
        records: Quantiles::default(),
        auth_use: Vec::new(),
        facts: Vec::new(),
        reflected_origins: 0,
        callers: Arc::default(),
        risk: None,
        places: tapline_model::CallerPlaces::default(),
        labels: LabelsView::default(),
        template_evidence: tapline_model::TemplateView::default(),
    }
}

/// A parameter of one type.
pub(crate) fn parameter(location: &str, name: &str, kind: &str) -> ParameterView {
    ParameterView {
        location: location.to_owned(),
        name: name.to_owned(),
        types: vec![(kind.to_owned(), 1)],
        present: 1,
        of: 1,
        ..Default::default()
    }
}

fn used(auth: &str, granted: u64) -> AuthUse {
    AuthUse { auth: auth.to_owned(), granted, refused: 0, other: 0 }
}

/// A shop with an open administration, a login, an old version and a shared key.
pub(crate) fn view() -> View {
    let mut admin = endpoint("DELETE", "/admin/users/{userId}");
    admin.auth_use = vec![used("none", 50)];
    let mut login = endpoint("POST", "/login");
    login.parameters = vec![
        parameter("body", "password", "string"),
        parameter("response_body", "token", "string"),
    ];
    login.request_media = vec![("application/json".to_owned(), 100)];
    login.facts = vec![(Fact::SessionSet, 90), (Fact::CookieNotHttpOnly, 90)];
    login.auth_use = vec![used("none", 90)];
    login.places.external = 100;
    let mut old = endpoint("GET", "/api/v1/orders");
    old.auth_use = vec![used("api_key_header", 90)];
    old.callers = Arc::from([ConsumerKey(7)]);
    let mut new = endpoint("GET", "/api/v2/orders");
    new.auth_use = vec![used("jwt", 90)];
    new.parameters = vec![parameter("response_body", "card_number", "string")];
    let key = ConsumerView {
        key: ConsumerKey(7),
        kind: ConsumerKind::Credential,
        first_seen: Timestamp::from_seconds(1),
        last_seen: Timestamp::from_seconds(2),
        requests: 90,
        client_errors: 0,
        networks: ["10.0.0.0/16", "192.0.2.0/24", "198.51.100.0/24"].map(str::to_owned).to_vec(),
        agents: 2,
    };
    View {
        hosts: Arc::from([HostView {
            host: "shop.example.test".to_owned(),
            requests: 400,
            software: vec!["Apache/2.4.49".to_owned()],
            labels: LabelsView { environment: Some("prod".to_owned()), ..LabelsView::default() },
            ..HostView::default()
        }]),
        endpoints: [admin, login, old, new].into_iter().map(Arc::new).collect(),
        consumers: Arc::from([key]),
        ..View::default()
    }
}

#[test]
fn the_riskiest_is_first_and_says_why() {
    let report = Report::of(&view(), "edge", &[]);
    let first = &report.risks[0];
    assert_eq!(first.place.template, "/admin/users/{userId}");
    assert!(first.why.starts_with("Administration without credentials"), "{}", first.why);
    assert_eq!(report.next[0].place, first.place);
    assert!(report.next[0].command.starts_with("curl "));
}

#[test]
fn every_part_has_what_belongs_there() {
    let report = Report::of(&view(), "edge", &[]);
    let rules: Vec<&str> = report.misconfigurations.iter().map(|one| one.rule.as_str()).collect();
    for rule in [
        "auth_admin_open",
        "software_weak",
        "old_version",
        "second_factor_missing",
        "cookie_not_http_only",
    ] {
        assert!(rules.contains(&rule), "{rule} of {rules:?}");
    }
    assert_eq!(report.logins[0].sessions, 90);
    assert_eq!(report.shared.len(), 1);
    assert_eq!(report.shared[0].places[0].template, "/api/v1/orders");
    assert_eq!(report.flows.data[0].name, "payment");
    assert_eq!(report.flows.groups[0].name, "keys · both sides");
    let consistency: Vec<&str> = report.auth.iter().map(|row| row.consistency.as_str()).collect();
    assert_eq!(consistency, ["never", "never", "always", "always"]);
    assert_eq!(report.hosts[0].open, 2);
    assert_eq!(report.hosts[0].external, 1);
    assert_eq!(report.hosts[0].environment.as_deref(), Some("prod"));
    let page = crate::markdown(&report);
    assert!(page.contains("| shop.example.test | prod |"), "{page}");
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let report = Report::of(&view(), "edge", &["a.pcap".to_owned()]);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    assert_eq!(serde_json::from_str::<Report>("{}").unwrap(), Report::default());
}

#[test]
fn an_empty_view_has_a_report() {
    let report = Report::of(&View::default(), "", &[]);
    assert!(report.risks.is_empty() && !report.limits.is_empty());
    assert!(crate::markdown(&report).contains("Nothing was seen"));
    assert!(crate::document(&report, "").contains("Nothing was seen"));
}

#[test]
fn hostile_names_stay_text_in_every_form() {
    let mut view = view();
    let mut hostile = endpoint("GET", "/<script>alert(1)</script>`|*\n# x\u{202e}");
    hostile.host = "<b>|`host".to_owned();
    hostile.auth_use = vec![used("none", 9)];
    view.endpoints = view.endpoints.iter().cloned().chain([Arc::new(hostile)]).collect();
    let report = Report::of(&view, "<i>", &["<u>".to_owned()]);
    let page = crate::document(&report, "");
    assert!(
        !page.contains("<script>alert") && !page.contains("<b>|") && !page.contains('\u{202e}')
    );
    let text = crate::markdown(&report);
    assert!(
        !text.contains("\n# x") && !text.contains("<script>alert") && !text.contains('\u{202e}')
    );
}
