//! Findings are few, and keep their first time.

use tapline_model::Severity;

use super::*;
use crate::observed::tests::endpoint;
use crate::read;

const SHOP: &str = "
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /users/{id}:
    get: {responses: {'200': {description: '', content: {application/json: {schema: {type: object, properties: {name: {type: integer}}}}}}}}
  /never: {get: {responses: {'200': {description: ''}}}}
";

fn documents(list: &[(&str, &str)]) -> Arc<[HostDocument]> {
    let document = |(host, text): &(&str, &str)| HostDocument {
        host: (*host).to_owned(),
        document: read(text.as_bytes()).unwrap().document,
    };
    list.iter().map(document).collect()
}

fn told(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let place = finding.endpoint.as_ref().map_or("host", |endpoint| &endpoint.template);
        format!("{} {place}", finding.detection)
    };
    findings.iter().map(line).collect()
}

#[test]
fn each_difference_is_a_finding_since_it_was_first_seen() {
    let mut drift = Drift::new(documents(&[("*.test", SHOP)]), Limits::default());
    let endpoints =
        [Arc::new(endpoint("GET", "/users/{userId}")), Arc::new(endpoint("GET", "/shadow"))];
    let first = drift.findings(Timestamp::from_seconds(5_000), &endpoints);
    let expected = [
        "shadow_endpoint /shadow",
        "orphan_endpoint host",
        "undocumented_parameter /users/{userId}",
        "schema_drift /users/{userId}",
    ];
    assert_eq!(told(&first), expected);
    assert_eq!(first[3].severity, Severity::Medium);
    assert!(first[3].evidence[0].value.contains("documented integer, seen string"));
    let later = drift.findings(Timestamp::from_seconds(6_000), &endpoints);
    assert_eq!(later[3].first_seen, Timestamp::from_seconds(5_000));
    assert_eq!(later[3].last_seen, Timestamp::from_seconds(6_000));
    assert_eq!(later[0].first_seen, Timestamp::from_seconds(1_000), "of the endpoint itself");
}

#[test]
fn what_one_of_several_documents_describes_is_described() {
    let other = SHOP.replace("/never", "/shadow");
    let both = documents(&[("shop.test", SHOP), ("shop.test", &other)]);
    let mut drift = Drift::new(both, Limits::default());
    let mut shadow = endpoint("GET", "/shadow");
    shadow.bodies = Arc::default();
    shadow.parameters.clear();
    let findings = drift.findings(Timestamp::from_seconds(5_000), &[Arc::new(shadow)]);
    assert_eq!(told(&findings), ["orphan_endpoint host"]);
    let templates = drift.templates("shop.test");
    assert_eq!(templates.len(), 3);
    assert!(templates.contains(&("GET".to_owned(), "/users/{id}".to_owned())));
}

#[test]
fn a_flood_of_differences_is_one_finding() {
    let mut drift = Drift::new(documents(&[("shop.test", SHOP)]), Limits::default());
    let many: Vec<_> = (0..100)
        .map(|index| {
            let mut one = endpoint("GET", &format!("/shadow{index:02}"));
            one.id = tapline_model::EndpointId(index);
            Arc::new(one)
        })
        .collect();
    let findings = drift.findings(Timestamp::from_seconds(5_000), &many);
    assert_eq!(told(&findings), ["shadow_endpoint host", "orphan_endpoint host"]);
    assert!(findings[0].title.contains("(100)") && findings[0].evidence.len() == 13);
}

#[test]
fn hosts_are_named_or_matched_by_their_end() {
    let of = |pattern: &str, host: &str| {
        let document = Document::default();
        HostDocument { host: pattern.to_owned(), document }.is_of(host)
    };
    assert!(of("a.test", "A.test") && of("*.test", "a.test") && of("*", "x"));
    assert!(!of("a.test", "b.a.test") && !of("*.test", ".test") && !of("*.test", "atest"));
}
