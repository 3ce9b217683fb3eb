//! The list as programs want it that do the blocking. All of them get addresses alone: a keyed hash
//! of credentials means nothing to a firewall.

mod crowdsec;
mod firewall;

pub use crowdsec::{Decision, DecisionFilter, Stream, decisions, stream};
pub use firewall::{ipset, nftables, plain};
