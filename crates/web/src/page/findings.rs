//! `/findings`: what is wrong now, and what was.

use std::collections::BTreeSet;

use askama::Template;
use tapline_model::{FindingKind, FindingState, Severity};

use super::inventory::Pager;
use super::menu::{Choice, menu};
use super::row::FindingRow;
use super::shell::Shell;
use super::verdicts::tags_of;
use crate::asked::{Answer, Asked, html};
use crate::query::encode;
use crate::selection::PAGE_ROWS;
use crate::selection::findings::{PARAMETERS, Selection};

#[derive(Template)]
#[template(path = "page/findings.html")]
struct Page {
    shell: Shell,
    selection: Selection,
    rows: Vec<FindingRow>,
    total: usize,
    all: usize,
    detections: Vec<Choice>,
    states: Vec<Choice>,
    severities: Vec<Choice>,
    kinds: Vec<Choice>,
    pager: Pager,
    json: String,
}

/// The findings.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&PARAMETERS)?;
    let selection = Selection::of(&asked.query, PAGE_ROWS)?;
    let view = &asked.view;
    let found = selection.apply(&view.findings);
    let total = found.len();
    let rows = selection.paging.cut(found);
    let pager =
        Pager::new(selection.paging, total, |page| encode(&selection.at_page(page).pairs()));
    let exported = selection.at_page(1).pairs();
    let detections: BTreeSet<&str> =
        view.findings.iter().map(|finding| finding.detection.as_str()).collect();
    html(&Page {
        shell: Shell::new(asked, "findings", "Findings"),
        rows: rows
            .into_iter()
            .map(|one| FindingRow::new(one, view.now).judged(tags_of(&asked.app, one)))
            .collect(),
        total,
        all: view.findings.len(),
        detections: menu(detections, &selection.detection),
        states: menu(
            [FindingState::Open, FindingState::Resolved].map(FindingState::label),
            selection.state.map_or("", FindingState::label),
        ),
        severities: menu(
            Severity::ALL.iter().map(|severity| severity.label()),
            selection.severity.map_or("", Severity::label),
        ),
        kinds: menu(
            FindingKind::ALL.iter().map(|kind| kind.label()),
            selection.kind.map_or("", FindingKind::label),
        ),
        pager,
        json: format!("/api/v1/findings{}", encode(&exported)),
        selection,
    })
}
