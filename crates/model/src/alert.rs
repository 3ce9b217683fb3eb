//! alert → out.

use std::collections::BTreeMap;

use serde::Serialize;

/// What is sent to an Alertmanager: the body of its v2 API. Times are wall-clock, RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Bounded; they identify the alert.
    pub labels: BTreeMap<String, String>,
    /// For people.
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: String,
    /// When it ended, or until when it holds unless it is sent again.
    pub ends_at: String,
    /// The page that shows it.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
}
