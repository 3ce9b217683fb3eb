//! Documents as text: OpenAPI 3.1 or 3.0, JSON or YAML, the same bytes for the same document.

mod evidence;
mod node;
mod operation;
mod schema;
mod security;
mod yaml;

use crate::document::Document;
use crate::evidence::{EXTENSION, Evidence};
use node::{Map, Node};

/// The language a document is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAPI 3.0.3, which cannot say all that 3.1 can: types beside each other become `anyOf`.
    V30,
    /// OpenAPI 3.1.0.
    #[default]
    V31,
}

impl Dialect {
    /// From how people ask for it: `3.0` or `3.1`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "3.0" | "3.0.3" => Some(Self::V30),
            "3.1" | "3.1.0" => Some(Self::V31),
            _ => None,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::V30 => "3.0.3",
            Self::V31 => "3.1.0",
        }
    }
}

/// Writes a document as JSON, with a newline at its end.
pub fn to_json(document: &Document, dialect: Dialect) -> String {
    // Nodes have text as keys and finite numbers, so this cannot fail.
    let mut text = serde_json::to_string_pretty(&whole(document, dialect)).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes a document as YAML.
pub fn to_yaml(document: &Document, dialect: Dialect) -> String {
    yaml::text(&whole(document, dialect))
}

fn whole(document: &Document, dialect: Dialect) -> Node<'_> {
    let writer = Writer { document, dialect };
    let mut info = Map::default();
    info.put("title", &document.title);
    info.put("version", &document.api_version);
    info.option("description", document.description.as_ref());
    let mut top = Map::default();
    top.put("openapi", dialect.text());
    top.put("info", info);
    let servers = document.servers.iter().map(|url| {
        let mut server = Map::default();
        server.put("url", url);
        server.unless_empty("variables", variables(url));
        server.into()
    });
    top.list("servers", servers.collect());
    top.put("paths", writer.paths());
    let mut components = Map::default();
    components.unless_empty("schemas", writer.schemas());
    components.unless_empty("securitySchemes", writer.schemes());
    top.unless_empty("components", components);
    evidence(&mut top, document.evidence.as_ref());
    top.into()
}

/// The variables of a server's URL, which need a default: their name, for want of a better one.
fn variables(url: &str) -> Map<'_> {
    let mut variables = Map::default();
    for name in url.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)) {
        let mut variable = Map::default();
        variable.put("default", name);
        variables.put(name, variable);
    }
    variables
}

/// Writes a document part by part.
struct Writer<'d> {
    document: &'d Document,
    dialect: Dialect,
}

fn evidence<'d>(into: &mut Map<'d>, evidence: Option<&'d Evidence>) {
    if let Some(evidence) = evidence {
        into.put(EXTENSION, evidence::written(evidence));
    }
}

#[cfg(test)]
mod tests;
