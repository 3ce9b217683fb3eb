//! What documents look like: which endpoint gets it, and as far as there is room.

use tapline_model::{EndpointId, Key, RouteDelta, RouteKey};

use super::endpoint::Endpoint;
use super::schema::{Room, SchemaParts, Schemas};
use super::{Inventory, SIGHTINGS_MAX};

/// Deltas without a document after which the fields of an endpoint make room for others.
const FIELDS_QUIET_DELTAS: u64 = 3_600;
/// Schemas are kept by route as well while all fields are fewer than one in so many of those there may be.
const PARTS_ONE_IN: usize = 2;

impl Inventory {
    /// Adds what documents look like, as far as there is room.
    pub(super) fn absorb_schemas(&mut self, id: EndpointId, route: RouteKey, seen: &RouteDelta) {
        if seen.looked_into.is_empty() {
            return;
        }
        let fields_max = self.fields_max();
        let wanted: usize = seen.schemas.values().map(|schema| schema.fields.len()).sum();
        self.make_room_for_fields(fields_max.saturating_sub(wanted), id);
        let room = self.room(fields_max);
        let room_of_parts = self.room(fields_max / PARTS_ONE_IN);
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        let before = endpoint.fields();
        let known_by = endpoint.known_by.filter(|_| endpoint.is_well_known);
        self.rejected.field_values += endpoint.schemas.absorb(seen, room, known_by, &self.key);
        endpoint.absorb_part(route, seen, room_of_parts, self.applied, &self.key);
        let bodies_read = endpoint.schemas.bodies_read();
        endpoint.known_by = Some(bodies_read);
        let is_enough = bodies_read >= self.config.bodies_read_min.into();
        self.routes_changed |=
            is_enough && !std::mem::replace(&mut endpoint.is_well_known, is_enough);
        self.sightings.extend(endpoint.sightings(seen).take(SIGHTINGS_MAX - self.sightings.len()));
        if !endpoint.is_personal && self.sightings.len() < SIGHTINGS_MAX {
            endpoint.is_personal = endpoint.schemas.seen_now().any(|seen| seen.is_personal());
        }
        self.fields.count = self.fields.count - before + endpoint.fields();
        let touched = std::mem::replace(&mut endpoint.fields_touched, self.applied);
        if touched != self.applied {
            self.fields.by_quiet.remove(&(touched, id));
            self.fields.by_quiet.insert((self.applied, id));
        }
    }

    /// Documents that had been another endpoint's until `touched`, of one route if it is known of which.
    pub(super) fn inherit_schemas(
        &mut self,
        heir: EndpointId,
        route: Option<RouteKey>,
        documents: &Schemas,
        touched: u64,
    ) {
        let room = self.room(self.fields_max());
        let Some(endpoint) = self.endpoints.get_mut(&heir) else { return };
        let before = endpoint.fields();
        endpoint.tell_apart(touched, &self.key);
        if documents.looked_into() == 0 {
            self.fields.count = self.fields.count - before + endpoint.fields();
            return;
        }
        self.rejected.field_values += endpoint.schemas.join(documents, room, &self.key);
        match (&mut endpoint.schema_parts, route) {
            (Some(parts), Some(route)) => parts.insert(route, documents, touched, &self.key),
            (Some(parts), None) => parts.add_to_rest(documents, &self.key),
            (None, _) => {}
        }
        endpoint.touch();
        self.fields.count = self.fields.count - before + endpoint.fields();
        let touched = endpoint.fields_touched.max(touched);
        self.fields.by_quiet.remove(&(endpoint.fields_touched, heir));
        self.fields.by_quiet.insert((touched, heir));
        endpoint.fields_touched = touched;
    }

    fn fields_max(&self) -> usize {
        usize::try_from(self.config.fields_max).unwrap_or(usize::MAX)
    }

    fn room(&self, fields_max: usize) -> Room {
        Room {
            endpoint_max: self.config.endpoint_fields_max.into(),
            left: fields_max.saturating_sub(self.fields.count),
        }
    }

    /// Gives up the fields of endpoints that have been quiet for long, but not of `wanted_by`, until
    /// there are at most `fields_max`.
    fn make_room_for_fields(&mut self, fields_max: usize, wanted_by: EndpointId) {
        while self.fields.count > fields_max
            && let Some(&(touched, id)) = self.fields.by_quiet.first()
            && touched.saturating_add(FIELDS_QUIET_DELTAS) <= self.applied
            && id != wanted_by
        {
            self.fields.by_quiet.pop_first();
            let Some(endpoint) = self.endpoints.get_mut(&id) else { continue };
            let given_up = endpoint.fields();
            endpoint.schemas = Schemas::default();
            endpoint.schema_parts = None;
            endpoint.touch();
            self.fields.count -= given_up;
            self.fields.evicted += given_up as u64;
        }
    }

    /// An endpoint is gone.
    pub(super) fn forget_fields(&mut self, endpoint: &Endpoint) {
        self.fields.by_quiet.remove(&(endpoint.fields_touched, endpoint.id));
        self.fields.count -= endpoint.fields();
    }
}

impl Endpoint {
    /// Fields kept of it.
    pub(super) fn fields(&self) -> usize {
        self.schemas.len() + self.schema_parts.as_ref().map_or(0, |parts| parts.len())
    }

    /// Starts to tell the documents of its routes apart when a second one comes.
    pub(super) fn tell_apart(&mut self, now: u64, key: &Key) {
        if let [first, _] = *self.routes
            && self.schema_parts.is_none()
        {
            let mut parts = SchemaParts::default();
            parts.insert(first, &self.schemas, now, key);
            self.schema_parts = Some(Box::new(parts));
        }
    }

    /// Adds what one epoch brought to what is known of its route, which is given up where there is no
    /// room for it.
    fn absorb_part(&mut self, route: RouteKey, seen: &RouteDelta, room: Room, now: u64, key: &Key) {
        let parts = self.schema_parts.as_mut();
        if parts.is_some_and(|parts| !parts.absorb(route, seen, room, now, key)) {
            self.schema_parts = None;
        }
    }

    /// Takes out the documents of a route that has just left for `heir`: all, when it was the last and
    /// nothing is known of it by itself.
    pub(super) fn leave_schemas(
        &mut self,
        route: RouteKey,
        heir: EndpointId,
        key: &Key,
    ) -> Schemas {
        let Some(parts) = &mut self.schema_parts else {
            let is_last = self.routes.is_empty();
            return if is_last { std::mem::take(&mut self.schemas) } else { Schemas::default() };
        };
        let Some(own) = parts.remove(route, heir) else { return Schemas::default() };
        let mut others = parts.joined(key);
        others.keep_late_fields(&self.schemas);
        self.schemas = others;
        own
    }
}
