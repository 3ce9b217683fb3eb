//! Settings of behavior.

pub(crate) mod access;
mod attempts;

use tapline_model::Network;

pub(crate) use self::access::{
    Exfiltration, FlowViolation, FunctionLevelAuthorization, MassAssignment, ObjectEnumeration,
    ResourceExhaustion, Scraping,
};
pub use self::attempts::{
    AccountEnumeration, BruteForce, CardOrCouponTesting, CodeGuessing, CredentialStuffing,
    FakeAccounts, ImpossibleTravel, PasswordSpraying, TokenSharing,
};
use crate::address_database::AddressDatabase;
use crate::baseline::judgement::Signal;

/// Settings of the path scanner detection.
#[derive(Clone, Debug, PartialEq)]
pub struct PathScanner {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 60 to 3 600 seconds.
    pub window_seconds: u32,
    /// Fewest requests in the window, 1 to 1 000 000.
    pub requests_min: u32,
    /// Fewest distinct routes that no endpoint has, 2 to 1 000 000.
    pub unmatched_routes_min: u32,
    /// Smallest share of requests to such routes, 0.01 to 1.
    pub unmatched_share_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

/// Settings of the error burst detection.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBurst {
    /// Whether it looks at all.
    pub enabled: bool,
    /// The window it counts over, 10 to 3 600 seconds.
    pub window_seconds: u32,
    /// Fewest requests in the window, 1 to 1 000 000.
    pub requests_min: u32,
    /// Fewest 5xx answers in the window, 1 to 1 000 000.
    pub errors_min: u32,
    /// Smallest factor over the normal share, 1 to 1 000.
    pub lift_min: f64,
    /// Largest probability that still fires, 0 to 0.1.
    pub probability_max: f64,
}

/// Settings of the detection of sensitive fields that are new.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitiveFieldNew {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Least sensitivity of a class, 1 to 4.
    pub sensitivity_min: u32,
}

/// Settings of the detection of answers with too many records.
#[derive(Clone, Debug, PartialEq)]
pub struct ExcessiveRecords {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Answers to learn from first, 10 to 100 000.
    pub answers_min: u32,
    /// Fewest records of an answer, 2 to 1 000 000.
    pub records_min: u32,
    /// Smallest factor over the most records so far, 1.5 to 1 000.
    pub lift_min: f64,
}

/// Settings of the detections of attacks in values.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Least score of a value, 5 to 10.
    pub score_min: u32,
    /// Consumers whose values, if they score 5, are what a parameter takes, 2 to 8.
    pub usual_consumers_min: u32,
    /// Milliseconds from which on the answer to an injection is slow, 500 to 600 000.
    pub slow_milliseconds: u32,
}

/// How many changes are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Largest share of findings that may be chance, 0.000001 to 0.5.
    pub false_discovery_share_max: f64,
    /// Cases a day from which on the line is drawn nearer, 0 to 100 000; 0 is never.
    pub alerts_per_day: u32,
    /// Minutes without anything odd after which a case is closed, 1 to 1 440.
    pub coalesce_minutes: u32,
    /// Share of a host's endpoints whose changing together is one case, 0.05 to 1.
    pub host_share_min: f64,
}

/// Settings of the detection of more requests than normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSurge {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Fewest requests, 1 to 1 000 000.
    pub requests_min: u32,
    /// Smallest factor over the normal rate, 1.1 to 1 000.
    pub lift_min: f64,
}

/// Settings of the detection of silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WentSilent {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Fewest requests that should have come, 1 to 1 000 000.
    pub requests_min: u32,
}

/// Settings of a detection that looks for shares which rise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiseFloor {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Smallest rise of the share, 0.01 to 1.
    pub rise_min: f64,
}

/// Settings of a detection that looks for values which grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiftFloor {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Smallest factor over what is normal, 1.1 to 1 000.
    pub lift_min: f64,
}

/// Bounds of deltas and baselines, and the settings of each detection.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Routes in one epoch's deltas, 64 to 10 000 000; a process total, divided among 64 shards.
    pub delta_routes_max: u32,
    /// Hosts in one epoch's deltas, 64 to 10 000 000; a process total, divided among 64 shards.
    pub delta_hosts_max: u32,
    /// Consumers in one epoch's deltas, 64 to 10 000 000; a process total, divided among 64 shards.
    pub delta_consumers_max: u32,
    /// Servers in one epoch's deltas, 64 to 10 000 000; a process total, divided among 64 shards.
    pub delta_servers_max: u32,
    /// Different things tried against accounts and secrets in one epoch's deltas, 64 to 10 000 000;
    /// a process total, divided among 64 shards.
    pub delta_attempts_max: u32,
    /// Pairs of consumer and route in one epoch's deltas, 64 to 10 000 000; a process total, divided
    /// among 64 shards.
    pub delta_accesses_max: u32,
    /// Epochs a sealed one may lie behind the newest, 1 to 600 seconds: how long the merge waits
    /// for a late shard on live traffic. A replay waits for all.
    pub lateness_seconds_max: u32,
    /// Consumers followed at once, 64 to 10 000 000.
    pub consumers_max: u32,
    /// Endpoints with a baseline, 16 to 1 000 000.
    pub baselines_max: u32,
    /// Whole minutes after which a baseline judges, 5 to 10 080.
    pub baseline_minutes_min: u32,
    /// Days over which a baseline forgets (its time constant), 0.1 to 90.
    pub baseline_memory_days: f64,
    /// Hours after which changes of an endpoint are told, 0 to 720.
    pub learning_hours: u32,
    /// Whose hours of the day and days of the week the traffic follows: a name of the IANA time
    /// zones.
    pub time_zone: String,
    /// How many changes are told.
    pub decision: Decision,
    /// More requests than normal.
    pub rate_surge: RateSurge,
    /// No requests.
    pub went_silent: WentSilent,
    /// More 4xx answers.
    pub client_errors: RiseFloor,
    /// More 401 and 403 answers.
    pub auth_failures: RiseFloor,
    /// Slower answers.
    pub latency_shift: LiftFloor,
    /// Larger answers.
    pub size_shift: LiftFloor,
    /// Another rate for good.
    pub slow_shift: LiftFloor,
    /// The path scanner.
    pub path_scanner: PathScanner,
    /// The error burst.
    pub error_burst: ErrorBurst,
    /// Whether card data is looked for where it must not be.
    pub card_data_exposed: bool,
    /// Whether credentials are looked for where they need not be.
    pub credential_exposed: bool,
    /// Sensitive fields that are new.
    pub sensitive_field_new: SensitiveFieldNew,
    /// Answers with too many records.
    pub excessive_records: ExcessiveRecords,
    /// Attacks in values.
    pub injection: Injection,
    /// Accounts, secrets, addresses and the like followed at once by each detection of attempts, 64
    /// to 10 000 000.
    pub attempts_max: u32,
    /// Many passwords at one account.
    pub brute_force: BruteForce,
    /// Lists of credentials.
    pub credential_stuffing: CredentialStuffing,
    /// One password at many accounts.
    pub password_spraying: PasswordSpraying,
    /// Guessed codes.
    pub code_guessing: CodeGuessing,
    /// Names that are tried.
    pub account_enumeration: AccountEnumeration,
    /// Vouchers and cards that are tried.
    pub card_or_coupon_testing: CardOrCouponTesting,
    /// Accounts made in numbers.
    pub fake_accounts: FakeAccounts,
    /// One login used in two places by turns.
    pub token_sharing: TokenSharing,
    /// Logins from places too far apart.
    pub impossible_travel: ImpossibleTravel,
    /// Where addresses are, if somebody says so.
    pub address_database: AddressDatabase,
    /// Consumers followed at once by what they do with objects, functions and flows, 64 to
    /// 10 000 000.
    pub actors_max: u32,
    /// Objects of which it is remembered who asked for them, 512 to 100 000 000.
    pub objects_max: u32,
    /// Networks whose consumers may do whatever they want with objects, functions and flows:
    /// crawlers, partners and monitoring that are welcome.
    pub allowed_clients: Vec<Network>,
    /// The detection of consumers that go through objects of others.
    pub object_enumeration: ObjectEnumeration,
    /// The detection of consumers that get at functions of another role.
    pub function_level_authorization: FunctionLevelAuthorization,
    /// The detection of fields that are not the sender's to set.
    pub mass_assignment: MassAssignment,
    /// The detection of consumers that collect what there is.
    pub scraping: Scraping,
    /// The detection of consumers that take out too much.
    pub exfiltration: Exfiltration,
    /// The detection of consumers that make an API work for them alone.
    pub resource_exhaustion: ResourceExhaustion,
    /// The detection of steps that are left out.
    pub flow_violation: FlowViolation,
}

/// What a consumer takes while a second of it is folded and the second before is merged, measured
/// with every one of them new and gone astray: its place in a fold's table, which may be half empty,
/// and in a delta.
pub(crate) const CONSUMER_BYTES: u64 = 1_920;
/// What a consumer that is followed takes, measured likewise.
const FOLLOWED_BYTES: u64 = 1_088;
/// What one thing tried takes while a second of it is folded and the second before is merged: its
/// place in a fold's table, which may be half empty, and in a delta's tree.
pub(crate) const ATTEMPT_BYTES: u64 = 512;

impl Config {
    /// Whether a signal is looked for.
    pub(crate) const fn tells(&self, signal: Signal) -> bool {
        match signal {
            Signal::Surge => self.rate_surge.enabled,
            Signal::Silence => self.went_silent.enabled,
            Signal::ClientErrors => self.client_errors.enabled,
            Signal::AuthFailures => self.auth_failures.enabled,
            Signal::Latency => self.latency_shift.enabled,
            Signal::Size => self.size_shift.enabled,
            Signal::SlowShift => self.slow_shift.enabled,
        }
    }

    /// Whether a time zone is known by this name.
    pub fn is_time_zone(name: &str) -> bool {
        jiff::tz::TimeZone::get(name).is_ok()
    }

    /// What the tables of consumers take of the process's memory when they are full. However many
    /// workers there are, their folds together hold no more than `delta_consumers_max`.
    pub fn consumer_bytes_max(&self) -> u64 {
        u64::from(self.delta_consumers_max) * CONSUMER_BYTES
            + u64::from(self.consumers_max) * FOLLOWED_BYTES
            + u64::from(self.delta_attempts_max) * ATTEMPT_BYTES
    }
}

impl Default for Config {
    #[expect(clippy::too_many_lines, reason = "a line a setting")]
    fn default() -> Self {
        Self {
            delta_routes_max: 65_536,
            delta_hosts_max: 16_384,
            delta_consumers_max: 131_072,
            delta_servers_max: 16_384,
            delta_attempts_max: 65_536,
            delta_accesses_max: 262_144,
            lateness_seconds_max: 10,
            consumers_max: 131_072,
            baselines_max: 50_000,
            baseline_minutes_min: 10,
            baseline_memory_days: 1.0,
            learning_hours: 24,
            time_zone: "UTC".to_owned(),
            decision: Decision {
                false_discovery_share_max: 0.02,
                alerts_per_day: 10,
                coalesce_minutes: 30,
                host_share_min: 0.3,
            },
            rate_surge: RateSurge { enabled: true, requests_min: 10, lift_min: 2.0 },
            went_silent: WentSilent { enabled: true, requests_min: 15 },
            client_errors: RiseFloor { enabled: true, rise_min: 0.05 },
            auth_failures: RiseFloor { enabled: true, rise_min: 0.05 },
            latency_shift: LiftFloor { enabled: true, lift_min: 1.3 },
            size_shift: LiftFloor { enabled: true, lift_min: 2.0 },
            slow_shift: LiftFloor { enabled: true, lift_min: 1.5 },
            path_scanner: PathScanner {
                enabled: true,
                window_seconds: 600,
                requests_min: 20,
                unmatched_routes_min: 15,
                unmatched_share_min: 0.5,
                probability_max: 1e-6,
            },
            error_burst: ErrorBurst {
                enabled: true,
                window_seconds: 60,
                requests_min: 20,
                errors_min: 5,
                lift_min: 2.0,
                probability_max: 1e-6,
            },
            card_data_exposed: true,
            credential_exposed: true,
            sensitive_field_new: SensitiveFieldNew { enabled: true, sensitivity_min: 2 },
            excessive_records: ExcessiveRecords {
                enabled: true,
                answers_min: 100,
                records_min: 100,
                lift_min: 5.0,
            },
            injection: Injection {
                enabled: true,
                score_min: 5,
                usual_consumers_min: 4,
                slow_milliseconds: 4_000,
            },
            attempts_max: 65_536,
            brute_force: BruteForce::default(),
            credential_stuffing: CredentialStuffing::default(),
            password_spraying: PasswordSpraying::default(),
            code_guessing: CodeGuessing::default(),
            account_enumeration: AccountEnumeration::default(),
            card_or_coupon_testing: CardOrCouponTesting::default(),
            fake_accounts: FakeAccounts::default(),
            token_sharing: TokenSharing::default(),
            impossible_travel: ImpossibleTravel::default(),
            address_database: AddressDatabase::default(),
            actors_max: 65_536,
            objects_max: 1 << 20,
            allowed_clients: Vec::new(),
            object_enumeration: ObjectEnumeration::default(),
            function_level_authorization: FunctionLevelAuthorization::default(),
            mass_assignment: MassAssignment::default(),
            scraping: Scraping::default(),
            exfiltration: Exfiltration::default(),
            resource_exhaustion: ResourceExhaustion::default(),
            flow_violation: FlowViolation::default(),
        }
    }
}
