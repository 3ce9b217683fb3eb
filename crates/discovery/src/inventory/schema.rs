//! What the documents of one endpoint look like: the join of all that was seen, within bounds.

mod classes;
mod conclude;
mod parts;
mod show;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tapline_model::{
    BodyView, ClassCounts, FieldDelta, FieldKey, FieldName, FieldPart, Key, RouteDelta, SchemaDelta,
};

use self::classes::Judged;
pub(super) use self::classes::Seen;
use self::conclude::looks_like_map;
pub(super) use self::conclude::{presence, share_min};
pub(super) use self::parts::SchemaParts;
pub(super) use self::show::schema_of_types;

#[cfg(test)]
mod tests;

/// Members of an object from which on it may be a map.
const MAP_MEMBERS_MIN: u32 = 10;

/// How many more fields there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Of one endpoint.
    pub(crate) endpoint_max: usize,
    /// Of all endpoints, beyond those that there are.
    pub(crate) left: usize,
}

impl Room {
    /// For what had room before.
    pub(crate) const ANY: Self = Self { endpoint_max: usize::MAX, left: usize::MAX };
}

/// All parts of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    parts: BTreeMap<FieldPart, Part>,
    /// Transactions that were looked into, by status.
    looked_into: BTreeMap<u16, u64>,
    fields: usize,
    /// Places whose values were valid for a class in the epoch that was absorbed last.
    evident: Vec<(FieldPart, FieldKey, ClassCounts)>,
    /// What was shown last; none once something has changed.
    shown: Option<Arc<[BodyView]>>,
}

/// The documents of one part.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) documents: u64,
    pub(super) fields: BTreeMap<FieldKey, Field>,
}

/// One place of documents.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) seen: FieldDelta,
    /// Objects that were seen while nobody knew whether they had this member.
    pub(super) missed: u64,
    /// Of an object: the members that are told apart by name.
    members: u32,
    /// Its members are not told apart by name.
    pub(super) is_map: bool,
    /// Values that stood in places below which found no room.
    pub(super) left_out: u64,
    /// What its values are, once one was valid for something.
    pub(super) judged: Option<Box<Judged>>,
    /// Transactions that were looked into before it came, if the endpoint was known well by then.
    pub(super) came_after: Option<u64>,
}

impl Field {
    const fn new(seen: FieldDelta) -> Self {
        Self {
            seen,
            missed: 0,
            members: 0,
            is_map: false,
            left_out: 0,
            judged: None,
            came_after: None,
        }
    }
}

impl Schemas {
    /// How many fields there are.
    pub(crate) const fn len(&self) -> usize {
        self.fields
    }

    /// Transactions that were looked into.
    pub(crate) fn looked_into(&self) -> u64 {
        self.looked_into.values().sum()
    }

    /// Of those, the ones that taught what requests look like.
    pub(crate) fn bodies_read(&self) -> u64 {
        self.looked_into.range(1..400).map(|(_, count)| count).sum()
    }

    /// Joins those of another endpoint. Gives the number of values that found no room.
    pub(crate) fn join(&mut self, other: &Self, room: Room, key: &Key) -> u64 {
        self.shown = None;
        for (&status, count) in &other.looked_into {
            *self.looked_into.entry(status).or_default() += count;
        }
        let mut refused = 0;
        let fields_max = room.endpoint_max.min(self.fields.saturating_add(room.left));
        for (name, theirs) in &other.parts {
            if !self.parts.contains_key(name) && self.parts.len() >= RouteDelta::PARTS_MAX {
                refused += theirs.fields.values().map(|field| field.seen.n()).sum::<u64>();
                continue;
            }
            let part = self.parts.entry(name.clone()).or_default();
            let others = self.fields - part.fields.len();
            refused += part.join(theirs, fields_max.saturating_sub(others), key);
            self.fields = others + part.fields.len();
        }
        refused
    }

    /// Remembers of the fields that are still there which of them came late.
    pub(crate) fn keep_late_fields(&mut self, before: &Self) {
        for (name, part) in &mut self.parts {
            let Some(known) = before.parts.get(name) else { continue };
            for (place, field) in &mut part.fields {
                field.came_after = known.fields.get(place).and_then(|field| field.came_after);
            }
        }
    }

    /// Adds what one epoch brought. Gives the number of values that found no room.
    pub(crate) fn absorb(
        &mut self,
        seen: &RouteDelta,
        room: Room,
        known_by: Option<u64>,
        key: &Key,
    ) -> u64 {
        self.shown = None;
        for (&status, count) in &seen.looked_into {
            *self.looked_into.entry(status).or_default() += count;
        }
        self.evident.clear();
        let mut refused = seen.left_out;
        let fields_max = room.endpoint_max.min(self.fields.saturating_add(room.left));
        for (name, theirs) in &seen.schemas {
            if !self.parts.contains_key(name) && self.parts.len() >= RouteDelta::PARTS_MAX {
                refused += theirs.values();
                continue;
            }
            let part = self.parts.entry(name.clone()).or_default();
            let others = self.fields - part.fields.len();
            let is_first = part.documents == 0;
            let mut taking = Taking::new(fields_max.saturating_sub(others), key);
            taking.known_by = known_by.filter(|_| !is_first);
            refused += part.absorb(theirs, &mut taking);
            let evident = taking.evident.into_iter();
            self.evident.extend(evident.map(|(place, counts)| (name.clone(), place, counts)));
            self.fields = others + part.fields.len();
        }
        refused
    }
}

impl Part {
    fn absorb(&mut self, theirs: &SchemaDelta, taking: &mut Taking<'_>) -> u64 {
        self.documents += theirs.documents;
        if theirs.left_out > 0 {
            self.note_missed(theirs);
        }
        let mut refused = theirs.left_out;
        for (&place, their) in &theirs.fields {
            refused += taking.take(&mut self.fields, place, their);
        }
        for object in std::mem::take(&mut taking.grown) {
            if looks_like_map(&self.fields, object) {
                refused += self.make_map(object, taking);
            }
        }
        for place in taking.evident.keys() {
            classes::judge(&mut self.fields, *place);
        }
        refused
    }

    fn join(&mut self, theirs: &Self, fields_max: usize, key: &Key) -> u64 {
        self.documents += theirs.documents;
        let mut taking = Taking::new(fields_max, key);
        let mut refused = 0;
        for (place, their) in &theirs.fields {
            refused += taking.take(&mut self.fields, *place, &their.seen);
            let at = *taking.moved.get(place).unwrap_or(place);
            let Some(field) = self.fields.get_mut(&at) else { continue };
            field.missed += their.missed;
            field.left_out += their.left_out;
            if their.is_map && !field.is_map {
                refused += self.make_map(at, &mut taking);
            }
        }
        for object in std::mem::take(&mut taking.grown) {
            if looks_like_map(&self.fields, object) {
                refused += self.make_map(object, &mut taking);
            }
        }
        for place in taking.evident.keys() {
            classes::judge(&mut self.fields, *place);
        }
        refused
    }

    /// In an epoch that had too many places, nothing is known of those behind the last one kept.
    fn note_missed(&mut self, theirs: &SchemaDelta) {
        let Some((&last, _)) = theirs.fields.last_key_value() else { return };
        for (_, field) in self.fields.range_mut(last..).skip_while(|(place, _)| **place == last) {
            if matches!(field.seen.name, FieldName::Member(_))
                && let Some(parent) = theirs.fields.get(&field.seen.parent)
            {
                field.missed += parent.objects;
            }
        }
    }

    /// Tells the members of an object apart by name no longer.
    fn make_map(&mut self, object: FieldKey, taking: &mut Taking<'_>) -> u64 {
        let Some(map) = self.fields.get_mut(&object) else { return 0 };
        map.is_map = true;
        map.members = 0;
        map.seen.tags = BTreeMap::new();
        // All below its members: parents come first.
        let mut below = BTreeSet::new();
        for (&place, Field { seen, .. }) in &self.fields {
            let is_member = seen.parent == object && matches!(seen.name, FieldName::Member(_));
            if is_member || below.contains(&seen.parent) {
                below.insert(place);
            }
        }
        let taken: Vec<(FieldKey, Field)> =
            below.iter().filter_map(|place| self.fields.remove_entry(place)).collect();
        let mut refused = 0;
        for (place, field) in &taken {
            refused += taking.take(&mut self.fields, *place, &field.seen);
            let at = taking.moved.get(place).unwrap_or(place);
            if let Some(moved) = self.fields.get_mut(at) {
                moved.left_out += field.left_out;
            }
        }
        refused
    }
}

/// Puts what was seen where it belongs.
struct Taking<'a> {
    fields_max: usize,
    key: &'a Key,
    /// Where the places below the members of maps have gone.
    moved: HashMap<FieldKey, FieldKey>,
    /// Objects that have got a new member, and have many.
    grown: BTreeSet<FieldKey>,
    /// Places whose values were valid for a class, and for which.
    evident: BTreeMap<FieldKey, ClassCounts>,
    /// Transactions that were looked into before, if they are enough to call a new place new.
    known_by: Option<u64>,
}

impl<'a> Taking<'a> {
    fn new(fields_max: usize, key: &'a Key) -> Self {
        Self {
            fields_max,
            key,
            moved: HashMap::new(),
            grown: BTreeSet::new(),
            evident: BTreeMap::new(),
            known_by: None,
        }
    }

    /// Takes one place; its parent must have been taken. Gives the number of values that found no
    /// room.
    fn take(
        &mut self,
        fields: &mut BTreeMap<FieldKey, Field>,
        place: FieldKey,
        their: &FieldDelta,
    ) -> u64 {
        let parent = *self.moved.get(&their.parent).unwrap_or(&their.parent);
        let mut in_map = false;
        if their.name != FieldName::Root {
            let Some(holder) = fields.get(&parent) else { return their.n() };
            in_map = holder.is_map && matches!(their.name, FieldName::Member(_));
        }
        let name = if in_map { &FieldName::AnyMember } else { &their.name };
        let is_moved = in_map || parent != their.parent;
        let at = if is_moved { parent.below(self.key, name) } else { place };
        if is_moved {
            self.moved.insert(place, at);
        }
        let mut adapted = None;
        if is_moved {
            let adapted = adapted.insert(their.clone());
            adapted.parent = parent;
            adapted.name = name.clone();
            // Their members have moved.
            adapted.tags = BTreeMap::new();
            if in_map {
                adapted.present = 0;
                adapted.keys = BTreeMap::from([(None, their.n())]);
            }
        }
        let their = adapted.as_ref().unwrap_or(their);
        if !their.classes.is_empty() {
            self.evident.entry(at).or_default().join(&their.classes);
        }
        if let Some(field) = fields.get_mut(&at) {
            field.seen.join(their);
            return 0;
        }
        let has_room = fields.len() < self.fields_max;
        if let Some(holder) = fields.get_mut(&parent).filter(|_| their.name != FieldName::Root) {
            if !has_room {
                holder.left_out += their.n();
            } else if matches!(their.name, FieldName::Member(_)) {
                holder.members += 1;
                if holder.members >= MAP_MEMBERS_MIN {
                    self.grown.insert(parent);
                }
            }
        }
        if !has_room {
            return their.n();
        }
        let came_after = if is_moved { None } else { self.known_by };
        fields.insert(at, Field { came_after, ..Field::new(their.clone()) });
        0
    }
}
