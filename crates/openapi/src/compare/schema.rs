//! Shapes against shapes: what was seen and is not allowed.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::difference::{Class, Found, Kind, Side};
use super::shape::{Alternative, Others, Part, Shape, own_types};
use super::{Comparer, How};
use crate::bounds::{COMPARED_DEPTH_MAX, PAIRS_MAX};
use crate::document::Document;
use crate::read::escaped;
use crate::schema::{Additional, Schema, Type, Types};

/// Formats of texts that say something of their values, and which of them are alike.
const TEXT_FORMATS: [(&str, u8); 9] = [
    ("uuid", 0),
    ("date", 1),
    ("date-time", 2),
    ("email", 3),
    ("uri", 4),
    ("url", 4),
    ("ipv4", 5),
    ("ipv6", 6),
    ("jwt", 7),
];

impl<'d> Comparer<'d> {
    /// Tells everything that `seen` allows and `said` does not.
    pub(super) fn shapes(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How, depth: usize) {
        if seen.alternatives.is_empty() || said.alternatives.is_empty() && !said.is_unclear {
            return;
        }
        let is_too_much = depth >= COMPARED_DEPTH_MAX || self.visited.len() >= PAIRS_MAX;
        if seen.is_unclear || said.is_unclear || is_too_much {
            self.unjudged += 1;
            return;
        }
        if !self.visited.insert((seen.identity(), said.identity(), how)) {
            return;
        }
        self.types(seen, said, how);
        self.values_listed(seen, said, how);
        self.formats(seen, said, how);
        self.objects(seen, said, how, depth);
        self.arrays(seen, said, how, depth);
    }

    fn types(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How) {
        let allowed = said.types();
        let is_any = said.is_untyped() && said.types() == Types::ANY;
        let found_types = seen.types();
        let is_text = how.is_text
            && (allowed.contains(Type::String)
                || allowed.contains(Type::Array)
                || allowed.contains(Type::Object));
        if seen.is_untyped() && self.is_observed || is_text {
            return;
        }
        let extra: Types =
            found_types.iter().filter(|&kind| !is_any && !allowed.allows(kind)).collect();
        let lost: Types = allowed.iter().filter(|&kind| !found_types.allows(kind)).collect();
        let is_narrower = !self.is_observed && how.side == Side::Request && !lost.is_empty();
        if extra.is_empty() && !is_narrower {
            return;
        }
        let class = match how.side {
            _ if how.is_error => Class::Notice,
            Side::Response => Class::Breaking,
            Side::Request if is_narrower => Class::Breaking,
            Side::Request => Class::Additive,
        };
        let (seen_count, of) = counts(seen, extra);
        // Documents that are alike name the same schema alike.
        let is_extra = |schema: &Schema| extra.iter().any(|kind| own_types(schema).contains(kind));
        let alike = seen.place_where(is_extra).filter(|place| said.stands_at(place));
        let place = alike.map_or_else(
            || said.place_of(|schema| !own_types(schema).is_empty()),
            ToString::to_string,
        );
        let shown = if self.is_observed { extra } else { found_types };
        self.tell(Found {
            kind: Kind::TypeDrift,
            class,
            side: Some(how.side),
            place,
            documented: allowed.to_string(),
            observed: shown.to_string(),
            seen: seen_count,
            of,
        });
    }

    fn values_listed(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How) {
        let (Some(seen_values), Some(said_values)) = (listed(seen), listed(said)) else { return };
        let texts = |values: &[&Value]| -> BTreeSet<String> {
            values.iter().filter(|value| !value.is_null()).map(|value| text(value)).collect()
        };
        let (seen_texts, said_texts) = (texts(&seen_values), texts(&said_values));
        let extra: Vec<_> = seen_texts.difference(&said_texts).cloned().collect();
        let is_narrower = !self.is_observed
            && how.side == Side::Request
            && said_texts.difference(&seen_texts).next().is_some();
        if extra.is_empty() && !is_narrower {
            return;
        }
        let (n, of) = counts(seen, Types::ANY);
        self.tell(Found {
            kind: Kind::EnumDrift,
            class: if is_narrower { Class::Breaking } else { Class::Notice },
            side: Some(how.side),
            place: said.place_of(|schema| !schema.values.is_empty()),
            documented: shortened(&said_texts.into_iter().collect::<Vec<_>>()),
            observed: if is_narrower { "fewer values".to_owned() } else { shortened(&extra) },
            seen: n,
            of,
        });
    }

    fn formats(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How) {
        let of = |shape: &Shape<'d>, kind| -> Option<BTreeSet<&'d str>> {
            let formats = shape.allowing(kind).into_iter().map(Alternative::format);
            formats.collect::<Option<BTreeSet<_>>>().filter(|formats| !formats.is_empty())
        };
        let family = |format: &str| {
            TEXT_FORMATS.iter().find(|(name, _)| *name == format).map(|(_, family)| *family)
        };
        for kind in [Type::String, Type::Integer] {
            let (Some(seen_formats), Some(said_formats)) = (of(seen, kind), of(said, kind)) else {
                continue;
            };
            let differs = |format: &&&str| match kind {
                Type::String => {
                    let known = said_formats.iter().all(|said| family(said).is_some());
                    known
                        && family(format).is_some()
                        && said_formats.iter().all(|said| family(said) != family(format))
                }
                _ => **format == "int64" && said_formats.iter().all(|said| *said == "int32"),
            };
            let Some(format) = seen_formats.iter().find(differs) else { continue };
            let (n, of) = counts(seen, Types::one(kind));
            let documented: Vec<_> = said_formats.iter().map(|said| (*said).to_owned()).collect();
            self.tell(Found {
                kind: Kind::FormatDrift,
                class: Class::Notice,
                side: Some(how.side),
                place: said.place_of(|schema| schema.format.is_some()),
                documented: shortened(&documented),
                observed: (*format).to_owned(),
                seen: n,
                of,
            });
        }
    }

    fn objects(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How, depth: usize) {
        let (seen_objects, said_objects) =
            (seen.allowing(Type::Object), said.allowing(Type::Object));
        if seen_objects.is_empty() || said_objects.is_empty() {
            return;
        }
        let names: BTreeSet<&str> = seen_objects.iter().flat_map(|one| one.names()).collect();
        for name in &names {
            let shape = property(self.observed, &seen_objects, name);
            self.field(name, &shape, &seen_objects, &said_objects, how, depth);
        }
        self.others(&seen_objects, &said_objects, how, depth);
        let said_names: BTreeSet<&str> =
            said_objects.iter().flat_map(|one| one.names().chain(one.required())).collect();
        for name in said_names {
            let is_required = said_objects.iter().all(|one| one.requires(name));
            if is_required {
                self.missing(name, &seen_objects, &said_objects, how);
            } else if !self.is_observed {
                self.changed_presence(name, &names, &seen_objects, &said_objects, how);
            }
        }
    }

    fn field(
        &mut self,
        name: &str,
        seen: &Shape<'d>,
        seen_objects: &[&Alternative<'d>],
        said_objects: &[&Alternative<'d>],
        how: How,
        depth: usize,
    ) {
        let mut said = property(self.documented, said_objects, name);
        let mut is_forbidden = true;
        for object in said_objects.iter().filter(|one| one.property(name).is_empty()) {
            match object.additional() {
                Others::Allowed => return,
                Others::Fitting(part) => said.or(Shape::all_of(self.documented, vec![part])),
                Others::Unsaid => is_forbidden = false,
                Others::Forbidden => {}
            }
        }
        if !said.alternatives.is_empty() || said.is_unclear {
            self.shapes(seen, &said, how, depth + 1);
            return;
        }
        // Required without a description is known all the same, and so is what contradicts itself.
        let is_known =
            |one: &&Alternative<'d>| one.requires(name) || !one.property(name).is_empty();
        if said_objects.iter().any(is_known) {
            return;
        }
        let is_always = seen_objects.iter().all(|one| one.requires(name));
        let class = match how.side {
            _ if how.is_error => Class::Notice,
            Side::Request if is_always && !self.is_observed => Class::Breaking,
            Side::Response if is_forbidden => Class::Breaking,
            _ => Class::Additive,
        };
        let (n, of) = presence(seen_objects, name);
        self.tell(Found {
            kind: Kind::UndocumentedField,
            class,
            side: Some(how.side),
            place: field_place(said_objects, name),
            documented: if is_forbidden { "nothing else" } else { "nothing" }.to_owned(),
            observed: seen.types().to_string(),
            seen: n,
            of,
        });
    }

    /// What stands under names that are values themselves.
    fn others(
        &mut self,
        seen_objects: &[&Alternative<'d>],
        said_objects: &[&Alternative<'d>],
        how: How,
        depth: usize,
    ) {
        let fitting = |document, objects: &[&Alternative<'d>]| {
            let mut shape = Shape::default();
            for object in objects {
                if let Others::Fitting(part) = object.additional() {
                    shape.or(Shape::all_of(document, vec![part]));
                }
            }
            shape
        };
        let is_open = said_objects.iter().any(|one| matches!(one.additional(), Others::Allowed));
        if is_open {
            return;
        }
        let seen = fitting(self.observed, seen_objects);
        let mut said = fitting(self.documented, said_objects);
        if said.alternatives.is_empty() {
            // A map to those who look, fields to those who wrote: any of them will do.
            let names: BTreeSet<&str> = said_objects.iter().flat_map(|one| one.names()).collect();
            for name in names {
                said.or(property(self.documented, said_objects, name));
            }
            if said.types() != seen.types() {
                return;
            }
        }
        self.shapes(&seen, &said, how, depth + 1);
    }

    /// A field that is always there by the document.
    fn missing(
        &mut self,
        name: &str,
        seen_objects: &[&Alternative<'d>],
        said_objects: &[&Alternative<'d>],
        how: How,
    ) {
        let said = property(self.documented, said_objects, name);
        let parts = || said.alternatives.iter().flat_map(|one| &one.parts);
        let is_one_way = match how.side {
            Side::Request => parts().any(|part| part.schema.read_only),
            Side::Response => parts().any(|part| part.schema.write_only),
        };
        // Where members found no room or are a map, what is missing may be among them.
        let is_whole = seen_objects.iter().all(|one| {
            one.parts.iter().all(|part| matches!(part.schema.additional, Additional::Unsaid))
        });
        if is_one_way || (self.is_observed && !is_whole) {
            return;
        }
        let (missing, of) = absence(seen_objects, name);
        let is_missing = if self.is_observed {
            missing > 0
        } else {
            !seen_objects.iter().all(|one| one.requires(name))
        };
        if !is_missing {
            return;
        }
        let class = match how.side {
            _ if how.is_error => Class::Notice,
            Side::Response => Class::Breaking,
            Side::Request => Class::Additive,
        };
        self.tell(Found {
            kind: Kind::MissingField,
            class,
            side: Some(how.side),
            place: field_place(said_objects, name),
            documented: "required".to_owned(),
            observed: "left out".to_owned(),
            seen: missing,
            of,
        });
    }

    /// An optional field of one document in another.
    fn changed_presence(
        &mut self,
        name: &str,
        seen_names: &BTreeSet<&str>,
        seen_objects: &[&Alternative<'d>],
        said_objects: &[&Alternative<'d>],
        how: How,
    ) {
        let is_always = seen_objects.iter().all(|one| one.requires(name));
        let (kind, class) = if is_always && how.side == Side::Request {
            (Kind::BecameRequired, Class::Breaking)
        } else if seen_names.contains(name) || seen_names.is_empty() {
            return;
        } else {
            let is_breaking = how.side == Side::Response && !how.is_error;
            (Kind::Removed, if is_breaking { Class::Breaking } else { Class::Additive })
        };
        self.tell(Found {
            kind,
            class,
            side: Some(how.side),
            place: field_place(said_objects, name),
            documented: "optional".to_owned(),
            observed: if kind == Kind::Removed { "nothing" } else { "required" }.to_owned(),
            seen: 0,
            of: 0,
        });
    }

    fn arrays(&mut self, seen: &Shape<'d>, said: &Shape<'d>, how: How, depth: usize) {
        let items = |document, shape: &Shape<'d>| -> Option<Shape<'d>> {
            let mut items = Shape::default();
            for array in shape.allowing(Type::Array) {
                let parts = array.items();
                if parts.is_empty() {
                    return None;
                }
                items.or(Shape::all_of(document, parts));
            }
            Some(items)
        };
        // Where nothing is said of the items, or nothing is known, there is nothing to tell.
        if let (Some(seen), Some(said)) = (items(self.observed, seen), items(self.documented, said))
        {
            self.shapes(&seen, &said, how, depth + 1);
        }
    }
}

/// A property as all alternatives that name it have it.
fn property<'d>(document: &'d Document, objects: &[&Alternative<'d>], name: &str) -> Shape<'d> {
    let mut shape = Shape::default();
    for object in objects {
        let parts = object.property(name);
        if !parts.is_empty() {
            shape.or(Shape::all_of(document, parts));
        }
    }
    shape
}

fn field_place(said: &[&Alternative<'_>], name: &str) -> String {
    // Where a field is required but not described, its object names it.
    let naming = said.iter().flat_map(|one| &one.parts);
    let part =
        naming.clone().find(|part| part.schema.properties.contains_key(name)).or_else(|| {
            let mut parts = naming.clone();
            parts.find(|part| !part.schema.properties.is_empty())
        });
    let place: Rc<str> = part
        .or_else(|| said.first().and_then(|one| one.parts.first()))
        .map_or_else(|| "".into(), |part: &Part<'_>| part.place.clone());
    format!("{place}/properties/{}", escaped(name))
}

/// How many values of some types were seen, of how many.
fn counts(seen: &Shape<'_>, kinds: Types) -> (u64, u64) {
    let evidence = seen.alternatives.iter().flat_map(|one| &one.parts);
    let mut counts = (0, 0);
    for evidence in evidence.filter_map(|part| part.schema.evidence.as_ref()) {
        counts.1 += evidence.n;
        for (name, n) in &evidence.types {
            if Type::named(name).is_some_and(|kind| kinds.contains(kind)) {
                counts.0 += n;
            }
        }
    }
    counts
}

/// How often a field was there, of how many objects.
fn presence(objects: &[&Alternative<'_>], name: &str) -> (u64, u64) {
    let parts = objects.iter().flat_map(|one| one.property(name));
    let evidence = parts.filter_map(|part| part.schema.evidence.as_deref());
    evidence.fold((0, 0), |(n, of), evidence| (n + evidence.n, of + evidence.of))
}

/// How often a field was not there, of how many objects.
fn absence(objects: &[&Alternative<'_>], name: &str) -> (u64, u64) {
    let (mut missing, mut whole) = (0, 0);
    for object in objects {
        let (n, of) = presence(&[object], name);
        let named = object.parts.iter().any(|part| part.schema.properties.contains_key(name));
        let evidence = object.parts.iter().find_map(|part| part.schema.evidence.as_deref());
        let all = evidence.map_or(0, |evidence| {
            evidence.types.get(Type::Object.name()).copied().unwrap_or_default()
        });
        missing += if named { of.saturating_sub(n) } else { all };
        whole += if named { of } else { all };
    }
    (missing, whole)
}

/// The only values of a shape; none if some alternative does not list its own.
fn listed<'d>(shape: &Shape<'d>) -> Option<Vec<&'d Value>> {
    let scalars = shape.alternatives.iter().filter(|one| one.types() != Types::one(Type::Null));
    let lists: Option<Vec<_>> = scalars.map(Alternative::values).collect();
    lists.filter(|lists| !lists.is_empty()).map(|lists| lists.into_iter().flatten().collect())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shortened(values: &[String]) -> String {
    const SHOWN: usize = 6;
    let text = values.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match values.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{text} and {more} more"),
        _ => text,
    }
}
