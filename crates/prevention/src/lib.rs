//! Finding to block list: who is to be blocked, until when and why, for others to act on.
//!
//! The sensor blocks nobody. [`List`] holds who a firewall or a gateway had better refuse, made of
//! findings that blame somebody; [`Feed`] shares it between the merge, which tells it of findings,
//! and readers; `form` writes it as the programs want it that do the blocking.

mod config;
mod entry;
mod feed;
pub mod form;
mod list;
mod never;

pub use config::Config;
pub use entry::{Ended, Entry, Reason, Subject};
pub use feed::{Feed, Reader, Snapshot};
pub use list::{Counts, List, Refusal};
