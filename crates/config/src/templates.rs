//! `discovery.templates`: what is known of paths, in the configuration, in a file of its own, and one
//! by one.

use tapline_discovery::{HostPattern, PathPattern, TemplateRule};

use crate::problem::{Problems, quoted, shortened};
use crate::settings::Settings;
use crate::tree::{self, Node, Value};
use crate::walk::Walk;
use crate::{FILE_BYTES_MAX, parse, print, secret};

/// Rules at most.
pub const RULES_MAX: usize = 1_000;
/// How one is written.
const SHAPE: &str = "- path: ...";
/// What a file of rules says of itself.
const HEADER: &str = "\
# Rules of path templates that operators gave by pages and API, which write this file anew.
# It is read at start and on SIGHUP, and may as well be put into the configuration.
";
/// Methods and tags of one rule at most.
const METHODS_MAX: usize = 16;
const TAGS_MAX: usize = 16;
/// Characters of a name or an owner, and of a tag.
const NAME_CHARS_MAX: usize = 128;
const TAG_CHARS_MAX: usize = 64;
/// The keys of one.
const NAMES: [&str; 7] = ["path", "host", "methods", "name", "deprecated", "owner", "tags"];

/// Reads the list into the settings.
pub(crate) fn read(walk: &mut Walk<'_>, path: &str, node: &Node<'_>) {
    walk.settings.discovery.templates.clear();
    for (index, item) in walk.items(path, node, RULES_MAX, SHAPE).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(rule) = read_item(walk, &path, item, &[]) else { continue };
        let known = &walk.settings.discovery.templates;
        if let Some(known) = known.iter().find(|known| known.is_same(&rule)) {
            let text = format!("is of the same paths as {} before it; keep one", known.path);
            walk.problem(item.place, &path, text);
        } else {
            walk.settings.discovery.templates.push(rule);
        }
    }
}

/// Reads one rule by itself: an item of `discovery.templates`, in YAML or JSON. Keys that are `beside`
/// it are not of the rule and left alone.
///
/// # Errors
/// Every mistake, in the order of the text.
pub fn parse_rule(text: &str, beside: &[&str]) -> Result<TemplateRule, Problems> {
    const NAME: &str = "rule";
    if text.len() as u64 > FILE_BYTES_MAX {
        let said = format!("is larger than {FILE_BYTES_MAX} bytes; leave out what is no rule");
        return Err(Problems::one(NAME, None, said));
    }
    let root = tree::read(text).map_err(|(place, said)| Problems::one(NAME, Some(place), said))?;
    let Some(root) = root else {
        let said = "is empty; give a path at least".to_owned();
        return Err(Problems::one(NAME, None, said));
    };
    let mut walk = Walk::new(NAME, &secret::from_disk);
    let rule = read_item(&mut walk, "", &root, beside);
    walk.finish()?;
    rule.ok_or_else(|| Problems::one(NAME, None, "is none; give a path".to_owned()))
}

/// Reads the rules of a file that holds nothing else, as [`print_rules`] writes it; `file` names it in
/// messages.
///
/// # Errors
/// Every mistake, in file order.
pub fn parse_rules(text: &str, file: &str) -> Result<Vec<TemplateRule>, Problems> {
    let mut settings = parse(text, file)?;
    let rules = std::mem::take(&mut settings.discovery.templates);
    if settings == Settings::default() {
        return Ok(rules);
    }
    let said = "sets more than discovery.templates; put the rest into the configuration".to_owned();
    Err(Problems::one(file, None, said))
}

/// Rules as a file that [`parse_rules`] reads.
pub fn print_rules(rules: &[TemplateRule]) -> String {
    format!("{HEADER}discovery:\n  templates:{}\n", print::templates(rules, "  "))
}

fn read_item(
    walk: &mut Walk<'_>,
    path: &str,
    node: &Node<'_>,
    beside: &[&str],
) -> Option<TemplateRule> {
    let Value::Mapping(entries) = &node.value else {
        walk.problem(node.place, path, format!("is not a mapping; write {SHAPE}"));
        return None;
    };
    let mut pattern = None;
    let mut rule = TemplateRule::new(HostPattern::ANY, PathPattern::parse("/**").ok()?);
    for entry in walk.distinct(path, entries) {
        let name = shortened(&entry.name);
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        let node = &entry.node;
        match entry.name.as_ref() {
            "path" => pattern = walk.text(&path, node, path_of),
            "host" => rule.host = walk.text(&path, node, host_of).unwrap_or(rule.host),
            "methods" => rule.methods = walk.texts(&path, node, METHODS_MAX, method_of),
            "name" => rule.name = walk.text(&path, node, |text| label_of(text, NAME_CHARS_MAX)),
            "owner" => rule.owner = walk.text(&path, node, |text| label_of(text, NAME_CHARS_MAX)),
            "tags" => {
                rule.tags = walk.texts(&path, node, TAGS_MAX, |text| label_of(text, TAG_CHARS_MAX));
            }
            "deprecated" => rule.deprecated = walk.text(&path, node, flag_of),
            name if beside.contains(&name) => {}
            name => walk.unknown(entry.place, &path, name, NAMES.into_iter()),
        }
    }
    if !entries.iter().any(|entry| entry.name == "path") {
        walk.problem(node.place, path, "has no path; add it, /** for every path");
    }
    rule.path = pattern?;
    if rule.name.is_some() && rule.path.is_open() {
        walk.problem(node.place, path, "names many operations alike; end its path without /**");
    }
    Some(rule)
}

fn path_of(text: &str) -> Result<PathPattern, String> {
    PathPattern::parse(text).map_err(|said| format!("{} {said}", quoted(text)))
}

/// A host's pattern.
pub(crate) fn host_of(text: &str) -> Result<HostPattern, String> {
    let refused = || format!("{} is no host; write a name, *.example.test, or \"*\"", quoted(text));
    HostPattern::parse(text).ok_or_else(refused)
}

fn method_of(text: &str) -> Result<String, String> {
    let is_method = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let refused = || format!("{} is no method; write GET, POST, ...", quoted(text));
    is_method.then(|| text.to_ascii_uppercase()).ok_or_else(refused)
}

fn flag_of(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{} is neither true nor false", quoted(text)))
}

/// A text for people.
pub(crate) fn label_of(text: &str, chars_max: usize) -> Result<String, String> {
    let is_label = (1..=chars_max).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    let refused = || format!("{} is not 1 to {chars_max} characters in one line", quoted(text));
    is_label.then(|| text.to_owned()).ok_or_else(refused)
}

#[cfg(test)]
mod tests;
