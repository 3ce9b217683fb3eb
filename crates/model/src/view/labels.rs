//! What operators say of what is listed.

use serde::{Deserialize, Serialize};

/// What operators say of an endpoint or a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsView {
    /// What the operation is called; none of a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is to be used no more.
    #[serde(default)]
    pub deprecated: bool,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// In order, none twice.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where it runs: `prod`, `staging`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}
