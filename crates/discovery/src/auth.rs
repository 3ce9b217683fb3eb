//! How a request authenticates itself: which credentials it carries, and of what kind.

use tapline_model::{AuthKind, AuthSet, HeaderKind, Headers};

use crate::base64;
use crate::format::form;
use crate::memo::Memo;
use crate::{path, sensitive};

/// Parameters and cookies that carry an API key.
const KEY_NAMES: &[&str] = &[
    "access-token",
    "access_token",
    "accesstoken",
    "api-key",
    "api_key",
    "api_token",
    "apikey",
    "apitoken",
    "app_key",
    "appid",
    "appkey",
    "auth",
    "auth_token",
    "authtoken",
    "id_token",
    "jwt",
    "key",
    "subscription-key",
    "token",
    "x-api-key",
];
/// Of those, the ones that mean other things too: a short value is no key.
const AMBIGUOUS_NAMES: &[&str] = &["appid", "auth", "key", "token"];
const AMBIGUOUS_BYTES_MIN: usize = 8;
/// Cookies that hold a session, besides those with `session` in their name.
const SESSION_NAMES: &[&str] =
    &["cfid", "cftoken", "connect.sid", "phpsessid", "jsessionid", "sess", "sid", "_sid"];
/// Cookies read of one request.
const COOKIES_MAX: usize = 128;
/// Bytes of a token's header that are looked at.
const TOKEN_HEADER_BYTES_MAX: usize = 1_024;

/// The credentials of one request, as sent.
#[derive(Default)]
pub(crate) struct Credentials<'a> {
    /// Their kinds.
    pub(crate) kinds: AuthSet,
    /// The first JSON Web Token.
    pub(crate) jwt: Option<&'a [u8]>,
    /// What else names the caller, most telling first.
    pub(crate) credential: Option<&'a [u8]>,
    /// `credential` is that of basic authentication, encoded.
    pub(crate) is_basic: bool,
    /// The first session cookie.
    pub(crate) session: Option<&'a [u8]>,
    /// One of them stands in the URL.
    pub(crate) is_in_url: bool,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.kinds.label())
    }
}

impl<'a> Credentials<'a> {
    /// Finds those of a request.
    pub(crate) fn of(headers: Headers<'a>, query: Option<&'a [u8]>, tokens: &mut Tokens) -> Self {
        let mut found = Self::default();
        for value in headers.of(HeaderKind::Authorization) {
            found.authorization(value.trim_ascii(), tokens);
        }
        for value in headers.of(HeaderKind::ApiKey) {
            found.key(value.trim_ascii(), AuthKind::ApiKeyHeader, tokens);
        }
        for (name, value) in query.into_iter().flat_map(form::pairs) {
            let name = path::decode(name, &mut tokens.scratch);
            let value = value.unwrap_or_default();
            if is_key_name(name, value) {
                found.is_in_url |= !value.is_empty();
                found.key(value, AuthKind::ApiKeyQuery, tokens);
            }
        }
        let cookies = headers.of(HeaderKind::Cookie);
        let pairs = cookies.flat_map(|field| field.split(|&byte| byte == b';'));
        for pair in pairs.take(COOKIES_MAX) {
            found.cookie(pair.trim_ascii(), tokens);
        }
        found
    }

    /// Takes the first cookie whose name `is_session` for the session.
    pub(crate) fn session_of(
        &mut self,
        headers: Headers<'a>,
        mut is_session: impl FnMut(&[u8]) -> bool,
    ) {
        let pairs = headers
            .of(HeaderKind::Cookie)
            .flat_map(|field| field.split(|&byte| byte == b';'))
            .take(COOKIES_MAX);
        for pair in pairs {
            let pair = pair.trim_ascii();
            let Some(at) = memchr::memchr(b'=', pair) else { continue };
            let (name, value) = (pair.get(..at).unwrap_or_default(), pair.get(at + 1..));
            if let Some(value) = value.filter(|value| !value.is_empty())
                && is_session(name.trim_ascii())
            {
                self.kinds.insert(AuthKind::SessionCookie);
                self.session = Some(value);
                return;
            }
        }
    }

    /// Whether anything but the address says who calls.
    pub(crate) fn names_somebody(&self) -> bool {
        self.jwt.or(self.credential).or(self.session).is_some()
    }

    fn authorization(&mut self, value: &'a [u8], tokens: &mut Tokens) {
        let end = memchr::memchr(b' ', value).unwrap_or(value.len());
        let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, b""));
        let rest = rest.trim_ascii();
        if scheme.is_empty() {
            return;
        }
        if scheme.eq_ignore_ascii_case(b"basic") {
            self.kinds.insert(AuthKind::Basic);
            self.is_basic |= self.credential.is_none();
            self.credential.get_or_insert(rest);
        } else if scheme.eq_ignore_ascii_case(b"bearer") {
            self.key(rest, AuthKind::Bearer, tokens);
        } else if rest.is_empty() || is_one_of(scheme, &["jwt", "token", "apikey", "api-key"]) {
            self.key(if rest.is_empty() { scheme } else { rest }, AuthKind::Other, tokens);
        } else {
            self.kinds.insert(AuthKind::Other);
            if let Some(name) = name_in_scheme(scheme, rest) {
                self.credential.get_or_insert(name);
            }
        }
    }

    fn key(&mut self, value: &'a [u8], kind: AuthKind, tokens: &mut Tokens) {
        if value.is_empty() {
            return;
        }
        if tokens.is_signed(value) {
            self.kinds.insert(AuthKind::Jwt);
            self.jwt.get_or_insert(value);
        } else {
            self.kinds.insert(kind);
            self.credential.get_or_insert(value);
        }
    }

    fn cookie(&mut self, pair: &'a [u8], tokens: &mut Tokens) {
        let Some(at) = memchr::memchr(b'=', pair) else { return };
        let name = pair.get(..at).unwrap_or_default().trim_ascii();
        let value = pair.get(at + 1..).unwrap_or_default();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        let value = quoted.unwrap_or(value);
        if value.is_empty() {
            return;
        }
        if tokens.is_signed(value) || is_key_name(name, value) {
            self.key(value, AuthKind::ApiKeyCookie, tokens);
        } else if is_session_name(name) {
            self.kinds.insert(AuthKind::SessionCookie);
            self.session.get_or_insert(value);
        }
    }
}

/// The part of a signature scheme's parameters that stays the same from request to request.
fn name_in_scheme<'a>(scheme: &[u8], rest: &'a [u8]) -> Option<&'a [u8]> {
    // The answers of these change with every request and name nobody in the clear.
    if is_one_of(scheme, &["negotiate", "ntlm", "kerberos"]) {
        return None;
    }
    let named = rest.split(|&byte| byte == b',').find_map(|pair| {
        let at = memchr::memchr(b'=', pair)?;
        let (name, value) = (pair.get(..at)?.trim_ascii(), pair.get(at + 1..)?.trim_ascii());
        let known = ["username", "credential", "id", "keyid", "key", "oauth_consumer_key"];
        is_one_of(name, &known).then_some(value)
    });
    match named {
        // What follows the key in an AWS credential is its scope, which holds the date.
        Some(value) => value.split(|&byte| byte == b'/').next(),
        None => Some(rest),
    }
}

/// Knows signed tokens, and remembers the headers of those it knew: an issuer writes few.
#[derive(Default)]
pub(crate) struct Tokens {
    scratch: Vec<u8>,
    headers: Memo<()>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Whether a query holds an API key.
    pub(crate) fn has_key(&mut self, query: &[u8]) -> bool {
        form::pairs(query).any(|(name, value)| {
            let name = path::decode(name, &mut self.scratch);
            is_key_name(name, value.unwrap_or_default())
        })
    }

    /// A JSON Web Token whose header says so: other cookies begin with encoded JSON too.
    fn is_signed(&mut self, text: &[u8]) -> bool {
        if !sensitive::is_jwt(text) {
            return false;
        }
        let end = memchr::memchr(b'.', text).unwrap_or(text.len());
        let header = text.get(..end).unwrap_or_default();
        if self.headers.find(header).is_some() {
            return true;
        }
        let is_signed = header.len() <= TOKEN_HEADER_BYTES_MAX
            && base64::decode(header, &mut self.scratch)
            && memchr::memmem::find(&self.scratch, b"\"alg\"").is_some();
        if is_signed {
            self.headers.remember(header, ());
        }
        is_signed
    }
}

fn is_key_name(name: &[u8], value: &[u8]) -> bool {
    is_one_of(name, KEY_NAMES)
        && (value.len() >= AMBIGUOUS_BYTES_MIN || !is_one_of(name, AMBIGUOUS_NAMES))
}

/// Whether a cookie of this name holds a session.
pub(crate) fn is_session_name(name: &[u8]) -> bool {
    is_one_of(name, SESSION_NAMES)
        || name.windows(7).any(|part| part.eq_ignore_ascii_case(b"session"))
}

fn is_one_of(name: &[u8], known: &[&str]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;

    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";

    fn kinds(fields: &[(&str, &str)], query: &str) -> (String, Option<String>) {
        let fields = OwnedHeaders::new(fields.iter().copied());
        let found =
            Credentials::of(fields.headers(), Some(query.as_bytes()), &mut Tokens::default());
        let named = found.jwt.or(found.credential).or(found.session);
        (found.kinds.label(), named.map(|named| String::from_utf8(named.to_vec()).unwrap()))
    }

    #[test]
    fn every_way_of_authenticating_has_its_kind() {
        let bearer = format!("Bearer {JWT}");
        let cookie = format!("a=b; token={JWT}");
        for (fields, query, kind, named) in [
            (vec![], "", "none", None),
            (vec![("Authorization", "Basic Ym9iOng=")], "", "basic", Some("Ym9iOng=")),
            (vec![("authorization", "bearer abc")], "", "bearer", Some("abc")),
            (vec![("Authorization", bearer.as_str())], "", "jwt", Some(JWT)),
            (vec![("Authorization", JWT)], "", "jwt", Some(JWT)),
            (vec![("Authorization", "Token abc")], "", "other", Some("abc")),
            (
                vec![("Authorization", "AWS4-HMAC-SHA256 Credential=AK/2026/x, Signature=1")],
                "",
                "other",
                Some("AK"),
            ),
            (vec![("Authorization", "Digest username=\"m\", nonce=1")], "", "other", Some("\"m\"")),
            (vec![("Authorization", "Negotiate YII=")], "", "other", None),
            (vec![("X-API-Key", "k1")], "", "api_key_header", Some("k1")),
            (vec![], "a=1&API_KEY=k2", "api_key_query", Some("k2")),
            (vec![], "api%5Fkey=k2", "api_key_query", Some("k2")),
            (vec![], "key=name", "none", None),
            (vec![], "key=0123456789", "api_key_query", Some("0123456789")),
            (vec![("Cookie", "x=1; apikey=k3")], "", "api_key_cookie", Some("k3")),
            (vec![("Cookie", "PHPSESSID=s1; lang=de")], "", "session_cookie", Some("s1")),
            (vec![("Cookie", "ASP.NET_SessionId=\"s2\"")], "", "session_cookie", Some("s2")),
            (vec![("Cookie", cookie.as_str())], "", "jwt", Some(JWT)),
            (vec![("Cookie", "lang=de")], "", "none", None),
            (
                vec![("Cookie", "sid=s"), ("X-Api-Key", "k")],
                "",
                "api_key_header+session_cookie",
                Some("k"),
            ),
        ] {
            assert_eq!(
                kinds(&fields, query),
                (kind.to_owned(), named.map(ToOwned::to_owned)),
                "{fields:?} {query}"
            );
        }
    }

    #[test]
    fn encoded_json_that_is_no_token_is_a_session() {
        // What Flask signs: {"user":1} first, then a time and a signature.
        let (kind, _) = kinds(&[("Cookie", "session=eyJ1c2VyIjoxfQ.ZVYx.c2lnbmF0dXJl")], "");
        assert_eq!(kind, "session_cookie");
    }

    #[test]
    fn credentials_never_print_themselves() {
        let fields = OwnedHeaders::new([("x-api-key", "topsecret")]);
        let found = Credentials::of(fields.headers(), None, &mut Tokens::default());
        assert_eq!(format!("{found:?}"), "Credentials(api_key_header)");
    }
}
