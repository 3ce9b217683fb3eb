//! An observed operation against the documented ones that it may be.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::difference::{Class, Found, Kind, Side};
use super::matching::Group;
use super::shape::Shape;
use super::{Comparer, How};
use crate::document::{
    Location, Operation, OperationKey, Parameter, ParameterKey, Requirement, SecurityScheme,
};
use crate::path;
use crate::read::escaped;
use crate::schema::Type;

/// Headers that a document does not describe as parameters, or that need no document.
const HEADERS: [&str; 5] = ["accept", "authorization", "content-type", "cookie", "user-agent"];
/// Answers without credentials that are no slip.
const WITHOUT_CREDENTIALS_MIN: u64 = 5;

const TEXT: How = How { side: Side::Request, is_error: false, is_text: true };

impl<'d> Comparer<'d> {
    pub(super) fn group(&mut self, group: &Group<'d>, observed: &'d Operation) {
        let n = observed.evidence.as_ref().map_or(0, |evidence| evidence.n);
        if group.operations.iter().all(|(_, operation)| operation.deprecated)
            && (self.is_observed || !observed.deprecated)
        {
            self.tell(Found {
                kind: Kind::ZombieOperation,
                class: Class::Notice,
                side: None,
                place: group.place(),
                documented: "deprecated".to_owned(),
                observed: "still answering".to_owned(),
                seen: n,
                of: n,
            });
        }
        self.path_parameters(group, observed);
        self.parameters(group, observed, n);
        self.request_body(group, observed);
        self.responses(group, observed);
        self.credentials(group, observed);
    }

    /// Path parameters have other names in what was seen: their place tells which is which.
    fn path_parameters(&mut self, group: &Group<'d>, observed: &'d Operation) {
        if group.is_shortened {
            return;
        }
        let path = self.operation.path.clone();
        let names = path::slots(&path);
        for (key, operation) in &group.operations {
            let documented = path::slots(&key.path);
            for (seen, said) in names.iter().rev().zip(documented.iter().rev()) {
                let (Some(seen), Some(said)) = (seen, said) else { continue };
                let of =
                    |name: &str| ParameterKey { location: Location::Path, name: name.to_owned() };
                let seen = observed.parameters.get(&of(seen));
                let said = operation.parameters.get(&of(said));
                if let (Some(seen), Some(said), [_]) = (seen, said, group.operations.as_slice()) {
                    self.values(Location::Path, seen, &[(key, said)]);
                }
            }
        }
    }

    fn parameters(&mut self, group: &Group<'d>, observed: &'d Operation, n: u64) {
        let mut documented: BTreeMap<&ParameterKey, Vec<(&OperationKey, &'d Parameter)>> =
            BTreeMap::new();
        for (key, operation) in &group.operations {
            for (name, parameter) in &operation.parameters {
                documented.entry(name).or_default().push((key, parameter));
            }
        }
        documented.retain(|key, _| {
            key.location != Location::Path && !HEADERS.contains(&key.name.as_str())
        });
        let is_open = documented.iter().any(|(key, said)| {
            key.location == Location::Query && said.iter().any(|(_, said)| spreads(said))
        });
        for (key, seen) in &observed.parameters {
            if let Some(said) = documented.get(key) {
                self.values(key.location, seen, said);
            } else if documented_name(key).is_none_or(|short| !documented.contains_key(&short)) {
                self.undocumented_parameter(group, key, seen, is_open);
            }
        }
        for (key, said) in documented {
            self.presence(group, key, &said, observed, n);
        }
    }

    fn values(
        &mut self,
        location: Location,
        seen: &'d Parameter,
        said: &[(&OperationKey, &'d Parameter)],
    ) {
        let mut shape = Shape::default();
        let mut place: Rc<str> = "".into();
        for (key, parameter) in said {
            place = parameter_place(key, location, &parameter.name).into();
            let place = format!("{place}/schema").into();
            shape.or(Shape::of(self.documented, &parameter.schema, &place));
        }
        let observed = Shape::of(self.observed, &seen.schema, &place);
        self.shapes(&observed, &shape, TEXT, 0);
    }

    fn undocumented_parameter(
        &mut self,
        group: &Group<'_>,
        key: &ParameterKey,
        seen: &Parameter,
        is_open: bool,
    ) {
        let is_infrastructure = self.is_observed && key.location == Location::Cookie;
        let is_credential = self.documented.schemes.values().any(|scheme| {
            matches!(scheme, SecurityScheme::ApiKey { location, name }
                if *location == key.location && name.eq_ignore_ascii_case(&key.name))
        });
        if key.location == Location::Path
            || is_infrastructure
            || is_credential
            || HEADERS.contains(&key.name.as_str())
            || (is_open && key.location == Location::Query)
        {
            return;
        }
        let class = match key.location {
            Location::Header if self.is_observed => Class::Notice,
            _ if seen.required => Class::Breaking,
            _ => Class::Additive,
        };
        let evidence = seen.evidence.as_ref();
        self.tell(Found {
            kind: Kind::UndocumentedParameter,
            class,
            side: Some(Side::Request),
            place: parameter_place(&group.key(), key.location, &key.name),
            documented: "nothing".to_owned(),
            observed: if seen.required { "always sent" } else { "sent" }.to_owned(),
            seen: evidence.map_or(0, |evidence| evidence.n),
            of: evidence.map_or(0, |evidence| evidence.of),
        });
    }

    /// Whether a documented parameter is there as often as it should be.
    fn presence(
        &mut self,
        group: &Group<'_>,
        key: &ParameterKey,
        said: &[(&OperationKey, &Parameter)],
        observed: &Operation,
        n: u64,
    ) {
        let is_required =
            said.len() == group.operations.len() && said.iter().all(|(_, said)| said.required);
        let seen = observed.parameters.get(key).or_else(|| {
            let mut seen = observed.parameters.iter();
            seen.find(|(seen, _)| documented_name(seen).as_ref() == Some(key)).map(|(_, seen)| seen)
        });
        let (missing, of) = match seen.map(|seen| (seen, &seen.evidence)) {
            Some((_, Some(evidence))) => (evidence.of.saturating_sub(evidence.n), evidence.of),
            Some((_, None)) => (0, 0),
            None => (n, n),
        };
        let mut found = Found {
            kind: Kind::MissingParameter,
            class: Class::Additive,
            side: Some(Side::Request),
            place: parameter_place(&group.key(), key.location, &key.name),
            documented: if is_required { "required" } else { "optional" }.to_owned(),
            observed: "answered without it".to_owned(),
            seen: missing,
            of,
        };
        if !self.is_observed {
            match (seen.map(|seen| seen.required), is_required) {
                (Some(true), false) => {
                    found.kind = Kind::BecameRequired;
                    found.class = Class::Breaking;
                    "required".clone_into(&mut found.observed);
                }
                (Some(false), true) => "optional".clone_into(&mut found.observed),
                (None, _) => {
                    found.kind = Kind::Removed;
                    "nothing".clone_into(&mut found.observed);
                }
                _ => return,
            }
        } else if !is_required
            || missing == 0
            // What is not looked for cannot be missed.
            || (key.location != Location::Query && !self.locations.contains(&key.location))
        {
            return;
        }
        self.tell(found);
    }

    /// Whether somebody was let in without what the document asks for.
    fn credentials(&mut self, group: &Group<'_>, observed: &Operation) {
        let asks = |security: &Option<Vec<Requirement>>| {
            security.as_ref().is_some_and(|any| {
                !any.is_empty() && any.iter().all(|requirement| !requirement.is_empty())
            })
        };
        let is_asked = group.operations.iter().all(|(_, operation)| asks(&operation.security));
        if !is_asked {
            return;
        }
        let without = match &observed.evidence {
            Some(evidence) => {
                let without = evidence.credentials.get("none").copied().unwrap_or_default();
                // Those that were turned away had no business there.
                let refused = refused(observed);
                let is_alone = evidence.consumers.is_some_and(|consumers| consumers < 2);
                let without = without.saturating_sub(refused);
                if without < WITHOUT_CREDENTIALS_MIN || is_alone {
                    return;
                }
                (without, evidence.n)
            }
            None if self.is_observed || asks(&observed.security) => return,
            None if observed.security.is_none() => return,
            None => (0, 0),
        };
        self.tell(Found {
            kind: Kind::AuthDrift,
            class: Class::Breaking,
            side: Some(Side::Request),
            place: format!("{}/security", group.place()),
            documented: "credentials".to_owned(),
            observed: "answered without any".to_owned(),
            seen: without.0,
            of: without.1,
        });
    }
}

/// Requests that were answered with an error, which may have been those without credentials.
fn refused(observed: &Operation) -> u64 {
    let errors = observed.responses.iter().filter(|(status, _)| status.class() >= Some(4));
    let counts = errors.filter_map(|(_, response)| response.evidence.as_ref());
    counts.map(|evidence| evidence.n).sum()
}

/// A parameter that stands for any number of others: an object whose fields are parameters.
fn spreads(parameter: &Parameter) -> bool {
    parameter.schema.types.contains(Type::Object)
        && parameter.style.as_deref() != Some("deepObject")
}

/// What `ids[]` and `filter[name]` are called in a document; none for plain names.
fn documented_name(key: &ParameterKey) -> Option<ParameterKey> {
    let (name, _) = key.name.split_once('[')?;
    Some(ParameterKey { location: key.location, name: name.to_owned() })
}

fn parameter_place(operation: &OperationKey, location: Location, name: &str) -> String {
    let operation = super::matching::operation_place(operation);
    format!("{operation}/parameters/{}/{}", location.name(), escaped(name))
}
