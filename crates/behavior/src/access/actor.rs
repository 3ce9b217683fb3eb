//! One consumer that is followed.

use std::collections::BTreeSet;

use smallvec::SmallVec;
use tapline_model::{ConsumerDelta, ConsumerKind, EndpointRef, Epoch, Near, Outcomes};
use tapline_sketch::Kmv;

use super::{DAY_TERMS, TERM_SECONDS, Usual, Visit};
use crate::detection::exfiltration::Volume;
use crate::detection::flow_violation::Session;
use crate::detection::function_level_authorization::Routine;
use crate::detection::resource_exhaustion::Load;

/// Spaces of objects that are followed of one consumer.
const SPACES_MAX: usize = 8;
/// User agents that are told apart.
const AGENTS_MAX: usize = 8;
/// User agents from which on an address is one that many share.
const SHARED_AGENTS_MIN: usize = 4;
/// Objects of others whose hashes are remembered.
const FOREIGN_NAMED: usize = 5;
/// Words of a filter of ids: 8 192 bits.
const SERVED_WORDS: usize = 128;
/// Ids after which another filter is begun: one in 200 is taken for known by mistake.
const SERVED_IDS_MAX: u32 = 600;
/// Terms for which whoever was reported teaches nothing.
const SUSPECT_TERMS: u64 = 24;

/// One consumer.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) kind: ConsumerKind,
    pub(crate) last_seen: Epoch,
    pub(crate) requests: u64,
    /// The last term in which it was reported.
    reported: Option<u64>,
    /// The last day on which it taught what is normal.
    taught: Option<u64>,
    agents: BTreeSet<u64>,
    pub(crate) served: Served,
    /// Successful answers of this term: all, and those that may have named more than is known.
    pub(crate) answers: u64,
    pub(crate) blind: u64,
    /// Distinct objects that it got in this term, asked for or named.
    pub(crate) obtained: Kmv<64>,
    pub(crate) usual_obtained: Usual,
    /// The host that it called last.
    pub(crate) main_host: u64,
    /// The furthest part of a list that it asked for in this term.
    pub(crate) page: u64,
    pub(crate) uses: SmallVec<[(u64, Box<SpaceUse>); 1]>,
    pub(crate) routine: Routine,
    pub(crate) session: Session,
    pub(crate) volume: Volume,
    pub(crate) load: Load,
}

impl Actor {
    /// One that did nothing yet.
    pub(crate) fn new(kind: ConsumerKind, epoch: Epoch) -> Self {
        Self {
            kind,
            last_seen: epoch,
            requests: 0,
            reported: None,
            taught: None,
            agents: BTreeSet::new(),
            served: Served::default(),
            answers: 0,
            blind: 0,
            obtained: Kmv::new(),
            usual_obtained: Usual::default(),
            main_host: 0,
            page: 0,
            uses: SmallVec::new(),
            routine: Routine::default(),
            session: Session::default(),
            volume: Volume::default(),
            load: Load::default(),
        }
    }

    /// Notes with which agents it calls.
    pub(super) fn note_caller(&mut self, caller: Option<&ConsumerDelta>) {
        let Some(caller) = caller else { return };
        self.kind = self.kind.min(caller.kind);
        for &agent in &caller.agents {
            if self.agents.len() < AGENTS_MAX {
                self.agents.insert(agent);
            }
        }
    }

    /// An address behind which there seem to be many: it is nobody to be judged.
    pub(crate) fn is_crowd(&self) -> bool {
        self.kind == ConsumerKind::Address && self.agents.len() >= SHARED_AGENTS_MIN
    }

    /// Before the detections look at a visit.
    pub(super) fn begin_visit(&mut self, visit: &Visit<'_>) {
        self.answers += u64::from(visit.access.outcomes.successes);
        self.blind += visit.access.blind + u64::from(visit.access.is_served_cut());
    }

    /// When they have: what was named in it is known from now on.
    pub(super) fn end_visit(&mut self, visit: &Visit<'_>) {
        self.last_seen = visit.epoch;
        self.requests += visit.access.outcomes.total();
        for &object in visit.access.served {
            self.served.insert(object);
        }
    }

    /// Whether what was served to it is known well enough to say that something was not: of twenty
    /// answers at most one was not read.
    pub(crate) const fn is_provenance_known(&self) -> bool {
        self.blind * 20 <= self.answers
    }

    /// Whether it got anything in this term.
    pub(super) const fn has_acted(&self) -> bool {
        self.answers > 0
    }

    /// Whether it has yet to teach on this day; if so, it has now.
    pub(super) fn teaches(&mut self, day: u64) -> bool {
        self.taught.replace(day) != Some(day)
    }

    /// It was reported: for a day it teaches nothing.
    pub(crate) const fn report(&mut self, term: u64) {
        self.reported = Some(term);
    }

    /// Whether it is not to teach what is normal.
    pub(crate) fn is_suspect(&self, term: u64) -> bool {
        self.reported.is_some_and(|reported| term < reported + SUSPECT_TERMS)
    }

    /// What it did with the objects of a space; of more than a few spaces, those used last.
    pub(crate) fn space_use(&mut self, space: u64, term: u64) -> &mut SpaceUse {
        let found = self.uses.iter().position(|&(key, _)| key == space);
        let at = found.unwrap_or_else(|| {
            if self.uses.len() == SPACES_MAX {
                let quietest = self.uses.iter().enumerate().min_by_key(|(_, (_, it))| it.last_term);
                let at = quietest.map_or(0, |(at, _)| at);
                self.uses.remove(at);
            }
            self.uses.push((space, Box::new(SpaceUse::new())));
            self.uses.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or pushed there")]
        let (_, used) = &mut self.uses[at];
        used.last_term = term;
        used
    }

    /// A term is over, and `now` has begun.
    pub(super) fn end_term(&mut self, now: u64) {
        self.answers = 0;
        self.blind = 0;
        self.obtained = Kmv::new();
        self.page = 0;
        for (_, used) in &mut self.uses {
            used.end_term(now);
        }
        self.volume.end_term();
    }
}

/// What one consumer did with the objects of one space.
#[derive(Debug)]
pub(crate) struct SpaceUse {
    last_term: u64,
    /// Distinct objects of this term.
    pub(crate) objects: Kmv<64>,
    /// Those met in this term, nearly.
    met: [u64; 8],
    /// What became of the requests of this term.
    pub(crate) outcomes: Outcomes,
    /// New integers of this term; and those next to the one before, though no answer had named them.
    pub(crate) steps: u64,
    pub(crate) small_steps: u64,
    last_near: Near,
    /// New objects of this term while it was known what was served; and those that were not.
    pub(crate) checked: u64,
    pub(crate) unserved: u64,
    /// By term of the last day: new objects whose standing is known, and those of others.
    judged: SmallVec<[(u64, u64, u64); 4]>,
    /// Some objects of others, the newest ones.
    foreign: SmallVec<[u64; FOREIGN_NAMED]>,
    /// The last day on which it taught what is normal.
    taught: Option<u64>,
    /// Since it was first seen: objects whose standing was known, and those of others.
    pub(crate) ever_judged: u64,
    pub(crate) ever_foreign: u64,
    pub(crate) usual: Usual,
    /// When it was first reported, and at which endpoint: the case stays one while it goes on.
    pub(crate) case: Option<Box<(Epoch, EndpointRef)>>,
}

impl SpaceUse {
    fn new() -> Self {
        Self {
            last_term: 0,
            objects: Kmv::new(),
            met: [0; 8],
            outcomes: Outcomes::default(),
            steps: 0,
            small_steps: 0,
            last_near: Near::default(),
            checked: 0,
            unserved: 0,
            judged: SmallVec::new(),
            foreign: SmallVec::new(),
            taught: None,
            ever_judged: 0,
            ever_foreign: 0,
            usual: Usual::default(),
            case: None,
        }
    }

    /// Notes an object; whether it was new in this term, as far as can be remembered.
    pub(crate) fn meet(&mut self, object: u64) -> bool {
        self.objects.insert(object);
        let bit = object & 0x1ff;
        let word = self.met.get_mut(usize::try_from(bit >> 6).unwrap_or(0));
        word.is_some_and(|word| {
            let mask = 1u64 << (bit & 63);
            let is_new = *word & mask == 0;
            *word |= mask;
            is_new
        })
    }

    /// Notes the neighbourhood of a new object, and whether an answer had named it.
    pub(crate) fn step(&mut self, near: Near, was_served: bool) {
        if !near.is_known() {
            return;
        }
        if self.last_near.is_known() {
            self.steps += 1;
            self.small_steps += u64::from(!was_served && near.touches(self.last_near));
        }
        self.last_near = near;
    }

    /// Notes a new object whose standing is known.
    pub(crate) fn judge(&mut self, object: u64, is_foreign: bool, term: u64) {
        self.ever_judged += 1;
        let others = u64::from(is_foreign);
        match self.judged.last_mut() {
            Some((last, all, foreign)) if *last == term => {
                *all += 1;
                *foreign += others;
            }
            _ => self.judged.push((term, 1, others)),
        }
        self.ever_foreign += others;
        if is_foreign && !self.foreign.contains(&object) {
            if self.foreign.len() == FOREIGN_NAMED {
                self.foreign.remove(0);
            }
            self.foreign.push(object);
        }
    }

    /// Objects of others that it got within a day.
    pub(crate) fn foreign(&self) -> u64 {
        self.judged.iter().map(|&(_, _, foreign)| foreign).sum()
    }

    /// The hashes of some.
    pub(crate) fn foreign_objects(&self) -> impl Iterator<Item = u64> {
        self.foreign.iter().copied()
    }

    /// Objects whose standing was known, within a day.
    pub(crate) fn judged(&self) -> u64 {
        self.judged.iter().map(|&(_, all, _)| all).sum()
    }

    /// Whether it has yet to teach on this day; if so, it has now.
    pub(crate) fn teaches(&mut self, day: u64) -> bool {
        self.taught.replace(day) != Some(day)
    }

    /// It reads what belongs to others as a matter of course, or always reads far more than `most`
    /// of the others do.
    pub(crate) fn is_wide(&self, most: u64) -> bool {
        let is_stranger = self.ever_judged >= 20 && self.ever_foreign * 2 >= self.ever_judged;
        is_stranger || self.usual.most() > most
    }

    fn end_term(&mut self, now: u64) {
        self.objects = Kmv::new();
        self.met = [0; 8];
        self.outcomes = Outcomes::default();
        (self.steps, self.small_steps, self.last_near) = (0, 0, Near::default());
        (self.checked, self.unserved) = (0, 0);
        let oldest = now.saturating_sub(DAY_TERMS - 1);
        self.judged.retain(|(term, _, _)| *term >= oldest);
        let is_old = |case: &(Epoch, EndpointRef)| case.0.0 / TERM_SECONDS < oldest;
        if self.foreign() == 0 && self.case.as_deref().is_some_and(is_old) {
            self.case = None;
            self.foreign.clear();
        }
    }
}

/// The ids that answers named, as two filters of which the older is forgotten when the newer is full.
///
/// Source: Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970. What it takes
/// for served by mistake is one case fewer, never one more.
#[derive(Debug, Default)]
pub(crate) struct Served {
    newer: Option<Box<[u64; SERVED_WORDS]>>,
    older: Option<Box<[u64; SERVED_WORDS]>>,
    ids: u32,
}

impl Served {
    fn insert(&mut self, object: u64) {
        if self.contains(object) {
            return;
        }
        if self.ids >= SERVED_IDS_MAX {
            self.older = self.newer.take();
            self.ids = 0;
        }
        self.ids += 1;
        let filter = self.newer.get_or_insert_with(|| Box::new([0; SERVED_WORDS]));
        for (word, mask) in bits(object) {
            if let Some(word) = filter.get_mut(word) {
                *word |= mask;
            }
        }
    }

    /// Whether an answer named it.
    pub(crate) fn contains(&self, object: u64) -> bool {
        [&self.newer, &self.older].into_iter().flatten().any(|filter| {
            bits(object)
                .iter()
                .all(|&(word, mask)| filter.get(word).is_some_and(|word| word & mask != 0))
        })
    }
}

/// Four bits of a filter.
fn bits(object: u64) -> [(usize, u64); 4] {
    std::array::from_fn(|turn| {
        let part = object >> (turn * 13) & 0x1fff;
        (usize::try_from(part >> 6).unwrap_or(0), 1 << (part & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(value: u64) -> u64 {
        let mixed = value.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }

    #[test]
    fn what_was_served_is_known_and_hardly_anything_else() {
        let mut served = Served::default();
        for id in 0..1_000 {
            served.insert(mix(id));
        }
        assert!((0..1_000).all(|id| served.contains(mix(id))));
        let wrong = (1_000..11_000).filter(|&id| served.contains(mix(id))).count();
        assert!(wrong < 500, "{wrong}");
        (2_000..4_000).for_each(|id| served.insert(mix(id)));
        assert!(
            (0..700).filter(|&id| served.contains(mix(id))).count() < 100,
            "old ones are forgotten"
        );
    }

    #[test]
    fn objects_of_others_are_remembered_for_a_day() {
        let mut used = SpaceUse::new();
        used.judge(1, true, 100);
        used.judge(2, false, 101);
        used.judge(3, true, 110);
        assert_eq!((used.foreign(), used.judged()), (2, 3));
        used.end_term(124);
        assert_eq!((used.foreign(), used.judged()), (1, 2));
    }

    #[test]
    fn going_back_and_forth_is_no_counting() {
        let mut used = SpaceUse::new();
        let key = tapline_model::Key::fixed();
        for id in [4, 5, 4, 5, 4, 5, 90] {
            if used.meet(mix(id)) {
                used.step(Near::of(&key, id), false);
            }
        }
        assert_eq!((used.steps, used.small_steps), (2, 1));
    }
}
