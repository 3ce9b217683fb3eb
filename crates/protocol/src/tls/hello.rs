//! What the two hellos and the server's certificates say.

use tapline_model::{Alpn, TlsVersion};
use tls_parser::{
    SNIType, TlsExtension, TlsMessageHandshake, parse_tls_client_hello_extension,
    parse_tls_handshake_client_hello, parse_tls_handshake_msg_certificate,
    parse_tls_handshake_server_hello, parse_tls_server_hello_extension,
};

/// What a client offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) versions: tapline_model::Offer,
    pub(super) alpn: tapline_model::Offer,
}

/// What a server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) version: TlsVersion,
    pub(super) cipher: u16,
    pub(super) alpn: Option<Alpn>,
}

impl Answer {
    /// Whether all that follows is encrypted.
    pub(super) const fn is_last(self) -> bool {
        matches!(self.version, TlsVersion::Tls13)
    }
}

/// Reads a client's hello: what it offers, and the name that it asks for, empty if none. A hello
/// inside another (ECH) is encrypted: then the name is that of whoever stands in front.
pub(super) fn offer(body: &[u8]) -> Option<(Offer, &[u8])> {
    let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
    let mut offer = Offer::default();
    let mut name: &[u8] = &[];
    let mut lists_versions = false;
    for extension in Extensions(hello.ext.unwrap_or_default()) {
        match parse_tls_client_hello_extension(extension) {
            Ok((_, TlsExtension::SNI(names))) => {
                let is_host = |(kind, _): &&(SNIType, &[u8])| *kind == SNIType::HostName;
                name = names.iter().find(is_host).map_or(name, |(_, host)| *host);
            }
            Ok((_, TlsExtension::ALPN(protocols))) => {
                for one in protocols {
                    offer.alpn.add_alpn(Alpn::from_wire(one));
                }
            }
            Ok((_, TlsExtension::SupportedVersions(versions))) => {
                lists_versions = true;
                for version in versions.iter().filter_map(|one| TlsVersion::from_wire(one.0)) {
                    offer.versions.add_version(version);
                }
            }
            _ => {}
        }
    }
    // Without a list it is the highest (RFC 8446 section 4.2.1).
    if !lists_versions && let Some(version) = TlsVersion::from_wire(hello.version.0) {
        offer.versions.add_version(version);
    }
    Some((offer, name))
}

/// Reads a server's hello. A request to say hello again (RFC 8446 section 4.1.4) is one, and chooses
/// version and cipher suite as well.
pub(super) fn answer(body: &[u8]) -> Option<Answer> {
    let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
    let mut answer = Answer {
        version: TlsVersion::from_wire(hello.version.0)?,
        cipher: hello.cipher.0,
        alpn: None,
    };
    for extension in Extensions(hello.ext.unwrap_or_default()) {
        match parse_tls_server_hello_extension(extension) {
            Ok((_, TlsExtension::ALPN(protocols))) => {
                answer.alpn = protocols.first().map(|one| Alpn::from_wire(one));
            }
            Ok((_, TlsExtension::SupportedVersions(versions))) => {
                let chosen = versions.first().and_then(|one| TlsVersion::from_wire(one.0));
                answer.version = chosen.unwrap_or(answer.version);
            }
            _ => {}
        }
    }
    Some(answer)
}

/// The server's own certificate, which comes first (RFC 5246 section 7.4.2); empty if there is none.
pub(super) fn leaf(body: &[u8]) -> &[u8] {
    match parse_tls_handshake_msg_certificate(body) {
        Ok((_, TlsMessageHandshake::Certificate(sent))) => {
            sent.cert_chain.first().map_or(&[], |leaf| leaf.data)
        }
        _ => &[],
    }
}

/// Extensions one by one, each with its header, so that one that cannot be read hides no other.
struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let [_, _, high, low, ..] = *self.0 else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (extension, rest) = self.0.split_at_checked(4 + length)?;
        self.0 = rest;
        Some(extension)
    }
}
