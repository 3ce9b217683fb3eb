//! `/api/v1/hosts/{host}/openapi.json` and `.yaml`: what was seen of a host, as a document.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use tapline_openapi::{Dialect, Document};

use crate::asked::{Answer, Asked};
use crate::problem::Problem;

/// As JSON.
///
/// # Errors
/// When there is no such host, or the query asks for what cannot be.
pub(crate) fn answer_json(asked: &Asked) -> Answer {
    let (document, dialect) = document(asked)?;
    let text = tapline_openapi::to_json(&document, dialect);
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

/// As YAML.
///
/// # Errors
/// When there is no such host, or the query asks for what cannot be.
pub(crate) fn answer_yaml(asked: &Asked) -> Answer {
    let (document, dialect) = document(asked)?;
    let text = tapline_openapi::to_yaml(&document, dialect);
    // RFC 9512.
    Ok(([(CONTENT_TYPE, "application/yaml")], text).into_response())
}

fn document(asked: &Asked) -> Result<(Document, Dialect), Problem> {
    asked.query.only(&["version"])?;
    let label = |dialect| match dialect {
        Dialect::V30 => "3.0",
        Dialect::V31 => "3.1",
    };
    let dialect = asked.query.choice("version", &[Dialect::V30, Dialect::V31], label)?;
    let document = tapline_openapi::observed(&asked.view, &asked.id)
        .ok_or_else(|| Problem::not_found("there is no such host"))?;
    Ok((document, dialect.unwrap_or_default()))
}
