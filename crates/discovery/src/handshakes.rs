//! What TLS handshakes show, before anything that was captured goes further.

mod certificate;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;
use sha2::{Digest, Sha256};
use tapline_model::{Fingerprint, Handshake, TlsNote};

use self::certificate::Known;
use crate::Config;
use crate::host::write_host;
use crate::rules::{HostTemplate, join_host};

/// Certificates that are remembered, so that each is read once; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 256;

/// Turns handshakes into notes. It keeps no state about the traffic, only a memory of certificates that
/// it has read, which changes no output.
pub struct Handshakes {
    templates: Vec<HostTemplate>,
    /// By fingerprint; none of what is no certificate.
    remembered: HashMap<Fingerprint, Option<Known>>,
}

impl Handshakes {
    /// With nothing remembered.
    pub fn new(config: &Config) -> Self {
        Self { templates: config.hosts.clone(), remembered: HashMap::new() }
    }

    /// Takes one handshake.
    pub fn push(&mut self, handshake: &Handshake<'_>, sink: &mut impl FnMut(&TlsNote)) {
        let name = self.name_of(handshake);
        let known = handshake.certificate.map(|der| self.read(der));
        let is_unreadable = matches!(known, Some(None));
        let known = known.flatten();
        let asked = handshake.server_name.unwrap_or_default();
        let covers = |known: &Known| name.is_empty() || is_address(asked) || known.covers(asked);
        let is_covered = known.is_none_or(covers);
        let certificate = known.map(|known| Arc::clone(&known.certificate));
        sink(&TlsNote {
            server: handshake.server,
            at: handshake.at,
            versions_offered: handshake.versions_offered,
            alpn_offered: handshake.alpn_offered,
            version: handshake.version,
            cipher: handshake.cipher,
            alpn: handshake.alpn,
            is_covered,
            is_unreadable,
            client_certificate_asked: handshake.client_certificate_asked,
            certificate,
            name,
        });
    }

    /// The name that was asked for, as hosts are spelled; empty when there is none, or it is none.
    fn name_of(&self, handshake: &Handshake<'_>) -> CompactString {
        let mut name = CompactString::default();
        if write_host(handshake.server_name, handshake.server, &mut name) {
            join_host(&self.templates, &mut name);
        } else {
            name.clear();
        }
        name
    }

    /// What is known of a certificate; none when it is none.
    fn read(&mut self, der: &[u8]) -> Option<&Known> {
        let fingerprint = Fingerprint(Sha256::digest(der).into());
        if self.remembered.len() >= REMEMBERED_MAX && !self.remembered.contains_key(&fingerprint) {
            self.remembered.clear();
        }
        let Self { templates, remembered } = self;
        remembered
            .entry(fingerprint)
            .or_insert_with(|| Known::read(der, fingerprint, templates))
            .as_ref()
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes")
            .field("remembered", &self.remembered.len())
            .finish_non_exhaustive()
    }
}

/// Some clients ask for addresses, which are no names (RFC 6066 section 3): certificates have other
/// places for them.
fn is_address(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| name.parse::<IpAddr>().is_ok())
}
