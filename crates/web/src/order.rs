//! Who gives an order, however it comes.

use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::asked::{Answer, Asked};
use crate::guard::Mandate;
use crate::problem::Problem;
use crate::submission::Submission;

/// Who asks, when programs do. They say what they send, so no form of a foreign page passes for one:
/// a browser asks before it sends JSON to another site, and is not answered.
///
/// # Errors
/// When it is no JSON, or nobody may ask for that.
pub(crate) fn authority(asked: &Asked, submission: &Submission) -> Result<Mandate, Problem> {
    let media_type = submission.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::media_type());
    }
    mandate(asked, submission)
}

/// Who asks, when programs do by a method that no form has: a browser asks before it sends that to
/// another site, whatever comes with it.
///
/// # Errors
/// When what comes with it is no JSON, or nobody may ask for that.
pub(crate) fn bare_authority(asked: &Asked, submission: &Submission) -> Result<Mandate, Problem> {
    if submission.body.is_empty() {
        mandate(asked, submission)
    } else {
        authority(asked, submission)
    }
}

/// Who asks, when a form does: it carries what only a page of this sensor could have told it.
///
/// # Errors
/// When it does not, or nobody may ask for that.
pub(crate) fn form_authority(asked: &Asked, submission: &Submission) -> Result<Mandate, Problem> {
    let triage = asked.app.state.triage.as_ref().ok_or_else(Problem::no_desk)?;
    let shown = submission.field("form").unwrap_or_default();
    // Comparing hashes takes the same time whatever they are.
    if blake3::hash(shown.as_bytes()) != blake3::hash(triage.form_mark().as_bytes()) {
        return Err(Problem::stale_form());
    }
    let guard = &asked.app.guard;
    match guard.authority(&submission.headers) {
        Mandate::Nobody if guard.is_token(&submission.field("token").unwrap_or_default()) => {
            Ok(Mandate::Token)
        }
        Mandate::Nobody => Err(guard.no_authority()),
        authority => Ok(authority),
    }
}

/// A name that was proved outranks one that is only given.
pub(crate) fn by_whom(authority: Mandate, given: String) -> String {
    match authority {
        Mandate::User(name) => name,
        _ if given.trim().is_empty() => "operator".to_owned(),
        _ => given,
    }
}

/// Leads on to a page of this sensor.
///
/// # Errors
/// When it has no address.
pub(crate) fn see_other(place: &str) -> Answer {
    let mut response: Response = StatusCode::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(place)
        .map_err(|error| Problem::internal(format!("the next page has no address: {error}")))?;
    response.headers_mut().insert(LOCATION, place);
    Ok(response)
}

fn mandate(asked: &Asked, submission: &Submission) -> Result<Mandate, Problem> {
    match asked.app.guard.authority(&submission.headers) {
        Mandate::Nobody => Err(asked.app.guard.no_authority()),
        authority => Ok(authority),
    }
}
