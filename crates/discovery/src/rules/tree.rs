//! The rules of one host as a tree of segments, in which a path finds all that fit it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{SegmentClass, Template, TemplateSegment};

use super::{HostPattern, Step, TemplateRule};

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stop(usize);

/// Several places: a path may fit several patterns so far.
pub(crate) type Stops = SmallVec<[Stop; 2]>;

/// The rules and documents of one host.
#[derive(Debug)]
pub(crate) struct RuleTree {
    rules: Arc<[TemplateRule]>,
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    words: BTreeMap<CompactString, Stop>,
    /// By suffix, the longest first.
    slots: BTreeMap<Reverse<(usize, CompactString)>, Slot>,
    /// Rules that end here, the most specific first.
    ends: Vec<usize>,
    /// The same, with a slash.
    slashed: Vec<usize>,
    /// Rules whose beginning this is.
    open: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    to: Stop,
    /// A rule says so of everything that passes here, whatever follows.
    is_forced: bool,
}

/// What the rules say of one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ruled {
    /// Its first segments, or all.
    pub(crate) segments: SmallVec<[TemplateSegment; 6]>,
    /// By segment: what its slot is called.
    pub(crate) names: SmallVec<[Option<CompactString>; 6]>,
    /// These are all segments.
    pub(crate) is_whole: bool,
}

impl RuleTree {
    /// Of the rules those that are of a host; `documented` are templates that a document has.
    pub(crate) fn of(
        rules: &Arc<[TemplateRule]>,
        documented: &[(HostPattern, super::PathPattern)],
        host: &str,
    ) -> Self {
        let mut tree = Self { rules: Arc::clone(rules), nodes: vec![Node::default()] };
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.host.is_of(host)) {
            let at = tree.lay(&rule.path.steps, rule.path.open);
            if let Some(node) = tree.nodes.get_mut(at.0) {
                let list = match (rule.path.open, rule.path.slash) {
                    (true, _) => &mut node.open,
                    (false, true) => &mut node.slashed,
                    (false, false) => &mut node.ends,
                };
                list.push(index);
                list.sort_by_key(|&index| (rules.get(index).map(|r| Reverse(r.rank())), index));
            }
        }
        for (_, path) in documented.iter().filter(|(pattern, _)| pattern.is_of(host)) {
            tree.lay(&path.steps, false);
        }
        tree
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.first().is_none_or(|root| {
            root.words.is_empty()
                && root.slots.is_empty()
                && root.ends.is_empty()
                && root.slashed.is_empty()
                && root.open.is_empty()
        })
    }

    /// Where every path begins.
    pub(crate) fn start() -> Stops {
        SmallVec::from_elem(Stop(0), 1)
    }

    /// Whether a text is a word of the API by any pattern that has led here.
    pub(crate) fn is_word(&self, at: &[Stop], text: &str) -> bool {
        at.iter()
            .filter_map(|stop| self.nodes.get(stop.0))
            .any(|node| node.words.contains_key(text))
    }

    /// The suffixes of the slots here that are slots whatever follows, the longest first.
    pub(crate) fn forced(&self, at: &[Stop]) -> Vec<CompactString> {
        let slots =
            at.iter().filter_map(|stop| self.nodes.get(stop.0)).flat_map(|node| &node.slots);
        let mut forced: Vec<_> =
            slots.filter(|(_, slot)| slot.is_forced).map(|(suffix, _)| suffix.clone()).collect();
        forced.sort_unstable();
        forced.dedup();
        forced.into_iter().map(|Reverse((_, suffix))| suffix).collect()
    }

    /// Whether any pattern has a slot with this suffix here.
    pub(crate) fn has_slot(&self, at: &[Stop], suffix: &str) -> bool {
        let key = Reverse((suffix.len(), CompactString::from(suffix)));
        at.iter()
            .filter_map(|stop| self.nodes.get(stop.0))
            .any(|node| node.slots.contains_key(&key))
    }

    /// The places one word further.
    pub(crate) fn pass_word(&self, at: &[Stop], text: &str) -> Stops {
        let nodes = at.iter().filter_map(|stop| self.nodes.get(stop.0));
        nodes
            .flat_map(|node| {
                let word = node.words.get(text).copied();
                word.into_iter().chain(node.slots_for(text))
            })
            .collect()
    }

    /// The places one slot further.
    pub(crate) fn pass_slot(&self, at: &[Stop], suffix: &str) -> Stops {
        let nodes = at.iter().filter_map(|stop| self.nodes.get(stop.0));
        nodes.flat_map(|node| node.slots_with(suffix)).collect()
    }

    /// What the rules say of a path, if they say anything: the most specific that is of all of it,
    /// else the most specific that is of its beginning.
    pub(crate) fn find(&self, method: &str, template: &Template) -> Option<Ruled> {
        let mut walk = Walk { tree: self, method, template, found: Vec::new(), whole_only: true };
        walk.go(Stop(0), 0);
        walk.whole_only = false;
        if walk.found.is_empty() {
            walk.go(Stop(0), 0);
        }
        let rules = walk.found.iter().filter_map(|&index| self.rules.get(index));
        rules
            .map(|rule| Ruled::by(rule, template))
            .find(|ruled| !ruled.segments.is_empty() || ruled.is_whole)
    }

    /// Every rule that is of a path, the most specific first.
    pub(crate) fn all(&self, method: &str, template: &Template) -> Vec<&TemplateRule> {
        let mut walk = Walk { tree: self, method, template, found: Vec::new(), whole_only: false };
        walk.go(Stop(0), 0);
        walk.found.iter().filter_map(|&index| self.rules.get(index)).collect()
    }

    /// The rules that are of every path and method, the most specific first.
    pub(crate) fn of_all(&self) -> Vec<&TemplateRule> {
        let open = self.nodes.first().map(|root| &*root.open).unwrap_or_default();
        let rules = open.iter().filter_map(|&index| self.rules.get(index));
        rules.filter(|rule| rule.methods.is_empty()).collect()
    }

    fn lay(&mut self, steps: &[Step], is_forced: bool) -> Stop {
        let mut at = Stop(0);
        for step in steps {
            let new = Stop(self.nodes.len());
            let Some(node) = self.nodes.get_mut(at.0) else { return at };
            at = match step {
                Step::Word(word) => *node.words.entry(word.clone()).or_insert(new),
                Step::Slot { suffix, .. } => {
                    let key = Reverse((suffix.len(), suffix.clone()));
                    let slot = node.slots.entry(key).or_insert(Slot { to: new, is_forced });
                    slot.is_forced |= is_forced;
                    slot.to
                }
            };
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        at
    }
}

impl Node {
    fn slots_for<'n>(&'n self, text: &'n str) -> impl Iterator<Item = Stop> + 'n {
        let fits = |suffix: &str| text.len() > suffix.len() && text.ends_with(suffix);
        self.slots.iter().filter(move |(Reverse((_, suffix)), _)| fits(suffix)).map(|(_, it)| it.to)
    }

    /// Slots that take values behind which `suffix` stays visible.
    fn slots_with<'n>(&'n self, suffix: &'n str) -> impl Iterator<Item = Stop> + 'n {
        let fits = move |own: &str| own.is_empty() || own == suffix;
        self.slots.iter().filter(move |(Reverse((_, own)), _)| fits(own)).map(|(_, it)| it.to)
    }
}

/// Looks for all rules that are of a path. It comes to each place of the tree once, at most: a place
/// has one way to it.
struct Walk<'a> {
    tree: &'a RuleTree,
    method: &'a str,
    template: &'a Template,
    found: Vec<usize>,
    /// Leaves out what is of a beginning only.
    whole_only: bool,
}

impl Walk<'_> {
    fn go(&mut self, at: Stop, depth: usize) {
        let Some(node) = self.tree.nodes.get(at.0) else { return };
        match self.template.segments.get(depth) {
            None if self.template.trailing_slash => self.take(&node.slashed),
            None => self.take(&node.ends),
            Some(TemplateSegment::Parameter(_, suffix)) => {
                for to in node.slots_with(suffix) {
                    self.go(to, depth + 1);
                }
            }
            Some(TemplateSegment::Word(text) | TemplateSegment::Weak(text)) => {
                if let Some(&to) = node.words.get(text) {
                    self.go(to, depth + 1);
                }
                for to in node.slots_for(text) {
                    self.go(to, depth + 1);
                }
            }
        }
        if !self.whole_only {
            self.take(&node.open);
        }
    }

    fn take(&mut self, rules: &[usize]) {
        let is_of_method = |&&index: &&usize| {
            self.tree.rules.get(index).is_some_and(|r| r.is_of_method(self.method))
        };
        self.found.extend(rules.iter().filter(is_of_method));
    }
}

impl Ruled {
    /// A path that fits a rule, as the rule writes it.
    fn by(rule: &TemplateRule, template: &Template) -> Self {
        let (mut segments, mut names) = (SmallVec::new(), SmallVec::new());
        for (step, _) in rule.path.steps.iter().zip(&template.segments) {
            let (segment, name) = match step {
                Step::Word(word) => (TemplateSegment::Word(word.clone()), None),
                Step::Slot { name, suffix } => {
                    let slot = TemplateSegment::Parameter(SegmentClass::Text, suffix.clone());
                    (slot, Some(name.clone()))
                }
            };
            segments.push(segment);
            names.push(name);
        }
        Self { segments, names, is_whole: !rule.path.open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::PathPattern;

    fn tree(paths: &[&str]) -> RuleTree {
        let rule =
            |path: &&str| TemplateRule::new(HostPattern::ANY, PathPattern::parse(path).unwrap());
        RuleTree::of(&paths.iter().map(rule).collect(), &[], "h")
    }

    fn template(sent: &str) -> Template {
        let mut template = Template::default();
        for part in sent.split('/').skip(1).filter(|part| !part.is_empty()) {
            template.segments.push(match part.strip_prefix('#') {
                Some(suffix) => TemplateSegment::Parameter(SegmentClass::Integer, suffix.into()),
                None => TemplateSegment::Weak(part.into()),
            });
        }
        template.trailing_slash = sent.len() > 1 && sent.ends_with('/');
        template
    }

    fn fitting(paths: &[&str], sent: &str) -> Vec<String> {
        tree(paths).all("GET", &template(sent)).iter().map(|rule| rule.path.to_string()).collect()
    }

    #[test]
    fn the_most_specific_comes_first() {
        let paths = ["/**", "/a/{x}", "/a/{x}.json", "/a/b", "/a/**", "/{y}/b", "/a/b/"];
        assert_eq!(fitting(&paths, "/a/b"), ["/a/b", "/a/{x}", "/a/**", "/{y}/b", "/**"]);
        assert_eq!(fitting(&paths, "/a/c.json"), ["/a/{x}.json", "/a/{x}", "/a/**", "/**"]);
        assert_eq!(fitting(&paths, "/a/#.json"), ["/a/{x}.json", "/a/{x}", "/a/**", "/**"]);
        assert_eq!(fitting(&paths, "/a/#"), ["/a/{x}", "/a/**", "/**"]);
        assert_eq!(fitting(&paths, "/a/b/"), ["/a/b/", "/a/**", "/**"]);
        assert_eq!(fitting(&paths, "/"), ["/**"]);
    }

    #[test]
    fn what_is_of_all_of_a_path_outweighs_what_is_of_its_beginning() {
        let found = |paths: &[&str], sent| tree(paths).find("GET", &template(sent));
        let whole = found(&["/a/**", "/{t}/b"], "/a/b").unwrap();
        assert!(whole.is_whole && whole.segments.len() == 2);
        let open = found(&["/a/{t}/**", "/**"], "/a/b/c").unwrap();
        assert!(!open.is_whole && open.segments.len() == 2 && open.names[1] == Some("t".into()));
        assert_eq!(found(&["/**"], "/a/b"), None, "it says nothing of any segment");
        assert_eq!(found(&["/a"], "/b"), None);
    }

    #[test]
    fn a_method_and_a_name_outweigh_none() {
        let path = || PathPattern::parse("/a/{x}").unwrap();
        let any = TemplateRule::new(HostPattern::ANY, path());
        let named = TemplateRule::new(HostPattern::parse("h").unwrap(), path());
        let post = TemplateRule { methods: vec!["POST".into()], ..any.clone() };
        let rules: Arc<[TemplateRule]> = [any.clone(), post.clone(), named.clone()].into();
        let tree = RuleTree::of(&rules, &[], "h");
        assert_eq!(tree.all("POST", &template("/a/b")), [&named, &post, &any]);
        assert_eq!(tree.all("GET", &template("/a/b")), [&named, &any]);
        assert!(RuleTree::of(&rules, &[], "other").all("HEAD", &template("/a/b")) == [&any]);
    }
}
