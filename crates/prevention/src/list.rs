//! Who is on the list: entries that come with findings and go with time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tapline_model::{Finding, FindingKind, FindingState, Timestamp};

use crate::never::Never;
use crate::{Config, Ended, Entry, Reason, Subject};

/// Findings named with one entry.
const REASONS_MAX: usize = 8;
/// Entries that are remembered after their end.
const ENDED_MAX: usize = 4_096;
/// How long they are: a reader that asks less often than this may keep one too long.
const ENDED_NANOS: u64 = 3_600 * 1_000_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MINUTE: u64 = 60 * NANOS_PER_SECOND;

/// Why somebody was not put on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address is in a network that is never listed.
    Never,
    /// There were as many new entries in this minute as may be.
    Rate,
    /// The list is full.
    Full,
}

impl Refusal {
    /// Every refusal, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Never, Self::Rate, Self::Full];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Rate => "rate",
            Self::Full => "full",
        }
    }
}

/// What became of entries, since start: `listed = entries + expired + withdrawn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Put on the list.
    pub listed: u64,
    /// Taken off because their time was over.
    pub expired: u64,
    /// Taken off because an operator judged otherwise.
    pub withdrawn: u64,
    /// Not put on the list, by [`Refusal`]; somebody whose finding holds is refused again and again.
    pub refused: [u64; Refusal::ALL.len()],
}

/// The list of one sensor. Time arrives with findings and questions.
#[derive(Debug)]
pub struct List {
    config: Config,
    never: Never,
    now: Timestamp,
    entries: BTreeMap<Subject, Entry>,
    ends: BTreeSet<(Timestamp, Subject)>,
    /// Oldest first.
    ended: VecDeque<Ended>,
    next_id: u64,
    /// The minute that `new_in_minute` counts.
    minute: u64,
    new_in_minute: u32,
    counts: Counts,
}

impl List {
    /// Nobody.
    pub fn new(config: Config) -> Self {
        Self {
            never: Never::new(&config.never),
            config,
            now: Timestamp::ZERO,
            entries: BTreeMap::new(),
            ends: BTreeSet::new(),
            ended: VecDeque::new(),
            next_id: 1,
            minute: 0,
            new_in_minute: 0,
            counts: Counts::default(),
        }
    }

    /// Whether a finding may put anybody on the list: it blames somebody, and is bad and sure enough.
    ///
    /// An endpoint that fails is nobody's fault: without a consumer, the addresses of a finding are
    /// those of its victims.
    pub fn may_list(&self, finding: &Finding) -> bool {
        let config = &self.config;
        finding.kind == FindingKind::Behaviour
            && finding.state == FindingState::Open
            && finding.consumer.is_some()
            && finding.severity >= config.severity_min
            && finding.confidence >= config.confidence_min
            && (config.detections.is_empty() || config.detections.contains(&finding.detection))
    }

    /// Takes a finding that was opened or still holds. `by_address` says that its consumer is known by
    /// its address alone. Returns who is new on the list.
    pub fn note(&mut self, finding: &Finding, by_address: bool) -> Vec<Subject> {
        self.tick(finding.last_seen);
        if !self.may_list(finding) {
            return Vec::new();
        }
        let mut subjects = Vec::new();
        if !by_address {
            subjects.extend(finding.consumer.map(Subject::Consumer));
        }
        if by_address || self.config.addresses_of_credentials {
            let addresses = finding.client_addresses.iter();
            subjects.extend(addresses.map(|address| Subject::Address(address.to_canonical())));
        }
        let until =
            finding.last_seen.plus_nanos(u64::from(self.config.entry_seconds) * NANOS_PER_SECOND);
        // What comes too late to be still on the list was never on it.
        if until <= self.now {
            return Vec::new();
        }
        subjects.retain(|&subject| self.put(subject, finding, until));
        subjects
    }

    /// Takes off whose time is over. Time never goes back.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some(&(until, subject)) = self.ends.first()
            && until <= self.now
        {
            self.ends.pop_first();
            if let Some(entry) = self.entries.remove(&subject) {
                self.counts.expired += 1;
                self.remember(entry, until);
            }
        }
        while let Some(oldest) = self.ended.front()
            && (self.ended.len() > ENDED_MAX || self.now.nanos_since(oldest.ended) > ENDED_NANOS)
        {
            self.ended.pop_front();
        }
    }

    /// Takes back what findings were a reason for that do not stand any more. Who has no reason left
    /// is taken off.
    pub fn withdraw(&mut self, stands: &dyn Fn(&str) -> bool) {
        let mut gone = Vec::new();
        for (&subject, entry) in &mut self.entries {
            entry.reasons.retain(|reason| stands(&reason.finding));
            if entry.reasons.is_empty() {
                gone.push(subject);
            }
        }
        for subject in gone {
            if let Some(entry) = self.entries.remove(&subject) {
                self.ends.remove(&(entry.until, subject));
                self.counts.withdrawn += 1;
                self.remember(entry, self.now);
            }
        }
    }

    /// Who is on the list, addresses first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Who was on the list within the last hour and is not now, oldest end first.
    pub fn ended(&self) -> impl Iterator<Item = &Ended> {
        self.ended.iter().filter(|ended| !self.entries.contains_key(&ended.entry.subject))
    }

    /// What became of entries.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The latest time it was told.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts somebody on the list, or keeps them there; whether they are new on it.
    fn put(&mut self, subject: Subject, finding: &Finding, until: Timestamp) -> bool {
        if let Some(entry) = self.entries.get_mut(&subject) {
            if until > entry.until {
                self.ends.remove(&(entry.until, subject));
                self.ends.insert((until, subject));
                entry.until = until;
            }
            let known = entry.reasons.iter_mut().find(|reason| reason.finding == finding.id);
            if let Some(reason) = known {
                *reason = Reason::of(finding);
            } else if entry.reasons.len() < REASONS_MAX {
                entry.reasons.push(Reason::of(finding));
            }
            return false;
        }
        if let Some(refusal) = self.refusal(subject) {
            if let Some(count) = self.counts.refused.get_mut(refusal as usize) {
                *count += 1;
            }
            return false;
        }
        let entry = Entry {
            id: self.next_id,
            subject,
            kind: subject.kind(),
            since: self.now,
            until,
            reasons: vec![Reason::of(finding)],
        };
        self.next_id += 1;
        self.new_in_minute += 1;
        self.counts.listed += 1;
        self.ends.insert((until, subject));
        self.entries.insert(subject, entry);
        true
    }

    fn refusal(&mut self, subject: Subject) -> Option<Refusal> {
        let minute = self.now.nanos() / NANOS_PER_MINUTE;
        if minute != self.minute {
            self.minute = minute;
            self.new_in_minute = 0;
        }
        let entries_max = usize::try_from(self.config.entries_max).unwrap_or(usize::MAX);
        match subject {
            Subject::Address(address) if self.never.contains(address) => Some(Refusal::Never),
            _ if self.entries.len() >= entries_max => Some(Refusal::Full),
            _ if self.new_in_minute >= self.config.new_per_minute_max => Some(Refusal::Rate),
            _ => None,
        }
    }

    fn remember(&mut self, entry: Entry, ended: Timestamp) {
        self.ended.push_back(Ended { entry, ended });
        while self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
