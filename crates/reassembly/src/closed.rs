//! Tuples of flows that just ended. What still arrives of such a flow (a late retransmission, the
//! last acknowledgements) must not open a new one in the middle of nowhere.

use std::collections::VecDeque;
use std::net::SocketAddr;

use hashbrown::HashTable;
use tapline_model::{Direction, FlowKey, Segment, Timestamp};

use crate::half::WINDOW_BYTES;

/// How long an ended flow is remembered: the TIME-WAIT of Linux. A peer that never gets its last
/// acknowledgement sends again after twice the time, up to about that long.
const LINGER_NS: u64 = 60_000_000_000;

/// What is remembered of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedHalf {
    /// The first sequence number after the SYN, if known.
    pub(crate) start: Option<u32>,
    /// The sequence number after the last one, if known.
    pub(crate) next: Option<u32>,
}

/// What is remembered of an ended flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedFlow {
    pub(crate) initiator: SocketAddr,
    pub(crate) forward: ClosedHalf,
    pub(crate) backward: ClosedHalf,
    /// Who reset it, if it did not end by FIN.
    pub(crate) reset_by: Option<Direction>,
}

struct Record {
    key: FlowKey,
    hash: u64,
    closed_at: Timestamp,
    flow: ClosedFlow,
}

/// The flows that ended lately, a bounded number of them.
pub(crate) struct Closed {
    /// In order of `closed_at`; also those that were replaced since.
    records: VecDeque<Record>,
    /// How many records were forgotten: the number of the first that is left.
    forgotten: u64,
    /// The numbers of those that hold. Records lie elsewhere, so that this stays small as it grows.
    numbers: HashTable<u64>,
    records_max: usize,
}

impl Closed {
    /// Remembers at most `records_max` flows, but one at least.
    pub(crate) fn new(records_max: usize) -> Self {
        Self {
            records: VecDeque::new(),
            forgotten: 0,
            numbers: HashTable::new(),
            records_max: records_max.max(1),
        }
    }

    /// Remembers a flow that ended now.
    pub(crate) fn insert(&mut self, hash: u64, key: FlowKey, now: Timestamp, flow: ClosedFlow) {
        self.take(hash, &key);
        while self.records.len() >= self.records_max {
            self.forget_oldest();
        }
        let Self { records, forgotten, numbers, .. } = self;
        let number = *forgotten + records.len() as u64;
        records.push_back(Record { key, hash, closed_at: now, flow });
        let hash_of =
            |&number: &u64| numbered(records, *forgotten, number).map_or(0, |record| record.hash);
        numbers.insert_unique(hash, number, hash_of);
    }

    /// Forgets what ended long ago.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while self.records.front().is_some_and(|oldest| is_over(oldest.closed_at, now)) {
            self.forget_oldest();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.forgotten += self.records.len() as u64;
        self.records.clear();
        self.numbers.clear();
    }

    /// Lets a segment open a flow, unless it is a latecomer of one that ended: what is remembered of
    /// that one is forgotten. Returns whether it may.
    pub(crate) fn admit(
        &mut self,
        hash: u64,
        key: &FlowKey,
        segment: &Segment<'_>,
        now: Timestamp,
    ) -> bool {
        let Self { records, forgotten, numbers, .. } = self;
        let record = |number| numbered(records, *forgotten, number);
        let is_it = |&number: &u64| record(number).is_some_and(|record| record.key == *key);
        let Ok(entry) = numbers.find_entry(hash, is_it) else { return true };
        let owns = |known: &Record| !is_over(known.closed_at, now) && known.flow.owns(segment);
        if record(*entry.get()).is_some_and(owns) {
            return false;
        }
        entry.remove();
        true
    }

    /// What is remembered of a flow holds no longer.
    fn take(&mut self, hash: u64, key: &FlowKey) {
        let Self { records, forgotten, numbers, .. } = self;
        let is_it = |&number: &u64| {
            numbered(records, *forgotten, number).is_some_and(|record| record.key == *key)
        };
        if let Ok(entry) = numbers.find_entry(hash, is_it) {
            entry.remove();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.records.pop_front() else { return };
        let number = self.forgotten;
        if let Ok(entry) = self.numbers.find_entry(oldest.hash, |&known| known == number) {
            entry.remove();
        }
        self.forgotten += 1;
    }
}

/// The record of a number, if it is still there.
fn numbered(records: &VecDeque<Record>, forgotten: u64, number: u64) -> Option<&Record> {
    records.get(usize::try_from(number.checked_sub(forgotten)?).ok()?)
}

impl ClosedFlow {
    /// Whether a segment is part of this flow rather than of a new one.
    fn owns(&self, segment: &Segment<'_>) -> bool {
        let direction =
            if segment.source == self.initiator { Direction::Forward } else { Direction::Backward };
        let half = match direction {
            Direction::Forward => self.forward,
            Direction::Backward => self.backward,
        };
        if segment.flags.syn() {
            // The same SYN once more. After a reset it is a new attempt.
            return self.reset_by.is_none() && half.start == Some(segment.sequence.wrapping_add(1));
        }
        let Some(next) = half.next else { return true };
        let ahead = segment.sequence.wrapping_sub(next).cast_signed();
        // Who goes on sending after a reset did not send that reset.
        let is_going_on = self.reset_by == Some(direction) && ahead >= 0;
        ahead.unsigned_abs() <= WINDOW_BYTES && !is_going_on
    }
}

fn is_over(closed_at: Timestamp, now: Timestamp) -> bool {
    now.nanos_since(closed_at) > LINGER_NS
}

#[cfg(test)]
mod tests {
    use tapline_model::{SourceId, TcpFlags};

    use super::*;

    fn segment(port: u16) -> Segment<'static> {
        Segment {
            captured_at: Timestamp::ZERO,
            capture_source: SourceId::default(),
            source: SocketAddr::from(([10, 0, 0, 1], port)),
            destination: SocketAddr::from(([10, 0, 0, 2], 80)),
            network: 0,
            sequence: 100,
            acknowledgement: 0,
            flags: TcpFlags(TcpFlags::ACK),
            payload: b"late",
            wire_payload_bytes: 4,
            wire_bytes: 58,
        }
    }

    /// Closes a flow from each port, a second apart, and tells which are remembered at the end.
    fn check(ports: &[u16], records_max: usize, expected: &[u16]) {
        let mut closed = Closed::new(records_max);
        let half = ClosedHalf { start: Some(100), next: Some(104) };
        let mut now = Timestamp::ZERO;
        for &port in ports {
            now = now.plus_nanos(1_000_000_000);
            let segment = segment(port);
            let flow = ClosedFlow {
                initiator: segment.source,
                forward: half,
                backward: half,
                reset_by: None,
            };
            closed.insert(port.into(), segment.flow_key(), now, flow);
            closed.expire(now);
            assert!(closed.numbers.len() <= closed.records.len());
            assert!(closed.records.len() <= records_max);
        }
        let is_late = |&port: &u16| {
            let segment = segment(port);
            !closed.admit(port.into(), &segment.flow_key(), &segment, now)
        };
        let late: Vec<_> = (0..100).filter(is_late).collect();
        assert_eq!(late, expected);
    }

    #[test]
    fn a_full_memory_forgets_the_oldest() {
        check(&[1, 2, 3], 2, &[2, 3]);
    }

    #[test]
    fn a_flow_that_ends_again_is_as_new() {
        check(&[1, 2, 1, 3], 3, &[1, 2, 3]);
        check(&[1, 2, 1, 3], 2, &[1, 3]);
    }

    #[test]
    fn an_old_flow_is_forgotten() {
        let ports: Vec<_> = (0..70).collect();
        check(&ports, 100, &(9..70).collect::<Vec<_>>());
    }
}
