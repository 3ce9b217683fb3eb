//! Which class of sensitive data a field holds, judged by its name, by what its values are valid for,
//! and by how many of them are: never by one value alone.
//!
//! A worker says of each value what it may be ([`classes_of`]); the merge, which has the counts,
//! decides ([`judge`]).

mod bank;
mod checksum;
mod contact;
mod credential;
mod name;
mod national;
mod payment;
mod rule;
mod text;
mod vocabulary;
mod words;

use tapline_model::{ClassSet, DataClass, SegmentClass};

pub(crate) use self::name::{Hints, MEMBERS_MAX, hints};
pub(crate) use self::rule::{Counted, Verdict, judge};
use self::text::Compact;
use crate::sensitive;

/// Bytes of a value that are looked at: longer text is nothing but a key, a token or prose.
const VALUE_BYTES_MAX: usize = 8_192;
/// Longest value that an identifier can be.
const IDENTIFIER_BYTES_MAX: usize = 48;
/// Digits of an identifier: the two by which an IBAN is checked.
const IDENTIFIER_DIGITS_MIN: usize = 2;
/// Longest value with a form of its own that is no token: an address in a line.
const LINE_BYTES_MAX: usize = 320;

/// Classes that a name alone may suggest; the test is what a value of them must pass at least.
type Test = fn(&[u8], Hints) -> bool;

/// By name only.
const NAMED: &[(DataClass, Test)] = &[
    (DataClass::CardVerification, |text, _| payment::is_verification(text)),
    (DataClass::CardExpiry, |text, _| payment::is_expiry(text)),
    (DataClass::Pin, |text, _| payment::is_pin(text)),
    (DataClass::Salary, |text, _| contact::is_amount(text)),
    (DataClass::Phone, |text, _| contact::is_named_phone(text)),
    (DataClass::PersonName, |text, hints| {
        if hints.strong.contains(DataClass::PersonName) {
            contact::is_name(text)
        } else {
            contact::is_known_name(text)
        }
    }),
    (DataClass::PostalAddress, |text, hints| {
        if hints.strong.contains(DataClass::PostalAddress) {
            contact::is_address_line(text) || contact::is_place(text)
        } else {
            contact::is_address_line(text) && text.iter().any(u8::is_ascii_digit)
        }
    }),
    (DataClass::Postcode, |text, _| contact::is_postcode(text)),
    (DataClass::DateOfBirth, |text, _| contact::is_birth_part(text)),
    (DataClass::Gender, |text, _| contact::is_gender(text)),
    (DataClass::Geo, |text, hints| {
        contact::is_degree(text, if hints.is_latitude { 90.0 } else { 180.0 })
    }),
    (DataClass::Username, |text, _| contact::is_username(text)),
    (DataClass::Health, |text, hints| {
        contact::is_icd(text)
            || (hints.strong.contains(DataClass::Health) && contact::is_prose(text))
            || (hints.strong.contains(DataClass::Health)
                && Compact::of(text).is_some_and(|it| contact::is_record_number(&it)))
    }),
    (DataClass::SpecialCategory, |text, _| contact::is_prose(text)),
    (DataClass::Password, |text, _| credential::is_password(text)),
    (DataClass::Secret, |text, _| credential::is_password(text) && text.len() >= 6),
    (DataClass::ApiKey, |text, _| credential::is_opaque(text, 12)),
    (DataClass::AccessToken, |text, _| credential::is_opaque(text, 8)),
    (DataClass::SessionId, |text, _| credential::is_opaque(text, 8)),
    (DataClass::PrivateKey, |text, _| credential::is_opaque(text, 32)),
    (DataClass::OneTimeCode, |text, _| credential::is_one_time(text)),
];

/// What one value of a field may be. Its hints are those of the field's name.
pub(crate) fn classes_of(value: &[u8], hints: Hints) -> ClassSet {
    let text = value.get(..VALUE_BYTES_MAX).unwrap_or(value).trim_ascii();
    let mut classes = ClassSet::NONE;
    if text.is_empty() {
        return classes;
    }
    if credential::is_jwt(text) {
        // It is opaque and long too, whatever its name.
        return ClassSet::of(&[DataClass::Jwt]);
    }
    if !hints.any().is_empty() {
        by_name(text, hints, &mut classes);
    }
    let look = Look::of(text);
    if look.may_prove(text) {
        by_form(text, look, &mut classes);
    }
    classes
}

/// The class of a path segment that is known by its form alone.
pub(crate) const fn of_segment(class: SegmentClass) -> Option<DataClass> {
    Some(match class {
        SegmentClass::CardNumber => DataClass::CardNumber,
        SegmentClass::Email => DataClass::Email,
        SegmentClass::Jwt => DataClass::Jwt,
        SegmentClass::Phone => DataClass::Phone,
        SegmentClass::IpAddress => DataClass::IpAddress,
        SegmentClass::Coordinates => DataClass::Geo,
        _ => return None,
    })
}

/// What the name suggests and the value can be.
fn by_name(text: &[u8], hints: Hints, classes: &mut ClassSet) {
    let names = hints.any();
    for &(class, test) in NAMED {
        if names.contains(class) && test(text, hints) {
            classes.insert(class);
        }
    }
    if text.len() > IDENTIFIER_BYTES_MAX {
        return;
    }
    if let Some(compact) = Compact::of(text) {
        *classes = classes.union(national::named(&compact, names));
        if names.contains(DataClass::BankAccount) && bank::is_account(&compact) {
            classes.insert(DataClass::BankAccount);
        }
        if names.contains(DataClass::RoutingNumber) && bank::is_bank_code(&compact) {
            classes.insert(DataClass::RoutingNumber);
        }
    }
}

/// Whether a value begins as a date does, which proves nothing: a birthday is known by its name.
fn is_timestamp(text: &[u8]) -> bool {
    let Some((date, rest)) = text.split_first_chunk::<10>() else { return false };
    let is_date = date.iter().enumerate().all(|(place, byte)| match place {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_date && rest.first().is_none_or(|byte| matches!(byte, b'T' | b't' | b' '))
}

/// Signs that a form needs, as bits.
mod sign {
    pub(super) const SPACE: u8 = 1;
    pub(super) const AT: u8 = 2;
    /// `+` and `(`.
    pub(super) const DIALLING: u8 = 4;
    /// `=` and `^`.
    pub(super) const TRACK: u8 = 8;
    pub(super) const ANGLE: u8 = 16;
    /// `$`, `{`, `%` and `;`.
    pub(super) const HASH: u8 = 32;
}

/// What stands in a value: it rules out most of what it could be.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    digits: usize,
    dots: usize,
    colons: usize,
    dashes: usize,
    /// Of [`sign`].
    signs: u8,
}

impl Look {
    /// At the first bytes.
    fn of(text: &[u8]) -> Self {
        let mut look = Self::default();
        for &byte in text.get(..LINE_BYTES_MAX).unwrap_or(text) {
            match byte {
                b'0'..=b'9' => look.digits += 1,
                b'.' => look.dots += 1,
                b':' => look.colons += 1,
                b'-' => look.dashes += 1,
                b' ' => look.signs |= sign::SPACE,
                b'@' => look.signs |= sign::AT,
                b'+' | b'(' => look.signs |= sign::DIALLING,
                b'=' | b'^' => look.signs |= sign::TRACK,
                b'<' => look.signs |= sign::ANGLE,
                b'$' | b'{' | b'%' | b';' => look.signs |= sign::HASH,
                _ => {}
            }
        }
        look
    }

    const fn has(self, sign: u8) -> bool {
        self.signs & sign != 0
    }

    /// Whether the value can have any form that proves itself: most are short words and numbers.
    fn may_prove(self, text: &[u8]) -> bool {
        let has_form = self.digits >= 4
            || self.has(sign::AT | sign::HASH)
            || self.colons > 0
            || (text.len() >= 8 && text.first().is_some_and(u8::is_ascii_uppercase))
            || text.len() >= 15
            || (self.digits > 0 && self.has(sign::SPACE));
        has_form && !sensitive::is_uuid(text) && !is_timestamp(text)
    }
}

/// What the value is valid for, whatever its name. What `look` rules out is not tried.
fn by_form(text: &[u8], look: Look, classes: &mut ClassSet) {
    let mut insert = |class, holds: bool| {
        if holds {
            classes.insert(class);
        }
    };
    insert(DataClass::PrivateKey, look.dashes >= 5 && credential::is_private_key(text));
    insert(DataClass::ApiKey, look.digits > 0 && credential::is_marked_key(text));
    let may_be_hash = look.has(sign::HASH) || look.colons > 0;
    insert(DataClass::Password, may_be_hash && credential::is_password_hash(text));
    if text.len() > LINE_BYTES_MAX {
        return;
    }
    insert(
        DataClass::Secret,
        look.has(sign::AT) && look.colons >= 2 && credential::is_connection(text),
    );
    insert(DataClass::Email, look.has(sign::AT) && contact::is_email(text));
    insert(
        DataClass::PostalAddress,
        look.digits > 0 && look.has(sign::SPACE) && contact::is_street(text),
    );
    insert(DataClass::TrackData, look.has(sign::TRACK) && payment::is_track(text));
    insert(DataClass::Passport, look.has(sign::ANGLE) && contact::is_machine_readable(text));
    if text.len() > IDENTIFIER_BYTES_MAX {
        return;
    }
    insert(DataClass::Phone, look.has(sign::DIALLING) && contact::is_phone(text));
    insert(DataClass::Geo, look.dots >= 2 && look.digits >= 6 && contact::is_point(text));
    let may_be_ip = look.dots >= 3 || look.colons >= 2;
    insert(DataClass::IpAddress, may_be_ip && contact::is_ip(text));
    insert(DataClass::MacAddress, matches!(text.len(), 14 | 17) && contact::is_mac(text));
    insert(DataClass::Bic, bank::is_bic(text));
    if look.digits < IDENTIFIER_DIGITS_MIN {
        return;
    }
    let Some(compact) = Compact::of(text) else { return };
    insert(DataClass::CardNumber, payment::is_card_number(&compact));
    insert(DataClass::Iban, bank::is_iban(&compact));
    insert(DataClass::RoutingNumber, bank::is_routing_number(&compact));
    *classes = classes.union(national::proven(&compact));
}

#[cfg(test)]
mod tests;
