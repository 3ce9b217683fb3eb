//! The opening of a TLS flow: its handshake, as far as it is plain text (RFC 8446, RFC 5246).

mod hello;
mod records;

use tapline_model::{
    Direction, DropReason, FlowTuple, Handshake, IgnoreReason, ProtocolStats, Timestamp,
};
use tls_parser::TlsHandshakeType;

use self::hello::{Answer, Offer};
use self::records::{Next, Records};
use crate::Sink;
use crate::pool::{Buffer, Pool, Use};

/// How long a server's handshake that is read waits for the client's hello, which a mirror may deliver
/// later: a second of capture time, as answers wait for their requests.
const WAIT_NS: u64 = 1_000_000_000;
/// Longest name of a server (RFC 1035 section 3.1), with some room for what is none.
const NAME_BYTES_MAX: usize = 256;

/// Why a direction is not read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// All that is plain text and wanted was read.
    Read,
    /// Bytes are missing, or it was met in the middle of something.
    Missed,
    /// It is no handshake.
    Malformed,
    /// A message is longer than may be held.
    NoRoom,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    records: Records,
    stop: Option<Stop>,
}

/// A flow whose handshake is being read. What it holds is charged to the pool; give it back with
/// [`Opening::finish`].
#[derive(Debug, Default)]
pub(crate) struct Opening {
    sides: [Side; 2],
    offer: Option<Offer>,
    name: Buffer,
    answer: Option<Answer>,
    /// Who answers.
    server: Option<Direction>,
    certificate: Buffer,
    /// There was a certificate, and no room for it.
    certificate_lost: bool,
    client_certificate_asked: bool,
    /// When the last message was captured.
    at: Timestamp,
}

impl Opening {
    /// A handshake of which nothing was read.
    pub(crate) fn begin(stats: &mut ProtocolStats) -> Self {
        stats.handshakes.received += 1;
        stats.handshakes.held += 1;
        Self::default()
    }

    /// Reads bytes of a direction. Says whether there is nothing more to read in either.
    pub(crate) fn data(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        now: Timestamp,
        bytes_max: usize,
        pool: &mut Pool,
    ) -> bool {
        let mut rest = bytes;
        while self.is_read(direction) {
            let Some(side) = self.sides.get_mut(direction.index()) else { break };
            match side.records.next(&mut rest, bytes_max, pool) {
                Next::More => break,
                Next::Message => self.message(direction, now, pool),
                Next::Other => self.stop(direction, Stop::Missed, pool),
                Next::Malformed => self.stop(direction, Stop::Malformed, pool),
                Next::NoRoom => self.stop(direction, Stop::NoRoom, pool),
            }
        }
        self.is_over()
    }

    /// Passes over bytes that are missing. Says whether there is nothing more to read.
    pub(crate) fn gap(&mut self, direction: Direction, pool: &mut Pool) -> bool {
        if self.is_read(direction) {
            self.stop(direction, Stop::Missed, pool);
        }
        self.is_over()
    }

    /// Whether the answer is read and the client's hello has been waited for long enough.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.waits() && now.nanos_since(self.at) >= WAIT_NS
    }

    /// Whether the answer is read and the client's hello is not.
    pub(crate) fn waits(&self) -> bool {
        self.server.is_some_and(|server| !self.is_read(server))
    }

    /// The direction that asks, once it is known.
    pub(crate) fn client(&self) -> Option<Direction> {
        self.server.map(Direction::reverse)
    }

    /// What the budget is charged for it.
    pub(crate) fn charge(&self) -> u64 {
        let held = self.sides.iter().map(|side| side.records.charge()).sum::<u64>();
        held + self.name.charge() + self.certificate.charge()
    }

    /// Hands on what was read, if there was an answer, and gives back what it holds.
    pub(crate) fn finish(
        self,
        tuple: FlowTuple,
        pool: &mut Pool,
        stats: &mut ProtocolStats,
        sink: &mut impl Sink,
    ) {
        let ledger = &mut stats.handshakes;
        ledger.held = ledger.held.saturating_sub(1);
        if let (Some(answer), Some(server)) = (self.answer, self.server) {
            ledger.processed += 1;
            sink.handshake(&self.record(answer, server, tuple));
        } else if self.has_stopped(Stop::NoRoom) {
            ledger.drop(DropReason::BufferFull, 1);
        } else if self.has_stopped(Stop::Malformed) {
            ledger.ignore(IgnoreReason::Malformed, 1);
        } else {
            ledger.ignore(IgnoreReason::Unanswered, 1);
        }
        for side in self.sides {
            side.records.release(pool);
        }
        pool.give(self.name);
        pool.give(self.certificate);
    }

    fn record(&self, answer: Answer, server: Direction, tuple: FlowTuple) -> Handshake<'_> {
        let offer = self.offer.unwrap_or_default();
        let held = |buffer: &'_ Buffer| !buffer.is_empty();
        Handshake {
            client: tuple.sender(server.reverse()),
            server: tuple.sender(server),
            at: self.at,
            offer_seen: self.offer.is_some(),
            server_name: held(&self.name).then(|| self.name.bytes()),
            versions_offered: offer.versions,
            alpn_offered: offer.alpn,
            version: answer.version,
            cipher: answer.cipher,
            alpn: answer.alpn,
            certificate: (held(&self.certificate) || self.certificate_lost)
                .then(|| self.certificate.bytes()),
            client_certificate_asked: self.client_certificate_asked,
        }
    }

    /// Takes the message that a direction's records hold.
    fn message(&mut self, direction: Direction, now: Timestamp, pool: &mut Pool) {
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let (kind, body) = side.records.message();
        let answers = self.server == Some(direction);
        self.at = now;
        let stop = match TlsHandshakeType(kind) {
            TlsHandshakeType::ClientHello if !answers => match hello::offer(body) {
                Some((offer, name)) => {
                    pool.append(&mut self.name, name, NAME_BYTES_MAX, Use::Head);
                    self.offer = Some(offer);
                    Some(Stop::Read)
                }
                None => Some(Stop::Malformed),
            },
            TlsHandshakeType::ServerHello if self.server.is_none() => match hello::answer(body) {
                Some(answer) => {
                    self.answer = Some(answer);
                    self.server = Some(direction);
                    answer.is_last().then_some(Stop::Read)
                }
                None => Some(Stop::Malformed),
            },
            TlsHandshakeType::Certificate if answers && self.certificate.is_empty() => {
                let leaf = hello::leaf(body);
                if pool.append(&mut self.certificate, leaf, leaf.len(), Use::Head) < leaf.len() {
                    self.certificate.truncate(0);
                    self.certificate_lost = true;
                }
                None
            }
            TlsHandshakeType::CertificateRequest if answers => {
                self.client_certificate_asked = true;
                None
            }
            TlsHandshakeType::ServerDone if answers => Some(Stop::Read),
            // A server may ask for a hello before it is sent one (RFC 5246 section 7.4.1.1).
            TlsHandshakeType::HelloRequest => None,
            _ if answers => None,
            _ => Some(Stop::Missed),
        };
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.records.next_message();
        }
        if let Some(stop) = stop {
            self.stop(direction, stop, pool);
        }
    }

    /// Nothing more is read of a direction.
    fn stop(&mut self, direction: Direction, stop: Stop, pool: &mut Pool) {
        // Of what a server says after its hello only the certificate is held.
        self.certificate_lost |=
            stop == Stop::NoRoom && self.server == Some(direction) && self.certificate.is_empty();
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.stop = Some(stop);
            std::mem::take(&mut side.records).release(pool);
        }
    }

    fn is_read(&self, direction: Direction) -> bool {
        self.sides.get(direction.index()).is_some_and(|side| side.stop.is_none())
    }

    fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.stop.is_some())
    }

    fn has_stopped(&self, stop: Stop) -> bool {
        self.sides.iter().any(|side| side.stop == Some(stop))
    }
}
