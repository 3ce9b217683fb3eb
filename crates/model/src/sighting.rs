//! inventory → behavior: sensitive data that was seen where it tells something, and once of each
//! endpoint that its answers hold personal data. No values.

use crate::{DataClass, DataPlace, EndpointRef};

/// A field of a class, seen in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The endpoint's host.
    pub host: String,
    /// The endpoint.
    pub endpoint: EndpointRef,
    /// In which part of a transaction.
    pub place: DataPlace,
    /// The path of the field within it; no value.
    pub field: String,
    /// What it holds.
    pub class: DataClass,
    /// Values of the class in this epoch, as far as they were looked into.
    pub values: u64,
    /// The field came when the endpoint was known well, within the last day.
    pub is_new: bool,
    /// Transactions that were looked into before it came.
    pub known_by: u64,
}
