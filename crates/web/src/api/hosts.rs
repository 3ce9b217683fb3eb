//! `/api/v1/hosts`.

use serde::Serialize;
use tapline_model::HostView;

use crate::asked::{Answer, Asked, json};

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    total: usize,
    hosts: &'a [HostView],
}

/// Every host.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let hosts = &asked.view.hosts;
    json(&Document { now: asked.view.now.to_string(), total: hosts.len(), hosts })
}
