//! What happened to a finding.

use std::sync::Arc;

use tapline_model::Finding;

/// A change of one finding, with the finding as it is after it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A case was opened.
    Opened(Arc<Finding>),
    /// An open case still holds; it may have become worse.
    Updated(Arc<Finding>),
    /// A case has not held for the resolve time.
    Resolved(Arc<Finding>),
}

impl Event {
    /// The finding it is about.
    pub const fn finding(&self) -> &Arc<Finding> {
        match self {
            Self::Opened(finding) | Self::Updated(finding) | Self::Resolved(finding) => finding,
        }
    }
}
