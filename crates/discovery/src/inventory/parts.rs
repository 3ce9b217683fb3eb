//! What each route of an endpoint has seen by itself, so that an endpoint can be parted again.

use std::collections::BTreeMap;

use tapline_model::{RouteDelta, RouteKey};

use super::endpoint::join_bounded;

/// Routes of one endpoint that are told apart; of those with the fewest requests the
/// one longest unseen is joined for good.
const PARTS_MAX: usize = 64;

/// The parts of an endpoint that several routes lead to; nothing while it has one route.
#[derive(Debug, Default)]
pub(super) struct Parts {
    by_route: BTreeMap<RouteKey, RouteDelta>,
    /// What can no longer be told apart.
    rest: Option<Box<RouteDelta>>,
}

impl Parts {
    /// Adds what a route saw, if it is told apart.
    pub(super) fn absorb(&mut self, route: RouteKey, seen: &RouteDelta, parameters_max: usize) {
        if let Some(part) = self.by_route.get_mut(&route) {
            join_bounded(part, seen, parameters_max);
        } else if let Some(rest) = &mut self.rest {
            join_bounded(rest, seen, parameters_max);
        }
    }

    /// Adds a route with all that it has seen.
    pub(super) fn insert(&mut self, route: RouteKey, seen: RouteDelta, parameters_max: usize) {
        self.by_route.insert(route, seen);
        if self.by_route.len() <= PARTS_MAX {
            return;
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
        self.add_to_rest(part, parameters_max);
    }

    /// Adds what belongs to no route in particular.
    pub(super) fn add_to_rest(&mut self, part: RouteDelta, parameters_max: usize) {
        match &mut self.rest {
            Some(rest) => {
                join_bounded(rest, &part, parameters_max);
            }
            None => self.rest = Some(Box::new(part)),
        }
    }

    /// Takes a route out, with what is known of it.
    pub(super) fn remove(&mut self, route: RouteKey) -> Option<RouteDelta> {
        self.by_route.remove(&route)
    }

    /// Whether there is something.
    pub(super) fn is_empty(&self) -> bool {
        self.by_route.is_empty() && self.rest.is_none()
    }

    /// All of it, joined.
    pub(super) fn joined(&self, parameters_max: usize) -> Option<RouteDelta> {
        let mut parts = self.by_route.values().chain(self.rest.as_deref());
        let mut joined = parts.next()?.clone();
        for part in parts {
            join_bounded(&mut joined, part, parameters_max);
        }
        Some(joined)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn part(requests: u64) -> RouteDelta {
        RouteDelta { requests, ..RouteDelta::new(Arc::default()) }
    }

    #[test]
    fn the_least_are_joined_for_good_and_nothing_is_lost() {
        let mut parts = Parts::default();
        for route in 1..=70 {
            parts.insert(RouteKey(route), part(route), 10);
        }
        assert_eq!(parts.by_route.len(), PARTS_MAX);
        assert_eq!(parts.joined(10).unwrap().requests, 2_485);
        assert!(parts.remove(RouteKey(1)).is_none());
        assert_eq!(parts.remove(RouteKey(70)).unwrap().requests, 70);
        parts.absorb(RouteKey(70), &part(5), 10);
        assert_eq!(parts.joined(10).unwrap().requests, 2_420);
    }
}
