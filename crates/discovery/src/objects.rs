//! Which objects a request asks for, and how much at once. No id leaves: only keyed hashes.

use memchr::memmem;
use tapline_model::{
    GraphQuery, Key, Near, ObjectPlace, ObjectRef, Objects, SegmentClass, Template,
    TemplateSegment, Transaction, integer_hash,
};

use crate::format::Reading;
use crate::names::Purpose;
use crate::path::{self, NormalPath};

/// Bytes of an id.
const ID_BYTES_MAX: usize = 128;
/// Digits of an integer that is told from text.
const DIGITS_MAX: usize = 18;
/// Bytes of a request in which GraphQL is looked for.
const GRAPH_BYTES_MAX: usize = 64 << 10;

/// An id, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) object: u64,
    pub(crate) near: Near,
}

impl Id {
    /// Of a whole number.
    pub(crate) fn of_integer(key: &Key, integer: i128) -> Self {
        let near = u64::try_from(integer).map_or(Near::default(), |it| Near::of(key, it));
        Self { object: integer_hash(key, integer), near }
    }

    /// Of a text: digits are the number they spell, wherever they stand. None of what names nothing.
    pub(crate) fn of_text(key: &Key, text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > ID_BYTES_MAX {
            return None;
        }
        Some(match number(text) {
            Some(integer) => Self::of_integer(key, integer.into()),
            None => Self { object: key.text_hash(text), near: Near::default() },
        })
    }
}

fn number(text: &[u8]) -> Option<u64> {
    let is_plain = text.len() <= DIGITS_MAX
        && text.iter().all(u8::is_ascii_digit)
        && (text.first() != Some(&b'0') || text.len() == 1);
    let digits = is_plain.then(|| std::str::from_utf8(text).ok()).flatten()?;
    digits.parse().ok()
}

/// Notes the objects in the slots of a path. `scratch` is a buffer.
pub(crate) fn note_path(
    template: &Template,
    path: &NormalPath,
    objects: &mut Objects,
    key: &Key,
    scratch: &mut Vec<u8>,
) {
    let is_slot = |segment: &TemplateSegment| matches!(segment, TemplateSegment::Parameter(..));
    if !template.segments.iter().any(is_slot) {
        return;
    }
    for (place, (segment, sent)) in (0u8..).zip(template.segments.iter().zip(path.segments())) {
        let TemplateSegment::Parameter(class, suffix) = segment else { continue };
        if !names_an_object(*class) {
            continue;
        }
        let meant = path::decode(sent, scratch);
        let meant = meant.strip_suffix(suffix.as_bytes()).unwrap_or(meant);
        if let Some(Id { object, near }) = Id::of_text(key, meant) {
            objects.ask(ObjectRef { place: ObjectPlace::Path(place), object, near });
        }
    }
}

/// Days and places are no objects, and what is a credential is nobody's to enumerate.
const fn names_an_object(class: SegmentClass) -> bool {
    use SegmentClass::{Email, Hex, Integer, ObjectId, Phone, PrefixedId, Token, Uuid};
    matches!(class, Integer | Uuid | Hex | ObjectId | PrefixedId | Token | Email | Phone)
}

/// Notes a value in a query by what it is for.
pub(crate) fn note_sent(purpose: Purpose, value: &[u8], objects: &mut Objects, key: &Key) {
    match purpose {
        Purpose::Plain => {}
        Purpose::Reference(noun) => {
            if let Some(Id { object, near }) = Id::of_text(key, value) {
                objects.ask(ObjectRef { place: ObjectPlace::Named(noun), object, near });
            }
        }
        Purpose::Limit => objects.limit = objects.limit.max(number(value).map_or(0, round_up)),
        Purpose::Page => objects.page = objects.page.max(number(value).map_or(0, round_up)),
    }
}

/// The next number of two significant digits.
fn round_up(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit > 99 {
        unit *= 10;
    }
    number.div_ceil(unit) * unit
}

/// Whether a successful answer may have named ids that are not known.
pub(crate) fn may_name_more(transaction: &Transaction<'_>, reading: Option<Reading>) -> bool {
    let body = &transaction.response_body;
    let is_success =
        transaction.response.as_ref().is_some_and(|answer| (200..300).contains(&answer.status));
    let is_read = reading == Some(Reading::Read) && !body.sample.truncated;
    if !is_success || body.wire_bytes == 0 || is_read {
        return false;
    }
    if body.media_type == "application/json" {
        return true;
    }
    let is_dumb = ["image/", "audio/", "video/", "font/"]
        .iter()
        .any(|family| body.media_type.starts_with(family))
        || matches!(body.media_type, "text/css" | "text/javascript" | "application/javascript");
    !is_dumb
}

/// Whether a request is one of GraphQL: by its media type or its path.
pub(crate) fn is_graph(template: &Template, media_type: &str) -> bool {
    let is_path = || {
        template.segments.last().is_some_and(|last| match last {
            TemplateSegment::Word(word) | TemplateSegment::Weak(word) => {
                word.eq_ignore_ascii_case("graphql") || word.eq_ignore_ascii_case("gql")
            }
            TemplateSegment::Parameter(..) => false,
        })
    };
    media_type == "application/graphql" || (media_type.ends_with("json") && is_path())
}

/// How much a GraphQL request over HTTP asks for: its content is an object, or an array of them,
/// whose `query` is the text (GraphQL over HTTP, section 5).
pub(crate) fn graph_query(body: &[u8]) -> GraphQuery {
    let body = body.get(..GRAPH_BYTES_MAX).unwrap_or(body);
    let is_json = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut total = GraphQuery::default();
    if !matches!(is_json, Some(b'{' | b'[')) || memmem::find(body, b"\"query\"").is_none() {
        measure(body, &mut total);
        return total;
    }
    for at in memmem::find_iter(body, b"\"query\"") {
        let rest = body.get(at + b"\"query\"".len()..).unwrap_or_default().trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b":") else { continue };
        let Some(text) = rest.trim_ascii_start().strip_prefix(b"\"") else { continue };
        measure(text, &mut total);
    }
    total
}

/// Measures one query, up to the quote that ends it.
fn measure(text: &[u8], total: &mut GraphQuery) {
    let (mut depth, mut arguments, mut is_escaped) = (0u32, 0u32, false);
    let mut is_in_text = false;
    for &byte in text {
        let was_escaped = is_escaped;
        is_escaped = byte == b'\\' && !was_escaped;
        if was_escaped {
            // `\"` begins or ends a text within the query; `\n` is a space.
            is_in_text ^= byte == b'"';
            continue;
        }
        match byte {
            b'\\' => {}
            b'"' => break,
            _ if is_in_text => {}
            b'{' if arguments == 0 => {
                depth = depth.saturating_add(1);
                total.depth = total.depth.max(depth);
            }
            b'}' if arguments == 0 => depth = depth.saturating_sub(1),
            b'(' => arguments = arguments.saturating_add(1),
            b')' => arguments = arguments.saturating_sub(1),
            b':' if arguments == 0 && depth > 0 => total.aliases = total.aliases.saturating_add(1),
            _ => {}
        }
    }
    total.batch = total.batch.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Exchange;

    fn asked(exchange: &Exchange) -> Vec<(ObjectPlace, u64)> {
        let seen = exchange.observed();
        seen.objects.asked.iter().map(|it| (it.place, it.object)).collect()
    }

    fn id(text: &str) -> u64 {
        Id::of_text(&Key::fixed(), text.as_bytes()).unwrap().object
    }

    fn named(noun: &str) -> ObjectPlace {
        ObjectPlace::Named(tapline_model::noun_hash(&Key::fixed(), noun))
    }

    #[test]
    fn what_is_asked_for_stands_in_path_query_and_content() {
        let exchange =
            Exchange::new("POST", "/users/42/orders/2026-01-02?item_id=7&page=3&id=x", 200)
                .sent("application/json", r#"{"order":{"id":"42"},"userIds":[42,43],"paid":44}"#);
        assert_eq!(
            asked(&exchange),
            [
                (ObjectPlace::Path(1), id("42")),
                (named("item"), id("7")),
                (named(""), id("x")),
                (named(""), id("42")),
                (named("user"), id("42")),
                (named("user"), id("43")),
            ]
        );
    }

    #[test]
    fn what_an_answer_names_is_served_also_beyond_the_elements_looked_into() {
        let items: Vec<String> = (100..140)
            .map(|n| format!(r#"{{"id":{n},"in":{{"shop_id":"s{n}"}},"n":{n}}}"#))
            .collect();
        let body = format!(r#"{{"items":[{}]}}"#, items.join(","));
        let exchange = |status| {
            Exchange::new("GET", "/items", status).answer("application/json", &body).observed()
        };
        let objects = exchange(200).objects;
        let expected: Vec<u64> =
            (100..140).flat_map(|n| [id(&n.to_string()), id(&format!("s{n}"))]).collect();
        assert_eq!(objects.served, expected);
        assert!(!objects.is_blind);
        assert!(exchange(404).objects.served.is_empty(), "an error names nothing");
    }

    #[test]
    fn an_answer_that_was_not_read_whole_may_name_more() {
        let blind = |media, text: &str| {
            Exchange::new("GET", "/items", 200).answer(media, text).observed().objects.is_blind
        };
        assert!(!blind("application/json", r#"{"id":1}"#));
        assert!(blind("application/json", r#"{"id":1"#));
        assert!(blind("text/html", "<a href='/items/3'>"));
        assert!(!blind("image/png", "PNG"));
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert!(blind("application/json", &deep), "deeper than is looked into");
    }

    #[test]
    fn limits_cross_rounded() {
        let seen = Exchange::new("GET", "/items?limit=1234&offset=99&per_page=50", 200).observed();
        assert_eq!((seen.objects.limit, seen.objects.page), (1_300, 99));
        assert_eq!(round_up(u64::MAX / 100), 190_000_000_000_000_000);
    }

    #[test]
    fn graph_queries_are_measured() {
        let check = |body: &str, depth, aliases, batch| {
            assert_eq!(
                graph_query(body.as_bytes()),
                GraphQuery { depth, aliases, batch },
                "{body}"
            );
        };
        check(r#"{"query":"{ a(x: {y: 1}) { b } }"}"#, 2, 0, 1);
        check(r#"{"query":"query Q { one: a { b } two: a(s: \"}{\") { b { c } } }"}"#, 3, 2, 1);
        check(r#"[{"query":"{a}"},{"query":"{b{c}}"}]"#, 2, 0, 2);
        check("{ a { b } }", 2, 0, 1);
        let seen = Exchange::new("POST", "/api/graphql", 200)
            .sent("application/json", r#"{"query":"{ a { b } }"}"#)
            .observed();
        assert_eq!(seen.objects.graph.depth, 2);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_measured(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            graph_query(&text);
        }
    }
}
