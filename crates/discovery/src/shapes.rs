//! Which names were sent, each with the type of its value, as sets.
//!
//! A whole set that was seen once is shared. The sets are a memory of a pure function: forgetting
//! them changes no output.

use std::sync::Arc;

use hashbrown::HashMap;
use tapline_model::{ParameterLocation, ParameterSet, ParameterShape, ValueKind};

use crate::names::{Names, NodeId};

/// Shapes in all remembered sets after which they are gathered anew.
const SET_SHAPES_MAX: usize = 65_536;

/// Collects the parameters of one transaction after another.
pub(crate) struct Shapes {
    sets: HashMap<Box<[u32]>, Arc<ParameterSet>>,
    /// Shapes in all of them.
    remembered: usize,
    /// The set that is being gathered: names and kinds.
    gathered: Vec<u32>,
    location: ParameterLocation,
    stamp: u64,
    room: usize,
    /// How many came after the cap was reached.
    pub(crate) over_max: u64,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shapes({} sets)", self.sets.len())
    }
}

impl Shapes {
    /// Remembers nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            sets: HashMap::new(),
            remembered: 0,
            gathered: Vec::new(),
            location: ParameterLocation::Query,
            stamp: 0,
            room: 0,
            over_max: 0,
        }
    }

    /// Begins a transaction with at most `max` parameters.
    pub(crate) const fn start(&mut self, max: usize) {
        self.room = max;
        self.over_max = 0;
    }

    /// The names that the sets were made of are gone.
    pub(crate) fn forget(&mut self) {
        self.sets.clear();
        self.remembered = 0;
    }

    /// Begins a set; the root of its names.
    pub(crate) fn begin(&mut self, location: ParameterLocation, names: &mut Names) -> NodeId {
        self.gathered.clear();
        self.stamp = names.new_stamp();
        self.location = location;
        match location {
            ParameterLocation::Path => NodeId::PATH,
            ParameterLocation::Query => NodeId::QUERY,
        }
    }

    /// Notes a value under the name of `node`; the first of a name counts. Whether it was that.
    pub(crate) fn note(&mut self, node: NodeId, kind: ValueKind, names: &mut Names) -> bool {
        if names.is_in_set(node, self.stamp) {
            return false;
        }
        if self.room == 0 {
            self.over_max += 1;
        } else {
            self.room -= 1;
            self.gathered.push(node.number() << 8 | kind as u32);
        }
        true
    }

    /// Ends the set; none when nothing was noted.
    pub(crate) fn finish(&mut self, names: &Names) -> Option<Arc<ParameterSet>> {
        if self.gathered.is_empty() {
            return None;
        }
        if let Some(set) = self.sets.get(self.gathered.as_slice()) {
            return Some(Arc::clone(set));
        }
        if self.remembered + self.gathered.len() > SET_SHAPES_MAX {
            self.forget();
        }
        let shapes = self.gathered.iter().filter_map(|&entry| {
            let name = names.spelled(NodeId::from_number(entry >> 8))?.clone();
            let kind = *ValueKind::ALL.get((entry & 0xFF) as usize)?;
            Some(ParameterShape { location: self.location, name, kind })
        });
        let set = Arc::new(ParameterSet { shapes: shapes.collect() });
        self.remembered += set.shapes.len();
        self.sets.insert(self.gathered.as_slice().into(), Arc::clone(&set));
        Some(set)
    }

    /// Takes a set that was gathered before; false when there is no room for all of it.
    pub(crate) fn repeat(&mut self, set: &ParameterSet) -> bool {
        let fits = set.shapes.len() <= self.room;
        if fits {
            self.room -= set.shapes.len();
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::Key;

    use super::*;

    fn set(shapes: &mut Shapes, names: &mut Names, sent: &[&str]) -> Option<Arc<ParameterSet>> {
        let root = shapes.begin(ParameterLocation::Query, names);
        let mut before = NodeId::NOWHERE;
        for name in sent {
            before = names.enter(root, before, name.as_bytes());
            shapes.note(before, ValueKind::String, names);
        }
        shapes.finish(names)
    }

    fn named(set: &ParameterSet) -> Vec<&str> {
        set.shapes.iter().map(|shape| shape.name.as_str()).collect()
    }

    #[test]
    fn a_name_counts_once_and_the_cap_holds() {
        let (mut shapes, mut names) = (Shapes::new(), Names::new(Key::fixed()));
        shapes.start(2);
        let first = set(&mut shapes, &mut names, &["a", "a", "b", "c", "d"]).unwrap();
        assert_eq!(named(&first), ["a", "b"]);
        assert_eq!(shapes.over_max, 2);
    }

    #[test]
    fn equal_sets_are_shared_and_order_matters() {
        let (mut shapes, mut names) = (Shapes::new(), Names::new(Key::fixed()));
        shapes.start(100);
        let first = set(&mut shapes, &mut names, &["a", "b"]).unwrap();
        assert!(Arc::ptr_eq(&first, &set(&mut shapes, &mut names, &["a", "b"]).unwrap()));
        assert_eq!(named(&set(&mut shapes, &mut names, &["b", "a"]).unwrap()), ["b", "a"]);
        assert!(set(&mut shapes, &mut names, &[]).is_none());
    }

    #[test]
    fn forgetting_changes_no_set() {
        let (mut shapes, mut names) = (Shapes::new(), Names::new(Key::fixed()));
        shapes.start(100);
        let before = set(&mut shapes, &mut names, &["page", "limit"]).unwrap();
        for round in 0..40_000 {
            if names.start() {
                shapes.forget();
            }
            shapes.start(100);
            let name = format!("n{round}x");
            let sent = set(&mut shapes, &mut names, &[&name, "17", "18"]).unwrap();
            assert_eq!(named(&sent), [&name, "[integer]"]);
            assert!(shapes.remembered <= SET_SHAPES_MAX);
        }
        assert_eq!(before, set(&mut shapes, &mut names, &["page", "limit"]).unwrap());
    }
}
