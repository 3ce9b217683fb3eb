//! What each route of an endpoint has seen by itself, so that an endpoint can be parted again.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use tapline_model::{RouteDelta, RouteKey, RouteName, Template, TemplateSegment};

use super::endpoint::join_bounded;

/// Routes of one endpoint that are told apart; of those with the fewest requests the
/// one longest unseen is told apart by one of its words at most.
const PARTS_MAX: usize = 64;
/// Words by which those are.
const WORDS_MAX: usize = 32;

/// By which segment routes are told apart that are not told apart by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Unknown,
    Nowhere,
    At(usize),
}

/// The parts of an endpoint that several routes lead to; nothing while it has one route.
#[derive(Debug, Default)]
pub(super) struct Parts {
    by_route: BTreeMap<RouteKey, RouteDelta>,
    place: Place,
    /// What can be told apart by the text at that place alone: the one by which an endpoint is parted
    /// is likely to be the one with the fewest texts.
    by_word: BTreeMap<CompactString, RouteDelta>,
    /// What can no longer be told apart.
    rest: Option<Box<RouteDelta>>,
}

impl Parts {
    /// Adds what a route saw.
    pub(super) fn absorb(&mut self, route: RouteKey, seen: &RouteDelta, parameters_max: usize) {
        if let Some(part) = self.by_route.get_mut(&route) {
            join_bounded(part, seen, parameters_max);
        } else {
            self.add_nameless(seen, parameters_max);
        }
    }

    /// Adds a route with all that it has seen.
    pub(super) fn insert(&mut self, route: RouteKey, seen: RouteDelta, parameters_max: usize) {
        self.by_route.insert(route, seen);
        if self.by_route.len() <= PARTS_MAX {
            return;
        }
        if self.place == Place::Unknown {
            self.place = self.place_of_words();
        }
        let least = self
            .by_route
            .iter()
            .min_by_key(|(route, part)| (part.requests, part.last_seen, **route));
        let Some(part) =
            least.map(|(&route, _)| route).and_then(|route| self.by_route.remove(&route))
        else {
            return;
        };
        self.add_nameless(&part, parameters_max);
    }

    /// Takes a route out that gets another template, with what is known of it: with all that shares
    /// its word, if that is what it is parted by.
    pub(super) fn remove(
        &mut self,
        route: RouteKey,
        name: &RouteName,
        template: &Template,
        parameters_max: usize,
    ) -> Option<RouteDelta> {
        let own = self.by_route.remove(&route);
        let shared = match self.place {
            Place::At(place) if text_at(template, place).is_some() => {
                text_at(&name.template, place).and_then(|text| self.by_word.remove(text))
            }
            _ => None,
        };
        match (own, shared) {
            (Some(mut own), Some(shared)) => {
                join_bounded(&mut own, &shared, parameters_max);
                Some(own)
            }
            (own, shared) => own.or(shared),
        }
    }

    /// Whether there is something.
    pub(super) fn is_empty(&self) -> bool {
        self.by_route.is_empty() && self.by_word.is_empty() && self.rest.is_none()
    }

    /// All of it, joined.
    pub(super) fn joined(&self, parameters_max: usize) -> Option<RouteDelta> {
        let by_name = self.by_route.values().chain(self.by_word.values());
        let mut parts = by_name.chain(self.rest.as_deref());
        let mut joined = parts.next()?.clone();
        for part in parts {
            join_bounded(&mut joined, part, parameters_max);
        }
        Some(joined)
    }

    /// Adds what belongs to no route that is told apart.
    fn add_nameless(&mut self, part: &RouteDelta, parameters_max: usize) {
        let word = match self.place {
            Place::At(place) => text_at(&part.name.template, place),
            _ => None,
        };
        if let Some(known) = word.and_then(|word| self.by_word.get_mut(word)) {
            join_bounded(known, part, parameters_max);
        } else if let Some(word) = word.filter(|_| self.by_word.len() < WORDS_MAX) {
            self.by_word.insert(word.clone(), part.clone());
        } else if let Some(rest) = &mut self.rest {
            join_bounded(rest, part, parameters_max);
        } else {
            self.rest = Some(Box::new(part.clone()));
        }
    }

    /// Where the routes have the fewest different texts, but more than one.
    fn place_of_words(&self) -> Place {
        let names = || self.by_route.values().map(|part| &part.name.template);
        let places = names().map(|template| template.segments.len()).max().unwrap_or_default();
        let texts = (0..places).filter_map(|place| {
            let texts: BTreeSet<_> = names().map(|template| text_at(template, place)).collect();
            (2..=WORDS_MAX).contains(&texts.len()).then_some((texts.len(), place))
        });
        texts.min().map_or(Place::Nowhere, |(_, place)| Place::At(place))
    }
}

/// The text of a segment; none of a slot.
fn text_at(template: &Template, place: usize) -> Option<&CompactString> {
    match template.segments.get(place)? {
        TemplateSegment::Word(text) | TemplateSegment::Weak(text) => Some(text),
        TemplateSegment::Parameter(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tapline_model::SegmentClass;

    use super::*;

    fn part(requests: u64) -> RouteDelta {
        RouteDelta { requests, ..RouteDelta::new(Arc::default()) }
    }

    fn template(segments: &[&str]) -> Template {
        let slot = || TemplateSegment::Parameter(SegmentClass::Integer, CompactString::default());
        let segment = |text: &&str| match *text {
            "{}" => slot(),
            text => TemplateSegment::Weak(text.into()),
        };
        Template { segments: segments.iter().map(segment).collect(), trailing_slash: false }
    }

    /// A request of a card, of some of its things, by their ids.
    fn of_card(card: &str, what: &str, id: &str) -> RouteDelta {
        let name =
            RouteName { template: template(&["cards", card, what, id]), ..RouteName::default() };
        RouteDelta { requests: 1, ..RouteDelta::new(Arc::new(name)) }
    }

    #[test]
    fn the_least_are_joined_for_good_and_nothing_is_lost() {
        let mut parts = Parts::default();
        for route in 1..=70 {
            parts.insert(RouteKey(route), part(route), 10);
        }
        let all = Template::default();
        let remove = |parts: &mut Parts, route| {
            parts.remove(RouteKey(route), &RouteName::default(), &all, 10)
        };
        assert_eq!(parts.by_route.len(), PARTS_MAX);
        assert_eq!(parts.joined(10).unwrap().requests, 2_485);
        assert!(remove(&mut parts, 1).is_none());
        assert_eq!(remove(&mut parts, 70).unwrap().requests, 70);
        parts.absorb(RouteKey(70), &part(5), 10);
        assert_eq!(parts.joined(10).unwrap().requests, 2_420);
    }

    #[test]
    fn what_is_parted_by_a_word_takes_along_all_that_had_it() {
        let mut parts = Parts::default();
        let words = ["labels", "labels", "stickers"];
        for at in 0..600_u64 {
            let what = words[usize::try_from(at % 3).unwrap()];
            let seen = of_card(&format!("card{at}"), what, &format!("id{at}"));
            parts.insert(RouteKey(at), seen, 10);
        }
        let (slot, stickers) =
            (template(&["cards", "{}", "{}", "{}"]), template(&["cards", "{}", "stickers", "{}"]));
        let name = of_card("card2", "stickers", "id2").name;
        // Elsewhere, it is no matter of words.
        assert!(parts.remove(RouteKey(2), &name, &slot, 10).is_none());
        let mut taken = 0;
        for at in (2..600).step_by(3) {
            let name = of_card(&format!("card{at}"), "stickers", &format!("id{at}")).name;
            let part = parts.remove(RouteKey(at), &name, &stickers, 10);
            taken += part.map_or(0, |part| part.requests);
        }
        assert_eq!((taken, parts.joined(10).unwrap().requests), (200, 400));
    }

    #[test]
    fn words_are_few() {
        let mut parts = Parts::default();
        for at in 0..600_u64 {
            // The words are few at first.
            let what = if at < 100 { at % 2 } else { at };
            let seen = of_card("c", &format!("what{what}"), &format!("id{at}"));
            parts.insert(RouteKey(at), seen, 10);
        }
        assert_eq!(parts.by_word.len(), WORDS_MAX);
        assert_eq!(parts.joined(10).unwrap().requests, 600);
    }
}
