//! Paths and their operations.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::parameter::{JSON, Parameters};
use super::pointer::At;
use super::security::security;
use super::{Reader, Version, flag, list, prose};
use crate::bounds::OPERATIONS_MAX;
use crate::document::{
    Body, Location, METHODS, Media, Operation, OperationKey, Parameter, ParameterKey, Response,
    StatusKey,
};
use crate::path;
use crate::schema::{Schema, Type};

/// Fields of an operation that are handled one by one.
const HANDLED: [&str; 14] = [
    "operationId",
    "summary",
    "description",
    "tags",
    "deprecated",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "consumes",
    "produces",
    "schemes",
    "servers",
    "x-tapline",
];

impl Reader<'_> {
    pub(super) fn operations(
        &mut self,
        fields: &Map<String, Value>,
    ) -> BTreeMap<OperationKey, Operation> {
        let mut operations = BTreeMap::new();
        let top = At::top();
        let at = top.then("paths");
        let Some(value) = fields.get("paths") else {
            if self.version != Version::V31 {
                self.problem(&at, "missing; a document without paths describes nothing");
            }
            return operations;
        };
        let Some(paths) = self.object(value, &at) else { return operations };
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            let at = at.then(path);
            if !path.starts_with('/') {
                self.problem(&at, "a path begins with /; put one before it");
                continue;
            }
            let Some(item) = self.followed(item, &at) else { continue };
            let Some(item) = self.object(item, &at) else { continue };
            for method in METHODS {
                let name = method.to_ascii_lowercase();
                let Some(value) = item.get(&name) else { continue };
                if operations.len() == OPERATIONS_MAX {
                    let text = format!("more than {OPERATIONS_MAX} operations; split the document");
                    self.problem(&at, text);
                    return operations;
                }
                let at = at.then(&name);
                let Some(own) = self.object(value, &at) else { continue };
                let operation = self.operation(path, own, item, fields, &at);
                let key = OperationKey { path: path.clone(), method: method.to_owned() };
                operations.insert(key, operation);
            }
        }
        operations
    }

    fn operation(
        &mut self,
        path: &str,
        fields: &Map<String, Value>,
        item: &Map<String, Value>,
        root: &Map<String, Value>,
        at: &At<'_>,
    ) -> Operation {
        let mut parameters = Parameters::default();
        self.parameters(item, &mut parameters, at);
        self.parameters(fields, &mut parameters, at);
        let body = match fields.get("requestBody") {
            Some(value) => self.body(value, &at.then("requestBody")),
            None => parameters.body(&media_types(fields, root, "consumes")),
        };
        let produces = media_types(fields, root, "produces");
        for keyword in fields.keys().filter(|keyword| !HANDLED.contains(&keyword.as_str())) {
            self.leave_out(keyword);
        }
        if fields.contains_key("servers") || item.contains_key("servers") {
            self.note(at, "servers of a single path are left out; those of the document count");
        }
        let tags = list(fields, "tags").iter().filter_map(Value::as_str);
        let mut operation = Operation {
            id: self.operation_id(fields, at),
            summary: prose(fields, "summary"),
            description: prose(fields, "description"),
            tags: tags.map(str::to_owned).collect(),
            deprecated: flag(fields, "deprecated"),
            parameters: parameters.plain,
            body,
            responses: self.responses(fields, &produces, at),
            security: security(fields).or_else(|| security(root)),
            evidence: self.evidence(fields, at),
        };
        self.fit_path_parameters(path, &mut operation, at);
        operation
    }

    fn operation_id(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> Option<String> {
        let id = prose(fields, "operationId")?;
        if self.ids.insert(id.clone()) {
            return Some(id);
        }
        self.note(&at.then("operationId"), format!("{id:?} names another operation; left out"));
        None
    }

    /// Every name in the path is a parameter, and every path parameter has its place in the path.
    fn fit_path_parameters(&mut self, path: &str, operation: &mut Operation, at: &At<'_>) {
        let names = path::parameter_names(path);
        let mut extra = Vec::new();
        for key in operation.parameters.keys() {
            if key.location == Location::Path && !names.contains(&key.name.as_str()) {
                extra.push(key.clone());
            }
        }
        for key in extra {
            self.note(at, format!("{:?} has no place in the path; left out", key.name));
            operation.parameters.remove(&key);
        }
        for name in names {
            let key = ParameterKey { location: Location::Path, name: name.to_owned() };
            operation.parameters.entry(key).or_insert_with(|| {
                self.note(at, format!("{name:?} in the path is not described; taken for text"));
                Parameter {
                    name: name.to_owned(),
                    required: true,
                    schema: Schema::of(Type::String),
                    ..Parameter::default()
                }
            });
        }
    }

    fn body(&mut self, value: &Value, at: &At<'_>) -> Option<Body> {
        let value = self.followed(value, at)?;
        let fields = self.object(value, at)?;
        Some(Body {
            description: prose(fields, "description"),
            required: flag(fields, "required"),
            content: self.content(fields, at),
        })
    }

    fn responses(
        &mut self,
        fields: &Map<String, Value>,
        produces: &[String],
        at: &At<'_>,
    ) -> BTreeMap<StatusKey, Response> {
        let mut responses = BTreeMap::new();
        let at = at.then("responses");
        let Some(value) = fields.get("responses") else { return responses };
        let Some(entries) = self.object(value, &at) else { return responses };
        for (status, value) in entries.iter().filter(|(status, _)| !status.starts_with("x-")) {
            let at = at.then(status);
            let Some(key) = StatusKey::parse(status) else {
                self.problem(&at, "not a status; write three digits, 2XX or default");
                continue;
            };
            let Some(value) = self.followed(value, &at) else { continue };
            let Some(fields) = self.object(value, &at) else { continue };
            let content = match fields.get("schema") {
                Some(value) if self.version == Version::V2 => {
                    let schema = self.schema(value, &at.then("schema"), 0);
                    let media = |name: &String| {
                        (name.clone(), Media { schema: schema.clone(), evidence: None })
                    };
                    produces.iter().map(media).collect()
                }
                _ => self.content(fields, &at),
            };
            let response = Response {
                description: prose(fields, "description").unwrap_or_default(),
                headers: self.headers(fields, &at),
                content,
                evidence: self.evidence(fields, &at),
            };
            responses.insert(key, response);
        }
        responses
    }

    fn headers(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> BTreeMap<String, Parameter> {
        let at = at.then("headers");
        let mut headers = BTreeMap::new();
        for (name, value) in fields.get("headers").and_then(Value::as_object).into_iter().flatten()
        {
            let at = at.then(name);
            let Some(value) = self.followed(value, &at) else { continue };
            let Some(fields) = self.object(value, &at) else { continue };
            let header = self.plain_parameter(name, Location::Header, fields, &at);
            headers.insert(name.clone(), header);
        }
        headers
    }

    fn content(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> BTreeMap<String, Media> {
        let at = at.then("content");
        let mut content = BTreeMap::new();
        let Some(value) = fields.get("content") else { return content };
        let Some(entries) = self.object(value, &at) else { return content };
        for (name, value) in entries {
            let at = at.then(name);
            let Some(fields) = self.object(value, &at) else { continue };
            let schema = fields
                .get("schema")
                .map(|value| self.schema(value, &at.then("schema"), 0))
                .unwrap_or_default();
            let media = Media { schema, evidence: self.evidence(fields, &at) };
            content.insert(name.to_ascii_lowercase(), media);
        }
        content
    }
}

/// The media types of an operation of Swagger 2.0, or those of all.
fn media_types(fields: &Map<String, Value>, root: &Map<String, Value>, name: &str) -> Vec<String> {
    let own = if fields.contains_key(name) { fields } else { root };
    let mut types: Vec<_> =
        list(own, name).iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
    if types.is_empty() && name == "produces" {
        types.push(JSON.to_owned());
    }
    types
}
