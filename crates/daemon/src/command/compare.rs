//! `tapline compare`: a document with what was seen.

use std::io::Write as _;

use serde_json::json;
use tapline_openapi::{Class, Comparison, Difference, Limits, Read, compare};

use super::convert::read;
use crate::cli::{self, Compare};
use crate::exit::{DIFFERS, Failure};

/// Prints every difference; fails when one is as grave as asked.
pub(crate) fn run(arguments: &Compare) -> Result<(), Failure> {
    let Read { document: mut documented, .. } = read(&arguments.documented)?;
    let Read { document: observed, .. } = read(&arguments.observed)?;
    if let Some(base) = &arguments.base_path {
        documented.servers = vec![format!("/{}", base.trim_matches('/'))];
    }
    let limits = Limits { observations_min: arguments.observations_min };
    let comparison = compare(&documented, &observed, limits);
    let text = if arguments.json { as_json(&comparison) } else { as_lines(&comparison) };
    cli::print(|out| out.write_all(text.as_bytes()))?;
    let is_grave = |class| comparison.worst().is_some_and(|worst| worst >= class);
    if Class::named(&arguments.fail_on).is_some_and(is_grave) {
        return Err(Failure::new(DIFFERS, counts(&comparison)));
    }
    Ok(())
}

/// How many of each class, in words.
fn counts(comparison: &Comparison) -> String {
    let count = |class| comparison.differences.iter().filter(|one| one.class == class).count();
    format!(
        "{} breaking, {} additive, {} to notice",
        count(Class::Breaking),
        count(Class::Additive),
        count(Class::Notice)
    )
}

fn as_lines(comparison: &Comparison) -> String {
    let mut ordered: Vec<&Difference> = comparison.differences.iter().collect();
    ordered.sort_by_key(|one| std::cmp::Reverse(one.class));
    let mut lines: Vec<String> = ordered.iter().map(ToString::to_string).collect();
    lines.push(format!(
        "{}; {} of {} documented operations seen",
        counts(comparison),
        comparison.operations_seen,
        comparison.operations
    ));
    let more = [
        (
            comparison.thin.len() as u64,
            "differences rest on too few observations (--json has them)",
        ),
        (
            comparison.operations_unclear,
            "operations cannot be told from others: too little of their path is shown",
        ),
        (
            comparison.unjudged,
            "schemas have too many alternatives, or lie too deep, to be compared",
        ),
        (comparison.left_out, "differences found no room"),
    ];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(format!("{count} {what}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn as_json(comparison: &Comparison) -> String {
    let whole = json!({
        "differences": comparison.differences,
        "thin": comparison.thin,
        "operations": comparison.operations,
        "operations_seen": comparison.operations_seen,
        "operations_unclear": comparison.operations_unclear,
        "unjudged": comparison.unjudged,
        "left_out": comparison.left_out,
    });
    format!("{whole:#}\n")
}
