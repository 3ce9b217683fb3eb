//! Flows: both directions of one 5-tuple.

use std::net::{SocketAddr, SocketAddrV4};

/// Which side of a flow sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the side that opened the flow (sent the SYN), or that was seen first when no handshake
    /// was seen.
    Forward,
    /// The other way.
    Backward,
}

impl Direction {
    /// The other direction.
    #[must_use]
    #[inline]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }

    /// 0 for forward, 1 for backward.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A flow within one shard: a slot that is reused, told apart by its generation.
///
/// Slots are dense, so a later stage may keep its flow state in a vector indexed by `slot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    /// Index of the slot.
    pub slot: u32,
    /// Counts the flows that have lived in the slot.
    pub generation: u32,
}

/// The two ends of a flow, in the order of [`Direction::Forward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowTuple {
    /// Sends forward.
    pub initiator: SocketAddr,
    /// Sends backward.
    pub responder: SocketAddr,
}

impl FlowTuple {
    /// Which way something goes from `source` to `destination`; none when these are not the ends.
    #[inline]
    pub fn direction(&self, source: &SocketAddr, destination: &SocketAddr) -> Option<Direction> {
        use SocketAddr::V4;
        let (V4(initiator), V4(responder)) = (&self.initiator, &self.responder) else {
            return self.direction_of_any(source, destination);
        };
        let (V4(source), V4(destination)) = (source, destination) else { return None };
        let [initiator, responder] = [word(*initiator), word(*responder)];
        let [source, destination] = [word(*source), word(*destination)];
        // Both ways are as likely: no branch should wait to know which it is.
        let is_forward = (source ^ initiator) | (destination ^ responder) == 0;
        let is_backward = (source ^ responder) | (destination ^ initiator) == 0;
        let direction = if is_forward { Direction::Forward } else { Direction::Backward };
        (is_forward || is_backward).then_some(direction)
    }

    #[inline(never)]
    fn direction_of_any(&self, source: &SocketAddr, destination: &SocketAddr) -> Option<Direction> {
        let Self { initiator, responder } = self;
        if source == initiator && destination == responder {
            Some(Direction::Forward)
        } else if source == responder && destination == initiator {
            Some(Direction::Backward)
        } else {
            None
        }
    }

    /// Who sends in `direction`.
    pub const fn sender(&self, direction: Direction) -> SocketAddr {
        match direction {
            Direction::Forward => self.initiator,
            Direction::Backward => self.responder,
        }
    }
}

/// All of an end.
#[inline]
fn word(end: SocketAddrV4) -> u64 {
    u64::from(u32::from_ne_bytes(end.ip().octets())) << 16 | u64::from(end.port())
}

/// The direction-free key of a flow: equal for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// The smaller end.
    pub low: SocketAddr,
    /// The larger end.
    pub high: SocketAddr,
    /// VLAN or VNI where overlapping networks are told apart, else 0.
    pub network: u32,
}

impl FlowKey {
    /// The key of what is sent from `source` to `destination`.
    pub fn new(source: SocketAddr, destination: SocketAddr, network: u32) -> Self {
        let (low, high) =
            if source <= destination { (source, destination) } else { (destination, source) };
        Self { low, high, network }
    }
}
