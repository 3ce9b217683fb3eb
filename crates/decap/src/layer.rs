//! Layers: what a frame unfolds into, one after the other, and what was met on the way.

use tapline_model::{Encapsulation, IgnoreReason};

use crate::rest::Rest;

/// What the next header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An Ethernet header.
    Ethernet,
    /// What an `EtherType` announces.
    EtherType(u16),
    /// A PPP protocol number.
    Ppp,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
}

/// One layer: the rest of the frame, and what it starts with.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) kind: Kind,
    pub(crate) rest: Rest<'a>,
}

impl<'a> Layer<'a> {
    pub(crate) fn new(kind: Kind, rest: Rest<'a>) -> Self {
        Self { kind, rest }
    }

    /// An IP packet, told by its version.
    pub(crate) fn ip(rest: Rest<'a>) -> Result<Self, IgnoreReason> {
        match rest.bytes.first().ok_or(IgnoreReason::Malformed)? >> 4 {
            4 => Ok(Self::new(Kind::Ipv4, rest)),
            6 => Ok(Self::new(Kind::Ipv6, rest)),
            _ => Err(IgnoreReason::NotIp),
        }
    }
}

/// The way into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Encapsulations that may still be entered.
    levels_left: u8,
    /// Bit n is set when the encapsulation with number n was entered.
    seen: u16,
    /// The innermost VLAN, VNI or tunnel key; 0 when nothing named a network.
    pub(crate) network: u32,
}

impl Path {
    /// A way that has not begun, and may enter so many encapsulations.
    pub(crate) fn new(nesting_max: u8) -> Self {
        Self { levels_left: nesting_max, seen: 0, network: 0 }
    }

    /// Goes one level down.
    pub(crate) fn enter(&mut self, encapsulation: Encapsulation) -> Result<(), IgnoreReason> {
        self.levels_left = self.levels_left.checked_sub(1).ok_or(IgnoreReason::TooDeep)?;
        self.seen |= 1 << encapsulation as u8;
        Ok(())
    }

    /// Names the network inside; 0 names none.
    pub(crate) fn name(&mut self, network: u32) {
        if network != 0 {
            self.network = network;
        }
    }

    /// Whether the frame was no more than link, IP and transport.
    pub(crate) fn is_plain(self) -> bool {
        self.seen == 0
    }

    /// Every encapsulation that was entered.
    pub(crate) fn seen(self) -> impl Iterator<Item = Encapsulation> {
        let seen = self.seen;
        Encapsulation::ALL.iter().copied().filter(move |&kind| seen & 1 << kind as u8 != 0)
    }
}
