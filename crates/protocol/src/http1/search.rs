//! Finds the next start line after the framing was lost.

use memchr::{memchr, memmem, memrchr};

use super::head::{RESPONSE_START, Side, is_request_line, is_status_line};
use crate::detect::{self, Verdict};

/// Longest method looked for before a target.
const METHOD_BYTES_MAX: usize = 24;

/// Where in a chunk the next start line of `side` begins.
///
/// A message usually begins a chunk; then an incomplete line is enough. Within a chunk the line must
/// be complete.
pub(super) fn start_line(side: Side, bytes: &[u8]) -> Option<usize> {
    if begins_chunk(side, bytes) {
        return Some(0);
    }
    match side {
        Side::Request => request_within(bytes),
        Side::Response => response_within(bytes),
    }
}

/// Whether a chunk begins with a start line of `side`.
pub(super) fn begins_chunk(side: Side, bytes: &[u8]) -> bool {
    match side {
        Side::Request => detect::classify(bytes) == Verdict::Request,
        Side::Response => {
            bytes.starts_with(RESPONSE_START)
                && memchr(b'\n', bytes)
                    .is_none_or(|end| is_status_line(bytes.get(..end).unwrap_or_default()))
        }
    }
}

fn response_within(bytes: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, RESPONSE_START).find(|&at| {
        let line = bytes.get(at..).unwrap_or_default();
        // A status line is short: do not look far for its end.
        let window = line.get(..256).unwrap_or(line);
        memchr(b'\n', window)
            .is_some_and(|end| is_status_line(window.get(..end).unwrap_or_default()))
    })
}

/// Looks for ` HTTP/1.x` and a line end, then backwards over the target to the method.
fn request_within(bytes: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, b" HTTP/1.").find_map(|at| {
        let before = bytes.get(..at)?;
        let after = bytes.get(at..)?;
        let line_end = at + memchr(b'\n', after.get(..16).unwrap_or(after))?;
        let method_end = memrchr(b' ', before)?;
        let start = method_start(bytes.get(..method_end)?)?;
        let line = bytes.get(start..line_end)?;
        (memchr(b'\n', line).is_none() && is_request_line(line)).then_some(start)
    })
}

/// Where the method that ends `before` begins: at the start of a line, or, when a body without a
/// final line end comes before it, at the start of a known method that is no part of a longer one.
fn method_start(before: &[u8]) -> Option<usize> {
    let letters =
        before.iter().rev().take(METHOD_BYTES_MAX).take_while(|b| b.is_ascii_uppercase()).count();
    let start = before.len() - letters;
    let at_line_start = start == 0 || before.get(start - 1) == Some(&b'\n');
    if at_line_start && letters > 0 {
        return Some(start);
    }
    let goes_back = start > 0 && matches!(before.get(start - 1), Some(b'-' | b'_'));
    let known = |start: &usize| before.get(*start..).is_some_and(detect::is_known_method);
    (start + usize::from(goes_back)..before.len()).find(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_are_found_after_any_body() {
        for (side, bytes, at) in [
            (Side::Request, b"GET / HTTP/1.1\r\nHost: x".as_slice(), Some(0)),
            (Side::Request, b"GET /long/path/that/goes/on", Some(0)),
            (Side::Request, b"tail of a body\r\nBREW /x HTTP/1.1\r\n", Some(16)),
            (Side::Request, b"{\"a\":1}POST /x HTTP/1.1\r\n", Some(7)),
            (Side::Request, b"aAPIPOST /x HTTP/1.0\r\n", Some(4)),
            (Side::Request, b"see GET /x HTTP/1.1 in the manual of HTTP", None),
            (Side::Request, b"\x00M-SEARCH * HTTP/1.1\r\n", None),
            (Side::Request, b"Cookie: a=b\r\nAccept: */*\r\n\r\n", None),
            (Side::Response, b"HTTP/1.1 200 OK\r\n", Some(0)),
            (Side::Response, b"HTTP/1.1 2", Some(0)),
            (Side::Response, b"</html>HTTP/1.1 404 Not Found\r\nA: b\r\n", Some(7)),
            (Side::Response, b"0\r\n\r\nHTTP/1.0 200 OK\r\n", Some(5)),
            (Side::Response, b"speaks HTTP/1.1 and\r\n", None),
        ] {
            assert_eq!(start_line(side, bytes), at, "{}", bytes.escape_ascii());
        }
    }
}
