//! A finished exchange to a transaction.

use std::fmt;

use tapline_model::{
    Anomaly, AnomalySet, Body, BodySample, HeaderKind, ProtocolStats, RequestHead, ResponseHead,
    Transaction,
};

use super::body;
use super::exchange::Exchange;
use super::head::StartLine;
use super::message::{Message, Progress};
use super::state::{Room, Scene};
use crate::Sink;
use crate::bounds::Bounds;
use crate::coding::Decoders;

/// Room in which bodies are decoded, reused from transaction to transaction.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    decoders: Decoders,
    request: Content,
    response: Content,
}

/// What is derived from one message.
#[derive(Default)]
struct Content {
    decoded: Vec<u8>,
    media_type: String,
    truncated: bool,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.decoded.len())
    }
}

/// Hands a finished exchange on, and its buffers back.
pub(super) fn emit<S: Sink>(exchange: Exchange, scene: Scene, room: &mut Room<'_, S>) {
    hand_on(&exchange, scene, room);
    for message in [exchange.request, exchange.response].into_iter().flatten() {
        message.recycle(room.pool);
    }
}

fn hand_on<S: Sink>(exchange: &Exchange, scene: Scene, room: &mut Room<'_, S>) {
    let Emitter { decoders, request: asked, response: answered } = &mut *room.emitter;
    let (request, response) = (exchange.request.as_ref(), exchange.response.as_ref());
    let mut anomalies = exchange.anomalies;
    for (message, content) in [(request, &mut *asked), (response, &mut *answered)] {
        content.clear();
        if let Some(message) = message {
            anomalies.extend(message.anomalies);
            anomalies.extend(content.fill(message, decoders, room.bounds));
        }
    }
    room.stats.decoded_bodies += u64::from(asked.is_decoded()) + u64::from(answered.is_decoded());
    let started_at = request.or(response).map_or(scene.now, |message| message.started_at);
    let ended_at = [request, response].into_iter().flatten().map(|message| message.ended_at).max();
    let transaction = Transaction {
        flow: scene.flow,
        client: scene.tuple.sender(scene.client),
        server: scene.tuple.sender(scene.client.reverse()),
        protocol: body::protocol_of(request.map(|m| m.version), response.map(|m| m.version)),
        request: request.and_then(request_head),
        response: response.and_then(response_head),
        request_body: request.map(|message| asked.body(message)).unwrap_or_default(),
        response_body: response.map(|message| answered.body(message)).unwrap_or_default(),
        request_bytes: request.map_or(0, |message| message.wire_bytes),
        response_bytes: exchange.interim_bytes + response.map_or(0, |message| message.wire_bytes),
        started_at,
        ended_at: ended_at.unwrap_or(started_at),
        latency_ns: request.zip(response).map(|(request, response)| latency(request, response)),
        completeness: exchange.completeness(),
        anomalies,
    };
    // Counted first, so that the books are right even if the sink fails.
    count(&transaction, room.stats);
    room.sink.transaction(&transaction);
}

fn count(transaction: &Transaction<'_>, stats: &mut ProtocolStats) {
    stats.transactions.held = stats.transactions.held.saturating_sub(1);
    stats.transactions.processed += 1;
    let counters = [
        stats.by_protocol.get_mut(transaction.protocol as usize),
        stats.by_completeness.get_mut(transaction.completeness as usize),
    ];
    for counter in counters.into_iter().flatten() {
        *counter += 1;
    }
    count_anomalies(transaction.anomalies, stats);
}

/// Counts each anomaly once.
pub(super) fn count_anomalies(anomalies: AnomalySet, stats: &mut ProtocolStats) {
    for anomaly in anomalies.iter() {
        if let Some(counter) = stats.anomalies.get_mut(anomaly as usize) {
            *counter += 1;
        }
    }
}

impl Content {
    fn clear(&mut self) {
        self.decoded.clear();
        self.media_type.clear();
        self.truncated = false;
    }

    fn is_decoded(&self) -> bool {
        !self.decoded.is_empty()
    }

    /// Decodes the body and names its media type; says what was wrong.
    fn fill(&mut self, message: &Message, decoders: &mut Decoders, bounds: &Bounds) -> AnomalySet {
        self.set_media_type(message);
        let whole = !message.truncated && message.progress == Progress::Ended;
        self.truncated = !whole;
        if message.codings.is_identity() || message.content_bytes == 0 {
            return AnomalySet::EMPTY;
        }
        let sample = message.sample.bytes();
        let decoded = decoders.decode(message.codings, sample, whole, bounds, &mut self.decoded);
        self.truncated |= decoded.truncated;
        // A range of a coded representation need not begin where decoding can.
        let is_range = matches!(message.start, StartLine::Response { status: 206 });
        let invalid = decoded.anomalies.contains(Anomaly::InvalidContentCoding);
        if (is_range || sample.is_empty()) && invalid {
            return AnomalySet::EMPTY;
        }
        decoded.anomalies
    }

    fn set_media_type(&mut self, message: &Message) {
        let value = message.headers().first(HeaderKind::ContentType).unwrap_or_default();
        let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.iter().all(u8::is_ascii_graphic) {
            self.media_type.extend(essence.iter().map(|b| char::from(b.to_ascii_lowercase())));
        }
    }

    fn body<'a>(&'a self, message: &'a Message) -> Body<'a> {
        let kept = message.sample.bytes();
        let bytes = if message.codings.is_identity() { kept } else { &self.decoded };
        Body {
            wire_bytes: message.content_bytes,
            media_type: &self.media_type,
            sample: BodySample { bytes, truncated: self.truncated },
        }
    }
}

fn response_head(message: &Message) -> Option<ResponseHead<'_>> {
    let StartLine::Response { status } = message.start else { return None };
    Some(ResponseHead { status, headers: message.headers() })
}

/// Takes the target apart by its form (RFC 9112 section 3.2).
fn request_head(message: &Message) -> Option<RequestHead<'_>> {
    let StartLine::Request { method, target } = message.start else { return None };
    let head = message.head.bytes();
    let (method, target) = (method.of_bytes(head), target.of_bytes(head));
    let headers = message.headers();
    let host = headers.first(HeaderKind::Host);
    let (authority, rest) = match split_scheme(target) {
        _ if method == b"CONNECT" => {
            // Without user information, which is a credential.
            let target = target.rsplit(|&byte| byte == b'@').next().unwrap_or_default();
            let authority = target.split(|byte| matches!(byte, b' ' | b'\t')).next();
            (host.or(authority), target)
        }
        Some(after) => {
            let end = after.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
            let (authority, rest) = after.split_at(end.unwrap_or(after.len()));
            (Some(authority), rest)
        }
        None => (host, target),
    };
    let (path, query) = match memchr::memchr(b'?', rest) {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
        None => (rest, None),
    };
    // An absolute form may leave out the slash that a server reads (RFC 9110 section 4.2.3).
    let path = if path.is_empty() { b"/" } else { path };
    Some(RequestHead { method, target, authority, path, query, headers })
}

/// What follows `scheme://`, if the target is in absolute form.
fn split_scheme(target: &[u8]) -> Option<&[u8]> {
    let scheme = target.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let count = scheme.count();
    let after = target.get(count..)?.strip_prefix(b"://")?;
    (count > 0).then_some(after)
}

/// From the last byte of the request to the first of the response; 0 when that began earlier.
fn latency(request: &Message, response: &Message) -> u64 {
    match request.progress {
        Progress::Ended => response.started_at.nanos_since(request.ended_at),
        _ if request.gapped => response.started_at.nanos_since(request.ended_at),
        _ => 0,
    }
}
