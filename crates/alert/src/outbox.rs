//! What one Alertmanager has yet to be told.

use std::collections::{BTreeMap, HashMap};
use std::mem;

use tapline_model::{AlertStats, DropReason};

use crate::notice::{Notice, NoticeKey};

/// A bounded queue that holds at most one notice of each alert: a newer state of an alert that waits
/// takes the older one's place, so an Alertmanager that was away learns what holds, not what held.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue_max: usize,
    /// By order of arrival.
    waiting: BTreeMap<u64, Notice>,
    places: HashMap<NoticeKey, u64>,
    in_flight: Vec<InFlight>,
    next_place: u64,
    stats: AlertStats,
}

#[derive(Debug)]
struct InFlight {
    place: u64,
    notice: Notice,
    /// What became of the alert while the notice was on its way.
    newer: Option<Notice>,
}

impl Outbox {
    /// An empty queue of at most `queue_max` notices, those on their way not counted.
    pub(crate) fn new(queue_max: usize) -> Self {
        Self {
            queue_max,
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            in_flight: Vec::new(),
            next_place: 0,
            stats: AlertStats::default(),
        }
    }

    /// Queues a notice; when the queue is full, the oldest one is dropped.
    pub(crate) fn push(&mut self, notice: Notice) {
        if let Some(sent) = self.in_flight.iter_mut().find(|sent| sent.notice.key == notice.key) {
            sent.newer = Some(notice);
            return;
        }
        let place = self.places.get(&notice.key).copied();
        if let Some(known) = place.and_then(|place| self.waiting.get_mut(&place)) {
            *known = notice;
            return;
        }
        self.stats.notifications.received += 1;
        let place = self.next_place;
        self.next_place += 1;
        self.place(place, notice);
        self.trim();
    }

    /// Counts notices that were given up before they were queued.
    pub(crate) fn refuse(&mut self, count: u64) {
        self.stats.notifications.received += count;
        self.stats.notifications.drop(DropReason::TableFull, count);
    }

    /// Sends the oldest notices on their way; there must be none on its way.
    pub(crate) fn take(&mut self, count_max: usize) -> impl Iterator<Item = &Notice> {
        debug_assert!(self.in_flight.is_empty(), "one push at a time");
        while self.in_flight.len() < count_max
            && let Some((place, notice)) = self.waiting.pop_first()
        {
            self.places.remove(&notice.key);
            self.in_flight.push(InFlight { place, notice, newer: None });
        }
        self.in_flight.iter().map(|sent| &sent.notice)
    }

    /// Those on their way were accepted.
    pub(crate) fn accepted(&mut self) {
        self.stats.pushes += 1;
        let sent = mem::take(&mut self.in_flight);
        self.stats.notifications.processed += count(sent.len());
        sent.into_iter().filter_map(|sent| sent.newer).for_each(|newer| self.push(newer));
    }

    /// Those on their way did not arrive; they wait again, in their old places.
    pub(crate) fn failed(&mut self) {
        self.stats.push_failures += 1;
        for sent in mem::take(&mut self.in_flight) {
            self.place(sent.place, sent.newer.unwrap_or(sent.notice));
        }
        self.trim();
    }

    /// Those on their way were refused for what they are; sending them again would not help.
    pub(crate) fn rejected(&mut self) {
        self.stats.push_failures += 1;
        let sent = mem::take(&mut self.in_flight);
        self.stats.notifications.drop(DropReason::Fault, count(sent.len()));
        sent.into_iter().filter_map(|sent| sent.newer).for_each(|newer| self.push(newer));
    }

    /// Its counters; the ledger balances.
    pub(crate) fn stats(&self) -> AlertStats {
        let mut stats = self.stats;
        stats.notifications.held = count(self.waiting.len() + self.in_flight.len());
        stats
    }

    fn place(&mut self, place: u64, notice: Notice) {
        self.places.insert(notice.key.clone(), place);
        self.waiting.insert(place, notice);
    }

    fn trim(&mut self) {
        while self.waiting.len() > self.queue_max {
            if let Some((_, notice)) = self.waiting.pop_first() {
                self.places.remove(&notice.key);
                self.stats.notifications.drop(DropReason::QueueFull, 1);
            }
        }
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::lifecycle::tests::finding;
    use crate::notice::Urgency;

    fn notice(subject: usize) -> Notice {
        Notice {
            key: NoticeKey::new(&subject.to_string().into(), Urgency::Info),
            urgency: Urgency::Info,
            finding: Arc::new(finding("scan", 1)),
            starts_at: SystemTime::UNIX_EPOCH,
            ended_at: None,
        }
    }

    fn ended(subject: usize) -> Notice {
        Notice { ended_at: Some(SystemTime::UNIX_EPOCH), ..notice(subject) }
    }

    fn taken(outbox: &mut Outbox) -> Vec<(String, bool)> {
        outbox
            .take(64)
            .map(|notice| (notice.key.subject.to_string(), notice.ended_at.is_some()))
            .collect()
    }

    #[test]
    fn the_oldest_is_dropped_first_and_counted() {
        let mut outbox = Outbox::new(2);
        (0..5).for_each(|subject| outbox.push(notice(subject)));
        assert_eq!(taken(&mut outbox), [("3".into(), false), ("4".into(), false)]);
        let ledger = outbox.stats().notifications;
        assert_eq!(ledger.dropped[DropReason::QueueFull as usize], 3);
        assert!(ledger.is_balanced(), "{ledger:?}");
    }

    #[test]
    fn a_waiting_alert_is_told_once_as_it_is_now() {
        let mut outbox = Outbox::new(9);
        outbox.push(notice(1));
        outbox.push(notice(2));
        outbox.push(ended(1));
        assert_eq!(taken(&mut outbox), [("1".into(), true), ("2".into(), false)]);
    }

    #[test]
    fn a_change_during_a_push_is_told_after_it() {
        let mut outbox = Outbox::new(9);
        outbox.push(notice(1));
        assert_eq!(taken(&mut outbox), [("1".into(), false)]);
        outbox.push(ended(1));
        outbox.accepted();
        assert_eq!(taken(&mut outbox), [("1".into(), true)]);
    }

    #[test]
    fn a_change_during_a_failed_push_takes_its_place() {
        let mut outbox = Outbox::new(9);
        outbox.push(notice(1));
        assert_eq!(taken(&mut outbox), [("1".into(), false)]);
        outbox.push(notice(2));
        outbox.push(ended(1));
        outbox.failed();
        assert_eq!(taken(&mut outbox), [("1".into(), true), ("2".into(), false)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_books_balance_and_the_bound_holds(steps in prop::collection::vec(0usize..12, 0..400)) {
            let mut outbox = Outbox::new(4);
            let mut on_their_way = false;
            for step in steps {
                match step {
                    0..8 => outbox.push(notice(step)),
                    8 if !on_their_way => on_their_way = outbox.take(3).next().is_some(),
                    9 if on_their_way => { outbox.accepted(); on_their_way = false; }
                    10 if on_their_way => { outbox.failed(); on_their_way = false; }
                    11 if on_their_way => { outbox.rejected(); on_their_way = false; }
                    _ => {}
                }
                let ledger = outbox.stats().notifications;
                prop_assert!(ledger.is_balanced(), "{:?}", ledger);
                prop_assert!(ledger.held <= 4 + 3);
                prop_assert_eq!(outbox.places.len(), outbox.waiting.len());
            }
        }
    }
}
