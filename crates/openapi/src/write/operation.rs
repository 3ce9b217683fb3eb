//! Paths and operations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::{Map, Node};
use super::{Dialect, Writer, evidence};
use crate::document::{
    Body, Location, METHODS, Media, Operation, OperationKey, Parameter, Response, StatusKey,
};

impl<'d> Writer<'d> {
    pub(super) fn paths(&self) -> Map<'d> {
        let mut by_path: BTreeMap<&str, BTreeMap<usize, (&OperationKey, &Operation)>> =
            BTreeMap::new();
        for (key, operation) in &self.document.operations {
            // Other methods have no place in the language.
            let Some(place) = METHODS.iter().position(|method| *method == key.method) else {
                continue;
            };
            by_path.entry(&key.path).or_default().insert(place, (key, operation));
        }
        let mut paths = Map::default();
        for (path, operations) in by_path {
            let mut item = Map::default();
            for (key, operation) in operations.into_values() {
                item.put(key.method.to_ascii_lowercase(), self.operation(operation));
            }
            paths.put(path, item);
        }
        paths
    }

    fn operation(&self, operation: &'d Operation) -> Map<'d> {
        let mut map = Map::default();
        map.option("operationId", operation.id.as_ref());
        map.option("summary", operation.summary.as_ref());
        map.option("description", operation.description.as_ref());
        map.list("tags", operation.tags.iter().map(Node::from).collect());
        map.flag("deprecated", operation.deprecated);
        let parameters = operation.parameters.iter().map(|(key, parameter)| {
            let mut map = Map::default();
            map.put("name", &parameter.name);
            map.put("in", key.location.name());
            self.parameter(parameter, key.location, &mut map);
            Node::from(map)
        });
        map.list("parameters", parameters.collect());
        if let Some(body) = &operation.body {
            map.put("requestBody", self.body(body));
        }
        let mut responses = self.responses(&operation.responses);
        if self.dialect == Dialect::V30 && operation.responses.is_empty() {
            let mut any = Map::default();
            any.put("description", "");
            responses.put("default", any);
        }
        map.unless_empty("responses", responses);
        if let Some(requirements) = &operation.security {
            let requirement = |scopes: &BTreeMap<String, Vec<String>>| {
                // Its keys are text, so this cannot fail.
                Node::from(serde_json::to_value(scopes).unwrap_or_default())
            };
            map.put("security", Node::List(requirements.iter().map(requirement).collect()));
        }
        evidence(&mut map, operation.evidence.as_ref());
        map
    }

    fn parameter(&self, parameter: &'d Parameter, location: Location, map: &mut Map<'d>) {
        map.option("description", parameter.description.as_ref());
        map.flag("required", parameter.required || location == Location::Path);
        map.flag("deprecated", parameter.deprecated);
        map.option("style", parameter.style.as_ref());
        if let Some(explode) = parameter.explode {
            map.put("explode", Value::Bool(explode));
        }
        map.put("schema", self.schema(&parameter.schema));
        evidence(map, parameter.evidence.as_ref());
    }

    fn body(&self, body: &'d Body) -> Map<'d> {
        let mut map = Map::default();
        map.option("description", body.description.as_ref());
        map.flag("required", body.required);
        map.put("content", self.content(&body.content));
        map
    }

    fn responses(&self, responses: &'d BTreeMap<StatusKey, Response>) -> Map<'d> {
        let mut map = Map::default();
        for (status, response) in responses {
            map.put(status.to_string(), self.response(response));
        }
        map
    }

    fn response(&self, response: &'d Response) -> Map<'d> {
        let mut map = Map::default();
        map.put("description", &response.description);
        let mut headers = Map::default();
        for (name, header) in &response.headers {
            let mut map = Map::default();
            self.parameter(header, Location::Header, &mut map);
            headers.put(name.as_str(), map);
        }
        map.unless_empty("headers", headers);
        map.unless_empty("content", self.content(&response.content));
        evidence(&mut map, response.evidence.as_ref());
        map
    }

    fn content(&self, content: &'d BTreeMap<String, Media>) -> Map<'d> {
        let mut map = Map::default();
        for (name, media) in content {
            let mut inner = Map::default();
            if !media.schema.is_any() {
                inner.put("schema", self.schema(&media.schema));
            }
            evidence(&mut inner, media.evidence.as_ref());
            map.put(name.as_str(), inner);
        }
        map
    }
}
