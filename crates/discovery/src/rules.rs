//! What operators say of their APIs: it holds whatever the traffic looks like.
//!
//! A rule names paths by a pattern, `/users/me` or `/files/{path}`, and perhaps hosts and methods. A
//! path that fits a pattern belongs to it, the most specific pattern first: so one language pins a
//! template, joins what was told apart (`/a/{x}/b`), parts what was joined (`/users/me`), and names.
//! A pattern that ends in `/**` speaks of the beginning of paths and leaves the rest to learning.

mod book;
mod environment;
mod host;
mod host_template;
mod path;
mod tree;

use std::cmp::Reverse;

use tapline_model::{LabelsView, RuleId};

use crate::template;

pub use self::book::Documented;
pub use self::environment::Environment;
pub use self::host::HostPattern;
pub use self::host_template::HostTemplate;
pub use self::path::PathPattern;

pub(crate) use self::book::RuleBook;
pub(crate) use self::environment::environment_of;
pub(crate) use self::host_template::join_host;
pub(crate) use self::path::Step;
pub(crate) use self::tree::{RuleTree, Stop};

/// What an operator says of some paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRule {
    /// Which hosts have them.
    pub host: HostPattern,
    /// Upper case; empty for every method.
    pub methods: Vec<String>,
    /// Which paths.
    pub path: PathPattern,
    /// What the operation is called, 1 to 128 characters.
    pub name: Option<String>,
    /// Whether it is to be used no more.
    pub deprecated: Option<bool>,
    /// Who answers for it, 1 to 128 characters.
    pub owner: Option<String>,
    /// At most 16, each 1 to 64 characters.
    pub tags: Vec<String>,
}

impl TemplateRule {
    /// A rule that says nothing but that there are such paths.
    pub fn new(host: HostPattern, path: PathPattern) -> Self {
        Self {
            host,
            methods: Vec::new(),
            path,
            name: None,
            deprecated: None,
            owner: None,
            tags: Vec::new(),
        }
    }

    /// Whether it speaks of a method. HEAD goes where GET goes, OPTIONS anywhere.
    pub(crate) fn is_of_method(&self, method: &str) -> bool {
        let has = |wanted: &str| self.methods.iter().any(|known| known == wanted);
        self.methods.is_empty()
            || has(method)
            || method == "OPTIONS"
            || (method == "HEAD" && has("GET"))
    }

    /// Whether it calls a word what looks like a value. Who names routes must know that from the start.
    pub fn holds_words(&self) -> bool {
        self.path.words().any(template::is_like_a_value)
    }

    /// Whether it and another speak of the same paths, hosts and methods.
    pub fn is_same(&self, other: &Self) -> bool {
        let overlap = self.methods.iter().any(|method| other.methods.contains(method));
        let methods = overlap || (self.methods.is_empty() && other.methods.is_empty());
        self.host == other.host && methods && self.path.is_alike(&other.path)
    }

    /// Stands for the hosts, methods and paths it is of.
    pub fn id(&self) -> RuleId {
        let mut methods = self.methods.clone();
        methods.sort_unstable();
        RuleId::of(&[&methods.join(","), self.host.as_str(), &self.path.anonymous()])
    }

    /// Whether it is of an endpoint, by what that is called.
    pub fn is_of(&self, host: &str, method: &str, template: &str) -> bool {
        // A template that no rule could write, none is of.
        let is_of_path = |path: PathPattern| self.path.covers(&path);
        self.host.is_of(host)
            && self.is_of_method(method)
            && PathPattern::parse(template).is_ok_and(is_of_path)
    }

    /// Whether who knows the words of this one knows those of another.
    pub fn holds_the_words_of(&self, other: &Self) -> bool {
        self.host == other.host && self.path.is_alike(&other.path)
    }

    /// What puts rules of the same endpoint in order: the smaller, the fewer paths it is of.
    pub fn breadth(&self) -> impl Ord + use<> {
        let PathPattern { steps, open, .. } = &self.path;
        (*open, Reverse((self.path.words().count(), steps.len(), self.rank())))
    }

    /// What is preferred of several that fit equally well: more of a host's name, then a method.
    pub(crate) fn rank(&self) -> (usize, bool) {
        (self.host.rank(), !self.methods.is_empty())
    }
}

/// What some rules say together, the most specific first: its word counts, but tags add up.
pub(crate) fn labels_of(rules: &[&TemplateRule]) -> LabelsView {
    let mut tags: Vec<String> = rules.iter().flat_map(|rule| &rule.tags).cloned().collect();
    tags.sort_unstable();
    tags.dedup();
    LabelsView {
        name: rules.iter().find_map(|rule| rule.name.clone()),
        deprecated: rules.iter().find_map(|rule| rule.deprecated).unwrap_or_default(),
        owner: rules.iter().find_map(|rule| rule.owner.clone()),
        tags,
        environment: None,
    }
}

#[cfg(test)]
mod tests;
