//! Settings of the detections of what is tried against accounts and secrets.

/// Settings of the detection of guesses at one account.
#[derive(Clone, Debug, PartialEq)]
pub struct BruteForce {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest tries that were refused.
    pub refusals_min: u32,
    /// Fewest different passwords among them.
    pub secrets_min: u32,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for BruteForce {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 600,
            refusals_min: 10,
            secrets_min: 8,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of lists of stolen credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialStuffing {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest accounts that one address tries.
    pub accounts_min: u32,
    /// Fewest different accounts for each of its tries.
    pub accounts_per_try_min: f64,
    /// Fewest refused tries of all, beyond what honest people account for.
    pub excess_min: u32,
    /// Fewest times by which a try of a network or a program must be likelier to be an attack than others.
    pub odds_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for CredentialStuffing {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 600,
            accounts_min: 10,
            accounts_per_try_min: 0.8,
            excess_min: 50,
            odds_min: 20.0,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of one password at many accounts.
#[derive(Clone, Debug, PartialEq)]
pub struct PasswordSpraying {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest accounts that are refused with it.
    pub accounts_min: u32,
    /// Smallest share of its tries that is refused.
    pub refused_share_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for PasswordSpraying {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 3_600,
            accounts_min: 20,
            refused_share_min: 0.9,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of guesses of one-time codes.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeGuessing {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest tries for one account that were refused; of one address three times as many.
    pub refusals_min: u32,
    /// Fewest different codes among them; of one address three times as many.
    pub codes_min: u32,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for CodeGuessing {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 600,
            refusals_min: 8,
            codes_min: 6,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of names that are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountEnumeration {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest accounts tried from one address or network.
    pub accounts_min: u32,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for AccountEnumeration {
    fn default() -> Self {
        Self { enabled: true, window_seconds: 600, accounts_min: 30, probability_max: 1e-6 }
    }
}

/// Settings of the detection of vouchers and cards that are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct CardOrCouponTesting {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest different ones that are refused; of one program five times as many.
    pub values_min: u32,
    /// Smallest share of tries that is refused.
    pub refused_share_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for CardOrCouponTesting {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 600,
            values_min: 10,
            refused_share_min: 0.8,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of accounts made in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeAccounts {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest accounts made.
    pub accounts_min: u32,
    /// Smallest factor over what networks make on average.
    pub lift_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

impl Default for FakeAccounts {
    fn default() -> Self {
        Self {
            enabled: true,
            window_seconds: 3_600,
            accounts_min: 20,
            lift_min: 10.0,
            probability_max: 1e-6,
        }
    }
}

/// Settings of the detection of logins that are used in two places by turns.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSharing {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The time within which it must go to and fro, 10 to 86 400 seconds.
    pub window_seconds: u32,
    /// Fewest returns to a place where it was before.
    pub returns_min: u32,
    /// Different tokens and sessions from which on a place is a server or an office.
    pub shared_min: u32,
}

impl Default for TokenSharing {
    fn default() -> Self {
        Self { enabled: true, window_seconds: 300, returns_min: 2, shared_min: 20 }
    }
}

/// Settings of the detection of logins from places too far apart.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpossibleTravel {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Shortest way that counts, 50 to 20 000 kilometres.
    pub kilometres_min: f64,
    /// Speed from which on nobody travels, 100 to 100 000 kilometres an hour.
    pub kilometres_per_hour_min: f64,
}

impl Default for ImpossibleTravel {
    fn default() -> Self {
        Self { enabled: true, kilometres_min: 500.0, kilometres_per_hour_min: 900.0 }
    }
}
