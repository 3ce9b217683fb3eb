//! The flags of the cookies that an answer sets (RFC 6265 section 5.2).

use tapline_model::{Fact, FactSet, HeaderKind, Headers};

use crate::{auth, sensitive};

/// Cookies read of one answer.
const COOKIES_MAX: usize = 32;
/// Attributes read of one cookie.
const ATTRIBUTES_MAX: usize = 16;
/// In names of cookies that scripts have to read, or that only balance load.
const HARMLESS: &[&[u8]] = &[
    b"csrf",
    b"xsrf",
    b"_ga",
    b"_gid",
    b"awsalb",
    b"__cf",
    b"consent",
    b"bigip",
    b"arraffinity",
    b"incap",
    b"visid",
    b"sticky",
];
/// In names of cookies that stand for somebody.
const TELLING: &[&[u8]] = &[b"session", b"sess_", b"auth", b"token", b"jwt", b"remember", b"login"];

/// What the cookies of an answer show, and the name of the first by which the caller can be known
/// though its name does not say so: it is kept from scripts and cannot be guessed.
pub(super) fn facts(headers: Headers<'_>) -> (FactSet, Option<&[u8]>) {
    let mut facts = FactSet::EMPTY;
    let mut unnamed = None;
    for cookie in headers.of(HeaderKind::SetCookie).take(COOKIES_MAX) {
        let shown = facts_of(cookie);
        facts.extend(shown);
        if shown.contains(Fact::SessionSet) && !shown.contains(Fact::CookieNotHttpOnly) {
            let name = cookie.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
            unnamed = unnamed.or(Some(name).filter(|name| !auth::is_session_name(name)));
        }
    }
    (facts, unnamed)
}

fn facts_of(cookie: &[u8]) -> FactSet {
    let mut facts = FactSet::EMPTY;
    let mut parts = cookie.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let pair = parts.next().unwrap_or_default();
    let Some(at) = memchr::memchr(b'=', pair) else { return facts };
    let (name, value) =
        (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default());
    if !is_session(name, value) {
        return facts;
    }
    let (mut secure, mut http_only, mut same_site) = (false, false, false);
    for attribute in parts.take(ATTRIBUTES_MAX) {
        let end = memchr::memchr(b'=', attribute).unwrap_or(attribute.len());
        let (name, value) = attribute.split_at_checked(end).unwrap_or((attribute, b""));
        let value = value.get(1..).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"secure") {
            secure = true;
        } else if name.eq_ignore_ascii_case(b"httponly") {
            http_only = true;
        } else if name.eq_ignore_ascii_case(b"samesite") {
            same_site = !value.eq_ignore_ascii_case(b"none");
        } else if name.eq_ignore_ascii_case(b"max-age")
            && !value.iter().any(|byte| (b'1'..=b'9').contains(byte))
        {
            // It takes a cookie away.
            return FactSet::EMPTY;
        }
    }
    facts.insert(Fact::SessionSet);
    facts.insert_if(Fact::CookieNotSecure, !secure);
    facts.insert_if(Fact::CookieNotHttpOnly, !http_only);
    facts.insert_if(Fact::CookieNotSameSite, !same_site);
    facts
}

/// Whether a cookie stands for somebody: by its name, or because its value cannot be guessed.
fn is_session(name: &[u8], value: &[u8]) -> bool {
    let value =
        value.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(value);
    let has = |parts: &[&[u8]]| {
        parts
            .iter()
            .any(|part| name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part)))
    };
    if value.is_empty() || value.eq_ignore_ascii_case(b"deleted") || has(HARMLESS) {
        return false;
    }
    auth::is_session_name(name)
        || (value.len() >= 8 && has(TELLING))
        || sensitive::is_jwt(value)
        || sensitive::is_key(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_cookies_are_known_by_name_or_value_and_their_flags_read() {
        use Fact::{CookieNotHttpOnly, CookieNotSameSite, CookieNotSecure, SessionSet};
        for (cookie, expected) in [
            ("sid=1; Secure; HttpOnly; SameSite=Lax", vec![SessionSet]),
            ("sid=1", vec![SessionSet, CookieNotSecure, CookieNotHttpOnly, CookieNotSameSite]),
            ("sid=1; secure; httponly; samesite=None", vec![SessionSet, CookieNotSameSite]),
            (
                "who=Zx81kd92LqAAbb77CCdd; Secure; SameSite=Strict",
                vec![SessionSet, CookieNotHttpOnly],
            ),
            ("lang=de", vec![]),
            ("csrftoken=Zx81kd92LqAAbb77CCdd", vec![]),
            ("sid=; Max-Age=0", vec![]),
            ("sid=x; Max-Age=0; Path=/", vec![]),
            ("PHPSESSID", vec![]),
        ] {
            let facts: Vec<_> = facts_of(cookie.as_bytes()).iter().collect();
            assert_eq!(facts, expected, "{cookie}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            facts_of(&text);
        }
    }
}
