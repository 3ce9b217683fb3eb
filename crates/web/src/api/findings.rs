//! `/api/v1/findings`.

use std::sync::Arc;

use serde::Serialize;
use tapline_model::{Finding, Verdict};

use crate::asked::{Answer, Asked, json};
use crate::problem::Problem;
use crate::selection::API_ROWS;
use crate::selection::findings::{PARAMETERS, Selection};
use crate::state::PacketFile;

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    total: usize,
    page: u32,
    per_page: u32,
    pages: usize,
    findings: Vec<Judged<'a>>,
}

/// A finding with what operators say of it, and the packets behind it.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    verdicts: Vec<Arc<Verdict>>,
    packets: Vec<PacketFile>,
}

impl<'a> Judged<'a> {
    fn new(asked: &Asked, finding: &'a Finding) -> Self {
        let (all, now) = asked.app.verdicts();
        Self {
            finding,
            verdicts: all.of(finding, now).into_iter().map(Arc::clone).collect(),
            packets: asked.app.packets(&finding.id),
        }
    }
}

/// Open findings, then resolved ones; newest first.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&PARAMETERS)?;
    let selection = Selection::of(&asked.query, API_ROWS)?;
    let found = selection.apply(&asked.view.findings);
    let total = found.len();
    let paging = selection.paging;
    json(&Document {
        now: asked.view.now.to_string(),
        total,
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(total),
        findings: paging.cut(found).into_iter().map(|one| Judged::new(asked, one)).collect(),
    })
}

/// One finding.
///
/// # Errors
/// When there is no such finding.
pub(crate) fn answer_one(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    json(&Judged::new(asked, one(asked)?))
}

/// The finding that the path names.
///
/// # Errors
/// When there is no such finding, or it is no longer kept.
pub(crate) fn one(asked: &Asked) -> Result<&Arc<Finding>, Problem> {
    asked.view.findings.iter().find(|finding| finding.id == asked.id).ok_or_else(|| {
        Problem::not_found("there is no such finding, or it was resolved too long ago to be kept")
    })
}
