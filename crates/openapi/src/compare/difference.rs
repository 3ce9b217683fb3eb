//! One thing in which what was seen is not what is documented.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Limits;
use crate::bounds::{DIFFERENCES_MAX, OPERATIONS_NAMED_MAX};
use crate::document::OperationKey;

/// What sort of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Seen, not documented.
    ShadowOperation,
    /// Documented, not seen.
    OrphanOperation,
    /// Deprecated, and still answering.
    ZombieOperation,
    /// An older version of a documented operation, still answering.
    OldVersion,
    /// The documented base path was never seen, the paths below it were.
    BasePath,
    /// A parameter that is not documented.
    UndocumentedParameter,
    /// A required parameter that was left out.
    MissingParameter,
    /// A field that is not documented.
    UndocumentedField,
    /// A required field that was left out.
    MissingField,
    /// A documented field or parameter that the other document does not have.
    Removed,
    /// A field or parameter that the other document requires.
    BecameRequired,
    /// A type that is not documented.
    TypeDrift,
    /// A value that is not listed.
    EnumDrift,
    /// Another format than the documented.
    FormatDrift,
    /// A status that is not documented.
    UndocumentedStatus,
    /// A media type that is not documented.
    UndocumentedMedia,
    /// A body where none is documented.
    UndocumentedBody,
    /// No body where one is required.
    MissingBody,
    /// Answered without the documented credentials.
    AuthDrift,
}

impl Kind {
    /// Whether it tells of an operation that the document does not have.
    pub const fn is_of_unknown_operation(self) -> bool {
        matches!(self, Self::ShadowOperation | Self::OldVersion)
    }

    /// The label in files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ShadowOperation => "shadow_operation",
            Self::OrphanOperation => "orphan_operation",
            Self::ZombieOperation => "zombie_operation",
            Self::OldVersion => "old_version",
            Self::BasePath => "base_path",
            Self::UndocumentedParameter => "undocumented_parameter",
            Self::MissingParameter => "missing_parameter",
            Self::UndocumentedField => "undocumented_field",
            Self::MissingField => "missing_field",
            Self::Removed => "removed",
            Self::BecameRequired => "became_required",
            Self::TypeDrift => "type_drift",
            Self::EnumDrift => "enum_drift",
            Self::FormatDrift => "format_drift",
            Self::UndocumentedStatus => "undocumented_status",
            Self::UndocumentedMedia => "undocumented_media",
            Self::UndocumentedBody => "undocumented_body",
            Self::MissingBody => "missing_body",
            Self::AuthDrift => "auth_drift",
        }
    }
}

/// What a difference means for those who rely on the document. Ordered from the mildest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Worth knowing.
    Notice,
    /// More than is documented; nobody who keeps to the document notices.
    Additive,
    /// Who keeps to the document is let down.
    Breaking,
}

impl Class {
    /// The label in files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        }
    }

    /// The class of that label.
    pub fn named(label: &str) -> Option<Self> {
        [Self::Notice, Self::Additive, Self::Breaking].into_iter().find(|one| one.label() == label)
    }
}

/// Which way what differs goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// To the server.
    Request,
    /// From the server.
    Response,
}

/// One difference. Equal ones of several operations are one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// 16 hexadecimal digits, the same whenever the same differs at the same place.
    pub id: String,
    /// What sort.
    pub kind: Kind,
    /// What it means.
    pub class: Class,
    /// Which way; none of a whole operation.
    pub side: Option<Side>,
    /// A JSON pointer into the document as this crate writes it, or to where it is missing there.
    pub place: String,
    /// What is documented, in a few words.
    pub documented: String,
    /// What was seen, in a few words.
    pub observed: String,
    /// How often.
    pub seen: u64,
    /// Of how many that could have differed; 0 when documents without evidence are compared.
    pub of: u64,
    /// The operations that were seen with it, as they were seen; bounded.
    pub operations: Vec<OperationKey>,
    /// How many more there are.
    pub operations_more: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.class.label(), self.kind.label())?;
        if let Some(first) = self.operations.first() {
            write!(f, " {} {}", first.method, first.path)?;
            let more = self.operations_more + self.operations.len().saturating_sub(1) as u64;
            if more > 0 {
                write!(f, " and {more} more")?;
            }
        }
        write!(f, ": {}: documented {}, seen {}", self.place, self.documented, self.observed)?;
        if self.of > 0 {
            write!(f, " ({} of {})", self.seen, self.of)?;
        }
        Ok(())
    }
}

/// A difference as it is found, at one operation.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) class: Class,
    pub(super) side: Option<Side>,
    pub(super) place: String,
    pub(super) documented: String,
    pub(super) observed: String,
    pub(super) seen: u64,
    pub(super) of: u64,
}

/// What makes differences the same: not what was seen, which changes while one looks.
type Subject = (String, Kind, Option<Side>);

/// Differences as they come in, equal ones put together.
#[derive(Default)]
pub(super) struct Differences {
    by_subject: BTreeMap<Subject, Difference>,
    left_out: u64,
}

impl Differences {
    /// Takes a difference at an operation.
    pub(super) fn add(&mut self, found: Found, operation: &OperationKey) {
        let subject = (found.place.clone(), found.kind, found.side);
        if self.by_subject.len() >= DIFFERENCES_MAX && !self.by_subject.contains_key(&subject) {
            self.left_out += 1;
            return;
        }
        let id = id(&subject);
        let entry = self.by_subject.entry(subject).or_insert_with(|| Difference {
            id,
            kind: found.kind,
            class: found.class,
            side: found.side,
            place: found.place,
            documented: found.documented,
            observed: found.observed,
            seen: 0,
            of: 0,
            operations: Vec::new(),
            operations_more: 0,
        });
        entry.class = entry.class.max(found.class);
        entry.seen += found.seen;
        entry.of += found.of;
        if entry.operations.last() == Some(operation) {
            return;
        }
        if entry.operations.len() < OPERATIONS_NAMED_MAX {
            entry.operations.push(operation.clone());
        } else {
            entry.operations_more += 1;
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    /// The differences that are sure, those that rest on too little, and how many found no room.
    pub(super) fn finish(
        self,
        limits: Limits,
        is_observed: bool,
    ) -> (Vec<Difference>, Vec<Difference>, u64) {
        let (mut sure, mut thin) = (Vec::new(), Vec::new());
        for difference in self.by_subject.into_values() {
            let is_counted = difference.of > 0;
            if is_observed && is_counted && !limits.suffices(difference.seen, difference.of) {
                thin.push(difference);
            } else {
                sure.push(difference);
            }
        }
        (sure, thin, self.left_out)
    }
}

fn id((place, kind, side): &Subject) -> String {
    let mut hasher = blake3::Hasher::new();
    let side = side.map_or("", |side| if side == Side::Request { "request" } else { "response" });
    for part in [place.as_str(), kind.label(), side] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let digits = hasher.finalize().to_hex();
    digits.as_str().chars().take(16).collect()
}
