//! What fires, what ended lately, and what each Alertmanager has yet to be told of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tapline_model::AlertStats;

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
    pub(crate) fn apply(&mut self, event: &Event, now: SystemTime) {
        let finding = event.finding();
        let subject: Arc<str> = finding.subject().into();
        if let Event::Resolved(_) = event {
            for urgency in Urgency::ALL {
                if let Some(mut notice) = self.firing.remove(&NoticeKey::new(&subject, urgency)) {
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
                self.fire(Notice { key, urgency, finding, starts_at: now, ended_at: None });
            }
        }
    }

    /// Queues everything that fires, and what ended and is to be repeated.
    pub(crate) fn resend(&mut self) {
        for notice in self.firing.values() {
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

    /// The queue of one Alertmanager.
    pub(crate) fn outbox(&mut self, index: usize) -> Option<&mut Outbox> {
        self.outboxes.get_mut(index)
    }

    /// The counters of each Alertmanager, in the order of the settings.
    pub(crate) fn stats(&self) -> Vec<AlertStats> {
        self.outboxes.iter().map(Outbox::stats).collect()
    }

    fn fire(&mut self, notice: Notice) {
        if self.firing.len() >= self.firing_max {
            self.outboxes.iter_mut().for_each(|outbox| outbox.refuse(1));
            return;
        }
        if let Some(end) = self.ends.remove(&notice.key) {
            self.ended.remove(&end);
        }
        self.outboxes.iter_mut().for_each(|outbox| outbox.push(notice.clone()));
        self.firing.insert(notice.key.clone(), notice);
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
        board.apply(&Event::Opened(at(Severity::High)), NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
        board.apply(&Event::Updated(at(Severity::High)), NOW);
        assert_eq!(told(&mut board), []);
        board.resend();
        assert_eq!(told(&mut board), [(Urgency::Warning, false)]);
    }

    #[test]
    fn a_case_that_becomes_worse_fires_again_and_all_ends_together() {
        let mut board = board(|_| {});
        board.apply(&Event::Opened(at(Severity::Medium)), NOW);
        board.apply(&Event::Updated(at(Severity::Critical)), NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, false), (Urgency::Critical, false)]);
        board.apply(&Event::Resolved(at(Severity::Critical)), NOW);
        assert_eq!(told(&mut board), [(Urgency::Warning, true), (Urgency::Critical, true)]);
    }

    #[test]
    fn an_end_is_sent_as_often_as_set() {
        let mut board = board(|config| config.resolved_repeats = 3);
        board.apply(&Event::Opened(at(Severity::High)), NOW);
        told(&mut board);
        board.apply(&Event::Resolved(at(Severity::High)), NOW);
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
        board.apply(&Event::Opened(at(Severity::High)), NOW);
        board.apply(&Event::Resolved(at(Severity::High)), NOW);
        board.apply(&Event::Opened(at(Severity::High)), NOW + Duration::from_secs(9));
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
            board.apply(&Event::Opened(Arc::clone(&case)), NOW);
            if number % 2 == 0 {
                board.apply(&Event::Resolved(case), NOW);
            }
        }
        assert!(board.firing.len() <= 3 && board.ended.len() <= 2);
        assert_eq!(board.ends.len(), board.ended.len());
        for stats in board.stats() {
            assert!(stats.notifications.is_balanced() && stats.notifications.dropped_total() > 0);
        }
    }
}
