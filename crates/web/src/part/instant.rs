//! A moment, as its age.

use askama::Template;
use tapline_model::Timestamp;

use crate::number;

/// A moment of capture time: its age for the eye, the time itself on demand.
#[derive(Debug, Template)]
#[template(
    source = r#"<time datetime="{{ machine }}" title="{{ full }}">{{ age }}</time>"#,
    ext = "html"
)]
pub(crate) struct Instant {
    machine: String,
    full: String,
    age: String,
}

impl Instant {
    /// `then`, as seen at `now`.
    pub(crate) fn new(now: Timestamp, then: Timestamp) -> Self {
        Self { machine: then.to_string(), full: number::instant(then), age: number::ago(now, then) }
    }
}
