//! Names from traffic, made fit to be read: hostile text must not change how a line reads.

use std::fmt::Write;

/// Characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 200;

/// `text` with characters that are invisible or change the reading direction spelled out, cut to
/// [`NAME_CHARS_MAX`] characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, character) in text.chars().enumerate() {
        if place >= NAME_CHARS_MAX {
            out.push('…');
            break;
        }
        if is_deceptive(character) {
            // Writing to a string cannot fail.
            write!(out, "⟨U+{:04X}⟩", u32::from(character)).unwrap_or_default();
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters and those that are invisible or set the reading direction (UAX #9).
const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text for markup: the five characters that mean something there.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_deceives() {
        assert_eq!(shown("a\u{202e}b\n"), "a⟨U+202E⟩b⟨U+000A⟩");
        assert_eq!(shown(&"x".repeat(999)).chars().count(), NAME_CHARS_MAX + 1);
        assert_eq!(escaped("<a b='\"&"), "&lt;a b=&#39;&quot;&amp;");
    }
}
