//! `/api/v1/templates`: what operators say of path templates, and the orders that change it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapline_model::{EndpointView, RuleChange, RuleId, RuleOrder, RuleOrigin, RuleView};

use crate::asked::{Answer, Asked, json};
use crate::order::{authority, bare_authority, by_whom, form_authority, see_other};
use crate::problem::Problem;
use crate::query::encode;
use crate::selection::{API_ROWS, Paging, Words};
use crate::submission::Submission;

#[derive(Serialize)]
struct Document {
    now: String,
    total: usize,
    page: u32,
    per_page: u32,
    pages: usize,
    changeable: bool,
    fixed: Option<String>,
    templates: Vec<Arc<RuleView>>,
}

/// Who gives an order, and why: what stands in its body beside the rule.
#[derive(Debug, Default, Deserialize)]
struct Signed {
    #[serde(default)]
    by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Serialize)]
struct Done {
    done: bool,
    template: Arc<RuleView>,
}

/// Every rule, searched, filtered, by page.
///
/// # Errors
/// When the query asks for what cannot be.
pub(crate) fn answer(asked: &Asked) -> Answer {
    let query = &asked.query;
    query.only(&["q", "host", "origin", "page", "per_page"])?;
    let words = Words::of(query.get("q").unwrap_or_default())?;
    let host = query.get("host");
    let origin = query.choice("origin", RuleOrigin::ALL, RuleOrigin::label)?;
    let paging = Paging::of(query, API_ROWS)?;
    let list = asked.app.rules();
    let takes = |rule: &&Arc<RuleView>| {
        host.is_none_or(|host| host.eq_ignore_ascii_case(&rule.host))
            && origin.is_none_or(|origin| origin == rule.origin)
            && is_found(&words, rule)
    };
    let found: Vec<Arc<RuleView>> = list.rules.iter().filter(takes).map(Arc::clone).collect();
    let total = found.len();
    json(&Document {
        now: asked.view.now.to_string(),
        total,
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(total),
        changeable: asked.app.state.templates.is_some() && list.fixed.is_none(),
        fixed: list.fixed.clone(),
        templates: paging.cut(found),
    })
}

fn is_found(words: &Words, rule: &RuleView) -> bool {
    let mut fields = vec![rule.host.as_str(), rule.path.as_str()];
    fields.extend(rule.name.as_deref());
    fields.extend(rule.owner.as_deref());
    fields.extend(rule.tags.iter().map(String::as_str));
    words.are_in(&fields)
}

/// `POST /api/v1/templates`: a rule more, or another in place of one.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn put(asked: &Asked, submission: &Submission) -> Answer {
    let authority = authority(asked, submission)?;
    let Signed { by, comment } = signed(submission)?;
    // What the body says of paths is read where configurations are read: as strictly, and all
    // mistakes at once, each with its place.
    let body = std::str::from_utf8(&submission.body).map_err(|error| not_json(&error))?;
    let what = RuleChange::Put(whole_characters(body));
    done(give(asked, RuleOrder { what, by: by_whom(authority, by), comment })?)
}

/// `DELETE /api/v1/templates/{id}`.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn remove(asked: &Asked, submission: &Submission) -> Answer {
    let authority = bare_authority(asked, submission)?;
    let Signed { by, comment } =
        if submission.body.is_empty() { Signed::default() } else { signed(submission)? };
    let what = RuleChange::Remove(rule_id(asked)?);
    done(give(asked, RuleOrder { what, by: by_whom(authority, by), comment })?)
}

/// `POST /endpoints/{id}/template`: the form of the endpoint's page.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn put_form(asked: &Asked, submission: &Submission) -> Answer {
    let authority = form_authority(asked, submission)?;
    let endpoint = asked.endpoint()?;
    let by = by_whom(authority, submission.field("by").unwrap_or_default());
    let comment = submission.field("comment").unwrap_or_default();
    let what = RuleChange::Put(rule_of(submission));
    give(asked, RuleOrder { what, by, comment }).map_err(Problem::without_places)?;
    back_to(asked, &endpoint)
}

/// `POST /templates/{id}/remove`: the button beside a rule.
///
/// # Errors
/// When the order is not one, may not be given, or is refused.
pub(crate) fn remove_form(asked: &Asked, submission: &Submission) -> Answer {
    let authority = form_authority(asked, submission)?;
    let by = by_whom(authority, submission.field("by").unwrap_or_default());
    let what = RuleChange::Remove(rule_id(asked)?);
    // Back to where the button was, if that is still there once the rule is not.
    let endpoint = asked.endpoint_of(&submission.field("back").unwrap_or_default()).ok();
    give(asked, RuleOrder { what, by, comment: String::new() })?;
    match endpoint {
        Some(endpoint) => back_to(asked, &endpoint),
        None => see_other("/templates"),
    }
}

/// The endpoint's page; where what was said has moved it elsewhere, the inventory of its host.
fn back_to(asked: &Asked, endpoint: &EndpointView) -> Answer {
    // The order was carried out, so what is listed now is newer than what was asked with.
    if asked.app.state.endpoints.contains_key(&endpoint.id) {
        see_other(&format!("/endpoints/{}", endpoint.id))
    } else {
        see_other(&format!("/inventory{}", encode(&[("host", endpoint.host.clone())])))
    }
}

/// JSON without pairs of surrogates (RFC 8259 section 7): configurations know characters by one number.
fn whole_characters(json: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let pair = |text: &str| {
        let units = [unit(text)?, unit(text.get(6..)?)?];
        String::from_utf16(&units).ok().filter(|whole| whole.chars().count() == 1)
    };
    let (mut whole, mut rest) = (String::with_capacity(json.len()), json);
    while let Some((before, from)) = rest.find('\\').map(|at| rest.split_at(at)) {
        whole.push_str(before);
        // Two characters at least: what is escaped may be a backslash itself.
        let (text, length) = match pair(from) {
            Some(text) => (text, 12),
            None => (from.chars().take(2).collect(), 2),
        };
        whole.push_str(&text);
        rest = from.get(length..).unwrap_or_default();
    }
    whole + rest
}

/// The rule that a form describes, as programs write it. What is left empty is not said.
fn rule_of(submission: &Submission) -> String {
    let mut rule = Map::new();
    let mut say = |name: &str, value: Value| rule.insert(name.to_owned(), value);
    let text = |name| submission.field(name).map(|text| text.trim().to_owned());
    // A button that says what the path becomes outweighs what stands in its field.
    let path = text("as").filter(|path| !path.is_empty()).or_else(|| text("path"));
    say("path", path.unwrap_or_default().into());
    for name in ["host", "name", "owner", "deprecated"] {
        if let Some(text) = text(name).filter(|text| !text.is_empty()) {
            say(name, text.into());
        }
    }
    let methods: Vec<String> = submission.fields("method").collect();
    let tags = text("tags").unwrap_or_default();
    let tags: Vec<&str> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    if !methods.is_empty() {
        say("methods", methods.into());
    }
    if !tags.is_empty() {
        say("tags", tags.into());
    }
    Value::Object(rule).to_string()
}

fn give(asked: &Asked, order: RuleOrder) -> Result<Arc<RuleView>, Problem> {
    let templates = asked.app.state.templates.as_ref().ok_or_else(Problem::no_desk)?;
    (templates.order)(order).map_err(Problem::of_order)
}

fn done(template: Arc<RuleView>) -> Answer {
    json(&Done { done: true, template })
}

fn signed(submission: &Submission) -> Result<Signed, Problem> {
    serde_json::from_slice(&submission.body).map_err(|error| not_json(&error))
}

fn not_json(error: &dyn std::fmt::Display) -> Problem {
    Problem::bad_request(format!("the body is not a rule in JSON: {error}"))
}

fn rule_id(asked: &Asked) -> Result<RuleId, Problem> {
    RuleId::parse(&asked.id)
        .ok_or_else(|| Problem::not_found("a rule's id is 16 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderMap;

    use super::*;

    fn rule(form: &'static str) -> String {
        let body = Bytes::from_static(form.as_bytes());
        rule_of(&Submission { headers: HeaderMap::new(), body })
    }

    #[test]
    fn what_a_form_leaves_empty_is_not_said() {
        assert_eq!(rule("path=+/a/b+&host=&name=+&tags=,+,"), r#"{"path":"/a/b"}"#);
        assert_eq!(rule(""), r#"{"path":""}"#);
    }

    #[test]
    fn characters_are_whole_and_what_is_escaped_stays_so() {
        for (json, whole) in [
            (r#"{"a":"\ud83d\uDE00"}"#, "{\"a\":\"\u{1f600}\"}"),
            (r#""\\ud83d\ude00""#, r#""\\ud83d\ude00""#),
            (r#""\ud83d \n\u00e9\/""#, r#""\ud83d \n\u00e9\/""#),
            (r#""\ud83d\ud83d\ude00""#, "\"\\ud83d\u{1f600}\""),
            ("é", "é"),
            ("\\", "\\"),
        ] {
            assert_eq!(whole_characters(json), whole, "{json}");
        }
    }

    #[test]
    fn a_form_says_what_a_program_says() {
        let all = "path=/a&host=h&method=GET&name=n&owner=o&deprecated=true&tags=x,+y";
        assert_eq!(
            rule(all),
            r#"{"deprecated":"true","host":"h","methods":["GET"],"name":"n","owner":"o","path":"/a","tags":["x","y"]}"#
        );
        assert_eq!(rule("as=/a/%7Bb%7D&path=/a/b"), r#"{"path":"/a/{b}"}"#);
    }
}
