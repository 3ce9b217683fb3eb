//! The flows of one instance: dense slots, found by key, linked by how long they have been idle.

use hashbrown::HashTable;
use tapline_model::{FlowId, FlowKey, Segment, Timestamp};

use crate::flow::Flow;

/// Flows that have carried no payload may hold this part of a full table (one in so many): enough
/// for every handshake that is going on, too little for a flood of SYNs to push others out.
const SILENT_PART: usize = 8;

/// No slot.
const NONE: u32 = u32::MAX;

/// The two queues a flow can stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// No payload yet.
    Silent,
    /// Payload was seen.
    Speaking,
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
    /// Of the key, so that the index can grow without hashing anew.
    hash: u64,
    older: u32,
    newer: u32,
    live: Option<Live>,
}

struct Live {
    key: FlowKey,
    class: Class,
    last_seen: Timestamp,
    flow: Flow,
}

/// The flow table.
pub(crate) struct FlowTable {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    silent: Queue,
    speaking: Queue,
    flows_max: usize,
}

impl FlowTable {
    /// A table for at most `flows_max` flows, but for one at least.
    pub(crate) fn new(flows_max: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            silent: Queue::EMPTY,
            speaking: Queue::EMPTY,
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

    /// The slot of a key.
    pub(crate) fn find(&self, hash: u64, key: &FlowKey) -> Option<u32> {
        let is_it = |&slot: &u32| self.live(slot).is_some_and(|live| live.key == *key);
        self.index.find(hash, is_it).copied()
    }

    /// The flow in a slot.
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Flow> {
        self.slot_mut(slot)?.live.as_mut().map(|live| &mut live.flow)
    }

    /// The flow in a slot, with its key and hash.
    pub(crate) fn get(&self, slot: u32) -> Option<(u64, &FlowKey, &Flow)> {
        let place = self.slots.get(usize::try_from(slot).ok()?)?;
        place.live.as_ref().map(|live| (place.hash, &live.key, &live.flow))
    }

    /// Gives a slot to the flow that `segment` opens. The table is not full, and the key not in it.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        key: FlowKey,
        segment: &Segment<'_>,
        now: Timestamp,
    ) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = self.slot_count();
            self.slots.push(Slot::EMPTY);
            slot
        });
        if let Some(place) = self.slot_mut(slot) {
            let id = FlowId { slot, generation: place.generation };
            let flow = Flow::new(id, segment);
            place.hash = hash;
            place.live = Some(Live { key, class: Class::Silent, last_seen: now, flow });
        }
        let Self { index, slots, .. } = self;
        index.insert_unique(hash, slot, |&other| {
            let other = usize::try_from(other).unwrap_or(usize::MAX);
            slots.get(other).map_or(0, |place| place.hash)
        });
        self.append(Class::Silent, slot);
        slot
    }

    /// Notes activity of a flow: it is now the last to leave.
    pub(crate) fn touch(&mut self, slot: u32, now: Timestamp) {
        let Some(live) = self.live(slot) else { return };
        let old = live.class;
        let new = if old == Class::Silent && live.flow.is_blank() {
            Class::Silent
        } else {
            Class::Speaking
        };
        if old != new || self.queue(old).newest != slot {
            self.unlink(old, slot);
            self.append(new, slot);
        }
        if let Some(live) = self.slot_mut(slot).and_then(|place| place.live.as_mut()) {
            live.class = new;
            live.last_seen = now;
        }
    }

    /// A flow that has been idle since `since` or longer.
    pub(crate) fn idle_since(&self, since: Timestamp) -> Option<u32> {
        [self.silent.oldest, self.speaking.oldest]
            .into_iter()
            .find(|&slot| self.live(slot).is_some_and(|live| live.last_seen <= since))
    }

    /// The flow that leaves when the table is full: the longest idle, but one without payload when
    /// those have more than their part.
    pub(crate) fn longest_idle(&self) -> Option<u32> {
        let (silent, speaking) = (self.silent.oldest, self.speaking.oldest);
        let (Some(quiet), Some(loud)) = (self.live(silent), self.live(speaking)) else {
            return [silent, speaking].into_iter().find(|&slot| slot != NONE);
        };
        let is_silent_first =
            self.silent.len * SILENT_PART >= self.flows_max || quiet.last_seen <= loud.last_seen;
        Some(if is_silent_first { silent } else { speaking })
    }

    /// Frees a slot.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(class) = self.live(slot).map(|live| live.class) else { return };
        self.unlink(class, slot);
        let Some(place) = self.slot_mut(slot) else { return };
        place.live = None;
        place.generation = place.generation.wrapping_add(1);
        let hash = place.hash;
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.free.push(slot);
    }

    fn live(&self, slot: u32) -> Option<&Live> {
        self.slots.get(usize::try_from(slot).ok()?)?.live.as_ref()
    }

    fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(slot).ok()?)
    }

    fn queue(&self, class: Class) -> &Queue {
        match class {
            Class::Silent => &self.silent,
            Class::Speaking => &self.speaking,
        }
    }

    fn queue_mut(&mut self, class: Class) -> &mut Queue {
        match class {
            Class::Silent => &mut self.silent,
            Class::Speaking => &mut self.speaking,
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

impl Queue {
    const EMPTY: Self = Self { oldest: NONE, newest: NONE, len: 0 };
}

impl Slot {
    const EMPTY: Self = Self { generation: 0, hash: 0, older: NONE, newer: NONE, live: None };
}
