//! Posts JSON documents to one address, signed, until they are taken or there are too many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use sha2::Sha256;
use tapline_model::{AlertStats, DropReason, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::notifier::{Clock, StartError, backoff, client, with_causes};

/// Carries when the body was signed, in seconds since the Unix epoch: receivers refuse old ones.
const TIMESTAMP: &str = "X-Tapline-Timestamp";
/// Carries `sha256=` and the HMAC-SHA256 (RFC 2104) of that text, a full stop and the body, in
/// hexadecimal digits.
const SIGNATURE: &str = "X-Tapline-Signature";
/// Tries of one document: what a receiver answers to the last one is taken for its last word.
const TRIES_MAX: u32 = 10;

/// Settings of one receiver.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Where to.
    pub url: String,
    /// What is signed with; never printed.
    pub secret: String,
    /// Documents that wait; the oldest is dropped first.
    pub queue_max: u32,
    /// Wait for one post, in seconds.
    pub timeout_seconds: u32,
}

/// Delivery to one receiver, in order, one at a time. Telling it of a document never waits.
#[derive(Debug)]
pub struct Webhook {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    url: Url,
    secret: String,
    client: Client,
    clock: Clock,
    queue_max: usize,
    queue: Mutex<Queue>,
    news: Notify,
    stopping: watch::Sender<bool>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Vec<u8>>,
    in_flight: u64,
    stats: AlertStats,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookConfig").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Starts delivery on `runtime`.
    ///
    /// # Errors
    /// When the receiver cannot be addressed.
    pub fn start(
        config: &WebhookConfig,
        clock: Clock,
        runtime: &Handle,
    ) -> Result<Self, StartError> {
        let url: Url = config
            .url
            .parse()
            .map_err(|error| StartError::Webhook { cause: format!("{error}") })?;
        if !matches!(url.scheme(), "http" | "https") {
            let cause = "it begins neither with http:// nor with https://".to_owned();
            return Err(StartError::Webhook { cause });
        }
        let shared = Arc::new(Shared {
            url,
            secret: config.secret.clone(),
            client: client(config.timeout_seconds)?,
            clock,
            queue_max: usize::try_from(config.queue_max.max(1)).unwrap_or(usize::MAX),
            queue: Mutex::default(),
            news: Notify::new(),
            stopping: watch::Sender::new(false),
        });
        let delivering = Arc::clone(&shared);
        let task = runtime.spawn(async move { delivering.deliver().await });
        Ok(Self { shared, task: Mutex::new(Some(task)) })
    }

    /// Queues a document; when the queue is full, the oldest one is dropped. Returns at once.
    pub fn post(&self, document: Vec<u8>) {
        let mut queue = self.shared.queue();
        queue.stats.notifications.received += 1;
        queue.waiting.push_back(document);
        while queue.waiting.len() > self.shared.queue_max {
            queue.waiting.pop_front();
            queue.stats.notifications.drop(DropReason::QueueFull, 1);
        }
        drop(queue);
        self.shared.news.notify_one();
    }

    /// Its counters; the ledger balances.
    pub fn stats(&self) -> AlertStats {
        let queue = self.shared.queue();
        let mut stats = queue.stats;
        let waiting = u64::try_from(queue.waiting.len()).unwrap_or(u64::MAX);
        stats.notifications.held = waiting + queue.in_flight;
        stats
    }

    /// Sends what waits, for at most `deadline`, then ends.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.stopping.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && timeout(deadline, task).await.is_err()
        {
            let held = self.stats().notifications.held;
            tracing::warn!(held, "posts to the webhook were not delivered before the deadline");
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver(&self) {
        let mut stopping = self.stopping.subscribe();
        loop {
            let next = {
                let mut queue = self.queue();
                let next = queue.waiting.pop_front();
                queue.in_flight = u64::from(next.is_some());
                next
            };
            if let Some(document) = next {
                self.insist(document, &mut stopping).await;
                continue;
            }
            // A permit of the queue is kept until it is waited for, so nothing is missed.
            tokio::select! {
                () = self.news.notified() => {}
                _ = stopping.wait_for(|stop| *stop) => {
                    if self.queue().waiting.is_empty() {
                        return;
                    }
                }
            }
        }
    }

    /// Posts one document until it is taken, refused or given up.
    async fn insist(&self, document: Vec<u8>, stopping: &mut watch::Receiver<bool>) {
        for tries in 0..TRIES_MAX {
            let cause = match self.post(&document).await {
                Ok(status) if status.is_success() => {
                    let mut queue = self.queue();
                    queue.in_flight = 0;
                    queue.stats.pushes += 1;
                    queue.stats.notifications.processed += 1;
                    return;
                }
                Ok(status) => {
                    self.queue().stats.push_failures += 1;
                    // Sending the same again would not help, but waiting may.
                    if status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429) {
                        return self.give_up(&status.to_string());
                    }
                    status.to_string()
                }
                Err(cause) => {
                    self.queue().stats.push_failures += 1;
                    cause
                }
            };
            if tries == 0 {
                tracing::warn!(cause, "a post to the webhook failed; it is tried again");
            }
            let already = *stopping.borrow();
            tokio::select! {
                () = sleep(backoff(tries)) => {}
                _ = stopping.wait_for(|stop| *stop), if !already => {}
            }
        }
        self.give_up("too many tries");
    }

    fn give_up(&self, cause: &str) {
        let mut queue = self.queue();
        queue.in_flight = 0;
        queue.stats.notifications.drop(DropReason::Fault, 1);
        drop(queue);
        tracing::error!(cause, "a post to the webhook was given up");
    }

    async fn post(&self, document: &[u8]) -> Result<reqwest::StatusCode, String> {
        let now = Timestamp::from((self.clock)()).nanos() / 1_000_000_000;
        let now = now.to_string();
        let answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE, signature(&self.secret, &now, document))
            .header(TIMESTAMP, now)
            .body(document.to_vec())
            .send()
            .await;
        answer.map(|answer| answer.status()).map_err(|error| with_causes(&error.without_url()))
    }
}

/// `sha256=` and the HMAC of time, full stop and document.
fn signature(secret: &str, time: &str, document: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::from("sha256=");
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return text };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(document);
    for byte in mac.finalize().into_bytes() {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok());
    }
    text
}

#[cfg(test)]
mod tests;
