//! Hosts behind TLS, as the report shows them.

use serde::{Deserialize, Serialize};
use tapline_model::{CertificateView, EncryptedView, IssueView, Severity};

use crate::text::shown;

/// Hosts listed: those with the worst issues.
const HOSTS_MAX: usize = 500;
/// DNS names of a certificate that are listed.
const NAMES_MAX: usize = 8;

/// One host behind TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedHost {
    /// The name that was asked for, or else the server.
    pub host: String,
    /// `ip:port`.
    pub server: String,
    /// Handshakes that were answered.
    pub handshakes: u64,
    /// Versions that were chosen, oldest first.
    pub versions: Vec<String>,
    /// Cipher suites that were chosen, commonest first.
    pub ciphers: Vec<String>,
    /// Protocols that were chosen, where that can be seen.
    pub alpn: Vec<String>,
    /// The server asked for certificates of its clients.
    pub client_certificate_asked: bool,
    /// Nothing was heard of it for long.
    pub stale: bool,
    /// The certificates in use.
    pub certificates: Vec<CertificateRow>,
    /// What is wrong, worst first.
    pub issues: Vec<IssueView>,
}

/// A certificate in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// SHA-256 of it, in hexadecimal digits.
    pub fingerprint: String,
    /// The common name of its subject.
    pub subject: String,
    /// The common name of its issuer, or else its organisation.
    pub issuer: String,
    /// Some of the DNS names it is for.
    pub names: Vec<String>,
    /// How many it is for.
    pub names_total: u32,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// Algorithm and bits.
    pub key: String,
    /// What it is signed over.
    pub digest: String,
}

impl CertificateRow {
    fn of(one: &CertificateView) -> Self {
        Self {
            fingerprint: one.fingerprint.clone(),
            subject: shown(&one.subject),
            issuer: shown(&one.issuer),
            names: one.names.iter().take(NAMES_MAX).map(|name| shown(name)).collect(),
            names_total: one.names_total,
            not_before: one.not_before.clone(),
            not_after: one.not_after.clone(),
            key: match one.key_bits {
                0 => one.key.label().to_owned(),
                bits => format!("{} {bits}", one.key.label()),
            },
            digest: one.digest.label().to_owned(),
        }
    }
}

/// All that are listed, worst first.
pub(super) fn of(hosts: &[EncryptedView]) -> Vec<EncryptedHost> {
    let names = |counts: &[(String, u64)]| counts.iter().map(|(name, _)| name.clone()).collect();
    let mut all: Vec<EncryptedHost> = hosts
        .iter()
        .map(|host| EncryptedHost {
            host: shown(&host.host),
            server: shown(&host.server),
            handshakes: host.handshakes,
            versions: names(&host.versions),
            ciphers: names(&host.ciphers),
            alpn: names(&host.alpn),
            client_certificate_asked: host.client_certificate_asked > 0,
            stale: host.stale,
            certificates: host.in_use().map(CertificateRow::of).collect(),
            issues: host.issues.clone(),
        })
        .collect();
    let worst =
        |host: &EncryptedHost| host.issues.first().map_or(Severity::Info, |one| one.severity);
    all.sort_by(|left, right| {
        (worst(right), right.issues.len())
            .cmp(&(worst(left), left.issues.len()))
            .then_with(|| (&left.host, &left.server).cmp(&(&right.host, &right.server)))
    });
    all.truncate(HOSTS_MAX);
    all
}
