//! A tree of the names that were seen: what each may be shown as, and where it leads.
//!
//! Most documents look like the one before, so a name that was spelled once is found again by
//! comparing it with the one that followed last time. The tree is a memory of pure functions:
//! forgetting it changes no output.

use compact_str::CompactString;
use hashbrown::HashMap;
use smallvec::SmallVec;
use tapline_model::{FieldKey, FieldName, Key, SegmentClass, noun_hash, noun_of};

use crate::class::{self, Hints};
use crate::parameter::{self, Spelled};
use crate::sensitive::names::{self as telling, Openness};

/// Nodes of the tree after which it is grown anew.
const NODES_MAX: usize = 16_384;

/// A place in the tree, or nowhere: beyond the cap nothing is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// Leads to no name.
    pub(crate) const NOWHERE: Self = Self(u32::MAX);
    /// Slots of a path.
    pub(crate) const PATH: Self = Self(0);
    /// Names in a query.
    pub(crate) const QUERY: Self = Self(1);
    /// Names of header fields.
    pub(crate) const HEADER: Self = Self(2);
    /// Names of cookies.
    pub(crate) const COOKIE: Self = Self(3);
    /// Members of bodies, both ways.
    pub(crate) const BODY: Self = Self(4);
    const ROOTS: usize = 5;

    const fn index(self) -> usize {
        self.0 as usize
    }

    /// A number below 2^24: the tree is never larger.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// From such a number.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// What the values under a name are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Anything.
    Plain,
    /// They name an object of the sort with this keyed hash; 0 of no sort that the name tells.
    Reference(u64),
    /// They say how much of a list is wanted.
    Limit,
    /// They say which part of a list is wanted.
    Page,
}

impl Purpose {
    fn of(name: &str, openness: Openness, key: &Key) -> Self {
        if openness == Openness::Secret {
            return Self::Plain;
        }
        if let Some(noun) = noun_of(name) {
            return Self::Reference(noun_hash(key, &noun));
        }
        let is_one_of = |names: &[&str]| names.iter().any(|it| it.eq_ignore_ascii_case(name));
        if is_one_of(LIMIT_NAMES) {
            Self::Limit
        } else if is_one_of(PAGE_NAMES) {
            Self::Page
        } else {
            Self::Plain
        }
    }
}

/// Names of how much of a list is wanted.
const LIMIT_NAMES: &[&str] = &[
    "limit",
    "page_size",
    "pagesize",
    "per_page",
    "perpage",
    "page[size]",
    "page[limit]",
    "size",
    "max_results",
    "maxresults",
    "$top",
    "top",
    "take",
    "first",
    "rows",
    "count",
];
/// Names of which part of a list is wanted.
const PAGE_NAMES: &[&str] = &[
    "page",
    "offset",
    "skip",
    "$skip",
    "start",
    "page_number",
    "pagenumber",
    "page[number]",
    "page[offset]",
    "pageindex",
    "page_index",
];

/// A name below another.
pub(crate) struct Node {
    parent: NodeId,
    /// As spelled in the name; as sent too, unless that was a value.
    key: CompactString,
    /// The keyed hash of `key`.
    key_hash: u64,
    /// What led here.
    pub(crate) name: FieldName,
    /// Where that is, in any document.
    pub(crate) field: FieldKey,
    /// The class of the value that stood in the name's place.
    pub(crate) key_class: Option<SegmentClass>,
    /// What may be known of the values.
    pub(crate) openness: Openness,
    /// Its value may tell kinds of objects apart.
    pub(crate) is_tag: bool,
    /// What it and the names above say about the class of the values.
    pub(crate) hints: Hints,
    /// What the values are for.
    pub(crate) purpose: Purpose,
    /// The set that has it, last.
    in_set: u64,
    /// The object that has it, last.
    in_object: u64,
    /// The child that came first last time.
    first: NodeId,
    /// The sibling that followed last time.
    next: NodeId,
}

impl Node {
    /// What may be known of what is below, as far as this name says.
    fn openness_below(&self) -> Openness {
        let is_holder = self.openness == Openness::Closed && telling::is_holder(&self.key);
        if is_holder { Openness::Open } else { self.openness }
    }
}

/// How a child hangs: an array and an object may stand in one place, and a key may be `[]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Edge {
    Member,
    Element,
    Any,
}

/// Spells names, each once.
pub(crate) struct Names {
    key: Key,
    nodes: Vec<Node>,
    children: HashMap<(NodeId, Edge, CompactString), NodeId>,
    stamps: u64,
    /// How many names of this transaction were masked.
    pub(crate) masked: u64,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({} nodes)", self.nodes.len())
    }
}

impl Names {
    /// Remembers nothing yet.
    pub(crate) fn new(key: Key) -> Self {
        let (nodes, children) = (Vec::new(), HashMap::new());
        let mut names = Self { key, nodes, children, stamps: 0, masked: 0 };
        names.forget();
        names
    }

    /// Begins a transaction; true when everything was forgotten.
    pub(crate) fn start(&mut self) -> bool {
        self.masked = 0;
        let is_full = self.nodes.len() > NODES_MAX;
        if is_full {
            self.forget();
        }
        is_full
    }

    /// The node itself; none of nowhere.
    pub(crate) fn get(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node.index())
    }

    /// The name as it is spelled.
    pub(crate) fn spelled(&self, node: NodeId) -> Option<&CompactString> {
        self.get(node).map(|node| &node.key)
    }

    /// The keyed hash of a text.
    pub(crate) fn text_hash(&self, text: &[u8]) -> u64 {
        self.key.text_hash(text)
    }

    /// What the values under a name are for.
    pub(crate) fn purpose(&self, node: NodeId) -> Purpose {
        self.get(node).map_or(Purpose::Plain, |node| node.purpose)
    }

    /// The secret that hashes.
    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    /// A stamp that nobody had before.
    pub(crate) const fn new_stamp(&mut self) -> u64 {
        self.stamps += 1;
        self.stamps
    }

    /// Notes that a set has this name; whether it had it before.
    pub(crate) fn is_in_set(&mut self, node: NodeId, stamp: u64) -> bool {
        let node = self.nodes.get_mut(node.index());
        node.is_some_and(|node| std::mem::replace(&mut node.in_set, stamp) == stamp)
    }

    /// Notes that an object has this name; whether it had it before.
    pub(crate) fn is_in_object(&mut self, node: NodeId, stamp: u64) -> bool {
        let node = self.nodes.get_mut(node.index());
        node.is_some_and(|node| std::mem::replace(&mut node.in_object, stamp) == stamp)
    }

    /// The node of a key below `parent`, which follows `before` (nowhere for the first).
    pub(crate) fn enter(&mut self, parent: NodeId, before: NodeId, key: &[u8]) -> NodeId {
        self.follow(parent, before, key).unwrap_or_else(|| {
            let found = self.look_up(parent, key);
            self.expect(parent, before, found)
        })
    }

    /// The node of a key that is shown as it is.
    pub(crate) fn enter_plain(&mut self, parent: NodeId, before: NodeId, key: &str) -> NodeId {
        self.follow(parent, before, key.as_bytes()).unwrap_or_else(|| {
            let found = self.child(parent, Edge::Member, key, None);
            self.expect(parent, before, found)
        })
    }

    /// The node of the elements of the array at `parent`.
    pub(crate) fn elements(&mut self, parent: NodeId) -> NodeId {
        let first = self.get(parent).map_or(NodeId::NOWHERE, |parent| parent.first);
        if let Some(node) = self.get(first)
            && node.name == FieldName::Element
            && node.parent == parent
        {
            return first;
        }
        let found = self.child(parent, Edge::Element, "[]", None);
        if let Some(parent) = self.nodes.get_mut(parent.index()) {
            parent.first = found;
        }
        found
    }

    /// The keyed hash of a key that [`Names::enter`] led to `node`.
    pub(crate) fn key_hash(&self, node: NodeId, key: &[u8]) -> u64 {
        match self.get(node) {
            Some(node) if node.key.as_bytes() == key => node.key_hash,
            _ => self.key.text_hash(key),
        }
    }

    /// The node that followed last time, if it has this key.
    fn follow(&self, parent: NodeId, before: NodeId, key: &[u8]) -> Option<NodeId> {
        let follower = match self.get(before) {
            Some(before) => before.next,
            None => self.get(parent)?.first,
        };
        let node = self.get(follower)?;
        let is_it = node.key.as_bytes() == key
            && node.parent == parent
            && matches!(node.name, FieldName::Member(_));
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

    fn look_up(&mut self, parent: NodeId, key: &[u8]) -> NodeId {
        let mut spelled = CompactString::default();
        match parameter::spell_name(key, &mut spelled) {
            Spelled::Name => self.child(parent, Edge::Member, &spelled, None),
            Spelled::Value(class) => self.child(parent, Edge::Any, &spelled, Some(class)),
            Spelled::Secret(class) => {
                self.masked += 1;
                self.child(parent, Edge::Any, &spelled, Some(class))
            }
        }
    }

    fn child(
        &mut self,
        parent: NodeId,
        edge: Edge,
        key: &str,
        key_class: Option<SegmentClass>,
    ) -> NodeId {
        let slot = (parent, edge, CompactString::from(key));
        if let Some(&child) = self.children.get(&slot) {
            return child;
        }
        let Some(above) = self.get(parent) else { return NodeId::NOWHERE };
        let name = match edge {
            Edge::Member => FieldName::Member(slot.2.clone()),
            Edge::Element => FieldName::Element,
            Edge::Any => FieldName::AnyMember,
        };
        let openness = match edge {
            Edge::Member => telling::openness(key).below(above.openness_below()),
            Edge::Element | Edge::Any => above.openness,
        };
        let is_tag = edge == Edge::Member && telling::is_tag(key);
        let field = above.field.below(&self.key, &name);
        let hints = match edge {
            Edge::Member => class::hints(&self.path_below(parent, key)),
            Edge::Element | Edge::Any => above.hints,
        };
        let purpose = match edge {
            Edge::Member => Purpose::of(key, openness, &self.key),
            Edge::Element => above.purpose,
            Edge::Any => Purpose::Plain,
        };
        let Ok(id) = u32::try_from(self.nodes.len()).map(NodeId) else { return NodeId::NOWHERE };
        self.nodes.push(Node {
            parent,
            key_hash: self.key.text_hash(key.as_bytes()),
            key: slot.2.clone(),
            name,
            field,
            key_class,
            openness,
            is_tag,
            hints,
            purpose,
            in_set: 0,
            in_object: 0,
            first: NodeId::NOWHERE,
            next: NodeId::NOWHERE,
        });
        self.children.insert(slot, id);
        id
    }

    /// The names that lead to a member of `parent`: the last few.
    fn path_below(&self, parent: NodeId, key: &str) -> String {
        let mut members = SmallVec::<[&str; class::MEMBERS_MAX]>::from_slice(&[key]);
        let mut node = self.get(parent);
        while let Some(above) = node.filter(|_| members.len() < class::MEMBERS_MAX) {
            if let FieldName::Member(_) = above.name {
                members.push(&above.key);
            }
            node = self.get(above.parent);
        }
        members.reverse();
        members.join(".")
    }

    fn forget(&mut self) {
        self.nodes.clear();
        self.children.clear();
        for _ in 0..NodeId::ROOTS {
            self.nodes.push(Node {
                parent: NodeId::NOWHERE,
                key: CompactString::default(),
                key_hash: 0,
                name: FieldName::Root,
                field: FieldKey::ROOT,
                key_class: None,
                openness: Openness::Open,
                is_tag: false,
                hints: Hints::default(),
                purpose: Purpose::Plain,
                in_set: 0,
                in_object: 0,
                first: NodeId::NOWHERE,
                next: NodeId::NOWHERE,
            });
        }
    }

    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spelled_is_found_again_and_forgetting_changes_nothing() {
        let mut names = Names::new(Key::fixed());
        let place = |names: &mut Names, path: &[&str]| {
            let mut node = NodeId::BODY;
            for key in path {
                node = match *key {
                    "[]" => names.elements(node),
                    key => names.enter(node, NodeId::NOWHERE, key.as_bytes()),
                };
            }
            names.get(node).map(|node| (node.field, node.name.clone())).unwrap()
        };
        let first = place(&mut names, &["items", "[]", "sku"]);
        for round in 0..40_000 {
            names.start();
            place(&mut names, &[&format!("n{round}x"), "a"]);
            assert!(names.len() <= NODES_MAX + 3);
        }
        assert_eq!(first, place(&mut names, &["items", "[]", "sku"]));
        assert_ne!(first, place(&mut names, &["items", "sku"]));
        let by_id = place(&mut names, &["17", "sku"]);
        assert_eq!(by_id, place(&mut names, &["550e8400-e29b-41d4-a716-446655440000", "sku"]));
    }
}
