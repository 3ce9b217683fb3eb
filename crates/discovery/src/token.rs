//! What a JSON Web Token says of itself, not verified.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tapline_model::{Fact, FactSet, Timestamp};

use crate::base64;

/// Bytes of a token's claims that are read.
const CLAIMS_BYTES_MAX: usize = 8 << 10;
/// Bytes of a token's header that are read.
const HEADER_BYTES_MAX: usize = 4 << 10;
/// Clocks differ; a token is not taken for expired before.
const LEEWAY_SECONDS: u64 = 300;
/// A longer life is long.
const LIFE_SECONDS_MAX: u64 = 30 * 86_400;
/// The algorithms for signatures that are registered (RFC 7518 section 3.1, RFC 8037, RFC 8812,
/// RFC 9864) and not deprecated.
const ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "ES256K",
    "PS256", "PS384", "PS512", "EdDSA", "Ed25519", "Ed448",
];

const UNSIGNED: u8 = 1;
const ENDLESS: u8 = 2;
const LONG_LIVED: u8 = 4;
const WEAK: u8 = 8;
const NAMES_ITS_KEY: u8 = 16;
const IN_URL: u8 = 32;
const READ: u8 = 64;
const ODD_KEY: u8 = 128;

/// What holds of a token whenever it is sent, and when it expires. Small, because it is kept for
/// every caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenFacts {
    /// Seconds since the Unix epoch; 0 is never.
    expires_at: u32,
    flags: u8,
}

impl TokenFacts {
    /// The same of a credential that stood in the URL, or not.
    #[must_use]
    pub(crate) const fn in_url(self, is_in_url: bool) -> Self {
        let flags = self.flags & !IN_URL | if is_in_url { IN_URL } else { 0 };
        Self { flags, ..self }
    }

    /// A credential stood in the URL.
    pub(crate) const fn is_in_url(self) -> bool {
        self.flags & IN_URL != 0
    }

    /// Nobody signed it.
    pub(crate) const fn is_unsigned(self) -> bool {
        self.flags & (UNSIGNED | READ) == UNSIGNED | READ
    }

    /// Its header says where to fetch the key, or holds it.
    pub(crate) const fn names_its_key(self) -> bool {
        self.flags & NAMES_ITS_KEY != 0
    }

    /// The name of its key is a path, a statement or a command.
    pub(crate) const fn has_odd_key(self) -> bool {
        self.flags & ODD_KEY != 0
    }

    /// What is odd about a token that was sent at a time.
    pub(crate) fn facts(self, sent_at: Timestamp) -> FactSet {
        let mut facts = FactSet::EMPTY;
        if self.flags & READ == 0 {
            return facts;
        }
        let now = sent_at.nanos() / 1_000_000_000;
        let expires_at = u64::from(self.expires_at);
        let is_expired = expires_at != 0 && expires_at.saturating_add(LEEWAY_SECONDS) < now;
        let is_long =
            self.flags & LONG_LIVED != 0 || expires_at.saturating_sub(now) > LIFE_SECONDS_MAX;
        facts.insert_if(Fact::JwtUnsigned, self.flags & UNSIGNED != 0);
        facts.insert_if(Fact::JwtExpired, is_expired);
        facts.insert_if(Fact::JwtEndless, self.flags & ENDLESS != 0);
        facts.insert_if(Fact::JwtLongLived, is_long);
        facts.insert_if(Fact::JwtWeakAlgorithm, self.flags & WEAK != 0);
        facts.insert_if(Fact::JwtNamesItsKey, self.flags & NAMES_ITS_KEY != 0);
        facts
    }
}

/// Whom a token names (RFC 7519 section 4.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) issuer: String,
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<serde_json::Value>,
    sub: Option<serde_json::Value>,
    exp: Option<serde_json::Value>,
    iat: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: Option<serde_json::Value>,
    kid: Option<serde_json::Value>,
    jku: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
}

/// Reads a token: whom it names, if anybody, and what is odd about it. `scratch` is a buffer.
pub(crate) fn read(token: &[u8], scratch: &mut Vec<u8>) -> (Option<Subject>, TokenFacts) {
    let mut parts = token.split(|&byte| byte == b'.');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let signature = parts.next().unwrap_or_default();
    let is_encrypted = parts.next().is_some();
    let mut facts = TokenFacts::default();
    if !is_encrypted {
        facts.flags |= header_flags(header, scratch);
        facts.flags |= if signature.is_empty() { UNSIGNED } else { 0 };
    }
    if claims.len() > CLAIMS_BYTES_MAX || !base64::decode(claims, scratch) {
        return (None, facts);
    }
    let Ok(claims) = serde_json::from_slice::<Claims>(scratch) else { return (None, facts) };
    let expires_at = seconds(claims.exp.as_ref());
    let is_long = expires_at
        .zip(seconds(claims.iat.as_ref()))
        .is_some_and(|(exp, iat)| u64::from(exp.saturating_sub(iat)) > LIFE_SECONDS_MAX);
    facts.expires_at = expires_at.unwrap_or(0);
    facts.flags |= READ
        | if expires_at.is_none() { ENDLESS } else { 0 }
        | if is_long { LONG_LIVED } else { 0 };
    let name = match claims.sub {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let issuer = match claims.iss {
        Some(serde_json::Value::String(text)) => text,
        _ => String::new(),
    };
    (name.map(|name| Subject { issuer, name }), facts)
}

fn header_flags(header: &[u8], scratch: &mut Vec<u8>) -> u8 {
    if header.len() > HEADER_BYTES_MAX || !base64::decode(header, scratch) {
        return 0;
    }
    let Ok(header) = serde_json::from_slice::<Header>(scratch) else { return 0 };
    let algorithm = header.alg.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    let by_algorithm = if algorithm.eq_ignore_ascii_case("none") {
        UNSIGNED
    } else if ALGORITHMS.contains(&algorithm) {
        0
    } else {
        WEAK
    };
    let names_its_key = header.jku.is_some() || header.x5u.is_some() || header.jwk.is_some();
    let key = header.kid.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    by_algorithm
        | if names_its_key { NAMES_ITS_KEY } else { 0 }
        | if is_odd_key(key) { ODD_KEY } else { 0 }
}

/// Whether the name of a key is meant to be run, or leads to a file.
fn is_odd_key(key: &str) -> bool {
    key.starts_with('/') || key.contains("../") || key.contains(['\'', '"', ';', '|', '`', '\\'])
}

/// A `NumericDate` (RFC 7519 section 2), whole seconds; those after 2106 are 2106, those before 1970
/// or at its first second are its second.
fn seconds(value: Option<&serde_json::Value>) -> Option<u32> {
    let value = value?;
    let seconds = match value.as_u64() {
        Some(seconds) => seconds,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest integer there is"
        )]
        None => value.as_f64()? as u64,
    };
    Some(u32::try_from(seconds).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_a_path_or_a_statement_is_odd() {
        let read_with = |key: &str| {
            let header = encode(&format!("{{\"alg\":\"HS256\",\"kid\":\"{key}\"}}"));
            let token = format!("{header}.{}.c2ln", encode("{\"sub\":\"1\"}"));
            read(token.as_bytes(), &mut Vec::new()).1.has_odd_key()
        };
        for key in ["../../dev/null", "/dev/null", "x' union select 'a"] {
            assert!(read_with(key), "{key}");
        }
        for key in ["2026-11", "projects/x/keys/1", "Zx81kd92LqAAbb77CCdd=="] {
            assert!(!read_with(key), "{key}");
        }
    }

    /// Base 64 as tokens have it.
    pub(crate) fn encode(text: &str) -> String {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits = text.bytes().fold(String::new(), |bits, byte| bits + &format!("{byte:08b}"));
        bits.as_bytes()
            .chunks(6)
            .map(|chunk| {
                let text = format!("{:0<6}", std::str::from_utf8(chunk).unwrap());
                char::from(digits[usize::from_str_radix(&text, 2).unwrap()])
            })
            .collect()
    }

    fn facts(header: &str, claims: &str, signature: &str, now: u64) -> Vec<&'static str> {
        let token = format!("{}.{}.{signature}", encode(header), encode(claims));
        let (_, facts) = read(token.as_bytes(), &mut Vec::new());
        let at = Timestamp::from_nanos(now * 1_000_000_000);
        facts.facts(at).iter().map(Fact::label).collect()
    }

    #[test]
    fn odd_tokens_are_known() {
        const GOOD: &str = r#"{"alg":"RS256"}"#;
        for (header, claims, signature, now, expected) in [
            (GOOD, r#"{"sub":"a","exp":2000}"#, "s", 1_000, vec![]),
            (GOOD, r#"{"sub":"a","exp":2000}"#, "s", 2_200, vec![]),
            (GOOD, r#"{"sub":"a","exp":2000}"#, "s", 2_400, vec!["jwt_expired"]),
            (GOOD, r#"{"sub":"a","exp":2000.5}"#, "s", 2_400, vec!["jwt_expired"]),
            (GOOD, r#"{"sub":"a"}"#, "s", 1_000, vec!["jwt_endless"]),
            (GOOD, r#"{"exp":9000000}"#, "s", 1_000, vec!["jwt_long_lived"]),
            (GOOD, r#"{"exp":9000000,"iat":1}"#, "s", 8_999_999, vec!["jwt_long_lived"]),
            (r#"{"alg":"NONE"}"#, r#"{"exp":2000}"#, "s", 1_000, vec!["jwt_unsigned"]),
            (GOOD, r#"{"exp":2000}"#, "", 1_000, vec!["jwt_unsigned"]),
            (r#"{"alg":"RS1"}"#, r#"{"exp":2000}"#, "s", 1_000, vec!["jwt_weak_algorithm"]),
            (
                r#"{"alg":"RS256","jku":"https://x"}"#,
                r#"{"exp":2000}"#,
                "s",
                1_000,
                vec!["jwt_names_its_key"],
            ),
            (GOOD, "[]", "s", 1_000, vec![]),
            (GOOD, r#"{"exp":-1}"#, "s", 1_000, vec!["jwt_expired"]),
        ] {
            assert_eq!(facts(header, claims, signature, now), expected, "{header} {claims} {now}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read(&text, &mut Vec::new());
        }
    }
}
