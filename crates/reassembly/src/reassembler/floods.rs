//! Floods: what they may take, and that the healthy flow beside them loses nothing.

use std::net::SocketAddr;

use tapline_model::{ChunkKind, EvictReason, SourceId, TcpFlags};

use super::bench::{ACK, RST, SYN};
use super::*;

const SYN_ACK: u8 = SYN | ACK;
const SERVER: [u8; 4] = [10, 0, 0, 2];
const HEALTHY: u32 = 1;
/// The first client of the flood.
const CROWD: u32 = 0x0b00_0000;

/// One shard under a flood, with a healthy flow beside it.
struct Flood {
    reassembler: Reassembler,
    now: Timestamp,
    /// Where the healthy flow stands.
    asked: u32,
    answered: u32,
    /// What of the healthy flow came out.
    healthy_bytes: u64,
    healthy_faults: u64,
    held_bytes_most: u64,
}

impl Flood {
    fn new() -> Self {
        let mut flood = Self {
            reassembler: Reassembler::new(Config::default()),
            now: Timestamp::from_seconds(1000),
            asked: 0,
            answered: 0,
            healthy_bytes: 0,
            healthy_faults: 0,
            held_bytes_most: 0,
        };
        flood.send(HEALTHY, true, SYN, u32::MAX, 0, b"");
        flood.send(HEALTHY, false, SYN_ACK, u32::MAX, 0, b"");
        flood.send(HEALTHY, true, ACK, 0, 0, b"");
        flood.exchange();
        flood
    }

    /// Sends a segment of the flow of a client, a microsecond after the last.
    fn send(
        &mut self,
        client: u32,
        is_client: bool,
        flags: u8,
        sequence: u32,
        acknowledgement: u32,
        payload: &[u8],
    ) {
        self.now = self.now.plus_nanos(1000);
        let client_end = SocketAddr::from((client.to_be_bytes(), 40_000));
        let server_end = SocketAddr::from((SERVER, 80));
        let (source, destination) =
            if is_client { (client_end, server_end) } else { (server_end, client_end) };
        let segment = Segment {
            captured_at: self.now,
            capture_source: SourceId::default(),
            source,
            destination,
            network: 0,
            sequence,
            acknowledgement,
            flags: TcpFlags(flags),
            payload,
            wire_payload_bytes: u32::try_from(payload.len()).unwrap(),
            wire_bytes: 0,
        };
        let Self { reassembler, healthy_bytes, healthy_faults, .. } = self;
        reassembler.push_hashed(&segment, &mut |chunk| {
            if chunk.tuple.initiator == SocketAddr::from((HEALTHY.to_be_bytes(), 40_000)) {
                match chunk.kind {
                    ChunkKind::Data(bytes) => *healthy_bytes += bytes.len() as u64,
                    ChunkKind::Gap { .. } | ChunkKind::End { .. } => *healthy_faults += 1,
                }
            }
        });
        self.held_bytes_most = self.held_bytes_most.max(self.reassembler.budget.held_bytes);
    }

    /// The healthy flow asks and is answered; its segments come out of order.
    fn exchange(&mut self) {
        let (asked, answered) = (self.asked, self.answered);
        self.send(HEALTHY, true, ACK, asked + 1000, answered, &[b'q'; 500]);
        self.send(HEALTHY, true, ACK, asked, answered, &[b'q'; 1000]);
        self.send(HEALTHY, false, ACK, answered + 1400, asked + 1500, &[b'a'; 1400]);
        self.send(HEALTHY, false, ACK, answered, asked + 1500, &[b'a'; 1400]);
        (self.asked, self.answered) = (asked + 1500, answered + 2800);
    }

    /// Sends `count` times what `wave` sends, an exchange of the healthy flow every thousand times,
    /// and judges.
    fn check(mut self, count: u32, wave: impl Fn(&mut Self, u32)) -> ReassemblyStats {
        for index in 0..count {
            wave(&mut self, index);
            if index % 1000 == 999 {
                self.exchange();
            }
            if index % 100_000 == 99_999 {
                self.reassembler.tick(self.now, &mut |_| ());
            }
        }
        let config = Config::default();
        let flows_max = u64::from(config.flows_max) / SHARDS as u64;
        let stats = self.reassembler.stats();
        assert!(stats.flows_active <= flows_max, "{} flows", stats.flows_active);
        assert!(u64::from(self.reassembler.table.slot_count()) <= flows_max);
        assert!(self.held_bytes_most <= config.held_bytes_max / SHARDS as u64);
        assert_eq!(
            (self.healthy_bytes, self.healthy_faults),
            (4300 * u64::from(count / 1000 + 1), 0)
        );
        assert!(stats.segments.is_balanced() && stats.payload_bytes.is_balanced());
        stats
    }
}

#[test]
fn a_flood_of_syns_pushes_out_none_but_its_own() {
    let stats = Flood::new().check(1_000_000, |flood, index| {
        let client = CROWD + index;
        flood.send(client, true, SYN, client, 0, b"");
    });
    assert!(stats.flows_closed[EvictReason::TableFull as usize] > 900_000);
}

#[test]
fn a_flood_of_answered_handshakes_pushes_out_none_but_its_own() {
    Flood::new().check(100_000, |flood, index| {
        let client = CROWD + index;
        flood.send(client, true, SYN, u32::MAX, 0, b"");
        flood.send(client, false, SYN_ACK, u32::MAX, 0, b"");
        flood.send(client, true, ACK, 0, 0, b"");
    });
}

#[test]
fn a_flood_of_half_open_requests_pushes_out_none_but_its_own() {
    Flood::new().check(100_000, |flood, index| {
        let client = CROWD + index;
        flood.send(client, true, SYN, u32::MAX, 0, b"");
        flood.send(client, false, SYN_ACK, u32::MAX, 0, b"");
        flood.send(client, true, ACK, 0, 0, b"POST /upload HTTP/1.1\r\nHost: a\r\nCont");
    });
}

#[test]
fn a_flood_of_holes_in_unanswered_flows_costs_the_healthy_flow_nothing() {
    let stats = Flood::new().check(100_000, |flood, index| {
        let client = CROWD + index;
        flood.send(client, true, SYN, u32::MAX, 0, b"");
        flood.send(client, true, ACK, 1, 0, b"x");
    });
    assert!(stats.gap_bytes > 0);
}

#[test]
fn a_flood_of_holes_in_answered_flows_costs_the_healthy_flow_nothing() {
    // Each flow of the flood holds far more than the healthy one.
    let big = [b'x'; 1400];
    let stats = Flood::new().check(100_000, |flood, index| {
        let (client, round) = (CROWD + index % 1000, index / 1000);
        if round == 0 {
            flood.send(client, true, ACK, 0, 0, b"ask");
            flood.send(client, false, ACK, 0, 3, b"answer");
        }
        for part in 0..4 {
            flood.send(client, true, ACK, 100 + (round * 4 + part) * 2000, 6, &big);
        }
    });
    assert!(stats.gap_bytes > 0);
}

#[test]
fn a_flow_of_nothing_but_holes_stays_within_its_bound() {
    let stats = Flood::new().check(100_000, |flood, index| {
        flood.send(CROWD, true, ACK, index * 2, 0, b"x");
    });
    assert!(stats.gap_bytes > 0);
}

#[test]
fn flows_in_which_every_segment_is_out_of_order_lose_nothing() {
    let stats = Flood::new().check(100_000, |flood, index| {
        // A hundred flows, pairs of segments swapped.
        let (client, round) = (CROWD + index % 100, index / 100);
        if round == 0 {
            flood.send(client, true, SYN, u32::MAX, 0, b"");
        }
        flood.send(client, true, ACK, round * 200 + 100, 0, &[b'x'; 100]);
        flood.send(client, true, ACK, round * 200, 0, &[b'x'; 100]);
    });
    assert_eq!((stats.gaps, stats.payload_bytes.dropped_total()), (0, 0));
    assert!(stats.out_of_order_segments >= 100_000);
}

#[test]
fn a_flood_of_resets_opens_nothing() {
    let stats = Flood::new().check(100_000, |flood, index| {
        let client = CROWD + index;
        flood.send(client, true, RST, client, 0, b"");
    });
    assert_eq!(stats.flows_opened, 1);
}
