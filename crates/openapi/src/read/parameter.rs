//! Parameters, and the bodies that Swagger 2.0 writes as parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pointer::At;
use super::{Reader, Version, flag, list, prose};
use crate::document::{Body, Location, Media, Parameter, ParameterKey};
use crate::schema::{Schema, Type};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
/// What belongs to a parameter of Swagger 2.0 and not to the schema mixed into it.
const OWN_FIELDS: [&str; 7] =
    ["name", "in", "required", "description", "collectionFormat", "allowEmptyValue", "schema"];

/// The parameters of an operation, and its body where that is written as one.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) plain: BTreeMap<ParameterKey, Parameter>,
    body: Option<(Schema, bool, Option<String>)>,
    form: Option<Form>,
}

/// A form, field by field.
#[derive(Default)]
struct Form {
    schema: Schema,
    has_file: bool,
}

impl Reader<'_> {
    /// Reads the parameters of a path or of an operation; later ones take the place of earlier.
    pub(super) fn parameters(
        &mut self,
        fields: &Map<String, Value>,
        into: &mut Parameters,
        at: &At<'_>,
    ) {
        let at = at.then("parameters");
        for (index, value) in list(fields, "parameters").iter().enumerate() {
            let index = index.to_string();
            let at = at.then(&index);
            let Some(value) = self.followed(value, &at) else { continue };
            let Some(fields) = self.object(value, &at) else { continue };
            self.parameter(fields, into, &at);
        }
    }

    fn parameter(&mut self, fields: &Map<String, Value>, into: &mut Parameters, at: &At<'_>) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let Some(name) = text("name") else {
            self.problem(at, "a parameter without a name; give it one");
            return;
        };
        let place = text("in").unwrap_or_default();
        let location = Location::ALL.into_iter().find(|location| location.name() == place);
        match (location, place, self.version) {
            (Some(location), ..) => {
                let parameter = self.plain_parameter(name, location, fields, at);
                let name = match location {
                    Location::Header => name.to_ascii_lowercase(),
                    _ => name.to_owned(),
                };
                into.plain.insert(ParameterKey { location, name }, parameter);
            }
            (None, "body", Version::V2) => {
                let schema = fields
                    .get("schema")
                    .map(|value| self.schema(value, &at.then("schema"), 0))
                    .unwrap_or_default();
                into.body = Some((schema, flag(fields, "required"), prose(fields, "description")));
            }
            (None, "formData", Version::V2) => {
                let form = into.form.get_or_insert_with(|| Form {
                    schema: Schema::of(Type::Object),
                    has_file: false,
                });
                form.has_file |= text("type") == Some("file");
                if flag(fields, "required") {
                    form.schema.required.insert(name.to_owned());
                }
                let field = self.inline_schema(fields, at);
                form.schema.properties.insert(name.to_owned(), field);
            }
            _ => self.problem(&at.then("in"), "not path, query, header or cookie; choose one"),
        }
    }

    /// Reads a parameter or a header.
    pub(super) fn plain_parameter(
        &mut self,
        name: &str,
        location: Location,
        fields: &Map<String, Value>,
        at: &At<'_>,
    ) -> Parameter {
        let mut style = prose(fields, "style");
        let mut explode = fields.get("explode").and_then(Value::as_bool);
        let schema = if self.version == Version::V2 {
            (style, explode) = style_of(fields, location);
            self.inline_schema(fields, at)
        } else if let Some(value) = fields.get("schema") {
            self.schema(value, &at.then("schema"), 0)
        } else {
            let content = fields.get("content").and_then(Value::as_object);
            let media = content.and_then(|content| content.values().next());
            if media.is_some() {
                self.note(&at.then("content"), "the media type of a parameter is left out");
            }
            media
                .and_then(|media| media.get("schema"))
                .map(|value| self.schema(value, &at.then("content"), 0))
                .unwrap_or_default()
        };
        let styles: &[&str] = match location {
            Location::Path => &["matrix", "label", "simple"],
            Location::Query => &["form", "spaceDelimited", "pipeDelimited", "deepObject"],
            Location::Header => &["simple"],
            Location::Cookie => &["form"],
        };
        if style.as_deref().is_some_and(|style| !styles.contains(&style)) {
            self.note(&at.then("style"), format!("no style of a {}; left out", location.name()));
            style = None;
        }
        Parameter {
            name: name.to_owned(),
            required: flag(fields, "required") || location == Location::Path,
            deprecated: flag(fields, "deprecated"),
            description: prose(fields, "description"),
            schema,
            style,
            explode,
            evidence: self.evidence(fields, at),
        }
    }

    /// The schema that Swagger 2.0 mixes into a parameter.
    fn inline_schema(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> Schema {
        let mut own = fields.clone();
        own.retain(|name, _| !OWN_FIELDS.contains(&name.as_str()));
        self.schema(&Value::Object(own), at, 0)
    }
}

impl Parameters {
    /// The body that was written as parameters, in the media types that the operation takes.
    pub(super) fn body(&mut self, consumes: &[String]) -> Option<Body> {
        if let Some((schema, required, description)) = self.body.take() {
            let media: &[String] = if consumes.is_empty() { &[JSON.to_owned()] } else { consumes };
            let content = media.iter().map(|media| (media.clone(), of(schema.clone()))).collect();
            return Some(Body { description, required, content });
        }
        let form = self.form.take()?;
        let fits = |media: &&String| matches!(media.as_str(), FORM | MULTIPART);
        let mut types: Vec<_> = consumes.iter().filter(fits).cloned().collect();
        if types.is_empty() {
            types.push(if form.has_file { MULTIPART } else { FORM }.to_owned());
        }
        let required = !form.schema.required.is_empty();
        let content = types.into_iter().map(|media| (media, of(form.schema.clone()))).collect();
        Some(Body { description: None, required, content })
    }
}

/// The commonest media type, meant when Swagger 2.0 says none.
pub(super) const JSON: &str = "application/json";

fn of(schema: Schema) -> Media {
    Media { schema, evidence: None }
}

/// What `collectionFormat` is called since OpenAPI 3.
fn style_of(fields: &Map<String, Value>, location: Location) -> (Option<String>, Option<bool>) {
    if fields.get("type").and_then(Value::as_str) != Some("array") {
        return (None, None);
    }
    let style = |name: &str| Some(name.to_owned());
    match (fields.get("collectionFormat").and_then(Value::as_str), location) {
        (Some("multi"), _) => (style("form"), Some(true)),
        (Some("ssv"), Location::Query) => (style("spaceDelimited"), Some(false)),
        (Some("pipes"), Location::Query) => (style("pipeDelimited"), Some(false)),
        (_, Location::Query) => (style("form"), Some(false)),
        _ => (None, None),
    }
}
