//! protocol → discovery: what a TLS handshake says in plain text.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A version of TLS, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum TlsVersion {
    /// SSL 3.0 (RFC 6101).
    #[serde(rename = "SSL 3.0")]
    Ssl30,
    /// TLS 1.0 (RFC 2246).
    #[serde(rename = "TLS 1.0")]
    Tls10,
    /// TLS 1.1 (RFC 4346).
    #[serde(rename = "TLS 1.1")]
    Tls11,
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "TLS 1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446), its drafts included.
    #[serde(rename = "TLS 1.3")]
    Tls13,
}

impl TlsVersion {
    /// Every version, oldest first.
    pub const ALL: &'static [Self] =
        &[Self::Ssl30, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// From its two bytes on the wire; none of what is no version, as GREASE (RFC 8701) is.
    pub const fn from_wire(wire: u16) -> Option<Self> {
        match wire {
            0x0300 => Some(Self::Ssl30),
            0x0301 => Some(Self::Tls10),
            0x0302 => Some(Self::Tls11),
            0x0303 => Some(Self::Tls12),
            0x0304 | 0x7f00..=0x7f1c => Some(Self::Tls13),
            _ => None,
        }
    }

    /// The label in pages and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ssl30 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }
}

/// What is spoken inside TLS, by its name in ALPN (RFC 7301). Names that are not known are one:
/// nothing that a client may write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Alpn {
    /// HTTP/1.0.
    #[serde(rename = "http/1.0")]
    Http10,
    /// HTTP/1.1.
    #[serde(rename = "http/1.1")]
    Http11,
    /// HTTP/2.
    #[serde(rename = "h2")]
    Http2,
    /// HTTP/3, which no flow of TCP speaks but clients offer.
    #[serde(rename = "h3")]
    Http3,
    /// gRPC, where it does not call itself HTTP/2.
    #[serde(rename = "grpc-exp")]
    Grpc,
    /// A challenge of a certificate authority (RFC 8737).
    #[serde(rename = "acme-tls/1")]
    Acme,
    /// MQTT.
    #[serde(rename = "mqtt")]
    Mqtt,
    /// `PostgreSQL`.
    #[serde(rename = "postgresql")]
    Postgresql,
    /// DNS over TLS (RFC 7858).
    #[serde(rename = "dot")]
    Dns,
    /// Anything else.
    #[serde(rename = "other")]
    Other,
}

impl Alpn {
    /// Every one, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Http10,
        Self::Http11,
        Self::Http2,
        Self::Http3,
        Self::Grpc,
        Self::Acme,
        Self::Mqtt,
        Self::Postgresql,
        Self::Dns,
        Self::Other,
    ];

    /// From its name on the wire.
    pub fn from_wire(name: &[u8]) -> Self {
        let is_it = |known: &&Self| known.label().as_bytes() == name;
        Self::ALL.iter().find(is_it).copied().unwrap_or(Self::Other)
    }

    /// The label in pages and files: the registered name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Http10 => "http/1.0",
            Self::Http11 => "http/1.1",
            Self::Http2 => "h2",
            Self::Http3 => "h3",
            Self::Grpc => "grpc-exp",
            Self::Acme => "acme-tls/1",
            Self::Mqtt => "mqtt",
            Self::Postgresql => "postgresql",
            Self::Dns => "dot",
            Self::Other => "other",
        }
    }
}

/// What a client offers: some of the versions, or of the protocols inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offer(u16);

impl Offer {
    /// Adds a version.
    pub const fn add_version(&mut self, version: TlsVersion) {
        self.0 |= 1 << version as u8;
    }

    /// Adds a protocol.
    pub const fn add_alpn(&mut self, alpn: Alpn) {
        self.0 |= 1 << alpn as u8;
    }

    /// The versions, oldest first.
    pub fn versions(self) -> impl Iterator<Item = TlsVersion> {
        TlsVersion::ALL.iter().copied().filter(move |&one| self.0 & (1 << one as u8) != 0)
    }

    /// The protocols, in declaration order.
    pub fn alpns(self) -> impl Iterator<Item = Alpn> {
        Alpn::ALL.iter().copied().filter(move |&one| self.0 & (1 << one as u8) != 0)
    }
}

/// A handshake that a server answered, as far as it is plain text.
///
/// Since TLS 1.3 all that follows the server's hello is encrypted: of such a flow the certificate,
/// the protocol chosen and a demand for the client's certificate are not known.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// Who asked.
    pub client: SocketAddr,
    /// Who answered.
    pub server: SocketAddr,
    /// When the last of it was captured.
    pub at: Timestamp,
    /// Whether the client's hello was read. If not, nothing is known of what it offers and names.
    pub offer_seen: bool,
    /// The name of the server that the client asked for (RFC 6066 section 3), as sent.
    pub server_name: Option<&'a [u8]>,
    /// The versions that the client offers.
    pub versions_offered: Offer,
    /// The protocols that the client offers.
    pub alpn_offered: Offer,
    /// The version that the server chose.
    pub version: TlsVersion,
    /// The cipher suite that the server chose, as registered.
    pub cipher: u16,
    /// The protocol that the server chose; never known of TLS 1.3.
    pub alpn: Option<Alpn>,
    /// The server's own certificate in DER, as sent; empty when there was no room for it, and never known
    /// of TLS 1.3 nor of a session that was resumed.
    pub certificate: Option<&'a [u8]>,
    /// Whether the server asked for the client's certificate; never known of TLS 1.3.
    pub client_certificate_asked: bool,
}

impl fmt::Debug for Handshake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("version", &self.version)
            .field("cipher", &self.cipher)
            .field("server_name_bytes", &self.server_name.map(<[u8]>::len))
            .field("certificate_bytes", &self.certificate.map(<[u8]>::len))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_is_serialised_and_what_the_wire_says() {
        for version in TlsVersion::ALL {
            assert_eq!(serde_json::to_value(version).unwrap(), version.label());
        }
        for alpn in Alpn::ALL {
            assert_eq!(serde_json::to_value(alpn).unwrap(), alpn.label());
            assert_eq!(Alpn::from_wire(alpn.label().as_bytes()), *alpn);
        }
        assert_eq!(Alpn::from_wire(b"\x8a\x8a"), Alpn::Other);
        assert_eq!(TlsVersion::from_wire(0x7a7a), None, "GREASE");
    }

    #[test]
    fn an_offer_holds_what_was_added() {
        let mut offer = Offer::default();
        offer.add_version(TlsVersion::Tls13);
        offer.add_version(TlsVersion::Tls10);
        assert_eq!(offer.versions().collect::<Vec<_>>(), [TlsVersion::Tls10, TlsVersion::Tls13]);
    }

    #[test]
    fn captured_bytes_do_not_print_themselves() {
        let address = "10.0.0.1:1".parse().unwrap();
        let handshake = Handshake {
            client: address,
            server: address,
            at: Timestamp::ZERO,
            offer_seen: true,
            server_name: Some(b"secret.test"),
            versions_offered: Offer::default(),
            alpn_offered: Offer::default(),
            version: TlsVersion::Tls12,
            cipher: 0,
            alpn: None,
            certificate: None,
            client_certificate_asked: false,
        };
        assert!(!format!("{handshake:?}").contains("secret"));
    }
}
