//! Which findings.

use std::sync::Arc;

use tapline_model::{Finding, FindingKind, FindingState, Severity};

use super::{Paging, Words};
use crate::problem::Problem;
use crate::query::Query;

/// What the query may name.
pub(crate) const PARAMETERS: [&str; 7] =
    ["q", "state", "severity", "kind", "detection", "page", "per_page"];

/// Which findings; their order is that of the view: open ones first, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The search, as typed.
    pub(crate) q: String,
    /// In this state.
    pub(crate) state: Option<FindingState>,
    /// At least this severe.
    pub(crate) severity: Option<Severity>,
    /// Of this kind.
    pub(crate) kind: Option<FindingKind>,
    /// By this rule.
    pub(crate) detection: String,
    /// Which part.
    pub(crate) paging: Paging,
    words: Words,
}

impl Selection {
    /// What the query asks for.
    ///
    /// # Errors
    /// When a value is not one that can be chosen.
    pub(crate) fn of(query: &Query, rows: u32) -> Result<Self, Problem> {
        const STATES: [FindingState; 2] = [FindingState::Open, FindingState::Resolved];
        Ok(Self {
            words: Words::of(query.get("q").unwrap_or_default())?,
            q: query.get("q").unwrap_or_default().to_owned(),
            state: query.choice("state", &STATES, FindingState::label)?,
            severity: query.choice("severity", Severity::ALL, Severity::label)?,
            kind: query.choice("kind", FindingKind::ALL, FindingKind::label)?,
            detection: query.get("detection").unwrap_or_default().to_owned(),
            paging: Paging::of(query, rows)?,
        })
    }

    /// Those that were asked for.
    pub(crate) fn apply<'a>(&self, findings: &'a [Arc<Finding>]) -> Vec<&'a Arc<Finding>> {
        findings.iter().filter(|finding| self.takes(finding)).collect()
    }

    /// Names and values that ask for the same.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let page = if self.paging.page == 1 { String::new() } else { self.paging.page.to_string() };
        vec![
            ("q", self.q.clone()),
            ("state", self.state.map(FindingState::label).unwrap_or_default().to_owned()),
            ("severity", self.severity.map(Severity::label).unwrap_or_default().to_owned()),
            ("kind", self.kind.map(FindingKind::label).unwrap_or_default().to_owned()),
            ("detection", self.detection.clone()),
            ("page", page),
        ]
    }

    /// The same, from another page.
    pub(crate) fn at_page(&self, page: u32) -> Self {
        Self { paging: Paging { page, ..self.paging }, ..self.clone() }
    }

    /// Whether anything is left out.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.state.is_some()
            || self.severity.is_some()
            || self.kind.is_some()
            || !self.q.is_empty()
            || !self.detection.is_empty()
    }

    fn takes(&self, finding: &Finding) -> bool {
        let template = finding.endpoint.as_ref().map_or("", |endpoint| &endpoint.template);
        self.state.is_none_or(|state| state == finding.state)
            && self.severity.is_none_or(|least| least <= finding.severity)
            && self.kind.is_none_or(|kind| kind == finding.kind)
            && (self.detection.is_empty() || self.detection == finding.detection)
            && self.words.are_in(&[&finding.title, &finding.host, &finding.detection, template])
    }
}
