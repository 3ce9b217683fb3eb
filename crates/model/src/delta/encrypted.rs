//! What TLS handshakes showed of servers and of the names they answer to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Alpn, Certificate, Fingerprint, Timestamp, TlsNote, TlsVersion};

/// A server, and the name by which it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EncryptedKey {
    /// Who answered.
    pub server: SocketAddr,
    /// The name; empty where none was asked for.
    pub name: CompactString,
}

/// One certificate, as it was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDelta {
    /// What it says.
    pub certificate: Arc<Certificate>,
    /// Earliest handshake with it.
    pub first_seen: Timestamp,
    /// Latest handshake with it.
    pub last_seen: Timestamp,
    /// Handshakes with it.
    pub shown: u64,
    /// Of those, the ones that asked for a name which it is not for.
    pub uncovered: u64,
}

impl CertificateDelta {
    fn of(note: &TlsNote, certificate: &Arc<Certificate>) -> Self {
        Self {
            certificate: Arc::clone(certificate),
            first_seen: note.at,
            last_seen: note.at,
            shown: 1,
            uncovered: u64::from(!note.is_covered),
        }
    }

    /// Joins what another worker saw of it.
    pub fn join(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.shown += other.shown;
        self.uncovered += other.uncovered;
    }
}

/// What was seen of one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedDelta {
    /// Handshakes that were answered.
    pub handshakes: u64,
    /// Earliest of them; none when there are none.
    pub first_seen: Option<Timestamp>,
    /// Latest of them.
    pub last_seen: Timestamp,
    /// By the version that was chosen.
    pub versions: BTreeMap<TlsVersion, u64>,
    /// By the versions that clients offered.
    pub versions_offered: BTreeMap<TlsVersion, u64>,
    /// By the cipher suite that was chosen: the smallest numbers, at most 64.
    pub ciphers: BTreeMap<u16, u64>,
    /// By the protocol that was chosen, where it is known.
    pub alpn: BTreeMap<Alpn, u64>,
    /// By the protocols that clients offered.
    pub alpn_offered: BTreeMap<Alpn, u64>,
    /// Handshakes in which the server asked for the client's certificate.
    pub client_certificate_asked: u64,
    /// Certificates that could not be read, or that there was no room for.
    pub unreadable: u64,
    /// The certificates: those of the smallest fingerprints, at most 8.
    pub certificates: BTreeMap<Fingerprint, CertificateDelta>,
}

impl EncryptedDelta {
    /// Cipher suites that are told apart: the smallest numbers.
    pub const CIPHERS_MAX: usize = 64;
    /// Certificates that are told apart in one delta: the smallest fingerprints.
    pub const CERTIFICATES_MAX: usize = 8;

    /// Adds one handshake.
    pub fn observe(&mut self, note: &TlsNote) {
        self.handshakes += 1;
        self.first_seen = Some(self.first_seen.map_or(note.at, |first| first.min(note.at)));
        self.last_seen = self.last_seen.max(note.at);
        *self.versions.entry(note.version).or_default() += 1;
        for version in note.versions_offered.versions() {
            *self.versions_offered.entry(version).or_default() += 1;
        }
        *self.ciphers.entry(note.cipher).or_default() += 1;
        super::keep_smallest(&mut self.ciphers, Self::CIPHERS_MAX);
        if let Some(alpn) = note.alpn {
            *self.alpn.entry(alpn).or_default() += 1;
        }
        for alpn in note.alpn_offered.alpns() {
            *self.alpn_offered.entry(alpn).or_default() += 1;
        }
        self.client_certificate_asked += u64::from(note.client_certificate_asked);
        self.unreadable += u64::from(note.is_unreadable);
        if let Some(certificate) = &note.certificate {
            let seen = CertificateDelta::of(note, certificate);
            self.certificates
                .entry(certificate.fingerprint)
                .and_modify(|known| known.join(&seen))
                .or_insert(seen);
            super::keep_smallest(&mut self.certificates, Self::CERTIFICATES_MAX);
        }
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: &Self) {
        self.join_counts(other);
        for (&fingerprint, theirs) in &other.certificates {
            self.certificates
                .entry(fingerprint)
                .and_modify(|ours| ours.join(theirs))
                .or_insert_with(|| theirs.clone());
        }
        super::keep_smallest(&mut self.certificates, Self::CERTIFICATES_MAX);
    }

    /// Joins all but the certificates.
    pub fn join_counts(&mut self, other: &Self) {
        self.handshakes += other.handshakes;
        self.first_seen = match (self.first_seen, other.first_seen) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.last_seen = self.last_seen.max(other.last_seen);
        super::add_counts(&mut self.versions, &other.versions);
        super::add_counts(&mut self.versions_offered, &other.versions_offered);
        super::add_counts(&mut self.ciphers, &other.ciphers);
        super::keep_smallest(&mut self.ciphers, Self::CIPHERS_MAX);
        super::add_counts(&mut self.alpn, &other.alpn);
        super::add_counts(&mut self.alpn_offered, &other.alpn_offered);
        self.client_certificate_asked += other.client_certificate_asked;
        self.unreadable += other.unreadable;
    }
}

/// All of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedCounts {
    /// Those with the smallest keys.
    pub by_key: BTreeMap<EncryptedKey, EncryptedDelta>,
    /// Handshakes of all of them, those that were cut among them.
    pub handshakes: u64,
}

impl EncryptedCounts {
    /// Servers and names of one epoch that are told apart: those with the smallest keys.
    pub const KEPT_MAX: usize = 4_096;

    /// Adds one handshake.
    pub fn observe(&mut self, note: &TlsNote) {
        self.handshakes += 1;
        let key = EncryptedKey { server: note.server, name: note.name.clone() };
        self.by_key.entry(key).or_default().observe(note);
        super::keep_smallest(&mut self.by_key, Self::KEPT_MAX);
    }

    /// Joins what another worker saw.
    pub fn join(&mut self, other: Self) {
        self.handshakes += other.handshakes;
        super::join_maps(&mut self.by_key, other.by_key, EncryptedDelta::join);
        super::keep_smallest(&mut self.by_key, Self::KEPT_MAX);
    }

    /// Handshakes whose servers were cut.
    pub fn cut(&self) -> u64 {
        let kept: u64 = self.by_key.values().map(|seen| seen.handshakes).sum();
        self.handshakes.saturating_sub(kept)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Offer;

    fn note() -> impl Strategy<Value = TlsNote> {
        (0u16..6, 0u8..4, 0u64..50, 0usize..5, 0u16..90, prop::option::of(0u8..12)).prop_map(
            |(port, name, at, version, cipher, certificate)| TlsNote {
                server: ([10, 0, 0, 1], port).into(),
                name: format!("{name}.test").into(),
                at: Timestamp::from_seconds(at),
                versions_offered: Offer::default(),
                alpn_offered: Offer::default(),
                version: TlsVersion::ALL[version],
                cipher,
                alpn: (cipher % 3 == 0).then_some(Alpn::Http2),
                certificate: certificate.map(|first| {
                    let fingerprint = Fingerprint([first; 32]);
                    Arc::new(Certificate { fingerprint, ..Certificate::default() })
                }),
                is_covered: at % 2 == 0,
                is_unreadable: false,
                client_certificate_asked: at % 5 == 0,
            },
        )
    }

    fn fold(notes: &[TlsNote]) -> EncryptedCounts {
        let mut counts = EncryptedCounts::default();
        for note in notes {
            counts.observe(note);
        }
        counts
    }

    proptest! {
        #[test]
        fn it_does_not_matter_who_saw_what_nor_in_which_order(
            notes in prop::collection::vec(note(), 0..200),
            cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        ) {
            let whole = fold(&notes);
            let mut places = [cuts.0.index(notes.len() + 1), cuts.1.index(notes.len() + 1)];
            places.sort_unstable();
            let parts = [&notes[..places[0]], &notes[places[0]..places[1]], &notes[places[1]..]];
            let [first, second, third] = parts.map(fold);
            let mut left = first.clone();
            left.join(second.clone());
            left.join(third.clone());
            let mut right = third;
            right.join(second);
            right.join(first);
            prop_assert_eq!(&left, &whole);
            prop_assert_eq!(&right, &whole);
        }
    }

    #[test]
    fn more_than_are_kept_are_counted() {
        let mut counts = EncryptedCounts::default();
        for name in 0..EncryptedCounts::KEPT_MAX + 3 {
            counts.observe(&TlsNote {
                server: ([10, 0, 0, 1], 443).into(),
                name: format!("{name:06}").into(),
                at: Timestamp::ZERO,
                versions_offered: Offer::default(),
                alpn_offered: Offer::default(),
                version: TlsVersion::Tls13,
                cipher: 0x1301,
                alpn: None,
                certificate: None,
                is_covered: true,
                is_unreadable: false,
                client_certificate_asked: false,
            });
        }
        assert_eq!((counts.by_key.len(), counts.cut()), (EncryptedCounts::KEPT_MAX, 3));
    }
}
