//! What is this flow? Told by the first bytes of a direction, never by a port.

use memchr::memchr;

use crate::http1;

/// A direction is given up after this many bytes that could still become a start line.
pub(crate) const PREFIX_BYTES_MAX: usize = 1 << 10;
/// Longest method of a request that is recognised.
const METHOD_BYTES_MAX: usize = 24;

/// What the first bytes of a direction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The start of an HTTP/1 request.
    Request,
    /// The start of an HTTP/1 response.
    Response,
    /// A TLS record (RFC 8446 section 5.1).
    Tls,
    /// A protocol that is known and not analysed: never look again.
    Opaque,
    /// Nothing known; a later chunk may begin with something that is.
    Unknown,
    /// Too little to tell.
    More,
}

/// Judges bytes at the start of a chunk. Blank lines before a start line are passed over.
pub(crate) fn classify(bytes: &[u8]) -> Verdict {
    let text = http1::skip_blank_lines(bytes);
    let Some(&first) = text.first() else {
        return if bytes.len() < METHOD_BYTES_MAX { Verdict::More } else { Verdict::Unknown };
    };
    match first {
        0x14..=0x17 => tls(bytes),
        // Nothing else begins so, and most that is met does.
        b'A'..=b'Z' if is_common_request(text) || is_plain_request(text) => Verdict::Request,
        b'A'..=b'Z' => {
            let candidates = [opaque(text), response(text), request(text)];
            let sure = |verdict: &&Verdict| !matches!(verdict, Verdict::Unknown | Verdict::More);
            let open = |verdict: &&Verdict| **verdict == Verdict::More;
            let found = candidates.iter().find(sure).or_else(|| candidates.iter().find(open));
            found.copied().unwrap_or(Verdict::Unknown)
        }
        _ => Verdict::Unknown,
    }
}

/// Methods of RFC 9110, RFC 5789 and RFC 4918, and those that browsers and caches use.
pub(crate) fn is_known_method(token: &[u8]) -> bool {
    matches!(
        token,
        b"GET"
            | b"POST"
            | b"PUT"
            | b"DELETE"
            | b"HEAD"
            | b"OPTIONS"
            | b"PATCH"
            | b"CONNECT"
            | b"TRACE"
            | b"PROPFIND"
            | b"PROPPATCH"
            | b"MKCOL"
            | b"COPY"
            | b"MOVE"
            | b"LOCK"
            | b"UNLOCK"
            | b"REPORT"
            | b"SEARCH"
            | b"PURGE"
            | b"QUERY"
    )
}

fn tls(bytes: &[u8]) -> Verdict {
    // Type, major version 3, minor version up to 4, length up to 2^14 + 2048 (RFC 5246).
    let fits = match *bytes {
        [_, major, minor, high, ..] => major == 3 && minor <= 4 && high <= 0x48,
        [_, major, minor] => major == 3 && minor <= 4,
        [_, major] => major == 3,
        _ => true,
    };
    match (fits, bytes.len()) {
        (false, _) => Verdict::Unknown,
        (true, 0..5) => Verdict::More,
        (true, _) => Verdict::Tls,
    }
}

/// Prior-knowledge HTTP/2 (RFC 9113 section 3.4) and SSH (RFC 4253 section 4.2).
fn opaque(text: &[u8]) -> Verdict {
    [b"PRI * HTTP/2".as_slice(), b"SSH-"]
        .into_iter()
        .map(|start| starts(text, start, Verdict::Opaque))
        .find(|&verdict| verdict != Verdict::Unknown)
        .unwrap_or(Verdict::Unknown)
}

fn response(text: &[u8]) -> Verdict {
    starts(text, http1::RESPONSE_START, Verdict::Response)
}

/// Whether a line comes first that begins and ends as most requests do: [`request`] says the same of
/// it, whatever lies between.
fn is_common_request(text: &[u8]) -> bool {
    let window = text.get(..=METHOD_BYTES_MAX).unwrap_or(text);
    let Some((method, rest)) = memchr(b' ', window).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let ends_well = |end| rest.get(..end).is_some_and(|line| line.ends_with(b" HTTP/1.1\r"));
    rest.starts_with(b" /") && is_known_method(method) && memchr(b'\n', rest).is_some_and(ends_well)
}

/// Whether a request line in good order comes first: [`request`] says the same of it, and [`opaque`]
/// nothing.
fn is_plain_request(text: &[u8]) -> bool {
    let Some(method_bytes) = http1::strict_method_bytes(text) else { return false };
    let method = text.get(..method_bytes).unwrap_or_default();
    method_bytes <= METHOD_BYTES_MAX
        && method.iter().all(|&byte| is_method_byte(byte))
        && !text.starts_with(b"SSH-")
}

fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')
}

fn request(text: &[u8]) -> Verdict {
    let window = text.get(..=METHOD_BYTES_MAX).unwrap_or(text);
    let Some(space) = memchr(b' ', window) else {
        let open =
            window.len() <= METHOD_BYTES_MAX && window.iter().all(|&byte| is_method_byte(byte));
        return if open { Verdict::More } else { Verdict::Unknown };
    };
    let (method, rest) = text.split_at_checked(space).unwrap_or_default();
    if !method.iter().all(|&byte| is_method_byte(byte)) {
        return Verdict::Unknown;
    }
    if let Some(end) = memchr(b'\n', text) {
        let line = text.get(..end).unwrap_or_default();
        let is_request = http1::is_request_line(line);
        return if is_request { Verdict::Request } else { Verdict::Unknown };
    }
    // The line goes on in a later chunk. A path after a known method is evidence enough.
    if is_known_method(method) && rest.starts_with(b" /") {
        return Verdict::Request;
    }
    if text.len() < PREFIX_BYTES_MAX { Verdict::More } else { Verdict::Unknown }
}

/// `verdict` when `text` begins with `start`, `More` when it may yet.
fn starts(text: &[u8], start: &[u8], verdict: Verdict) -> Verdict {
    if text.starts_with(start) {
        verdict
    } else if start.starts_with(text) {
        Verdict::More
    } else {
        Verdict::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_tell_the_sides_apart() {
        for (bytes, verdict) in [
            (b"GET / HTTP/1.1\r\n".as_slice(), Verdict::Request),
            (b"\r\n\r\nGET /", Verdict::Request),
            (b"BREW /pot HTTP/1.1\r\n", Verdict::Request),
            (b"SSH-2.0 / HTTP/1.1\r\n", Verdict::Opaque),
            (b"brew /pot HTTP/1.1\r\n", Verdict::Unknown),
            (b"BREW /pot", Verdict::More),
            (b"CONNECT a:443 HTTP/1.1\r\n", Verdict::Request),
            (b"HTTP/1.0 200 OK", Verdict::Response),
            (b"H", Verdict::More),
            (b"HE", Verdict::More),
            (b"HEAD /", Verdict::Request),
            (b"", Verdict::More),
        ] {
            assert_eq!(classify(bytes), verdict, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_http_1_is_not_taken_for_it() {
        for (bytes, verdict) in [
            (b"\x16\x03\x01\x02\x00\x01".as_slice(), Verdict::Tls),
            (b"\x16\x03", Verdict::More),
            (b"\x16\x04\x01\x02\x00\x01", Verdict::Unknown),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Verdict::Opaque),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Verdict::Opaque),
            (b"OPTIONS sip:a@b SIP/2.0\r\n", Verdict::Unknown),
            (b"OPTIONS * RTSP/1.0\r\n", Verdict::Unknown),
            (b"EHLO mail.example\r\n", Verdict::Unknown),
            (b"{\"json\": true}", Verdict::Unknown),
            (b"\x00\x00\x00\x01", Verdict::Unknown),
            (&[b'A'; 64], Verdict::Unknown),
            (&[b'\n'; 64], Verdict::Unknown),
        ] {
            assert_eq!(classify(bytes), verdict, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_verdict_does_not_turn_into_another_with_more_bytes() {
        let line = b"PROPFIND /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n";
        for cut in 0..line.len() {
            let verdict = classify(&line[..cut]);
            assert!(matches!(verdict, Verdict::More | Verdict::Request), "{cut}: {verdict:?}");
        }
    }
}
