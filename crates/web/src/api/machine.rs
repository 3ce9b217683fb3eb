//! What machines poll: metrics and probes.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::asked::{Answer, Asked};
use crate::problem::Problem;

const PLAIN: &str = "text/plain; charset=utf-8";

/// `/metrics`, in the Prometheus text format 0.0.4.
///
/// # Errors
/// When the metrics cannot be drawn.
pub(crate) fn metrics(asked: &Asked) -> Answer {
    let text = (asked.app.state.metrics)(&asked.view).map_err(|why| {
        tracing::error!(%why, "metrics cannot be drawn");
        Problem::internal(format!("metrics cannot be drawn: {why}"))
    })?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// `/-/healthy`: the process answers.
#[expect(clippy::unnecessary_wraps, reason = "every route has this shape")]
pub(crate) fn healthy(_: &Asked) -> Answer {
    Ok(([(CONTENT_TYPE, PLAIN)], "healthy\n").into_response())
}

/// `/-/ready`: the sensor captures; else 503 with the reasons, one a line.
#[expect(clippy::unnecessary_wraps, reason = "every route has this shape")]
pub(crate) fn ready(asked: &Asked) -> Answer {
    let health = (asked.app.state.health)();
    if health.ready {
        return Ok(([(CONTENT_TYPE, PLAIN)], "ready\n").into_response());
    }
    let mut text = String::from("not ready\n");
    for reason in &health.reasons {
        text.push_str(reason);
        text.push('\n');
    }
    let mut response =
        (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, PLAIN)], text).into_response();
    // The text is for probes and says it all: no page in its stead.
    response.extensions_mut().insert(crate::problem::Explained);
    Ok(response)
}
