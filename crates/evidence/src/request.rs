//! Whose frames are wanted.

use std::net::IpAddr;

use tapline_model::{Finding, Timestamp};

use crate::finding_id::FindingId;
use crate::{Config, EXCERPT_BYTES};

/// Addresses that one request can name.
pub const ADDRESSES_MAX: usize = 16;
/// How long before a finding was first seen its packets may be: its requests were on their way.
const LEAD_NANOS: u64 = 1_000_000_000;

/// Why a request is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The id could not be a file name.
    #[error("the id of a finding is 16 hexadecimal digits in lower case")]
    Finding,
    /// It names nobody.
    #[error("a request names an address or more")]
    NoAddress,
}

/// Asks a ring for the frames behind a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    finding: FindingId,
    addresses: Vec<IpAddr>,
    addresses_left_out: usize,
    from: Option<Timestamp>,
    bytes_max: u64,
}

impl Request {
    /// Frames to or from one of `addresses`, captured at or after `from` if it is given, in a file
    /// of at most `bytes_max` bytes (brought into [`EXCERPT_BYTES`]). Addresses after the first
    /// [`ADDRESSES_MAX`] different ones are left out.
    ///
    /// # Errors
    /// When `finding` is not 16 hexadecimal digits in lower case, or there is no address.
    pub fn new(
        finding: &str,
        addresses: &[IpAddr],
        from: Option<Timestamp>,
        bytes_max: u64,
    ) -> Result<Self, RequestError> {
        let finding = FindingId::parse(finding).ok_or(RequestError::Finding)?;
        let mut named = Vec::with_capacity(addresses.len().min(ADDRESSES_MAX));
        let mut addresses_left_out = 0;
        for address in addresses.iter().map(IpAddr::to_canonical) {
            if named.contains(&address) {
                continue;
            }
            if named.len() < ADDRESSES_MAX {
                named.push(address);
            } else {
                addresses_left_out += 1;
            }
        }
        if named.is_empty() {
            return Err(RequestError::NoAddress);
        }
        let bytes_max = bytes_max.clamp(*EXCERPT_BYTES.start(), *EXCERPT_BYTES.end());
        Ok(Self { finding, addresses: named, addresses_left_out, from, bytes_max })
    }

    /// The frames of the clients of `finding`, from a second before it was first seen; those of
    /// `servers` when it names no client. None when there is neither, when it is milder than
    /// [`Config::severity_min`], or when its id could not be a file name.
    pub fn of(finding: &Finding, servers: &[IpAddr], config: &Config) -> Option<Self> {
        if finding.severity < config.severity_min {
            return None;
        }
        let clients = finding.client_addresses.as_slice();
        let addresses = if clients.is_empty() { servers } else { clients };
        let from = finding.first_seen.nanos().saturating_sub(LEAD_NANOS);
        let from = Some(Timestamp::from_nanos(from));
        Self::new(&finding.id, addresses, from, config.excerpt_bytes_max).ok()
    }

    /// The id of the finding, 16 hexadecimal digits.
    pub fn finding(&self) -> &str {
        self.finding.as_str()
    }

    /// The addresses, 1 to [`ADDRESSES_MAX`]. IPv4 in IPv6 (`::ffff:…`) is IPv4 here.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Different addresses that were too many.
    pub const fn addresses_left_out(&self) -> usize {
        self.addresses_left_out
    }

    /// The first instant of interest; none is as far back as the ring goes.
    pub const fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// Bytes of the file, within [`EXCERPT_BYTES`].
    pub const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(crate) const fn id(&self) -> &FindingId {
        &self.finding
    }

    /// Whether it asks for a frame captured then, between these; both are canonical.
    pub(crate) fn wants(&self, captured_at: Timestamp, ends: (IpAddr, IpAddr)) -> bool {
        self.from.is_none_or(|from| captured_at >= from)
            && self.addresses.iter().any(|address| *address == ends.0 || *address == ends.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{ID, address, finding};
    use tapline_model::Severity;

    #[test]
    fn the_clients_of_a_finding_are_asked_for_from_a_second_before_it() {
        let config = Config::default();
        let request = Request::of(&finding(&[address(1)]), &[address(2)], &config).unwrap();
        assert_eq!((request.finding(), request.addresses()), (ID, [address(1)].as_slice()));
        assert_eq!(request.from(), Some(Timestamp::from_seconds(99)));
        assert_eq!(request.bytes_max(), config.excerpt_bytes_max);
    }

    #[test]
    fn its_servers_stand_in_for_clients_that_nobody_knows() {
        let config = Config::default();
        let request = Request::of(&finding(&[]), &[address(2)], &config).unwrap();
        assert_eq!(request.addresses(), [address(2)]);
        assert_eq!(Request::of(&finding(&[]), &[], &config), None);
    }

    #[test]
    fn a_mild_finding_and_one_with_a_path_for_an_id_have_none() {
        let config = Config { severity_min: Severity::High, ..Config::default() };
        let mut finding = finding(&[address(1)]);
        finding.severity = Severity::Medium;
        assert_eq!(Request::of(&finding, &[], &config), None);
        finding.severity = Severity::High;
        assert!(Request::of(&finding, &[], &config).is_some());
        "../../etc/passwd".clone_into(&mut finding.id);
        assert_eq!(Request::of(&finding, &[], &config), None);
    }

    #[test]
    fn a_finding_at_the_epoch_is_asked_for_from_there() {
        let mut finding = finding(&[address(1)]);
        finding.first_seen = Timestamp::ZERO;
        let request = Request::of(&finding, &[], &Config::default()).unwrap();
        assert_eq!(request.from(), Some(Timestamp::ZERO));
    }

    #[test]
    fn addresses_are_bounded_and_count_once() {
        let many: Vec<_> = (0..=20).chain(0..=20).map(address).collect();
        let request = Request::new(ID, &many, None, 0).unwrap();
        assert_eq!((request.addresses().len(), request.addresses_left_out()), (16, 10));
        assert_eq!(Request::new(ID, &[], None, 0), Err(RequestError::NoAddress));
    }

    #[test]
    fn the_size_is_brought_into_its_range() {
        let of = |bytes| Request::new(ID, &[address(1)], None, bytes).unwrap().bytes_max();
        assert_eq!((of(0), of(5_000), of(u64::MAX)), (4 << 10, 5_000, 64 << 20));
    }

    #[test]
    fn ipv4_in_ipv6_is_ipv4() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let request = Request::new(ID, &[mapped], None, 0).unwrap();
        assert!(request.wants(Timestamp::ZERO, (address(9), address(1))));
        assert!(!request.wants(Timestamp::ZERO, (address(9), address(8))));
    }
}
