//! What a document or the parameters of a request are made of, as discovery notes it: places, types
//! and formats.

use std::fmt;
use std::ops::Range;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{ClassSet, JsonKind, Key, SegmentClass, Span, TextFormat};

/// What documents that are counted together have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FieldPart {
    /// The query.
    Query,
    /// The request's header fields.
    Header,
    /// The request's cookies.
    Cookie,
    /// The request's content, by media type.
    Request(CompactString),
    /// The response's content, by status and media type.
    Response(u16, CompactString),
}

/// What leads from a value to one below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FieldName {
    /// Nothing: it is the whole document.
    Root,
    /// The member of this name: at most 64 bytes.
    Member(CompactString),
    /// Any element of an array.
    Element,
    /// Any member whose name is a value: a map.
    AnyMember,
}

/// The place of a value in a document: how deep it stands, then the keyed hash of the names that
/// lead to it.
///
/// Ordered by depth first, so a bounded map that keeps the smallest keeps the parents of all that
/// it keeps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct FieldKey(u64);

impl FieldKey {
    /// The whole document.
    pub const ROOT: Self = Self(0);
    /// Bits below the depth.
    const HASH_BITS: u32 = 56;

    /// A short hash of the place, for where a mistake now and then does no harm.
    #[expect(clippy::cast_possible_truncation, reason = "half of the hash")]
    pub const fn short(self) -> u32 {
        self.0 as u32
    }

    /// How many names lead here.
    pub const fn depth(self) -> u64 {
        self.0 >> Self::HASH_BITS
    }

    /// The place that `name` leads to from here.
    #[must_use]
    pub fn below(self, key: &Key, name: &FieldName) -> Self {
        let (tag, text) = match name {
            FieldName::Root => return self,
            FieldName::Member(text) => (0, text.as_str()),
            FieldName::Element => (1, ""),
            FieldName::AnyMember => (2, ""),
        };
        let mut path = SmallVec::<[u8; 96]>::new();
        path.extend_from_slice(&self.0.to_le_bytes());
        path.push(tag);
        path.extend_from_slice(text.as_bytes());
        let depth = (self.0 >> Self::HASH_BITS).saturating_add(1).min(0xff);
        Self(depth << Self::HASH_BITS | key.text_hash(&path) >> (u64::BITS - Self::HASH_BITS))
    }
}

/// A short text or an integer, as far as it may be known.
#[derive(Clone, PartialEq, Eq)]
pub struct ValueNote {
    /// The keyed hash.
    pub hash: u64,
    /// The value, if it is a plain word, a small integer or a version, and may be shown once a
    /// second consumer has sent it.
    pub text: Option<CompactString>,
    /// It is too long to be one of a few.
    pub is_long: bool,
}

impl fmt::Debug for ValueNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueNote({} bytes)", self.text.as_ref().map_or(0, CompactString::len))
    }
}

/// One value of a document: where it stands and what it looks like.
///
/// Several may stand in one place: every element of an array has the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNote {
    /// Where.
    pub field: FieldKey,
    /// What led here.
    pub name: FieldName,
    /// The note of the value that holds it, within the same document; its own of the whole document.
    pub parent: u32,
    /// The first note that is no longer below this one.
    pub end: u32,
    /// Its type.
    pub kind: JsonKind,
    /// An object that was read to its end: what it does not have is missing.
    pub is_whole: bool,
    /// The same object had a member of this name before.
    pub is_repeat: bool,
    /// The member that may tell kinds of objects apart (`type`, `status`).
    pub is_tag: bool,
    /// What the text is.
    pub format: Option<TextFormat>,
    /// What the name looks like that [`FieldName::AnyMember`] stands for; none of plain text.
    pub key_class: Option<SegmentClass>,
    /// The number, rounded outward to two significant digits.
    pub number: Span,
    /// Characters of a text, elements of an array that was read to its end.
    pub size: Span,
    /// To count distinct ones by.
    pub value: Option<ValueNote>,
    /// The classes of data it is valid for.
    pub classes: ClassSet,
    /// Of a value that is valid for one: so little of its keyed hash that thousands share it, enough
    /// to see that values differ.
    pub sample: Option<u16>,
}

/// The notes of one document, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it was.
    pub part: FieldPart,
    /// Its notes; none when it was not looked into.
    pub notes: Range<usize>,
}

/// All that was noted of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNotes {
    /// Each part once.
    pub documents: SmallVec<[Document; 4]>,
    /// Of all documents: parents before what they hold.
    pub notes: Vec<FieldNote>,
    /// Records in the answer, if it was a success: elements of its longest array, at most two names
    /// below the whole; of one that is cut short those that are there.
    pub records: Option<u64>,
}

impl FieldNotes {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.documents.clear();
        self.notes.clear();
        self.records = None;
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.notes.is_empty() && self.records.is_none()
    }

    /// The notes of one document.
    pub fn of(&self, document: &Document) -> &[FieldNote] {
        self.notes.get(document.notes.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_what_they_hold() {
        let key = Key::fixed();
        let name = |text: &str| FieldName::Member(text.into());
        for first in ["a", "b", "zz", "longer-name"] {
            let parent = FieldKey::ROOT.below(&key, &name(first));
            for second in [name("a"), FieldName::Element, FieldName::AnyMember] {
                let child = parent.below(&key, &second);
                assert!(FieldKey::ROOT < parent && parent < child);
                assert!(child > FieldKey::ROOT.below(&key, &name("q")), "deeper is later");
            }
        }
        let split = |a: &str, b: &str| FieldKey::ROOT.below(&key, &name(a)).below(&key, &name(b));
        assert_ne!(split("ab", "c"), split("a", "bc"));
    }
}
