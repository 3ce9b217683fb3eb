//! The desk where operators' orders are carried out, one after the other: the only way from the
//! pages to anything that changes.
//!
//! Pages and API hand over an [`Order`] or a [`RuleOrder`] and wait for the answer. The desk's thread
//! keeps the verdicts, writes them down before they hold, and tells whom it concerns; what is said of
//! path templates it hands on to the [`Rules`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use tapline_alert::Triage;
use tapline_model::{Finding, Order, OrderError, RuleOrder, RuleView, Verdicts};

use crate::exit::{Failure, SOFTWARE};
use crate::rules::{Carried, Rules};
use crate::{clock, kept};

/// The name of the file inside the state directory.
const NAME: &str = "verdicts.json";
/// What the file may hold: far more than as many verdicts as there can be.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Orders that wait.
const ORDERS_MAX: usize = 16;
/// How long somebody waits for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The verdicts that hold, for whoever has to look at one.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<ArcSwap<Verdicts>>);

impl Board {
    /// Every verdict.
    pub(crate) fn verdicts(&self) -> Arc<Verdicts> {
        self.0.load_full()
    }

    /// Whether nobody is to be told of a finding now.
    pub(crate) fn is_quiet(&self, finding: &Finding) -> bool {
        self.0.load().is_quiet(finding, clock::timestamp())
    }
}

/// Takes orders.
#[derive(Clone)]
pub(crate) struct Desk {
    orders: Sender<Asked>,
}

/// An order, and where its answer goes.
enum Asked {
    Verdict(Order, Answer<()>),
    Rule(RuleOrder, Answer<Carried>),
}

type Answer<T> = Sender<Result<T, OrderError>>;

/// Whom it concerns that verdicts have changed.
pub(crate) type Concerned = Box<dyn Fn(&Verdicts) + Send>;

/// The desk as it opens, and what is wrong with what was kept.
pub(crate) struct Opened {
    pub(crate) desk: Desk,
    /// For people; none when all is well.
    pub(crate) fault: Option<String>,
}

impl Desk {
    /// Opens the desk. What is decided is written to `folder`; without one it lasts as long as the
    /// process.
    ///
    /// A file that cannot be read is set aside and reported: a sensor without its verdicts alerts too
    /// much, one that does not start alerts of nothing.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn open(
        folder: Option<&Path>,
        board: Board,
        rules: Rules,
        concerned: Concerned,
    ) -> Result<Opened, Failure> {
        let path = folder.map(|folder| folder.join(NAME));
        let (triage, fault) = match path.as_deref().map(read) {
            None => (Triage::default(), None),
            Some(Ok(triage)) => (triage, None),
            Some(Err(fault)) => {
                tracing::error!("{fault}");
                (Triage::default(), Some(fault))
            }
        };
        board.0.store(Arc::new(triage.verdicts()));
        let (orders, incoming) = bounded(ORDERS_MAX);
        std::thread::Builder::new()
            .name("desk".to_owned())
            .spawn(move || {
                let counter = Counter { triage, path, board, concerned };
                serve(counter, &rules, &incoming);
            })
            .map_err(|error| Failure::new(SOFTWARE, format!("cannot start the desk: {error}")))?;
        Ok(Opened { desk: Self { orders }, fault })
    }

    /// Hands over an order and waits until it was carried out.
    ///
    /// # Errors
    /// Why it was not.
    pub(crate) fn order(&self, order: Order) -> Result<(), OrderError> {
        self.ask(|answer| Asked::Verdict(order, answer))
    }

    /// The same for what is said of path templates; gives the rule that was put or removed. Who asks
    /// waits until readers see what came of it: the desk serves others meanwhile.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub(crate) fn rule(&self, order: RuleOrder) -> Result<Arc<RuleView>, OrderError> {
        self.ask(|answer| Asked::Rule(order, answer)).map(Carried::wait)
    }

    fn ask<T>(&self, asked: impl FnOnce(Answer<T>) -> Asked) -> Result<T, OrderError> {
        let busy = || OrderError::Unavailable("the sensor is busy; try again".to_owned());
        let (answer, answered) = bounded(1);
        self.orders.try_send(asked(answer)).map_err(|_| busy())?;
        answered.recv_timeout(ANSWER_MAX).unwrap_or_else(|_| Err(busy()))
    }
}

/// Carries orders out until nobody can give any.
fn serve(mut counter: Counter, rules: &Rules, incoming: &Receiver<Asked>) {
    for asked in incoming {
        // Whoever asked may have gone.
        match asked {
            Asked::Verdict(order, answer) => drop(answer.try_send(counter.carry(&order))),
            Asked::Rule(order, answer) => drop(answer.try_send(rules.carry(&order))),
        }
    }
}

/// Where orders about findings are carried out.
struct Counter {
    triage: Triage,
    path: Option<PathBuf>,
    board: Board,
    concerned: Concerned,
}

impl Counter {
    /// # Errors
    /// Why it was not carried out; then nothing has changed.
    fn carry(&mut self, order: &Order) -> Result<(), OrderError> {
        let mut next = self.triage.clone();
        next.apply(order, clock::timestamp())?;
        if let Some(path) = &self.path {
            write(path, &next).map_err(|error| {
                let text = format!("{}: cannot be written: {error}", path.display());
                tracing::error!("{text}");
                OrderError::Unavailable(text)
            })?;
        }
        self.triage = next;
        let verdicts = Arc::new(self.triage.verdicts());
        self.board.0.store(Arc::clone(&verdicts));
        (self.concerned)(&verdicts);
        tracing::info!(verdicts = verdicts.all().len(), "an operator's order was carried out");
        Ok(())
    }
}

/// What was kept; nothing when there is no file.
fn read(path: &Path) -> Result<Triage, String> {
    let why = match kept::read(path, FILE_BYTES_MAX) {
        Err(error) => error.to_string(),
        Ok(None) => return Ok(Triage::default()),
        Ok(Some(bytes)) => match Triage::decode(&bytes) {
            Ok(triage) => return Ok(triage),
            Err(error) => error.to_string(),
        },
    };
    let aside: PathBuf = path.with_extension("json.unread");
    let kept = match fs::rename(path, &aside) {
        Ok(()) => format!("it is kept as {}", aside.display()),
        Err(error) => format!("it cannot be set aside either ({error}) and will be written over"),
    };
    Err(format!("{}: what operators said of findings is not known: {why}; {kept}", path.display()))
}

fn write(path: &Path, triage: &Triage) -> std::io::Result<()> {
    kept::write(path, &triage.encode()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use tapline_config::Settings;
    use tapline_model::{
        FindingKind, FindingState, Mappings, Measure, OrderKind, RuleChange, Severity, Timestamp,
    };

    use super::*;

    fn finding() -> Arc<Finding> {
        let measure = || Measure { value: 1.0, unit: String::new(), text: String::new() };
        Arc::new(Finding {
            id: "00000000000000aa".into(),
            detection: "path_scanner".into(),
            kind: FindingKind::Behaviour,
            severity: Severity::High,
            confidence: 1.0,
            state: FindingState::Open,
            title: String::new(),
            host: "shop.example".into(),
            endpoint: None,
            consumer: None,
            owner: None,
            client_addresses: Vec::new(),
            first_seen: Timestamp::ZERO,
            last_seen: Timestamp::ZERO,
            found_at: Timestamp::ZERO,
            normal: measure(),
            seen: measure(),
            probability: 0.0,
            lift: 1.0,
            mappings: Mappings::default(),
            evidence: Vec::new(),
        })
    }

    fn order(by: &str) -> Order {
        let what = OrderKind::FalsePositive(finding());
        Order { what, by: by.into(), comment: String::new() }
    }

    fn rules() -> Rules {
        Rules::fixed(Settings::default(), Arc::default())
    }

    fn open(folder: &Path) -> (Board, Opened) {
        let board = Board::default();
        let opened = Desk::open(Some(folder), board.clone(), rules(), Box::new(|_| {})).unwrap();
        (board, opened)
    }

    #[test]
    fn what_was_said_holds_after_a_restart_and_only_the_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let (board, opened) = open(folder.path());
        assert!(!board.is_quiet(&finding()));
        opened.desk.order(order("ada")).unwrap();
        assert!(board.is_quiet(&finding()));
        let (again, opened) = open(folder.path());
        assert!(again.is_quiet(&finding()) && opened.fault.is_none());
        let mode = fs::metadata(folder.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn whom_it_concerns_is_told_once_it_holds() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let board = Board::default();
        let (hears, looks) = (Arc::clone(&told), board.clone());
        let concerned: Concerned = Box::new(move |verdicts| {
            hears.lock().unwrap().push((verdicts.all().len(), looks.verdicts().all().len()));
        });
        let desk = Desk::open(None, board, rules(), concerned).unwrap().desk;
        desk.order(order("ada")).unwrap();
        assert!(matches!(desk.order(order("")), Err(OrderError::Refused(_))));
        assert_eq!(*told.lock().unwrap(), [(1, 1)]);
    }

    #[test]
    fn what_is_said_of_paths_goes_to_the_rules() {
        let desk = Desk::open(None, Board::default(), rules(), Box::new(|_| {})).unwrap().desk;
        let what = RuleChange::Put("{\"path\":\"/a\"}".to_owned());
        let order = RuleOrder { what, by: "ada".into(), comment: String::new() };
        assert!(matches!(desk.rule(order), Err(OrderError::Conflict(_))));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_reported_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), b"{\"version\":1,\"next").unwrap();
        let (board, opened) = open(folder.path());
        assert!(opened.fault.unwrap().contains("verdicts.json.unread"));
        assert_eq!(board.verdicts().all().len(), 0);
        opened.desk.order(order("ada")).unwrap();
        let kept = fs::read(folder.path().join("verdicts.json.unread")).unwrap();
        assert_eq!(kept, b"{\"version\":1,\"next");
    }

    #[test]
    fn what_cannot_be_written_down_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let (board, opened) = open(&gone);
        assert!(matches!(opened.desk.order(order("ada")), Err(OrderError::Unavailable(_))));
        assert!(!board.is_quiet(&finding()));
    }
}
