//! Hosts behind TLS as they stand in the document.

use std::collections::BTreeMap;

use serde::Serialize;
use tapline_model::{CertificateView, EncryptedView, IssueView, KeyAlgorithm, SignatureDigest};

use super::{InOrder, labelled};

/// One server and name.
#[derive(Serialize)]
pub(super) struct Encrypted<'a> {
    alpn: BTreeMap<&'a str, u64>,
    alpn_offered: BTreeMap<&'a str, u64>,
    certificates: Vec<Certificate<'a>>,
    ciphers: BTreeMap<&'a str, u64>,
    client_certificate_asked: u64,
    first_seen: String,
    handshakes: u64,
    host: &'a str,
    issues: Vec<InOrder<'a, IssueView>>,
    last_seen: String,
    named: bool,
    server: &'a str,
    stale: bool,
    unreadable_certificates: u64,
    versions: BTreeMap<&'a str, u64>,
    versions_offered: BTreeMap<&'a str, u64>,
}

#[derive(Serialize)]
struct Certificate<'a> {
    digest: SignatureDigest,
    fingerprint: &'a str,
    first_seen: String,
    in_use: bool,
    issuer: &'a str,
    key: KeyAlgorithm,
    key_bits: u16,
    last_seen: String,
    names: &'a [String],
    names_total: u32,
    not_after: &'a str,
    not_before: &'a str,
    self_signed: bool,
    shown: u64,
    subject: &'a str,
    uncovered: u64,
}

impl<'a> Encrypted<'a> {
    pub(super) fn of(host: &'a EncryptedView) -> Self {
        Self {
            alpn: labelled(&host.alpn),
            alpn_offered: labelled(&host.alpn_offered),
            certificates: host.certificates.iter().map(Certificate::of).collect(),
            ciphers: labelled(&host.ciphers),
            client_certificate_asked: host.client_certificate_asked,
            first_seen: host.first_seen.to_string(),
            handshakes: host.handshakes,
            host: &host.host,
            issues: host.issues.iter().map(InOrder).collect(),
            last_seen: host.last_seen.to_string(),
            named: host.named,
            server: &host.server,
            stale: host.stale,
            unreadable_certificates: host.unreadable,
            versions: labelled(&host.versions),
            versions_offered: labelled(&host.versions_offered),
        }
    }
}

impl<'a> Certificate<'a> {
    fn of(one: &'a CertificateView) -> Self {
        Self {
            digest: one.digest,
            fingerprint: &one.fingerprint,
            first_seen: one.first_seen.to_string(),
            in_use: one.in_use,
            issuer: &one.issuer,
            key: one.key,
            key_bits: one.key_bits,
            last_seen: one.last_seen.to_string(),
            names: &one.names,
            names_total: one.names_total,
            not_after: &one.not_after,
            not_before: &one.not_before,
            self_signed: one.self_signed,
            shown: one.shown,
            subject: &one.subject,
            uncovered: one.uncovered,
        }
    }
}
