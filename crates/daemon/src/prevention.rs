//! The block list of this sensor: filled by findings, told of by a webhook.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::Serialize;
use tapline_alert::{Event, Webhook, WebhookConfig};
use tapline_config::Settings;
use tapline_model::{Finding, Verdicts, View};
use tapline_prevention::{Config, Feed, Reader, Subject};
use tapline_telemetry::PreventionCounts;
use tapline_web::Mode;
use tokio::runtime::Handle;

use crate::clock;
use crate::desk::Board;
use crate::exit::{CONFIG, Failure};
use crate::pipeline::published::Published;
use crate::session::Plan;

/// What this sensor has to do with blocking; it is there only when it is asked for.
pub(crate) struct Prevention {
    feed: Arc<Feed>,
    webhook: Option<Webhook>,
    board: Board,
    sensor: String,
    external_url: String,
}

/// What the webhook posts.
#[derive(Serialize)]
struct Post<'a> {
    version: u32,
    event: &'static str,
    sensor: &'a str,
    url: String,
    listed: Vec<Listed>,
    finding: &'a Finding,
}

#[derive(Serialize)]
struct Listed {
    kind: &'static str,
    value: Subject,
}

impl Prevention {
    /// An empty list, if the settings ask for one.
    ///
    /// # Errors
    /// When the webhook cannot be addressed.
    pub(crate) fn start(
        plan: &Plan,
        published: &Published,
        board: &Board,
        control: &Handle,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let settings = &plan.settings;
        if !settings.prevention.enabled {
            return Ok(None);
        }
        let mut config = settings.prevention.clone();
        config.never.extend(own_networks(plan));
        let view = Arc::clone(&published.view);
        let mode = plan.mode;
        // A replay has the time of its capture: what it lists does not end while it is looked at.
        let now = move || match mode {
            Mode::Live => clock::timestamp(),
            Mode::Replay => view.load().now,
        };
        let key = plan.key.clone();
        Ok(Some(Arc::new(Self {
            webhook: webhook(plan, control)?,
            board: board.clone(),
            feed: Feed::new(config, now, move |address| {
                tapline_discovery::address_key(&key, address)
            }),
            sensor: settings.sensor.name.clone(),
            external_url: settings.alert.external_url.clone(),
        })))
    }

    /// Takes a change of a finding. What operators have muted, or say is none, lists nobody.
    pub(crate) fn event(&self, event: &Event) {
        let finding = match event {
            Event::Opened(finding) | Event::Updated(finding) => finding,
            Event::Resolved(_) => return,
        };
        if self.board.is_quiet(finding) {
            return;
        }
        let listed = self.feed.note(finding);
        if listed.is_empty() {
            return;
        }
        tracing::info!(
            finding = finding.id,
            detection = finding.detection,
            entries = listed.len(),
            dry_run = self.feed.is_dry_run(),
            "the block list has new entries"
        );
        if let Some(webhook) = self.webhook.as_ref().filter(|_| !self.feed.is_dry_run()) {
            let listed = listed.into_iter().map(|value| Listed { kind: value.kind(), value });
            let post = Post {
                version: 1,
                event: "listed",
                sensor: &self.sensor,
                url: format!("{}/findings/{}", self.external_url, finding.id),
                listed: listed.collect(),
                finding,
            };
            match serde_json::to_vec(&post) {
                Ok(document) => webhook.post(document),
                Err(error) => tracing::error!("a post to the webhook cannot be written: {error}"),
            }
        }
    }

    /// Takes back what findings were a reason for of which operators say so.
    pub(crate) fn review(&self, verdicts: &Verdicts, view: &View) {
        let now = clock::timestamp();
        let quiet: HashSet<&str> = view
            .findings
            .iter()
            .filter(|finding| verdicts.is_quiet(finding, now))
            .map(|finding| finding.id.as_str())
            .collect();
        self.feed.withdraw(&|finding| !quiet.contains(finding));
    }

    /// For pages and readers.
    pub(crate) fn reader(&self) -> Reader {
        self.feed.reader()
    }

    /// For the metrics.
    pub(crate) fn counts(&self) -> PreventionCounts {
        let list = self.feed.reader().snapshot();
        let of = |is: fn(&Subject) -> bool| {
            let count = list.entries.iter().filter(|entry| is(&entry.subject)).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        let refusals = tapline_prevention::Refusal::ALL.iter().map(|refusal| refusal.label());
        PreventionCounts {
            dry_run: list.dry_run,
            addresses: of(|subject| matches!(subject, Subject::Address(_))),
            consumers: of(|subject| matches!(subject, Subject::Consumer(_))),
            listed: list.counts.listed,
            expired: list.counts.expired,
            withdrawn: list.counts.withdrawn,
            refused: refusals.zip(list.counts.refused).collect(),
            webhook: self.webhook.as_ref().map(Webhook::stats),
        }
    }

    /// Sends what waits, for at most `deadline`.
    pub(crate) async fn shutdown(&self, deadline: Duration) {
        if let Some(webhook) = &self.webhook {
            webhook.shutdown(deadline).await;
        }
    }
}

fn webhook(plan: &Plan, control: &Handle) -> Result<Option<Webhook>, Failure> {
    let Config { webhook_url: Some(url), webhook_secret: Some(secret), .. } =
        &plan.settings.prevention
    else {
        return Ok(None);
    };
    if !plan.push {
        return Ok(None);
    }
    let config = WebhookConfig {
        url: url.clone(),
        secret: secret.clone(),
        queue_max: plan.settings.alert.queue_max,
        timeout_seconds: plan.settings.alert.push_timeout_seconds,
    };
    Webhook::start(&config, clock::now, control)
        .map(Some)
        .map_err(|error| Failure::new(CONFIG, error.to_string()))
}

/// What must not be blocked for the sensor's sake: proxies that speak for many, whom the sensor talks
/// to, and its own addresses.
fn own_networks(plan: &Plan) -> Vec<IpNet> {
    let Settings { discovery, decap, .. } = &plan.settings;
    let proxies = discovery
        .trusted_proxies
        .iter()
        .filter_map(|network| IpNet::new(network.address, network.prefix_bits).ok());
    let mut networks: Vec<IpNet> = proxies.collect();
    networks.extend(decap.own_sockets.iter().map(|socket| IpNet::from(socket.ip())));
    if plan.mode == Mode::Live {
        match tapline_capture::interfaces() {
            Ok(interfaces) => networks
                .extend(interfaces.into_iter().flat_map(|one| one.addresses).map(IpNet::from)),
            Err(error) => tracing::warn!("the sensor's own addresses are not known: {error}"),
        }
    }
    networks
}
