//! `/api/v1/verdicts`, and the orders that pages and programs send.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tapline_model::{Finding, Order, OrderKind, Scope, Verdict, VerdictKind, VerdictTally};

use super::findings::one;
use crate::asked::{Answer, Asked, json};
use crate::guard::Mandate;
use crate::order::{authority, by_whom, form_authority, see_other};
use crate::problem::Problem;
use crate::submission::Submission;

/// How long findings are muted when nobody says.
const MUTED_SECONDS: u64 = 86_400;

#[derive(Serialize)]
struct Document<'a> {
    now: String,
    changeable: bool,
    verdicts: Vec<&'a Verdict>,
    tallies: Vec<Tally>,
}

#[derive(Serialize)]
struct Tally {
    detection: String,
    acknowledged: u64,
    muted: u64,
    false_positives: u64,
}

/// What is said of a finding: the word of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Acknowledge,
    Mute,
    FalsePositive,
    Reopen,
}

/// What of a finding a mute is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    Detection,
    Host,
    Endpoint,
    Consumer,
}

/// The body of an order about a finding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    verdict: Word,
    #[serde(default)]
    by: String,
    #[serde(default)]
    comment: String,
    seconds: Option<u64>,
    /// Detection and host when nobody says.
    scope: Option<Vec<Bound>>,
}

/// The body of an order to take back a verdict.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lifted {
    #[serde(default)]
    by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Serialize)]
struct Done {
    done: bool,
}

/// Every verdict that is kept.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let (verdicts, now) = asked.app.verdicts();
    json(&Document {
        now: now.to_string(),
        changeable: asked.app.state.triage.is_some(),
        verdicts: verdicts.all().iter().map(AsRef::as_ref).collect(),
        tallies: verdicts.tallies(now).into_iter().map(tally).collect(),
    })
}

fn tally(tally: VerdictTally) -> Tally {
    Tally {
        acknowledged: tally.count(VerdictKind::Acknowledged),
        muted: tally.count(VerdictKind::Muted),
        false_positives: tally.count(VerdictKind::FalsePositive),
        detection: tally.detection,
    }
}

/// `POST /api/v1/findings/{id}/verdict`.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn judge(asked: &Asked, submission: &Submission) -> Answer {
    let authority = authority(asked, submission)?;
    let finding = Arc::clone(one(asked)?);
    let said: Said = body(submission)?;
    order(asked, authority, said, finding)?;
    json(&Done { done: true })
}

/// `POST /api/v1/verdicts/{id}/lift`.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn lift(asked: &Asked, submission: &Submission) -> Answer {
    let authority = authority(asked, submission)?;
    let Lifted { by, comment } = body(submission)?;
    let what = OrderKind::Lift(verdict_id(asked)?);
    give(asked, Order { what, by: by_whom(authority, by), comment })?;
    json(&Done { done: true })
}

/// `POST /findings/{id}/verdict`: the form of the finding's page.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn judge_form(asked: &Asked, submission: &Submission) -> Answer {
    let authority = form_authority(asked, submission)?;
    let finding = Arc::clone(one(asked)?);
    let field = |name| submission.field(name).unwrap_or_default();
    let word = |text: String| -> Result<Word, Problem> {
        serde_json::from_value(text.into())
            .map_err(|_| Problem::bad_request("the form does not say what is to be said"))
    };
    let bounds = submission.fields("scope").map(|text| {
        serde_json::from_value(text.into())
            .map_err(|_| Problem::bad_request("the form names a scope that does not exist"))
    });
    let seconds = field("seconds");
    let said = Said {
        verdict: word(field("verdict"))?,
        by: field("by"),
        comment: field("comment"),
        seconds: match seconds.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Problem::bad_request("`seconds` must be a whole number"))?,
            ),
        },
        scope: Some(bounds.collect::<Result<_, _>>()?),
    };
    let page = format!("/findings/{}", finding.id);
    order(asked, authority, said, finding)?;
    see_other(&page)
}

/// `POST /verdicts/{id}/lift`: the button beside a verdict.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn lift_form(asked: &Asked, submission: &Submission) -> Answer {
    let authority = form_authority(asked, submission)?;
    let by = by_whom(authority, submission.field("by").unwrap_or_default());
    let what = OrderKind::Lift(verdict_id(asked)?);
    give(asked, Order { what, by, comment: String::new() })?;
    // Back to where the button was; only a finding's id gets into the address.
    let back = submission.field("back").unwrap_or_default();
    let is_id = back.len() == 16 && back.bytes().all(|byte| byte.is_ascii_hexdigit());
    see_other(&if is_id { format!("/findings/{back}") } else { "/verdicts".to_owned() })
}

fn order(
    asked: &Asked,
    authority: Mandate,
    said: Said,
    finding: Arc<Finding>,
) -> Result<(), Problem> {
    let Said { verdict, by, comment, seconds, scope } = said;
    let what = match verdict {
        Word::Acknowledge => OrderKind::Acknowledge(finding),
        Word::FalsePositive => OrderKind::FalsePositive(finding),
        Word::Reopen => OrderKind::Reopen(finding),
        Word::Mute => {
            let bounds = scope.unwrap_or_else(|| vec![Bound::Detection, Bound::Host]);
            let scope = scope_of(&finding, &bounds)?;
            OrderKind::Mute { finding, scope, seconds: seconds.unwrap_or(MUTED_SECONDS) }
        }
    };
    give(asked, Order { what, by: by_whom(authority, by), comment })
}

/// What of `finding` is named by `bounds`.
fn scope_of(finding: &Finding, bounds: &[Bound]) -> Result<Scope, Problem> {
    let mut scope = Scope::default();
    for bound in bounds {
        match bound {
            Bound::Detection => scope.detection = Some(finding.detection.clone()),
            Bound::Host => scope.host = Some(finding.host.clone()),
            Bound::Endpoint => {
                let endpoint = finding.endpoint.as_ref();
                let none = || Problem::bad_request("this finding is not about one endpoint");
                scope.endpoint = Some(endpoint.ok_or_else(none)?.id);
            }
            Bound::Consumer => {
                let none = || Problem::bad_request("this finding is not about one consumer");
                scope.consumer = Some(finding.consumer.ok_or_else(none)?);
            }
        }
    }
    Ok(scope)
}

fn give(asked: &Asked, order: Order) -> Result<(), Problem> {
    let triage = asked.app.state.triage.as_ref().ok_or_else(Problem::no_desk)?;
    (triage.order)(order).map_err(Problem::of_order)
}

fn body<'a, T: Deserialize<'a>>(submission: &'a Submission) -> Result<T, Problem> {
    serde_json::from_slice(&submission.body)
        .map_err(|error| Problem::bad_request(format!("the body is not an order: {error}")))
}

fn verdict_id(asked: &Asked) -> Result<u64, Problem> {
    asked.id.parse().map_err(|_| Problem::not_found("a verdict's id is a number"))
}
