//! What was sent, by name and type: a bounded collector that never sees a value again.

use compact_str::CompactString;
use hashbrown::HashSet;
use tapline_model::{Key, ParameterLocation, ParameterShape, SegmentClass, ValueKind};

use crate::{lexical, sensitive};

/// Bytes of a parameter's name.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Collects the parameters of one transaction into reused buffers.
pub(crate) struct Parameters<'a> {
    shapes: &'a mut Vec<ParameterShape>,
    seen: &'a mut HashSet<u64>,
    key: &'a Key,
    max: usize,
    /// How many came after the cap was reached.
    pub(crate) over_max: u64,
    /// How many names were masked.
    pub(crate) masked: u64,
}

impl std::fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameters({})", self.shapes.len())
    }
}

impl<'a> Parameters<'a> {
    /// Starts anew with at most `max`.
    pub(crate) fn new(
        shapes: &'a mut Vec<ParameterShape>,
        seen: &'a mut HashSet<u64>,
        key: &'a Key,
        max: usize,
    ) -> Self {
        shapes.clear();
        seen.clear();
        Self { shapes, seen, key, max, over_max: 0, masked: 0 }
    }

    /// Notes a parameter by its spelled name; the first of a name counts.
    pub(crate) fn add(&mut self, location: ParameterLocation, name: &str, kind: ValueKind) {
        let name = cut(name);
        if name.is_empty() {
            return;
        }
        let hash = self.key.text_hash(name.as_bytes()) ^ u64::from(location as u8);
        if self.seen.contains(&hash) {
            return;
        }
        if self.shapes.len() >= self.max {
            self.over_max += 1;
            return;
        }
        self.seen.insert(hash);
        self.shapes.push(ParameterShape { location, name: CompactString::from(name), kind });
    }

    /// Notes a parameter by its decoded name.
    pub(crate) fn add_named(&mut self, location: ParameterLocation, name: &[u8], kind: ValueKind) {
        let mut spelled = CompactString::default();
        self.masked += u64::from(spell_name(name, &mut spelled));
        self.add(location, &spelled, kind);
    }
}

/// What stands for a value without a name.
pub(crate) const BARE_VALUE: &str = "[value]";

/// Whether what stands without `=` in a query or form is a value rather than a name: only words are
/// taken for flags.
pub(crate) fn is_bare_value(name: &[u8], value: Option<&[u8]>) -> bool {
    value.is_none() && lexical::shape(name) != lexical::Shape::Word
}

/// Appends a name as it may be shown: values that stand in a name's place become a class, indices in
/// brackets become `[]`, and the rest is cut. True when something had to be masked.
pub(crate) fn spell_name(name: &[u8], out: &mut CompactString) -> bool {
    // Most names are plain words, which are no values.
    if name.len() <= NAME_BYTES_MAX
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    {
        out.push_str(std::str::from_utf8(name).unwrap_or_default());
        return false;
    }
    if let Some(found) = sensitive::find(name) {
        out.push_str(found.mask());
        return true;
    }
    if let Some(label) = lexical::class_of(name).and_then(value_label) {
        out.push_str(label);
        return false;
    }
    let start = out.len();
    for chunk in name.utf8_chunks() {
        let mut text = chunk.valid();
        while let Some((before, after)) = text.split_once('[') {
            out.push_str(before);
            out.push('[');
            text = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if !text.starts_with(']') {
                text = after;
            }
        }
        out.push_str(text);
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        if out.len() - start > NAME_BYTES_MAX {
            break;
        }
    }
    let kept = cut(out.get(start..).unwrap_or_default()).len();
    out.truncate(start + kept);
    false
}

/// At most [`NAME_BYTES_MAX`] bytes of `name`, whole characters.
pub(crate) fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or(name)
}

/// What stands for a name that is a value for certain: keys of a map, mostly.
const fn value_label(class: SegmentClass) -> Option<&'static str> {
    Some(match class {
        SegmentClass::Integer => "[integer]",
        SegmentClass::Uuid => "[uuid]",
        SegmentClass::Date => "[date]",
        SegmentClass::IpAddress => "[ip]",
        SegmentClass::Hex | SegmentClass::ObjectId => "[hex]",
        SegmentClass::Token => "[token]",
        SegmentClass::Phone => "[phone]",
        SegmentClass::Coordinates => "[coordinates]",
        SegmentClass::Email => "[email]",
        SegmentClass::Jwt => "[jwt]",
        SegmentClass::CardNumber => "[card_number]",
        // `iso_3166` is as likely a name.
        SegmentClass::PrefixedId | SegmentClass::Oversized => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(name: &str) -> String {
        let mut out = CompactString::default();
        spell_name(name.as_bytes(), &mut out);
        out.into()
    }

    #[test]
    fn names_that_are_values_become_their_class() {
        for (name, expected) in [
            ("page", "page"),
            ("filter[name]", "filter[name]"),
            ("items[12][id]", "items[][id]"),
            ("iso_3166", "iso_3166"),
            ("4111111111111111", "[card_number]"),
            ("bob@example.com", "[email]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[jwt]"),
            ("550e8400-e29b-41d4-a716-446655440000", "[uuid]"),
            ("17", "[integer]"),
            ("2026-11-13", "[date]"),
        ] {
            assert_eq!(spelled(name), expected, "{name}");
        }
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        assert_eq!(spelled(&"n".repeat(100)).len(), 64);
        assert_eq!(spelled(&"\u{e9}".repeat(33)).len(), 64);
        assert_eq!(spelled(&format!("n{}", "\u{e9}".repeat(33))).len(), 63);
    }

    #[test]
    fn a_name_counts_once_per_location_and_the_cap_holds() {
        let (mut shapes, mut seen, key) = (Vec::new(), HashSet::new(), Key::fixed());
        let mut parameters = Parameters::new(&mut shapes, &mut seen, &key, 2);
        for name in ["a", "a", "b", "c", "d"] {
            parameters.add(ParameterLocation::Query, name, ValueKind::String);
        }
        assert_eq!(parameters.over_max, 2);
        assert_eq!(shapes.len(), 2);
    }
}
