//! What the tests of this crate share.

use std::net::{IpAddr, Ipv4Addr};

use tapline_model::{
    Finding, FindingKind, FindingState, Frame, LinkType, Mappings, Measure, Severity, SourceId,
    Timestamp,
};

/// The id of the finding.
pub(crate) const ID: &str = "00c0ffee00c0ffee";

/// One of 256 addresses.
pub(crate) fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
}

/// A frame of Ethernet.
pub(crate) fn frame(nanos: u64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        captured_at: Timestamp::from_nanos(nanos),
        link_type: LinkType::Ethernet,
        wire_bytes: u32::try_from(bytes.len()).unwrap(),
        bytes,
        source: SourceId(0),
    }
}

/// A finding, first seen in second 100.
pub(crate) fn finding(clients: &[IpAddr]) -> Finding {
    let measure = || Measure { value: 1.0, unit: "ratio".to_owned(), text: String::new() };
    Finding {
        id: ID.to_owned(),
        detection: "path_scanner".to_owned(),
        kind: FindingKind::Behaviour,
        severity: Severity::High,
        confidence: 0.9,
        state: FindingState::Open,
        title: String::new(),
        host: "api.example".to_owned(),
        endpoint: None,
        consumer: None,
        owner: None,
        client_addresses: clients.to_vec(),
        first_seen: Timestamp::from_seconds(100),
        last_seen: Timestamp::from_seconds(200),
        found_at: Timestamp::from_seconds(160),
        normal: measure(),
        seen: measure(),
        probability: 0.01,
        lift: 2.0,
        mappings: Mappings::default(),
        evidence: Vec::new(),
    }
}
