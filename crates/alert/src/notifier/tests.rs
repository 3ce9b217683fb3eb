//! Against a small server that plays Alertmanager.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Json, State};
use axum::http::HeaderMap;
use axum::routing::post;
use tapline_model::{DropReason, Finding};
use tokio::net::TcpListener;

use super::*;
use crate::lifecycle::tests::finding;

/// What the server answers, in order; 200 when nothing is left. 0 is an answer that never comes.
#[derive(Clone, Default)]
struct StandIn {
    script: Arc<Mutex<VecDeque<u16>>>,
    posts: Arc<Mutex<Vec<Vec<serde_json::Value>>>>,
    authorization: Arc<Mutex<Option<String>>>,
    answered: Arc<AtomicU64>,
}

impl StandIn {
    fn scripted(answers: &[u16]) -> Self {
        let server = Self::default();
        server.script.lock().unwrap().extend(answers);
        server
    }

    async fn listen(&self, listener: TcpListener) {
        let app =
            Router::new().route("/am/api/v2/alerts", post(Self::answer)).with_state(self.clone());
        axum::serve(listener, app).await.unwrap();
    }

    /// Serves; returns the base URL.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/am/", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move { server.listen(listener).await });
        url
    }

    async fn answer(
        State(server): State<Self>,
        headers: HeaderMap,
        Json(alerts): Json<Vec<serde_json::Value>>,
    ) -> StatusCode {
        let sent = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        *server.authorization.lock().unwrap() = sent;
        let status = server.script.lock().unwrap().pop_front().unwrap_or(200);
        if status == 0 {
            std::future::pending::<()>().await;
        }
        if status == 200 {
            server.posts.lock().unwrap().push(alerts);
        }
        server.answered.fetch_add(1, Ordering::SeqCst);
        StatusCode::from_u16(status).unwrap()
    }

    fn accepted(&self) -> Vec<serde_json::Value> {
        self.posts.lock().unwrap().iter().flatten().cloned().collect()
    }
}

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn notifier(url: String, change: impl FnOnce(&mut Config)) -> Notifier {
    let basic_auth = Some(("tapline".to_owned(), "s3cret".to_owned()));
    let mut config = Config {
        alertmanagers: vec![Alertmanager { url, basic_auth }],
        resend_seconds: 3_600,
        push_timeout_seconds: 1,
        ..Config::default()
    };
    change(&mut config);
    Notifier::start(&config, "edge-1", clock, Arc::new(|_| false), &Handle::current()).unwrap()
}

fn opened(host: &str) -> Event {
    Event::Opened(Arc::new(Finding { host: host.into(), ..finding("scan", 1) }))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn an_alert_arrives_with_its_times_and_credentials() {
    let server = StandIn::default();
    let notifier = notifier(server.start().await, |_| {});
    notifier.notify(&opened("shop.example"));
    until("accepted", || notifier.stats().notifications.processed == 1).await;
    let alert = &server.accepted()[0];
    assert_eq!(alert["labels"]["alertname"], "TaplineScan");
    assert_eq!(alert["startsAt"], "2023-11-14T22:13:20.000000000Z");
    assert_eq!(alert["endsAt"], "2023-11-15T02:13:20.000000000Z");
    let sent = server.authorization.lock().unwrap().clone().unwrap();
    assert_eq!(sent, "Basic dGFwbGluZTpzM2NyZXQ=");
    assert!(!format!("{notifier:?}").contains("s3cret"));
}

#[tokio::test]
async fn after_a_failure_it_is_tried_again() {
    let server = StandIn::scripted(&[500, 503]);
    let notifier = notifier(server.start().await, |_| {});
    notifier.notify(&opened("shop.example"));
    until("accepted", || notifier.stats().notifications.processed == 1).await;
    let stats = notifier.stats();
    assert_eq!((stats.push_failures, stats.pushes), (2, 1));
    assert!(stats.notifications.is_balanced());
}

#[tokio::test]
async fn what_is_refused_as_malformed_is_dropped_and_counted() {
    let server = StandIn::scripted(&[400]);
    let notifier = notifier(server.start().await, |_| {});
    notifier.notify(&opened("a"));
    until("dropped", || notifier.stats().notifications.dropped_total() == 1).await;
    notifier.notify(&opened("b"));
    until("accepted", || notifier.stats().notifications.processed == 1).await;
    let ledger = notifier.stats().notifications;
    assert_eq!(ledger.dropped[DropReason::Fault as usize], 1);
    assert_eq!(server.accepted()[0]["labels"]["host"], "b");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let server = StandIn::scripted(&[0]);
    let notifier = notifier(server.start().await, |_| {});
    notifier.notify(&opened("a"));
    until("failed", || notifier.stats().push_failures == 1).await;
    until("accepted", || notifier.stats().notifications.processed == 1).await;
}

#[tokio::test]
async fn a_server_that_comes_back_learns_what_holds() {
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let notifier = notifier(format!("http://{address}/am"), |_| {});
    for host in ["a", "b"] {
        notifier.notify(&opened(host));
        notifier.notify(&Event::Updated(Arc::clone(opened(host).finding())));
    }
    notifier.notify(&Event::Resolved(Arc::clone(opened("a").finding())));
    until("failed", || notifier.stats().push_failures >= 2).await;
    assert_eq!(notifier.stats().notifications.held, 2);
    let server = StandIn::default();
    let back = server.clone();
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { back.listen(listener).await });
    until("accepted", || notifier.stats().notifications.held == 0).await;
    let told: Vec<_> = server
        .accepted()
        .iter()
        .map(|alert| (alert["labels"]["host"].clone(), alert["endsAt"] == alert["startsAt"]))
        .collect();
    assert_eq!(told, [("a".into(), true), ("b".into(), false)]);
}

#[tokio::test]
async fn many_alerts_go_in_batches() {
    let server = StandIn::default();
    let notifier = notifier(server.start().await, |config| config.queue_max = 100);
    {
        // Nothing is taken while the board is held, so this fills the queue past its bound.
        let mut board = notifier.shared.board();
        for number in 0..150 {
            board.apply(&opened(&number.to_string()), false, clock());
        }
    }
    notifier.shared.wake();
    until("accepted", || notifier.stats().notifications.processed == 100).await;
    let sizes: Vec<_> = server.posts.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [64, 36]);
    let ledger = notifier.stats().notifications;
    assert_eq!(ledger.dropped[DropReason::QueueFull as usize], 50);
    assert!(ledger.is_balanced());
}

#[tokio::test]
async fn firing_alerts_are_sent_again() {
    let server = StandIn::default();
    let notifier = notifier(server.start().await, |config| config.resend_seconds = 1);
    notifier.notify(&opened("a"));
    until("resent", || server.accepted().len() >= 3).await;
    let stats = notifier.stats();
    assert!(stats.notifications.is_balanced() && stats.pushes >= 2);
}

#[tokio::test]
async fn a_shutdown_sends_what_waits() {
    let server = StandIn::scripted(&[500]);
    let notifier = notifier(server.start().await, |_| {});
    notifier.notify(&opened("a"));
    notifier.shutdown(Duration::from_secs(8)).await;
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(notifier.stats().notifications.held, 0);
}

#[tokio::test]
async fn a_shutdown_ends_in_time_and_the_books_balance() {
    let notifier = notifier("http://127.0.0.1:1".into(), |_| {});
    notifier.notify(&opened("a"));
    timeout(Duration::from_secs(5), notifier.shutdown(Duration::from_millis(300))).await.unwrap();
    let ledger = notifier.stats().notifications;
    assert!(ledger.is_balanced() && ledger.held == 1);
}

#[tokio::test]
async fn urls_that_are_none_are_named() {
    for url in ["", "ftp://x", "127.0.0.1:9093", "http://"] {
        let one = Alertmanager { url: url.into(), basic_auth: None };
        let config = Config { alertmanagers: vec![one], ..Config::default() };
        let error = Notifier::start(&config, "s", clock, Arc::new(|_| false), &Handle::current())
            .unwrap_err();
        assert!(error.to_string().contains("Alertmanager number 1"), "{url}: {error}");
    }
}

#[tokio::test]
async fn names_of_alertmanagers_hold_no_password() {
    let notifier = notifier("https://user:pass@am.example:9093/prefix".into(), |_| {});
    assert_eq!(notifier.shared.targets[0].name, "https://am.example:9093/prefix");
}

#[test]
fn waits_double_up_to_half_a_minute() {
    let waits: Vec<_> = (0..9).map(|earlier| backoff(earlier).as_millis()).collect();
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
}
