//! What is wrong with a host behind TLS: its certificates, and what it agrees to speak.

use tapline_model::{
    CertificateView, EncryptedView, IssueView, KeyAlgorithm, Severity, SignatureDigest, Timestamp,
};

use crate::issues::Issue;
use crate::number::{exact, share};
use crate::rule::{self, Rule};
use crate::text::shown;

/// Bits below which an RSA or DSA key is weak (NIST SP 800-131A, section 3).
const FACTORING_BITS_MIN: u16 = 2_048;
/// Bits below which a key on an elliptic curve is weak (the same).
const CURVE_BITS_MIN: u16 = 224;
/// With so few days left, somebody has to see to it at once.
const URGENT_DAYS: u16 = 7;
/// DNS names that are shown.
const NAMES_SHOWN: usize = 4;

/// What is wrong with a host behind TLS at `now`, worst first. Of its certificates those in use are
/// judged; `days_min` is for how long one must be valid still. Of a host that is stale nothing is said.
pub fn encrypted_issues(host: &EncryptedView, now: Timestamp, days_min: u16) -> Vec<IssueView> {
    if host.stale {
        return Vec::new();
    }
    let mut judge = Judge { host, issues: Vec::new() };
    for certificate in host.in_use() {
        judge.validity(certificate, now, days_min);
        judge.trust(certificate);
        judge.strength(certificate);
    }
    judge.versions();
    judge.ciphers();
    let mut issues = judge.issues;
    issues.sort_by(|left, right| {
        right.severity.cmp(&left.severity).then_with(|| left.rule.id.cmp(right.rule.id))
    });
    // Several certificates with one fault are one issue, told by the worst.
    issues.dedup_by(|later, first| later.rule.id == first.rule.id);
    issues.into_iter().map(Issue::view).collect()
}

struct Judge<'a> {
    host: &'a EncryptedView,
    issues: Vec<Issue>,
}

impl Judge<'_> {
    fn add(&mut self, rule: &'static Rule, severity: Severity, seen: String, count: u64) {
        self.issues.push(Issue { rule, severity, seen, count, of: self.host.handshakes });
    }

    fn validity(&mut self, one: &CertificateView, now: Timestamp, days_min: u16) {
        if one.is_expired() {
            let seen = format!("{} ended on {}, and is still shown", named(one), one.not_after);
            self.add(rule::CERTIFICATE_EXPIRED, Severity::High, seen, one.shown);
        } else if one.ends_soon(now, days_min) {
            let is_urgent = one.ends_soon(now, days_min.min(URGENT_DAYS));
            let severity = if is_urgent { Severity::High } else { Severity::Medium };
            let seen = format!("{} ends on {}", named(one), one.not_after);
            self.add(rule::CERTIFICATE_EXPIRES, severity, seen, one.shown);
        }
        if one.is_early() {
            let seen = format!("{} begins on {}, and is shown already", named(one), one.not_before);
            self.add(rule::CERTIFICATE_NOT_YET_VALID, Severity::High, seen, one.shown);
        }
    }

    fn trust(&mut self, one: &CertificateView) {
        if one.self_signed {
            let seen = format!("{} is its own issuer", named(one));
            self.add(rule::CERTIFICATE_SELF_SIGNED, Severity::Medium, seen, one.shown);
        }
        if one.uncovered > 0 {
            let names: Vec<String> = one
                .names
                .iter()
                .take(NAMES_SHOWN)
                .map(|name| format!("`{}`", shown(name)))
                .collect();
            let whose = match (names.as_slice(), one.names_total) {
                ([], _) => "no DNS name".to_owned(),
                (names, total) if usize::try_from(total).is_ok_and(|total| total > names.len()) => {
                    format!("{} and others, {total} in all", names.join(", "))
                }
                (names, _) => names.join(", "),
            };
            let asked = shown(&self.host.host);
            let seen = format!("`{asked}` was asked for; {} is for {whose}", named(one));
            self.add(rule::CERTIFICATE_NAME, Severity::High, seen, one.uncovered);
        }
    }

    fn strength(&mut self, one: &CertificateView) {
        let bits_min = match one.key {
            KeyAlgorithm::Rsa | KeyAlgorithm::Dsa => FACTORING_BITS_MIN,
            KeyAlgorithm::Ec => CURVE_BITS_MIN,
            KeyAlgorithm::Ed25519 | KeyAlgorithm::Ed448 | KeyAlgorithm::Other => 0,
        };
        if one.key_bits < bits_min && one.key_bits > 0 {
            let seen =
                format!("{} has a key of {} bits ({})", named(one), one.key_bits, one.key.label());
            self.add(rule::CERTIFICATE_WEAK_KEY, Severity::High, seen, one.shown);
        }
        let severity = match one.digest {
            SignatureDigest::Md2 | SignatureDigest::Md5 => Severity::High,
            SignatureDigest::Sha1 => Severity::Medium,
            _ => return,
        };
        let seen = format!("{} is signed over {}", named(one), one.digest.label());
        self.add(rule::CERTIFICATE_WEAK_SIGNATURE, severity, seen, one.shown);
    }

    fn versions(&mut self) {
        let old: Vec<&(String, u64)> = self
            .host
            .versions
            .iter()
            .filter(|(version, _)| ["SSL 3.0", "TLS 1.0", "TLS 1.1"].contains(&version.as_str()))
            .collect();
        let Some((oldest, _)) = old.first() else { return };
        let severity = if oldest == "SSL 3.0" { Severity::High } else { Severity::Medium };
        self.add_chosen(rule::TLS_VERSION_OLD, severity, &old);
    }

    fn ciphers(&mut self) {
        let weak: Vec<(Severity, &(String, u64))> = self
            .host
            .ciphers
            .iter()
            .filter_map(|cipher| Some((weakness_of(&cipher.0)?, cipher)))
            .collect();
        if let Some(severity) = weak.iter().map(|(severity, _)| *severity).max() {
            let weak: Vec<_> = weak.into_iter().map(|(_, cipher)| cipher).collect();
            self.add_chosen(rule::TLS_CIPHER_WEAK, severity, &weak);
        }
    }

    /// What was chosen, and in how many of the handshakes.
    fn add_chosen(&mut self, rule: &'static Rule, severity: Severity, chosen: &[&(String, u64)]) {
        let count = chosen.iter().map(|(_, count)| count).sum();
        let of = self.host.handshakes;
        let names: Vec<&str> = chosen.iter().map(|(name, _)| name.as_str()).collect();
        let seen = format!(
            "{} in {} of {} handshakes ({})",
            names.join(", "),
            exact(count),
            exact(of),
            share(count, of)
        );
        self.add(rule, severity, seen, count);
    }
}

/// A certificate, for a sentence.
fn named(one: &CertificateView) -> String {
    let name = [&one.subject].into_iter().chain(one.names.first()).find(|name| !name.is_empty());
    let digits: String = one.fingerprint.chars().take(16).collect();
    match name {
        Some(name) => format!("the certificate of `{}` ({digits}…)", shown(name)),
        None => format!("the certificate {digits}…"),
    }
}

/// How weak a cipher suite is by its registered name; none if it is not.
fn weakness_of(suite: &str) -> Option<Severity> {
    let has = |word: &str| suite.split('_').any(|part| part == word);
    // RFC 9150 names suites that do not encrypt without saying so.
    if has("NULL") || has("anon") || ["TLS_SHA256_SHA256", "TLS_SHA384_SHA384"].contains(&suite) {
        return Some(Severity::Critical);
    }
    if has("EXPORT") || has("EXPORT1024") || has("DES40") || has("DES") {
        return Some(Severity::High);
    }
    (has("RC4") || has("3DES") || has("RC2")).then_some(Severity::Medium)
}

#[cfg(test)]
mod tests {
    use tapline_model::Certificate;

    use super::*;

    const DAY: u64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(20_000 * DAY);

    /// Valid for 100 days around now, and nothing wrong with it.
    fn good() -> CertificateView {
        let certificate = Certificate {
            subject: "shop.test".into(),
            names: vec!["shop.test".into()],
            names_total: 1,
            not_before_seconds: 19_950 * 86_400,
            not_after_seconds: 20_050 * 86_400,
            key: KeyAlgorithm::Rsa,
            key_bits: 2_048,
            digest: SignatureDigest::Sha256,
            ..Certificate::default()
        };
        CertificateView {
            first_seen: NOW,
            last_seen: NOW,
            shown: 3,
            in_use: true,
            ..CertificateView::of(&certificate)
        }
    }

    fn rules(host: &EncryptedView) -> Vec<(String, Severity)> {
        let issues = encrypted_issues(host, NOW, 30);
        issues.into_iter().map(|issue| (issue.rule, issue.severity)).collect()
    }

    fn with(change: fn(&mut CertificateView)) -> EncryptedView {
        let mut one = good();
        change(&mut one);
        EncryptedView { handshakes: 3, certificates: vec![one], ..EncryptedView::default() }
    }

    /// What is changed in a good certificate, and which rules that breaks.
    type Case = (fn(&mut CertificateView), &'static [(&'static str, Severity)]);

    #[test]
    fn every_fault_of_a_certificate_has_its_rule() {
        let cases: [Case; 14] = [
            (|_| {}, &[]),
            (
                |one| one.not_after_seconds = 19_999 * 86_400,
                &[("certificate_expired", Severity::High)],
            ),
            (
                |one| one.not_after_seconds = 20_029 * 86_400,
                &[("certificate_expires", Severity::Medium)],
            ),
            (
                |one| one.not_after_seconds = 20_003 * 86_400,
                &[("certificate_expires", Severity::High)],
            ),
            (
                |one| one.not_before_seconds = 20_001 * 86_400,
                &[("certificate_not_yet_valid", Severity::High)],
            ),
            (|one| one.self_signed = true, &[("certificate_self_signed", Severity::Medium)]),
            (|one| one.uncovered = 1, &[("certificate_name", Severity::High)]),
            (|one| one.key_bits = 1_024, &[("certificate_weak_key", Severity::High)]),
            (
                |one| (one.key, one.key_bits) = (KeyAlgorithm::Ec, 192),
                &[("certificate_weak_key", Severity::High)],
            ),
            (|one| (one.key, one.key_bits) = (KeyAlgorithm::Ec, 224), &[]),
            (|one| (one.key, one.key_bits) = (KeyAlgorithm::Other, 0), &[]),
            (
                |one| one.digest = SignatureDigest::Md5,
                &[("certificate_weak_signature", Severity::High)],
            ),
            (
                |one| one.digest = SignatureDigest::Sha1,
                &[("certificate_weak_signature", Severity::Medium)],
            ),
            (|one| (one.self_signed, one.in_use) = (true, false), &[]),
        ];
        for (at, (change, expected)) in cases.into_iter().enumerate() {
            let found = rules(&with(change));
            let expected: Vec<_> =
                expected.iter().map(|(rule, severity)| ((*rule).to_owned(), *severity)).collect();
            assert_eq!(found, expected, "{at}");
        }
    }

    #[test]
    fn what_is_spoken_is_judged_by_what_was_chosen() {
        let version = |name: &str| vec![("TLS 1.3".to_owned(), 1), (name.to_owned(), 2)];
        for (versions, expected) in [
            ("TLS 1.2", None),
            ("TLS 1.1", Some(Severity::Medium)),
            ("SSL 3.0", Some(Severity::High)),
        ] {
            let mut versions = version(versions);
            versions.reverse();
            let host = EncryptedView { handshakes: 3, versions, ..EncryptedView::default() };
            let found = rules(&host);
            let expected = expected.map(|severity| ("tls_version_old".to_owned(), severity));
            assert_eq!(found, Vec::from_iter(expected));
        }
        for (suite, expected) in [
            ("TLS_AES_128_GCM_SHA256", None),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", None),
            ("TLS_RSA_WITH_AES_128_CBC_SHA", None),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", Some(Severity::Medium)),
            ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", Some(Severity::Medium)),
            ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", Some(Severity::High)),
            ("TLS_RSA_WITH_DES_CBC_SHA", Some(Severity::High)),
            ("TLS_RSA_WITH_NULL_SHA256", Some(Severity::Critical)),
            ("TLS_DH_anon_WITH_AES_128_CBC_SHA", Some(Severity::Critical)),
            ("0x4242", None),
        ] {
            assert_eq!(weakness_of(suite), expected, "{suite}");
        }
    }

    #[test]
    fn of_a_stale_host_nothing_is_said() {
        let host = EncryptedView { stale: true, ..with(|one| one.self_signed = true) };
        assert_eq!(rules(&host), []);
    }
}
