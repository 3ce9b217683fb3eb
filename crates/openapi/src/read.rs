//! Documents to their one form: Swagger 2.0, OpenAPI 3.0 and 3.1, as JSON or YAML.

mod operation;
mod parameter;
mod pointer;
mod schema;
mod security;
mod servers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::bounds::{HOPS_MAX, PROBLEMS_MAX, PROSE_BYTES_MAX, SCHEMAS_MAX};
use crate::document::Document;
use crate::evidence::{EXTENSION, Evidence};
use crate::problem::{Problem, Problems};
use crate::schema::Schema;
use crate::text;
use pointer::At;
pub(crate) use pointer::escaped;
pub(crate) use schema::type_of;

/// The language a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Swagger 2.0.
    V2,
    /// OpenAPI 3.0.
    V30,
    /// OpenAPI 3.1, and 3.2 as far as it is the same.
    V31,
}

/// A document that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// What it says.
    pub document: Document,
    /// The language it was in.
    pub version: Version,
    /// What was left out or put right, and where.
    pub notes: Vec<Problem>,
}

/// Reads a document. References into other files are not followed: what they stand for allows
/// anything, and a note says so.
///
/// # Errors
/// Everything that is wrong with it, up to a bound, each with its place and remedy.
pub fn read(bytes: &[u8]) -> Result<Read, Problems> {
    let root = text::parse(bytes).map_err(|problem| Problems(vec![problem]))?;
    let version = version(&root).map_err(|problem| Problems(vec![problem]))?;
    let mut reader = Reader::new(&root, version);
    let document = reader.document();
    if reader.problems.is_empty() {
        Ok(Read { document, version, notes: reader.finished_notes() })
    } else {
        Err(Problems(reader.problems))
    }
}

fn version(root: &Value) -> Result<Version, Problem> {
    let said = |key: &str| {
        root.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let (key, text) = match (said("openapi"), said("swagger")) {
        (Some(text), _) => ("openapi", text),
        (None, Some(text)) => ("swagger", text),
        (None, None) => {
            let text = "neither `openapi` nor `swagger` is here; is it an OpenAPI document?";
            return Err(Problem::new("", text));
        }
    };
    match (key, text.as_str()) {
        ("swagger", text) if text.starts_with('2') => Ok(Version::V2),
        ("openapi", text) if text.starts_with("3.0") => Ok(Version::V30),
        ("openapi", text) if text.starts_with("3.") => Ok(Version::V31),
        _ => Err(Problem::new(
            format!("/{key}"),
            format!("version {text:?} is not known; 2.0, 3.0 and 3.1 are"),
        )),
    }
}

/// What reading has found so far.
struct Reader<'a> {
    root: &'a Value,
    version: Version,
    problems: Vec<Problem>,
    notes: Vec<Problem>,
    /// Keywords that the one form has no place for, and how often each.
    left_out: BTreeMap<String, u64>,
    /// Names of schemas by their pointer.
    names: HashMap<String, String>,
    taken: BTreeSet<String>,
    /// Schemas that something refers to and that are not read yet.
    queue: Vec<(String, String)>,
    schemas_read: usize,
    ids: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Value, version: Version) -> Self {
        Self {
            root,
            version,
            problems: Vec::new(),
            notes: Vec::new(),
            left_out: BTreeMap::new(),
            names: HashMap::new(),
            taken: BTreeSet::new(),
            queue: Vec::new(),
            schemas_read: 0,
            ids: BTreeSet::new(),
        }
    }

    fn document(&mut self) -> Document {
        let root = self.root;
        let top = At::top();
        let Some(fields) = self.object(root, &top) else { return Document::default() };
        self.name_components();
        let info_at = top.then("info");
        let info = fields.get("info").and_then(|info| self.object(info, &info_at));
        let text =
            |name: &str| info.and_then(|info| info.get(name)).map(scalar_text).unwrap_or_default();
        let (title, api_version) = (text("title"), text("version"));
        let description = info.and_then(|info| prose(info, "description"));
        let servers = self.servers(fields);
        let schemes = self.schemes(fields);
        let operations = self.operations(fields);
        let schemas = self.named_schemas();
        if fields.contains_key("webhooks") {
            self.note(&top.then("webhooks"), "webhooks are calls of the API's own; left out");
        }
        let evidence = self.evidence(fields, &top);
        Document {
            title,
            api_version,
            description,
            servers,
            operations,
            schemas,
            schemes,
            evidence,
        }
    }

    /// Gives the schemas under their usual place their own names, before anything refers to them.
    fn name_components(&mut self) {
        let place =
            if self.version == Version::V2 { "/definitions" } else { "/components/schemas" };
        let Some(Value::Object(schemas)) = self.root.pointer(place) else { return };
        for name in schemas.keys() {
            let pointer = format!("{place}/{}", escaped(name));
            self.name(pointer, name);
        }
    }

    /// The name of the schema at a pointer, which is read later if it has not been.
    fn name(&mut self, pointer: String, wanted: &str) -> String {
        if let Some(name) = self.names.get(&pointer) {
            return name.clone();
        }
        let plain = plain_name(wanted);
        let mut name = if plain.is_empty() { "schema".to_owned() } else { plain.clone() };
        let mut number = 2_u32;
        while !self.taken.insert(name.clone()) {
            name = format!("{plain}_{number}");
            number += 1;
        }
        self.names.insert(pointer.clone(), name.clone());
        self.queue.push((pointer, name.clone()));
        name
    }

    fn named_schemas(&mut self) -> BTreeMap<String, Schema> {
        let mut schemas = BTreeMap::new();
        // Reading one may find references to more; each is read once.
        while let Some((pointer, name)) = self.queue.pop() {
            let Some(value) = self.root.pointer(&pointer) else { continue };
            let top = At::top();
            let at = top.then(pointer.strip_prefix('/').unwrap_or(&pointer));
            let schema = self.schema(value, &at.verbatim(), 0);
            schemas.insert(name, schema);
        }
        schemas
    }

    /// What a reference stands for, following references to references. The pointer is where it
    /// was found, if a reference was followed.
    fn followed<'v>(&mut self, value: &'v Value, at: &At<'_>) -> Option<&'v Value>
    where
        'a: 'v,
    {
        let mut value = value;
        for _ in 0..HOPS_MAX {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Some(value);
            };
            value = self.target(reference, at)?;
        }
        self.problem(at, "references lead in a circle; let one of them stand for something");
        None
    }

    /// What stands at a local reference; none, with a note or problem, if there is nothing.
    fn target(&mut self, reference: &str, at: &At<'_>) -> Option<&'a Value> {
        let Some(pointer) = pointer::local(reference) else {
            let text = format!("{reference:?} is in another file, which is not read; bundle them");
            self.note(at, text);
            return None;
        };
        let found = self.root.pointer(&pointer);
        if found.is_none() {
            let text = format!("{reference:?} leads nowhere; define it or mend the reference");
            self.problem(at, text);
        }
        found
    }

    fn object<'v>(&mut self, value: &'v Value, at: &At<'_>) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.problem(at, format!("{} where an object belongs", kind(value)));
        }
        object
    }

    fn problem(&mut self, at: &At<'_>, text: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::new(at.to_string(), text));
        }
    }

    fn note(&mut self, at: &At<'_>, text: impl Into<String>) {
        if self.notes.len() < PROBLEMS_MAX {
            self.notes.push(Problem::new(at.to_string(), text));
        }
    }

    fn leave_out(&mut self, keyword: &str) {
        if self.left_out.len() < PROBLEMS_MAX || self.left_out.contains_key(keyword) {
            *self.left_out.entry(keyword.to_owned()).or_default() += 1;
        }
    }

    /// Counts a schema; whether there may be one more.
    fn may_read_schema(&mut self, at: &At<'_>) -> bool {
        self.schemas_read += 1;
        if self.schemas_read == SCHEMAS_MAX {
            let text = format!("more than {SCHEMAS_MAX} schemas; split the document by path");
            self.problem(at, text);
        }
        self.schemas_read < SCHEMAS_MAX
    }

    fn evidence(&mut self, fields: &Map<String, Value>, at: &At<'_>) -> Option<Evidence> {
        let value = fields.get(EXTENSION)?;
        match serde_json::from_value(value.clone()) {
            Ok(evidence) => Some(evidence),
            Err(error) => {
                self.note(&at.then(EXTENSION), format!("not this sensor's evidence: {error}"));
                None
            }
        }
    }

    fn finished_notes(self) -> Vec<Problem> {
        let mut notes = self.notes;
        notes.sort();
        notes.dedup();
        if !self.left_out.is_empty() {
            let list: Vec<_> =
                self.left_out.iter().map(|(word, count)| format!("{word} ({count})")).collect();
            notes.push(Problem::new("", format!("left out: {}", list.join(", "))));
        }
        notes
    }
}

/// A name that a component may have.
fn plain_name(wanted: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    wanted.chars().take(200).map(plain).collect()
}

/// What a value is, for people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A scalar as text: versions are often written without quotes.
fn scalar_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn prose(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = fields.get(name)?.as_str()?;
    let mut end = text.len().min(PROSE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn list<'v>(fields: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    fields.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
