//! From what detections say, epoch after epoch, to cases that open, change and are resolved.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use tapline_model::{Finding, FindingKind, FindingState, Timestamp};

use crate::tally::Tallies;
use crate::{Config, Event, Tally};

/// How many client addresses a case names.
const ADDRESSES_MAX: usize = 10;

/// What became of the findings that were pushed, since start:
/// `pushed = opened + updated + stale + refused` and `opened = open + resolved`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleCounts {
    /// Findings pushed by detections.
    pub pushed: u64,
    /// Those that opened a case.
    pub opened: u64,
    /// Those that held an open case.
    pub updated: u64,
    /// Those that told nothing new of a behaviour whose case is resolved.
    pub stale: u64,
    /// Those refused because `findings_open_max` cases were open.
    pub refused: u64,
    /// Cases resolved.
    pub resolved: u64,
    /// Resolved cases forgotten because of `findings_resolved_max`.
    pub forgotten: u64,
    /// Changes not announced because nobody fetched the ones before.
    pub events_dropped: u64,
}

/// The cases of one sensor. Time is capture time; equal pushes and ticks give equal cases.
///
/// Findings of one [`Finding::subject`] are one case while it is open. A case that has not been
/// pushed for `resolve_after_seconds` is resolved by the next tick; what is open at the end of a
/// capture stays open.
#[derive(Debug)]
pub struct Lifecycle {
    config: Config,
    now: Timestamp,
    open: BTreeMap<String, Case>,
    /// Subjects by when they last held.
    held: BTreeSet<(Timestamp, String)>,
    /// Oldest first.
    resolved: VecDeque<Arc<Finding>>,
    /// Ids of all the above.
    ids: BTreeSet<String>,
    events: Vec<Event>,
    /// How often the events were fetched.
    fetches: u64,
    tallies: Tallies,
    counts: LifecycleCounts,
}

#[derive(Debug)]
struct Case {
    finding: Arc<Finding>,
    held_at: Timestamp,
    /// Its event that was not fetched yet: between which fetches, and where in `events`.
    announced: Option<(u64, usize)>,
}

impl Lifecycle {
    /// No case.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            now: Timestamp::ZERO,
            open: BTreeMap::new(),
            held: BTreeSet::new(),
            resolved: VecDeque::new(),
            ids: BTreeSet::new(),
            events: Vec::new(),
            fetches: 0,
            tallies: Tallies::default(),
            counts: LifecycleCounts::default(),
        }
    }

    /// Takes what a detection found: opens a case, or holds the open one of the same subject.
    ///
    /// A behaviour that was seen last so long ago that its case would be resolved at once opens none:
    /// it is what is left of one that was.
    ///
    /// A case keeps the worst severity seen with the measures and the evidence of that moment, the
    /// earliest and the latest time, the first ten client addresses, and its owner: an Alertmanager
    /// knows it by that, too.
    pub fn push(&mut self, finding: Finding) {
        self.counts.pushed += 1;
        let subject = finding.subject();
        if self.open.contains_key(&subject) {
            self.counts.updated += 1;
            self.hold(&subject, finding);
        } else if self.is_stale(&finding) {
            self.counts.stale += 1;
        } else if self.open.len() >= at_most(self.config.findings_open_max) {
            self.counts.refused += 1;
        } else {
            self.counts.opened += 1;
            self.begin(subject, finding);
        }
    }

    fn is_stale(&self, finding: &Finding) -> bool {
        finding.kind == FindingKind::Behaviour
            && finding.last_seen.plus_nanos(self.wait_ns()) <= self.now
    }

    fn wait_ns(&self) -> u64 {
        u64::from(self.config.resolve_after_seconds) * 1_000_000_000
    }

    /// Resolves what has not been pushed for the resolve time. `now` is capture time.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let wait_ns = self.wait_ns();
        while let Some((held_at, _)) = self.held.first()
            && held_at.plus_nanos(wait_ns) <= self.now
        {
            if let Some((_, subject)) = self.held.pop_first() {
                self.resolve(&subject);
            }
        }
    }

    /// Takes new settings. Cases beyond a smaller `findings_open_max` stay.
    pub fn reconfigure(&mut self, config: Config) {
        self.config = config;
        self.forget();
    }

    /// What happened since the last call, in order. Several updates of one case between two calls
    /// are one event.
    pub fn drain_events(&mut self) -> Vec<Event> {
        self.fetches += 1;
        mem::take(&mut self.events)
    }

    /// Open cases, then resolved ones, the newest of each first; at most `count`.
    pub fn newest(&self, count: usize) -> Vec<Arc<Finding>> {
        let mut open: Vec<&Arc<Finding>> = self.open.values().map(|case| &case.finding).collect();
        open.sort_unstable_by(|one, other| {
            other.first_seen.cmp(&one.first_seen).then_with(|| one.id.cmp(&other.id))
        });
        open.into_iter().chain(self.resolved.iter().rev()).take(count).cloned().collect()
    }

    /// Writes every case that is kept as a line of JSON, in the order of first time and id. Returns
    /// how many lines there are.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_jsonl(&self, out: &mut dyn Write) -> io::Result<u64> {
        let mut all = self.newest(usize::MAX);
        all.sort_unstable_by(|one, other| {
            one.first_seen.cmp(&other.first_seen).then_with(|| one.id.cmp(&other.id))
        });
        let mut lines = 0;
        for finding in &all {
            serde_json::to_writer(&mut *out, finding.as_ref())?;
            out.write_all(b"\n")?;
            lines += 1;
        }
        Ok(lines)
    }

    /// Cases by detection, kind and severity.
    pub fn tallies(&self) -> Vec<Tally> {
        self.tallies.list()
    }

    /// What became of what was pushed.
    pub const fn counts(&self) -> LifecycleCounts {
        self.counts
    }

    fn begin(&mut self, subject: String, mut finding: Finding) {
        finding.state = FindingState::Open;
        finding.client_addresses.truncate(ADDRESSES_MAX);
        finding.id = self.new_id(&subject, finding.first_seen);
        self.ids.insert(finding.id.clone());
        self.tallies.opened(&finding);
        let held_at = finding.last_seen.max(self.now);
        finding.found_at = held_at;
        let finding = Arc::new(finding);
        let announced = self.announce(Event::Opened(Arc::clone(&finding)));
        self.held.insert((held_at, subject.clone()));
        self.open.insert(subject, Case { finding, held_at, announced });
    }

    fn hold(&mut self, subject: &str, push: Finding) {
        let Some(mut case) = self.open.remove(subject) else { return };
        let before = case.finding.severity;
        let held_at = case.held_at.max(push.last_seen).max(self.now);
        merge(Arc::make_mut(&mut case.finding), push);
        if case.finding.severity != before {
            self.tallies.moved(&case.finding, before);
        }
        self.held.remove(&(case.held_at, subject.to_owned()));
        self.held.insert((held_at, subject.to_owned()));
        case.held_at = held_at;
        let pending = case
            .announced
            .filter(|&(fetches, _)| fetches == self.fetches)
            .and_then(|(_, index)| self.events.get_mut(index));
        match pending {
            Some(Event::Opened(known) | Event::Updated(known) | Event::Resolved(known)) => {
                *known = Arc::clone(&case.finding);
            }
            None => case.announced = self.announce(Event::Updated(Arc::clone(&case.finding))),
        }
        self.open.insert(subject.to_owned(), case);
    }

    fn resolve(&mut self, subject: &str) {
        let Some(mut case) = self.open.remove(subject) else { return };
        self.counts.resolved += 1;
        self.tallies.resolved(&case.finding);
        Arc::make_mut(&mut case.finding).state = FindingState::Resolved;
        self.announce(Event::Resolved(Arc::clone(&case.finding)));
        self.resolved.push_back(case.finding);
        self.forget();
    }

    fn forget(&mut self) {
        while self.resolved.len() > at_most(self.config.findings_resolved_max) {
            if let Some(finding) = self.resolved.pop_front() {
                self.ids.remove(&finding.id);
                self.counts.forgotten += 1;
            }
        }
    }

    /// Queues an event. Whoever fetches after every tick loses none: there are at most one opening or
    /// update and one resolution of each case.
    fn announce(&mut self, event: Event) -> Option<(u64, usize)> {
        let events_max = at_most(self.config.findings_open_max).saturating_mul(2);
        if self.events.len() >= events_max {
            self.counts.events_dropped += 1;
            return None;
        }
        self.events.push(event);
        Some((self.fetches, self.events.len() - 1))
    }

    /// A hash of the subject and its first time; when a kept case has that id already, of their
    /// repetition as well.
    fn new_id(&self, subject: &str, first_seen: Timestamp) -> String {
        let mut repetition = 0u64;
        loop {
            let mut hasher = blake3::Hasher::new();
            hasher.update(subject.as_bytes());
            hasher.update(&[0]);
            hasher.update(&first_seen.nanos().to_be_bytes());
            hasher.update(&repetition.to_be_bytes());
            let mut first = [0u8; 8];
            hasher.finalize_xof().fill(&mut first);
            let id = format!("{:016x}", u64::from_be_bytes(first));
            if !self.ids.contains(&id) {
                return id;
            }
            repetition += 1;
        }
    }
}

fn at_most(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn merge(case: &mut Finding, push: Finding) {
    case.first_seen = case.first_seen.min(push.first_seen);
    case.last_seen = case.last_seen.max(push.last_seen);
    for address in &push.client_addresses {
        if case.client_addresses.len() < ADDRESSES_MAX && !case.client_addresses.contains(address) {
            case.client_addresses.push(*address);
        }
    }
    if how_bad(&push, case) == Ordering::Greater {
        case.severity = push.severity;
        case.confidence = push.confidence;
        case.title = push.title;
        case.normal = push.normal;
        case.seen = push.seen;
        case.probability = push.probability;
        case.lift = push.lift;
        case.mappings = push.mappings;
        case.evidence = push.evidence;
    }
}

/// By severity, then by how improbable it is, then by lift.
fn how_bad(one: &Finding, other: &Finding) -> Ordering {
    one.severity
        .cmp(&other.severity)
        .then_with(|| other.probability.total_cmp(&one.probability))
        .then_with(|| one.lift.total_cmp(&other.lift))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use tapline_model::{Mappings, Measure, Severity};

    use super::*;

    /// A finding of `detection` at a second of capture time.
    pub(crate) fn finding(detection: &str, second: u64) -> Finding {
        let measure = |value: f64, text: &str| Measure {
            value,
            unit: "requests/minute".into(),
            text: text.into(),
        };
        Finding {
            id: String::new(),
            detection: detection.into(),
            kind: FindingKind::Behaviour,
            severity: Severity::Medium,
            confidence: 0.9,
            state: FindingState::Open,
            title: "Something unusual".into(),
            host: "shop.example".into(),
            endpoint: None,
            consumer: None,
            owner: None,
            client_addresses: vec![Ipv4Addr::LOCALHOST.into()],
            first_seen: Timestamp::from_seconds(second),
            last_seen: Timestamp::from_seconds(second),
            found_at: Timestamp::ZERO,
            normal: measure(1.0, "1 request a minute."),
            seen: measure(90.0, "90 requests a minute."),
            probability: 1e-6,
            lift: 90.0,
            mappings: Mappings::default(),
            evidence: Vec::new(),
        }
    }

    fn lifecycle(change: impl FnOnce(&mut Config)) -> Lifecycle {
        let mut config = Config { resolve_after_seconds: 10, ..Config::default() };
        change(&mut config);
        Lifecycle::new(config)
    }

    fn kinds(events: &[Event]) -> Vec<&'static str> {
        events
            .iter()
            .map(|event| match event {
                Event::Opened(_) => "opened",
                Event::Updated(_) => "updated",
                Event::Resolved(_) => "resolved",
            })
            .collect()
    }

    #[test]
    fn a_case_opens_holds_and_is_resolved_once() {
        let mut cases = lifecycle(|_| {});
        let mut told = Vec::new();
        for second in 1..=5 {
            cases.push(finding("scan", second));
            cases.tick(Timestamp::from_seconds(second + 1));
            told.extend(cases.drain_events());
        }
        for second in 6..40 {
            cases.tick(Timestamp::from_seconds(second));
            told.extend(cases.drain_events());
        }
        assert_eq!(
            kinds(&told),
            ["opened", "updated", "updated", "updated", "updated", "resolved"]
        );
        let last = told.last().unwrap().finding();
        assert_eq!(last.state, FindingState::Resolved);
        assert_eq!(last.last_seen, Timestamp::from_seconds(5));
        assert_eq!((cases.open.len(), cases.counts().opened), (0, 1));
    }

    #[test]
    fn a_case_is_resolved_when_it_has_not_held_for_the_whole_time() {
        let mut cases = lifecycle(|_| {});
        cases.push(finding("scan", 100));
        cases.tick(Timestamp::from_nanos(110_000_000_000 - 1));
        assert_eq!(cases.open.len(), 1);
        cases.tick(Timestamp::from_seconds(110));
        assert_eq!(cases.open.len(), 0);
    }

    #[test]
    fn updates_between_two_fetches_are_one_event() {
        let mut cases = lifecycle(|_| {});
        cases.push(finding("scan", 1));
        cases.push(finding("scan", 2));
        cases.push(finding("scan", 3));
        let events = cases.drain_events();
        assert_eq!(kinds(&events), ["opened"]);
        assert_eq!(events[0].finding().last_seen, Timestamp::from_seconds(3));
        assert!(cases.drain_events().is_empty());
        cases.push(finding("scan", 4));
        assert_eq!(kinds(&cases.drain_events()), ["updated"]);
    }

    #[test]
    fn the_worst_is_kept_with_its_measures() {
        let mut cases = lifecycle(|_| {});
        cases.push(finding("scan", 1));
        let mut worse = finding("scan", 2);
        worse.severity = Severity::Critical;
        worse.title = "Something grave".into();
        worse.seen.value = 900.0;
        cases.push(worse);
        let mut calmer = finding("scan", 3);
        calmer.title = "Something small".into();
        cases.push(calmer);
        let case = &cases.newest(1)[0];
        assert_eq!((case.severity, case.title.as_str()), (Severity::Critical, "Something grave"));
        assert!((case.seen.value - 900.0).abs() < f64::EPSILON);
        assert_eq!(case.last_seen, Timestamp::from_seconds(3));
        let tallies: Vec<_> =
            cases.tallies().iter().map(|t| (t.severity, t.open, t.opened)).collect();
        assert_eq!(tallies, [(Severity::Medium, 0, 1), (Severity::Critical, 1, 0)]);
    }

    #[test]
    fn a_case_keeps_the_owner_that_it_was_opened_with() {
        let mut cases = lifecycle(|_| {});
        let of = |owner: &str, severity, second| Finding {
            owner: Some(owner.into()),
            severity,
            ..finding("scan", second)
        };
        cases.push(of("accounts", Severity::Medium, 1));
        cases.push(of("platform", Severity::Critical, 2));
        let case = &cases.newest(1)[0];
        assert_eq!((case.owner.as_deref(), case.severity), (Some("accounts"), Severity::Critical));
    }

    #[test]
    fn client_addresses_are_ten_at_most() {
        let mut cases = lifecycle(|_| {});
        for last in 0..200 {
            let mut push = finding("scan", 1);
            push.client_addresses =
                vec![IpAddr::from([10, 0, 0, last]), IpAddr::from([10, 0, 0, 0])];
            cases.push(push);
        }
        assert_eq!(cases.newest(1)[0].client_addresses.len(), 10);
    }

    #[test]
    fn old_news_of_a_behaviour_open_no_case() {
        let mut cases = lifecycle(|_| {});
        cases.push(finding("surge", 100));
        cases.tick(Timestamp::from_seconds(110));
        // Whoever found it still tells of it as it was.
        cases.push(finding("surge", 100));
        let (open, counts) = (cases.open.len(), cases.counts());
        assert_eq!((open, counts.opened, counts.resolved, counts.stale), (0, 1, 1, 1));
        cases.push(finding("surge", 101));
        assert_eq!(cases.open.len(), 1, "it has gone on");
        // How an API is built does not depend on when it was called.
        cases.push(Finding { kind: FindingKind::Posture, ..finding("posture", 1) });
        assert_eq!(cases.open.len(), 2);
    }

    #[test]
    fn a_case_that_opens_again_has_another_id() {
        let mut cases = lifecycle(|_| {});
        let mut ids = BTreeSet::new();
        for round in 1..=3 {
            let last_seen = Timestamp::from_seconds(round * 100 - 99);
            cases.push(Finding { last_seen, ..finding("scan", 1) });
            ids.insert(cases.newest(1)[0].id.clone());
            cases.tick(Timestamp::from_seconds(round * 100));
        }
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| id.len() == 16));
    }

    #[test]
    fn a_full_table_refuses_and_counts() {
        let mut cases = lifecycle(|config| {
            config.findings_open_max = 2;
            config.findings_resolved_max = 1;
        });
        for host in ["a", "b", "c", "d"] {
            cases.push(Finding { host: host.into(), ..finding("scan", 1) });
        }
        assert_eq!((cases.open.len(), cases.counts().refused), (2, 2));
        cases.tick(Timestamp::from_seconds(1_000));
        assert_eq!((cases.newest(9).len(), cases.counts().forgotten), (1, 1));
    }

    #[test]
    fn the_newest_come_first_and_open_ones_before_resolved_ones() {
        let mut cases = lifecycle(|_| {});
        for second in 1..=4 {
            cases.push(Finding { host: format!("h{second}"), ..finding("scan", second) });
        }
        cases.tick(Timestamp::from_seconds(12));
        let hosts: Vec<_> = cases.newest(9).iter().map(|case| case.host.clone()).collect();
        assert_eq!(hosts, ["h4", "h3", "h2", "h1"]);
        assert_eq!(cases.open.len(), 2);
    }

    #[test]
    fn lines_are_in_order_of_first_time_and_id() {
        let mut cases = lifecycle(|_| {});
        for second in [3, 1, 2, 1] {
            let host = format!("h{second}{}", cases.open.len());
            cases.push(Finding { host, ..finding("scan", second) });
        }
        let mut out = Vec::new();
        assert_eq!(cases.write_jsonl(&mut out).unwrap(), 4);
        let lines: Vec<Finding> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(lines.is_sorted_by_key(|line| (line.first_seen, line.id.clone())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_books_balance_and_bounds_hold(
            steps in prop::collection::vec((0u8..9, 0u64..60, any::<bool>()), 0..200),
        ) {
            let mut cases = lifecycle(|config| {
                config.findings_open_max = 4;
                config.findings_resolved_max = 3;
            });
            for (host, second, fetch) in steps {
                cases.push(Finding { host: host.to_string(), ..finding("scan", second) });
                cases.tick(Timestamp::from_seconds(second));
                if fetch {
                    cases.drain_events();
                }
                let counts = cases.counts();
                let left = counts.stale + counts.refused;
                prop_assert_eq!(counts.pushed, counts.opened + counts.updated + left);
                prop_assert_eq!(counts.opened, counts.resolved + cases.open.len() as u64);
                prop_assert!(cases.open.len() <= 4 && cases.resolved.len() <= 3);
                prop_assert!(cases.events.len() <= 8);
                prop_assert_eq!(cases.held.len(), cases.open.len());
                prop_assert_eq!(cases.ids.len(), cases.open.len() + cases.resolved.len());
                let open: u64 = cases.tallies().iter().map(|tally| tally.open).sum();
                prop_assert_eq!(open, cases.open.len() as u64);
            }
        }
    }
}
