//! merge → readers: how endpoints are guarded, who calls them, what changed, and how risky that is.

use std::net::IpAddr;

use compact_str::{CompactString, format_compact};
use serde::{Deserialize, Serialize};

use crate::{ConsumerKey, ConsumerKind, EndpointId, Severity, Timestamp};

/// What became of requests with one set of credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthUse {
    /// `none`, or the kinds joined by `+`.
    pub auth: String,
    /// Answered 2xx or 304.
    pub granted: u64,
    /// Answered 401, 403 or 407.
    pub refused: u64,
    /// Any other answer, or none.
    pub other: u64,
}

impl AuthUse {
    /// All of them.
    pub const fn requests(&self) -> u64 {
        self.granted + self.refused + self.other
    }
}

/// One part of a risk score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskPart {
    /// Which: `authentication`, `exposure` and so on.
    pub part: String,
    /// What it adds, at most what is in `of`.
    pub points: u32,
    /// The most it can add.
    pub of: u32,
    /// Why, in a sentence.
    pub why: String,
}

/// How much harm an endpoint can do, and why. A function of what was seen of it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskView {
    /// 0 to 100: the sum of the parts.
    pub score: u32,
    /// What the score means, and never two steps milder than the worst issue.
    pub severity: Severity,
    /// Largest first; parts that add nothing are left out.
    pub parts: Vec<RiskPart>,
    /// What is wrong with it, worst first.
    pub issues: Vec<IssueView>,
}

/// Something that is wrong in how an endpoint or a host is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueView {
    /// The rule: a word in snake case.
    pub rule: String,
    /// What, in a few words.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// What was seen, with its numbers.
    pub seen: String,
    /// What to do.
    pub remedy: String,
    /// OWASP API Security Top 10 2023: `API2`.
    pub owasp: String,
    /// Transactions that showed it.
    pub count: u64,
    /// Transactions that could have shown it.
    pub of: u64,
}

/// What kind of change happened to the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// An endpoint was seen for the first time.
    EndpointAppeared,
    /// It is certain now.
    EndpointConfirmed,
    /// It was quiet for longer than is usual.
    EndpointStale,
    /// It was quiet for so long that it is taken for gone.
    EndpointGone,
    /// It answers again after it was stale or gone.
    EndpointReturned,
    /// A parameter was sent that was never sent before.
    ParameterAppeared,
    /// A parameter is no longer sent, though the endpoint is called.
    ParameterVanished,
    /// Credentials of a kind were sent that were never sent before.
    AuthAppeared,
    /// Credentials of a kind are no longer sent, though the endpoint is called.
    AuthVanished,
    /// The first success without credentials, of an endpoint that always had some.
    AuthBypassed,
}

impl ChangeKind {
    /// Every kind, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::EndpointAppeared,
        Self::EndpointConfirmed,
        Self::EndpointStale,
        Self::EndpointGone,
        Self::EndpointReturned,
        Self::ParameterAppeared,
        Self::ParameterVanished,
        Self::AuthAppeared,
        Self::AuthVanished,
        Self::AuthBypassed,
    ];

    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::EndpointAppeared => "endpoint_appeared",
            Self::EndpointConfirmed => "endpoint_confirmed",
            Self::EndpointStale => "endpoint_stale",
            Self::EndpointGone => "endpoint_gone",
            Self::EndpointReturned => "endpoint_returned",
            Self::ParameterAppeared => "parameter_appeared",
            Self::ParameterVanished => "parameter_vanished",
            Self::AuthAppeared => "auth_appeared",
            Self::AuthVanished => "auth_vanished",
            Self::AuthBypassed => "auth_bypassed",
        }
    }
}

/// One change of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// When it was noticed, in capture time.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// Its host.
    pub host: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub template: String,
    /// The parameter or the credentials; else empty.
    pub what: String,
}

/// Who calls, as far as it is known: never a name, a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerView {
    /// The hash.
    pub key: ConsumerKey,
    /// What was hashed.
    pub kind: ConsumerKind,
    /// Earliest request.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub first_seen: Timestamp,
    /// Latest request.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub last_seen: Timestamp,
    /// Requests.
    pub requests: u64,
    /// Of those, answered 4xx.
    pub client_errors: u64,
    /// Where it called from: networks of 256 (IPv4) or 2^80 (IPv6, /48) addresses; bounded.
    pub networks: Vec<String>,
    /// How many user agents it has had; at most 8 are told apart.
    pub agents: u64,
}

/// The network an address is counted to: a credential that is used from several of them has several
/// users. Private IPv4 networks are /16, because one site has many /24 of them.
pub fn network_of(address: IpAddr) -> CompactString {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            if address.is_private() || address.is_loopback() {
                format_compact!("{a}.{b}.0.0/16")
            } else {
                format_compact!("{a}.{b}.{c}.0/24")
            }
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format_compact!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}
