//! Protocol rules broken on the wire: a closed list. Each is a counter label and an input to
//! detection.

use serde::{Deserialize, Serialize};

macro_rules! anomalies {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// A protocol rule broken on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Anomaly { $($(#[$doc])* $name,)* }

        impl Anomaly {
            /// Every anomaly, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The label in metrics and files.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }
        }
    };
}

anomalies! {
    /// Both `Content-Length` and `Transfer-Encoding` are present (RFC 9112 section 6.1).
    ConflictingBodyLength = "conflicting_body_length",
    /// `Content-Length` fields that disagree (RFC 9112 section 6.3).
    DuplicateContentLength = "duplicate_content_length",
    /// A `Content-Length` that is no number.
    InvalidContentLength = "invalid_content_length",
    /// A `Transfer-Encoding` whose last coding is not exactly `chunked`.
    InvalidTransferEncoding = "invalid_transfer_encoding",
    /// A chunk header or the end of a chunk is malformed (RFC 9112 section 7.1).
    InvalidChunk = "invalid_chunk",
    /// A start line or header section that only a tolerant reader accepts.
    LenientHead = "lenient_head",
    /// A line ended by LF alone.
    BareLineFeed = "bare_line_feed",
    /// White space between a field name and its colon (RFC 9112 section 5.1).
    SpaceBeforeColon = "space_before_colon",
    /// Obsolete line folding (RFC 9112 section 5.2).
    FoldedHeader = "folded_header",
    /// The head passed its cap; the rest of it was skipped.
    HeadTooLong = "head_too_long",
    /// More header fields than the cap; the rest was not read.
    TooManyHeaders = "too_many_headers",
    /// More than one `Host` field, or one that is no authority.
    InvalidHost = "invalid_host",
    /// An HTTP/1.1 request without `Host` (RFC 9112 section 3.2).
    MissingHost = "missing_host",
    /// Bytes that no message explains.
    Desynchronised = "desynchronised",
    /// A response with no request that could have caused it.
    UnrequestedResponse = "unrequested_response",
    /// More requests waiting for their response than the cap.
    PipelineTooDeep = "pipeline_too_deep",
    /// A coded body that does not decode.
    InvalidContentCoding = "invalid_content_coding",
    /// Decoding stopped at the cap on size or ratio.
    BodyTooLarge = "body_too_large",
}

/// A set of anomalies, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AnomalySet(u64);

impl AnomalySet {
    /// No anomaly.
    pub const EMPTY: Self = Self(0);

    /// One bit for each, in declaration order.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set that has these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Adds one.
    #[inline]
    pub const fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u8;
    }

    /// Adds all of `other`.
    #[inline]
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether it holds `anomaly`.
    #[inline]
    pub const fn contains(self, anomaly: Anomaly) -> bool {
        self.0 & (1 << anomaly as u8) != 0
    }

    /// Whether it holds none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those it holds, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |&anomaly| self.contains(anomaly))
    }
}
