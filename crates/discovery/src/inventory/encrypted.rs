//! Hosts behind TLS: what their handshakes add up to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use tapline_model::{
    Alpn, CertificateDelta, CertificateView, EncryptedDelta, EncryptedKey, EncryptedView,
    Fingerprint, Timestamp, TlsVersion,
};
use tls_parser::TlsCipherSuite;

/// Certificates that are kept of one host: those shown last.
const CERTIFICATES_MAX: usize = 8;
/// A certificate that was not shown for so long, while others were, has been replaced. Servers behind
/// one address may have different ones, and take turns.
const TURN_NS: u64 = 3_600_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

/// One server and name.
#[derive(Debug, Default)]
struct Host {
    /// But for the certificates.
    total: EncryptedDelta,
    certificates: HashMap<Fingerprint, CertificateDelta>,
    touched: u64,
}

/// A bounded table of hosts; when it is full, the one that was not seen for longest makes room.
#[derive(Debug)]
pub(crate) struct Encrypted {
    by_key: HashMap<EncryptedKey, Host>,
    by_quiet: BTreeSet<(u64, EncryptedKey)>,
    max: usize,
}

impl Encrypted {
    /// A table of at most `max` hosts.
    pub(crate) fn new(max: usize) -> Self {
        Self { by_key: HashMap::new(), by_quiet: BTreeSet::new(), max: max.max(1) }
    }

    /// Adds what was seen of a host. Says how many hosts and certificates made room.
    pub(crate) fn absorb(&mut self, key: &EncryptedKey, seen: &EncryptedDelta, now: u64) -> u64 {
        let mut left_out = 0;
        if !self.by_key.contains_key(key)
            && self.by_key.len() >= self.max
            && let Some((_, quiet)) = self.by_quiet.pop_first()
        {
            self.by_key.remove(&quiet);
            left_out += 1;
        }
        let host = self.by_key.entry(key.clone()).or_default();
        self.by_quiet.remove(&(host.touched, key.clone()));
        self.by_quiet.insert((now, key.clone()));
        host.touched = now;
        host.total.join_counts(seen);
        for (&fingerprint, theirs) in &seen.certificates {
            host.certificates
                .entry(fingerprint)
                .and_modify(|ours| ours.join(theirs))
                .or_insert_with(|| theirs.clone());
        }
        while host.certificates.len() > CERTIFICATES_MAX {
            let age = |(&fingerprint, one): (&Fingerprint, &CertificateDelta)| {
                (one.last_seen, Reverse(fingerprint))
            };
            let oldest = host.certificates.iter().map(age).min();
            let Some((_, Reverse(oldest))) = oldest else { break };
            host.certificates.remove(&oldest);
            left_out += 1;
        }
        left_out
    }

    /// Every host, by name and server, without issues. Those that were silent for longer than
    /// `stale_hours` are stale.
    pub(crate) fn view(&self, now: Timestamp, stale_hours: u32) -> Vec<EncryptedView> {
        let stale_ns = u64::from(stale_hours).saturating_mul(HOUR_NS);
        let mut all: Vec<(&EncryptedKey, &Host)> = self.by_key.iter().collect();
        all.sort_unstable_by_key(|(key, _)| (&key.name, key.server));
        let view = |(key, host): (&EncryptedKey, &Host)| EncryptedView {
            stale: now.nanos_since(host.total.last_seen) > stale_ns,
            ..view_of(key, host)
        };
        let mut views: Vec<EncryptedView> = all.into_iter().map(view).collect();
        // Those without a name are called by their server.
        views.sort_by(|left, right| left.host.cmp(&right.host));
        views
    }
}

fn view_of(key: &EncryptedKey, host: &Host) -> EncryptedView {
    let total = &host.total;
    let server = key.server.to_string();
    EncryptedView {
        host: if key.name.is_empty() { server.clone() } else { key.name.to_string() },
        named: !key.name.is_empty(),
        server,
        handshakes: total.handshakes,
        first_seen: total.first_seen.unwrap_or_default(),
        last_seen: total.last_seen,
        stale: false,
        versions: labelled(&total.versions, TlsVersion::label),
        versions_offered: labelled(&total.versions_offered, TlsVersion::label),
        ciphers: ciphers(&total.ciphers),
        alpn: labelled(&total.alpn, Alpn::label),
        alpn_offered: labelled(&total.alpn_offered, Alpn::label),
        client_certificate_asked: total.client_certificate_asked,
        unreadable: total.unreadable,
        certificates: certificates(&host.certificates),
        issues: Vec::new(),
    }
}

fn labelled<K: Copy>(
    counts: &BTreeMap<K, u64>,
    label: impl Fn(K) -> &'static str,
) -> Vec<(String, u64)> {
    counts.iter().map(|(&key, &count)| (label(key).to_owned(), count)).collect()
}

/// By their registered names, or their number if they have none.
fn ciphers(counts: &BTreeMap<u16, u64>) -> Vec<(String, u64)> {
    let mut all: Vec<(Reverse<u64>, u16)> =
        counts.iter().map(|(&id, &count)| (Reverse(count), id)).collect();
    all.sort_unstable();
    let name = |id: u16| match TlsCipherSuite::from_id(id) {
        Some(suite) => suite.name.to_owned(),
        None => format!("0x{id:04x}"),
    };
    all.into_iter().map(|(Reverse(count), id)| (name(id), count)).collect()
}

/// The latest shown first.
fn certificates(kept: &HashMap<Fingerprint, CertificateDelta>) -> Vec<CertificateView> {
    let mut all: Vec<&CertificateDelta> = kept.values().collect();
    all.sort_unstable_by_key(|one| (Reverse(one.last_seen), one.certificate.fingerprint));
    let newest = all.first().map(|one| one.last_seen).unwrap_or_default();
    let view = |one: &CertificateDelta| CertificateView {
        first_seen: one.first_seen,
        last_seen: one.last_seen,
        shown: one.shown,
        uncovered: one.uncovered,
        in_use: newest.nanos_since(one.last_seen) <= TURN_NS,
        ..CertificateView::of(&one.certificate)
    };
    all.into_iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tapline_model::Certificate;

    use super::*;

    fn key(name: &str) -> EncryptedKey {
        EncryptedKey { server: ([10, 0, 0, 1], 443).into(), name: name.into() }
    }

    fn shown(first: u8, hour: u64) -> EncryptedDelta {
        let at = Timestamp::from_seconds(hour * 3_600);
        let fingerprint = Fingerprint([first; 32]);
        let certificate = Arc::new(Certificate { fingerprint, ..Certificate::default() });
        let seen =
            CertificateDelta { certificate, first_seen: at, last_seen: at, shown: 1, uncovered: 0 };
        EncryptedDelta {
            handshakes: 1,
            first_seen: Some(at),
            last_seen: at,
            versions: [(TlsVersion::Tls12, 1)].into(),
            ciphers: [(0xc02f, 1), (0x4242, 3)].into(),
            certificates: [(fingerprint, seen)].into(),
            ..EncryptedDelta::default()
        }
    }

    #[test]
    fn a_certificate_that_was_replaced_is_kept_and_not_in_use() {
        let mut hosts = Encrypted::new(9);
        for (first, hour) in [(1, 0), (1, 10), (2, 11), (1, 12), (2, 13), (2, 14), (2, 15)] {
            assert_eq!(hosts.absorb(&key("shop.test"), &shown(first, hour), hour), 0);
        }
        let views = hosts.view(Timestamp::from_seconds(15 * 3_600), 24);
        let one = &views[0];
        let in_use: Vec<_> = one.certificates.iter().map(|c| (c.shown, c.in_use)).collect();
        assert_eq!(in_use, [(4, true), (3, false)]);
        let ciphers: Vec<_> = one.ciphers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(ciphers, ["0x4242", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]);
    }

    #[test]
    fn the_table_is_bounded_and_what_is_silent_is_stale() {
        let mut hosts = Encrypted::new(2);
        assert_eq!(hosts.absorb(&key("a"), &shown(1, 0), 1), 0);
        assert_eq!(hosts.absorb(&key("b"), &shown(1, 0), 2), 0);
        assert_eq!(hosts.absorb(&key("a"), &shown(1, 30), 3), 0);
        assert_eq!(hosts.absorb(&key(""), &shown(1, 60), 4), 1, "b makes room");
        let states = |hour: u64| {
            let views = hosts.view(Timestamp::from_seconds(hour * 3_600), 24);
            views.into_iter().map(|view| (view.host, view.stale)).collect::<Vec<_>>()
        };
        let server = || "10.0.0.1:443".to_owned();
        assert_eq!(states(60), [(server(), false), ("a".to_owned(), true)]);
        assert_eq!(states(100), [(server(), true), ("a".to_owned(), true)]);
    }

    #[test]
    fn of_many_certificates_the_latest_are_kept() {
        let mut hosts = Encrypted::new(2);
        let left_out: u64 =
            (1..=10).map(|first| hosts.absorb(&key("a"), &shown(first, first.into()), 1)).sum();
        assert_eq!(left_out, 2);
        let views = hosts.view(Timestamp::ZERO, 24);
        assert_eq!(views[0].certificates.len(), CERTIFICATES_MAX);
        assert!(views[0].certificates[0].fingerprint.starts_with("0a"));
    }
}
