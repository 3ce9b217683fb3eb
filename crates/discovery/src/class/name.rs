//! What the name of a field says about what it holds.

use std::sync::LazyLock;

use compact_str::CompactString;
use hashbrown::HashMap;
use smallvec::SmallVec;
use tapline_model::{ClassSet, DataClass};

use super::vocabulary::{DECOYS, GENERIC, NEGATING, NEUTRAL, NOT, PHRASES};
use super::words::fold;

/// Words of a name that are looked at: the last ones.
const WORDS_MAX: usize = 16;
/// Members of a path that are looked at: the last ones.
pub(crate) const MEMBERS_MAX: usize = 6;
/// Words of the longest phrase.
const PHRASE_WORDS_MAX: usize = 6;
/// Shortest phrase that is known at the end of a word, such as `useremail`.
const ENDING_BYTES_MIN: usize = 5;
const CALLED: ClassSet = ClassSet::of(&[DataClass::PersonName, DataClass::Username]);

/// What a name says. A pure function of the name, so workers and the merge agree on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    /// Said for certain.
    pub(crate) strong: ClassSet,
    /// Perhaps said.
    pub(crate) weak: ClassSet,
    /// It says that its digits are something else.
    pub(crate) is_decoy: bool,
    /// Latitude, not longitude: no degree beyond 90.
    pub(crate) is_latitude: bool,
}

impl Hints {
    /// Whether it says anything of a class.
    pub(crate) const fn any(self) -> ClassSet {
        self.strong.union(self.weak)
    }
}

/// By phrase: strong, weak.
static KNOWN: LazyLock<HashMap<&'static str, (ClassSet, ClassSet)>> = LazyLock::new(|| {
    let mut known: HashMap<_, (ClassSet, ClassSet)> = HashMap::new();
    for phrases in PHRASES {
        for phrase in phrases.strong.split_ascii_whitespace() {
            known.entry(phrase).or_default().0.insert(phrases.class);
        }
        for phrase in phrases.weak.split_ascii_whitespace() {
            known.entry(phrase).or_default().1.insert(phrases.class);
        }
    }
    for phrase in NOT.split_ascii_whitespace() {
        known.entry(phrase).or_default();
    }
    known
});

type Words = SmallVec<[CompactString; WORDS_MAX]>;

/// What the name of a field says; `name` is a path whose members are joined by dots.
pub(crate) fn hints(name: &str) -> Hints {
    let (words, leaf) = words(name);
    let leaf_words = words.get(leaf..).unwrap_or_default();
    let mut hints = Hints {
        is_decoy: leaf_words.iter().any(|word| DECOYS.contains(word.as_str())),
        ..Hints::default()
    };
    let negated = leaf_words.len() > 1
        && leaf_words.first().is_some_and(|word| NEGATING.contains(word.as_str()));
    if negated {
        return hints;
    }
    if let Some((strong, weak)) = phrase(&words, leaf) {
        hints.strong = strong;
        hints.weak = weak.without(strong);
    }
    let says_latitude = |word: &CompactString| word.contains("lat") || word.starts_with("breit");
    hints.is_latitude = hints.any().contains(DataClass::Geo)
        && leaf_words.iter().any(says_latitude)
        && !leaf_words.iter().any(|word| word.contains("lo") || word.contains("lng"));
    hints
}

/// The longest phrase that ends the name, words that mean nothing behind it apart.
fn phrase(words: &Words, leaf: usize) -> Option<(ClassSet, ClassSet)> {
    let mut end = words.len();
    loop {
        for start in end.saturating_sub(PHRASE_WORDS_MAX)..end {
            let joined: CompactString =
                words.get(start..end)?.iter().map(CompactString::as_str).collect();
            if start < leaf && joined == "username" {
                // `user.name`: what somebody is called, in one sense or the other.
                return Some((ClassSet::NONE, CALLED));
            }
            if let Some(&found) = KNOWN.get(joined.as_str()) {
                return Some(found);
            }
        }
        let last = words.get(end.checked_sub(1)?)?;
        let counted = last.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if end - 1 > leaf && (counted.is_empty() || NEUTRAL.contains(counted)) {
            end -= 1;
            continue;
        }
        return ending(last);
    }
}

/// The longest phrase that ends a word, digits behind it apart.
fn ending(word: &CompactString) -> Option<(ClassSet, ClassSet)> {
    let bytes = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    for (start, _) in bytes.char_indices() {
        let rest = bytes.get(start..)?;
        if start > 0 && rest.len() < ENDING_BYTES_MIN {
            return None;
        }
        if let Some(&found) = KNOWN.get(rest) {
            return Some(found);
        }
    }
    None
}

/// The words of a name, and where those of its last member begin. What says nothing is left out.
fn words(name: &str) -> (Words, usize) {
    let mut words = Words::new();
    let mut leaf = 0;
    let mut members: SmallVec<[&str; 8]> = name
        .split('.')
        .map(|member| member.trim_end_matches("[]"))
        .filter(|it| !it.is_empty())
        .collect();
    let beyond = members.len().saturating_sub(MEMBERS_MAX);
    members.drain(..beyond);
    // `email.value` is about an e-mail.
    while members.len() > 1
        && members.last().is_some_and(|last| GENERIC.contains(last.to_lowercase().as_str()))
    {
        members.pop();
    }
    let count = members.len();
    for (place, member) in members.into_iter().enumerate() {
        let is_leaf = place + 1 == count;
        if !is_leaf && GENERIC.contains(member.to_lowercase().as_str()) {
            continue;
        }
        if is_leaf {
            leaf = words.len();
        }
        split(member, &mut words);
    }
    while words.len() > WORDS_MAX {
        words.remove(0);
        leaf = leaf.saturating_sub(1);
    }
    (words, leaf)
}

/// Splits at separators, at capitals, and where digits end; singular, folded.
fn split(member: &str, words: &mut Words) {
    let mut word = CompactString::default();
    let mut before = ' ';
    let mut letters = member.chars().peekable();
    let mut finish = |word: &mut CompactString| {
        if !word.is_empty() && words.len() < 4 * WORDS_MAX {
            words.push(singular(word));
        }
        word.clear();
    };
    while let Some(letter) = letters.next() {
        if !letter.is_alphanumeric() {
            finish(&mut word);
            before = ' ';
            continue;
        }
        let next_is_small = letters.peek().is_some_and(|next| next.is_lowercase());
        let is_start = (letter.is_uppercase() && before.is_lowercase())
            || (letter.is_uppercase() && before.is_uppercase() && next_is_small)
            || (letter.is_uppercase() && before.is_numeric());
        if is_start {
            finish(&mut word);
        }
        word.extend(fold(letter));
        before = letter;
    }
    finish(&mut word);
}

/// `emails` is about an e-mail; `address`, `status` and `sms` are no plurals.
fn singular(word: &CompactString) -> CompactString {
    let stem = word.strip_suffix('s').filter(|stem| {
        stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i']) && !KNOWN.contains_key(word.as_str())
    });
    stem.map_or_else(
        || word.clone(),
        |stem| {
            // `addresses`, `diagnoses`.
            let short = stem.strip_suffix('e').filter(|short| short.ends_with("ss"));
            short.unwrap_or(stem).into()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(name: &str) -> String {
        let hints = hints(name);
        let list = |set: ClassSet| set.iter().map(DataClass::label).collect::<Vec<_>>().join(",");
        let weak =
            if hints.weak.is_empty() { String::new() } else { format!("?{}", list(hints.weak)) };
        format!("{}{weak}{}", list(hints.strong), if hints.is_decoy { "!" } else { "" })
    }

    #[test]
    fn names_of_any_style_and_language_say_their_class() {
        for (name, expected) in [
            ("cardNumber", "card_number"),
            ("card_number", "card_number"),
            ("payment.card.number", "card_number"),
            ("CARD-NUMBER", "card_number"),
            ("cc_cvv", "card_verification"),
            ("numeroDeTarjeta", "card_number"),
            ("user.IBANNumber", "iban"),
            ("userSSN", "us_ssn"),
            ("customers[].email", "email"),
            ("contact.emails[].value", "email"),
            ("useremail", "email"),
            ("prénom", "person_name"),
            ("Straße", "postal_address"),
            ("addresses[].addressLine1", "postal_address"),
            ("address_line_1", "postal_address"),
            ("billingZipCode", "postcode"),
            ("dateOfBirth", "date_of_birth"),
            ("geburtsdatum", "date_of_birth"),
            ("location.lat", "geo"),
            ("motDePasse", "password"),
            ("password_hash", "password"),
            ("client_secret", "secret"),
            ("X-Api-Key", "api_key"),
            ("JSESSIONID", "session_id"),
            ("codice_fiscale", "it_codice_fiscale"),
            ("numero-securite-sociale", "fr_nir"),
            ("diagnoses[].code", "health"),
            ("phone2", "phone"),
        ] {
            let said = says(name);
            let strong = said.split('?').next().unwrap().trim_end_matches('!');
            assert!(
                strong.split(',').any(|class| class == expected) || said == expected,
                "{name}: {said}"
            );
        }
    }

    #[test]
    fn names_about_a_class_are_not_of_it() {
        for name in [
            "email_verified",
            "isEmailVerified",
            "hasPhone",
            "addressId",
            "password_changed_at",
            "cardType",
            "product_name",
            "fileName",
            "phoneModel",
            "token_type",
            "nameserver",
            "pinned",
            "tokenCount",
            "cardId",
            "last4",
            "shipping_method",
            "customer_id",
            "key_id",
            "max_card_number",
        ] {
            let said = says(name);
            assert!(said.is_empty() || said.starts_with('!'), "{name}: {said}");
        }
        for name in ["orderNumber", "tracking_no", "imei", "created_at", "ean13", "invoice.number"]
        {
            assert!(says(name).ends_with('!') || says(name).is_empty(), "{name}: {}", says(name));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read(name in "\\PC{0,80}") {
            let _ = hints(&name);
        }
    }
}
