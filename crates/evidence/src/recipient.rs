//! Who can read what is kept.

use std::fmt;

/// What the text of a private key begins with, in lower case: `-1…`, `-pq-1…` and others follow.
const SECRET: &str = "age-secret-key";
const PUBLIC: &str = "age1";

/// The public keys of small order. A secret shared with one is zero, so that anybody could read the
/// file; the age library ends the thread rather than write it. The first is what a placeholder of
/// zeros is.
///
/// Source: 0, 1, the two points of order 8, p - 1, p and p + 1 of Curve25519 (RFC 7748), each with the
/// highest bit clear and set, which X25519 ignores.
const WEAK: [&str; 14] = [
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
    "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
    "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
    "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqsuwj9m",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqk67yly",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhzqqxqejhu",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz8ts72fzt7",
    "age1anllllllllllllllllllllllllllllllllllllllllllllllllls3hcv9z",
    "age1ahlllllllllllllllllllllllllllllllllllllllllllllllllsh3g6la",
    "age1amlllllllllllllllllllllllllllllllllllllllllllllllllsam3fc4",
];

/// Why a text is no recipient. No error repeats the text: it may be a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// There is nothing.
    #[error("it is empty; write the public key, `age1…`, that `age-keygen` prints")]
    Empty,
    /// It is, or holds, a private key.
    #[error(
        "it is a private key, which must not be on a sensor; take it out, make a new pair with \
         `age-keygen`, and write the public key, `age1…`"
    )]
    PrivateKey,
    /// It is a key of SSH.
    #[error("it is a key of SSH; write a public key, `age1…`, made by `age-keygen`")]
    Ssh,
    /// It is a recipient of a plugin, of several parties or of a later version of age.
    #[error(
        "it is a recipient of another kind (a plugin, a token, post-quantum); write one of \
         X25519, `age1…` of 62 characters, made by `age-keygen`"
    )]
    OtherKind,
    /// It does not begin as one does.
    #[error("it does not begin with `age1`; write a public key made by `age-keygen`")]
    NotAge,
    /// A character is wrong, missing or too many.
    #[error(
        "its check sum or length is wrong; copy the whole public key, `age1…` of 62 characters, \
         again: `age-keygen -y KEY_FILE` prints it"
    )]
    Damaged,
    /// Anybody could read what is encrypted to it.
    #[error("it is no key but a placeholder that protects nothing; make one by `age-keygen`")]
    Weak,
}

/// A public key of age (X25519), to which excerpts are encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(age::x25519::Recipient);

impl Recipient {
    /// From `age1…`; space around it is ignored.
    ///
    /// # Errors
    /// When it is no public key of this kind. The error says what it is instead and what to do, and
    /// never repeats any of it.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        if lower.contains(SECRET) {
            return Err(RecipientError::PrivateKey);
        }
        if lower.is_empty() {
            return Err(RecipientError::Empty);
        }
        if lower.starts_with("ssh-") {
            return Err(RecipientError::Ssh);
        }
        let data = lower.strip_prefix(PUBLIC).ok_or(RecipientError::NotAge)?;
        // No 1 is a digit of Bech32: the last one ends the name of the kind.
        if data.contains('1') {
            return Err(RecipientError::OtherKind);
        }
        let key: age::x25519::Recipient = text.parse().map_err(|_| RecipientError::Damaged)?;
        if WEAK.contains(&key.to_string().as_str()) {
            return Err(RecipientError::Weak);
        }
        Ok(Self(key))
    }

    pub(crate) const fn key(&self) -> &age::x25519::Recipient {
        &self.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    /// A private key without what all of them begin with.
    fn digits(secret: &str) -> &str {
        secret.strip_prefix("AGE-SECRET-KEY-").unwrap()
    }

    #[test]
    fn a_public_key_is_a_recipient() {
        let public = age::x25519::Identity::generate().to_public().to_string();
        for text in [public.clone(), format!(" {public}\n"), public.to_uppercase()] {
            assert_eq!(Recipient::parse(&text).unwrap().to_string(), public);
        }
    }

    #[test]
    fn a_private_key_is_refused_and_never_repeated() {
        let secret = age::x25519::Identity::generate().to_string().expose_secret().to_owned();
        for text in [
            secret.clone(),
            secret.to_lowercase(),
            format!("  {secret}"),
            format!("# public key: age1x\n{secret}\n"),
            secret.chars().take(20).collect(),
            "AGE-SECRET-KEY-PQ-1QQ".to_owned(),
        ] {
            let error = Recipient::parse(&text).unwrap_err();
            assert_eq!(error, RecipientError::PrivateKey);
            let told = format!("{error} {error:?}").to_lowercase();
            assert!(!told.contains(SECRET) && !told.contains(&digits(&secret).to_lowercase()));
        }
    }

    #[test]
    fn what_it_is_instead_is_named_with_the_remedy() {
        let public = age::x25519::Identity::generate().to_public().to_string();
        let mut typo = public.clone();
        typo.replace_range(9..10, if typo.as_bytes()[9] == b'q' { "p" } else { "q" });
        for (text, expected) in [
            ("", RecipientError::Empty),
            ("\t ", RecipientError::Empty),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", RecipientError::Ssh),
            (
                "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
                RecipientError::OtherKind,
            ),
            ("hunter2", RecipientError::NotAge),
            ("age1", RecipientError::Damaged),
            ("age1é", RecipientError::Damaged),
            (public.get(..40).unwrap(), RecipientError::Damaged),
            (&typo, RecipientError::Damaged),
            (WEAK[0], RecipientError::Weak),
        ] {
            let error = Recipient::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(error.to_string().contains("age-keygen"), "{error}");
        }
    }

    #[test]
    fn a_key_that_the_library_does_not_survive_is_no_recipient() {
        for text in WEAK {
            assert_eq!(Recipient::parse(text), Err(RecipientError::Weak));
            let key: age::x25519::Recipient = text.parse().unwrap();
            let written = std::panic::catch_unwind(|| age::encrypt(&key, b"x"));
            assert!(written.is_err(), "{text} would do");
        }
    }
}
