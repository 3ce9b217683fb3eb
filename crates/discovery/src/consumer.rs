//! Who calls, as best known: the subject of a token, else a credential, a session, an address.

use std::net::IpAddr;

use serde::Deserialize;
use tapline_model::{Consumer, ConsumerKey, ConsumerKind, Key};

use crate::auth::Credentials;
use crate::base64;

/// Callers whose keys are remembered, by one worker.
const REMEMBERED: usize = 32_768;
/// Bytes of a token's claims that are read.
const CLAIMS_BYTES_MAX: usize = 8 << 10;

/// Names consumers. Remembers the last ones, because a slow hash stands behind every name.
pub(crate) struct Consumers {
    key: Key,
    /// By the low bits of the fast hash of what names the consumer: it is replaced by the next one
    /// with the same bits, so neither order nor luck shows in an output.
    remembered: Vec<(u64, Consumer)>,
    text: Vec<u8>,
    claims: Vec<u8>,
}

impl std::fmt::Debug for Consumers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consumers")
    }
}

/// What in a token names somebody (RFC 7519 section 4.1), not verified.
#[derive(Deserialize)]
struct Claims {
    iss: Option<serde_json::Value>,
    sub: Option<serde_json::Value>,
}

impl Consumers {
    /// Hashes with `key`.
    pub(crate) fn new(key: Key) -> Self {
        Self { key, remembered: Vec::new(), text: Vec::new(), claims: Vec::new() }
    }

    /// Who sent a request with these credentials from this address.
    pub(crate) fn identify(&mut self, credentials: &Credentials<'_>, client: IpAddr) -> Consumer {
        self.text.clear();
        let kind = if let Some(token) = credentials.jwt {
            self.text.extend_from_slice(token);
            ConsumerKind::Subject
        } else if let Some(credential) = credentials.credential {
            self.text.push(u8::from(credentials.is_basic));
            self.text.extend_from_slice(credential);
            ConsumerKind::Credential
        } else if let Some(session) = credentials.session {
            self.text.extend_from_slice(session);
            ConsumerKind::Session
        } else {
            match client {
                IpAddr::V4(address) => self.text.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => self.text.extend_from_slice(&address.octets()),
            }
            ConsumerKind::Address
        };
        self.text.push(kind as u8);
        let fast = self.key.text_hash(&self.text);
        self.text.pop();
        if self.remembered.is_empty() {
            let nobody = Consumer { key: ConsumerKey(0), kind: ConsumerKind::Address };
            self.remembered.resize(REMEMBERED, (0, nobody));
        }
        let place = usize::try_from(fast % REMEMBERED as u64).unwrap_or_default();
        if let Some(&(known, consumer)) = self.remembered.get(place)
            && known == fast
        {
            return consumer;
        }
        let consumer = self.name(kind, credentials);
        if let Some(entry) = self.remembered.get_mut(place) {
            *entry = (fast, consumer);
        }
        consumer
    }

    fn name(&mut self, kind: ConsumerKind, credentials: &Credentials<'_>) -> Consumer {
        let mut kind = kind;
        if let Some(token) = credentials.jwt
            && kind == ConsumerKind::Subject
            && !self.read_subject(token)
        {
            kind = ConsumerKind::Credential;
        } else if credentials.is_basic && kind == ConsumerKind::Credential {
            self.read_user(credentials.credential.unwrap_or_default());
        }
        Consumer { key: ConsumerKey(self.key.secret_hash(kind as u8, &self.text)), kind }
    }

    /// Replaces the text by issuer and subject of a token, if it has a subject.
    fn read_subject(&mut self, token: &[u8]) -> bool {
        let claims = token.split(|&byte| byte == b'.').nth(1).unwrap_or_default();
        if claims.len() > CLAIMS_BYTES_MAX || !base64::decode(claims, &mut self.claims) {
            return false;
        }
        let Ok(claims) = serde_json::from_slice::<Claims>(&self.claims) else { return false };
        let subject = match claims.sub {
            Some(serde_json::Value::String(text)) if !text.is_empty() => text,
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => return false,
        };
        self.text.clear();
        if let Some(serde_json::Value::String(issuer)) = claims.iss {
            self.text.extend_from_slice(issuer.as_bytes());
        }
        self.text.push(0);
        self.text.extend_from_slice(subject.as_bytes());
        true
    }

    /// Replaces the text by the user of basic authentication: a wrong password is the same caller.
    fn read_user(&mut self, credential: &[u8]) {
        if base64::decode(credential, &mut self.claims)
            && let Some(end) = memchr::memchr(b':', &self.claims)
        {
            self.text.clear();
            self.text.extend_from_slice(b"basic\0");
            self.text.extend_from_slice(self.claims.get(..end).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;
    use crate::auth::Tokens;

    /// `{"alg":"none"}` and the claims.
    fn token(claims: &str) -> String {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let encode = |text: &str| {
            let bits = text.bytes().fold(String::new(), |bits, byte| bits + &format!("{byte:08b}"));
            bits.as_bytes()
                .chunks(6)
                .map(|chunk| {
                    let text = format!("{:0<6}", std::str::from_utf8(chunk).unwrap());
                    char::from(digits[usize::from_str_radix(&text, 2).unwrap()])
                })
                .collect::<String>()
        };
        format!("{}.{}.c2ln", encode("{\"alg\":\"none\"}"), encode(claims))
    }

    fn consumer(consumers: &mut Consumers, fields: &[(&str, &str)], client: &str) -> Consumer {
        let fields = OwnedHeaders::new(fields.iter().copied());
        let credentials = Credentials::of(fields.headers(), None, &mut Tokens::default());
        consumers.identify(&credentials, client.parse().unwrap())
    }

    #[test]
    fn the_most_telling_name_wins() {
        let mut consumers = Consumers::new(Key::fixed());
        let bearer = format!("Bearer {}", token("{\"sub\":\"bob\"}"));
        let fields =
            [("Cookie", "sid=s1"), ("X-Api-Key", "k1"), ("Authorization", bearer.as_str())];
        let mut of = |fields: &[(&str, &str)]| consumer(&mut consumers, fields, "192.0.2.1").kind;
        assert_eq!(of(&fields), ConsumerKind::Subject);
        assert_eq!(of(&fields[..2]), ConsumerKind::Credential);
        assert_eq!(of(&fields[..1]), ConsumerKind::Session);
        assert_eq!(of(&[]), ConsumerKind::Address);
    }

    #[test]
    fn a_new_token_of_the_same_subject_is_the_same_consumer() {
        let mut consumers = Consumers::new(Key::fixed());
        let mut of = |claims: &str| {
            let bearer = format!("Bearer {}", token(claims));
            consumer(&mut consumers, &[("Authorization", &bearer)], "192.0.2.1")
        };
        let first = of("{\"sub\":\"bob\",\"exp\":1}");
        assert_eq!(first, of("{\"exp\":2,\"sub\":\"bob\"}"));
        assert_ne!(first, of("{\"sub\":\"eve\"}"));
        assert_ne!(first, of("{\"sub\":\"bob\",\"iss\":\"other\"}"));
        assert_eq!(of("{\"sub\":7}").kind, ConsumerKind::Subject);
        assert_eq!(of("{\"name\":\"bob\"}").kind, ConsumerKind::Credential);
        assert_eq!(of("[1]").kind, ConsumerKind::Credential);
    }

    #[test]
    fn a_wrong_password_is_the_same_consumer() {
        let mut consumers = Consumers::new(Key::fixed());
        // bob:a and bob:b
        let mut of = |value: &str| consumer(&mut consumers, &[("Authorization", value)], "::1");
        assert_eq!(of("Basic Ym9iOmE="), of("Basic Ym9iOmI="));
        assert_ne!(of("Basic Ym9iOmE="), of("Basic ZXZlOmE="));
        assert_ne!(of("Basic Ym9iOmE="), of("Bearer Ym9iOmE="));
    }

    #[test]
    fn remembering_changes_no_answer() {
        let mut consumers = Consumers::new(Key::fixed());
        let address = |n: u16| format!("10.0.{}.{}", n >> 8, n & 0xff);
        let all = |consumers: &mut Consumers| {
            (0..40_000).map(|n| consumer(consumers, &[], &address(n)).key).collect::<Vec<_>>()
        };
        let first = all(&mut consumers);
        assert_eq!(first, all(&mut consumers));
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 40_000);
    }
}
