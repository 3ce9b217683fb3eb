//! `/consumers`: who calls what, and which credentials seem to have several users.

use askama::Template;
use tapline_model::Timestamp;
use tapline_review::{ConsumerRow, Place, Report, map};

use super::shell::Shell;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Instant, Name, Tag};
use crate::text::LISTED_MAX;

/// Consumers listed; the API has all that are kept.
const ROWS: usize = 200;
/// Endpoints listed with one.
const PLACES: usize = 4;

#[derive(Template)]
#[template(path = "page/consumers.html")]
struct Page {
    shell: Shell,
    total: String,
    shared: usize,
    more: usize,
    rows: Vec<Row>,
    map: String,
}

struct Row {
    key: String,
    kind: Tag,
    requests: u64,
    requests_text: String,
    errors: String,
    networks: String,
    agents: u64,
    places: Vec<(String, Name)>,
    places_more: u64,
    shared: String,
    last_seen: Instant,
}

/// Every consumer that is kept, most requests first; those that are shared before.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let callers = Report::callers(&asked.view);
    let total = callers.len();
    let shared = callers.iter().filter(|row| !row.shared.is_empty()).count();
    let mut ordered: Vec<&ConsumerRow> = callers.iter().collect();
    ordered.sort_by_key(|row| row.shared.is_empty());
    let seen: std::collections::HashMap<String, Timestamp> = asked
        .view
        .consumers
        .iter()
        .map(|consumer| (consumer.key.to_string(), consumer.last_seen))
        .collect();
    let rows = ordered.into_iter().take(ROWS);
    html(&Page {
        shell: Shell::new(asked, "consumers", "Consumers"),
        total: number::count(u64::try_from(total).unwrap_or(u64::MAX)),
        shared,
        more: total.saturating_sub(ROWS),
        rows: rows
            .map(|row| {
                let last = seen.get(&row.key).copied().unwrap_or_default();
                self::row(row, Instant::new(asked.view.now, last))
            })
            .collect(),
        map: map(&asked.view),
    })
}

fn row(row: &ConsumerRow, last_seen: Instant) -> Row {
    let name =
        |place: &Place| (place.id.clone(), Name::new(&place.method, &place.template, LISTED_MAX));
    let shown: Vec<_> = row.places.iter().take(PLACES).map(name).collect();
    Row {
        key: row.key.clone(),
        kind: Tag::new("plain", row.kind.clone()),
        requests: row.requests,
        requests_text: number::count(row.requests),
        errors: number::share(row.client_errors, row.requests),
        networks: row.networks.join(", "),
        agents: row.agents,
        places_more: row.places_total.saturating_sub(u64::try_from(shown.len()).unwrap_or(0)),
        places: shown,
        shared: row.shared.clone(),
        last_seen,
    }
}
