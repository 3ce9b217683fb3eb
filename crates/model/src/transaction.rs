//! protocol → discovery.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{AnomalySet, FlowId, Headers, Timestamp};

/// Which protocol carried a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/1.0 (RFC 1945).
    #[serde(rename = "http/1.0")]
    Http10,
    /// HTTP/1.1 (RFC 9112).
    #[serde(rename = "http/1.1")]
    Http11,
}

impl Protocol {
    /// Every protocol, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Http10, Self::Http11];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Http10 => "http/1.0",
            Self::Http11 => "http/1.1",
        }
    }
}

/// How much of a transaction was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Request and response, both to their end.
    Whole,
    /// No response, or none to its end, was seen.
    ResponseMissing,
    /// Only a response was seen.
    RequestMissing,
    /// Bytes are missing inside the request or the response.
    Gapped,
    /// Long-lived and still going on.
    Open,
}

impl Completeness {
    /// Every completeness, in declaration order.
    pub const ALL: &'static [Self] =
        &[Self::Whole, Self::ResponseMissing, Self::RequestMissing, Self::Gapped, Self::Open];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::ResponseMissing => "response_missing",
            Self::RequestMissing => "request_missing",
            Self::Gapped => "gapped",
            Self::Open => "open",
        }
    }
}

/// The head of a request.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method, as sent.
    pub method: &'a [u8],
    /// The request target, as sent (RFC 9112 section 3.2): any of the four forms.
    pub target: &'a [u8],
    /// The authority of an absolute-form target, else the `Host` field, else none. As sent.
    pub authority: Option<&'a [u8]>,
    /// The path of the target, as sent: no scheme, authority or query. `*` for asterisk-form,
    /// the authority for CONNECT.
    pub path: &'a [u8],
    /// The query of the target, without `?`, as sent.
    pub query: Option<&'a [u8]>,
    /// The fields.
    pub headers: Headers<'a>,
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("target_bytes", &self.target.len())
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The head of a final response: 1xx answers are not the response.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: u16,
    /// The fields.
    pub headers: Headers<'a>,
}

/// The start of a message's content, transfer and content codings removed.
#[derive(Clone, Copy, Default)]
pub struct BodySample<'a> {
    /// Decoded bytes, at most the configured cap.
    pub bytes: &'a [u8],
    /// The content goes on after `bytes` (cap, gap, or a coding that broke).
    pub truncated: bool,
}

impl fmt::Debug for BodySample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodySample({} bytes, truncated: {})", self.bytes.len(), self.truncated)
    }
}

/// A message's content.
#[derive(Clone, Copy, Debug, Default)]
pub struct Body<'a> {
    /// Content bytes on the wire (after chunked framing, before content coding is removed), missing
    /// ones included.
    pub wire_bytes: u64,
    /// The media type, lower case, without parameters; empty when not said.
    pub media_type: &'a str,
    /// The decoded start.
    pub sample: BodySample<'a>,
}

/// One request and its response.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// The flow it ran on.
    pub flow: FlowId,
    /// Who asked.
    pub client: SocketAddr,
    /// Who answered.
    pub server: SocketAddr,
    /// What carried it.
    pub protocol: Protocol,
    /// The request, unless only a response was seen.
    pub request: Option<RequestHead<'a>>,
    /// The final response, unless none was seen.
    pub response: Option<ResponseHead<'a>>,
    /// Content of the request.
    pub request_body: Body<'a>,
    /// Content of the response.
    pub response_body: Body<'a>,
    /// Request bytes on the wire: head and framed content.
    pub request_bytes: u64,
    /// Response bytes on the wire: head and framed content, interim responses included.
    pub response_bytes: u64,
    /// First byte of the request; of the response when there is no request.
    pub started_at: Timestamp,
    /// Last byte seen.
    pub ended_at: Timestamp,
    /// Last byte of the request to the first byte of the final response; 0 when the response began
    /// before the request ended. None without both.
    pub latency_ns: Option<u64>,
    /// How much of it was seen.
    pub completeness: Completeness,
    /// Rules broken on the wire.
    pub anomalies: AnomalySet,
}
