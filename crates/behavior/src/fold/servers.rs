//! What each server address carried in this epoch.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hashbrown::HashMap;
use tapline_model::{FlowRecord, ServerDelta};

use super::admission::{Place, Quota};

/// Stands for the servers beyond the cap and the flows whose server is not known, so that no byte
/// leaves the visibility ledger.
pub(super) const OTHER_SERVERS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

#[derive(Debug, Default)]
struct Server {
    shards: u64,
    delta: ServerDelta,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Servers {
    by_address: HashMap<SocketAddr, Server>,
    quota: Quota,
}

impl Servers {
    /// None; `total` is the process total.
    pub(super) fn new(total: u32) -> Self {
        Self { by_address: HashMap::new(), quota: Quota::part_of(total) }
    }

    /// Adds what a flow of a shard carried.
    pub(super) fn add(&mut self, record: &FlowRecord, place: Place) {
        let Self { by_address, quota } = self;
        let server = record.server.unwrap_or(OTHER_SERVERS);
        let is_admitted = by_address.get(&server).is_some_and(|known| place.is_in(known.shards))
            || quota.has_room(place);
        let entry = by_address.entry(if is_admitted { server } else { OTHER_SERVERS });
        let server = entry.or_default();
        if !place.is_in(server.shards) {
            place.join(&mut server.shards);
            quota.count(place);
        }
        let sum = &mut server.delta;
        sum.flows += u64::from(record.opened);
        sum.http_bytes += record.http_bytes;
        sum.tls_bytes += record.tls_bytes;
        sum.other_bytes += record.other_bytes;
        sum.gap_bytes += record.gap_bytes;
        sum.one_sided_bytes += record.one_sided_bytes;
    }

    /// Hands over what was added and begins anew.
    pub(super) fn seal(&mut self) -> BTreeMap<SocketAddr, ServerDelta> {
        self.quota.clear();
        self.by_address.drain().map(|(address, server)| (address, server.delta)).collect()
    }
}
