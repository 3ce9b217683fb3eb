//! Text from traffic, made fit to be read.
//!
//! Escaping is the templates' care. Here is what escaping does not help against: characters that
//! are not seen, or that change the order in which others are read, and names without end.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters of a name in a list.
pub(crate) const LISTED_MAX: usize = 160;
/// Characters of a name on its own page.
pub(crate) const ALONE_MAX: usize = 2_000;

/// `text` with its invisible and reordering characters spelled out, cut to `chars_max` characters.
pub(crate) fn shown(text: &str, chars_max: usize) -> Cow<'_, str> {
    let is_short = text.len() <= chars_max;
    if is_short && !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for (place, character) in text.chars().enumerate() {
        if place >= chars_max {
            out.push('…');
            break;
        }
        if is_deceptive(character) {
            // Writing to a string cannot fail; should it, the character is left out.
            if write!(out, "⟨U+{:04X}⟩", u32::from(character)).is_err() {
                break;
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those of Unicode that are invisible or set the reading direction
/// (UAX #9, and the default-ignorable ones of UTS #39).
const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reordering_and_invisible_characters_are_spelled_out() {
        assert_eq!(shown("a\u{202e}b\u{200b}\n", 99), "a⟨U+202E⟩b⟨U+200B⟩⟨U+000A⟩");
        assert_eq!(shown("/straße/日本", 99), "/straße/日本");
    }

    #[test]
    fn long_names_are_cut() {
        let cut = shown(&"é".repeat(10_000), 160).into_owned();
        assert_eq!(cut.chars().count(), 161);
        assert!(cut.ends_with('…'));
        assert_eq!(shown("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn nothing_shown_is_deceptive_or_endless(text: String, max in 0usize..50) {
            let out = shown(&text, max);
            prop_assert!(!out.chars().any(is_deceptive));
            prop_assert!(out.chars().count() <= max * 10 + 1);
        }
    }
}
