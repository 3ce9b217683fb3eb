//! What is wrong with a configuration, and where.

use std::fmt;

/// Problems listed before the rest is only counted.
const LISTED_MAX: usize = 200;
/// Characters of a value or name that a message repeats.
const QUOTED_CHARS_MAX: usize = 48;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is; `None` when it concerns the file as a whole.
    pub place: Option<Place>,
    /// The dotted path of the key it concerns; empty when it concerns no key.
    pub key: String,
    /// What is wrong, and after a semicolon what to do.
    pub text: String,
}

/// Every mistake of one file, in file order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    file: String,
    listed: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// No mistake yet.
    pub(crate) fn none(file: &str) -> Self {
        Self { file: file.to_owned(), listed: Vec::new(), more: 0 }
    }

    /// The one mistake there is.
    pub(crate) fn one(file: &str, place: Option<Place>, text: String) -> Self {
        let mut problems = Self::none(file);
        problems.add(place, "", text);
        problems
    }

    /// Notes a mistake.
    pub(crate) fn add(&mut self, place: Option<Place>, key: &str, text: impl Into<String>) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(Problem { place, key: key.to_owned(), text: text.into() });
        } else {
            self.more += 1;
        }
    }

    /// Whether more are only counted from now on, and their texts are not worth making.
    pub(crate) fn is_full(&self) -> bool {
        self.listed.len() >= LISTED_MAX
    }

    /// `value`, unless a mistake was noted.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.listed.is_empty() {
            return Ok(value);
        }
        self.listed.sort_by_key(|problem| problem.place);
        Err(self)
    }

    /// The mistakes, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.listed.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.listed.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file)?;
            if let Some(Place { line, column }) = problem.place {
                write!(f, "{line}:{column}:")?;
            }
            if !problem.key.is_empty() {
                write!(f, " {}:", problem.key)?;
            }
            write!(f, " {}", problem.text)?;
        }
        if self.more > 0 {
            write!(f, "\n{}: and {} more", self.file, self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// `text` as a message may repeat it: short, on one line, with nothing a terminal would obey.
pub(crate) fn quoted(text: &str) -> String {
    let shown = shortened(text);
    format!("\"{shown}\"")
}

/// As [`quoted`], without the quotation marks.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == QUOTED_CHARS_MAX {
            shown.push('…');
            break;
        }
        shown.extend(c.escape_debug().filter(|_| c != '\'' && c != '"'));
        if c == '\'' || c == '"' {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_little_and_nothing_a_terminal_obeys() {
        assert_eq!(quoted("a\u{1b}[2Jb\n"), "\"a\\u{1b}[2Jb\\n\"");
        assert_eq!(quoted(&"x".repeat(1_000)).chars().count(), QUOTED_CHARS_MAX + 3);
    }

    #[test]
    fn problems_beyond_the_limit_are_counted() {
        let mut problems = Problems::none("f");
        for line in 0..LISTED_MAX + 7 {
            problems.add(Some(Place { line, column: 1 }), "a", "wrong");
        }
        let problems = problems.or(()).unwrap_err();
        assert_eq!(problems.iter().count(), LISTED_MAX);
        assert!(problems.to_string().ends_with("\nf: and 7 more"));
    }
}
