//! The stage: one frame in, at most one segment out, both entered in the books.

use std::fmt;
use std::net::SocketAddr;

use tapline_model::{DecapStats, DropReason, Frame, IgnoreReason, Key, Segment, Timestamp};

use crate::duplicates::Duplicates;
use crate::fragments::Fragments;
use crate::layer::{Kind, Layer, Path};
use crate::packet::{self, Fragment, Packet, TcpHeader};
use crate::plain::Plain;
use crate::rest::Rest;
use crate::tunnel::ppp;
use crate::{Config, ether_type, link, tunnel};

/// Turns frames into TCP segments. Holds nothing but IP fragments, and allocates for them alone.
pub struct Decap {
    config: Config,
    duplicates: Duplicates,
    fragments: Fragments,
    /// Of frames that carry or complete a segment of a flow that is followed here.
    followed: DecapStats,
    /// Of all others but those whose segments are followed elsewhere, which are in no book.
    rest: DecapStats,
}

/// Who takes the segments. A closure takes those of every flow.
pub trait Sink {
    /// Whether it takes those of this flow. If not, somebody else does: the frame is in nobody's
    /// books here, and nobody asks here whether it was seen before.
    #[inline]
    fn follows(&mut self, _source: SocketAddr, _destination: SocketAddr, _network: u32) -> bool {
        true
    }

    /// Takes one, of the flow that was asked for last.
    fn segment(&mut self, segment: Segment<'_>);
}

impl<F: FnMut(Segment<'_>)> Sink for F {
    #[inline]
    fn segment(&mut self, segment: Segment<'_>) {
        self(segment);
    }
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
    /// A segment that was seen before.
    Repeated,
    /// Somebody else follows its flow.
    Elsewhere,
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
            followed: DecapStats::default(),
            rest: DecapStats::default(),
            config,
        }
    }

    /// Takes one frame; `sink` gets the segment, if it carries or completes one.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut impl Sink) {
        self.take(frame, sink);
    }

    /// The same, and says what became of the frame if no segment did.
    #[inline]
    pub(crate) fn take(&mut self, frame: &Frame<'_>, sink: &mut impl Sink) -> Option<Left> {
        let Some(plain) = Plain::of(frame) else {
            return self.take_layered(frame, sink);
        };
        let (source, destination) = plain.ends();
        let segment = match self.claim(source, destination, 0, sink) {
            Ok(()) => self.segment(frame, &plain.packet(), &plain.tcp(), 0),
            Err(left) => Err(left),
        };
        match segment {
            Ok(segment) => {
                self.book_processed(frame.wire_bytes);
                sink.segment(segment);
                None
            }
            Err(left) => {
                // Of who shares the frames with others, these are most: they cost no call.
                if left != Left::Elsewhere {
                    self.book(left, frame.wire_bytes);
                }
                Some(left)
            }
        }
    }

    /// Takes a frame that has more to it, layer after layer.
    #[inline(never)]
    pub(crate) fn take_layered(&mut self, frame: &Frame<'_>, sink: &mut impl Sink) -> Option<Left> {
        let mut path = Path::new(self.config.nesting_max);
        let outcome = match link::open(frame) {
            Ok(layer) => self.descend(frame, layer, &mut path, sink),
            Err(reason) => Err(reason.into()),
        };
        let stats = match outcome {
            Ok(()) => {
                self.book_processed(frame.wire_bytes);
                &mut self.followed
            }
            Err(left) => match self.book(left, frame.wire_bytes) {
                Some(stats) => stats,
                None => return Some(left),
            },
        };
        if !path.is_plain() {
            for kind in path.seen() {
                if let Some(count) = stats.encapsulations.get_mut(kind as usize) {
                    *count += 1;
                }
            }
        }
        outcome.err()
    }

    /// Books a frame whose segment was handed on.
    #[inline]
    fn book_processed(&mut self, wire_bytes: u32) {
        let DecapStats { packets, bytes, .. } = &mut self.followed;
        packets.received += 1;
        packets.processed += 1;
        bytes.received += u64::from(wire_bytes);
        bytes.processed += u64::from(wire_bytes);
    }

    /// Books a frame that did not become a segment, and says in which books.
    #[inline(never)]
    fn book(&mut self, left: Left, wire_bytes: u32) -> Option<&mut DecapStats> {
        let wire_bytes = u64::from(wire_bytes);
        let (stats, left) = match left {
            Left::Elsewhere => return None,
            Left::Repeated => (&mut self.followed, IgnoreReason::Duplicate.into()),
            Left::Ignored(_) | Left::Dropped(_) | Left::Held => (&mut self.rest, left),
        };
        let DecapStats { packets, bytes, .. } = stats;
        packets.received += 1;
        bytes.received += wire_bytes;
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
            Left::Repeated | Left::Elsewhere => {}
        }
        Some(stats)
    }

    /// Lets time pass: fragments that waited for too long are dropped.
    pub fn tick(&mut self, now: Timestamp) {
        self.fragments.tick(now, &mut self.rest);
    }

    /// The capture ended: fragments that wait are dropped.
    pub fn finish(&mut self) {
        self.fragments.finish(&mut self.rest);
    }

    /// Totals since start, of every frame but those that are followed elsewhere.
    pub fn stats(&self) -> DecapStats {
        let mut stats = self.followed;
        stats.add(&self.rest);
        stats
    }

    /// Totals since start of the frames that belong to flows which are followed here. Of several who
    /// walk the same frames, each follows its own flows, and one keeps the books of what is left.
    pub fn stats_of_followed(&self) -> DecapStats {
        self.followed
    }

    /// Takes off layer after layer, down to the segment.
    fn descend(
        &mut self,
        frame: &Frame<'_>,
        mut layer: Layer<'_>,
        path: &mut Path,
        sink: &mut impl Sink,
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
        sink: &mut impl Sink,
    ) -> Result<(), Left> {
        self.rest.fragments += 1;
        if !tunnel::may_carry_tcp(packet.protocol) {
            return Err(IgnoreReason::NotTcp.into());
        }
        let network = self.network(*path);
        let at = frame.captured_at;
        if self.duplicates.is_repeated_fragment(packet, fragment, network, at) {
            return Err(IgnoreReason::Duplicate.into());
        }
        let Self { fragments, rest, .. } = self;
        fragments.tick(frame.captured_at, rest);
        let whole = fragments.push(packet, fragment, network, frame.wire_bytes.into(), rest)?;
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
        sink: &mut impl Sink,
    ) -> Result<(), Left> {
        let tcp = packet::read_tcp(packet.rest)?;
        let network = self.network(path);
        let source = SocketAddr::new(packet.source, tcp.source_port);
        let destination = SocketAddr::new(packet.destination, tcp.destination_port);
        self.claim(source, destination, network, sink)?;
        let segment = self.segment(frame, packet, &tcp, network)?;
        sink.segment(segment);
        Ok(())
    }

    /// Whether the segments of a flow are looked at here.
    #[inline]
    fn claim(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        network: u32,
        sink: &mut impl Sink,
    ) -> Result<(), Left> {
        let has_own = !self.config.own_sockets.is_empty();
        if has_own && (self.is_own(source) || self.is_own(destination)) {
            return Err(IgnoreReason::OwnTraffic.into());
        }
        // The copies of a packet are of one flow, so whoever follows it knows them all.
        if sink.follows(source, destination, network) { Ok(()) } else { Err(Left::Elsewhere) }
    }

    /// The segment of a packet, unless it was seen before.
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
        if self.duplicates.is_repeated_segment(packet, tcp, network, frame.captured_at) {
            return Err(Left::Repeated);
        }
        if source.is_ipv4() {
            self.followed.ipv4_segments += 1;
        } else {
            self.followed.ipv6_segments += 1;
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
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
