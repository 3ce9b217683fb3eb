//! Why a request was not answered.

use axum::Json;
use axum::http::header::{ALLOW, HeaderName, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tapline_model::OrderError;

use crate::asked::App;
use crate::page;

/// An error of the API: a status, a word for machines, a sentence for people.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The status.
    pub(crate) status: StatusCode,
    /// For machines.
    pub(crate) error: &'static str,
    /// For people.
    pub(crate) detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

/// Marks a response that already says what went wrong.
#[derive(Clone, Copy)]
pub(crate) struct Explained;

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    detail: &'a str,
}

#[derive(Serialize)]
struct BouncerBody<'a> {
    message: &'a str,
}

impl Problem {
    /// The request contradicts itself or what is there.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The sensor is at fault.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The request names a host that is not this sensor's.
    pub(crate) fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "this sensor does not answer under that host name; use its address, or set \
             alert.external_url to the name it is reached by",
        )
    }

    /// The request's head is too long.
    pub(crate) fn head_too_long() -> Self {
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_long",
            "the request is longer than web.request_bytes_max",
        )
    }

    /// Only GET and HEAD are answered.
    pub(crate) fn read_only() -> Self {
        Self {
            header: Some((ALLOW, HeaderValue::from_static("GET, HEAD"))),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "here GET and HEAD alone are answered",
            )
        }
    }

    /// Credentials are missing or wrong.
    pub(crate) fn unauthorised() -> Self {
        Self {
            header: Some((
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"tapline\", charset=\"UTF-8\""),
            )),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorised",
                "user name and password are needed",
            )
        }
    }

    /// A bouncer's key is missing or wrong, or there is none that would be right.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "X-Api-Key is missing or wrong; prevention.enabled and prevention.api_key_file set it up",
        )
    }

    /// Nothing can be changed here.
    pub(crate) fn no_desk() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "this sensor takes no orders")
    }

    /// Nobody has shown that they may change something.
    pub(crate) fn no_authority(detail: &'static str, has_token: bool) -> Self {
        if !has_token {
            return Self::new(StatusCode::FORBIDDEN, "forbidden", detail);
        }
        Self {
            header: Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tapline\""))),
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthorised", detail)
        }
    }

    /// A page of another site asks.
    pub(crate) fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "foreign",
            "the request comes from a page of another site, or from one that does not say; changes \
             are taken from this sensor's own pages and from programs",
        )
    }

    /// The form was not made by this process.
    pub(crate) fn stale_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "stale_form",
            "the page is older than this run of the sensor, or not of this sensor; load it again",
        )
    }

    /// The body is not what it has to be.
    pub(crate) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "orders are sent as application/json",
        )
    }

    /// The sensor cannot do it now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// Why an order was not carried out.
    pub(crate) fn of_order(error: OrderError) -> Self {
        match error {
            OrderError::Refused(text) => Self::bad_request(text),
            OrderError::Conflict(text) => Self::new(StatusCode::CONFLICT, "conflict", text),
            OrderError::Unknown(text) => Self::not_found(text),
            OrderError::Unavailable(text) => Self::unavailable(text),
        }
    }

    /// The same for people who filled in a form: they have not seen the text that mistakes have their
    /// places in, and know fields by name.
    pub(crate) fn without_places(self) -> Self {
        let is_place = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let line = |line: &str| match line.splitn(4, ':').collect::<Vec<_>>()[..] {
            ["rule", row, column, rest] if is_place(row) && is_place(column) => {
                rest.trim_start().to_owned()
            }
            _ => line.to_owned(),
        };
        let detail = self.detail.lines().map(line).collect::<Vec<_>>().join("\n");
        Self { detail, ..self }
    }

    /// Of a status alone, as the layers around the routes answer.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (error, detail) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("body_too_long", "the request is longer than web.request_bytes_max")
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                ("timeout", "the answer took longer than web.request_timeout_seconds")
            }
            StatusCode::BAD_REQUEST => ("bad_request", "the address of the request is malformed"),
            _ => ("internal", "the sensor failed to answer; its log says more"),
        };
        Self::new(status, error, detail)
    }

    /// JSON below `/api` and, as bouncers read it, below `/v1`; a page elsewhere.
    pub(crate) fn respond(self, app: &App, path: &str) -> Response {
        let in_api = path == "/api/v1" || path.starts_with("/api/");
        let mut response = if path.starts_with("/v1/") {
            Json(BouncerBody { message: &self.detail }).into_response()
        } else if in_api {
            Json(Body { error: self.error, detail: &self.detail }).into_response()
        } else {
            page::fault::draw(app, self.status, &self.detail)
        };
        *response.status_mut() = self.status;
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Explained);
        response
    }

    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error, detail: detail.into(), header: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_who_filled_in_a_form_read_of_fields() {
        let problem = Problem::bad_request("rule:1:9: path: \"a\" is no path\nrule: is empty\nb");
        assert_eq!(problem.without_places().detail, "path: \"a\" is no path\nrule: is empty\nb");
    }
}
