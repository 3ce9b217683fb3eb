//! Keeps every Alertmanager told, whether it listens or not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tapline_model::{Alert, AlertStats, Finding};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::board::Board;
use crate::notice::Letterhead;
use crate::outbox::Outbox;
use crate::{Alertmanager, Config, Event};

/// Alerts in one push.
const BATCH_MAX: usize = 64;
/// Wait after the first failure; it doubles with each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// The longest wait between two tries.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Says whether nobody is to be told of a finding.
pub type Quiet = Arc<dyn Fn(&Finding) -> bool + Send + Sync>;

/// Where the wall-clock time comes from.
pub type Clock = fn() -> SystemTime;

/// Why delivery could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An Alertmanager's URL is none.
    #[error("Alertmanager number {number}: the URL is not valid: {cause}")]
    Url {
        /// Which one of the settings, from 1.
        number: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// The webhook's URL is none.
    #[error("the URL of the webhook is not valid: {cause}")]
    Webhook {
        /// What is wrong with it.
        cause: String,
    },
    /// The HTTP client cannot be made.
    #[error("the client for deliveries cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// Delivery of alerts by the v2 API of Alertmanager, to every configured one on its own.
///
/// Firing alerts are sent again every `resend_seconds` and end four times later by themselves;
/// resolved ones are sent `resolved_repeats` times. Telling an event never waits.
#[derive(Debug)]
pub struct Notifier {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    board: Mutex<Board>,
    quiet: Quiet,
    letterhead: Letterhead,
    clock: Clock,
    targets: Vec<Target>,
    stopping: watch::Sender<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("targets", &self.targets).finish_non_exhaustive()
    }
}

/// One Alertmanager.
#[derive(Debug)]
struct Target {
    /// Its URL without user and password.
    name: String,
    url: Url,
    client: Client,
    settings: Alertmanager,
    news: Notify,
}

/// What became of a push.
enum Outcome {
    Accepted,
    /// Worth another try.
    Failed(String),
    /// Not worth one.
    Rejected(String),
}

impl Notifier {
    /// Starts delivery on `runtime`. `sensor` names this sensor in annotations; nobody is told of
    /// findings that are `quiet`.
    ///
    /// # Errors
    /// [`StartError`], when an Alertmanager cannot be addressed.
    pub fn start(
        config: &Config,
        sensor: &str,
        clock: Clock,
        quiet: Quiet,
        runtime: &Handle,
    ) -> Result<Self, StartError> {
        let targets = config
            .alertmanagers
            .iter()
            .enumerate()
            .map(|(index, settings)| Target::new(index + 1, settings, config))
            .collect::<Result<Vec<_>, _>>()?;
        let resend = Duration::from_secs(u64::from(config.resend_seconds.max(1)));
        let shared = Arc::new(Shared {
            board: Mutex::new(Board::new(config)),
            quiet,
            letterhead: Letterhead {
                sensor: sensor.to_owned(),
                external_url: config.external_url.trim_end_matches('/').to_owned(),
                resend,
            },
            clock,
            targets,
            stopping: watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        for index in 0..shared.targets.len() {
            let shared = Arc::clone(&shared);
            tasks.spawn_on(async move { shared.deliver(index).await }, runtime);
        }
        let resending = Arc::clone(&shared);
        tasks.spawn_on(async move { resending.resend().await }, runtime);
        Ok(Self { shared, tasks: Mutex::new(tasks) })
    }

    /// Tells every Alertmanager of a change, soon. Returns at once.
    pub fn notify(&self, event: &Event) {
        let now = (self.shared.clock)();
        let quiet = (self.shared.quiet)(event.finding());
        self.shared.board().apply(event, quiet, now);
        self.shared.wake();
    }

    /// Looks again at which findings are quiet: something was said of some. It is looked by itself
    /// whenever alerts are sent again, for what is said ends with time.
    pub fn review(&self) {
        self.shared.review();
        self.shared.wake();
    }

    /// Counters over all Alertmanagers; the ledger balances.
    pub fn stats(&self) -> AlertStats {
        let mut sum = AlertStats::default();
        self.shared.board().stats().iter().for_each(|stats| sum.add(stats));
        sum
    }

    /// Sends what waits, for at most `deadline`, then ends. What fires is not resolved: that this
    /// sensor stops does not mean that it is over. Later events are queued and never sent.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.stopping.send_replace(true);
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let flushed = timeout(deadline, async { while tasks.join_next().await.is_some() {} }).await;
        if flushed.is_err() {
            let held = self.stats().notifications.held;
            tracing::warn!(held, "notifications were not delivered before the deadline");
        }
    }
}

impl Shared {
    /// The board. A panic while it was locked leaves counters at worst one step behind.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn review(&self) {
        let now = (self.clock)();
        self.board().review(&*self.quiet, now);
    }

    fn wake(&self) {
        self.targets.iter().for_each(|target| target.news.notify_one());
    }

    async fn resend(&self) {
        let mut stopping = self.stopping.subscribe();
        let mut ticks = interval(self.letterhead.resend);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            self.review();
            self.board().resend();
            self.wake();
        }
    }

    /// Sends what waits for one Alertmanager until the sensor stops and nothing waits.
    async fn deliver(&self, index: usize) {
        let Some(target) = self.targets.get(index) else { return };
        let mut stopping = self.stopping.subscribe();
        let mut failures = 0u32;
        loop {
            let alerts = self.batch(index);
            if alerts.is_empty() {
                tokio::select! {
                    () = target.news.notified() => continue,
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
                // Something may have been queued just before the stop.
                if self.held(index) == 0 {
                    return;
                }
                continue;
            }
            let outcome = target.push(&alerts).await;
            self.note(index, &outcome);
            match outcome {
                Outcome::Accepted => {
                    if failures > 0 {
                        tracing::info!(alertmanager = target.name, failures, "push works again");
                    }
                    failures = 0;
                }
                Outcome::Rejected(cause) => {
                    let dropped = alerts.len();
                    tracing::error!(alertmanager = target.name, cause, dropped, "push refused");
                }
                Outcome::Failed(cause) => {
                    let wait = backoff(failures);
                    failures = failures.saturating_add(1);
                    // Once per outage, not once per try.
                    if failures == 1 {
                        tracing::warn!(
                            alertmanager = target.name,
                            cause,
                            "push failed; it is tried again"
                        );
                    }
                    let already = *stopping.borrow();
                    tokio::select! {
                        () = sleep(wait) => {}
                        _ = stopping.wait_for(|stop| *stop), if !already => {}
                    }
                }
            }
        }
    }

    fn batch(&self, index: usize) -> Vec<Alert> {
        let now = (self.clock)();
        let mut board = self.board();
        let batch = board.outbox(index).map(|outbox| outbox.take(BATCH_MAX));
        batch.into_iter().flatten().map(|notice| self.letterhead.alert(notice, now)).collect()
    }

    fn held(&self, index: usize) -> u64 {
        self.board().outbox(index).map_or(0, |outbox| outbox.stats().notifications.held)
    }

    fn note(&self, index: usize, outcome: &Outcome) {
        if let Some(outbox) = self.board().outbox(index) {
            match outcome {
                Outcome::Accepted => Outbox::accepted(outbox),
                Outcome::Failed(_) => Outbox::failed(outbox),
                Outcome::Rejected(_) => Outbox::rejected(outbox),
            }
        }
    }
}

impl Target {
    fn new(number: usize, settings: &Alertmanager, config: &Config) -> Result<Self, StartError> {
        let wrong = |cause: String| StartError::Url { number, cause };
        let base: Url = settings.url.parse().map_err(|error| wrong(format!("{error}")))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("it begins neither with http:// nor with https://".to_owned()));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        let mut url = base.clone();
        url.set_path(&format!("{path}/api/v2/alerts"));
        let mut name = base;
        name.set_query(None);
        if name.set_username("").is_err() || name.set_password(None).is_err() {
            return Err(wrong("it names no host".to_owned()));
        }
        let client = client(config.push_timeout_seconds)?;
        Ok(Self {
            name: name.as_str().trim_end_matches('/').to_owned(),
            url,
            client,
            settings: settings.clone(),
            news: Notify::new(),
        })
    }

    async fn push(&self, alerts: &[Alert]) -> Outcome {
        let mut request = self.client.post(self.url.clone()).json(alerts);
        if let Some((user, password)) = &self.settings.basic_auth {
            request = request.basic_auth(user, Some(password));
        }
        match request.send().await {
            Ok(answer) => match answer.status() {
                status if status.is_success() => Outcome::Accepted,
                status @ (StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY) => Outcome::Rejected(status.to_string()),
                status => Outcome::Failed(status.to_string()),
            },
            Err(error) => Outcome::Failed(with_causes(&error.without_url())),
        }
    }
}

/// A client that goes where the settings say: not where an answer or the environment says.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn client(timeout_seconds: u32) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("tapline/", env!("CARGO_PKG_VERSION")))
        .timeout(Duration::from_secs(u64::from(timeout_seconds.max(1))))
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// `reqwest` says what it did, its causes say what went wrong.
pub(crate) fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The wait after a failure that `earlier` failures came before.
pub(crate) fn backoff(earlier: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(2u32.saturating_pow(earlier)).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests;
