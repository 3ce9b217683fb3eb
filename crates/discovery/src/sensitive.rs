//! Text that must not be shown: cards, tokens, keys, addresses of mail, telephone numbers.

pub(crate) mod names;

use memchr::memchr_iter;
use tapline_model::SegmentClass;

use crate::lexical;
use crate::prefixes::Prefixes;

/// A class of text that is masked wherever it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sensitive {
    /// A payment card number (ISO/IEC 7812).
    CardNumber,
    /// A JSON Web Token.
    Jwt,
    /// An address of mail.
    Email,
    /// An API key or another long random secret.
    Key,
    /// A telephone number in international form.
    Phone,
}

impl Sensitive {
    /// What is written in its stead.
    pub(crate) const fn mask(self) -> &'static str {
        match self {
            Self::CardNumber => "[card_number]",
            Self::Jwt => "[jwt]",
            Self::Email => "[email]",
            Self::Key => "[key]",
            Self::Phone => "[phone]",
        }
    }

    /// What a name of this kind is counted as.
    pub(crate) const fn class(self) -> SegmentClass {
        match self {
            Self::CardNumber => SegmentClass::CardNumber,
            Self::Jwt => SegmentClass::Jwt,
            Self::Email => SegmentClass::Email,
            Self::Key => SegmentClass::Token,
            Self::Phone => SegmentClass::Phone,
        }
    }
}

/// Shortest text that can be any of them.
const BYTES_MIN: usize = 6;
/// How many digits a card number has.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Shortest random text that is taken for a key: 20 letters and digits are some 119 bits.
const KEY_BYTES_MIN: usize = 20;
/// Shortest token behind a segment that says that one follows.
pub(crate) const TOKEN_BYTES_MIN: usize = 10;
/// Shortest well-known key.
const KNOWN_KEY_BYTES_MIN: usize = 15;
/// Bytes of an identifier as RFC 9562 writes it.
const UUID_BYTES: usize = 36;
/// How well-known keys begin, with the fewest bytes that follow.
static KEY_PREFIXES: Prefixes<26> = Prefixes::new([
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"AIza", 30),
    (b"SG.", 20),
    (b"dop_v1_", 16),
    (b"ghp_", 16),
    (b"gho_", 16),
    (b"ghs_", 16),
    (b"ghu_", 16),
    (b"github_pat_", 16),
    (b"glpat-", 12),
    (b"hf_", 20),
    (b"npm_", 20),
    (b"pk_live_", 8),
    (b"pk_test_", 8),
    (b"rk_live_", 8),
    (b"rk_test_", 8),
    (b"shpat_", 16),
    (b"sk-", 20),
    (b"sk_live_", 8),
    (b"sk_test_", 8),
    (b"whsec_", 16),
    (b"xoxa-", 10),
    (b"xoxb-", 10),
    (b"xoxp-", 10),
    (b"ya29.", 16),
]);
/// Names whose values are secrets, whatever they look like.
const SECRET_NAMES: &[&str] = &[
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "app_key",
    "appid",
    "appkey",
    "assertion",
    "auth",
    "authorization",
    "client_secret",
    "code",
    "code_verifier",
    "cvc",
    "cvv",
    "id_token",
    "iban",
    "jsessionid",
    "jwt",
    "key",
    "otp",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "phpsessid",
    "pin",
    "pwd",
    "refresh_token",
    "samlresponse",
    "secret",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "ssn",
    "subscription-key",
    "ticket",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
];

/// Path segments behind which a token opens a door: a reset, an invitation, a magic link.
const SECRET_PLACES: &[&str] = &[
    "activate",
    "confirm",
    "invitation",
    "invitations",
    "invite",
    "invites",
    "magic",
    "reset",
    "token",
    "tokens",
    "unlock",
    "unsubscribe",
    "verification",
    "verify",
];

/// Whether a token behind this path segment is a secret.
pub(crate) fn is_secret_place(segment: &[u8]) -> bool {
    // `reset`, `reset-password` and `password_reset` alike.
    segment
        .split(|byte| b"-_.".contains(byte))
        .any(|word| SECRET_PLACES.iter().any(|place| word.eq_ignore_ascii_case(place.as_bytes())))
}

/// What is found anywhere in `text`, if anything.
pub(crate) fn find(text: &[u8]) -> Option<Sensitive> {
    if !may_be(text) {
        return None;
    }
    if has_email(text) {
        return Some(Sensitive::Email);
    }
    let is_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    let runs = || text.split(|byte| !is_run(byte)).filter(|run| run.len() >= BYTES_MIN);
    if runs().any(is_phone) {
        return Some(Sensitive::Phone);
    }
    if has_card_number(text) {
        return Some(Sensitive::CardNumber);
    }
    for run in runs() {
        if is_jwt(run) {
            return Some(Sensitive::Jwt);
        }
        if is_key(run) || run.split(|byte| b".+".contains(byte)).any(is_key) {
            return Some(Sensitive::Key);
        }
    }
    None
}

/// What is found in one label of a host name. Random small letters and digits are a name there: names
/// that machines give to machines look so, and have no case.
pub(crate) fn find_in_name(label: &[u8]) -> Option<Sensitive> {
    find(label).filter(|found| {
        *found != Sensitive::Key || label.iter().any(u8::is_ascii_uppercase) || begins_as_key(label)
    })
}

/// What a byte may be part of, as bits.
mod mark {
    /// An address of mail or a telephone number.
    pub(super) const SIGN: u8 = 1;
    /// A number.
    pub(super) const DIGIT: u8 = 2;
    /// A key: neither a small letter nor what joins words.
    pub(super) const ODD: u8 = 4;
    /// Neither base64url nor the dots of a token, nor padding.
    pub(super) const NO_TOKEN: u8 = 16;
    /// Something that is encoded: it has to be decoded before it is judged.
    pub(super) const CODED: u8 = 8;

    #[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which sees a fault")]
    pub(super) const OF: [u8; 256] = {
        let mut of = [ODD | NO_TOKEN; 256];
        let mut byte = 0_u8;
        loop {
            of[byte as usize] = match byte {
                b'0'..=b'9' => DIGIT | ODD,
                b'@' => SIGN | ODD | NO_TOKEN,
                b'+' => SIGN | ODD | CODED | NO_TOKEN,
                b'=' => ODD | CODED,
                b'%' | b';' | 0x80.. => ODD | CODED | NO_TOKEN,
                b'a'..=b'z' | b'-' | b'_' | b'.' => 0,
                b'/' | b' ' => NO_TOKEN,
                b'A'..=b'Z' => ODD,
                _ => ODD | NO_TOKEN,
            };
            if byte == u8::MAX {
                break of;
            }
            byte += 1;
        }
    };
}

fn marks_of(byte: u8) -> u8 {
    mark::OF.get(usize::from(byte)).copied().unwrap_or(mark::ODD)
}

/// Whether a second look is worth it: most text is too short to be any of them.
fn may_be(text: &[u8]) -> bool {
    if text.len() < BYTES_MIN {
        return false;
    }
    // No short cut is taken where a byte says that it may be an address or a number.
    let (mut marks, mut digits) = (0, 0_usize);
    for &byte in text {
        marks |= marks_of(byte);
        digits += usize::from(byte.is_ascii_digit());
    }
    if marks & mark::SIGN != 0 {
        return true;
    }
    let may_be_number = digits >= *CARD_DIGITS.start();
    let may_be_key =
        || text.len() >= KNOWN_KEY_BYTES_MIN && (marks & mark::ODD != 0 || begins_as_key(text));
    (may_be_number || may_be_key()) && !is_uuid(text)
}

/// Whether nothing in a short text as sent can be sensitive, whatever it means.
pub(crate) fn is_harmless(text: &[u8]) -> bool {
    text.len() < KNOWN_KEY_BYTES_MIN.min(*CARD_DIGITS.start())
        && text.iter().fold(0, |marks, &byte| marks | marks_of(byte)) & (mark::SIGN | mark::CODED)
            == 0
}

/// Words joined by separators are no key, unless a word is what keys begin with.
fn begins_as_key(text: &[u8]) -> bool {
    text.split(|byte| b"/ ".contains(byte)).any(|run| KEY_PREFIXES.begin(run))
}

/// As RFC 9562 writes it.
pub(crate) fn is_uuid(text: &[u8]) -> bool {
    // Of known length, so that many bytes are looked at in one step.
    let Ok(text) = <&[u8; UUID_BYTES]>::try_from(text) else { return false };
    let digits: u8 = text.iter().map(|byte| u8::from(byte.is_ascii_hexdigit())).sum();
    digits == 32 && [8, 13, 18, 23].iter().all(|&dash| text.get(dash) == Some(&b'-'))
}

/// Whether the value behind this name is a secret, whatever it looks like.
pub(crate) fn is_secret_name(name: &[u8]) -> bool {
    SECRET_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        || [b"password".as_slice(), b"secret", b"token"].iter().any(|part| {
            name.len() >= part.len()
                && name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
        })
}

/// Three (signed) or five (encrypted) parts of base64url, the first of which begins as JSON does
/// (RFC 7515 section 7.1, RFC 7516 section 7.1).
pub(crate) fn is_jwt(text: &[u8]) -> bool {
    if !text.starts_with(b"eyJ") || text.len() < 20 {
        return false;
    }
    let (mut dots, mut marks) = (0, 0);
    for &byte in text {
        marks |= marks_of(byte);
        dots += usize::from(byte == b'.');
    }
    (1..=4).contains(&dots) && marks & mark::NO_TOKEN == 0
}

/// Whether all digits of `text`, single spaces or dashes between them apart, are a card number: the
/// length, an issuer that exists, and the check digit (ISO/IEC 7812-1 annex B).
pub(crate) fn is_card_number(text: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let mut count = 0usize;
    let mut separated = true;
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                let Some(place) = digits.get_mut(count) else { return false };
                *place = byte - b'0';
                count += 1;
                separated = false;
            }
            b' ' | b'-' if !separated => separated = true,
            _ => return false,
        }
    }
    let digits = digits.get(..count).unwrap_or_default();
    CARD_DIGITS.contains(&count) && !separated && has_issuer(digits) && has_check_digit(digits)
}

/// A well-known kind of key, or random text too long to be an identifier.
pub(crate) fn is_key(text: &[u8]) -> bool {
    is_well_known_key(text) || (text.len() >= KEY_BYTES_MIN && is_random(text))
}

/// A key that begins as those of its maker do.
pub(crate) fn is_well_known_key(text: &[u8]) -> bool {
    text.len() >= KNOWN_KEY_BYTES_MIN
        && KEY_PREFIXES.rests(text).any(|(_, rest)| {
            rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
                && rest.iter().any(u8::is_ascii_digit)
        })
}

fn is_random(text: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| text.iter().filter(|byte| test(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let separators = count(|byte| b"-_".contains(byte));
    if digits + upper + lower + separators != text.len() || lexical::is_joined_words(text) {
        return false;
    }
    if text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        // Up to 32 hexadecimal digits are identifiers; 40 are a SHA-1 or a key.
        return separators == 0 && text.len() >= 40;
    }
    let mixed_case = digits >= 2 && upper >= 2 && lower >= 2;
    // Lower case and digits alone need more length: 24 are again some 119 bits.
    let one_case = text.len() >= 24 && digits >= 4 && lower >= 4 && upper == 0;
    mixed_case || one_case
}

/// A plus sign and the digits of E.164.
fn is_phone(run: &[u8]) -> bool {
    run.strip_prefix(b"+").is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
    })
}

fn has_email(text: &[u8]) -> bool {
    memchr_iter(b'@', text).any(|at| {
        let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
        let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + 1..).unwrap_or_default();
        // Bounded on both sides, so that many signs cost no more than the text is long.
        let local = before.iter().rev().take(64).take_while(|byte| is_local(byte)).count();
        let domain = after.iter().take(190).take_while(|byte| is_domain(byte)).count();
        let start = at - local;
        let mut address = text.get(start..=at + domain).unwrap_or_default();
        while let Some((b'.' | b'-', rest)) = address.split_last() {
            address = rest;
        }
        lexical::is_email(address)
    })
}

/// Looks at every longest run of digits, alone and in the groups that are printed on cards.
fn has_card_number(text: &[u8]) -> bool {
    let plain = text.split(|byte| !byte.is_ascii_alphanumeric()).any(|word| {
        // Sixteen digits of a hash are a number of nobody's.
        let is_hash =
            !word.iter().all(u8::is_ascii_digit) && word.iter().all(u8::is_ascii_hexdigit);
        !is_hash
            && word
                .split(|byte| !byte.is_ascii_digit())
                .any(|run| CARD_DIGITS.contains(&run.len()) && is_card_number(run))
    });
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    // Most text is not full of digits.
    plain || (digits >= *CARD_DIGITS.start() && has_grouped_card(text))
}

/// Tries every group of every run of groups as the first of a card number's.
fn has_grouped_card(text: &[u8]) -> bool {
    let is_separator = |byte: &u8| b" -".contains(byte);
    text.split(|byte| !byte.is_ascii_alphanumeric() && !is_separator(byte)).any(|run| {
        let mut groups = run.split(is_separator);
        loop {
            if is_grouped_card(groups.clone()) {
                return true;
            }
            if groups.next().is_none() {
                return false;
            }
        }
    })
}

/// Whether the next groups are a card number as printed: 4-4-4-4, 4-4-4-4-3, 4-6-5 or 4-6-4.
fn is_grouped_card<'a>(groups: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut digits = [0_u8; 19];
    let (mut count, mut second) = (0, 0);
    for (index, group) in groups.take(5).enumerate() {
        let fits = match index {
            0 => group.len() == 4,
            1 => matches!(group.len(), 4 | 6),
            2 if second == 6 => matches!(group.len(), 4 | 5),
            2 | 3 => second == 4 && group.len() == 4,
            _ => second == 4 && group.len() == 3,
        };
        let Some(free) = digits.get_mut(count..count + group.len()) else { return false };
        if !fits || !group.iter().all(u8::is_ascii_digit) {
            return false;
        }
        free.copy_from_slice(group);
        count += group.len();
        second = if index == 1 { group.len() } else { second };
        let whole = if second == 6 { index == 2 } else { index >= 3 };
        if whole && is_card_number(digits.get(..count).unwrap_or_default()) {
            return true;
        }
    }
    false
}

/// The ranges of the eight large card schemes.
fn has_issuer(digits: &[u8]) -> bool {
    let prefix = |length: usize| {
        digits.iter().take(length).fold(0u32, |value, &digit| value * 10 + u32::from(digit))
    };
    let length = digits.len();
    match prefix(1) {
        4 => matches!(length, 13 | 16 | 19),
        // JCB's old numbers have fifteen digits.
        1 => length == 15 && prefix(4) == 1800,
        2 if length == 15 => prefix(4) == 2131,
        2 => length == 16 && (2221..=2720).contains(&prefix(4)),
        3 => match prefix(2) {
            34 | 37 => length == 15,
            35 => (16..=19).contains(&length) && (3528..=3589).contains(&prefix(4)),
            36 | 38 | 39 => (14..=19).contains(&length),
            30 => (14..=19).contains(&length) && matches!(prefix(3), 300..=305 | 309),
            _ => false,
        },
        5 => match prefix(2) {
            51..=55 => length == 16,
            50 | 56..=58 => true,
            _ => false,
        },
        6 => match prefix(2) {
            62 | 65 => (16..=19).contains(&length),
            60 => length >= 16 && prefix(4) == 6011,
            64 => length >= 16 && (644..=649).contains(&prefix(3)),
            63 | 67 => matches!(prefix(4), 6304 | 6759 | 6761..=6763),
            _ => false,
        },
        _ => false,
    }
}

/// Luhn's sum.
fn has_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let digit = u32::from(digit);
            let doubled = digit * 2;
            if place % 2 == 0 {
                digit
            } else if doubled > 9 {
                doubled - 9
            } else {
                doubled
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("4111111111111111", Sensitive::CardNumber),
            ("card 4111 1111 1111 1111 ok", Sensitive::CardNumber),
            ("user:378282246310005", Sensitive::CardNumber),
            ("user378282246310005", Sensitive::CardNumber),
            ("4111-1111-1111-1111", Sensitive::CardNumber),
            ("no 3782 822463 10005 of 7", Sensitive::CardNumber),
            ("4111-1111 1111-1111", Sensitive::CardNumber),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Sensitive::Jwt),
            ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln;", Sensitive::Jwt),
            ("bob.smith+x@mail.example.com", Sensitive::Email),
            ("to:<bob@example.com>.", Sensitive::Email),
            ("AKIAIOSFODNN7EXAMPLE", Sensitive::Key),
            ("sk_live_51H8xYz0Q", Sensitive::Key),
            ("bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", Sensitive::Key),
            ("2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", Sensitive::Key),
            ("9q8w7e6r5t4y3u2i1o0pasdf", Sensitive::Key),
            ("+4915112345678", Sensitive::Phone),
        ] {
            assert_eq!(find(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_card_is_found_behind_any_number_of_words() {
        let text = "word ".repeat(500) + "4111 1111 1111 1111";
        assert_eq!(find(text.as_bytes()), Some(Sensitive::CardNumber));
    }

    #[test]
    fn identifiers_and_words_are_no_secrets() {
        for text in [
            "orders",
            "70001",
            "1792930211123",
            "550e8400-e29b-41d4-a716-446655440000",
            "a0f9226c-d943-0039-cc0e-131b2122fb66",
            "ab4111111111111111cd",
            "4111-11-11-1111-1111-11",
            "550e8400e29b41d4a716446655440000",
            "507f1f77bcf86cd799439011",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "cus_9s6Xk2",
            "how-to-configure-account-2024-settings",
            "4111111111111112",
            "a@b",
            "C++",
            "GetCustomerAccountInformationList",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn no_known_key_is_shorter_than_the_least() {
        assert!(KEY_PREFIXES.bytes_min() >= KNOWN_KEY_BYTES_MIN);
    }

    #[test]
    fn names_tell_secrets() {
        assert!(is_secret_name(b"X-Amz-Signature"));
        assert!(is_secret_name(b"newPassword"));
        assert!(!is_secret_name(b"page"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_searched(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = (find(&text), is_secret_name(&text));
        }
    }
}
