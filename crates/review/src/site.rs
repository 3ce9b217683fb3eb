//! What is wrong with a host as a whole.

use tapline_model::{Fact, HostView, IssueView, Severity};

use crate::issues::{DISCLOSURES, Issue};
use crate::number::{exact, share};
use crate::rule::{self, Rule};
use crate::weak::weakness_of;

/// What is wrong with a host, worst first: its software, and what its answers to paths that are no
/// endpoints give away.
pub(crate) fn issues_of(host: &HostView) -> Vec<IssueView> {
    let mut issues: Vec<Issue> = host
        .software
        .iter()
        .filter_map(|software| {
            let weakness = weakness_of(software)?;
            let seen = format!("{software}: {}. {}", weakness.why, weakness.source);
            let rule = rule::SOFTWARE_WEAK;
            Some(Issue { rule, severity: weakness.severity, seen, count: 1, of: 1 })
        })
        .collect();
    let of_hosts = [
        (Fact::TraceAnswered, rule::TRACE_ANSWERED, Severity::Medium),
        (Fact::BasicPlaintext, rule::BASIC_PLAINTEXT, Severity::High),
        (Fact::VersionShown, rule::VERSION_SHOWN, Severity::Info),
    ];
    for (fact, rule, severity) in DISCLOSURES.into_iter().chain(of_hosts) {
        issues.extend(fact_issue(host, fact, rule, severity));
    }
    issues.sort_by(|left, right| {
        right.severity.cmp(&left.severity).then_with(|| left.rule.id.cmp(right.rule.id))
    });
    issues.into_iter().map(Issue::view).collect()
}

fn fact_issue(
    host: &HostView,
    fact: Fact,
    rule: &'static Rule,
    severity: Severity,
) -> Option<Issue> {
    let count = host.facts.iter().find(|(known, _)| *known == fact).map(|(_, count)| *count)?;
    let of = host.requests.max(count);
    let seen = if fact == Fact::VersionShown && !host.software.is_empty() {
        host.software.join(", ")
    } else {
        format!("{} of {} answers ({})", exact(count), exact(of), share(count, of))
    };
    Some(Issue { rule, severity, seen, count, of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_software_and_what_stray_paths_give_away_show() {
        let host = HostView {
            requests: 10,
            software: vec!["Apache/2.4.49".to_owned(), "PHP".to_owned()],
            facts: vec![(Fact::VersionShown, 10), (Fact::TraceAnswered, 1)],
            ..HostView::default()
        };
        let issues = issues_of(&host);
        let rules: Vec<_> = issues.iter().map(|issue| issue.rule.as_str()).collect();
        assert_eq!(rules, ["software_weak", "trace_answered", "version_shown"]);
        assert!(issues[0].seen.contains("CVE-2021-41773"));
    }
}
