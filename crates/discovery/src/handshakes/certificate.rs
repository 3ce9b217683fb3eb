//! A certificate, read (RFC 5280).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use compact_str::CompactString;
use tapline_model::{Certificate, Fingerprint, KeyAlgorithm, SignatureDigest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Name};

use crate::host::write_host;
use crate::rules::{HostTemplate, join_host};
use crate::sensitive;

/// A certificate, and what only the worker keeps of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) certificate: Arc<Certificate>,
    /// The DNS names as they stand in it, in small letters.
    names: Vec<CompactString>,
}

impl Known {
    /// Reads a certificate in DER; none of what is none.
    pub(super) fn read(
        der: &[u8],
        fingerprint: Fingerprint,
        templates: &[HostTemplate],
    ) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let names = dns_names(&read);
        let mut shown: Vec<CompactString> =
            names.iter().filter_map(|name| spelled(name, templates)).collect();
        shown.sort_unstable();
        shown.dedup();
        shown.truncate(Certificate::NAMES_MAX);
        let (key, key_bits) = key_of(read.public_key());
        let issuer = common_name(read.issuer());
        let certificate = Certificate {
            fingerprint,
            subject: common_name(read.subject()),
            issuer: if issuer.is_empty() { organisation(read.issuer()) } else { issuer },
            names: shown,
            names_total: u32::try_from(names.len()).unwrap_or(u32::MAX),
            not_before_seconds: read.validity().not_before.timestamp(),
            not_after_seconds: read.validity().not_after.timestamp(),
            key,
            key_bits,
            digest: digest_of(&read.signature_algorithm),
            self_signed: is_self_signed(&read),
        };
        Some(Self { certificate: Arc::new(certificate), names })
    }

    /// Whether it is for a name (RFC 9525 section 6.3). Its common name does not count: clients have
    /// stopped looking at it.
    pub(super) fn covers(&self, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        self.names.iter().any(|pattern| is_for(pattern.as_bytes(), name))
    }
}

/// Whether a DNS name of a certificate, perhaps with a wildcard for its first label, is `name`.
fn is_for(pattern: &[u8], name: &[u8]) -> bool {
    let Some(parent) = pattern.strip_prefix(b"*") else {
        return pattern.eq_ignore_ascii_case(name);
    };
    // A wildcard is a whole label and stands for one that is not empty.
    let Some(dot) = memchr::memchr(b'.', name).filter(|&dot| dot > 0) else { return false };
    parent.len() > 1 && name.get(dot..).is_some_and(|rest| rest.eq_ignore_ascii_case(parent))
}

/// The DNS names of the extension for other names of the subject, in the order of the certificate.
fn dns_names(read: &X509Certificate<'_>) -> Vec<CompactString> {
    let mut names = Vec::new();
    for extension in read.extensions() {
        let ParsedExtension::SubjectAlternativeName(other) = extension.parsed_extension() else {
            continue;
        };
        for name in &other.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push(name.trim_end_matches('.').to_ascii_lowercase().into());
            }
        }
    }
    names
}

/// A DNS name as hosts are spelled; none of what is no name.
fn spelled(name: &str, templates: &[HostTemplate]) -> Option<CompactString> {
    let (wildcard, name) = match name.strip_prefix("*.") {
        Some(parent) => ("*.", parent),
        None => ("", name),
    };
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut host = CompactString::default();
    if !write_host(Some(name.as_bytes()), nobody, &mut host) {
        return None;
    }
    if wildcard.is_empty() {
        join_host(templates, &mut host);
    }
    host.insert_str(0, wildcard);
    Some(host)
}

fn common_name(name: &X509Name<'_>) -> CompactString {
    name.iter_common_name().next().map(|one| fit(one.as_slice())).unwrap_or_default()
}

fn organisation(name: &X509Name<'_>) -> CompactString {
    name.iter_organization().next().map(|one| fit(one.as_slice())).unwrap_or_default()
}

/// Text of a certificate: cut, and without what is classified.
fn fit(text: &[u8]) -> CompactString {
    let text = String::from_utf8_lossy(text);
    if let Some(found) = sensitive::find(text.as_bytes()) {
        return found.mask().into();
    }
    let words = text.split_whitespace().map(|word| match sensitive::find(word.as_bytes()) {
        Some(found) => found.mask(),
        None => word,
    });
    let whole = words.collect::<Vec<_>>().join(" ");
    whole.chars().filter(|c| !c.is_control()).take(Certificate::NAME_CHARS_MAX).collect()
}

/// Whether its subject is its issuer, and no other key is said to have signed it.
fn is_self_signed(read: &X509Certificate<'_>) -> bool {
    let (mut own, mut signer) = (None, None);
    for extension in read.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(of) => {
                signer = of.key_identifier.as_ref().map(|id| id.0);
            }
            _ => {}
        }
    }
    read.subject().as_raw() == read.issuer().as_raw() && signer.is_none_or(|id| own == Some(id))
}

/// What a key is for, and its bits.
fn key_of(key: &SubjectPublicKeyInfo<'_>) -> (KeyAlgorithm, u16) {
    match key.algorithm.algorithm.to_id_string().as_str() {
        "1.3.101.112" => return (KeyAlgorithm::Ed25519, 256),
        "1.3.101.113" => return (KeyAlgorithm::Ed448, 456),
        _ => {}
    }
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => (KeyAlgorithm::Rsa, bits_of(rsa.modulus)),
        Ok(PublicKey::EC(point)) => {
            let bits = curve_bits(&key.algorithm).map_or(point.key_size(), usize::from);
            (KeyAlgorithm::Ec, u16::try_from(bits).unwrap_or(u16::MAX))
        }
        // The modulus is as long as a key that is a number below it, but for a few bits.
        Ok(PublicKey::DSA(number)) => (KeyAlgorithm::Dsa, bits_of(number).next_multiple_of(256)),
        _ => (KeyAlgorithm::Other, 0),
    }
}

/// Bits of a number, most significant byte first.
fn bits_of(number: &[u8]) -> u16 {
    let Some(first) = number.iter().position(|&byte| byte != 0) else { return 0 };
    let significant = number.get(first..).unwrap_or_default();
    let zeros = significant.first().map_or(0, |byte| byte.leading_zeros());
    let bits = significant.len() * 8 - usize::try_from(zeros).unwrap_or(0);
    u16::try_from(bits).unwrap_or(u16::MAX)
}

/// Bits of a named curve's field (SEC 2, RFC 5639).
fn curve_bits(algorithm: &AlgorithmIdentifier<'_>) -> Option<u16> {
    let curve = algorithm.parameters.as_ref()?.as_oid().ok()?;
    Some(match curve.to_id_string().as_str() {
        "1.3.132.0.6" | "1.3.132.0.7" => 112,
        "1.3.132.0.28" | "1.3.132.0.29" => 128,
        "1.3.132.0.8" | "1.3.132.0.9" | "1.3.132.0.30" | "1.3.36.3.3.2.8.1.1.1" => 160,
        "1.2.840.10045.3.1.1" | "1.3.132.0.31" | "1.3.36.3.3.2.8.1.1.3" => 192,
        "1.3.132.0.32" | "1.3.132.0.33" | "1.3.36.3.3.2.8.1.1.5" => 224,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7" => 256,
        "1.3.36.3.3.2.8.1.1.9" => 320,
        "1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11" => 384,
        "1.3.36.3.3.2.8.1.1.13" => 512,
        "1.3.132.0.35" => 521,
        _ => return None,
    })
}

/// What it is signed over (RFC 3279, RFC 4055, RFC 5758, RFC 8410).
fn digest_of(algorithm: &AlgorithmIdentifier<'_>) -> SignatureDigest {
    match algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.2" => SignatureDigest::Md2,
        "1.2.840.113549.1.1.4" | "1.3.14.3.2.3" => SignatureDigest::Md5,
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => {
            SignatureDigest::Sha1
        }
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" | "2.16.840.1.101.3.4.3.1" => {
            SignatureDigest::Sha224
        }
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.3.2" => {
            SignatureDigest::Sha256
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => SignatureDigest::Sha384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => SignatureDigest::Sha512,
        "1.3.101.112" | "1.3.101.113" => SignatureDigest::EdDsa,
        "1.2.840.113549.1.1.10" => pss_digest(algorithm),
        _ => SignatureDigest::Other,
    }
}

/// The digest that a signature by RSASSA-PSS names in its parameters.
fn pss_digest(algorithm: &AlgorithmIdentifier<'_>) -> SignatureDigest {
    let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm)
    else {
        return SignatureDigest::Other;
    };
    match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "1.3.14.3.2.26" => SignatureDigest::Sha1,
        "2.16.840.1.101.3.4.2.4" => SignatureDigest::Sha224,
        "2.16.840.1.101.3.4.2.1" => SignatureDigest::Sha256,
        "2.16.840.1.101.3.4.2.2" => SignatureDigest::Sha384,
        "2.16.840.1.101.3.4.2.3" => SignatureDigest::Sha512,
        _ => SignatureDigest::Other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wildcard_is_one_label() {
        for (pattern, name, expected) in [
            ("shop.test", "shop.test", true),
            ("shop.test", "SHOP.test", true),
            ("shop.test", "a.shop.test", false),
            ("*.shop.test", "a.shop.test", true),
            ("*.shop.test", "a.b.shop.test", false),
            ("*.shop.test", "shop.test", false),
            ("*.shop.test", ".shop.test", false),
            ("*", "shop", false),
            ("a*.shop.test", "ab.shop.test", false),
        ] {
            assert_eq!(is_for(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_spelled_and_what_is_private_is_masked() {
        let spelled = |name| spelled(name, &[]).map(String::from);
        assert_eq!(spelled("*.Shop.test").as_deref(), Some("*.shop.test"));
        assert_eq!(
            spelled("4111111111111111.shop.test").as_deref(),
            Some("~card_number.shop.test")
        );
        assert_eq!(spelled("no name"), None);
        assert!(!fit(b"bob@example.com").contains("bob"), "{}", fit(b"bob@example.com"));
        assert_eq!(fit(b"DigiCert TLS RSA SHA256 2020 CA1"), "DigiCert TLS RSA SHA256 2020 CA1");
        assert_eq!(fit("Käse\nCA".as_bytes()), "Käse CA");
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        assert_eq!(bits_of(&[0, 0x80, 0]), 16);
        assert_eq!(bits_of(&[0x01, 0]), 9);
        assert_eq!(bits_of(&[0, 0]), 0);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Known::read(&bytes, Fingerprint::default(), &[]));
        }
    }
}
