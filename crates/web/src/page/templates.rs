//! `/templates`: what is said of path templates, and the form that says more.

use std::sync::Arc;

use askama::Template;
use tapline_model::{EndpointView, RuleOrigin, RuleState, RuleView};

use super::shell::Shell;
use super::verdicts::Desk;
use crate::asked::{Answer, App, Asked, html};
use crate::part::Tag;
use crate::text::{ALONE_MAX, LISTED_MAX, shown};

/// Rules listed; the API has all.
const ROWS: usize = 1_000;

#[derive(Template)]
#[template(path = "page/templates.html")]
struct Page {
    shell: Shell,
    total: usize,
    rules: Vec<RuleRow>,
    fixed: Option<String>,
    desk: Option<Desk>,
    back: String,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct RuleRow {
    /// Its id.
    pub(crate) id: String,
    /// Which paths it is of.
    pub(crate) path: String,
    /// Which hosts.
    pub(crate) host: String,
    /// Which methods.
    pub(crate) methods: String,
    /// What it calls them.
    pub(crate) name: String,
    /// Who answers for them.
    pub(crate) owner: String,
    /// What else it says.
    pub(crate) tags: Vec<Tag>,
    /// Who gave it.
    pub(crate) origin: Tag,
    /// Why it does not hold, if it does not.
    pub(crate) waits: Option<Tag>,
    /// Pages may take it away.
    pub(crate) is_removable: bool,
}

/// A form that says something of the template of an endpoint.
#[derive(Debug)]
pub(crate) struct RuleForm {
    /// The path as it is now.
    pub(crate) path: String,
    /// Of which hosts.
    pub(crate) host: String,
    /// The method of the endpoint, and whether the rule is of that alone.
    pub(crate) method: (String, bool),
    /// What it is called.
    pub(crate) name: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// Joined by commas.
    pub(crate) tags: String,
    /// Values and words of the choice, and which is chosen.
    pub(crate) deprecated: [(&'static str, &'static str, bool); 3],
    /// The words of the path, and what it becomes when one is a value.
    pub(crate) words: Vec<(String, String)>,
}

/// Every rule.
///
/// # Errors
/// When the query asks for anything.
pub(crate) fn answer(asked: &Asked) -> Answer {
    asked.query.only(&[])?;
    let list = asked.app.rules();
    html(&Page {
        shell: Shell::new(asked, "inventory", "Rules of path templates"),
        total: list.rules.len(),
        rules: list.rules.iter().take(ROWS).map(|rule| row(rule)).collect(),
        fixed: list.fixed.as_ref().map(|why| shown(why, ALONE_MAX).into_owned()),
        desk: desk_of(&asked.app),
        back: String::new(),
    })
}

/// What forms need to be taken; none where no rule can be changed.
pub(crate) fn desk_of(app: &App) -> Option<Desk> {
    let is_fixed = app.state.templates.is_none() || app.rules().fixed.is_some();
    if is_fixed { None } else { Desk::of(app) }
}

/// The rules that are of an endpoint, the most specific first.
pub(crate) fn rows_of(app: &App, endpoint: &EndpointView) -> Vec<RuleRow> {
    app.rules_of(endpoint).iter().map(|rule| row(rule)).collect()
}

fn row(rule: &RuleView) -> RuleRow {
    let text = |text: &str| shown(text, LISTED_MAX).into_owned();
    let mut tags: Vec<Tag> = Vec::new();
    match rule.deprecated {
        Some(true) => tags.push(Tag::new("medium", "deprecated")),
        Some(false) => tags.push(Tag::new("plain", "not deprecated")),
        None => {}
    }
    tags.extend(rule.tags.iter().map(|tag| Tag::new("plain", shown(tag, 64))));
    let any = if rule.methods.is_empty() { "any".to_owned() } else { rule.methods.join(", ") };
    RuleRow {
        id: rule.id.to_string(),
        path: text(&rule.path),
        host: text(&rule.host),
        methods: text(&any),
        name: text(rule.name.as_deref().unwrap_or_default()),
        owner: text(rule.owner.as_deref().unwrap_or_default()),
        tags,
        origin: match rule.origin {
            RuleOrigin::Configuration => Tag::new("plain", "configuration"),
            RuleOrigin::Operators => Tag::new("good", "operators"),
        },
        waits: match rule.state {
            RuleState::InForce => None,
            RuleState::AtNextStart => Some(Tag::new("medium", "whole at the next start")),
            RuleState::Outweighed => Some(Tag::new("medium", "outweighed by the configuration")),
        },
        is_removable: rule.origin == RuleOrigin::Operators,
    }
}

impl RuleForm {
    /// What is known of the endpoint; the rule of operators that is of all of its path, if there is
    /// one, so that saying the same again changes nothing.
    pub(crate) fn of(app: &App, endpoint: &EndpointView) -> Self {
        let is_its_own = |rule: &&Arc<RuleView>| {
            rule.origin == RuleOrigin::Operators && rule.path == endpoint.template
        };
        let own = app.rules_of(endpoint).iter().find(is_its_own).map(Arc::clone);
        let own = own.as_deref();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let said = own.and_then(|rule| rule.deprecated);
        Self {
            path: endpoint.template.clone(),
            host: own.map_or(&endpoint.host, |rule| &rule.host).clone(),
            method: (endpoint.method.clone(), own.is_some_and(|rule| !rule.methods.is_empty())),
            name: text(own.and_then(|rule| rule.name.as_ref())),
            owner: text(own.and_then(|rule| rule.owner.as_ref())),
            tags: own.map(|rule| rule.tags.join(", ")).unwrap_or_default(),
            deprecated: [
                ("", "not said here", said.is_none()),
                ("true", "yes", said == Some(true)),
                ("false", "no", said == Some(false)),
            ],
            words: words_of(&endpoint.template),
        }
    }
}

/// The words of a template, and the template with a slot in place of each.
fn words_of(template: &str) -> Vec<(String, String)> {
    let segments: Vec<&str> = template.split('/').collect();
    let slot = (1..).map(|number| match number {
        1 => "{value}".to_owned(),
        number => format!("{{value{number}}}"),
    });
    let slot = slot.into_iter().find(|slot| !template.contains(slot.as_str())).unwrap_or_default();
    let words = segments.iter().enumerate();
    let words = words.filter(|(_, segment)| !segment.is_empty() && !segment.starts_with('{'));
    words
        .map(|(place, word)| {
            let mut path = segments.clone();
            if let Some(segment) = path.get_mut(place) {
                *segment = slot.as_str();
            }
            (shown(word, 64).into_owned(), path.join("/"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_can_become_a_value() {
        let pair = |word: &str, path: &str| (word.to_owned(), path.to_owned());
        assert_eq!(
            words_of("/v1/{value}/b/"),
            [pair("v1", "/{value2}/{value}/b/"), pair("b", "/v1/{value}/{value2}/")]
        );
        assert_eq!(words_of("/"), []);
    }
}
