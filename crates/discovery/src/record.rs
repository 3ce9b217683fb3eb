//! One line of `transactions.jsonl`.

use std::fmt::{self, Display};
use std::io::Write as _;

use compact_str::CompactString;
use hashbrown::HashSet;
use tapline_model::{Anomaly, Observation, RequestHead, SegmentClass, Transaction};

use crate::format::form;
use crate::host::write_host;
use crate::{lexical, parameter, path, sensitive};

/// Written for a value whose name says that it is a secret.
const SECRET_MASK: &str = "[secret]";

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The query too, not only its names.
    pub(crate) raw_targets: bool,
    /// Names of one query.
    pub(crate) names_max: usize,
}

/// What is reused from one line to the next.
#[derive(Default)]
pub(crate) struct Buffers {
    text: Vec<u8>,
    meant: Vec<u8>,
    host: CompactString,
    names: HashSet<CompactString>,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffers")
    }
}

/// Appends the line of a transaction without `endpoint` and the closing brace. Gives the number of
/// values that were masked in it.
pub(crate) fn write_line(
    transaction: &Transaction<'_>,
    observation: Option<&Observation>,
    options: Options,
    buffers: &mut Buffers,
    line: &mut Vec<u8>,
) -> u64 {
    let mut out = Line { line, masked: 0 };
    out.line.push(b'{');
    out.shown("ts", transaction.started_at);
    out.shown("client", transaction.client);
    out.shown("server", transaction.server);
    out.shown("protocol", transaction.protocol.label());
    if let Some(request) = &transaction.request {
        write_request(request, transaction, options, buffers, &mut out);
    } else {
        for name in ["method", "host", "path"] {
            out.null(name);
        }
        out.name("query_names");
        out.raw("[]");
    }
    out.number("status", transaction.response.map(|response| response.status));
    out.number("request_bytes", Some(transaction.request_bytes));
    out.number("response_bytes", Some(transaction.response_bytes));
    out.number("latency_ns", transaction.latency_ns);
    out.shown("completeness", transaction.completeness.label());
    out.name("anomalies");
    out.list(transaction.anomalies.iter().map(Anomaly::label));
    out.name("signals");
    out.raw("[]");
    match observation {
        Some(observation) => out.shown("consumer", observation.consumer.key),
        None => out.null("consumer"),
    }
    out.masked
}

fn write_request(
    request: &RequestHead<'_>,
    transaction: &Transaction<'_>,
    options: Options,
    buffers: &mut Buffers,
    out: &mut Line<'_>,
) {
    let Buffers { text, meant, host, names } = buffers;
    text.clear();
    write_utf8(request.method, text);
    out.text("method", text);
    let authority =
        request.authority.or_else(|| (request.method == b"CONNECT").then_some(request.target));
    write_host(authority, transaction.server, host);
    out.text("host", host.as_bytes());
    text.clear();
    let mut behind: &[u8] = b"";
    for (index, segment) in request.path.split(|&byte| byte == b'/').enumerate() {
        if index > 0 {
            text.push(b'/');
        }
        if is_secret_segment(behind, path::decode(segment, meant)) {
            text.extend_from_slice(SECRET_MASK.as_bytes());
            out.masked += 1;
        } else {
            out.masked += write_segment(segment, text, meant);
        }
        behind = segment;
    }
    out.text("path", text);
    out.name("query_names");
    names.clear();
    out.line.push(b'[');
    for (name, value) in request.query.into_iter().flat_map(form::pairs) {
        form::decode(name, meant);
        out.masked += write_name(meant, value, text);
        let name = parameter::cut(std::str::from_utf8(text).unwrap_or_default());
        if names.len() < options.names_max && !names.contains(name) {
            if !names.is_empty() {
                out.line.push(b',');
            }
            out.quoted(name.as_bytes());
            names.insert(CompactString::from(name));
        }
    }
    out.line.push(b']');
    if options.raw_targets {
        match request.query {
            Some(query) => {
                out.masked += write_query(query, text, meant);
                out.text("query", text);
            }
            None => out.null("query"),
        }
    }
}

/// Whether a decoded segment is a token that opens a door, by the one it stands behind.
fn is_secret_segment(behind: &[u8], segment: &[u8]) -> bool {
    sensitive::is_secret_place(behind)
        && matches!(lexical::shape(segment), lexical::Shape::Value(SegmentClass::Token, _))
}

/// Appends a path segment as sent, masked if it is or holds something sensitive; its matrix
/// parameters one by one.
fn write_segment(segment: &[u8], text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    let mut masked = 0;
    for (index, part) in segment.split(|&byte| byte == b';').enumerate() {
        if index > 0 {
            text.push(b';');
        }
        masked += match memchr::memchr(b'=', part).filter(|_| index > 0) {
            Some(at) => {
                let (name, value) = (part.get(..at), part.get(at + 1..));
                write_pair(name.unwrap_or_default(), value, text, meant)
            }
            None => write_part(part, text, meant),
        };
    }
    masked
}

/// Replaces `text` by the query as sent, values that are sensitive or whose name says so masked.
fn write_query(query: &[u8], text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    text.clear();
    let mut masked = 0;
    for (index, pair) in query.split(|&byte| byte == b'&').enumerate() {
        if index > 0 {
            text.push(b'&');
        }
        let at = memchr::memchr(b'=', pair);
        let name = pair.get(..at.unwrap_or(pair.len())).unwrap_or_default();
        masked += write_pair(name, at.and_then(|at| pair.get(at + 1..)), text, meant);
    }
    masked
}

fn write_pair(name: &[u8], value: Option<&[u8]>, text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    let is_bare = value.is_none() && {
        form::decode(name, meant);
        parameter::is_bare_value(meant, value) && sensitive::find(meant).is_none()
    };
    if is_bare && !name.is_empty() {
        text.extend_from_slice(parameter::BARE_VALUE.as_bytes());
        return 1;
    }
    let masked = write_part(name, text, meant);
    let Some(value) = value else { return masked };
    text.push(b'=');
    if !value.is_empty() && sensitive::is_secret_name(path::decode(name, meant)) {
        text.extend_from_slice(SECRET_MASK.as_bytes());
        return masked + 1;
    }
    masked + write_part(value, text, meant)
}

/// Appends text as sent, or the mask of what is found in it.
fn write_part(part: &[u8], text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    if let Some(found) = sensitive::find(path::decode(part, meant)) {
        text.extend_from_slice(found.mask().as_bytes());
        return 1;
    }
    // In a query a plus sign is a space, which may stand inside a card number.
    if part.contains(&b'+') {
        form::decode(part, meant);
        if let Some(found) = sensitive::find(meant) {
            text.extend_from_slice(found.mask().as_bytes());
            return 1;
        }
    }
    write_utf8(part, text);
    0
}

/// Replaces `text` by a decoded name, masked if it is sensitive or a value without one.
fn write_name(name: &[u8], value: Option<&[u8]>, text: &mut Vec<u8>) -> u64 {
    text.clear();
    if let Some(found) = sensitive::find(name) {
        text.extend_from_slice(found.mask().as_bytes());
        return 1;
    }
    if parameter::is_bare_value(name, value) {
        text.extend_from_slice(parameter::BARE_VALUE.as_bytes());
        return 1;
    }
    write_utf8(name, text);
    0
}

/// Appends bytes; what is not UTF-8 is percent-encoded.
fn write_utf8(bytes: &[u8], text: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        for &byte in chunk.invalid() {
            text.extend_from_slice(percent_encoding::percent_encode_byte(byte).as_bytes());
        }
    }
}

/// A JSON object that is being written. Writing to a vector cannot fail.
struct Line<'a> {
    line: &'a mut Vec<u8>,
    masked: u64,
}

impl Line<'_> {
    fn name(&mut self, name: &str) {
        if self.line.last() != Some(&b'{') {
            self.line.push(b',');
        }
        self.quoted(name.as_bytes());
        self.line.push(b':');
    }

    /// A string that needs no escape.
    fn shown(&mut self, name: &str, value: impl Display) {
        self.name(name);
        write!(self.line, "\"{value}\"").unwrap_or_default();
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.quoted(value);
    }

    fn number(&mut self, name: &str, value: Option<impl Display>) {
        self.name(name);
        match value {
            Some(value) => write!(self.line, "{value}").unwrap_or_default(),
            None => self.raw("null"),
        }
    }

    fn null(&mut self, name: &str) {
        self.name(name);
        self.raw("null");
    }

    fn list<'t>(&mut self, items: impl Iterator<Item = &'t str>) {
        self.line.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.line.push(b',');
            }
            self.quoted(item.as_bytes());
        }
        self.line.push(b']');
    }

    fn raw(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }

    /// A string (RFC 8259 section 7) of bytes that are UTF-8.
    fn quoted(&mut self, text: &[u8]) {
        self.line.push(b'"');
        for &byte in text {
            match byte {
                b'"' | b'\\' => self.line.extend_from_slice(&[b'\\', byte]),
                // DEL is allowed but no terminal likes it.
                0..=0x1F | 0x7F => {
                    write!(self.line, "\\u{byte:04x}").unwrap_or_default();
                }
                _ => self.line.push(byte),
            }
        }
        self.line.push(b'"');
    }
}
