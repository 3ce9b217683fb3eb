//! Paths in one spelling (RFC 3986 section 6.2.2), and what a redirect's target says of them.

mod spelling;

use memchr::{memchr, memchr_iter, memchr2, memmem};
use percent_encoding::percent_decode;

use self::spelling::{Spelling, spelling};

/// Bytes of a path beyond which the rest of it is not told apart.
const PATH_BYTES_MAX: usize = 16 << 10;
/// So many segments at the start may be a version that looks like a value: `/1/boards`,
/// `/2015-03-31/functions`.
pub(crate) const VERSION_PLACES: usize = 2;
/// How often an escape may itself be escaped before the rest is left as it is.
const DECODE_ROUNDS_MAX: usize = 3;

/// A path without dot segments, empty segments and matrix parameters, in which only what must be is
/// percent-encoded. The buffer is reused.
#[derive(Default)]
pub(crate) struct NormalPath {
    /// `/a/b`; empty for the root; always ASCII.
    text: Vec<u8>,
    segments: Segments,
    /// How it was sent.
    spelling: Spelling,
    trailing_slash: bool,
    has_empty_segment: bool,
}

/// Where the segments of a path lie, found once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Segments {
    /// Where each ends. One begins behind the slash that follows the one before it.
    ends: Vec<usize>,
    /// The first with a digit, where no version stands.
    first_with_digit: Option<usize>,
}

impl NormalPath {
    /// Takes a path as it was sent.
    pub(crate) fn set(&mut self, sent: &[u8]) {
        self.text.clear();
        self.has_empty_segment = false;
        self.spelling = spelling(sent, &mut self.segments);
        if self.spelling.is_normal {
            let inner = sent.strip_suffix(b"/");
            self.trailing_slash = inner.is_some();
            self.text.extend_from_slice(inner.unwrap_or(sent));
        } else {
            self.append(sent);
            self.segments.divide(&self.text);
            let kept = sent.get(..PATH_BYTES_MAX).unwrap_or(sent);
            self.has_empty_segment = memmem::find(kept, b"//").is_some();
        }
    }

    /// Takes where a redirect leads: the path of a `Location` (RFC 9110 section 10.2.2), relative
    /// ones resolved against `base`. False when it leads to no path at all.
    pub(crate) fn set_target(&mut self, location: &[u8], base: &Self) -> bool {
        let location = location.trim_ascii();
        let end = memchr2(b'?', b'#', location).unwrap_or(location.len());
        let target = location.get(..end).unwrap_or_default();
        self.text.clear();
        let scheme = memchr(b':', target)
            .filter(|&at| at > 0 && !target.get(..at).unwrap_or_default().contains(&b'/'));
        let after_scheme = scheme.map_or(target, |at| target.get(at + 1..).unwrap_or_default());
        if let Some(rest) = after_scheme.strip_prefix(b"//") {
            let start = memchr(b'/', rest).unwrap_or(rest.len());
            self.append(rest.get(start..).unwrap_or_default());
        } else if scheme.is_some() {
            return false;
        } else if target.is_empty() {
            self.text.extend_from_slice(&base.text);
            self.trailing_slash = base.trailing_slash;
        } else if target.starts_with(b"/") {
            self.append(target);
        } else {
            self.text.extend_from_slice(&base.text);
            if !base.trailing_slash {
                self.pop();
            }
            self.append(target);
        }
        self.segments.divide(&self.text);
        true
    }

    /// The segments in order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.segments_from(0)
    }

    /// The same without so many at the start.
    pub(crate) fn segments_from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let mut start = self.segments.start_of(first);
        self.segments.ends.get(first..).unwrap_or_default().iter().map(move |&end| {
            let segment = self.text.get(start..end).unwrap_or_default();
            start = end + 1;
            segment
        })
    }

    /// Whether the path that was sent is made of names alone, divided by single slashes and dots.
    pub(crate) fn is_names(&self) -> bool {
        self.spelling.is_names
    }

    /// Whether nothing in the path as sent can be sensitive, since no segment is long enough, identifiers
    /// apart, nor has to be escaped in JSON. What is shorter than a token has no room for a key or a
    /// number either.
    pub(crate) fn is_harmless(&self) -> bool {
        self.spelling.is_harmless
    }

    /// How many segments there are.
    pub(crate) fn segment_count(&self) -> usize {
        self.segments.ends.len()
    }

    /// How many segments at the start are likely to be the same in many paths: all before the last one
    /// and before the first with a digit, versions apart.
    pub(crate) fn stem_count(&self) -> usize {
        let before_last = self.segment_count().saturating_sub(1);
        self.segments.first_with_digit.map_or(before_last, |first| first.min(before_last))
    }

    /// So many segments from the start on, each with the slash before it.
    pub(crate) fn stem(&self, segments: usize) -> &[u8] {
        let end = self.segments.start_of(segments).saturating_sub(1);
        self.text.get(..end).unwrap_or_default()
    }

    /// Whether it ended with a slash, the root apart.
    pub(crate) fn trailing_slash(&self) -> bool {
        self.trailing_slash && !self.text.is_empty()
    }

    /// Whether it was sent with an empty segment, which was left out.
    pub(crate) fn has_empty_segment(&self) -> bool {
        self.has_empty_segment
    }

    /// The whole path, without a slash at its end; empty for the root.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether both are one path but for case and a slash at the end.
    pub(crate) fn leads_to(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }

    fn append(&mut self, sent: &[u8]) {
        let sent = sent.get(..PATH_BYTES_MAX).unwrap_or(sent);
        self.trailing_slash = false;
        for part in sent.split(|&byte| byte == b'/') {
            let end = memchr(b';', part).unwrap_or(part.len());
            let part = part.get(..end).unwrap_or_default();
            let start = self.text.len();
            self.text.push(b'/');
            spell(part, &mut self.text);
            let spelled = self.text.get(start + 1..).unwrap_or_default();
            self.trailing_slash = matches!(spelled, b"" | b"." | b"..");
            let up = spelled == b"..";
            if self.trailing_slash {
                self.text.truncate(start);
            }
            if up {
                self.pop();
            }
        }
    }

    fn pop(&mut self) {
        let last = memchr::memrchr(b'/', &self.text).unwrap_or(0);
        self.text.truncate(last);
    }
}

impl Segments {
    /// Where a segment begins, if there is one.
    #[inline]
    fn start_of(&self, segment: usize) -> usize {
        let before = segment.checked_sub(1).and_then(|before| self.ends.get(before));
        before.map_or(1, |end| end + 1)
    }

    #[inline]
    fn clear(&mut self) {
        self.ends.clear();
        self.first_with_digit = None;
    }

    /// Takes the next one.
    #[inline]
    fn push(&mut self, end: usize, has_digit: bool) {
        let segment = self.ends.len();
        if has_digit && segment >= VERSION_PLACES && self.first_with_digit.is_none() {
            self.first_with_digit = Some(segment);
        }
        self.ends.push(end);
    }

    /// Finds those of a path that ends without a slash.
    fn divide(&mut self, text: &[u8]) {
        self.clear();
        let slashes = memchr_iter(b'/', text).skip(1);
        let mut start = 1;
        for end in slashes.chain((!text.is_empty()).then_some(text.len())) {
            let segment = text.get(start..end).unwrap_or_default();
            self.push(end, segment.iter().any(u8::is_ascii_digit));
            start = end + 1;
        }
    }
}

impl std::fmt::Debug for NormalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NormalPath({} bytes)", self.text.len())
    }
}

/// Undoes percent-encoding until nothing changes, for looking at what a text means.
pub(crate) fn decode<'a>(text: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if memchr(b'%', text).is_none() {
        return text;
    }
    scratch.clear();
    scratch.extend(percent_decode(text));
    for _ in 1..DECODE_ROUNDS_MAX {
        if memchr(b'%', scratch).is_none() {
            break;
        }
        let again: Vec<u8> = percent_decode(scratch).collect();
        if again.len() == scratch.len() {
            break;
        }
        *scratch = again;
    }
    scratch
}

/// Decodes escapes of unreserved characters, encodes what is not allowed in a path, and spells the
/// other escapes in upper case.
fn spell(part: &[u8], out: &mut Vec<u8>) {
    let mut rest = part;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            push(byte, is_path_char(byte), out);
            continue;
        }
        match after {
            [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let byte = hex_value(*high) << 4 | hex_value(*low);
                push(byte, is_unreserved(byte), out);
                rest = tail;
            }
            _ => push(b'%', false, out),
        }
    }
}

fn push(byte: u8, plain: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if plain {
        out.push(byte);
        return;
    }
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 0xF)]);
}

const fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn is_path_char(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(sent: &[u8]) -> String {
        let mut path = NormalPath::default();
        path.set(sent);
        let slash = if path.trailing_slash() { "/" } else { "" };
        String::from_utf8(path.text().to_vec()).unwrap() + slash
    }

    #[test]
    fn paths_are_spelled_one_way() {
        for (sent, expected) in [
            ("/", ""),
            ("", ""),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("//a///b", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../../a", "/a"),
            ("/a/..", ""),
            ("/a/b/..", "/a/"),
            ("/%61%2db/%7euser", "/a-b/~user"),
            ("/a%2fb", "/a%2Fb"),
            ("/%2e%2e/a", "/a"),
            ("/a;jsessionid=1/b;v=2", "/a/b"),
            ("/;x/a", "/a"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/100%", "/100%25"),
            ("/a b", "/a%20b"),
        ] {
            assert_eq!(normal(sent.as_bytes()), expected, "{sent}");
        }
    }

    #[test]
    fn a_redirect_is_resolved_against_the_request() {
        let mut base = NormalPath::default();
        base.set(b"/shop/items");
        let target = |location: &str| {
            let mut path = NormalPath::default();
            let leads = path.set_target(location.as_bytes(), &base);
            leads.then(|| String::from_utf8(path.text().to_vec()).unwrap())
        };
        for (location, expected) in [
            ("https://shop.example/shop/items/", Some("/shop/items")),
            ("//shop.example/login?next=/shop/items", Some("/login")),
            ("https://shop.example", Some("")),
            ("/login#top", Some("/login")),
            ("42", Some("/shop/42")),
            ("../x", Some("/x")),
            ("?page=2", Some("/shop/items")),
            ("mailto:x", None),
        ] {
            assert_eq!(target(location).as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn escaped_escapes_are_seen_through() {
        let mut scratch = Vec::new();
        assert_eq!(decode(b"bob%2540example.com", &mut scratch), b"bob@example.com");
        assert_eq!(decode(b"100%", &mut scratch), b"100%");
    }

    proptest! {
        #[test]
        fn what_is_normal_is_left_as_it_is(sent in "/?([a-z.%;]{0,2}/){0,4}[a-z.]{0,2}") {
            let (mut fast, mut slow) = (NormalPath::default(), NormalPath::default());
            fast.set(sent.as_bytes());
            slow.append(sent.as_bytes());
            prop_assert_eq!(&fast.text, &slow.text);
            prop_assert_eq!(fast.trailing_slash, slow.trailing_slash);
        }

        #[test]
        fn segments_are_what_slashes_divide(sent in "(/[a-z0-9@.%]{0,3}){0,5}/?") {
            let mut path = NormalPath::default();
            path.set(sent.as_bytes());
            let divided: Vec<&[u8]> = path.text.split(|&byte| byte == b'/').skip(1).collect();
            prop_assert_eq!(path.segments().collect::<Vec<_>>(), divided.clone());
            prop_assert_eq!(path.segment_count(), divided.len());
            let stem = path.stem_count();
            prop_assert!(stem < divided.len().max(1));
            let joined: Vec<u8> =
                divided.iter().take(stem).flat_map(|it| [b"/", *it].concat()).collect();
            prop_assert_eq!(path.stem(stem), joined);
            prop_assert_eq!(path.segments_from(stem).collect::<Vec<_>>(), divided[stem..].to_vec());
        }

        #[test]
        fn normalising_twice_changes_nothing(sent in prop::collection::vec(any::<u8>(), 0..200)) {
            let once = normal(&sent);
            prop_assert_eq!(normal(once.as_bytes()), once);
        }

        #[test]
        fn any_location_is_read(location in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut path = NormalPath::default();
            path.set_target(&location, &NormalPath::default());
            prop_assert!(path.text().is_ascii());
        }
    }
}
