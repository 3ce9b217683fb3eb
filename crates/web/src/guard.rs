//! Who may ask, and what every answer carries.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::asked::App;
use crate::config::Config;
use crate::problem::{Explained, Problem};
use crate::state::{SensorInfo, State};

/// Nothing but the sensor's own style, script, images and API. No inline style or script.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
     form-action 'self'";

/// The referrer policy decides what forms of this sensor say of where they come from: with
/// `no-referrer` browsers say `null`, as they do for a foreign page that hides itself.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What a request must satisfy before it is answered.
pub(crate) struct Guard {
    /// Host names accepted; none when any is.
    ///
    /// A page from elsewhere can point its own name at the loopback address and read what listens
    /// there (DNS rebinding); its requests carry that name.
    hosts: Option<Vec<String>>,
    /// The hash of the only basic credentials accepted. Hashes are compared in constant time.
    credentials: Option<blake3::Hash>,
    /// The name in those.
    user: Option<String>,
    /// The origin of `alert.external_url`, under which a proxy may serve the pages.
    external_origin: Option<String>,
    /// Of the only bearer token.
    token: Option<blake3::Hash>,
    /// Of the only key of programs that block.
    api_key: Option<blake3::Hash>,
    head_bytes_max: u64,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl Guard {
    /// What the settings ask for.
    pub(crate) fn new(config: &Config, state: &State) -> Self {
        let secret_hash = |secret: &String| blake3::hash(secret.as_bytes());
        let prevention = state.prevention.as_ref();
        let credentials = config.basic_auth.as_ref().map(|(user, password)| {
            blake3::hash(base64(format!("{user}:{password}").as_bytes()).as_bytes())
        });
        Self {
            hosts: config.listen.ip().is_loopback().then(|| hosts_of(config.listen, &state.sensor)),
            credentials,
            user: config.basic_auth.as_ref().map(|(user, _)| user.clone()),
            external_origin: origin_of(&state.sensor.external_url),
            token: config.token.as_ref().map(secret_hash),
            api_key: prevention.and_then(|one| one.api_key.as_ref()).map(secret_hash),
            head_bytes_max: u64::from(config.request_bytes_max),
        }
    }

    /// # Errors
    /// Why the request is not answered.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        if !self.knows_host(request) {
            return Err(Problem::misdirected());
        }
        if head_bytes(request) > self.head_bytes_max {
            return Err(Problem::head_too_long());
        }
        let path = request.uri().path();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_for_bouncers(path) {
            return match self.has_api_key(request) {
                false => Err(Problem::forbidden()),
                // Newer bouncers post their own metrics, and take this for an older local API.
                true if !is_read => Err(Problem::not_found("there is nothing to post here")),
                true => Ok(()),
            };
        }
        let is_change = takes_changes(request.method(), path);
        if !is_read && !is_change {
            return Err(Problem::read_only());
        }
        if !self.is_allowed(request) {
            return Err(Problem::unauthorised());
        }
        if is_change && !self.is_own_origin(request.headers()) {
            return Err(Problem::foreign());
        }
        Ok(())
    }

    /// A request that names no host is not from a browser.
    fn knows_host(&self, request: &Request) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        let is_known = |authority: Option<Authority>| {
            authority.is_some_and(|name| {
                hosts.iter().any(|known| name.host().eq_ignore_ascii_case(known))
            })
        };
        let named = request.headers().get_all(HOST).iter().all(|value| {
            is_known(value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()))
        });
        named && request.uri().authority().is_none_or(|name| is_known(Some(name.clone())))
    }

    fn is_allowed(&self, request: &Request) -> bool {
        let Some(expected) = &self.credentials else { return true };
        match request.uri().path() {
            "/-/healthy" | "/-/ready" => return true,
            "/api/v1/prevention" if self.has_api_key(request) => return true,
            _ => {}
        }
        shows(request.headers(), "basic", Some(*expected))
            || shows(request.headers(), "bearer", self.token)
    }

    /// On whose authority something is changed. Where basic credentials are set, nobody comes here
    /// without; else a token is asked for, if there is one; else, on loopback, nobody is asked.
    pub(crate) fn authority(&self, headers: &HeaderMap) -> Mandate {
        if shows(headers, "bearer", self.token) {
            return Mandate::Token;
        }
        match (&self.credentials, &self.user) {
            (Some(expected), Some(user)) if shows(headers, "basic", Some(*expected)) => {
                Mandate::User(user.clone())
            }
            (None, _) if self.token.is_none() && self.hosts.is_some() => Mandate::Open,
            _ => Mandate::Nobody,
        }
    }

    /// Whether somebody may change something, with what it takes.
    pub(crate) fn takes_changes(&self) -> bool {
        self.credentials.is_some() || self.token.is_some() || self.hosts.is_some()
    }

    /// Whether it is known who asks.
    pub(crate) fn knows_users(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether a form has to carry the token, because a browser has nothing else to show.
    pub(crate) fn asks_for_token(&self) -> bool {
        self.credentials.is_none() && self.token.is_some()
    }

    /// Whether this is the token.
    pub(crate) fn is_token(&self, shown: &str) -> bool {
        self.token.is_some_and(|expected| blake3::hash(shown.as_bytes()) == expected)
    }

    /// Why somebody may not change anything.
    pub(crate) fn no_authority(&self) -> Problem {
        let detail = if self.takes_changes() {
            "the token of web.token_file is needed to change anything"
        } else {
            "web.basic_auth or web.token_file is needed before anything can be changed"
        };
        Problem::no_authority(detail, self.token.is_some())
    }

    /// Browsers say where a request comes from; programs do not.
    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter().map(|value| value.to_str());
            (values.next(), values.next())
        };
        match text(&HeaderName::from_static("sec-fetch-site")) {
            (None, _) | (Some(Ok("same-origin")), None) => {}
            _ => return false,
        }
        match (text(&ORIGIN), text(&HOST)) {
            ((None, _), _) => true,
            ((Some(Ok(origin)), None), (Some(Ok(host)), None)) => {
                let named = origin.split_once("://").map_or("", |(_, authority)| authority);
                named.eq_ignore_ascii_case(host)
                    || self
                        .external_origin
                        .as_ref()
                        .is_some_and(|own| own.eq_ignore_ascii_case(origin))
            }
            _ => false,
        }
    }

    fn has_api_key(&self, request: &Request) -> bool {
        let mut values = request.headers().get_all("x-api-key").iter();
        let (Some(given), None) = (values.next(), values.next()) else { return false };
        self.api_key.is_some_and(|expected| blake3::hash(given.as_bytes()) == expected)
    }
}

/// Lets a request through, or says why not; adds what every answer carries.
pub(crate) async fn guard(
    Extract(app): Extract<Arc<App>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = match app.guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.respond(&app, &path),
    };
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error && response.extensions().get::<Explained>().is_none() {
        // One of the layers answered, in a word or less.
        response = Problem::of_status(status).respond(&app, &path);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What a caught panic answers; the guard puts it into words.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// On whose authority something is changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mandate {
    /// Of somebody whose name was proved.
    User(String),
    /// Of whoever has the token.
    Token,
    /// Nobody is asked for anything.
    Open,
    /// Of nobody.
    Nobody,
}

/// Whether the one `Authorization` there shows what has this hash.
fn shows(headers: &HeaderMap, wanted: &str, expected: Option<blake3::Hash>) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(given), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, shown)) = given.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(wanted)
        && expected.is_some_and(|expected| blake3::hash(shown.trim().as_bytes()) == expected)
}

/// Where orders are given: by forms and programs, and what only programs do.
fn takes_changes(method: &Method, path: &str) -> bool {
    let between = |path: &str, start, end| {
        let id = path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
    };
    let of_both = path.strip_prefix("/api/v1").unwrap_or(path);
    match *method {
        Method::POST => {
            between(of_both, "/findings/", "/verdict")
                || between(of_both, "/verdicts/", "/lift")
                || between(path, "/endpoints/", "/template")
                || between(path, "/templates/", "/remove")
                || path == "/api/v1/templates"
        }
        Method::DELETE => between(path, "/api/v1/templates/", ""),
        _ => false,
    }
}

/// Scheme and authority of a URL, as browsers write origins.
fn origin_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?))
}

/// The paths of the local API of `CrowdSec`. Its clients show a key and nothing else.
fn is_for_bouncers(path: &str) -> bool {
    path.starts_with("/v1/")
}

fn hosts_of(listen: SocketAddr, sensor: &SensorInfo) -> Vec<String> {
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    hosts.push(match listen.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    });
    let external = sensor.external_url.parse::<Uri>().ok();
    hosts.extend(external.and_then(|url| url.host().map(str::to_owned)));
    hosts
}

/// Bytes of the request line's target and of the header section.
fn head_bytes(request: &Request) -> u64 {
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, str::len);
    let fields: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    u64::try_from(target + fields).unwrap_or(u64::MAX)
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0usize, |word, place| {
            word << 8 | usize::from(group.get(place).copied().unwrap_or(0))
        });
        for digit in 0..4 {
            let index = word >> (18 - 6 * digit) & 63;
            let letter = ALPHABET.get(index).copied().map_or('=', char::from);
            text.push(if digit <= group.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Mode;

    fn sensor(external_url: &str) -> SensorInfo {
        SensorInfo {
            name: "test".to_owned(),
            version: "0".to_owned(),
            mode: Mode::Live,
            sources: Vec::new(),
            external_url: external_url.to_owned(),
        }
    }

    fn state(external_url: &str) -> State {
        State {
            view: Arc::default(),
            endpoints: Arc::default(),
            metrics: Arc::new(|_| Ok(String::new())),
            health: Arc::new(crate::state::Health::default),
            prevention: None,
            triage: None,
            templates: None,
            packets: None,
            sensor: sensor(external_url),
        }
    }

    fn asks(host: &str) -> Request {
        Request::builder().uri("/").header(HOST, host).body(Body::empty()).unwrap()
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_loopback_listener_knows_its_own_names_only() {
        let guard = Guard::new(&Config::default(), &state("https://sensor.example:8443/tap"));
        for host in
            ["localhost:9488", "LOCALHOST", "127.0.0.1:9488", "[::1]:9488", "sensor.example"]
        {
            assert!(guard.knows_host(&asks(host)), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "@"] {
            assert!(!guard.knows_host(&asks(host)), "{host}");
        }
        let both = Request::builder()
            .uri("/")
            .header(HOST, "localhost")
            .header(HOST, "evil.example")
            .body(Body::empty())
            .unwrap();
        assert!(!guard.knows_host(&both));
    }

    #[test]
    fn changes_are_taken_where_there_is_something_to_change() {
        for (method, path, takes) in [
            (Method::POST, "/api/v1/templates", true),
            (Method::POST, "/templates", false),
            (Method::POST, "/templates/0a/remove", true),
            (Method::POST, "/api/v1/templates/0a/remove", false),
            (Method::POST, "/endpoints/0a/template", true),
            (Method::POST, "/endpoints//template", false),
            (Method::POST, "/api/v1/verdicts/4/lift", true),
            (Method::DELETE, "/api/v1/templates/0a", true),
            (Method::DELETE, "/api/v1/templates/", false),
            (Method::DELETE, "/api/v1/templates/0a/b", false),
            (Method::DELETE, "/api/v1/verdicts/4", false),
            (Method::PUT, "/api/v1/templates", false),
        ] {
            assert_eq!(takes_changes(&method, path), takes, "{method} {path}");
        }
    }

    #[test]
    fn other_listeners_answer_under_any_name() {
        let config =
            Config { listen: SocketAddr::from(([10, 0, 0, 1], 9488)), ..Config::default() };
        assert!(Guard::new(&config, &state("")).knows_host(&asks("anything.example")));
    }

    #[test]
    fn a_guard_never_prints_credentials() {
        let config = Config {
            basic_auth: Some(("ada".to_owned(), "hunter2".to_owned())),
            ..Config::default()
        };
        let shown = format!("{:?}", Guard::new(&config, &state("")));
        assert!(!shown.contains("hunter2") && !shown.contains("ada"));
    }
}
