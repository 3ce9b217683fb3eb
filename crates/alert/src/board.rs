//! What fires, what ended lately, and what each Alertmanager has yet to be told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use tapline_model::{AlertStats, Finding};

use crate::notice::{Notice, NoticeKey, Urgency};
use crate::outbox::Outbox;
use crate::{Config, Event};

/// The state behind all pushes. Times are wall-clock and arrive as arguments.
#[derive(Debug)]
pub(crate) struct Board {
    resolved_repeats: u32,
    firing_max: usize,
    ended_max: usize,
    firing: BTreeMap<NoticeKey, Notice>,
    /// Those of `firing` that nobody is told of.
    hushed: BTreeSet<NoticeKey>,
    /// Ended alerts by order of their end, with how often they are still to be sent.
    ended: BTreeMap<u64, (Notice, u32)>,
    /// Where in `ended` an alert is.
    ends: BTreeMap<NoticeKey, u64>,
    next_end: u64,
    outboxes: Vec<Outbox>,
}

impl Board {
    /// Nothing fires.
    pub(crate) fn new(config: &Config) -> Self {
        let at_most = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let queue_max = at_most(config.queue_max);
        Self {
            resolved_repeats: config.resolved_repeats.max(1),
            firing_max: at_most(config.findings_open_max).saturating_mul(Urgency::ALL.len()),
            ended_max: queue_max,
            firing: BTreeMap::new(),
            hushed: BTreeSet::new(),
            ended: BTreeMap::new(),
            ends: BTreeMap::new(),
            next_end: 0,
            outboxes: config.alertmanagers.iter().map(|_| Outbox::new(queue_max)).collect(),
        }
    }

    /// Queues what an event means for the Alertmanagers. That a case still holds is not news: it is
    /// told by the next [`Board::resend`].
    ///
    /// When a case becomes worse, the alert with the milder severity keeps firing beside the new one:
    /// ending it would read as if the matter were over. The shipped inhibition rule hides it.
    ///
    /// `quiet` says that nobody is to be told: the case is followed all the same.
    pub(crate) fn apply(&mut self, event: &Event, quiet: bool, now: SystemTime) {
        let finding = event.finding();
        let subject: Arc<str> = finding.subject().into();
        if let Event::Resolved(_) = event {
            for urgency in Urgency::ALL {
                let key = NoticeKey::new(&subject, urgency);
                let hushed = self.hushed.remove(&key);
                if let Some(mut notice) = self.firing.remove(&key)
                    && !hushed
                {
                    notice.finding = Arc::clone(finding);
                    self.end(notice, now);
                }
            }
            return;
        }
        let urgency = Urgency::of(finding.severity);
        for milder in Urgency::ALL.into_iter().filter(|&milder| milder <= urgency) {
            let key = NoticeKey::new(&subject, milder);
            if let Some(notice) = self.firing.get_mut(&key) {
                notice.finding = Arc::clone(finding);
            } else if milder == urgency {
                let finding = Arc::clone(finding);
                let notice = Notice { key, urgency, finding, starts_at: now, ended_at: None };
                self.fire(notice, quiet);
            }
        }
    }

    /// Queues everything that fires, and what ended and is to be repeated.
    pub(crate) fn resend(&mut self) {
        for (_, notice) in self.firing.iter().filter(|(key, _)| !self.hushed.contains(key)) {
            self.outboxes.iter_mut().for_each(|outbox| outbox.push(notice.clone()));
        }
        for (notice, repeats_left) in self.ended.values_mut() {
            *repeats_left = repeats_left.saturating_sub(1);
            self.outboxes.iter_mut().for_each(|outbox| outbox.push(notice.clone()));
        }
        let Self { ended, ends, .. } = self;
        ended.retain(|_, (notice, repeats_left)| {
            if *repeats_left == 0 {
                ends.remove(&notice.key);
            }
            *repeats_left > 0
        });
    }

    /// Ends the alerts that are to be told of no more, and begins those that are again.
    pub(crate) fn review(&mut self, is_quiet: &dyn Fn(&Finding) -> bool, now: SystemTime) {
        let changed: Vec<Notice> = self
            .firing
            .values()
            .filter(|notice| is_quiet(&notice.finding) != self.hushed.contains(&notice.key))
            .cloned()
            .collect();
        for notice in changed {
            if self.hushed.remove(&notice.key) {
                self.announce(&notice);
            } else {
                self.hushed.insert(notice.key.clone());
                self.end(notice, now);
            }
        }
    }

    /// The queue of one Alertmanager.
    pub(crate) fn outbox(&mut self, index: usize) -> Option<&mut Outbox> {
        self.outboxes.get_mut(index)
    }

    /// The counters of each Alertmanager, in the order of the settings.
    pub(crate) fn stats(&self) -> Vec<AlertStats> {
        self.outboxes.iter().map(Outbox::stats).collect()
    }

    fn fire(&mut self, notice: Notice, quiet: bool) {
        if self.firing.len() >= self.firing_max {
            self.outboxes.iter_mut().for_each(|outbox| outbox.refuse(1));
            return;
        }
        if quiet {
            self.hushed.insert(notice.key.clone());
        } else {
            self.announce(&notice);
        }
        self.firing.insert(notice.key.clone(), notice);
    }

    /// Tells that an alert fires; that it had ended is not repeated.
    fn announce(&mut self, notice: &Notice) {
        if let Some(end) = self.ends.remove(&notice.key) {
            self.ended.remove(&end);
        }
        self.outboxes.iter_mut().for_each(|outbox| outbox.push(notice.clone()));
    }

    fn end(&mut self, mut notice: Notice, now: SystemTime) {
        notice.ended_at = Some(now);
        self.outboxes.iter_mut().for_each(|outbox| outbox.push(notice.clone()));
        let repeats_left = self.resolved_repeats - 1;
        if repeats_left == 0 {
            return;
        }
        self.ends.insert(notice.key.clone(), self.next_end);
        self.ended.insert(self.next_end, (notice, repeats_left));
        self.next_end += 1;
        while self.ended.len() > self.ended_max {
            if let Some((_, (oldest, repeats_left))) = self.ended.pop_first() {
                self.ends.remove(&oldest.key);
                let given_up = u64::from(repeats_left);
                self.outboxes.iter_mut().for_each(|outbox| outbox.refuse(given_up));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tapline_model::{Finding, Severity};

    use super::*;
    use crate::Alertmanager;
    use crate::lifecycle::tests::finding;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn board(change: impl FnOnce(&mut Config)) -> Board {
        let one = Alertmanager { url: "http://127.0.0.1:9093".into(), basic_auth: None };
        let mut config = Config { alertmanagers: vec![one.clone(), one], ..Config::default() };
        change(&mut config);
        Board::new(&config)
    }

    fn at(severity: Severity) -> Arc<Finding> {
        Arc::new(Finding { severity, ..finding("scan", 1) })
    }

    /// What the second Alertmanager is told: severity and whether it ended.
    fn told(board: &mut Board) -> Vec<(Urgency, bool)> {
        let outbox = board.outbox(1).unwrap();
        let told =
            outbox.take(64).map(|notice| (notice.urgency, notice.ended_at.is_some())).collect();
        outbox.accepted();
        told
    }

    #[test]
    fn an_update_is_no_news_until_the_resend() {
        let mut board = board(|_| {});
        board.apply(&Event::Opened(at(Severity::High)), false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
        board.apply(&Event::Updated(at(Severity::High)), false, NOW);
        assert_eq!(told(&mut board), []);
        board.resend();
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
    }

    #[test]
    fn a_case_that_becomes_worse_fires_again_and_all_ends_together() {
        let mut board = board(|_| {});
        board.apply(&Event::Opened(at(Severity::Medium)), false, NOW);
        board.apply(&Event::Updated(at(Severity::Critical)), false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false), (Urgency::Critical, false)]);
        board.apply(&Event::Resolved(at(Severity::Critical)), false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, true), (Urgency::Critical, true)]);
    }

    #[test]
    fn an_end_is_sent_as_often_as_set() {
        let mut board = board(|config| config.resolved_repeats = 3);
        board.apply(&Event::Opened(at(Severity::High)), false, NOW);
        told(&mut board);
        board.apply(&Event::Resolved(at(Severity::High)), false, NOW);
        let sent = (0..6).map(|_| {
            let count = told(&mut board).len();
            board.resend();
            count
        });
        assert_eq!(sent.collect::<Vec<_>>(), [1, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn a_case_that_opens_again_is_not_ended_by_a_repeat() {
        let mut board = board(|_| {});
        board.apply(&Event::Opened(at(Severity::High)), false, NOW);
        board.apply(&Event::Resolved(at(Severity::High)), false, NOW);
        board.apply(&Event::Opened(at(Severity::High)), false, NOW + Duration::from_secs(9));
        board.resend();
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
    }

    #[test]
    fn tables_are_bounded_and_losses_counted() {
        let mut board = board(|config| {
            config.findings_open_max = 1;
            config.queue_max = 2;
        });
        for number in 0..50 {
            let case = Arc::new(Finding { host: format!("h{number}"), ..finding("scan", 1) });
            board.apply(&Event::Opened(Arc::clone(&case)), false, NOW);
            if number % 2 == 0 {
                board.apply(&Event::Resolved(case), false, NOW);
            }
        }
        assert!(board.firing.len() <= 3 && board.ended.len() <= 2);
        assert_eq!(board.ends.len(), board.ended.len());
        for stats in board.stats() {
            assert!(stats.notifications.is_balanced() && stats.notifications.dropped_total() > 0);
        }
    }

    #[test]
    fn a_muted_case_ends_and_fires_again_when_it_is_told_of_again() {
        let mut board = board(|config| config.resolved_repeats = 2);
        board.apply(&Event::Opened(at(Severity::High)), false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
        board.review(&|_| true, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, true)]);
        board.resend();
        assert_eq!(told(&mut board), [(Urgency::Warning, true)], "its end is repeated");
        board.resend();
        assert_eq!(told(&mut board), []);
        board.review(&|_| true, NOW);
        assert_eq!(told(&mut board), [], "nothing has changed");
        board.review(&|_| false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
        board.resend();
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
    }

    #[test]
    fn nothing_is_told_of_a_case_that_opens_muted_and_ends_so() {
        let mut board = board(|_| {});
        board.apply(&Event::Opened(at(Severity::High)), true, NOW);
        board.apply(&Event::Updated(at(Severity::High)), true, NOW);
        board.resend();
        board.apply(&Event::Resolved(at(Severity::High)), true, NOW);
        board.resend();
        assert_eq!(told(&mut board), []);
        assert!(board.hushed.is_empty() && board.firing.is_empty());
        board.apply(&Event::Opened(at(Severity::High)), false, NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
    }
}
