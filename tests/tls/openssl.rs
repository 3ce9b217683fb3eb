//! What OpenSSL says of a certificate.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use super::heard::{Certificate, NAMES_MAX};

/// What `openssl` answers to what is put in.
fn openssl(arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

/// The digest of bytes, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    openssl(&["dgst", "-sha256", "-r"], bytes).split(' ').next().unwrap().to_owned()
}

/// `2026-11-27 10:00:00Z` as RFC 3339.
fn instant(text: &str) -> String {
    text.trim().replace(' ', "T")
}

pub(super) fn certificate(der: &[u8]) -> Certificate {
    let x509 =
        |more: &[&str]| openssl(&[&["x509", "-inform", "DER", "-noout"], more].concat(), der);
    let dates = x509(&["-dates", "-dateopt", "iso_8601"]);
    let after = |text: &str, start: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(start).map(str::to_owned))
    };
    let text = x509(&["-text"]);
    let names_of =
        |part: &str| after(&x509(&[part, "-nameopt", "sep_multiline"]), "CN=").unwrap_or_default();
    let names: BTreeSet<String> = text
        .split([',', '\n'])
        .filter_map(|part| part.trim().strip_prefix("DNS:").map(str::to_owned))
        .collect();
    let (subject, issuer) = (names_of("-subject"), names_of("-issuer"));
    Certificate {
        self_signed: subject == issuer,
        subject,
        issuer,
        names: names.into_iter().take(NAMES_MAX).collect(),
        not_before: instant(&after(&dates, "notBefore=").unwrap()),
        not_after: instant(&after(&dates, "notAfter=").unwrap()),
        key: key(&text),
        digest: digest(&text).to_owned(),
    }
}

/// Algorithm and bits.
fn key(text: &str) -> String {
    let bits = text.lines().find_map(|line| {
        let (_, rest) = line.trim().split_once("Public-Key: (")?;
        rest.split(' ').next()
    });
    let algorithm =
        text.lines().find_map(|line| line.trim().strip_prefix("Public Key Algorithm: "));
    match algorithm {
        Some("rsaEncryption") => format!("RSA {}", bits.unwrap()),
        Some("id-ecPublicKey") => format!("EC {}", bits.unwrap()),
        Some("ED25519") => "Ed25519 256".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn digest(text: &str) -> &'static str {
    let algorithm = text.lines().find_map(|line| line.trim().strip_prefix("Signature Algorithm: "));
    let hash = text.lines().find_map(|line| line.trim().strip_prefix("Hash Algorithm: "));
    match (algorithm, hash) {
        (Some("sha256WithRSAEncryption"), _) | (Some("rsassaPss"), Some("sha256")) => "SHA-256",
        (Some("sha1WithRSAEncryption"), _) => "SHA-1",
        (Some("md5WithRSAEncryption"), _) => "MD5",
        other => panic!("{other:?}"),
    }
}
