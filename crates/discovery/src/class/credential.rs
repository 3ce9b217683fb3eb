//! What opens doors.

use memchr::memmem;

use crate::prefixes::Prefixes;
use crate::{base64, lexical, sensitive};

/// Bits per byte from which on text is taken for random (gitleaks: 3.5 for keys of no known kind).
const ENTROPY_MIN: f64 = 3.0;
/// How hashes of passwords begin (crypt(5), PHC string format, LDAP).
const HASHES: &[&[u8]] = &[
    b"$2a$",
    b"$2b$",
    b"$2y$",
    b"$argon2",
    b"$scrypt$",
    b"$pbkdf2",
    b"pbkdf2_sha",
    b"$6$",
    b"$5$",
    b"$1$",
    b"$7$",
    b"$y$",
    b"{SSHA",
    b"{SHA",
    b"scrypt:",
];
/// How keys begin that [`sensitive::is_key`] does not know, with the fewest bytes that follow.
static PREFIXES: Prefixes<49> = Prefixes::new([
    (b"ABIA", 16),
    (b"ACCA", 16),
    (b"ghr_", 16),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
    (b"xapp-", 10),
    (b"rk_", 20),
    (b"sk_", 20),
    (b"pk_", 20),
    (b"sq0atp-", 20),
    (b"sq0csp-", 30),
    (b"EAAC", 40),
    (b"key-", 32),
    (b"SK", 32),
    (b"AC", 32),
    (b"shpss_", 16),
    (b"shpca_", 16),
    (b"shppa_", 16),
    (b"pypi-", 30),
    (b"rubygems_", 30),
    (b"dapi", 32),
    (b"lin_api_", 20),
    (b"ntn_", 20),
    (b"secret_", 30),
    (b"figd_", 20),
    (b"glsa_", 20),
    (b"glc_", 20),
    (b"hvs.", 20),
    (b"hvb.", 20),
    (b"doo_v1_", 16),
    (b"dor_v1_", 16),
    (b"nvapi-", 20),
    (b"sk-ant-", 20),
    (b"sk-proj-", 20),
    (b"gsk_", 20),
    (b"r8_", 30),
    (b"pat-", 20),
    (b"NRAK-", 20),
    (b"AGE-SECRET-KEY-1", 40),
    (b"PMAK-", 20),
    (b"GOCSPX-", 20),
    (b"1//0", 30),
    (b"cloudflare_", 20),
    (b"dp.pt.", 20),
    (b"sntrys_", 20),
    (b"phc_", 20),
    (b"SWMTKN-1-", 20),
    (b"T3BlbkFJ", 20),
    (b"whsec_", 16),
]);

/// A key by the way it begins: a maker's own mark.
pub(super) fn is_marked_key(text: &[u8]) -> bool {
    if !(15..=300).contains(&text.len()) || text.contains(&b' ') {
        return false;
    }
    let known = PREFIXES.rests(text).any(|(prefix, rest)| {
        rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=/+".contains(byte))
            && rest.iter().any(u8::is_ascii_digit)
            && (prefix.len() > 2 || rest.iter().all(u8::is_ascii_hexdigit))
            && entropy(rest) >= ENTROPY_MIN
    });
    known || sensitive::is_well_known_key(text)
}

/// Three parts, the first of which is a JOSE header: JSON with `alg` (RFC 7515 section 4.1.1).
pub(super) fn is_jwt(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"Bearer ").unwrap_or(text);
    if !sensitive::is_jwt(text) {
        return false;
    }
    let header = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    let mut decoded = Vec::new();
    header.len() <= 4_096
        && base64::decode(header, &mut decoded)
        && memmem::find(&decoded, b"\"alg\"").is_some()
}

/// A PEM label that says so (RFC 7468 section 10), anywhere in the first bytes.
pub(super) fn is_private_key(text: &[u8]) -> bool {
    let head = text.get(..64).unwrap_or(text);
    memmem::find(head, b"-----BEGIN ").is_some() && memmem::find(head, b"PRIVATE KEY").is_some()
}

/// The hash of a password.
pub(super) fn is_password_hash(text: &[u8]) -> bool {
    (20..=256).contains(&text.len()) && HASHES.iter().any(|start| text.starts_with(start))
}

/// A URL with a password before its host.
pub(super) fn is_connection(text: &[u8]) -> bool {
    let Some(rest) = memmem::find(text, b"://").and_then(|at| text.get(at + 3..)) else {
        return false;
    };
    let end = rest.iter().position(|byte| b"/?# ".contains(byte)).unwrap_or(rest.len());
    let Some(authority) = rest.get(..end) else { return false };
    let user = memchr::memrchr(b'@', authority).and_then(|at| authority.get(..at));
    let password =
        user.and_then(|user| memchr::memchr(b':', user).and_then(|at| user.get(at + 1..)));
    password.is_some_and(|password| !password.is_empty())
}

/// What a person may have chosen: anything but flags, dates and links.
pub(super) fn is_password(text: &[u8]) -> bool {
    (3..=512).contains(&text.len())
        && !is_flag(text)
        && lexical::value_kind(text) != tapline_model::ValueKind::Date
        && !text.starts_with(b"http")
        && !text.iter().all(|&byte| byte == b'*')
}

/// What a machine has made: long enough, one word, random.
pub(super) fn is_opaque(text: &[u8], least: usize) -> bool {
    let text = text.strip_prefix(b"Bearer ").unwrap_or(text);
    (least..=8_192).contains(&text.len())
        && text.iter().all(u8::is_ascii_graphic)
        && !text.iter().all(|&byte| byte == text.first().copied().unwrap_or_default())
        && !text.starts_with(b"http")
        && !is_phrase(text)
        && entropy(text.get(..256).unwrap_or(text)) >= 2.5
}

/// Words joined by separators, or too few letters to be random.
fn is_phrase(text: &[u8]) -> bool {
    let is_long_run = text.len() >= 16
        && text.iter().all(u8::is_ascii_alphabetic)
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
        && entropy(text) >= 3.5;
    lexical::is_joined_words(text) && !is_long_run
}

/// Four to ten digits, or a short code of capitals and digits.
pub(super) fn is_one_time(text: &[u8]) -> bool {
    (4..=10).contains(&text.len())
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte == b'-')
        && text.iter().any(u8::is_ascii_digit)
}

fn is_flag(text: &[u8]) -> bool {
    [b"true".as_slice(), b"false", b"null", b"none", b"required", b"invalid"]
        .iter()
        .any(|flag| text.eq_ignore_ascii_case(flag))
}

/// Shannon's, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in text {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let part = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|&&count| count > 0).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_names_and_identifiers() {
        for text in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "sk_live_51H8xYz0QbT7uV",
            "AKIAIOSFODNN7EXAMPLE",
            "glpat-9x8y7z6w5v4u3t2s1r0q",
        ] {
            assert!(is_marked_key(text.as_bytes()), "{text}");
        }
        for text in [
            "550e8400-e29b-41d4-a716-446655440000",
            "key-of-the-house",
            "SKU-00042-BLUE-LARGE",
            "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        ] {
            assert!(!is_marked_key(text.as_bytes()), "{text}");
        }
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"));
        assert!(!is_jwt(b"eyJzdWIiOiIxIn0.eyJzdWIiOiIxIn0.c2lnc2ln"));
        assert!(is_private_key(b"-----BEGIN RSA PRIVATE KEY-----\nMIIE"));
        assert!(!is_private_key(b"-----BEGIN PUBLIC KEY-----\nMIIE"));
        assert!(is_connection(b"postgres://app:s3cret@db.internal:5432/shop"));
        assert!(!is_connection(b"https://user@host/path:x"));
        assert!(is_password_hash(b"$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"));
        assert!(is_opaque(b"f3Kq9ZpX2vLw8RtY", 12) && !is_opaque(b"bearer-token-type", 12));
    }
}
