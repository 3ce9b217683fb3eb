//! Who calls, as best known: the subject of a token, else a credential, a session, an address.

use std::collections::HashSet;
use std::net::IpAddr;

use tapline_model::{
    AuthKind, AuthSet, Consumer, ConsumerKey, ConsumerKind, HeaderKind, Headers, Key, Multilinear,
};

use crate::auth::{Credentials, Tokens};
use crate::base64;
use crate::token::{self, TokenFacts};

/// Callers that one worker has room to remember at first ...
const REMEMBERED_MIN: usize = 1_024;
/// ... and at most.
const REMEMBERED_MAX: usize = 32_768;
/// Marks the hash of a basic credential, apart from its kind.
const IS_BASIC: u8 = 0x10;
/// The roles of a field that is hashed unread, apart from the kinds.
const SOLE_AUTHORIZATION: u8 = 0x20;
const SOLE_KEY: u8 = 0x21;

/// Words of a field that is hashed unread: of a longer one the credential is read each time.
const SOLE_WORDS: usize = 130;

/// Names consumers. Remembers the last ones, because a slow hash stands behind every name.
pub(crate) struct Consumers {
    key: Key,
    soles: Box<Multilinear<SOLE_WORDS>>,
    remembered: Remembered,
    tokens: Tokens,
    text: Vec<u8>,
    claims: Vec<u8>,
}

impl std::fmt::Debug for Consumers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consumers")
    }
}

/// The cookies by which callers of a host are known, though their names do not say so.
#[derive(Clone, Copy)]
pub(crate) struct Cookies<'a> {
    pub(crate) host: &'a str,
    pub(crate) hashes: &'a HashSet<u64>,
}

impl Cookies<'_> {
    /// Whether a cookie is one. `text` is a buffer.
    fn has(self, key: &Key, name: &[u8], text: &mut Vec<u8>) -> bool {
        self.hashes.contains(&cookie_hash(key, self.host, name, text))
    }
}

/// The keyed hash of a cookie of a host. `text` is a buffer.
pub(crate) fn cookie_hash(key: &Key, host: &str, name: &[u8], text: &mut Vec<u8>) -> u64 {
    text.clear();
    text.extend_from_slice(host.as_bytes());
    text.push(0);
    text.extend_from_slice(name);
    key.text_hash(text)
}

/// The key of a consumer that is known by an address alone.
pub fn address_key(key: &Key, address: IpAddr) -> ConsumerKey {
    let kind = ConsumerKind::Address as u8;
    ConsumerKey(match address {
        IpAddr::V4(address) => key.secret_hash(kind, &address.octets()),
        IpAddr::V6(address) => key.secret_hash(kind, &address.octets()),
    })
}

/// Callers that share a place.
const WAYS: usize = 4;

/// Callers by the low bits of the fast hash of what names them. What is remembered is what would be
/// worked out again, so neither order nor luck shows in an output.
#[derive(Default)]
struct Remembered {
    places: Vec<Place>,
    /// Since it has its size: how many were replaced.
    replaced: usize,
}

/// Those that came last, the newest first.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Place {
    /// Of each the fast hash; 0 is none. Apart from the callers, so that a search reads little.
    fast: [u64; WAYS],
    callers: [Caller; WAYS],
}

impl Default for Place {
    fn default() -> Self {
        let nobody = Consumer { key: ConsumerKey(0), kind: ConsumerKind::Address };
        let token = TokenFacts::default();
        let nobody = Caller { consumer: nobody, token, auth: AuthSet::NONE, credential: 0 };
        Self { fast: [0; WAYS], callers: [nobody; WAYS] }
    }
}

/// What is known of who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) consumer: Consumer,
    pub(crate) token: TokenFacts,
    pub(crate) auth: AuthSet,
    /// The keyed hash of a token or a session that stands for one login; 0 is none.
    pub(crate) credential: u64,
}

impl Consumers {
    /// Hashes with `key`.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            soles: Box::new(Key::random().multilinear("tapline 2026 sole credential")),
            key,
            remembered: Remembered::default(),
            tokens: Tokens::default(),
            text: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// How a request authenticates itself, and who sent it from this address.
    pub(crate) fn identify(
        &mut self,
        headers: Headers<'_>,
        query: Option<&[u8]>,
        client: IpAddr,
        known: Cookies<'_>,
    ) -> Caller {
        let sole = Sole::of(headers, query, &mut self.tokens)
            .and_then(|sole| self.soles.hash_text(sole.value, sole.tag()));
        if let Some(caller) = sole.and_then(|fast| self.remembered.find(fast)) {
            return caller;
        }
        let mut credentials = Credentials::of(headers, query, &mut self.tokens);
        if credentials.session.is_none()
            && headers.has(HeaderKind::Cookie)
            && !known.hashes.is_empty()
        {
            let Self { key, text, .. } = self;
            credentials.session_of(headers, |name| known.has(key, name, text));
        }
        let (consumer, token, fast) = self.of(&credentials, client);
        let token = token.in_url(credentials.is_in_url);
        let credential = if stands_for_a_login(&credentials) { fast.max(1) } else { 0 };
        let caller = Caller { consumer, token, auth: credentials.kinds, credential };
        if let Some(fast) = sole.filter(|_| credentials.names_somebody()) {
            self.remembered.put(fast, caller);
        }
        caller
    }

    /// The consumer, what its token says, and the fast hash of what names it.
    fn of(&mut self, credentials: &Credentials<'_>, client: IpAddr) -> (Consumer, TokenFacts, u64) {
        let (v4, v6);
        let (kind, text) = if let Some(token) = credentials.jwt {
            (ConsumerKind::Subject, token)
        } else if let Some(credential) = credentials.credential {
            (ConsumerKind::Credential, credential)
        } else if let Some(session) = credentials.session {
            (ConsumerKind::Session, session)
        } else {
            let octets: &[u8] = match client {
                IpAddr::V4(address) => {
                    v4 = address.octets();
                    &v4
                }
                IpAddr::V6(address) => {
                    v6 = address.octets();
                    &v6
                }
            };
            (ConsumerKind::Address, octets)
        };
        let tag = kind as u8 | if credentials.is_basic { IS_BASIC } else { 0 };
        let fast = self.hash(text, tag);
        if let Some(caller) = self.remembered.find(fast) {
            return (caller.consumer, caller.token, fast);
        }
        self.text.clear();
        if kind == ConsumerKind::Credential {
            self.text.push(u8::from(credentials.is_basic));
        }
        self.text.extend_from_slice(text);
        let (consumer, token) = self.name(kind, credentials);
        let caller = Caller { consumer, token, auth: credentials.kinds, credential: 0 };
        self.remembered.put(fast, caller);
        (consumer, token, fast)
    }

    /// The fast hash of what names somebody, in its role.
    fn hash(&mut self, value: &[u8], tag: u8) -> u64 {
        self.text.clear();
        self.text.extend_from_slice(value);
        self.text.push(tag);
        self.key.text_hash(&self.text)
    }

    fn name(
        &mut self,
        kind: ConsumerKind,
        credentials: &Credentials<'_>,
    ) -> (Consumer, TokenFacts) {
        let mut kind = kind;
        let mut facts = TokenFacts::default();
        if let Some(token) = credentials.jwt
            && kind == ConsumerKind::Subject
        {
            let (subject, read) = token::read(token, &mut self.claims);
            facts = read;
            if let Some(subject) = subject {
                self.text.clear();
                self.text.extend_from_slice(subject.issuer.as_bytes());
                self.text.push(0);
                self.text.extend_from_slice(subject.name.as_bytes());
            } else {
                kind = ConsumerKind::Credential;
            }
        } else if credentials.is_basic && kind == ConsumerKind::Credential {
            self.read_user(credentials.credential.unwrap_or_default());
        }
        (Consumer { key: ConsumerKey(self.key.secret_hash(kind as u8, &self.text)), kind }, facts)
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

/// Whether what names the caller is a token or a session: keys and passwords are shared by programs.
fn stands_for_a_login(credentials: &Credentials<'_>) -> bool {
    if credentials.jwt.is_some() || credentials.credential.is_none() {
        return credentials.jwt.or(credentials.session).is_some();
    }
    let is_key = [
        AuthKind::Basic,
        AuthKind::ApiKeyHeader,
        AuthKind::ApiKeyQuery,
        AuthKind::ApiKeyCookie,
        AuthKind::Other,
    ];
    let has_key = is_key.iter().any(|&kind| credentials.kinds.contains(kind));
    credentials.kinds.contains(AuthKind::Bearer) && !has_key
}

/// The only field of a request that may hold a credential.
struct Sole<'a> {
    is_key: bool,
    value: &'a [u8],
}

impl<'a> Sole<'a> {
    fn of(headers: Headers<'a>, query: Option<&[u8]>, tokens: &mut Tokens) -> Option<Self> {
        let is_key = headers.has(HeaderKind::ApiKey);
        if is_key == headers.has(HeaderKind::Authorization) || headers.has(HeaderKind::Cookie) {
            return None;
        }
        let kind = if is_key { HeaderKind::ApiKey } else { HeaderKind::Authorization };
        let mut values = headers.of(kind);
        let value = values.next().filter(|_| values.next().is_none())?;
        (!query.is_some_and(|query| tokens.has_key(query))).then_some(Self { is_key, value })
    }

    const fn tag(&self) -> u8 {
        if self.is_key { SOLE_KEY } else { SOLE_AUTHORIZATION }
    }
}

impl Remembered {
    #[inline]
    fn find(&self, fast: u64) -> Option<Caller> {
        let place = self.places.get(place(fast, self.places.len()))?;
        let way = place.fast.iter().position(|&known| known == fast)?;
        place.callers.get(way).copied().filter(|_| fast != 0)
    }

    fn put(&mut self, fast: u64, caller: Caller) {
        if self.replaced >= self.places.len() && self.places.len() < REMEMBERED_MAX / WAYS {
            self.grow();
        }
        let place = place(fast, self.places.len());
        if let Some(place) = self.places.get_mut(place) {
            self.replaced += usize::from(place.put(fast, caller));
        }
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(REMEMBERED_MIN / WAYS);
        let before = std::mem::replace(&mut self.places, vec![Place::default(); size]);
        for Place { fast, callers } in before {
            let known = fast.into_iter().zip(callers).filter(|&(fast, _)| fast != 0);
            for (fast, caller) in known.rev() {
                if let Some(place) = self.places.get_mut(place(fast, size)) {
                    place.put(fast, caller);
                }
            }
        }
        self.replaced = 0;
    }
}

impl Place {
    /// Puts a caller before the others; whether one was given up for it.
    fn put(&mut self, new: u64, caller: Caller) -> bool {
        let at = self.fast.iter().position(|&known| known == new || known == 0);
        let end = at.unwrap_or(WAYS - 1);
        if let (Some(fast), Some(callers)) =
            (self.fast.get_mut(..=end), self.callers.get_mut(..=end))
        {
            fast.rotate_right(1);
            callers.rotate_right(1);
        }
        let ([fast, ..], [first, ..]) = (&mut self.fast, &mut self.callers);
        (*fast, *first) = (new, caller);
        at.is_none()
    }
}

/// The place of a hash among so many, a power of two.
fn place(fast: u64, places: usize) -> usize {
    usize::try_from(fast).unwrap_or_default() & places.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use tapline_model::OwnedHeaders;

    use super::*;

    #[test]
    fn as_many_callers_as_there_are_are_remembered() {
        let mut remembered = Remembered::default();
        let caller = |n| Caller {
            consumer: Consumer { key: ConsumerKey(n), kind: ConsumerKind::Subject },
            token: TokenFacts::default(),
            auth: AuthSet::NONE,
            credential: 0,
        };
        let fast = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        assert_eq!(remembered.find(fast(1)), None);
        for round in 0..20 {
            let count = 5_000;
            let known = (1..=count).filter(|&n| remembered.find(fast(n)).is_some()).count();
            assert!(round < 10 || known > 4_000, "{known} in round {round}");
            for n in 1..=count {
                if remembered.find(fast(n)).is_none() {
                    remembered.put(fast(n), caller(n));
                }
                assert_eq!(remembered.find(fast(n)), Some(caller(n)));
            }
        }
        assert!(remembered.places.len() * WAYS <= REMEMBERED_MAX);
        for n in 1..200_000 {
            remembered.put(fast(n), caller(n));
        }
        assert_eq!(remembered.places.len() * WAYS, REMEMBERED_MAX);
    }

    /// `{"alg":"none"}` and the claims.
    fn token(claims: &str) -> String {
        let encode = token::tests::encode;
        format!("{}.{}.c2ln", encode("{\"alg\":\"none\"}"), encode(claims))
    }

    fn consumer(consumers: &mut Consumers, fields: &[(&str, &str)], client: &str) -> Consumer {
        let fields = OwnedHeaders::new(fields.iter().copied());
        consumers
            .identify(
                fields.headers(),
                None,
                client.parse().unwrap(),
                Cookies { host: "", hashes: &HashSet::new() },
            )
            .consumer
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
    fn tokens_and_sessions_stand_for_a_login_and_keys_do_not() {
        let hashes = HashSet::new();
        let known = Cookies { host: "", hashes: &hashes };
        let mut consumers = Consumers::new(Key::fixed());
        let mut of = |name: &str, value: &str, more: bool| {
            let more = more.then_some(("Cookie", "lang=de"));
            let fields = OwnedHeaders::new(std::iter::once((name, value)).chain(more));
            let client = "192.0.2.1".parse().unwrap();
            consumers.identify(fields.headers(), None, client, known).credential
        };
        let bearer = format!("Bearer {}", token("{\"sub\":\"bob\"}"));
        for (name, value) in [
            ("Authorization", bearer.as_str()),
            ("Authorization", "Bearer abc"),
            ("Cookie", "sid=1"),
        ] {
            let first = of(name, value, false);
            assert_ne!(first, 0, "{value}");
            assert_eq!(of(name, value, false), first);
            assert_eq!(of(name, value, true), first, "whatever stands beside it");
        }
        assert_eq!(of("X-Api-Key", "abc", false), 0);
        assert_eq!(of("Authorization", "Basic Ym9iOmE=", false), 0);
        assert_eq!(of("Accept", "*/*", false), 0);
    }

    /// Fields and query.
    type Sent<'a> = (&'a [(&'a str, &'a str)], Option<&'a [u8]>);

    #[test]
    fn a_field_that_was_read_before_says_the_same() {
        let hashes = HashSet::new();
        let none = Cookies { host: "", hashes: &hashes };
        let bearer = format!("Bearer {}", token("{\"sub\":\"bob\"}"));
        let cases: [Sent<'_>; 8] = [
            (&[("Authorization", &bearer)], None),
            (&[("Authorization", "Basic Ym9iOmE=")], None),
            (&[("Authorization", "Bearer abc")], Some(b"page=1")),
            (&[("Authorization", "Bearer abc")], Some(b"api%5Fkey=k2")),
            (&[("Authorization", "Negotiate YII=")], None),
            (&[("X-Api-Key", "abc")], None),
            (&[("X-Api-Key", "abc"), ("Cookie", "sid=1")], None),
            (&[("X-Api-Key", "abc"), ("Authorization", "Bearer abc")], None),
        ];
        let mut warm = Consumers::new(Key::fixed());
        for client in ["192.0.2.1", "192.0.2.2"] {
            for (fields, query) in cases {
                let fields = OwnedHeaders::new(fields.iter().copied());
                let client = client.parse().unwrap();
                let cold =
                    Consumers::new(Key::fixed()).identify(fields.headers(), query, client, none);
                for _ in 0..2 {
                    assert_eq!(warm.identify(fields.headers(), query, client, none), cold);
                }
            }
        }
    }

    #[test]
    fn a_cookie_that_was_learned_names_a_session() {
        let mut consumers = Consumers::new(Key::fixed());
        let hashes = HashSet::from([cookie_hash(&Key::fixed(), "shop", b"who", &mut Vec::new())]);
        let mut of = |host: &str, cookie: &str| {
            let fields = OwnedHeaders::new([("Cookie", cookie)]);
            let known = Cookies { host, hashes: &hashes };
            consumers.identify(fields.headers(), None, "::1".parse().unwrap(), known)
        };
        let known = of("shop", "lang=de; who=a");
        assert_eq!(known.consumer.kind, ConsumerKind::Session);
        assert_eq!(known.auth.label(), "session_cookie");
        assert_eq!(of("shop", "who=a").consumer, known.consumer);
        assert_ne!(of("shop", "who=b").consumer, known.consumer);
        assert_eq!(of("other", "who=a").consumer.kind, ConsumerKind::Address);
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
