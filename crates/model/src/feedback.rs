//! merge → workers: what the merge learned and the workers need.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use crate::{Epoch, RouteKey};

/// Routes are keyed hashes already: nobody outside can aim two at one place, so they are their own
/// hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct RouteHasher(u64);

impl std::hash::Hasher for RouteHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A map by route.
pub type RouteMap<V> = HashMap<RouteKey, V, BuildHasherDefault<RouteHasher>>;

/// What is known of a route that leads to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteFeedback {
    /// One in so many bodies is looked into; at least 1.
    pub bodies_one_in: u32,
}

/// One immutable value per epoch. Folding is a function of the observation and of this alone.
#[derive(Clone, Debug, Default)]
pub struct Feedback {
    /// The last epoch sealed before it was made.
    pub as_of: Epoch,
    /// Routes of endpoints that exist: always admitted to a delta, never counted as unmatched.
    pub routes: Arc<RouteMap<RouteFeedback>>,
    /// Keyed hashes of host and name of the cookies by which callers are known, besides those whose
    /// names say so.
    pub session_cookies: Arc<HashSet<u64>>,
}

impl Feedback {
    /// Whether an endpoint has this route.
    pub fn knows(&self, route: RouteKey) -> bool {
        self.routes.contains_key(&route)
    }

    /// One in how many bodies of this route is looked into.
    pub fn bodies_one_in(&self, route: RouteKey) -> u32 {
        self.routes.get(&route).map_or(1, |known| known.bodies_one_in.max(1))
    }

    /// What is known of `routes`.
    pub fn with_routes(
        as_of: Epoch,
        routes: impl IntoIterator<Item = (RouteKey, RouteFeedback)>,
    ) -> Self {
        let routes = Arc::new(routes.into_iter().collect());
        Self { as_of, routes, session_cookies: Arc::default() }
    }

    /// The same with cookies by which callers are known.
    #[must_use]
    pub fn with_session_cookies(self, session_cookies: Arc<HashSet<u64>>) -> Self {
        Self { session_cookies, ..self }
    }
}
