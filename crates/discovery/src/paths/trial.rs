//! A place tried with a slot: are the texts below it values of one?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use compact_str::CompactString;

use super::learned::{Learned, PlaceId};
use super::raw::{NodeId, Raw};
use super::vocabulary;

/// Texts seen once, at least, for a slot where none is known.
const NEW_MIN: usize = 3;
/// Share of the requests that were for a text seen once, from which on there is a slot for certain.
const NOVELTY_MIN: f64 = 0.10;
/// The same, where the answers say that all texts are alike.
const NOVELTY_ALIKE_MIN: f64 = 0.03;
/// Texts that came in the later half of all requests, at least, and one in so many of all texts, to say
/// that texts keep coming.
const LATE_MIN: usize = 5;
const LATE_ONE_IN: usize = 5;
/// Texts from which on a set that does not grow is one slot, where the answers say that all are alike.
const CLOSED_MIN: usize = 200;
/// Share of the texts that must be alike for these two.
const ALIKE_SHARE_MIN: f64 = 0.8;
/// Words that one place has, at most.
const WORDS_MAX: f64 = 50.0;
/// So many times more new texts than words would account for, where the answers say nothing.
const SURPRISE_MIN: f64 = 2.0;
/// How much it counts against a text, at most, that it comes often, when it is answered like the others.
const POPULAR: f64 = 2.0;
/// A text is seldom when it came no more often than this, or than a multiple of the median.
const SELDOM: u64 = 3;
const SELDOM_MEDIANS: u64 = 4;
/// Share of the names of two answers that both have, from which on they are alike.
const ALIKE_MIN: f64 = 0.5;

/// A text below a place.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: CompactString,
    /// Requests for it, answered in a way that teaches.
    pub(super) taught: u64,
    /// Requests that the tree had seen when it came.
    pub(super) born: u64,
}

/// Where it is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// Requests for anything below the place.
    pub(super) taught: u64,
    /// Requests that the tree has seen.
    pub(super) now: u64,
    /// Whether there is a slot already.
    pub(super) has_slot: bool,
    /// Whether a rule or a document has one here.
    pub(super) is_told: bool,
    /// How likely a request is for a word that was never seen, at most.
    pub(super) newness: f64,
}

/// What is tried.
pub(super) struct Trial {
    texts: Vec<Text>,
    /// Those that came seldom: on trial, values.
    seldom: BTreeMap<CompactString, u64>,
    /// How many more of the texts are new than words would be.
    surprise: f64,
    novelty: Novelty,
    site: Site,
}

/// How much of what comes is new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Novelty {
    /// Much, or there is a slot already.
    Much,
    /// Some.
    Some,
    /// Nothing that came once, but the texts keep coming.
    Late,
    /// None, but there is a slot that they may belong to.
    Beside,
    /// None, but the set is large.
    Closed,
}

/// What lies below one text at one place and method of the joined tree.
#[derive(Default)]
struct Below {
    taught: u64,
    looked_into: u64,
    fields: BTreeMap<u32, u64>,
}

/// A method of a learned place; none where the tree has no such place.
type Spot = Option<(PlaceId, CompactString)>;

impl Trial {
    /// A trial, if it is worth one.
    pub(super) fn of(texts: Vec<Text>, site: Site) -> Option<Self> {
        if texts.len() < 2 && !site.has_slot {
            return None;
        }
        let mut counts: Vec<u64> = texts.iter().map(|text| text.taught).collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied()?;
        let bound = SELDOM.max(SELDOM_MEDIANS * median);
        let is_seldom =
            |text: &&Text| text.taught <= bound && !vocabulary::names_an_action(&text.name);
        let on_trial: Vec<&Text> = texts.iter().filter(is_seldom).collect();
        let (novelty, surprise) = judge(&on_trial, &site)?;
        let seldom = on_trial.iter().map(|text| (text.name.clone(), text.taught)).collect();
        Some(Self { texts, seldom, surprise, novelty, site })
    }

    /// The texts that came seldom.
    pub(super) fn seldom(&self) -> impl Iterator<Item = &CompactString> {
        self.seldom.keys()
    }

    /// Whether a text is one of them.
    pub(super) fn is_seldom(&self, text: &str) -> bool {
        self.seldom.contains_key(text)
    }

    /// Weighs every text against `joined`, in which those that came seldom were learned as one. Gives
    /// the values; none where there is no slot.
    pub(super) fn values(
        &self,
        raw: &Raw,
        learned: &Learned,
        joined: PlaceId,
        kids: &BTreeMap<CompactString, Vec<NodeId>>,
        slot: &[NodeId],
    ) -> BTreeSet<CompactString> {
        let below: Vec<BTreeMap<Spot, Below>> = self
            .texts
            .iter()
            .map(|text| {
                let members = kids.get(&text.name).map(Vec::as_slice).unwrap_or_default();
                spots(raw, learned, joined, members)
            })
            .collect();
        let mut jury = Jury { learned, support: HashMap::new(), typical: HashMap::new() };
        for (text, below) in self.texts.iter().zip(&below) {
            if self.is_seldom(&text.name) {
                jury.count(below.keys(), 1);
            }
        }
        // What a slot has that is there already needs no second text.
        jury.count(spots(raw, learned, joined, slot).keys(), 2);
        let mut values = BTreeSet::new();
        let mut alike = 0usize;
        for (text, below) in self.texts.iter().zip(&below) {
            let likeness = jury.likeness(below, if self.is_seldom(&text.name) { 2 } else { 1 });
            let mut frequency = self.frequency(text.taught);
            if likeness.is_certain {
                // What everybody asks for is a value all the same when it is answered as values are.
                frequency = frequency.max(-POPULAR);
            }
            if self.prior() + frequency + looks(&text.name) + likeness.weight > 0.0 {
                values.insert(text.name.clone());
                alike += usize::from(likeness.is_certain);
            }
        }
        let is_alike = real(alike) >= ALIKE_SHARE_MIN * real(values.len());
        let is_surprising = self.surprise >= 1.0;
        let enough = match self.novelty {
            Novelty::Much if self.site.has_slot || is_alike => is_surprising,
            Novelty::Late if is_alike => is_surprising,
            Novelty::Much | Novelty::Late => self.surprise >= SURPRISE_MIN,
            Novelty::Some => is_alike && is_surprising,
            Novelty::Beside => is_alike,
            Novelty::Closed => is_alike && values.len() >= CLOSED_MIN,
        };
        // Where a slot is told of, texts need not be many.
        let enough = enough || (self.site.is_told && is_alike);
        if enough { values } else { BTreeSet::new() }
    }

    /// What is more likely before a text is looked at.
    fn prior(&self) -> f64 {
        let others = self.texts.len() - self.seldom.len();
        ((1.0 + real(self.seldom.len())) / (1.0 + real(others))).ln().min(3.0)
    }

    /// How much more likely a value comes so often than a word: the counts of values fall off
    /// geometrically, but for a few that everybody asks for; words come at any rate.
    fn frequency(&self, taught: u64) -> f64 {
        let seldom = self.seldom.values().sum::<u64>();
        let chance = real(self.seldom.len().max(1)) / real_of(seldom.max(1));
        let taught = real_of(taught);
        let geometric = chance * (1.0 - chance).max(1e-9).powf(taught - 1.0);
        let value = geometric.max(0.02 / taught.powf(1.5));
        let word = 1.0 / (taught * (2.0 + real_of(self.site.taught)).ln());
        (value / word).ln()
    }
}

/// How new the texts on trial are, and how many more of them than words would be; none when there is
/// nothing to try.
fn judge(texts: &[&Text], site: &Site) -> Option<(Novelty, f64)> {
    let taught = texts.iter().map(|text| text.taught).sum::<u64>().max(1);
    let new: Vec<&&Text> = texts.iter().filter(|text| text.taught == 1).collect();
    // A text with a digit in it is seldom a word.
    let odd = new.iter().filter(|text| has_digit(&text.name)).count();
    let words = |requests: f64, max: f64| (requests * site.newness).min(max);
    let surprise = (real(new.len()) + real(odd) * 2.0) / words(real_of(taught), WORDS_MAX);
    let share = real(new.len()) / real_of(taught);
    let once = if site.has_slot && !new.is_empty() || new.len() >= NEW_MIN && share >= NOVELTY_MIN {
        Some((Novelty::Much, surprise))
    } else if new.len() >= NEW_MIN && share >= NOVELTY_ALIKE_MIN {
        Some((Novelty::Some, surprise))
    } else {
        None
    };
    // Who comes may come several times at once: then what counts is that they keep coming.
    let first = texts.iter().map(|text| text.born).min()?;
    let half = first.midpoint(site.now);
    let late = texts.iter().filter(|text| text.born > half).count();
    let keep = (late >= LATE_MIN && late * LATE_ONE_IN >= texts.len())
        .then(|| (Novelty::Late, real(late) / words(real_of(taught) / 2.0, WORDS_MAX / 2.0)));
    let closed = (texts.len() >= CLOSED_MIN).then_some((Novelty::Closed, 0.0));
    let beside = (site.has_slot || site.is_told).then_some((Novelty::Beside, 0.0));
    [beside, closed, once, keep]
        .into_iter()
        .flatten()
        .max_by(|left, right| left.1.total_cmp(&right.1))
}

/// What a text looks like.
fn looks(text: &str) -> f64 {
    let digits = if has_digit(text) { 1.5 } else { 0.0 };
    if vocabulary::names_an_action(text) { digits - 6.0 } else { digits }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Where what lies below some raw places comes out in the joined tree.
fn spots(
    raw: &Raw,
    learned: &Learned,
    joined: PlaceId,
    members: &[NodeId],
) -> BTreeMap<Spot, Below> {
    let mut spots = BTreeMap::<Spot, Below>::new();
    let mut todo: Vec<(NodeId, Option<PlaceId>)> =
        members.iter().map(|&member| (member, Some(joined))).collect();
    while let Some((node, place)) = todo.pop() {
        let Some(node) = raw.node(node) else { continue };
        for end in node.ends.iter().filter_map(|&end| raw.end(end)).filter(|end| end.taught > 0) {
            let known = place.filter(|&place| learned.has_method(place, &end.method));
            let below = spots.entry(known.map(|place| (place, end.method.clone()))).or_default();
            below.taught += end.taught;
            below.looked_into += end.answers;
            for &(field, count) in &end.fields {
                *below.fields.entry(field).or_default() += u64::from(count);
            }
        }
        for &kid in &node.kids {
            let label = raw.node(kid).map(|node| &node.label);
            let next = place.zip(label).and_then(|(place, label)| learned.step(place, label));
            todo.push((kid, next));
        }
    }
    spots
}

/// Whoever else is there judges whether a text is like them.
struct Jury<'a> {
    learned: &'a Learned,
    /// How many texts have something at a spot.
    support: HashMap<(PlaceId, CompactString), u32>,
    /// What most answers at a spot have.
    typical: HashMap<(PlaceId, CompactString), Vec<u32>>,
}

/// How like the others a text is.
struct Likeness {
    weight: f64,
    /// Its answers say something, and it is what the others' say.
    is_certain: bool,
}

impl Jury<'_> {
    fn count<'t>(&mut self, spots: impl Iterator<Item = &'t Spot>, weight: u32) {
        for spot in spots.flatten() {
            *self.support.entry(spot.clone()).or_default() += weight;
        }
    }

    fn likeness(&mut self, below: &BTreeMap<Spot, Below>, support_min: u32) -> Likeness {
        let (mut sum, mut taught, mut is_certain) = (0.0, 0.0, false);
        for (spot, below) in below {
            let shared = spot
                .as_ref()
                .filter(|spot| self.support.get(*spot).is_some_and(|&count| count >= support_min));
            let weight = match shared.map(|spot| self.answers(spot, below)) {
                // Nobody else has this.
                None if below.taught < 5 => -1.0,
                None => -2.0,
                Some(Some(true)) => {
                    is_certain = true;
                    3.0
                }
                Some(Some(false)) => -3.0,
                Some(None) => 0.5,
            };
            sum += weight * real_of(below.taught);
            taught += real_of(below.taught);
        }
        let spots = real(below.len().min(3));
        Likeness { weight: sum / f64::max(taught, 1.0) * spots, is_certain }
    }

    /// Whether the answers are those of the others; none when either say nothing.
    fn answers(&mut self, spot: &(PlaceId, CompactString), below: &Below) -> Option<bool> {
        let learned = self.learned;
        let theirs = self.typical.entry(spot.clone()).or_insert_with(|| {
            let answers = learned.answers(spot.0, &spot.1);
            answers.map(|answers| most(answers.looked_into, &answers.fields)).unwrap_or_default()
        });
        let ours = most(below.looked_into, &below.fields);
        if ours.is_empty() || theirs.is_empty() {
            return None;
        }
        let shared = ours.iter().filter(|field| theirs.binary_search(field).is_ok()).count();
        let all = ours.len() + theirs.len() - shared;
        Some(real(shared) >= ALIKE_MIN * real(all))
    }
}

/// The fields that at least half of the answers have.
fn most(looked_into: u64, fields: &BTreeMap<u32, u64>) -> Vec<u32> {
    fields.iter().filter(|&(_, &count)| count * 2 >= looked_into).map(|(&field, _)| field).collect()
}

pub(super) fn real(count: usize) -> f64 {
    real_of(count as u64)
}

/// Exact up to 2^53, and close enough beyond.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn real_of(count: u64) -> f64 {
    count as f64
}
