//! From a path to its lexical template and its route.

use compact_str::CompactString;
use tapline_model::{Key, RouteKey, SegmentClass, Template, TemplateSegment, ValueKind};

use crate::lexical::{self, Shape};
use crate::path::{self, NormalPath};
use crate::sensitive::{self, Sensitive};

/// Segments of a template; what follows is one slot.
const SEGMENTS_MAX: usize = 16;
/// Bytes of a segment that are looked at.
const SEGMENT_BYTES_MAX: usize = 128;
/// Bytes of text that may cross to the merge although it may be a value.
const WEAK_BYTES_MAX: usize = 64;

/// Words that are remembered: most paths are made of the same few.
const WORDS: usize = 256;
/// Longest word that is.
const WORD_BYTES_MAX: usize = 24;

/// Builds templates and routes in reused buffers.
#[derive(Debug)]
pub(crate) struct Templates {
    scratch: Vec<u8>,
    /// By a fast hash, each replaced by the next with the same.
    words: Vec<CompactString>,
}

impl Default for Templates {
    fn default() -> Self {
        Self { scratch: Vec::new(), words: vec![CompactString::default(); WORDS] }
    }
}

impl Templates {
    /// Replaces the values of `path` by slots.
    pub(crate) fn build(&mut self, path: &NormalPath, template: &mut Template) {
        template.segments.clear();
        template.trailing_slash = path.trailing_slash();
        for segment in path.segments() {
            if template.segments.len() == SEGMENTS_MAX {
                template.segments.pop();
                template.segments.push(slot(SegmentClass::Oversized, ""));
                return;
            }
            template.segments.push(self.segment(segment));
        }
    }

    /// The keyed hash of host, method and template.
    pub(crate) fn route(
        &mut self,
        key: &Key,
        host: &str,
        method: &str,
        template: &Template,
    ) -> RouteKey {
        let text = &mut self.scratch;
        text.clear();
        for part in [host, method] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        for segment in &template.segments {
            let (tag, shown) = match segment {
                TemplateSegment::Word(word) => (b'w', word),
                TemplateSegment::Weak(weak) => (b'?', weak),
                TemplateSegment::Parameter(class, suffix) => {
                    text.push(*class as u8);
                    (b'p', suffix)
                }
            };
            text.push(tag);
            text.extend_from_slice(shown.as_bytes());
            text.push(0);
        }
        text.push(u8::from(template.trailing_slash));
        RouteKey(key.text_hash(text))
    }

    fn segment(&mut self, text: &[u8]) -> TemplateSegment {
        if text.len() > SEGMENT_BYTES_MAX {
            return slot(SegmentClass::Oversized, "");
        }
        let place = word_place(text);
        if let Some(word) = self.words.get(place)
            && word.as_bytes() == text
            && !text.is_empty()
        {
            return TemplateSegment::Word(word.clone());
        }
        let meant = path::decode(text, &mut self.scratch);
        match lexical::shape(meant) {
            Shape::Value(class, suffix) => slot(class, suffix),
            Shape::Word if meant == text => {
                let word = CompactString::from_utf8_lossy(text);
                if let Some(known) = self.words.get_mut(place)
                    && text.len() <= WORD_BYTES_MAX
                {
                    known.clone_from(&word);
                }
                TemplateSegment::Word(word)
            }
            Shape::Word | Shape::Weak => match sensitive::find(meant) {
                Some(found) => slot(class_of(found), ""),
                None if text.len() > WEAK_BYTES_MAX => slot(SegmentClass::Oversized, ""),
                None => TemplateSegment::Weak(CompactString::from_utf8_lossy(text)),
            },
        }
    }
}

/// Where a word is remembered.
fn word_place(text: &[u8]) -> usize {
    let start = text.iter().take(8).fold(text.len() as u64, |start, &byte| {
        start.wrapping_mul(0x100).wrapping_add(u64::from(byte))
    });
    let last = u64::from(text.last().copied().unwrap_or_default());
    let mixed = (start ^ last << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 56).unwrap_or_default()
}

/// The type of the value in a slot.
pub(crate) const fn value_kind(class: SegmentClass) -> ValueKind {
    match class {
        SegmentClass::Integer => ValueKind::Integer,
        SegmentClass::Uuid => ValueKind::Uuid,
        SegmentClass::Date => ValueKind::Date,
        SegmentClass::Email => ValueKind::Email,
        _ => ValueKind::String,
    }
}

/// The name of a path parameter: its index among the slots.
pub(crate) fn slot_name(index: usize) -> &'static str {
    const NAMES: [&str; SEGMENTS_MAX] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];
    NAMES.get(index).copied().unwrap_or_default()
}

fn slot(class: SegmentClass, suffix: &str) -> TemplateSegment {
    TemplateSegment::Parameter(class, CompactString::from(suffix))
}

const fn class_of(found: Sensitive) -> SegmentClass {
    match found {
        Sensitive::CardNumber => SegmentClass::CardNumber,
        Sensitive::Jwt => SegmentClass::Jwt,
        Sensitive::Email => SegmentClass::Email,
        Sensitive::Key => SegmentClass::Token,
        Sensitive::Phone => SegmentClass::Phone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(sent: &str) -> Template {
        let mut path = NormalPath::default();
        path.set(sent.as_bytes());
        let mut template = Template::default();
        Templates::default().build(&path, &mut template);
        template
    }

    fn shown(sent: &str) -> String {
        let template = template(sent);
        let mut text = String::new();
        for segment in &template.segments {
            let segment = match segment {
                TemplateSegment::Word(word) => word.to_string(),
                TemplateSegment::Weak(weak) => format!("?{weak}"),
                TemplateSegment::Parameter(class, suffix) => format!("{{{class:?}{suffix}}}"),
            };
            text = text + "/" + &segment;
        }
        if template.trailing_slash { text + "/" } else { text }
    }

    #[test]
    fn values_become_slots() {
        for (sent, expected) in [
            ("/", ""),
            ("/api/v1/orders/70001", "/api/v1/orders/{Integer}"),
            ("/users/bob%40example.com/", "/users/{Email}/"),
            ("/users/bob%2540example.com", "/users/{Email}"),
            ("/Accounts/AC5ef872f6da5a21de157d80997a64bd33.json", "/Accounts/{PrefixedId.json}"),
            ("/items/user:4111111111111111", "/items/{CardNumber}"),
            ("/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/getMe", "/{Token}/getMe"),
            ("/s/John%20Smith", "/s/?John%20Smith"),
            ("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/{Oversized}"),
        ] {
            assert_eq!(shown(sent), expected, "{sent}");
        }
    }

    #[test]
    fn long_text_never_crosses() {
        assert_eq!(shown(&format!("/{}", "ab!".repeat(22))), "/{Oversized}");
        assert_eq!(shown(&format!("/{}", "x".repeat(200))), "/{Oversized}");
    }

    #[test]
    fn a_route_is_host_method_and_template() {
        let key = Key::fixed();
        let route =
            |host, method, path| Templates::default().route(&key, host, method, &template(path));
        let base = route("a", "GET", "/x/1");
        assert_eq!(base, route("a", "GET", "/x/2"));
        for other in [
            route("b", "GET", "/x/1"),
            route("a", "PUT", "/x/1"),
            route("a", "GET", "/x/1/"),
            route("a", "GET", "/x/2026-11-13"),
            route("a", "GET", "/x/y"),
        ] {
            assert_ne!(base, other);
        }
    }
}
