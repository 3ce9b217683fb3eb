//! A reassembler on the bench: hand-made segments in, words out, the books checked after every call.

use std::net::SocketAddr;

use tapline_model::{ChunkKind, DropReason, FlowId, SourceId, TcpFlags};

use super::*;

pub(super) const ACK: u8 = TcpFlags::ACK;
pub(super) const SYN: u8 = TcpFlags::SYN;
pub(super) const FIN: u8 = TcpFlags::FIN | ACK;
pub(super) const RST: u8 = TcpFlags::RST;

/// First sequence number after the SYN of each side.
pub(super) const CLIENT: u32 = 1000;
pub(super) const SERVER: u32 = 9000;

/// A reassembler, and what came out of it, in words.
pub(super) struct Bench {
    pub(super) reassembler: Reassembler,
    pub(super) now_ms: u64,
    pub(super) shown: Vec<String>,
    pub(super) client_port: u16,
    /// Every chunk's flow and direction, and what it ends.
    pub(super) log: Vec<Logged>,
}

pub(super) type Logged = (FlowId, Direction, Option<(EndReason, bool)>);

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        Self {
            reassembler: Reassembler::new(config),
            now_ms: 1_000_000,
            shown: Vec::new(),
            client_port: 40_000,
            log: Vec::new(),
        }
    }

    /// Sends as the client: flags, sequence number and acknowledgement relative to the first byte
    /// of either side, payload.
    pub(super) fn client(
        &mut self,
        flags: u8,
        sequence: u32,
        ack: u32,
        payload: &str,
    ) -> &mut Self {
        let sequence = CLIENT.wrapping_add(sequence);
        self.send(true, flags, sequence, SERVER.wrapping_add(ack), payload.as_bytes(), 0)
    }

    /// Sends as the server.
    pub(super) fn server(
        &mut self,
        flags: u8,
        sequence: u32,
        ack: u32,
        payload: &str,
    ) -> &mut Self {
        let sequence = SERVER.wrapping_add(sequence);
        self.send(false, flags, sequence, CLIENT.wrapping_add(ack), payload.as_bytes(), 0)
    }

    /// The three segments of a handshake.
    pub(super) fn handshake(&mut self) -> &mut Self {
        self.client(SYN, u32::MAX, 0, "").server(SYN | ACK, u32::MAX, 0, "").client(ACK, 0, 0, "")
    }

    pub(super) fn send(
        &mut self,
        is_client: bool,
        flags: u8,
        sequence: u32,
        acknowledgement: u32,
        payload: &[u8],
        snapped_bytes: u32,
    ) -> &mut Self {
        let client = SocketAddr::from(([10, 0, 0, 1], self.client_port));
        let server = SocketAddr::from(([10, 0, 0, 2], 80));
        let (source, destination) = if is_client { (client, server) } else { (server, client) };
        let payload_bytes = u32::try_from(payload.len()).unwrap();
        let segment = Segment {
            captured_at: Timestamp::from_nanos(self.now_ms * 1_000_000),
            capture_source: SourceId::default(),
            source,
            destination,
            network: 0,
            sequence,
            acknowledgement,
            flags: TcpFlags(flags),
            payload,
            wire_payload_bytes: payload_bytes + snapped_bytes,
            wire_bytes: snapped_bytes.saturating_add(54 + payload_bytes),
        };
        let Self { reassembler, shown, log, .. } = self;
        reassembler.push_hashed(&segment, &mut |chunk| show(chunk, shown, log));
        self.audit()
    }

    pub(super) fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.now_ms += milliseconds;
        self
    }

    pub(super) fn tick(&mut self) -> &mut Self {
        let now = Timestamp::from_nanos(self.now_ms * 1_000_000);
        let Self { reassembler, shown, log, .. } = self;
        reassembler.tick(now, &mut |chunk| show(chunk, shown, log));
        self.audit()
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        let now = Timestamp::from_nanos(self.now_ms * 1_000_000);
        let Self { reassembler, shown, log, .. } = self;
        reassembler.finish(now, &mut |chunk| show(chunk, shown, log));
        let stats = self.stats();
        assert_eq!((stats.flows_active, stats.payload_bytes.held), (0, 0));
        assert_eq!(self.reassembler.budget.held_bytes, 0);
        assert!(self.reassembler.waits.is_empty() && self.reassembler.holders.is_empty());
        self.audit()
    }

    pub(super) fn stats(&self) -> ReassemblyStats {
        self.reassembler.stats()
    }

    /// What holds after every call.
    pub(super) fn audit(&mut self) -> &mut Self {
        let stats = self.stats();
        assert!(stats.segments.is_balanced(), "{:?}", stats.segments);
        assert!(stats.payload_bytes.is_balanced(), "{:?}", stats.payload_bytes);
        let closed: u64 = stats.flows_closed.iter().sum();
        assert_eq!(stats.flows_opened, stats.flows_active + closed);
        assert_eq!(stats.flows_opened, stats.handshakes + stats.flows_midstream);
        let budget = &self.reassembler.budget;
        assert!(budget.held_bytes <= budget.held_bytes_max);
        assert!(stats.payload_bytes.held <= budget.held_bytes);
        self
    }

    /// Compares what came out since the last check.
    pub(super) fn check(&mut self, expected: &[&str]) -> &mut Self {
        assert_eq!(self.shown, expected);
        self.shown.clear();
        self
    }

    /// Whether every flow ended once, with its last chunk, and no direction went on after its FIN.
    pub(super) fn ends_are_right(&self) -> bool {
        let mut ended = BTreeSet::new();
        let mut finished = BTreeSet::new();
        self.log.iter().all(|&(flow, direction, end)| {
            let is_open = !ended.contains(&flow);
            let may_speak = match end {
                None => !finished.contains(&(flow, direction)),
                Some((EndReason::Fin, _)) => finished.insert((flow, direction)),
                Some((_, last)) => last,
            };
            if matches!(end, Some((_, true))) {
                ended.insert(flow);
            }
            is_open && may_speak
        }) && self.log.iter().all(|(flow, ..)| ended.contains(flow))
    }

    pub(super) fn ignored(&self, reason: IgnoreReason) -> (u64, u64) {
        let stats = self.stats();
        (stats.segments.ignored[reason as usize], stats.payload_bytes.ignored[reason as usize])
    }

    pub(super) fn dropped(&self, reason: DropReason) -> (u64, u64) {
        let stats = self.stats();
        (stats.segments.dropped[reason as usize], stats.payload_bytes.dropped[reason as usize])
    }

    pub(super) fn closed(&self, reason: EvictReason) -> u64 {
        self.stats().flows_closed[reason as usize]
    }
}

/// `>` is forward, `<` is backward; text is data, a number a gap, a word an end (`!` the last).
fn show(chunk: &Chunk<'_>, shown: &mut Vec<String>, log: &mut Vec<Logged>) {
    let end = match chunk.kind {
        ChunkKind::End { reason, last } => Some((reason, last)),
        ChunkKind::Data(_) | ChunkKind::Gap { .. } => None,
    };
    log.push((chunk.flow, chunk.direction, end));
    let arrow = if chunk.direction == Direction::Forward { '>' } else { '<' };
    let content = match chunk.kind {
        ChunkKind::Data(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        ChunkKind::Gap { missing_bytes } => format!("{missing_bytes}"),
        ChunkKind::End { reason, last } => format!("{reason:?}{}", if last { "!" } else { "" }),
    };
    shown.push(format!("{arrow}{content}"));
}
