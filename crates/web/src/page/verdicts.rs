//! `/verdicts`: what operators said of findings.

use askama::Template;
use tapline_model::{About, Finding, Scope, Timestamp, Verdict, VerdictKind};

use super::shell::Shell;
use crate::asked::{Answer, App, Asked, html};
use crate::number;
use crate::part::Tag;
use crate::text::{ALONE_MAX, LISTED_MAX, shown};

/// How long findings may be muted for, as the form offers it.
const MUTES: [(u64, &str); 5] = [
    (3_600, "an hour"),
    (28_800, "eight hours"),
    (86_400, "a day"),
    (604_800, "a week"),
    (2_592_000, "30 days"),
];
/// The one that is chosen.
const MUTED_SECONDS: u64 = 86_400;

#[derive(Template)]
#[template(path = "page/verdicts.html")]
struct Page {
    shell: Shell,
    verdicts: Vec<VerdictRow>,
    desk: Option<Desk>,
    back: String,
}

/// One verdict.
#[derive(Debug)]
pub(crate) struct VerdictRow {
    /// Its id.
    pub(crate) id: u64,
    /// What was said.
    pub(crate) kind: Tag,
    /// Of what.
    pub(crate) about: String,
    /// The finding that was looked at.
    pub(crate) finding: String,
    /// Who said it.
    pub(crate) by: String,
    /// Why.
    pub(crate) comment: String,
    /// When.
    pub(crate) at: String,
    /// How long it holds still.
    pub(crate) until: String,
}

/// What forms need to be taken.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Shows that the form is of this sensor.
    pub(crate) mark: String,
    /// The name is known.
    pub(crate) user: bool,
    /// The token is asked for.
    pub(crate) token: bool,
    /// How long findings may be muted for, in seconds and words, and which is chosen.
    pub(crate) mutes: Vec<(u64, &'static str, bool)>,
}

impl Desk {
    /// None where nothing can be changed.
    pub(crate) fn of(app: &App) -> Option<Self> {
        let triage = app.state.triage.as_ref().filter(|_| app.guard.takes_changes())?;
        Some(Self {
            mark: triage.form_mark(),
            user: app.guard.knows_users(),
            token: app.guard.asks_for_token(),
            mutes: MUTES
                .iter()
                .map(|&(seconds, said)| (seconds, said, seconds == MUTED_SECONDS))
                .collect(),
        })
    }
}

/// Every verdict that holds.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let (all, now) = asked.app.verdicts();
    let holding = all.all().iter().rev().filter(|verdict| now < verdict.until);
    html(&Page {
        shell: Shell::new(asked, "findings", "Verdicts"),
        verdicts: holding.map(|verdict| row(verdict, now)).collect(),
        desk: Desk::of(&asked.app),
        back: String::new(),
    })
}

/// The verdicts that hold for a finding, latest first.
pub(crate) fn rows_of(app: &App, finding: &Finding) -> Vec<VerdictRow> {
    let (all, now) = app.verdicts();
    all.of(finding, now).into_iter().rev().map(|verdict| row(verdict, now)).collect()
}

/// What a list says of a finding in a word or two.
pub(crate) fn tags_of(app: &App, finding: &Finding) -> Vec<Tag> {
    let (all, now) = app.verdicts();
    let mut kinds: Vec<VerdictKind> = all.of(finding, now).iter().map(|one| one.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().map(tag).collect()
}

fn tag(kind: VerdictKind) -> Tag {
    match kind {
        VerdictKind::Acknowledged => Tag::new("good", "acknowledged"),
        VerdictKind::Muted => Tag::new("plain", "muted"),
        VerdictKind::FalsePositive => Tag::new("plain", "false positive"),
    }
}

fn row(verdict: &Verdict, now: Timestamp) -> VerdictRow {
    VerdictRow {
        id: verdict.id,
        kind: tag(verdict.kind),
        about: match &verdict.about {
            About::Case(_) => format!("this case ({})", shown(&verdict.detection, 64)),
            About::Scope(scope) => scope_text(scope),
        },
        finding: verdict.finding.clone(),
        by: shown(&verdict.by, 64).into_owned(),
        comment: shown(&verdict.comment, ALONE_MAX).into_owned(),
        at: number::instant(verdict.at),
        until: number::span(verdict.until.nanos_since(now) / 1_000_000_000),
    }
}

fn scope_text(scope: &Scope) -> String {
    let parts = [
        scope.detection.as_ref().map(|text| format!("detection {}", shown(text, 64))),
        scope.host.as_ref().map(|text| format!("host {}", shown(text, LISTED_MAX))),
        scope.endpoint.map(|id| format!("endpoint {id}")),
        scope.consumer.map(|key| format!("consumer {key}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
