//! Which fields of an endpoint hold sensitive data, as pages, files and the API show it.

use serde::{Deserialize, Serialize};

use crate::{DataClass, DataPlace};

/// A field that holds values of a class. No value of it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFieldView {
    /// In which part of a transaction.
    #[serde(rename = "in")]
    pub place: DataPlace,
    /// Of answers: the status they came with.
    pub status: Option<u16>,
    /// Its names from the outside in, joined by dots; elements of an array are `[]`, members of a
    /// map `*`.
    pub field: String,
    /// What it holds.
    pub class: DataClass,
    /// The share of its values that passed the test of the class. Three decimals.
    pub share: f64,
    /// Values that were looked into.
    pub values: u64,
    /// Its name says so too.
    pub named: bool,
    /// It came when the endpoint was known well.
    pub is_new: bool,
}
