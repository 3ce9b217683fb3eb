//! The menu of a filter.

/// One choice of a menu.
#[derive(Debug)]
pub(crate) struct Choice {
    /// What is shown and sent.
    pub(crate) label: String,
    /// It is the one chosen.
    pub(crate) chosen: bool,
}

/// A menu of `labels`, of which `chosen` is chosen. A choice that is no longer there stays, so that
/// the form says what the page shows.
pub(crate) fn menu<L: Into<String>>(
    labels: impl IntoIterator<Item = L>,
    chosen: &str,
) -> Vec<Choice> {
    let mut choices: Vec<Choice> = labels
        .into_iter()
        .map(|label| {
            let label = label.into();
            Choice { chosen: label == chosen, label }
        })
        .collect();
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.chosen) {
        choices.push(Choice { label: chosen.to_owned(), chosen: true });
    }
    choices
}
