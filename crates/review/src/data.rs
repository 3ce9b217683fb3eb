//! What kind of data an endpoint carries, by the names and types of its fields.

use std::collections::BTreeMap;

use tapline_model::{DataClass, DataGroup, DataPlace, EndpointView};

use crate::fields::fields_of;
use crate::role::{Role, bare_name, role_of};

/// One kind of data.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) label: &'static str,
    /// What it adds to a risk, at most 20.
    pub(crate) points: u32,
    names: &'static [&'static str],
}

/// The worst first.
const KINDS: &[Kind] = &[
    Kind {
        label: "payment",
        points: 18,
        names: &[
            "cardnumber",
            "card",
            "pan",
            "ccnumber",
            "creditcard",
            "cvv",
            "cvc",
            "cvv2",
            "iban",
            "bic",
            "accountnumber",
            "bankaccount",
            "routingnumber",
            "cardexpiry",
        ],
    },
    Kind {
        label: "health",
        points: 18,
        names: &[
            "diagnosis",
            "icd",
            "icd10",
            "medication",
            "prescription",
            "patientid",
            "bloodtype",
            "mrn",
        ],
    },
    Kind {
        label: "identity",
        points: 16,
        names: &[
            "ssn",
            "passport",
            "passportnumber",
            "nationalid",
            "taxid",
            "socialsecuritynumber",
            "driverlicense",
            "drivinglicence",
            "cpf",
            "aadhaar",
            "nino",
            "pesel",
            "dni",
        ],
    },
    Kind {
        label: "credentials",
        points: 16,
        names: &[
            "password",
            "passwd",
            "pwd",
            "secret",
            "clientsecret",
            "privatekey",
            "apikey",
            "accesstoken",
            "refreshtoken",
            "token",
            "pin",
        ],
    },
    Kind {
        label: "finance",
        points: 12,
        names: &["salary", "income", "balance", "creditlimit", "creditscore"],
    },
    Kind {
        label: "person",
        points: 10,
        names: &[
            "firstname",
            "lastname",
            "fullname",
            "surname",
            "dateofbirth",
            "dob",
            "birthdate",
            "birthday",
            "gender",
            "maidenname",
        ],
    },
    Kind {
        label: "contact",
        points: 8,
        names: &[
            "email",
            "emailaddress",
            "mail",
            "phone",
            "phonenumber",
            "mobile",
            "street",
            "address",
            "postcode",
            "zipcode",
            "zip",
            "shippingaddress",
            "billingaddress",
        ],
    },
    Kind {
        label: "location",
        points: 8,
        names: &["latitude", "longitude", "lat", "lon", "lng", "gps", "coordinates"],
    },
];

/// Fields named of each kind.
const FIELDS_NAMED: usize = 6;

/// What is carried of one kind.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) kind: &'static Kind,
    pub(crate) in_requests: bool,
    pub(crate) in_responses: bool,
    /// A few of the fields' names.
    pub(crate) fields: Vec<String>,
}

/// What an endpoint carries, the worst first. Secrets that are sent to it, and tokens that it
/// answers with, are what logins are for, so credentials count in the answers of others only.
pub(crate) fn carried(endpoint: &EndpointView) -> Vec<Carried> {
    let is_login = matches!(role_of(endpoint), Role::Login | Role::SecondFactor);
    let mut found: BTreeMap<usize, Carried> = BTreeMap::new();
    for field in found_fields(endpoint) {
        let Some((place, kind)) = field.place.and_then(|place| Some((place, KINDS.get(place)?)))
        else {
            continue;
        };
        let is_response = field.is_response;
        if kind.label == "credentials" && (is_login || !is_response) {
            continue;
        }
        let carried = found.entry(place).or_insert_with(|| Carried {
            kind,
            in_requests: false,
            in_responses: false,
            fields: Vec::new(),
        });
        carried.in_responses |= is_response;
        carried.in_requests |= !is_response;
        // Of every status and both ways a field is told of once.
        let name = crate::text::shown(&field.name);
        if carried.fields.len() < FIELDS_NAMED && !carried.fields.contains(&name) {
            carried.fields.push(name);
        }
    }
    found.into_values().collect()
}

/// A field, and the place of its kind among all kinds.
struct Found {
    place: Option<usize>,
    name: String,
    is_response: bool,
}

/// What the values of fields say, then what their names say.
fn found_fields(endpoint: &EndpointView) -> Vec<Found> {
    let by_value = endpoint.data.iter().map(|field| Found {
        place: KINDS.iter().position(|kind| kind.label == kind_of(field.class)),
        name: field.field.clone(),
        is_response: field.place == DataPlace::Response,
    });
    let is_told = |name: &str| endpoint.data.iter().any(|field| field.field == name);
    let fields = fields_of(endpoint);
    let by_name = fields.iter().filter(|field| !is_told(&field.name)).map(|field| {
        let name = bare_name(&field.name);
        let is_email = field.types.first().is_some_and(|(kind, _)| kind == "email");
        let is_of = |kind: &Kind| {
            kind.names.contains(&name.as_str()) || (is_email && kind.label == "contact")
        };
        Found {
            place: KINDS.iter().position(is_of),
            name: field.name.clone(),
            is_response: field.location == "response_body",
        }
    });
    by_value.chain(by_name).collect()
}

/// The kind of data that a class is of.
const fn kind_of(class: DataClass) -> &'static str {
    match class {
        DataClass::Email | DataClass::Phone | DataClass::PostalAddress | DataClass::Postcode => {
            "contact"
        }
        DataClass::Geo => "location",
        _ => match class.group() {
            DataGroup::Payment => "payment",
            DataGroup::Financial => "finance",
            DataGroup::Identity => "identity",
            DataGroup::Special => "health",
            DataGroup::Credential => "credentials",
            DataGroup::Personal => "person",
        },
    }
}

/// Fields of answers whose values are secrets that nobody needs back: not tokens, which logins
/// answer with.
pub(crate) fn returned_secrets(endpoint: &EndpointView) -> Vec<String> {
    const NAMES: &[&str] = &[
        "password",
        "passwd",
        "pwd",
        "passwordhash",
        "privatekey",
        "clientsecret",
        "cvv",
        "cvc",
        "pin",
    ];
    let is_secret = |one: &&tapline_model::ParameterView| {
        one.location == "response_body" && NAMES.contains(&bare_name(&one.name).as_str())
    };
    let fields = fields_of(endpoint);
    let found = fields.iter().filter(is_secret);
    found.take(FIELDS_NAMED).map(|one| crate::text::shown(&one.name)).collect()
}

/// Whether a name stands for values in a name's place: it is no name that could be sent.
pub(crate) fn is_masked(name: &str) -> bool {
    name.starts_with('[') && !name.starts_with("[]")
}
