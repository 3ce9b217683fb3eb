//! discovery → behavior: one handshake, without a byte that was captured as it was.

use std::net::SocketAddr;
use std::sync::Arc;

use compact_str::CompactString;

use crate::{Alpn, Certificate, Offer, Timestamp, TlsVersion};

/// What one TLS handshake shows of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsNote {
    /// Who answered.
    pub server: SocketAddr,
    /// The name that was asked for, spelled like the host of a request; empty if none was.
    pub name: CompactString,
    /// When.
    pub at: Timestamp,
    /// The versions that the client offers.
    pub versions_offered: Offer,
    /// The protocols that the client offers.
    pub alpn_offered: Offer,
    /// The version that was chosen.
    pub version: TlsVersion,
    /// The cipher suite that was chosen.
    pub cipher: u16,
    /// The protocol that was chosen, if it is known.
    pub alpn: Option<Alpn>,
    /// The server's certificate, if it could be read.
    pub certificate: Option<Arc<Certificate>>,
    /// Whether the certificate is for the name that was asked for; true where that cannot be told.
    pub is_covered: bool,
    /// The server sent a certificate that could not be read, or that there was no room for.
    pub is_unreadable: bool,
    /// The server asked for the client's certificate.
    pub client_certificate_asked: bool,
}
