//! `/prevention`: who had better be blocked, and why.

use askama::Template;
use tapline_prevention::{Counts, Entry, Reason, Refusal, Snapshot, Subject};

use super::shell::Shell;
use crate::api::prevention::snapshot;
use crate::asked::{Answer, Asked, html};
use crate::number;
use crate::part::{Instant, Tag};
use crate::text::{LISTED_MAX, shown};

/// Entries listed; the API has all.
const ROWS: usize = 500;

#[derive(Template)]
#[template(path = "page/prevention.html")]
struct Page {
    shell: Shell,
    list: Option<List>,
}

struct List {
    state: Tag,
    dry_run: bool,
    total: usize,
    more: usize,
    rows: Vec<Row>,
    ended: Vec<Row>,
    counts: Vec<(&'static str, String)>,
}

struct Row {
    subject: String,
    kind: Tag,
    since: Instant,
    ends: String,
    reasons: Vec<Why>,
}

struct Why {
    id: String,
    severity: Tag,
    detection: String,
    title: String,
    host: String,
}

/// The list with its reasons.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let list = snapshot(asked).map(|snapshot| list(&snapshot));
    html(&Page { shell: Shell::new(asked, "prevention", "Prevention"), list })
}

fn list(list: &Snapshot) -> List {
    let (word, tone) = if list.dry_run { ("dry run", "medium") } else { ("in force", "solid") };
    let total = list.entries.len();
    let ended = list.ended.iter().rev().take(ROWS);
    List {
        state: Tag::new(tone, word),
        dry_run: list.dry_run,
        total,
        more: total.saturating_sub(ROWS),
        rows: list.entries.iter().take(ROWS).map(|entry| row(list, entry)).collect(),
        ended: ended
            .map(|ended| Row { ends: number::instant(ended.ended), ..row(list, &ended.entry) })
            .collect(),
        counts: counts(&list.counts),
    }
}

fn row(list: &Snapshot, entry: &Entry) -> Row {
    Row {
        subject: entry.subject.to_string(),
        kind: Tag::new(
            "plain",
            match entry.subject {
                Subject::Address(_) => "address",
                Subject::Consumer(_) => "credentials",
            },
        ),
        since: Instant::new(list.now, entry.since),
        ends: number::span(entry.seconds_left(list.now)),
        reasons: entry.reasons.iter().map(why).collect(),
    }
}

fn why(reason: &Reason) -> Why {
    Why {
        id: reason.finding.clone(),
        severity: Tag::severity(reason.severity),
        detection: reason.detection.clone(),
        title: shown(&reason.title, LISTED_MAX).into_owned(),
        host: shown(&reason.host, LISTED_MAX).into_owned(),
    }
}

fn counts(counts: &Counts) -> Vec<(&'static str, String)> {
    let said = |refusal: Refusal| match refusal {
        Refusal::Never => "spared: never listed",
        Refusal::Rate => "held back: too many a minute",
        Refusal::Full => "held back: the list is full",
    };
    let refused = Refusal::ALL.iter().map(|&refusal| said(refusal)).zip(counts.refused);
    [
        ("listed since start", counts.listed),
        ("ended by time", counts.expired),
        ("taken off by judgement", counts.withdrawn),
    ]
    .into_iter()
    .chain(refused)
    .map(|(name, count)| (name, number::count(count)))
    .collect()
}
