//! How long a body is (RFC 9112 section 6.3).

use tapline_model::Protocol;

use super::facts::Facts;

/// What ends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    None,
    /// It has this many bytes, at least one.
    Length(u64),
    /// Its last chunk.
    Chunked,
    /// The end of the direction.
    UntilClose,
    /// Nothing that was seen; the next start line.
    Unknown,
}

/// What of a request decides how its response is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// HEAD: the response has no body.
    Head,
    /// CONNECT: success makes a tunnel.
    Connect,
    /// Any other method, or a request that was not seen.
    #[default]
    Other,
}

/// What a flow turns into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// A tunnel through a proxy (RFC 9110 section 9.3.6).
    Tunnel,
    /// Another protocol (RFC 9110 section 7.8).
    Upgrade,
}

impl Asked {
    pub(super) fn by(method: &[u8]) -> Self {
        match method {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// Of a request. Without a valid length there is no body, whatever else the head claims. `whole`
/// says that all of the head was read.
#[inline]
pub(super) fn of_request(facts: &Facts, whole: bool) -> Framing {
    match (facts.is_chunked(), facts.content_length()) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => of_length(length),
        (false, None) if whole => Framing::None,
        (false, None) => Framing::Unknown,
    }
}

/// Of a final response.
#[inline]
pub(super) fn of_response(facts: &Facts, status: u16, asked: Asked, whole: bool) -> Framing {
    if asked == Asked::Head || matches!(status, 100..=199 | 204 | 304) {
        return Framing::None;
    }
    match (facts.is_chunked(), facts.content_length()) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) if !facts.is_coded_without_chunks() => of_length(length),
        _ if whole => Framing::UntilClose,
        _ => Framing::Unknown,
    }
}

/// What a response turns the flow into, if it does.
#[inline]
pub(super) fn switch(status: u16, asked: Asked) -> Option<Switch> {
    match (status, asked) {
        (101, _) => Some(Switch::Upgrade),
        (200..=299, Asked::Connect) => Some(Switch::Tunnel),
        _ => None,
    }
}

/// The protocol of a transaction: what the request says, else what the response says.
#[inline]
pub(super) fn protocol_of(request: Option<Protocol>, response: Option<Protocol>) -> Protocol {
    request.or(response).unwrap_or(Protocol::Http11)
}

fn of_length(length: u64) -> Framing {
    if length == 0 { Framing::None } else { Framing::Length(length) }
}
