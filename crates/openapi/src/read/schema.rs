//! Schemas of every version to their one form.

use serde_json::{Map, Value};

use super::pointer::{self, At};
use super::{Reader, Version, flag, kind, list, prose};
use crate::bounds::SCHEMA_DEPTH_MAX;
use crate::schema::{Additional, Discriminator, Schema, Type, Types};

/// Keywords whose value is a number.
const NUMBERS: [&str; 9] = [
    "maximum",
    "minimum",
    "multipleOf",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
];
/// Keywords whose value is text.
const TEXTS: [&str; 3] = ["contentEncoding", "contentMediaType", "pattern"];
/// Keywords that are handled one by one.
const HANDLED: [&str; 27] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "deprecated",
    "description",
    "discriminator",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "not",
    "nullable",
    "oneOf",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "x-nullable",
    "x-tapline",
    // What a schema names inside itself is read where it is referred to.
    "$defs",
];

impl Reader<'_> {
    /// Reads a schema and those inside it, `depth` deep.
    pub(super) fn schema(&mut self, value: &Value, at: &At<'_>, depth: usize) -> Schema {
        if depth == SCHEMA_DEPTH_MAX {
            self.problem(at, format!("schemas {SCHEMA_DEPTH_MAX} deep; name inner ones"));
            return Schema::default();
        }
        if !self.may_read_schema(at) {
            return Schema::default();
        }
        match value {
            Value::Bool(true) => Schema::default(),
            Value::Bool(false) => Schema::nothing(),
            Value::Object(fields) => match fields.get("$ref").and_then(Value::as_str) {
                Some(reference) => self.reference(reference, fields, at, depth),
                None => self.plain_schema(fields, at, depth),
            },
            _ => {
                self.problem(at, format!("{} where a schema belongs", kind(value)));
                Schema::default()
            }
        }
    }

    fn reference(
        &mut self,
        reference: &str,
        fields: &Map<String, Value>,
        at: &At<'_>,
        depth: usize,
    ) -> Schema {
        if self.target(reference, at).is_none() {
            return Schema::default();
        }
        let pointer = pointer::local(reference).unwrap_or_default();
        let wanted = pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let target = Schema::reference(self.name(pointer, &wanted));
        if self.version != Version::V31 {
            // What stands beside a reference is void, but everybody means what `nullable` says.
            let is_nullable = flag(fields, "nullable") || flag(fields, "x-nullable");
            return if is_nullable { or_null(target) } else { target };
        }
        let mut beside = fields.clone();
        beside.remove("$ref");
        if beside.is_empty() {
            return target;
        }
        let mut schema = self.plain_schema(&beside, at, depth);
        if schema.is_any() {
            return target;
        }
        schema.all_of.insert(0, target);
        schema
    }

    fn plain_schema(&mut self, fields: &Map<String, Value>, at: &At<'_>, depth: usize) -> Schema {
        let mut schema = Schema {
            types: self.types(fields, at),
            format: prose(fields, "format"),
            title: prose(fields, "title"),
            description: prose(fields, "description"),
            default: fields.get("default").cloned(),
            deprecated: flag(fields, "deprecated"),
            read_only: flag(fields, "readOnly"),
            write_only: flag(fields, "writeOnly"),
            evidence: self.evidence(fields, at).map(Box::new),
            ..Schema::default()
        };
        if fields.get("type").and_then(Value::as_str) == Some("file") {
            schema.format = Some("binary".to_owned());
        }
        schema.values = match fields.get("const") {
            Some(value) => vec![value.clone()],
            None => unique(list(fields, "enum")),
        };
        self.bounds(fields, &mut schema, at);
        self.object_parts(fields, &mut schema, at, depth);
        self.compositions(fields, &mut schema, at, depth);
        self.discriminator(fields, &mut schema, at);
        if flag(fields, "nullable") || flag(fields, "x-nullable") {
            schema = nullable(schema);
        }
        self.check_default(&mut schema, at);
        for keyword in fields.keys() {
            let known = [&HANDLED[..], &NUMBERS[..], &TEXTS[..]];
            if !known.iter().any(|words| words.contains(&keyword.as_str())) {
                self.leave_out(keyword);
            }
        }
        schema
    }

    /// A default that the schema itself refuses would make what is written invalid.
    fn check_default(&mut self, schema: &mut Schema, at: &At<'_>) {
        let Some(default) = &schema.default else { return };
        let fits = !is_composed(schema)
            && schema.not.is_none()
            && (schema.types.is_empty() || schema.types.allows(type_of(default)))
            && (schema.values.is_empty() || schema.values.contains(default));
        if !fits {
            self.note(&at.then("default"), "may not fit its own schema; left out");
            schema.default = None;
        }
    }

    fn types(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> Types {
        let Some(value) = fields.get("type") else { return Types::default() };
        let names = match value {
            Value::Array(names) => names.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut types = Types::default();
        for name in names {
            match name.as_str().and_then(Type::named) {
                Some(kind) => types.insert(kind),
                None if name == "file" => types.insert(Type::String),
                None => {
                    self.note(&at.then("type"), format!("type {name} is not known; taken for any"));
                    return Types::default();
                }
            }
        }
        if types.contains(Type::Number) {
            types.remove(Type::Integer);
        }
        types
    }

    fn bounds(&mut self, fields: &Map<String, Value>, schema: &mut Schema, at: &At<'_>) {
        for (words, fits) in [
            (&NUMBERS[..], Value::is_number as fn(&Value) -> bool),
            (&TEXTS[..], Value::is_string as fn(&Value) -> bool),
        ] {
            for &word in words {
                match fields.get(word) {
                    Some(value) if fits(value) => {
                        schema.bounds.insert(word, value.clone());
                    }
                    Some(value) => {
                        let text = format!("{} is no bound; left out", kind(value));
                        self.note(&at.then(word), text);
                    }
                    None => {}
                }
            }
        }
        if flag(fields, "uniqueItems") {
            schema.bounds.insert("uniqueItems", true.into());
        }
        for (word, plain) in [("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")] {
            match fields.get(word) {
                // Before 3.1 it said how to read the other.
                Some(Value::Bool(true)) => {
                    if let Some(bound) = schema.bounds.remove(plain) {
                        schema.bounds.insert(word, bound);
                    }
                }
                Some(bound @ Value::Number(_)) => {
                    schema.bounds.insert(word, bound.clone());
                }
                _ => {}
            }
        }
    }

    fn object_parts(
        &mut self,
        fields: &Map<String, Value>,
        schema: &mut Schema,
        at: &At<'_>,
        depth: usize,
    ) {
        let properties_at = at.then("properties");
        if let Some(value) = fields.get("properties")
            && let Some(properties) = self.object(value, &properties_at)
        {
            for (name, value) in properties {
                let property = self.schema(value, &properties_at.then(name), depth + 1);
                schema.properties.insert(name.clone(), property);
            }
        }
        // Some put it at the property itself, as a flag; nobody means it as a list there.
        let required = list(fields, "required").iter().filter_map(Value::as_str);
        schema.required = required.map(str::to_owned).collect();
        schema.additional = match fields.get("additionalProperties") {
            None => Additional::Unsaid,
            Some(Value::Bool(false)) => Additional::Forbidden,
            Some(value) => {
                let inner = self.schema(value, &at.then("additionalProperties"), depth + 1);
                if inner.is_any() {
                    Additional::Allowed
                } else {
                    Additional::Fitting(Box::new(inner))
                }
            }
        };
        schema.items = match fields.get("items") {
            None => None,
            Some(Value::Array(_)) => {
                self.note(&at.then("items"), "items by place are taken for any");
                None
            }
            Some(value) => Some(Box::new(self.schema(value, &at.then("items"), depth + 1))),
        };
    }

    fn compositions(
        &mut self,
        fields: &Map<String, Value>,
        schema: &mut Schema,
        at: &At<'_>,
        depth: usize,
    ) {
        for (word, into) in [
            ("allOf", &mut schema.all_of),
            ("anyOf", &mut schema.any_of),
            ("oneOf", &mut schema.one_of),
        ] {
            let at = at.then(word);
            for (index, value) in list(fields, word).iter().enumerate() {
                into.push(self.schema(value, &at.then(&index.to_string()), depth + 1));
            }
        }
        schema.not =
            fields.get("not").map(|value| Box::new(self.schema(value, &at.then("not"), depth + 1)));
    }

    fn discriminator(&mut self, fields: &Map<String, Value>, schema: &mut Schema, at: &At<'_>) {
        let Some(value) = fields.get("discriminator") else { return };
        if let Some(property) = value.as_str() {
            let property = property.to_owned();
            schema.discriminator = Some(Discriminator { property, ..Discriminator::default() });
            return;
        }
        let Some(property) = value.get("propertyName").and_then(Value::as_str) else {
            self.note(&at.then("discriminator"), "names no property; left out");
            return;
        };
        let mut discriminator =
            Discriminator { property: property.to_owned(), ..Discriminator::default() };
        let mapping = value.get("mapping").and_then(Value::as_object);
        for (value, target) in mapping.into_iter().flatten() {
            let Some(target) = target.as_str() else { continue };
            let name = match pointer::local(target) {
                Some(pointer) if self.root.pointer(&pointer).is_some() => {
                    let wanted = pointer.rsplit('/').next().unwrap_or_default().to_owned();
                    self.name(pointer, &wanted)
                }
                Some(_) => continue,
                None => target.to_owned(),
            };
            discriminator.mapping.insert(value.clone(), name);
        }
        schema.discriminator = Some(discriminator);
    }
}

fn is_composed(schema: &Schema) -> bool {
    !(schema.all_of.is_empty() && schema.any_of.is_empty() && schema.one_of.is_empty())
}

/// The type of a value.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(number) if number.is_f64() => Type::Number,
        Value::Number(_) => Type::Integer,
        Value::String(_) => Type::String,
        Value::Array(_) => Type::Array,
        Value::Object(_) => Type::Object,
    }
}

fn unique(values: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    values.iter().filter(|value| seen.insert(value.to_string())).cloned().collect()
}

/// What `nullable: true` makes of a schema.
fn nullable(mut schema: Schema) -> Schema {
    if is_composed(&schema) {
        schema.default = None;
        return or_null(schema);
    }
    if !schema.values.is_empty() && !schema.values.contains(&Value::Null) {
        schema.values.push(Value::Null);
    }
    if !schema.types.is_empty() {
        schema.types.insert(Type::Null);
    }
    schema
}

fn or_null(schema: Schema) -> Schema {
    Schema { any_of: vec![schema, Schema::of(Type::Null)], ..Schema::default() }
}
