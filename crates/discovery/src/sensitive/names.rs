//! What the name of a field says about its values: whether they may be known, whether they tell
//! kinds of objects apart.

use compact_str::CompactString;
use smallvec::SmallVec;

use super::is_secret_name;

/// What may be known of the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Openness {
    /// Plain words, small integers and versions, once two consumers have sent them.
    Open,
    /// How many different ones there are: they name a person or a thing.
    Closed,
    /// Nothing: they are secrets.
    Secret,
}

impl Openness {
    /// Of a member with this openness of its own below another.
    pub(crate) const fn below(self, above: Self) -> Self {
        match (self, above) {
            (_, Self::Secret) | (Self::Secret, _) => Self::Secret,
            (Self::Closed, _) => Self::Closed,
            (Self::Open, above) => above,
        }
    }
}

/// Words in the names of fields whose values name a person, a place or one thing of many, or are
/// free text.
const CLOSED_WORDS: &[&str] = &[
    "account",
    "addr",
    "address",
    "age",
    "alias",
    "auth",
    "key",
    "session",
    "answer",
    "bic",
    "birth",
    "birthday",
    "bio",
    "body",
    "city",
    "comment",
    "content",
    "cookie",
    "description",
    "diagnosis",
    "display",
    "dob",
    "email",
    "family",
    "fingerprint",
    "first",
    "firstname",
    "fullname",
    "given",
    "guid",
    "handle",
    "hash",
    "iban",
    "id",
    "identifier",
    "ids",
    "ip",
    "label",
    "last",
    "lastname",
    "lat",
    "latitude",
    "license",
    "lng",
    "login",
    "lon",
    "longitude",
    "mail",
    "maiden",
    "message",
    "middle",
    "mobile",
    "mrn",
    "name",
    "nationality",
    "nick",
    "nickname",
    "no",
    "note",
    "notes",
    "nr",
    "number",
    "passport",
    "path",
    "phone",
    "place",
    "plate",
    "postal",
    "postcode",
    "query",
    "race",
    "ref",
    "reference",
    "religion",
    "salary",
    "serial",
    "sex",
    "slug",
    "sku",
    "street",
    "subject",
    "summary",
    "surname",
    "tax",
    "tel",
    "telephone",
    "text",
    "title",
    "town",
    "uid",
    "url",
    "uri",
    "user",
    "username",
    "uuid",
    "vat",
    "zip",
];
/// Words in the names of fields whose values are secrets.
const SECRET_WORDS: &[&str] =
    &["apikey", "cvc", "cvv", "jwt", "otp", "passphrase", "passwd", "pin", "pwd", "sig", "ssn"];
/// What holds objects about somebody: what is below has names of its own.
const HOLDERS: &[&str] = &["account", "address", "place", "subject", "user"];
/// Names that tell kinds of objects apart.
const TAGS: &[&str] = &[
    "@type",
    "__typename",
    "_type",
    "action",
    "category",
    "event",
    "kind",
    "method",
    "mode",
    "object",
    "op",
    "resourcetype",
    "state",
    "status",
    "type",
    "variant",
];
/// Words of a name that are looked at.
const WORDS_MAX: usize = 8;

/// What may be known of the values under this name.
pub(crate) fn openness(name: &str) -> Openness {
    // A code is an error's or a country's far more often than the one that OAuth exchanges for a
    // token, and that one is no plain word.
    if is_secret_name(name.as_bytes()) && !name.eq_ignore_ascii_case("code") {
        return Openness::Secret;
    }
    let words = words(name);
    if words.iter().any(|word| SECRET_WORDS.contains(&word.as_str())) {
        return Openness::Secret;
    }
    let is_closed = words.iter().any(|word| CLOSED_WORDS.contains(&word.as_str()));
    if is_closed { Openness::Closed } else { Openness::Open }
}

/// Whether what is below this name is judged by names of its own.
pub(crate) fn is_holder(name: &str) -> bool {
    words(name).last().is_some_and(|word| {
        HOLDERS.contains(&word.as_str())
            || word.strip_suffix('s').is_some_and(|one| HOLDERS.contains(&one))
    })
}

/// Whether the values under this name may tell kinds of objects apart.
pub(crate) fn is_tag(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TAGS.contains(&name.as_str()) || name.ends_with("_type") || name.ends_with("type")
}

/// The words of a name in lower case, told apart by separators and capitals.
fn words(name: &str) -> SmallVec<[CompactString; WORDS_MAX]> {
    let mut words = SmallVec::<[CompactString; WORDS_MAX]>::new();
    let mut word = CompactString::default();
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = letter.is_uppercase() && was_lower;
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
            if words.len() == WORDS_MAX {
                return words;
            }
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_may_be_known() {
        for (name, expected) in [
            ("status", Openness::Open),
            ("currency", Openness::Open),
            ("country_code", Openness::Open),
            ("role", Openness::Open),
            ("firstName", Openness::Closed),
            ("userId", Openness::Closed),
            ("billing-address", Openness::Closed),
            ("email", Openness::Closed),
            ("password", Openness::Secret),
            ("apiKey", Openness::Secret),
            ("cardPin", Openness::Secret),
            ("refreshToken", Openness::Secret),
            ("x_session_id", Openness::Closed),
            ("ticket_type", Openness::Open),
        ] {
            assert_eq!(openness(name), expected, "{name}");
        }
    }

    #[test]
    fn what_holds_objects_about_somebody_closes_nothing_below() {
        assert!(is_holder("user") && is_holder("billingAddress") && is_holder("accounts"));
        assert!(!is_holder("name") && !is_holder("userName"));
    }

    #[test]
    fn tags_are_types_by_name() {
        for name in ["type", "eventType", "object_type", "__typename", "Status"] {
            assert!(is_tag(name), "{name}");
        }
        assert!(!is_tag("name") && !is_tag("typed"));
    }
}
