//! A word in a box.

use askama::Template;
use tapline_model::Severity;

/// A word in a box, coloured by what it says.
#[derive(Debug, Template)]
#[template(source = r#"<span class="tag {{ tone }}">{{ word }}</span>"#, ext = "html")]
pub(crate) struct Tag {
    tone: &'static str,
    word: String,
}

impl Tag {
    /// `word` in the colour `tone` (a class of the style sheet).
    pub(crate) fn new(tone: &'static str, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }

    /// How bad.
    pub(crate) fn severity(severity: Severity) -> Self {
        let tone = match severity {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
            Severity::Info => "info",
        };
        Self::new(tone, severity.label())
    }
}
