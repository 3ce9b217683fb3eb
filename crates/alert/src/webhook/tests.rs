//! Against a small server that plays the receiver.

use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;

type Got = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A receiver that answers these, in order, then 200; and what it was sent.
async fn receiver(answers: &[u16]) -> (String, Got) {
    let got = Got::default();
    let script: VecDeque<u16> = answers.iter().copied().collect();
    let state = (Arc::clone(&got), Arc::new(Mutex::new(script)));
    let answer = async |State((got, script)): State<(Got, Arc<Mutex<VecDeque<u16>>>)>,
                        headers: HeaderMap,
                        body: Bytes| {
        got.lock().unwrap().push((headers, body));
        StatusCode::from_u16(script.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(answer)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, got)
}

fn webhook(url: String, queue_max: u32) -> Webhook {
    let config = WebhookConfig { url, secret: "s3cret".into(), queue_max, timeout_seconds: 2 };
    assert!(!format!("{config:?}").contains("s3cret"));
    Webhook::start(&config, clock, &Handle::current()).unwrap()
}

/// Made with `openssl dgst -sha256 -hmac`.
#[test]
fn a_signature_is_the_hmac_of_time_and_document() {
    let signed = signature("s3cret", "1700000000", b"{\"a\":1}");
    assert_eq!(signed, "sha256=1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940");
}

#[tokio::test]
async fn documents_arrive_in_order_signed_and_after_failures() {
    let (url, got) = receiver(&[500, 200]).await;
    let webhook = webhook(url, 10);
    webhook.post(b"{\"a\":1}".to_vec());
    webhook.post(b"{\"a\":2}".to_vec());
    webhook.shutdown(Duration::from_secs(10)).await;
    let got = got.lock().unwrap();
    let bodies: Vec<&[u8]> = got.iter().map(|(_, body)| body.as_ref()).collect();
    assert_eq!(bodies, [b"{\"a\":1}", b"{\"a\":1}", b"{\"a\":2}"]);
    let (headers, body) = &got[0];
    assert_eq!(headers["x-tapline-timestamp"], "1700000000");
    assert_eq!(headers["x-tapline-signature"], signature("s3cret", "1700000000", body).as_str());
    assert_eq!(headers["content-type"], "application/json");
    let stats = webhook.stats();
    assert_eq!((stats.pushes, stats.push_failures), (2, 1));
    assert!(stats.notifications.is_balanced());
}

#[tokio::test]
async fn what_is_refused_for_what_it_is_is_given_up() {
    let (url, got) = receiver(&[400]).await;
    let webhook = webhook(url, 10);
    webhook.post(b"1".to_vec());
    webhook.post(b"2".to_vec());
    webhook.shutdown(Duration::from_secs(10)).await;
    assert_eq!(got.lock().unwrap().len(), 2);
    let stats = webhook.stats();
    assert_eq!(stats.notifications.dropped[DropReason::Fault as usize], 1);
    assert!(stats.notifications.is_balanced());
}

#[tokio::test]
async fn a_receiver_that_is_away_costs_the_oldest_documents() {
    let webhook = webhook("http://127.0.0.1:1/hook".into(), 3);
    (0..10u8).for_each(|number| webhook.post(vec![number]));
    let stats = webhook.stats();
    assert!(stats.notifications.is_balanced() && stats.notifications.held <= 4);
    assert!(stats.notifications.dropped[DropReason::QueueFull as usize] >= 6);
}
