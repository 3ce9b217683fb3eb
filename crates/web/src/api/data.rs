//! `/api/v1/data`: where sensitive data goes.

use serde::Serialize;
use tapline_model::{DataClass, DataFieldView, EndpointId, Quantiles, View};

use crate::asked::{Answer, Asked, json};
use crate::selection::API_ROWS;
use crate::selection::data::{Carrier, ClassRow, PARAMETERS, Selection, classes};

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    total: usize,
    page: u32,
    per_page: u32,
    pages: usize,
    classes: Vec<ClassRow>,
    endpoints: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: EndpointId,
    host: &'a str,
    method: &'a str,
    template: &'a str,
    requests: u64,
    consumers: u64,
    servers: &'a [String],
    records: Quantiles,
    answers_only: Vec<DataClass>,
    fields: Vec<&'a DataFieldView>,
}

/// Every class that was found, and the endpoints that carry what was asked for.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&PARAMETERS)?;
    let selection = Selection::of(&asked.query, API_ROWS)?;
    let view = &asked.view;
    let found = selection.apply(view);
    let total = found.len();
    let paging = selection.paging;
    json(&Document {
        now: view.now.to_string(),
        total,
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(total),
        classes: classes(view),
        endpoints: paging.cut(found).into_iter().map(|carrier| row(view, carrier)).collect(),
    })
}

fn row<'a>(view: &'a View, carrier: Carrier<'a>) -> Row<'a> {
    let Carrier { endpoint, fields, answers_only } = carrier;
    Row {
        id: endpoint.id,
        host: &endpoint.host,
        method: &endpoint.method,
        template: &endpoint.template,
        requests: endpoint.requests,
        consumers: endpoint.consumers,
        servers: servers_of(view, &endpoint.host),
        records: endpoint.records,
        answers_only,
        fields,
    }
}

/// The servers that answer for a host.
pub(crate) fn servers_of<'a>(view: &'a View, host: &str) -> &'a [String] {
    // Hosts come in the order of their names.
    let found = view.hosts.binary_search_by(|known| known.host.as_str().cmp(host)).ok();
    found.and_then(|place| view.hosts.get(place)).map_or(&[], |host| host.servers.as_slice())
}
