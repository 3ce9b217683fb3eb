//! The list, shared between who fills it and who reads it.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tapline_model::{ConsumerKey, Finding, Timestamp};

use crate::{Config, Counts, Ended, Entry, List, Subject};

/// Tells what time it is for the list.
type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;
/// The key of a consumer that is known by its address alone.
type KeyOf = Box<dyn Fn(IpAddr) -> ConsumerKey + Send + Sync>;

/// The list, with the only ways to change it.
pub struct Feed {
    list: Mutex<List>,
    dry_run: bool,
    clock: Clock,
    key_of: KeyOf,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

impl Feed {
    /// An empty list. `clock` tells the time of the list; `key_of` names the consumer that is known
    /// by an address alone.
    pub fn new(
        config: Config,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        key_of: impl Fn(IpAddr) -> ConsumerKey + Send + Sync + 'static,
    ) -> Arc<Self> {
        let dry_run = config.dry_run;
        let list = Mutex::new(List::new(config));
        Arc::new(Self { list, dry_run, clock: Box::new(clock), key_of: Box::new(key_of) })
    }

    /// Takes a finding that was opened or still holds; returns who is new on the list.
    pub fn note(&self, finding: &Finding) -> Vec<Subject> {
        let is = |address: &IpAddr| Some((self.key_of)(*address)) == finding.consumer;
        let mut list = self.list();
        // The hashes below are slow; most findings list nobody.
        if !list.may_list(finding) {
            return Vec::new();
        }
        let by_address = finding.client_addresses.iter().any(is);
        list.note(finding, by_address)
    }

    /// Takes back what findings were a reason for that do not stand any more.
    pub fn withdraw(&self, stands: &dyn Fn(&str) -> bool) {
        let mut list = self.list();
        list.tick((self.clock)());
        list.withdraw(stands);
    }

    /// Whether readers that could act are told of nobody.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What can only read it.
    pub fn reader(self: &Arc<Self>) -> Reader {
        Reader(Arc::clone(self))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // Every change of the list is whole before the next; a panic leaves at worst a count behind.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the list and cannot change it.
#[derive(Clone, Debug)]
pub struct Reader(Arc<Feed>);

impl Reader {
    /// The list as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let mut list = self.0.list();
        list.tick((self.0.clock)());
        Snapshot {
            now: list.now(),
            dry_run: self.0.dry_run,
            entries: list.entries().cloned().collect(),
            ended: list.ended().cloned().collect(),
            counts: list.counts(),
        }
    }
}

/// The list at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which.
    pub now: Timestamp,
    /// Nobody is to act on it.
    pub dry_run: bool,
    /// Who is on it, addresses first.
    pub entries: Vec<Entry>,
    /// Who was within the last hour and is not now.
    pub ended: Vec<Ended>,
    /// What became of entries, since start.
    pub counts: Counts,
}

impl Snapshot {
    /// Who is to be blocked: nobody in a dry run.
    pub fn blocked(&self) -> &[Entry] {
        if self.dry_run { &[] } else { &self.entries }
    }

    /// The addresses that are to be blocked, with how many seconds are left.
    pub fn blocked_addresses(&self) -> impl Iterator<Item = (IpAddr, u64, &Entry)> {
        self.blocked().iter().filter_map(|entry| match entry.subject {
            Subject::Address(address) => Some((address, entry.seconds_left(self.now), entry)),
            Subject::Consumer(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::tests::finding;

    fn feed(dry_run: bool, now: u64) -> Arc<Feed> {
        let config = Config { enabled: true, dry_run, ..Config::default() };
        // The last octet is the consumer.
        let key_of = |address| match address {
            IpAddr::V4(v4) => ConsumerKey(u64::from(v4.octets()[3])),
            IpAddr::V6(_) => ConsumerKey(0),
        };
        Feed::new(config, move || Timestamp::from_seconds(now), key_of)
    }

    #[test]
    fn who_is_known_by_address_is_listed_by_address_and_others_by_key() {
        let feed = feed(false, 0);
        feed.note(&finding(9, 1, &["203.0.113.9"]));
        feed.note(&finding(8, 1, &["203.0.113.7"]));
        let who: Vec<_> =
            feed.reader().snapshot().entries.iter().map(|one| one.subject.to_string()).collect();
        assert_eq!(who, ["203.0.113.9", "0000000000000008"]);
    }

    #[test]
    fn a_dry_run_shows_the_list_and_blocks_nobody() {
        let feed = feed(true, 0);
        feed.note(&finding(9, 1, &["203.0.113.9"]));
        let snapshot = feed.reader().snapshot();
        assert_eq!((snapshot.entries.len(), snapshot.blocked().len()), (1, 0));
        assert_eq!(snapshot.blocked_addresses().count(), 0);
    }

    #[test]
    fn reading_ends_what_is_over() {
        let feed = feed(false, 1_000_000);
        feed.note(&finding(9, 1, &["203.0.113.9"]));
        let snapshot = feed.reader().snapshot();
        assert_eq!((snapshot.entries.len(), snapshot.counts.expired), (0, 1));
    }
}
