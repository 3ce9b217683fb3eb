//! The words for what values look like: their types, their formats, how surely they are there.

use serde::{Deserialize, Serialize};

/// The type of a JSON value; of a value that was sent as text, what the text reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonKind {
    /// Null, or a name without a value.
    Null,
    /// True or false.
    Boolean,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Number,
    /// Text.
    String,
    /// Members by name.
    Object,
    /// Elements in order.
    Array,
}

impl JsonKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Null,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::String,
        Self::Object,
        Self::Array,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label in files and pages: the `type` of JSON Schema.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}

/// What text is, when it is more than text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextFormat {
    /// A UUID.
    Uuid,
    /// A calendar date.
    Date,
    /// A calendar date with a time (RFC 3339, or nearly).
    DateTime,
    /// An e-mail address.
    Email,
    /// An absolute URI with an authority.
    Uri,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A JSON Web Token.
    Jwt,
    /// A telephone number.
    Phone,
    /// A whole number, written as text.
    Integer,
    /// A number with a fraction or an exponent, written as text.
    Number,
    /// `true` or `false`, written as text.
    Boolean,
    /// At least 16 hexadecimal digits.
    Hex,
    /// At least 24 characters of base64 that are no word.
    Base64,
    /// A file.
    Binary,
}

impl TextFormat {
    /// Every format, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Uuid,
        Self::Date,
        Self::DateTime,
        Self::Email,
        Self::Uri,
        Self::Ipv4,
        Self::Ipv6,
        Self::Jwt,
        Self::Phone,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Hex,
        Self::Base64,
        Self::Binary,
    ];

    /// The label in files and pages; where JSON Schema has a `format` of this meaning, its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Jwt => "jwt",
            Self::Phone => "phone",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Binary => "binary",
        }
    }
}

/// How sure it is that something is always there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It was missing at least once.
    #[default]
    Optional,
    /// Never missing, but in fewer than 30 cases: nothing is claimed.
    Unsure,
    /// Never missing in at least 30 cases: missing in less than one of 10, at 95 % confidence.
    Required,
    /// Never missing in at least 300 cases: missing in less than one of 100, at 95 % confidence.
    Certain,
}

impl Presence {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Unsure => "unsure",
            Self::Required => "required",
            Self::Certain => "certain",
        }
    }

    /// Whether a document may say `required`.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Required | Self::Certain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_is_serialised() {
        let as_text = |value: String| value.trim_matches('"').to_owned();
        for kind in JsonKind::ALL {
            assert_eq!(as_text(serde_json::to_string(kind).unwrap()), kind.label());
        }
        for format in TextFormat::ALL {
            assert_eq!(as_text(serde_json::to_string(format).unwrap()), format.label());
        }
    }
}
