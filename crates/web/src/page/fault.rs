//! The page that says what went wrong.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::shell::Shell;
use crate::asked::App;

#[derive(Template)]
#[template(path = "page/fault.html")]
struct Page<'a> {
    shell: Shell,
    status: u16,
    reason: &'a str,
    detail: &'a str,
}

/// Says what went wrong; in plain text should even that page fail.
pub(crate) fn draw(app: &App, status: StatusCode, detail: &str) -> Response {
    let view = app.state.view.load_full();
    let reason = status.canonical_reason().unwrap_or("Error");
    let shell = Shell::around(app, &view, "", reason);
    match (Page { shell, status: status.as_u16(), reason, detail }).render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => detail.to_owned().into_response(),
    }
}
