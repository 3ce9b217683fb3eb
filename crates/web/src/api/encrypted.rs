//! `/api/v1/encrypted`.

use serde::Serialize;
use tapline_model::EncryptedView;

use crate::asked::{Answer, Asked, json};

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    hosts: &'a [EncryptedView],
}

/// Hosts behind TLS: what their handshakes show, and what is wrong with them.
///
/// # Errors
/// When the query has parameters: there are none.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let view = &asked.view;
    json(&Document { now: view.now.to_string(), hosts: &view.encrypted })
}
