//! What names say: of a route, whether accounts or secrets are tried there; of a field, whether its
//! value is one.

use std::sync::LazyLock;

use hashbrown::HashMap;
use smallvec::SmallVec;

/// Bytes of a name that are looked at; longer ones say nothing.
const NAME_BYTES_MAX: usize = 40;
/// Bytes of a text that names an operation.
const TEXT_BYTES_MAX: usize = 128;

/// What a route, or the name of an operation, says is done there. A set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context(u8);

impl Context {
    /// Somebody logs in.
    pub(crate) const LOGIN: Self = Self(1);
    /// An account is made.
    pub(crate) const SIGNUP: Self = Self(1 << 1);
    /// A code or a token is taken.
    pub(crate) const CODE: Self = Self(1 << 2);
    /// An account is looked up, or its password forgotten.
    pub(crate) const LOOKUP: Self = Self(1 << 3);
    /// A voucher is taken.
    pub(crate) const VOUCHER: Self = Self(1 << 4);
    /// A card is charged.
    pub(crate) const CARD: Self = Self(1 << 5);
    /// The collection of accounts: what is posted there makes one.
    pub(crate) const ACCOUNTS: Self = Self(1 << 6);

    /// Whether it holds any of `other`.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What the words of a path say, in its order.
    pub(crate) fn of_path<'a>(segments: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        let mut last = Self::default();
        for segment in segments {
            last = Self::default();
            all = all.with(Self::of_text(segment.as_bytes()));
            if is_one_of(segment.as_bytes(), ACCOUNT_COLLECTIONS) {
                last = Self::ACCOUNTS;
            }
        }
        all.with(last)
    }

    /// What the words of a text say: `userLogin`, `auth.sign-in`, `check_username`.
    pub(crate) fn of_text(text: &[u8]) -> Self {
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        let mut found = Self::default();
        let mut joined = SmallVec::<[u8; TEXT_BYTES_MAX]>::new();
        let mut start = 0;
        for (at, &byte) in text.iter().enumerate() {
            let is_upper = |at: Option<usize>| {
                at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_uppercase)
            };
            let is_lower_next = text.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            let is_new_word =
                byte.is_ascii_uppercase() && (!is_upper(at.checked_sub(1)) || is_lower_next);
            if !byte.is_ascii_alphanumeric() || is_new_word {
                found = found.with(Self::of_word(joined.get(start..).unwrap_or_default()));
                start = joined.len();
            }
            if byte.is_ascii_alphanumeric() {
                joined.push(byte.to_ascii_lowercase());
            }
        }
        found = found.with(Self::of_word(joined.get(start..).unwrap_or_default()));
        found.with(Self::of_word(&joined))
    }

    fn of_word(word: &[u8]) -> Self {
        let mut found = Self::default();
        for (context, words) in WORDS {
            if is_one_of(word, words) {
                found = found.with(*context);
            }
        }
        found
    }
}

/// Where accounts stand side by side.
const ACCOUNT_COLLECTIONS: &[&str] =
    &["users", "user", "accounts", "account", "customers", "members", "profiles"];

/// In lower case, by what they say.
const WORDS: &[(Context, &[&str])] = &[
    (
        Context::LOGIN,
        &[
            "login",
            "signin",
            "logon",
            "auth",
            "authenticate",
            "authentication",
            "token",
            "tokens",
            "session",
            "sessions",
            "oauth",
            "oauth2",
            "sso",
            "password",
        ],
    ),
    (
        Context::SIGNUP,
        &[
            "register",
            "signup",
            "registration",
            "registrations",
            "enroll",
            "enrol",
            "createaccount",
            "createuser",
            "join",
        ],
    ),
    (
        Context::CODE,
        &[
            "otp",
            "totp",
            "mfa",
            "2fa",
            "tfa",
            "verify",
            "verification",
            "confirm",
            "confirmation",
            "challenge",
            "factor",
            "passcode",
            "activate",
            "activation",
            "reset",
            "resetpassword",
            "recover",
            "pin",
        ],
    ),
    (
        Context::LOOKUP,
        &[
            "forgot",
            "forgotten",
            "forgotpassword",
            "reset",
            "resetpassword",
            "recover",
            "recovery",
            "lookup",
            "exists",
            "exist",
            "available",
            "availability",
            "checkemail",
            "checkusername",
        ],
    ),
    (
        Context::VOUCHER,
        &[
            "coupon",
            "coupons",
            "voucher",
            "vouchers",
            "promo",
            "promos",
            "promotion",
            "redeem",
            "gift",
            "giftcard",
            "giftcards",
            "discount",
        ],
    ),
    (
        Context::CARD,
        &["card", "cards", "payment", "payments", "pay", "checkout", "charge", "charges"],
    ),
];

/// What the value of a field is to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing.
    None,
    /// Names an account; of several the smallest rank counts.
    Account(u8),
    /// Names what a code belongs to.
    Flow,
    /// A password.
    Password,
    /// A password that is to be.
    NewPassword,
    /// A one-time code.
    Code,
    /// A code, a token or a number of what the route says.
    Open,
    /// A voucher.
    Voucher,
    /// A card's number.
    Card,
    /// The grant of OAuth (RFC 6749).
    Grant,
    /// The name of an operation.
    Operation,
    /// A document of GraphQL.
    Document,
}

/// By rank: what names an account best first.
const ACCOUNTS: &[&str] = &[
    "username",
    "login",
    "loginid",
    "loginname",
    "email",
    "mail",
    "emailaddress",
    "useremail",
    "user",
    "userid",
    "userlogin",
    "phone",
    "phonenumber",
    "mobile",
    "msisdn",
    "account",
    "accountid",
    "accountname",
    "accountnumber",
    "identifier",
    "identity",
    "customerid",
    "memberid",
    "uname",
    "handle",
    "nickname",
    "clientid",
];

const ROLES: &[(Role, &[&str])] = &[
    (
        Role::Password,
        &[
            "password",
            "passwd",
            "pass",
            "pwd",
            "pswd",
            "passphrase",
            "passwort",
            "motdepasse",
            "contrasena",
            "secret",
            "clientsecret",
            "oldpassword",
            "currentpassword",
            "pincode",
        ],
    ),
    (
        Role::NewPassword,
        &[
            "newpassword",
            "passwordnew",
            "confirmpassword",
            "passwordconfirm",
            "passwordconfirmation",
            "passwordrepeat",
            "repeatpassword",
            "retypepassword",
            "password2",
            "passwordagain",
        ],
    ),
    (
        Role::Code,
        &[
            "otp",
            "otpcode",
            "totp",
            "totpcode",
            "mfacode",
            "2facode",
            "tfacode",
            "twofactorcode",
            "twofacode",
            "smscode",
            "verificationcode",
            "verifycode",
            "confirmationcode",
            "onetimecode",
            "onetimepassword",
            "passcode",
            "resetcode",
            "resettoken",
            "passwordresettoken",
            "activationcode",
            "authenticatorcode",
        ],
    ),
    (Role::Open, &["code", "token", "pin", "number", "key", "value"]),
    (
        Role::Voucher,
        &[
            "coupon",
            "couponcode",
            "voucher",
            "vouchercode",
            "promo",
            "promocode",
            "promotioncode",
            "giftcard",
            "giftcardcode",
            "giftcardnumber",
            "giftcode",
            "discountcode",
            "redeemcode",
        ],
    ),
    (
        Role::Card,
        &[
            "cardnumber",
            "ccnumber",
            "creditcardnumber",
            "creditcard",
            "debitcardnumber",
            "cardno",
            "pan",
        ],
    ),
    (
        Role::Flow,
        &[
            "challenge",
            "challengeid",
            "flow",
            "flowid",
            "mfatoken",
            "ticket",
            "state",
            "verificationid",
            "requestid",
            "transactionid",
            "sid",
        ],
    ),
    (Role::Grant, &["granttype"]),
    (Role::Operation, &["method", "operationname"]),
    (Role::Document, &["query"]),
];

/// By name; what names an account first.
static ROLE_OF: LazyLock<HashMap<&[u8], Role>> = LazyLock::new(|| {
    let rank = |rank: usize| u8::try_from(rank).unwrap_or(u8::MAX);
    let accounts =
        ACCOUNTS.iter().enumerate().map(|(at, name)| (name.as_bytes(), Role::Account(rank(at))));
    let others = ROLES
        .iter()
        .flat_map(|(role, names)| names.iter().map(move |name| (name.as_bytes(), *role)));
    let mut roles = HashMap::new();
    for (name, role) in accounts.chain(others) {
        roles.entry(name).or_insert(role);
    }
    roles
});

impl Role {
    /// Of a field: `user[password]` and `login.password` are what they end with.
    pub(crate) fn of(name: &[u8]) -> Self {
        let name = name.strip_suffix(b"]").unwrap_or(name);
        let cut = memchr::memrchr2(b'[', b'.', name).map_or(0, |at| at + 1);
        let name = name.get(cut..).unwrap_or_default();
        if name.len() > NAME_BYTES_MAX {
            return Self::None;
        }
        let plain: SmallVec<[u8; NAME_BYTES_MAX]> = name
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(u8::to_ascii_lowercase)
            .collect();
        match ROLE_OF.get(plain.as_slice()) {
            Some(role) => *role,
            None if plain.ends_with(b"password") || plain.ends_with(b"passwd") => Self::Password,
            None => Self::None,
        }
    }
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|known| known.as_bytes() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_operations_are_read_word_by_word() {
        let has = |text: &str, context| Context::of_text(text.as_bytes()).has(context);
        for (text, context) in [
            ("userLogin", Context::LOGIN),
            ("sign-in", Context::LOGIN),
            ("signIn", Context::LOGIN),
            ("auth.verifyOTP", Context::CODE),
            ("OTPVerify", Context::CODE),
            ("check_email", Context::LOOKUP),
            ("redeemVoucher", Context::VOUCHER),
            ("createAccount", Context::SIGNUP),
        ] {
            assert!(has(text, context), "{text}");
        }
        for text in ["authors", "orders", "tokenizer", ""] {
            assert!(Context::of_text(text.as_bytes()) == Context::default(), "{text}");
        }
    }

    #[test]
    fn only_the_last_segment_is_a_collection_of_accounts() {
        let of = |path: &str| Context::of_path(path.split('/'));
        assert!(of("v1/users").has(Context::ACCOUNTS));
        assert!(!of("users/orders").has(Context::ACCOUNTS));
    }

    #[test]
    fn fields_are_known_by_what_they_end_with() {
        for (name, role) in [
            ("password", Role::Password),
            ("user[password]", Role::Password),
            ("login.userPassword", Role::Password),
            ("new_password", Role::NewPassword),
            ("OTP-Code", Role::Code),
            ("e-mails", Role::None),
            ("couponCode", Role::Voucher),
            ("card_number", Role::Card),
            ("country_code", Role::None),
            ("title", Role::None),
        ] {
            assert_eq!(Role::of(name.as_bytes()), role, "{name}");
        }
        assert!(matches!(Role::of(b"Email"), Role::Account(_)));
    }
}
