//! Why a template is what it is.

use smallvec::SmallVec;
use tapline_model::{RouteName, SegmentReason, TemplateSegment};

use super::Tree;
use super::figures::Figures;
use super::learned::{Learned, Place};
use super::raw::Label;
use crate::rules::RuleTree;

/// What a segment is known from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) is_slot: bool,
    /// In the order of their declaration.
    pub(crate) why: SmallVec<[SegmentReason; 2]>,
    /// Of a slot: what was joined; of a word: all words in its place.
    pub(crate) figures: Figures,
}

impl Evidence {
    /// See [`tapline_model::SegmentView::confidence`].
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and close enough beyond")]
    pub(crate) fn confidence(&self) -> f64 {
        let Figures { texts, once, requests, by_form } = self.figures;
        if self.why.contains(&SegmentReason::Rule) {
            1.0
        } else if self.is_slot {
            let values = (texts + by_form) as f64;
            (values + 1.0) / (values + 2.0)
        } else {
            1.0 - (once as f64 + 1.0) / (requests as f64 + 2.0)
        }
    }
}

impl Tree {
    /// What each segment of a route is known from.
    pub(super) fn evidence(&self, name: &RouteName) -> Vec<Evidence> {
        let ruled = self.rules.find(&name.method, &name.template);
        let ruled = ruled.map(|ruled| ruled.segments).unwrap_or_default();
        let mut place = self.learned.place(Learned::ROOT);
        let mut stops = RuleTree::start();
        let mut evidence = Vec::new();
        for (depth, segment) in name.template.segments.iter().enumerate() {
            let label = Label::of(segment);
            let next = place.and_then(|place| self.learned.below(place, &label));
            let suffix = match segment {
                _ if next.is_some() => next.and_then(Place::suffix),
                TemplateSegment::Parameter(_, suffix) => Some(suffix),
                _ => None,
            };
            let is_told = match (suffix, &label) {
                (Some(suffix), _) => self.rules.has_slot(&stops, suffix),
                (None, Label::Text(text)) => self.rules.is_word(&stops, text),
                (None, Label::Slot(_)) => false,
            };
            let said = ruled.get(depth);
            let is_slot = said.map_or(suffix.is_some(), is_parameter);
            let figures = match (is_slot, suffix) {
                (true, Some(_)) => next.map(Place::values),
                // What only a rule joins is apart in the tree.
                (true, None) => None,
                (false, _) => place.map(Place::words),
            };
            let figures = figures.unwrap_or_default();
            let why = [
                (SegmentReason::Rule, said.is_some()),
                (SegmentReason::Hint, said.is_none() && is_told),
                (SegmentReason::Form, is_slot && (figures.by_form > 0 || is_parameter(segment))),
                (SegmentReason::Novelty, is_slot && figures.texts > 0),
                (SegmentReason::Text, !is_slot && said.is_none()),
            ];
            let why = why.into_iter().filter(|(_, holds)| *holds).map(|(reason, _)| reason);
            evidence.push(Evidence { is_slot, why: why.collect(), figures });
            stops = match (suffix, &label) {
                (Some(suffix), _) => self.rules.pass_slot(&stops, suffix),
                (None, Label::Text(text) | Label::Slot(text)) => self.rules.pass_word(&stops, text),
            };
            place = next;
        }
        evidence
    }
}

const fn is_parameter(segment: &TemplateSegment) -> bool {
    matches!(segment, TemplateSegment::Parameter(..))
}
