//! Whose objects are: a bounded memory of who asked for which.

use std::collections::BTreeMap;

use tapline_model::{ConsumerKey, Epoch};

/// Entries that share a place.
const WAYS: usize = 8;
/// Callers of an object that are told apart: with so many it is nobody's own.
const CALLERS_MAX: usize = 3;
/// Requests after which an object says something.
const REQUESTS_MIN: u16 = 3;
/// Places at first.
const PLACES_FIRST: usize = 64;

/// One object.
#[derive(Clone, Copy, Debug, Default)]
struct Object {
    space: u64,
    /// Half a hash of each caller, in the order in which they came.
    callers: [u32; CALLERS_MAX],
    requests: u16,
    /// The last request, in minutes.
    minute: u32,
}

/// The objects of one place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Of each the keyed hash of space and id; 0 is none. Apart from the objects, so that a search
    /// reads little.
    keys: [u64; WAYS],
    objects: [Object; WAYS],
}

/// How private the objects of a space are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Privacy {
    /// Objects with three requests or more.
    pub(crate) known: u64,
    /// Of those, the ones with at most two callers.
    pub(crate) own: u64,
}

/// What the memory says of a request for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Too little is known of the object.
    Unknown,
    /// The caller has asked for it before.
    Own,
    /// Others have, and the caller never did.
    Foreign,
    /// So many have asked for it that it is nobody's.
    Shared,
}

/// The objects asked for last. Places are filled by hash, eight entries each; of a full one the entry
/// that has been quiet for longest makes room, of equals the one with the smallest hash.
#[derive(Debug)]
pub(crate) struct Owners {
    places: Vec<Place>,
    len: usize,
    objects_max: usize,
    privacy: BTreeMap<u64, Privacy>,
    evicted: u64,
}

impl Object {
    fn count(&self) -> usize {
        self.callers.iter().filter(|&&caller| caller != 0).count()
    }

    const fn is_known(&self) -> bool {
        self.requests >= REQUESTS_MIN
    }

    fn is_own(&self) -> bool {
        self.is_known() && self.count() < CALLERS_MAX
    }
}

impl Place {
    /// The first that is free; else the one that has been quiet for longest.
    fn quietest(&mut self) -> Option<(&mut u64, &mut Object)> {
        let Self { keys, objects } = self;
        if let Some(free) = keys.iter().position(|&key| key == 0) {
            return keys.get_mut(free).zip(objects.get_mut(free));
        }
        keys.iter_mut().zip(objects).min_by_key(|(key, object)| (object.minute, **key))
    }
}

/// In a table of as many places as `mask` and one.
fn place_of(key: u64, mask: usize) -> usize {
    usize::try_from(key >> 36).unwrap_or(0) & mask
}

impl Owners {
    /// Nothing known; at most so many objects.
    pub(crate) fn new(objects_max: u32) -> Self {
        let mut owners = Self {
            places: Vec::new(),
            len: 0,
            objects_max: 0,
            privacy: BTreeMap::new(),
            evicted: 0,
        };
        owners.set_max(objects_max);
        owners
    }

    /// Takes another bound; a smaller one begins anew.
    pub(crate) fn set_max(&mut self, objects_max: u32) {
        let objects_max = usize::try_from(objects_max).unwrap_or(usize::MAX);
        if self.places.len() * WAYS > objects_max.next_power_of_two() {
            self.places = Vec::new();
            self.len = 0;
            self.privacy.clear();
        }
        self.objects_max = objects_max;
    }

    /// How private a space is.
    pub(crate) fn privacy(&self, space: u64) -> Privacy {
        self.privacy.get(&space).copied().unwrap_or_default()
    }

    /// A successful request for an object, and what was known before it. With `is_wide` the caller is
    /// one that reads what belongs to others as a matter of course: it does not make objects shared.
    pub(crate) fn ask(
        &mut self,
        (space, object): (u64, u64),
        consumer: ConsumerKey,
        epoch: Epoch,
        is_wide: bool,
    ) -> Standing {
        let key = (space ^ object.rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let caller = u32::try_from(consumer.0 >> 32).unwrap_or(0).max(1);
        let minute = u32::try_from(epoch.0 / 60).unwrap_or(u32::MAX);
        let Some(known) = self.find(key) else {
            if !is_wide {
                let callers = [caller, 0, 0];
                self.insert(key, Object { space, callers, requests: 1, minute });
            }
            return Standing::Unknown;
        };
        let before = *known;
        known.minute = minute;
        let is_own = before.callers.contains(&caller);
        let standing = if is_own {
            Standing::Own
        } else if !before.is_known() {
            Standing::Unknown
        } else if before.count() == CALLERS_MAX {
            Standing::Shared
        } else {
            Standing::Foreign
        };
        if is_wide {
            return standing;
        }
        known.requests = known.requests.saturating_add(1);
        if !is_own && let Some(free) = known.callers.iter_mut().find(|held| **held == 0) {
            *free = caller;
        }
        let after = *known;
        self.count(before, false);
        self.count(after, true);
        standing
    }

    /// Counts an object in the privacy of its space, or no longer.
    fn count(&mut self, object: Object, is_added: bool) {
        if !object.is_known() {
            return;
        }
        let privacy = self.privacy.entry(object.space).or_default();
        let own = u64::from(object.is_own());
        if is_added {
            privacy.known += 1;
            privacy.own += own;
        } else {
            privacy.known = privacy.known.saturating_sub(1);
            privacy.own = privacy.own.saturating_sub(own);
        }
        if privacy.known == 0 {
            self.privacy.remove(&object.space);
        }
    }

    fn place_of(&self, key: u64) -> usize {
        place_of(key, self.places.len().saturating_sub(1))
    }

    fn find(&mut self, key: u64) -> Option<&mut Object> {
        let at = self.place_of(key);
        let place = self.places.get_mut(at)?;
        let way = place.keys.iter().position(|&held| held == key)?;
        place.objects.get_mut(way)
    }

    fn insert(&mut self, key: u64, object: Object) {
        self.grow();
        let at = self.place_of(key);
        let Some(place) = self.places.get_mut(at) else { return };
        let Some((held, known)) = place.quietest() else { return };
        let gone = std::mem::replace(known, object);
        if std::mem::replace(held, key) == 0 {
            self.len += 1;
        } else {
            self.evicted += 1;
            self.count(gone, false);
        }
    }

    /// Doubles the table while it is more than half full and may be larger.
    fn grow(&mut self) {
        let before = self.places.len();
        let capacity = before * WAYS;
        if self.len * 2 < capacity || (capacity >= self.objects_max && capacity > 0) {
            return;
        }
        self.places.resize((before * 2).max(PLACES_FIRST), Place::default());
        // Twice as many places: what shared one is spread over two, the old one and one behind all of
        // the old ones.
        let mask = self.places.len() - 1;
        let (old, new) = self.places.split_at_mut(before);
        for (at, (place, behind)) in old.iter_mut().zip(new).enumerate() {
            for (key, object) in place.keys.iter_mut().zip(&place.objects) {
                if *key != 0
                    && place_of(*key, mask) != at
                    && let Some((free, slot)) = behind.quietest()
                {
                    (*free, *slot) = (std::mem::take(key), *object);
                }
            }
        }
    }

    /// Objects given up to make room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(owners: &mut Owners, object: u64, consumer: u64) -> Standing {
        owners.ask((7, object), ConsumerKey(consumer << 32), Epoch(60 * object), false)
    }

    #[test]
    fn an_object_is_foreign_to_whoever_comes_late() {
        use Standing::{Foreign, Own, Shared, Unknown};

        let mut owners = Owners::new(1_000);
        let standings: Vec<_> = [1, 1, 1, 1, 2, 2, 3, 4].map(|who| ask(&mut owners, 5, who)).into();
        assert_eq!(standings, [Unknown, Own, Own, Own, Foreign, Own, Foreign, Shared]);
        assert_eq!(owners.privacy(7), Privacy { known: 1, own: 0 });
    }

    #[test]
    fn who_reads_everything_makes_nothing_shared() {
        let mut owners = Owners::new(1_000);
        for _ in 0..3 {
            ask(&mut owners, 5, 1);
        }
        for who in 10..20 {
            let standing = owners.ask((7, 5), ConsumerKey(who << 32), Epoch(0), true);
            assert_eq!(standing, Standing::Foreign);
        }
        assert_eq!(owners.privacy(7), Privacy { known: 1, own: 1 });
    }

    #[test]
    fn the_table_keeps_to_its_bound_and_its_books() {
        let mut owners = Owners::new(4_096);
        for object in 0..40_000 {
            for _ in 0..3 {
                ask(&mut owners, object, object % 90);
            }
        }
        assert!(owners.len <= 4_096 && owners.len > 3_000, "{}", owners.len);
        assert_eq!(owners.privacy(7).known, owners.len as u64);
        assert_eq!(owners.evicted(), 40_000 - owners.len as u64);
        owners.set_max(64);
        assert_eq!(owners.privacy(7), Privacy::default());
    }
}
