//! All rules, and the tree of each host, shared by hosts that the same rules are of.

use std::collections::HashMap;
use std::sync::Arc;

use super::{HostPattern, PathPattern, RuleTree, TemplateRule};

/// Templates that documents have, by host.
pub type Documented = Arc<[(HostPattern, PathPattern)]>;

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    rules: Arc<[TemplateRule]>,
    documented: Documented,
    /// Of all rules and documents, each once, in order.
    patterns: Vec<HostPattern>,
    /// By the patterns that are of a host: there are no more than sorts of hosts.
    trees: HashMap<Vec<usize>, Arc<RuleTree>>,
}

impl RuleBook {
    /// Rules, and what documents say.
    pub(crate) fn new(rules: Arc<[TemplateRule]>, documented: Documented) -> Self {
        let of_rules = rules.iter().map(|rule| rule.host.clone());
        let mut patterns: Vec<HostPattern> =
            of_rules.chain(documented.iter().map(|(host, _)| host.clone())).collect();
        patterns.sort_unstable();
        patterns.dedup();
        Self { rules, documented, patterns, trees: HashMap::new() }
    }

    /// What is said of a host.
    pub(crate) fn tree_of(&mut self, host: &str) -> Arc<RuleTree> {
        let patterns = self.patterns.iter().enumerate();
        let fitting: Vec<usize> =
            patterns.filter(|(_, pattern)| pattern.is_of(host)).map(|(index, _)| index).collect();
        let Self { rules, documented, trees, .. } = self;
        let tree = trees.entry(fitting);
        Arc::clone(tree.or_insert_with(|| Arc::new(RuleTree::of(rules, documented, host))))
    }
}
