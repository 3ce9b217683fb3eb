//! Routes that no endpoint has (yet): what they saw is kept for a while.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use tapline_model::{RouteDelta, RouteKey};

use super::endpoint::join_bounded;

/// A route without an endpoint.
#[derive(Debug)]
pub(crate) struct PendingRoute {
    /// What it saw.
    pub(crate) total: RouteDelta,
    /// The hash of its path, once it was asked for; only HEAD and OPTIONS need one.
    pub(crate) path: Option<u64>,
    /// It was refused because a table was full, and that is counted.
    pub(crate) refused: bool,
    /// When it was seen last, in deltas.
    touched: u64,
}

/// A bounded table of them. When it is full, the one that was not seen for longest goes; of several,
/// the one with the smallest key.
#[derive(Debug)]
pub(crate) struct Pending {
    routes: HashMap<RouteKey, PendingRoute>,
    oldest: BTreeSet<(u64, RouteKey)>,
    by_host: HashMap<CompactString, BTreeSet<RouteKey>>,
    max: usize,
}

impl Pending {
    /// A table of at most `max` routes.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            routes: HashMap::new(),
            oldest: BTreeSet::new(),
            by_host: HashMap::new(),
            max: max.max(1),
        }
    }

    /// Adds what a route saw. Gives the route that had to go for it, if any.
    pub(crate) fn absorb(
        &mut self,
        key: RouteKey,
        seen: &RouteDelta,
        now: u64,
        parameters_max: usize,
    ) -> Option<(RouteKey, PendingRoute)> {
        if let Some(route) = self.routes.get_mut(&key) {
            join_bounded(&mut route.total, seen, parameters_max);
            self.oldest.remove(&(route.touched, key));
            route.touched = now;
            self.oldest.insert((now, key));
            return None;
        }
        let evicted = (self.routes.len() >= self.max)
            .then(|| self.oldest.first().copied())
            .flatten()
            .and_then(|(_, oldest)| Some((oldest, self.remove(oldest)?)));
        let mut total = RouteDelta::new(Arc::clone(&seen.name));
        join_bounded(&mut total, seen, parameters_max);
        let route = PendingRoute { total, path: None, refused: false, touched: now };
        self.routes.insert(key, route);
        self.oldest.insert((now, key));
        self.by_host.entry(seen.name.host.clone()).or_default().insert(key);
        evicted
    }

    /// One route.
    pub(crate) fn get(&self, key: RouteKey) -> Option<&PendingRoute> {
        self.routes.get(&key)
    }

    /// One route.
    pub(crate) fn get_mut(&mut self, key: RouteKey) -> Option<&mut PendingRoute> {
        self.routes.get_mut(&key)
    }

    /// Takes a route out.
    pub(crate) fn remove(&mut self, key: RouteKey) -> Option<PendingRoute> {
        let route = self.routes.remove(&key)?;
        self.oldest.remove(&(route.touched, key));
        let host = &route.total.name.host;
        if let Some(routes) = self.by_host.get_mut(host) {
            routes.remove(&key);
            if routes.is_empty() {
                self.by_host.remove(host);
            }
        }
        Some(route)
    }

    /// The routes of a host.
    pub(crate) fn of_host(&self, host: &str) -> Vec<RouteKey> {
        self.by_host.get(host).into_iter().flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unseen_goes_first() {
        let seen = RouteDelta::new(Arc::default());
        let mut pending = Pending::new(2);
        let mut absorb =
            |key, now| pending.absorb(RouteKey(key), &seen, now, 10).map(|(evicted, _)| evicted.0);
        assert_eq!(absorb(9, 1), None);
        assert_eq!(absorb(5, 1), None);
        assert_eq!(absorb(9, 2), None);
        assert_eq!(absorb(7, 3), Some(5));
        assert_eq!(absorb(8, 3), Some(9));
        assert_eq!(absorb(1, 3), Some(7), "of several the smallest key");
    }
}
