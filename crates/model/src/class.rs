//! What kind of sensitive data a field holds: a closed list, in integers and labels only.

use serde::{Deserialize, Serialize};

/// What a class is about, and so which rules apply to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataGroup {
    /// Cardholder data and sensitive authentication data (PCI DSS 4.0.1, table 2).
    Payment,
    /// Accounts, banks and income.
    Financial,
    /// Numbers that a state or its offices give a person.
    Identity,
    /// Whoever, wherever: other personal data (GDPR article 4).
    Personal,
    /// Special categories of personal data (GDPR article 9).
    Special,
    /// What opens a door.
    Credential,
}

impl DataGroup {
    /// Every group, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Payment,
        Self::Financial,
        Self::Identity,
        Self::Personal,
        Self::Special,
        Self::Credential,
    ];

    /// The label in metrics and files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Financial => "financial",
            Self::Identity => "identity",
            Self::Personal => "personal",
            Self::Special => "special",
            Self::Credential => "credential",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Payment => "Payment cards (PCI)",
            Self::Financial => "Financial",
            Self::Identity => "National identifiers",
            Self::Personal => "Personal",
            Self::Special => "Special category",
            Self::Credential => "Credentials",
        }
    }
}

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident, $label:literal, $title:literal, $group:ident, $rank:literal;)*) => {
        /// A class of sensitive data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum DataClass {
            $($(#[$doc])* #[serde(rename = $label)] $name,)*
        }

        impl DataClass {
            /// Every class, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The label in metrics, files and the API.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }

            /// The name for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// What it is about.
            pub const fn group(self) -> DataGroup {
                match self { $(Self::$name => DataGroup::$group),* }
            }

            /// How much harm its loss does, 1 (some) to 4 (most).
            pub const fn sensitivity(self) -> u8 {
                match self { $(Self::$name => $rank),* }
            }
        }
    };
}

classes! {
    /// A primary account number (ISO/IEC 7812).
    CardNumber, "card_number", "Card number", Payment, 4;
    /// CVV, CVC, CID: not to be kept after authorisation (PCI DSS 4.0.1, 3.3.1.2).
    CardVerification, "card_verification", "Card verification code", Payment, 4;
    /// When a card expires.
    CardExpiry, "card_expiry", "Card expiry", Payment, 2;
    /// The magnetic stripe (ISO/IEC 7813; PCI DSS 4.0.1, 3.3.1.1).
    TrackData, "track_data", "Card track data", Payment, 4;
    /// A personal identification number (PCI DSS 4.0.1, 3.3.1.3).
    Pin, "pin", "PIN", Payment, 4;
    /// An international bank account number (ISO 13616).
    Iban, "iban", "IBAN", Financial, 3;
    /// A bank identifier code (ISO 9362).
    Bic, "bic", "BIC", Financial, 1;
    /// A national bank account number.
    BankAccount, "bank_account", "Bank account number", Financial, 3;
    /// A bank's number in its country: ABA routing number, sort code.
    RoutingNumber, "routing_number", "Bank routing number", Financial, 1;
    /// Income.
    Salary, "salary", "Salary or income", Financial, 3;
    /// United States: social security number.
    UsSsn, "us_ssn", "US social security number", Identity, 4;
    /// United Kingdom: national insurance number.
    UkNino, "uk_nino", "UK national insurance number", Identity, 4;
    /// United Kingdom: number of the health service.
    UkNhs, "uk_nhs", "UK NHS number", Identity, 4;
    /// France: numéro d'inscription au répertoire.
    FrNir, "fr_nir", "French social security number", Identity, 4;
    /// Spain: documento nacional de identidad.
    EsDni, "es_dni", "Spanish DNI", Identity, 4;
    /// Spain: número de identidad de extranjero.
    EsNie, "es_nie", "Spanish NIE", Identity, 4;
    /// Italy: codice fiscale.
    ItCodiceFiscale, "it_codice_fiscale", "Italian codice fiscale", Identity, 4;
    /// Netherlands: burgerservicenummer.
    NlBsn, "nl_bsn", "Dutch BSN", Identity, 4;
    /// Poland: PESEL.
    PlPesel, "pl_pesel", "Polish PESEL", Identity, 4;
    /// Germany: Steuer-Identifikationsnummer.
    DeTaxId, "de_tax_id", "German tax id", Identity, 4;
    /// Brazil: cadastro de pessoas físicas.
    BrCpf, "br_cpf", "Brazilian CPF", Identity, 4;
    /// Brazil: cadastro nacional da pessoa jurídica.
    BrCnpj, "br_cnpj", "Brazilian CNPJ", Identity, 2;
    /// India: Aadhaar.
    InAadhaar, "in_aadhaar", "Indian Aadhaar", Identity, 4;
    /// India: permanent account number.
    InPan, "in_pan", "Indian PAN", Identity, 4;
    /// Sweden: personnummer.
    SePersonnummer, "se_personnummer", "Swedish personnummer", Identity, 4;
    /// Finland: henkilötunnus.
    FiHetu, "fi_hetu", "Finnish personal identity code", Identity, 4;
    /// Norway: fødselsnummer.
    NoFnr, "no_fnr", "Norwegian national identity number", Identity, 4;
    /// The number of a person in another register: Belgium, Canada, China, Denmark, Ireland and more.
    NationalId, "national_id", "National identifier", Identity, 4;
    /// A passport's number.
    Passport, "passport", "Passport number", Identity, 4;
    /// A driving licence's number.
    DrivingLicence, "driving_licence", "Driving licence number", Identity, 4;
    /// An address of mail (RFC 5322).
    Email, "email", "E-mail address", Personal, 2;
    /// A telephone number.
    Phone, "phone", "Telephone number", Personal, 2;
    /// The name of a person, or a part of it.
    PersonName, "person_name", "Name of a person", Personal, 2;
    /// Where somebody lives or receives mail.
    PostalAddress, "postal_address", "Postal address", Personal, 2;
    /// The postcode of it.
    Postcode, "postcode", "Postcode", Personal, 1;
    /// When somebody was born.
    DateOfBirth, "date_of_birth", "Date of birth", Personal, 3;
    /// Somebody's gender.
    Gender, "gender", "Gender", Personal, 2;
    /// Coordinates.
    Geo, "geo", "Location", Personal, 2;
    /// An address of the internet.
    IpAddress, "ip_address", "IP address", Personal, 1;
    /// A hardware address.
    MacAddress, "mac_address", "MAC address", Personal, 1;
    /// The name of an account.
    Username, "username", "User name", Personal, 1;
    /// Diagnoses (ICD-10), medical records, medication.
    Health, "health", "Health", Special, 4;
    /// Religion, origin, opinions, unions, orientation.
    SpecialCategory, "special_category", "Belief, origin or orientation", Special, 4;
    /// A password, or the hash of one.
    Password, "password", "Password", Credential, 4;
    /// A secret of an application: client secret, connection string.
    Secret, "secret", "Secret", Credential, 4;
    /// A key of an API.
    ApiKey, "api_key", "API key", Credential, 4;
    /// A JSON Web Token (RFC 7519).
    Jwt, "jwt", "JSON Web Token", Credential, 3;
    /// An opaque token that stands for somebody (RFC 6750).
    AccessToken, "access_token", "Access token", Credential, 3;
    /// A private key (RFC 7468).
    PrivateKey, "private_key", "Private key", Credential, 4;
    /// The name of a session.
    SessionId, "session_id", "Session id", Credential, 3;
    /// A password that is good once.
    OneTimeCode, "one_time_code", "One-time code", Credential, 3;
}

impl DataClass {
    /// The class of a label.
    pub fn of_label(label: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.label() == label)
    }

    /// Whether it is account data of the payment card industry.
    pub const fn is_pci(self) -> bool {
        matches!(self.group(), DataGroup::Payment)
    }

    /// Whether it must not be kept once a payment is authorised (PCI DSS 4.0.1, 3.3.1).
    pub const fn is_authentication_data(self) -> bool {
        matches!(self, Self::CardVerification | Self::TrackData | Self::Pin)
    }

    /// Whether it is about a person.
    pub const fn is_personal(self) -> bool {
        matches!(
            self.group(),
            DataGroup::Payment
                | DataGroup::Identity
                | DataGroup::Personal
                | DataGroup::Special
                | DataGroup::Financial
        ) && !matches!(self, Self::BrCnpj | Self::Bic | Self::RoutingNumber)
    }

    /// Whether it opens a door.
    pub const fn is_credential(self) -> bool {
        matches!(self.group(), DataGroup::Credential)
    }
}

/// Where in a transaction a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataPlace {
    /// A slot of the path.
    Path,
    /// The query.
    Query,
    /// A header field of the request.
    Header,
    /// A cookie.
    Cookie,
    /// The content of the request.
    Request,
    /// The content of the response.
    Response,
}

impl DataPlace {
    /// Every place, in declaration order.
    pub const ALL: &'static [Self] =
        &[Self::Path, Self::Query, Self::Header, Self::Cookie, Self::Request, Self::Response];

    /// The label in metrics, files and the API.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Request => "request",
            Self::Response => "response",
        }
    }

    /// Whether it is part of the URL, which logs, proxies and histories keep.
    pub const fn is_url(self) -> bool {
        matches!(self, Self::Path | Self::Query)
    }
}

/// Some classes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ClassSet(u64);

impl ClassSet {
    /// No class.
    pub const NONE: Self = Self(0);

    /// Exactly these.
    pub const fn of(classes: &[DataClass]) -> Self {
        let mut set = Self::NONE;
        let mut rest = classes;
        while let Some((&class, more)) = rest.split_first() {
            set.insert(class);
            rest = more;
        }
        set
    }

    /// Adds a class.
    pub const fn insert(&mut self, class: DataClass) {
        self.0 |= 1 << class as u8;
    }

    /// Whether it holds `class`.
    pub const fn contains(self, class: DataClass) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    /// Whether it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that `other` does not hold.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those it holds, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = DataClass> {
        DataClass::ALL.iter().copied().filter(move |&class| self.contains(class))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_class_has_a_bit_and_a_label_of_its_own() {
        assert!(DataClass::ALL.len() <= 64);
        let labels: BTreeSet<_> = DataClass::ALL.iter().map(|class| class.label()).collect();
        assert_eq!(labels.len(), DataClass::ALL.len());
        for &class in DataClass::ALL {
            assert_eq!(DataClass::of_label(class.label()), Some(class));
            assert!((1..=4).contains(&class.sensitivity()));
        }
    }

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let mut set = ClassSet::of(&[DataClass::Iban, DataClass::OneTimeCode]);
        set.insert(DataClass::CardNumber);
        let held: Vec<_> = set.iter().collect();
        assert_eq!(held, [DataClass::CardNumber, DataClass::Iban, DataClass::OneTimeCode]);
        assert!(set.without(set).is_empty());
    }
}
