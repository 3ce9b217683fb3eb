//! Who is answered, and with what around it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tapline_web::{Config, router, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sample;
use crate::support::{ask, get, shop, state};

fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "localhost:9488")
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = shop();
    for path in ["/", "/static/style.css", "/api/v1/status", "/nowhere", "/api/nowhere", "/metrics"]
    {
        let got = get(&app, path).await;
        let policy = got.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(got.header("x-frame-options"), "DENY", "{path}");
        assert!(!got.header("cache-control").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let app = shop();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE] {
        for path in ["/", "/api/v1/endpoints", "/-/ready", "/nowhere"] {
            let got = ask(&app, request(method.clone(), path).body(Body::empty()).unwrap()).await;
            assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(got.header("allow"), "GET, HEAD");
        }
    }
    let head = ask(&app, request(Method::HEAD, "/inventory").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn other_host_names_are_refused_on_loopback() {
    let app = shop();
    let rebound = Request::get("/api/v1/endpoints").header("host", "evil.example:9488");
    let got = ask(&app, rebound.body(Body::empty()).unwrap()).await;
    assert_eq!(got.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!got.text.contains("shop.example"));
    let absolute = Request::get("http://evil.example/").header("host", "localhost");
    let got = ask(&app, absolute.body(Body::empty()).unwrap()).await;
    assert_eq!(got.status, StatusCode::MISDIRECTED_REQUEST);
    let nameless = ask(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(nameless.status, StatusCode::OK, "HTTP/1.0 clients name no host");
}

#[tokio::test]
async fn credentials_are_asked_for_except_by_probes() {
    let config = Config {
        basic_auth: Some(("ada".to_owned(), "correct horse".to_owned())),
        ..Config::default()
    };
    let app = router(&config, state(sample::view(0)));
    let with = async |path: &str, value: Option<&str>| {
        let mut builder = request(Method::GET, path);
        if let Some(value) = value {
            builder = builder.header("authorization", value);
        }
        ask(&app, builder.body(Body::empty()).unwrap()).await
    };
    for path in ["/", "/metrics", "/api/v1/status", "/static/style.css", "/nowhere"] {
        let got = with(path, None).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(got.header("www-authenticate").starts_with("Basic "));
        assert!(!got.text.contains("correct horse"));
    }
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(with(path, None).await.status, StatusCode::OK);
    }
    // ada:correct horse
    for value in ["Basic YWRhOmNvcnJlY3QgaG9yc2U=", "basic YWRhOmNvcnJlY3QgaG9yc2U="] {
        assert_eq!(with("/", Some(value)).await.status, StatusCode::OK);
    }
    for value in
        ["Basic YWRhOmNvcnJlY3QgaG9yc2V", "Bearer YWRhOmNvcnJlY3QgaG9yc2U=", "Basic", "", "Basic "]
    {
        assert_eq!(with("/", Some(value)).await.status, StatusCode::UNAUTHORIZED, "{value}");
    }
}

#[tokio::test]
async fn requests_have_a_largest_size() {
    let app = shop();
    let long = request(Method::GET, "/").header("x-long", "a".repeat(70_000));
    let got = ask(&app, long.body(Body::empty()).unwrap()).await;
    assert_eq!(got.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let heavy = request(Method::GET, "/api/v1/status").header("content-length", "70000");
    let got = ask(&app, heavy.body(Body::from("a".repeat(70_000))).unwrap()).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(got.json()["error"], "body_too_long");
}

#[tokio::test]
async fn a_fault_of_the_sensor_is_one_failed_answer() {
    let mut state = state(sample::view(0));
    state.metrics = Arc::new(|_| panic!("on purpose"));
    let app = router(&Config::default(), state);
    let got = get(&app, "/metrics").await;
    assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(!got.text.contains("on purpose"));
    assert_eq!(get(&app, "/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_has_a_deadline() {
    let mut state = state(sample::view(0));
    state.metrics = Arc::new(|_| {
        std::thread::sleep(Duration::from_millis(1_500));
        Ok(String::new())
    });
    let config = Config { request_timeout_seconds: 1, ..Config::default() };
    let got = get(&router(&config, state), "/metrics").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(got.text.contains("request_timeout_seconds"));
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let config = Config { listen: address, ..Config::default() };
    let server = tokio::spawn(async move {
        let shutdown = async { stopped.await.unwrap_or_default() };
        serve(&config, listener, state(sample::view(0)), shutdown).await
    });
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4_096];
    let length = client.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200 OK\r\n"));
    // The connection stays open and idle; that does not keep the server from ending.
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
}
