//! Words that look like values and are none, because rules say so.

use crate::lexical::{self, Shape};
use crate::path::{self, NormalPath};
use crate::rules::{HostPattern, Step, TemplateRule};
use crate::sensitive;

/// Such words of all hosts, each with the way that leads to it.
#[derive(Debug, Default)]
pub(super) struct Held {
    ways: Vec<(HostPattern, Vec<Mark>)>,
}

/// One segment on the way.
#[derive(Debug)]
enum Mark {
    /// A word as any other.
    Word(Box<[u8]>),
    /// A word that looks like a value.
    Held(Box<[u8]>),
    Slot,
}

/// By the number of their bits, the segments of a path that are held.
pub(super) type HeldSet = u32;

impl Held {
    /// The words of rules that need to be held.
    pub(super) fn new(rules: &[TemplateRule]) -> Self {
        let ways = rules.iter().map(|rule| (rule.host.clone(), marks(&rule.path.steps)));
        Self { ways: ways.filter(|(_, marks)| marks.iter().any(Mark::is_held)).collect() }
    }

    /// Which segments of a path are words although they look like values. Depends on the host and on
    /// what leads to each of them alone.
    pub(super) fn of(&self, host: &str, path: &NormalPath) -> HeldSet {
        let mut held = 0;
        for (_, way) in self.ways.iter().filter(|(pattern, _)| pattern.is_of(host)) {
            for (place, (mark, segment)) in way.iter().zip(path.segments()).enumerate() {
                match mark {
                    Mark::Slot => {}
                    Mark::Word(word) if **word == *segment => {}
                    Mark::Held(word) if **word == *segment => held |= 1 << place,
                    Mark::Word(_) | Mark::Held(_) => break,
                }
            }
        }
        held
    }
}

impl Mark {
    const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

fn marks(steps: &[Step]) -> Vec<Mark> {
    let mark = |step: &Step| match step {
        Step::Slot { .. } => Mark::Slot,
        Step::Word(word) if is_like_a_value(word.as_bytes()) => Mark::Held(word.as_bytes().into()),
        Step::Word(word) => Mark::Word(word.as_bytes().into()),
    };
    steps.iter().map(mark).collect()
}

/// Whether a segment would be taken for a value, were it not held.
pub(crate) fn is_like_a_value(word: &[u8]) -> bool {
    let mut scratch = Vec::new();
    let meant = path::decode(word, &mut scratch);
    matches!(lexical::shape(meant), Shape::Value(..))
        || word.len() > super::WEAK_BYTES_MAX
        || sensitive::find(meant).is_some()
}
