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
}

impl HeaderKind {
    /// The kind of a name, compared without case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        match name.len() {
            4 => pick(name, [(b"host", Self::Host), (b"date", Self::Date)]),
            6 => pick(
                name,
                [(b"cookie", Self::Cookie), (b"expect", Self::Expect), (b"apikey", Self::ApiKey)],
            ),
            7 => pick(name, [(b"api-key", Self::ApiKey), (b"x-token", Self::ApiKey)]),
            8 => pick(name, [(b"location", Self::Location), (b"x-apikey", Self::ApiKey)]),
            9 => pick(
                name,
                [
                    (b"forwarded", Self::Forwarded),
                    (b"x-api-key", Self::ApiKey),
                    (b"x-app-key", Self::ApiKey),
                ],
            ),
            10 => pick(
                name,
                [
                    (b"connection", Self::Connection),
                    (b"user-agent", Self::UserAgent),
                    (b"set-cookie", Self::SetCookie),
                    (b"x-auth-key", Self::ApiKey),
                ],
            ),
            11 => pick(name, [(b"x-api-token", Self::ApiKey)]),
            12 => {
                pick(name, [(b"content-type", Self::ContentType), (b"x-auth-token", Self::ApiKey)])
            }
            13 => pick(
                name,
                [(b"authorization", Self::Authorization), (b"private-token", Self::ApiKey)],
            ),
            14 => pick(
                name,
                [
                    (b"content-length", Self::ContentLength),
                    (b"x-access-token", Self::ApiKey),
                    (b"x-gitlab-token", Self::ApiKey),
                    (b"x-goog-api-key", Self::ApiKey),
                ],
            ),
            15 => pick(
                name,
                [(b"x-forwarded-for", Self::ForwardedFor), (b"x-functions-key", Self::ApiKey)],
            ),
            16 => pick(name, [(b"content-encoding", Self::ContentEncoding)]),
            17 => pick(name, [(b"transfer-encoding", Self::TransferEncoding)]),
            22 => pick(name, [(b"x-shopify-access-token", Self::ApiKey)]),
            25 => pick(name, [(b"ocp-apim-subscription-key", Self::ApiKey)]),
            _ => Self::Other,
        }
    }
}

/// The kind of `name` among known names of its length.
#[inline]
fn pick<const N: usize, const K: usize>(
    name: &[u8],
    known: [(&'static [u8; N], HeaderKind); K],
) -> HeaderKind {
    let Ok(name) = <&[u8; N]>::try_from(name) else { return HeaderKind::Other };
    let first = name.first().map(u8::to_ascii_lowercase);
    for (known, kind) in known {
        if first == known.first().copied() && is_same(name, known) {
            return kind;
        }
    }
    HeaderKind::Other
}

/// Compares with a name in lower case: a few words at once, which may overlap.
#[inline]
fn is_same<const N: usize>(name: &[u8; N], known: &[u8; N]) -> bool {
    let middle = |at: usize| {
        let [name, known] = [name.as_slice(), known.as_slice()]
            .map(|text| text.get(at..).and_then(<[u8]>::first_chunk::<8>));
        differ(name, known)
    };
    let differ = if N < 8 {
        differ::<4>(name.first_chunk(), known.first_chunk())
            | differ::<4>(name.last_chunk(), known.last_chunk())
    } else {
        let ends = differ::<8>(name.first_chunk(), known.first_chunk())
            | differ::<8>(name.last_chunk(), known.last_chunk());
        match N {
            ..=16 => ends,
            ..=24 => ends | middle(8),
            _ => ends | middle(8) | middle(16),
        }
    };
    differ == 0
}

/// The bits in which two words differ, case aside; none when there are no words.
#[inline]
fn differ<const W: usize>(name: Option<&[u8; W]>, known: Option<&[u8; W]>) -> u64 {
    let (Some(name), Some(known)) = (name, known) else { return 0 };
    // Only letters have a case: no other byte may be taken for `-`.
    let case = known.map(|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 });
    (word(name) | word(&case)) ^ word(known)
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
