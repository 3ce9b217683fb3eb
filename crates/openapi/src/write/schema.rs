//! Schemas, in what either dialect can say.

use serde_json::Value;

use super::node::{Map, Node};
use super::{Dialect, Writer, evidence};
use crate::schema::{Additional, Discriminator, Schema, Type, Types};

impl<'d> Writer<'d> {
    pub(super) fn schemas(&self) -> Map<'d> {
        let mut schemas = Map::default();
        for (name, schema) in &self.document.schemas {
            schemas.put(name.as_str(), self.schema(schema));
        }
        schemas
    }

    /// Writes a schema. As deep as schemas are nested, which is bounded.
    pub(super) fn schema(&self, schema: &'d Schema) -> Map<'d> {
        let mut map = Map::default();
        if let Some(name) = &schema.reference {
            map.put("$ref", format!("#/components/schemas/{name}"));
            return map;
        }
        map.option("title", schema.title.as_ref());
        map.option("description", schema.description.as_ref());
        let extra = match self.dialect {
            Dialect::V31 => {
                types(schema.types, &mut map);
                Vec::new()
            }
            Dialect::V30 => old_types(schema, &mut map),
        };
        map.option("format", schema.format.as_ref());
        map.list("enum", schema.values.iter().cloned().map(Node::from).collect());
        if let Some(default) = &schema.default {
            map.put("default", default.clone());
        }
        self.bounds(schema, &mut map);
        self.parts(schema, &mut map);
        self.compositions(schema, extra, &mut map);
        if let Some(discriminator) = &schema.discriminator {
            map.put("discriminator", self.discriminator(discriminator));
        }
        map.flag("deprecated", schema.deprecated);
        map.flag("readOnly", schema.read_only);
        map.flag("writeOnly", schema.write_only);
        evidence(&mut map, schema.evidence.as_deref());
        map
    }

    fn bounds(&self, schema: &'d Schema, map: &mut Map<'d>) {
        for (&word, bound) in &schema.bounds {
            match (self.dialect, word) {
                (Dialect::V30, "exclusiveMinimum" | "exclusiveMaximum") => {
                    let plain = if word == "exclusiveMinimum" { "minimum" } else { "maximum" };
                    map.put(plain, bound.clone());
                    map.flag(word, true);
                }
                (Dialect::V30, "minimum") if schema.bounds.contains_key("exclusiveMinimum") => {}
                (Dialect::V30, "maximum") if schema.bounds.contains_key("exclusiveMaximum") => {}
                (Dialect::V30, "contentEncoding" | "contentMediaType") => {}
                _ => map.put(word, bound.clone()),
            }
        }
    }

    fn parts(&self, schema: &'d Schema, map: &mut Map<'d>) {
        let mut properties = Map::default();
        for (name, property) in &schema.properties {
            properties.put(name.as_str(), self.schema(property));
        }
        map.unless_empty("properties", properties);
        let required = schema.required.iter().map(Node::from);
        map.list("required", required.collect());
        match &schema.additional {
            Additional::Unsaid => {}
            Additional::Allowed => map.put("additionalProperties", Value::Bool(true)),
            Additional::Forbidden => map.put("additionalProperties", Value::Bool(false)),
            Additional::Fitting(inner) => map.put("additionalProperties", self.schema(inner)),
        }
        match &schema.items {
            Some(items) => map.put("items", self.schema(items)),
            // Before 3.1 an array had to say what is in it.
            None if self.dialect == Dialect::V30 && schema.types.contains(Type::Array) => {
                map.put("items", Map::default());
            }
            None => {}
        }
    }

    fn compositions(&self, schema: &'d Schema, extra: Vec<Node<'d>>, map: &mut Map<'d>) {
        let written = |schemas: &'d [Schema]| -> Vec<Node<'d>> {
            schemas.iter().map(|schema| self.schema(schema).into()).collect()
        };
        let mut all_of = written(&schema.all_of);
        let (any_of, any_null) = self.without_null(&schema.any_of);
        let (one_of, one_null) = self.without_null(&schema.one_of);
        if !extra.is_empty() {
            let mut either = Map::default();
            either.list("anyOf", extra);
            all_of.push(either.into());
        }
        map.list("allOf", all_of);
        map.list("anyOf", any_of.iter().map(|schema| self.schema(schema).into()).collect());
        map.list("oneOf", one_of.iter().map(|schema| self.schema(schema).into()).collect());
        if (any_null || one_null) && !schema.types.contains(Type::Null) {
            map.flag("nullable", true);
        }
        if let Some(not) = &schema.not {
            map.put("not", self.schema(not));
        }
    }

    /// In 3.0 null is no type: the alternatives without it, and whether it was one of them.
    fn without_null(&self, schemas: &'d [Schema]) -> (Vec<&'d Schema>, bool) {
        let null = Schema::of(Type::Null);
        let has_null = self.dialect == Dialect::V30 && schemas.contains(&null);
        let rest = schemas.iter().filter(|schema| !has_null || **schema != null);
        (rest.collect(), has_null)
    }

    fn discriminator(&self, discriminator: &'d Discriminator) -> Map<'d> {
        let mut map = Map::default();
        map.put("propertyName", &discriminator.property);
        let mut mapping = Map::default();
        for (value, name) in &discriminator.mapping {
            if self.document.schemas.contains_key(name) {
                mapping.put(value, format!("#/components/schemas/{name}"));
            } else {
                mapping.put(value, name);
            }
        }
        map.unless_empty("mapping", mapping);
        map
    }
}

fn types(types: Types, map: &mut Map<'_>) {
    let mut names: Vec<Node<'_>> = types.iter().map(|kind| kind.name().into()).collect();
    match names.len() {
        0 => {}
        1 => {
            if let Some(name) = names.pop() {
                map.put("type", name);
            }
        }
        _ => map.put("type", Node::List(names)),
    }
}

/// Types in 3.0, which knows one beside null; more are told by alternatives, which are returned.
fn old_types<'d>(schema: &Schema, map: &mut Map<'d>) -> Vec<Node<'d>> {
    let kinds: Vec<Type> = schema.types.iter().filter(|&kind| kind != Type::Null).collect();
    let is_nullable = schema.types.contains(Type::Null);
    let mut extra = Vec::new();
    match kinds.as_slice() {
        [] if is_nullable && schema.values.is_empty() => {
            map.list("enum", vec![Value::Null.into()]);
        }
        [] => {}
        [kind] => map.put("type", kind.name()),
        _ => {
            for kind in &kinds {
                let mut one = Map::default();
                one.put("type", kind.name());
                if *kind == Type::Array {
                    one.put("items", Map::default());
                }
                extra.push(one.into());
            }
        }
    }
    map.flag("nullable", is_nullable);
    extra
}
