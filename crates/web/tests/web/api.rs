//! The API, metrics and probes.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use tapline_web::{Config, Health, router};
use tower::ServiceExt;

use crate::sample;
use crate::support::{get, shop, state};

#[tokio::test]
async fn errors_are_json_below_api_and_pages_elsewhere() {
    let app = shop();
    for (path, status, error) in [
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v1/endpoints/0123456789abcdef", 404, "not_found"),
        ("/api/v1/endpoints/zzz", 404, "not_found"),
        ("/api/v1/endpoints/%ff", 400, "bad_request"),
        ("/api/v1/findings/nothing", 404, "not_found"),
        ("/api/v1/endpoints?metod=GET", 400, "bad_request"),
        ("/api/v1/endpoints?sort=size", 400, "bad_request"),
        ("/api/v1/endpoints?page=0", 400, "bad_request"),
        ("/api/v1/endpoints?per_page=1000000", 400, "bad_request"),
        ("/api/v1/status?x=1", 400, "bad_request"),
    ] {
        let got = get(&app, path).await;
        assert_eq!(got.status.as_u16(), status, "{path}");
        assert_eq!(got.header("content-type"), "application/json", "{path}");
        assert_eq!(got.json()["error"], error, "{path}");
        assert!(!got.json()["detail"].as_str().unwrap().is_empty(), "{path}");
    }
    for (path, status) in [
        ("/nowhere", 404),
        ("/endpoints/x", 404),
        ("/inventory?page=x", 400),
        ("/endpoints/%ff", 400),
    ] {
        let got = get(&app, path).await;
        assert_eq!(got.status.as_u16(), status, "{path}");
        assert!(got.header("content-type").starts_with("text/html"), "{path}");
    }
}

#[tokio::test]
async fn labels_are_shown_and_filtered_by() {
    let app = shop();
    for (query, is_wanted) in [
        ("owner=checkout", true),
        ("tag=pci", true),
        ("owner=check", false),
        ("tag=none", false),
        ("tag=pci&environment=prod", true),
        ("tag=pci&environment=staging", false),
        ("tag=pci&from=external", true),
        ("tag=pci&from=partner", false),
    ] {
        let got = get(&app, &format!("/api/v1/endpoints?{query}")).await.json();
        let endpoints = got["endpoints"].as_array().unwrap();
        assert_eq!(!endpoints.is_empty(), is_wanted, "{query}");
        for endpoint in endpoints {
            assert!(endpoint["template"].as_str().unwrap().starts_with("/v1/cart"));
        }
    }
    let page = get(&app, "/inventory?owner=checkout").await.text;
    assert!(page.contains("<option selected>checkout</option>"), "{page}");
    assert!(page.contains(r#"<span class="tag plain">pci</span>"#), "{page}");
    assert!(!page.contains("/v1/products"), "{page}");
    let page = get(&app, "/inventory?q=login").await.text;
    assert!(page.contains("deprecated"), "{page}");
}

#[tokio::test]
async fn pages_of_the_inventory_hold_every_endpoint_once() {
    let app = shop();
    let mut seen = BTreeSet::new();
    for page in 1..=5 {
        let got = get(&app, &format!("/api/v1/endpoints?per_page=7&sort=p50&page={page}")).await;
        let document = got.json();
        assert_eq!(document["total"], 30);
        assert_eq!(document["pages"], 5);
        for endpoint in document["endpoints"].as_array().unwrap() {
            assert!(seen.insert(endpoint["id"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(seen.len(), 30);
    let past = get(&app, "/api/v1/endpoints?page=6&per_page=7").await;
    assert_eq!(past.json()["endpoints"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn numbers_begin_with_the_largest_and_words_with_a() {
    let app = shop();
    let first = async |query: &str| {
        let document = get(&app, &format!("/api/v1/endpoints?{query}")).await.json();
        document["endpoints"][0]["template"].as_str().unwrap().to_owned()
    };
    assert_eq!(first("sort=requests").await, "/v1/products/{product_id}");
    assert_eq!(first("sort=p99").await, "/internal/export");
    assert_eq!(first("sort=path").await, "/<img src=x onerror=alert(1)>/{\"><script>}");
    assert_eq!(first("sort=path&order=desc").await, "/webhooks/bank");
}

#[tokio::test]
async fn findings_are_filtered() {
    let app = shop();
    let total = async |query: &str| {
        get(&app, &format!("/api/v1/findings?{query}")).await.json()["total"].as_u64().unwrap()
    };
    assert_eq!(total("").await, 7);
    assert_eq!(total("state=open").await, 6);
    assert_eq!(total("state=resolved").await, 1);
    assert_eq!(total("severity=high").await, 3);
    assert_eq!(total("kind=posture").await, 1);
    assert_eq!(total("detection=path_scanner").await, 2);
    assert_eq!(total("q=LOGINS+normal").await, 1);
}

#[tokio::test]
async fn a_table_for_spreadsheets_is_whole() {
    let got = get(&shop(), "/api/v1/endpoints?format=csv").await;
    assert!(got.header("content-type").starts_with("text/csv"));
    assert_eq!(got.text.matches("\r\n").count(), 31);
    assert!(got.text.starts_with("id,host,method,template,"));
    let cut = get(&shop(), "/api/v1/endpoints?format=csv&per_page=3").await;
    assert_eq!(cut.text.matches("\r\n").count(), 4);
}

#[tokio::test]
async fn metrics_and_probes_answer_machines() {
    let app = shop();
    let metrics = get(&app, "/metrics").await;
    assert_eq!(metrics.text, "sample_endpoints 30\n");
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(get(&app, "/-/healthy").await.text, "healthy\n");
    assert_eq!(get(&app, "/-/ready").await.text, "ready\n");

    let mut state = state(sample::view(0));
    state.metrics = Arc::new(|_| Err("a label is no text".to_owned()));
    state.health =
        Arc::new(|| Health { ready: false, reasons: vec!["no frame for 30 s".to_owned()] });
    let app = router(&Config::default(), state);
    let ready = get(&app, "/-/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text, "not ready\nno frame for 30 s\n");
    assert_eq!(get(&app, "/-/healthy").await.status, StatusCode::OK);
    let metrics = get(&app, "/metrics").await;
    assert_eq!(metrics.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(metrics.text.contains("a label is no text"));
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let request = Request::get("/inventory")
        .header("host", "localhost")
        .header("accept-encoding", "gzip")
        .body(Body::empty())
        .unwrap();
    let response = shop().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let mut html = String::new();
    let mut reader = flate2::read::GzDecoder::new(&*packed);
    std::io::Read::read_to_string(&mut reader, &mut html).unwrap();
    assert!(html.ends_with("</html>") && html.len() > 4 * packed.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_query_is_the_sensors_fault(
        path in prop::sample::select(vec!["/", "/inventory", "/findings", "/api/v1/endpoints", "/api/v1/findings", "/endpoints/0", "/static/style.css"]),
        name in prop::sample::select(vec!["q", "host", "sort", "page", "per_page", "state", "order", "format", "x", ""]),
        value in "[ -~]{0,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let coded: String =
            value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect();
        let got = runtime.block_on(get(&shop(), &format!("{path}?{name}={coded}")));
        prop_assert!(!got.status.is_server_error(), "{}", got.status);
        prop_assert!(!got.text.is_empty());
    }
}
