//! The tolerant reading of a head: what servers in the field accept and a strict parser refuses.

use memchr::{memchr, memchr_iter};
use tapline_model::{Anomaly, AnomalySet, HeaderFields, HeaderKind, Protocol};

use super::facts::Facts;
use super::head::{Side, Span, StartLine, is_token_byte};
use crate::detect;

/// What a spoilt version still begins with.
const VERSION_START: &[u8] = b"HTTP/";
/// And how long it may be.
const VERSION_BYTES_MAX: usize = 16;

/// What a tolerant reading gives.
pub(super) struct Lenient {
    pub(super) start: StartLine,
    pub(super) version: Protocol,
    pub(super) facts: Facts,
    pub(super) anomalies: AnomalySet,
}

/// Reads every complete line of `bytes`; a head cut within its first line gives what is there of
/// the line, when that is unmistakable.
pub(super) fn parse(
    side: Side,
    bytes: &mut [u8],
    headers_max: usize,
    fields: &mut HeaderFields,
) -> Option<Lenient> {
    fields.clear();
    let mut anomalies = AnomalySet::EMPTY;
    let Some(first_end) = memchr(b'\n', bytes) else {
        let (start, version) = cut_start_line(side, bytes)?;
        return Some(Lenient { start, version, facts: Facts::default(), anomalies });
    };
    if unfold(bytes.get_mut(first_end + 1..).unwrap_or_default()) {
        anomalies.insert(Anomaly::FoldedHeader);
    }
    let first = bytes.get(..first_end).unwrap_or_default();
    let (start, version) = match side {
        Side::Request => request_line(first)?,
        Side::Response => due_status_line(first)?,
    };
    let mut facts = Facts::default();
    let mut line_start = first_end + 1;
    let rest = bytes.get(line_start..).unwrap_or_default();
    for line_end in memchr_iter(b'\n', rest).map(|at| first_end + 1 + at) {
        let line = Span::new(line_start, line_end).of_bytes(bytes);
        if let Some((name, value)) = field(line, &mut anomalies) {
            let kind = HeaderKind::of(name);
            facts.read(side, kind, value);
            if fields.len() < headers_max {
                let [name, value] = [name, value].map(|part| Span::of(part, bytes).places());
                fields.push(kind, name, value);
            } else {
                anomalies.insert(Anomaly::TooManyHeaders);
            }
        }
        line_start = line_end + 1;
    }
    Some(Lenient { start, version, facts, anomalies })
}

/// `method SP target SP HTTP/1.x`, with any white space around and within the target.
///
/// When the method is known and the target a path, the version may be spoilt, or missing: then it
/// is HTTP/0.9.
pub(super) fn request_line(line: &[u8]) -> Option<(StartLine, Protocol)> {
    let text = line.trim_ascii_end();
    let method_end = text.iter().position(|byte| is_blank(*byte))?;
    let method = text.get(..method_end)?;
    let is_known = detect::is_known_method(method);
    let is_method = !method.is_empty() && method.iter().all(|&byte| is_token_byte(byte));
    let last_start = text.iter().rposition(|byte| is_blank(*byte))? + 1;
    let (target, version) = match version(text.get(last_start..)?) {
        Some(version) => (text.get(method_end..last_start)?.trim_ascii(), version),
        None if is_known => old_target(text.get(method_end..)?)?,
        None => return None,
    };
    // With spaces in the target almost any sentence would do: the method must be beyond doubt.
    let has_space = target.iter().any(|byte| is_blank(*byte));
    if !is_method || target.is_empty() || has_space && !is_known {
        return None;
    }
    let start =
        StartLine::Request { method: Span::of(method, line), target: Span::of(target, line) };
    Some((start, version))
}

/// The target of a line that does not end with a version, and the version that is meant.
fn old_target(after_method: &[u8]) -> Option<(&[u8], Protocol)> {
    let text = after_method.trim_ascii_start();
    let target_end = text.iter().position(|byte| is_blank(*byte)).unwrap_or(text.len());
    let (target, rest) = text.split_at_checked(target_end)?;
    let version = match rest.trim_ascii() {
        b"" => Protocol::Http10,
        spoilt if spoilt.len() >= VERSION_START.len() && begins_as_version(spoilt) => {
            Protocol::Http11
        }
        _ => return None,
    };
    target.starts_with(b"/").then_some((target, version))
}

/// Whether a request line names no version: HTTP/0.9 has neither fields nor content.
pub(super) fn is_versionless(line: &[u8]) -> bool {
    let mut words = line.split(|byte| is_blank(*byte)).filter(|word| !word.trim_ascii().is_empty());
    words.by_ref().take(2).count() == 2 && words.next().is_none()
}

/// `HTTP/1.x SP status`, with any white space between and anything after.
pub(super) fn status_line(line: &[u8]) -> Option<(StartLine, Protocol)> {
    let (first, rest) = first_word(line)?;
    Some((StartLine::Response { status: status(rest)? }, version(first)?))
}

/// The same where a response is due: then the version may be spoilt, as clients let it be.
pub(super) fn due_status_line(line: &[u8]) -> Option<(StartLine, Protocol)> {
    let (first, rest) = first_word(line)?;
    let is_version = begins_as_version(first) && first.len() <= VERSION_BYTES_MAX;
    let version = version(first).or(is_version.then_some(Protocol::Http11))?;
    Some((StartLine::Response { status: status(rest)? }, version))
}

/// Whether a line that may be cut begins like one of a response, in any case and of any version.
pub(super) fn begins_as_version(line: &[u8]) -> bool {
    let known = line.len().min(VERSION_START.len());
    let start = line.get(..known).unwrap_or_default();
    VERSION_START.get(..known).is_some_and(|expected| start.eq_ignore_ascii_case(expected))
}

fn first_word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| is_blank(*byte))?;
    line.split_at_checked(space)
}

fn status(text: &[u8]) -> Option<u16> {
    let (digits, after) = text.trim_ascii_start().split_at_checked(3)?;
    let ends = after.first().is_none_or(|byte| !byte.is_ascii_digit());
    let status = decimal(digits).and_then(|status| u16::try_from(status).ok())?;
    (ends && status >= 100).then_some(status)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A number of decimal digits alone.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn version(text: &[u8]) -> Option<Protocol> {
    let minor = text.strip_prefix(b"HTTP/1.")?;
    decimal(minor).filter(|_| minor.len() <= 2).map(|minor| match minor {
        0 => Protocol::Http10,
        _ => Protocol::Http11,
    })
}

/// A first line that goes on where nothing was kept.
fn cut_start_line(side: Side, bytes: &[u8]) -> Option<(StartLine, Protocol)> {
    if side == Side::Response {
        return status_line(bytes);
    }
    let space = memchr(b' ', bytes)?;
    let (method, rest) = bytes.split_at_checked(space)?;
    let target = rest.get(1..)?;
    if !detect::is_known_method(method) || !target.starts_with(b"/") {
        return None;
    }
    let target_bytes = memchr(b' ', target).unwrap_or(target.len());
    let start = StartLine::Request {
        method: Span::new(0, space),
        target: Span::new(space + 1, space + 1 + target_bytes),
    };
    Some((start, Protocol::Http11))
}

/// Name and value of one field line; None when it is no field.
fn field<'a>(line: &'a [u8], anomalies: &mut AnomalySet) -> Option<(&'a [u8], &'a [u8])> {
    let colon = memchr(b':', line)?;
    let (before, after) = line.split_at_checked(colon)?;
    let name = before.trim_ascii();
    if name.is_empty() {
        return None;
    }
    if before.trim_ascii_end().len() < before.len() {
        anomalies.insert(Anomaly::SpaceBeforeColon);
    }
    Some((name, after.get(1..).unwrap_or_default().trim_ascii()))
}

/// Joins folded lines by overwriting their line ends with spaces (RFC 9112 section 5.2); says
/// whether there were any. A first line that begins with white space folds onto nothing.
fn unfold(lines: &mut [u8]) -> bool {
    let mut folded = false;
    let mut from = 0;
    while let Some(at) = lines.get(from..).and_then(|rest| memchr(b'\n', rest)) {
        let end = from + at;
        from = end + 1;
        let text = lines.get(..end).unwrap_or_default();
        let blank = text.strip_suffix(b"\r").unwrap_or(text).last().is_none_or(|&b| b == b'\n');
        if !blank && matches!(lines.get(from), Some(b' ' | b'\t')) {
            folded = true;
            for index in [end.wrapping_sub(1), end] {
                if let Some(byte) = lines.get_mut(index).filter(|b| matches!(b, b'\r' | b'\n')) {
                    *byte = b' ';
                }
            }
        }
    }
    folded
}
