//! Which classes of data the values of one place are valid for: evidence, in counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{add_counts, keep_smallest};
use crate::{ClassSet, DataClass};

/// Values by the class they are valid for. One value may be valid for several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Values valid for each: the classes declared first.
    pub valid: BTreeMap<DataClass, u64>,
    /// Parts of keyed hashes of valid values, the smallest ones: that so many differ.
    pub samples: BTreeSet<u16>,
}

impl ClassCounts {
    /// Classes that are counted of one place.
    pub const CLASSES_MAX: usize = 8;
    /// Different values that are told apart.
    pub const SAMPLES_MAX: usize = 8;

    /// Whether no value was valid for any.
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty()
    }

    /// Adds a value.
    pub fn add(&mut self, classes: ClassSet, sample: Option<u16>) {
        for class in classes.iter() {
            *self.valid.entry(class).or_default() += 1;
        }
        self.samples.extend(sample);
        self.bound();
    }

    /// Joins what others saw in the same place.
    pub fn join(&mut self, other: &Self) {
        add_counts(&mut self.valid, &other.valid);
        self.samples.extend(&other.samples);
        self.bound();
    }

    fn bound(&mut self) {
        keep_smallest(&mut self.valid, Self::CLASSES_MAX);
        while self.samples.len() > Self::SAMPLES_MAX {
            self.samples.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(values: &[(usize, u16)]) -> ClassCounts {
        let mut counts = ClassCounts::default();
        for &(class, sample) in values {
            let class = DataClass::ALL[class % DataClass::ALL.len()];
            counts.add(ClassSet::of(&[class]), Some(sample));
        }
        counts
    }

    proptest! {
        #[test]
        fn joining_parts_in_any_order_is_counting_all(
            values in prop::collection::vec((0_usize..60, 0_u16..40), 0..80),
            cut in 0_usize..80,
        ) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let (mut one, mut other) = (counted(left), counted(right));
            let before = one.clone();
            one.join(&other);
            other.join(&before);
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(&one, &counted(&values));
            prop_assert!(one.valid.len() <= ClassCounts::CLASSES_MAX);
        }
    }
}
