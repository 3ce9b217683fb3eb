//! What was seen of a part of a document: the extension `x-tapline`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the extension.
pub const EXTENSION: &str = "x-tapline";

/// What was seen of an operation, a parameter, a body or a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// How often it was there.
    pub n: u64,
    /// How often it could have been there; of an operation, the same as `n`.
    pub of: u64,
    /// When it was first seen, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When it was last seen, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// How sure what the document says of it is, in 0..=1: one minus the share of yet unseen
    /// cases that could differ, at 95 % (rule of three).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// `candidate` or `confirmed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its stable id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Types of its values, and how often each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, u64>,
    /// Credentials of its answered requests, `none` among them, and how often each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, u64>,
    /// Of the requests, those with an empty segment in their path, which its template leaves out.
    #[serde(skip_serializing_if = "is_zero")]
    pub empty_segments: u64,
    /// Distinct consumers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u64>,
    /// Open findings on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingNote>,
}

/// An open finding, as a document mentions it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FindingNote {
    /// Its id.
    pub id: String,
    /// Which rule.
    pub detection: String,
    /// How bad.
    pub severity: String,
    /// One line.
    pub title: String,
    /// Since when, RFC 3339.
    pub first_seen: String,
}

impl Evidence {
    /// Something that was there `n` times of `of`.
    pub fn seen(n: u64, of: u64) -> Self {
        Self { n, of, confidence: Some(confidence(n)), ..Self::default() }
    }

    /// Whether it was there every time it could have been.
    pub const fn is_always(&self) -> bool {
        self.n >= self.of
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One minus the rule of three, in thousandths.
fn confidence(n: u64) -> f64 {
    let thousandths = 3_000_u64.checked_div(n).unwrap_or(1_000).min(1_000);
    f64::from(u32::try_from(1_000 - thousandths).unwrap_or_default()) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_follows_the_rule_of_three() {
        let of = |n| Evidence::seen(n, n).confidence.unwrap();
        assert!((of(0), of(3), of(30), of(300)) == (0.0, 0.0, 0.9, 0.99));
    }
}
