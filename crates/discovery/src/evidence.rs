//! What a transaction shows of how its endpoint is built and guarded.

mod cookie;
mod markers;
mod software;

pub(crate) use self::markers::read as read_markers;

use std::sync::Arc;

use compact_str::CompactString;
use tapline_model::{
    AuthKind, Fact, FactSet, HeaderKind, Headers, Key, Observation, Outcome, RequestHead,
    ResponseHead, Transaction,
};

use self::software::Software;
use crate::memo::Memo;
use crate::parameter;
use crate::token::TokenFacts;

/// Bytes of a field that are looked through for a word.
const FIELD_BYTES_MAX: usize = 512;
/// Bytes of a user agent that tell it from others.
const AGENT_BYTES_MAX: usize = 512;

/// Reads the evidence. What it remembers saves time and changes no output.
pub(crate) struct Evidence {
    key: Key,
    software: Software,
    /// User agents and their hashes.
    agents: Memo<u64>,
    /// What was said of caches last, and whether it forbids them.
    caching: (Vec<u8>, bool),
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Evidence")
    }
}

impl Evidence {
    /// Hashes with `key`.
    pub(crate) fn new(key: Key) -> Self {
        Self {
            key,
            software: Software::new(),
            agents: Memo::default(),
            caching: Default::default(),
        }
    }

    /// Fills in what `seen`, whose status and credentials are known, says besides.
    pub(crate) fn read(
        &mut self,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
        token: TokenFacts,
        seen: &mut Observation,
    ) {
        let mut facts = FactSet::EMPTY;
        let sent = request.headers;
        let is_tls = is_tls(sent);
        facts.insert_if(Fact::TlsInFront, is_tls);
        facts.insert_if(Fact::BasicPlaintext, !is_tls && seen.auth.contains(AuthKind::Basic));
        facts.insert_if(Fact::CredentialInUrl, token.is_in_url());
        if Outcome::of(seen.status) == Outcome::Granted {
            facts.extend(token.facts(transaction.started_at));
        }
        seen.agent = sent.first(HeaderKind::UserAgent).map_or(0, |agent| self.agent(agent));
        seen.reflected_origin = None;
        seen.session_cookie = None;
        match &transaction.response {
            Some(response) => {
                facts.extend(self.answer(transaction, request, response, is_tls, seen));
            }
            None => seen.software = None,
        }
        seen.facts = facts;
    }

    fn answer(
        &mut self,
        transaction: &Transaction<'_>,
        request: &RequestHead<'_>,
        response: &ResponseHead<'_>,
        is_tls: bool,
        seen: &mut Observation,
    ) -> FactSet {
        let mut facts = FactSet::EMPTY;
        let answered = response.headers;
        let body = &transaction.response_body;
        let named = self.software.read(answered.of(HeaderKind::Software));
        facts.insert_if(Fact::VersionShown, named.shows_version);
        if !is_same(seen.software.as_ref(), named.names.as_ref()) {
            seen.software.clone_from(&named.names);
        }
        if answered.has(HeaderKind::SetCookie) {
            let (shown, unnamed) = cookie::facts(answered);
            facts.extend(shown);
            // It is what a login answers with: elsewhere it may stand for a visitor that nobody knows.
            seen.session_cookie = unnamed.filter(|_| seen.name.method == "POST").map(|name| {
                let mut spelled = CompactString::default();
                parameter::spell_name(name, &mut spelled);
                spelled
            });
        }
        if answered.has(HeaderKind::AllowOrigin) {
            self.cross_origin(request, answered, seen, &mut facts);
        }
        facts.insert_if(Fact::HstsMissing, is_tls && !answered.has(HeaderKind::StrictTransport));
        if seen.bodies_read {
            facts.extend(markers::read(body, response.status));
        }
        if (200..300).contains(&response.status) {
            let is_odd = matches!(seen.name.method.as_str(), "TRACE" | "TRACK" | "DEBUG");
            facts.insert_if(Fact::TraceAnswered, is_odd);
            if body.wire_bytes > 0 {
                content(answered, body.media_type, &mut facts);
                let is_private = seen.name.method == "GET" && !seen.auth.is_none();
                facts.insert_if(Fact::Private, is_private);
                facts.insert_if(Fact::Cacheable, is_private && self.is_cacheable(answered));
            }
        }
        facts
    }

    /// Who besides its own pages may read the answer (Fetch standard, section 3.2).
    fn cross_origin(
        &self,
        request: &RequestHead<'_>,
        answered: Headers<'_>,
        seen: &mut Observation,
        facts: &mut FactSet,
    ) {
        let allowed = answered.first(HeaderKind::AllowOrigin).unwrap_or_default();
        let with_credentials = answered
            .first(HeaderKind::AllowCredentials)
            .is_some_and(|value| value.eq_ignore_ascii_case(b"true"));
        if allowed == b"*" {
            facts.insert(Fact::CorsAny);
            return;
        }
        if allowed.eq_ignore_ascii_case(b"null") {
            facts.insert(Fact::CorsNull);
        }
        let Some(origin) = request.headers.first(HeaderKind::Origin) else { return };
        if origin == allowed && !is_same_site(origin, request.authority.unwrap_or_default()) {
            seen.reflected_origin = Some(self.key.text_hash(origin));
            facts.insert_if(Fact::CorsCredentials, with_credentials);
        }
    }

    /// Whether nothing keeps shared caches from keeping an answer.
    fn is_cacheable(&mut self, answered: Headers<'_>) -> bool {
        let (known, forbids) = &mut self.caching;
        !answered.of(HeaderKind::CacheControl).any(|value| {
            if known != value {
                known.clear();
                known.extend_from_slice(value.get(..FIELD_BYTES_MAX).unwrap_or(value));
                *forbids = forbids_caches(known);
            }
            *forbids
        })
    }

    /// The keyed hash of a user agent.
    fn agent(&mut self, agent: &[u8]) -> u64 {
        let agent = agent.get(..AGENT_BYTES_MAX).unwrap_or(agent);
        self.agents.find(agent).copied().unwrap_or_else(|| {
            let hash = self.key.text_hash(agent).max(1);
            self.agents.remember(agent, hash);
            hash
        })
    }
}

/// Whether both are one, or there is none.
fn is_same<T: ?Sized>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether a proxy says that the client spoke TLS.
fn is_tls(sent: Headers<'_>) -> bool {
    sent.first(HeaderKind::ForwardedProto)
        .and_then(|value| value.get(..5))
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
}

/// What protects a page that is shown.
fn content(answered: Headers<'_>, media_type: &str, facts: &mut FactSet) {
    facts.insert(Fact::Content);
    facts.insert_if(Fact::NoSniffMissing, !answered.has(HeaderKind::ContentTypeOptions));
    if media_type != "text/html" {
        return;
    }
    facts.insert(Fact::Html);
    let policy = answered.first(HeaderKind::ContentSecurity);
    facts.insert_if(Fact::CspMissing, policy.is_none());
    let is_framed = answered.has(HeaderKind::FrameOptions)
        || policy.is_some_and(|policy| has_word(policy, b"frame-ancestors"));
    facts.insert_if(Fact::FrameMissing, !is_framed);
}

/// Whether a value of `Cache-Control` keeps shared caches from keeping an answer (RFC 9111 section
/// 5.2.2).
fn forbids_caches(value: &[u8]) -> bool {
    let forbids = |directive: &[u8]| {
        let end = memchr::memchr(b'=', directive).unwrap_or(directive.len());
        let name = directive.get(..end).unwrap_or_default().trim_ascii();
        [b"no-store".as_slice(), b"no-cache", b"private"]
            .iter()
            .any(|word| name.eq_ignore_ascii_case(word))
    };
    value.get(..FIELD_BYTES_MAX).unwrap_or(value).split(|&byte| byte == b',').any(forbids)
}

fn has_word(value: &[u8], word: &[u8]) -> bool {
    let value = value.get(..FIELD_BYTES_MAX).unwrap_or(value);
    value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether an origin and a host have the last two labels in common, or are the same address.
fn is_same_site(origin: &[u8], authority: &[u8]) -> bool {
    let host = |text: &[u8]| -> Vec<u8> {
        let at = memchr::memmem::find(text, b"://").map_or(0, |at| at + 3);
        let host = text.get(at..).unwrap_or_default();
        let end = memchr::memchr2(b':', b'/', host).unwrap_or(host.len());
        host.get(..end).unwrap_or_default().to_ascii_lowercase()
    };
    let (origin, authority) = (host(origin), host(authority));
    let is_name = |host: &[u8]| host.iter().any(u8::is_ascii_alphabetic);
    if !is_name(&origin) || !is_name(&authority) {
        return origin == authority;
    }
    let site = |host: &[u8]| -> Vec<Vec<u8>> {
        host.rsplit(|&byte| byte == b'.').take(2).map(<[u8]>::to_vec).collect()
    };
    site(&origin) == site(&authority)
}

#[cfg(test)]
mod tests {
    use crate::testing::Exchange;

    use super::*;

    fn facts(exchange: &Exchange) -> Vec<&'static str> {
        exchange.observed().facts.iter().map(Fact::label).collect()
    }

    fn get() -> Exchange {
        Exchange::new("GET", "/a", 200)
    }

    #[test]
    fn what_protects_an_answer_is_missed() {
        assert_eq!(facts(&get()), ["content", "no_sniff_missing"]);
        assert_eq!(facts(&get().answered("X-Content-Type-Options", "nosniff")), ["content"]);
        let page = get().answer("text/html", "<p>").answered("X-Content-Type-Options", "nosniff");
        assert_eq!(facts(&page), ["content", "html", "csp_missing", "frame_missing"]);
        let framed = page.clone().answered("Content-Security-Policy", "frame-ancestors 'none'");
        assert_eq!(facts(&framed), ["content", "html"]);
        let tls = get().field("X-Forwarded-Proto", "https");
        assert!(facts(&tls).contains(&"hsts_missing"));
        assert!(!facts(&tls.answered("Strict-Transport-Security", "1")).contains(&"hsts_missing"));
    }

    #[test]
    fn what_is_private_should_not_be_kept_by_caches() {
        let known = get().field("Authorization", "Bearer abc");
        assert!(facts(&known).contains(&"cacheable"));
        let kept = known.answered("Cache-Control", "max-age=3, Private");
        assert!(facts(&kept).contains(&"private") && !facts(&kept).contains(&"cacheable"));
    }

    #[test]
    fn credentials_in_the_open_are_seen() {
        let basic = get().field("Authorization", "Basic Ym9iOng=");
        assert!(facts(&basic).contains(&"basic_plaintext"));
        assert!(!facts(&basic.field("X-Forwarded-Proto", "https")).contains(&"basic_plaintext"));
        let key = Exchange::new("GET", "/a?api_key=0123456789", 401);
        assert_eq!(facts(&key), ["credential_in_url"]);
        assert!(facts(&key.field("Cookie", "a=b")).contains(&"credential_in_url"));
    }

    #[test]
    fn who_may_read_across_origins() {
        let asked = |origin: &str| get().field("Origin", origin);
        let any = asked("https://evil.test").answered("Access-Control-Allow-Origin", "*");
        assert!(facts(&any).contains(&"cors_any"));
        let reflected = |origin: &str| {
            asked(origin)
                .answered("Access-Control-Allow-Origin", origin)
                .answered("Access-Control-Allow-Credentials", "true")
        };
        let foreign = reflected("https://evil.invalid").observed();
        assert!(foreign.reflected_origin.is_some());
        assert!(foreign.facts.contains(Fact::CorsCredentials));
        assert!(reflected("https://www.example.test").observed().reflected_origin.is_none());
        assert!(facts(&reflected("null")).contains(&"cors_null"));
    }

    #[test]
    fn a_cookie_that_a_login_sets_is_one_to_know_callers_by() {
        let set = |method: &'static str, cookie: &str| {
            let exchange = Exchange::new(method, "/in", 200).answered("Set-Cookie", cookie);
            exchange.observed().session_cookie.map(String::from)
        };
        let random = "Zx81kd92LqAAbb77CCdd";
        assert_eq!(set("POST", &format!("who={random}; HttpOnly")), Some("who".to_owned()));
        assert_eq!(set("POST", &format!("who={random}")), None, "scripts may read it");
        assert_eq!(set("GET", &format!("who={random}; HttpOnly")), None, "no login");
        assert_eq!(set("POST", &format!("sid={random}; HttpOnly")), None, "its name says so");
        assert_eq!(set("POST", "who=17; HttpOnly"), None, "it can be guessed");
    }

    #[test]
    fn banners_and_markers_are_read() {
        let seen = get().answered("Server", "nginx/1.18.0").observed();
        assert_eq!(seen.software.as_deref().map(<[_]>::len), Some(1));
        assert!(seen.facts.contains(Fact::VersionShown));
        let trace = Exchange::new("GET", "/a", 500)
            .answer("text/plain", "Traceback (most recent call last)");
        assert_eq!(facts(&trace), ["stack_trace"]);
        assert!(facts(&Exchange::new("TRACE", "/", 200)).contains(&"trace_answered"));
    }

    #[test]
    fn agents_are_told_apart() {
        let agent = |name: &str| get().field("User-Agent", name).observed().agent;
        assert_eq!(agent("a"), agent("a"));
        assert_ne!(agent("a"), agent("b"));
        assert_eq!(get().observed().agent, 0);
    }
}
