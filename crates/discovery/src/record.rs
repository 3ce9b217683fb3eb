//! One transaction for `transactions.jsonl`: packed by the worker that saw it, with everything
//! masked, and written as a line when the inventory is known.

mod line;
mod text;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use compact_str::CompactString;
use smallvec::SmallVec;
use tapline_model::{Attack, AttackNote, ConsumerKey, RequestHead, SegmentClass, Transaction};

pub use self::line::LineWriter;
use self::line::{escape, write_list};
use self::text::Text;
use crate::format::form;
use crate::host::write_host;
use crate::{lexical, parameter, path, sensitive};

/// Written for a value whose name says that it is a secret.
const SECRET_MASK: &str = "[secret]";

/// What a record holds, as bits of its first byte.
mod holds {
    pub(super) const REQUEST: u8 = 1;
    pub(super) const STATUS: u8 = 2;
    pub(super) const LATENCY: u8 = 4;
    pub(super) const CONSUMER: u8 = 8;
    pub(super) const SIGNALS: u8 = 16;
}

/// Numbers of a record.
const NUMBERS: usize = 5;
/// Bytes of a socket: how long its address is, the address, and the port.
const SOCKET_V4_BYTES: usize = 1 + 4 + 2;
const SOCKET_V6_BYTES: usize = 1 + 16 + 2;
/// Bytes of a record before its request: what it holds, two sockets, the consumer, numbers of up to
/// eight bytes behind their lengths, and signals.
const HEAD_BYTES_MAX: usize = 3 + 2 * SOCKET_V6_BYTES + 8 + 3 + NUMBERS * 8 + 1 + 2 * Attack::COUNT;

/// What is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The query too, not only its names.
    pub(crate) raw_targets: bool,
    /// Names of one query.
    pub(crate) names_max: usize,
}

/// What is known already of a transaction that was observed.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) host: &'a str,
    /// Its path has nothing to mask or to escape. If not, it has to be looked at.
    pub(crate) is_harmless_path: bool,
    /// What its values look like.
    pub(crate) attacks: &'a [AttackNote],
}

/// What is reused from one record to the next.
#[derive(Default)]
pub(crate) struct Buffers {
    text: Vec<u8>,
    meant: Vec<u8>,
    host: CompactString,
    /// Places in the text.
    names: Vec<Range<usize>>,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffers")
    }
}

/// Appends the record of a transaction, but for its time. Gives the number of values that were masked
/// in it.
pub(crate) fn pack(
    transaction: &Transaction<'_>,
    consumer: Option<ConsumerKey>,
    known: Option<Known<'_>>,
    options: Options,
    buffers: &mut Buffers,
    out: &mut Vec<u8>,
) -> u64 {
    let bit = |is_there: bool, bit: u8| if is_there { bit } else { 0 };
    let status = transaction.response.map(|response| response.status);
    let signals = known.map_or(&[][..], |known| known.attacks);
    let flags = bit(transaction.request.is_some(), holds::REQUEST)
        | bit(status.is_some(), holds::STATUS)
        | bit(transaction.latency_ns.is_some(), holds::LATENCY)
        | bit(consumer.is_some(), holds::CONSUMER)
        | bit(!signals.is_empty(), holds::SIGNALS);
    let mut head = Text::<HEAD_BYTES_MAX>::new();
    head.put(&[flags, transaction.protocol as u8, transaction.completeness as u8]);
    pack_socket(transaction.client, &mut head);
    pack_socket(transaction.server, &mut head);
    head.put(&consumer.unwrap_or_default().0.to_le_bytes());
    let numbers = [
        u64::from(status.unwrap_or_default()),
        transaction.request_bytes,
        transaction.response_bytes,
        transaction.latency_ns.unwrap_or_default(),
        transaction.anomalies.bits(),
    ];
    pack_numbers(numbers, &mut head);
    if !signals.is_empty() {
        pack_signals(signals, &mut head);
    }
    out.extend_from_slice(head.as_bytes());
    let Some(request) = &transaction.request else { return 0 };
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let masked = pack_request(request, transaction, known, options, buffers, out);
    let bytes = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(length) = out.get_mut(start..start + 4) {
        length.copy_from_slice(&bytes.to_le_bytes());
    }
    masked
}

/// Appends what a line says of the request, from its method on, as it stands there.
fn pack_request(
    request: &RequestHead<'_>,
    transaction: &Transaction<'_>,
    known: Option<Known<'_>>,
    options: Options,
    buffers: &mut Buffers,
    out: &mut Vec<u8>,
) -> u64 {
    let Buffers { text, meant, host, names } = buffers;
    if request.method.iter().all(u8::is_ascii_uppercase) {
        out.extend_from_slice(request.method);
    } else {
        text.clear();
        write_utf8(request.method, text);
        escape(text, out);
    }
    out.extend_from_slice(b"\",\"host\":\"");
    if let Some(Known { host, .. }) = known {
        // Neither names nor addresses have anything to escape.
        out.extend_from_slice(host.as_bytes());
    } else {
        let authority =
            request.authority.or_else(|| (request.method == b"CONNECT").then_some(request.target));
        write_host(authority, transaction.server, host);
        out.extend_from_slice(host.as_bytes());
    }
    out.extend_from_slice(b"\",\"path\":\"");
    let mut masked = 0;
    if known.is_some_and(|known| known.is_harmless_path) {
        out.extend_from_slice(request.path);
    } else {
        text.clear();
        masked += write_path(request.path, text, meant);
        escape(text, out);
    }
    out.extend_from_slice(b"\",\"query_names\":[");
    text.clear();
    names.clear();
    for (name, value) in request.query.into_iter().flat_map(form::pairs) {
        let start = text.len();
        masked += write_name(name, value, text, meant);
        let spelled = text.get(start..).unwrap_or_default();
        let spelled = parameter::cut(std::str::from_utf8(spelled).unwrap_or_default());
        let is_known = |known: &Range<usize>| text.get(known.clone()) == Some(spelled.as_bytes());
        if names.len() < options.names_max && !names.iter().any(is_known) {
            names.push(start..start + spelled.len());
        }
    }
    write_list(names.iter().map(|name| text.get(name.clone()).unwrap_or_default()), out);
    out.push(b']');
    if options.raw_targets {
        out.extend_from_slice(b",\"query\":");
        if let Some(query) = request.query {
            masked += write_query(query, text, meant);
            out.push(b'"');
            escape(text, out);
            out.push(b'"');
        } else {
            out.extend_from_slice(b"null");
        }
    }
    masked
}

/// How many bytes each needs, four bits for each, and then these bytes.
fn pack_numbers(numbers: [u64; NUMBERS], out: &mut Text<HEAD_BYTES_MAX>) {
    let length = |number: u64| (u64::BITS - number.leading_zeros()).div_ceil(8);
    let lengths = numbers.iter().rev().fold(0, |all, &number| all << 4 | length(number));
    let [low, middle, high, _] = lengths.to_le_bytes();
    out.put(&[low, middle, high]);
    for number in numbers {
        out.put_part(&number.to_le_bytes(), usize::try_from(length(number)).unwrap_or_default());
    }
}

/// How many there are, at most one for each attack, and of each what it is and how plain.
fn pack_signals(signals: &[AttackNote], out: &mut Text<HEAD_BYTES_MAX>) {
    let mut signals: SmallVec<[[u8; 2]; 2]> =
        signals.iter().take(Attack::COUNT).map(|note| [note.attack as u8, note.score]).collect();
    signals.sort_unstable();
    out.put(&[u8::try_from(signals.len()).unwrap_or(u8::MAX)]);
    out.put_bytes(signals.as_flattened());
}

fn pack_socket(socket: SocketAddr, out: &mut Text<HEAD_BYTES_MAX>) {
    let port = socket.port().to_le_bytes();
    match socket.ip() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            let [low, high] = port;
            out.put(&[4, a, b, c, d, low, high]);
        }
        IpAddr::V6(address) => {
            out.put(&[16]);
            out.put(&address.octets());
            out.put(&port);
        }
    }
}

/// Appends a path as sent, with what is sensitive in it masked.
fn write_path(path: &[u8], text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    let mut masked = 0;
    let mut behind: &[u8] = b"";
    for (index, segment) in path.split(|&byte| byte == b'/').enumerate() {
        if index > 0 {
            text.push(b'/');
        }
        let is_short = segment.len() < sensitive::TOKEN_BYTES_MIN;
        if sensitive::is_harmless(segment) && (is_short || !sensitive::is_secret_place(behind))
            || is_uuid(segment)
        {
            text.extend_from_slice(segment);
        } else if !is_short
            && sensitive::is_secret_place(behind)
            && is_token(path::decode(segment, meant))
        {
            text.extend_from_slice(SECRET_MASK.as_bytes());
            masked += 1;
        } else {
            masked += write_segment(segment, text, meant);
        }
        behind = segment;
    }
    masked
}

/// Whether a segment is an identifier that is no token and not sensitive, wherever it stands.
fn is_uuid(segment: &[u8]) -> bool {
    sensitive::is_uuid(segment) && segment.iter().any(u8::is_ascii_digit)
}

/// Whether a decoded segment is a token.
fn is_token(segment: &[u8]) -> bool {
    matches!(lexical::shape(segment), lexical::Shape::Value(SegmentClass::Token, _))
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

/// Appends a name as it is meant, masked if it is sensitive or a value without one.
fn write_name(name: &[u8], value: Option<&[u8]>, text: &mut Vec<u8>, meant: &mut Vec<u8>) -> u64 {
    if value.is_some() && sensitive::is_harmless(name) {
        text.extend_from_slice(name);
        return 0;
    }
    form::decode(name, meant);
    if let Some(found) = sensitive::find(meant) {
        text.extend_from_slice(found.mask().as_bytes());
        return 1;
    }
    if parameter::is_bare_value(meant, value) {
        text.extend_from_slice(parameter::BARE_VALUE.as_bytes());
        return 1;
    }
    write_utf8(meant, text);
    0
}

/// Appends bytes; what is not UTF-8 is percent-encoded.
fn write_utf8(bytes: &[u8], text: &mut Vec<u8>) {
    if bytes.is_ascii() {
        text.extend_from_slice(bytes);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        for &byte in chunk.invalid() {
            text.extend_from_slice(percent_encoding::percent_encode_byte(byte).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::path::NormalPath;

    proptest! {
        #[test]
        fn what_is_harmless_at_a_glance_is_so(
            path in prop_oneof![
                "[a-zA-Z0-9/._\"\\\\%;@+\u{7f}-]{0,60}",
                "(/([a-z]{0,9}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})){1,4}",
            ],
        ) {
            let mut spelled = NormalPath::default();
            spelled.set(path.as_bytes());
            if spelled.is_harmless() {
                let (mut text, mut escaped) = (Vec::new(), Vec::new());
                prop_assert_eq!(write_path(path.as_bytes(), &mut text, &mut Vec::new()), 0);
                escape(&text, &mut escaped);
                prop_assert_eq!(&escaped, path.as_bytes());
            }
        }

        #[test]
        fn an_identifier_is_looked_at_no_closer_and_shown(
            text in "[0-9a-f]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-f]{12}",
        ) {
            let segment = text.as_bytes();
            let (mut shown, mut meant) = (Vec::new(), Vec::new());
            if is_uuid(segment) {
                prop_assert!(!is_token(segment));
                prop_assert_eq!(write_segment(segment, &mut shown, &mut meant), 0);
                prop_assert_eq!(shown.as_slice(), segment);
            }
        }

        #[test]
        fn a_name_that_is_harmless_at_a_glance_is_so(name in "[a-zA-Z0-9._\\[\\]%@+-]{1,16}") {
            let (mut text, mut meant) = (Vec::new(), Vec::new());
            let masked = write_name(name.as_bytes(), Some(b"1"), &mut text, &mut meant);
            if sensitive::is_harmless(name.as_bytes()) {
                form::decode(name.as_bytes(), &mut meant);
                prop_assert_eq!(sensitive::find(&meant), None);
                prop_assert_eq!((masked, text.as_slice()), (0, name.as_bytes()));
            }
        }
    }
}
