//! Bodies of requests and responses.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::difference::{Class, Found, Kind, Side};
use super::matching::{Group, operation_place};
use super::shape::Shape;
use super::{Comparer, How};
use crate::document::{Media, Operation, OperationKey, Response, StatusKey};
use crate::read::escaped;

/// Documented content, and where each form stands.
type Content<'d> = Vec<(&'d str, &'d Media, String)>;

/// Observed content: what goes which way, and where it would stand.
struct Seen<'d> {
    content: &'d BTreeMap<String, Media>,
    how: How,
    place: String,
    /// How often there could have been a body.
    of: u64,
}

impl<'d> Comparer<'d> {
    pub(super) fn request_body(&mut self, group: &Group<'d>, observed: &'d Operation) {
        let how = How { side: Side::Request, is_error: false, is_text: false };
        let place = format!("{}/requestBody", group.place());
        let bodies: Vec<_> = group
            .operations
            .iter()
            .filter_map(|(key, operation)| Some((*key, operation.body.as_ref()?)))
            .collect();
        let Some(seen) = &observed.body else {
            if !bodies.is_empty() && !self.is_observed {
                self.tell(Found {
                    kind: Kind::MissingBody,
                    class: Class::Additive,
                    side: Some(Side::Request),
                    place,
                    documented: "a body".to_owned(),
                    observed: "none".to_owned(),
                    seen: 0,
                    of: 0,
                });
            }
            return;
        };
        let mut content = Content::new();
        for (key, body) in &bodies {
            let place = format!("{}/requestBody/content", operation_place(key));
            collect(&body.content, &place, &mut content);
        }
        let evidence = seen.content.values().filter_map(|media| media.evidence.as_ref());
        let (n, of) =
            evidence.fold((0, 0), |(n, of), evidence| (n + evidence.n, of.max(evidence.of)));
        let is_required =
            bodies.len() == group.operations.len() && bodies.iter().all(|(_, body)| body.required);
        if is_required && n < of {
            self.tell(Found {
                kind: Kind::MissingBody,
                class: Class::Notice,
                side: Some(Side::Request),
                place: place.clone(),
                documented: "required".to_owned(),
                observed: "answered without one".to_owned(),
                seen: of - n,
                of,
            });
        }
        self.content(&Seen { content: &seen.content, how, place, of }, &content, bodies.is_empty());
    }

    pub(super) fn responses(&mut self, group: &Group<'d>, observed: &'d Operation) {
        let says_none = group.operations.iter().all(|(_, said)| said.responses.is_empty());
        if says_none {
            return;
        }
        let n = observed.evidence.as_ref().map_or(0, |evidence| evidence.n);
        for (&status, seen) in &observed.responses {
            let said: Vec<_> = group
                .operations
                .iter()
                .filter_map(|(key, operation)| Some((*key, documented(operation, status)?)))
                .collect();
            let is_by_default = said.iter().all(|(_, (key, _))| *key == StatusKey::Default)
                && group.operations.iter().any(|(_, said)| is_left_to_default(said, status));
            if said.is_empty() {
                self.undocumented_status(group, status, seen, n);
            } else if is_by_default {
                self.success_by_default(group, &said, status, seen, n);
            } else {
                self.response(&said, status, seen);
            }
        }
    }

    /// Where success is described by itself, `default` is how errors look: another success is
    /// documented by it only if it looks like that.
    fn success_by_default(
        &mut self,
        group: &Group<'_>,
        said: &[(&OperationKey, (StatusKey, &'d Response))],
        status: StatusKey,
        seen: &'d Response,
        n: u64,
    ) {
        let found = std::mem::take(&mut self.found);
        let (visited, unjudged) = (std::mem::take(&mut self.visited), self.unjudged);
        self.response(said, status, seen);
        let differs = !std::mem::replace(&mut self.found, found).is_empty();
        self.visited = visited;
        self.unjudged = unjudged;
        if differs {
            self.undocumented_status(group, status, seen, n);
        }
    }

    fn response(
        &mut self,
        said: &[(&OperationKey, (StatusKey, &'d Response))],
        status: StatusKey,
        seen: &'d Response,
    ) {
        let is_error = status.class() >= Some(4);
        let how = How { side: Side::Response, is_error, is_text: false };
        let place = |key: &OperationKey, status: StatusKey| {
            format!("{}/responses/{status}/content", operation_place(key))
        };
        let mut content = Content::new();
        for (key, (status, response)) in said {
            collect(&response.content, &place(key, *status), &mut content);
        }
        let is_bare = content.is_empty();
        let Some((key, (first, _))) = said.first() else { return };
        let of = seen.evidence.as_ref().map_or(0, |evidence| evidence.n);
        let seen = Seen { content: &seen.content, how, place: place(key, *first), of };
        self.content(&seen, &content, is_bare);
    }

    /// Errors need no document, nor does the answer that nothing has changed.
    fn undocumented_status(
        &mut self,
        group: &Group<'_>,
        status: StatusKey,
        seen: &Response,
        n: u64,
    ) {
        let class = status.class();
        let is_permitted =
            class.is_none_or(|class| class >= 4 || class == 1) || status == StatusKey::Code(304);
        if is_permitted {
            return;
        }
        self.tell(Found {
            kind: Kind::UndocumentedStatus,
            class: Class::Notice,
            side: Some(Side::Response),
            place: format!("{}/responses/{status}", group.place()),
            documented: "nothing".to_owned(),
            observed: status.to_string(),
            seen: seen.evidence.as_ref().map_or(0, |evidence| evidence.n),
            of: n,
        });
    }

    fn content(&mut self, seen: &Seen<'d>, said: &Content<'d>, is_bare: bool) {
        for (name, media) in seen.content {
            let (n, of) = match &media.evidence {
                Some(evidence) => (evidence.n, evidence.of.max(seen.of)),
                None => (0, seen.of),
            };
            let mut found = Found {
                kind: Kind::UndocumentedBody,
                class: if seen.how.is_error { Class::Notice } else { Class::Additive },
                side: Some(seen.how.side),
                place: seen.place.clone(),
                documented: "no body".to_owned(),
                observed: if name.is_empty() { "a body" } else { name.as_str() }.to_owned(),
                seen: n,
                of,
            };
            if is_bare {
                // Errors come with whatever the framework says.
                if !seen.how.is_error {
                    self.tell(found);
                }
                continue;
            }
            let (fitting, is_said) = fitting(name, said);
            if !is_said && !name.is_empty() && !seen.how.is_error {
                let names: Vec<_> = said.iter().map(|(name, ..)| *name).take(4).collect();
                found.kind = Kind::UndocumentedMedia;
                found.class = Class::Notice;
                found.place = format!("{}/{}", seen.place, escaped(name));
                found.documented = names.join(", ");
                self.tell(found);
            }
            self.media(name, media, &fitting, seen.how);
        }
    }

    fn media(&mut self, name: &str, media: &'d Media, said: &Content<'d>, how: How) {
        let is_form = name == "application/x-www-form-urlencoded" || name == "multipart/form-data";
        if said.is_empty() || !(is_json(name) || is_form || name.is_empty() || !self.is_observed) {
            return;
        }
        let how = How { is_text: is_form, ..how };
        let mut shape = Shape::default();
        let mut place: Rc<str> = "".into();
        for (_, media, at) in said {
            place = format!("{at}/schema").into();
            shape.or(Shape::of(self.documented, &media.schema, &place));
        }
        let observed = Shape::of(self.observed, &media.schema, &place);
        self.shapes(&observed, &shape, how, 0);
    }
}

fn collect<'d>(content: &'d BTreeMap<String, Media>, place: &str, into: &mut Content<'d>) {
    for (name, media) in content {
        into.push((name, media, format!("{place}/{}", escaped(name))));
    }
}

/// The response that a document has for a status: the narrowest that is for it.
fn documented(operation: &Operation, status: StatusKey) -> Option<(StatusKey, &Response)> {
    keys(status).find_map(|key| Some((key, operation.responses.get(&key)?)))
}

/// Whether only `default` is for a success, although the document describes success by itself.
fn is_left_to_default(operation: &Operation, status: StatusKey) -> bool {
    let is_success = |status: StatusKey| matches!(status.class(), Some(2 | 3));
    let first = keys(status).find(|key| operation.responses.contains_key(key));
    is_success(status)
        && first == Some(StatusKey::Default)
        && operation.responses.keys().any(|&key| is_success(key))
}

/// What a document may have for a status, the narrowest first.
fn keys(status: StatusKey) -> impl Iterator<Item = StatusKey> {
    let class = status.class().and_then(|class| u8::try_from(class).ok());
    [Some(status), class.map(StatusKey::Class), Some(StatusKey::Default)].into_iter().flatten()
}

/// The documented forms that an observed one is, and whether the document names it. A JSON that is
/// not named is compared with the JSON that is.
fn fitting<'d>(name: &str, said: &Content<'d>) -> (Content<'d>, bool) {
    let pick = |fits: &dyn Fn(&str) -> bool| -> Content<'d> {
        said.iter().filter(|(said, ..)| fits(said)).cloned().collect()
    };
    for exact in [
        pick(&|said| said == name),
        pick(&|said| without_parameters(said) == without_parameters(name)),
    ] {
        if !exact.is_empty() {
            return (exact, true);
        }
    }
    let range = pick(&|said| {
        let said = without_parameters(said);
        said == "*/*" || said.strip_suffix('*').is_some_and(|start| name.starts_with(start))
    });
    if !range.is_empty() {
        return (range, true);
    }
    let is_like = name.is_empty() || is_json(name);
    (if is_like { pick(&is_json) } else { Content::new() }, false)
}

fn without_parameters(name: &str) -> &str {
    name.split(';').next().unwrap_or_default().trim()
}

fn is_json(name: &str) -> bool {
    let name = without_parameters(name);
    name == "application/json" || name.ends_with("+json") || name == "text/json"
}
