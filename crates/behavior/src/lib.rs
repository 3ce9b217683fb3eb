//! Observation to delta; joined: baselines, detections, findings.
//!
//! [`Fold`] belongs to one worker and turns observations into one delta an epoch. [`Sealer`]
//! collects the deltas of all workers and hands them out joined, in epoch order. [`Behavior`] learns
//! what is normal from sealed epochs and says what is not.

mod access;
mod address_database;
mod attempts;
mod baseline;
mod behavior;
mod bounded;
mod config;
mod decision;
mod detection;
mod endpoint_epoch;
mod fold;
mod number;
mod sealer;
mod window;

pub use address_database::AddressDatabase;
pub use behavior::Behavior;
pub use config::access::{
    Exfiltration, FlowViolation, FunctionLevelAuthorization, MassAssignment, ObjectEnumeration,
    ResourceExhaustion, Scraping,
};
pub use config::{
    AccountEnumeration, BruteForce, CardOrCouponTesting, CodeGuessing, Config, CredentialStuffing,
    Decision, ErrorBurst, ExcessiveRecords, FakeAccounts, ImpossibleTravel, Injection, LiftFloor,
    PasswordSpraying, PathScanner, RateSurge, RiseFloor, SensitiveFieldNew, TokenSharing,
    WentSilent,
};
pub use detection::{DETECTIONS, Detection};
pub use fold::Fold;
pub use sealer::Sealer;
