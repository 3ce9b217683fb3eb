//! How sure the inventory is of a path template, and what it knows that from.

use serde::{Deserialize, Serialize};

/// What a segment was taken for a word or a slot by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentReason {
    /// An operator's rule says so.
    Rule,
    /// A document, or the rule of another path, has it here.
    Hint,
    /// Values that nothing else looks like: numbers, UUIDs, dates.
    Form,
    /// Texts that kept coming, or were answered alike.
    Novelty,
    /// A text that came as it is.
    Text,
}

impl SegmentReason {
    /// Every reason, in declaration order.
    pub const ALL: &'static [Self] =
        &[Self::Rule, Self::Hint, Self::Form, Self::Novelty, Self::Text];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Hint => "hint",
            Self::Form => "form",
            Self::Novelty => "novelty",
            Self::Text => "text",
        }
    }
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentView {
    /// As it stands in the template.
    pub segment: String,
    /// Whether values stand there.
    pub slot: bool,
    /// Why, in declaration order.
    pub why: Vec<SegmentReason>,
    /// Of a slot: different texts that were joined, but for values by their form, which are not told
    /// apart. Of a word: different words in its place.
    pub texts: u64,
    /// Of those texts, that came once.
    pub once: u64,
    /// Answered requests for those texts.
    pub requests: u64,
    /// Answered requests for values by their form.
    pub by_form: u64,
    /// 0 to 1; of what a rule says, 1.
    ///
    /// Of a slot: how likely what comes next is a value of it, by Laplace's rule of succession after
    /// `n` that were: `(n + 1) / (n + 2)`, `n` the joined texts and the requests for values by form.
    ///
    /// Of a word: how likely what comes next in its place is a word that came before, by Good and
    /// Turing's estimate of what is unseen, smoothed: `1 - (once + 1) / (requests + 2)`.
    pub confidence: f64,
}

/// How sure a template is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateView {
    /// That of its least certain segment; of no segments, 1.
    pub confidence: f64,
    /// In path order.
    pub segments: Vec<SegmentView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_is_serialised() {
        for reason in SegmentReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.label());
        }
    }
}
