//! Templates as people read them: `/users/{userId}/orders/{orderId}`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tapline_model::{Key, SegmentClass, Template, TemplateSegment};

use crate::lexical;
use crate::paths::Known;

/// A template as text.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// All of it: what the endpoint's id is made of.
    pub(crate) full: String,
    /// The same with text that may be a value replaced by a keyed hash; none when there is no such
    /// text.
    pub(crate) veiled: Option<String>,
    /// The names of the slots, in path order.
    pub(crate) slots: Vec<String>,
    /// Which segments they are.
    pub(crate) places: Vec<usize>,
    /// What it is the text of.
    pub(crate) template: Template,
}

impl Rendered {
    /// Writes a template as text. Slots are named after the word before them and their class, so
    /// lexical templates that mean the same render equally; or as rules call them.
    pub(crate) fn of(known: &Known, key: &Key) -> Self {
        let Known { template, names } = known;
        let mut full = String::new();
        let mut veiled = String::new();
        let mut slots: Vec<String> = Vec::new();
        let mut taken: BTreeSet<String> = names.iter().flatten().map(ToString::to_string).collect();
        let mut collection: Option<&str> = None;
        let mut has_weak = false;
        let mut places = Vec::new();
        for (place, segment) in template.segments.iter().enumerate() {
            full.push('/');
            veiled.push('/');
            match segment {
                TemplateSegment::Word(word) => {
                    full.push_str(word);
                    veiled.push_str(word);
                    collection = (!lexical::is_version(word.as_bytes())).then_some(word);
                }
                TemplateSegment::Weak(text) => {
                    full.push_str(text);
                    let hash = key.text_hash(text.as_bytes()) & 0xFF_FFFF;
                    // Writing to a string cannot fail.
                    write!(veiled, "~{hash:06x}").unwrap_or_default();
                    has_weak = true;
                    collection = None;
                }
                TemplateSegment::Parameter(class, suffix) => {
                    let derived = slot_name(*class, collection.take());
                    let name = match names.get(place).and_then(Option::as_ref) {
                        Some(name) => name.to_string(),
                        None => unique(&derived, &mut taken),
                    };
                    for text in [&mut full, &mut veiled] {
                        text.push('{');
                        text.push_str(&name);
                        text.push('}');
                        text.push_str(suffix);
                    }
                    slots.push(name);
                    places.push(place);
                }
            }
        }
        if full.is_empty() || template.trailing_slash {
            full.push('/');
            veiled.push('/');
        }
        let template = template.clone();
        Self { full, veiled: has_weak.then_some(veiled), slots, places, template }
    }
}

fn slot_name(class: SegmentClass, collection: Option<&str>) -> String {
    match class {
        SegmentClass::Date => "date".to_owned(),
        SegmentClass::Email => "email".to_owned(),
        SegmentClass::IpAddress => "ip".to_owned(),
        SegmentClass::Jwt => "token".to_owned(),
        SegmentClass::CardNumber => "cardNumber".to_owned(),
        SegmentClass::Phone => "phone".to_owned(),
        SegmentClass::Coordinates => "coordinates".to_owned(),
        SegmentClass::Integer
        | SegmentClass::Uuid
        | SegmentClass::Hex
        | SegmentClass::ObjectId
        | SegmentClass::PrefixedId
        | SegmentClass::Token
        | SegmentClass::Oversized
        | SegmentClass::Text => match collection.map(thing_of) {
            Some(thing) if !thing.is_empty() && thing != "id" => thing + "Id",
            _ => "id".to_owned(),
        },
    }
}

/// One thing of a collection, in camel case: `line-items` is `lineItem`.
fn thing_of(collection: &str) -> String {
    let mut parts: Vec<&str> =
        collection.split(|letter: char| !letter.is_ascii_alphabetic()).collect();
    parts.retain(|part| !part.is_empty());
    let last = parts.pop().map(singular).unwrap_or_default();
    let mut name = String::new();
    for part in parts.into_iter().chain([last.as_str()]) {
        let shouted = part.bytes().all(|byte| byte.is_ascii_uppercase());
        let mut letters = part.chars();
        let Some(first) = letters.next() else { continue };
        name.push(if name.is_empty() {
            first.to_ascii_lowercase()
        } else {
            first.to_ascii_uppercase()
        });
        name.extend(
            letters.map(|letter| if shouted { letter.to_ascii_lowercase() } else { letter }),
        );
    }
    name
}

/// The singular of an English noun, by the rules that need no dictionary.
fn singular(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "people" => return "person".to_owned(),
        "children" => return "child".to_owned(),
        "movies" => return "movie".to_owned(),
        "cookies" => return "cookie".to_owned(),
        "series" | "news" | "media" | "data" => return word.to_owned(),
        _ => {}
    }
    let without = |suffix: &str, ending: &str| {
        let stem = word.len().checked_sub(suffix.len()).and_then(|end| word.get(..end));
        lower.ends_with(suffix).then_some(stem).flatten().map(|stem| format!("{stem}{ending}"))
    };
    let keeps_its_s = ["ss", "us", "is"].iter().any(|ending| lower.ends_with(ending));
    if lower.len() <= 3 || keeps_its_s {
        return word.to_owned();
    }
    if lower.len() > 4
        && let Some(name) = without("ies", "y")
    {
        return name;
    }
    ["sses", "shes", "ches", "xes", "zzes", "tuses", "buses", "ruses", "roes", "atoes"]
        .iter()
        .find_map(|suffix| {
            let kept = suffix.strip_suffix("es").unwrap_or_default();
            without(suffix, kept)
        })
        .or_else(|| without("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2u32;
    while taken.contains(&candidate) {
        candidate = format!("{name}{number}");
        number += 1;
    }
    taken.insert(candidate.clone());
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::NormalPath;
    use crate::template::Routes;

    fn rendered(sent: &str) -> Rendered {
        let mut path = NormalPath::default();
        path.set(sent.as_bytes());
        let mut routes = Routes::new(Key::fixed(), &[]);
        Rendered::of(&routes.of("h", "GET", &path).1.name.template.clone().into(), &Key::fixed())
    }

    #[test]
    fn slots_are_named_after_what_they_follow() {
        for (sent, expected) in [
            ("/", "/"),
            ("/users/42", "/users/{userId}"),
            ("/users/550e8400-e29b-41d4-a716-446655440000", "/users/{userId}"),
            ("/users/42/orders/7/", "/users/{userId}/orders/{orderId}/"),
            ("/42", "/{id}"),
            ("/v1/42/43", "/v1/{id}/{id2}"),
            ("/reports/2026-11-13", "/reports/{date}"),
            ("/users/bob@example.com", "/users/{email}"),
            ("/line-items/1", "/line-items/{lineItemId}"),
            ("/user_profiles/1", "/user_profiles/{userProfileId}"),
            ("/Accounts/12345.json", "/Accounts/{accountId}.json"),
            ("/SKUS/1", "/SKUS/{skusId}"),
            ("/orders/1/orders/2", "/orders/{orderId}/orders/{orderId2}"),
            ("/ids/1", "/ids/{idsId}"),
            ("/id/1", "/id/{id}"),
            ("/messages/123456:cancel", "/messages/{messageId}:cancel"),
        ] {
            assert_eq!(rendered(sent).full, expected, "{sent}");
        }
    }

    #[test]
    fn plurals_become_singular() {
        for (plural, expected) in [
            ("users", "user"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("statuses", "status"),
            ("houses", "house"),
            ("responses", "response"),
            ("status", "status"),
            ("analysis", "analysis"),
            ("series", "series"),
            ("people", "person"),
            ("heroes", "hero"),
            ("movies", "movie"),
            ("shoes", "shoe"),
            ("gas", "gas"),
        ] {
            assert_eq!(singular(plural), expected, "{plural}");
        }
    }

    #[test]
    fn text_that_may_be_a_value_is_veiled_and_names_nothing() {
        let text = rendered("/u/bob17/orders/1");
        assert_eq!(text.full, "/u/bob17/orders/{orderId}");
        let veiled = text.veiled.unwrap();
        assert!(veiled.starts_with("/u/~") && veiled.ends_with("/orders/{orderId}"), "{veiled}");
        assert!(!veiled.contains("bob17"));
        assert_eq!(rendered("/u/bob17/1").slots, ["id"]);
    }
}
