//! Whole dialogues: chunks in, transactions out.
#![expect(clippy::cast_possible_truncation, reason = "what a test sends is small")]

use std::fmt::Write;

use tapline_model::{
    Chunk, ChunkKind, Direction, EndReason, FlowId, FlowRecord, FlowTuple, Handshake, Timestamp,
    Transaction,
};

use crate::{Config, Protocols, Sink};

mod dialogues;
mod flows;
mod gaps;
mod properties;
mod tls;
mod vectors;

/// A step of a dialogue. Steps are a millisecond apart.
#[derive(Clone, Debug)]
enum Step {
    /// The opener of the flow sends.
    C(Vec<u8>),
    /// The other side sends.
    S(Vec<u8>),
    /// Bytes of a direction are missing.
    CGap(u64),
    SGap(u64),
    CFin,
    SFin,
    Reset,
    Idle,
    /// Seconds pass.
    Wait(u64),
}

use Step::{C, CFin, CGap, Reset, S, SFin, SGap, Wait};

fn c(text: impl AsRef<[u8]>) -> Step {
    C(text.as_ref().to_vec())
}

fn s(text: impl AsRef<[u8]>) -> Step {
    S(text.as_ref().to_vec())
}

const FLOW: FlowId = FlowId { slot: 0, generation: 0 };

fn tuple() -> FlowTuple {
    FlowTuple {
        initiator: "10.0.0.1:40000".parse().unwrap(),
        responder: "10.0.0.2:8080".parse().unwrap(),
    }
}

/// Writes down what comes out.
#[derive(Default)]
struct Recorder {
    lines: Vec<String>,
    records: Vec<FlowRecord>,
    handshakes: Vec<String>,
    without_content: bool,
    /// What it is asked about wanting bodies, and whether it says no.
    questions: Vec<String>,
    bodies_unwanted: bool,
}

impl Sink for Recorder {
    fn wants_bodies(&mut self, transaction: &Transaction<'_>) -> bool {
        self.questions.push(show(transaction, !self.without_content));
        !self.bodies_unwanted
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.lines.push(show(transaction, !self.without_content));
    }

    fn handshake(&mut self, handshake: &Handshake<'_>) {
        self.handshakes.push(tls::show(handshake));
    }

    fn flow_record(&mut self, record: &FlowRecord) {
        self.records.push(*record);
    }
}

/// `method authority path?query -> status`, sizes, content, then what was wrong.
fn show(transaction: &Transaction<'_>, with_content: bool) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let mut line = String::new();
    match &transaction.request {
        None => line += "?",
        Some(request) => {
            let authority = request.authority.map_or("-".to_owned(), text);
            write!(line, "{} {authority} {}", text(request.method), text(request.path)).unwrap();
            if let Some(query) = request.query {
                write!(line, "?{}", text(query)).unwrap();
            }
        }
    }
    match &transaction.response {
        None => line += " -> ?",
        Some(response) => write!(line, " -> {}", response.status).unwrap(),
    }
    write!(line, " {}+{}B", transaction.request_bytes, transaction.response_bytes).unwrap();
    for (name, body) in
        [("asked", &transaction.request_body), ("answered", &transaction.response_body)]
    {
        if with_content && body.wire_bytes > 0 {
            let sample = text(body.sample.bytes);
            let more = if body.sample.truncated { "..." } else { "" };
            write!(line, " {name} {}:{}'{sample}'{more}", body.wire_bytes, body.media_type)
                .unwrap();
        }
    }
    if transaction.completeness != tapline_model::Completeness::Whole {
        write!(line, " {}", transaction.completeness.label()).unwrap();
    }
    for anomaly in transaction.anomalies.iter() {
        write!(line, " !{}", anomaly.label()).unwrap();
    }
    line
}

/// One flow under test.
struct Run {
    protocols: Protocols,
    sink: Recorder,
    now: Timestamp,
    ended: bool,
}

impl Run {
    fn new(config: Config) -> Self {
        let now = Timestamp::from_seconds(1_000);
        Self { protocols: Protocols::new(config), sink: Recorder::default(), now, ended: false }
    }

    fn step(&mut self, step: &Step) {
        self.now = self.now.plus_nanos(1_000_000);
        self.step_at(step, self.now);
    }

    fn step_at(&mut self, step: &Step, at: Timestamp) {
        let (direction, kind) = match step {
            C(bytes) => (Direction::Forward, ChunkKind::Data(bytes)),
            S(bytes) => (Direction::Backward, ChunkKind::Data(bytes)),
            CGap(missing) => (Direction::Forward, ChunkKind::Gap { missing_bytes: *missing }),
            SGap(missing) => (Direction::Backward, ChunkKind::Gap { missing_bytes: *missing }),
            CFin => (Direction::Forward, ChunkKind::End { reason: EndReason::Fin, last: false }),
            SFin => (Direction::Backward, ChunkKind::End { reason: EndReason::Fin, last: false }),
            Reset => (Direction::Forward, ChunkKind::End { reason: EndReason::Reset, last: true }),
            Step::Idle => {
                (Direction::Forward, ChunkKind::End { reason: EndReason::Idle, last: true })
            }
            Wait(seconds) => {
                for _ in 0..*seconds {
                    self.now = self.now.plus_nanos(1_000_000_000);
                    self.protocols.tick(self.now, &mut self.sink);
                }
                return self.check_books();
            }
        };
        if let ChunkKind::End { last: true, .. } = kind {
            self.ended = true;
        }
        let chunk = Chunk { flow: FLOW, tuple: tuple(), direction, captured_at: at, kind };
        self.protocols.push(&chunk, &mut self.sink);
        self.check_books();
    }

    fn check_books(&self) {
        let stats = self.protocols.stats();
        for (name, ledger) in stats.ledgers() {
            assert!(ledger.is_balanced(), "{name}: {ledger:?}");
        }
    }

    /// Ends the flow if no step has, and gives one line per transaction.
    fn finish(mut self) -> (String, Recorder, Protocols) {
        if !self.ended {
            let reason = EndReason::CaptureEnd;
            let kind = ChunkKind::End { reason, last: true };
            let direction = Direction::Forward;
            let chunk =
                Chunk { flow: FLOW, tuple: tuple(), direction, captured_at: self.now, kind };
            self.protocols.push(&chunk, &mut self.sink);
        }
        self.check_books();
        let stats = self.protocols.stats();
        for (name, ledger) in stats.ledgers() {
            assert_eq!(ledger.held, 0, "{name} holds something after the end");
        }
        let lines = self.sink.lines.iter().fold(String::new(), |all, line| all + line + "\n");
        (lines, self.sink, self.protocols)
    }
}

fn run_with(config: Config, steps: &[Step]) -> String {
    let mut run = Run::new(config);
    for step in steps {
        run.step(step);
    }
    run.finish().0
}

fn run(steps: &[Step]) -> String {
    run_with(Config::default(), steps)
}

/// The one check: a dialogue gives these transactions.
fn check(steps: &[Step], expected: &expect_test::Expect) {
    expected.assert_eq(&run(steps));
}
