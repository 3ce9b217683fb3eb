//! The stage: one frame in, at most one segment out, both entered in the books.

use std::fmt;
use std::net::SocketAddr;

use tapline_model::{DecapStats, DropReason, Frame, IgnoreReason, Key, Segment, Timestamp};

use crate::duplicates::Duplicates;
use crate::fragments::Fragments;
use crate::layer::{Kind, Layer, Path};
use crate::packet::{self, Fragment, Packet, TcpHeader};
use crate::rest::Rest;
use crate::tunnel::ppp;
use crate::{Config, ether_type, link, plain, tunnel};

/// Turns frames into TCP segments. Holds nothing but IP fragments, and allocates for them alone.
pub struct Decap {
    config: Config,
    duplicates: Duplicates,
    fragments: Fragments,
    stats: DecapStats,
}

/// Why a frame did not become a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Left out.
    Ignored(IgnoreReason),
    /// Lost.
    Dropped(DropReason),
    /// Waits for other fragments.
    Held,
}

impl From<IgnoreReason> for Left {
    fn from(reason: IgnoreReason) -> Self {
        Self::Ignored(reason)
    }
}

impl Decap {
    /// A stage that has seen nothing. The key decides which packets share a place in the table of
    /// duplicates.
    pub fn new(config: Config, key: &Key) -> Self {
        Self {
            duplicates: Duplicates::new(config.duplicate_window_ms, key),
            fragments: Fragments::new(&config),
            stats: DecapStats::default(),
            config,
        }
    }

    /// Takes one frame; `sink` gets the segment, if it carries or completes one.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut impl FnMut(Segment<'_>)) {
        self.take(frame, sink);
    }

    /// The same, and says what became of the frame if no segment did.
    #[inline]
    pub(crate) fn take(
        &mut self,
        frame: &Frame<'_>,
        sink: &mut impl FnMut(Segment<'_>),
    ) -> Option<Left> {
        let Some((packet, tcp)) = plain::read(frame) else {
            return self.take_layered(frame, sink);
        };
        let wire_bytes = u64::from(frame.wire_bytes);
        self.stats.packets.received += 1;
        self.stats.bytes.received += wire_bytes;
        match self.segment(frame, &packet, &tcp, 0) {
            Ok(segment) => {
                self.stats.packets.processed += 1;
                self.stats.bytes.processed += wire_bytes;
                sink(segment);
                None
            }
            Err(left) => {
                self.book(left, wire_bytes);
                Some(left)
            }
        }
    }

    /// Takes a frame that has more to it, layer after layer.
    #[inline(never)]
    pub(crate) fn take_layered(
        &mut self,
        frame: &Frame<'_>,
        sink: &mut impl FnMut(Segment<'_>),
    ) -> Option<Left> {
        let wire_bytes = u64::from(frame.wire_bytes);
        self.stats.packets.received += 1;
        self.stats.bytes.received += wire_bytes;
        let mut path = Path::new(self.config.nesting_max);
        let outcome = match link::open(frame) {
            Ok(layer) => self.descend(frame, layer, &mut path, sink),
            Err(reason) => Err(reason.into()),
        };
        match outcome {
            Ok(()) => {
                self.stats.packets.processed += 1;
                self.stats.bytes.processed += wire_bytes;
            }
            Err(left) => self.book(left, wire_bytes),
        }
        if !path.is_plain() {
            for kind in path.seen() {
                if let Some(count) = self.stats.encapsulations.get_mut(kind as usize) {
                    *count += 1;
                }
            }
        }
        outcome.err()
    }

    /// Books a frame that did not become a segment.
    #[inline(never)]
    fn book(&mut self, left: Left, wire_bytes: u64) {
        let DecapStats { packets, bytes, .. } = &mut self.stats;
        match left {
            Left::Ignored(reason) => {
                packets.ignore(reason, 1);
                bytes.ignore(reason, wire_bytes);
            }
            Left::Dropped(reason) => {
                packets.drop(reason, 1);
                bytes.drop(reason, wire_bytes);
            }
            Left::Held => {
                packets.held += 1;
                bytes.held += wire_bytes;
            }
        }
    }

    /// Lets time pass: fragments that waited for too long are dropped.
    pub fn tick(&mut self, now: Timestamp) {
        self.fragments.tick(now, &mut self.stats);
    }

    /// The capture ended: fragments that wait are dropped.
    pub fn finish(&mut self) {
        self.fragments.finish(&mut self.stats);
    }

    /// Totals since start.
    pub fn stats(&self) -> DecapStats {
        self.stats
    }

    /// Takes off layer after layer, down to the segment.
    fn descend(
        &mut self,
        frame: &Frame<'_>,
        mut layer: Layer<'_>,
        path: &mut Path,
        sink: &mut impl FnMut(Segment<'_>),
    ) -> Result<(), Left> {
        loop {
            let rest = layer.rest;
            let packet = match layer.kind {
                Kind::EtherType(ether_type::IPV4) | Kind::Ipv4 => packet::read_ipv4(rest)?,
                Kind::EtherType(ether_type::IPV6) | Kind::Ipv6 => packet::read_ipv6(rest)?,
                Kind::EtherType(number) => {
                    layer = ether_type::open(number, rest, path)?;
                    continue;
                }
                Kind::Ethernet => {
                    layer = link::ethernet(rest)?;
                    continue;
                }
                Kind::Ppp => {
                    layer = ppp::open(rest, path)?;
                    continue;
                }
            };
            if let Some(fragment) = packet.fragment {
                return self.fragment(frame, &packet, fragment, path, sink);
            }
            if packet.protocol == packet::TCP {
                return self.deliver(frame, &packet, *path, sink);
            }
            layer = tunnel::open(&self.config, &packet, path)?;
        }
    }

    /// Puts a fragment to the others of its datagram; goes on with the datagram if it is whole.
    fn fragment(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        fragment: Fragment,
        path: &mut Path,
        sink: &mut impl FnMut(Segment<'_>),
    ) -> Result<(), Left> {
        self.stats.fragments += 1;
        if !tunnel::may_carry_tcp(packet.protocol) {
            return Err(IgnoreReason::NotTcp.into());
        }
        let network = self.network(*path);
        let at = frame.captured_at;
        if self.duplicates.is_repeated_fragment(packet, fragment, network, at) {
            return Err(IgnoreReason::Duplicate.into());
        }
        let Self { fragments, stats, .. } = self;
        fragments.tick(frame.captured_at, stats);
        let whole = fragments.push(packet, fragment, network, frame.wire_bytes.into(), stats)?;
        let datagram = Packet {
            protocol: whole.protocol,
            fragment: None,
            rest: Rest { bytes: &whole.bytes, wire_bytes: whole.bytes.len() },
            ..*packet
        };
        let datagram = packet::without_extensions(datagram)?;
        if datagram.protocol == packet::TCP {
            return self.deliver(frame, &datagram, *path, sink);
        }
        let layer = tunnel::open(&self.config, &datagram, path)?;
        // The tunnel was one level, so this ends at `nesting_max`.
        self.descend(frame, layer, path, sink)
    }

    fn deliver(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        path: Path,
        sink: &mut impl FnMut(Segment<'_>),
    ) -> Result<(), Left> {
        let tcp = packet::read_tcp(packet.rest)?;
        sink(self.segment(frame, packet, &tcp, self.network(path))?);
        Ok(())
    }

    /// The segment of a packet, unless it is to be left out.
    #[inline]
    fn segment<'a>(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        tcp: &TcpHeader<'a>,
        network: u32,
    ) -> Result<Segment<'a>, Left> {
        let source = SocketAddr::new(packet.source, tcp.source_port);
        let destination = SocketAddr::new(packet.destination, tcp.destination_port);
        let has_own = !self.config.own_sockets.is_empty();
        if has_own && (self.is_own(source) || self.is_own(destination)) {
            return Err(IgnoreReason::OwnTraffic.into());
        }
        if self.duplicates.is_repeated_segment(packet, tcp, network, frame.captured_at) {
            return Err(IgnoreReason::Duplicate.into());
        }
        if source.is_ipv4() {
            self.stats.ipv4_segments += 1;
        } else {
            self.stats.ipv6_segments += 1;
        }
        Ok(Segment {
            captured_at: frame.captured_at,
            capture_source: frame.source,
            source,
            destination,
            network,
            sequence: tcp.sequence,
            acknowledgement: tcp.acknowledgement,
            flags: tcp.flags,
            payload: tcp.payload,
            wire_payload_bytes: tcp.wire_payload_bytes,
            wire_bytes: frame.wire_bytes,
        })
    }

    /// The network as far as it is part of a flow.
    fn network(&self, path: Path) -> u32 {
        if self.config.overlapping_networks { path.network } else { 0 }
    }

    /// Whether a socket is the sensor's own. A listener on the unspecified address listens on every
    /// address, so for it the port decides.
    fn is_own(&self, socket: SocketAddr) -> bool {
        self.config.own_sockets.iter().any(|own| {
            own.port() == socket.port() && (own.ip() == socket.ip() || own.ip().is_unspecified())
        })
    }
}

impl fmt::Debug for Decap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decap")
            .field("config", &self.config)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
