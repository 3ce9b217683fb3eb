//! What the documents of one endpoint look like: the join of all that was seen, within bounds.

mod conclude;
mod show;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tapline_model::{
    BodyView, FieldDelta, FieldKey, FieldName, FieldPart, Key, RouteDelta, SchemaDelta,
};

use self::conclude::looks_like_map;
pub(super) use self::conclude::{presence, share_min};
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

/// All parts of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    parts: BTreeMap<FieldPart, Part>,
    /// Transactions that were looked into, by status.
    looked_into: BTreeMap<u16, u64>,
    fields: usize,
    /// What was shown last; none once something has changed.
    shown: Option<Arc<[BodyView]>>,
}

/// The documents of one part.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) documents: u64,
    pub(super) fields: BTreeMap<FieldKey, Field>,
}

/// One place of documents.
#[derive(Debug)]
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
}

impl Field {
    const fn new(seen: FieldDelta) -> Self {
        Self { seen, missed: 0, members: 0, is_map: false, left_out: 0 }
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
    pub(crate) fn join(&mut self, other: Self, room: Room, key: &Key) -> u64 {
        self.shown = None;
        for (status, count) in other.looked_into {
            *self.looked_into.entry(status).or_default() += count;
        }
        let mut refused = 0;
        let fields_max = room.endpoint_max.min(self.fields.saturating_add(room.left));
        for (name, theirs) in other.parts {
            if !self.parts.contains_key(&name) && self.parts.len() >= RouteDelta::PARTS_MAX {
                refused += theirs.fields.values().map(|field| field.seen.n()).sum::<u64>();
                continue;
            }
            let part = self.parts.entry(name).or_default();
            let others = self.fields - part.fields.len();
            refused += part.join(&theirs, fields_max.saturating_sub(others), key);
            self.fields = others + part.fields.len();
        }
        refused
    }

    /// Adds what one epoch brought. Gives the number of values that found no room.
    pub(crate) fn absorb(&mut self, seen: &RouteDelta, room: Room, key: &Key) -> u64 {
        self.shown = None;
        for (&status, count) in &seen.looked_into {
            *self.looked_into.entry(status).or_default() += count;
        }
        let mut refused = seen.left_out;
        let fields_max = room.endpoint_max.min(self.fields.saturating_add(room.left));
        for (name, theirs) in &seen.schemas {
            if !self.parts.contains_key(name) && self.parts.len() >= RouteDelta::PARTS_MAX {
                refused += theirs.values();
                continue;
            }
            let part = self.parts.entry(name.clone()).or_default();
            let others = self.fields - part.fields.len();
            refused += part.absorb(theirs, fields_max.saturating_sub(others), key);
            self.fields = others + part.fields.len();
        }
        refused
    }
}

impl Part {
    fn absorb(&mut self, theirs: &SchemaDelta, fields_max: usize, key: &Key) -> u64 {
        self.documents += theirs.documents;
        if theirs.left_out > 0 {
            self.note_missed(theirs);
        }
        let mut taking = Taking { fields_max, key, moved: HashMap::new(), grown: BTreeSet::new() };
        let mut refused = theirs.left_out;
        for (&place, their) in &theirs.fields {
            refused += taking.take(&mut self.fields, place, their);
        }
        for object in std::mem::take(&mut taking.grown) {
            if looks_like_map(&self.fields, object) {
                refused += self.make_map(object, &mut taking);
            }
        }
        refused
    }

    fn join(&mut self, theirs: &Self, fields_max: usize, key: &Key) -> u64 {
        self.documents += theirs.documents;
        let mut taking = Taking { fields_max, key, moved: HashMap::new(), grown: BTreeSet::new() };
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
}

impl Taking<'_> {
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
        fields.insert(at, Field::new(their.clone()));
        0
    }
}
