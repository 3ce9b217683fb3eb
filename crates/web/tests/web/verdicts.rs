//! Who may say something of findings, how, and what is shown of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tapline_model::{
    About, Order, OrderError, OrderKind, Scope, Severity, Timestamp, Verdict, VerdictKind, Verdicts,
};
use tapline_web::{Config, Triage, router};

use crate::sample;
use crate::support::{Got, ask, get, state};

/// A sensor whose desk notes every order.
struct Sensor {
    app: Router,
    orders: Arc<Mutex<Vec<Order>>>,
    finding: String,
}

impl Sensor {
    fn new(config: &Config) -> Self {
        let view = sample::view(0);
        let finding = view.findings[0].id.clone();
        let said = Arc::new(Verdicts::new(vec![Arc::new(Verdict {
            id: 4,
            kind: VerdictKind::Muted,
            about: About::Scope(Scope {
                detection: Some(view.findings[0].detection.clone()),
                ..Scope::default()
            }),
            finding: finding.clone(),
            detection: view.findings[0].detection.clone(),
            severity: Severity::Low,
            at: Timestamp::from_seconds(1),
            until: Timestamp::from_seconds(9_000),
            by: "ada <b>".into(),
            comment: "known since May".into(),
        })]));
        let orders: Arc<Mutex<Vec<Order>>> = Arc::default();
        let noted = Arc::clone(&orders);
        let triage = Triage {
            verdicts: Arc::new(move || (Arc::clone(&said), Timestamp::from_seconds(2))),
            order: Arc::new(move |order| {
                if order.comment == "refuse" {
                    return Err(OrderError::Refused("that makes no sense".into()));
                }
                noted.lock().unwrap().push(order);
                Ok(())
            }),
            form_key: [7; 32],
        };
        let state = tapline_web::State { triage: Some(triage), ..state(view) };
        Self { app: router(config, state), orders, finding }
    }

    fn path(&self) -> String {
        format!("/api/v1/findings/{}/verdict", self.finding)
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = Request::post(path).header("host", "localhost:9488");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(&self.app, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn json(&self, headers: &[(&str, &str)], body: &str) -> Got {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.post(&self.path(), &headers, body).await
    }

    async fn form(&self, headers: &[(&str, &str)], body: &str) -> Got {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let path = format!("/findings/{}/verdict", self.finding);
        self.post(&path, &[&form, headers].concat(), body).await
    }

    /// What the form of the finding's page carries.
    async fn mark(&self, headers: &[(&str, &str)]) -> String {
        let mut request =
            Request::get(format!("/findings/{}", self.finding)).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let page = ask(&self.app, request.body(Body::empty()).unwrap()).await.text;
        let (_, rest) = page.split_once("name=\"form\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    fn take(&self) -> Vec<Order> {
        std::mem::take(&mut self.orders.lock().unwrap())
    }
}

#[tokio::test]
async fn a_program_says_what_it_means() {
    let sensor = Sensor::new(&Config::default());
    let got = sensor.json(&[], "{\"verdict\":\"mute\",\"comment\":\"noise\"}").await;
    assert_eq!((got.status, got.json()["done"].as_bool()), (StatusCode::OK, Some(true)));
    let orders = sensor.take();
    let OrderKind::Mute { finding, scope, seconds } = &orders[0].what else { panic!("{orders:?}") };
    assert_eq!((scope.detection.as_ref(), *seconds), (Some(&finding.detection), 86_400));
    assert_eq!((scope.host.as_ref(), scope.consumer), (Some(&finding.host), None));
    assert_eq!((orders[0].by.as_str(), orders[0].comment.as_str()), ("operator", "noise"));
    for (word, body) in [
        ("Acknowledge", "{\"verdict\":\"acknowledge\",\"by\":\"ada\"}"),
        ("FalsePositive", "{\"verdict\":\"false_positive\",\"by\":\"ada\"}"),
        ("Reopen", "{\"verdict\":\"reopen\",\"by\":\"ada\"}"),
    ] {
        assert_eq!(sensor.json(&[], body).await.status, StatusCode::OK);
        let orders = sensor.take();
        assert!(format!("{:?}", orders[0].what).starts_with(word) && orders[0].by == "ada");
    }
    let json = [("content-type", "application/json")];
    assert_eq!(sensor.post("/api/v1/verdicts/4/lift", &json, "{}").await.status, StatusCode::OK);
    assert_eq!(sensor.take()[0].what, OrderKind::Lift(4));
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let sensor = Sensor::new(&Config::default());
    for body in [
        "",
        "{}",
        "{\"verdict\":\"shut_up\"}",
        "{\"verdict\":\"mute\",\"scope\":[\"everything\"]}",
        "{\"verdict\":\"mute\",\"unheard\":1}",
        "{\"verdict\":\"mute\",\"comment\":\"refuse\"}",
    ] {
        let got = sensor.json(&[], body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(got.json()["error"], "bad_request");
    }
    let body = "{\"verdict\":\"acknowledge\"}";
    let plain = sensor.post(&sensor.path(), &[("content-type", "text/plain")], body).await;
    assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let json = [("content-type", "application/json")];
    let missing = "/api/v1/findings/0000000000000000/verdict";
    assert_eq!(sensor.post(missing, &json, body).await.status, StatusCode::NOT_FOUND);
    for path in ["/findings/verdict", "/api/v1/findings", "/verdicts", "/findings/a/b/verdict"] {
        let got = sensor.post(path, &json, body).await;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let deskless = router(&Config::default(), state(sample::view(0)));
    let request = Request::post(sensor.path()).header("content-type", "application/json");
    let got = ask(&deskless, request.body(Body::from(body)).unwrap()).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert_eq!(sensor.take(), []);
}

#[tokio::test]
async fn pages_of_other_sites_say_nothing() {
    let sensor = Sensor::new(&Config::default());
    let mark = sensor.mark(&[]).await;
    let form = format!("form={mark}&verdict=acknowledge");
    for foreign in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "none")],
        [("origin", "https://evil.example")],
        [("origin", "http://localhost:9488.evil.example")],
        [("origin", "null")],
        [("origin", "")],
    ] {
        let got = sensor.form(&foreign, &form).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{foreign:?}");
        let got = sensor.json(&foreign, "{\"verdict\":\"acknowledge\"}").await;
        assert_eq!(got.json()["error"], "foreign", "{foreign:?}");
    }
    for wrong in ["", "form=", "form=0", &format!("form={}", "0".repeat(64))] {
        let got = sensor.form(&[], &format!("{wrong}&verdict=acknowledge")).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{wrong}");
    }
    assert_eq!(sensor.take(), []);
    let own = [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:9488")];
    assert_eq!(sensor.form(&own, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(sensor.take().len(), 1);
}

#[tokio::test]
async fn a_form_leads_back_to_its_page() {
    let sensor = Sensor::new(&Config::default());
    let mark = sensor.mark(&[]).await;
    let body = format!("form={mark}&by=ada+b&comment=&verdict=mute&scope=detection&seconds=3600");
    let got = sensor.form(&[], &body).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(got.header("location"), format!("/findings/{}", sensor.finding));
    let orders = sensor.take();
    let OrderKind::Mute { scope, seconds, .. } = &orders[0].what else { panic!("{orders:?}") };
    assert!(scope.host.is_none() && scope.detection.is_some() && *seconds == 3_600);
    assert_eq!(orders[0].by, "ada b");
    for (back, place) in [(sensor.finding.as_str(), true), ("//evil.example", false)] {
        let got = sensor.post("/verdicts/4/lift", &[], &format!("form={mark}&back={back}")).await;
        assert_eq!(got.header("location").starts_with("/findings/"), place, "{back}");
    }
}

#[tokio::test]
async fn where_there_is_a_token_it_is_asked_for() {
    let config = Config { token: Some("t0ken".into()), ..Config::default() };
    let sensor = Sensor::new(&config);
    let body = "{\"verdict\":\"acknowledge\"}";
    for wrong in [vec![], vec![("authorization", "Bearer t0kem")], vec![("authorization", "t0ken")]]
    {
        let got = sensor.json(&wrong, body).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{wrong:?}");
        assert!(got.header("www-authenticate").starts_with("Bearer"));
    }
    let mark = sensor.mark(&[]).await;
    for wrong in ["", "&token=", "&token=t0kem"] {
        let got = sensor.form(&[], &format!("form={mark}&verdict=acknowledge{wrong}")).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(sensor.take(), []);
    assert_eq!(
        sensor.json(&[("authorization", "Bearer t0ken")], body).await.status,
        StatusCode::OK
    );
    let got = sensor.form(&[], &format!("form={mark}&verdict=acknowledge&token=t0ken")).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(sensor.take().len(), 2);
}

#[tokio::test]
async fn a_name_that_was_proved_outranks_one_that_is_given() {
    let config = Config {
        basic_auth: Some(("ada".to_owned(), "correct horse".to_owned())),
        token: Some("t0ken".into()),
        ..Config::default()
    };
    let sensor = Sensor::new(&config);
    let body = "{\"verdict\":\"acknowledge\",\"by\":\"eve\"}";
    assert_eq!(sensor.json(&[], body).await.status, StatusCode::UNAUTHORIZED);
    // ada:correct horse
    let ada = [("authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2U=")];
    assert_eq!(sensor.json(&ada, body).await.status, StatusCode::OK);
    let mark = sensor.mark(&ada).await;
    let form = format!("form={mark}&verdict=acknowledge&by=eve");
    assert_eq!(sensor.form(&ada, &form).await.status, StatusCode::SEE_OTHER);
    assert!(sensor.take().iter().all(|order| order.by == "ada"));
    let program = [("authorization", "Bearer t0ken")];
    assert_eq!(sensor.json(&program, body).await.status, StatusCode::OK);
    assert_eq!(sensor.take()[0].by, "eve");
    let status = Request::get("/api/v1/status").header("authorization", "Bearer t0ken");
    let got = ask(&sensor.app, status.header("host", "localhost").body(Body::empty()).unwrap());
    assert_eq!(got.await.status, StatusCode::OK, "a program reads with the token as well");
}

#[tokio::test]
async fn beyond_loopback_nobody_says_anything_unasked() {
    let config = Config { listen: SocketAddr::from(([10, 0, 0, 1], 9488)), ..Config::default() };
    let sensor = Sensor::new(&config);
    let got = sensor.json(&[], "{\"verdict\":\"acknowledge\"}").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text.contains("web.token_file"));
    let page = get(&sensor.app, &format!("/findings/{}", sensor.finding)).await.text;
    assert!(!page.contains("<form method=\"post\""), "no form that would be refused");
}

#[tokio::test]
async fn what_was_said_is_shown() {
    let sensor = Sensor::new(&Config::default());
    let page = get(&sensor.app, "/verdicts").await.text;
    assert!(page.contains("known since May") && page.contains("ada &#60;b&#62;"), "{page}");
    let page = get(&sensor.app, &format!("/findings/{}", sensor.finding)).await.text;
    assert!(page.contains(">muted</span>") && page.contains("/verdicts/4/lift"), "{page}");
    assert!(get(&sensor.app, "/findings").await.text.contains(">muted</span>"));
    let list = get(&sensor.app, "/api/v1/verdicts").await.json();
    assert_eq!(list["verdicts"][0]["by"], "ada <b>");
    assert_eq!(list["tallies"][0]["muted"], 1);
    let one = get(&sensor.app, &format!("/api/v1/findings/{}", sensor.finding)).await.json();
    assert_eq!(
        (&one["verdicts"][0]["id"], &one["id"]),
        (&4.into(), &sensor.finding.clone().into())
    );
}
