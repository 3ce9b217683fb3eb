//! The report as HTML: a fragment for the built-in pages, and a document that stands alone.

use std::borrow::Borrow;

use askama::Template;
use tapline_model::{IssueView, Severity};

use crate::number::{exact, share};
use crate::report::{EndpointRisk, Place, Report};
use crate::svg;
use crate::text::escaped;

/// Endpoints listed; the JSON has more.
const RISKS_SHOWN: usize = 40;
/// Rows of the other tables.
const ROWS_SHOWN: usize = 100;
/// Places named with a misconfiguration.
const PLACES_SHOWN: usize = 6;

#[derive(Template)]
#[template(path = "fragment.html")]
struct Fragment<'a> {
    report: &'a Report,
    first: Option<&'a EndpointRisk>,
    /// What comes before an endpoint's id in a link; none for no links.
    endpoints_at: Option<&'a str>,
    map: String,
}

#[derive(Template)]
#[template(path = "document.html")]
struct Document<'a> {
    report: &'a Report,
    style: &'a str,
    fragment: String,
}

/// The content of the report. With `endpoints_at` every endpoint is a link to it: that and its id.
/// Its classes are those of the built-in pages' style sheet.
pub fn fragment(report: &Report, endpoints_at: Option<&str>) -> String {
    let map = svg::map(&report.flows);
    let page = Fragment { report, first: report.risks.first(), endpoints_at, map };
    // Writing to a string cannot fail.
    page.render().unwrap_or_default()
}

/// The report as one file that loads nothing and runs nothing. `style` is a style sheet.
pub fn document(report: &Report, style: &str) -> String {
    let page = Document { report, style, fragment: fragment(report, None) };
    page.render().unwrap_or_default()
}

impl Fragment<'_> {
    fn risks(&self) -> impl Iterator<Item = &EndpointRisk> {
        self.report.risks.iter().take(RISKS_SHOWN)
    }

    /// The worst issues of an endpoint; mere hints only when there is nothing else.
    fn worst(risk: &EndpointRisk) -> impl Iterator<Item = &IssueView> {
        let worst = risk.issues.first().map_or(Severity::Info, |issue| issue.severity);
        let least = worst.min(Severity::Low);
        risk.issues.iter().filter(move |issue| issue.severity >= least).take(4)
    }

    fn count(severity: &str, report: &Report) -> u64 {
        report.severities.get(severity).copied().unwrap_or(0)
    }

    fn name(&self, place: &Place) -> Named {
        let tone = match place.method.as_str() {
            "GET" | "HEAD" | "OPTIONS" => "reads",
            "POST" => "creates",
            "PUT" | "PATCH" => "changes",
            "DELETE" => "deletes",
            _ => "other",
        };
        Named {
            tone,
            method: place.method.clone(),
            template: place.template.clone(),
            link: self.endpoints_at.map(|at| format!("{at}{}", place.id)),
        }
    }
}

/// Method and path, perhaps as a link.
#[derive(Template)]
#[template(
    source = r#"{% if let Some(link) = link %}<a class="go" href="{{ link }}">{% endif %}<span class="method {{ tone }}">{{ method }}</span> <bdi class="path">{{ template }}</bdi>{% if link.is_some() %}</a>{% endif %}"#,
    ext = "html"
)]
struct Named {
    tone: &'static str,
    method: String,
    template: String,
    link: Option<String>,
}

// What the templates call takes borrowed and owned values alike.

/// The tone of a tile.
fn tone_of(severity: impl Borrow<Severity>) -> &'static str {
    match severity.borrow() {
        Severity::Critical | Severity::High => "bad",
        Severity::Medium => "warn",
        _ => "good",
    }
}

fn percent(part: impl Borrow<u64>, whole: impl Borrow<u64>) -> String {
    share(*part.borrow(), *whole.borrow())
}

fn spaced(value: impl Borrow<u64>) -> String {
    exact(*value.borrow())
}

/// Text for markup; what stands between ticks is code.
fn coded(text: impl AsRef<str>) -> String {
    let parts = text.as_ref().split('`').map(escaped).collect::<Vec<_>>();
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        // A tick without a second one begins no code.
        let is_code = at % 2 == 1 && at + 1 < parts.len();
        if is_code {
            out.push_str("<code>");
        } else if at % 2 == 1 {
            out.push('`');
        }
        out.push_str(part);
        if is_code {
            out.push_str("</code>");
        }
    }
    out
}

/// Words joined by `_`, for people.
fn words(label: &str) -> String {
    label.replace('_', " ")
}
