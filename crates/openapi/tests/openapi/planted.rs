//! Changes planted at random places of real documents are told once, in the right class.

use std::collections::BTreeMap;

use serde_json::Value;
use tapline_openapi::{
    Additional, Class, Comparison, Difference, Document, Evidence, Kind, Limits, Location, Media,
    Operation, OperationKey, Parameter, ParameterKey, Response, Schema, StatusKey, Type, Types,
    compare, read,
};

use crate::support::corpus;

/// Changes of each kind planted in each document.
const PLANTED: usize = 3;
/// How often everything was there in what was seen.
const N: u64 = 1_000;

/// A small generator: the same places every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

#[test]
fn no_document_differs_from_itself() {
    for (name, bytes) in corpus() {
        let document = read(&bytes).unwrap().document;
        let comparison = compare(&document, &document, Limits::default());
        assert_eq!(told(&comparison), Vec::<String>::new(), "{name}");
        let comparison = compare(&document, &seen(&document), Limits::default());
        let zombies = |one: &&Difference| one.kind != Kind::ZombieOperation;
        let others: Vec<_> = comparison.differences.iter().filter(zombies).collect();
        assert!(others.is_empty(), "{name} as seen: {others:#?}");
    }
}

#[test]
fn an_operation_more_or_less_is_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let path = format!("/tapline-planted-{}/{{id}}", random.below(1_000));
        let key = OperationKey { path, method: "GET".to_owned() };
        let evidence = is_seen.then(|| Evidence::seen(N, N));
        changed.operations.insert(key, Operation { evidence, ..Operation::default() });
        Some((changed, Kind::ShadowOperation, Class::Additive))
    });
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let key = any(&document.operations, random)?.0.clone();
        if has_twin(document, &key) || (is_seen && is_covered(document, &key)) {
            return None;
        }
        changed.operations.remove(&key);
        let class = if is_seen { Class::Notice } else { Class::Breaking };
        Some((changed, Kind::OrphanOperation, class))
    });
}

#[test]
fn a_new_parameter_is_told_once() {
    for required in [true, false] {
        each(|document, random, is_seen| {
            let mut changed = document.clone();
            let key = any(&document.operations, random)?.0.clone();
            let operation = changed.operations.get_mut(&key)?;
            // An object's fields are parameters of any name.
            if operation.parameters.values().any(|one| one.schema.types.contains(Type::Object)) {
                return None;
            }
            let name = "taplinePlanted".to_owned();
            let parameter = Parameter {
                name: name.clone(),
                required,
                schema: Schema::of(Type::String),
                evidence: is_seen.then(|| Evidence::seen(if required { N } else { N / 2 }, N)),
                ..Parameter::default()
            };
            operation
                .parameters
                .insert(ParameterKey { location: Location::Query, name }, parameter);
            let class = if required { Class::Breaking } else { Class::Additive };
            Some((changed, Kind::UndocumentedParameter, class))
        });
    }
}

#[test]
fn a_required_parameter_that_is_left_out_is_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let is_required = |(key, one): &(&ParameterKey, &Parameter)| {
            key.location == Location::Query && one.required && !one.schema.types.is_empty()
        };
        let (key, name) = some(&document.operations, random, |key, operation| {
            let found = operation.parameters.iter().find(is_required)?.0.clone();
            (!has_twin(document, key)).then_some(found)
        })?;
        changed.operations.get_mut(&key)?.parameters.remove(&name);
        let kind = if is_seen { Kind::MissingParameter } else { Kind::Removed };
        Some((changed, kind, Class::Additive))
    });
}

#[test]
fn an_undocumented_status_is_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let status = StatusKey::Code(299);
        let (key, ()) = some(&document.operations, random, |key, operation| {
            let others = [StatusKey::Default, StatusKey::Class(2)];
            let is_said = others.iter().any(|key| operation.responses.contains_key(key));
            (!operation.responses.is_empty() && !is_said && !has_twin(document, key)).then_some(())
        })?;
        let evidence = is_seen.then(|| Evidence::seen(N / 2, N));
        let response = Response { evidence, ..Response::default() };
        changed.operations.get_mut(&key)?.responses.insert(status, response);
        Some((changed, Kind::UndocumentedStatus, Class::Notice))
    });
}

#[test]
fn an_undocumented_media_type_is_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let (key, status) = some(&document.operations, random, |key, operation| {
            let is_plain = |response: &Response| {
                !response.content.is_empty()
                    && response.content.keys().all(|name| !name.contains('*'))
            };
            let success = operation
                .responses
                .iter()
                .find(|(status, response)| status.class() == Some(2) && is_plain(response));
            success.filter(|_| !has_twin(document, key)).map(|(&status, _)| status)
        })?;
        let evidence = is_seen.then(|| Evidence::seen(N / 2, N));
        let response = changed.operations.get_mut(&key)?.responses.get_mut(&status)?;
        let media = Media { evidence, ..Media::default() };
        response.content.insert("application/x-tapline-planted".to_owned(), media);
        Some((changed, Kind::UndocumentedMedia, Class::Notice))
    });
}

#[test]
fn credentials_that_are_not_needed_are_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let (key, ()) = some(&document.operations, random, |key, operation| {
            let any = operation.security.as_ref()?;
            let is_asked = !any.is_empty() && any.iter().all(|one| !one.is_empty());
            (is_asked && !has_twin(document, key)).then_some(())
        })?;
        let operation = changed.operations.get_mut(&key)?;
        if is_seen {
            let evidence = operation.evidence.get_or_insert_default();
            evidence.credentials = BTreeMap::from([("none".to_owned(), N)]);
            evidence.consumers = Some(5);
            operation.responses.retain(|status, _| status.class().is_some_and(|class| class < 4));
        } else {
            operation.security = Some(Vec::new());
        }
        Some((changed, Kind::AuthDrift, Class::Breaking))
    });
}

#[test]
fn a_value_that_is_not_listed_is_told_once() {
    each(|document, random, is_seen| {
        let mut changed = document.clone();
        let (key, name) = some(&document.operations, random, |key, operation| {
            let is_listed = |(key, one): &(&ParameterKey, &Parameter)| {
                key.location == Location::Query && one.schema.values.iter().any(Value::is_string)
            };
            let found = operation.parameters.iter().find(is_listed)?.0.clone();
            (!has_twin(document, key)).then_some(found)
        })?;
        let parameter = changed.operations.get_mut(&key)?.parameters.get_mut(&name)?;
        parameter.schema.values.push(Value::from("tapline-planted"));
        if is_seen {
            parameter.schema.evidence = Some(Box::new(evidence_of(Types::one(Type::String))));
        }
        Some((changed, Kind::EnumDrift, Class::Notice))
    });
}

#[test]
fn a_removed_field_is_told_once() {
    each(|document, random, is_seen| {
        let (mut changed, key, status, media, mut schema) = answer(document, random)?;
        let fields: Vec<_> = schema.properties.keys().cloned().collect();
        let name = fields[random.below(fields.len())].clone();
        let is_required = schema.required.remove(&name);
        let is_write_only = resolved(document, &schema.properties[&name])?.write_only;
        // What is optional may be absent from what was seen.
        if (is_seen && !is_required) || (is_required && is_write_only) || fields.len() < 2 {
            return None;
        }
        schema.properties.remove(&name);
        if is_seen {
            // Nothing is learned to hold anything but what was seen of it.
            schema.additional = Additional::Unsaid;
        }
        place(&mut changed, &key, status, &media, schema);
        let kind = if is_required { Kind::MissingField } else { Kind::Removed };
        Some((changed, kind, Class::Breaking))
    });
}

#[test]
fn a_new_field_is_told_once() {
    each(|document, random, is_seen| {
        let (mut changed, key, status, media, mut schema) = answer(document, random)?;
        if schema.additional != Additional::Unsaid {
            return None;
        }
        let evidence = is_seen.then(|| Box::new(evidence_of(Types::one(Type::String))));
        let field = Schema { evidence, ..Schema::of(Type::String) };
        schema.properties.insert("taplinePlanted".to_owned(), field);
        place(&mut changed, &key, status, &media, schema);
        Some((changed, Kind::UndocumentedField, Class::Additive))
    });
}

#[test]
fn another_type_is_told_once() {
    each(|document, random, is_seen| {
        let (mut changed, key, status, media, mut schema) = answer(document, random)?;
        let fields: Vec<_> = schema.properties.keys().cloned().collect();
        let name = fields[random.below(fields.len())].clone();
        let types = resolved(document, &schema.properties[&name])?.types;
        let wrong = [Type::Boolean, Type::Array].into_iter().find(|&kind| !types.allows(kind))?;
        if types.is_empty() {
            return None;
        }
        let evidence = is_seen.then(|| Box::new(evidence_of(Types::one(wrong))));
        schema.properties.insert(name, Schema { evidence, ..Schema::of(wrong) });
        place(&mut changed, &key, status, &media, schema);
        Some((changed, Kind::TypeDrift, Class::Breaking))
    });
}

#[test]
fn a_change_in_a_shared_schema_is_told_once() {
    for (name, bytes) in corpus() {
        let document = read(&bytes).unwrap().document;
        let mut random = Random(11);
        for _ in 0..PLANTED {
            let Some((schema_name, schema)) = any(&document.schemas, &mut random) else { continue };
            let fields: Vec<_> = schema.properties.keys().collect();
            if fields.is_empty() {
                continue;
            }
            let field = fields[random.below(fields.len())];
            let mut changed = document.clone();
            changed.schemas.get_mut(schema_name).unwrap().properties.insert(
                field.clone(),
                Schema {
                    types: Types::from_iter([Type::Boolean, Type::Null, Type::Array]),
                    ..Schema::default()
                },
            );
            let comparison = compare(&document, &changed, Limits::default());
            let mut told: BTreeMap<String, usize> = BTreeMap::new();
            for one in &comparison.differences {
                *told.entry(format!("{:?}", one.side)).or_default() += 1;
            }
            let is_once = told.values().all(|&count| count == 1);
            assert!(is_once, "{name} {schema_name}.{field}: {:#?}", comparison.differences);
        }
    }
}

type Planted = Option<(Document, Kind, Class)>;

/// Plants in every document, as another document and as what was seen.
fn each(plant: impl Fn(&Document, &mut Random, bool) -> Planted) {
    let documents = corpus();
    let mut planted = 0;
    let is_there = !documents.is_empty();
    for (name, bytes) in documents {
        let document = read(&bytes).unwrap().document;
        for is_seen in [false, true] {
            let mut random = Random(7);
            let other = if is_seen { seen(&document) } else { document.clone() };
            for _ in 0..PLANTED {
                let Some((changed, kind, class)) = plant(&other, &mut random, is_seen) else {
                    continue;
                };
                planted += 1;
                let comparison = compare(&document, &changed, Limits::default());
                let told: Vec<_> = comparison
                    .differences
                    .iter()
                    .filter(|one| !is_seen || one.kind != Kind::ZombieOperation)
                    .map(|one| (one.kind, one.class))
                    .collect();
                let all = &comparison.differences;
                assert_eq!(told, [(kind, class)], "{name}, seen {is_seen}: {all:#?}");
            }
        }
    }
    assert!(!is_there || planted > 40, "only {planted} planted");
}

fn any<'m, K, V>(map: &'m BTreeMap<K, V>, random: &mut Random) -> Option<(&'m K, &'m V)> {
    if map.is_empty() { None } else { map.iter().nth(random.below(map.len())) }
}

/// Some operation that has what is looked for, and that.
fn some<T>(
    operations: &BTreeMap<OperationKey, Operation>,
    random: &mut Random,
    what: impl Fn(&OperationKey, &Operation) -> Option<T>,
) -> Option<(OperationKey, T)> {
    let start = random.below(operations.len().max(1));
    let mut turned = operations.iter().cycle().skip(start).take(operations.len());
    turned.find_map(|(key, operation)| Some((key.clone(), what(key, operation)?)))
}

/// Whether no request can tell the operation from another.
fn has_twin(document: &Document, key: &OperationKey) -> bool {
    let plain = |path: &str| {
        let mut plain = String::new();
        let mut is_in = false;
        for c in path.split(['?', '#']).next().unwrap().trim_end_matches('/').chars() {
            is_in = (is_in || c == '{') && c != '}';
            if !is_in {
                plain.push(c);
            }
        }
        plain
    };
    let twins = document
        .operations
        .keys()
        .filter(|other| other.method == key.method && plain(&other.path) == plain(&key.path));
    twins.count() > 1
}

/// Whether another operation has parameters where this one has words, or the reverse: what was seen of it may have
/// been of this one.
fn is_covered(document: &Document, key: &OperationKey) -> bool {
    let segments = |path: &'_ str| -> Vec<String> {
        path.trim_end_matches('/').split('/').map(str::to_owned).collect()
    };
    let ours = segments(&key.path);
    document.operations.keys().any(|other| {
        let theirs = segments(&other.path);
        other != key
            && other.method == key.method
            && theirs.len() == ours.len()
            && theirs
                .iter()
                .zip(&ours)
                .all(|(their, our)| their == our || their.contains('{') || our.contains('{'))
    })
}

fn resolved<'d>(document: &'d Document, schema: &'d Schema) -> Option<&'d Schema> {
    let mut schema = schema;
    for _ in 0..8 {
        let Some(name) = &schema.reference else { break };
        schema = document.schemas.get(name)?;
    }
    let is_plain = schema.all_of.is_empty() && schema.any_of.is_empty() && schema.one_of.is_empty();
    (schema.reference.is_none() && is_plain).then_some(schema)
}

/// Some answer whose schema is a plain object, taken out of what it refers to.
fn answer(
    document: &Document,
    random: &mut Random,
) -> Option<(Document, OperationKey, StatusKey, String, Schema)> {
    let (key, operation) = any(&document.operations, random)?;
    let (&status, response) =
        operation.responses.iter().find(|(status, _)| status.class() == Some(2))?;
    let (media, content) = response.content.iter().find(|(name, _)| name.contains("json"))?;
    let schema = resolved(document, &content.schema)?;
    if schema.properties.is_empty() || has_twin(document, key) {
        return None;
    }
    Some((document.clone(), key.clone(), status, media.clone(), schema.clone()))
}

fn place(
    document: &mut Document,
    key: &OperationKey,
    status: StatusKey,
    media: &str,
    schema: Schema,
) {
    let operation = document.operations.get_mut(key).unwrap();
    let content = &mut operation.responses.get_mut(&status).unwrap().content;
    content.get_mut(media).unwrap().schema = schema;
}

/// The document as if everything in it had been seen every time.
fn seen(document: &Document) -> Document {
    let mut seen = document.clone();
    seen.evidence = Some(Evidence::seen(N, N));
    seen.schemas.values_mut().for_each(see);
    for operation in seen.operations.values_mut() {
        operation.evidence = Some(Evidence::seen(N, N));
        for parameter in operation.parameters.values_mut() {
            parameter.evidence = Some(Evidence::seen(N, N));
            see(&mut parameter.schema);
        }
        if let Some(body) = &mut operation.body {
            body.content.values_mut().for_each(see_media);
        }
        for response in operation.responses.values_mut() {
            response.evidence = Some(Evidence::seen(N, N));
            response.content.values_mut().for_each(see_media);
        }
    }
    seen
}

fn see_media(media: &mut Media) {
    media.evidence = Some(Evidence::seen(N, N));
    see(&mut media.schema);
}

fn see(schema: &mut Schema) {
    if schema.reference.is_some() {
        return;
    }
    let mut types = schema.types;
    if types.is_empty() && !schema.properties.is_empty() {
        types.insert(Type::Object);
    }
    schema.evidence = Some(Box::new(evidence_of(types)));
    for name in schema.required.clone() {
        schema.properties.entry(name).or_default();
    }
    let parts = [&mut schema.all_of, &mut schema.any_of, &mut schema.one_of];
    parts.into_iter().flatten().for_each(see);
    schema.properties.values_mut().for_each(see);
    schema.items.iter_mut().for_each(|items| see(items));
}

fn evidence_of(types: Types) -> Evidence {
    let types = types.iter().map(|kind| (kind.name().to_owned(), N)).collect();
    Evidence { types, ..Evidence::seen(N, N) }
}

fn told(comparison: &Comparison) -> Vec<String> {
    comparison.differences.iter().map(ToString::to_string).collect()
}
