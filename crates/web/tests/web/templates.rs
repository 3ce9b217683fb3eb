//! Who may say something of path templates, how, and what is shown of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tapline_model::{OrderError, RuleChange, RuleId, RuleList, RuleOrder, Verdicts, View};
use tapline_web::{Config, State, Templates, Triage, router};

use crate::sample;
use crate::support::{Got, ask, get, rules, state};

const API: &str = "/api/v1/templates";
const OWN: &str = "/api/v1/templates/0000000000000008";

/// A sensor whose desk notes every order.
struct Sensor {
    app: Router,
    orders: Arc<Mutex<Vec<RuleOrder>>>,
    endpoint: String,
}

impl Sensor {
    fn new(config: &Config) -> Self {
        Self::with(config, sample::view(0), |state| state)
    }

    fn with(config: &Config, view: View, change: impl FnOnce(State) -> State) -> Self {
        let endpoint = view.endpoints[0].id.to_string();
        let orders: Arc<Mutex<Vec<RuleOrder>>> = Arc::default();
        let noted = Arc::clone(&orders);
        let state = state(view);
        let order = Arc::new(move |order: RuleOrder| {
            let error = match order.comment.as_str() {
                "refuse" => OrderError::Refused("rule:1:9: path: is none\nrule:2:1: x: no".into()),
                "conflict" => OrderError::Conflict("the configuration outweighs it".into()),
                "unknown" => OrderError::Unknown("there is none".into()),
                _ => {
                    noted.lock().unwrap().push(order);
                    return Ok(rules()[1].clone());
                }
            };
            Err(error)
        });
        let templates = Templates { order, ..state.templates.clone().unwrap() };
        let triage = Triage {
            verdicts: Arc::new(|| (Arc::new(Verdicts::default()), tapline_model::Timestamp::ZERO)),
            order: Arc::new(|_| Ok(())),
            form_key: [7; 32],
        };
        let state = State { triage: Some(triage), templates: Some(templates), ..state };
        Self { app: router(config, change(state)), orders, endpoint }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "localhost:9488");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(&self.app, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn put(&self, headers: &[(&str, &str)], body: &str) -> Got {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(Method::POST, API, &headers, body).await
    }

    async fn form(&self, path: &str, body: &str) -> Got {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, body).await
    }

    async fn page(&self) -> String {
        get(&self.app, &format!("/endpoints/{}", self.endpoint)).await.text
    }

    async fn mark(&self) -> String {
        let page = self.page().await;
        let (_, rest) = page.split_once("name=\"form\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    fn take(&self) -> Vec<RuleOrder> {
        std::mem::take(&mut self.orders.lock().unwrap())
    }
}

#[tokio::test]
async fn a_program_puts_and_removes_rules() {
    let sensor = Sensor::new(&Config::default());
    let body = r#"{"path":"/a/{x}","by":"ada","comment":"known"}"#;
    let got = sensor.put(&[], body).await;
    assert_eq!((got.status, got.json()["done"].as_bool()), (StatusCode::OK, Some(true)));
    assert_eq!(got.json()["template"]["id"], "0000000000000008");
    let what = RuleChange::Put(body.to_owned());
    assert_eq!(sensor.take(), [RuleOrder { what, by: "ada".into(), comment: "known".into() }]);
    assert_eq!(sensor.put(&[], r#"{"path":"/a"}"#).await.status, StatusCode::OK);
    assert_eq!(sensor.take()[0].by, "operator");

    assert_eq!(sensor.send(Method::DELETE, OWN, &[], "").await.status, StatusCode::OK);
    let json = [("content-type", "application/json")];
    assert_eq!(sensor.send(Method::DELETE, OWN, &json, r#"{"by":"eve"}"#).await.status, 200);
    let orders = sensor.take();
    assert!(orders.iter().all(|order| order.what == RuleChange::Remove(RuleId(8))));
    assert_eq!([&orders[0].by, &orders[1].by], ["operator", "eve"]);
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let sensor = Sensor::new(&Config::default());
    for body in ["", "path: /a", "\"x\"", "{\"path\":", "{\"by\":7}", "{} {}"] {
        let got = sensor.put(&[], body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(got.json()["error"], "bad_request", "{body}");
    }
    let got = sensor.put(&[], r#"{"comment":"refuse"}"#).await;
    assert_eq!(got.json()["detail"], "rule:1:9: path: is none\nrule:2:1: x: no");
    let got = sensor.put(&[], r#"{"comment":"conflict"}"#).await;
    assert_eq!((got.status, &got.json()["error"]), (StatusCode::CONFLICT, &"conflict".into()));
    let plain = sensor.send(Method::POST, API, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let typed = sensor.send(Method::DELETE, OWN, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(typed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let json = [("content-type", "application/json")];
    let gone = sensor.send(Method::DELETE, OWN, &json, r#"{"comment":"unknown"}"#).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let other = sensor.send(Method::DELETE, "/api/v1/templates/x", &[], "").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    for (method, path) in [
        (Method::DELETE, API),
        (Method::PUT, API),
        (Method::POST, OWN),
        (Method::POST, "/templates"),
        (Method::DELETE, "/templates/0000000000000008/remove"),
        (Method::DELETE, "/api/v1/verdicts/4"),
    ] {
        let got = sensor.send(method.clone(), path, &json, "{}").await;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
    }
    let long = format!("{{\"path\":\"/{}\"}}", "a".repeat(70_000));
    assert_eq!(sensor.put(&[], &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(sensor.take(), []);
}

#[tokio::test]
async fn pages_of_other_sites_and_strangers_change_nothing() {
    let sensor = Sensor::new(&Config::default());
    let mark = sensor.mark().await;
    let form = format!("/endpoints/{}/template", sensor.endpoint);
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let got = sensor.put(&[foreign], r#"{"path":"/a"}"#).await;
        assert_eq!(got.json()["error"], "foreign", "{foreign:?}");
        let got = sensor.send(Method::DELETE, OWN, &[foreign], "").await;
        assert_eq!(got.json()["error"], "foreign", "{foreign:?}");
        let body = format!("form={mark}&path=/a");
        let got = sensor.send(Method::POST, &form, &[foreign], &body).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    for wrong in ["", "form=", "form=0"] {
        assert_eq!(sensor.form(&form, wrong).await.status, StatusCode::FORBIDDEN, "{wrong}");
        let got = sensor.form("/templates/0000000000000008/remove", wrong).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    let config = Config { token: Some("t0ken".into()), ..Config::default() };
    let guarded = Sensor::new(&config);
    let got = guarded.put(&[("authorization", "Bearer wrong")], r#"{"path":"/a"}"#).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    let got = guarded.send(Method::DELETE, OWN, &[], "").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    let shown = [("authorization", "Bearer t0ken")];
    assert_eq!(guarded.put(&shown, r#"{"path":"/a"}"#).await.status, StatusCode::OK);
    let mark = guarded.mark().await;
    let body = format!("form={mark}&path=/a");
    let form = format!("/endpoints/{}/template", guarded.endpoint);
    assert_eq!(guarded.form(&form, &body).await.status, StatusCode::UNAUTHORIZED);
    let got = guarded.form(&form, &format!("{body}&token=t0ken")).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);

    let config = Config { listen: SocketAddr::from(([10, 0, 0, 1], 9488)), ..Config::default() };
    let open = Sensor::new(&config);
    assert_eq!(open.put(&[], r#"{"path":"/a"}"#).await.status, StatusCode::FORBIDDEN);
    assert!(!open.page().await.contains("<form method=\"post\""), "no form that would be refused");
    assert_eq!(sensor.take(), []);
    assert_eq!(open.take(), []);
}

#[tokio::test]
async fn a_form_says_the_same_and_leads_back() {
    let sensor = Sensor::new(&Config::default());
    let mark = sensor.mark().await;
    let path = format!("/endpoints/{}/template", sensor.endpoint);
    let body = format!("form={mark}&path=/a/%7Bx%7D&host=&tags=x,+y&by=ada+b&comment=c");
    let got = sensor.form(&path, &body).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(got.header("location"), format!("/endpoints/{}", sensor.endpoint));
    let what = RuleChange::Put(r#"{"path":"/a/{x}","tags":["x","y"]}"#.into());
    assert_eq!(sensor.take(), [RuleOrder { what, by: "ada b".into(), comment: "c".into() }]);
    let got = sensor.form(&path, &format!("form={mark}&comment=refuse")).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert!(got.text.contains("<p class=\"detail\">path: is none\nx: no.</p>"), "{}", got.text);

    let remove = "/templates/0000000000000008/remove";
    for (back, place) in [
        (sensor.endpoint.as_str(), format!("/endpoints/{}", sensor.endpoint)),
        ("//evil.example", "/templates".to_owned()),
    ] {
        let got = sensor.form(remove, &format!("form={mark}&back={back}")).await;
        assert_eq!(got.header("location"), place);
        assert_eq!(sensor.take()[0].what, RuleChange::Remove(RuleId(8)));
    }
}

#[tokio::test]
async fn rules_are_shown_with_their_origin() {
    let sensor = Sensor::new(&Config::default());
    let list = get(&sensor.app, API).await.json();
    assert_eq!((&list["total"], &list["changeable"]), (&2.into(), &true.into()));
    assert_eq!(list["templates"][0]["origin"], "configuration");
    assert_eq!(list["templates"][1]["path"], "/files/{path}");
    for (query, total) in
        [("origin=operators", 1), ("q=FILES", 1), ("q=ada", 2), ("host=h", 0), ("per_page=1", 2)]
    {
        let list = get(&sensor.app, &format!("{API}?{query}")).await.json();
        assert_eq!(list["total"], total, "{query}");
    }
    let second = get(&sensor.app, &format!("{API}?per_page=1&page=2")).await.json();
    assert_eq!(second["templates"][0]["origin"], "operators");
    for page in [sensor.page().await, get(&sensor.app, "/templates").await.text] {
        assert!(page.contains("ada &#60;b&#62;") && !page.contains("ada <b>"), "{page}");
        assert!(page.contains("/templates/0000000000000008/remove"), "{page}");
        assert!(!page.contains("/templates/0000000000000007/remove"), "not of operators: {page}");
    }
    let page = sensor.page().await;
    assert!(page.contains("name=\"path\" value=\"/") && page.contains("name=\"as\""), "{page}");
}

#[tokio::test]
async fn where_rules_are_fixed_the_reason_is_shown_and_no_form() {
    let fixed = |state: State| {
        let list = RuleList { rules: rules().into(), fixed: Some("a <replay>".to_owned()) };
        let list = Arc::new(list);
        let templates = state
            .templates
            .map(|templates| Templates { rules: Arc::new(move || Arc::clone(&list)), ..templates });
        State { templates, ..state }
    };
    let sensor = Sensor::with(&Config::default(), sample::view(0), fixed);
    let list = get(&sensor.app, API).await.json();
    assert_eq!((&list["fixed"], &list["changeable"]), (&"a <replay>".into(), &false.into()));
    assert!(!sensor.page().await.contains("/template\""), "no form");
    let page = get(&sensor.app, "/templates").await.text;
    assert!(page.contains("a &#60;replay&#62;") && !page.contains("/remove"), "{page}");
}
