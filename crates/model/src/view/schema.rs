//! What the bodies and parameters of an endpoint look like, as pages, files and documents show it.
//!
//! Everything is counted; what is concluded from the counts (`presence`, `format`, `values`,
//! `variants`) stands beside them. No raw value but those of [`EnumView`].

use serde::{Deserialize, Serialize};

use crate::{JsonKind, Presence, TextFormat};

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyDirection {
    /// To the server; learned from requests answered below 400 only.
    Request,
    /// From the server.
    Response,
}

impl BodyDirection {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// The bodies of one endpoint that share direction, status and media type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BodyView {
    /// Which way they go.
    pub direction: BodyDirection,
    /// The status they were sent with; none of requests.
    pub status: Option<u16>,
    /// Lower case, without parameters; empty when none was said.
    pub media: String,
    /// Bodies that were looked into.
    pub n: u64,
    /// Transactions that were looked into and could have had one: of requests those answered below
    /// 400, of responses those of this status.
    pub of: u64,
    /// What they look like. Of media types that are not looked into: `n` and nothing else.
    pub schema: SchemaView,
}

/// What the values of one place look like: a union of types, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaView {
    /// Values seen.
    pub n: u64,
    /// By type, in declaration order, those seen only. More than one besides null and
    /// integer/number is a union.
    pub kinds: Vec<(JsonKind, u64)>,
    /// Null was seen, and something else too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// Texts by format, commonest first; what has none is not counted here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<(TextFormat, u64)>,
    /// The format of at least 95 % of at least 20 texts that are not empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
    /// Distinct short texts and integers: exact up to 20, an estimate above; 0 when not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub distinct: u64,
    /// The values of an enumeration, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<EnumView>,
    /// The least number, rounded down to two significant digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The greatest number, rounded up to two significant digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Characters of the shortest text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_min: Option<u64>,
    /// Characters of the longest text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_max: Option<u64>,
    /// Elements of the shortest array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_min: Option<u64>,
    /// Elements of the longest array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_max: Option<u64>,
    /// Objects that were seen to their end: what members were missing from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub objects: u64,
    /// Members by name, in the order of the names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<PropertyView>,
    /// Elements of arrays, all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<SchemaView>>,
    /// It is a map, or has members besides `properties` whose names are values themselves: what
    /// stands under all such names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional: Option<Box<MapView>>,
    /// Kinds of objects that one member tells apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<VariantsView>,
    /// Members that found no room, each time one was seen.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// A member of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropertyView {
    /// At most 64 bytes.
    pub name: String,
    /// Whole objects that had it.
    pub present: u64,
    /// Whole objects that could have had it.
    pub of: u64,
    /// What that says.
    pub presence: Presence,
    /// The share of objects that have it is at least this, at 95 % confidence: by the rule of three
    /// when it was never missing, else the lower Wilson bound. Four decimals.
    pub p_required: f64,
    /// Its values.
    pub schema: SchemaView,
}

/// Members whose names are values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MapView {
    /// Members by what their names look like (`integer`, `uuid`, `text`), commonest first.
    pub keys: Vec<(String, u64)>,
    /// What stands under them.
    pub schema: SchemaView,
}

/// The values of an enumeration: short plain words, small integers and versions that at least two
/// consumers sent or got, of fields that name no person and no thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnumView {
    /// Each with how often, commonest first. Integers are written in decimal.
    pub values: Vec<(String, u64)>,
    /// Distinct values that must not be shown: while there are any, the list is not all of it.
    pub hidden: u64,
    /// The probability that the next value is a new one (Good-Turing): at most 0.005.
    pub unseen: f64,
}

/// Kinds of objects that one member tells apart: a tagged union.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantsView {
    /// The member whose value says which kind it is.
    pub tag: String,
    /// 2 to 4, in the order of their values.
    pub variants: Vec<VariantView>,
}

/// One kind of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantView {
    /// The value of the tag.
    pub value: String,
    /// Whole objects of this kind.
    pub n: u64,
    /// The members they have, by name; their schemas are those of [`SchemaView::properties`].
    pub members: Vec<VariantMemberView>,
}

/// A member of one kind of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantMemberView {
    /// One of the names in [`SchemaView::properties`].
    pub name: String,
    /// Objects of the kind that had it.
    pub present: u64,
    /// What that says.
    pub presence: Presence,
}

impl SchemaView {
    /// How many values of `kind` were seen.
    pub fn count(&self, kind: JsonKind) -> u64 {
        self.kinds.iter().find(|(seen, _)| *seen == kind).map_or(0, |&(_, count)| count)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
