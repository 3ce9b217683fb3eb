//! The merge: the one place where what the workers learned comes together, on a thread of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use tapline_alert::{Event, Lifecycle, Tally};
use tapline_behavior::{Behavior, Sealer};
use tapline_config::Settings;
use tapline_discovery::Inventory;
use tapline_model::{
    AlertStats, BehaviorStats, Delta, EncryptedView, EndpointId, EndpointView, Epoch, Feedback,
    Finding, FindingTally, RouteKey, SourceView, Stats, Timestamp, VerdictTally, View,
};
use tapline_openapi::Drift;

use super::published::Published;
use super::record::{Records, Spool};
use super::shard::ShardStats;
use super::tick::SourceCounters;
use super::{FeedbackRule, Shared};
use crate::clock;
use crate::documents::{self, Documents};
use crate::exit::Failure;

/// Findings shown in a view at most.
const FINDINGS_SHOWN_MAX: usize = 1_000;

/// What arrives at the merge.
pub(crate) enum Message {
    /// A worker closed an epoch.
    Report(Box<Report>),
    /// Transaction records.
    Records(Records),
    /// New settings, of which those of behavior and alert and the rules of discovery take effect at once.
    Reload {
        settings: Arc<Settings>,
        /// Those that the settings name.
        documents: Documents,
        /// Who waits until readers see what came of it.
        followed: Option<Sender<()>>,
    },
}

/// What one worker hands over when it closes an epoch.
pub(crate) struct Report {
    pub(crate) worker: usize,
    /// Every epoch up to and including this one is closed.
    pub(crate) watermark: Epoch,
    /// The clock at the tick.
    pub(crate) now: Timestamp,
    /// What it learned in the epoch, if anything.
    pub(crate) delta: Option<Delta>,
    /// Totals since start, over the worker's shards.
    pub(crate) stats: ShardStats,
    /// Totals since start of every source: from the first worker, and from those that read it for
    /// themselves.
    pub(crate) counters: Option<Arc<[SourceCounters]>>,
    pub(crate) ended: bool,
}

/// The counters of all workers at one tick.
#[derive(Default)]
struct Snapshot {
    reports: usize,
    now: Timestamp,
    stats: ShardStats,
    counters: Vec<SourceCounters>,
}

impl Snapshot {
    /// Adds the counters of the same sources that one more worker tells.
    fn add_counters(&mut self, counters: &[SourceCounters]) {
        if self.counters.is_empty() {
            self.counters = counters.to_vec();
            return;
        }
        for (sum, counters) in self.counters.iter_mut().zip(counters) {
            sum.add(counters);
        }
    }
}

/// Where findings go when they open, change or are resolved.
pub(crate) type Announce = Box<dyn FnMut(&Event) + Send>;

/// What the control plane knows that a view shows.
pub(crate) struct Control {
    /// Counters of delivery.
    pub(crate) alert_stats: Box<dyn Fn() -> AlertStats + Send>,
    /// What operators say of findings.
    pub(crate) verdicts: Box<dyn Fn() -> Arc<[VerdictTally]> + Send>,
}

/// All joined state.
pub(crate) struct Merge {
    shared: Arc<Shared>,
    sealer: Sealer,
    inventory: Inventory,
    behavior: Behavior,
    drift: Drift,
    compare_seconds: u64,
    /// When what was seen is next held against documents; none before the first epoch.
    compare_at: Option<Timestamp>,
    lifecycle: Lifecycle,
    announce: Announce,
    control: Control,
    spool: Option<Spool>,
    spool_fault: Option<Failure>,
    pending: BTreeMap<Epoch, Snapshot>,
    complete: Snapshot,
    ended_workers: usize,
    /// The end of the last epoch that was sealed.
    sealed_until: Timestamp,
    /// The start of the first epoch that was sealed.
    began: Option<Timestamp>,
    published: Published,
    publish_every: Duration,
    certificate_days_min: u16,
    last_published: Option<Instant>,
    baselined: HashMap<EndpointId, Baselined>,
    /// Who waits for the next view.
    followed: Vec<Sender<()>>,
}

/// An endpoint with its baseline filled in, kept until either changes.
struct Baselined {
    bare: Arc<EndpointView>,
    minute: u64,
    full: Arc<EndpointView>,
}

/// What is left when the capture has ended.
pub(crate) struct Ended {
    /// The last view.
    pub(crate) view: Arc<View>,
    /// When the first epoch began in which anything was learned; none if nothing was.
    pub(crate) began: Option<Timestamp>,
    /// Every finding of the run.
    pub(crate) lifecycle: Lifecycle,
    /// Resolves routes.
    pub(crate) inventory: Inventory,
    /// The transaction records, if they were recorded.
    pub(crate) spool: Option<Spool>,
    /// Why recording them stopped, if it did.
    pub(crate) spool_fault: Option<Failure>,
}

impl Merge {
    /// An empty merge that publishes no more often than `publish_every`.
    pub(crate) fn new(
        shared: Arc<Shared>,
        spool: Option<Spool>,
        published: Published,
        publish_every: Duration,
        announce: Announce,
        control: Control,
    ) -> Self {
        let settings = &shared.settings;
        let lateness_max = match shared.feedback_rule {
            FeedbackRule::Exact => None,
            FeedbackRule::Newest => Some(u64::from(settings.behavior.lateness_seconds_max)),
        };
        let mut inventory = Inventory::new(settings.discovery.clone(), shared.key.clone());
        inventory.rule(&settings.discovery, documents::templates(&shared.documents));
        Self {
            sealer: Sealer::new(lateness_max, shared.workers),
            inventory,
            behavior: Behavior::new(settings.behavior.clone(), shared.key.clone()),
            drift: Drift::new(Arc::clone(&shared.documents), documents::limits(settings)),
            compare_seconds: compare_seconds(settings),
            compare_at: None,
            lifecycle: Lifecycle::new(settings.alert.clone()),
            announce,
            control,
            spool,
            spool_fault: None,
            pending: BTreeMap::new(),
            complete: Snapshot::default(),
            ended_workers: 0,
            sealed_until: Timestamp::ZERO,
            began: None,
            published,
            publish_every,
            certificate_days_min: settings.discovery.certificate_days_min,
            last_published: None,
            baselined: HashMap::new(),
            followed: Vec::new(),
            shared,
        }
    }

    /// Merges until every worker has ended.
    pub(crate) fn run(mut self, incoming: &Receiver<Message>) -> Ended {
        while let Ok(message) = incoming.recv() {
            match message {
                Message::Report(report) => self.report(*report),
                Message::Records(records) => self.records(records),
                Message::Reload { settings, documents, followed } => {
                    self.reload(&settings, documents);
                    self.followed.extend(followed);
                }
            }
            if self.ended_workers == self.shared.workers {
                break;
            }
        }
        // What came since the paths were learned last.
        self.inventory.settle();
        // Records are sent before the report that ends a worker, so none is left in the queue.
        self.shared.board.close();
        self.compare(self.sealed_until);
        let view = self.publish(true);
        Ended {
            view,
            began: self.began,
            lifecycle: self.lifecycle,
            inventory: self.inventory,
            spool: self.spool,
            spool_fault: self.spool_fault,
        }
    }

    fn report(&mut self, report: Report) {
        if let Some(delta) = report.delta {
            self.sealer.insert(delta);
        }
        self.sealer.watermark(report.worker, report.watermark);
        let snapshot = self.pending.entry(report.watermark).or_default();
        snapshot.reports += 1;
        snapshot.now = snapshot.now.max(report.now);
        snapshot.stats.add(&report.stats);
        if let Some(counters) = report.counters {
            snapshot.add_counters(&counters);
        }
        let whole = snapshot.reports == self.shared.workers;
        if report.ended {
            self.ended_workers += 1;
        }
        if self.ended_workers == self.shared.workers {
            self.sealer.finish();
        }
        self.seal();
        if whole && let Some(snapshot) = self.pending.remove(&report.watermark) {
            self.pending = self.pending.split_off(&report.watermark);
            self.complete = snapshot;
            let due = self
                .last_published
                .is_none_or(|last| clock::monotone().duration_since(last) >= self.publish_every);
            if due {
                self.publish(false);
            }
        }
    }

    /// Everything order-dependent happens here, on sealed epochs, in order.
    fn seal(&mut self) {
        while let Some((epoch, delta)) = self.sealer.next_sealed() {
            self.began.get_or_insert(epoch.start());
            self.quiet_until(epoch);
            self.inventory.apply(&delta);
            self.inventory.tick(epoch.next().start());
            let Self { inventory, behavior, lifecycle, .. } = self;
            behavior.sight(epoch, inventory.sightings(), &mut |finding: Finding| {
                lifecycle.push(owned(finding, inventory));
            });
            let endpoint_of = |route: RouteKey| inventory.endpoint_ref(route);
            behavior.seal(epoch, &delta, &endpoint_of, &mut |finding: Finding| {
                lifecycle.push(owned(finding, inventory));
            });
            self.sealed_until = epoch.next().start();
            self.settle(self.sealed_until);
            self.compare_if_due();
            if self.inventory.routes_changed() {
                let feedback = Feedback::with_routes(epoch, self.inventory.known_routes())
                    .with_session_cookies(self.inventory.session_cookies());
                self.shared.board.publish(Arc::new(feedback));
            }
        }
        let sealed = self.sealer.sealed_up_to();
        self.quiet_until(sealed.next());
        self.shared.board.sealed_up_to(sealed);
    }

    /// Nothing was learned up to `epoch`: what depends on time passing alone.
    fn quiet_until(&mut self, epoch: Epoch) {
        let Self { inventory, behavior, lifecycle, .. } = self;
        behavior.advance(epoch, &mut |finding: Finding| {
            lifecycle.push(owned(finding, inventory));
        });
        inventory.tick(epoch.start());
        self.settle(epoch.start());
    }

    /// Findings that no longer hold are resolved; every change is announced.
    fn settle(&mut self, now: Timestamp) {
        self.lifecycle.tick(now);
        for event in self.lifecycle.drain_events() {
            (self.announce)(&event);
        }
    }

    /// Holds what was seen against documents now and then, by capture time.
    fn compare_if_due(&mut self) {
        let now = self.sealed_until;
        let wait_ns = self.compare_seconds * 1_000_000_000;
        let at = *self.compare_at.get_or_insert_with(|| now.plus_nanos(wait_ns));
        if at <= now {
            self.compare_at = Some(now.plus_nanos(wait_ns));
            self.compare(now);
        }
    }

    fn compare(&mut self, now: Timestamp) {
        if self.drift.is_empty() {
            return;
        }
        let endpoints = self.inventory.endpoints();
        for finding in self.drift.findings(now, &endpoints) {
            self.lifecycle.push(owned(finding, &self.inventory));
        }
        self.settle(now);
    }

    fn records(&mut self, records: Records) {
        let Some(spool) = &mut self.spool else { return };
        if let Err(error) = spool.add(records) {
            // The analysis goes on; the command fails in the end and says why.
            self.spool_fault = Some(Failure::io("transactions.jsonl", &error));
            self.spool = None;
        }
    }

    fn reload(&mut self, settings: &Settings, documents: Documents) {
        self.inventory.rule(&settings.discovery, documents::templates(&documents));
        self.drift.reconfigure(documents, documents::limits(settings));
        self.compare_seconds = compare_seconds(settings);
        self.certificate_days_min = settings.discovery.certificate_days_min;
        self.behavior.reconfigure(settings.behavior.clone());
        self.lifecycle.reconfigure(settings.alert.clone());
    }

    fn publish(&mut self, ended: bool) -> Arc<View> {
        self.last_published = Some(clock::monotone());
        let now = self.complete.now;
        let endpoints = self.endpoints(now);
        for endpoint in &endpoints {
            self.published.endpoints.insert(endpoint.id, Arc::clone(endpoint));
        }
        if self.published.endpoints.len() > endpoints.len() {
            // Endpoints that turned out to be one, or an alias's, are no longer listed.
            let listed: std::collections::HashSet<EndpointId> =
                endpoints.iter().map(|endpoint| endpoint.id).collect();
            self.published.endpoints.retain(|id, _| listed.contains(id));
        }
        let view = Arc::new(View {
            now,
            stats: self.stats(),
            sources: self.counters().map(source).collect(),
            sampling: self.counters().map(|source| source.sampling).max().unwrap_or_default(),
            hosts: self.inventory.hosts().into(),
            endpoints: endpoints.into(),
            servers: self.inventory.servers().into(),
            encrypted: self.encrypted(now).into(),
            consumers: self.inventory.consumers().into(),
            changes: self.inventory.changes().into(),
            findings: self.lifecycle.newest(FINDINGS_SHOWN_MAX).into(),
            tallies: self.lifecycle.tallies().into_iter().map(tally).collect(),
            verdicts: (self.control.verdicts)(),
            ended,
        });
        self.published.view.store(Arc::clone(&view));
        for waiting in self.followed.drain(..) {
            // Whoever waited may have gone.
            waiting.try_send(()).unwrap_or_default();
        }
        view
    }

    /// Every endpoint with its baseline; made anew only where something changed.
    fn endpoints(&mut self, now: Timestamp) -> Vec<Arc<EndpointView>> {
        let minute = now.nanos() / 60_000_000_000;
        let Self { inventory, behavior, baselined, .. } = self;
        let listed = inventory.endpoints();
        let full: Vec<Arc<EndpointView>> = listed
            .into_iter()
            .map(|bare| {
                if let Some(known) = baselined.get(&bare.id)
                    && known.minute == minute
                    && Arc::ptr_eq(&known.bare, &bare)
                {
                    return Arc::clone(&known.full);
                }
                let baseline = behavior.baseline(bare.id);
                let risk = Some(tapline_review::risk_of(&bare));
                let full = Arc::new(EndpointView { baseline, risk, ..EndpointView::clone(&bare) });
                let entry = Baselined { bare, minute, full: Arc::clone(&full) };
                baselined.insert(full.id, entry);
                full
            })
            .collect();
        if baselined.len() > 2 * full.len() {
            baselined.clear();
        }
        full
    }

    /// Every host behind TLS, with what is wrong with it.
    fn encrypted(&self, now: Timestamp) -> Vec<EncryptedView> {
        let mut all = self.inventory.encrypted(now);
        for host in &mut all {
            host.issues = tapline_review::encrypted_issues(host, now, self.certificate_days_min);
        }
        all
    }

    /// Every source as of the last tick that all workers have passed.
    fn counters(&self) -> impl Iterator<Item = &SourceCounters> {
        self.complete.counters.iter()
    }

    /// One consistent copy: workers and sources as of the last tick that all of them have passed,
    /// the merge as of now.
    fn stats(&self) -> Stats {
        let ShardStats { reassembly, protocol, discovery, behavior } = self.complete.stats;
        let mut stats = Stats { reassembly, protocol, discovery, behavior, ..Stats::default() };
        let joined: [BehaviorStats; 2] = [self.behavior.stats(), self.sealer.stats()];
        for joined in &joined {
            stats.behavior.add(joined);
        }
        stats.behavior.unmatched_requests = self.inventory.unmatched_requests();
        stats.behavior.fields_known = self.inventory.fields();
        stats.behavior.fields_evicted = self.inventory.fields_evicted();
        let rejected = self.inventory.rejected();
        stats.behavior.field_values_left_out = rejected.field_values;
        stats.behavior.paths_left_out = rejected.paths;
        stats.behavior.hosts_left_out = rejected.hosts;
        stats.behavior.endpoints_left_out = rejected.endpoints;
        stats.behavior.routes_left_out = rejected.routes;
        stats.behavior.parameters_left_out = rejected.parameters;
        stats.behavior.servers_left_out = rejected.servers;
        stats.behavior.encrypted_left_out = rejected.encrypted;
        stats.behavior.callers_left_out = rejected.consumers;
        stats.behavior.findings_opened = self.lifecycle.counts().opened;
        stats.alert = (self.control.alert_stats)();
        for source in self.counters() {
            stats.capture.add(&source.capture);
            stats.decap.add(&source.decap);
        }
        stats
    }
}

/// A finding with who answers for what it is about: detections know no labels.
fn owned(finding: Finding, inventory: &Inventory) -> Finding {
    let endpoint = finding.endpoint.as_ref().map(|endpoint| endpoint.id);
    let owner = inventory.owner_of(&finding.host, endpoint);
    Finding { owner, ..finding }
}

/// Often enough that no finding is resolved while it holds.
fn compare_seconds(settings: &Settings) -> u64 {
    let resolve_seconds = settings.alert.resolve_after_seconds / 2;
    u64::from(settings.documents.compare_seconds.min(resolve_seconds).max(1))
}

fn tally(tally: Tally) -> FindingTally {
    let Tally { detection, severity, open, opened, .. } = tally;
    FindingTally { detection, severity, open, opened }
}

fn source(counters: &SourceCounters) -> SourceView {
    let capture = &counters.capture;
    SourceView {
        name: counters.name.to_string(),
        frames: capture.frames,
        frame_bytes: capture.frame_bytes,
        dropped_frames: capture.kernel_dropped_frames + capture.interface_dropped_frames,
        down: counters.down,
        outages: capture.outages,
    }
}
