//! Bytes of a message head to its parts (RFC 9112 sections 2 to 5). Keeps no state.

use std::mem::MaybeUninit;
use std::ops::Range;

use memchr::{memchr, memchr_iter};
use tapline_model::{Anomaly, AnomalySet, HeaderFields, HeaderKind, Protocol};

use super::facts::{self, Facts};
#[cfg(test)]
use super::head_end::HeadEnd;
use super::lenient;
use super::lines::Lines;
use super::text;

/// The most fields a strict reading has room for; longer heads are read by [`lenient`].
const STRICT_FIELDS_MAX: usize = 256;

/// What every response begins with.
pub(crate) const RESPONSE_START: &[u8] = b"HTTP/1.";

/// Which message of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// A place in a head's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: place(start), end: place(end) }
    }

    /// The place of `part`, which must lie within `whole`; empty when it does not.
    #[inline]
    pub(super) fn of(part: &[u8], whole: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        let end = start.wrapping_add(part.len());
        if start <= end && end <= whole.len() { Self::new(start, end) } else { Self::default() }
    }

    pub(crate) fn places(self) -> Range<u32> {
        self.start..self.end
    }

    pub(crate) fn range(self) -> Range<usize> {
        let place = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
        place(self.start)..place(self.end)
    }

    pub(crate) fn of_bytes(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }
}

#[inline]
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartLine {
    Request { method: Span, target: Span },
    Response { status: u16 },
}

/// The parts of a head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) start: StartLine,
    pub(crate) version: Protocol,
    pub(crate) fields: HeaderFields,
    pub(crate) facts: Facts,
    pub(crate) anomalies: AnomalySet,
}

impl Default for Head {
    /// One to be filled.
    fn default() -> Self {
        Self {
            start: StartLine::Response { status: 0 },
            version: Protocol::Http11,
            fields: HeaderFields::default(),
            facts: Facts::default(),
            anomalies: AnomalySet::EMPTY,
        }
    }
}

/// Reads a head. `whole` says that `bytes` ends with the blank line; otherwise the head was cut
/// and only the lines that are complete count. None when the first line is none of `side`.
///
/// Tries a strict reading first; what only a tolerant server accepts is read by [`lenient`] and
/// leaves an anomaly. Folded fields are joined in place, so `bytes` may change.
pub(crate) fn parse(
    side: Side,
    bytes: &mut [u8],
    whole: bool,
    headers_max: usize,
    mut fields: HeaderFields,
) -> Option<Head> {
    fields.clear();
    let mut anomalies = AnomalySet::EMPTY;
    let strict = if whole { strict(side, bytes, headers_max, &mut fields) } else { Err(None) };
    let (start, version, mut facts, is_clean) = match strict {
        Ok(Strict { start, version, facts, is_clean }) => (start, version, facts, is_clean),
        Err(error) => {
            let refused = error.is_some_and(|error| error != httparse::Error::TooManyHeaders);
            let read = lenient::parse(side, bytes, headers_max, &mut fields)?;
            anomalies.extend(read.anomalies);
            let named = read.anomalies.contains(Anomaly::FoldedHeader)
                || read.anomalies.contains(Anomaly::SpaceBeforeColon);
            if refused && !named {
                anomalies.insert(Anomaly::LenientHead);
            }
            (read.start, read.version, read.facts, false)
        }
    };
    if !is_clean && has_bare_line_feed(bytes) {
        anomalies.insert(Anomaly::BareLineFeed);
    }
    facts.finish(side, version, whole, &mut anomalies);
    Some(Head { start, version, fields, facts, anomalies })
}

/// Reads the head that `bytes` begins with, when it is whole and nothing about it needs tolerance;
/// says how long it is. Otherwise the head is to be read step by step, and [`parse`] then comes to
/// the same where this would have.
#[inline]
pub(crate) fn read_start(
    side: Side,
    bytes: &[u8],
    headers_max: usize,
    lines: &mut Lines,
    head: &mut Head,
) -> Option<usize> {
    let (start, version, at) = start_line(side, bytes)?;
    (head.start, head.version) = (start, version);
    head.fields.clear();
    head.facts = Facts::default();
    head.anomalies = AnomalySet::EMPTY;
    let fields_max = headers_max.min(STRICT_FIELDS_MAX);
    let used = lines.read(side, bytes, at, fields_max, &mut head.fields, &mut head.facts)?;
    head.facts.finish(side, version, true, &mut head.anomalies);
    Some(used)
}

/// The same, into a new place.
#[cfg(test)]
pub(super) fn parse_start(
    side: Side,
    bytes: &[u8],
    headers_max: usize,
    lines: &mut Lines,
    fields: HeaderFields,
) -> Result<(usize, Head), HeaderFields> {
    let mut head = Head { fields, ..Head::default() };
    match read_start(side, bytes, headers_max, lines, &mut head) {
        Some(used) => Ok((used, head)),
        None => Err(head.fields),
    }
}

/// A first line in good order, and where the next one begins.
fn start_line(side: Side, bytes: &[u8]) -> Option<(StartLine, Protocol, usize)> {
    match side {
        Side::Request => {
            let method_end = text::word_end(bytes)
                .or_else(|| bytes.iter().position(|&byte| !is_token_byte(byte)))?;
            if method_end == 0 || bytes.get(method_end) != Some(&b' ') {
                return None;
            }
            let target = method_end + 1..text::target_end(bytes, method_end + 1)?;
            let version = match bytes.get(target.end..)?.first_chunk()? {
                b" HTTP/1.1\r\n" => Protocol::Http11,
                b" HTTP/1.0\r\n" => Protocol::Http10,
                _ => return None,
            };
            let (method, after) = (Span::new(0, method_end), target.end + 11);
            let target = Span::new(target.start, target.end);
            Some((StartLine::Request { method, target }, version, after))
        }
        Side::Response => {
            let (version, after) = bytes.split_first_chunk()?;
            let version = match version {
                b"HTTP/1.1 " => Protocol::Http11,
                b"HTTP/1.0 " => Protocol::Http10,
                _ => return None,
            };
            let (status, after) = after.split_first_chunk()?;
            let [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b' '] = *status
            else {
                return None;
            };
            let digit = |byte: u8| u16::from(byte - b'0');
            let status = digit(hundreds) * 100 + digit(tens) * 10 + digit(ones);
            let is_plain = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
            let reason = match after.first_chunk().map(text::phrase_end) {
                Some(Some(reason)) => reason,
                _ => after.iter().position(|&byte| !is_plain(byte))?,
            };
            let ends_well = after.get(reason..)?.starts_with(b"\r\n");
            ends_well.then_some((StartLine::Response { status }, version, reason + 15))
        }
    }
}

/// How long the method is when bytes begin with a request line in good order.
pub(crate) fn strict_method_bytes(bytes: &[u8]) -> Option<usize> {
    match start_line(Side::Request, bytes)? {
        (StartLine::Request { method, .. }, ..) => Some(method.range().len()),
        (StartLine::Response { .. }, ..) => None,
    }
}

/// Whether a line (without its line feed) can start a request, read tolerantly.
pub(crate) fn is_request_line(line: &[u8]) -> bool {
    lenient::request_line(line).is_some()
}

/// Whether a head is a request line without version (HTTP/0.9), which is all of the request.
pub(crate) fn is_versionless(bytes: &[u8]) -> bool {
    let line_end = memchr(b'\n', bytes);
    line_end
        .and_then(|end| bytes.get(..end))
        .is_some_and(|line| lenient::request_line(line).is_some() && lenient::is_versionless(line))
}

/// Whether a line (without its line feed) can start a response, read tolerantly.
pub(crate) fn is_status_line(line: &[u8]) -> bool {
    lenient::status_line(line).is_some()
}

/// What follows the blank lines that a tolerant reader skips before a start line (RFC 9112 section
/// 2.2).
pub(crate) fn skip_blank_lines(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.get(blank..).unwrap_or_default()
}

/// `tchar` of RFC 9110 section 5.6.2.
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)).is_some_and(|&is_token_byte| is_token_byte)
}

static TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0u8;
    while let Some((place, after)) = rest.split_first_mut() {
        *place = byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
};

/// Whether the first line of what has been read of a head may be one of `side`; None when too
/// little has been read.
pub(crate) fn begins_well(side: Side, bytes: &[u8]) -> Option<bool> {
    if let Some(end) = memchr(b'\n', bytes) {
        let line = bytes.get(..end).unwrap_or_default();
        return Some(match side {
            Side::Request => is_request_line(line),
            Side::Response => lenient::due_status_line(line).is_some(),
        });
    }
    let hopeless = match side {
        Side::Request => {
            let method = bytes.split(|&byte| byte == b' ' || byte == b'\t').next();
            !method.unwrap_or_default().iter().all(|&byte| is_token_byte(byte) || byte == b'\r')
        }
        Side::Response => !lenient::begins_as_version(bytes),
    };
    hopeless.then_some(false)
}

/// What a strict reading gives.
struct Strict {
    start: StartLine,
    version: Protocol,
    facts: Facts,
    /// Every line is known to end as it should. Else it has to be looked at.
    is_clean: bool,
}

fn strict(
    side: Side,
    bytes: &[u8],
    headers_max: usize,
    fields: &mut HeaderFields,
) -> Result<Strict, Option<httparse::Error>> {
    let mut room = [const { MaybeUninit::uninit() }; STRICT_FIELDS_MAX];
    let room = room.get_mut(..headers_max.min(STRICT_FIELDS_MAX)).unwrap_or_default();
    let (used, start, minor, line_end, headers) = match side {
        Side::Request => {
            let mut request = httparse::Request::new(&mut []);
            let status = request.parse_with_uninit_headers(bytes, room)?;
            let httparse::Status::Complete(used) = status else { return Err(None) };
            let (method, target) = request.method.zip(request.path).ok_or(None)?;
            let target = Span::of(target.as_bytes(), bytes);
            let start = StartLine::Request { method: Span::of(method.as_bytes(), bytes), target };
            // What lies between is ` HTTP/1.1`.
            (used, start, request.version, target.range().end + 9, request.headers)
        }
        Side::Response => {
            let mut response = httparse::Response::new(&mut []);
            let config = httparse::ParserConfig::default();
            let status = config.parse_response_with_uninit_headers(&mut response, bytes, room)?;
            let httparse::Status::Complete(used) = status else { return Err(None) };
            let start = StartLine::Response { status: response.code.ok_or(None)? };
            let reason = Span::of(response.reason.unwrap_or_default().as_bytes(), bytes);
            (used, start, response.version, reason.range().end, response.headers)
        }
    };
    let is_line_end = |at: usize| bytes.get(at) == Some(&b'\r');
    let mut is_clean = is_line_end(line_end) && is_line_end(used.wrapping_sub(2));
    let base = bytes.as_ptr().addr();
    let mut facts = Facts::default();
    fields.reserve(headers.len());
    for header in headers {
        let (name, value) = (header.name.as_bytes(), header.value);
        let kind = HeaderKind::of(name);
        if facts::is_read(kind) {
            facts.read(side, kind, value);
        }
        // What lies elsewhere, which nothing should, ends at no line end and has no bytes.
        let name_start = name.as_ptr().addr().wrapping_sub(base);
        let name_end = name_start.wrapping_add(name.len());
        let value_start = value.as_ptr().addr().wrapping_sub(base);
        let value_end = value_start.wrapping_add(value.len());
        is_clean &= is_line_end(value_end);
        fields.push(kind, place(name_start)..place(name_end), place(value_start)..place(value_end));
    }
    let version = if minor == Some(0) { Protocol::Http10 } else { Protocol::Http11 };
    Ok(Strict { start, version, facts, is_clean })
}

fn has_bare_line_feed(bytes: &[u8]) -> bool {
    memchr_iter(b'\n', bytes).any(|at| at == 0 || bytes.get(at - 1) != Some(&b'\r'))
}

/// What [`parse_start`] must give: what a strict parser makes of the whole head.
#[cfg(test)]
pub(super) fn strict_start(side: Side, bytes: &[u8], headers_max: usize) -> Option<(usize, Head)> {
    let mut fields = HeaderFields::default();
    let read = strict(side, bytes, headers_max, &mut fields).ok()?;
    let Strict { start, version, mut facts, is_clean } = read;
    let begins_well = match start {
        StartLine::Request { target, .. } => !target.range().is_empty(),
        StartLine::Response { status } => status >= 100,
    };
    if !is_clean || !begins_well || matches!(bytes.first(), None | Some(b'\r' | b'\n')) {
        return None;
    }
    let mut anomalies = AnomalySet::EMPTY;
    facts.finish(side, version, true, &mut anomalies);
    let used = HeadEnd::default().find(bytes)?;
    Some((used, Head { start, version, fields, facts, anomalies }))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    /// The parts of a head, one a line.
    fn check(side: Side, text: &[u8], expected: &Expect) {
        let mut bytes = text.to_vec();
        let whole = bytes.ends_with(b"\n\n") || bytes.ends_with(b"\n\r\n");
        let shown = match parse(side, &mut bytes, whole, 16, HeaderFields::default()) {
            None => "none\n".to_owned(),
            Some(head) => {
                let mut shown = match head.start {
                    StartLine::Request { method, target } => format!(
                        "{} {} {}\n",
                        method.of_bytes(&bytes).escape_ascii(),
                        target.of_bytes(&bytes).escape_ascii(),
                        head.version.label()
                    ),
                    StartLine::Response { status } => {
                        format!("{} {status}\n", head.version.label())
                    }
                };
                for (name, value) in head.fields.of(&bytes).iter() {
                    let (name, value) = (name.escape_ascii(), value.escape_ascii());
                    writeln!(shown, "  {name}: {value}").unwrap();
                }
                for anomaly in head.anomalies.iter() {
                    writeln!(shown, "  ! {}", anomaly.label()).unwrap();
                }
                shown
            }
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_strict_request_has_no_anomaly() {
        check(
            Side::Request,
            b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept:  */* \r\n\r\n",
            &expect![[r"
                GET /a?b=c http/1.1
                  Host: x
                  Accept: */*
            "]],
        );
    }

    #[test]
    fn what_servers_accept_is_read_and_named() {
        check(
            Side::Request,
            b"GET /a HTTP/1.1\nHost : x\nX-Long: one\n two\nAccept: */*\n\n",
            &expect![[r"
                GET /a http/1.1
                  Host: x
                  X-Long: one  two
                  Accept: */*
                  ! bare_line_feed
                  ! space_before_colon
                  ! folded_header
            "]],
        );
    }

    #[test]
    fn targets_may_hold_spaces_and_any_byte() {
        check(
            Side::Request,
            b"GET /a b\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            &expect![[r"
                GET /a b\xff http/1.1
                  Host: x
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn an_odd_minor_version_is_read_as_1_1() {
        check(
            Side::Request,
            b"GET / HTTP/1.7\r\nHost: x\r\n\r\n",
            &expect![[r"
                GET / http/1.1
                  Host: x
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn a_line_without_colon_is_passed_over() {
        check(
            Side::Response,
            b"HTTP/1.1 200 OK\r\nnonsense\r\nServer: x\r\n: y\r\n\r\n",
            &expect![[r"
                http/1.1 200
                  Server: x
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn a_fold_after_the_start_line_does_not_join_it() {
        check(
            Side::Request,
            b"GET / HTTP/1.0\r\n Host: x\r\n\r\n",
            &expect![[r"
                GET / http/1.0
                  Host: x
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn a_cut_head_gives_its_complete_lines() {
        check(
            Side::Request,
            b"POST /orders HTTP/1.1\r\nHost: x\r\nCookie: abc",
            &expect![[r"
                POST /orders http/1.1
                  Host: x
            "]],
        );
        check(
            Side::Request,
            b"GET /very/lo",
            &expect![[r"
                GET /very/lo http/1.1
            "]],
        );
        check(
            Side::Response,
            b"HTTP/1.1 201 Cr",
            &expect![[r"
            http/1.1 201
        "]],
        );
        check(
            Side::Response,
            b"HTTP/1.1 20",
            &expect![[r"
            none
        "]],
        );
    }

    #[test]
    fn a_spoilt_version_is_read_where_the_rest_is_beyond_doubt() {
        for (line, is_read) in [
            ("GET / HTTP/2.0", true),
            ("GET / http/1.1", true),
            ("GET / HTTP/1.1 junk", true),
            ("GET /a HTTP/", true),
            ("BREW / HTTP/2.0", false),
            ("GET a HTTP/2.0", false),
            ("GET / HTT", false),
            ("GET / SIP/2.0", false),
            ("OPTIONS * RTSP/1.0", false),
            ("GET /a b", false),
        ] {
            let mut text = format!("{line}\r\nHost: x\r\n\r\n").into_bytes();
            let head = parse(Side::Request, &mut text, true, 16, HeaderFields::default());
            assert_eq!(head.is_some(), is_read, "{line}");
        }
    }

    #[test]
    fn a_request_without_version_is_of_the_oldest() {
        check(
            Side::Request,
            b"GET /\r\n\r\n",
            &expect![[r"
                GET / http/1.0
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn a_response_may_have_any_version() {
        check(
            Side::Response,
            b"HTTP/2 200\r\n\r\n",
            &expect![[r"
                http/1.1 200
                  ! lenient_head
            "]],
        );
    }

    #[test]
    fn fields_past_the_cap_still_frame_the_body() {
        let mut text = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
        for _ in 0..20 {
            text.extend_from_slice(b"A: b\r\n");
        }
        text.extend_from_slice(b"Content-Length: 7\r\n\r\n");
        let head = parse(Side::Request, &mut text, true, 16, HeaderFields::default()).unwrap();
        assert_eq!(head.fields.len(), 16);
        assert!(head.anomalies.contains(Anomaly::TooManyHeaders));
        assert!(!head.anomalies.contains(Anomaly::LenientHead));
        assert_eq!(head.facts.content_length(), Some(7));
    }

    #[test]
    fn host_is_checked() {
        for (fields, anomaly) in [
            ("", Some(Anomaly::MissingHost)),
            ("Host: a\r\nHost: a\r\n", Some(Anomaly::InvalidHost)),
            ("Host: a b\r\n", Some(Anomaly::InvalidHost)),
            ("Host: a:b\r\n", Some(Anomaly::InvalidHost)),
            ("Host: a/b\r\n", Some(Anomaly::InvalidHost)),
            ("Host: [::1]:80\r\n", None),
            ("Host: shop.example:8080\r\n", None),
            ("Host:\r\n", None),
        ] {
            let mut text = format!("GET / HTTP/1.1\r\n{fields}\r\n").into_bytes();
            let head = parse(Side::Request, &mut text, true, 16, HeaderFields::default()).unwrap();
            assert_eq!(head.anomalies.iter().next(), anomaly, "{fields}");
        }
    }
}
