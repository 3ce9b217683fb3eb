//! The meeting point: deltas come in by worker and in any order, and leave joined, epoch by epoch.

use std::collections::BTreeMap;

use tapline_model::{
    BehaviorStats, DELTA_VERSION, Delta, DeltaId, DropReason, Epoch, IgnoreReason,
};

/// Holds deltas until their epoch is sealed: when every worker's watermark has passed it, or when
/// the newest watermark is `lateness_max` epochs ahead.
///
/// What it holds is bounded by what the workers may run ahead: on live traffic `lateness_max`
/// epochs, in a replay the four epochs for which they wait for feedback. An epoch without deltas
/// costs nothing.
#[derive(Debug)]
pub struct Sealer {
    lateness_max: Option<u64>,
    /// By worker; none before its first report.
    watermarks: Vec<Option<Epoch>>,
    waiting: BTreeMap<Epoch, BTreeMap<DeltaId, Delta>>,
    /// Every epoch up to and including this one is sealed.
    sealed: Option<Epoch>,
    /// No more will come.
    finished: bool,
    stats: BehaviorStats,
}

impl Sealer {
    /// Waits for `workers` workers: for all of them without `lateness_max` (a replay), for at most
    /// that many epochs with it.
    pub fn new(lateness_max: Option<u64>, workers: usize) -> Self {
        Self {
            lateness_max,
            watermarks: vec![None; workers],
            waiting: BTreeMap::new(),
            sealed: None,
            finished: false,
            stats: BehaviorStats::default(),
        }
    }

    /// Takes one delta. One whose epoch is sealed is dropped as late; one whose id is held already
    /// changes nothing and is ignored as a retransmission; one of another version is ignored as
    /// malformed.
    pub fn insert(&mut self, delta: Delta) {
        let ledger = &mut self.stats.deltas;
        ledger.received += 1;
        if delta.version != DELTA_VERSION {
            ledger.ignore(IgnoreReason::Malformed, 1);
            return;
        }
        if self.sealed.is_some_and(|sealed| delta.id.epoch <= sealed) {
            ledger.drop(DropReason::Late, 1);
            return;
        }
        let epoch = self.waiting.entry(delta.id.epoch).or_default();
        if epoch.contains_key(&delta.id) {
            ledger.ignore(IgnoreReason::Retransmission, 1);
            return;
        }
        epoch.insert(delta.id, delta);
        ledger.held += 1;
    }

    /// A worker has closed every epoch up to and including `closed`. Of a worker that does not
    /// exist nothing is expected, so its word changes nothing.
    pub fn watermark(&mut self, worker: usize, closed: Epoch) {
        if let Some(watermark) = self.watermarks.get_mut(worker) {
            *watermark = Some(watermark.map_or(closed, |known| known.max(closed)));
        }
    }

    /// No more deltas will come: everything held is sealed.
    pub const fn finish(&mut self) {
        self.finished = true;
    }

    /// The next sealed epoch that has deltas, with their join in worker order; none when the next
    /// one is still open.
    pub fn next_sealed(&mut self) -> Option<(Epoch, Delta)> {
        let horizon = self.horizon()?;
        let first = self.waiting.first_entry().filter(|first| *first.key() <= horizon)?;
        let (epoch, deltas) = first.remove_entry();
        self.sealed = Some(epoch);
        let ledger = &mut self.stats.deltas;
        let count = deltas.len() as u64;
        ledger.held -= count;
        ledger.processed += count;
        self.stats.epochs_sealed += 1;
        let mut deltas = deltas.into_values();
        let mut joined = deltas.next()?;
        for delta in deltas {
            joined.join(delta);
        }
        Some((epoch, joined))
    }

    /// Every epoch up to and including this one is sealed and, if it had deltas, was handed out by
    /// [`Sealer::next_sealed`]. Epoch 0 before any is.
    ///
    /// From then on a delta for such an epoch is late, also if the epoch had none.
    pub fn sealed_up_to(&mut self) -> Epoch {
        let due = self.horizon().and_then(|horizon| match self.waiting.keys().next() {
            Some(&first) if first <= horizon => first.0.checked_sub(1).map(Epoch),
            _ => Some(horizon),
        });
        self.sealed = self.sealed.max(due);
        self.sealed.unwrap_or_default()
    }

    /// Counters since start: the books of the deltas, and the epochs sealed.
    pub const fn stats(&self) -> BehaviorStats {
        self.stats
    }

    /// The last epoch that may be sealed.
    fn horizon(&self) -> Option<Epoch> {
        let newest = self.watermarks.iter().flatten().max().copied();
        if self.finished {
            return newest.max(self.waiting.keys().next_back().copied());
        }
        let passed_by_all = self.watermarks.iter().min().copied().flatten();
        let waited_long_enough = newest
            .zip(self.lateness_max)
            .and_then(|(newest, lateness)| newest.0.checked_sub(lateness).map(Epoch));
        passed_by_all.max(waited_long_enough)
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::HostDelta;

    use super::*;

    fn delta(epoch: u64, part: u16) -> Delta {
        let mut delta =
            Delta::new(DeltaId { sensor: 1, incarnation: 1, epoch: Epoch(epoch), part });
        delta.hosts.insert("shop".into(), HostDelta { requests: 1, ..HostDelta::default() });
        delta
    }

    /// Epoch and requests of everything that is sealed now.
    fn drain(sealer: &mut Sealer) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        while let Some((epoch, delta)) = sealer.next_sealed() {
            assert_eq!(delta.id.epoch, epoch);
            all.push((epoch.0, delta.hosts["shop"].requests));
            assert!(sealer.stats().deltas.is_balanced());
        }
        all
    }

    #[test]
    fn a_replay_waits_for_every_worker() {
        let mut sealer = Sealer::new(None, 2);
        sealer.insert(delta(5, 0));
        sealer.watermark(0, Epoch(900));
        assert!(drain(&mut sealer).is_empty());
        assert_eq!(sealer.sealed_up_to(), Epoch(0));
        sealer.insert(delta(5, 1));
        sealer.insert(delta(7, 1));
        sealer.watermark(1, Epoch(5));
        assert_eq!(drain(&mut sealer), [(5, 2)]);
        assert_eq!(sealer.sealed_up_to(), Epoch(5));
        sealer.watermark(1, Epoch(1_000_000_000_000));
        assert_eq!(drain(&mut sealer), [(7, 1)]);
        assert_eq!(sealer.sealed_up_to(), Epoch(900), "a jump costs nothing");
    }

    #[test]
    fn live_traffic_waits_no_longer_than_the_lateness() {
        let mut sealer = Sealer::new(Some(10), 2);
        sealer.insert(delta(5, 0));
        sealer.watermark(0, Epoch(14));
        assert!(drain(&mut sealer).is_empty());
        sealer.watermark(0, Epoch(15));
        assert_eq!(drain(&mut sealer), [(5, 1)]);
        sealer.insert(delta(5, 1));
        let deltas = sealer.stats().deltas;
        assert_eq!(deltas.dropped[DropReason::Late as usize], 1);
        assert!(deltas.is_balanced());
    }

    #[test]
    fn an_epoch_that_was_sealed_empty_stays_sealed() {
        let mut sealer = Sealer::new(None, 1);
        sealer.watermark(0, Epoch(9));
        assert_eq!(sealer.sealed_up_to(), Epoch(9));
        sealer.insert(delta(8, 0));
        assert!(drain(&mut sealer).is_empty());
        assert_eq!(sealer.stats().deltas.dropped_total(), 1);
    }

    #[test]
    fn sealed_up_to_stops_before_what_was_not_handed_out() {
        let mut sealer = Sealer::new(None, 1);
        sealer.insert(delta(8, 0));
        sealer.watermark(0, Epoch(9));
        assert_eq!(sealer.sealed_up_to(), Epoch(7));
        assert_eq!(drain(&mut sealer), [(8, 1)]);
        assert_eq!(sealer.sealed_up_to(), Epoch(9));
    }

    #[test]
    fn the_first_epoch_of_all_is_not_late() {
        let mut sealer = Sealer::new(None, 2);
        sealer.watermark(0, Epoch(0));
        assert_eq!(sealer.sealed_up_to(), Epoch(0));
        sealer.insert(delta(0, 3));
        sealer.watermark(1, Epoch(0));
        assert_eq!(drain(&mut sealer), [(0, 1)]);
    }

    #[test]
    fn the_same_delta_twice_changes_nothing() {
        let mut sealer = Sealer::new(None, 1);
        sealer.insert(delta(5, 0));
        sealer.insert(delta(5, 0));
        sealer.watermark(0, Epoch(5));
        assert_eq!(drain(&mut sealer), [(5, 1)]);
        let deltas = sealer.stats().deltas;
        assert_eq!(deltas.ignored[IgnoreReason::Retransmission as usize], 1);
    }

    #[test]
    fn another_version_is_refused() {
        let mut sealer = Sealer::new(None, 1);
        sealer.insert(Delta { version: DELTA_VERSION + 1, ..delta(5, 0) });
        sealer.finish();
        assert!(drain(&mut sealer).is_empty());
        assert!(sealer.stats().deltas.is_balanced());
    }

    #[test]
    fn the_end_seals_everything() {
        let mut sealer = Sealer::new(None, 2);
        for epoch in [3, 1, 2] {
            sealer.insert(delta(epoch, 0));
        }
        sealer.watermark(0, Epoch(1));
        sealer.finish();
        assert_eq!(drain(&mut sealer), [(1, 1), (2, 1), (3, 1)]);
        assert_eq!(sealer.sealed_up_to(), Epoch(3));
        assert_eq!(sealer.stats().epochs_sealed, 3);
        assert_eq!(sealer.stats().deltas.held, 0);
    }
}
