//! Ways that were walked before: from host and method over the parts of a path to a route.
//!
//! Most requests go where others have gone, and the way there is found by comparing each part with
//! the one remembered for its place. Forgetting changes no output.

use compact_str::CompactString;
use tapline_model::RouteKey;

use crate::memo::hash_of;

/// Places for steps that are remembered: few enough to stay in the processor's cache.
const PLACES: usize = 1_024;
/// Steps that share a place. One that is driven out takes all that follows it along.
const STEPS: usize = 4;
/// Nodes after which all is forgotten.
const NODES_MAX: usize = 16_384;

/// Where a way has come to. The host is the first step from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(u32);

impl Node {
    /// The start of every way.
    pub(super) const START: Self = Self(0);
}

/// Remembers ways.
#[derive(Debug)]
pub(super) struct Steps {
    /// By place, the newest first: the hashes of the texts, which are seen at one look.
    hashes: Vec<[u32; STEPS]>,
    /// The steps with these hashes.
    places: Vec<[Step; STEPS]>,
    /// By node: the routes without and with a slash at their end.
    routes: Vec<[Option<RouteKey>; 2]>,
}

/// A step from one node to the next.
#[derive(Clone, Debug)]
struct Step {
    from: Node,
    /// What kind of part the text is.
    tag: u8,
    text: CompactString,
    to: Node,
}

impl Steps {
    /// Nothing is remembered yet.
    pub(super) fn new() -> Self {
        let text = CompactString::const_new("");
        let nowhere = Step { from: Node(u32::MAX), tag: 0, text, to: Node(u32::MAX) };
        let place = std::array::from_fn(|_| nowhere.clone());
        Self {
            hashes: vec![[0; STEPS]; PLACES],
            places: vec![place; PLACES],
            routes: vec![[None; 2]],
        }
    }

    /// Before a way is walked: forgets everything if there is too much of it.
    pub(super) fn begin(&mut self) {
        if self.routes.len() > NODES_MAX {
            *self = Self::new();
        }
    }

    /// The step from `from` by a text of a kind, if it was taken before.
    pub(super) fn find(&self, from: Node, tag: u8, text: &[u8]) -> Option<Node> {
        let (place, hash) = place_of(from, tag, text);
        let is_it =
            |step: &Step| step.from == from && step.tag == tag && step.text.as_bytes() == text;
        let steps = self.hashes.get(place)?.iter().zip(self.places.get(place)?);
        steps
            .filter(|(known, _)| **known == hash)
            .map(|(_, step)| step)
            .find(|step| is_it(step))
            .map(|step| step.to)
    }

    /// Takes a step, for the first time perhaps.
    pub(super) fn take(&mut self, from: Node, tag: u8, text: &[u8]) -> Node {
        if let Some(to) = self.find(from, tag, text) {
            return to;
        }
        let to = Node(u32::try_from(self.routes.len()).unwrap_or(u32::MAX));
        self.routes.push([None; 2]);
        self.remember_way(from, tag, text, to);
        to
    }

    /// Remembers that a step leads to where several others do.
    pub(super) fn remember_way(&mut self, from: Node, tag: u8, text: &[u8], to: Node) {
        let (place, hash) = place_of(from, tag, text);
        let (hashes, steps) = (self.hashes.get_mut(place), self.places.get_mut(place));
        if let (Some(hashes), Some(steps)) = (hashes, steps) {
            hashes.rotate_right(1);
            steps.rotate_right(1);
            hashes[0] = hash;
            steps[0] = Step { from, tag, text: CompactString::from_utf8_lossy(text), to };
        }
    }

    /// The route of a way that ends here.
    pub(super) fn route(&self, end: Node, trailing_slash: bool) -> Option<RouteKey> {
        let routes = self.routes.get(end.0 as usize)?;
        if trailing_slash { routes[1] } else { routes[0] }
    }

    /// Remembers the route of a way that ends here.
    pub(super) fn remember(&mut self, end: Node, trailing_slash: bool, route: RouteKey) {
        if let Some([plain, slashed]) = self.routes.get_mut(end.0 as usize) {
            *if trailing_slash { slashed } else { plain } = Some(route);
        }
    }
}

/// Where a step is remembered, and what tells it from most others there.
#[expect(clippy::cast_possible_truncation, reason = "ten bits, and any half will do")]
fn place_of(from: Node, tag: u8, text: &[u8]) -> (usize, u32) {
    let mixed = (hash_of(text) ^ u64::from(from.0) << 8 ^ u64::from(tag))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed >> 54) as usize, (mixed >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_told_apart() {
        let mut steps = Steps::new();
        let host = steps.take(Node::START, 0, b"h");
        let one = steps.take(host, 1, b"a");
        let two = steps.take(host, 2, b"a");
        assert!(one != two && one == steps.take(host, 1, b"a"));
        assert_eq!(steps.find(one, 1, b"a"), None);
        steps.remember(one, true, RouteKey(7));
        assert_eq!(steps.route(one, true), Some(RouteKey(7)));
        assert_eq!(steps.route(one, false), None);
        assert_eq!(steps.route(two, true), None);
    }

    #[test]
    fn ways_without_end_take_no_room_without_end() {
        let mut steps = Steps::new();
        for number in 0..100_000_u32 {
            steps.begin();
            let host = steps.take(Node::START, 0, b"h");
            steps.take(host, 1, &number.to_le_bytes());
            assert!(steps.routes.len() <= NODES_MAX + 2);
        }
    }
}
