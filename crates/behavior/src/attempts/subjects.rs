//! Whoever or whatever tries, or is tried, over a sliding window.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use tapline_model::{
    AttemptAnswer, AttemptKind, ConsumerKey, Epoch, Evidence, Finding, FindingState, Measure,
    Severity, Timestamp,
};
use tapline_sketch::SlidingKmv;

use super::{Place, Tried, Verdict, number_of};
use crate::baseline::population::Population;
use crate::bounded::Bounded;
use crate::detection::Detection;
use crate::number::real;
use crate::window::{Slots, Window};

/// Slots of a window.
const SLOTS: u64 = 10;
/// Different accounts, secrets and networks told apart exactly; beyond, they are estimated.
const EXACT_MAX: usize = 64;
/// Answers counted apart.
const ANSWERS_MAX: usize = 8;
/// Client addresses remembered.
const CLIENTS_MAX: usize = 10;
/// Refusals from which on a success of the same client is the prize of an attack.
const ATTACK_REFUSED_MIN: u64 = 8;
/// Ordinary subjects meet with 0.2 refused tries in a window, geometrically: eight are one in 10^6.
const PRIOR_MEAN: f64 = 0.2;
const PRIOR_MEAN_SQUARE: f64 = 0.28;

/// What was tried in a slot, or in the window. Repetitions count apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tries whose outcome is known.
    pub(crate) tries: u64,
    pub(crate) refused: u64,
    pub(crate) granted: u64,
    /// Of the refused, those at accounts that have been let in before.
    pub(crate) refused_known: u64,
    /// Successes of clients that had been refused many times.
    pub(crate) won: u64,
    pub(crate) repeated: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tries += other.tries;
        self.refused += other.refused;
        self.granted += other.granted;
        self.refused_known += other.refused_known;
        self.won += other.won;
        self.repeated += other.repeated;
    }

    /// Whether most who are refused are people who got in before: then it is the service that
    /// fails, and nobody guesses.
    pub(crate) const fn is_outage(&self) -> bool {
        self.refused_known * 2 > self.refused
    }
}

/// One subject.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) place: Arc<Place>,
    pub(crate) kind: AttemptKind,
    pub(crate) consumer: ConsumerKey,
    /// Of its first try.
    pub(crate) tool: u64,
    /// Of its first client.
    pub(crate) network: Option<IpAddr>,
    window: Window<Counts>,
    pub(crate) accounts: SlidingKmv<EXACT_MAX>,
    pub(crate) refused_accounts: SlidingKmv<EXACT_MAX>,
    pub(crate) refused_secrets: SlidingKmv<EXACT_MAX>,
    pub(crate) networks: SlidingKmv<EXACT_MAX>,
    pub(crate) tools: SlidingKmv<EXACT_MAX>,
    /// How it was answered, of a few answers, since the window was last empty.
    answers: BTreeMap<AttemptAnswer, u64>,
    pub(crate) clients: BTreeSet<IpAddr>,
    /// Since the window was last empty.
    pub(crate) since: Epoch,
    term: u64,
    reported: Option<u64>,
}

impl Subject {
    fn new(epoch: Epoch, term: u64, tried: &Tried<'_>) -> Self {
        Self {
            place: Arc::clone(tried.place),
            kind: tried.kind,
            consumer: tried.consumer,
            tool: tried.tool,
            network: tried.network(),
            window: Window::new(),
            accounts: SlidingKmv::new(),
            refused_accounts: SlidingKmv::new(),
            refused_secrets: SlidingKmv::new(),
            networks: SlidingKmv::new(),
            tools: SlidingKmv::new(),
            answers: BTreeMap::new(),
            clients: BTreeSet::new(),
            since: epoch,
            term,
            reported: None,
        }
    }

    /// The window, summed up.
    pub(crate) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.window.iter().for_each(|slot| sum.add(slot));
        sum
    }

    /// Of its answers, the share that is not like most of them.
    pub(crate) fn other_answers(&self) -> f64 {
        let all: u64 = self.answers.values().sum();
        let most = self.answers.values().max().copied().unwrap_or(0);
        real(all - most) / real(all.max(1))
    }

    fn slide(&mut self, oldest: u64, epoch: Epoch) {
        while self.window.pop_before(oldest).is_some() {}
        for sketch in [
            &mut self.accounts,
            &mut self.refused_accounts,
            &mut self.refused_secrets,
            &mut self.networks,
            &mut self.tools,
        ] {
            sketch.expire(oldest);
        }
        if self.window.iter().next().is_none() {
            self.clients.clear();
            self.answers.clear();
            self.since = epoch;
        }
    }

    fn add(&mut self, slot: u64, tried: &Tried<'_>) {
        if tried.place.endpoint.is_some() && self.place.id != tried.place.id {
            self.place = Arc::clone(tried.place);
        }
        if !tried.is_new {
            self.window.update(slot, |counts| counts.repeated += 1);
            return;
        }
        let refused_so_far = self.counts().refused;
        let is_attacker = tried.client.is_some_and(|client| self.clients.contains(&client));
        self.window.update(slot, |counts| {
            let is_granted = tried.verdict == Verdict::Granted;
            counts.tries += u64::from(tried.verdict != Verdict::Unknown);
            counts.granted += u64::from(is_granted);
            counts.refused += u64::from(tried.is_refused());
            counts.refused_known += u64::from(tried.is_refused() && tried.is_known);
            counts.won +=
                u64::from(is_granted && is_attacker && refused_so_far >= ATTACK_REFUSED_MIN);
        });
        self.accounts.insert(spread(tried.account), slot);
        self.tools.insert(spread(tried.tool), slot);
        if self.answers.len() < ANSWERS_MAX || self.answers.contains_key(&tried.answer) {
            *self.answers.entry(tried.answer).or_default() += 1;
        }
        if let Some(network) = tried.network() {
            self.networks.insert(spread(number_of(network)), slot);
        }
        if tried.is_refused() {
            if refused_so_far == 0 {
                self.consumer = tried.consumer;
            }
            self.refused_accounts.insert(spread(tried.account), slot);
            self.refused_secrets.insert(spread(tried.secret.into()), slot);
            if let Some(client) = tried.client.filter(|_| self.clients.len() < CLIENTS_MAX) {
                self.clients.insert(client);
            }
        } else if matches!(tried.kind, AttemptKind::Signup | AttemptKind::Lookup)
            && let Some(client) = tried.client.filter(|_| self.clients.len() < CLIENTS_MAX)
        {
            self.clients.insert(client);
        }
    }
}

/// Spreads a hash that may be short over all 64 bits.
pub(crate) fn spread(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// All subjects of one detection, and how the ordinary ones are.
#[derive(Debug)]
pub(crate) struct Subjects {
    slots: Slots,
    table: Bounded<u64, Subject>,
    population: Population,
    /// What is compared between subjects.
    measure: fn(&Subject) -> u64,
    /// In this epoch.
    touched: BTreeSet<u64>,
}

impl Subjects {
    /// None yet.
    pub(crate) fn new(
        window_seconds: u32,
        subjects_max: u32,
        measure: fn(&Subject) -> u64,
    ) -> Self {
        Self {
            slots: Slots::new(window_seconds, SLOTS),
            table: Bounded::new(subjects_max),
            population: Population::with_prior(PRIOR_MEAN, PRIOR_MEAN_SQUARE),
            measure,
            touched: BTreeSet::new(),
        }
    }

    /// Takes another window, which begins empty, and another bound.
    pub(crate) fn reconfigure(&mut self, window_seconds: u32, subjects_max: u32) {
        if self.slots != Slots::new(window_seconds, SLOTS) {
            *self = Self::new(window_seconds, subjects_max, self.measure);
        }
        self.table.set_max(subjects_max);
    }

    /// Seconds in the window.
    pub(crate) const fn seconds(&self) -> u64 {
        self.slots.seconds()
    }

    /// Counts a try for the subject `key`.
    pub(crate) fn note(&mut self, epoch: Epoch, key: u64, tried: &Tried<'_>) {
        let Self { slots, table, population, measure, touched } = self;
        let term = epoch.0 / slots.seconds();
        while table.make_room(key).is_some() {}
        let subject = table.touch(key, epoch, || Subject::new(epoch, term, tried));
        if subject.term != term {
            teach(subject, population, *measure);
            subject.term = term;
        }
        subject.slide(slots.oldest(epoch), epoch);
        subject.add(slots.at(epoch), tried);
        touched.insert(key);
    }

    /// A subject, if it is followed.
    pub(crate) fn get(&self, key: u64) -> Option<&Subject> {
        self.table.get(key)
    }

    /// Looks at every subject that tried, or was tried, in this epoch. `opinion` says whether it is
    /// a case: then it teaches nothing.
    pub(crate) fn judge(&mut self, mut opinion: impl FnMut(u64, &Subject, &Population) -> bool) {
        let Self { table, population, touched, .. } = self;
        for key in std::mem::take(touched) {
            if let Some(subject) = table.get_mut(key)
                && opinion(key, subject, population)
            {
                subject.reported = Some(subject.term);
            }
        }
    }

    /// Forgets subjects that have been quiet for a window.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        let oldest = self.slots.start(self.slots.oldest(epoch));
        while let Some(quiet) = self.table.pop_quiet(oldest) {
            teach(&quiet, &mut self.population, self.measure);
        }
    }
}

/// Lets the population learn from a subject as it was, unless it is or just was a case.
fn teach(subject: &Subject, population: &mut Population, measure: fn(&Subject) -> u64) {
    let is_suspect = subject.reported.is_some_and(|reported| reported + 1 >= subject.term);
    if !is_suspect {
        population.learn(measure(subject));
    }
}

/// What a detection says of a case; the rest is the same for all.
pub(crate) struct Case<'a> {
    pub(crate) detection: &'a Detection,
    pub(crate) subject: &'a Subject,
    pub(crate) epoch: Epoch,
    pub(crate) severity: Severity,
    /// Whether the case is the consumer's, or the endpoint's.
    pub(crate) is_of_consumer: bool,
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) normal: (f64, String),
    pub(crate) seen: (f64, String),
    pub(crate) probability: f64,
    pub(crate) evidence: Vec<(&'static str, String)>,
}

impl Case<'_> {
    /// The finding that the case makes.
    pub(crate) fn finding(self) -> Finding {
        let Self { detection, subject, normal, seen, .. } = self;
        let measure = |(value, text)| Measure { value, unit: self.unit.to_owned(), text };
        let counts = subject.counts();
        let mut evidence = vec![
            ("tries refused", counts.refused.to_string()),
            ("tries granted", counts.granted.to_string()),
            ("repetitions, not counted", counts.repeated.to_string()),
            ("accounts", subject.accounts.distinct().to_string()),
            ("networks", subject.networks.distinct().to_string()),
        ];
        evidence.extend(self.evidence);
        Finding {
            id: String::new(),
            detection: detection.id.to_owned(),
            kind: detection.kind,
            severity: self.severity,
            confidence: (1.0 - self.probability.max(1e-3) * 10.0).clamp(0.5, 0.99),
            state: FindingState::Open,
            title: self.title,
            host: subject.place.host.clone(),
            endpoint: subject.place.endpoint.clone(),
            consumer: self.is_of_consumer.then_some(subject.consumer),
            owner: None,
            client_addresses: subject.clients.iter().copied().collect(),
            first_seen: subject.since.start(),
            last_seen: self.epoch.start(),
            found_at: Timestamp::ZERO,
            lift: seen.0 / normal.0.max(1e-3),
            normal: measure(normal),
            seen: measure(seen),
            probability: self.probability,
            mappings: detection.mappings(),
            evidence: evidence
                .into_iter()
                .map(|(name, value)| Evidence { name: name.to_owned(), value })
                .collect(),
        }
    }
}

/// How a population is told of in a finding.
pub(crate) fn normal_of(population: &Population, what: &str, seconds: u64) -> (f64, String) {
    let expected = population.expected();
    let text = format!(
        "{:.2} {what} within {seconds} seconds, 999 in 1000 times at most {}; learned from {:.0} \
         windows",
        expected.mean(),
        expected.quantile(0.999),
        population.consumers(),
    );
    (expected.mean(), text)
}

/// The probability of so much or more in an ordinary subject.
pub(crate) fn probability_of(population: &Population, count: u64) -> f64 {
    libm::exp(population.expected().ln_at_least(count))
}

/// A share in percent.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    100.0 * real(part) / real(whole.max(1))
}
