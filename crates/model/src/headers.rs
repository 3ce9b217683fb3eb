//! The fields of a message head: places in its bytes, each name told apart once.

use std::fmt;
use std::ops::Range;

/// The names that anyone looks for; every other name is [`HeaderKind::Other`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderKind {
    /// None of those below.
    #[default]
    Other,
    /// `Host`.
    Host,
    /// `Content-Length`.
    ContentLength,
    /// `Content-Type`.
    ContentType,
    /// `Content-Encoding`.
    ContentEncoding,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Connection`.
    Connection,
    /// `Expect`.
    Expect,
    /// `Date`.
    Date,
    /// `Location`.
    Location,
    /// `Authorization`.
    Authorization,
    /// `Cookie`.
    Cookie,
    /// `Set-Cookie`.
    SetCookie,
    /// `User-Agent`.
    UserAgent,
    /// `Forwarded`.
    Forwarded,
    /// `X-Forwarded-For`.
    ForwardedFor,
    /// Any of the names that carry an API key, `X-API-Key` being the best known.
    ApiKey,
    /// `Origin`.
    Origin,
    /// `X-Forwarded-Proto`.
    ForwardedProto,
    /// `Server`, `X-Powered-By`: what made the answer.
    Software,
    /// `Strict-Transport-Security`.
    StrictTransport,
    /// `X-Content-Type-Options`.
    ContentTypeOptions,
    /// `Content-Security-Policy`.
    ContentSecurity,
    /// `X-Frame-Options`.
    FrameOptions,
    /// `Cache-Control`.
    CacheControl,
    /// `Access-Control-Allow-Origin`.
    AllowOrigin,
    /// `Access-Control-Allow-Credentials`.
    AllowCredentials,
}

/// The kind of the known name that `name` is. Names of one length, in lower case.
macro_rules! pick {
    ($name:expr, $($known:literal => $kind:ident),+) => {{
        let sent = words($name);
        $(if is_same(sent, const { words($known) }, const { cases($known) }) {
            return Self::$kind;
        })+
        Self::Other
    }};
}

impl HeaderKind {
    /// The kind of a name, compared without case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        match name.len() {
            4 => pick!(name, b"host" => Host, b"date" => Date),
            6 => {
                pick!(name, b"cookie" => Cookie, b"expect" => Expect, b"apikey" => ApiKey, b"server" => Software, b"origin" => Origin)
            }
            7 => pick!(name, b"api-key" => ApiKey, b"x-token" => ApiKey),
            8 => pick!(name, b"location" => Location, b"x-apikey" => ApiKey),
            9 => {
                pick!(name, b"forwarded" => Forwarded, b"x-api-key" => ApiKey, b"x-app-key" => ApiKey)
            }
            10 => {
                pick!(name, b"connection" => Connection, b"user-agent" => UserAgent, b"set-cookie" => SetCookie, b"x-auth-key" => ApiKey)
            }
            11 => pick!(name, b"x-api-token" => ApiKey),
            12 => {
                pick!(name, b"content-type" => ContentType, b"x-auth-token" => ApiKey, b"x-powered-by" => Software)
            }
            13 => {
                pick!(name, b"authorization" => Authorization, b"private-token" => ApiKey, b"cache-control" => CacheControl)
            }
            14 => {
                pick!(name, b"content-length" => ContentLength, b"x-access-token" => ApiKey, b"x-gitlab-token" => ApiKey, b"x-goog-api-key" => ApiKey)
            }
            15 => {
                pick!(name, b"x-forwarded-for" => ForwardedFor, b"x-functions-key" => ApiKey, b"x-frame-options" => FrameOptions)
            }
            16 => pick!(name, b"content-encoding" => ContentEncoding),
            17 => {
                pick!(name, b"transfer-encoding" => TransferEncoding, b"x-forwarded-proto" => ForwardedProto)
            }
            22 => {
                pick!(name, b"x-content-type-options" => ContentTypeOptions, b"x-shopify-access-token" => ApiKey)
            }
            23 => pick!(name, b"content-security-policy" => ContentSecurity),
            25 if name.eq_ignore_ascii_case(b"strict-transport-security") => Self::StrictTransport,
            25 if name.eq_ignore_ascii_case(b"ocp-apim-subscription-key") => Self::ApiKey,
            27 if name.eq_ignore_ascii_case(b"access-control-allow-origin") => Self::AllowOrigin,
            32 if name.eq_ignore_ascii_case(b"access-control-allow-credentials") => {
                Self::AllowCredentials
            }
            _ => Self::Other,
        }
    }
}

/// All of a name of 4 to 24 bytes, as words that may overlap.
#[inline]
const fn words(name: &[u8]) -> [u64; 3] {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        let middle = match name.split_at_checked(8) {
            Some((_, rest)) if name.len() > 16 => rest.first_chunk(),
            _ => None,
        };
        let middle = match middle {
            Some(middle) => u64::from_le_bytes(*middle),
            None => 0,
        };
        return [u64::from_le_bytes(*first), u64::from_le_bytes(*last), middle];
    }
    let (first, last): (Option<&[u8; 4]>, _) = (name.first_chunk(), name.last_chunk());
    match (first, last) {
        (Some(first), Some(last)) => {
            let last = u32::from_le_bytes(*last) as u64;
            [u32::from_le_bytes(*first) as u64 | last << 32, 0, 0]
        }
        _ => [0; 3],
    }
}

/// Of what occurs in known names, letters alone have this bit.
const LETTER: u64 = 0x4040_4040_4040_4040;

/// The bit that makes a letter a small one, for every letter of a name: no other byte has a case, and
/// none may be taken for `-`.
const fn cases(name: &[u8]) -> [u64; 3] {
    let [first, last, middle] = words(name);
    [(first & LETTER) >> 1, (last & LETTER) >> 1, (middle & LETTER) >> 1]
}

#[inline]
fn is_same(name: [u64; 3], known: [u64; 3], cases: [u64; 3]) -> bool {
    let is_same = |((name, known), case): ((u64, u64), u64)| (name | case) == known;
    name.into_iter().zip(known).zip(cases).all(is_same)
}

/// Kinds of header fields, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderKinds(u32);

impl HeaderKinds {
    /// Adds a kind.
    #[inline]
    pub fn insert(&mut self, kind: HeaderKind) {
        self.0 |= 1 << kind as u32;
    }

    /// Whether a kind is in it.
    #[inline]
    pub fn contains(self, kind: HeaderKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }
}

/// One header field, as places in the bytes of its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    name_start: u32,
    /// Low byte first: a head is never so long that more is needed.
    name_bytes: [u8; 3],
    kind: HeaderKind,
    value_start: u32,
    value_end: u32,
}

impl Place {
    #[inline]
    fn new(kind: HeaderKind, name: &Range<u32>, value: &Range<u32>) -> Self {
        let name_bytes = name.end.saturating_sub(name.start).min(0x00ff_ffff);
        let [low, middle, high, _] = name_bytes.to_le_bytes();
        Self {
            name_start: name.start,
            name_bytes: [low, middle, high],
            kind,
            value_start: value.start,
            value_end: value.end,
        }
    }

    #[inline]
    fn name(self, head: &[u8]) -> &[u8] {
        let [low, middle, high] = self.name_bytes;
        let bytes = u32::from_le_bytes([low, middle, high, 0]);
        part(head, self.name_start, self.name_start.saturating_add(bytes))
    }

    #[inline]
    fn value(self, head: &[u8]) -> &[u8] {
        part(head, self.value_start, self.value_end)
    }
}

/// One header field, as places in its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderLine(Place);

impl HeaderLine {
    /// Of a line that begins with a name of `kind`.
    #[inline]
    pub fn new(kind: HeaderKind, name_bytes: usize, value: Range<usize>) -> Self {
        Self(Place::new(kind, &(0..place(name_bytes)), &(place(value.start)..place(value.end))))
    }

    /// The same name with a value elsewhere.
    #[inline]
    #[must_use]
    pub fn with_value(self, value: Range<usize>) -> Self {
        Self(Place { value_start: place(value.start), value_end: place(value.end), ..self.0 })
    }

    /// What the name is.
    #[inline]
    pub fn kind(self) -> HeaderKind {
        self.0.kind
    }

    /// The value, read from the line.
    #[inline]
    pub fn value(self, line: &[u8]) -> &[u8] {
        self.0.value(line)
    }
}

/// The fields of one head, as places in its bytes: those bytes are kept elsewhere.
#[derive(Clone, Debug, Default)]
pub struct HeaderFields {
    places: Vec<Place>,
    kinds: HeaderKinds,
}

impl HeaderFields {
    /// What one field takes of memory.
    pub const FIELD_BYTES: usize = size_of::<Place>();

    /// Adds a field whose name is of `kind`.
    #[inline]
    pub fn push(&mut self, kind: HeaderKind, name: Range<u32>, value: Range<u32>) {
        self.kinds.insert(kind);
        self.places.push(Place::new(kind, &name, &value));
    }

    /// Adds a field whose line begins at `at`.
    #[inline]
    pub fn push_line(&mut self, line: HeaderLine, at: usize) {
        let at = place(at);
        self.kinds.insert(line.0.kind);
        self.places.push(Place {
            name_start: at,
            value_start: line.0.value_start.wrapping_add(at),
            value_end: line.0.value_end.wrapping_add(at),
            ..line.0
        });
    }

    /// Makes room for `count` more.
    #[inline]
    pub fn reserve(&mut self, count: usize) {
        self.places.reserve(count);
    }

    /// Empties it and keeps its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.places.clear();
        self.kinds = HeaderKinds::default();
    }

    /// How many fields there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many there is room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.places.capacity()
    }

    /// The kinds of its fields.
    #[inline]
    pub fn kinds(&self) -> HeaderKinds {
        self.kinds
    }

    /// The fields, read from the bytes of their head.
    #[inline]
    pub fn of<'a>(&'a self, head: &'a [u8]) -> Headers<'a> {
        Headers { head, places: &self.places, kinds: self.kinds }
    }
}

/// Header fields in the order they were sent, names as sent.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a> {
    head: &'a [u8],
    places: &'a [Place],
    kinds: HeaderKinds,
}

/// One header field.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// What the name is.
    pub kind: HeaderKind,
    /// The name, as sent.
    pub name: &'a [u8],
    /// The value, as sent, without the white space around it.
    pub value: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The value of the first field called `name` (compared without case).
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of every field called `name` (compared without case).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields().map(|field| (field.name, field.value))
    }

    /// Every field, with the kind of its name.
    #[inline]
    pub fn fields(&self) -> impl Iterator<Item = Header<'a>> {
        let head = self.head;
        self.places.iter().map(move |place| Header {
            kind: place.kind,
            name: place.name(head),
            value: place.value(head),
        })
    }

    /// The kinds of the fields.
    #[inline]
    pub fn kinds(&self) -> HeaderKinds {
        self.kinds
    }

    /// Whether there is a field of a kind.
    #[inline]
    pub fn has(&self, kind: HeaderKind) -> bool {
        self.kinds.contains(kind)
    }

    /// The value of the first field of a kind. Names are not compared; that there is none is known
    /// at once.
    #[inline]
    pub fn first(&self, kind: HeaderKind) -> Option<&'a [u8]> {
        self.of(kind).next()
    }

    /// The values of every field of a kind, found as [`Self::first`] finds them.
    #[inline]
    pub fn of(&self, kind: HeaderKind) -> impl Iterator<Item = &'a [u8]> {
        let places = if self.has(kind) { self.places } else { &[] };
        let head = self.head;
        places.iter().filter(move |place| place.kind == kind).map(move |place| place.value(head))
    }
}

#[inline]
fn part(head: &[u8], start: u32, end: u32) -> &[u8] {
    let place = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
    head.get(place(start)..place(end)).unwrap_or_default()
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({} fields)", self.places.len())
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Header fields with bytes of their own, for whoever makes up transactions.
#[derive(Clone, Default)]
pub struct OwnedHeaders {
    head: Vec<u8>,
    fields: HeaderFields,
}

impl OwnedHeaders {
    /// Of names and values.
    pub fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut owned = Self::default();
        for (name, value) in fields {
            let kind = HeaderKind::of(name.as_ref());
            let [name, value] = [name.as_ref(), value.as_ref()].map(|part| {
                let start = place(owned.head.len());
                owned.head.extend_from_slice(part);
                start..place(owned.head.len())
            });
            owned.fields.push(kind, name, value);
        }
        owned
    }

    /// The fields.
    pub fn headers(&self) -> Headers<'_> {
        self.fields.of(&self.head)
    }
}

#[inline]
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl fmt::Debug for OwnedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headers().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_without_case() {
        for (name, kind) in [
            ("Host", HeaderKind::Host),
            ("DATE", HeaderKind::Date),
            ("content-Length", HeaderKind::ContentLength),
            ("Content-Type", HeaderKind::ContentType),
            ("Transfer-Encoding", HeaderKind::TransferEncoding),
            ("Ocp-Apim-Subscription-Key", HeaderKind::ApiKey),
            ("X-Api-Key", HeaderKind::ApiKey),
            ("X-Forwarded-For", HeaderKind::ForwardedFor),
            ("Content\rType", HeaderKind::Other),
            ("Content-Typ\u{5}", HeaderKind::Other),
            ("Hose", HeaderKind::Other),
            ("host", HeaderKind::Host),
            ("HO[T", HeaderKind::Other),
            ("cookid", HeaderKind::Other),
            ("Dat@", HeaderKind::Other),
            ("X-Shopify-Access-Token", HeaderKind::ApiKey),
            ("server", HeaderKind::Software),
            ("X-Powered-By", HeaderKind::Software),
            ("Strict-Transport-Security", HeaderKind::StrictTransport),
            ("X-Content-Type-Options", HeaderKind::ContentTypeOptions),
            ("Content-Security-Policy", HeaderKind::ContentSecurity),
            ("Access-Control-Allow-Origin", HeaderKind::AllowOrigin),
            ("access-control-allow-credentials", HeaderKind::AllowCredentials),
            ("X-Forwarded-Proto", HeaderKind::ForwardedProto),
            ("X-Shopify-AccesS_Token", HeaderKind::Other),
            ("Ocp-Apim-SubscripTion\u{8d}", HeaderKind::Other),
            ("", HeaderKind::Other),
        ] {
            assert_eq!(HeaderKind::of(name.as_bytes()), kind, "{name}");
        }
    }

    #[test]
    fn fields_are_found_by_name_and_by_kind() {
        let owned = OwnedHeaders::new([("Cookie", "a"), ("X-Other", "b"), ("cookie", "c")]);
        let headers = owned.headers();
        assert_eq!(headers.get("COOKIE"), Some(b"a".as_slice()));
        assert_eq!(headers.all("cookie").collect::<Vec<_>>(), [b"a", b"c"]);
        assert_eq!(headers.of(HeaderKind::Cookie).collect::<Vec<_>>(), [b"a", b"c"]);
        assert_eq!(headers.get("x-other"), Some(b"b".as_slice()));
        assert!(!headers.has(HeaderKind::Host));
        assert_eq!(headers.first(HeaderKind::Host), None);
        let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [b"Cookie".as_slice(), b"X-Other", b"cookie"]);
    }
}
