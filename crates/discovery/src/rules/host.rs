//! Which hosts a rule is of.

use std::fmt;

use compact_str::CompactString;

/// Bytes of a host's name.
const HOST_BYTES_MAX: usize = 255;

/// A host's name in lower case, `*.` and the end of names, or `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(CompactString);

impl HostPattern {
    /// Every host.
    pub const ANY: Self = Self(CompactString::const_new("*"));

    /// Reads a pattern; none when it is no host.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("*.").unwrap_or(text);
        let is_name = !rest.is_empty()
            && rest.len() <= HOST_BYTES_MAX
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]{}".contains(&byte));
        (is_name || text == "*").then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of a host.
    pub fn is_of(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => self.0 == host,
        }
    }

    /// The more of a name it fixes, the higher.
    pub(crate) fn rank(&self) -> usize {
        match self.0.strip_prefix('*') {
            Some(end) => end.len(),
            None => usize::MAX,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_its_end_or_any() {
        let fits = |pattern: &str, host| HostPattern::parse(pattern).unwrap().is_of(host);
        assert!(fits("API.shop.test", "api.shop.test"));
        assert!(!fits("shop.test", "api.shop.test"));
        assert!(fits("*.shop.test", "api.shop.test") && fits("*.shop.test", "a.b.shop.test"));
        assert!(!fits("*.shop.test", "shop.test") && !fits("*.shop.test", ".shop.test."));
        assert!(fits("*", "10.0.0.1:8080") && fits("[::1]:80", "[::1]:80"));
        for text in ["", "a b", "*.", "**", "a/b", "shop.*"] {
            assert_eq!(HostPattern::parse(text), None, "{text}");
        }
    }
}
