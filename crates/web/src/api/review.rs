//! `/api/v1/review`, `/api/v1/seeds`, `/api/v1/consumers` and `/api/v1/changes`.

use serde::Serialize;
use tapline_model::ChangeView;
use tapline_review::{ConsumerRow, Report, Seed, seeds_of};

use crate::asked::{Answer, Asked, json};
use crate::page::review::report_of;

/// The design review.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    json(&report_of(asked))
}

#[derive(Serialize)]
struct Seeds {
    now: String,
    seeds: Vec<Seed>,
}

/// An example request for each endpoint.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn seeds(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let seeds = seeds_of(asked.view.endpoints.iter().map(AsRef::as_ref));
    json(&Seeds { now: asked.view.now.to_string(), seeds })
}

#[derive(Serialize)]
struct Consumers {
    now: String,
    consumers: Vec<ConsumerRow>,
}

/// Who calls what.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn consumers(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let consumers = Report::callers(&asked.view);
    json(&Consumers { now: asked.view.now.to_string(), consumers })
}

#[derive(Serialize)]
struct Changes<'a> {
    now: String,
    changes: &'a [ChangeView],
}

/// What changed, newest first.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn changes(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    json(&Changes { now: asked.view.now.to_string(), changes: &asked.view.changes })
}
