//! Asking the router.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tapline_model::{
    ConsumerKey, Finding, FindingKind, FindingState, OrderError, RuleId, RuleList, RuleOrigin,
    RuleState, RuleView, Severity, Timestamp, View,
};
use tapline_prevention::{Feed, Reader};
use tapline_web::{
    Config, Health, Mode, PacketFile, Prevention, SensorInfo, State, Templates, router,
};
use tower::ServiceExt;

use crate::sample;

/// What came back.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A list with one address and one set of credentials on it.
fn listed() -> Reader {
    let config = tapline_prevention::Config {
        enabled: true,
        dry_run: false,
        addresses_of_credentials: true,
        ..tapline_prevention::Config::default()
    };
    let finding = Finding {
        kind: FindingKind::Behaviour,
        severity: Severity::High,
        confidence: 1.0,
        state: FindingState::Open,
        consumer: Some(ConsumerKey(7)),
        owner: None,
        client_addresses: vec!["203.0.113.9".parse().unwrap()],
        ..Finding::clone(&sample::view(0).findings[0])
    };
    let feed = Feed::new(config, || Timestamp::ZERO, |_| ConsumerKey(0));
    assert_eq!(feed.note(&finding).len(), 2);
    feed.reader()
}

/// A rule of the configuration and one of operators.
pub(crate) fn rules() -> [Arc<RuleView>; 2] {
    let rule = |id, origin, path: &str| {
        Arc::new(RuleView {
            id: RuleId(id),
            origin,
            state: RuleState::InForce,
            host: "*".to_owned(),
            methods: Vec::new(),
            path: path.to_owned(),
            name: None,
            deprecated: None,
            owner: Some("ada <b>".to_owned()),
            tags: Vec::new(),
        })
    };
    [rule(7, RuleOrigin::Configuration, "/**"), rule(8, RuleOrigin::Operators, "/files/{path}")]
}

fn templates() -> Templates {
    Templates {
        rules: Arc::new(|| RuleList { rules: rules().into(), fixed: None }.into()),
        of: Arc::new(|_| rules().into()),
        order: Arc::new(|_| Err(OrderError::Unavailable("there is no desk".to_owned()))),
    }
}

pub(crate) fn state(view: View) -> State {
    let endpoints = view.endpoints.iter().map(|one| (one.id, Arc::clone(one))).collect();
    State {
        view: Arc::new(ArcSwap::from_pointee(view)),
        endpoints: Arc::new(endpoints),
        metrics: Arc::new(|view| Ok(format!("sample_endpoints {}\n", view.endpoints.len()))),
        health: Arc::new(|| Health { ready: true, reasons: Vec::new() }),
        prevention: Some(Prevention { reader: listed(), api_key: Some("k3y".to_owned()) }),
        triage: None,
        templates: Some(templates()),
        packets: Some(Arc::new(|finding| {
            vec![PacketFile { name: format!("{finding}-0.pcap.age"), bytes: 12_288 }]
        })),
        sensor: SensorInfo {
            name: "test".to_owned(),
            version: "1.2.3".to_owned(),
            mode: Mode::Replay,
            sources: vec!["shop.pcap".to_owned()],
            external_url: String::new(),
        },
    }
}

pub(crate) fn shop() -> Router {
    router(&Config::default(), state(sample::view(0)))
}

pub(crate) async fn ask(app: &Router, request: Request<Body>) -> Got {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Got { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn get(app: &Router, path: &str) -> Got {
    ask(app, Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()).await
}
