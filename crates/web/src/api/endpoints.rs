//! `/api/v1/endpoints`.

use std::sync::Arc;

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Serialize;
use tapline_model::EndpointView;

use super::csv;
use crate::asked::{Answer, Asked, json};
use crate::selection::endpoints::{Column, Order, PARAMETERS, Selection};
use crate::selection::{API_ROWS, API_ROWS_MAX};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

impl Format {
    const fn label(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

#[derive(Serialize)]
struct Document {
    now: String,
    total: usize,
    page: u32,
    per_page: u32,
    pages: usize,
    sort: &'static str,
    order: &'static str,
    endpoints: Vec<EndpointView>,
}

/// The inventory, searched, filtered, in order, by page.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    let known: Vec<&str> = PARAMETERS.iter().copied().chain(["format"]).collect();
    asked.query.only(&known)?;
    let format = asked.query.choice("format", &[Format::Json, Format::Csv], Format::label)?;
    let format = format.unwrap_or(Format::Json);
    // A table for a spreadsheet is whole unless a page of it is asked for.
    let rows = if format == Format::Csv { API_ROWS_MAX } else { API_ROWS };
    let selection = Selection::of(&asked.query, rows)?;
    let found = selection.apply(&asked.view.endpoints);
    let total = found.len();
    let paging = selection.paging;
    let endpoints: Vec<&EndpointView> = paging.cut(found).into_iter().map(Arc::as_ref).collect();
    if format == Format::Csv {
        let headers = [
            (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (CONTENT_DISPOSITION, "attachment; filename=\"endpoints.csv\""),
        ];
        return Ok((headers, csv::table(&endpoints)).into_response());
    }
    json(&Document {
        now: asked.view.now.to_string(),
        total,
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(total),
        sort: Column::label(selection.sort),
        order: Order::label(selection.order),
        // Bodies are many times as long as all the rest.
        endpoints: endpoints.into_iter().map(without_bodies).collect(),
    })
}

fn without_bodies(endpoint: &EndpointView) -> EndpointView {
    EndpointView { bodies: Arc::default(), ..endpoint.clone() }
}

/// One endpoint.
///
/// # Errors
/// When there is no such endpoint.
pub(crate) fn answer_one(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    json(asked.endpoint()?.as_ref())
}
