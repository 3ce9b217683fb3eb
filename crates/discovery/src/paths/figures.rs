//! What a learned tree was made from, in numbers.

use std::collections::BTreeMap;

use super::learned::{Learned, PlaceId};
use super::raw::{Label, NodeId, Raw};

/// Texts in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Different ones.
    pub(crate) texts: u64,
    /// Of those, that came once.
    pub(crate) once: u64,
    /// Requests for them, answered in a way that teaches.
    pub(crate) requests: u64,
    /// The same for what is a value for certain.
    pub(crate) by_form: u64,
}

impl Figures {
    /// Of raw places that one learned place stands for.
    pub(super) fn of_values(raw: &Raw, members: &[NodeId]) -> Self {
        let mut taught: BTreeMap<&str, u64> = BTreeMap::new();
        let mut by_form = 0;
        for node in members.iter().filter_map(|&member| raw.node(member)) {
            match &node.label {
                Label::Text(text) => *taught.entry(text).or_default() += node.taught,
                Label::Slot(_) => by_form += node.taught,
            }
        }
        Self { by_form, ..Self::of(taught.into_values()) }
    }

    /// Of texts by how often each came; those that taught nothing are none.
    fn of(taught: impl Iterator<Item = u64>) -> Self {
        let mut figures = Self::default();
        for taught in taught.filter(|&taught| taught > 0) {
            figures.texts += 1;
            figures.once += u64::from(taught == 1);
            figures.requests += taught;
        }
        figures
    }
}

impl Learned {
    /// Counts what every place stands for, and the words below it, once all is learned.
    pub(super) fn count(&mut self, raw: &Raw) {
        let mut todo = vec![Self::ROOT];
        while let Some(id) = todo.pop() {
            let Some(place) = self.place(id) else { continue };
            let values = place.suffix().map(|_| Figures::of_values(raw, &place.members));
            let words = place
                .kids()
                .filter(|(label, _)| matches!(label, Label::Text(text) if !text.is_empty()));
            let taught = |kid: PlaceId| self.taught(raw, kid);
            let words = Figures::of(words.map(|(_, kid)| taught(kid)));
            todo.extend(place.kids().map(|(_, kid)| kid));
            self.set_figures(id, values.unwrap_or_default(), words);
        }
    }
}
