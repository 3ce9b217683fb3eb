//! Which known key a misspelt one was probably meant to be.

/// Longer names are nobody's slip of a finger.
const NAME_CHARS_MAX: usize = 64;

/// The nearest of `known`, if it is near enough.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if name.chars().count() > NAME_CHARS_MAX {
        return None;
    }
    let name = name.to_lowercase().replace('-', "_");
    known
        .map(|candidate| (distance(&name, candidate), candidate))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, candidate)| {
            let is_cut_short = name.len() >= 4 && candidate.starts_with(name.as_str());
            *edits * 3 <= candidate.len().max(3) || is_cut_short
        })
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements between two short texts (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, l) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, r) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(l != r);
            diagonal = *cell;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_not() {
        let known = ["flows_max", "idle_timeout_seconds", "held_bytes_max"];
        let near = |name: &str| nearest(name, known.into_iter());
        assert_eq!(near("flow_max"), Some("flows_max"));
        assert_eq!(near("Flows-Max"), Some("flows_max"));
        assert_eq!(near("idle_timeout_secs"), Some("idle_timeout_seconds"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(&"x".repeat(1_000)), None);
    }
}
