//! Bodies by format: each is read once, over borrowed bytes, and only its shape is kept.

pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod multipart;

use tapline_model::Body;

use crate::names::Names;
use crate::notes::Notes;
use crate::sensitive;

/// What is read is noted here, under names that were spelled there.
pub(crate) struct Ledger<'a> {
    pub(crate) notes: &'a mut Notes,
    pub(crate) names: &'a mut Names,
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON (RFC 8259).
    Json,
    /// `application/x-www-form-urlencoded` (WHATWG URL, section 5).
    Form,
    /// `multipart/form-data` (RFC 7578).
    Multipart,
}

/// What became of reading a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Read to its end, or to where its sample ends.
    Read,
    /// It is not what it claims to be.
    Malformed,
}

/// The format of a body, by its media type; without one by its first byte.
pub(crate) fn format_of(body: &Body<'_>) -> Option<Format> {
    let media = body.media_type;
    if body.sample.bytes.is_empty() {
        return None;
    }
    if media.ends_with("/json") || media.ends_with("+json") {
        return Some(Format::Json);
    }
    match media {
        "application/x-www-form-urlencoded" => Some(Format::Form),
        "multipart/form-data" => Some(Format::Multipart),
        "" | "text/plain" | "application/octet-stream" => {
            let first = body.sample.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
            matches!(first, Some(b'{' | b'[')).then_some(Format::Json)
        }
        _ => None,
    }
}

/// A media type as it may be shown: what is none becomes `invalid`.
pub(crate) fn shown_media(media: &str) -> &str {
    if media == "application/json" {
        return media;
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-/".contains(&byte);
    let valid = media.len() <= 80
        && media.bytes().all(is_token)
        && media.bytes().filter(|&byte| byte == b'/').count() == 1;
    let is_shown = valid && sensitive::find(media.as_bytes()).is_none();
    if is_shown || media.is_empty() { media } else { "invalid" }
}

#[cfg(test)]
mod tests {
    use tapline_model::BodySample;

    use super::*;

    #[test]
    fn media_type_or_first_byte_tells_the_format() {
        let format = |media_type, bytes: &'static [u8]| {
            let sample = BodySample { bytes, truncated: false };
            format_of(&Body { wire_bytes: 1, media_type, sample })
        };
        assert_eq!(format("application/json", b"x"), Some(Format::Json));
        assert_eq!(format("application/problem+json", b"{}"), Some(Format::Json));
        assert_eq!(format("", b" {}"), Some(Format::Json));
        assert_eq!(format("text/html", b"{}"), None);
        assert_eq!(format("application/json", b""), None);
        assert_eq!(format("application/x-www-form-urlencoded", b"a=1"), Some(Format::Form));
    }

    #[test]
    fn what_is_no_media_type_is_not_shown() {
        assert_eq!(shown_media("application/vnd.api+json"), "application/vnd.api+json");
        assert_eq!(shown_media("bob@example.com"), "invalid");
        assert_eq!(shown_media("application/vnd.AKIAIOSFODNN7EXAMPLE+json"), "invalid");
        assert_eq!(shown_media(""), "");
    }
}
