//! A server's certificate, as far as anyone may read it.

use std::fmt;
use std::time::{Duration, SystemTime};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// SHA-256 of a certificate in DER. Displays as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! kinds {
    ($(#[$outer:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident = $label:literal,)* }) => {
        $(#[$outer])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $kind {
            $($(#[$doc])* #[serde(rename = $label)] $name,)*
            /// Anything else.
            #[default]
            #[serde(rename = "other")]
            Other,
        }

        impl $kind {
            /// The label in pages and files.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* Self::Other => "other" }
            }
        }
    };
}

kinds! {
    /// What a key is for.
    KeyAlgorithm {
        /// RSA.
        Rsa = "RSA",
        /// A named elliptic curve.
        Ec = "EC",
        /// Ed25519 (RFC 8410).
        Ed25519 = "Ed25519",
        /// Ed448 (RFC 8410).
        Ed448 = "Ed448",
        /// DSA.
        Dsa = "DSA",
    }
}

kinds! {
    /// The digest that a certificate is signed over.
    SignatureDigest {
        /// MD2.
        Md2 = "MD2",
        /// MD5.
        Md5 = "MD5",
        /// SHA-1.
        Sha1 = "SHA-1",
        /// SHA-224.
        Sha224 = "SHA-224",
        /// SHA-256.
        Sha256 = "SHA-256",
        /// SHA-384.
        Sha384 = "SHA-384",
        /// SHA-512.
        Sha512 = "SHA-512",
        /// The one that belongs to Ed25519 or Ed448.
        EdDsa = "EdDSA",
    }
}

/// What one certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Which.
    pub fingerprint: Fingerprint,
    /// The common name of its subject, at most 64 characters; empty if it has none.
    pub subject: CompactString,
    /// The common name of its issuer, or else its organisation; at most 64 characters.
    pub issuer: CompactString,
    /// The smallest of the DNS names it is for, at most [`Self::NAMES_MAX`].
    pub names: Vec<CompactString>,
    /// How many DNS names it is for.
    pub names_total: u32,
    /// Valid from this second, counted from the Unix epoch.
    pub not_before_seconds: i64,
    /// Valid up to this second, counted from the Unix epoch.
    pub not_after_seconds: i64,
    /// What its key is for.
    pub key: KeyAlgorithm,
    /// Bits of the key; 0 where they are not known.
    pub key_bits: u16,
    /// What it is signed over.
    pub digest: SignatureDigest,
    /// Its subject is its issuer, and the key that it says signed it is its own (RFC 5280
    /// section 3.2). The signature is not verified.
    pub self_signed: bool,
}

impl Certificate {
    /// How many DNS names are kept.
    pub const NAMES_MAX: usize = 32;
    /// How many characters of a name are kept: the bound of X.520 on a common name.
    pub const NAME_CHARS_MAX: usize = 64;
    /// The last second that RFC 3339 can spell.
    const LAST_SECOND: u64 = 253_402_300_799;

    /// A second, as RFC 3339 has it; before 1970 it is 1970.
    pub fn instant(seconds: i64) -> String {
        let seconds = u64::try_from(seconds).unwrap_or(0).min(Self::LAST_SECOND);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        humantime::format_rfc3339_seconds(time).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_rfc_3339() {
        assert_eq!(Certificate::instant(1_740_830_400), "2025-03-01T12:00:00Z");
        // RFC 5280 section 4.1.2.5: a certificate that never ends.
        assert_eq!(Certificate::instant(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(Certificate::instant(-1), "1970-01-01T00:00:00Z");
        assert_eq!(Certificate::instant(i64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn a_fingerprint_is_sixty_four_digits() {
        let digits = Fingerprint([0xAB; 32]).to_string();
        assert_eq!(digits, "ab".repeat(32));
    }
}
