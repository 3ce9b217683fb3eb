//! Hosts that only TLS handshakes are known of.

use serde::{Deserialize, Serialize};

use crate::{Certificate, IssueView, KeyAlgorithm, SignatureDigest, Timestamp};

/// A certificate that a server showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// SHA-256 of it, in hexadecimal digits.
    pub fingerprint: String,
    /// The common name of its subject.
    pub subject: String,
    /// The common name of its issuer, or else its organisation.
    pub issuer: String,
    /// The DNS names it is for, as far as they are kept.
    pub names: Vec<String>,
    /// How many DNS names it is for.
    pub names_total: u32,
    /// Valid from this second, counted from the Unix epoch.
    pub not_before_seconds: i64,
    /// Valid up to this second, counted from the Unix epoch.
    pub not_after_seconds: i64,
    /// The same, RFC 3339.
    pub not_before: String,
    /// The same, RFC 3339.
    pub not_after: String,
    /// What its key is for.
    pub key: KeyAlgorithm,
    /// Bits of the key; 0 where they are not known.
    pub key_bits: u16,
    /// What it is signed over.
    pub digest: SignatureDigest,
    /// It says that it signed itself.
    pub self_signed: bool,
    /// Earliest handshake with it.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub first_seen: Timestamp,
    /// Latest handshake with it.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub last_seen: Timestamp,
    /// Handshakes with it.
    pub shown: u64,
    /// Of those, the ones that asked for a name which it is not for.
    pub uncovered: u64,
    /// The server still shows it: none that came later has taken its place.
    pub in_use: bool,
}

impl CertificateView {
    /// Seconds in a day.
    const DAY_SECONDS: i64 = 86_400;
    /// Certificates that live no longer are renewed by programs, and are seldom valid for long (the
    /// Baseline Requirements of the CA/Browser Forum call 10 days short-lived).
    const SHORT_LIVED_DAYS: i64 = 10;

    /// For how long it is valid, in seconds.
    pub const fn lifetime_seconds(&self) -> i64 {
        self.not_after_seconds.saturating_sub(self.not_before_seconds)
    }

    /// Whether it is one of those that programs renew every few days.
    pub const fn is_short_lived(&self) -> bool {
        self.lifetime_seconds() <= Self::SHORT_LIVED_DAYS * Self::DAY_SECONDS
    }

    /// Whether it was shown when it was valid no longer.
    pub fn is_expired(&self) -> bool {
        seconds_of(self.last_seen) > self.not_after_seconds
    }

    /// Whether it was shown before it was valid.
    pub fn is_early(&self) -> bool {
        seconds_of(self.first_seen) < self.not_before_seconds
    }

    /// Whether, at `now`, it is valid for fewer than `days` more: of a short-lived one, for less than
    /// a third of its life.
    pub fn ends_soon(&self, now: Timestamp, days: u16) -> bool {
        let margin_seconds = if self.is_short_lived() {
            self.lifetime_seconds() / 3
        } else {
            i64::from(days) * Self::DAY_SECONDS
        };
        let left_seconds = self.not_after_seconds.saturating_sub(seconds_of(now));
        !self.is_expired() && left_seconds < margin_seconds
    }
}

/// Seconds since the Unix epoch.
fn seconds_of(time: Timestamp) -> i64 {
    i64::try_from(time.nanos() / 1_000_000_000).unwrap_or(i64::MAX)
}

impl CertificateView {
    /// What a certificate says, without what was seen of it.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            fingerprint: certificate.fingerprint.to_string(),
            subject: certificate.subject.to_string(),
            issuer: certificate.issuer.to_string(),
            names: certificate.names.iter().map(ToString::to_string).collect(),
            names_total: certificate.names_total,
            not_before_seconds: certificate.not_before_seconds,
            not_after_seconds: certificate.not_after_seconds,
            not_before: Certificate::instant(certificate.not_before_seconds),
            not_after: Certificate::instant(certificate.not_after_seconds),
            key: certificate.key,
            key_bits: certificate.key_bits,
            digest: certificate.digest,
            self_signed: certificate.self_signed,
            first_seen: Timestamp::ZERO,
            last_seen: Timestamp::ZERO,
            shown: 0,
            uncovered: 0,
            in_use: false,
        }
    }
}

/// A server and a name it answers to over TLS: what can be seen of it, and nothing that is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedView {
    /// The name that clients asked for, or the server where they asked for none.
    pub host: String,
    /// Whether clients asked for that name.
    pub named: bool,
    /// `ip:port`.
    pub server: String,
    /// Handshakes that were answered.
    pub handshakes: u64,
    /// Earliest of them.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub first_seen: Timestamp,
    /// Latest of them.
    #[serde(serialize_with = "crate::finding::rfc3339", skip_deserializing)]
    pub last_seen: Timestamp,
    /// Nothing was heard of it for longer than makes an endpoint stale: it is not judged any more.
    pub stale: bool,
    /// Versions that were chosen, oldest first, with how often.
    pub versions: Vec<(String, u64)>,
    /// Versions that clients offered, oldest first, with how often.
    pub versions_offered: Vec<(String, u64)>,
    /// Cipher suites that were chosen, commonest first, with how often.
    pub ciphers: Vec<(String, u64)>,
    /// Protocols that were chosen, where that can be seen.
    pub alpn: Vec<(String, u64)>,
    /// Protocols that clients offered.
    pub alpn_offered: Vec<(String, u64)>,
    /// Handshakes in which the server asked for the client's certificate.
    pub client_certificate_asked: u64,
    /// Certificates that could not be read, or that there was no room for.
    pub unreadable: u64,
    /// Certificates, the latest shown first.
    pub certificates: Vec<CertificateView>,
    /// What is wrong with it, worst first.
    #[serde(default)]
    pub issues: Vec<IssueView>,
}

impl EncryptedView {
    /// The certificates that it shows.
    pub fn in_use(&self) -> impl Iterator<Item = &CertificateView> {
        self.certificates.iter().filter(|one| one.in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    /// Valid from day 0 for so many days, shown last on `shown`.
    fn valid_for(days: i64, shown: u64) -> CertificateView {
        let certificate =
            Certificate { not_after_seconds: days * 86_400, ..Certificate::default() };
        let last_seen = Timestamp::from_seconds(shown * DAY);
        CertificateView { last_seen, ..CertificateView::of(&certificate) }
    }

    #[test]
    fn the_end_is_judged_by_when_it_was_shown_and_by_how_long_it_lives() {
        for (days, shown, now, ends_soon, expired) in [
            (365, 300, 300, false, false),
            (365, 340, 340, true, false),
            (365, 366, 366, false, true),
            (365, 340, 400, true, false),
            // Renewed every day: a third is left.
            (9, 1, 1, false, false),
            (9, 7, 7, true, false),
        ] {
            let one = valid_for(days, shown);
            let now = Timestamp::from_seconds(now * DAY);
            assert_eq!((one.ends_soon(now, 30), one.is_expired()), (ends_soon, expired), "{days}");
        }
    }
}
