//! Which header fields and cookies a request has, beyond those that every client sends.

use tapline_model::{FieldPart, HeaderKind, Headers, JsonKind};

use crate::format::Ledger;
use crate::lexical;
use crate::names::NodeId;
use crate::notes::{Holder, Spot};

/// Header fields of one request that are looked at.
const FIELDS_MAX: usize = 64;
/// Cookies of one request that are looked at.
const COOKIES_MAX: usize = 64;
/// Bytes of a value that has a format.
const VALUE_BYTES_MAX: usize = 256;
/// Fields that say nothing about an API: of messages and connections, of browsers and of proxies.
/// In lower case, sorted.
const COMMON: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "cdn-loop",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-ray",
    "cf-visitor",
    "client-ip",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "grpc-timeout",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "save-data",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "uber-trace-id",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    "x-forwarded",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-request-start",
];
/// How families of such fields begin.
const COMMON_PREFIXES: &[&str] =
    &["proxy-", "sec-", "x-b3-", "x-envoy-", "x-forwarded-", "x-ot-span-"];

/// Notes the fields of a request, and its cookies. Of credentials and cookies no more than the name.
pub(crate) fn read(headers: Headers<'_>, ledger: &mut Ledger<'_>, scratch: &mut Vec<u8>) {
    let holder = open(NodeId::HEADER, ledger);
    let mut before = NodeId::NOWHERE;
    for (index, field) in headers.fields().enumerate() {
        let Ledger { notes, names } = &mut *ledger;
        if index == FIELDS_MAX {
            // What comes behind is there, but nobody knows.
            notes.discard();
            break;
        }
        scratch.clear();
        scratch.extend(field.name.iter().map(u8::to_ascii_lowercase));
        if is_common(scratch) {
            continue;
        }
        before = names.enter(NodeId::HEADER, before, scratch);
        let format = match field.kind {
            HeaderKind::Other if field.value.len() <= VALUE_BYTES_MAX => {
                lexical::text_format(field.value)
            }
            _ => None,
        };
        notes.format(Spot { node: before, holder }, (JsonKind::String, format), names);
    }
    close(holder, FieldPart::Header, ledger);
    if headers.has(HeaderKind::Cookie) {
        read_cookies(headers, ledger);
    }
}

fn read_cookies(headers: Headers<'_>, ledger: &mut Ledger<'_>) {
    let holder = open(NodeId::COOKIE, ledger);
    let Ledger { notes, names } = &mut *ledger;
    let mut before = NodeId::NOWHERE;
    let pairs = headers.of(HeaderKind::Cookie).flat_map(|value| value.split(|&byte| byte == b';'));
    for pair in pairs.take(COOKIES_MAX) {
        // Without a name (RFC 6265 section 5.2) it may be a value.
        let Some(at) = memchr::memchr(b'=', pair) else { continue };
        let name = pair.get(..at).unwrap_or_default().trim_ascii();
        if !name.is_empty() {
            before = names.enter(NodeId::COOKIE, before, name);
            notes.kind(Spot { node: before, holder }, JsonKind::String, names);
        }
    }
    close(holder, FieldPart::Cookie, ledger);
}

fn open(node: NodeId, ledger: &mut Ledger<'_>) -> Option<Holder> {
    let Ledger { notes, names } = ledger;
    notes.begin();
    notes.open(Spot { node, holder: None }, JsonKind::Object, names)
}

fn close(holder: Option<Holder>, part: FieldPart, ledger: &mut Ledger<'_>) {
    ledger.notes.close(holder, None);
    ledger.notes.finish(part);
}

fn is_common(name: &[u8]) -> bool {
    COMMON.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
        || COMMON_PREFIXES.iter().any(|prefix| name.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Exchange, spelled_notes};

    #[test]
    fn common_names_can_be_searched() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn fields_of_the_api_are_named_and_credentials_are_not_looked_at() {
        let seen = Exchange::new("GET", "/a", 200)
            .field("Accept", "*/*")
            .field("X-Request-Id", "550e8400-e29b-41d4-a716-446655440000")
            .field("X-API-Key", "550e8400-e29b-41d4-a716-446655440001")
            .field("Idempotency-Key", "abc")
            .field("Cookie", "sid=550e8400; theme=dark; 4711")
            .answer("", "")
            .observed();
        assert_eq!(
            spelled_notes(&seen.fields),
            [
                "x-request-id:uuid",
                "x-api-key:string",
                "idempotency-key:string",
                "sid:string",
                "theme:string"
            ]
        );
        assert!(seen.fields.notes.iter().all(|note| note.value.is_none()));
    }
}
