//! A schema in its one form, whichever version of the document it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::evidence::Evidence;

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// Text.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Type {
    /// Every type, in the order in which they are written.
    pub const ALL: [Self; 7] = [
        Self::Array,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::Object,
        Self::String,
        Self::Null,
    ];

    /// Its name in a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of types. The empty set is what a schema has that names none.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Types(u8);

impl Types {
    /// Every type there is.
    pub const ANY: Self = Self(0x7f);

    /// A set of one.
    pub const fn one(kind: Type) -> Self {
        Self(kind.bit())
    }

    /// Adds a type.
    pub fn insert(&mut self, kind: Type) {
        self.0 |= kind.bit();
    }

    /// Takes a type out.
    pub fn remove(&mut self, kind: Type) {
        self.0 &= !kind.bit();
    }

    /// Whether it holds the type itself.
    pub const fn contains(self, kind: Type) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether values of the type are allowed: an integer is a number, too.
    pub const fn allows(self, kind: Type) -> bool {
        let is_integer = matches!(kind, Type::Integer) && self.contains(Type::Number);
        self.contains(kind) || is_integer
    }

    /// Whether it names no type.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types that both allow.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        let common = Type::ALL.into_iter().filter(|&kind| self.allows(kind) && other.allows(kind));
        common.collect()
    }

    /// The types of either.
    #[must_use]
    pub const fn either(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The types, in the order in which they are written.
    pub fn iter(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |&kind| self.contains(kind))
    }
}

impl FromIterator<Type> for Types {
    fn from_iter<I: IntoIterator<Item = Type>>(types: I) -> Self {
        let mut set = Self::default();
        for kind in types {
            set.insert(kind);
        }
        set
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() || *self == Self::ANY {
            return f.write_str("anything");
        }
        for (index, kind) in self.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { " or " })?;
            f.write_str(kind.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an object may hold beside its named properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Additional {
    /// The document does not say, which allows anything but describes nothing.
    #[default]
    Unsaid,
    /// Anything, in so many words.
    Allowed,
    /// Nothing.
    Forbidden,
    /// What fits a schema.
    Fitting(Box<Schema>),
}

/// Which of several schemas a value fits, told by one of its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discriminator {
    /// The property that tells.
    pub property: String,
    /// The name of the schema for each value, where it is not the value itself.
    pub mapping: BTreeMap<String, String>,
}

/// A schema. The default allows anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// The name of the schema this one stands for; all else is empty then.
    pub reference: Option<String>,
    /// Its types; none named is any.
    pub types: Types,
    /// What the string or number means (`uuid`, `int64`).
    pub format: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// Prose.
    pub description: Option<String>,
    /// The only values, if they are listed.
    pub values: Vec<Value>,
    /// The value that is meant when there is none.
    pub default: Option<Value>,
    /// The bounds on a value, as JSON Schema 2020-12 spells them (`minimum`, `exclusiveMinimum`,
    /// `maxLength`, `uniqueItems`, `pattern`).
    pub bounds: BTreeMap<&'static str, Value>,
    /// The named properties of an object.
    pub properties: BTreeMap<String, Self>,
    /// Those that are always there.
    pub required: BTreeSet<String>,
    /// The other properties.
    pub additional: Additional,
    /// The items of an array.
    pub items: Option<Box<Self>>,
    /// All of these fit.
    pub all_of: Vec<Self>,
    /// One or more of these fit.
    pub any_of: Vec<Self>,
    /// Exactly one of these fits.
    pub one_of: Vec<Self>,
    /// This does not fit.
    pub not: Option<Box<Self>>,
    /// How the schemas of `one_of` or `any_of` are told apart.
    pub discriminator: Option<Discriminator>,
    /// Not to be used any more.
    pub deprecated: bool,
    /// In responses only.
    pub read_only: bool,
    /// In requests only.
    pub write_only: bool,
    /// What was seen of it.
    pub evidence: Option<Box<Evidence>>,
}

impl Schema {
    /// Stands for the schema of that name.
    pub fn reference(name: impl Into<String>) -> Self {
        Self { reference: Some(name.into()), ..Self::default() }
    }

    /// Of one type.
    pub fn of(kind: Type) -> Self {
        Self { types: Types::one(kind), ..Self::default() }
    }

    /// Fits nothing.
    pub fn nothing() -> Self {
        Self { not: Some(Box::default()), ..Self::default() }
    }

    /// Whether it allows anything and says nothing.
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_a_number() {
        let number = Types::one(Type::Number);
        assert!(number.allows(Type::Integer) && !number.contains(Type::Integer));
        assert_eq!(number.both(Types::one(Type::Integer)), Types::one(Type::Integer));
        assert_eq!(Types::from_iter([Type::Null, Type::String]).to_string(), "string or null");
    }
}
