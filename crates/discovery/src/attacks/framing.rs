//! Whether two readers agree where a request ends.

use tapline_model::{HeaderKind, Headers};

/// Whether a request has two ends (RFC 9112 section 6.3): a length beside a transfer coding, lengths
/// that differ, a coding that some readers take for `chunked` and others do not, or a line end inside
/// a name that only HTTP/1 would see.
pub(super) fn is_ambiguous(headers: Headers<'_>) -> bool {
    let has_length = headers.has(HeaderKind::ContentLength);
    let has_coding = headers.has(HeaderKind::TransferEncoding);
    if !has_length && !has_coding {
        return false;
    }
    let mut lengths = headers.of(HeaderKind::ContentLength);
    let first = lengths.next();
    let is_odd_length = |value: &[u8]| value.iter().any(|byte| !byte.is_ascii_digit());
    (has_length && has_coding)
        || lengths.any(|value| Some(value) != first)
        || first.is_some_and(is_odd_length)
        || headers.of(HeaderKind::TransferEncoding).any(is_odd_coding)
        || headers.of(HeaderKind::TransferEncoding).count() > 1
}

/// Whether a transfer coding is none that is registered and ends in anything but `chunked`.
fn is_odd_coding(value: &[u8]) -> bool {
    let last = value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
    let last = last.trim_ascii();
    let is_known = [b"gzip".as_slice(), b"deflate", b"compress", b"identity", b"trailers"]
        .iter()
        .any(|known| last.eq_ignore_ascii_case(known));
    !last.eq_ignore_ascii_case(b"chunked") && !is_known
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;

    #[test]
    fn two_ends_are_seen() {
        let ambiguous = |fields: &[(&'static str, &'static str)]| {
            is_ambiguous(OwnedHeaders::new(fields.iter().copied()).headers())
        };
        let (length, coding) = ("Content-Length", "Transfer-Encoding");
        assert!(ambiguous(&[(length, "5"), (coding, "chunked")]));
        assert!(ambiguous(&[(length, "5"), (length, "6")]));
        assert!(ambiguous(&[(length, "+5")]));
        assert!(ambiguous(&[(coding, "xchunked")]));
        assert!(ambiguous(&[(coding, "chunked"), (coding, "identity")]));
        assert!(!ambiguous(&[(length, "5"), (length, "5")]));
        assert!(!ambiguous(&[(coding, "gzip, chunked")]));
        assert!(!ambiguous(&[("Host", "x")]));
    }
}
