//! A document in its one form: what an API offers, whichever way it was written down.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::evidence::Evidence;
use crate::schema::Schema;

/// An API as a document tells it. References to anything but schemas are followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What people call it.
    pub title: String,
    /// The version of the API, not of the document's language.
    pub api_version: String,
    /// Prose.
    pub description: Option<String>,
    /// Where it is served, as URLs whose variables have their defaults; may be relative.
    pub servers: Vec<String>,
    /// What it offers.
    pub operations: BTreeMap<OperationKey, Operation>,
    /// The schemas that others refer to.
    pub schemas: BTreeMap<String, Schema>,
    /// The ways to show who one is, by name.
    pub schemes: BTreeMap<String, SecurityScheme>,
    /// What was seen of all of it.
    pub evidence: Option<Evidence>,
}

/// What tells operations apart. Ordered by path, then method.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OperationKey {
    /// The path template, without the base path of a server.
    pub path: String,
    /// In capitals.
    pub method: String,
}

/// One method of one path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    /// Its name for code, unique in the document.
    pub id: Option<String>,
    /// One line.
    pub summary: Option<String>,
    /// Prose.
    pub description: Option<String>,
    /// The groups it is shown in.
    pub tags: Vec<String>,
    /// Not to be used any more.
    pub deprecated: bool,
    /// Its parameters, those of its path among them.
    pub parameters: BTreeMap<ParameterKey, Parameter>,
    /// What is sent to it, if anything.
    pub body: Option<Body>,
    /// What it answers, by status.
    pub responses: BTreeMap<StatusKey, Response>,
    /// The ways to be let in, one of which is enough; none is nothing said, an empty list open to
    /// all.
    pub security: Option<Vec<Requirement>>,
    /// What was seen of it.
    pub evidence: Option<Evidence>,
}

/// All of these schemes, with the scopes asked of each. Empty is no credentials at all.
pub type Requirement = BTreeMap<String, Vec<String>>;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// In the path.
    #[default]
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl Location {
    /// Every location, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Path, Self::Query, Self::Header, Self::Cookie];

    /// Its name in a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// What tells the parameters of an operation apart. Header names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterKey {
    /// Where it stands.
    pub location: Location,
    /// Its name.
    pub name: String,
}

/// A parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// Its name as it is written.
    pub name: String,
    /// Always there.
    pub required: bool,
    /// Not to be used any more.
    pub deprecated: bool,
    /// Prose.
    pub description: Option<String>,
    /// Its values.
    pub schema: Schema,
    /// How arrays and objects are written.
    pub style: Option<String>,
    /// Whether each item is a parameter of its own.
    pub explode: Option<bool>,
    /// What was seen of it.
    pub evidence: Option<Evidence>,
}

/// What is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// Prose.
    pub description: Option<String>,
    /// Always there.
    pub required: bool,
    /// Its forms, by media type or range in lower case.
    pub content: BTreeMap<String, Media>,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// Prose.
    pub description: String,
    /// Its headers, by name.
    pub headers: BTreeMap<String, Parameter>,
    /// Its forms, by media type or range in lower case; none is no content, or nothing said.
    pub content: BTreeMap<String, Media>,
    /// What was seen of it.
    pub evidence: Option<Evidence>,
}

/// Content in one form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// Its shape; the default says nothing.
    pub schema: Schema,
    /// What was seen of it.
    pub evidence: Option<Evidence>,
}

/// Which statuses a response is for. Ordered from the narrowest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusKey {
    /// One.
    Code(u16),
    /// `1XX` to `5XX`.
    Class(u8),
    /// All that are not listed.
    Default,
}

impl StatusKey {
    /// From its name in a document.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        let [class @ b'1'..=b'5', rest @ ..] = text.as_bytes() else { return None };
        match rest {
            b"XX" | b"xx" => Some(Self::Class(class - b'0')),
            [b'0'..=b'9', b'0'..=b'9'] => text.parse().ok().map(Self::Code),
            _ => None,
        }
    }

    /// The class of its statuses: 1 to 5; none if it is for all.
    pub fn class(self) -> Option<u16> {
        match self {
            Self::Code(code) => Some(code / 100),
            Self::Class(class) => Some(u16::from(class)),
            Self::Default => None,
        }
    }
}

impl std::fmt::Display for StatusKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(class) => write!(f, "{class}XX"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A way to show who one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityScheme {
    /// A value in a parameter.
    ApiKey {
        /// Where.
        location: Location,
        /// The parameter's name.
        name: String,
    },
    /// An `Authorization` header, by its scheme in lower case.
    Http {
        /// `basic`, `bearer` or another.
        scheme: String,
        /// What a bearer token is, if said (`JWT`).
        bearer_format: Option<String>,
    },
    /// OAuth 2, by its flows as OpenAPI 3 has them.
    OAuth2 {
        /// The flows: name, authorization URL, token URL, scopes with their descriptions.
        flows: BTreeMap<String, OAuthFlow>,
    },
    /// OpenID Connect.
    OpenIdConnect {
        /// Where it is described.
        url: String,
    },
    /// TLS client certificates.
    MutualTls,
}

/// One way to a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthFlow {
    /// Where people agree.
    pub authorization_url: Option<String>,
    /// Where tokens are had.
    pub token_url: Option<String>,
    /// Scopes and what they mean.
    pub scopes: BTreeMap<String, String>,
}

/// The methods that a document can describe, in the order in which they are written.
pub(crate) const METHODS: [&str; 8] =
    ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_as_they_are_written() {
        for text in ["200", "4XX", "default", "503"] {
            assert_eq!(StatusKey::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "600", "20", "2X", "2000", "x-y", "+12"] {
            assert_eq!(StatusKey::parse(text), None, "{text}");
        }
    }
}
