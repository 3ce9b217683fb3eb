//! What is known of one endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{
    AuthSet, AuthUse, ConsumerKey, DataClass, DataFieldView, DataPlace, EndpointId, EndpointRef,
    EndpointState, EndpointView, FieldPart, LabelsView, Outcome, ParameterDelta, ParameterLocation,
    ParameterView, PropertyView, RouteDelta, RouteKey, RouteName, SchemaView, SegmentReason,
    SegmentView, Sighting, Template, TemplateSegment, TemplateView, Timestamp, ValueKind,
};

use super::distribution::Distribution;
use super::freshness::Freshness;
use super::naming::Rendered;
use super::parts::Parts;
use super::schema::{SchemaParts, Schemas, Seen, presence, schema_of_types, share_min};
use crate::class;
use crate::paths::{Evidence, Figures};
use crate::template::place_name;

/// Media types kept of one endpoint, by direction.
const MEDIA_MAX: usize = 32;
/// Consumers that must have sent text that may be a value before it is shown.
const WITNESSES_MIN: u64 = 2;
/// The role of credentials among the parts whose freshness is known; locations have the others.
pub(crate) const AUTH_ROLE: u8 = 0x80;

/// How long an endpoint has been quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Age {
    /// Not for long.
    Active,
    /// Longer than is usual.
    Stale,
    /// So long that it is taken for gone.
    Gone,
}

/// An endpoint of the inventory.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) rendered: Rendered,
    /// Lexical routes that render to its template.
    pub(crate) routes: SmallVec<[RouteKey; 1]>,
    /// Everything counted, but for the distributions and schemas below.
    pub(crate) total: RouteDelta,
    pub(crate) schemas: Schemas,
    /// The same by route, while several routes lead here and there is room for it.
    pub(crate) schema_parts: Option<Box<SchemaParts>>,
    /// When its schemas got something last, in deltas.
    pub(crate) fields_touched: u64,
    latency_us: Distribution,
    request_bytes: Distribution,
    response_bytes: Distribution,
    parts: Parts,
    records: Distribution,
    pub(crate) confirmed: bool,
    /// Whether it has been quiet for long.
    pub(crate) age: Age,
    /// When its parameters and credentials were seen last.
    pub(crate) fresh: Freshness,
    /// So many bodies were looked into that a sample is enough.
    pub(crate) is_well_known: bool,
    /// It has been told that its answers hold personal data.
    pub(crate) is_personal: bool,
    /// Transactions that were looked into up to the last epoch.
    pub(crate) known_by: Option<u64>,
    /// What was shown last; none once something has changed.
    view: Option<Arc<EndpointView>>,
}

impl Endpoint {
    /// An endpoint with what its first route has seen.
    pub(crate) fn new(
        id: EndpointId,
        rendered: Rendered,
        route: RouteKey,
        mut total: RouteDelta,
    ) -> Self {
        let mut latency_us = Distribution::default();
        latency_us.add(&std::mem::take(&mut total.latency_us));
        let mut request_bytes = Distribution::default();
        request_bytes.add(&std::mem::take(&mut total.request_bytes));
        let mut response_bytes = Distribution::default();
        response_bytes.add(&std::mem::take(&mut total.response_bytes));
        let mut records = Distribution::default();
        records.add(&std::mem::take(&mut total.records));
        Self {
            id,
            rendered,
            routes: SmallVec::from_elem(route, 1),
            total,
            schemas: Schemas::default(),
            schema_parts: None,
            fields_touched: 0,
            latency_us,
            request_bytes,
            response_bytes,
            parts: Parts::default(),
            records,
            confirmed: false,
            age: Age::Active,
            fresh: Freshness::default(),
            is_well_known: false,
            is_personal: false,
            known_by: None,
            view: None,
        }
    }

    /// Adds what one of its routes has seen. Gives the number of parameters that found no room.
    pub(crate) fn absorb(
        &mut self,
        route: RouteKey,
        seen: &RouteDelta,
        parameters_max: usize,
    ) -> u64 {
        if !self.parts.is_empty() {
            self.parts.absorb(route, seen, parameters_max);
        }
        self.add(seen, parameters_max)
    }

    /// Adds another route with all that it has seen.
    pub(crate) fn join(
        &mut self,
        route: RouteKey,
        seen: &RouteDelta,
        parameters_max: usize,
    ) -> u64 {
        if self.parts.is_empty()
            && let Some(&first) = self.routes.first()
        {
            let so_far = self.so_far();
            self.parts.insert(first, so_far, parameters_max);
        }
        self.routes.push(route);
        self.parts.insert(route, seen.clone(), parameters_max);
        self.add(seen, parameters_max)
    }

    /// Takes a route out that gets another template, with what is known of it alone: all, when it was
    /// the last.
    pub(crate) fn leave(
        &mut self,
        route: RouteKey,
        name: &Arc<RouteName>,
        template: &Template,
        parameters_max: usize,
    ) -> RouteDelta {
        self.view = None;
        self.routes.retain(|known| *known != route);
        if self.routes.is_empty() {
            return self.so_far();
        }
        let nothing = |name: &Arc<RouteName>| RouteDelta {
            first_seen: self.total.first_seen,
            last_seen: self.total.last_seen,
            ..RouteDelta::new(Arc::clone(name))
        };
        let part = self.parts.remove(route, name, template, parameters_max);
        let Some(part) = part else { return nothing(name) };
        let rest = self.parts.joined(parameters_max);
        let rest = rest.unwrap_or_else(|| nothing(&self.total.name));
        self.total = RouteDelta::new(Arc::clone(&rest.name));
        self.latency_us = Distribution::default();
        self.request_bytes = Distribution::default();
        self.response_bytes = Distribution::default();
        self.records = Distribution::default();
        self.add(&rest, parameters_max);
        part
    }

    /// Everything counted, with its distributions.
    fn so_far(&self) -> RouteDelta {
        RouteDelta {
            latency_us: self.latency_us.buckets(),
            request_bytes: self.request_bytes.buckets(),
            response_bytes: self.response_bytes.buckets(),
            records: self.records.buckets(),
            ..self.total.clone()
        }
    }

    fn add(&mut self, seen: &RouteDelta, parameters_max: usize) -> u64 {
        self.view = None;
        self.latency_us.add(&seen.latency_us);
        self.request_bytes.add(&seen.request_bytes);
        self.response_bytes.add(&seen.response_bytes);
        self.records.add(&seen.records);
        let refused = join_bounded(&mut self.total, seen, parameters_max);
        // The distributions hold these already.
        self.total.latency_us = tapline_sketch::Buckets::new();
        self.total.request_bytes = tapline_sketch::Buckets::new();
        self.total.response_bytes = tapline_sketch::Buckets::new();
        self.total.records = tapline_sketch::Buckets::new();
        refused
    }

    /// Certain after three successes for two consumers, or ten; it stays so.
    pub(crate) fn judge(&mut self, successes: u64) {
        let consumers = self.total.consumers.distinct();
        self.confirmed |= successes >= 10 || (successes >= 3 && consumers >= 2);
    }

    /// Its template as it may be shown now.
    pub(crate) fn shown(&self) -> &str {
        match &self.rendered.veiled {
            Some(veiled) if self.is_veiled() => veiled,
            _ => &self.rendered.full,
        }
    }

    /// Whether it holds text that too few consumers have sent to show it.
    pub(crate) fn is_veiled(&self) -> bool {
        self.rendered.veiled.is_some() && self.total.consumers.distinct() < WITNESSES_MIN
    }

    /// Marks it as changed.
    pub(crate) fn touch(&mut self) {
        self.view = None;
    }

    /// As it was shown last, if nothing has changed since.
    pub(crate) fn unchanged(&self) -> Option<Arc<EndpointView>> {
        self.view.clone()
    }

    /// As it is shown; made anew.
    pub(crate) fn view(
        &mut self,
        head: bool,
        options: bool,
        labels: LabelsView,
        evidence: &[Evidence],
    ) -> Arc<EndpointView> {
        let template_evidence = self.template_evidence(evidence);
        let view = self.make_view(head, options);
        let view = Arc::new(EndpointView { labels, template_evidence, ..view });
        self.view = Some(Arc::clone(&view));
        view
    }

    fn make_view(&mut self, head: bool, options: bool) -> EndpointView {
        let total = &self.total;
        let bodies = self.schemas.bodies();
        let auth_use = self.auth_use();
        let auth = auth_use.iter().map(|used| (used.auth.clone(), used.requests())).collect();
        EndpointView {
            id: self.id,
            host: total.name.host.to_string(),
            method: total.name.method.to_string(),
            template: self.shown().to_owned(),
            formats: vec!["rest".to_owned()],
            state: self.state(),
            auth,
            parameters: self.parameters(),
            bodies,
            bodies_read: self.schemas.looked_into(),
            data: self.data(),
            records: self.records.quantiles(),
            request_media: media(&total.request_media),
            response_media: media(&total.response_media),
            statuses: total.statuses.iter().map(|(&status, &count)| (status, count)).collect(),
            requests: total.requests,
            places: total.places,
            consumers: total.consumers.distinct(),
            head,
            options,
            first_seen: total.first_seen,
            last_seen: total.last_seen,
            latency_us: self.latency_us.quantiles(),
            request_bytes: self.request_bytes.quantiles(),
            response_bytes: self.response_bytes.quantiles(),
            baseline: None,
            auth_use,
            facts: total.facts.iter().map(|(&fact, &count)| (fact, count)).collect(),
            reflected_origins: total.reflected_origins.len() as u64,
            callers: total.consumers.iter().map(ConsumerKey).collect(),
            risk: None,
            labels: LabelsView::default(),
            template_evidence: TemplateView::default(),
        }
    }

    /// How sure its template is, by what its segments are known from.
    fn template_evidence(&self, evidence: &[Evidence]) -> TemplateView {
        // A text that may be a value is shown as in the template.
        let mut shown = self.shown().split('/').skip(1);
        let segments: Vec<SegmentView> = evidence
            .iter()
            .map(|known| {
                let Figures { mut texts, once, mut requests, by_form } = known.figures;
                let is_ruled = known.why.contains(&SegmentReason::Rule);
                if known.is_slot && is_ruled && texts + by_form == 0 {
                    // What only a rule joins are routes.
                    texts = self.routes.len() as u64;
                    requests = self.total.learnable;
                }
                SegmentView {
                    segment: shown.next().unwrap_or_default().to_owned(),
                    slot: known.is_slot,
                    why: known.why.to_vec(),
                    texts,
                    once,
                    requests,
                    by_form,
                    confidence: known.confidence(),
                }
            })
            .collect();
        let confidence = segments.iter().map(|segment| segment.confidence).fold(1.0, f64::min);
        TemplateView { confidence, segments }
    }

    const fn state(&self) -> EndpointState {
        match self.age {
            Age::Gone => EndpointState::Gone,
            Age::Stale => EndpointState::Stale,
            Age::Active if self.confirmed => EndpointState::Confirmed,
            Age::Active => EndpointState::Candidate,
        }
    }

    /// What became of requests by credentials, commonest first.
    fn auth_use(&self) -> Vec<AuthUse> {
        let mut uses: BTreeMap<AuthSet, AuthUse> = BTreeMap::new();
        for (&(kinds, outcome), &count) in &self.total.auth {
            let used = uses.entry(kinds).or_default();
            match outcome {
                Outcome::Granted => used.granted += count,
                Outcome::Refused => used.refused += count,
                Outcome::Other => used.other += count,
            }
        }
        let mut uses: Vec<_> =
            uses.into_iter().map(|(kinds, used)| AuthUse { auth: kinds.label(), ..used }).collect();
        uses.sort_by(|left, right| {
            right.requests().cmp(&left.requests()).then_with(|| left.auth.cmp(&right.auth))
        });
        uses
    }

    /// Transactions that taught parameters: those answered below 400.
    pub(crate) fn taught(&self) -> u64 {
        self.total.statuses.range(1..400).map(|(_, count)| count).sum()
    }

    /// Notes the parts it began with.
    pub(crate) fn note_all_fresh(&mut self) {
        let mut seen = RouteDelta::new(Arc::clone(&self.total.name));
        seen.parameters.clone_from(&self.total.parameters);
        seen.auth.clone_from(&self.total.auth);
        self.note_fresh(&seen, self.total.last_seen);
    }

    /// Notes when the parts of `seen`, which is counted already, were there.
    pub(crate) fn note_fresh(&mut self, seen: &RouteDelta, now: Timestamp) {
        let taught = self.taught();
        for (location, name) in seen.parameters.keys() {
            self.fresh.note(*location as u8, name.as_bytes(), now, taught);
        }
        for (kinds, _) in seen.auth.keys() {
            self.fresh.note(AUTH_ROLE, kinds.label().as_bytes(), now, self.total.requests);
        }
    }

    /// Fields that hold sensitive data: slots of the path, then all others.
    fn data(&self) -> Vec<DataFieldView> {
        let slots = self.path_classes().map(|(name, class)| DataFieldView {
            place: DataPlace::Path,
            status: None,
            field: name.to_owned(),
            class,
            share: 1.0,
            values: self.total.requests,
            named: false,
            is_new: false,
        });
        slots.chain(self.schemas.data()).collect()
    }

    /// What of `seen`, just absorbed, tells something: data in URLs, credentials and what must not be
    /// kept in answers, fields that are new; and once, that answers hold personal data.
    pub(crate) fn sightings<'a>(
        &'a self,
        seen: &'a RouteDelta,
    ) -> impl Iterator<Item = Sighting> + 'a {
        let endpoint = || EndpointRef {
            id: self.id,
            method: self.total.name.method.to_string(),
            template: self.shown().to_owned(),
        };
        let sighting = move |seen: Seen<'_>| Sighting {
            host: self.total.name.host.to_string(),
            endpoint: endpoint(),
            place: seen.place,
            field: seen.field.to_owned(),
            class: seen.class,
            values: seen.values,
            is_new: seen.came_after.is_some(),
            known_by: seen.came_after.unwrap_or(0),
        };
        let slots = self.path_classes().map(move |(field, class)| {
            let (place, values) = (DataPlace::Path, seen.requests);
            sighting(Seen { place, field, class, values, came_after: None })
        });
        let is_telling =
            |seen: &Seen<'_>| seen.is_telling() || (seen.is_personal() && !self.is_personal);
        slots.chain(self.schemas.seen_now().filter(is_telling).map(sighting))
    }

    /// Slots of the path whose values are sensitive by their form, by name.
    fn path_classes(&self) -> impl Iterator<Item = (&str, DataClass)> {
        let segments = &self.total.name.template.segments;
        self.rendered.slots.iter().zip(&self.rendered.places).filter_map(|(name, &place)| {
            let TemplateSegment::Parameter(class, _) = segments.get(place)? else { return None };
            Some((name.as_str(), class::of_segment(*class)?))
        })
    }

    /// Slots of the path in their order, then query, header fields and cookies by name.
    fn parameters(&self) -> Vec<ParameterView> {
        let taught = self.taught();
        let mut query: BTreeMap<String, SchemaView> = self
            .schemas
            .flat(&FieldPart::Query)
            .into_iter()
            .map(|it| (it.name, it.schema))
            .collect();
        let slots = self.rendered.slots.iter().zip(&self.rendered.places);
        let slots = slots.map(|(name, &place)| self.slot(name, place, taught));
        let others = self
            .total
            .parameters
            .iter()
            .filter(|((location, _), _)| *location != ParameterLocation::Path);
        let others = others.map(|((location, name), seen)| {
            parameter(*location, name, seen, taught, query.remove(name.as_str()))
        });
        let headers = self.schemas.flat(&FieldPart::Header);
        let cookies = self.schemas.flat(&FieldPart::Cookie);
        let headers = headers.into_iter().map(|it| from_property("header", it, None));
        // Requests without any cookie miss each of them.
        let of = self.schemas.bodies_read();
        let cookies = cookies.into_iter().map(|it| from_property("cookie", it, Some(of)));
        slots.chain(others).chain(headers).chain(cookies).collect()
    }

    /// A slot. What came as text is a string.
    fn slot(&self, name: &str, place: usize, taught: u64) -> ParameterView {
        let key = (ParameterLocation::Path, CompactString::from(place_name(place)));
        let mut seen = self.total.parameters.get(&key).cloned().unwrap_or_default();
        let text = taught.saturating_sub(seen.present);
        if text > 0 {
            seen.present += text;
            *seen.kinds.entry(ValueKind::String).or_default() += text;
        }
        parameter(ParameterLocation::Path, name, &seen, taught, None)
    }
}

/// Joins within bounds: names and media types that find no room are left out. Gives the number of
/// parameters that were.
pub(crate) fn join_bounded(
    total: &mut RouteDelta,
    seen: &RouteDelta,
    parameters_max: usize,
) -> u64 {
    let has_room = total.parameters.len() + seen.parameters.len() <= parameters_max
        && total.request_media.len() + seen.request_media.len() <= MEDIA_MAX
        && total.response_media.len() + seen.response_media.len() <= MEDIA_MAX;
    if has_room {
        total.join_counts(seen);
        return 0;
    }
    let mut seen = seen.clone();
    let refused = admit(&total.parameters, &mut seen.parameters, parameters_max);
    admit(&total.request_media, &mut seen.request_media, MEDIA_MAX);
    admit(&total.response_media, &mut seen.response_media, MEDIA_MAX);
    total.join_counts(&seen);
    refused
}

/// Keeps of `new` what is known already and what there is room for. Gives the number left out.
fn admit<K: Ord, V>(known: &BTreeMap<K, V>, new: &mut BTreeMap<K, V>, max: usize) -> u64 {
    let mut room = max.saturating_sub(known.len());
    let mut refused = 0;
    new.retain(|key, _| {
        if known.contains_key(key) {
            return true;
        }
        if room == 0 {
            refused += 1;
            return false;
        }
        room -= 1;
        true
    });
    refused
}

fn parameter(
    location: ParameterLocation,
    name: &str,
    seen: &ParameterDelta,
    of: u64,
    schema: Option<SchemaView>,
) -> ParameterView {
    let mut types: Vec<_> =
        seen.kinds.iter().map(|(kind, &count)| (kind.label().to_owned(), count)).collect();
    commonest_first(&mut types);
    ParameterView {
        location: location.label().to_owned(),
        name: name.to_owned(),
        types,
        present: seen.present,
        of,
        presence: presence(seen.present, of),
        p_required: share_min(seen.present, of),
        schema: schema.unwrap_or_else(|| schema_of_types(&seen.kinds)),
    }
}

fn from_property(location: &str, property: PropertyView, of: Option<u64>) -> ParameterView {
    let PropertyView { name, present, schema, .. } = property;
    let of = of.unwrap_or(property.of);
    let mut types: Vec<_> =
        schema.kinds.iter().map(|&(kind, count)| (kind.label().to_owned(), count)).collect();
    commonest_first(&mut types);
    ParameterView {
        location: location.to_owned(),
        name,
        types,
        present,
        of,
        presence: presence(present, of),
        p_required: share_min(present, of),
        schema,
    }
}

fn media(counts: &BTreeMap<CompactString, u64>) -> Vec<(String, u64)> {
    let mut media: Vec<_> =
        counts.iter().map(|(media, &count)| (media.to_string(), count)).collect();
    commonest_first(&mut media);
    media
}

fn commonest_first(counts: &mut [(String, u64)]) {
    counts.sort_by(|(left, more), (right, most)| most.cmp(more).then_with(|| left.cmp(right)));
}

#[cfg(test)]
mod tests {
    use tapline_model::ValueKind;

    use super::*;

    #[test]
    fn a_full_table_of_parameters_refuses_the_newest() {
        let route = |names: &[&str]| {
            let mut route = RouteDelta::new(Arc::default());
            for name in names {
                let seen =
                    ParameterDelta { present: 1, kinds: BTreeMap::from([(ValueKind::String, 1)]) };
                route.parameters.insert((ParameterLocation::Query, (*name).into()), seen);
            }
            route
        };
        let mut total = route(&["m", "n"]);
        assert_eq!(join_bounded(&mut total, &route(&["a", "b", "n"]), 3), 1);
        let names: Vec<_> = total.parameters.keys().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["a", "m", "n"]);
    }
}
