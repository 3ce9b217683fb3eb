//! One entry of the list.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use tapline_model::{ConsumerKey, Finding, Severity, Timestamp};

/// Characters of a title in a reason.
const TITLE_CHARS_MAX: usize = 160;

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Whoever calls from this address.
    Address(IpAddr),
    /// Whoever shows the credentials with this keyed hash. Only a program that has the key of this
    /// install can tell which they are.
    Consumer(ConsumerKey),
}

impl Subject {
    /// The label in pages, files and metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Consumer(_) => "consumer",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Consumer(key) => key.fmt(f),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A finding that put somebody on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Its id.
    pub finding: String,
    /// Which rule.
    pub detection: String,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// On which host.
    pub host: String,
}

impl Reason {
    /// Why `finding` puts somebody on the list.
    pub(crate) fn of(finding: &Finding) -> Self {
        Self {
            finding: finding.id.clone(),
            detection: finding.detection.clone(),
            severity: finding.severity,
            title: finding.title.chars().take(TITLE_CHARS_MAX).collect(),
            host: finding.host.clone(),
        }
    }
}

/// Somebody who is on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Counted up from 1 by each sensor, anew at each start.
    pub id: u64,
    /// Who.
    pub subject: Subject,
    /// `address` or `consumer`.
    pub kind: &'static str,
    /// Since when.
    #[serde(serialize_with = "as_text")]
    pub since: Timestamp,
    /// Until when, unless a finding holds on.
    #[serde(serialize_with = "as_text")]
    pub until: Timestamp,
    /// Why: the first few findings.
    pub reasons: Vec<Reason>,
}

impl Entry {
    /// Whole seconds until it ends, at least 1.
    pub fn seconds_left(&self, now: Timestamp) -> u64 {
        (self.until.nanos_since(now) / 1_000_000_000).max(1)
    }

    /// The rule that put it there first.
    pub fn detection(&self) -> &str {
        self.reasons.first().map_or("", |reason| reason.detection.as_str())
    }
}

/// Somebody who was on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The entry as it was.
    #[serde(flatten)]
    pub entry: Entry,
    /// When it was taken off.
    #[serde(serialize_with = "as_text")]
    pub ended: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
