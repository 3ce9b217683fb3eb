//! merge → workers: what the merge learned and the workers need.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use crate::{Epoch, RouteKey};

/// A set of routes. The keys are keyed hashes already, so a fixed hasher is safe.
type RouteSet = HashSet<RouteKey, BuildHasherDefault<SipHasher13>>;

/// One immutable value per epoch. Folding is a function of the observation and of this alone.
#[derive(Clone, Debug, Default)]
pub struct Feedback {
    /// The last epoch sealed before it was made.
    pub as_of: Epoch,
    /// Routes of endpoints that exist: always admitted to a delta, never counted as unmatched.
    pub known_routes: Arc<RouteSet>,
}

impl Feedback {
    /// Whether an endpoint has this route.
    pub fn knows(&self, route: RouteKey) -> bool {
        self.known_routes.contains(&route)
    }

    /// Replaces the known routes.
    #[must_use]
    pub fn with_routes(as_of: Epoch, routes: impl IntoIterator<Item = RouteKey>) -> Self {
        Self { as_of, known_routes: Arc::new(routes.into_iter().collect()) }
    }
}
