//! From counts to a class: the name, how much a validator proves, and how many values passed it.

use tapline_model::{ClassSet, DataClass};

use super::name::Hints;

/// Without a name: so many values, nine of ten valid, and so many of them different.
const UNNAMED_VALUES_MIN: u64 = 8;
const DISTINCT_MIN: usize = 8;
/// With a name that may say the class.
const WEAK_VALUES_MIN: u64 = 20;
/// With a name that says the class and a test that proves little.
const NAMED_VALUES_MIN: u64 = 3;
/// Per mille.
const MOST: u64 = 900;
const MANY: u64 = 600;
const SOME: u64 = 350;

/// What is nothing else by chance: one value of such a form is one of such a class.
pub(crate) const SELF_EVIDENT: ClassSet = ClassSet::of(&[
    DataClass::Jwt,
    DataClass::PrivateKey,
    DataClass::ApiKey,
    DataClass::Email,
    DataClass::TrackData,
    DataClass::Iban,
    DataClass::ItCodiceFiscale,
    DataClass::Passport,
    DataClass::Password,
    DataClass::Secret,
    DataClass::MacAddress,
]);

/// What a validator proves only together with other values or a name, and only by its digits.
const DIGITS: ClassSet = ClassSet::of(&[
    DataClass::CardNumber,
    DataClass::RoutingNumber,
    DataClass::UsSsn,
    DataClass::UkNhs,
    DataClass::FrNir,
    DataClass::NlBsn,
    DataClass::PlPesel,
    DataClass::DeTaxId,
    DataClass::BrCpf,
    DataClass::BrCnpj,
    DataClass::InAadhaar,
    DataClass::SePersonnummer,
    DataClass::NoFnr,
    DataClass::NationalId,
    DataClass::Phone,
    DataClass::IpAddress,
    DataClass::DrivingLicence,
    DataClass::EsDni,
    DataClass::Bic,
]);

/// Those whose test says much once the name agrees.
const STRONG_TEST: ClassSet = ClassSet::of(&[
    DataClass::CardNumber,
    DataClass::TrackData,
    DataClass::Iban,
    DataClass::Bic,
    DataClass::UsSsn,
    DataClass::UkNino,
    DataClass::UkNhs,
    DataClass::FrNir,
    DataClass::EsDni,
    DataClass::EsNie,
    DataClass::ItCodiceFiscale,
    DataClass::NlBsn,
    DataClass::PlPesel,
    DataClass::DeTaxId,
    DataClass::BrCpf,
    DataClass::BrCnpj,
    DataClass::InAadhaar,
    DataClass::InPan,
    DataClass::SePersonnummer,
    DataClass::FiHetu,
    DataClass::NoFnr,
    DataClass::Email,
    DataClass::Phone,
    DataClass::DateOfBirth,
    DataClass::IpAddress,
    DataClass::MacAddress,
    DataClass::CardVerification,
    DataClass::Password,
    DataClass::Secret,
    DataClass::ApiKey,
    DataClass::Jwt,
    DataClass::PrivateKey,
    DataClass::OneTimeCode,
    DataClass::Pin,
]);

/// Those that are never found without a name: their form is too common.
const NEVER_UNNAMED: ClassSet = ClassSet::of(&[
    DataClass::CardVerification,
    DataClass::CardExpiry,
    DataClass::Pin,
    DataClass::BankAccount,
    DataClass::Salary,
    DataClass::PersonName,
    DataClass::Postcode,
    DataClass::DateOfBirth,
    DataClass::Gender,
    DataClass::Username,
    DataClass::Health,
    DataClass::SpecialCategory,
    DataClass::AccessToken,
    DataClass::SessionId,
    DataClass::OneTimeCode,
]);

/// What was counted of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a, I> {
    /// Values that were looked at: neither null nor empty.
    pub(crate) values: u64,
    /// Of those, valid for each class.
    pub(crate) valid: I,
    /// Different values among the valid ones; no more than 8 are told apart.
    pub(crate) distinct: usize,
    /// By the field's name.
    pub(crate) hints: &'a Hints,
}

/// The class of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: DataClass,
    /// Valid values, per mille.
    pub(crate) share: u64,
    /// The name says so too.
    pub(crate) named: bool,
}

/// The class that the counts and the name make certain, if any.
pub(crate) fn judge(
    counted: Counted<'_, impl Iterator<Item = (DataClass, u64)>>,
) -> Option<Verdict> {
    let Counted { values, valid, distinct, hints } = counted;
    let rank = |(class, valid): (DataClass, u64)| {
        let share = valid.min(values) * 1_000 / values.max(1);
        let strength = strength(class, share, values, distinct, hints)?;
        Some((strength, share, class))
    };
    // Of equals the first declared, which is the rarer one.
    let best = valid
        .filter_map(rank)
        .max_by_key(|&(strength, share, class)| (strength, share / 50, std::cmp::Reverse(class)));
    best.map(|(_, share, class)| Verdict { class, share, named: hints.any().contains(class) })
}

/// How certain, 1 to 5; none if it is not.
fn strength(
    class: DataClass,
    share: u64,
    values: u64,
    distinct: usize,
    hints: &Hints,
) -> Option<u8> {
    let self_evident = SELF_EVIDENT.contains(class);
    if hints.strong.contains(class) {
        let strong_test = STRONG_TEST.contains(class);
        let enough = if strong_test {
            share >= MANY
        } else {
            (share >= MOST && values >= NAMED_VALUES_MIN)
                || (share >= MANY && values >= WEAK_VALUES_MIN)
        };
        return enough.then_some(match (self_evident, strong_test) {
            (true, _) => 5,
            (false, true) => 4,
            (false, false) => 2,
        });
    }
    if hints.weak.contains(class) {
        let least = if class == DataClass::PersonName { SOME } else { MANY };
        let is_counted = share >= least && values >= WEAK_VALUES_MIN;
        let is_proven = share >= MOST && unnamed(class, values, distinct, hints);
        return (is_counted || is_proven).then_some(if self_evident { 3 } else { 1 });
    }
    (share >= MOST && unnamed(class, values, distinct, hints)).then_some(if self_evident {
        3
    } else {
        1
    })
}

/// Whether nine of ten valid values say enough without a name.
fn unnamed(class: DataClass, values: u64, distinct: usize, hints: &Hints) -> bool {
    if NEVER_UNNAMED.contains(class) || (hints.is_decoy && DIGITS.contains(class)) {
        return false;
    }
    SELF_EVIDENT.contains(class) || (values >= UNNAMED_VALUES_MIN && distinct >= DISTINCT_MIN)
}

#[cfg(test)]
mod tests {
    use super::super::name::hints;
    use super::*;

    fn verdict(
        name: &str,
        values: u64,
        valid: &[(DataClass, u64)],
        distinct: usize,
    ) -> Option<DataClass> {
        let hints = hints(name);
        let counted = Counted { values, valid: valid.iter().copied(), distinct, hints: &hints };
        judge(counted).map(|verdict| verdict.class)
    }

    #[test]
    fn name_validator_and_frequency_weigh_together() {
        use DataClass::{CardNumber, Email, NlBsn, PersonName, RoutingNumber};
        assert_eq!(verdict("value", 1, &[(CardNumber, 1)], 1), None, "one value proves nothing");
        assert_eq!(verdict("card_number", 1, &[(CardNumber, 1)], 1), Some(CardNumber));
        assert_eq!(verdict("value", 8, &[(CardNumber, 8)], 8), Some(CardNumber));
        assert_eq!(verdict("value", 50, &[(CardNumber, 50)], 1), None, "a constant is no evidence");
        assert_eq!(verdict("value", 100, &[(NlBsn, 9)], 8), None, "one in eleven passes by chance");
        assert_eq!(verdict("order_number", 50, &[(NlBsn, 50)], 8), None);
        assert_eq!(verdict("card_number", 50, &[(CardNumber, 5)], 5), None);
        assert_eq!(verdict("x", 1, &[(Email, 1)], 1), Some(Email));
        assert_eq!(verdict("username", 9, &[(DataClass::Username, 9), (Email, 9)], 8), Some(Email));
        assert_eq!(verdict("name", 50, &[(PersonName, 20)], 0), Some(PersonName));
        assert_eq!(verdict("name", 50, &[(PersonName, 5)], 0), None);
        assert_eq!(verdict("x", 9, &[(NlBsn, 9), (RoutingNumber, 9)], 8), Some(RoutingNumber));
    }
}
