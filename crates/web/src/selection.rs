//! What of a list was asked for: search, filter, order, page.

pub(crate) mod data;
pub(crate) mod endpoints;
pub(crate) mod findings;

use crate::problem::Problem;
use crate::query::Query;

/// Rows of a page of the pages.
pub(crate) const PAGE_ROWS: u32 = 50;
/// Rows of a page of the API unless it is told otherwise.
pub(crate) const API_ROWS: u32 = 100;
/// Rows of a page of the API at most.
pub(crate) const API_ROWS_MAX: u32 = 50_000;
const PAGE_MAX: u32 = 1_000_000;
/// Words of a search at most: each is looked for in every row.
const WORDS_MAX: usize = 16;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// From 1.
    pub(crate) page: u32,
    /// Rows of a page.
    pub(crate) per_page: u32,
}

impl Paging {
    /// What the query asks for.
    ///
    /// # Errors
    /// When `page` or `per_page` is no number in range.
    pub(crate) fn of(query: &Query, default: u32) -> Result<Self, Problem> {
        Ok(Self {
            page: query.number("page", 1, (1, PAGE_MAX))?,
            per_page: query.number("per_page", default, (1, API_ROWS_MAX))?,
        })
    }

    /// The rows of this page.
    pub(crate) fn cut<T>(self, rows: Vec<T>) -> Vec<T> {
        let size = index(self.per_page);
        let skipped = index(self.page - 1).saturating_mul(size);
        rows.into_iter().skip(skipped).take(size).collect()
    }

    /// How many pages `total` rows fill; at least one.
    pub(crate) fn pages(self, total: usize) -> usize {
        total.div_ceil(index(self.per_page)).max(1)
    }
}

/// Lower-case words of a search; all of them must be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// The words of `text`.
    ///
    /// # Errors
    /// When there are more than [`WORDS_MAX`].
    pub(crate) fn of(text: &str) -> Result<Self, Problem> {
        let words: Vec<String> =
            text.split_whitespace().take(WORDS_MAX + 1).map(str::to_lowercase).collect();
        if words.len() > WORDS_MAX {
            let detail = format!("a search may have {WORDS_MAX} words at most");
            return Err(Problem::bad_request(detail));
        }
        Ok(Self(words))
    }

    /// Whether every word is in one of `fields`.
    pub(crate) fn are_in(&self, fields: &[&str]) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let text = fields.join(" ").to_lowercase();
        self.0.iter().all(|word| text.contains(word.as_str()))
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
