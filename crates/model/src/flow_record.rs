//! protocol → behavior: what no transaction can carry.

use std::net::SocketAddr;

use crate::Timestamp;

/// What one flow carried in one epoch, by what the sensor could see of it.
///
/// The byte classes are payload bytes and disjoint: plaintext HTTP, TLS, other, and missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowRecord {
    /// Who asked, as best known.
    pub client: Option<SocketAddr>,
    /// Who answered, as best known.
    pub server: Option<SocketAddr>,
    /// When the record was made.
    pub at: Timestamp,
    /// The flow's first record.
    pub opened: bool,
    /// Bytes understood as plaintext HTTP.
    pub http_bytes: u64,
    /// Bytes of TLS records.
    pub tls_bytes: u64,
    /// Bytes of anything else.
    pub other_bytes: u64,
    /// Bytes reported missing.
    pub gap_bytes: u64,
    /// Of all of those, bytes of flows whose other direction has never been seen.
    pub one_sided_bytes: u64,
}
