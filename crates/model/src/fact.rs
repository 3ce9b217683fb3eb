//! What one transaction shows of how an endpoint is built and guarded: yes or no, never a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The facts, each with its label in files and pages.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal,)+) => {
        /// One thing that a transaction shows, or does not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Fact {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Fact {
            /// Every fact, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The label in files and pages.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

facts! {
    /// A proxy in front says that the client spoke TLS (`X-Forwarded-Proto: https`).
    TlsInFront = "tls_in_front",
    /// Basic credentials, and nobody says that TLS protected them before.
    BasicPlaintext = "basic_plaintext",
    /// A token or an API key in the query.
    CredentialInUrl = "credential_in_url",
    /// A token that nobody signed (`alg` is `none`, or there is no signature) was answered 2xx.
    JwtUnsigned = "jwt_unsigned",
    /// A token that had expired when it was sent was answered 2xx.
    JwtExpired = "jwt_expired",
    /// A token that never expires was answered 2xx.
    JwtEndless = "jwt_endless",
    /// A token that is good for more than 30 days was answered 2xx.
    JwtLongLived = "jwt_long_lived",
    /// A token with an algorithm that is broken or not registered was answered 2xx.
    JwtWeakAlgorithm = "jwt_weak_algorithm",
    /// A token whose header says where to fetch the key, or holds it, was answered 2xx.
    JwtNamesItsKey = "jwt_names_its_key",
    /// The answer sets a session cookie.
    SessionSet = "session_set",
    /// A session cookie without `Secure`.
    CookieNotSecure = "cookie_not_secure",
    /// A session cookie without `HttpOnly`.
    CookieNotHttpOnly = "cookie_not_http_only",
    /// A session cookie without `SameSite`, or with `None`.
    CookieNotSameSite = "cookie_not_same_site",
    /// Content was answered 2xx: what the next facts are a part of.
    Content = "content",
    /// Of those, without `X-Content-Type-Options: nosniff`.
    NoSniffMissing = "no_sniff_missing",
    /// HTML was answered 2xx.
    Html = "html",
    /// Of those, without `Content-Security-Policy`.
    CspMissing = "csp_missing",
    /// Of those, without anything that says who may frame it.
    FrameMissing = "frame_missing",
    /// Answered to TLS in front, without `Strict-Transport-Security`.
    HstsMissing = "hsts_missing",
    /// A GET with credentials was answered 200 with content.
    Private = "private",
    /// Of those, without `no-store`, `no-cache` or `private`.
    Cacheable = "cacheable",
    /// Every origin may read the answer.
    CorsAny = "cors_any",
    /// The origin that asked may read the answer with credentials, and it is another site.
    CorsCredentials = "cors_credentials",
    /// The origin `null`, which sandboxed and local pages have, may read the answer.
    CorsNull = "cors_null",
    /// The answer names what made it and in which version.
    VersionShown = "version_shown",
    /// The trace of a program's calls.
    StackTrace = "stack_trace",
    /// What a database says of a bad statement.
    DatabaseError = "database_error",
    /// The page of a framework in debug mode, or `phpinfo()`.
    DebugPage = "debug_page",
    /// The list of a folder's files.
    DirectoryListing = "directory_listing",
    /// A private key, or a file of settings with passwords.
    SecretFile = "secret_file",
    /// A description of the API for machines.
    ApiDescription = "api_description",
    /// A GraphQL server told its schema.
    GraphqlIntrospection = "graphql_introspection",
    /// TRACE, TRACK or DEBUG was answered 2xx.
    TraceAnswered = "trace_answered",
    /// The path had an empty segment, which its template leaves out: a parameter without a value, or
    /// a slash too many.
    EmptySegment = "empty_segment",
}

const _: () = assert!(Fact::ALL.len() <= 64, "a set has a bit for every fact");

/// The facts that one transaction shows.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FactSet(u64);

impl FactSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// Adds a fact.
    #[inline]
    pub const fn insert(&mut self, fact: Fact) {
        self.0 |= 1 << fact as u8;
    }

    /// Adds a fact if `holds`.
    #[inline]
    pub const fn insert_if(&mut self, fact: Fact, holds: bool) {
        self.0 |= (holds as u64) << fact as u8;
    }

    /// Adds those of another set.
    #[inline]
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether it holds `fact`.
    #[inline]
    pub const fn contains(self, fact: Fact) -> bool {
        self.0 & (1 << fact as u8) != 0
    }

    /// Whether it holds none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those it holds, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        Fact::ALL.iter().copied().filter(move |&fact| self.contains(fact))
    }

    /// The places in [`Fact::ALL`] of those it holds, ascending.
    #[inline]
    pub fn places(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let place = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (place < 64).then_some(place as usize)
        })
    }
}

impl fmt::Debug for FactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Fact::label)).finish()
    }
}

/// What became of a request, as far as credentials matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 2xx, and 304.
    Granted,
    /// 401, 403 or 407.
    Refused,
    /// Any other answer, or none.
    Other,
}

impl Outcome {
    /// Every outcome, in declaration order.
    pub const ALL: &'static [Self] = &[Self::Granted, Self::Refused, Self::Other];

    /// Of an answer with this status; none is no answer.
    #[inline]
    pub const fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299 | 304) => Self::Granted,
            Some(401 | 403 | 407) => Self::Refused,
            _ => Self::Other,
        }
    }

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for &fact in Fact::ALL {
            let mut set = FactSet::EMPTY;
            set.insert_if(fact, false);
            assert!(set.is_empty());
            set.insert_if(fact, true);
            set.insert(fact);
            assert_eq!(set.iter().collect::<Vec<_>>(), [fact]);
            assert_eq!(set.places().map(|place| Fact::ALL[place]).collect::<Vec<_>>(), [fact]);
        }
    }

    #[test]
    fn labels_are_what_is_serialised() {
        for &fact in Fact::ALL {
            let text = format!("{fact:?}");
            let words: Vec<String> = text
                .split_inclusive(|_: char| false)
                .flat_map(|text| {
                    let mut words: Vec<String> = Vec::new();
                    for letter in text.chars() {
                        if letter.is_ascii_uppercase() {
                            words.push(String::new());
                        }
                        if let Some(word) = words.last_mut() {
                            word.push(letter.to_ascii_lowercase());
                        }
                    }
                    words
                })
                .collect();
            assert_eq!(words.join("_"), fact.label());
        }
    }
}
