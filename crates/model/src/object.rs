//! What a transaction says of objects: which it asks for, and which its answer named. Keyed hashes
//! only, never an id.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::Key;

/// Where a reference to an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectPlace {
    /// In the path: the index of its segment. What sort of thing it names, the merge reads off the
    /// template.
    Path(u8),
    /// Under a name, in the query or the content of a request: the keyed hash of the sort of thing
    /// that the name speaks of (see [`noun_of`]); 0 when it is a bare `id`.
    Named(u64),
}

/// A reference to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Where it stands.
    pub place: ObjectPlace,
    /// The keyed hash of the id.
    pub object: u64,
    /// Of an integer: two short keyed hashes of its neighbourhood (see [`Near`]).
    pub near: Near,
}

/// Keyed hashes of the two stretches of four integers in which an integer lies; both 0 of what is no
/// integer.
///
/// Two integers that are at most two apart have one in common, and such that have are at most three
/// apart. So whether a caller counts its way through ids can be seen without knowing any: neither
/// their size, nor their order, nor the distance of those that are not neighbours crosses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near(pub [u32; 2]);

impl Near {
    /// The neighbourhood of an integer.
    pub fn of(key: &Key, integer: u64) -> Self {
        let hash = |tag: u8, stretch: u64| {
            let mut text = [tag; 9];
            if let Some(place) = text.get_mut(1..) {
                place.copy_from_slice(&stretch.to_le_bytes());
            }
            #[expect(clippy::cast_possible_truncation, reason = "half of the hash")]
            let short = key.text_hash(&text) as u32;
            short.max(1)
        };
        Self([hash(b'a', integer >> 2), hash(b'b', integer.saturating_add(2) >> 2)])
    }

    /// Whether both are of integers that are next to each other, or nearly so.
    pub const fn touches(self, other: Self) -> bool {
        let Self([first, second]) = self;
        let Self([their_first, their_second]) = other;
        first != 0 && (first == their_first || second == their_second)
    }

    /// Whether it is of an integer.
    pub const fn is_known(self) -> bool {
        let Self([first, _]) = self;
        first != 0
    }
}

/// What one transaction says of objects, and how much it asks for at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Those it asks for: in the path and the query, and in the content where it was read.
    pub asked: SmallVec<[ObjectRef; 4]>,
    /// Keyed hashes of the ids that a successful answer named.
    pub served: Vec<u64>,
    /// An answer with content was not read, or not to its end: it may have named more.
    pub is_blind: bool,
    /// What it wants of a list at most (`limit`, `page_size`), rounded up to two digits; 0 if
    /// nothing is said.
    pub limit: u64,
    /// Which part of a list it wants (`page`, `offset`), rounded up to two digits; 0 if nothing is
    /// said.
    pub page: u64,
    /// Of a GraphQL request.
    pub graph: GraphQuery,
}

/// How much a GraphQL request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GraphQuery {
    /// How deep selections are nested.
    pub depth: u32,
    /// Fields that were given another name.
    pub aliases: u32,
    /// Queries in one request.
    pub batch: u32,
}

impl GraphQuery {
    /// The most of each.
    #[must_use]
    pub fn most(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            aliases: self.aliases.max(other.aliases),
            batch: self.batch.max(other.batch),
        }
    }
}

impl Objects {
    /// References of one transaction that are kept.
    pub const ASKED_MAX: usize = 16;
    /// Ids of one answer that are kept.
    pub const SERVED_MAX: usize = 256;

    /// Forgets all.
    pub fn clear(&mut self) {
        self.asked.clear();
        self.served.clear();
        self.is_blind = false;
        self.limit = 0;
        self.page = 0;
        self.graph = GraphQuery::default();
    }

    /// Notes a reference, if there is room.
    pub fn ask(&mut self, reference: ObjectRef) {
        if self.asked.len() < Self::ASKED_MAX {
            self.asked.push(reference);
        }
    }

    /// Notes an id that an answer named.
    pub fn serve(&mut self, object: u64) {
        if self.served.len() < Self::SERVED_MAX {
            self.served.push(object);
        } else {
            self.is_blind = true;
        }
    }
}

/// Words before `id` that name the request, the client or a secret rather than an object.
const PASSING: &[&str] = &[
    "app",
    "application",
    "client",
    "correlation",
    "csrf",
    "device",
    "ga",
    "request",
    "session",
    "span",
    "trace",
    "tracking",
    "visitor",
    "x_request",
    "idempotency",
];

/// How a name says that it holds an id, or several.
const ID_SUFFIXES: &[&str] =
    &["id", "Id", "ID", "ids", "Ids", "IDs", "uuid", "Uuid", "UUID", "uuids", "guid", "Guid"];

/// The sort of thing that a field names by its id: `order` for `order_id`, `orderId` and `orderID`,
/// nothing for a bare `id`. None if the field is no reference to an object.
pub fn noun_of(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let stem = ID_SUFFIXES.iter().find_map(|suffix| {
        let stem = name.strip_suffix(suffix)?;
        let before = stem.bytes().last();
        let is_apart = match before {
            None | Some(b'_' | b'-' | b'.' | b']') => true,
            // `paid` and `void` are no references, `orderId` is one.
            Some(letter) => {
                suffix.starts_with(|first: char| first.is_ascii_uppercase())
                    && letter.is_ascii_lowercase()
            }
        };
        is_apart.then_some(stem)
    })?;
    if bytes.len() > 64 {
        return None;
    }
    let noun = singular(stem);
    (!PASSING.contains(&noun.as_str())).then_some(noun)
}

/// One of what a word in a path speaks of: `order` of `orders`, in lower case.
pub fn singular(word: &str) -> String {
    let trimmed = word.trim_matches(|mark: char| !mark.is_ascii_alphanumeric());
    let mut noun = String::with_capacity(trimmed.len());
    for letter in trimmed.chars() {
        match letter {
            '-' | '.' => noun.push('_'),
            _ => noun.push(letter.to_ascii_lowercase()),
        }
    }
    if let Some(stem) = noun.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        noun = format!("{stem}y");
    } else if noun.len() > 3 && noun.ends_with('s') && !noun.ends_with("ss") {
        noun.pop();
    }
    noun
}

/// The keyed hash of a sort of thing; 0 of none.
pub fn noun_hash(key: &Key, noun: &str) -> u64 {
    if noun.is_empty() { 0 } else { key.text_hash(noun.as_bytes()).max(1) }
}

/// The keyed hash of an id that is an integer, the same wherever it stands.
pub fn integer_hash(key: &Key, integer: i128) -> u64 {
    // No text is so long that it could be taken for one.
    key.text_hash(&integer.to_le_bytes()).rotate_left(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_known_and_nobody_else() {
        let key = Key::fixed();
        for integer in (0..200).chain([u64::MAX - 60]) {
            let near = Near::of(&key, integer);
            for apart in 0..=2 {
                assert!(near.touches(Near::of(&key, integer + apart)), "{integer} {apart}");
            }
            for apart in 4..40 {
                let other = integer + apart;
                assert!(!near.touches(Near::of(&key, other)), "{integer} {apart}");
            }
        }
        assert!(!Near::default().touches(Near::default()), "what is no integer has none");
    }

    #[test]
    fn names_of_references_are_told_from_others() {
        for (name, noun) in [
            ("id", Some("")),
            ("ids", Some("")),
            ("orderIds", Some("order")),
            ("kids", None),
            ("uuid", Some("")),
            ("order_id", Some("order")),
            ("orderId", Some("order")),
            ("orderID", Some("order")),
            ("filter[user_id]", None),
            ("vehicle-id", Some("vehicle")),
            ("paid", None),
            ("grid", None),
            ("VOID", None),
            ("request_id", None),
            ("sessionId", None),
            ("name", None),
        ] {
            assert_eq!(noun_of(name).as_deref(), noun, "{name}");
        }
    }

    #[test]
    fn a_word_of_a_path_and_a_name_speak_of_the_same() {
        for (word, noun) in [
            ("orders", "order"),
            ("Categories", "category"),
            ("bus", "bus"),
            ("address", "address"),
        ] {
            assert_eq!(singular(word), noun);
        }
    }
}
