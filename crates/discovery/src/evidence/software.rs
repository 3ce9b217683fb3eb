//! What made an answer, by its own account: names that are known, and versions in digits.

use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::memo::{PLACES, place_of};

/// Names and what is shown for them.
const TABLE: &str = include_str!("../../data/software.tsv");
/// Bytes of all banners of one answer that are read.
const BANNER_BYTES_MAX: usize = 256;
/// Names taken of one answer.
const NAMES_MAX: usize = 6;
/// Bytes of a version.
const VERSION_BYTES_MAX: usize = 12;

/// What one set of banners says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    /// `nginx/1.18.0`; none when nothing is known.
    pub(crate) names: Option<Arc<[CompactString]>>,
    /// A version is among them, of whatever product.
    pub(crate) shows_version: bool,
}

static NOTHING: Named = Named { names: None, shows_version: false };

/// Reads banners, and remembers what those said that it read.
pub(crate) struct Software {
    known: Vec<(&'static str, &'static str)>,
    /// By place; empty at first.
    remembered: Vec<(Vec<u8>, Named)>,
    text: Vec<u8>,
    /// The place of what was read last.
    last: usize,
}

impl std::fmt::Debug for Software {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Software")
    }
}

impl Software {
    pub(crate) fn new() -> Self {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let mut known: Vec<_> = lines.filter_map(|line| line.split_once('\t')).collect();
        known.sort_unstable();
        Self { known, remembered: Vec::new(), text: Vec::new(), last: 0 }
    }

    /// What the banners of one answer say.
    pub(crate) fn read<'a>(&mut self, mut banners: impl Iterator<Item = &'a [u8]>) -> &Named {
        let Some(first) = banners.next() else { return &NOTHING };
        if self.remembered.is_empty() {
            self.remembered.resize(PLACES, (Vec::new(), Named::default()));
        }
        let second = banners.next();
        // Most answers are like the one before.
        let last = self.remembered.get(self.last);
        let is_last = second.is_none() && last.is_some_and(|(text, _)| text == first);
        if !is_last {
            self.find(first, second.into_iter().chain(banners));
        }
        self.remembered.get(self.last).map_or(&NOTHING, |(_, named)| named)
    }

    /// Sees to it that the last place holds what these say.
    fn find<'a>(&mut self, first: &[u8], others: impl Iterator<Item = &'a [u8]>) {
        self.text.clear();
        self.text.extend_from_slice(first);
        for banner in others {
            self.text.push(b' ');
            self.text.extend_from_slice(banner);
        }
        self.text.truncate(BANNER_BYTES_MAX);
        self.last = place_of(&self.text);
        let is_known = self.remembered.get(self.last).is_some_and(|(text, _)| *text == self.text);
        if !is_known {
            let named = self.name();
            if let Some(entry) = self.remembered.get_mut(self.last) {
                *entry = (self.text.clone(), named);
            }
        }
    }

    fn name(&self) -> Named {
        let mut names: SmallVec<[CompactString; NAMES_MAX]> = SmallVec::new();
        let mut shows_version = false;
        let words = self.text.split(|byte| b" ,;()".contains(byte)).filter(|word| !word.is_empty());
        for word in words {
            let at = memchr::memchr(b'/', word).unwrap_or(word.len());
            let (name, version) = word.split_at_checked(at).unwrap_or((word, b""));
            let version = version_of(version.get(1..).unwrap_or_default());
            shows_version |= !version.is_empty();
            let Some(shown) = self.shown(name).filter(|_| names.len() < NAMES_MAX) else {
                continue;
            };
            let mut text = CompactString::from(shown);
            if !version.is_empty() {
                text.push('/');
                text.push_str(version);
            }
            if !names.contains(&text) {
                names.push(text);
            }
        }
        let names = (!names.is_empty()).then(|| Arc::from(names.as_slice()));
        Named { names, shows_version }
    }

    fn shown(&self, name: &[u8]) -> Option<&'static str> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        let at = self.known.binary_search_by_key(&name.as_str(), |(known, _)| known).ok()?;
        self.known.get(at).map(|(_, shown)| *shown)
    }
}

/// The numbers a version begins with: `2.4.49`, of which `-ubuntu4` is none.
fn version_of(text: &[u8]) -> &str {
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let bytes = text.iter().take(VERSION_BYTES_MAX).take_while(is_part).count();
    let version = std::str::from_utf8(text.get(..bytes).unwrap_or_default()).unwrap_or_default();
    version.trim_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(banners: &[&str]) -> (Vec<String>, bool) {
        let mut software = Software::new();
        let named = software.read(banners.iter().map(|banner| banner.as_bytes()));
        let names = named.names.iter().flat_map(|names| names.iter().map(ToString::to_string));
        (names.collect(), named.shows_version)
    }

    #[test]
    fn only_known_names_and_digits_are_shown() {
        for (banners, expected, shows_version) in [
            (vec!["nginx/1.18.0 (Ubuntu)"], vec!["nginx/1.18.0"], true),
            (vec!["nginx"], vec!["nginx"], false),
            (
                vec!["Apache/2.4.49 (Unix) OpenSSL/1.0.2k-fips PHP/5.6.40", "PHP/5.6.40"],
                vec!["Apache/2.4.49", "OpenSSL/1.0.2", "PHP/5.6.40"],
                true,
            ),
            (vec!["hunter2-secret/4.1"], vec![], true),
            (vec!["hunter2-secret"], vec![], false),
            (vec!["gunicorn/4111111111111111"], vec!["gunicorn/411111111111"], true),
            (vec![], vec![], false),
        ] {
            let (found, shows) = names(&banners);
            assert_eq!(
                (found.iter().map(String::as_str).collect(), shows),
                (expected, shows_version)
            );
        }
    }

    #[test]
    fn what_was_read_before_says_the_same() {
        let mut warm = Software::new();
        for _ in 0..2 {
            for banner in ["nginx/1.18.0", "Apache/2.4.1", "nobody/1"] {
                let mut fresh = Software::new();
                let cold = fresh.read([banner.as_bytes()].into_iter());
                let read = warm.read([banner.as_bytes()].into_iter());
                assert_eq!(format!("{read:?}"), format!("{cold:?}"));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            Software::new().read([text.as_slice()].into_iter());
        }
    }
}
