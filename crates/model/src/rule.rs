//! operators → desk → inventory, and readers: what people say of path templates.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::id;

/// Stands for the hosts, methods and paths that a rule is of, whatever else it says. Displays, and
/// serialises, as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u64);

impl RuleId {
    /// The id of a rule, by whatever its hosts, methods and paths are written with.
    pub fn of(parts: &[&str]) -> Self {
        Self(id::bits_of(parts))
    }

    /// From its 16 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        id::parse(text).map(Self)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for RuleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Who gave a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrigin {
    /// It stands in `discovery.templates`.
    Configuration,
    /// Operators gave it while the sensor ran.
    Operators,
}

impl RuleOrigin {
    /// Every origin, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Configuration, Self::Operators];

    /// The label in API and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Operators => "operators",
        }
    }
}

/// Whether a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// It does, for the past as well.
    InForce,
    /// It calls words what looks like values: those that name routes learn of it at the next start.
    AtNextStart,
    /// The configuration speaks of the same paths, and outweighs it.
    Outweighed,
}

impl RuleState {
    /// The label in API and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::AtNextStart => "at_next_start",
            Self::Outweighed => "outweighed",
        }
    }
}

/// A rule as readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// The same for all rules of the same hosts, methods and paths.
    pub id: RuleId,
    /// Who gave it.
    pub origin: RuleOrigin,
    /// Whether it holds.
    pub state: RuleState,
    /// A name, `*.` and the end of names, or `*`.
    pub host: String,
    /// Upper case; empty for every method.
    pub methods: Vec<String>,
    /// As rules write paths: `/files/{path}`, `/v1/**`.
    pub path: String,
    /// What the operation is called.
    pub name: Option<String>,
    /// Whether it is to be used no more.
    pub deprecated: Option<bool>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What else is said of it.
    pub tags: Vec<String>,
}

/// Every rule there is; immutable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleList {
    /// Those of the configuration, then those of operators; each in the order in which they came.
    pub rules: Vec<Arc<RuleView>>,
    /// Why none can be changed now, for people; none when they can.
    pub fixed: Option<String>,
}

/// What somebody wants to be said of path templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOrder {
    /// What.
    pub what: RuleChange,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// How the rules of operators shall change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleChange {
    /// By a rule that is new, or that takes the place of the one with its id: JSON, as an item of
    /// `discovery.templates` is written.
    Put(String),
    /// By a rule less.
    Remove(RuleId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_tells_where_parts_end() {
        let id = RuleId::of(&["GET", "shop.test", "/a"]);
        assert_eq!(RuleId::parse(&id.to_string()), Some(id));
        assert_ne!(RuleId::of(&["ab", "c"]), RuleId::of(&["a", "bc"]));
        for text in ["", "4", "zzzzzzzzzzzzzzzz", "00000000000000000"] {
            assert_eq!(RuleId::parse(text), None, "{text}");
        }
    }
}
