//! Which values a field had, while they are few; how many, when they are many.

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use tapline_sketch::Kmv;

use crate::{ConsumerKey, ValueNote};

/// Whether one consumer was seen or several: the smallest and the greatest key. Joins in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnesses {
    low: u64,
    high: u64,
}

impl Witnesses {
    /// One.
    pub const fn of(consumer: ConsumerKey) -> Self {
        Self { low: consumer.0, high: consumer.0 }
    }

    /// Adds others.
    pub fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    /// The smallest and the greatest.
    pub const fn ends(self) -> [ConsumerKey; 2] {
        [ConsumerKey(self.low), ConsumerKey(self.high)]
    }

    /// Whether there are at least two.
    pub const fn are_several(self) -> bool {
        self.low != self.high
    }
}

/// One value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// How often.
    pub count: u64,
    /// Who sent or got it.
    pub witnesses: Witnesses,
    /// See [`ValueNote::text`]: not to be shown before there are several witnesses.
    pub text: Option<CompactString>,
}

impl fmt::Debug for ValueCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueCount({})", self.count)
    }
}

/// The distinct values of a field: each of them while they are few, else how many.
///
/// Joining is commutative and associative: they are many if and only if there are more than
/// [`Values::FEW_MAX`] in all, or one was too long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// By keyed hash; none once they are many.
    few: BTreeMap<u64, ValueCount>,
    many: Option<Box<Kmv<16>>>,
}

impl Values {
    /// How many are told apart.
    pub const FEW_MAX: usize = 20;

    /// Each by its keyed hash, while they are few.
    pub fn few(&self) -> Option<&BTreeMap<u64, ValueCount>> {
        self.many.is_none().then_some(&self.few)
    }

    /// How many distinct ones there are: an estimate when they are many.
    pub fn distinct(&self) -> u64 {
        self.many.as_ref().map_or(self.few.len() as u64, |hashes| hashes.distinct())
    }

    /// Adds one value.
    pub fn add(&mut self, value: &ValueNote, consumer: ConsumerKey) {
        if value.is_long || self.many.is_some() {
            self.become_many().insert(value.hash);
            return;
        }
        let witnesses = Witnesses::of(consumer);
        if let Some(known) = self.few.get_mut(&value.hash) {
            known.count += 1;
            known.witnesses.join(witnesses);
        } else {
            let first = ValueCount { count: 1, witnesses, text: value.text.clone() };
            self.few.insert(value.hash, first);
            self.bound();
        }
    }

    /// Joins what others have seen.
    pub fn join(&mut self, other: &Self) {
        if let Some(theirs) = &other.many {
            self.become_many().merge(theirs);
            return;
        }
        if let Some(ours) = &mut self.many {
            other.few.keys().for_each(|&hash| ours.insert(hash));
            return;
        }
        for (hash, their) in &other.few {
            if let Some(our) = self.few.get_mut(hash) {
                our.count += their.count;
                our.witnesses.join(their.witnesses);
            } else {
                self.few.insert(*hash, their.clone());
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.few.len() > Self::FEW_MAX {
            self.become_many();
        }
    }

    fn become_many(&mut self) -> &mut Kmv<16> {
        let few = std::mem::take(&mut self.few);
        let many = self.many.get_or_insert_default();
        for &hash in few.keys() {
            many.insert(hash);
        }
        many
    }
}
