//! Packets to evidence: a bounded, encrypted excerpt of the traffic behind a finding. Off by default.
//!
//! [`FrameRing`] holds the last frames of one capture source in memory. A [`Request`] says whose
//! frames a finding is about; the ring answers with an [`Excerpt`], a capture file in memory.
//! [`Vault`] encrypts it to public keys and writes it to a folder of bounded size.
//!
//! Plain packets never reach a disk, and the sensor never has a private key: it cannot read what
//! it wrote. [age](https://age-encryption.org) reads it with `age --decrypt`.

mod config;
mod excerpt;
mod finding_id;
mod pcap;
mod recipient;
mod request;
mod ring;
#[cfg(test)]
mod sample;
mod vault;

pub use config::{Config, EXCERPT_BYTES, FOLDER_BYTES, RECIPIENTS_MAX, RING_BYTES};
pub use excerpt::{Excerpt, LeftOut};
pub use recipient::{Recipient, RecipientError};
pub use request::{ADDRESSES_MAX, Request, RequestError};
pub use ring::{FrameRing, RingCounts};
pub use vault::{Counts, Kept, Vault, VaultError};
