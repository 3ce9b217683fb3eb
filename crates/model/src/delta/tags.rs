//! Which members objects have, by the value of one that may tell kinds of objects apart.

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{add_counts, keep_smallest};
use crate::{ConsumerKey, FieldKey, ValueNote, Witnesses};

/// The objects with one value of the tag.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagValue {
    /// Whole objects.
    pub objects: u64,
    /// The value; see [`ValueNote::text`].
    pub text: Option<CompactString>,
    /// Who sent or got it.
    pub witnesses: Witnesses,
    /// How many of the objects had each member: the smallest keys.
    pub members: BTreeMap<FieldKey, u64>,
}

impl fmt::Debug for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TagValue({})", self.objects)
    }
}

/// The values of one tag.
///
/// Joining is commutative and associative: it is given up if and only if there are more than
/// [`TagCounts::VALUES_MAX`] values in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCounts {
    /// By keyed hash; none once there were too many.
    values: BTreeMap<u64, TagValue>,
    is_given_up: bool,
}

impl TagCounts {
    /// Values of a tag that are told apart: with more it is none.
    pub const VALUES_MAX: usize = 8;
    /// Members of the objects with one value that are counted.
    pub const MEMBERS_MAX: usize = 64;

    /// Each value by its keyed hash; none when there were too many.
    pub fn values(&self) -> Option<&BTreeMap<u64, TagValue>> {
        (!self.is_given_up).then_some(&self.values)
    }

    /// Adds a whole object whose tag has this value.
    pub fn add(
        &mut self,
        value: &ValueNote,
        consumer: ConsumerKey,
        members: impl Iterator<Item = FieldKey>,
    ) {
        if self.is_given_up {
            return;
        }
        let witnesses = Witnesses::of(consumer);
        let known = self.values.entry(value.hash).or_insert_with(|| TagValue {
            objects: 0,
            text: value.text.clone(),
            witnesses,
            members: BTreeMap::new(),
        });
        known.objects += 1;
        known.witnesses.join(witnesses);
        for member in members {
            *known.members.entry(member).or_default() += 1;
        }
        keep_smallest(&mut known.members, Self::MEMBERS_MAX);
        self.bound();
    }

    /// Joins what others have seen.
    pub fn join(&mut self, other: &Self) {
        self.is_given_up |= other.is_given_up;
        for (hash, their) in &other.values {
            if let Some(our) = self.values.get_mut(hash) {
                our.objects += their.objects;
                our.witnesses.join(their.witnesses);
                add_counts(&mut our.members, &their.members);
                keep_smallest(&mut our.members, Self::MEMBERS_MAX);
            } else {
                self.values.insert(*hash, their.clone());
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        self.is_given_up |= self.values.len() > Self::VALUES_MAX;
        if self.is_given_up {
            self.values = BTreeMap::new();
        }
    }
}
