//! `/api/v1/prevention`, and the decisions that bouncers of `CrowdSec` read.

use std::collections::BTreeMap;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use tapline_prevention::form::{self, DecisionFilter};
use tapline_prevention::{Counts, Ended, Entry, Refusal, Snapshot};

use crate::asked::{Answer, Asked, json};
use crate::problem::Problem;

/// How the list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Plain,
    Nftables,
    Ipset,
}

impl Format {
    const ALL: &'static [Self] = &[Self::Json, Self::Plain, Self::Nftables, Self::Ipset];

    const fn label(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Plain => "plain",
            Self::Nftables => "nftables",
            Self::Ipset => "ipset",
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    enabled: bool,
    dry_run: bool,
    now: String,
    counts: CountsBody,
    entries: &'a [Entry],
    ended: &'a [Ended],
}

#[derive(Default, Serialize)]
struct CountsBody {
    listed: u64,
    expired: u64,
    withdrawn: u64,
    refused: BTreeMap<&'static str, u64>,
}

/// The list, in the form that is asked for. JSON shows it in a dry run too, and says so; the other
/// forms are for programs that act, and in a dry run they name nobody.
///
/// # Errors
/// When a form is asked for that does not exist, or a list that is not made.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&["format"])?;
    let format = asked.query.choice("format", Format::ALL, Format::label)?.unwrap_or(Format::Json);
    let list = snapshot(asked);
    if format == Format::Json {
        return json(&document(asked, list.as_ref()));
    }
    let list =
        list.ok_or_else(|| Problem::not_found("no list is made: prevention.enabled is off"))?;
    let text = match format {
        Format::Json | Format::Plain => form::plain(&list),
        Format::Nftables => form::nftables(&list),
        Format::Ipset => form::ipset(&list),
    };
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// The list as it is now, if one is made.
pub(crate) fn snapshot(asked: &Asked) -> Option<Snapshot> {
    asked.app.state.prevention.as_ref().map(|prevention| prevention.reader.snapshot())
}

fn document<'a>(asked: &Asked, list: Option<&'a Snapshot>) -> Document<'a> {
    Document {
        enabled: list.is_some(),
        dry_run: list.is_some_and(|list| list.dry_run),
        now: list.map_or(asked.view.now, |list| list.now).to_string(),
        counts: list.map_or_else(CountsBody::default, |list| counts(&list.counts)),
        entries: list.map_or(&[], |list| &list.entries),
        ended: list.map_or(&[], |list| &list.ended),
    }
}

fn counts(counts: &Counts) -> CountsBody {
    let labels = Refusal::ALL.iter().map(|refusal| refusal.label());
    CountsBody {
        listed: counts.listed,
        expired: counts.expired,
        withdrawn: counts.withdrawn,
        refused: labels.zip(counts.refused).collect(),
    }
}

/// `/v1/decisions`: those in force that a bouncer asks for; `null` when there are none, as the
/// original says it. Parameters that are not known are ignored, as there.
///
/// # Errors
/// When no list is made.
pub(crate) fn decisions(asked: &Asked) -> Answer {
    let list = snapshot(asked).ok_or_else(Problem::forbidden)?;
    let get = |name| asked.query.get(name).unwrap_or_default();
    let either = |one: &'static str, other| asked.query.get(one).unwrap_or_else(|| get(other));
    let filter =
        DecisionFilter { scopes: get("scope"), value: either("ip", "value"), ..filter(asked) };
    // Addresses are listed one by one, so none covers a range.
    let found = match asked.query.get("range") {
        Some(_) => Vec::new(),
        None => form::decisions(&list, filter),
    };
    json(&(!found.is_empty()).then_some(found))
}

/// `/v1/decisions/stream`: what a bouncer that follows along has to know.
///
/// # Errors
/// When no list is made.
pub(crate) fn stream(asked: &Asked) -> Answer {
    let list = snapshot(asked).ok_or_else(Problem::forbidden)?;
    let scopes = asked.query.get("scopes").unwrap_or_default();
    json(&form::stream(&list, DecisionFilter { scopes, ..filter(asked) }))
}

fn filter(asked: &Asked) -> DecisionFilter<'_> {
    let get = |name| asked.query.get(name).unwrap_or_default();
    DecisionFilter {
        scopes: "",
        value: "",
        origins: get("origins"),
        containing: get("scenarios_containing"),
        not_containing: get("scenarios_not_containing"),
        remedy: get("type"),
    }
}
