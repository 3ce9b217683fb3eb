//! What a transaction tried against an account or a secret: hashes and shapes, never a value.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{ConsumerKey, RouteKey};

/// What was tried.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// An account with a password.
    #[default]
    Login,
    /// The same in a field of HTTP basic authentication (RFC 7617): whatever is asked for with it.
    Basic,
    /// A one-time code, or the token of a reset.
    Code,
    /// An account without a secret: a password forgotten, a name looked up.
    Lookup,
    /// A new account.
    Signup,
    /// A coupon, a voucher, a gift card.
    Voucher,
    /// A payment card.
    Card,
}

impl AttemptKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Login,
        Self::Basic,
        Self::Code,
        Self::Lookup,
        Self::Signup,
        Self::Voucher,
        Self::Card,
    ];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Basic => "basic",
            Self::Code => "code",
            Self::Lookup => "lookup",
            Self::Signup => "signup",
            Self::Voucher => "voucher",
            Self::Card => "card",
        }
    }
}

/// What an answer says of itself by a member such as `ok`, `success` or `error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// Nothing.
    #[default]
    None,
    /// It went well.
    Success,
    /// It did not.
    Failure,
}

/// What an answer to an attempt looks like, packed: equal answers have equal ones, and what they
/// mean is concluded where all of them come together.
///
/// From the top: ten bits of status, a bit each for a token in the content, a session cookie, a
/// redirect to where the request went, a page; two bits of [`Claim`]; four bits of the length of the
/// content, as its binary logarithm; twelve bits of a keyed hash of its names and words.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AttemptAnswer(pub u32);

impl AttemptAnswer {
    const TOKEN: u32 = 1 << 21;
    const COOKIE: u32 = 1 << 20;
    const BACK: u32 = 1 << 19;
    const PAGE: u32 = 1 << 18;

    /// An answer with this status; 0 is none.
    pub const fn new(status: u16) -> Self {
        let status = if status > 1_023 { 1_023 } else { status };
        Self((status as u32) << 22)
    }

    /// The same, with a token in its content.
    #[must_use]
    pub const fn with_token(self, is_there: bool) -> Self {
        self.with(Self::TOKEN, is_there)
    }

    /// The same, with a session cookie.
    #[must_use]
    pub const fn with_cookie(self, is_there: bool) -> Self {
        self.with(Self::COOKIE, is_there)
    }

    /// The same, leading back to where the request went.
    #[must_use]
    pub const fn with_way_back(self, is_so: bool) -> Self {
        self.with(Self::BACK, is_so)
    }

    /// The same, a page for people.
    #[must_use]
    pub const fn with_page(self, is_so: bool) -> Self {
        self.with(Self::PAGE, is_so)
    }

    /// The same, with what it says of itself.
    #[must_use]
    pub const fn with_claim(self, claim: Claim) -> Self {
        Self(self.0 & !(3 << 16) | (claim as u32) << 16)
    }

    /// The same, with what it is made of: the length of its content, and a keyed hash.
    #[must_use]
    pub const fn with_shape(self, bytes: u64, hash: u64) -> Self {
        let size = u64::BITS - bytes.leading_zeros();
        let size = if size > 15 { 15 } else { size };
        let hash = (hash & 0xfff) as u32;
        Self(self.0 & !0xffff | size << 12 | hash)
    }

    const fn with(self, bit: u32, is_set: bool) -> Self {
        if is_set { Self(self.0 | bit) } else { Self(self.0 & !bit) }
    }

    /// The status; 0 when no answer was seen.
    pub const fn status(self) -> u16 {
        (self.0 >> 22) as u16
    }

    /// Whether a token stands in its content.
    pub const fn has_token(self) -> bool {
        self.0 & Self::TOKEN != 0
    }

    /// Whether it sets a session cookie.
    pub const fn has_cookie(self) -> bool {
        self.0 & Self::COOKIE != 0
    }

    /// Whether it leads back to where the request went.
    pub const fn leads_back(self) -> bool {
        self.0 & Self::BACK != 0
    }

    /// Whether it is a page for people.
    pub const fn is_page(self) -> bool {
        self.0 & Self::PAGE != 0
    }

    /// What it says of itself.
    pub const fn claim(self) -> Claim {
        match self.0 >> 16 & 3 {
            1 => Claim::Success,
            2 => Claim::Failure,
            _ => Claim::None,
        }
    }
}

impl fmt::Display for AttemptAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status())?;
        for (is_so, text) in [
            (self.has_token(), " with a token"),
            (self.has_cookie(), " with a session cookie"),
            (self.leads_back(), " back to the same place"),
            (self.claim() == Claim::Success, " that says success"),
            (self.claim() == Claim::Failure, " that says failure"),
        ] {
            if is_so {
                f.write_str(text)?;
            }
        }
        Ok(())
    }
}

/// One thing that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What.
    pub kind: AttemptKind,
    /// The keyed hash of the account, or of whatever else stands for it; 0 when nothing does.
    pub account: u64,
    /// A hash of the secret, keyed for one run of the sensor: equal secrets can be told, and nothing
    /// else. It is written to no file. 0 when there is none.
    pub secret: u32,
}

/// All that one transaction tried: mostly nothing.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// Each; a batch has many.
    pub tried: SmallVec<[Attempt; 1]>,
    /// How it was answered.
    pub answer: AttemptAnswer,
    /// The keyed hash of what sent it: its user agent and the order of its header fields.
    pub tool: u64,
}

/// Attempts that are the same in all that is known of them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AttemptKey {
    /// The keyed hash of the account; first, so that it spreads.
    pub account: u64,
    /// See [`Attempt::secret`].
    pub secret: u32,
    /// Where.
    pub route: RouteKey,
    /// What.
    pub kind: AttemptKind,
    /// How it was answered.
    pub answer: AttemptAnswer,
    /// By whom.
    pub consumer: ConsumerKey,
    /// From where; none when it is not known.
    pub client: Option<IpAddr>,
    /// With what.
    pub tool: u64,
}

/// With which token or session somebody called, from where and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// See [`crate::Observation::credential`].
    pub credential: u64,
    /// From where.
    pub client: IpAddr,
    /// The keyed hash of the user agent; 0 is none.
    pub agent: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_it_was_given() {
        let answer = AttemptAnswer::new(302)
            .with_cookie(true)
            .with_claim(Claim::Failure)
            .with_shape(1_000, 0xabc)
            .with_way_back(true);
        assert_eq!(answer.status(), 302);
        assert!(answer.has_cookie() && answer.leads_back());
        assert!(!answer.has_token() && !answer.is_page());
        assert_eq!(answer.claim(), Claim::Failure);
        assert_eq!(answer.0 & 0xffff, 10 << 12 | 0xabc);
        assert_eq!(answer.with_shape(u64::MAX, u64::MAX).with_shape(0, 0).0 & 0xffff, 0);
        assert_eq!(AttemptAnswer::new(u16::MAX).status(), 1_023);
    }
}
