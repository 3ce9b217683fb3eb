//! `/api/v1/openapi.json`: the contract of this API.

use std::sync::OnceLock;

use serde_json::Value;

use crate::asked::{Answer, Asked, json};
use crate::problem::Problem;

static TEXT: &str = include_str!("../../assets/openapi.json");

/// The contract, with this sensor's version.
///
/// # Errors
/// When the contract is no JSON, which a test rules out.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let mut contract = contract()?.clone();
    if let Some(version) = contract.pointer_mut("/info/version") {
        *version = Value::String(asked.app.state.sensor.version.clone());
    }
    json(&contract)
}

/// The contract as it is kept.
///
/// # Errors
/// When the contract is no JSON, which a test rules out.
pub(crate) fn contract() -> Result<&'static Value, Problem> {
    static CONTRACT: OnceLock<Option<Value>> = OnceLock::new();
    CONTRACT
        .get_or_init(|| serde_json::from_str(TEXT).ok())
        .as_ref()
        .ok_or_else(|| Problem::internal("the contract of the API is malformed"))
}
