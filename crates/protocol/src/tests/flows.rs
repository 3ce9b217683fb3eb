//! What a flow is, what its bytes were, and what a fault costs.

use super::*;

fn record_of(steps: &[Step]) -> (FlowRecord, Protocols) {
    let mut run = Run::new(Config::default());
    for step in steps {
        run.step(step);
    }
    let (_, recorder, protocols) = run.finish();
    assert_eq!(recorder.records.len(), 1);
    (recorder.records[0], protocols)
}

#[test]
fn http_bytes_are_classed() {
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab";
    let (record, protocols) = record_of(&[s(request), c(response), CGap(3)]);
    assert_eq!(record.client, Some(tuple().responder));
    assert_eq!(record.server, Some(tuple().initiator));
    assert!(record.opened);
    assert_eq!(record.http_bytes as usize, request.len() + response.len());
    assert_eq!((record.tls_bytes, record.other_bytes, record.gap_bytes), (0, 0, 3));
    assert_eq!(record.one_sided_bytes, 0);
    assert_eq!(protocols.stats().http1_flows, 1);
}

#[test]
fn tls_is_counted_and_not_read() {
    let (record, protocols) = record_of(&[c(b"\x16\x03"), c(b"\x01\x02\x00\x01"), CGap(7)]);
    assert_eq!((record.tls_bytes, record.gap_bytes, record.one_sided_bytes), (6, 7, 13));
    let stats = protocols.stats();
    assert_eq!((stats.tls_flows, stats.other_flows), (1, 0));
    assert_eq!(stats.chunks.ignored_total(), 3);
}

#[test]
fn other_protocols_are_ignored() {
    for first in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n", "EHLO x\r\n", "\0\0\0\x01"] {
        let (record, protocols) = record_of(&[c(first), s("whatever"), c("more")]);
        assert_eq!(record.other_bytes as usize, first.len() + 12);
        assert_eq!(protocols.stats().other_flows, 1);
        assert_eq!(protocols.stats().chunks.ignored_total(), 3);
    }
}

#[test]
fn bytes_in_a_tunnel_are_told_apart() {
    let connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    let accepted = "HTTP/1.1 200 OK\r\n\r\n";
    let (record, protocols) =
        record_of(&[c(connect), s(accepted), c(b"\x16\x03\x01\x02\x00\x01"), c("rest"), s("x")]);
    assert_eq!(record.http_bytes as usize, connect.len() + accepted.len());
    assert_eq!((record.tls_bytes, record.other_bytes), (11, 0));
    let ignored = protocols.stats().chunk_bytes.ignored;
    assert_eq!(ignored[tapline_model::IgnoreReason::UnknownProtocol as usize], 11);
    assert_eq!(protocols.stats().tls_flows, 0, "the flow is counted once");
}

#[test]
fn a_tick_records_touched_flows_in_slot_order_once() {
    let mut protocols = Protocols::new(Config::default());
    let mut sink = Recorder::default();
    for slot in [3, 1, 2, 1] {
        let chunk = Chunk {
            flow: FlowId { slot, generation: 0 },
            tuple: FlowTuple { initiator: format!("10.0.0.{slot}:1").parse().unwrap(), ..tuple() },
            direction: Direction::Forward,
            captured_at: Timestamp::from_seconds(1),
            kind: ChunkKind::Data(b"GET / HTTP/1.1\r\n\r\n"),
        };
        protocols.push(&chunk, &mut sink);
    }
    protocols.tick(Timestamp::from_seconds(2), &mut sink);
    let clients: Vec<String> =
        sink.records.iter().map(|record| record.client.unwrap().to_string()).collect();
    assert_eq!(clients, ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
    assert!(sink.records.iter().all(|record| record.opened));
    protocols.tick(Timestamp::from_seconds(3), &mut sink);
    assert_eq!(sink.records.len(), 3, "nothing came since");
}

#[test]
fn a_reused_slot_is_another_flow() {
    let mut protocols = Protocols::new(Config::default());
    let mut sink = Recorder::default();
    for generation in 0..2 {
        let chunk = Chunk {
            flow: FlowId { slot: 0, generation },
            tuple: tuple(),
            direction: Direction::Forward,
            captured_at: Timestamp::from_seconds(1),
            kind: ChunkKind::Data(b"GET / HTTP/1.0\r\n\r\n"),
        };
        protocols.push(&chunk, &mut sink);
    }
    assert_eq!(sink.lines, ["GET - / -> ? 18+0B response_missing"]);
    assert_eq!(protocols.stats().http1_flows, 2);
}

#[test]
fn a_fault_costs_one_flow_and_is_counted() {
    struct Failing;
    impl Sink for Failing {
        fn transaction(&mut self, _: &Transaction<'_>) {
            panic!("a fault of the sensor");
        }
        fn handshake(&mut self, _: &Handshake<'_>) {}

        fn flow_record(&mut self, _: &FlowRecord) {}
    }
    let mut run = Run::new(Config::default());
    run.step(&c("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
    let chunk = Chunk {
        flow: FLOW,
        tuple: tuple(),
        direction: Direction::Backward,
        captured_at: run.now,
        kind: ChunkKind::Data(b"HTTP/1.1 204 No\r\n\r\n"),
    };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run.protocols.push(&chunk, &mut Failing);
    }));
    assert!(caught.is_err());
    run.protocols.forget(FLOW);
    run.check_books();
    let stats = run.protocols.stats();
    assert_eq!(stats.internal_faults, 1);
    assert_eq!((stats.transactions.dropped_total(), stats.transactions.held), (1, 0));
    run.step(&c("GET /c HTTP/1.1\r\nHost: x\r\n\r\n"));
    run.step(&s("HTTP/1.1 204 No\r\n\r\n"));
    assert_eq!(run.finish().0, "GET x /c -> 204 28+19B\n");
}

#[test]
fn the_budget_cuts_bodies_then_heads_then_requests() {
    let config = Config {
        message_bytes_max: Config::default().message_bytes_max / 100,
        ..Config::default()
    };
    let mut protocols = Protocols::new(config);
    let mut sink = Recorder::default();
    let mut push = |slot, direction, bytes: &[u8]| {
        let chunk = Chunk {
            flow: FlowId { slot, generation: 0 },
            tuple: tuple(),
            direction,
            captured_at: Timestamp::from_seconds(1),
            kind: ChunkKind::Data(bytes),
        };
        protocols.push(&chunk, &mut sink);
        let stats = protocols.stats();
        assert!(stats.ledgers().iter().all(|(_, ledger)| ledger.is_balanced()));
    };
    let body = [b'x'; 8_000];
    for slot in 0..200 {
        push(
            slot,
            Direction::Forward,
            b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n",
        );
        push(slot, Direction::Forward, &body);
    }
    for slot in 0..200 {
        push(slot, Direction::Backward, b"HTTP/1.1 204 No\r\n\r\n");
    }
    let ledger = protocols.stats().transactions;
    assert_eq!(ledger.held, 0);
    assert!(ledger.processed > 20, "{ledger:?}");
    assert!(ledger.dropped_total() > 0, "{ledger:?}");
    let cut = sink.lines.iter().filter(|line| line.contains("...")).count();
    assert!(cut > 0, "some bodies were cut short");
    // All is given back: the next transaction is kept whole.
    push_whole(&mut protocols);
}

fn push_whole(protocols: &mut Protocols) {
    let mut sink = Recorder::default();
    let steps = [
        (Direction::Forward, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"),
        (Direction::Backward, "HTTP/1.1 204 No\r\n\r\n"),
    ];
    for (direction, text) in steps {
        let chunk = Chunk {
            flow: FlowId { slot: 7, generation: 9 },
            tuple: tuple(),
            direction,
            captured_at: Timestamp::from_seconds(2),
            kind: ChunkKind::Data(text.as_bytes()),
        };
        protocols.push(&chunk, &mut sink);
    }
    assert_eq!(sink.lines.last().unwrap(), "PUT x / -> 204 48+19B asked 2:'hi'");
}
