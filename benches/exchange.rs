//! One request and its answer as a worker would see them, without the bytes of a capture.

use std::net::SocketAddr;

use tapline_model::{
    AnomalySet, Body, BodySample, Completeness, FlowId, OwnedHeaders, Protocol, RequestHead,
    ResponseHead, Timestamp, Transaction,
};

/// What a transaction borrows from: a GET that is answered with 200.
#[derive(Debug)]
pub struct Exchange {
    /// Whose request it is.
    pub client: SocketAddr,
    /// The host that is asked for.
    pub host: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent, without its question mark.
    pub query: Option<&'static [u8]>,
    /// The answer's body, of JSON if there is any.
    pub body: String,
    /// The header of the request.
    pub sent: OwnedHeaders,
    /// The header of the answer.
    pub answered: OwnedHeaders,
}

impl Exchange {
    /// A client's address by its number.
    pub fn client(number: u32) -> SocketAddr {
        SocketAddr::from((0x0a00_0000_u32.wrapping_add(number).to_be_bytes(), 40_000))
    }

    /// As a transaction that began then and took three milliseconds.
    pub fn transaction(&self, started_at: Timestamp) -> Transaction<'_> {
        let body_bytes = self.body.len() as u64;
        let response_body = Body {
            wire_bytes: body_bytes,
            media_type: if self.body.is_empty() { "" } else { "application/json" },
            sample: BodySample { bytes: self.body.as_bytes(), truncated: false },
        };
        Transaction {
            flow: FlowId { slot: 0, generation: 0 },
            client: self.client,
            server: SocketAddr::from(([192, 168, 0, 1], 80)),
            protocol: Protocol::Http11,
            request: Some(RequestHead {
                method: b"GET",
                target: self.path.as_bytes(),
                authority: Some(self.host.as_bytes()),
                path: self.path.as_bytes(),
                query: self.query,
                headers: self.sent.headers(),
            }),
            response: Some(ResponseHead { status: 200, headers: self.answered.headers() }),
            request_body: Body::default(),
            response_body,
            request_bytes: 180,
            response_bytes: 90 + body_bytes,
            started_at,
            ended_at: started_at.plus_nanos(3_000_000),
            latency_ns: Some(2_000_000),
            completeness: Completeness::Whole,
            anomalies: AnomalySet::EMPTY,
        }
    }
}
