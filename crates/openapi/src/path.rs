//! Path templates: what they have in common when parameters have other names.

/// One segment of a path template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    /// The same in every request.
    Literal(String),
    /// A parameter.
    Parameter,
    /// Parameters with text around them, as the text before, between and after.
    Mixed(Vec<String>),
}

/// The names of the parameters of a template, in order.
pub(crate) fn parameter_names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

/// The segments of a template. A query or fragment, a slash at the end and empty segments do not
/// count.
pub(crate) fn segments(path: &str) -> Vec<Segment> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').filter(|segment| !segment.is_empty()).map(segment).collect()
}

/// For each segment, the name of the parameter that it is, if it is one.
pub(crate) fn slots(path: &str) -> Vec<Option<&str>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').filter(|segment| !segment.is_empty()).map(slot).collect()
}

fn slot(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name)
}

fn segment(text: &str) -> Segment {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { break };
        if let Some(last) = texts.last_mut() {
            last.push_str(before);
        }
        texts.push(String::new());
        rest = after;
    }
    if let Some(last) = texts.last_mut() {
        last.push_str(rest);
    }
    match texts.as_slice() {
        [literal] => Segment::Literal(literal.clone()),
        // Parameters that touch are one.
        _ if texts.iter().all(String::is_empty) => Segment::Parameter,
        _ => Segment::Mixed(texts),
    }
}

impl Segment {
    /// Whether a text that was sent fits it.
    pub(crate) fn admits(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Parameter => !text.is_empty(),
            Self::Mixed(texts) => admits_mixed(texts, text),
        }
    }
}

/// The first text leads, the last ends, those between come in order.
fn admits_mixed(texts: &[String], text: &str) -> bool {
    let [first, between @ .., last] = texts else { return false };
    let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for part in between {
        let Some((_, after)) = rest.split_once(part.as_str()) else { return false };
        rest = after;
    }
    true
}

/// Whether a literal could be taken for a value by who sees only requests.
pub(crate) fn is_like_a_value(literal: &str) -> bool {
    literal.bytes().any(|byte| byte.is_ascii_digit())
}

/// A version as a path segment has it, comparable: `v2`, `2.1`, `2023-10-01`.
pub(crate) fn version(segment: &str) -> Option<Vec<u32>> {
    let has_mark = segment.starts_with(['v', 'V']);
    let digits = if has_mark { segment.get(1..)? } else { segment };
    let parts: Option<Vec<u32>> = digits.split(['.', '-']).map(|part| part.parse().ok()).collect();
    let parts = parts?;
    // A bare number is an id.
    (parts.len() <= 3 && (has_mark || parts.len() > 1)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_equal_whatever_their_name() {
        assert_eq!(segments("/a/{x}/b/"), segments("/a/{id}/b"));
        assert_ne!(segments("/a/{x}"), segments("/a/x"));
        assert_eq!(segments("/{a}{b}"), [Segment::Parameter]);
        assert_eq!(parameter_names("/a/{x}.{y}/{z"), ["x", "y"]);
    }

    #[test]
    fn mixed_segments_admit_what_fits_around_them() {
        let [mixed] = segments("/{name}.{ext}.json").try_into().unwrap();
        assert!(mixed.admits("a.b.json") && !mixed.admits("a.xml") && !mixed.admits("json"));
        let [call] = segments("/users('{id}')").try_into().unwrap();
        assert!(call.admits("users('7')") && !call.admits("users(7)"));
    }

    #[test]
    fn versions_are_ordered() {
        assert!(version("v1") < version("v2") && version("v2.9") < version("v2.10"));
        assert!(version("2023-10-01") < version("2024-01-01"));
        for text in ["7", "v", "users", "v1beta", "1.2.3.4"] {
            assert_eq!(version(text), None, "{text}");
        }
    }
}
