//! How the name of a parameter may be shown.

use compact_str::CompactString;
use tapline_model::SegmentClass;

use crate::{lexical, sensitive};

/// Bytes of a parameter's name.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// What stands for a value without a name.
pub(crate) const BARE_VALUE: &str = "[value]";

/// Whether what stands without `=` in a query or form is a value rather than a name: only words are
/// taken for flags.
pub(crate) fn is_bare_value(name: &[u8], value: Option<&[u8]>) -> bool {
    value.is_none() && lexical::shape(name) != lexical::Shape::Word
}

/// What stood in a name's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelled {
    /// A name.
    Name,
    /// A value, as in the keys of a map.
    Value(SegmentClass),
    /// A value that must not be shown anywhere.
    Secret(SegmentClass),
}

/// Appends a name as it may be shown: values that stand in a name's place become a class, indices in
/// brackets become `[]`, and the rest is cut.
pub(crate) fn spell_name(name: &[u8], out: &mut CompactString) -> Spelled {
    // Most names are plain words, which are no values.
    if name.len() <= NAME_BYTES_MAX
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    {
        out.push_str(std::str::from_utf8(name).unwrap_or_default());
        return Spelled::Name;
    }
    if let Some(found) = sensitive::find(name) {
        out.push_str(found.mask());
        return Spelled::Secret(found.class());
    }
    if let Some(class) = lexical::class_of(name)
        && let Some(label) = value_label(class)
    {
        out.push_str(label);
        return Spelled::Value(class);
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
    Spelled::Name
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
        SegmentClass::PrefixedId | SegmentClass::Text | SegmentClass::Oversized => return None,
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
}
