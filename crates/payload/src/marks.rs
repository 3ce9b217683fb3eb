//! What attacks are written with, as patterns over a text in lower case whose white space is a single
//! space or line end: for each family the words without which it is not there, and the rules.

mod code;
mod command;
mod path;
mod script;

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{RegexSet, RegexSetBuilder};
use tapline_model::Attack;

/// A pattern, and how plain it is, 1 to 10.
pub(crate) type Rule = (&'static str, u8);

/// Patterns that share what they need.
pub(crate) struct Family {
    /// What they tell of.
    attack: Attack,
    /// One of these is in every text that a rule fits. In lower case.
    hints: &'static [&'static str],
    rules: &'static [Rule],
}

/// Every family.
const FAMILIES: &[&Family] = &[
    &script::CALLS,
    &script::BREAKS,
    &path::WALKS,
    &path::FILES,
    &command::SHELL,
    &command::WORDS,
    &code::TEMPLATE,
    &code::NOSQL,
    &code::LDAP,
    &code::XXE,
    &code::INCLUDE,
    &code::HEADER,
    &code::PHP,
    &code::JAVA,
    &code::SCRIPTED,
    &code::OBJECT,
    &code::SCANNER,
    &code::SQL,
];

/// The bit of the family that lets a text be read as SQL.
pub(crate) const SQL: u32 = 1 << (FAMILIES.len() - 1);

/// Cache of the automata of one family, in bytes.
const CACHE_BYTES_MAX: usize = 4 << 20;

static COMPILED: LazyLock<Marks> = LazyLock::new(Marks::new);

/// All families, compiled.
struct Marks {
    hints: Option<AhoCorasick>,
    /// The family of each hint.
    family_of: Vec<usize>,
    /// By family, compiled when a text is first hinted to be of it: most never are.
    rules: [OnceLock<Option<RegexSet>>; FAMILIES.len()],
}

impl Marks {
    fn new() -> Self {
        let hints = FAMILIES
            .iter()
            .enumerate()
            .flat_map(|(index, family)| family.hints.iter().map(move |hint| (*hint, index)));
        let (texts, family_of): (Vec<&str>, Vec<usize>) = hints.unzip();
        // Little is looked at that closely: what a faster one costs to build is never made good.
        let hints = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(texts);
        debug_assert!(hints.is_ok(), "the words are constants");
        Self { rules: [const { OnceLock::new() }; FAMILIES.len()], hints: hints.ok(), family_of }
    }

    /// The rules of a family; none when they could not be compiled, which does not happen.
    fn rules(&self, index: usize) -> Option<&RegexSet> {
        let family = FAMILIES.get(index)?;
        let compile = || {
            let patterns = family.rules.iter().map(|(pattern, _)| format!("(?s-u){pattern}"));
            let compiled = RegexSetBuilder::new(patterns)
                .unicode(false)
                .dfa_size_limit(CACHE_BYTES_MAX)
                .build();
            debug_assert!(compiled.is_ok(), "the patterns are constants: {compiled:?}");
            compiled.ok()
        };
        self.rules.get(index)?.get_or_init(compile).as_ref()
    }
}

/// Families whose every rule needs a sign that no plain document has: a quote, an equals sign, a
/// bracket, a line end within a text.
const SIGNED: &[&Family] = &[
    &script::BREAKS,
    &command::SHELL,
    &code::TEMPLATE,
    &code::LDAP,
    &code::XXE,
    &code::INCLUDE,
    &code::HEADER,
];

static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let hints = wordy_hints();
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(hints)
        .ok()
});

/// The hints that a plain document may have, of the families that can be told by words alone.
pub(crate) fn wordy_hints() -> impl Iterator<Item = &'static str> {
    let is_signed = |family: &Family| SIGNED.iter().any(|signed| signed.hints == family.hints);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _@.,:+-".contains(&byte);
    FAMILIES
        .iter()
        .filter(move |family| !is_signed(family))
        .flat_map(|family| family.hints.iter().copied())
        .filter(move |hint| hint.bytes().all(is_plain))
}

/// Whether a plain document, in any case, has a word that an attack without signs needs.
pub(crate) fn has_word(document: &[u8]) -> bool {
    WORDS.as_ref().is_none_or(|words| words.is_match(document))
}

/// The families that a text may belong to, one bit each.
pub(crate) fn hints(text: &[u8]) -> u32 {
    let marks = &*COMPILED;
    let Some(automaton) = &marks.hints else { return 0 };
    let mut found = 0_u32;
    for hit in automaton.find_overlapping_iter(text) {
        let family = marks.family_of.get(hit.pattern().as_usize()).copied().unwrap_or(0);
        found |= 1 << family;
    }
    found
}

/// Calls `found` with each attack that a text shows and how plainly, of the families in `hinted`.
pub(crate) fn score(text: &[u8], hinted: u32, found: &mut impl FnMut(Attack, u8)) {
    for (index, family) in FAMILIES.iter().enumerate() {
        if hinted & 1 << index == 0 {
            continue;
        }
        let Some(rules) = COMPILED.rules(index) else { continue };
        let matched = rules.matches(text);
        let scores = matched.iter().filter_map(|rule| family.rules.get(rule));
        if let Some(most) = scores.map(|(_, score)| *score).max() {
            found(family.attack, most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_families_have_a_bit() {
        assert!(COMPILED.hints.is_some());
        assert!((0..FAMILIES.len()).all(|index| COMPILED.rules(index).is_some()));
        assert!(FAMILIES.len() <= 32);
    }

    #[test]
    fn hints_are_in_lower_case() {
        for family in FAMILIES {
            for hint in family.hints {
                assert_eq!(*hint, hint.to_lowercase());
            }
        }
    }
}
