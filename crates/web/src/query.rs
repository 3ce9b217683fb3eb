//! The query of one request to the sensor.

use std::str::FromStr;

use axum::extract;
use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::problem::Problem;

/// Longest value accepted, in bytes.
const VALUE_BYTES_MAX: usize = 16_384;
/// Kept as they are in a query value (RFC 3986 section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names and values, decoded. An empty value counts as none, for forms send those.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The query of a request.
    ///
    /// # Errors
    /// When a value is too long.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        let extract::Query(pairs) = extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        for (name, value) in &pairs {
            if value.len() > VALUE_BYTES_MAX {
                let name: String = name.chars().take(32).collect();
                return Err(Problem::bad_request(format!(
                    "parameter `{name}` is longer than {VALUE_BYTES_MAX} bytes"
                )));
            }
        }
        Ok(Self(pairs))
    }

    /// Accepts these names alone, so that a misspelt filter does not silently select everything.
    ///
    /// # Errors
    /// When another parameter is there, or one is there twice.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let name: String = name.chars().take(32).collect();
                return Err(Problem::bad_request(if known.is_empty() {
                    format!("unknown parameter `{name}`: there are none here")
                } else {
                    format!("unknown parameter `{name}`; known: {}", known.join(", "))
                }));
            }
            if self.0.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_request(format!("parameter `{name}` is there twice")));
            }
        }
        Ok(())
    }

    /// The value called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value called `name`, as a number between `low` and `high`, or `default`.
    ///
    /// # Errors
    /// When it is no such number.
    pub(crate) fn number<N: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        default: N,
        (low, high): (N, N),
    ) -> Result<N, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| (&low..=&high).contains(&number)).ok_or_else(|| {
            Problem::bad_request(format!("`{name}` must be a number from {low} to {high}"))
        })
    }

    /// The value called `name`, as one of `choices` by their labels.
    ///
    /// # Errors
    /// When it is none of them.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[T],
        label: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        choices.iter().copied().find(|&choice| label(choice) == text).map(Some).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|&choice| label(choice)).collect();
            Problem::bad_request(format!("`{name}` must be one of {}", known.join(", ")))
        })
    }
}

/// A query from names and values, without those whose value is empty; `?` included.
pub(crate) fn encode(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, ENCODED));
    }
    text
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_empty_value_counts_as_none() {
        assert_eq!(query("/?host=").get("host"), None);
        assert_eq!(query("/?host=a+b%2Fc").get("host"), Some("a b/c"));
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        assert!(query("/?metod=GET").only(&["method"]).is_err());
        assert!(query("/?method=GET&method=PUT").only(&["method"]).is_err());
        assert!(query("/?method=GET").only(&["method"]).is_ok());
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        assert_eq!(query("/").number("page", 1u32, (1, 9)).unwrap(), 1);
        assert_eq!(query("/?page=9").number("page", 1u32, (1, 9)).unwrap(), 9);
        for bad in ["/?page=0", "/?page=10", "/?page=-1", "/?page=x", "/?page=99999999999999999"] {
            assert!(query(bad).number("page", 1u32, (1, 9)).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_encoded_query_reads_back() {
        let text = encode(&[("q", "a&b=c d+é".to_owned()), ("host", String::new())]);
        assert_eq!(text, "?q=a%26b%3Dc%20d%2B%C3%A9");
        assert_eq!(query(&format!("/{text}")).get("q"), Some("a&b=c d+é"));
    }

    #[test]
    fn a_value_has_a_longest_length() {
        assert!(Query::of(&format!("/?q={}", "a".repeat(16_385)).parse().unwrap()).is_err());
    }
}
