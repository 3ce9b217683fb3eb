//! Paths as rules write them: `/files/{file}.json`, `/v1/**`.

use std::fmt;

use compact_str::CompactString;

use crate::template::SEGMENTS_MAX;

/// Bytes of one segment, as of a path that is looked at.
const SEGMENT_BYTES_MAX: usize = 128;
/// Bytes of a slot's name.
const NAME_BYTES_MAX: usize = 64;

/// Which paths a rule is of. Words are written as they are sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    pub(crate) steps: Vec<Step>,
    /// Whether the path ends in a slash.
    pub(crate) slash: bool,
    /// Whether anything may follow, or nothing.
    pub(crate) open: bool,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// This text.
    Word(CompactString),
    /// Any text that ends so.
    Slot { name: CompactString, suffix: CompactString },
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and after a semicolon what to do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix('/').ok_or("is no path; begin it with /")?;
        if rest.is_empty() {
            return Ok(Self { steps: Vec::new(), slash: false, open: false });
        }
        let mut parts: Vec<&str> = rest.split('/').collect();
        let open = parts.last() == Some(&"**");
        let slash = !open && parts.last() == Some(&"");
        if open || slash {
            parts.pop();
        }
        if parts.len() > SEGMENTS_MAX - 1 {
            return Err("has more than 15 segments; end it earlier with /**");
        }
        let steps: Vec<Step> = parts.into_iter().map(step).collect::<Result<_, _>>()?;
        let mut names: Vec<&str> = steps.iter().filter_map(Step::name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("has two parameters of one name; rename one");
        }
        Ok(Self { steps, slash, open })
    }

    /// Whether anything may follow.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Its words, in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.steps.iter().filter_map(|step| match step {
            Step::Word(word) => Some(word.as_bytes()),
            Step::Slot { .. } => None,
        })
    }

    /// Whether two are of the same paths, whatever their parameters are called.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let is_alike = |(one, other): (&Step, &Step)| match (one, other) {
            (Step::Slot { suffix: one, .. }, Step::Slot { suffix: other, .. }) => one == other,
            (one, other) => one == other,
        };
        (self.slash, self.open, self.steps.len()) == (other.slash, other.open, other.steps.len())
            && self.steps.iter().zip(&other.steps).all(is_alike)
    }

    /// Whether every path of another is one of these. A slot of another takes any text before its
    /// suffix, so only a slot covers it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let covers = |(one, other): (&Step, &Step)| match (one, other) {
            (Step::Word(one), Step::Word(other)) => one == other,
            (Step::Word(_), Step::Slot { .. }) => false,
            (Step::Slot { suffix, .. }, Step::Word(word)) => {
                word.len() > suffix.len() && word.ends_with(suffix.as_str())
            }
            (Step::Slot { suffix, .. }, Step::Slot { suffix: other, .. }) => {
                other.ends_with(suffix.as_str())
            }
        };
        let is_long_enough = if self.open {
            self.steps.len() <= other.steps.len()
        } else {
            (self.slash, false, self.steps.len()) == (other.slash, other.open, other.steps.len())
        };
        is_long_enough && self.steps.iter().zip(&other.steps).all(covers)
    }

    /// As text that is the same for patterns that are alike.
    pub(crate) fn anonymous(&self) -> String {
        let unnamed = |step: &Step| match step {
            Step::Word(word) => Step::Word(word.clone()),
            Step::Slot { suffix, .. } => {
                Step::Slot { name: CompactString::default(), suffix: suffix.clone() }
            }
        };
        Self { steps: self.steps.iter().map(unnamed).collect(), ..*self }.to_string()
    }
}

impl Step {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(_) => None,
            Self::Slot { name, .. } => Some(name),
        }
    }
}

fn step(text: &str) -> Result<Step, &'static str> {
    if text.is_empty() {
        return Err("has an empty segment; write one slash in place of two");
    }
    if text.len() > SEGMENT_BYTES_MAX {
        return Err("has a segment of more than 128 bytes; write a parameter in its place");
    }
    if text.bytes().any(|byte| !byte.is_ascii_graphic() || b"?#\"\\".contains(&byte)) {
        return Err("has characters that no path has; write them percent-encoded, without a query");
    }
    let Some(rest) = text.strip_prefix('{') else {
        if text.contains(['{', '}', '*']) {
            return Err("has a parameter within a segment; write {name}, {name}.json, or /** at \
                        the end");
        }
        return Ok(Step::Word(text.into()));
    };
    let Some((name, suffix)) = rest.split_once('}') else {
        return Err("has a { without its }; close it");
    };
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if !is_name {
        return Err("has a parameter whose name is none; use letters, digits, - and _");
    }
    if suffix.contains(['{', '}', '*']) {
        return Err("has two parameters in one segment; write one");
    }
    Ok(Step::Slot { name: name.into(), suffix: suffix.into() })
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Word(word) => write!(f, "/{word}")?,
                Step::Slot { name, suffix } => write!(f, "/{{{name}}}{suffix}")?,
            }
        }
        match (self.open, self.slash || self.steps.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_print_as_they_read() {
        for text in ["/", "/**", "/users/me", "/a/{x}/b/", "/files/{file}.json", "/v1/{id}:run/**"]
        {
            assert_eq!(PathPattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_pattern_covers_what_has_no_other_paths() {
        let covers = |one: &str, other: &str| {
            PathPattern::parse(one).unwrap().covers(&PathPattern::parse(other).unwrap())
        };
        for (one, other) in [
            ("/a/{x}", "/a/b"),
            ("/a/{x}", "/a/{y}"),
            ("/a/{x}", "/a/{y}.json"),
            ("/a/{x}.json", "/a/b.json"),
            ("/a/**", "/a"),
            ("/a/**", "/a/b/c/"),
            ("/**", "/"),
        ] {
            assert!(covers(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("/a/b", "/a/{x}"),
            ("/a/{x}", "/a/b/"),
            ("/a/{x}", "/a"),
            ("/a/{x}.json", "/a/{y}"),
            ("/a/{x}.json", "/a/.json"),
            ("/a/{x}", "/a/b/**"),
            ("/a/b/**", "/a"),
        ] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_a_remedy() {
        let long = format!("/{}", "a".repeat(129));
        let deep = "/a".repeat(16);
        for text in [
            "", "users", "//", "/a//b", "/a?b", "/a b", "/{", "/{}", "/x{a}", "/{a}{b}",
            "/{a}/{a}", "/a*", "/**/b", "/é", &long, &deep,
        ] {
            let said = PathPattern::parse(text).unwrap_err();
            assert!(said.contains("; "), "{text}: {said}");
        }
    }
}
