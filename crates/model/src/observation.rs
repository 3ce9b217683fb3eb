//! discovery → behavior.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    AnomalySet, AttackNotes, Attempts, CallerPlace, Completeness, FactSet, FieldNotes, Objects,
    Timestamp,
};

/// The keyed hash of host, method and lexical template: what a worker calls a route.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RouteKey(pub u64);

/// What a path segment looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentClass {
    /// Decimal digits.
    Integer,
    /// A UUID, with or without dashes.
    Uuid,
    /// A calendar date, perhaps with a time.
    Date,
    /// An e-mail address.
    Email,
    /// An IP address.
    IpAddress,
    /// At least twelve hexadecimal digits.
    Hex,
    /// A ULID or an `ObjectId`.
    ObjectId,
    /// A short alphabetic prefix and an identifier (`cus_9s6X`, `SKU-00042`).
    PrefixedId,
    /// A random-looking token.
    Token,
    /// A JSON Web Token.
    Jwt,
    /// A payment card number.
    CardNumber,
    /// A telephone number.
    Phone,
    /// A pair of coordinates.
    Coordinates,
    /// A segment longer than the cap.
    Oversized,
    /// Values of several classes, or words that turned out to be values.
    Text,
}

impl SegmentClass {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::Email => "email",
            Self::IpAddress => "ip",
            Self::Hex => "hex",
            Self::ObjectId => "object_id",
            Self::PrefixedId => "prefixed_id",
            Self::Token => "token",
            Self::Jwt => "jwt",
            Self::CardNumber => "card_number",
            Self::Phone => "phone",
            Self::Coordinates => "coordinates",
            Self::Oversized => "oversized",
            Self::Text => "text",
        }
    }
}

/// One segment of a [`Template`]. `Debug` does not show text that may be a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TemplateSegment {
    /// A word of the API's own language: letters and separators only.
    Word(CompactString),
    /// Literal text that may still turn out to be a value: at most 64 bytes, shown only after two
    /// consumers have sent it.
    Weak(CompactString),
    /// A slot whose value is not kept; the suffix is a file extension with its dot, or empty.
    Parameter(SegmentClass, CompactString),
}

impl fmt::Debug for TemplateSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) => write!(f, "Word({text})"),
            Self::Weak(text) => write!(f, "Weak({} bytes)", text.len()),
            Self::Parameter(class, suffix) => write!(f, "Parameter({class:?}, {suffix:?})"),
        }
    }
}

/// A path with values replaced by slots. The root has no segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Template {
    /// In path order.
    pub segments: SmallVec<[TemplateSegment; 6]>,
    /// The path ended with a slash.
    pub trailing_slash: bool,
}

/// What a [`RouteKey`] stands for. Whoever speaks of a route shares one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteName {
    /// Lower case, without a default port; `ip:port` of the server when the request names none.
    pub host: CompactString,
    /// As sent, upper case; `HEAD` and `OPTIONS` have routes of their own.
    pub method: CompactString,
    /// The lexical template.
    pub template: Template,
}

/// How a request authenticates itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum AuthKind {
    /// HTTP basic (RFC 7617).
    Basic,
    /// An opaque bearer token (RFC 6750).
    Bearer,
    /// A JSON Web Token, wherever it is sent.
    Jwt,
    /// An API key in a header.
    ApiKeyHeader,
    /// An API key in the query.
    ApiKeyQuery,
    /// An API key in a cookie.
    ApiKeyCookie,
    /// A session cookie.
    SessionCookie,
    /// Another `Authorization` scheme.
    Other,
}

impl AuthKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Basic,
        Self::Bearer,
        Self::Jwt,
        Self::ApiKeyHeader,
        Self::ApiKeyQuery,
        Self::ApiKeyCookie,
        Self::SessionCookie,
        Self::Other,
    ];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Jwt => "jwt",
            Self::ApiKeyHeader => "api_key_header",
            Self::ApiKeyQuery => "api_key_query",
            Self::ApiKeyCookie => "api_key_cookie",
            Self::SessionCookie => "session_cookie",
            Self::Other => "other",
        }
    }
}

/// The ways in which one request authenticates itself; empty is none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AuthSet(u8);

impl AuthSet {
    /// No credential.
    pub const NONE: Self = Self(0);

    /// Adds a kind.
    pub const fn insert(&mut self, kind: AuthKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether it holds `kind`.
    pub const fn contains(self, kind: AuthKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether there is no credential.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Those it holds, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = AuthKind> {
        AuthKind::ALL.iter().copied().filter(move |&kind| self.contains(kind))
    }

    /// `none`, or the labels joined by `+`.
    pub fn label(self) -> String {
        if self.is_none() {
            return "none".to_owned();
        }
        self.iter().map(AuthKind::label).collect::<Vec<_>>().join("+")
    }
}

/// By what a consumer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerKind {
    /// The subject of a token.
    Subject,
    /// An API key, a bearer token or basic credentials.
    Credential,
    /// A session cookie.
    Session,
    /// The client address.
    Address,
}

impl ConsumerKind {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Credential => "credential",
            Self::Session => "session",
            Self::Address => "address",
        }
    }
}

/// The keyed hash of whatever names a consumer. Displays, and serialises for people, as 16
/// hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerKey(pub u64);

impl Serialize for ConsumerKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for ConsumerKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

impl fmt::Display for ConsumerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Who calls, as best known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The hash.
    pub key: ConsumerKey,
    /// What was hashed.
    pub kind: ConsumerKind,
}

/// Where a parameter was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterLocation {
    /// In a slot of the path; its name is the index of its segment, from 0.
    Path,
    /// In the query.
    Query,
}

impl ParameterLocation {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// JSON null, or a name without a value.
    Null,
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction or an exponent.
    Number,
    /// Any other text.
    String,
    /// A UUID.
    Uuid,
    /// A calendar date, perhaps with a time.
    Date,
    /// An e-mail address.
    Email,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
}

impl ValueKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Null,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::String,
        Self::Uuid,
        Self::Date,
        Self::Email,
        Self::Object,
        Self::Array,
    ];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::Email => "email",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}

/// That a parameter was present, and what it looked like; never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterShape {
    /// Where.
    pub location: ParameterLocation,
    /// At most 64 bytes; a classified name is masked.
    pub name: CompactString,
    /// The type of this value.
    pub kind: ValueKind,
}

/// The parameters of one part of a transaction, each name once. Transactions that sent the same
/// share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSet {
    /// In the order sent.
    pub shapes: Vec<ParameterShape>,
}

/// What the answer may teach: the learning gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// 2xx, or a 3xx that does not lead back to the same path: creates an endpoint. The redirect's
    /// keyed target is kept apart, for a target shared by everything is a catch-all.
    Learn,
    /// 401 or 403: creates at most a candidate.
    Candidate,
    /// Anything else, and every OPTIONS and HEAD: only matches.
    MatchOnly,
}

/// What one transaction says about an API. No raw values.
///
/// Discovery reuses one for all transactions, so its strings and vectors keep their capacity: clone
/// what must outlive the call.
#[derive(Clone, Debug)]
pub struct Observation {
    /// First byte of the request.
    pub started_at: Timestamp,
    /// Last byte of the transaction.
    pub ended_at: Timestamp,
    /// The route.
    pub route: RouteKey,
    /// What the route is called.
    pub name: Arc<RouteName>,
    /// The keyed hash of the whole path, to know its answer by; 0 when the bodies were not read.
    pub path_hash: u64,
    /// The keyed hash of what the answer looked like: status, media type and top-level keys, else
    /// the content's own hash. Equal answers have equal ones. None when the bodies were not read.
    pub answer_hash: Option<u64>,
    /// What the answer may teach.
    pub gate: Gate,
    /// The keyed hash of where a redirect leads.
    pub redirect_hash: Option<u64>,
    /// Who calls.
    pub consumer: Consumer,
    /// Where the request came from: the flow's client, or whom trusted proxies name.
    pub client: IpAddr,
    /// Where that is.
    pub client_place: CallerPlace,
    /// Who answered.
    pub server: std::net::SocketAddr,
    /// The keyed hash of a token or a session that stands for one login; 0 is none. Keys and basic
    /// credentials, which many programs may share, are none.
    pub credential: u64,
    /// How it authenticates.
    pub auth: AuthSet,
    /// What else it shows of how the endpoint is built and guarded.
    pub facts: FactSet,
    /// What the answer says it was made by: `nginx/1.18.0`. Only names that are known, and versions
    /// in digits; none when it does not say. Transactions that were told the same share one.
    pub software: Option<Arc<[CompactString]>>,
    /// The name of a cookie that the answer sets, by whose value a caller can be known though its
    /// name does not say so. As it may be shown.
    pub session_cookie: Option<CompactString>,
    /// The keyed hash of a foreign origin that may read the answer because it asked.
    pub reflected_origin: Option<u64>,
    /// The keyed hash of the user agent; 0 is none.
    pub agent: u64,
    /// None when no response was seen.
    pub status: Option<u16>,
    /// How much of the transaction was seen.
    pub completeness: Completeness,
    /// On the wire.
    pub request_bytes: u64,
    /// On the wire.
    pub response_bytes: u64,
    /// See [`crate::Transaction::latency_ns`].
    pub latency_ns: Option<u64>,
    /// Lower case, without parameters; empty when there is no content.
    pub request_media: CompactString,
    /// Lower case, without parameters; empty when there is no content.
    pub response_media: CompactString,
    /// What was sent in the path and the query, as far as there is any.
    pub parameters: SmallVec<[Arc<ParameterSet>; 4]>,
    /// Whether the transaction was looked into: bodies, headers and what the values look like. Of
    /// known routes only a sample is.
    pub bodies_read: bool,
    /// What was found there.
    pub fields: FieldNotes,
    /// What was tried against accounts and secrets.
    pub attempts: Attempts,
    /// Which objects it asks for, and which its answer named.
    pub objects: Objects,
    /// Rules broken on the wire.
    pub anomalies: AnomalySet,
    /// Values that look like attacks; in nearly all transactions none.
    pub attacks: AttackNotes,
}
