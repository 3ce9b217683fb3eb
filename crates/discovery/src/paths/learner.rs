//! Tells values from words: which texts below one place are values of one slot.
//!
//! A set of words is closed: sooner or later all have come, and come again. Values keep coming that
//! were never seen before (the mass that Good and Turing gave to what is unseen), what follows them is
//! alike, and so are the answers. So each place is tried with a slot: all that came seldom below it is
//! joined and learned as one, and every text is weighed against that.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::learned::{Learned, PlaceId};
use super::raw::{Label, NodeId, Raw};
use super::trial::{Site, Text, Trial, real, real_of};
use crate::rules::{RuleTree, Stop};

/// Trials within trials walk the same places again: so many times the tree may be walked in all.
const WALKS_MAX: usize = 48;

/// A text that came so often, and once more in so many requests, is one of the API's words, or a
/// popular value.
const WORD_TAUGHT_MIN: u64 = 3;
const WORD_ONE_IN: u64 = 2_000;
/// Words that an API has before anything is known of it.
const WORDS_EXPECTED: f64 = 40.0;

/// Learns the whole tree. What `rules` call a word is one; what they call a slot is one, too, or, where
/// they speak of whole paths only, is likelier to be.
pub(super) fn learn(raw: &Raw, rules: &RuleTree) -> Learned {
    let mut learned = Learned::default();
    let root = learned.add(raw, vec![Raw::ROOT]);
    let walks_left = raw.places().saturating_mul(WALKS_MAX);
    let mut learner = Learner { raw, rules, learned, newness: newness(raw), walks_left };
    learner.grow(root, &RuleTree::start());
    learner.learned
}

struct Learner<'a> {
    raw: &'a Raw,
    rules: &'a RuleTree,
    learned: Learned,
    /// How likely a request is for a word that was never seen, at most.
    newness: f64,
    /// Raw places that may still be walked over.
    walks_left: usize,
}

/// Raw places by the text, or by the suffix of the slot, that leads to them.
type Kids = BTreeMap<CompactString, Vec<NodeId>>;

impl Learner<'_> {
    /// Learns what lies below a place, to which the patterns of rules have led as far as `stops`.
    fn grow(&mut self, place: PlaceId, stops: &[Stop]) {
        let (mut texts, mut slots) = self.kids(place);
        self.obey(place, stops, &mut texts, &mut slots);
        for suffix in suffixes(&texts) {
            self.find_slot(place, stops, &suffix, &mut texts, &mut slots);
        }
        self.find_slot(place, stops, "", &mut texts, &mut slots);
        // What is left is what it is.
        for (suffix, members) in slots {
            let slot = self.learned.add_slot(self.raw, members, &suffix);
            let stops = self.rules.pass_slot(stops, &suffix);
            self.learned.hang(place, Label::Slot(suffix), slot);
            self.grow(slot, &stops);
        }
        for (text, members) in texts {
            self.add_word(place, stops, text, members);
        }
    }

    /// Takes out what rules call a word or a slot.
    fn obey(&mut self, place: PlaceId, stops: &[Stop], texts: &mut Kids, slots: &mut Kids) {
        if stops.is_empty() {
            return;
        }
        let (words, rest) = std::mem::take(texts)
            .into_iter()
            .partition(|(text, _)| self.rules.is_word(stops, text));
        *texts = rest;
        let words: Kids = words;
        for (text, members) in words {
            self.add_word(place, stops, text, members);
        }
        for suffix in self.rules.forced(stops) {
            let slot = slots.remove(&suffix).unwrap_or_default();
            let (values, rest): (Kids, Kids) = std::mem::take(texts)
                .into_iter()
                .partition(|(text, _)| text.len() > suffix.len() && text.ends_with(&*suffix));
            *texts = rest;
            if !values.is_empty() || !slot.is_empty() {
                let joined = self.join(values.keys(), stops, &values, &slot, &suffix);
                self.learned.hang(place, Label::Slot(suffix), joined);
            }
        }
    }

    fn add_word(
        &mut self,
        place: PlaceId,
        stops: &[Stop],
        text: CompactString,
        members: Vec<NodeId>,
    ) {
        let kid = self.learned.add(self.raw, members);
        let stops = self.rules.pass_word(stops, &text);
        self.learned.hang(place, Label::Text(text), kid);
        self.grow(kid, &stops);
    }

    /// The raw places below a learned one.
    fn kids(&mut self, place: PlaceId) -> (Kids, Kids) {
        let (mut texts, mut slots) = (Kids::new(), Kids::new());
        let members = self.learned.place(place).map(|place| &*place.members).unwrap_or_default();
        for node in members.iter().filter_map(|&member| self.raw.node(member)) {
            self.walks_left = self.walks_left.saturating_sub(1 + node.kids.len());
            for &kid in &node.kids {
                let (kids, text) = match self.raw.node(kid).map(|node| &node.label) {
                    Some(Label::Text(text)) => (&mut texts, text),
                    Some(Label::Slot(suffix)) => (&mut slots, suffix),
                    None => continue,
                };
                kids.entry(text.clone()).or_default().push(kid);
            }
        }
        (texts, slots)
    }

    /// Joins the texts with this suffix that are values of one slot, if they are.
    fn find_slot(
        &mut self,
        place: PlaceId,
        stops: &[Stop],
        suffix: &str,
        texts: &mut Kids,
        slots: &mut Kids,
    ) {
        let slot = slots.get(suffix).cloned().unwrap_or_default();
        let considered: Vec<Text> = texts
            .iter()
            .filter(|(text, _)| !text.is_empty() && has_suffix(text, suffix))
            .map(|(text, members)| Text {
                name: text.clone(),
                taught: self.raw.taught(members),
                born: self.raw.born(members),
            })
            .filter(|text| text.taught > 0)
            .collect();
        let site = Site {
            taught: self.learned.taught(self.raw, place),
            now: self.raw.taught_in_all(),
            has_slot: !slot.is_empty(),
            is_told: self.rules.has_slot(stops, suffix),
            newness: self.newness,
        };
        let Some(trial) = Trial::of(considered, site) else { return };
        if self.walks_left == 0 {
            return;
        }
        let joined = self.join(trial.seldom(), stops, texts, &slot, suffix);
        let values = trial.values(self.raw, &self.learned, joined, texts, &slot);
        if values.is_empty() {
            return;
        }
        let is_whole = trial.seldom().all(|text| values.contains(text));
        let (seldom, often): (BTreeSet<_>, BTreeSet<_>) =
            values.into_iter().partition(|text| trial.is_seldom(text));
        // What was joined wrongly must leave nothing behind.
        let joined =
            if is_whole { joined } else { self.join(seldom.iter(), stops, texts, &slot, suffix) };
        for text in &often {
            for member in texts.get(text).cloned().unwrap_or_default() {
                self.learned.pour(self.raw, joined, member);
            }
        }
        texts.retain(|text, _| !seldom.contains(text) && !often.contains(text));
        slots.remove(suffix);
        self.learned.hang(place, Label::Slot(suffix.into()), joined);
    }

    /// Learns some texts and a slot that is there already as one slot.
    fn join<'t>(
        &mut self,
        names: impl Iterator<Item = &'t CompactString>,
        stops: &[Stop],
        texts: &Kids,
        slot: &[NodeId],
        suffix: &str,
    ) -> PlaceId {
        let mut members = slot.to_vec();
        members.extend(names.filter_map(|name| texts.get(name)).flatten());
        let joined = self.learned.add_slot(self.raw, members, suffix);
        let stops = self.rules.pass_slot(stops, suffix);
        self.grow(joined, &stops);
        joined
    }
}

/// How likely a request is for a word that was never seen, at most: the API has the words that came
/// again and again, and perhaps some more.
fn newness(raw: &Raw) -> f64 {
    let mut counts = BTreeMap::<&str, u64>::new();
    for node in raw.nodes() {
        if let Label::Text(text) = &node.label {
            *counts.entry(text).or_default() += node.taught;
        }
    }
    let often = WORD_TAUGHT_MIN + raw.taught_in_all() / WORD_ONE_IN;
    let words = counts.values().filter(|&&taught| taught >= often).count();
    (real(words) + WORDS_EXPECTED) / (real_of(raw.taught_in_all()) + WORDS_EXPECTED / 2.0)
}

/// What stands behind more than one of the texts and may stay visible behind a slot.
fn suffixes(texts: &Kids) -> Vec<CompactString> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for text in texts.keys() {
        if let Some(suffix) = crate::lexical::suffix_of(text) {
            *counts.entry(suffix).or_default() += 1;
        }
    }
    counts.into_iter().filter(|&(_, count)| count > 1).map(|(suffix, _)| suffix.into()).collect()
}

fn has_suffix(text: &str, suffix: &str) -> bool {
    suffix.is_empty() || crate::lexical::suffix_of(text) == Some(suffix)
}
