//! What was sent, by name and type: a tree of the names that were seen, and the sets of them.
//!
//! Most documents look like the one before, so a name that was spelled once is found again by
//! comparing it with the one that followed last time, and a whole set that was seen once is shared.
//! Both are memories of pure functions: forgetting them changes no output.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use tapline_model::{Key, ParameterLocation, ParameterSet, ParameterShape, ValueKind};

use crate::parameter::{self, NAME_BYTES_MAX};

/// Nodes of the tree after which it is grown anew.
const NODES_MAX: usize = 16_384;
/// Shapes in all remembered sets after which they are gathered anew.
const SET_SHAPES_MAX: usize = 65_536;

/// A place in the tree, or nowhere: beyond the cap nothing is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// Leads to no name.
    pub(crate) const NOWHERE: Self = Self(u32::MAX);
    const QUERY: Self = Self(0);
    const PATH: Self = Self(1);
    const BODY: Self = Self(2);
    const RESPONSE: Self = Self(3);

    const fn root(location: ParameterLocation) -> Self {
        match location {
            ParameterLocation::Query => Self::QUERY,
            ParameterLocation::Path => Self::PATH,
            ParameterLocation::Body => Self::BODY,
            ParameterLocation::ResponseBody => Self::RESPONSE,
        }
    }

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A name below another.
struct Node {
    parent: NodeId,
    /// As spelled in the name; as sent too, unless that was a value.
    key: CompactString,
    /// The keyed hash of `key`.
    key_hash: u64,
    /// From the root, at most [`NAME_BYTES_MAX`] bytes.
    name: CompactString,
    /// It stands for the elements of an array.
    is_element: bool,
    /// The name was cut: what is below has the same.
    is_cut: bool,
    /// The index of the name among all.
    known: u32,
    /// The child that came first last time.
    first: NodeId,
    /// The sibling that followed last time.
    next: NodeId,
}

/// Where a node hangs: an array and an object may stand in one place, and a key may be `[]`.
type Slot = (NodeId, bool, CompactString);

/// A name, however it came about.
struct Known {
    location: ParameterLocation,
    name: CompactString,
    /// The last set that has it.
    set: u64,
}

/// Collects the parameters of one transaction after another.
pub(crate) struct Shapes {
    key: Key,
    nodes: Vec<Node>,
    children: HashMap<Slot, NodeId>,
    known: Vec<Known>,
    by_name: HashMap<(ParameterLocation, CompactString), u32>,
    sets: HashMap<Box<[u32]>, Arc<ParameterSet>>,
    /// Shapes in all of them.
    remembered: usize,
    /// The set that is being gathered: names and kinds.
    gathered: Vec<u32>,
    location: ParameterLocation,
    set: u64,
    room: usize,
    /// How many came after the cap was reached.
    pub(crate) over_max: u64,
    /// How many names were masked.
    pub(crate) masked: u64,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shapes({} nodes, {} sets)", self.nodes.len(), self.sets.len())
    }
}

impl Shapes {
    /// Remembers nothing yet.
    pub(crate) fn new(key: Key) -> Self {
        let mut shapes = Self {
            key,
            nodes: Vec::new(),
            children: HashMap::new(),
            known: Vec::new(),
            by_name: HashMap::new(),
            sets: HashMap::new(),
            remembered: 0,
            gathered: Vec::new(),
            location: ParameterLocation::Query,
            set: 0,
            room: 0,
            over_max: 0,
            masked: 0,
        };
        shapes.forget();
        shapes
    }

    /// Begins a transaction with at most `max` parameters.
    pub(crate) fn start(&mut self, max: usize) {
        if self.nodes.len() > NODES_MAX {
            self.forget();
        }
        self.room = max;
        self.over_max = 0;
        self.masked = 0;
    }

    /// Begins a set; the root of its names.
    pub(crate) fn begin(&mut self, location: ParameterLocation) -> NodeId {
        self.gathered.clear();
        self.set += 1;
        self.location = location;
        NodeId::root(location)
    }

    /// Notes a value under the name of `node`; the first of a name counts.
    pub(crate) fn note(&mut self, node: NodeId, kind: ValueKind) {
        let Some(known) = self.nodes.get(node.index()).map(|node| node.known) else {
            self.over_max += 1;
            return;
        };
        // The roots have no name.
        let Some(entry) = self.known.get_mut(known as usize) else { return };
        if entry.set == self.set {
            return;
        }
        if self.room == 0 {
            self.over_max += 1;
            return;
        }
        self.room -= 1;
        entry.set = self.set;
        self.gathered.push(known << 8 | kind as u32);
    }

    /// The node of a key below `parent`, which follows `before` (nowhere for the first).
    pub(crate) fn enter(&mut self, parent: NodeId, before: NodeId, key: &[u8]) -> NodeId {
        self.follow(parent, before, key).unwrap_or_else(|| {
            let found = self.look_up(parent, key);
            self.expect(parent, before, found)
        })
    }

    /// The node that followed last time, if it has this key.
    fn follow(&self, parent: NodeId, before: NodeId, key: &[u8]) -> Option<NodeId> {
        let follower = match self.nodes.get(before.index()) {
            Some(before) => before.next,
            None => self.nodes.get(parent.index())?.first,
        };
        let node = self.nodes.get(follower.index())?;
        let is_it = node.key.as_bytes() == key && node.parent == parent && !node.is_element;
        is_it.then_some(follower)
    }

    /// Notes what follows this time.
    fn expect(&mut self, parent: NodeId, before: NodeId, found: NodeId) -> NodeId {
        if let Some(before) = self.nodes.get_mut(before.index()) {
            before.next = found;
        } else if let Some(parent) = self.nodes.get_mut(parent.index()) {
            parent.first = found;
        }
        found
    }

    /// The node of a key that is shown as it is.
    pub(crate) fn enter_plain(&mut self, parent: NodeId, before: NodeId, key: &str) -> NodeId {
        self.follow(parent, before, key.as_bytes()).unwrap_or_else(|| {
            let found = self.child(parent, key, false);
            self.expect(parent, before, found)
        })
    }

    /// The node of the elements of the array at `parent`.
    pub(crate) fn elements(&mut self, parent: NodeId) -> NodeId {
        let first = self.nodes.get(parent.index()).map_or(NodeId::NOWHERE, |parent| parent.first);
        if let Some(node) = self.nodes.get(first.index())
            && node.is_element
            && node.parent == parent
        {
            return first;
        }
        let found = self.child(parent, "[]", true);
        if let Some(parent) = self.nodes.get_mut(parent.index()) {
            parent.first = found;
        }
        found
    }

    /// The keyed hash of a key that [`Shapes::enter`] led to `node`.
    pub(crate) fn key_hash(&self, node: NodeId, key: &[u8]) -> u64 {
        match self.nodes.get(node.index()) {
            Some(node) if node.key.as_bytes() == key => node.key_hash,
            _ => self.key.text_hash(key),
        }
    }

    /// Ends the set; none when nothing was noted.
    pub(crate) fn finish(&mut self) -> Option<Arc<ParameterSet>> {
        if self.gathered.is_empty() {
            return None;
        }
        if let Some(set) = self.sets.get(self.gathered.as_slice()) {
            return Some(Arc::clone(set));
        }
        if self.remembered + self.gathered.len() > SET_SHAPES_MAX {
            self.sets.clear();
            self.remembered = 0;
        }
        let shapes = self.gathered.iter().filter_map(|&entry| {
            let known = self.known.get((entry >> 8) as usize)?;
            let kind = *ValueKind::ALL.get((entry & 0xFF) as usize)?;
            Some(ParameterShape { location: known.location, name: known.name.clone(), kind })
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

    fn look_up(&mut self, parent: NodeId, key: &[u8]) -> NodeId {
        if parent == NodeId::NOWHERE {
            return NodeId::NOWHERE;
        }
        if key.is_empty() && self.is_root(parent) {
            // Without a name there is nothing to note.
            return parent;
        }
        let mut spelled = CompactString::default();
        self.masked += u64::from(parameter::spell_name(key, &mut spelled));
        self.child(parent, &spelled, false)
    }

    fn is_root(&self, node: NodeId) -> bool {
        self.nodes.get(node.index()).is_some_and(|node| node.parent == NodeId::NOWHERE)
    }

    fn child(&mut self, parent: NodeId, key: &str, is_element: bool) -> NodeId {
        let slot = (parent, is_element, CompactString::from(key));
        if let Some(&child) = self.children.get(&slot) {
            return child;
        }
        // Past the cap nothing is noted, so nothing need be told apart.
        let Some(above) = self.nodes.get(parent.index()).filter(|_| self.room > 0) else {
            return NodeId::NOWHERE;
        };
        let mut name = above.name.clone();
        if !above.is_cut {
            if !is_element && !name.is_empty() {
                name.push('.');
            }
            name.push_str(key);
        }
        let is_cut = above.is_cut || name.len() > NAME_BYTES_MAX;
        name = CompactString::from(parameter::cut(&name));
        let known = self.known_as(&name);
        let Ok(id) = u32::try_from(self.nodes.len()).map(NodeId) else { return NodeId::NOWHERE };
        self.nodes.push(Node {
            parent,
            key_hash: self.key.text_hash(key.as_bytes()),
            key: slot.2.clone(),
            name,
            is_element,
            is_cut,
            known,
            first: NodeId::NOWHERE,
            next: NodeId::NOWHERE,
        });
        self.children.insert(slot, id);
        id
    }

    fn known_as(&mut self, name: &CompactString) -> u32 {
        let Self { known, by_name, location, .. } = self;
        *by_name.entry((*location, name.clone())).or_insert_with(|| {
            known.push(Known { location: *location, name: name.clone(), set: 0 });
            u32::try_from(known.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn forget(&mut self) {
        self.nodes.clear();
        self.children.clear();
        self.known.clear();
        self.by_name.clear();
        self.sets.clear();
        self.remembered = 0;
        for _ in 0..4 {
            self.nodes.push(Node {
                parent: NodeId::NOWHERE,
                key: CompactString::default(),
                key_hash: 0,
                name: CompactString::default(),
                is_element: false,
                is_cut: false,
                known: u32::MAX,
                first: NodeId::NOWHERE,
                next: NodeId::NOWHERE,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(shapes: &mut Shapes, names: &[&str]) -> Option<Arc<ParameterSet>> {
        let root = shapes.begin(ParameterLocation::Query);
        let mut before = NodeId::NOWHERE;
        for name in names {
            before = shapes.enter(root, before, name.as_bytes());
            shapes.note(before, ValueKind::String);
        }
        shapes.finish()
    }

    fn names(set: &ParameterSet) -> Vec<&str> {
        set.shapes.iter().map(|shape| shape.name.as_str()).collect()
    }

    #[test]
    fn a_name_counts_once_and_the_cap_holds() {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(2);
        let first = set(&mut shapes, &["a", "a", "b", "c", "d"]).unwrap();
        assert_eq!(names(&first), ["a", "b"]);
        assert_eq!(shapes.over_max, 2);
    }

    #[test]
    fn equal_sets_are_shared_and_order_matters() {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(100);
        let first = set(&mut shapes, &["a", "b"]).unwrap();
        assert!(Arc::ptr_eq(&first, &set(&mut shapes, &["a", "b"]).unwrap()));
        assert_eq!(names(&set(&mut shapes, &["b", "a"]).unwrap()), ["b", "a"]);
        assert!(set(&mut shapes, &[]).is_none());
        assert!(set(&mut shapes, &[""]).is_none());
    }

    #[test]
    fn forgetting_changes_no_set() {
        let mut shapes = Shapes::new(Key::fixed());
        shapes.start(100);
        let before = set(&mut shapes, &["page", "limit"]).unwrap();
        for round in 0..40_000 {
            shapes.start(100);
            let name = format!("n{round}x");
            assert_eq!(
                names(&set(&mut shapes, &[&name, "17", "18"]).unwrap()),
                [&name, "[integer]"]
            );
            assert!(shapes.nodes.len() <= NODES_MAX + 8 && shapes.remembered <= SET_SHAPES_MAX);
        }
        assert_eq!(before, set(&mut shapes, &["page", "limit"]).unwrap());
    }
}
