//! What is concluded from documents, against counting by hand and against joining in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use tapline_model::{
    BodyDirection, BodyView, Delta, EndpointView, Feedback, JsonKind, Presence, SchemaView,
    ShardId, TextFormat,
};

use crate::inventory::endpoint::Endpoint;
use crate::testing::{Exchange, delta_of};
use crate::{Config, Discovery, Inventory};

fn get(answer: &Value, client: u8) -> Exchange {
    Exchange::new("GET", "/things", 200)
        .client(client)
        .answer("application/json", &answer.to_string())
}

fn inventory_of(config: Config, epochs: &[Vec<Exchange>]) -> Inventory {
    let mut inventory = Inventory::new(config, tapline_model::Key::fixed());
    for epoch in epochs {
        inventory.apply(&delta_of(epoch));
    }
    inventory
}

/// What answers of 200 look like, each sent to one of four clients.
fn learned(answers: impl IntoIterator<Item = Value>) -> SchemaView {
    let exchanges: Vec<Exchange> =
        answers.into_iter().zip((1u8..5).cycle()).map(|(answer, by)| get(&answer, by)).collect();
    body(&mut inventory_of(Config::default(), &[exchanges]), BodyDirection::Response).schema
}

fn body(inventory: &mut Inventory, direction: BodyDirection) -> BodyView {
    let endpoints = inventory.endpoints();
    endpoints[0].bodies.iter().find(|body| body.direction == direction).unwrap().clone()
}

fn member<'a>(schema: &'a SchemaView, name: &str) -> &'a SchemaView {
    &schema.properties.iter().find(|property| property.name == name).unwrap().schema
}

fn presence(schema: &SchemaView, name: &str) -> Presence {
    schema.properties.iter().find(|property| property.name == name).unwrap().presence
}

#[test]
fn required_is_claimed_of_enough_and_never_of_what_was_missing_once() {
    let answers = |count: usize, missing: Option<usize>| {
        (0..count).map(move |at| {
            if missing == Some(at) { json!({"id": at}) } else { json!({"id": at, "a": null}) }
        })
    };
    assert_eq!(presence(&learned(answers(29, None)), "a"), Presence::Unsure);
    assert_eq!(presence(&learned(answers(30, None)), "a"), Presence::Required);
    assert_eq!(presence(&learned(answers(300, None)), "a"), Presence::Certain);
    for at in [0, 150, 299] {
        let schema = learned(answers(300, Some(at)));
        assert_eq!(presence(&schema, "a"), Presence::Optional, "missing at {at}");
        assert_eq!(presence(&schema, "id"), Presence::Certain);
    }
}

#[test]
fn a_few_words_of_several_consumers_are_an_enumeration_and_names_are_none() {
    let words = ["open", "paid", "shipped"];
    let people = ["alice", "bob", "carol"];
    let answers = (0..120).map(|at: usize| {
        json!({"status": words[at % 3], "first_name": people[at % 3], "level": at % 2, "pin": 1234,
               "note": format!("text {at}"), "plan": if at < 60 { "free" } else { "paid" }})
    });
    let schema = learned(answers);
    let values = member(&schema, "status").values.clone().unwrap();
    let listed: Vec<&str> = values.values.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!((listed.as_slice(), values.hidden), (words.as_slice(), 0));
    assert!(member(&schema, "plan").values.is_some());
    assert_eq!(member(&schema, "level").values, None, "numbers repeat by chance");
    assert_eq!(member(&schema, "first_name").values, None);
    assert_eq!(member(&schema, "first_name").distinct, 3);
    assert_eq!(member(&schema, "note").values, None);
    let pin = member(&schema, "pin");
    assert_eq!((pin.values.clone(), pin.minimum, pin.distinct), (None, None, 0));
}

#[test]
fn a_word_of_one_consumer_is_shown_to_nobody() {
    let answers: Vec<Exchange> = (0..200u16)
        .map(|at| {
            let word = if at % 4 == 0 { "zanzibar" } else { "common" };
            get(
                &json!({"place_kind": word, "mode": word}),
                u8::from(at % 4 != 0) * (1 + u8::from(at % 8 > 3)),
            )
        })
        .collect();
    let mut inventory = inventory_of(Config::default(), &[answers]);
    let schema = body(&mut inventory, BodyDirection::Response).schema;
    let values = member(&schema, "mode").values.clone().unwrap();
    assert_eq!((values.values.len(), values.hidden), (1, 1));
    let (hosts, endpoints) = (inventory.hosts(), inventory.endpoints());
    let document = serde_json::to_string(&crate::inventory_json(&hosts, &endpoints, &[])).unwrap();
    assert!(!document.contains("zanzibar"), "{document}");
    assert!(!format!("{inventory:?}").contains("zanzibar"));
}

#[test]
fn formats_nulls_and_numbers_are_told() {
    let answers = (0..40u32).map(|at| {
        json!({"when": format!("2026-11-{:02}T10:00:00Z", at % 28 + 1),
               "owner": if at % 5 == 0 { Value::Null } else { json!(format!("u{at}@example.com")) },
               "price": if at % 2 == 0 { json!(at) } else { json!(f64::from(at) + 0.5) },
               "count": at + 100, "code": at.to_string()})
    });
    let schema = learned(answers);
    assert_eq!(member(&schema, "when").format, Some(TextFormat::DateTime));
    let owner = member(&schema, "owner");
    assert_eq!((owner.format, owner.nullable, owner.distinct), (Some(TextFormat::Email), true, 0));
    assert_eq!(member(&schema, "price").kinds, [(JsonKind::Integer, 20), (JsonKind::Number, 20)]);
    let count = member(&schema, "count");
    assert_eq!((count.minimum, count.maximum), (Some(100.0), Some(140.0)), "two digits");
    assert_eq!(member(&schema, "code").format, Some(TextFormat::Integer));
}

#[test]
fn maps_are_told_from_large_records() {
    let by_uuid =
        |at: u32| json!({format!("550e8400-e29b-41d4-a716-4466554400{:02}", at % 100): {"n": at}});
    let schema = learned((0..40).map(|at| {
        json!({"rates": {format!("x{}y", letters(at * 7)): at,
        format!("z{}", letters(at * 5 + 3)): 1}, "sessions": by_uuid(at)})
    }));
    let sessions = member(&schema, "sessions").additional.as_ref().unwrap();
    assert_eq!(sessions.keys, [("uuid".to_owned(), 40)]);
    assert_eq!(member(&sessions.schema, "n").n, 40);
    let rates = member(&schema, "rates");
    assert!(rates.properties.is_empty(), "{} names", rates.properties.len());
    assert_eq!(rates.additional.as_ref().unwrap().schema.n, 80);
    // Eighty members, each missing half of the time, but not alike.
    let record = |at: u32| -> Value {
        let members = (0..80u32).filter(|field| (field + at).is_multiple_of(2)).map(|field| {
            let value = if field % 3 == 0 { json!(at) } else { json!("text") };
            (format!("f{}", letters(field)), value)
        });
        Value::Object(members.collect())
    };
    let schema = learned((0..40).map(record));
    assert_eq!((schema.properties.len(), schema.additional), (80, None));
}

fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn a_tag_tells_kinds_of_objects_apart() {
    let event = |at: u32| match at % 3 {
        0 => json!({"id": at, "type": "created", "name": "x"}),
        1 => json!({"id": at, "type": "moved", "from": 1, "to": 2}),
        _ => json!({"id": at, "type": "deleted", "reason": "y", "by": "z"}),
    };
    let schema = learned((0..120).map(|at| json!({"events": [event(at), event(at + 1)]})));
    let events = member(&schema, "events").items.as_ref().unwrap();
    let variants = events.variants.as_ref().unwrap();
    assert_eq!(variants.tag, "type");
    let shown: Vec<(&str, u64, Vec<&str>)> = variants
        .variants
        .iter()
        .map(|kind| {
            (kind.value.as_str(), kind.n, kind.members.iter().map(|it| it.name.as_str()).collect())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("created", 80, vec!["id", "name", "type"]),
            ("deleted", 80, vec!["by", "id", "reason", "type"]),
            ("moved", 80, vec!["from", "id", "to", "type"]),
        ]
    );
    // A status that decides nothing is none.
    let plain = learned((0..120).map(|at: u32| {
        json!({"type": if at.is_multiple_of(2) { "a" } else { "b" },
        "x": 1})
    }));
    assert_eq!(plain.variants, None);
}

#[test]
fn what_is_refused_teaches_no_request_and_errors_have_their_own_schema() {
    let post = |status: u16, sent: &str, answer: &str| {
        Exchange::new("POST", "/things?dry=1", status)
            .sent("application/json", sent)
            .answer("application/json", answer)
    };
    let epoch = vec![
        post(201, r#"{"name":"a"}"#, r#"{"id":1}"#),
        post(400, r#"{"nmae":"a"}"#, r#"{"error":"no"}"#),
        post(500, r#"{"x":1}"#, r#"{"trace":"y"}"#),
    ];
    let mut inventory = inventory_of(Config::default(), &[epoch]);
    let endpoints = inventory.endpoints();
    let shown: Vec<(Option<u16>, u64, u64, Vec<&str>)> = endpoints[0]
        .bodies
        .iter()
        .map(|body| {
            let names = body.schema.properties.iter().map(|it| it.name.as_str()).collect();
            (body.status, body.n, body.of, names)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (None, 1, 1, vec!["name"]),
            (Some(201), 1, 1, vec!["id"]),
            (Some(400), 1, 1, vec!["error"]),
            (Some(500), 1, 1, vec!["trace"]),
        ]
    );
    assert_eq!(endpoints[0].bodies_read, 3);
}

#[test]
fn fields_without_end_take_no_room_without_end() {
    let config = Config { endpoint_fields_max: 300, fields_max: 500, ..Config::default() };
    let epochs: Vec<Vec<Exchange>> = (0..40u32)
        .map(|epoch| {
            let answer = |at: u32| {
                let fields = (0..40).map(|field| {
                    let name = format!("n{}", letters(epoch * 10_000 + at * 100 + field));
                    (name, json!({"a": [at, "x", null], "b": {}}))
                });
                Value::Object(fields.collect())
            };
            let path = ["/things", "/others", "/more"][epoch as usize % 3];
            (0..4u8)
                .map(|at| Exchange { target: path.to_owned(), ..get(&answer(at.into()), at) })
                .collect()
        })
        .collect();
    let mut inventory = inventory_of(config, &epochs);
    assert!(inventory.fields() <= 500, "{}", inventory.fields());
    assert!(inventory.rejected().field_values > 1_000);
    let counted: usize = inventory.endpoints.values().map(|endpoint| endpoint.schemas.len()).sum();
    assert_eq!(counted as u64, inventory.fields());
    assert!(inventory.endpoints.values().all(|endpoint| endpoint.schemas.len() <= 300));
    let shown = serde_json::to_string(&inventory.endpoints()).unwrap();
    assert!(shown.contains("\"left_out\""), "what is left out is told");
}

#[test]
fn fields_of_the_longest_quiet_make_room_after_an_hour() {
    let config = Config { fields_max: 60, ..Config::default() };
    let wide = |name: &str, target: &str| {
        let fields = (0..40).map(|field| (format!("{name}{}", letters(field)), json!("x")));
        let answer = Value::Object(fields.collect());
        vec![Exchange { target: target.to_owned(), ..get(&answer, 1) }]
    };
    let mut inventory = inventory_of(config, &[wide("a", "/old"), wide("b", "/new")]);
    assert_eq!(inventory.fields_evicted(), 0);
    assert!(inventory.rejected().field_values > 0);
    (0..3_600).for_each(|_| inventory.apply(&Delta::default()));
    inventory.apply(&delta_of(&wide("b", "/new")));
    assert!(inventory.fields_evicted() > 30);
    let endpoints = inventory.endpoints();
    let lengths: Vec<usize> = endpoints
        .iter()
        .map(|it| it.bodies.iter().map(|body| body.schema.properties.len()).sum())
        .collect();
    assert_eq!(lengths, [40, 0], "/new, /old");
}

/// Documents of a few names, so that they meet.
/// The members of what each endpoint answered, and how many documents there were.
fn answered(inventory: &mut Inventory) -> Vec<(String, u64, Vec<String>)> {
    let name = |endpoint: &EndpointView| endpoint.template.clone();
    let members = |body: &BodyView| -> Vec<String> {
        body.schema.properties.iter().map(|property| property.name.clone()).collect()
    };
    let endpoints = inventory.endpoints();
    let listed = endpoints.iter().flat_map(|endpoint| {
        endpoint.bodies.iter().map(|body| (name(endpoint), body.n, members(body)))
    });
    listed.collect()
}

#[test]
fn a_word_that_was_taken_for_a_value_takes_its_fields_along() {
    let user = json!({"id": 1, "name": "x"});
    let audit = json!({"log": [], "cursor": "x"});
    let at =
        |target: String, answer: &Value, client: u8| Exchange { target, ..get(answer, client) };
    let mut first: Vec<Exchange> = (0..26u8)
        .map(|number| {
            let name = char::from(b'a' + number);
            at(format!("/users/{name}lice{name}"), &user, number % 4 + 1)
        })
        .collect();
    first.push(at("/users/audit".to_owned(), &audit, 1));
    let later: Vec<Exchange> =
        (0..60u8).map(|number| at("/users/audit".to_owned(), &audit, number % 4 + 1)).collect();
    let mut inventory = inventory_of(Config::default(), &[first]);
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mixed = names(&["cursor", "id", "log", "name"]);
    inventory.settle();
    assert_eq!(answered(&mut inventory), [("/users/{userId}".to_owned(), 27, mixed)]);
    inventory.apply(&delta_of(&later));
    inventory.settle();
    assert_eq!(
        answered(&mut inventory),
        [
            ("/users/audit".to_owned(), 61, names(&["cursor", "log"])),
            ("/users/{userId}".to_owned(), 26, names(&["id", "name"])),
        ]
    );
    let fields: usize = inventory.endpoints.values().map(Endpoint::fields).sum();
    assert_eq!(inventory.fields(), fields as u64);
}

fn documents() -> impl Strategy<Value = Vec<(Value, u8)>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..200).prop_map(Value::from),
        (-9.5..9.5f64).prop_map(|number| json!(number + 0.25)),
        prop::sample::select(vec!["", "open", "2026-11-13", "a@b.example", "x y", "4711"])
            .prop_map(Value::from),
    ];
    let names = || prop::sample::select(vec!["a", "b", "type", "status", "c.d", "[]", ""]);
    let value = leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(names(), inner, 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    });
    prop::collection::vec((value, 1u8..5), 1..25)
}

/// Types by place, and by member how often it was there and could have been.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    types: BTreeMap<(Vec<String>, &'static str), u64>,
    present: BTreeMap<Vec<String>, (u64, u64)>,
}

fn count(value: &Value, place: &[String], counted: &mut Counted) {
    let label = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    *counted.types.entry((place.to_vec(), label)).or_default() += 1;
    let below = |name: &str| [place, &[name.to_owned()]].concat();
    match value {
        Value::Array(elements) => {
            let chosen = [0, 1, 2, 3, 7];
            for at in chosen {
                if let Some(element) = elements.get(at) {
                    count(element, &below("*"), counted);
                }
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                counted.present.entry(below(&format!(".{name}"))).or_default().0 += 1;
                count(value, &below(&format!(".{name}")), counted);
            }
        }
        _ => {}
    }
}

fn counted(documents: &[(Value, u8)]) -> Counted {
    let mut counted = Counted::default();
    for (document, _) in documents {
        count(document, &[], &mut counted);
    }
    let Counted { types, present } = &mut counted;
    for (place, (_, of)) in present.iter_mut() {
        let parent = place[..place.len() - 1].to_vec();
        *of = types.get(&(parent, "object")).copied().unwrap_or(0);
    }
    counted
}

fn shown(schema: &SchemaView, place: &[String], counted: &mut Counted) {
    for &(kind, count) in &schema.kinds {
        counted.types.insert((place.to_vec(), kind.label()), count);
    }
    let below = |name: &str| [place, &[name.to_owned()]].concat();
    if let Some(items) = &schema.items {
        shown(items, &below("*"), counted);
    }
    for property in &schema.properties {
        let place = below(&format!(".{}", property.name));
        counted.present.insert(place.clone(), (property.present, property.of));
        shown(&property.schema, &place, counted);
        assert_eq!(property.presence == Presence::Optional, property.present < property.of);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_schema_is_what_counting_by_hand_gives(documents in documents()) {
        let exchanges = documents.iter().map(|(document, client)| get(document, *client)).collect();
        let mut inventory = inventory_of(Config::default(), &[exchanges]);
        let mut seen = Counted::default();
        shown(&body(&mut inventory, BodyDirection::Response).schema, &[], &mut seen);
        prop_assert_eq!(seen, counted(&documents));
    }

    #[test]
    fn joining_in_any_order_is_folding_all_at_once(
        documents in documents(),
        cuts in prop::collection::vec(0usize..25, 2),
        statuses in prop::collection::vec(prop::sample::select(vec![200u16, 201, 404]), 25),
    ) {
        let exchanges: Vec<Exchange> = documents
            .iter()
            .zip(&statuses)
            .map(|((document, client), &status)| Exchange { status: Some(status), ..get(document, *client) })
            .collect();
        let whole = delta_of(&exchanges);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(exchanges.len())).collect();
        cuts.sort_unstable();
        let parts = [&exchanges[..cuts[0]], &exchanges[cuts[0]..cuts[1]], &exchanges[cuts[1]..]];
        let [a, b, c] = parts.map(|part| delta_of(&part.iter().rev().cloned().collect::<Vec<_>>()));
        let join = |mut left: Delta, right: &Delta| {
            left.join(right.clone());
            left
        };
        let left = join(join(a.clone(), &b), &c);
        let right = join(c, &join(b, &a));
        prop_assert_eq!(&left, &whole);
        prop_assert_eq!(&right, &whole);
        // And over the wire.
        let bytes = postcard::to_allocvec(&whole).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Delta>(&bytes).unwrap(), whole);
    }

    #[test]
    fn two_endpoints_that_turn_out_to_be_one_have_the_schema_of_both(
        documents in documents(),
        cut in 0usize..25,
    ) {
        let (left, right) = documents.split_at(cut.min(documents.len()));
        let at = |target: &str, documents: &[(Value, u8)]| -> Vec<Exchange> {
            let exchange = |(document, client): &(Value, u8)| Exchange {
                target: target.to_owned(),
                ..get(document, *client)
            };
            documents.iter().map(exchange).collect()
        };
        let schemas = |exchanges: &[Exchange]| {
            let mut inventory = inventory_of(Config::default(), &[exchanges.to_vec()]);
            let found = inventory.endpoints.values_mut().next();
            found.map(|endpoint| std::mem::take(&mut endpoint.schemas)).unwrap_or_default()
        };
        let room = super::Room { endpoint_max: 10_000, left: 10_000 };
        let mut joined = schemas(&at("/a", left));
        joined.join(&schemas(&at("/b", right)), room, &tapline_model::Key::fixed());
        let mut whole = schemas(&at("/c", &documents));
        prop_assert_eq!(joined.bodies(), whole.bodies());
        prop_assert_eq!(joined.len(), whole.len());
    }

    #[test]
    fn any_body_is_looked_into(text in "[\\[\\]{}:,\"a0-9.e-]{0,80}", cut: bool) {
        let mut discovery = Discovery::new(Config::default(), tapline_model::Key::fixed());
        Exchange::new("POST", "/", 200).sent("application/json", &text).with(|transaction| {
            let mut transaction = *transaction;
            transaction.request_body.sample.truncated = cut;
            discovery.push(&transaction, ShardId::default(), &Feedback::default(), &mut |seen| {
                for document in &seen.fields.documents {
                    let notes = seen.fields.of(document);
                    assert!(notes.iter().enumerate().all(|(at, note)| {
                        note.parent as usize <= at && (note.end as usize) <= notes.len()
                    }));
                }
            });
        });
    }
}
