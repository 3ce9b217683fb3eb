//! The flows of one instance: dense slots, found by key, linked by how long they have been idle.

use hashbrown::HashTable;
use tapline_model::{Direction, FlowId, Segment, Timestamp};

use crate::flow::Flow;
use crate::veil::Hashes;

/// Each of the two lower classes keeps this part of the table free of the classes above it (one in
/// so many): enough for every handshake, and every first request, that is under way.
const CLASS_PART: usize = 8;

/// A flow moves in its queue this often at most: each move touches its neighbours.
const RELINK_NS: u64 = 100_000_000;

/// No slot.
const NONE: u32 = u32::MAX;

/// How far a flow has come. A flow takes room only from flows of its own class or below, so that
/// no flood of beginnings pushes out what is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// No payload yet.
    Silent,
    /// Payload was seen in one direction.
    Unanswered,
    /// Payload was seen in both.
    Answered,
}

/// A queue by last activity, linked through the slots.
#[derive(Clone, Copy)]
struct Queue {
    oldest: u32,
    newest: u32,
    len: usize,
}

struct Slot {
    generation: u32,
    /// Of the flow, so that the index can grow without hashing anew.
    hashes: Hashes,
    older: u32,
    newer: u32,
    live: Option<Live>,
}

/// A flow in its slot.
pub(crate) struct Live {
    /// The part of the key that the ends of the flow do not tell.
    network: u32,
    class: Class,
    last_seen: Timestamp,
    /// When the flow took its place in the queue.
    linked_at: Timestamp,
    pub(crate) flow: Flow,
}

/// The flow table.
pub(crate) struct FlowTable {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By class, by last activity.
    queues: [Queue; 3],
    flows_max: usize,
}

impl FlowTable {
    /// A table for at most `flows_max` flows, but for one at least.
    pub(crate) fn new(flows_max: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            queues: [Queue::EMPTY; 3],
            flows_max: flows_max.max(1),
        }
    }

    /// Whether a flow must leave before another can come.
    pub(crate) fn is_full(&self) -> bool {
        self.index.len() >= self.flows_max
    }

    /// How many slots there are, in use or not.
    pub(crate) fn slot_count(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(NONE)
    }

    /// The slot of the flow of a segment, and which way the segment goes in it.
    #[inline]
    pub(crate) fn find(&self, hashes: Hashes, segment: &Segment<'_>) -> Option<(u32, Direction)> {
        let mut direction = None;
        let is_it = |&slot: &u32| {
            direction = self.live(slot).and_then(|live| live.direction(segment));
            direction.is_some()
        };
        let slot = *self.index.find(hashes.veiled, is_it)?;
        direction.map(|direction| (slot, direction))
    }

    /// What lives in a slot.
    #[inline]
    pub(crate) fn live_mut(&mut self, slot: u32) -> Option<&mut Live> {
        self.slot_mut(slot)?.live.as_mut()
    }

    /// The flow in a slot.
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Flow> {
        self.slot_mut(slot)?.live.as_mut().map(|live| &mut live.flow)
    }

    /// The flow in a slot, with its hashes.
    pub(crate) fn get(&self, slot: u32) -> Option<(Hashes, &Flow)> {
        let place = self.slots.get(usize::try_from(slot).ok()?)?;
        place.live.as_ref().map(|live| (place.hashes, &live.flow))
    }

    /// Gives a slot to the flow that `segment` opens. The table is not full, and the flow not in it.
    pub(crate) fn insert(&mut self, hashes: Hashes, segment: &Segment<'_>, now: Timestamp) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = self.slot_count();
            self.slots.push(Slot::EMPTY);
            slot
        });
        if let Some(place) = self.slot_mut(slot) {
            let id = FlowId { slot, generation: place.generation };
            let flow = Flow::new(id, segment);
            place.hashes = hashes;
            let network = segment.network;
            let class = Class::Silent;
            place.live = Some(Live { network, class, last_seen: now, linked_at: now, flow });
        }
        let Self { index, slots, .. } = self;
        index.insert_unique(hashes.veiled, slot, |&other| {
            let other = usize::try_from(other).unwrap_or(usize::MAX);
            slots.get(other).map_or(0, |place| place.hashes.veiled)
        });
        self.append(Class::Silent, slot);
        slot
    }

    /// Notes activity of a flow. Returns whether it rose to a higher class.
    pub(crate) fn touch(&mut self, slot: u32, now: Timestamp) -> bool {
        let Some(live) = self.live_mut(slot) else { return false };
        if live.keeps_place(now) {
            return false;
        }
        let old = live.class;
        let new = if old == Class::Answered { old } else { old.max(live.flow.class()) };
        if new == old && now.nanos_since(live.linked_at) < RELINK_NS {
            return false;
        }
        live.class = new;
        live.linked_at = now;
        if old != new || self.queue(old).newest != slot {
            self.unlink(old, slot);
            self.append(new, slot);
        }
        old != new
    }

    /// The class of a flow.
    pub(crate) fn class(&self, slot: u32) -> Option<Class> {
        self.live(slot).map(|live| live.class)
    }

    /// A flow that has been idle since `since` or longer.
    pub(crate) fn idle_since(&self, since: Timestamp) -> Option<u32> {
        self.oldest().find(|&slot| self.live(slot).is_some_and(|live| live.last_seen <= since))
    }

    /// The flow that leaves when the table is full: the longest idle of the lowest class.
    pub(crate) fn first_to_leave(&self) -> Option<u32> {
        self.oldest().next()
    }

    /// A flow that has to leave because its class has outgrown its part of the table.
    pub(crate) fn surplus(&self) -> Option<u32> {
        let reserve = self.flows_max / CLASS_PART;
        let [_, unanswered, answered] = &self.queues;
        if answered.len > self.flows_max - 2 * reserve {
            Some(answered.oldest)
        } else if unanswered.len + answered.len > self.flows_max - reserve {
            self.oldest().find(|&slot| self.class(slot) != Some(Class::Silent))
        } else {
            None
        }
    }

    /// The longest idle flow of every class, the lowest class first.
    fn oldest(&self) -> impl Iterator<Item = u32> {
        self.queues.iter().map(|queue| queue.oldest).filter(|&slot| slot != NONE)
    }

    /// Frees a slot.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(class) = self.live(slot).map(|live| live.class) else { return };
        self.unlink(class, slot);
        let Some(place) = self.slot_mut(slot) else { return };
        place.live = None;
        place.generation = place.generation.wrapping_add(1);
        let hash = place.hashes.veiled;
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.free.push(slot);
    }

    #[inline]
    fn live(&self, slot: u32) -> Option<&Live> {
        self.slots.get(usize::try_from(slot).ok()?)?.live.as_ref()
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(slot).ok()?)
    }

    fn queue(&self, class: Class) -> &Queue {
        let [silent, unanswered, answered] = &self.queues;
        match class {
            Class::Silent => silent,
            Class::Unanswered => unanswered,
            Class::Answered => answered,
        }
    }

    fn queue_mut(&mut self, class: Class) -> &mut Queue {
        let [silent, unanswered, answered] = &mut self.queues;
        match class {
            Class::Silent => silent,
            Class::Unanswered => unanswered,
            Class::Answered => answered,
        }
    }

    fn append(&mut self, class: Class, slot: u32) {
        let queue = self.queue_mut(class);
        let older = queue.newest;
        queue.newest = slot;
        queue.len += 1;
        if older == NONE {
            queue.oldest = slot;
        }
        if let Some(place) = self.slot_mut(older) {
            place.newer = slot;
        }
        if let Some(place) = self.slot_mut(slot) {
            (place.older, place.newer) = (older, NONE);
        }
    }

    fn unlink(&mut self, class: Class, slot: u32) {
        let Some(place) = self.slot_mut(slot) else { return };
        let (older, newer) = (place.older, place.newer);
        if let Some(place) = self.slot_mut(older) {
            place.newer = newer;
        }
        if let Some(place) = self.slot_mut(newer) {
            place.older = older;
        }
        let queue = self.queue_mut(class);
        queue.len -= 1;
        if queue.oldest == slot {
            queue.oldest = newer;
        }
        if queue.newest == slot {
            queue.newest = older;
        }
    }
}

impl Live {
    /// Which way a segment goes in this flow, if it belongs to it.
    #[inline]
    fn direction(&self, segment: &Segment<'_>) -> Option<Direction> {
        let direction = self.flow.tuple.direction(&segment.source, &segment.destination);
        direction.filter(|_| segment.network == self.network)
    }

    /// Notes activity. Returns whether the flow can rise no higher, and has moved in its queue so
    /// lately that it stays where it is.
    #[inline]
    pub(crate) fn keeps_place(&mut self, now: Timestamp) -> bool {
        self.last_seen = now;
        self.class == Class::Answered && now.nanos_since(self.linked_at) < RELINK_NS
    }
}

impl Queue {
    const EMPTY: Self = Self { oldest: NONE, newest: NONE, len: 0 };
}

impl Slot {
    const EMPTY: Self = Self {
        generation: 0,
        hashes: Hashes { given: 0, veiled: 0 },
        older: NONE,
        newer: NONE,
        live: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_as_small_as_the_budget_assumes() {
        assert!(size_of::<Slot>() <= 576, "{} bytes", size_of::<Slot>());
    }
}
