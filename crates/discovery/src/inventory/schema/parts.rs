//! What the documents of each route of an endpoint look like by themselves, so that an endpoint can be
//! parted again without leaving fields of one behind in another.

use std::collections::BTreeMap;

use tapline_model::{EndpointId, Key, RouteDelta, RouteKey};

use super::{Room, Schemas};

/// Routes of one endpoint whose documents are told apart. Words that were taken for values come often,
/// values do not; of those with the fewest documents the one longest unseen is joined for good.
const PARTS_MAX: usize = 16;

/// The schemas of an endpoint that several routes lead to, by route.
#[derive(Debug, Default)]
pub(crate) struct SchemaParts {
    by_route: BTreeMap<RouteKey, Told>,
    /// What can no longer be told apart.
    rest: Schemas,
    /// Where the routes have gone that were not told apart.
    heirs: Heirs,
}

/// The schemas of one route.
#[derive(Debug)]
struct Told {
    schemas: Schemas,
    /// When something came last, in deltas.
    touched: u64,
}

/// Who gets what can no longer be told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Heirs {
    #[default]
    None,
    One(EndpointId),
    /// It belongs to several, and nobody knows what to whom.
    Several,
}

impl SchemaParts {
    /// Fields of all parts.
    pub(crate) fn len(&self) -> usize {
        self.by_route.values().map(|told| told.schemas.len()).sum::<usize>() + self.rest.len()
    }

    /// Adds the documents of a route so far.
    pub(crate) fn insert(&mut self, route: RouteKey, schemas: &Schemas, now: u64, key: &Key) {
        if schemas.looked_into() > 0 {
            self.told(route, now, key).schemas.join(schemas, Room::ANY, key);
        }
    }

    /// Adds documents of which nobody knows the route.
    pub(crate) fn add_to_rest(&mut self, schemas: &Schemas, key: &Key) {
        self.rest.join(schemas, Room::ANY, key);
    }

    /// Adds what one epoch brought; false when it found no room.
    pub(crate) fn absorb(
        &mut self,
        route: RouteKey,
        seen: &RouteDelta,
        room: Room,
        now: u64,
        key: &Key,
    ) -> bool {
        self.told(route, now, key).schemas.absorb(seen, room, None, key) == seen.left_out
    }

    /// Takes a route out that goes to an endpoint, with what is known of it alone.
    pub(crate) fn remove(&mut self, route: RouteKey, heir: EndpointId) -> Option<Schemas> {
        let told = self.by_route.remove(&route);
        if told.is_none() {
            self.heirs = match self.heirs {
                Heirs::None => Heirs::One(heir),
                one if one == Heirs::One(heir) => one,
                _ => Heirs::Several,
            };
        }
        told.map(|told| told.schemas)
    }

    /// What is left when all routes have gone, and to whom it goes; none if it belongs to several.
    pub(crate) fn into_rest(self) -> Option<(EndpointId, Schemas)> {
        match self.heirs {
            Heirs::One(heir) => Some((heir, self.rest)),
            Heirs::None | Heirs::Several => None,
        }
    }

    /// All of it, joined.
    pub(crate) fn joined(&self, key: &Key) -> Schemas {
        let mut joined = self.rest.clone();
        for told in self.by_route.values() {
            joined.join(&told.schemas, Room::ANY, key);
        }
        joined
    }

    /// What is known of a route by itself, from now on if nothing was.
    fn told(&mut self, route: RouteKey, now: u64, key: &Key) -> &mut Told {
        if self.by_route.len() >= PARTS_MAX && !self.by_route.contains_key(&route) {
            self.join_least(key);
        }
        let told = self.by_route.entry(route);
        let told = told.or_insert_with(|| Told { schemas: Schemas::default(), touched: now });
        told.touched = told.touched.max(now);
        told
    }

    fn join_least(&mut self, key: &Key) {
        let by_documents = |(route, told): &(&RouteKey, &Told)| {
            (told.schemas.looked_into(), told.touched, **route)
        };
        let least = self.by_route.iter().min_by_key(by_documents).map(|(&route, _)| route);
        if let Some(told) = least.and_then(|route| self.by_route.remove(&route)) {
            self.rest.join(&told.schemas, Room::ANY, key);
        }
    }
}
