//! What `run` and `replay` have in common: everything around the pipeline.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use tapline_alert::{Notifier, Quiet};
use tapline_config::Settings;
use tapline_discovery::Inventory;
use tapline_model::{Key, SourceView, Stats, View};
use tapline_review::Report;
use tapline_telemetry::{BuildInfo, Exporter, Limits};
use tapline_web::{Health, Mode, SensorInfo, State, Templates, Triage};
use tokio::runtime::Runtime as Tokio;
use tokio::task::JoinHandle;

use crate::clock;
use crate::control::{self, DRAIN, Stop};
use crate::desk::{Board, Concerned, Desk, Opened};
use crate::documents::{self, Documents};
use crate::evidence::Evidence;
use crate::exit::{CONFIG, Failure, SOFTWARE};
use crate::key_file;
use crate::output::{self, Folder};
use crate::pipeline::feedback_board::FeedbackBoard;
use crate::pipeline::merge::{Announce, Control, Ended, Merge, Message};
use crate::pipeline::published::Published;
use crate::pipeline::record::{Lines, Spool, write_ahead, write_lines};
use crate::pipeline::{FeedbackRule, Identity, RecordRule, Shared};
use crate::prevention::Prevention;
use crate::rules::Rules;
use crate::runtime::Runtime;

/// How often a replay publishes a view while it runs.
const REPLAY_PUBLISH_EVERY: Duration = Duration::from_millis(250);
/// What a command has decided before anything is started.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    /// What is said of path templates; the settings have it already.
    pub(crate) rules: Rules,
    /// The documents that the settings name.
    pub(crate) documents: Documents,
    pub(crate) key: Key,
    pub(crate) mode: Mode,
    /// Interfaces or files, for people.
    pub(crate) sources: Vec<String>,
    pub(crate) workers: usize,
    /// Which run this is; 0 for replays, so that they are exact.
    pub(crate) incarnation: u64,
    pub(crate) listener: Option<TcpListener>,
    pub(crate) push: bool,
    pub(crate) out: Option<Folder>,
    pub(crate) raw_targets: bool,
}

/// A started session: the control plane runs, the pipeline does not yet.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) stop: Stop,
    pub(crate) tokio: Tokio,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) rules: Rules,
    published: Published,
    exporter: Arc<Exporter>,
    told: Told,
    pages: Option<JoinHandle<()>>,
    analysing: Arc<AtomicBool>,
    out: Option<Folder>,
    /// Of the sensor, and what it reads: for the report.
    name: String,
    sources: Vec<String>,
    began: Instant,
}

impl Session {
    /// Starts pages and delivery.
    ///
    /// # Errors
    /// When a thread or a handler cannot be had, or the spool cannot be made.
    pub(crate) fn start(mut plan: Plan) -> Result<Self, Failure> {
        let began = clock::monotone();
        let tokio = control::runtime()?;
        let stop = Stop::new();
        let runtime = Runtime::new(&plan.rules.configured());
        plan.settings.decap.own_sockets = own_sockets(&plan);
        let exporter = Arc::new(
            Exporter::new(
                Limits {
                    endpoints_max: plan.settings.web.metrics_endpoints_max,
                    hosts_max: plan.settings.web.metrics_hosts_max,
                },
                BuildInfo { version: env!("CARGO_PKG_VERSION") },
            )
            .with_memory_limit(plan.settings.sensor.memory_bytes),
        );
        let published = Published::default();
        let told = Told::start(&plan, &published, &tokio)?;
        if let Some(prevention) = &told.prevention {
            runtime.show(prevention);
        }
        if let Some(evidence) = &told.evidence {
            runtime.show_evidence(evidence);
        }
        let analysing = Arc::new(AtomicBool::new(false));
        let pages = match plan.listener.take() {
            Some(listener) => {
                let shown = state(&plan, &published, &exporter, &runtime, &analysing);
                let state = told.pages(&plan, &published, shown)?;
                Some(serve(&tokio, listener, &plan.settings, state, &stop)?)
            }
            None => None,
        };
        Ok(Self {
            shared: shared(&plan, told.evidence.clone()),
            stop,
            tokio,
            runtime,
            rules: plan.rules,
            published,
            exporter,
            told,
            pages,
            analysing,
            out: plan.out,
            name: plan.settings.sensor.name,
            sources: plan.sources,
            began,
        })
    }

    /// Starts the merge, which ends after the last worker.
    ///
    /// # Errors
    /// When the thread or the spool cannot be had.
    pub(crate) fn start_merge<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        incoming: crossbeam_channel::Receiver<Message>,
    ) -> Result<ScopedJoinHandle<'scope, Ended>, Failure> {
        let spool = match &self.out {
            Some(folder) => Some(Spool::new(folder.path()).map_err(|error| {
                Failure::io(format!("cannot spool in {}", folder.path().display()), &error)
            })?),
            None => None,
        };
        let publish_every = match self.shared.feedback_rule {
            // Without pages nobody looks before the end.
            FeedbackRule::Exact if self.pages.is_none() => Duration::MAX,
            FeedbackRule::Exact => REPLAY_PUBLISH_EVERY,
            FeedbackRule::Newest => Duration::ZERO,
        };
        let Told { notifier, prevention, evidence, .. } = self.told.clone();
        let announce: Announce = Box::new(move |event| {
            if let Some(notifier) = &notifier {
                notifier.notify(event);
            }
            if let Some(prevention) = &prevention {
                prevention.event(event);
            }
            if let Some(evidence) = &evidence {
                evidence.event(event);
            }
        });
        let Told { notifier, board, .. } = self.told.clone();
        let control = Control {
            alert_stats: Box::new(move || match &notifier {
                Some(notifier) => notifier.stats(),
                None => tapline_model::AlertStats::default(),
            }),
            verdicts: Box::new(move || board.verdicts().tallies(clock::timestamp()).into()),
        };
        let shared = Arc::clone(&self.shared);
        let merge =
            Merge::new(shared, spool, self.published.clone(), publish_every, announce, control);
        self.analysing.store(true, Ordering::Relaxed);
        std::thread::Builder::new()
            .name("merge".to_owned())
            .spawn_scoped(scope, move || merge.run(&incoming))
            .map_err(|error| Failure::new(SOFTWARE, format!("cannot start the merge: {error}")))
    }

    /// Writes the output files of a finished run.
    ///
    /// # Errors
    /// When one cannot be written; the others are.
    pub(crate) fn write_output(&self, ended: Ended) -> Result<(), Failure> {
        if let Some(evidence) = &self.told.evidence {
            // So that its numbers are among those that are written.
            evidence.finish();
        }
        let Ended { view, lifecycle, inventory, spool, spool_fault, began: _ } = ended;
        let Some(folder) = &self.out else { return Ok(()) };
        let transactions = match spool {
            Some(spool) => {
                folder.write("transactions.jsonl", |out| self.write_lines(spool, &inventory, out))
            }
            None => Ok(()),
        };
        let document =
            tapline_discovery::inventory_json(&view.hosts, &view.endpoints, &view.encrypted);
        let wall_seconds = clock::monotone().duration_since(self.began).as_secs_f64();
        let written = [
            spool_fault.map_or(Ok(()), Err),
            transactions,
            folder.write_json("inventory.json", &document),
            output::documents(folder, &view),
            folder.write_json("review.json", &Report::of(&view, &self.name, &self.sources)),
            folder.write("seeds.jsonl", |out| {
                let seeds = tapline_review::seeds_of(view.endpoints.iter().map(AsRef::as_ref));
                out.write_all(tapline_review::json_lines(&seeds).as_bytes())
            }),
            folder.write("findings.jsonl", |out| lifecycle.write_jsonl(out).map(drop)),
            self.metrics(&view).and_then(|text| {
                folder.write("metrics.prom", |out| out.write_all(text.as_bytes()))
            }),
            // Last: who waits for it finds everything else in place.
            folder.write_json("summary.json", &output::summary(&view, wall_seconds)),
        ];
        written.into_iter().collect()
    }

    /// One line per record, in order.
    fn write_lines(
        &self,
        spool: Spool,
        inventory: &Inventory,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let new_lines = || Lines::new(inventory);
        if let Some(makers) = NonZeroUsize::new(self.shared.workers.saturating_sub(1)) {
            return write_ahead(spool, makers, new_lines, out);
        }
        write_lines(spool, new_lines(), out)
    }

    /// Ends delivery and pages, within the time they have.
    pub(crate) fn finish(self) {
        self.stop.stop();
        let Self { tokio, told: Told { notifier, prevention, evidence, .. }, pages, .. } = self;
        if let Some(evidence) = evidence {
            evidence.finish();
        }
        tokio.block_on(async {
            if let Some(notifier) = notifier {
                notifier.shutdown(DRAIN).await;
            }
            if let Some(prevention) = prevention {
                prevention.shutdown(DRAIN).await;
            }
            if let Some(pages) = pages
                && tokio::time::timeout(DRAIN, pages).await.is_err()
            {
                tracing::warn!("a request to the pages was still under way at the end");
            }
        });
        tokio.shutdown_timeout(Duration::from_secs(1));
    }

    fn metrics(&self, view: &View) -> Result<String, Failure> {
        self.exporter
            .render(view, &self.runtime.facts())
            .map_err(|error| Failure::new(SOFTWARE, format!("metrics.prom: {error}")))
    }
}

/// Whom findings are told to.
#[derive(Clone)]
struct Told {
    /// What operators say of findings.
    board: Board,
    notifier: Option<Arc<Notifier>>,
    prevention: Option<Arc<Prevention>>,
    /// The packets behind findings.
    evidence: Option<Arc<Evidence>>,
}

impl Told {
    /// # Errors
    /// When somebody cannot be addressed.
    fn start(plan: &Plan, published: &Published, tokio: &Tokio) -> Result<Self, Failure> {
        let board = Board::default();
        Ok(Self {
            notifier: notifier(plan, &board, tokio)?,
            prevention: Prevention::start(plan, published, &board, tokio.handle())?,
            evidence: Evidence::start(plan, published, &board)?,
            board,
        })
    }

    /// Opens the desk, and adds to what pages read who may be blocked and what was said.
    ///
    /// # Errors
    /// When the desk cannot be opened.
    fn pages(&self, plan: &Plan, published: &Published, shown: State) -> Result<State, Failure> {
        let Self { notifier, prevention, board, .. } = self.clone();
        let view = Arc::clone(&published.view);
        let concerned: Concerned = Box::new(move |verdicts| {
            if let Some(notifier) = &notifier {
                notifier.review();
            }
            if let Some(prevention) = &prevention {
                prevention.review(verdicts, &view.load());
            }
        });
        // What is said while a capture is looked at concerns nobody else.
        let folder = (plan.mode == Mode::Live).then_some(plan.settings.sensor.state_dir.as_path());
        let rules = plan.rules.clone();
        let opened = Desk::open(folder, board.clone(), rules.clone(), concerned)?;
        let Opened { desk, fault } = opened;
        let templates = templates(&rules, &desk);
        let health = shown.health;
        Ok(State {
            prevention: self.prevention.as_ref().map(|prevention| tapline_web::Prevention {
                reader: prevention.reader(),
                api_key: plan.settings.prevention.api_key.clone(),
            }),
            triage: Some(Triage {
                verdicts: Arc::new(move || (board.verdicts(), clock::timestamp())),
                order: Arc::new(move |order| desk.order(order)),
                form_key: key_file::random()?,
            }),
            templates: Some(templates),
            packets: self.evidence.as_ref().map(|evidence| evidence.packets()),
            health: Arc::new(move || {
                let mut health = health();
                health.reasons.extend(fault.clone());
                health.reasons.extend(rules.fault());
                health
            }),
            ..shown
        })
    }
}

/// What pages and API read of path templates, and say of them.
fn templates(rules: &Rules, desk: &Desk) -> Templates {
    let (all, of, desk) = (rules.clone(), rules.clone(), desk.clone());
    Templates {
        rules: Arc::new(move || all.list()),
        of: Arc::new(move |one| of.of(&one.host, &one.method, &one.template)),
        order: Arc::new(move |order| desk.rule(order)),
    }
}

/// Sends new settings to the merge on SIGHUP; a bad file changes nothing. What operators said of path
/// templates stays.
pub(crate) fn reloader(
    load: impl Fn() -> Result<Settings, Failure> + Send + Sync + 'static,
    runtime: Arc<Runtime>,
    running: Arc<Settings>,
    level: crate::logging::LevelHandle,
    rules: Rules,
) -> impl Fn() + Send + Sync + 'static {
    let load = move || {
        let settings = load()?;
        documents::load(&settings).map(|documents| (settings, documents))
    };
    move || match load() {
        Err(failure) => {
            tracing::error!("the configuration is refused and the old one stays: {failure}");
            runtime.reloaded(None);
        }
        Ok((settings, documents)) => {
            if let Err(error) = level.reload(crate::logging::level_of(&settings.log)) {
                tracing::warn!("the log level stays as it is: {error}");
            }
            runtime.reloaded(Some(&settings));
            let Some(in_force) = rules.reload(settings, documents) else { return };
            for part in tapline_config::needs_restart(&running, &in_force) {
                tracing::warn!("{part}: the new value takes effect at the next start");
            }
            tracing::info!("the new configuration is in force");
        }
    }
}

fn notifier(plan: &Plan, board: &Board, tokio: &Tokio) -> Result<Option<Arc<Notifier>>, Failure> {
    let settings = &plan.settings;
    if !plan.push || settings.alert.alertmanagers.is_empty() {
        return Ok(None);
    }
    let board = board.clone();
    let quiet: Quiet = Arc::new(move |finding| board.is_quiet(finding));
    Notifier::start(&settings.alert, &settings.sensor.name, clock::now, quiet, tokio.handle())
        .map(|notifier| Some(Arc::new(notifier)))
        .map_err(|error| Failure::new(CONFIG, error.to_string()))
}

fn shared(plan: &Plan, evidence: Option<Arc<Evidence>>) -> Arc<Shared> {
    let record = plan.out.as_ref().map(|_| RecordRule { raw_targets: plan.raw_targets });
    let sensor = plan.key.text_hash(plan.settings.sensor.name.as_bytes());
    Arc::new(Shared {
        settings: Arc::new(plan.settings.clone()),
        documents: Arc::clone(&plan.documents),
        key: plan.key.clone(),
        identity: Identity { sensor, incarnation: plan.incarnation },
        workers: plan.workers,
        feedback_rule: match plan.mode {
            Mode::Replay => FeedbackRule::Exact,
            Mode::Live => FeedbackRule::Newest,
        },
        board: FeedbackBoard::default(),
        evidence,
        record,
    })
}

fn state(
    plan: &Plan,
    published: &Published,
    exporter: &Arc<Exporter>,
    runtime: &Arc<Runtime>,
    analysing: &Arc<AtomicBool>,
) -> State {
    let (exporter, facts) = (Arc::clone(exporter), Arc::clone(runtime));
    let (view, analysing) = (Arc::clone(&published.view), Arc::clone(analysing));
    let mode = plan.mode;
    State {
        view: Arc::clone(&published.view),
        endpoints: Arc::clone(&published.endpoints),
        metrics: Arc::new(move |view: &View| {
            exporter.render(view, &facts.facts()).map_err(|error| error.to_string())
        }),
        prevention: None,
        triage: None,
        templates: None,
        packets: None,
        health: Arc::new(move || health(mode, analysing.load(Ordering::Relaxed), &view.load())),
        sensor: SensorInfo {
            name: plan.settings.sensor.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode,
            sources: plan.sources.clone(),
            external_url: plan.settings.alert.external_url.clone(),
        },
    }
}

/// Live: ready once the first epoch has been merged, and as long as epochs keep coming. A replay is
/// ready as soon as it runs.
fn health(mode: Mode, analysing: bool, view: &View) -> Health {
    const STALE_NANOS: u64 = 15_000_000_000;
    let mut reasons = Vec::new();
    if !analysing {
        reasons.push("the capture has not started".to_owned());
    } else if mode == Mode::Live && !view.ended {
        let age_nanos = clock::timestamp().nanos_since(view.now);
        if view.stats == Stats::default() && view.now.nanos() == 0 {
            reasons.push("the first epoch has not been merged".to_owned());
        } else if age_nanos > STALE_NANOS {
            reasons.push(format!("nothing was merged for {} seconds", age_nanos / 1_000_000_000));
        }
    }
    let ready = reasons.is_empty();
    let (down, heard): (Vec<&SourceView>, _) = view.sources.iter().partition(|source| source.down);
    let mut names: Vec<&str> = down.iter().map(|source| source.name.as_str()).collect();
    names.dedup();
    reasons.extend(names.into_iter().map(|name| format!("{name}: the interface is down")));
    // What is still heard is worth having.
    Health { ready: ready && (down.is_empty() || !heard.is_empty()), reasons }
}

fn serve(
    tokio: &Tokio,
    listener: TcpListener,
    settings: &Settings,
    state: State,
    stop: &Stop,
) -> Result<JoinHandle<()>, Failure> {
    let inside = tokio.enter();
    let listener = tokio::net::TcpListener::from_std(listener)
        .map_err(|error| Failure::io("the listener of the pages", &error))?;
    drop(inside);
    let config = settings.web.clone();
    let stopped = stop.stopped();
    Ok(tokio.spawn(async move {
        if let Err(error) = tapline_web::serve(&config, listener, state, stopped).await {
            tracing::error!("{error}");
        }
    }))
}

/// The sensor's own sockets, so that it does not watch itself.
fn own_sockets(plan: &Plan) -> Vec<SocketAddr> {
    let mut own: Vec<SocketAddr> =
        plan.listener.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    if plan.mode == Mode::Live {
        let settings = &plan.settings;
        let alertmanagers = settings.alert.alertmanagers.iter().map(|one| &one.url);
        let receivers = alertmanagers.chain(settings.prevention.webhook_url.as_ref());
        for url in receivers {
            match tapline_config::host_and_port(url).to_socket_addrs() {
                Ok(addresses) => own.extend(addresses),
                Err(error) => tracing::warn!(
                    "{url} is not found now, so pushes to it are analysed as traffic: {error}"
                ),
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_hears_a_part_is_ready_and_says_what_it_does_without() {
        let of = |down: &[bool]| {
            let sources = down.iter().zip(["eth1", "eth1", "eth2"]).map(|(&down, name)| {
                SourceView { name: name.to_owned(), down, ..SourceView::default() }
            });
            let now = clock::timestamp();
            health(Mode::Live, true, &View { now, sources: sources.collect(), ..View::default() })
        };
        let (all, none) = (of(&[false; 3]), of(&[true; 3]));
        assert!(all.ready && all.reasons.is_empty());
        assert!(!none.ready);
        assert_eq!(none.reasons, ["eth1: the interface is down", "eth2: the interface is down"]);
        let half = of(&[true, true, false]);
        assert!(half.ready);
        assert_eq!(half.reasons, ["eth1: the interface is down"]);
    }
}
