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

/// The media type that most bodies of interest have.
const JSON: &str = "application/json";

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
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.decoded.len())
    }
}

/// Hands a finished exchange on.
pub(super) fn emit<S: Sink>(exchange: &Exchange, scene: &Scene, room: &mut Room<'_, S>) {
    let Emitter { decoders, request: asked, response: answered } = &mut *room.emitter;
    let (request, response) = (exchange.request.as_deref(), exchange.response.as_deref());
    let mut anomalies = exchange.anomalies;
    for message in [request, response].into_iter().flatten() {
        anomalies.extend(message.parts.anomalies);
    }
    let started_at = request.or(response).map_or(scene.now, |message| message.started_at);
    let ended_at = [request, response].into_iter().flatten().map(|message| message.ended_at).max();
    let mut transaction = Transaction {
        flow: scene.flow,
        client: scene.tuple.sender(scene.client),
        server: scene.tuple.sender(scene.client.reverse()),
        protocol: body::protocol_of(
            request.map(|m| m.parts.version),
            response.map(|m| m.parts.version),
        ),
        request: request.and_then(request_head),
        response: response.and_then(response_head),
        request_body: request.map(|m| body_of(m, &mut asked.media_type)).unwrap_or_default(),
        response_body: response.map(|m| body_of(m, &mut answered.media_type)).unwrap_or_default(),
        request_bytes: request.map_or(0, |message| message.wire_bytes),
        response_bytes: exchange.interim_bytes + response.map_or(0, |message| message.wire_bytes),
        started_at,
        ended_at: ended_at.unwrap_or(started_at),
        latency_ns: request.zip(response).map(|(request, response)| latency(request, response)),
        completeness: exchange.completeness(),
        anomalies,
    };
    if room.sink.wants_bodies(&transaction) {
        let bodies = [
            (request, &mut asked.decoded, &mut transaction.request_body),
            (response, &mut answered.decoded, &mut transaction.response_body),
        ];
        for (message, decoded, body) in bodies {
            let Some(message) = message.filter(|message| is_coded(message)) else { continue };
            let (truncated, broken) = decode(message, decoders, room.bounds, decoded);
            room.stats.decoded_bodies += u64::from(!decoded.is_empty());
            body.sample = BodySample { bytes: decoded, truncated };
            transaction.anomalies.extend(broken);
        }
    }
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
    if anomalies.is_empty() {
        return;
    }
    for anomaly in anomalies.iter() {
        if let Some(counter) = stats.anomalies.get_mut(anomaly as usize) {
            *counter += 1;
        }
    }
}

/// The body as it stands: of one that is coded there is nothing to show before it is decoded.
/// `lower` is a buffer.
fn body_of<'a>(message: &'a Message, lower: &'a mut String) -> Body<'a> {
    let sample = if is_coded(message) {
        BodySample { bytes: &[], truncated: true }
    } else {
        BodySample { bytes: message.sample.bytes(), truncated: !is_whole(message) }
    };
    Body { wire_bytes: message.content_bytes, media_type: media_type(message, lower), sample }
}

/// There is content to take a coding off.
fn is_coded(message: &Message) -> bool {
    !message.codings.is_identity() && message.content_bytes > 0
}

/// All of the content was kept.
fn is_whole(message: &Message) -> bool {
    !message.truncated && message.progress == Progress::Ended
}

/// The media type in lower case, which it mostly is as sent.
fn media_type<'a>(message: &'a Message, lower: &'a mut String) -> &'a str {
    let value = message.headers().first(HeaderKind::ContentType).unwrap_or_default();
    if value == JSON.as_bytes() {
        return JSON;
    }
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let essence = value.get(..end).unwrap_or_default().trim_ascii();
    if essence == JSON.as_bytes() {
        return JSON;
    }
    if !essence.iter().all(u8::is_ascii_graphic) {
        return "";
    }
    let essence = str::from_utf8(essence).unwrap_or_default();
    if !essence.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return essence;
    }
    lower.clear();
    lower.push_str(essence);
    lower.make_ascii_lowercase();
    lower
}

/// Decodes a body into `output`; says whether there is more of it, and what was wrong.
fn decode(
    message: &Message,
    decoders: &mut Decoders,
    bounds: &Bounds,
    output: &mut Vec<u8>,
) -> (bool, AnomalySet) {
    let (sample, whole) = (message.sample.bytes(), is_whole(message));
    let decoded = decoders.decode(message.codings, sample, whole, bounds, output);
    // A range of a coded representation need not begin where decoding can.
    let is_range = matches!(message.parts.start, StartLine::Response { status: 206 });
    let invalid = decoded.anomalies.contains(Anomaly::InvalidContentCoding);
    let blameless = (is_range || sample.is_empty()) && invalid;
    let anomalies = if blameless { AnomalySet::EMPTY } else { decoded.anomalies };
    (!whole || decoded.truncated, anomalies)
}

fn response_head(message: &Message) -> Option<ResponseHead<'_>> {
    let StartLine::Response { status } = message.parts.start else { return None };
    Some(ResponseHead { status, headers: message.headers() })
}

/// Takes the target apart by its form (RFC 9112 section 3.2).
fn request_head(message: &Message) -> Option<RequestHead<'_>> {
    let StartLine::Request { method, target } = message.parts.start else { return None };
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
