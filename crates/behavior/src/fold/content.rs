//! Which parameters each route was sent in this epoch.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{Equivalent, HashMap};
use tapline_model::{Observation, ParameterDelta, ParameterLocation, ParameterSet, ParameterShape};

use super::admission::{Place, Quota};

/// Parameters of one route and shard in one epoch.
pub(super) const ROUTE_PARAMETERS_MAX: usize = 256;
/// Parameters of all routes of one shard in one epoch.
pub(super) const SHARD_PARAMETERS_MAX: usize = 8_192;
/// Parameter sets of one route that are counted whole.
const SETS_MAX: usize = 32;
/// Shapes in all sets that are counted whole, of all routes.
const SHAPES_MAX: usize = 262_144;
/// Room for so many parameters of a route is kept when an epoch ends.
const KEPT_MAX: usize = 64;

/// The parameters of all routes.
///
/// While all shards together have fewer than one shard may have, nobody needs to know whose a
/// parameter is. From then on, until the epoch ends, every one is counted where it belongs.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// Of all routes and shards, each once.
    total: usize,
    /// Of each shard, once it matters.
    quota: Option<Quota>,
    /// Shapes in all sets that are held.
    shapes: usize,
}

impl Parameters {
    /// Whether what is observed may be more than one shard is granted, and that is not counted yet.
    pub(super) fn is_in_the_way(&self, observation: &Observation) -> bool {
        let shapes: usize = observation.parameters.iter().map(|set| set.shapes.len()).sum();
        self.total + shapes > SHARD_PARAMETERS_MAX && self.quota.is_none()
    }

    /// Whether so much is held that it is time to begin anew.
    pub(super) const fn is_crowded(&self) -> bool {
        self.shapes > SHAPES_MAX / 2
    }

    /// Nothing is held any more.
    pub(super) const fn clear(&mut self) {
        self.shapes = 0;
    }

    /// Begins to count for each shard.
    pub(super) fn be_exact(&mut self) {
        self.quota = Some(Quota::each(SHARD_PARAMETERS_MAX));
    }

    /// A new epoch.
    pub(super) fn seal(&mut self) {
        self.total = 0;
        self.quota = None;
    }
}

/// Where a parameter was, and its name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name(ParameterLocation, CompactString);

/// A [`Name`] that belongs to somebody else.
struct Borrowed<'a>(&'a ParameterShape);

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.location.hash(state);
        self.0.name.hash(state);
    }
}

impl Equivalent<Name> for Borrowed<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        self.0.location == name.0 && self.0.name == name.1
    }
}

/// One parameter. What whole sets add to it is added when the epoch ends.
#[derive(Debug, Default)]
struct Parameter {
    /// Who has admitted it; of a route that is not exact, apart from the shards of its sets.
    shards: u64,
    delta: ParameterDelta,
}

impl Parameter {
    fn add(&mut self, shape: &ParameterShape, times: u64) {
        self.delta.present += times;
        *self.delta.kinds.entry(shape.kind).or_default() += times;
    }
}

/// A set whose parameters all have their place; it stays when an epoch ends.
#[derive(Debug)]
struct Whole {
    set: Arc<ParameterSet>,
    /// For whom that is so; none while it was not seen in this epoch.
    shards: u64,
    /// How often it came and was not counted for each parameter.
    times: u64,
}

/// The parameters of one route.
#[derive(Debug, Default)]
pub(super) struct Content {
    parameters: HashMap<Name, Parameter>,
    /// What comes often is in front.
    sets: Vec<Whole>,
    /// How many each shard has, once one could have too many.
    exact: Option<Quota>,
}

impl Content {
    /// Adds what was sent; whether all of it found room.
    pub(super) fn learn(
        &mut self,
        set: &Arc<ParameterSet>,
        place: Place,
        parameters: &mut Parameters,
    ) -> bool {
        let found = self.sets.iter().position(|known| Arc::ptr_eq(&known.set, set));
        if let Some(at) = found {
            let is_exact = self.exact.is_some() || parameters.quota.is_some();
            if let Some(known) = self.sets.get_mut(at)
                && known.shards != 0
                && (place.is_in(known.shards) || !is_exact)
            {
                known.times += 1;
                place.join(&mut known.shards);
                if at > 0 {
                    self.sets.swap(at - 1, at);
                }
                return true;
            }
        }
        self.learn_new(found, set, place, parameters)
    }

    /// A set that is new in this epoch, to this shard if that matters.
    fn learn_new(
        &mut self,
        found: Option<usize>,
        set: &Arc<ParameterSet>,
        place: Place,
        parameters: &mut Parameters,
    ) -> bool {
        let shapes = set.shapes.len();
        if parameters.quota.is_some() || self.parameters.len() + shapes > ROUTE_PARAMETERS_MAX {
            self.be_exact();
        }
        let mut whole = true;
        for shape in &set.shapes {
            whole &= self.learn_shape(shape, place, parameters);
        }
        if !whole {
            return false;
        }
        let found = found.or_else(|| {
            let has_room = self.sets.len() < SETS_MAX && parameters.shapes + shapes <= SHAPES_MAX;
            has_room.then(|| {
                parameters.shapes += shapes;
                self.sets.push(Whole { set: Arc::clone(set), shards: 0, times: 0 });
                self.sets.len() - 1
            })
        });
        if let Some(known) = found.and_then(|at| self.sets.get_mut(at)) {
            place.join(&mut known.shards);
        }
        true
    }

    fn learn_shape(
        &mut self,
        shape: &ParameterShape,
        place: Place,
        parameters: &mut Parameters,
    ) -> bool {
        let known = self.parameters.get_mut(&Borrowed(shape));
        if let Some(known) = known
            && place.is_in(known.shards)
        {
            known.add(shape, 1);
            return true;
        }
        let has_room =
            |quota: &Option<Quota>| quota.as_ref().is_none_or(|quota| quota.has_room(place));
        if !has_room(&self.exact) || !has_room(&parameters.quota) {
            return false;
        }
        for quota in [&mut self.exact, &mut parameters.quota].into_iter().flatten() {
            quota.count(place);
        }
        let known = if let Some(known) = self.parameters.get_mut(&Borrowed(shape)) {
            known
        } else {
            parameters.total += 1;
            self.parameters.entry(Name(shape.location, shape.name.clone())).or_default()
        };
        place.join(&mut known.shards);
        known.add(shape, 1);
        true
    }

    /// From now on every parameter knows who has admitted it.
    pub(super) fn be_exact(&mut self) {
        if self.exact.is_some() {
            return;
        }
        for Whole { set, shards, .. } in self.sets.iter().filter(|known| known.shards != 0) {
            for shape in &set.shapes {
                if let Some(parameter) = self.parameters.get_mut(&Borrowed(shape)) {
                    parameter.shards |= shards;
                }
            }
        }
        let mut quota = Quota::each(ROUTE_PARAMETERS_MAX);
        self.parameters.values().for_each(|parameter| quota.count_all(parameter.shards));
        self.exact = Some(quota);
    }

    /// Counts every parameter for those who have admitted it.
    pub(super) fn count(&self, parameters: &mut Parameters) {
        if let Some(quota) = &mut parameters.quota {
            self.parameters.values().for_each(|parameter| quota.count_all(parameter.shards));
        }
    }

    /// Hands over what it comes to, and begins anew.
    pub(super) fn take(
        &mut self,
        parameters: &mut Parameters,
    ) -> BTreeMap<(ParameterLocation, CompactString), ParameterDelta> {
        self.exact = None;
        self.sets.retain(|known| {
            let is_kept = known.shards != 0;
            if !is_kept {
                parameters.shapes -= known.set.shapes.len();
            }
            is_kept
        });
        for Whole { set, shards, times } in &mut self.sets {
            *shards = 0;
            let times = std::mem::take(times);
            if times == 0 {
                continue;
            }
            for shape in &set.shapes {
                if let Some(parameter) = self.parameters.get_mut(&Borrowed(shape)) {
                    parameter.add(shape, times);
                }
            }
        }
        let taken = self.parameters.drain();
        let taken =
            taken.map(|(Name(location, name), seen)| ((location, name), seen.delta)).collect();
        if self.parameters.capacity() > KEPT_MAX {
            self.parameters = HashMap::new();
        }
        taken
    }
}
