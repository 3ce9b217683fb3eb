//! What a schema allows, as alternatives of plain schemas that all apply.

use std::rc::Rc;

use serde_json::Value;

use crate::bounds::{ALTERNATIVES_MAX, HOPS_MAX};
use crate::document::Document;
use crate::read::{escaped, type_of};
use crate::schema::{Additional, Schema, Type, Types};

/// A schema without what is behind its references and compositions, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Part<'d> {
    pub(super) schema: &'d Schema,
    pub(super) place: Rc<str>,
}

/// Schemas that all apply.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternative<'d> {
    pub(super) parts: Vec<Part<'d>>,
}

/// Alternatives, one of which applies. None is a schema that fits nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'d> {
    pub(super) alternatives: Vec<Alternative<'d>>,
    /// There were too many to tell apart.
    pub(super) is_unclear: bool,
}

impl<'d> Shape<'d> {
    /// The alternatives of a schema of a document.
    pub(super) fn of(document: &'d Document, schema: &'d Schema, place: &Rc<str>) -> Self {
        let mut shape = Self::default();
        match expand(document, schema, place, &mut Vec::new()) {
            Some(alternatives) => shape.alternatives = alternatives,
            None => shape.is_unclear = true,
        }
        shape.alternatives.retain(|alternative| !alternative.is_contradiction());
        shape
    }

    /// Either.
    pub(super) fn or(&mut self, other: Self) {
        self.is_unclear |= other.is_unclear;
        self.alternatives.extend(other.alternatives);
        self.is_unclear |= self.alternatives.len() > ALTERNATIVES_MAX;
    }

    /// What fits every one of several schemas.
    pub(super) fn all_of(document: &'d Document, parts: Vec<Part<'d>>) -> Self {
        let mut whole = Self { alternatives: vec![Alternative::default()], is_unclear: false };
        for part in parts {
            let shape = Self::of(document, part.schema, &part.place);
            whole.is_unclear |= shape.is_unclear;
            match cross(&whole.alternatives, &shape.alternatives) {
                Some(alternatives) => whole.alternatives = alternatives,
                None => whole.is_unclear = true,
            }
        }
        whole.alternatives.retain(|alternative| !alternative.is_contradiction());
        whole
    }

    /// The types of all alternatives.
    pub(super) fn types(&self) -> Types {
        self.alternatives.iter().fold(Types::default(), |all, one| all.either(one.types()))
    }

    /// Whether some alternative names no type.
    pub(super) fn is_untyped(&self) -> bool {
        self.alternatives.iter().any(|one| !one.is_typed())
    }

    /// The alternatives that allow a type.
    pub(super) fn allowing(&self, kind: Type) -> Vec<&Alternative<'d>> {
        self.alternatives.iter().filter(|one| one.types().allows(kind)).collect()
    }

    /// Where something is said: the place of the first part that says it, else of the first.
    pub(super) fn place_of(&self, says: impl Fn(&Schema) -> bool) -> String {
        let parts = || self.alternatives.iter().flat_map(|alternative| &alternative.parts);
        let saying = parts().find(|part| says(part.schema)).or_else(|| parts().next());
        saying.map(|part| part.place.to_string()).unwrap_or_default()
    }

    /// The place of the first part that is so, if some part is.
    pub(super) fn place_where(&self, is_so: impl Fn(&Schema) -> bool) -> Option<&Rc<str>> {
        let mut parts = self.alternatives.iter().flat_map(|alternative| &alternative.parts);
        parts.find(|part| is_so(part.schema)).map(|part| &part.place)
    }

    /// Whether some part stands there.
    pub(super) fn stands_at(&self, place: &str) -> bool {
        let mut parts = self.alternatives.iter().flat_map(|alternative| &alternative.parts);
        parts.any(|part| part.place.as_ref() == place)
    }

    /// What tells shapes apart while a comparison lasts: the addresses of their schemas.
    pub(super) fn identity(&self) -> Vec<usize> {
        let parts = self.alternatives.iter().flat_map(|alternative| &alternative.parts);
        let mut addresses: Vec<_> =
            parts.map(|part| std::ptr::from_ref(part.schema).addr()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

impl<'d> Alternative<'d> {
    /// The types that all parts allow.
    pub(super) fn types(&self) -> Types {
        self.parts.iter().fold(Types::ANY, |all, part| {
            let own = own_types(part.schema);
            if own.is_empty() { all } else { all.both(own) }
        })
    }

    fn is_typed(&self) -> bool {
        self.parts.iter().any(|part| !own_types(part.schema).is_empty())
    }

    fn is_contradiction(&self) -> bool {
        let is_nothing = |part: &Part<'_>| part.schema.not.as_ref().is_some_and(|not| not.is_any());
        self.types().is_empty() || self.parts.iter().any(is_nothing)
    }

    /// The schemas of a property, one for each part that names it.
    pub(super) fn property(&self, name: &str) -> Vec<Part<'d>> {
        let named = |part: &Part<'d>| {
            let schema = part.schema.properties.get(name)?;
            let place = format!("{}/properties/{}", part.place, escaped(name));
            Some(Part { schema, place: place.into() })
        };
        self.parts.iter().filter_map(named).collect()
    }

    /// What it says of properties that no part names.
    pub(super) fn additional(&self) -> Others<'d> {
        let mut others = Others::Unsaid;
        for part in &self.parts {
            others = match (&part.schema.additional, others) {
                (Additional::Forbidden, _) | (_, Others::Forbidden) => Others::Forbidden,
                (Additional::Fitting(schema), _) => {
                    let place = format!("{}/additionalProperties", part.place);
                    Others::Fitting(Part { schema, place: place.into() })
                }
                (_, Others::Fitting(part)) => Others::Fitting(part),
                (Additional::Allowed, _) | (_, Others::Allowed) => Others::Allowed,
                (Additional::Unsaid, Others::Unsaid) => Others::Unsaid,
            };
        }
        // An object of which nothing is said may be anything.
        let names_none = self.parts.iter().all(|part| part.schema.properties.is_empty());
        if names_none && matches!(others, Others::Unsaid) { Others::Allowed } else { others }
    }

    /// Whether a property is always there.
    pub(super) fn requires(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.schema.required.contains(name))
    }

    /// Names that are always there.
    pub(super) fn required(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let parts: Vec<&'d Schema> = self.parts.iter().map(|part| part.schema).collect();
        parts.into_iter().flat_map(|schema| schema.required.iter().map(String::as_str))
    }

    /// The names of its properties.
    pub(super) fn names(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let parts: Vec<&'d Schema> = self.parts.iter().map(|part| part.schema).collect();
        parts.into_iter().flat_map(|schema| schema.properties.keys().map(String::as_str))
    }

    /// The schemas of the items, one for each part that has one.
    pub(super) fn items(&self) -> Vec<Part<'d>> {
        let items = |part: &Part<'d>| {
            let schema = part.schema.items.as_deref()?;
            Some(Part { schema, place: format!("{}/items", part.place).into() })
        };
        self.parts.iter().filter_map(items).collect()
    }

    /// The only values, if some part lists them.
    pub(super) fn values(&self) -> Option<&'d [Value]> {
        let mut listed = self.parts.iter().map(|part| part.schema.values.as_slice());
        listed.find(|values| !values.is_empty())
    }

    /// Its format, if some part names one.
    pub(super) fn format(&self) -> Option<&'d str> {
        self.parts.iter().find_map(|part| part.schema.format.as_deref())
    }
}

/// What an object may hold beside its named properties.
#[derive(Clone, Debug)]
pub(super) enum Others<'d> {
    Unsaid,
    Allowed,
    Forbidden,
    Fitting(Part<'d>),
}

/// The types of a schema by itself; where it only lists values, theirs.
pub(super) fn own_types(schema: &Schema) -> Types {
    if !schema.types.is_empty() || schema.values.is_empty() {
        return schema.types;
    }
    schema.values.iter().map(type_of).collect()
}

/// None when there are too many alternatives.
fn expand<'d>(
    document: &'d Document,
    schema: &'d Schema,
    place: &Rc<str>,
    behind: &mut Vec<&'d str>,
) -> Option<Vec<Alternative<'d>>> {
    if let Some(name) = &schema.reference {
        let target = document.schemas.get(name);
        let is_circle = behind.len() >= HOPS_MAX || behind.contains(&name.as_str());
        let Some(target) = target.filter(|_| !is_circle) else {
            return Some(vec![Alternative::default()]);
        };
        behind.push(name);
        let place = format!("/components/schemas/{}", escaped(name)).into();
        let found = expand(document, target, &place, behind);
        behind.pop();
        return found;
    }
    let itself = Part { schema, place: place.clone() };
    let mut alternatives = vec![Alternative { parts: vec![itself] }];
    for (index, part) in schema.all_of.iter().enumerate() {
        let place = format!("{place}/allOf/{index}").into();
        alternatives = cross(&alternatives, &expand(document, part, &place, behind)?)?;
    }
    // The kinds of objects that were seen say no more than their members do, with counts.
    let is_counted = schema.discriminator.is_some() && schema.evidence.is_some();
    let one_of: &[Schema] = if is_counted { &[] } else { &schema.one_of };
    for (word, choices) in [("anyOf", schema.any_of.as_slice()), ("oneOf", one_of)] {
        let mut either = Vec::new();
        for (index, choice) in choices.iter().enumerate() {
            let place = format!("{place}/{word}/{index}").into();
            either.extend(expand(document, choice, &place, behind)?);
        }
        if !choices.is_empty() {
            alternatives = cross(&alternatives, &either)?;
        }
    }
    Some(alternatives)
}

fn cross<'d>(some: &[Alternative<'d>], others: &[Alternative<'d>]) -> Option<Vec<Alternative<'d>>> {
    if some.len().saturating_mul(others.len()) > ALTERNATIVES_MAX {
        return None;
    }
    let mut all = Vec::with_capacity(some.len() * others.len());
    for one in some {
        for other in others {
            let parts = one.parts.iter().chain(&other.parts).cloned().collect();
            all.push(Alternative { parts });
        }
    }
    Some(all)
}
