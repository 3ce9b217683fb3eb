//! Flows that just ended. What still arrives of such a flow (a late retransmission, the last
//! acknowledgements) must not open a new one in the middle of nowhere.

use tapline_model::{Direction, Segment, Timestamp};

use crate::half::WINDOW_BYTES;
use crate::veil::Hashes;

/// How long an ended flow is remembered: the TIME-WAIT of Linux. A peer that never gets its last
/// acknowledgement sends again after twice the time, up to about that long.
const LINGER_NS: u64 = 60_000_000_000;
/// Flows that share a place.
const WAYS: usize = 3;

/// What is remembered of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClosedHalf {
    /// The first sequence number after the SYN, if known.
    pub(crate) start: Option<u32>,
    /// The sequence number after the last one, if known.
    pub(crate) next: Option<u32>,
}

/// What is remembered of an ended flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedFlow {
    /// Whether the initiator is the smaller of its ends.
    pub(crate) is_initiator_low: bool,
    pub(crate) forward: ClosedHalf,
    pub(crate) backward: ClosedHalf,
    /// Who reset it, if it did not end by FIN.
    pub(crate) reset_by: Option<Direction>,
}

/// The flows that ended lately, a bounded number of them: by hash, those of one place together. Where
/// connections are short each opens and closes one, so all that is looked at lies in two cache lines.
pub(crate) struct Closed {
    places: Vec<Place>,
    places_max: usize,
}

/// The flows of one place, each known by its veiled hash.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Place {
    /// 0 is none.
    veiled: [u64; WAYS],
    closed_at: [Timestamp; WAYS],
    /// Of [`flag`].
    flags: [u8; WAYS],
    /// The lower half of the hash that was given.
    given: [u32; WAYS],
    /// Where the directions start and go on: forward, backward.
    sequences: [[u32; 4]; WAYS],
}

const _: () = assert!(size_of::<Place>() == 2 * 64, "two cache lines");

/// What a flow's flags say.
mod flag {
    pub(super) const INITIATOR_LOW: u8 = 1;
    /// The first of four: which of the sequence numbers are known.
    pub(super) const KNOWN: u8 = 1 << 1;
    pub(super) const RESET_FORWARD: u8 = 1 << 5;
    pub(super) const RESET_BACKWARD: u8 = 1 << 6;
}

impl Closed {
    /// Remembers about `flows_max` flows at most.
    pub(crate) fn new(flows_max: usize) -> Self {
        Self { places: Vec::new(), places_max: flows_max.div_ceil(WAYS).next_power_of_two() }
    }

    /// Remembers a flow that ended now.
    pub(crate) fn insert(&mut self, hashes: Hashes, now: Timestamp, flow: ClosedFlow) {
        let (given, veiled) = (half(hashes.given), hashes.veiled);
        if self.place(given).is_none_or(|place| place.is_full(veiled, now)) {
            self.grow();
        }
        if let Some(place) = self.place(given) {
            place.put((given, veiled), now, flow);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.places.fill(Place::default());
    }

    /// Lets a segment open a flow, unless it is a latecomer of one that ended: what is remembered of
    /// that one is forgotten. Returns whether it may.
    pub(crate) fn admit(&mut self, hashes: Hashes, segment: &Segment<'_>, now: Timestamp) -> bool {
        let Some(place) = self.place(half(hashes.given)) else { return true };
        let Some(way) = place.way_of(hashes.veiled) else { return true };
        let is_late = place
            .get(way)
            .is_some_and(|(closed_at, flow)| !is_over(closed_at, now) && flow.owns(segment));
        if !is_late {
            place.forget(way);
        }
        !is_late
    }

    #[inline]
    fn place(&mut self, given: u32) -> Option<&mut Place> {
        let at = usize::try_from(given).unwrap_or_default() & self.places.len().wrapping_sub(1);
        self.places.get_mut(at)
    }

    /// Doubles the places, if there may be more.
    #[cold]
    fn grow(&mut self) {
        if self.places.len() >= self.places_max {
            return;
        }
        let size = (self.places.len() * 2).max(1);
        let before = std::mem::replace(&mut self.places, vec![Place::default(); size]);
        for old in before {
            for (way, (&given, &veiled)) in old.given.iter().zip(&old.veiled).enumerate() {
                let known = old.get(way).filter(|_| veiled != 0);
                if let (Some((at, flow)), Some(place)) = (known, self.place(given)) {
                    place.put((given, veiled), at, flow);
                }
            }
        }
    }
}

/// The lower half of a hash: what lies above it tells the shard.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
#[inline]
const fn half(hash: u64) -> u32 {
    hash as u32
}

impl Place {
    #[inline]
    fn way_of(&self, veiled: u64) -> Option<usize> {
        self.veiled.iter().position(|&known| known == veiled).filter(|_| veiled != 0)
    }

    /// Whether another flow would have to be forgotten for this one, which is remembered yet.
    fn is_full(&self, veiled: u64, now: Timestamp) -> bool {
        let is_taken = |(&known, &at): (&u64, &Timestamp)| known != 0 && !is_over(at, now);
        self.way_of(veiled).is_none() && self.veiled.iter().zip(&self.closed_at).all(is_taken)
    }

    /// Remembers a flow in place of what was known of it, else of none, else of the one that ended
    /// first.
    fn put(&mut self, (given, veiled): (u32, u64), now: Timestamp, flow: ClosedFlow) {
        let oldest = || {
            let ways = self.veiled.iter().zip(&self.closed_at).enumerate();
            ways.min_by_key(|&(_, (&known, &at))| (known != 0, at)).map_or(0, |(way, _)| way)
        };
        let way = self.way_of(veiled).unwrap_or_else(oldest);
        let (flags, sequences) = flow.packed();
        set(&mut self.veiled, way, veiled);
        set(&mut self.closed_at, way, now);
        set(&mut self.flags, way, flags);
        set(&mut self.given, way, given);
        set(&mut self.sequences, way, sequences);
    }

    fn get(&self, way: usize) -> Option<(Timestamp, ClosedFlow)> {
        let flow = ClosedFlow::of(*self.flags.get(way)?, *self.sequences.get(way)?);
        Some((*self.closed_at.get(way)?, flow))
    }

    fn forget(&mut self, way: usize) {
        set(&mut self.veiled, way, 0);
    }
}

#[inline]
fn set<T>(ways: &mut [T; WAYS], way: usize, value: T) {
    if let Some(place) = ways.get_mut(way) {
        *place = value;
    }
}

impl ClosedFlow {
    fn packed(self) -> (u8, [u32; 4]) {
        let Self { is_initiator_low, forward, backward, reset_by } = self;
        let numbers = [forward.start, forward.next, backward.start, backward.next];
        let known = (0..).zip(numbers).fold(0, |known, (place, number)| {
            known | if number.is_some() { flag::KNOWN << place } else { 0 }
        });
        let low = if is_initiator_low { flag::INITIATOR_LOW } else { 0 };
        let reset = match reset_by {
            None => 0,
            Some(Direction::Forward) => flag::RESET_FORWARD,
            Some(Direction::Backward) => flag::RESET_BACKWARD,
        };
        (low | known | reset, numbers.map(Option::unwrap_or_default))
    }

    fn of(
        flags: u8,
        [forward_start, forward_next, backward_start, backward_next]: [u32; 4],
    ) -> Self {
        let has = |bit: u8| flags & bit != 0;
        let known = |place: u8, number: u32| has(flag::KNOWN << place).then_some(number);
        let reset_by = if has(flag::RESET_FORWARD) {
            Some(Direction::Forward)
        } else {
            has(flag::RESET_BACKWARD).then_some(Direction::Backward)
        };
        Self {
            is_initiator_low: has(flag::INITIATOR_LOW),
            forward: ClosedHalf { start: known(0, forward_start), next: known(1, forward_next) },
            backward: ClosedHalf { start: known(2, backward_start), next: known(3, backward_next) },
            reset_by,
        }
    }

    /// Whether a segment is part of this flow rather than of a new one.
    fn owns(&self, segment: &Segment<'_>) -> bool {
        let is_from_low = segment.source <= segment.destination;
        let is_forward = is_from_low == self.is_initiator_low;
        let direction = if is_forward { Direction::Forward } else { Direction::Backward };
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
    use std::net::SocketAddr;

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

    fn flow(start: u32) -> ClosedFlow {
        let half = ClosedHalf { start: Some(start), next: Some(start + 4) };
        ClosedFlow { is_initiator_low: true, forward: half, backward: half, reset_by: None }
    }

    /// Of flows that have the first place, however many there are.
    fn hash_of(port: u16) -> Hashes {
        Hashes { given: 0, veiled: u64::from(port) + 1 }
    }

    /// Closes a flow from each port, a second apart, and tells which are remembered at the end. All
    /// have one place.
    fn check(ports: &[u16], expected: &[u16]) {
        let mut closed = Closed::new(100);
        let mut now = Timestamp::ZERO;
        for &port in ports {
            now = now.plus_nanos(1_000_000_000);
            closed.insert(hash_of(port), now, flow(100));
            assert!(closed.places.len() * WAYS < 200);
        }
        let is_late = |&port: &u16| !closed.admit(hash_of(port), &segment(port), now);
        let late: Vec<_> = (0..100).filter(is_late).collect();
        assert_eq!(late, expected);
    }

    #[test]
    fn a_full_place_forgets_the_oldest() {
        check(&[1, 2, 3], &[1, 2, 3]);
        check(&[1, 2, 3, 4], &[2, 3, 4]);
    }

    #[test]
    fn a_flow_that_ends_again_is_as_new() {
        check(&[1, 2, 1, 3], &[1, 2, 3]);
        check(&[1, 2, 1, 3, 4], &[1, 3, 4]);
    }

    #[test]
    fn an_old_flow_is_forgotten() {
        let mut closed = Closed::new(1_000);
        let closed_at = |port: u16| Timestamp::from_seconds(port.into());
        // Hashes of places of their own.
        let hash = |port: u16| Hashes { given: port.into(), ..hash_of(port) };
        for port in 0..70 {
            closed.insert(hash(port), closed_at(port), flow(100));
        }
        let is_late = |&port: &u16| !closed.admit(hash(port), &segment(port), closed_at(69));
        assert_eq!((0..100).filter(is_late).collect::<Vec<_>>(), (9..70).collect::<Vec<_>>());
        // What it let in is a flow of its own now.
        assert!(closed.admit(hash(3), &segment(3), closed_at(3)));
    }

    #[test]
    fn as_many_are_remembered_as_there_is_room_for() {
        let spread = |n: u64| {
            let hash = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Hashes { given: hash >> 40, veiled: hash }
        };
        for count in [1, 10, 100, 500] {
            let mut closed = Closed::new(1_000);
            (0..count).for_each(|n| closed.insert(spread(n), Timestamp::ZERO, flow(100)));
            let is_late = |&n: &u64| !closed.admit(spread(n), &segment(1), Timestamp::ZERO);
            let late = (0..count).filter(is_late).count() as u64;
            // One place may be full before others are.
            assert!(late * 100 >= count * 97, "{late} of {count}");
        }
        let mut closed = Closed::new(1_000);
        (0..100_000).for_each(|n| closed.insert(spread(n), Timestamp::ZERO, flow(100)));
        assert!((1_000..2_000).contains(&(closed.places.len() * WAYS)));
        closed.clear();
        assert!((0..100_000).all(|n| closed.admit(spread(n), &segment(1), Timestamp::ZERO)));
    }

    #[test]
    fn what_is_forgotten_depends_on_no_secret() {
        let remembered = |veil: u64| -> Vec<u64> {
            let mut closed = Closed::new(100);
            let hashes = |n: u64| {
                let given = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                Hashes { given, veiled: (n + 1).wrapping_mul(veil) }
            };
            (0..1_000).for_each(|n| {
                closed.insert(hashes(n), Timestamp::from_seconds(n / 100), flow(100));
            });
            let now = Timestamp::from_seconds(10);
            (0..1_000).filter(|&n| !closed.admit(hashes(n), &segment(1), now)).collect()
        };
        assert_eq!(remembered(0x5851_f42d_4c95_7f2d), remembered(0xd134_2543_de82_ef95));
    }

    #[test]
    fn a_flow_is_remembered_as_it_was() {
        let some = |n: u32| [None, Some(n)];
        for (start, next) in some(0).into_iter().flat_map(|start| some(7).map(|next| (start, next)))
        {
            for reset_by in [None, Some(Direction::Forward), Some(Direction::Backward)] {
                for is_initiator_low in [false, true] {
                    let forward = ClosedHalf { start, next };
                    let backward = ClosedHalf { start: next, next: None };
                    let flow = ClosedFlow { is_initiator_low, forward, backward, reset_by };
                    let (flags, numbers) = flow.packed();
                    assert_eq!(ClosedFlow::of(flags, numbers), flow);
                }
            }
        }
    }
}
