//! What the places of an endpoint's path speak of.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use smallvec::SmallVec;
use tapline_model::{
    Delta, EndpointId, EndpointRef, Key, ObjectPlace, RouteKey, TemplateSegment, noun_hash,
    singular,
};

use crate::endpoint_epoch::EndpointEpoch;

/// A route of this epoch, as the endpoint it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) host: String,
    /// The keyed hash of the host.
    pub(crate) host_hash: u64,
    pub(crate) endpoint: EndpointRef,
    /// Its slots: the index of the segment, and the sort of thing in it.
    slots: SmallVec<[(u8, Noun); 2]>,
    /// What a bare `id` names.
    bare: Noun,
    /// Objects in slots whose value is a word, so that it crossed as part of the route.
    pub(crate) spelled: SmallVec<[(ObjectPlace, u64); 1]>,
}

/// A sort of thing.
#[derive(Clone, Debug, Default)]
struct Noun {
    hash: u64,
    text: String,
}

impl Named {
    fn new(did: &EndpointEpoch, key: &Key) -> Self {
        let mut slots = SmallVec::new();
        let mut last = Noun::default();
        for (place, segment) in (0u8..).zip(did.endpoint.template.split('/').skip(1)) {
            if segment.starts_with('{') {
                slots.push((place, last.clone()));
            } else {
                let text = singular(segment);
                last = Noun { hash: noun_hash(key, &text), text };
            }
        }
        Self {
            host: did.host.clone(),
            host_hash: key.text_hash(did.host.as_bytes()),
            endpoint: did.endpoint.clone(),
            slots,
            bare: last,
            spelled: SmallVec::new(),
        }
    }

    /// The space of objects that a reference in `place` is of, none if that is no slot; and what
    /// they are called, if that is known.
    pub(crate) fn space(&self, place: ObjectPlace) -> Option<(u64, &str)> {
        let (hash, text) = match place {
            ObjectPlace::Path(place) => {
                let (_, noun) = self.slots.iter().find(|&&(at, _)| at == place)?;
                (noun.hash, noun.text.as_str())
            }
            ObjectPlace::Named(0) => (self.bare.hash, self.bare.text.as_str()),
            ObjectPlace::Named(noun) => (noun, ""),
        };
        Some((self.host_hash ^ hash.rotate_left(31), text))
    }
}

/// The routes of an epoch.
#[derive(Debug)]
pub(crate) struct Names {
    key: Key,
    by_route: HashMap<RouteKey, Named>,
}

impl Names {
    /// None.
    pub(crate) fn new(key: Key) -> Self {
        Self { key, by_route: HashMap::new() }
    }

    /// Reads the routes of an epoch whose endpoints were touched.
    pub(crate) fn read<'a>(
        &mut self,
        delta: &Delta,
        touched: impl Iterator<Item = &'a EndpointEpoch>,
    ) {
        self.by_route.clear();
        let mut by_endpoint: BTreeMap<EndpointId, Named> = BTreeMap::new();
        for did in touched {
            let plain =
                by_endpoint.entry(did.endpoint.id).or_insert_with(|| Named::new(did, &self.key));
            for route in &did.routes {
                let mut named = plain.clone();
                if let Some(seen) = delta.routes.get(route) {
                    named.spelled = spelled(&named, &seen.name.template.segments, &self.key);
                }
                self.by_route.insert(*route, named);
            }
        }
    }

    /// A route of the epoch, if it leads to an endpoint.
    pub(crate) fn get(&self, route: RouteKey) -> Option<&Named> {
        self.by_route.get(&route)
    }
}

/// Values that are spelled out where the endpoint has a slot.
fn spelled(
    named: &Named,
    segments: &[TemplateSegment],
    key: &Key,
) -> SmallVec<[(ObjectPlace, u64); 1]> {
    let objects =
        named.slots.iter().filter_map(|&(place, _)| match segments.get(usize::from(place))? {
            TemplateSegment::Word(text) | TemplateSegment::Weak(text) => {
                Some((ObjectPlace::Path(place), key.text_hash(text.as_bytes())))
            }
            TemplateSegment::Parameter(..) => None,
        });
    objects.collect()
}
