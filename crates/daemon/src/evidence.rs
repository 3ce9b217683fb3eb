//! The packets behind findings: a ring at every source, and a vault on a thread of its own.
//!
//! ```text
//! finding -> Evidence -> Witness (in the source's thread) -> excerpt -> vault thread -> folder
//! ```
//!
//! Nobody waits for evidence while live traffic is captured: what finds a full queue is counted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use tapline_alert::Event;
use tapline_evidence::{Config, Excerpt, FrameRing, Kept, Request, Vault};
use tapline_model::{Finding, Frame, View};
use tapline_telemetry::EvidenceCounts;
use tapline_web::{Mode, PacketFile, PacketsFn};

use crate::desk::Board;
use crate::exit::{CONFIG, Failure, SOFTWARE};
use crate::pipeline::published::Published;
use crate::session::Plan;

/// Findings that wait at one source; it answers once a second.
const ASKED_MAX: usize = 64;
/// Excerpts that wait for the vault.
const EXCERPTS_MAX: usize = 16;
/// Findings that are known to have been asked for; of those before, another change asks again.
const KNOWN_MAX: usize = 4_096;
/// The folder inside the state directory or the output.
const FOLDER: &str = "evidence";
/// How often rings whose source has ended are asked.
const REST: Duration = Duration::from_millis(200);

/// Asks sources for the packets of findings, and has them kept.
pub(crate) struct Evidence {
    config: Config,
    /// In replay a source waits for the vault: it loses nothing by it.
    waits: bool,
    view: Arc<ArcSwap<View>>,
    board: Board,
    /// One for each source. Locked when a source starts and when a finding opens.
    sources: Mutex<Vec<Sender<Asked>>>,
    known: Mutex<Known>,
    inbox: Sender<Message>,
    tally: Arc<Tally>,
    files: Arc<ArcSwap<Files>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is kept, by the id of its finding.
type Files = HashMap<String, Vec<PacketFile>>;

/// Whose packets a source is asked for.
#[derive(Clone)]
struct Asked {
    first: Request,
    /// Whose instead, if it has none of those: a proxy may speak for clients.
    otherwise: Option<Request>,
}

/// What the vault's thread is told.
enum Message {
    Excerpt(Excerpt),
    /// A source has ended; its ring can still be asked.
    Ended(Box<Witness>),
    Finish,
}

/// Numbers for the metrics. For each finding and source one of the first five goes up.
#[derive(Default)]
struct Tally {
    kept: AtomicU64,
    empty: AtomicU64,
    queue_full: AtomicU64,
    failed: AtomicU64,
    /// As failed: the ring or the vault is gone.
    lost: AtomicU64,
    removed: AtomicU64,
    bytes: AtomicU64,
    /// Frames that no ring took.
    too_large: AtomicU64,
}

/// Findings by id, the last ones.
#[derive(Default)]
struct Known {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Known {
    fn note(&mut self, id: &str) {
        self.ids.insert(id.to_owned());
        self.order.push_back(id.to_owned());
        if self.order.len() > KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

impl Evidence {
    /// Opens the folder and starts the vault, if the settings ask for it.
    ///
    /// # Errors
    /// When the folder cannot be used, or the thread cannot be had.
    pub(crate) fn start(
        plan: &Plan,
        published: &Published,
        board: &Board,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let mut config = plan.settings.evidence.clone();
        if !config.enabled {
            return Ok(None);
        }
        let folder = config.folder.get_or_insert_with(|| default_folder(plan)).clone();
        let vault = Vault::open(&config)
            .map_err(|error| Failure::new(CONFIG, format!("evidence.folder: {error}")))?;
        tracing::info!("packets of findings are kept in {}", folder.display());
        let (inbox, incoming) = bounded(EXCERPTS_MAX);
        let tally = Arc::new(Tally::default());
        let files = Arc::default();
        let keeper = Keeper { vault, tally: Arc::clone(&tally), files: Arc::clone(&files) };
        keeper.tell();
        let thread = std::thread::Builder::new()
            .name("evidence".to_owned())
            .spawn(move || keeper.run(&incoming))
            .map_err(|error| Failure::new(SOFTWARE, format!("cannot start evidence: {error}")))?;
        Ok(Some(Arc::new(Self {
            config,
            waits: plan.mode == Mode::Replay,
            view: Arc::clone(&published.view),
            board: board.clone(),
            sources: Mutex::default(),
            known: Mutex::default(),
            inbox,
            tally,
            files,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// The end of one of so many sources, who share the memory.
    pub(crate) fn witness(&self, sources: usize) -> Box<Witness> {
        let sources = u64::try_from(sources.max(1)).unwrap_or(u64::MAX);
        let config = Config { ring_bytes: self.config.ring_bytes / sources, ..self.config.clone() };
        let (asked, asking) = bounded(ASKED_MAX);
        lock(&self.sources).push(asked);
        Box::new(Witness {
            ring: FrameRing::new(&config),
            asking,
            inbox: self.inbox.clone(),
            tally: Arc::clone(&self.tally),
            waits: self.waits,
            told_too_large: 0,
        })
    }

    /// Takes a change of a finding: the first time that it is bad enough, its packets are asked for.
    pub(crate) fn event(&self, event: &Event) {
        let (Event::Opened(finding) | Event::Updated(finding)) = event else { return };
        if finding.severity < self.config.severity_min || self.board.is_quiet(finding) {
            return;
        }
        let mut known = lock(&self.known);
        if known.ids.contains(&finding.id) {
            return;
        }
        let servers = servers_of(finding, &self.view.load());
        let Some(asked) = Asked::of(finding, &servers, &self.config) else { return };
        known.note(&finding.id);
        for source in lock(&self.sources).iter() {
            let lost = match source.try_send(asked.clone()) {
                Ok(()) => continue,
                Err(TrySendError::Full(_)) => &self.tally.queue_full,
                Err(TrySendError::Disconnected(_)) => &self.tally.lost,
            };
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// For pages and API.
    pub(crate) fn packets(&self) -> PacketsFn {
        let files = Arc::clone(&self.files);
        Arc::new(move |finding| files.load().get(finding).cloned().unwrap_or_default())
    }

    /// For the metrics.
    pub(crate) fn counts(&self) -> EvidenceCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        EvidenceCounts {
            kept: of(&self.tally.kept),
            empty: of(&self.tally.empty),
            queue_full: of(&self.tally.queue_full),
            failed: of(&self.tally.failed) + of(&self.tally.lost),
            removed: of(&self.tally.removed),
            bytes: of(&self.tally.bytes),
            too_large: of(&self.tally.too_large),
        }
    }

    /// Keeps what was asked for. All sources have ended, and no finding opens any more.
    pub(crate) fn finish(&self) {
        let Some(thread) = lock(&self.thread).take() else { return };
        if self.inbox.send(Message::Finish).is_err() || thread.join().is_err() {
            tracing::error!("the thread that keeps evidence has died: some is missing");
        }
    }
}

impl Asked {
    /// None when the finding names nobody whose packets could be found.
    fn of(finding: &Finding, servers: &[IpAddr], config: &Config) -> Option<Self> {
        let anybody = Finding { client_addresses: Vec::new(), ..finding.clone() };
        let of_servers = Request::of(&anybody, servers, config);
        match Request::of(finding, &[], config) {
            Some(first) => Some(Self { first, otherwise: of_servers }),
            None => of_servers.map(|first| Self { first, otherwise: None }),
        }
    }
}

/// The end of one source: its last frames, and what it is asked.
pub(crate) struct Witness {
    ring: FrameRing,
    asking: Receiver<Asked>,
    inbox: Sender<Message>,
    tally: Arc<Tally>,
    waits: bool,
    /// Of the frames that were too large, those that are counted already.
    told_too_large: u64,
}

impl Witness {
    /// Holds a frame between `ends`.
    #[inline]
    pub(crate) fn push(&mut self, frame: &Frame<'_>, ends: (IpAddr, IpAddr)) {
        self.ring.push(frame, ends);
    }

    /// Answers what was asked. To be called once an epoch.
    pub(crate) fn answer(&mut self) {
        let too_large = self.ring.counts().too_large;
        let told = std::mem::replace(&mut self.told_too_large, too_large);
        self.tally.too_large.fetch_add(too_large - told, Ordering::Relaxed);
        while let Some(excerpt) = self.next_excerpt() {
            let message = Message::Excerpt(excerpt);
            let lost = if self.waits {
                self.inbox.send(message).err().map(|_| &self.tally.lost)
            } else {
                self.inbox.try_send(message).err().map(|error| match error {
                    TrySendError::Full(_) => &self.tally.queue_full,
                    TrySendError::Disconnected(_) => &self.tally.lost,
                })
            };
            if let Some(lost) = lost {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The source has ended: whoever keeps evidence has the ring from now on.
    pub(crate) fn end(mut self: Box<Self>) {
        self.answer();
        let inbox = self.inbox.clone();
        if inbox.send(Message::Ended(self)).is_err() {
            tracing::error!("the thread that keeps evidence has died: some is missing");
        }
    }

    /// The next that is asked for and there is; what is not there is counted.
    fn next_excerpt(&self) -> Option<Excerpt> {
        loop {
            let asked = self.asking.try_recv().ok()?;
            let of_others = || asked.otherwise.as_ref().and_then(|it| self.ring.excerpt(it));
            if let Some(excerpt) = self.ring.excerpt(&asked.first).or_else(of_others) {
                return Some(excerpt);
            }
            self.tally.empty.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The vault, on its thread.
struct Keeper {
    vault: Vault,
    tally: Arc<Tally>,
    files: Arc<ArcSwap<Files>>,
}

impl Keeper {
    fn run(mut self, incoming: &Receiver<Message>) {
        let mut ended: Vec<Box<Witness>> = Vec::new();
        loop {
            let message = incoming.recv_timeout(REST);
            let is_last =
                matches!(message, Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected));
            match message {
                Ok(Message::Excerpt(excerpt)) => self.keep(&excerpt),
                Ok(Message::Ended(witness)) => ended.push(witness),
                Ok(Message::Finish) | Err(_) => {}
            }
            for witness in &ended {
                while let Some(excerpt) = witness.next_excerpt() {
                    self.keep(&excerpt);
                }
            }
            if is_last {
                return;
            }
        }
    }

    fn keep(&mut self, excerpt: &Excerpt) {
        match self.vault.keep(excerpt) {
            Ok(path) => tracing::info!(
                finding = excerpt.finding(),
                frames = excerpt.frames(),
                left_out = excerpt.left_out().size + excerpt.left_out().link_type,
                "the packets are kept in {}",
                path.display()
            ),
            Err(error) => {
                tracing::warn!(finding = excerpt.finding(), "the packets cannot be kept: {error}");
            }
        }
        self.tell();
    }

    /// Shows what is in the folder now.
    fn tell(&self) {
        let mut files = Files::new();
        for Kept { finding, name, bytes, .. } in self.vault.list() {
            files.entry(finding).or_default().push(PacketFile { name, bytes });
        }
        self.files.store(Arc::new(files));
        let counts = self.vault.counts();
        self.tally.kept.store(counts.kept, Ordering::Relaxed);
        self.tally.failed.store(counts.failed + counts.refused, Ordering::Relaxed);
        self.tally.removed.store(counts.removed, Ordering::Relaxed);
        self.tally.bytes.store(counts.bytes, Ordering::Relaxed);
    }
}

/// A replay leaves what it keeps with what it writes.
fn default_folder(plan: &Plan) -> PathBuf {
    match &plan.out {
        Some(out) if plan.mode == Mode::Replay => out.path().join(FOLDER),
        _ => plan.settings.sensor.state_dir.join(FOLDER),
    }
}

/// Whoever answers for the host of a finding.
fn servers_of(finding: &Finding, view: &View) -> Vec<IpAddr> {
    let host = view.hosts.iter().find(|host| host.host == finding.host);
    let servers = host.iter().flat_map(|host| &host.servers);
    servers.filter_map(|server| server.parse::<SocketAddr>().ok()).map(|it| it.ip()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
